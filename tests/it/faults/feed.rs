//! Clients that follow the feed while it loses events.

use data_encoding::BASE64URL_NOPAD;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::{Answer, Kind, Member, World, on_both_databases};

use super::rows;

async fn page(member: &Member, after: &Value) -> Answer {
    let document = "query($after: String) { events(first: 200, after: $after) {
        nodes { id type } edges { cursor } pageInfo { endCursor hasNextPage } } }";
    member.send(document, json!({"after": after})).await
}

/// Deletes the events after a place and the accounts that they created, and lets the places be given out again, as a failover
/// to a standby that had not received the events does.
async fn lose(world: &World, last: i64) {
    let database = world.server().database();
    let connection = database.connect().await;
    let numbers = match database.kind() {
        Kind::Postgres => format!("SELECT setval('event_seq', {last})"),
        Kind::Sqlite => format!("UPDATE sqlite_sequence SET seq = {last} WHERE name = 'event'"),
    };
    for statement in [
        format!("DELETE FROM seat WHERE account_id IN (SELECT subject_id FROM event WHERE seq > {last})"),
        format!("DELETE FROM account WHERE id IN (SELECT subject_id FROM event WHERE seq > {last})"),
        format!("DELETE FROM event WHERE seq > {last}"),
        numbers,
    ] {
        connection.execute_unprepared(&statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[on_both_databases]
async fn a_follower_ahead_of_a_restored_feed_is_told_to_start_over(world: &World) {
    let admin = world.admin();
    admin.account(json!({"name": "Kept"})).await;
    let kept = page(admin, &Value::Null).await;
    let connection = world.server().database().connect().await;
    let last: i64 = rows(&connection, "SELECT max(seq) FROM event").await[0].try_get_by_index(0).unwrap();
    connection.close().await.unwrap();

    admin.account(json!({"name": "Lost"})).await;
    let ahead = page(admin, kept.data("events.pageInfo.endCursor")).await;
    let ahead = ahead.data("events.pageInfo.endCursor").clone();
    lose(world, last).await;
    // Other events get the same places.
    admin.account(json!({"name": "After"})).await;
    admin.account(json!({"name": "Later"})).await;

    let refused = page(admin, &ahead).await;
    assert_eq!(refused.error_code(), "BAD_USER_INPUT", "{refused}");
    assert!(refused.to_string().contains("start over"), "{refused}");
    // A client that has read only events that were kept misses nothing.
    let missed = page(admin, kept.data("events.pageInfo.endCursor")).await;
    assert!(missed.each("events.nodes", "type").contains(&&json!("account.created")), "{missed}");
    let all = page(admin, &Value::Null).await.data("events.nodes").as_array().unwrap().len();
    let seen = kept.data("events.nodes").as_array().unwrap().len();
    assert_eq!(missed.data("events.nodes").as_array().unwrap().len(), all - seen);
}

#[on_both_databases]
async fn a_cursor_holds_the_id_of_its_event_and_nothing_else(world: &World) {
    let other = world.another_organization("Globex").await;
    for number in 0..5 {
        other.admin().account(json!({"name": format!("Hidden {number}")})).await;
        world.admin().account(json!({"name": format!("Account {number}")})).await;
    }
    let page = page(world.admin(), &Value::Null).await;
    let connection = world.server().database().connect().await;
    for (node, edge) in page.each("events.nodes", "id").iter().zip(page.each("events.edges", "cursor")) {
        let bytes = BASE64URL_NOPAD.decode(edge.as_str().unwrap().as_bytes()).unwrap();
        let id: entity::EventId = entity::Id::parse(node.as_str().unwrap()).unwrap();
        // The cursor consists of the id, which the node has anyway, and a checksum.
        assert_eq!((&bytes[..16], bytes.len()), (entity::Id::uuid(id).as_bytes().as_slice(), 20));
    }
    connection.close().await.unwrap();
    // Cursors of the same event in another list and of another organization, and a modified one.
    let cursor = page.data("events.edges.3.cursor").as_str().unwrap().to_owned();
    let ask = "query($after: String) { events(first: 1, after: $after) { nodes { id } } }";
    assert_eq!(other.admin().send(ask, json!({"after": cursor})).await.error_code(), "BAD_USER_INPUT");
    let mangled = cursor.replace(&cursor[3..4], if &cursor[3..4] == "A" { "B" } else { "A" });
    assert_eq!(world.admin().send(ask, json!({"after": mangled})).await.error_code(), "BAD_USER_INPUT");
    let history =
        "query($after: String) { accounts(first: 1) { nodes { history(first: 1, after: $after) { nodes { id } } } } }";
    assert_eq!(world.admin().send(history, json!({"after": cursor})).await.error_code(), "BAD_USER_INPUT");
}
