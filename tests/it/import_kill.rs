//! An import that is killed while it runs and while another user works on the same database.

use std::fmt::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use tests::actors::PASSWORD;
use tests::imports::Desk;
use tests::program::{self, Program};
use tests::{Answer, Client, Database, on_both_databases};

const ROWS: i64 = 5_000;
const BATCH: i64 = 500;

async fn count(connection: &DatabaseConnection, of: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {of}");
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

async fn sign_up(stranger: &Client) -> Client {
    let input =
        json!({"organizationName": "Initech", "name": "Ada", "email": "ada@initech.example", "password": PASSWORD});
    let answer = stranger.mutate("signUp", "session { accessToken }", input).await.done();
    stranger.with_token(answer.text("signUp.session.accessToken"))
}

/// Creates accounts until the flag is set, and returns the names of those that the server acknowledged.
async fn works(client: Client, enough: Arc<AtomicBool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if enough.load(Ordering::Relaxed) && !acknowledged.is_empty() {
            break;
        }
        let name = format!("Meanwhile {number}");
        let answer = client.mutate("createAccount", "account { name }", json!({"name": name})).await;
        if answer.body.get("errors").is_none() {
            acknowledged.push(answer.done().text("createAccount.account.name").to_owned());
        }
    }
    acknowledged
}

async fn names(client: &Client) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let document = "query($after: String) { accounts(first: 200, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } }";
        let page: Answer = client.send(document, json!({"after": after})).await;
        names.extend(page.each("accounts.nodes", "name").into_iter().map(|name| name.as_str().unwrap().to_owned()));
        if page.data("accounts.pageInfo.hasNextPage") == &json!(false) {
            return names;
        }
        after = page.data("accounts.pageInfo.endCursor").clone();
    }
}

#[on_both_databases]
async fn a_killed_import_is_finished_by_running_it_again_and_other_users_lose_nothing(database: &Database) {
    let serving = Program::serve(database, &[]).await;
    let admin = sign_up(&serving.stranger()).await;
    let desk = Desk::new();
    let accounts = desk.file("accounts.csv", "id,name\na,Acme\n");
    let mut deals = "id,name,accountId,stage,amount,openedOn,closedOn\n".to_owned();
    for row in 0..ROWS {
        writeln!(deals, "{row},Deal {row},a,WON,{},2017-03-01,2017-03-04", row + 1).unwrap();
    }
    let deals = desk.file("deals.csv", deals);
    let result = desk.path("result.csv");
    let words = |kind, file| ["import", file, "--as", kind, "--from", "csv", "--result", result.to_str().unwrap()];
    let done = program::run(database, &words("accounts", accounts.to_str().unwrap())).await;
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));

    let enough = Arc::new(AtomicBool::new(false));
    let meanwhile = tokio::spawn(works(admin.clone(), Arc::clone(&enough)));
    let words = [&words("opportunities", deals.to_str().unwrap())[..], &["--book-won"]].concat();
    let errors = desk.path("errors.txt");
    let stderr = std::fs::File::create(&errors).unwrap();
    let mut importing = program::command(database, &words).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let connection = database.connect().await;
    while count(&connection, "opportunity").await < 2 * BATCH {
        let ended = importing.try_wait().unwrap();
        assert_eq!(ended, None, "it ended before it was killed: {}", std::fs::read_to_string(&errors).unwrap());
    }
    importing.kill().await.unwrap();
    if connection.get_database_backend() == DbBackend::Postgres {
        // A COMMIT that was sent may still be carried out.
        let wait = "BEGIN; LOCK TABLE opportunity, booking IN SHARE MODE; COMMIT";
        connection.execute_unprepared(wait).await.unwrap();
    }
    let left = count(&connection, "opportunity").await;
    assert!(left < ROWS && left % BATCH == 0, "{left} rows: whole batches, and not all of them");
    // What the import remembers of its rows was written with them.
    for noun in ["opportunity", "booking"] {
        for notes in ["import_record", "import_change"] {
            let noted =
                format!("SELECT 1 FROM {notes} notes WHERE notes.noun = '{noun}' AND notes.subject_id = {noun}.id");
            assert_eq!(count(&connection, &format!("{noun} WHERE NOT EXISTS ({noted})")).await, 0, "{notes} of {noun}");
        }
    }

    let again = program::run(database, &words).await;
    enough.store(true, Ordering::Relaxed);
    let message = String::from_utf8(again.stdout).unwrap();
    assert_eq!(again.status.code(), Some(0), "{message}{}", String::from_utf8_lossy(&again.stderr));
    let grouped = |number: i64| {
        if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
    };
    let counts =
        format!("5,000 rows: {} created, 0 updated, {} unchanged, 0 failed", grouped(ROWS - left), grouped(left));
    assert!(message.contains(&counts), "{message}");

    let acknowledged = meanwhile.await.unwrap();
    let there = names(&admin).await;
    let lost: Vec<&String> = acknowledged.iter().filter(|name| !there.contains(name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let answer = admin
        .query("{ analytics { bookings(groupBy: []) { count amount { amount } } } opportunities { totalCount } }")
        .await;
    let sum = format!("{}.00", ROWS * (ROWS + 1) / 2);
    assert_eq!(answer.data("analytics.bookings"), &json!([{"count": ROWS, "amount": {"amount": sum}}]));
    assert_eq!(answer.data("opportunities.totalCount"), &json!(ROWS));
    connection.close().await.unwrap();
    serving.terminate().await;
    serving.ended().await;
}
