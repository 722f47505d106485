//! A full disk, simulated by a limit on the size of files, and a database that is read-only.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tests::program::{Program, command_bound_by_permissions};
use tests::{Client, Database, Kind, invariants};

use super::load::{Expect, Load, Outcome, Tally, failure};
use super::{Office, report};

/// The limit. SQLite's write-ahead log grows to 4 MiB before it is reset, and the tables are smaller than this.
const ROOM: u32 = 1536;

/// Writes until writes fail, and then some more.
async fn fill(office: &Office, program: &Program, round: usize) -> Tally {
    let mut load = Load::start(&office.at(program), &office.accounts, round, Expect::Answers);
    load.meets(Outcome::Failed, 30).await;
    load.forget();
    load.meets(Outcome::Read, 10).await;
    let tally = load.end().await;
    assert!(tally.acknowledged() > 10 && tally.reads > 10, "{tally}");
    assert_eq!(tally.failed.keys().collect::<Vec<_>>(), ["INTERNAL_SERVER_ERROR"], "{tally}");

    // The server reports that it does not take writes, and why. Its own check is the smallest write, for which there may be room
    // a few more times.
    let (status, said) = loop {
        let (status, said) = readiness(program).await;
        if status != 200 {
            break (status, said);
        }
    };
    assert!(status == 503 && said.starts_with("not ready\nthe disk of the database "), "{status} {said}");

    // Writes fail now, but reads still succeed.
    let admin = office.at(program);
    for number in 0..5 {
        let answer = touch(office, &admin, &format!("too much {round} {number}")).await;
        assert_eq!(failure(&answer).as_deref(), Some("INTERNAL_SERVER_ERROR"));
    }
    let read = admin.query("{ touches { totalCount } }").await;
    assert_eq!(read.data("touches.totalCount").as_u64().unwrap(), u64::try_from(tally.touches.len()).unwrap());
    tally
}

/// Returns the status and the text of `/readyz`.
async fn readiness(program: &Program) -> (u16, String) {
    let answer = program.stranger().at("/readyz", reqwest::Method::GET).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn touch(office: &Office, client: &Client, subject: &str) -> tests::Answer {
    let input = json!({"accountId": office.accounts[0], "kind": "CALL", "subject": subject});
    client.mutate("logTouch", "touch { id }", input).await
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        let program = Program::serve_with_file_size_limit(database, ROOM).await;
        assert_eq!(readiness(&program).await.0, 200);
        let office = Office::opened(&program).await;
        let tally = fill(&office, &program, 0).await;
        program.kill().await;

        let program = Program::serve(database, &[]).await;
        office.has_all_of(&tally, database, &office.at(&program)).await;
        touch(&office, &office.at(&program), "room again").await.done();
        program.terminate().await;
        program.ended().await;
        invariants::check(database).await;
        report("a full disk", database, &[], &tally);
    });
}

#[test]
fn once_there_is_room_again_the_server_goes_on_and_what_it_acknowledges_is_on_the_disk() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        let program = Program::serve_with_file_size_limit(database, ROOM).await;
        let office = Office::opened(&program).await;
        let mut tally = fill(&office, &program, 0).await;
        program.lift_file_size_limit().await;

        // A failed write must end its transaction, because otherwise later writes would wait forever.
        let admin = office.at(&program);
        let refused =
            admin.mutate("updateAccount", "account { id }", json!({"id": office.accounts[0], "name": ""})).await;
        assert_eq!(refused.refusals().len(), 1);
        // The result of the last check is repeated for a quarter of a second.
        while readiness(&program).await.0 != 200 {}
        let mut load = Load::start(&admin, &office.accounts, 1, Expect::SuccessOrTheEnd);
        load.meets(Outcome::Acknowledged, 60).await;
        program.kill().await;
        tally.add(load.ended().await);

        let program = Program::serve(database, &[]).await;
        office.has_all_of(&tally, database, &office.at(&program)).await;
        program.terminate().await;
        program.ended().await;
        invariants::check(database).await;
        report("a full disk with room again", database, &[], &tally);
    });
}

/// Sets the permissions of a file or folder.
fn permit(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A file on SQLite is read-only by the database's address, or by its permissions.
#[test]
fn a_read_only_file_is_reported_and_read() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        let program = Program::serve(database, &[]).await;
        let office = Office::opened(&program).await;
        program.terminate().await;
        program.ended().await;
        let is_read_only = async |program: Program| {
            assert_eq!(readiness(&program).await, (503, "not ready\nthe database is read-only\n".to_owned()));
            let admin = office.at(&program);
            let read = admin.query("{ accounts { totalCount } }").await;
            assert_eq!(read.data("accounts.totalCount"), &json!(3));
            assert_eq!(failure(&touch(&office, &admin, "refused").await).as_deref(), Some("INTERNAL_SERVER_ERROR"));
            program.terminate().await;
            assert!(program.ended().await.0.success());
        };
        let url = database.url().replace("mode=rwc", "mode=ro");
        is_read_only(Program::serve_in(database, &[], &[("DATABASE_URL", &url)]).await).await;
        permit(&database.folder().join("callshot.db"), 0o400);
        is_read_only(Program::serve_bound_by_permissions(database).await).await;
        // SQLite gave its additional files the same permissions.
        for name in ["callshot.db", "callshot.db-wal", "callshot.db-shm"] {
            permit(&database.folder().join(name), 0o600);
        }
        let program = Program::serve_bound_by_permissions(database).await;
        assert_eq!(readiness(&program).await.0, 200);
        touch(&office, &office.at(&program), "taken").await.done();
        program.terminate().await;
        program.ended().await;
        invariants::check(database).await;
    });
}

#[test]
fn a_read_only_folder_is_named_when_the_server_does_not_start() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        // Without the additional files of a server that was killed, even a reader has to create them.
        database.connect().await.close().await.unwrap();
        permit(database.folder(), 0o500);
        let mut command = command_bound_by_permissions(database, &["serve"]);
        let output = command.env("CALLSHOT_LISTEN", "127.0.0.1:0").output().await.unwrap();
        permit(database.folder(), 0o700);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        let folder = database.folder().display();
        assert!(said.contains(&format!("the folder {folder} is read-only")), "{said}");
        assert!(said.contains("make the folder writable"), "{said}");
    });
}

/// A database on PostgreSQL becomes read-only, as when its disk is nearly full or a standby has taken its place.
#[test]
fn a_read_only_database_is_reported_and_read() {
    tests::run(Kind::Postgres, async |database: &Database| {
        let program = Program::serve(database, &[]).await;
        let office = Office::opened(&program).await;
        assert_eq!(readiness(&program).await.0, 200);
        let administrator = database.connect().await;
        let set = async |read_only: &str| {
            let name = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ";
            administrator
                .execute_unprepared(&format!("{name}{read_only}', current_database()); END $$"))
                .await
                .unwrap();
            // Connections take the setting when they are opened.
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            administrator.execute_unprepared(end).await.unwrap();
        };
        set("on").await;
        while readiness(&program).await != (503, "not ready\nthe database is read-only\n".to_owned()) {
            tokio::task::yield_now().await;
        }
        // The first requests may meet a connection that is gone.
        let admin = office.at(&program);
        while admin.query("{ accounts { nodes { name } } }").await.body.get("errors").is_some() {}
        assert_eq!(failure(&touch(&office, &admin, "refused").await).as_deref(), Some("INTERNAL_SERVER_ERROR"));
        set("off").await;
        while readiness(&program).await.0 != 200 {
            tokio::task::yield_now().await;
        }
        while touch(&office, &admin, "taken").await.body.get("errors").is_some() {}
        administrator.close().await.unwrap();
        program.terminate().await;
        assert!(program.ended().await.0.success());
        invariants::check(database).await;
    });
}
