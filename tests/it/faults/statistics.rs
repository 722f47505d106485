//! Query plans and times of tables that grow from empty, only through the API.

use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, Statement};
use serde_json::{Value, json};
use tests::explain::explain;
use tests::{Database, Server, World, on_both_databases};

const UPSERT: &str = "mutation($rows: [TouchRow!]!) { upsertTouches(rows: $rows) { failed userErrors { message } } }";
const ACCOUNTS: &str =
    "mutation($rows: [AccountRow!]!) { upsertAccounts(rows: $rows) { failed userErrors { message } } }";
/// The number of accounts.
const BOOK: usize = 500;
/// The number of touches of one upsert.
const BATCH: usize = 500;
/// The numbers of touches at which the plans are checked.
const SIZES: [usize; 3] = [1_000, 5_000, 20_000];

/// Reads that must cost the same however many touches there are, each with the most rows that its statements may read.
fn reads(account: &str) -> [(String, u64); 7] {
    let of_account =
        format!("touches(filter: {{accountId: {{eq: \"{account}\"}}}}, orderBy: {{field: AT, direction: DESC}})");
    [
        ("{ accounts(first: 200) { nodes { name lastTouch { at } } } }".to_owned(), 1_000),
        ("{ accounts(first: 50) { nodes { touches(first: 5) { nodes { subject } } } } }".to_owned(), 1_000),
        (
            "{ touches(first: 25, orderBy: {field: AT, direction: DESC}) { nodes { subject account { name } } } }"
                .to_owned(),
            1_000,
        ),
        ("{ touches(last: 25) { nodes { subject } } }".to_owned(), 1_000),
        (format!("{{ {of_account} {{ nodes {{ subject }} }} }}"), 1_000),
        (
            format!(
                "{{ account(by: {{id: \"{account}\"}}) {{ lastTouch {{ at }} history(first: 20) {{ nodes {{ type }} }} }} }}"
            ),
            1_000,
        ),
        ("{ events(last: 25) { nodes { type subjectId } } }".to_owned(), 1_000),
    ]
}

/// Checks the plan of a statement: it reads no large table from end to end, and few rows.
async fn check(connection: &DatabaseConnection, statement: &Statement, most: u64, what: &str) {
    let plan = explain(connection, statement).await;
    let large = ["touch", "event", "touch_contact", "external_id"];
    let scanned: Vec<&String> = plan.full_scans.iter().filter(|table| large.contains(&table.as_str())).collect();
    assert!(scanned.is_empty(), "{what} reads {scanned:?} from end to end:\n{}\n{}", statement.sql, plan.text);
    assert!(!plan.text.contains("AUTOMATIC"), "{what} builds an index:\n{}\n{}", statement.sql, plan.text);
    if let Some(read) = plan.rows_read {
        assert!(read <= most, "{what} reads {read} rows:\n{}\n{}", statement.sql, plan.text);
    }
    if what.contains("accounts(") || what.contains("accountId") {
        // SQLite counts no rows, but names the columns of the index by which the touches of an account are found.
        let searches = plan.text.lines().filter(|line| line.starts_with("SEARCH touch ") || line.contains("SEARCH t "));
        for line in searches {
            let by_account = line.contains("account_id=?") || line.contains("(id=?)") || line.contains("rowid=?");
            assert!(by_account, "{what} reads the touches of all accounts:\n{}\n{}", statement.sql, plan.text);
        }
    }
}

#[on_both_databases]
async fn plans_stay_right_while_tables_grow_from_empty(database: &Database) {
    let begun = Instant::now();
    let database = Database::migrated(database.kind()).await;
    // On a busy machine an upsert of five hundred rows may take long, which is not under test.
    let server = Server::start_with(database, |settings| {
        settings.http.request_timeout = Duration::from_mins(10);
        settings.database.statement_timeout = Duration::from_mins(1);
    });
    let world = World::on(server.await).await;
    let (admin, app, kind) = (world.admin(), world.server().app(), world.server().database().kind());
    let crm = |id: String| json!({"source": "crm", "id": id});
    let accounts: Vec<Value> = (0..BOOK)
        .map(|number| json!({"externalId": crm(format!("a{number}")), "name": format!("Account {number}")}))
        .collect();
    admin.send(ACCOUNTS, json!({"rows": accounts})).await.done();
    let account = admin.query("{ accounts(first: 1) { nodes { id } } }").await.text("accounts.nodes.0.id").to_owned();
    let row = |number: usize| {
        json!({"externalId": crm(number.to_string()), "account": {"externalId": crm(format!("a{}", number * 7 % BOOK))},
            "kind": "CALL", "status": "COMPLETED", "subject": "A call",
            "at": format!("2020-{:02}-{:02}T10:00:00Z", 1 + number % 12, 1 + number % 28)})
    };
    let load = async |from: usize, to: usize| {
        for first in (from..to).step_by(BATCH) {
            let rows: Vec<Value> = (first..to.min(first + BATCH)).map(row).collect();
            let answer = admin.send(UPSERT, json!({"rows": rows})).await.done();
            assert_eq!(answer.data("upsertTouches.failed"), &json!(0));
            let _not_explained = app.db.watched();
        }
    };
    let reads = reads(&account);
    let time = async || {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begun = Instant::now();
            admin.query(&reads[0].0).await.answered();
            best = best.min(begun.elapsed());
        }
        best
    };
    // Statistics are gathered while the table is small, as at a restart.
    load(0, 20).await;
    let connection = world.server().database().connect().await;
    sea_orm::ConnectionTrait::execute_unprepared(&connection, "ANALYZE").await.unwrap();
    let small = time().await.max(Duration::from_millis(250));
    let mut loaded = 20;
    for size in SIZES {
        load(loaded, size).await;
        loaded = size;
        app.db.watch();
        for (document, most) in &reads {
            let _earlier = app.db.watched();
            admin.query(document).await.answered();
            for statement in app.db.watched() {
                let is_read = statement.sql.trim_start().to_lowercase().starts_with("select")
                    || statement.sql.trim_start().to_lowercase().starts_with("with");
                if is_read {
                    check(&connection, &statement, *most, &format!("{document} at {size} touches")).await;
                }
            }
        }
        let took = time().await;
        println!("{kind} at {size} touches after {:?}: {took:?}", begun.elapsed());
        assert!(took < 8 * small, "{took:?} with {size} touches, {small:?} with 20");
    }
    connection.close().await.unwrap();
    world.into_server().stop().await.remove().await;
}
