//! `callshot import`: what happens to the files that people have, and to broken ones.

use std::path::{Path, PathBuf};

use callshot::import::report::{Counts, result_path};
use serde_json::{Value, json};
use tests::imports::{Desk, Imported, import, reasons};
use tests::queries::count;
use tests::{Client, World, on_both_databases, program};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/harbour").join(name)
}

pub fn created(rows: usize) -> Counts {
    Counts { created: rows, ..Counts::default() }
}

pub fn unchanged(rows: usize) -> Counts {
    Counts { unchanged: rows, ..Counts::default() }
}

/// Imports files that are as they should be.
pub async fn load(world: &World, words: &str, file: &Path) -> Imported {
    let report = import(world.server(), words, &[file]).await.unwrap();
    let reasons = reasons(&report);
    assert!(reasons.is_empty(), "{reasons:?}");
    report
}

pub async fn refusal(world: &World, words: &str, file: &Path) -> String {
    import(world.server(), words, &[file]).await.unwrap_err()
}

/// The nodes of a list, by name where it can be ordered so.
pub async fn nodes(by: &Client, list: &str, selection: &str) -> Vec<Value> {
    let order = if ["accounts", "opportunities"].contains(&list) { ", orderBy: [{field: NAME}]" } else { "" };
    let answer = by.query(&format!("{{ {list}(first: 200{order}) {{ nodes {{ {selection} }} }} }}")).await;
    answer.data(list)["nodes"].as_array().unwrap().clone()
}

pub async fn total(by: &Client, list: &str) -> u64 {
    by.query(&format!("{{ {list} {{ totalCount }} }}")).await.data(list)["totalCount"].as_u64().unwrap()
}

/// How many events the feed has: a run that changed nothing has added none.
async fn events(by: &Client) -> usize {
    let mut after = Value::Null;
    let mut count = 0;
    loop {
        let document = "query($after: String) { events(first: 200, after: $after) { edges { cursor } pageInfo { hasNextPage endCursor } } }";
        let answer = by.send(document, json!({"after": after})).await;
        count += answer.data("events.edges").as_array().unwrap().len();
        if answer.data("events.pageInfo.hasNextPage") == &json!(false) {
            return count;
        }
        after = answer.data("events.pageInfo.endCursor").clone();
    }
}

const EXAMPLE: [(&str, &str, usize); 5] = [
    ("users", "users.csv", 4),
    ("accounts", "accounts.csv", 12),
    ("contacts", "contacts.csv", 20),
    ("opportunities", "opportunities.csv", 40),
    ("touches", "touches.csv", 24),
];

#[on_both_databases]
async fn the_example_comes_in_whole_and_again_unchanged(world: &World) {
    let admin = world.admin();
    for (kind, file, rows) in EXAMPLE {
        let report = load(world, &format!("--from csv --as {kind}"), &example(file)).await;
        assert_eq!(report.rows, created(rows), "{kind}");
        assert!(report.remarks.is_empty(), "{:?}", report.remarks);
    }
    let before = events(admin).await;
    for (kind, file, rows) in EXAMPLE {
        let report = load(world, &format!("--from csv --as {kind}"), &example(file)).await;
        assert_eq!(report.rows, unchanged(rows), "{kind}");
    }
    assert_eq!(events(admin).await, before);

    let answer = admin
        .query(
            r#"{ accounts(filter: {externalId: {source: "csv", id: "A-02"}}) { nodes { parent { name } owner { email manager { name role } } annualRevenue { amount } } }
                 opportunities(filter: {externalId: {source: "csv", id: "O-001"}}) { nodes { amount { amount } openedOn closedOn stage } } }"#,
        )
        .await;
    let retail = json!([{
        "parent": {"name": "Quillfeather Mills"}, "annualRevenue": {"amount": "31200000.00"},
        "owner": {"email": "tomas.weld@harbour.example", "manager": {"name": "Ines Marlow", "role": "MANAGER"}},
    }]);
    assert_eq!(answer.data("accounts.nodes"), &retail);
    let won =
        json!([{"amount": {"amount": "62500.75"}, "openedOn": "2025-01-17", "closedOn": "2025-05-26", "stage": "WON"}]);
    assert_eq!(answer.data("opportunities.nodes"), &won);
}

#[on_both_databases]
async fn what_a_newer_file_says_otherwise_is_updated_and_an_empty_cell_clears_nothing(world: &World) {
    let desk = Desk::new();
    let file = desk.file("accounts.csv", "id,name,industry,city\n1,Acme,Tools,Cork\n2,Bolt,Tools,Cork\n");
    load(world, "--from csv --as accounts", &file).await;
    let file = desk.file("accounts.csv", "id,name,industry,city\n1,Acme,,Bonn\n2,Bolt,Tools,\n");
    let report = load(world, "--from csv --as accounts", &file).await;
    assert_eq!(report.rows, Counts { updated: 1, unchanged: 1, ..Counts::default() });
    let expected = json!([
        {"name": "Acme", "industry": "Tools", "city": "Bonn", "version": 2},
        {"name": "Bolt", "industry": "Tools", "city": "Cork", "version": 1},
    ]);
    assert_eq!(json!(nodes(world.admin(), "accounts", "name industry city version").await), expected);
}

#[on_both_databases]
async fn managers_whom_a_file_only_names_become_users_without_a_password(world: &World) {
    let desk = Desk::new();
    let team = "sales_agent,manager,regional_office\nIda Moe,Per Sund,North\nOla Lie,Per Sund,North\n";
    let file = desk.file("team.csv", team);
    let message = import(world.server(), "--from maven --as users", &[&file]).await.unwrap();
    assert!(reasons(&message)[0].1.contains("--email-domain"), "{:?}", message.lines);
    let report = load(world, "--from maven --as users --email-domain example.com", &file).await;
    assert_eq!((report.rows, report.lines[0].line), (created(3), 2));
    assert_eq!(load(world, "--from maven --as users", &file).await.rows, unchanged(3), "known by name now");

    let answer = world
        .admin()
        .query(
            "{ users(filter: {email: {contains: \"example.com\"}}) { nodes { name email role manager { email } } } }",
        )
        .await;
    let mut users = answer.data("users.nodes").as_array().unwrap().clone();
    users.sort_by_key(|user| user["name"].to_string());
    let expected = json!([
        {"name": "Ida Moe", "email": "ida.moe@example.com", "role": "SELLER", "manager": {"email": "per.sund@example.com"}},
        {"name": "Ola Lie", "email": "ola.lie@example.com", "role": "SELLER", "manager": {"email": "per.sund@example.com"}},
        {"name": "Per Sund", "email": "per.sund@example.com", "role": "MANAGER", "manager": null},
    ]);
    assert_eq!(json!(users), expected);
    let sign_in = json!({"email": "ida.moe@example.com", "password": tests::actors::PASSWORD});
    let refused = world.stranger().mutate("signIn", "session { accessToken }", sign_in).await;
    assert_eq!(refused.user_errors().len(), 1, "{refused}");
}

#[on_both_databases]
async fn parents_stand_in_any_order_and_not_in_circles_and_a_dry_run_tells_the_same(world: &World) {
    let desk = Desk::new();
    let rows = "Twig,Branch\nBranch,Root\nRoot,\nEgg,Hen\nHen,Egg\nOrphan,Missing\n";
    let file = desk.file("accounts.csv", format!("account,subsidiary_of\n{rows}"));
    let server = world.server();
    let before = events(world.admin()).await;
    let dry = import(server, "--from maven --as accounts --dry-run", &[&file]).await.unwrap();
    assert_eq!((total(world.admin(), "accounts").await, events(world.admin()).await), (0, before));
    let report = import(server, "--from maven --as accounts", &[&file]).await.unwrap();
    assert_eq!(report.rows, Counts { created: 3, failed: 3, ..Counts::default() });
    assert_eq!(reasons(&report).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6, 7]);
    assert_eq!((dry.rows, reasons(&dry)), (report.rows, reasons(&report)));
    let expected = json!([
        {"name": "Branch", "parent": {"name": "Root"}}, {"name": "Root", "parent": null}, {"name": "Twig", "parent": {"name": "Branch"}},
    ]);
    assert_eq!(json!(nodes(world.admin(), "accounts", "name parent { name }").await), expected);
}

#[on_both_databases]
async fn day_and_month_must_be_declared_where_they_cannot_be_told(world: &World) {
    let desk = Desk::new();
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let head = "id,name,account,stage,openedOn\n";
    let file = desk.file("deals.csv", format!("{head}1,A,Acme,IDENTIFIED,3/4/2017\n2,B,Acme,IDENTIFIED,5/6/2017\n"));
    let message = refusal(world, "--from csv --as opportunities", &file).await;
    assert!(message.contains("deals.csv, column “openedOn”"), "{message}");
    assert!(message.contains("line 2") && message.contains("--date-order dmy"), "{message}");
    assert_eq!(total(world.admin(), "opportunities").await, 0);
    load(world, "--from csv --as opportunities --date-order dmy", &file).await;
    let expected = json!([{"openedOn": "2017-04-03"}, {"openedOn": "2017-06-05"}]);
    assert_eq!(json!(nodes(world.admin(), "opportunities", "openedOn").await), expected);
    // One day that can be read in one way alone decides for the whole column.
    let file = desk.file("deals.csv", format!("{head}1,A,Acme,IDENTIFIED,3/4/2017\n2,B,Acme,IDENTIFIED,5/16/2017\n"));
    load(world, "--from csv --as opportunities", &file).await;
    let expected = json!([{"openedOn": "2017-03-04"}, {"openedOn": "2017-05-16"}]);
    assert_eq!(json!(nodes(world.admin(), "opportunities", "openedOn").await), expected);
}

#[on_both_databases]
async fn bad_rows_say_everything_that_is_wrong_and_spare_the_good_ones(world: &World) {
    let desk = Desk::new();
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\nb,Twin\nc,Twin\n")).await;
    let file = desk.file(
        "deals.csv",
        "id,name,account,stage,amount,openedOn,closedOn\n\
         1,Good,Acme,WON,100,2017-03-04,2017-03-05\n\
         2,Bad,Acme,Maybe,1.0055,2017-02-30,\n\
         3,Cut,Acme\n\
         1,Again,Acme,WON,100,2017-03-04,2017-03-05\n\
         5,Which,Twin,WON,100,2017-03-04,2017-03-05\n\
         6,None,,WON,100,2017-03-04,2017-03-05\n\
         7,Backwards,Acme,WON,100,2017-03-04,2017-03-03\n\
         8,Below,Acme,WON,-1,2017-03-04,2017-03-05\n",
    );
    let report = import(world.server(), "--from csv --as opportunities", &[&file]).await.unwrap();
    let dry = import(world.server(), "--from csv --as opportunities --dry-run", &[&file]).await.unwrap();
    let reasons = reasons(&report);
    assert_eq!(report.rows, Counts { created: 1, failed: 7, ..Counts::default() });
    assert_eq!(dry.rows, Counts { unchanged: 1, failed: 7, ..Counts::default() });
    let wanted: [(u64, &[&str]); 7] = [
        (3, &["stage: “Maybe” is no stage", "more decimals", "“2017-02-30” is a day that does not exist"]),
        (4, &["has 3 cells where the header has 7"]),
        (5, &["is the same as line 2 by its id; only that one was taken"]),
        (6, &["2 accounts are called “Twin”"]),
        (7, &["names no account; --default-account NAME takes in such rows"]),
        (8, &["2017-03-04", "2017-03-03"]),
        (9, &["0"]),
    ];
    for ((line, reason), (at, words)) in reasons.iter().zip(wanted) {
        assert_eq!(*line, at);
        for word in words {
            assert!(reason.contains(word), "{line}: {reason}");
        }
    }
    assert_eq!(total(world.admin(), "opportunities").await, 1);
}

#[on_both_databases]
async fn files_that_cannot_be_read_for_certain_are_refused(world: &World) {
    let desk = Desk::new();
    let cases = [
        ("none.csv", "Acme,Software\nBeta,Retail\n", "none of the column titles is known"),
        ("twice.csv", "id,name,Name\n1,A,B\n", "“name” occurs twice, in columns 2 and 3"),
        ("poor.csv", "industry,city\nFood,Cork\n", "has no column"),
        ("empty.csv", "", "is empty"),
        ("cut.csv", "id,name\n0,Zed\n1,\"Ac", "line 3: a quoted cell opens here"),
    ];
    for (name, text, message) in cases {
        let refusal = refusal(world, "--from csv --as accounts", &desk.file(name, text)).await;
        assert!(refusal.contains(message), "{name}: {refusal}");
    }
    let gone = refusal(world, "--from csv --as accounts", &desk.path("gone.csv")).await;
    assert!(gone.contains("cannot be read"), "{gone}");
    let foreign = refusal(world, "--from erp --as accounts", &desk.file("a.csv", "id\n")).await;
    assert!(foreign.contains("needs --map FILE"), "{foreign}");
    let latin = desk.file("latin.csv", b"id,name\n1,Caf\xE9\n");
    let wrong = refusal(world, "--from csv --as accounts --encoding utf-8", &latin).await;
    assert!(wrong.contains("latin.csv, line 2: is not UTF-8"), "{wrong}");
    assert_eq!(total(world.admin(), "accounts").await, 0);
}

#[on_both_databases]
async fn rows_without_an_account_go_to_the_default_one(world: &World) {
    let desk = Desk::new();
    let file = desk.file("deals.csv", "id,name,account,stage\n1,Lone,,IDENTIFIED\n2,Second,,QUALIFIED\n");
    let words = "--from csv --as opportunities --default-account Unassigned";
    let dry = load(world, &format!("{words} --dry-run"), &file).await;
    assert_eq!((dry.rows, total(world.admin(), "accounts").await), (created(2), 0));
    assert_eq!(load(world, words, &file).await.rows, created(2));
    assert_eq!(load(world, words, &file).await.rows, unchanged(2));
    let expected = json!([{"account": {"name": "Unassigned"}}, {"account": {"name": "Unassigned"}}]);
    assert_eq!(json!(nodes(world.admin(), "opportunities", "account { name }").await), expected);
    assert_eq!(total(world.admin(), "accounts").await, 1);
}

#[on_both_databases]
async fn wins_are_booked_and_give_the_account_to_who_won_most(world: &World) {
    let admin = world.admin();
    let (ann, ben) = (world.seller("Ann").await, world.seller("Ben").await);
    let desk = Desk::new();
    load(world, "--from maven --as accounts", &desk.file("accounts.csv", "account\nAcme\nBolt\n")).await;
    let file = desk.file(
        "deals.csv",
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n\
         1,Ann,Saw,Acme,Won,2017-01-01,2017-02-01,100\n\
         2,Ben,Saw,Acme,Won,2017-01-01,2017-05-01,60\n\
         3,Ben,Saw,Acme,Won,2017-01-01,2017-05-02,50\n\
         4,Ann,Saw,Acme,Lost,2017-01-01,2017-05-02,0\n\
         5,Ann,Saw,Bolt,Prospecting,,,\n",
    );
    let words = "--from maven --as opportunities --book-won --own-by won";
    let one = Some(Counts { updated: 1, ..Counts::default() });
    let dry = load(world, &format!("{words} --dry-run"), &file).await;
    let first = load(world, words, &file).await;
    for report in [&dry, &first] {
        assert_eq!((report.rows, report.bookings, report.owners), (created(5), Some(created(3)), one));
    }
    let expected = json!([
        {"name": "Acme", "owner": {"name": "Ben"}, "team": [{"user": {"name": "Ann"}, "role": "SELLER"}, {"user": {"name": "Ben"}, "role": "SELLER"}]},
        {"name": "Bolt", "owner": {"name": "Ada Admin"}, "team": [{"user": {"name": "Ann"}, "role": "SELLER"}]},
    ]);
    let mut accounts = nodes(admin, "accounts", "name owner { name } team { user { name } role }").await;
    for account in &mut accounts {
        account["team"].as_array_mut().unwrap().sort_by_key(|member| member["user"]["name"].to_string());
    }
    assert_eq!(json!(accounts), expected);
    let names = async |by: &Client| -> Vec<String> {
        nodes(by, "accounts", "name").await.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (names(&ann).await, names(&ben).await),
        (vec!["Acme".to_owned(), "Bolt".to_owned()], vec!["Acme".to_owned()])
    );

    // What was not engaged yet was opened on the day of the import, and stays so.
    let answer = admin.query("{ opportunities(filter: {stage: [IDENTIFIED]}) { nodes { openedOn createdAt } } }").await;
    let opened = answer.text("opportunities.nodes.0.openedOn");
    assert!(answer.text("opportunities.nodes.0.createdAt").starts_with(opened), "{answer}");
    let mut bookings =
        nodes(admin, "bookings", "amount { amount } bookedOn seller { name } opportunity { stage }").await;
    bookings.sort_by_key(|booking| booking["bookedOn"].to_string());
    let expected = json!([
        {"amount": {"amount": "100.00"}, "bookedOn": "2017-02-01", "seller": {"name": "Ann"}, "opportunity": {"stage": "WON"}},
        {"amount": {"amount": "60.00"}, "bookedOn": "2017-05-01", "seller": {"name": "Ben"}, "opportunity": {"stage": "WON"}},
        {"amount": {"amount": "50.00"}, "bookedOn": "2017-05-02", "seller": {"name": "Ben"}, "opportunity": {"stage": "WON"}},
    ]);
    assert_eq!(json!(bookings), expected);
    let before = events(admin).await;
    let again = load(world, words, &file).await;
    assert_eq!((again.rows, again.bookings, again.owners), (unchanged(5), Some(unchanged(3)), Some(unchanged(1))));
    assert_eq!(events(admin).await, before);
}

#[on_both_databases]
async fn several_files_are_one_import_and_the_later_word_counts(world: &World) {
    let desk = Desk::new();
    let early = desk.file("early.csv", "id,name,parent\n1,Acme,Umbrella\n2,Beta,\n");
    let late = desk.file("late.csv", "id,name\n2,Beta & Sons\n3,Umbrella\n");
    let result = desk.path("result.csv");
    let paths = [&early, &late, &result].map(|path| path.to_str().unwrap());
    let words = ["import", paths[0], paths[1], "--from", "csv", "--as", "accounts", "--result", paths[2]];
    let done = program::run(world.server().database(), &words).await;
    let message = String::from_utf8(done.stdout).unwrap();
    assert!(message.contains("accounts: 4 rows: 3 created, 1 updated, 0 unchanged, 0 failed"), "{message}");
    let names = json!([{"name": "Acme"}, {"name": "Beta & Sons"}, {"name": "Umbrella"}]);
    assert_eq!(json!(nodes(world.admin(), "accounts", "name").await), names);
    let text = std::fs::read_to_string(result).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("line,status,id,what is wrong,file", 5));
    assert!(lines[1].starts_with("2,CREATED,account_") && lines[1].ends_with("early.csv"), "{text}");
}

#[on_both_databases]
async fn the_exit_code_says_whether_all_rows_are_in_and_the_result_file_what_became_of_each(world: &World) {
    let desk = Desk::new();
    let database = world.server().database();
    let run = async |text: &str, more: &[&str]| {
        let file = desk.file("accounts.csv", text);
        let mut words = vec!["import", file.to_str().unwrap(), "--as", "accounts", "--from", "csv"];
        words.extend_from_slice(more);
        program::run(database, &words).await
    };
    let done = run("id,name,employees\n1,Acme,10\n", &[]).await;
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let message = String::from_utf8(done.stdout).unwrap();
    assert!(message.contains("accounts: 1 rows: 1 created, 0 updated, 0 unchanged, 0 failed"), "{message}");
    assert!(message.contains("accounts.result.csv"), "{message}");

    let some = run("id,name,employees\n1,Acme,ten\n2,Beta,5\n", &[]).await;
    assert_eq!(some.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&some.stdout).contains("1 failed: employees: “ten” is not a number"));
    let text = std::fs::read_to_string(database.folder().join("accounts.result.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2],
        ["line,status,id,what is wrong", "2,FAILED,,employees: “ten” is not a number; write 1234.50"]
    );
    assert!(lines.len() == 3 && lines[2].starts_with("3,CREATED,account_"), "{text}");

    for (text, more, message) in [
        ("", &[] as &[&str], "is empty"),
        (
            "id,name\n1,A\n",
            &["--by", "stranger@nowhere.example"],
            "no active member has the address stranger@nowhere.example",
        ),
        ("id,name\n1,A\n", &["--organization", "Nowhere"], "there is no organization “Nowhere”"),
        ("id,name\n1,A\n", &["--encoding", "klingon"], "no known encoding"),
    ] {
        let output = run(text, more).await;
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(message),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let file = desk.file("accounts.csv", "id,name\n1,Acme\n");
    let message = result_path(Some(&file), std::slice::from_ref(&file)).unwrap_err().0;
    assert!(message.contains("is a file to be imported"), "never overwritten: {message}");
}

#[on_both_databases]
async fn whose_import_it_is_and_by_whom_is_told_where_it_is_not_plain(world: &World) {
    let desk = Desk::new();
    let file = desk.file("accounts.csv", "id,name\n1,Acme\n");
    let other = world.another_organization("Initrode").await;
    let message = refusal(world, "--from csv --as accounts", &file).await;
    assert!(message.contains("--organization"), "{message}");
    load(world, "--from csv --as accounts --organization Initrode", &file).await;
    assert_eq!((total(world.admin(), "accounts").await, total(other.admin(), "accounts").await), (0, 1));
    // A seller's import has a seller's rights.
    let ann = world.seller("Ann").await;
    let words = format!("--from csv --as accounts --organization Initech --by {}", ann.email());
    load(world, &words, &file).await;
    assert_eq!(json!(nodes(&ann, "accounts", "owner { name }").await), json!([{"owner": {"name": "Ann"}}]));
    let theirs = desk.file("theirs.csv", format!("id,name,owner\n2,Bolt,{}\n", world.admin().email()));
    let report = import(world.server(), &words, &[&theirs]).await.unwrap();
    assert!(reasons(&report)[0].1.contains("Only managers of this user"), "{:?}", report.lines);
}
#[on_both_databases]
async fn a_batch_costs_as_many_statements_as_a_row(world: &World) {
    let (server, desk) = (world.server(), Desk::new());
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let ann = world.seller("Ann").await;
    let deals = |rows: std::ops::Range<i32>| {
        let row = |id: i32| format!("{id},Deal {id},a,WON,{},2017-03-01,2017-03-04,{}\n", id + 1, ann.email());
        let rows: String = rows.map(row).collect();
        desk.file("deals.csv", format!("id,name,accountId,stage,amount,openedOn,closedOn,owner\n{rows}"))
    };
    let words = "--from csv --as opportunities --book-won --own-by won";
    load(world, words, &deals(0..1)).await;
    let one = deals(1..2);
    let (report, of_one) = count(server, Box::pin(load(world, words, &one))).await;
    assert_eq!((report.rows, report.bookings), (created(1), Some(created(1))));
    let many = deals(2..502);
    let (report, of_many) = count(server, Box::pin(load(world, words, &many))).await;
    assert_eq!((report.rows, report.bookings), (created(500), Some(created(500))));
    assert_eq!(of_many, of_one);
}
