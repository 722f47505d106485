//! Users who are deactivated on one server while another server still has them in its cache.

use serde_json::json;
use tests::program::Program;
use tests::{World, actors, on_both_databases};

const CREATE: &str =
    "mutation($name: String!) { createAccount(input: {name: $name}) { account { id } userErrors { message } } }";
const UPSERT: &str = "failed";

#[on_both_databases]
async fn nothing_is_written_on_another_server_once_the_deactivation_is_committed(world: &World) {
    let ann = world.seller("Ann").await;
    ann.account(json!({"name": "Acme"})).await;
    let elsewhere = Program::serve(world.server().database(), &[]).await;
    let there = elsewhere.stranger().with_token(ann.token());
    there.send(CREATE, json!({"name": "Before"})).await.done();
    assert_eq!(there.query("{ me { name } }").await.text("me.name"), "Ann", "and is remembered");

    let input = json!({"id": ann.id(), "successorId": world.admin().id()});
    world.admin().mutate("deactivateUser", "user { active }", input).await.done();
    for number in 0..5 {
        let answer = there.send(CREATE, json!({"name": format!("After {number}")})).await;
        assert_eq!(answer.error_code(), "UNAUTHENTICATED", "{answer}");
    }
    let row = |number: usize| json!({"externalId": {"source": "crm", "id": number.to_string()}, "name": format!("Row {number}")});
    let answer = there.mutate("upsertAccounts", UPSERT, json!({"rows": (0..20).map(row).collect::<Vec<_>>()})).await;
    assert_eq!(answer.error_code(), "UNAUTHENTICATED", "{answer}");
    let answer = world.admin().query("{ accounts(first: 200) { nodes { name owner { name } } } }").await;
    assert_eq!(answer.each("accounts.nodes", "name"), ["Acme", "Before"]);
    elsewhere.terminate().await;
    elsewhere.ended().await;
}

#[on_both_databases]
async fn an_ended_session_writes_nothing_on_another_server(world: &World) {
    let ann = world.seller("Ann").await;
    let elsewhere = Program::serve(world.server().database(), &[]).await;
    let sign_in = json!({"email": ann.email(), "password": actors::PASSWORD});
    let session = world.stranger().mutate("signIn", "session { accessToken }", sign_in).await.done();
    let token = session.text("signIn.session.accessToken");
    let there = elsewhere.stranger().with_token(token);
    there.send(CREATE, json!({"name": "Before"})).await.done();
    world.stranger().with_token(token).query("mutation { signOut { signedOut } }").await.answered();
    let answer = there.send(CREATE, json!({"name": "After"})).await;
    assert_eq!(answer.error_code(), "UNAUTHENTICATED", "{answer}");
    // Another session of the same user is not affected.
    let other = elsewhere.stranger().with_token(ann.token());
    other.send(CREATE, json!({"name": "Still"})).await.done();
    elsewhere.terminate().await;
    elsewhere.ended().await;
}

#[on_both_databases]
async fn missed_touches_and_open_promises_go_to_the_successor(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Ann's"})).await;
    let scheduled = json!({"accountId": acme, "kind": "CALL", "at": "2999-01-01T10:00:00Z", "subject": "Missed"});
    let touch = ann.make("scheduleTouch", "touch", scheduled).await;
    let connection = world.server().database().connect().await;
    sea_orm::ConnectionTrait::execute_unprepared(&connection, "UPDATE touch SET missed_at = 1").await.unwrap();
    connection.close().await.unwrap();
    let promise = ann
        .make("makePromise", "promise", json!({"accountId": acme, "what": "A price list", "dueOn": "2999-02-03"}))
        .await;
    let kept =
        ann.make("makePromise", "promise", json!({"accountId": acme, "what": "A sample", "dueOn": "2999-02-03"})).await;
    ann.mutate("keepPromise", "promise { id }", json!({"id": kept})).await.done();

    let input = json!({"id": ann.id(), "successorId": bob.id()});
    world.admin().mutate("deactivateUser", "user { active }", input).await.done();
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) {
        ... on Touch { user { name } } ... on ClientPromise { madeBy { name } } } }";
    let answer = bob.send(document, json!({"ids": [touch, promise, kept]})).await;
    let expected = json!([{"user": {"name": "Bob"}}, {"madeBy": {"name": "Bob"}}, {"madeBy": {"name": "Ann"}}]);
    assert_eq!(answer.data("nodes"), &expected);
}
