//! The program as its users start it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tests::{
    Client, Database, on_both_databases,
    program::{self, Program},
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

#[on_both_databases]
async fn it_serves_until_it_is_asked_to_end(database: &Database) {
    let program = Program::serve(database, &[]).await;
    let answer = program.stranger().query("{ __typename }").await;
    assert_eq!(answer.data("").as_object().unwrap().len(), 1);
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
}

#[on_both_databases]
async fn it_starts_again_after_it_was_killed(database: &Database) {
    Program::serve(database, &[]).await.kill().await;
    let program = Program::serve(database, &[]).await;
    assert_eq!(program.stranger().query("{ __typename }").await.status, 200);
}

#[on_both_databases]
async fn a_command_that_it_does_not_know_is_refused_with_its_usage(database: &Database) {
    let output = program::run(database, &["sreve"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage"));
}

/// The first column of a question's rows.
async fn column(database: &Database, question: &str) -> Vec<String> {
    let connection = database.connect().await;
    let statement = Statement::from_string(connection.get_database_backend(), question);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let column = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    connection.close().await.unwrap();
    column
}

/// Signs the first organization up and answers its administrator's access token.
async fn sign_up(program: &Program) -> String {
    let input = json!({
        "organizationName": "Initech",
        "name": "Ada Admin",
        "email": "ada@initech.example",
        "password": tests::actors::PASSWORD,
    });
    let answer = program.stranger().mutate("signUp", "session { accessToken }", input).await.done();
    answer.text("signUp.session.accessToken").to_owned()
}

/// Eight that make accounts one after another until the server answers no more.
struct Writers {
    asking: JoinSet<()>,
    /// The name of each account that the server acknowledged.
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    /// Tells each acknowledgement.
    told: mpsc::UnboundedReceiver<()>,
}

impl Writers {
    fn start(client: &Client, round: u32) -> Self {
        const CREATE: &str = "mutation($name: String!) { createAccount(input: {name: $name}) { account { id } } }";
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let (tell, told) = mpsc::unbounded_channel();
        let mut asking = JoinSet::new();
        for writer in 0..8 {
            let (client, acknowledged, tell) = (client.clone(), Arc::clone(&acknowledged), tell.clone());
            asking.spawn(async move {
                for number in 0_u32.. {
                    let name = format!("{round}-{writer}-{number}");
                    let request = client.request().json(&json!({"query": CREATE, "variables": {"name": name}}));
                    let Ok(answer) = async { request.send().await?.json::<Value>().await }.await else { return };
                    assert!(answer["data"]["createAccount"]["account"]["id"].is_string(), "{answer}");
                    acknowledged.lock().unwrap().insert(name);
                    // Nobody listens any more once there were enough.
                    let _ = tell.send(());
                }
            });
        }
        Self { asking, acknowledged, told }
    }

    /// Waits until so many accounts were acknowledged.
    async fn have_made(&mut self, accounts: usize) {
        for _ in 0..accounts {
            self.told.recv().await.unwrap();
        }
    }

    /// Waits until nobody gets an answer any more, and answers what was acknowledged.
    async fn ended(mut self) -> BTreeSet<String> {
        while let Some(writer) = self.asking.join_next().await {
            writer.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

#[on_both_databases]
async fn what_was_acknowledged_outlives_kill_9(database: &Database) {
    let mut program = Program::serve(database, &[]).await;
    let token = sign_up(&program).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..4 {
        let mut writers = Writers::start(&program.stranger().with_token(&token), round);
        writers.have_made(25 + 10 * usize::try_from(round).unwrap()).await;
        program.kill().await;
        acknowledged.extend(writers.ended().await);

        program = Program::serve(database, &[]).await;
        let there: BTreeSet<String> = column(database, "SELECT name FROM account").await.into_iter().collect();
        let lost: Vec<&String> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        // What is there is whole.
        let client = program.stranger().with_token(&token);
        let answer = client.query("{ accounts { totalCount } }").await;
        assert_eq!(answer.data("accounts.totalCount"), &json!(there.len()));
    }
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
    tests::invariants::check(database).await;
}

#[on_both_databases]
async fn being_asked_to_end_it_answers_all_that_it_does(database: &Database) {
    for round in 0..3 {
        let program = Program::serve(database, &[]).await;
        let token = if round == 0 {
            sign_up(&program).await
        } else {
            let input = json!({"email": "ada@initech.example", "password": tests::actors::PASSWORD});
            let answer = program.stranger().mutate("signIn", "session { accessToken }", input).await.done();
            answer.text("signIn.session.accessToken").to_owned()
        };
        let mut writers = Writers::start(&program.stranger().with_token(&token), round);
        writers.have_made(30).await;
        program.terminate().await;
        let (status, lines) = program.ended().await;
        assert!(status.success(), "{lines:#?}");

        let acknowledged = writers.ended().await;
        let question = format!("SELECT name FROM account WHERE name LIKE '{round}-%'");
        let there: BTreeSet<String> = column(database, &question).await.into_iter().collect();
        assert_eq!(there, acknowledged, "what was done and what was answered differ");
    }
    tests::invariants::check(database).await;
}

#[on_both_databases]
async fn many_that_start_together_on_an_empty_database_migrate_it_once(database: &Database) {
    let empty = Database::empty(database.kind()).await;
    let serve = || Program::serve(&empty, &[]);
    let programs = <[Program; 6]>::from(tokio::join!(serve(), serve(), serve(), serve(), serve(), serve()));
    let applied = column(&empty, "SELECT version FROM seaql_migrations ORDER BY version").await;
    let expected: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    assert_eq!(applied, expected);

    // They have one key between them, too: each lets in whom one of them signed up.
    let token = sign_up(&programs[0]).await;
    for program in &programs {
        let answer = program.stranger().with_token(&token).query("{ me { email } }").await;
        assert_eq!(answer.text("me.email"), "ada@initech.example");
    }
    for program in programs {
        program.terminate().await;
        let (status, lines) = program.ended().await;
        assert!(status.success(), "{lines:#?}");
    }
    tests::invariants::check(&empty).await;
    empty.remove().await;
}
