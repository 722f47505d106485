//! The program as its users start it.

use tests::{
    Database, on_both_databases,
    program::{self, Program},
};

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
