//! The program, started from the command line.

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use tests::{
    Database, on_both_databases,
    program::{self, Program},
};

#[on_both_databases]
async fn it_serves_until_it_is_terminated(database: &Database) {
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
async fn an_unknown_command_is_refused_with_the_usage(database: &Database) {
    let output = program::run(database, &["sreve"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage"));
}

/// Returns the first column of a query's rows.
async fn column(database: &Database, question: &str) -> Vec<String> {
    let connection = database.connect().await;
    let statement = Statement::from_string(connection.get_database_backend(), question);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let column = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    connection.close().await.unwrap();
    column
}

/// Signs up the first organization and returns its administrator's access token.
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

#[on_both_databases]
async fn processes_that_start_together_on_an_empty_database_migrate_it_once(database: &Database) {
    let empty = Database::empty(database.kind()).await;
    let serve = || Program::serve(&empty, &[]);
    let programs = <[Program; 6]>::from(tokio::join!(serve(), serve(), serve(), serve(), serve(), serve()));
    let applied = column(&empty, "SELECT version FROM seaql_migrations ORDER BY version").await;
    let expected: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    assert_eq!(applied, expected);

    // They also share one signing key: each accepts the tokens of the others.
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
