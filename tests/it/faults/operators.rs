//! The commands of operators, and an upgrade while servers are running.

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::program::{self, Program};
use tests::{Database, Kind, on_both_databases};

use super::load::{Expect, Load, Outcome};
use super::{Office, UNBOUNDED, rows};

#[test]
fn a_backup_under_writes_is_restored_and_followers_start_over() {
    tests::run(Kind::Sqlite, async |database: &Database| {
        let program = Program::serve_in(database, &[], &UNBOUNDED).await;
        let office = Office::opened(&program).await;
        let mut load = Load::start(&office.at(&program), &office.accounts, 0, Expect::SuccessOrTheEnd);
        load.meets(Outcome::Acknowledged, 50).await;
        let file = database.folder().join("backup.db");
        let path = file.to_str().unwrap();
        let output = program::run(database, &["backup", path]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions()) & 0o777,
            0o600
        );
        load.meets(Outcome::Acknowledged, 50).await;
        load.end().await;
        // An existing file is not overwritten.
        assert!(!program::run(database, &["backup", path]).await.status.success());
        let last = "{ events(last: 1) { pageInfo { endCursor } } }";
        let cursor = office.at(&program).query(last).await.data("events.pageInfo.endCursor").clone();

        // A restore is refused while a server has the database open.
        let output = program::run(database, &["restore", path]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("in use"), "{said}");
        program.terminate().await;
        program.ended().await;
        let output = program::run(database, &["restore", path]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let program = Program::serve_in(database, &[], &UNBOUNDED).await;
        let follow = "query($after: String) { events(after: $after) { nodes { id } } }";
        let said = office.at(&program).send(follow, json!({"after": cursor})).await;
        assert!(said.to_string().contains("start over"), "{said}");
        let anew = office.at(&program).send(follow, json!({"after": Value::Null})).await;
        assert!(!anew.data("events.nodes").as_array().unwrap().is_empty());
        let connection = database.connect().await;
        tests::replay::feed_gives_the_tables(&connection, false).await;
        let touches = rows(&connection, "SELECT count(*) FROM touch").await[0].try_get_by_index::<i64>(0).unwrap();
        assert!(touches > 0);
        connection.close().await.unwrap();
        program.terminate().await;
        program.ended().await;
        let output = program::run(database, &["doctor"]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

        // A damaged backup is refused, and the database stays as it is.
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let output = program::run(database, &["restore", path]).await;
        assert!(!output.status.success());
        assert!(program::run(database, &["doctor"]).await.status.success());
    });
}

#[test]
fn on_postgres_the_commands_name_its_own_programs() {
    tests::run(Kind::Postgres, async |database: &Database| {
        let program = Program::serve(database, &[]).await;
        let office = Office::opened(&program).await;
        let last = "{ events(last: 1) { pageInfo { endCursor } } }";
        let cursor = office.at(&program).query(last).await.data("events.pageInfo.endCursor").clone();
        let output = program::run(database, &["backup", "callshot.dump"]).await;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("pg_dump"), "{said}");
        let output = program::run(database, &["new-history"]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        program.terminate().await;
        program.ended().await;
        let program = Program::serve(database, &[]).await;
        let follow = "query($after: String) { events(after: $after) { nodes { id } } }";
        let said = office.at(&program).send(follow, json!({"after": cursor})).await;
        assert!(said.to_string().contains("start over"), "{said}");
    });
}

#[on_both_databases]
async fn doctor_finds_what_is_wrong(database: &Database) {
    let program = Program::serve(database, &[]).await;
    Office::opened(&program).await;
    program.terminate().await;
    program.ended().await;
    let output = program::run(database, &["doctor"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    database.leave_rows_beside_the_feed();
    let connection = database.connect().await;
    connection.execute_unprepared("DELETE FROM seat").await.unwrap();
    connection.close().await.unwrap();
    let output = program::run(database, &["doctor"]).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("FAULTY accounts without their owner's seat: 3"), "{said}");
}

/// Each statement makes a derived value wrong.
#[on_both_databases]
async fn doctor_finds_wrong_derived_values(database: &Database) {
    let program = Program::serve(database, &[]).await;
    let office = Office::opened(&program).await;
    let admin = office.at(&program);
    let person =
        json!({"accountId": office.accounts[0], "name": "Ann", "externalIds": [{"source": "crm", "id": "P1"}]});
    let contact = admin.mutate("createContact", "contact { id }", person).await.done();
    let contact = contact.text("createContact.contact.id").to_owned();
    let touch = json!({"accountId": office.accounts[0], "kind": "MEETING", "contactIds": [contact]});
    admin.mutate("logTouch", "touch { id }", touch).await.done();
    let year = 2024;
    let booking = json!({"accountId": office.accounts[0], "amount": "50", "bookedOn": "2024-06-01"});
    admin.mutate("recordBooking", "booking { id }", booking).await.done();
    let goal = json!({"accountId": office.accounts[0], "year": year, "amount": "100"});
    admin.mutate("setGoal", "goal { id }", goal).await.done();
    program.terminate().await;
    program.ended().await;
    database.leave_rows_beside_the_feed();
    let connection = database.connect().await;
    let output = program::run(database, &["doctor"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for (what, number, break_it, repair) in [
        (
            "accounts with a wrong score",
            3,
            "UPDATE account SET score = score + 1",
            "UPDATE account SET score = score - 1",
        ),
        (
            "touches whose contacts differ from their list",
            1,
            "UPDATE touch_contact SET at = at + 1",
            "UPDATE touch_contact SET at = at - 1",
        ),
        (
            "contacts whose history does not end with what they are",
            1,
            "UPDATE acquaintance SET archived_at = 5",
            "UPDATE acquaintance SET archived_at = NULL",
        ),
        (
            "contacts whose history does not begin once",
            1,
            "UPDATE acquaintance SET first = (1 = 0)",
            "UPDATE acquaintance SET first = (1 = 1)",
        ),
        (
            "external ids that differ from those of their row",
            1,
            "UPDATE contact SET external_ids = '[]'",
            "UPDATE contact SET external_ids = '[{\"source\":\"crm\",\"id\":\"P1\"}]'",
        ),
        (
            "touches with a wrong weight",
            1,
            "UPDATE touch SET weight = weight + 1",
            "UPDATE touch SET weight = weight - 1",
        ),
        (
            "goals wrong about being reached",
            1,
            "UPDATE goal SET agreed_amount = 1",
            "UPDATE goal SET agreed_amount = 10000",
        ),
    ] {
        connection.execute_unprepared(break_it).await.unwrap();
        let output = program::run(database, &["doctor"]).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let expected = format!("FAULTY {what}: {number}");
        let faults: Vec<&str> = said.lines().filter(|line| line.starts_with("FAULTY")).collect();
        assert_eq!(faults, [expected], "{said}");
        assert!(!output.status.success());
        connection.execute_unprepared(repair).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// The next release adds a column by a migration that is not marked as incompatible.
#[on_both_databases]
async fn an_upgrade_rolls_without_a_failed_request(database: &Database) {
    let program = Program::serve_in(database, &[], &UNBOUNDED).await;
    let office = Office::opened(&program).await;
    let mut load = Load::start(&office.at(&program), &office.accounts, 0, Expect::SuccessOrTheEnd);
    load.meets(Outcome::Acknowledged, 30).await;
    let connection = database.connect().await;
    for statement in [
        "ALTER TABLE account ADD COLUMN of_tomorrow INTEGER",
        "CREATE INDEX account_of_tomorrow ON account (organization_id, of_tomorrow)",
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_tomorrow', 0)",
    ] {
        connection.execute_unprepared(statement).await.unwrap();
    }
    load.meets(Outcome::Acknowledged, 30).await;
    // A server of this release can still be started.
    let beside = Program::serve_in(database, &[], &UNBOUNDED).await;
    let mut second = Load::start(&office.at(&beside), &office.accounts, 1, Expect::SuccessOrTheEnd);
    second.meets(Outcome::Acknowledged, 30).await;
    let mut tally = load.end().await;
    tally.add(second.end().await);
    assert_eq!((tally.failures(), tally.unanswered), (0, 0), "{tally}");
    beside.terminate().await;
    beside.ended().await;
    // After a migration that is marked as incompatible, a running server writes nothing, and still reads.
    let incompatible = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_other_incompatible', 0)";
    connection.execute_unprepared(incompatible).await.unwrap();
    let admin = office.at(&program);
    let before = rows(&connection, "SELECT count(*) FROM event").await[0].try_get_by_index::<i64>(0).unwrap();
    let touch = |subject: &str| json!({"accountId": office.accounts[0], "kind": "CALL", "subject": subject});
    let many: Vec<Value> = (0..100)
        .map(|number| json!({"externalId": {"source": "crm", "id": number.to_string()}, "name": format!("Account {number}")}))
        .collect();
    let sign_in = json!({"email": "ada@initech.example", "password": tests::actors::PASSWORD});
    for answer in [
        admin.mutate("logTouch", "touch { id }", touch("late")).await,
        admin.mutate("createAccount", "account { id }", json!({"name": "Late"})).await,
        admin.mutate("updateAccount", "account { id }", json!({"id": office.accounts[0], "city": "Late"})).await,
        admin.mutate("upsertAccounts", "created", json!({"rows": many})).await,
        program.stranger().mutate("signIn", "session { accessToken }", sign_in.clone()).await,
        admin.query("mutation { signOut { signedOut } }").await,
    ] {
        assert_eq!(answer.error_code(), "INTERNAL_SERVER_ERROR", "{answer}");
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("older than the database"), "{answer}");
    }
    let after = rows(&connection, "SELECT count(*) FROM event").await[0].try_get_by_index::<i64>(0).unwrap();
    assert_eq!(after, before);
    admin.query("{ accounts { nodes { name } } }").await.answered();
    let readiness = program.stranger().at("/readyz", reqwest::Method::GET).send().await.unwrap();
    assert_eq!(readiness.status(), 503);
    // It goes on when the tables are as before, as after a restore.
    let undo = "DELETE FROM seaql_migrations WHERE version = 'm9999_other_incompatible'";
    connection.execute_unprepared(undo).await.unwrap();
    admin.mutate("logTouch", "touch { id }", touch("again")).await.done();
    program.terminate().await;
    program.ended().await;
    // It cannot be started after such a migration.
    connection.execute_unprepared(incompatible).await.unwrap();
    let output = program::run(database, &["serve", "--listen", "127.0.0.1:0"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("newer release"), "{said}");
    connection.execute_unprepared("DELETE FROM seaql_migrations WHERE version LIKE 'm9999%'").await.unwrap();
    connection.close().await.unwrap();
}
