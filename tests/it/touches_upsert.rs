//! Upserts of touches from other systems.

use serde_json::{Value, json};
use tests::queries::count;
use tests::{Answer, Member, World, on_both_databases};

const DOCUMENT: &str = "created updated unchanged failed results { index status id node { ... on Touch { kind status at recordedAt version user { email } contacts { name } account { name } } } userErrors { code field } }";

async fn upsert(member: &Member, rows: &[Value]) -> Answer {
    member.mutate("upsertTouches", DOCUMENT, json!({ "rows": rows })).await
}

fn counts(answer: &Answer) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"]
        .map(|name| answer.data(&format!("upsertTouches.{name}")).as_i64().unwrap())
}

fn errors(answer: &Answer, row: usize) -> Vec<(String, String)> {
    let errors = answer.data(&format!("upsertTouches.results.{row}.userErrors")).as_array().unwrap().clone();
    let mut errors: Vec<(String, String)> = errors
        .iter()
        .map(|error| {
            let path: Vec<&str> = error["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            (error["code"].as_str().unwrap().to_owned(), path.join("."))
        })
        .collect();
    errors.sort();
    errors
}

fn one(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

fn id(id: &str) -> Value {
    json!({"source": "crm", "id": id})
}

#[on_both_databases]
async fn rows_are_created_updated_or_unchanged(world: &World) {
    let admin = world.admin();
    let sam = world.seller("Sam Seller").await;
    let account = admin.account(json!({"name": "Acme", "domain": "acme.com", "externalIds": [id("A1")]})).await;
    let ann =
        admin.contact(&account, json!({"name": "Ann", "email": "info@acme.com", "externalIds": [id("P1")]})).await;
    admin.contact(&account, json!({"name": "Ben", "email": "info@acme.com"})).await;
    admin.contact(&account, json!({"name": "Cem", "email": "cem@acme.com"})).await;
    let rows = [
        json!({"externalId": id("1"), "account": {"domain": "acme.com"}, "kind": "MEETING", "at": "2017-04-03T09:00:00Z", "contacts": [id("P1")],
               "contactEmails": ["CEM@acme.com", "info@acme.com"], "userEmail": sam.email(), "durationMinutes": 30, "value": "IDEA", "valueAcknowledged": true}),
        // Without a reference to an account, it is the contact's.
        json!({"externalId": id("2"), "kind": "CALL", "at": "2017-04-03T09:00:00Z", "contacts": [id("P1")], "recordedAt": "2017-04-02T09:00:00Z"}),
        json!({"externalId": id("3"), "account": {"externalId": id("A1")}, "kind": "CALL", "at": "2999-04-03T09:00:00Z"}),
        json!({"externalId": id("4"), "account": {"id": account}, "kind": "CALL", "at": "2017-04-03T09:00:00Z", "status": "MISSED"}),
    ];
    let answer = admin.mutate("upsertTouches", DOCUMENT, json!({"rows": rows, "dryRun": true})).await.done();
    assert_eq!(counts(&answer), [4, 0, 0, 0]);
    assert_eq!(answer.each("upsertTouches.results", "id"), [&Value::Null; 4]);
    assert_eq!(admin.query("{ touches { totalCount } }").await.data("touches.totalCount"), &json!(0));

    let answer = upsert(admin, &rows).await.done();
    assert_eq!(counts(&answer), [4, 0, 0, 0], "{answer}");
    let node = |row: usize| answer.data(&format!("upsertTouches.results.{row}.node"));
    let first = json!({
        "kind": "MEETING", "status": "COMPLETED", "at": "2017-04-03T09:00:00Z", "recordedAt": "2017-04-03T09:00:00Z", "version": 1,
        "user": {"email": sam.email()}, "contacts": [{"name": "Ann"}, {"name": "Cem"}], "account": {"name": "Acme"},
    });
    assert_eq!(node(0), &first);
    assert_eq!((&node(1)["recordedAt"], &node(1)["account"]["name"]), (&json!("2017-04-02T09:00:00Z"), &json!("Acme")));
    assert_eq!((&node(2)["status"], &node(3)["status"]), (&json!("SCHEDULED"), &json!("MISSED")));
    assert!(node(2)["recordedAt"].as_str().unwrap() < "2900");
    // The user of a touch sees its account.
    assert_eq!(sam.query("{ touches { totalCount } }").await.data("touches.totalCount"), &json!(4));

    assert_eq!(counts(&upsert(admin, &rows).await.done()), [0, 0, 4, 0]);
    let document = format!("{{ node(id: \"{ann}\") {{ ... on Contact {{ touches {{ totalCount }} }} }} }}");
    assert_eq!(admin.query(&document).await.data("node.touches.totalCount"), &json!(2));

    // Omitted fields are kept and null clears. `recordedAt` is kept, unless given.
    let changes = [
        json!({"externalId": id("1"), "durationMinutes": null, "value": null, "valueAcknowledged": false}),
        json!({"externalId": id("2"), "responded": true, "contacts": null}),
        json!({"externalId": id("3"), "status": "CANCELED"}),
        json!({"externalId": id("4"), "status": "COMPLETED", "recordedAt": "2017-04-05T09:00:00Z"}),
    ];
    let answer = upsert(admin, &changes).await.done();
    assert_eq!(counts(&answer), [0, 4, 0, 0], "{answer}");
    let node = |row: usize| answer.data(&format!("upsertTouches.results.{row}.node"));
    assert_eq!((&node(0)["recordedAt"], &node(0)["version"]), (&json!("2017-04-03T09:00:00Z"), &json!(2)));
    assert_eq!(node(1)["recordedAt"], "2017-04-02T09:00:00Z");
    assert_eq!(node(1)["contacts"], json!([]));
    assert_eq!(node(2)["status"], "CANCELED");
    assert_eq!((&node(3)["status"], &node(3)["recordedAt"]), (&json!("COMPLETED"), &json!("2017-04-05T09:00:00Z")));
    assert_eq!(admin.query(&document).await.data("node.touches.totalCount"), &json!(1));
    assert_eq!(counts(&upsert(admin, &changes).await.done()), [0, 0, 4, 0]);
}

#[on_both_databases]
async fn an_invalid_row_gives_the_reason_and_fails_alone(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let other = admin.account(json!({"name": "Other", "domain": "other.com"})).await;
    admin.contact(&other, json!({"name": "Zoe", "email": "zoe@other.com", "externalIds": [id("Z")]})).await;
    let with = |number: usize, fields: Value| {
        let mut row = json!({"externalId": id(&format!("row {number}")), "account": {"id": account}, "kind": "CALL", "at": "2017-04-03T09:00:00Z"});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row
    };
    let bad: Vec<(Value, Vec<(&str, &str)>)> = vec![
        (json!({"externalId": id("1")}), vec![]),
        (json!({"externalId": {"source": " crm", "id": "1 "}}), vec![("CONFLICT", "externalId")]),
        (json!({"account": {"domain": "nobody.com"}}), vec![("NOT_FOUND", "account")]),
        (json!({"account": null}), vec![("REQUIRED", "account")]),
        (json!({"kind": null}), vec![("REQUIRED", "kind")]),
        (json!({"contacts": [id("Z"), id("nobody")]}), vec![("INVALID", "contacts.0"), ("NOT_FOUND", "contacts.1")]),
        (
            json!({"contactEmails": ["zoe@other.com", "nonsense"]}),
            vec![("INVALID", "contactEmails.1"), ("NOT_FOUND", "contactEmails.0")],
        ),
        (json!({"opportunity": id("nothing")}), vec![("NOT_FOUND", "opportunity")]),
        (json!({"userEmail": "nobody@acme.com"}), vec![("NOT_FOUND", "userEmail")]),
        (json!({"status": "COMPLETED", "at": "2999-01-01T00:00:00Z"}), vec![("INVALID", "at")]),
        (json!({"recordedAt": "2999-01-01T00:00:00Z"}), vec![("INVALID", "recordedAt")]),
        (json!({"durationMinutes": 0}), vec![("INVALID", "durationMinutes")]),
        (json!({"valueAcknowledged": true}), vec![("INVALID", "valueAcknowledged")]),
        (json!({"subject": "x".repeat(201), "notes": "\u{0}"}), vec![("INVALID", "notes"), ("INVALID", "subject")]),
        (json!({"externalId": id("a\u{0}b")}), vec![("INVALID", "externalId.id")]),
        (json!({"externalId": {"source": "", "id": "1"}}), vec![("REQUIRED", "externalId.source")]),
        (json!({"externalId": id("2")}), vec![]),
    ];
    let mut rows: Vec<Value> = bad.iter().enumerate().map(|(row, (fields, _))| with(row, fields.clone())).collect();
    rows.push(json!({"externalId": id("3")}));
    let answer = upsert(admin, &rows).await;
    assert_eq!(counts(&answer), [2, 0, 0, i64::try_from(rows.len()).unwrap() - 2], "{answer}");
    for (row, (fields, expected)) in bad.iter().enumerate() {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(code, field)| ((*code).to_owned(), format!("input.rows.{row}.{field}"))).collect();
        assert_eq!(errors(&answer, row), expected, "{fields}");
    }
    let bare =
        ["account", "at", "kind"].map(|field| ("REQUIRED".to_owned(), format!("input.rows.{}.{field}", bad.len())));
    assert_eq!(errors(&answer, bad.len()), bare);
    let many = vec![with(0, json!({})); 501];
    assert_eq!(upsert(admin, &many).await.refusals(), one("LIMIT_EXCEEDED", "input.rows"));
    admin.mutate("archiveAccount", "", json!({ "id": account })).await.done();
    assert_eq!(errors(&upsert(admin, &[with(0, json!({}))]).await, 0), one("CONFLICT", "input.rows.0.account"));
}

#[on_both_databases]
async fn rows_are_authorized_as_the_sender(world: &World) {
    let owner = world.seller("Olga Owner").await;
    let mate = world.seller("Tom Team").await;
    let other = world.seller("Otto Other").await;
    let account = owner.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let team = json!({"accountId": account, "userId": mate.id(), "role": "TECHNICAL"});
    owner.mutate("setTeamMember", "account { id }", team).await.done();
    let row = |name: &str, user: &Member| json!({"externalId": id(name), "account": {"domain": "acme.com"}, "kind": "CALL", "at": "2017-04-03T09:00:00Z", "userEmail": user.email()});
    assert_eq!(counts(&upsert(&owner, &[row("1", &owner)]).await.done()), [1, 0, 0, 0]);
    assert_eq!(errors(&upsert(&mate, &[row("2", &owner)]).await, 0), one("FORBIDDEN", "input.rows.0.userEmail"));
    assert_eq!(errors(&upsert(&mate, &[row("1", &owner)]).await, 0), one("FORBIDDEN", "input.rows.0"));
    assert_eq!(errors(&upsert(&other, &[row("3", &other)]).await, 0), one("NOT_FOUND", "input.rows.0.account"));
    let hidden = json!({"externalId": id("1"), "notes": "x"});
    assert_eq!(errors(&upsert(&other, &[hidden]).await, 0), one("TAKEN", "input.rows.0.externalId"));
    assert_eq!(counts(&upsert(&mate, &[row("4", &mate)]).await.done()), [1, 0, 0, 0]);
    let corrected = json!({"externalId": id("4"), "notes": "x"});
    assert_eq!(counts(&upsert(&owner, &[corrected]).await.done()), [0, 1, 0, 0]);
    // Another organization may have the same external ids.
    let elsewhere = world.another_organization("Globex").await;
    elsewhere.admin().account(json!({"name": "Acme", "domain": "acme.com"})).await;
    assert_eq!(counts(&upsert(elsewhere.admin(), &[row("1", elsewhere.admin())]).await.done()), [1, 0, 0, 0]);
}

#[on_both_databases]
async fn a_touch_moves_to_another_account_without_its_contacts(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let other = admin.account(json!({"name": "Other", "domain": "other.com"})).await;
    admin.contact(&account, json!({"name": "Ann", "externalIds": [id("P1")]})).await;
    admin.contact(&other, json!({"name": "Zoe", "externalIds": [id("P2")]})).await;
    let deal = json!({"name": "Deal", "externalIds": [id("O1")]});
    admin.opportunity(&account, deal).await;
    // Without a reference to an account, it is the opportunity's.
    let about = json!({"externalId": id("2"), "kind": "CALL", "at": "2017-04-03T09:00:00Z", "opportunity": id("O1")});
    let answer = upsert(admin, &[about]).await.done();
    assert_eq!(answer.text("upsertTouches.results.0.node.account.name"), "Acme");
    let theirs = json!({"externalId": id("2"), "account": {"id": other}, "opportunity": id("O1")});
    assert_eq!(errors(&upsert(admin, &[theirs]).await, 0), one("INVALID", "input.rows.0.opportunity"));
    let row = json!({"externalId": id("1"), "kind": "CALL", "at": "2017-04-03T09:00:00Z", "contacts": [id("P1")]});
    upsert(admin, &[row]).await.done();
    let moved = upsert(admin, &[json!({"externalId": id("1"), "account": {"domain": "other.com"}})]).await.done();
    let node = moved.data("upsertTouches.results.0.node");
    assert_eq!((&node["account"]["name"], &node["contacts"]), (&json!("Other"), &json!([])));
    let back =
        upsert(admin, &[json!({"externalId": id("1"), "account": {"id": account}, "contacts": [id("P2")]})]).await;
    assert_eq!(errors(&back, 0), one("INVALID", "input.rows.0.contacts.0"));
}

#[on_both_databases]
async fn five_hundred_rows_cost_as_many_statements_as_one(world: &World) {
    let admin = world.admin();
    let sam = world.seller("Sam Seller").await;
    let mut accounts = Vec::new();
    for number in 0..5 {
        let account = admin
            .account(json!({"name": format!("a{number}"), "domain": format!("a{number}.com"), "ownerId": sam.id()}))
            .await;
        let person = json!({"name": "Ann", "email": "ann@a.com", "externalIds": [id(&format!("P{number}"))]});
        admin.contact(&account, person).await;
        accounts.push(account);
    }
    let row = |number: usize| {
        json!({
            "externalId": id(&number.to_string()), "account": {"domain": format!("a{}.com", number % 5)}, "kind": "CALL", "at": "2017-04-03T09:00:00Z",
            "contacts": [id(&format!("P{}", number % 5))], "contactEmails": ["ann@a.com"], "userEmail": sam.email(), "subject": number.to_string(),
        })
    };
    let (one, few) = count(world.server(), upsert(admin, &[row(1_000)])).await;
    assert_eq!(counts(&one.done()), [1, 0, 0, 0]);
    let rows: Vec<Value> = (0..500).map(row).collect();
    let (answer, many) = count(world.server(), upsert(admin, &rows)).await;
    assert_eq!(counts(&answer.done()), [500, 0, 0, 0]);
    assert_eq!(few, many);
    assert!(many < 40, "{many} statements");
    // The same holds for changes.
    let changed = |number: usize| {
        let mut row = row(number);
        row["at"] = json!("2017-04-04T09:00:00Z");
        row
    };
    let (one, few) = count(world.server(), upsert(admin, &[changed(1_000)])).await;
    assert_eq!(counts(&one.done()), [0, 1, 0, 0]);
    let rows: Vec<Value> = (0..500).map(changed).collect();
    let (answer, many) = count(world.server(), upsert(admin, &rows)).await;
    assert_eq!(counts(&answer.done()), [0, 500, 0, 0]);
    assert_eq!(few, many);
    let (answer, again) = count(world.server(), upsert(admin, &rows)).await;
    assert_eq!(counts(&answer.done()), [0, 0, 500, 0]);
    assert!(again < many);
}

/// The largest number of rows, each with a description of 3,500 characters, fits the limits of body and cost.
#[on_both_databases]
async fn five_hundred_rows_with_descriptions_fit(world: &World) {
    let account = world.admin().account(json!({"name": "Acme"})).await;
    let notes = "What was said, and what is to be done about it. ".repeat(73);
    let rows: Vec<Value> = (0..500)
        .map(|number| {
            json!({"externalId": id(&number.to_string()), "account": {"id": account}, "kind": "CALL",
                "at": "2017-04-03T09:00:00Z", "subject": format!("Touch {number}"), "notes": notes})
        })
        .collect();
    let answer = upsert(world.admin(), &rows).await.done();
    assert_eq!(counts(&answer), [500, 0, 0, 0]);
}
