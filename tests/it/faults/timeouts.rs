//! Statements that exceed the time limit.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tests::{Database, Kind, Server, World, on_both_databases};

/// A character whose case-folded form has 18 characters.
const LONG: &str = "\u{fdfa}";

/// Copies the first account 2,000 times, with names of 3,600 folded characters.
async fn fill(database: &Database) {
    let (id, long) = match database.kind() {
        Kind::Postgres => ("md5(s.i::text)::uuid", "repeat('صلى الله عليه وسلم', 200)"),
        Kind::Sqlite => ("randomblob(16)", "replace(hex(zeroblob(100)), '0', 'صلى الله عليه وسلم')"),
    };
    let copy = format!(
        "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 2000)
         INSERT INTO account (id, organization_id, name, name_key, owner_id, external_ids, custom_fields, created_at,
             updated_at, version)
         SELECT {id}, organization_id, 'Long', {long}, owner_id, '[]', '{{}}', created_at, updated_at, 1
         FROM account, s WHERE name = 'Acme'"
    );
    database.leave_rows_beside_the_feed();
    let connection = database.connect().await;
    connection.execute_unprepared(&copy).await.unwrap();
    connection.close().await.unwrap();
}

#[on_both_databases]
async fn a_statement_that_takes_too_long_is_stopped_and_the_request_with_it(database: &Database) {
    let database = Database::migrated(database.kind()).await;
    let short = Duration::from_millis(250);
    let server = Server::start_with(database, |settings| {
        settings.database.statement_timeout = short;
        settings.cost.max_points = 0;
    });
    let world = World::on(server.await).await;
    let admin = world.admin();
    admin.account(json!({"name": "Acme"})).await;
    fill(world.server().database()).await;

    // The slowest pattern of the allowed length: nearly all of it matches at every position.
    let pattern = format!("{}x", LONG.repeat(55));
    let mut document = "query($pattern: String!) {".to_owned();
    for number in 0..30 {
        let _ = write!(document, " a{number}: accounts(filter: {{name: {{contains: $pattern}}}}) {{ totalCount }}");
    }
    document.push('}');
    let (before, begun) = (world.server().statements(), Instant::now());
    let answer = admin.send(&document, json!({"pattern": pattern})).await;
    let sent = world.server().statements() - before;
    assert_eq!(answer.error_code(), "TIMEOUT", "{answer}");
    // Those that ran at the same time were stopped by their own timeouts; none was sent after them.
    assert!(sent <= 12, "{sent} statements were sent");
    assert!(begun.elapsed() < 20 * short, "{:?}", begun.elapsed());

    // The connections can still be used.
    let answer = admin.query("{ accounts(first: 1) { nodes { id } totalCount } }").await;
    assert_eq!(answer.data("accounts.totalCount"), &json!(2001));

    let folded = admin.send(&document, json!({"pattern": LONG.repeat(56)})).await;
    assert_eq!(folded.error_code(), "BAD_USER_INPUT", "{folded}");
    assert!(folded.to_string().contains("at most 1000 characters"), "{folded}");
    world.into_server().stop().await.remove().await;
}
