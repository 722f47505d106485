//! Query plans of tables that grow from empty, only through the API.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::{Value, json};
use tests::explain::{Plan, explain};
use tests::{Client, Database, Server, World, on_both_databases};

/// The number of accounts.
const BOOK: usize = 250;
/// The number of touches of one upsert.
const BATCH: usize = 500;
/// The number of touches at which the database's statistics are gathered, to be outdated later.
const SMALL: usize = 20;
/// The numbers of touches at which the plans are checked.
const SIZES: [usize; 5] = [500, 2_000, 5_000, 10_000, 20_000];
/// The largest number of rows that one statement may read, whatever the number of touches.
const MOST_ROWS: u64 = 1_000;
/// The tables that grow with the touches. Reading one of them from end to end is never right.
const GROWING: [&str; 3] = ["touch", "event", "external_id"];

/// A list of rows, and what the plans of its statements must show.
struct Read {
    document: String,
    /// Whether it reads the touches of accounts: by account, and not all of them.
    by_account: bool,
}

/// Returns reads that cost the same however many touches there are.
fn reads(account: &str) -> Vec<Read> {
    let of_account = format!(
        "{{ touches(filter: {{accountId: {{eq: \"{account}\"}}}}, orderBy: {{field: AT, direction: DESC}}) {{ nodes {{ subject }} }} }}"
    );
    let one = format!(
        "{{ account(by: {{id: \"{account}\"}}) {{ lastTouch {{ at }} history(first: 20) {{ nodes {{ type }} }} }} }}"
    );
    let read = |by_account: bool, document: &str| Read { document: document.to_owned(), by_account };
    vec![
        read(true, "{ accounts(first: 200) { nodes { name lastTouch { at } } } }"),
        read(true, "{ accounts(first: 50) { nodes { touches(first: 5) { nodes { subject } } } } }"),
        read(true, &of_account),
        read(true, &one),
        read(
            false,
            "{ touches(first: 25, orderBy: {field: AT, direction: DESC}) { nodes { subject account { name } } } }",
        ),
        read(false, "{ touches(last: 25) { nodes { subject } } }"),
        read(false, "{ events(last: 25) { nodes { type subjectId } } }"),
    ]
}

/// Returns what is wrong with the plan of a statement.
fn fault(plan: &Plan, read: &Read) -> Option<String> {
    if let Some(rows) = plan.rows_read {
        let scanned = plan.full_scans.iter().find(|table| GROWING.contains(&table.as_str()));
        let scanned = scanned.map(|table| format!("reads {table} from end to end"));
        return scanned.or_else(|| (rows > MOST_ROWS).then(|| format!("reads {rows} rows")));
    }
    // SQLite counts no rows, but names the columns by which it searches an index. A list of all rows is read in the order of an
    // index or of the table itself, until it has a page: it sorts nothing.
    if !read.by_account {
        return plan.sorts.first().map(|sort| format!("sorts by {}", sort.by));
    }
    let mut growing = plan.text.lines().filter(|line| {
        let table = line.strip_prefix("SCAN ").or_else(|| line.strip_prefix("SEARCH ")).unwrap_or_default();
        GROWING.contains(&table.split(' ').next().unwrap_or_default())
    });
    let by_account = |line: &str| ["account_id=?", "(id=?)"].iter().any(|column| line.contains(column));
    growing.find(|line| !by_account(line)).map(|line| format!("reads the rows of all accounts: {line}"))
}

fn is_select(sql: &str) -> bool {
    ["select", "with"].iter().any(|word| sql.trim_start().to_lowercase().starts_with(word))
}

/// Checks the plans of the statements that reads send.
async fn check(reads: &[Read], size: usize, server: &Server, admin: &Client) {
    let app = server.app();
    // SQLite reads its statistics when a connection is opened, so that an older connection would show other plans.
    let connection = server.database().connect().await;
    for read in reads {
        let _earlier = app.db.watched();
        admin.query(&read.document).await.answered();
        let sent = app.db.watched();
        let selects: Vec<&Statement> = sent.iter().filter(|statement| is_select(&statement.sql)).collect();
        assert!(selects.iter().any(|statement| statement.sql.contains("touch") || statement.sql.contains("event")));
        for statement in selects {
            let plan = explain(&connection, statement).await;
            let fault = fault(&plan, read);
            let (document, sql) = (&read.document, &statement.sql);
            assert_eq!(fault, None, "{document} at {size} touches:\n{sql}\n{}", plan.text);
        }
    }
    connection.close().await.unwrap();
}

/// Adds touches to a database, from the number `from` to the number `to`.
async fn load(from: usize, to: usize, server: &Server, admin: &Client) {
    let crm = |id: String| json!({"source": "crm", "id": id});
    for first in (from..to).step_by(BATCH) {
        let rows: Vec<Value> = (first..to.min(first + BATCH))
            .map(|number| {
                let day = format!("2020-{:02}-{:02}T10:00:00Z", 1 + number % 12, 1 + number % 28);
                json!({"externalId": crm(number.to_string()), "account": {"externalId": crm(format!("a{}", number * 7 % BOOK))},
                    "kind": "CALL", "status": "COMPLETED", "subject": "A call", "at": day})
            })
            .collect();
        let answer = admin.mutate("upsertTouches", "failed", json!({"rows": rows})).await.done();
        assert_eq!(answer.data("upsertTouches.failed"), &json!(0));
        let _not_explained = server.app().db.watched();
    }
}

/// Runs `ANALYZE`, which shows all later plans what the tables are like now.
async fn analyze(connection: DatabaseConnection) {
    connection.execute_unprepared("ANALYZE").await.unwrap();
    connection.close().await.unwrap();
}

/// Starts a server on which a request may take as long as it needs: on a busy machine, that says nothing about its plans.
async fn patient_server(database: Database) -> Server {
    Server::start_with(database, |settings| {
        settings.http.request_timeout = Duration::from_mins(10);
        settings.database.statement_timeout = Duration::from_mins(10);
    })
    .await
}

#[on_both_databases]
async fn plans_stay_right_while_tables_grow_from_empty(database: &Database) {
    let world = World::on(patient_server(Database::migrated(database.kind()).await).await).await;
    let rows: Vec<Value> = (0..BOOK)
        .map(|number| json!({"externalId": {"source": "crm", "id": format!("a{number}")}, "name": format!("Account {number}")}))
        .collect();
    world.admin().mutate("upsertAccounts", "failed", json!({"rows": rows})).await.done();
    load(0, SMALL, world.server(), world.admin()).await;
    let email = world.admin().email().to_owned();
    // The server starts with statistics of small tables.
    let database = world.into_server().stop().await;
    analyze(database.connect().await).await;
    let server = patient_server(database).await;
    let admin = server.sign_in(&email).await;
    let account = admin.query("{ accounts(first: 1) { nodes { id } } }").await.text("accounts.nodes.0.id").to_owned();
    let reads = reads(&account);
    server.app().db.watch();
    let mut loaded = SMALL;
    for size in SIZES {
        load(loaded, size, &server, &admin).await;
        loaded = size;
        let fresh = tokio::time::timeout(Duration::from_mins(2), server.app().db.statistics_are_fresh()).await;
        assert!(fresh.is_ok(), "the statistics were not refreshed");
        check(&reads, size, &server, &admin).await;
    }
    server.stop().await.remove().await;
}
