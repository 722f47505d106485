//! `callshot import`: how other systems write the same things: encodings, amounts, titles, activities, people.

use callshot::import::report::Counts;
use serde_json::json;
use tests::imports::{Desk, import, reasons};
use tests::{World, on_both_databases};

use crate::import::{created, load, nodes, refusal, unchanged};

#[on_both_databases]
async fn every_encoding_and_line_ending_gives_the_same_account(world: &World) {
    let desk = Desk::new();
    let text = "id,name,description\r\n1,Café Noël,\"one\r\ntwo\rthree\"\r\n";
    let wide = |little: bool| -> Vec<u8> {
        let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    let narrow: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    let files = [text.as_bytes().to_vec(), marked, wide(true), wide(false), narrow];
    for (at, bytes) in files.iter().enumerate() {
        let report = load(world, "--from csv --as accounts", &desk.file("accounts.csv", bytes)).await;
        assert_eq!(report.rows, if at == 0 { created(1) } else { unchanged(1) }, "{at}");
        let guessed = report.remarks.iter().any(|remark| remark.contains("windows-1252"));
        assert_eq!(guessed, at == 4, "{:?}", report.remarks);
    }
    let expected = json!([{"name": "Café Noël", "description": "one\ntwo\nthree"}]);
    assert_eq!(json!(nodes(world.admin(), "accounts", "name description").await), expected);
}

#[on_both_databases]
async fn money_is_exact_in_every_spelling(world: &World) {
    let desk = Desk::new();
    let file = desk.file(
        "accounts.csv",
        "id,name,annualRevenue\n1,A,1054\n2,B,6.0E7\n3,C,1475.3000000000002\n4,D,\"95,570.69\"\n5,E,\"$12,400.00\"\n6,F,many\n",
    );
    let report = import(world.server(), "--from csv --as accounts", &[&file]).await.unwrap();
    assert!(reasons(&report)[0].1.contains("annualRevenue: “many” is not a number"), "{:?}", report.lines);
    let comma = desk.file("comma.csv", "id;name;annualRevenue\n7;G;1.234,50\n");
    load(world, "--from csv --as accounts --decimal-comma", &comma).await;
    let accounts = nodes(world.admin(), "accounts", "annualRevenue { amount }").await;
    let amounts: Vec<&str> =
        accounts.iter().map(|account| account["annualRevenue"]["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["1054.00", "60000000.00", "1475.30", "95570.69", "12400.00", "1234.50"]);
}

#[on_both_databases]
async fn salesforce_activities_become_touches_or_say_why_not(world: &World) {
    let desk = Desk::new();
    let accounts = desk.file("Account.csv", "Id,Name\n001Ec00000AAAAA,Acme\n");
    let contacts = desk.file("Contact.csv", "Id,LastName,AccountId\n003Ec00000AAAAA,Lie,001Ec00000AAAAA\n");
    let tasks = desk.file(
        "Task.csv",
        "Id,WhoId,WhatId,AccountId,Subject,ActivityDate,Status,Type,CallDurationInSeconds,CreatedDate\n\
         t1,003Ec00000AAAAA,,001Ec00000AAAAA,Hello,2024-01-05,Completed,Call,610,2024-01-06T10:00:00.000+0000\n\
         t2,,001Ec00000AAAAAIA5,,Later,2099-03-05,Not Started,Meeting,,2024-01-06T10:00:00.000+0000\n\
         t3,00QEc00000AAAAA,,,Lead,2024-01-05,Completed,Call,,2024-01-06T10:00:00.000+0000\n\
         t4,,,001Ec00000AAAAA,Slides,2024-01-05,Completed,Prep,,2024-01-06T10:00:00.000+0000\n\
         t5,,500Ec00000AAAAA,001Ec00000AAAAA,Case,,Completed,Juggling,,2024-01-06T10:00:00.000+0000\n",
    );
    load(world, "--from salesforce --as accounts", &accounts).await;
    load(world, "--from salesforce --as contacts", &contacts).await;
    let report = import(world.server(), "--from salesforce --as touches", &[&tasks]).await.unwrap();
    assert_eq!(report.rows, Counts { created: 3, failed: 2, ..Counts::default() }, "{:?}", reasons(&report));
    assert!(reasons(&report)[0].1.contains("is about a lead") && reasons(&report)[1].1.contains("“Prep”"));
    let odd = report.lines.iter().find(|line| line.line == 6).unwrap();
    assert!(odd.wrong.contains("“Juggling” is taken as OTHER"), "{odd:?}");
    let fields = "subject kind status at recordedAt durationMinutes contacts { name }";
    let mut touches = nodes(world.admin(), "touches", fields).await;
    touches.sort_by_key(|touch| touch["subject"].to_string());
    let entered = "2024-01-06T10:00:00Z";
    let expected = json!([
        {"subject": "Case", "kind": "OTHER", "status": "COMPLETED", "at": entered, "recordedAt": entered, "durationMinutes": null, "contacts": []},
        {"subject": "Hello", "kind": "CALL", "status": "COMPLETED", "at": "2024-01-05T12:00:00Z", "recordedAt": entered, "durationMinutes": 10,
         "contacts": [{"name": "Lie"}]},
        {"subject": "Later", "kind": "MEETING", "status": "SCHEDULED", "at": "2099-03-05T12:00:00Z", "recordedAt": entered, "durationMinutes": null,
         "contacts": []},
    ]);
    assert_eq!(json!(touches), expected);
    let again = import(world.server(), "--from salesforce --as touches", &[&tasks]).await.unwrap();
    assert_eq!(again.rows, Counts { unchanged: 3, failed: 2, ..Counts::default() });
}

#[on_both_databases]
async fn other_systems_exports_are_known_by_their_titles(world: &World) {
    let desk = Desk::new();
    load(world, "--from csv --as users", &desk.file("users.csv", "name,email\nIda Moe,ida@example.com\n")).await;
    let exports = [
        ("hubspot", "accounts", "\"Record ID\",\"Company name\",\"Company owner\"\n\"77\",\"Acme\",\"Ida Moe\"\n"),
        (
            "hubspot",
            "opportunities",
            "Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Deal owner,Associated Company IDs (Primary)\n\
             5,Big,Contract Sent,\"95,570.69\",2024-03-12 09:14,2024-01-02 08:00,Ida Moe (ida@example.com),77\n",
        ),
        ("pipedrive", "accounts", "Organization - ID,Organization - Name*\n9,Beta\n"),
        (
            "pipedrive",
            "opportunities",
            "Deal - ID,Deal - Title,Deal - Value,Deal - Status,Deal - Stage,Deal - Organization,Deal - Won time,Deal - Deal created\n\
             3,Deal,1000,Won,Whatever,Beta,2024-02-02 10:00:00,2024-01-02 10:00:00\n",
        ),
        ("zoho", "accounts", "Record Id,Account Name\nzcrm_1,Gamma\n"),
        (
            "zoho",
            "opportunities",
            "Record Id,Deal Name,Account Name.id,Account Name,Stage,Amount,Closing Date\n\
             zcrm_2,Xylophone,zcrm_1,Gamma,Closed Won,\"$12,400.00\",\"Sep 12, 2025\"\n",
        ),
    ];
    for (from, kind, text) in exports {
        load(world, &format!("--from {from} --as {kind}"), &desk.file("export.csv", text)).await;
    }
    let fields = "name account { name } owner { name } stage amount { amount } openedOn expectedCloseOn closedOn";
    let deals = nodes(world.admin(), "opportunities", fields).await;
    let expected = json!([
        {"name": "Big", "account": {"name": "Acme"}, "owner": {"name": "Ida Moe"}, "stage": "NEGOTIATING", "amount": {"amount": "95570.69"},
         "openedOn": "2024-01-02", "expectedCloseOn": "2024-03-12", "closedOn": null},
        {"name": "Deal", "account": {"name": "Beta"}, "owner": {"name": "Ada Admin"}, "stage": "WON", "amount": {"amount": "1000.00"},
         "openedOn": "2024-01-02", "expectedCloseOn": null, "closedOn": "2024-02-02"},
        {"name": "Xylophone", "account": {"name": "Gamma"}, "owner": {"name": "Ada Admin"}, "stage": "WON", "amount": {"amount": "12400.00"},
         "openedOn": "2025-09-12", "expectedCloseOn": null, "closedOn": "2025-09-12"},
    ]);
    assert_eq!(json!(deals), expected);
}

#[on_both_databases]
async fn a_map_says_what_the_columns_of_any_other_file_mean(world: &World) {
    let desk = Desk::new();
    let map = desk.file(
        "erp.toml",
        "source = \"erp\"\ndate-order = \"dmy\"\ndecimal-comma = true\n[columns]\nid = \"No.\"\nname = \"What\"\naccountName = \"Customer\"\n\
         stage = \"State\"\namount = \"Worth\"\nopenedOn = \"Since\"\n[custom]\nbranch = \"Office\"\n[stages]\n\"Quote sent\" = \"PROPOSED\"\n",
    );
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let file = desk.file(
        "deals.csv",
        "No.;What;Customer;State;Worth;Since;Office\n1;Mill;Acme;quote sent;1.234,50;3.4.2017;North\n",
    );
    load(world, &format!("--from erp --as opportunities --map {}", map.display()), &file).await;
    let deals = nodes(
        world.admin(),
        "opportunities",
        "stage amount { amount } openedOn customFields externalIds { source id }",
    )
    .await;
    let expected = json!([{
        "stage": "PROPOSED", "amount": {"amount": "1234.50"}, "openedOn": "2017-04-03", "customFields": {"branch": "North"},
        "externalIds": [{"source": "erp", "id": "1"}],
    }]);
    assert_eq!(json!(deals), expected);
    let wrong = desk.file("wrong.toml", "[columns]\nnam = \"What\"\n");
    let message = refusal(world, &format!("--from erp --as opportunities --map {}", wrong.display()), &file).await;
    assert!(message.contains("nam"), "{message}");
}

#[on_both_databases]
async fn owners_ids_are_explained_by_a_file_and_told_without_one(world: &World) {
    let ida = world.seller("Ida").await;
    let desk = Desk::new();
    let file = desk.file("Account.csv", "Id,Name,OwnerId\n001Ec00000AAAAA,Acme,005Ec000004oBPNIA2\n");
    let owners = desk.file("User.csv", format!("Id,Email\n005Ec000004oBPN,{}\n", ida.email().to_uppercase()));
    let report = load(world, "--from salesforce --as accounts", &file).await;
    assert!(report.remarks[0].starts_with("1 rows name their owner by one of 1 ids"), "{:?}", report.remarks);
    load(world, &format!("--from salesforce --as accounts --owners {}", owners.display()), &file).await;
    assert_eq!(json!(nodes(&ida, "accounts", "owner { name }").await), json!([{"owner": {"name": "Ida"}}]));
}

#[on_both_databases]
async fn a_related_name_is_looked_up_also_where_the_account_is_given_by_its_id(world: &World) {
    let desk = Desk::new();
    load(world, "--from csv --as accounts", &desk.file("accounts.csv", "id,name\n1,Acme\n2,Bolt\n3,Twin\n4,Twin\n"))
        .await;
    let touches = desk.file(
        "touches.csv",
        "id,accountId,related,subject,kind,at\n\
         t1,1,Acme,Its account,CALL,2024-01-05T10:00:00Z\n\
         t2,1,Bolt,Another account,CALL,2024-01-05T11:00:00Z\n\
         t3,1,Twin,One of two,CALL,2024-01-05T12:00:00Z\n\
         t4,1,Nowhere,Unknown,CALL,2024-01-05T13:00:00Z\n\
         t5,,Bolt,By its name alone,CALL,2024-01-05T14:00:00Z\n",
    );
    let report = load(world, "--from csv --as touches", &touches).await;
    assert_eq!(report.rows, created(5));
    let noted = report.lines.iter().filter(|line| !line.wrong.is_empty());
    let notes: Vec<(u64, &str)> = noted.map(|line| (line.line, line.wrong.as_str())).collect();
    let expected = [
        (4, "related: 2 accounts are called “Twin”; name the one by its id; left out"),
        (5, "related: no account, opportunity or contact is called “Nowhere”; left out"),
    ];
    assert_eq!(notes, expected);
    let mut found = nodes(world.admin(), "touches", "subject account { name }").await;
    found.sort_by_key(|touch| touch["subject"].to_string());
    let expected = ["Another account", "By its name alone", "Its account", "One of two", "Unknown"].map(|subject| {
        let account = if subject == "By its name alone" { "Bolt" } else { "Acme" };
        json!({"subject": subject, "account": {"name": account}})
    });
    assert_eq!(json!(found), json!(expected));
}
