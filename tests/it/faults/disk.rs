//! A full disk, simulated by a limit on the size of files.

use serde_json::json;
use tests::program::Program;
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

async fn touch(office: &Office, client: &Client, subject: &str) -> tests::Answer {
    let input = json!({"accountId": office.accounts[0], "kind": "CALL", "subject": subject});
    client.mutate("logTouch", "touch { id }", input).await
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        let program = Program::serve_with_file_size_limit(database, ROOM).await;
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
