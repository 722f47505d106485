//! Importing again: people's work in between stays, revenue is counted once, and a run can be undone.

use callshot::import::report::Counts;
use callshot::import::target::ImportTarget;
use callshot::import::undo::{Undone, undo};
use serde_json::{Value, json};
use std::sync::Arc;
use tests::imports::{Desk, Imported, import, reasons};
use tests::{Client, World, on_both_databases};

use crate::import::{created, load, nodes, total, unchanged};

async fn by_id(by: &Client, mutation: &str, id: &str) {
    by.mutate(mutation, "", json!({"id": id})).await.done();
}

async fn ids(by: &Client, list: &str, name: &str) -> Vec<(String, String)> {
    let pair = |node: &Value| (node[name].as_str().unwrap().to_owned(), node["id"].as_str().unwrap().to_owned());
    let mut all: Vec<_> = nodes(by, list, &format!("id {name}")).await.iter().map(pair).collect();
    all.sort();
    all
}

async fn undone(world: &World, report: &Imported) -> Undone {
    let target = ImportTarget::open(Arc::clone(world.server().app()), None, None).await.unwrap();
    undo(&target, report.run.as_deref().unwrap()).await.unwrap()
}

async fn booked(by: &Client) -> Value {
    let answer = by.query("{ analytics { bookings(groupBy: []) { count amount { amount } } } }").await;
    answer.data("analytics.bookings").clone()
}

fn bookings(count: usize, amount: &str) -> Value {
    json!([{"count": count, "amount": {"amount": amount}}])
}

#[on_both_databases]
async fn touches_that_people_changed_canceled_or_deleted_stay_so(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let text = "id,accountId,subject,at\n1,a,Canceled,2090-01-01\n2,a,Deleted,2017-01-02\n3,a,Edited,2017-01-03\n4,a,Kept,2017-01-04\n";
    let file = desk.file("touches.csv", text);
    let words = "--from csv --as touches";
    assert_eq!(load(world, words, &file).await.rows, created(4));
    let touches = ids(admin, "touches", "subject").await;
    by_id(admin, "cancelTouch", &touches[0].1).await;
    by_id(admin, "deleteTouch", &touches[1].1).await;
    let edit = json!({"id": touches[2].1, "subject": "Edited by hand", "kind": "CALL"});
    admin.mutate("updateTouch", "touch { id }", edit).await.done();
    for _ in 0..2 {
        let again = load(world, words, &file).await;
        assert_eq!((again.rows, again.left_alone), (unchanged(4), 1), "{:?}", again.lines);
        let noted = |line: u64| &again.lines.iter().find(|known| known.line == line).unwrap().wrong;
        assert!(noted(3).contains("was deleted here"), "{:?}", again.lines);
        assert!(noted(4).contains("left as they are: subject"), "{:?}", again.lines);
    }
    let mut found = nodes(admin, "touches", "subject status kind").await;
    found.sort_by_key(|touch| touch["subject"].to_string());
    let expected = json!([
        {"subject": "Canceled", "status": "CANCELED", "kind": "OTHER"},
        {"subject": "Edited by hand", "status": "COMPLETED", "kind": "CALL"},
        {"subject": "Kept", "status": "COMPLETED", "kind": "OTHER"},
    ]);
    assert_eq!(json!(found), expected);
}

#[on_both_databases]
async fn a_win_is_booked_once_whoever_booked_it(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let words = "--from csv --as opportunities --book-won";
    let head = "id,name,accountId,stage,amount,openedOn,closedOn\n";
    let open = desk.file("open.csv", format!("{head}1,Mill,a,PROPOSED,500,2017-01-01,\n"));
    load(world, words, &open).await;
    let id = ids(admin, "opportunities", "name").await.remove(0).1;
    let win = json!({"id": id, "closedOn": "2017-02-01"});
    admin.mutate("winOpportunity", "opportunity { id }", win).await.done();
    let won = desk.file("won.csv", format!("{head}1,Mill,a,WON,500,2017-01-01,2017-02-03\n"));
    for _ in 0..2 {
        let report = load(world, words, &won).await;
        assert!(report.remarks.iter().any(|remark| remark.contains("booked here already")), "{:?}", report.remarks);
        assert_eq!(booked(admin).await, bookings(1, "500.00"));
    }
    // The source still has it open: it stays won here.
    load(world, words, &open).await;
    let stage = nodes(admin, "opportunities", "stage closedOn").await;
    assert_eq!(json!(stage), json!([{"stage": "WON", "closedOn": "2017-02-01"}]));
}

#[on_both_databases]
async fn a_booking_of_the_import_goes_when_its_win_was_none(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let words = "--from csv --as opportunities --book-won";
    let head = "id,name,accountId,stage,amount,openedOn,closedOn\n";
    let deal =
        |stage: &str, closed: &str| desk.file("deals.csv", format!("{head}1,Mill,a,{stage},500,2017-01-01,{closed}\n"));
    load(world, words, &deal("WON", "2017-02-01")).await;
    assert_eq!(booked(admin).await, bookings(1, "500.00"));
    let lost = load(world, "--from csv --as opportunities", &deal("LOST", "2017-02-05")).await;
    assert!(lost.lines[0].wrong.contains("its booking of 2017-02-01 was taken back"), "{:?}", lost.lines);
    assert_eq!(booked(admin).await, bookings(0, "0.00"));
    assert_eq!(load(world, "--from csv --as opportunities", &deal("LOST", "2017-02-05")).await.rows, unchanged(1));
    load(world, words, &deal("WON", "2017-03-01")).await;
    assert_eq!(booked(admin).await, bookings(1, "500.00"));
    load(world, words, &deal("QUALIFIED", "")).await;
    assert_eq!(booked(admin).await, bookings(0, "0.00"));
    // A booking that was changed by hand stays, and its opportunity stays won.
    load(world, words, &deal("WON", "2017-03-01")).await;
    let booking = ids(admin, "bookings", "bookedOn").await.remove(0).1;
    admin.mutate("updateBooking", "booking { id }", json!({"id": booking, "amount": "450"})).await.done();
    let kept = load(world, words, &deal("LOST", "2017-02-05")).await;
    assert!(kept.lines[0].wrong.contains("stays WON here"), "{:?}", kept.lines);
    assert_eq!(booked(admin).await, bookings(1, "450.00"));
}

#[on_both_databases]
async fn a_day_that_the_import_made_up_gives_way_to_a_real_one(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let words = "--from csv --as opportunities";
    let open = desk.file("open.csv", "id,name,accountId,stage\n1,Mill,a,PROPOSED\n");
    let first = load(world, words, &open).await;
    assert_eq!(first.invented_openings, 1);
    let won = desk.file("won.csv", "id,name,accountId,stage,closedOn\n1,Mill,a,WON,2017-02-03\n");
    load(world, words, &won).await;
    let expected = json!([{"openedOn": "2017-02-03", "closedOn": "2017-02-03"}]);
    assert_eq!(json!(nodes(admin, "opportunities", "openedOn closedOn").await), expected);
    let real = desk.file("real.csv", "id,name,accountId,openedOn\n1,Mill,a,2017-01-01\n");
    load(world, words, &real).await;
    assert_eq!(json!(nodes(admin, "opportunities", "openedOn").await), json!([{"openedOn": "2017-01-01"}]));
}

#[on_both_databases]
async fn fields_that_people_changed_are_left_alone_and_custom_fields_by_key(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    let map = desk
        .file("map.toml", "[columns]\nid = \"id\"\nname = \"name\"\nphone = \"phone\"\n[custom]\nsize = \"size\"\n");
    let words = format!("--from erp --as accounts --map {}", map.display());
    let text =
        |phone: &str, size: &str| desk.file("accounts.csv", format!("id,name,phone,size\n1,Acme,{phone},{size}\n"));
    load(world, &words, &text("1", "S")).await;
    let id = ids(admin, "accounts", "name").await.remove(0).1;
    let edit = json!({"id": id, "name": "Acme Ltd", "customFields": {"size": "XL", "own": 1}});
    admin.mutate("updateAccount", "account { id }", edit).await.done();
    let again = load(world, &words, &text("2", "M")).await;
    assert_eq!((again.rows, again.left_alone), (Counts { updated: 1, ..Counts::default() }, 2), "{:?}", again.lines);
    assert!(again.lines[0].wrong.contains("name, customFields.size"), "{:?}", again.lines);
    let expected = json!([{"name": "Acme Ltd", "phone": "2", "customFields": {"own": 1, "size": "XL"}}]);
    assert_eq!(json!(nodes(admin, "accounts", "name phone customFields").await), expected);
}

#[on_both_databases]
async fn a_row_deleted_in_its_source_is_archived_or_deleted(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    let accounts =
        |deleted: &str| desk.file("accounts.csv", format!("id,name,deleted\n1,Acme,{deleted}\n2,Bolt,true\n"));
    let report = load(world, "--from csv --as accounts", &accounts("false")).await;
    assert_eq!(report.rows, Counts { created: 1, unchanged: 1, ..Counts::default() });
    let deals = |deleted: &str| desk.file("deals.csv", format!("id,name,accountId,deleted\n1,Mill,1,{deleted}\n"));
    load(world, "--from csv --as opportunities", &deals("no")).await;
    load(world, "--from csv --as opportunities", &deals("yes")).await;
    assert_eq!(total(admin, "opportunities").await, 0);
    let report = load(world, "--from csv --as accounts", &accounts("true")).await;
    assert_eq!(report.rows, Counts { updated: 1, unchanged: 1, ..Counts::default() });
    assert_eq!(load(world, "--from csv --as accounts", &accounts("true")).await.rows, unchanged(2));
    let answer = admin.query("{ accounts(filter: {archived: ONLY}) { totalCount } }").await;
    assert_eq!(answer.data("accounts.totalCount"), &json!(1));
    let wrong = import(world.server(), "--from csv --as accounts", &[&accounts("Inactive")]).await.unwrap();
    assert!(reasons(&wrong)[0].1.contains("“Inactive” is neither true nor false"), "{:?}", wrong.lines);
}

#[on_both_databases]
async fn a_run_is_undone_where_its_rows_were_not_touched(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name,city\n1,Acme,Cork\n2,Bolt,Cork\n"))
        .await;
    let changed = desk.file("accounts.csv", "id,name,city\n1,Acme,Bonn\n2,Bolt,Bonn\n3,Crux,Bonn\n4,Dash,Bonn\n");
    let second = load(world, "--from csv --as accounts", &changed).await;
    assert_eq!(second.rows, Counts { created: 2, updated: 2, ..Counts::default() });
    let accounts = ids(admin, "accounts", "name").await;
    admin.mutate("updateAccount", "account { id }", json!({"id": accounts[1].1, "city": "Rome"})).await.done();
    let input = json!({"accountId": accounts[3].1, "name": "Mill"});
    admin.mutate("createOpportunity", "opportunity { id }", input).await.done();
    let deals = desk
        .file("deals.csv", "id,name,accountId,stage,amount,openedOn,closedOn\n1,Saw,1,WON,5,2017-01-01,2017-01-02\n");
    let third = load(world, "--from csv --as opportunities --book-won", &deals).await;

    let result = undone(world, &third).await;
    assert_eq!((result.removed, result.left.len()), (2, 0), "{result:?}");
    assert_eq!(booked(admin).await, bookings(0, "0.00"));
    let result = undone(world, &second).await;
    assert_eq!((result.removed, result.restored), (1, 1), "{result:?}");
    let left: Vec<&str> = result.left.iter().map(|(_, reason)| reason.as_str()).collect();
    assert!(left.contains(&"was changed since: city"), "{left:?}");
    assert!(left.iter().any(|reason| reason.contains("has been used since")), "{left:?}");
    let cities =
        json!([{"name": "Acme", "city": "Cork"}, {"name": "Bolt", "city": "Rome"}, {"name": "Dash", "city": "Bonn"}]);
    assert_eq!(json!(nodes(admin, "accounts", "name city").await), cities);
    let target = ImportTarget::open(Arc::clone(world.server().app()), None, None).await.unwrap();
    assert!(undo(&target, second.run.as_deref().unwrap()).await.unwrap_err().to_string().contains("undone already"));
    // What was undone may come again.
    assert_eq!(load(world, "--from csv --as opportunities --book-won", &deals).await.rows, created(1));
}

#[on_both_databases]
async fn a_calendar_is_read_again_without_undoing_anything(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    let acme = admin.account(json!({"name": "Acme"})).await;
    admin.contact(&acme, json!({"name": "Jo", "email": "jo@acme.com"})).await;
    let event = |uid: &str, lines: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{uid}\r\nATTENDEE:mailto:jo@acme.com\r\n{lines}\r\nEND:VEVENT\r\n"
        )
    };
    let calendar = |events: &[String]| {
        desk.file("work.ics", format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.concat()))
    };
    let words = "--as touches --from work";
    let mine = format!(
        "DTSTART:20170405T110000Z\r\nORGANIZER:mailto:jo@acme.com\r\nATTENDEE;PARTSTAT=DECLINED:mailto:{}",
        admin.email()
    );
    let events = [
        event("canceled", "DTSTART:20900101T100000Z"),
        event("completed", "SEQUENCE:2\r\nDTSTART:20170403T093000Z"),
        event("declined", &mine),
        event("leaves", "DTSTART:20900103T100000Z"),
    ];
    load(world, words, &calendar(&events)).await;
    let touches = ids(admin, "touches", "subject").await;
    by_id(admin, "cancelTouch", &touches[0].1).await;
    let edit = json!({"id": touches[1].1, "kind": "CALL", "notes": "By hand"});
    admin.mutate("updateTouch", "touch { id }", edit).await.done();
    assert_eq!(load(world, words, &calendar(&events)).await.rows, unchanged(4));
    // An older version of an event does not win, and a moved series is not doubled.
    let older = [event("completed", "SEQUENCE:1\r\nDTSTART:20170403T150000Z")];
    let report = load(world, words, &calendar(&older)).await;
    assert!(report.lines[0].wrong.contains("is an older version"), "{:?}", report.lines);
    let report = load(world, &format!("{words} --cancel-missing"), &calendar(&events[..3])).await;
    assert_eq!(report.rows, unchanged(3));
    let expected = json!([
        {"subject": "canceled", "status": "CANCELED", "kind": "MEETING", "at": "2090-01-01T10:00:00Z"},
        {"subject": "completed", "status": "COMPLETED", "kind": "CALL", "at": "2017-04-03T09:30:00Z"},
        {"subject": "declined", "status": "CANCELED", "kind": "MEETING", "at": "2017-04-05T11:00:00Z"},
        {"subject": "leaves", "status": "CANCELED", "kind": "MEETING", "at": "2090-01-03T10:00:00Z"},
    ]);
    let mut found = nodes(admin, "touches", "subject status kind at").await;
    found.sort_by_key(|touch| touch["subject"].to_string());
    assert_eq!(json!(found), expected);
}

#[on_both_databases]
async fn amounts_in_other_currencies_are_refused_or_converted(world: &World) {
    let desk = Desk::new();
    let file = desk.file(
        "accounts.csv",
        "id,name,annualRevenue,currency\n1,Acme,€500,\n2,Bolt,500,EUR\n3,Crux,10K,USD\n4,Dash,2 hours,\n",
    );
    let words = "--from csv --as accounts";
    let report = import(world.server(), words, &[&file]).await.unwrap();
    let reasons = reasons(&report);
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].1.contains("“€500” is in EUR, and amounts here are in USD"), "{reasons:?}");
    assert!(reasons[1].1.contains("--rate EUR=RATE") && reasons[2].1.contains("“hours”"), "{reasons:?}");
    let report = import(world.server(), &format!("{words} --rate EUR=1.1"), &[&file]).await.unwrap();
    let converted = report.lines.iter().filter(|line| line.wrong.contains("500 EUR were converted at 1.1 to 550"));
    assert_eq!(converted.count(), 2, "{:?}", report.lines);
    let amounts = nodes(world.admin(), "accounts", "annualRevenue { amount }").await;
    let amounts: Vec<&str> = amounts.iter().map(|node| node["annualRevenue"]["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["550.00", "550.00", "10000.00"]);
    let either = desk.file("either.csv", "id,name,annualRevenue\n1,Acme,100\n2,Bolt,12.400\n");
    let refusal = import(world.server(), words, &[&either]).await.unwrap_err();
    assert!(refusal.contains("column “annualRevenue”") && refusal.contains("line 3"), "{refusal}");
    assert!(refusal.contains("--decimal-point or --decimal-comma"), "{refusal}");
}

#[on_both_databases]
async fn the_rest_of_the_columns_is_kept_where_asked_for(world: &World) {
    let desk = Desk::new();
    let file = desk.file("accounts.csv", "id,name,Branch,Founded\n1,Acme,North,1950\n");
    let report = load(world, "--from csv --as accounts --keep-rest", &file).await;
    assert!(report.remarks[0].contains("columns kept as custom fields: Branch, Founded"), "{:?}", report.remarks);
    let expected = json!([{"customFields": {"Branch": "North", "Founded": 1950}}]);
    assert_eq!(json!(nodes(world.admin(), "accounts", "customFields").await), expected);
}

/// What became of the row on a line.
fn noted(report: &Imported, line: u64) -> &str {
    &report.lines.iter().find(|known| known.line == line).unwrap().wrong
}

#[on_both_databases]
async fn a_pipeline_is_imported_twice_after_people_worked_on_it_and_then_undone(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\nb,Bolt\n")).await;
    let words = "--from csv --as opportunities --book-won";
    let head = "id,name,accountId,stage,amount,openedOn,closedOn\n";
    let rows = "1,Alder,a,WON,100,2017-01-01,2017-02-01\n\
                2,Birch,a,WON,60,2017-01-01,2017-02-02\n\
                3,Cedar,b,LOST,30,2017-01-01,2017-02-03\n\
                4,Elm,b,QUALIFIED,20,2017-01-01,\n\
                5,Fir,b,IDENTIFIED,10,2017-01-01,\n\
                6,Hazel,a,WON,70,2017-01-01,2017-02-04\n\
                7,Larch,a,PROPOSED,80,2017-01-01,\n";
    let last = |stage: &str, closed_on: &str| format!("8,Maple,b,{stage},40,2017-01-01,{closed_on}\n");
    let file = desk.file("deals.csv", format!("{head}{rows}{}", last("WON", "2017-02-05")));
    let first = load(world, words, &file).await;
    assert_eq!((first.rows, first.bookings), (created(8), Some(created(4))));
    assert_eq!(booked(admin).await, bookings(4, "270.00"));

    // Edit, reopen a win, reopen a loss, win, lose, delete.
    let deals = ids(admin, "opportunities", "name").await;
    let id = |name: &str| deals.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let update = async |input: Value| drop(admin.mutate("updateOpportunity", "opportunity { id }", input).await.done());
    update(json!({"id": id("Alder"), "name": "Alder, the second"})).await;
    let of_birch = nodes(admin, "bookings", "id opportunity { name }").await;
    let of_birch = of_birch.iter().find(|booking| booking["opportunity"]["name"] == "Birch").unwrap();
    by_id(admin, "deleteBooking", of_birch["id"].as_str().unwrap()).await;
    update(json!({"id": id("Birch"), "stage": "NEGOTIATING"})).await;
    update(json!({"id": id("Cedar"), "stage": "QUALIFIED"})).await;
    let win = json!({"id": id("Elm"), "closedOn": "2017-03-01", "amount": "500"});
    admin.mutate("winOpportunity", "opportunity { id }", win).await.done();
    let lose = json!({"id": id("Fir"), "closedOn": "2017-03-02", "reason": "Price"});
    admin.mutate("loseOpportunity", "opportunity { id }", lose).await.done();
    by_id(admin, "deleteOpportunity", &id("Larch")).await;
    let fields = "name stage amount { amount } closedOn lossReason version";
    let worked_on = nodes(admin, "opportunities", fields).await;
    assert_eq!(booked(admin).await, bookings(4, "710.00"));

    for _ in 0..2 {
        let again = load(world, words, &file).await;
        assert_eq!((again.rows, again.bookings), (unchanged(8), Some(unchanged(3))), "{:?}", again.lines);
        assert_eq!(nodes(admin, "opportunities", fields).await, worked_on);
        assert_eq!(booked(admin).await, bookings(4, "710.00"));
        let left = "changed here since the last import and left as they are:";
        for (line, words) in [
            (2, format!("{left} name")),
            (3, format!("{left} stage, closedOn")),
            (4, format!("{left} stage, closedOn")),
            (5, format!("{left} amount, stage")),
            (6, format!("{left} stage")),
            (8, "was deleted here since an earlier import, and stays deleted".to_owned()),
        ] {
            assert!(noted(&again, line).contains(&words), "{line}: {:?}", again.lines);
        }
        assert_eq!((noted(&again, 7), noted(&again, 9)), ("", ""), "{:?}", again.lines);
    }

    // The source changes its mind on one of them.
    let lost = desk.file("deals.csv", format!("{head}{rows}{}", last("LOST", "2017-03-05")));
    for (round, counts) in [(1, Counts { updated: 1, unchanged: 7, ..Counts::default() }), (2, unchanged(8))] {
        let report = load(world, words, &lost).await;
        assert_eq!(report.rows, counts, "{round}: {:?}", report.lines);
        assert_eq!(noted(&report, 9).contains("its booking of 2017-02-05 was taken back"), round == 1);
        assert_eq!(booked(admin).await, bookings(3, "670.00"));
    }

    // The run of the import takes back what is as it left it.
    let result = undone(world, &first).await;
    assert_eq!((result.removed, result.restored), (3, 0), "{result:?}");
    let mut left: Vec<String> = result.left.iter().map(|(_, reason)| reason.clone()).collect();
    left.sort();
    assert_eq!(left.iter().filter(|reason| reason.starts_with("was changed since: ")).count(), 6, "{left:?}");
    assert_eq!(left.iter().filter(|reason| *reason == "was deleted since").count(), 3, "{left:?}");
    assert_eq!(booked(admin).await, bookings(1, "500.00"));
    let mut names: Vec<Value> = nodes(admin, "opportunities", "name").await;
    names.sort_by_key(ToString::to_string);
    let expected = ["Alder, the second", "Birch", "Cedar", "Elm", "Fir", "Maple"].map(|name| json!({"name": name}));
    assert_eq!(names, expected);
}

#[on_both_databases]
async fn what_was_undone_counts_as_given_by_an_import(world: &World) {
    let (admin, desk) = (world.admin(), Desk::new());
    let city = |city: &str| desk.file("accounts.csv", format!("id,name,city\n1,Acme,{city}\n"));
    let words = "--from csv --as accounts";
    load(world, words, &city("Cork")).await;
    let wrong = load(world, words, &city("Crok")).await;
    assert_eq!(undone(world, &wrong).await.restored, 1);
    let right = load(world, words, &city("Bonn")).await;
    assert_eq!((right.rows.updated, right.left_alone), (1, 0), "{:?}", right.lines);
    assert_eq!(json!(nodes(admin, "accounts", "city").await), json!([{"city": "Bonn"}]));
}

#[on_both_databases]
async fn a_run_that_created_accounts_with_their_parents_is_undone_as_a_whole(world: &World) {
    let desk = Desk::new();
    let text = "id,name,parentId\n1,Twig,2\n2,Branch,3\n3,Root,\n4,Leaf,1\n";
    let report = load(world, "--from csv --as accounts", &desk.file("accounts.csv", text)).await;
    assert_eq!(report.rows, created(4));
    let result = undone(world, &report).await;
    assert_eq!((result.removed, result.left.len()), (4, 0), "{result:?}");
    assert_eq!(total(world.admin(), "accounts").await, 0);
}
