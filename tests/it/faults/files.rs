//! Files that only their owner may read, and a database that takes no writes.

use std::os::unix::fs::PermissionsExt as _;

use reqwest::Method;
use serde_json::json;
use tests::program::Program;
use tests::{Database, Kind, on_both_databases};

use super::Office;

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_database_is_its_owners_alone() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        let empty = Database::empty(database.kind()).await;
        let program = Program::serve(&empty, &[]).await;
        for name in ["callshot.db", "callshot.db-wal", "callshot.db-shm", "callshot.key"] {
            assert_eq!(mode(&empty.folder().join(name)), 0o600, "{name}");
        }
        program.kill().await;
        // The permissions of a file that an earlier release created are restricted.
        let file = empty.folder().join("callshot.db");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let program = Program::serve(&empty, &[]).await;
        assert_eq!(mode(&file), 0o600);
        program.terminate().await;
        program.ended().await;
        empty.remove().await;
    });
}

#[on_both_databases]
async fn a_calendars_token_is_in_no_log(database: &Database) {
    let program = Program::serve(database, &["--log", "debug"]).await;
    let office = Office::opened(&program).await;
    let create = "mutation { createCalendarFeed { url userErrors { message } } }";
    let url = office.at(&program).query(create).await.text("createCalendarFeed.url").to_owned();
    let token = url[url.find("csc_").unwrap()..].trim_end_matches(".ics").to_owned();
    for path in [format!("/calendar/{token}.ics"), format!("/crm/calendar/{token}.ics"), format!("/crm/feeds/{token}")]
    {
        program.stranger().at(&path, Method::GET).send().await.unwrap();
    }
    program.terminate().await;
    let (_, lines) = program.ended().await;
    assert!(lines.iter().any(|line| line.contains("/calendar/")), "the paths are logged");
    let said: Vec<&String> = lines.iter().filter(|line| line.contains(&token)).collect();
    assert!(said.is_empty(), "{said:#?}");
}

#[on_both_databases]
async fn what_a_client_sent_is_shown_in_part(database: &Database) {
    let program = Program::serve(database, &[]).await;
    let long = "x".repeat(20_000);
    for body in [
        json!({"query": "query A { __typename } query B { __typename }", "operationName": long}),
        json!({"query": format!("{{ {long} }}")}),
        json!({"query": format!("{{ __typename( {long}")}),
        json!({"query": format!("query A {{ __typename }} query A {{ {long} }}")}),
    ] {
        let answer = tests::Answer::to(program.stranger().request().json(&body)).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.len() < 600, "{} bytes: {}…", message.len(), &message[..100]);
    }
}

#[on_both_databases]
async fn a_database_that_cannot_be_reached_is_named_with_the_cause(database: &Database) {
    let mut command = tests::program::command(database, &["serve", "--database-wait", "1s"]);
    let url = match database.kind() {
        Kind::Postgres => "postgres://callshot@127.0.0.1:1/callshot".to_owned(),
        Kind::Sqlite => format!("sqlite://{}/missing/callshot.db", database.folder().display()),
    };
    let output = command.env("DATABASE_URL", &url).env("CALLSHOT_LISTEN", "127.0.0.1:0").output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let cause = if database.kind() == Kind::Postgres { "refused" } else { "No such file" };
    assert!(said.contains(cause), "{said}");
}

#[test]
fn a_standby_or_a_read_only_database_shows_at_readyz() {
    tests::run(Kind::Postgres, async |database: &Database| {
        let connection = database.connect().await;
        let alter = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$";
        let program = Program::serve(database, &[]).await;
        program.terminate().await;
        program.ended().await;
        sea_orm::ConnectionTrait::execute_unprepared(&connection, alter).await.unwrap();
        connection.close().await.unwrap();
        let program = Program::serve(database, &[]).await;
        let answer = program.stranger().at("/readyz", Method::GET).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
            (503, "not ready\nthe database is read-only\n")
        );
        program.terminate().await;
        program.ended().await;
    });
}
