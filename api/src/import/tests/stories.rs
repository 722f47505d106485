//! What happens to files that people would have, and to broken ones.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use clap::Parser;
use rust_decimal::Decimal;
use tempfile::TempDir;

use super::{Memory, import, reasons};
use crate::import::{
    report::{Counts, result_path},
    run::{self, Stop},
    sink::{AccountRef, MaybeUndefined, Role, Stage, TouchKind, TouchStatus, UpsertStatus},
};

/// A folder of files that goes away with the test.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/harbour").join(name)
}

fn refusal(result: Result<super::Report, Stop>) -> String {
    match result {
        Err(Stop::Refused(refusal)) => refusal.0,
        other => panic!("{other:?} was not refused"),
    }
}

fn created(rows: usize) -> Counts {
    Counts { created: rows, ..Counts::default() }
}

#[test]
fn the_example_comes_in_whole_and_again_unchanged() {
    let memory = Memory::default();
    let steps = [
        ("users", "users.csv", 4),
        ("accounts", "accounts.csv", 12),
        ("contacts", "contacts.csv", 20),
        ("opportunities", "opportunities.csv", 40),
        ("touches", "touches.csv", 24),
    ];
    for (kind, file, rows) in steps {
        let report = import(&memory, &format!("--from csv --as {kind}"), &[&example(file)]).unwrap();
        assert_eq!(report.rows, created(rows), "{kind}: {:?}", reasons(&report));
        assert!(report.remarks.is_empty(), "{:?}", report.remarks);
    }
    for (kind, file, rows) in steps {
        let report = import(&memory, &format!("--from csv --as {kind}"), &[&example(file)]).unwrap();
        assert_eq!(report.rows.unchanged, rows, "{kind}");
    }
    let tables = memory.tables();
    let retail = &tables.accounts["csv:A-02"];
    assert!(matches!(&retail.parent, MaybeUndefined::Value(AccountRef::ExternalId(id)) if id.id == "A-01"));
    assert_eq!(retail.owner_email, MaybeUndefined::Value("tomas.weld@harbour.example".to_owned()));
    assert_eq!(tables.users["ines.marlow@harbour.example"].role, MaybeUndefined::Value(Role::Manager));
    assert_eq!(
        tables.opportunities["csv:O-001"].amount,
        MaybeUndefined::Value(crate::scalar::Decimal(Decimal::new(6_250_075, 2)))
    );
}

#[test]
fn managers_whom_a_file_only_names_become_users() {
    let desk = Desk::new();
    let file =
        desk.file("team.csv", "sales_agent,manager,regional_office\nIda Moe,Per Sund,North\nOla Lie,Per Sund,North\n");
    let memory = Memory::default();
    let report = import(&memory, "--from maven --as users --email-domain example.com", &[&file]).unwrap();
    assert_eq!(report.rows, created(3));
    assert_eq!(report.lines[0].line, 2);
    let tables = memory.tables();
    assert_eq!(tables.users["per.sund@example.com"].role_on_creation, Some(Role::Manager));
    assert_eq!(
        tables.users["ida.moe@example.com"].manager_email,
        MaybeUndefined::Value("per.sund@example.com".to_owned())
    );
    drop(tables);
    let without = import(&memory, "--from maven --as users", &[&file]).unwrap();
    assert!(reasons(&without).is_empty(), "known by now");
    let strangers = import(&Memory::default(), "--from maven --as users", &[&file]).unwrap();
    assert!(reasons(&strangers)[0].1.contains("--email-domain"));
}

#[test]
fn subsidiaries_may_stand_before_their_parents_and_not_in_circles() {
    let desk = Desk::new();
    let file = desk.file(
        "accounts.csv",
        "account,subsidiary_of\nTwig,Branch\nBranch,Root\nRoot,\nEgg,Hen\nHen,Egg\nOrphan,Nobody\n",
    );
    let memory = Memory::default();
    let dry = import(&memory, "--from maven --as accounts --dry-run", &[&file]).unwrap();
    let report = import(&memory, "--from maven --as accounts", &[&file]).unwrap();
    for report in [&dry, &report] {
        assert_eq!(report.rows, Counts { created: 3, failed: 3, ..Counts::default() });
        let failed: Vec<u64> = reasons(report).iter().map(|(line, _)| *line).collect();
        assert_eq!(failed.iter().copied().collect::<std::collections::BTreeSet<_>>(), [5, 6, 7].into());
    }
}

#[test]
fn day_and_month_must_be_declared_where_they_cannot_be_told() {
    let desk = Desk::new();
    let head = "id,name,account,stage,openedOn\n";
    let file = desk.file("deals.csv", format!("{head}1,A,Acme,IDENTIFIED,3/4/2017\n2,B,Acme,IDENTIFIED,5/6/2017\n"));
    let accounts = desk.file("accounts.csv", "id,name\na,Acme\n");
    let memory = Memory::default();
    import(&memory, "--from csv --as accounts", &[&accounts]).unwrap();
    let told = refusal(import(&memory, "--from csv --as opportunities", &[&file]));
    assert!(
        told.contains("deals.csv, column “openedOn”") && told.contains("line 2") && told.contains("--date-order dmy"),
        "{told}"
    );
    assert!(memory.tables().opportunities.is_empty());
    import(&memory, "--from csv --as opportunities --date-order dmy", &[&file]).unwrap();
    assert_eq!(memory.tables().opportunities["csv:1"].opened_on.take().unwrap().0.to_string(), "2017-04-03");
}

#[test]
fn bad_rows_say_everything_that_is_wrong_and_spare_the_good_ones() {
    let desk = Desk::new();
    let accounts = desk.file("accounts.csv", "id,name\na,Acme\nb,Twin\nc,Twin\n");
    let file = desk.file(
        "deals.csv",
        "id,name,account,stage,amount,openedOn\n\
         1,Good,Acme,WON,100,2017-03-04\n\
         2,Bad,Acme,Maybe,1.005,2017-02-30\n\
         3,Cut,Acme\n\
         1,Again,Acme,WON,100,2017-03-04\n\
         5,Which,Twin,WON,100,2017-03-04\n\
         6,None,,WON,100,2017-03-04\n",
    );
    let memory = Memory::default();
    import(&memory, "--from csv --as accounts", &[&accounts]).unwrap();
    let report = import(&memory, "--from csv --as opportunities", &[&file]).unwrap();
    let reasons = reasons(&report);
    assert_eq!(report.rows, Counts { created: 1, failed: 5, ..Counts::default() });
    assert!(reasons[0].1.contains("stage: “Maybe” is no stage") && reasons[0].1.contains("more decimals"));
    assert!(reasons[0].1.contains("“2017-02-30” is a day that does not exist"));
    assert!(reasons[1].1.contains("has 3 cells where the header has 6"));
    assert_eq!(reasons[2], (5, "is the same as line 2 by its id; only that one was taken"));
    assert!(reasons[3].1.contains("2 accounts are called “Twin”"));
    assert!(reasons[4].1.contains("names no account"));
}

#[test]
fn files_without_a_usable_header_are_refused() {
    let desk = Desk::new();
    let memory = Memory::default();
    let told = |name: &str, text: &str| refusal(import(&memory, "--from csv --as accounts", &[&desk.file(name, text)]));
    assert!(told("none.csv", "Acme,Software\nBeta,Retail\n").contains("none of the column titles is known"));
    assert!(told("twice.csv", "id,name,Name\n1,A,B\n").contains("“name” stands twice, in columns 2 and 3"));
    assert!(told("poor.csv", "industry,city\nFood,Cork\n").contains("has no column"));
    assert!(told("empty.csv", "").contains("is empty"));
    assert!(told("cut.csv", "id,name\n1,\"Ac").contains("line 2: a quoted cell opens here"));
    assert!(
        refusal(import(&memory, "--from csv --as accounts", &[&desk.0.path().join("gone.csv")]))
            .contains("cannot be read")
    );
    assert!(
        refusal(import(&memory, "--from erp --as accounts", &[&desk.file("a.csv", "id\n")]))
            .contains("needs --map FILE")
    );
}

#[test]
fn salesforce_activities_become_touches_or_say_why_not() {
    let desk = Desk::new();
    let accounts = desk.file("Account.csv", "Id,Name\n001Ec00000AAAAA,Acme\n");
    let contacts = desk.file("Contact.csv", "Id,LastName,AccountId\n003Ec00000AAAAA,Lie,001Ec00000AAAAA\n");
    let tasks = desk.file(
        "Task.csv",
        "Id,WhoId,WhatId,AccountId,Subject,ActivityDate,Status,Type,CallDurationInSeconds,CreatedDate\n\
         t1,003Ec00000AAAAA,,001Ec00000AAAAA,Hello,2024-01-05,Completed,Call,610,2024-01-06T10:00:00.000+0000\n\
         t2,,001Ec00000AAAAAIA5,,Later,2024-03-05,Not Started,Meeting,,2024-01-06T10:00:00.000+0000\n\
         t3,00QEc00000AAAAA,,,Lead,2024-01-05,Completed,Call,,2024-01-06T10:00:00.000+0000\n\
         t4,,,001Ec00000AAAAA,Slides,2024-01-05,Completed,Prep,,2024-01-06T10:00:00.000+0000\n\
         t5,,500Ec00000AAAAA,001Ec00000AAAAA,Case,,Completed,Juggling,,2024-01-06T10:00:00.000+0000\n",
    );
    let memory = Memory::default();
    import(&memory, "--from salesforce --as accounts", &[&accounts]).unwrap();
    import(&memory, "--from salesforce --as contacts", &[&contacts]).unwrap();
    let report = import(&memory, "--from salesforce --as touches", &[&tasks]).unwrap();
    assert_eq!(report.rows, Counts { created: 3, failed: 2, ..Counts::default() }, "{:?}", reasons(&report));
    let tables = memory.tables();
    let call = &tables.touches["salesforce:t1"];
    assert_eq!(call.kind, MaybeUndefined::Value(TouchKind::Call));
    assert_eq!(call.duration_minutes, MaybeUndefined::Value(10));
    assert_eq!(call.at.take().unwrap().0.to_string(), "2024-01-05T12:00:00Z");
    assert_eq!(call.recorded_at.take().unwrap().0.to_string(), "2024-01-06T10:00:00Z");
    assert_eq!(call.status, MaybeUndefined::Value(TouchStatus::Completed));
    assert!(call.contacts.value().unwrap()[0].id.len() == 18);
    let odd = &tables.touches["salesforce:t5"];
    assert_eq!((odd.kind, odd.at), (MaybeUndefined::Value(TouchKind::Other), odd.recorded_at));
    let noted = report.lines.iter().find(|line| line.line == 6).unwrap();
    assert!(noted.status == UpsertStatus::Created && noted.wrong.contains("“Juggling” is taken as OTHER"));
}

#[test]
fn other_systems_exports_are_known_by_their_titles() {
    let desk = Desk::new();
    let memory = Memory::default();
    let users = desk.file("users.csv", "name,email\nIda Moe,ida@example.com\n");
    import(&memory, "--from csv --as users", &[&users]).unwrap();
    let step = |from: &str, kind: &str, text: &str| {
        let file = desk.file("export.csv", text);
        let report = import(&memory, &format!("--from {from} --as {kind}"), &[&file]).unwrap();
        assert!(report.rows.failed == 0, "{from} {kind}: {:?}", reasons(&report));
    };
    step("hubspot", "accounts", "\"Record ID\",\"Company name\",\"Company owner\"\n\"77\",\"Acme\",\"Ida Moe\"\n");
    step(
        "hubspot",
        "opportunities",
        "Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Deal owner,Associated Company IDs (Primary)\n\
         5,Big,Contract Sent,\"95,570.69\",2024-03-12 09:14,2024-01-02 08:00,Ida Moe (ida@example.com),77\n",
    );
    step("pipedrive", "accounts", "Organization - ID,Organization - Name*\n9,Beta\n");
    step(
        "pipedrive",
        "opportunities",
        "Deal - ID,Deal - Title,Deal - Value,Deal - Status,Deal - Stage,Deal - Organization,Deal - Won time,Deal - Deal created\n\
         3,Deal,1000,Won,Whatever,Beta,2024-02-02 10:00:00,2024-01-02 10:00:00\n",
    );
    step("zoho", "accounts", "Record Id,Account Name\nzcrm_1,Gamma\n");
    step(
        "zoho",
        "opportunities",
        "Record Id,Deal Name,Account Name.id,Account Name,Stage,Amount,Closing Date\n\
         zcrm_2,Deal,zcrm_1,Gamma,Closed Won,\"$12,400.00\",\"Sep 12, 2026\"\n",
    );
    let tables = memory.tables();
    let deal = &tables.opportunities["hubspot:5"];
    assert_eq!(deal.expected_close_on.take().unwrap().0.to_string(), "2024-03-12");
    assert_eq!(deal.owner_email, MaybeUndefined::Value("ida@example.com".to_owned()));
    assert_eq!(tables.opportunities["pipedrive:3"].stage, MaybeUndefined::Value(Stage::Won));
    assert_eq!(tables.opportunities["zoho:zcrm_2"].closed_on.take().unwrap().0.to_string(), "2026-09-12");
}

#[test]
fn owners_ids_are_explained_by_a_file_and_told_without_one() {
    let desk = Desk::new();
    let file = desk.file("Account.csv", "Id,Name,OwnerId\n001Ec00000AAAAA,Acme,005Ec000004oBPNIA2\n");
    let owners = desk.file("User.csv", "Id,Email\n005Ec000004oBPN,Ida@Example.com\n");
    let memory = Memory::default();
    let report = import(&memory, "--from salesforce --as accounts", &[&file]).unwrap();
    assert!(report.remarks[0].starts_with("1 rows name their owner by one of 1 ids"));
    let words = format!("--from salesforce --as accounts --owners {}", owners.display());
    import(&memory, &words, &[&file]).unwrap();
    let owner = memory.tables().accounts["salesforce:001Ec00000AAAAAIA5"].owner_email.clone();
    assert_eq!(owner, MaybeUndefined::Value("ida@example.com".to_owned()));
}

#[test]
fn several_files_are_one_import_and_the_later_word_counts() {
    let desk = Desk::new();
    let early = desk.file("early.csv", "id,name,parent\n1,Acme,Umbrella\n2,Beta,\n");
    let late = desk.file("late.csv", "id,name\n2,Beta & Sons\n3,Umbrella\n");
    let memory = Memory::default();
    let mut report = import(&memory, "--from csv --as accounts", &[&early, &late]).unwrap();
    assert_eq!(report.rows, Counts { created: 3, updated: 1, ..Counts::default() });
    assert_eq!(memory.tables().accounts["csv:2"].name, MaybeUndefined::Value("Beta & Sons".to_owned()));
    let result = desk.0.path().join("result.csv");
    report.write(&result, &[early, late]).unwrap();
    let text = fs::read_to_string(result).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0] == "line,status,id,what is wrong,file"
            && lines[1].starts_with("2,CREATED,csv:1,,")
            && lines.len() == 5
    );
}

#[test]
fn the_exit_code_says_whether_all_rows_are_in() {
    let desk = Desk::new();
    let result = desk.0.path().join("result.csv");
    let code = |text: &str| {
        let file = desk.file("accounts.csv", text);
        let words = [
            "import",
            file.to_str().unwrap(),
            "--as",
            "accounts",
            "--from",
            "csv",
            "--result",
            result.to_str().unwrap(),
        ];
        let arguments = super::Command::try_parse_from(words).unwrap().arguments;
        super::wait(run::run(&arguments, &Memory::default().sink()))
    };
    assert_eq!(code("id,name,employees\n1,Acme,10\n"), run::EXIT_DONE);
    assert_eq!(code("id,name,employees\n1,Acme,ten\n2,Beta,5\n"), run::EXIT_SOME_FAILED);
    let text = fs::read_to_string(&result).unwrap();
    assert_eq!(
        text,
        "line,status,id,what is wrong\n2,FAILED,,employees: “ten” is not a number; write 1234.50\n3,CREATED,csv:2,\n"
    );
    assert_eq!(code(""), run::EXIT_COULD_NOT);
}

#[test]
fn line_breaks_within_cells_become_line_feeds() {
    let desk = Desk::new();
    let file = desk.file("accounts.csv", "id,name,description\r\n1,Acme,\"one\r\ntwo\rthree\"\r\n");
    let memory = Memory::default();
    import(&memory, "--from csv --as accounts", &[&file]).unwrap();
    assert_eq!(memory.tables().accounts["csv:1"].description, MaybeUndefined::Value("one\ntwo\nthree".to_owned()));
}

#[test]
fn the_files_themselves_are_never_overwritten() {
    let desk = Desk::new();
    let file = desk.file("accounts.csv", "id,name\n1,Acme\n");
    let told = result_path(Some(&file), std::slice::from_ref(&file)).unwrap_err().0;
    assert!(told.contains("is a file to be imported"));
    let path = result_path(None, &[file]).unwrap();
    assert_eq!(path, PathBuf::from("accounts.result.csv"));
}

#[test]
fn what_was_written_before_a_breakdown_is_told_and_running_again_finishes() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..1200).map(|row| format!("{row},Account {row}")).collect();
    let file = desk.file("accounts.csv", format!("id,name\n{}\n", rows.join("\n")));
    let memory = Memory::default();
    let mut sink = memory.sink();
    let (whole, calls) = (memory.sink().accounts, AtomicUsize::new(0));
    sink.accounts = Box::new(move |rows, dry_run| {
        if calls.fetch_add(1, Ordering::SeqCst) == 2 {
            return Box::pin(async { Err("the database went away".into()) });
        }
        whole(rows, dry_run)
    });
    let words = ["import", file.to_str().unwrap(), "--as", "accounts", "--from", "csv"];
    let arguments = super::Command::try_parse_from(words).unwrap().arguments;
    let mut report = super::Report::default();
    let stop = super::wait(run::import(&arguments, &sink, &mut report)).unwrap_err();
    assert!(matches!(&stop, Stop::Broken(_)) && stop.to_string().contains("run again to finish"));
    assert_eq!((report.rows, memory.tables().accounts.len()), (created(1000), 1000));
    let again = import(&memory, "--as accounts --from csv", &[&file]).unwrap();
    assert_eq!(again.rows, Counts { created: 200, unchanged: 1000, ..Counts::default() });
}
