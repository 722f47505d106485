//! Planner statistics of tables that grow from empty, only through the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Database, Server, World, on_both_databases};

const UPSERT: &str = "mutation($rows: [TouchRow!]!) { upsertTouches(rows: $rows) { failed userErrors { message } } }";
const READ: &str = "{ accounts(first: 200) { nodes { name lastTouch { at } } } }";
/// The sizes at which the list is timed.
const SIZES: [usize; 4] = [500, 2_000, 10_000, 20_000];

#[on_both_databases]
async fn a_list_is_as_quick_on_large_tables_as_on_small_ones(database: &Database) {
    let database = Database::migrated(database.kind()).await;
    let world = World::on(Server::start(database).await).await;
    let mut accounts = Vec::new();
    for number in 0..200 {
        accounts.push(world.admin().account(json!({"name": format!("Account {number}")})).await);
    }
    let row = |number: usize| {
        json!({"externalId": {"source": "crm", "id": number.to_string()}, "account": {"id": accounts[number * 7 % 200]},
            "kind": "CALL", "status": "COMPLETED", "at": format!("2020-{:02}-{:02}T10:00:00Z", 1 + number % 12, 1 + number % 28)})
    };
    let time = async || {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begun = Instant::now();
            world.admin().query(READ).await.answered();
            best = best.min(begun.elapsed());
        }
        best
    };
    // Statistics are gathered while the table is small, as at a restart.
    let rows: Vec<Value> = (0..20).map(row).collect();
    world.admin().send(UPSERT, json!({"rows": rows})).await.answered();
    let connection = world.server().database().connect().await;
    sea_orm::ConnectionTrait::execute_unprepared(&connection, "ANALYZE").await.unwrap();
    connection.close().await.unwrap();
    let small = time().await.max(Duration::from_millis(100));
    let mut loaded = 20;
    for size in SIZES {
        while loaded < size {
            let rows: Vec<Value> = (loaded..loaded + 500).map(row).collect();
            let answer = world.admin().send(UPSERT, json!({"rows": rows})).await.answered();
            assert_eq!(answer.data("upsertTouches.failed"), &json!(0));
            loaded += 500;
        }
        let took = time().await;
        println!("{} at {loaded} touches: {took:?}", world.server().database().kind());
        assert!(took < 8 * small, "{took:?} with {loaded} touches, {small:?} with 20");
    }
    world.into_server().stop().await.remove().await;
}
