//! The rows of upserts: each is read by itself, and may name its node by id, carry a version, archive or delete it.

use serde_json::{Value, json};
use tests::{Member, World, on_both_databases};

fn crm(id: &str) -> Value {
    json!({"source": "crm", "id": id})
}

/// Upserts rows and returns, of each, the status with the code and the path of its errors.
async fn upsert(who: &Member, mutation: &str, rows: Value) -> Vec<String> {
    let selection = "results { index status id userErrors { code field message } }";
    let answer = who.mutate(mutation, selection, json!({"rows": rows})).await.done();
    let results = answer.data(&format!("{mutation}.results")).as_array().unwrap().clone();
    let show = |(index, result): (usize, &Value)| {
        assert_eq!(result["index"], json!(index));
        let errors = result["userErrors"].as_array().unwrap().iter().map(|error| {
            let path: Vec<&str> = error["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            format!(" {} {}", error["code"].as_str().unwrap(), path.join("."))
        });
        format!("{}{}", result["status"].as_str().unwrap(), errors.collect::<String>())
    };
    results.iter().enumerate().map(show).collect()
}

/// Reads fields of a node.
async fn node(who: &Member, of: &str, id: &str, fields: &str) -> Value {
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on {of} {{ {fields} }} }} }}");
    who.send(&document, json!({"id": id})).await.data("node").clone()
}

#[on_both_databases]
async fn a_malformed_row_fails_alone(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let at = json!({"id": acme});
    let accounts = json!([
        {"externalId": crm("1"), "name": "One"},
        {"externalId": crm("2"), "name": "Two", "employees": "many", "annualRevenue": "1e5"},
        {"externalId": crm("3"), "name": 7},
        {"externalId": {"source": "crm"}, "name": "Four"},
        {"externalId": crm("5"), "name": "Five", "color": "red"},
        null,
        "seven",
        {"externalId": crm("8"), "name": "Eight", "parent": {"id": acme, "domain": "acme.com"}},
        {"externalId": crm("9"), "name": "Nine", "customFields": {"rate": 1.50}},
    ]);
    assert_eq!(
        upsert(admin, "upsertAccounts", accounts).await,
        [
            "CREATED",
            "FAILED INVALID input.rows.1.employees INVALID input.rows.1.annualRevenue",
            "FAILED INVALID input.rows.2.name",
            "FAILED REQUIRED input.rows.3.externalId.id",
            "FAILED INVALID input.rows.4.color",
            "FAILED REQUIRED input.rows.5",
            "FAILED INVALID input.rows.6",
            "FAILED INVALID input.rows.7.parent",
            "CREATED",
        ]
    );
    let touches = json!([
        {"externalId": crm("1"), "account": at, "kind": "CALL", "at": "2017-03-01T10:00:00Z"},
        {"externalId": crm("2"), "account": at, "kind": "SMS", "at": "yesterday"},
        {"externalId": crm("3"), "account": at, "kind": "CALL", "at": "2017-03-01T10:00:00Z", "contacts": [{"source": 1}]},
    ]);
    assert_eq!(
        upsert(admin, "upsertTouches", touches).await,
        [
            "CREATED",
            "FAILED INVALID input.rows.1.kind INVALID input.rows.1.at",
            "FAILED REQUIRED input.rows.2.contacts.0.id INVALID input.rows.2.contacts.0.source",
        ]
    );
    let bookings = json!([
        {"externalId": crm("1"), "account": at, "amount": 5, "bookedOn": "2017-02-30"},
        {"externalId": crm("2"), "account": at, "amount": "five", "bookedOn": "2017-02-03"},
        {"externalId": crm("3"), "account": at, "amount": "5", "bookedOn": "2017-02-03"},
    ]);
    assert_eq!(
        upsert(admin, "upsertBookings", bookings).await,
        ["FAILED INVALID input.rows.0.bookedOn", "FAILED INVALID input.rows.1.amount", "CREATED"]
    );
    let opportunities = json!([
        {"externalId": crm("1"), "account": at, "name": "Cars", "stage": "LATE", "probability": 1.5},
        {"externalId": crm("2"), "account": at, "name": "Trucks"},
    ]);
    assert_eq!(
        upsert(admin, "upsertOpportunities", opportunities).await,
        ["FAILED INVALID input.rows.0.stage INVALID input.rows.0.probability", "CREATED"]
    );
    let contacts = json!([
        {"externalId": crm("1"), "account": at, "name": "Cora", "doNotContact": "no"},
        {"externalId": crm("2"), "account": at, "name": "Dan"},
    ]);
    assert_eq!(
        upsert(admin, "upsertContacts", contacts).await,
        ["FAILED INVALID input.rows.0.doNotContact", "CREATED"]
    );
    // A single row is a list of one. What is not in a row is an error of the request.
    assert_eq!(upsert(admin, "upsertAccounts", json!({"externalId": crm("1"), "employees": 1.5})).await.len(), 1);
    for input in [json!({}), json!({"rows": null}), json!({"rows": [], "dryRun": "no"}), Value::Null] {
        let answer = admin.mutate("upsertAccounts", "created", input.clone()).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{input}");
    }
}

#[on_both_databases]
async fn a_row_names_its_node_by_id(world: &World) {
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").await;
    let one = ann.account(json!({"name": "One", "externalIds": [crm("1")]})).await;
    let two = ann.account(json!({"name": "Two", "domain": "two.com"})).await;
    let hidden = bob.account(json!({"name": "Hidden", "externalIds": [crm("hidden")]})).await;
    let rows = json!([
        {"id": two, "externalId": crm("2"), "city": "Vienna", "domain": "two.example"},
        {"id": one, "externalId": crm("2"), "city": "Paris"},
        {"id": hidden, "city": "Rome"},
        {"id": "nonsense", "city": "Rome"},
        {"id": two, "city": "Rome"},
        {"id": one, "externalId": crm("hidden"), "city": "Rome"},
        {"name": "Nameless"},
    ]);
    assert_eq!(
        upsert(&ann, "upsertAccounts", rows).await,
        [
            "UPDATED",
            "FAILED CONFLICT input.rows.1.externalId",
            "FAILED NOT_FOUND input.rows.2.id",
            "FAILED NOT_FOUND input.rows.3.id",
            "FAILED CONFLICT input.rows.4.id",
            "FAILED TAKEN input.rows.5.externalId CONFLICT input.rows.5.id",
            "FAILED REQUIRED input.rows.6.externalId",
        ]
    );
    let found = node(&ann, "Account", &two, "city domain externalIds { id }").await;
    assert_eq!(found, json!({"city": "Vienna", "domain": "two.example", "externalIds": [{"id": "2"}]}));
    // An id and an external id that disagree.
    let rows = json!([{"id": one, "externalId": crm("2"), "city": "Rome"}]);
    assert_eq!(upsert(&ann, "upsertAccounts", rows).await, ["FAILED CONFLICT input.rows.0.externalId"]);

    let cora = ann.contact(&one, json!({"name": "Cora", "externalIds": [crm("c")]})).await;
    let dan = ann.contact(&one, json!({"name": "Dan"})).await;
    let rows = json!([
        {"id": dan, "name": "Daniel", "title": "CEO"},
        {"id": cora, "externalId": crm("c"), "title": "CFO"},
        {"id": one, "title": "CTO"},
    ]);
    assert_eq!(upsert(&ann, "upsertContacts", rows).await, ["UPDATED", "UPDATED", "FAILED NOT_FOUND input.rows.2.id"]);
    assert_eq!(node(&ann, "Contact", &dan, "name title").await, json!({"name": "Daniel", "title": "CEO"}));
    let rows = json!([{"id": dan, "externalId": crm("c"), "title": "COO"}]);
    assert_eq!(upsert(&ann, "upsertContacts", rows).await, ["FAILED CONFLICT input.rows.0.externalId"]);

    let touch = ann.touch(&one, json!({"kind": "CALL"})).await;
    let deal = ann.opportunity(&one, json!({"name": "Deal", "amount": "10"})).await;
    let booking = ann.booking(&one, json!({"amount": "10", "bookedOn": "2017-02-03"})).await;
    for (mutation, of, id, change) in [
        ("upsertTouches", "Touch", &touch, json!({"subject": "Prices"})),
        ("upsertOpportunities", "Opportunity", &deal, json!({"name": "Big deal"})),
        ("upsertBookings", "Booking", &booking, json!({"description": "Cars"})),
    ] {
        let mut row = change.clone();
        row["id"] = json!(id);
        row["externalId"] = crm("x");
        let other = json!({"id": one, "externalId": crm("y")});
        let nothing = json!({});
        assert_eq!(
            upsert(&ann, mutation, json!([row, other, nothing])).await,
            ["UPDATED", "FAILED NOT_FOUND input.rows.1.id", "FAILED REQUIRED input.rows.2.externalId"],
            "{mutation}"
        );
        let field = change.as_object().unwrap().keys().next().unwrap();
        let found = node(&ann, of, id, &format!("{field} externalIds {{ id }}")).await;
        assert_eq!((&found[field], &found["externalIds"]), (&change[field], &json!([{"id": "x"}])), "{mutation}");
        // Named by the external id from now on.
        row.as_object_mut().unwrap().remove("id");
        assert_eq!(upsert(&ann, mutation, json!([row])).await, ["UNCHANGED"], "{mutation}");
        // The colleague does not see it.
        let hidden = json!({"id": id, "externalId": crm("z")});
        assert_eq!(upsert(&bob, mutation, json!([hidden])).await, ["FAILED NOT_FOUND input.rows.0.id"], "{mutation}");
    }
}

#[on_both_databases]
async fn a_row_carries_a_version(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme", "externalIds": [crm("1")]})).await;
    let rows = |version: i64, city: &str| json!([{"externalId": crm("1"), "ifVersion": version, "city": city}]);
    assert_eq!(upsert(&ann, "upsertAccounts", rows(1, "Vienna")).await, ["UPDATED"]);
    assert_eq!(upsert(&ann, "upsertAccounts", rows(1, "Rome")).await, ["FAILED STALE_VERSION input.rows.0.ifVersion"]);
    let both = json!([
        {"externalId": crm("1"), "ifVersion": 7, "employees": -1},
        {"externalId": crm("2"), "ifVersion": 0, "name": "New"},
        {"externalId": crm("3"), "ifVersion": 1, "name": "Newer"},
    ]);
    assert_eq!(
        upsert(&ann, "upsertAccounts", both).await,
        [
            "FAILED STALE_VERSION input.rows.0.ifVersion INVALID input.rows.0.employees",
            "CREATED",
            "FAILED STALE_VERSION input.rows.2.ifVersion",
        ]
    );
    let touch = ann.touch(&acme, json!({"kind": "CALL"})).await;
    let deal = ann.opportunity(&acme, json!({"name": "Deal"})).await;
    let booking = ann.booking(&acme, json!({"amount": "10", "bookedOn": "2017-02-03"})).await;
    let contact = ann.contact(&acme, json!({"name": "Cora"})).await;
    for (mutation, id) in [
        ("upsertTouches", touch),
        ("upsertOpportunities", deal),
        ("upsertBookings", booking),
        ("upsertContacts", contact),
    ] {
        let rows = json!([{"id": id, "ifVersion": 2}]);
        assert_eq!(upsert(&ann, mutation, rows).await, ["FAILED STALE_VERSION input.rows.0.ifVersion"], "{mutation}");
        assert_eq!(upsert(&ann, mutation, json!([{"id": id, "ifVersion": 1}])).await, ["UNCHANGED"], "{mutation}");
    }
}

#[on_both_databases]
async fn a_row_archives_and_restores(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme", "externalIds": [crm("1")]})).await;
    let cora = ann.contact(&acme, json!({"name": "Cora", "externalIds": [crm("1")]})).await;
    for (mutation, of, id) in [("upsertContacts", "Contact", &cora), ("upsertAccounts", "Account", &acme)] {
        let is_archived = async || node(&ann, of, id, "archivedAt").await["archivedAt"].is_string();
        let row = |archived: Value| json!([{"externalId": crm("1"), "archived": archived}]);
        assert_eq!(upsert(&ann, mutation, row(json!(true))).await, ["UPDATED"]);
        assert!(is_archived().await);
        // It stays archived unless the row says otherwise.
        assert_eq!(upsert(&ann, mutation, row(json!(true))).await, ["UNCHANGED"]);
        assert_eq!(upsert(&ann, mutation, row(Value::Null)).await, ["UNCHANGED"]);
        let phone = json!([{"externalId": crm("1"), "phone": "1"}]);
        assert_eq!(upsert(&ann, mutation, phone).await, ["UPDATED"]);
        assert!(is_archived().await);
        assert_eq!(upsert(&ann, mutation, row(json!(false))).await, ["UPDATED"]);
        assert!(!is_archived().await);
        let noun = of.to_lowercase();
        let types = ann
            .query(&format!(
                "{{ events(filter: {{types: [\"{noun}.archived\", \"{noun}.restored\"]}}) {{ nodes {{ type }} }} }}"
            ))
            .await;
        let expected = [json!(format!("{noun}.archived")), json!(format!("{noun}.restored"))];
        assert_eq!(types.each("events.nodes", "type"), expected.iter().collect::<Vec<_>>());
    }
}

#[on_both_databases]
async fn a_row_deletes_by_the_rules_of_the_mutation(world: &World) {
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let team = json!({"accountId": acme, "userId": bob.id(), "role": "SELLER"});
    ann.mutate("setTeamMember", "", team).await.done();
    let deal = ann.opportunity(&acme, json!({"name": "Deal", "externalIds": [crm("1")]})).await;
    let booked = ann.opportunity(&acme, json!({"name": "Booked", "amount": "5", "externalIds": [crm("2")]})).await;
    ann.mutate("winOpportunity", "", json!({"id": booked})).await.done();
    let fields = json!({"kind": "CALL", "opportunityId": deal, "externalIds": [crm("1")]});
    let touch = ann.touch(&acme, fields).await;
    let promise = json!({"accountId": acme, "touchId": touch, "what": "A list", "dueOn": "2999-01-01"});
    let promise = ann.make("makePromise", "promise", promise).await;
    let fields = json!({"amount": "10", "bookedOn": "2017-02-03", "externalIds": [crm("1")]});
    let booking = ann.booking(&acme, fields).await;

    let row = |id: &str| json!({"externalId": crm(id), "deleted": true});
    for (mutation, what) in
        [("upsertOpportunities", "opportunity"), ("upsertTouches", "touch"), ("upsertBookings", "booking")]
    {
        assert_eq!(upsert(&bob, mutation, json!([row("1")])).await, ["FAILED FORBIDDEN input.rows.0"], "{what}");
        let stale = json!([{"externalId": crm("1"), "deleted": true, "ifVersion": 9}]);
        assert_eq!(upsert(&ann, mutation, stale).await, ["FAILED STALE_VERSION input.rows.0.ifVersion"], "{what}");
    }
    let opportunities = json!([row("1"), row("2"), row("3")]);
    assert_eq!(
        upsert(&ann, "upsertOpportunities", opportunities).await,
        ["UPDATED", "FAILED CONFLICT input.rows.1.deleted", "UNCHANGED"]
    );
    assert_eq!(node(&ann, "Touch", &touch, "opportunity { id }").await["opportunity"], Value::Null);
    assert_eq!(upsert(&ann, "upsertTouches", json!([row("1")])).await, ["UPDATED"]);
    assert_eq!(node(&ann, "ClientPromise", &promise, "touch { id }").await["touch"], Value::Null);
    assert_eq!(upsert(&ann, "upsertBookings", json!([{"id": booking, "deleted": true}])).await, ["UPDATED"]);
    for (mutation, of, id) in [
        ("upsertOpportunities", "Opportunity", &deal),
        ("upsertTouches", "Touch", &touch),
        ("upsertBookings", "Booking", &booking),
    ] {
        assert_eq!(node(&ann, of, id, "id").await, Value::Null, "{of}");
        assert_eq!(upsert(&ann, mutation, json!([row("1")])).await, ["UNCHANGED"], "{of}");
    }
    // A dry run deletes nothing.
    let touch = ann.touch(&acme, json!({"kind": "CALL", "externalIds": [crm("4")]})).await;
    let input = json!({"rows": [row("4")], "dryRun": true});
    let answer = ann.mutate("upsertTouches", "updated results { id }", input).await.done();
    assert_eq!(answer.data("upsertTouches.updated"), &json!(1));
    assert_eq!(node(&ann, "Touch", &touch, "id").await["id"], json!(touch));
}

#[on_both_databases]
async fn a_row_that_wins_books_the_amount_once(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let row = |id: &str, fields: Value| {
        let mut row = json!({"externalId": crm(id), "account": {"id": acme}, "name": id, "openedOn": "2017-01-01",
            "stage": "WON", "closedOn": "2017-03-01", "book": true});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row
    };
    let rows = json!([
        row("1", json!({"amount": "100"})),
        row("2", json!({})),
        row("3", json!({"amount": "0"})),
        row("4", json!({"amount": "5", "closedOn": "2999-01-01"})),
        row("5", json!({"amount": "5", "book": false})),
        row("6", json!({"amount": "5", "stage": "QUALIFIED", "closedOn": null})),
    ]);
    assert_eq!(
        upsert(&ann, "upsertOpportunities", rows).await,
        [
            "CREATED",
            "FAILED REQUIRED input.rows.1.amount",
            "FAILED INVALID input.rows.2.amount",
            "FAILED INVALID input.rows.3.closedOn",
            "CREATED",
            "CREATED",
        ]
    );
    let bookings = async || {
        let answer = ann.query("{ bookings { nodes { amount { amount } bookedOn opportunity { name } } } }").await;
        answer.data("bookings.nodes").clone()
    };
    let one = json!([{"amount": {"amount": "100.00"}, "bookedOn": "2017-03-01", "opportunity": {"name": "1"}}]);
    assert_eq!(bookings().await, one);
    // Again, and after it was won by hand: nothing more is booked.
    let again = json!([row("1", json!({"amount": "100"}))]);
    assert_eq!(upsert(&ann, "upsertOpportunities", again).await, ["UNCHANGED"]);
    assert_eq!(bookings().await, one);
}
