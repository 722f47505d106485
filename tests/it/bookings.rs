//! Bookings: recording, changing and deleting them, their seller, and who may.

use serde_json::{Value, json};
use tests::queries::count;
use tests::{Answer, Client, World, on_both_databases};

const ALL: &str = "booking { id account { id } amount { amount currency } bookedOn description opportunity { id } seller { id } \
    externalIds { source id } version }";

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

async fn delete(client: &Client, id: &str) -> Answer {
    client.mutate("deleteBooking", "booking { id version }", json!({"id": id})).await
}

async fn upsert(client: &Client, rows: Value) -> Answer {
    let document =
        "created updated unchanged failed results { status id node { id } userErrors { code message field } }";
    client.mutate("upsertBookings", document, json!({"rows": rows})).await
}

/// Returns the status of each row, with the code and the field of its first error.
fn outcomes(answer: &Answer) -> Vec<String> {
    let row = |result: &Value| {
        let status = result["status"].as_str().unwrap();
        let error = &result["userErrors"][0];
        let Some(code) = error["code"].as_str() else { return status.to_owned() };
        let path: Vec<&str> = error["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        format!("{status} {code} {}", path.join("."))
    };
    answer.data("upsertBookings.results").as_array().unwrap().iter().map(row).collect()
}

#[on_both_databases]
async fn a_booking_is_recorded_changed_and_deleted(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cars = ann.opportunity(&acme, json!({"name": "Cars", "ownerId": bob.id()})).await;
    let input = json!({"accountId": acme, "amount": "-12.5", "bookedOn": "2019-12-31", "description": " Credit note ",
        "externalIds": [{"source": "erp", "id": "1"}]});
    let answer = ann.mutate("recordBooking", ALL, input.clone()).await.done();
    let booking = answer.data("recordBooking.booking");
    let id = booking["id"].as_str().unwrap().to_owned();
    let expected = json!({"id": id, "account": {"id": acme}, "amount": {"amount": "-12.50", "currency": "USD"}, "bookedOn": "2019-12-31",
        "description": "Credit note", "opportunity": null, "seller": {"id": ann.id()}, "externalIds": [{"source": "erp", "id": "1"}], "version": 1});
    assert_eq!(booking, &expected);
    assert_eq!(ann.mutate("recordBooking", ALL, input).await.refusals(), refused("TAKEN", "input.externalIds.0"));
    // The seller is the opportunity's owner unless given.
    for (fields, seller) in
        [(json!({"opportunityId": cars}), bob.id()), (json!({"opportunityId": cars, "sellerId": ann.id()}), ann.id())]
    {
        let mut input = json!({"accountId": acme, "amount": 1, "bookedOn": "2017-04-03"});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = ann.mutate("recordBooking", ALL, input).await.done();
        assert_eq!(answer.text("recordBooking.booking.seller.id"), seller);
    }

    let change = json!({"id": id, "amount": "7", "bookedOn": "2017-04-03", "description": null, "opportunityId": cars, "sellerId": bob.id(), "ifVersion": 1});
    let answer = ann.mutate("updateBooking", ALL, change.clone()).await.done();
    let expected = json!({"id": id, "account": {"id": acme}, "amount": {"amount": "7.00", "currency": "USD"}, "bookedOn": "2017-04-03",
        "description": null, "opportunity": {"id": cars}, "seller": {"id": bob.id()}, "externalIds": [{"source": "erp", "id": "1"}], "version": 2});
    assert_eq!(answer.data("updateBooking.booking"), &expected);
    assert_eq!(ann.mutate("updateBooking", ALL, change).await.refusals(), refused("STALE_VERSION", "input.ifVersion"));
    let same = ann.mutate("updateBooking", ALL, json!({"id": id, "amount": 7})).await.done();
    assert_eq!(same.data("updateBooking.booking.version"), &json!(2));

    let answer = ann.query("{ accounts { nodes { standing bookings(last: 1) { totalCount nodes { amount { amount } } } } } bookings(first: 1) { nodes { id } } }").await;
    let expected =
        json!({"standing": "CLIENT", "bookings": {"totalCount": 3, "nodes": [{"amount": {"amount": "1.00"}}]}});
    assert_eq!(answer.data("accounts.nodes.0"), &expected);
    assert_eq!(answer.text("bookings.nodes.0.id"), id);
    assert_eq!(delete(&ann, &id).await.done().data("deleteBooking.booking.version"), &json!(2));
    assert_eq!(delete(&ann, &id).await.refusals(), refused("NOT_FOUND", "input.id"));
    // Its external id can be used again.
    ann.booking(&acme, json!({"amount": 1, "bookedOn": "2017-04-03", "externalIds": [{"source": "erp", "id": "1"}]}))
        .await;
}

#[on_both_databases]
async fn invalid_input_is_reported(world: &World) {
    let ann = world.seller("Ann").await;
    let (acme, bolt) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Bolt"})).await);
    let of_bolt = ann.opportunity(&bolt, json!({"name": "Bolts"})).await;
    let lost = ann.opportunity(&acme, json!({"name": "Lost"})).await;
    ann.mutate("loseOpportunity", "opportunity { id }", json!({"id": lost})).await.done();
    let id = ann.booking(&acme, json!({"amount": 1, "bookedOn": "2017-04-03"})).await;
    for (fields, code, field) in [
        (json!({"amount": 0}), "INVALID", "input.amount"),
        (json!({"amount": "0.001"}), "INVALID", "input.amount"),
        (json!({"amount": "10000000000000"}), "INVALID", "input.amount"),
        (json!({"description": "a\u{0}b"}), "INVALID", "input.description"),
        (json!({"opportunityId": of_bolt}), "INVALID", "input.opportunityId"),
        (json!({"opportunityId": lost}), "CONFLICT", "input.opportunityId"),
        (json!({"opportunityId": acme}), "NOT_FOUND", "input.opportunityId"),
        (json!({"sellerId": "user_01h455vb4pex5vsknk084sn02q"}), "NOT_FOUND", "input.sellerId"),
    ] {
        let mut new = json!({"accountId": acme, "amount": 1, "bookedOn": "2017-04-03"});
        new.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(ann.mutate("recordBooking", ALL, new).await.refusals(), refused(code, field), "{fields}");
        let mut change = json!({"id": id});
        change.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(ann.mutate("updateBooking", ALL, change).await.refusals(), refused(code, field), "{fields}");
    }
    for field in ["amount", "bookedOn", "sellerId"] {
        let answer = ann.mutate("updateBooking", ALL, json!({"id": id, field: null})).await;
        assert_eq!(answer.refusals(), refused("REQUIRED", &format!("input.{field}")));
    }
    let answer =
        ann.mutate("recordBooking", ALL, json!({"accountId": "x", "amount": 0, "bookedOn": "2017-04-03"})).await;
    assert_eq!(
        answer.refusals(),
        [refused("NOT_FOUND", "input.accountId"), refused("INVALID", "input.amount")].concat()
    );
    for day in ["2017-02-29", "2017-4-3", "tomorrow"] {
        let answer = ann.mutate("recordBooking", ALL, json!({"accountId": acme, "amount": 1, "bookedOn": day})).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{day}");
    }
    ann.mutate("archiveAccount", "", json!({"id": acme})).await.done();
    let answer =
        ann.mutate("recordBooking", ALL, json!({"accountId": acme, "amount": 1, "bookedOn": "2017-04-03"})).await;
    assert_eq!(answer.refusals(), refused("CONFLICT", "input.accountId"));
}

#[on_both_databases]
async fn permissions_follow_from_the_account_and_the_opportunity(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").under(&mia).await);
    let cleo = world.seller("Cleo").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let of_bob = ann.opportunity(&acme, json!({"name": "Cars", "ownerId": bob.id()})).await;
    let of_ann = ann.opportunity(&acme, json!({"name": "Trucks"})).await;
    let record = async |who: &Client, opportunity: Option<&str>| {
        let input = json!({"accountId": acme, "amount": 1, "bookedOn": "2017-04-03", "opportunityId": opportunity});
        who.mutate("recordBooking", "booking { id }", input).await
    };
    assert_eq!(record(&cleo, None).await.refusals(), refused("NOT_FOUND", "input.accountId"));
    for who in [&*bob, &*mia] {
        assert_eq!(record(who, None).await.refusals(), refused("FORBIDDEN", "input.accountId"));
        assert_eq!(record(who, Some(&of_ann)).await.refusals(), refused("FORBIDDEN", "input.accountId"));
        let answer = record(who, Some(&of_bob)).await.done();
        let id = answer.text("recordBooking.booking.id").to_owned();
        who.mutate("updateBooking", ALL, json!({"id": id, "amount": 5})).await.done();
        // They cannot move the booking to an opportunity that is not theirs, or off the one that is.
        for opportunity in [json!(of_ann), Value::Null] {
            let answer = who.mutate("updateBooking", ALL, json!({"id": id, "opportunityId": opportunity})).await;
            assert_eq!(answer.refusals(), refused("FORBIDDEN", "input.opportunityId"));
        }
        assert_eq!(delete(&cleo, &id).await.refusals(), refused("NOT_FOUND", "input.id"));
        delete(who, &id).await.done();
    }
    let answer = record(&ann, None).await.done();
    let id = answer.text("recordBooking.booking.id").to_owned();
    assert_eq!(delete(&bob, &id).await.refusals(), refused("FORBIDDEN", "input.id"));
    let seen = async |who: &Client| {
        let answer =
            who.send("query($id: ID!) { node(id: $id) { id } bookings { totalCount } }", json!({"id": id})).await;
        (answer.data("node").is_object(), answer.data("bookings.totalCount").clone())
    };
    assert_eq!(seen(&bob).await, (true, json!(1)));
    assert_eq!(seen(&cleo).await, (false, json!(0)));
    assert_eq!(seen(world.another_organization("Globex").await.admin()).await, (false, json!(0)));
    assert_eq!(world.stranger().query("{ bookings { totalCount } }").await.error_code(), "UNAUTHENTICATED");
}

#[on_both_databases]
async fn lists_are_filtered_and_paged_by_id(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let bolt = ann.account(json!({"name": "Bolt"})).await;
    let mut ids = Vec::new();
    for (account, amount, day) in [
        (&acme, "1", "2017-04-03"),
        (&acme, "-2.5", "2017-01-01"),
        (&bolt, "1", "2017-04-03"),
        (&acme, "4", "2018-01-01"),
    ] {
        ids.push(json!(ann.booking(account, json!({"amount": amount, "bookedOn": day})).await));
    }
    for (filter, expected) in [
        ("{}".to_owned(), vec![0, 1, 2, 3]),
        (format!("{{accountId: {{eq: \"{acme}\"}}}}"), vec![0, 1, 3]),
        (format!("{{sellerId: {{in: [\"{}\"]}}}}", ann.id()), vec![0, 1, 2, 3]),
        (format!("{{sellerId: {{ne: \"{}\"}}}}", ann.id()), vec![]),
        ("{bookedOn: {eq: \"2017-04-03\"}}".to_owned(), vec![0, 2]),
        ("{bookedOn: {gte: \"2017-01-01\", lt: \"2018-01-01\"}, amount: {lt: 0}}".to_owned(), vec![1]),
        ("{amount: {gt: \"0.999\"}}".to_owned(), vec![0, 2, 3]),
        ("{updatedAt: {lt: \"2000-01-01T00:00:00Z\"}}".to_owned(), vec![]),
    ] {
        let answer = ann.query(&format!("{{ bookings(filter: {filter}) {{ totalCount nodes {{ id }} }} }}")).await;
        let expected: Vec<&Value> = expected.into_iter().map(|at: usize| &ids[at]).collect();
        assert_eq!(answer.each("bookings.nodes", "id"), expected, "{filter}");
        assert_eq!(answer.data("bookings.totalCount"), &json!(expected.len()), "{filter}");
    }
    let page = ann.query("{ bookings(first: 2) { pageInfo { endCursor hasNextPage } } }").await;
    let document = format!("{{ bookings(after: {}) {{ nodes {{ id }} }} }}", page.data("bookings.pageInfo.endCursor"));
    assert_eq!(ann.query(&document).await.each("bookings.nodes", "id"), [&ids[2], &ids[3]]);
    assert_eq!(
        ann.query("{ bookings(filter: {amount: {gt: null}}) { totalCount } }").await.error_code(),
        "BAD_USER_INPUT"
    );
}

#[on_both_databases]
async fn upserts_derive_the_account_from_the_opportunity(world: &World) {
    let admin = world.admin();
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    ann.account(json!({"name": "Bolt", "domain": "bolt.com"})).await;
    let cars = json!({"name": "Cars", "amount": 5, "ownerId": bob.id(), "openedOn": "2017-01-01", "externalIds": [{"source": "crm", "id": "cars"}]});
    let cars = ann.opportunity(&acme, cars).await;
    ann.mutate("winOpportunity", "opportunity { id }", json!({"id": cars, "closedOn": "2017-02-01", "book": false}))
        .await
        .done();
    let lost = ann.opportunity(&acme, json!({"name": "Lost", "externalIds": [{"source": "crm", "id": "lost"}]})).await;
    ann.mutate("loseOpportunity", "opportunity { id }", json!({"id": lost})).await.done();
    let row = |id: &str, fields: Value| {
        let mut row = json!({"externalId": {"source": "crm", "id": id}});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row
    };
    let of_cars = json!({"source": "crm", "id": "cars"});
    let rows = json!([
        row("1", json!({"opportunityExternalId": of_cars, "amount": 5})),
        row("2", json!({"account": {"domain": "acme.com"}, "amount": "-5", "bookedOn": "2017-02-02"})),
        row("3", json!({"account": {"domain": "bolt.com"}, "opportunityExternalId": of_cars, "amount": 5})),
        row(
            "4",
            json!({"opportunityExternalId": {"source": "crm", "id": "nothing"}, "amount": 5, "bookedOn": "2017-02-02"})
        ),
        row("5", json!({"opportunityExternalId": {"source": "crm", "id": "lost"}, "amount": 5})),
        row("6", json!({"account": {"domain": "acme.com"}, "amount": 5})),
        row("7", json!({"account": {"domain": "acme.com"}, "bookedOn": "2017-02-02"})),
        row("8", json!({"amount": 5, "bookedOn": "2017-02-02"})),
        row("9", json!({"account": {"domain": "acme.com"}, "amount": 0, "bookedOn": "2017-02-02"})),
        row("1", json!({"opportunityExternalId": of_cars, "amount": 6})),
        row(
            "10",
            json!({"account": {"domain": "acme.com"}, "amount": 1, "bookedOn": "2017-02-02", "sellerEmail": "nobody@nowhere.example"})
        ),
        row(
            "11",
            json!({"account": {"domain": "acme.com"}, "amount": 1, "bookedOn": "2017-02-02", "sellerEmail": bob.email().to_uppercase()})
        ),
    ]);
    let expected = [
        "CREATED",
        "CREATED",
        "FAILED INVALID input.rows.2.account",
        "FAILED NOT_FOUND input.rows.3.opportunityExternalId",
        "FAILED CONFLICT input.rows.4.opportunityExternalId",
        "FAILED REQUIRED input.rows.5.bookedOn",
        "FAILED REQUIRED input.rows.6.amount",
        "FAILED REQUIRED input.rows.7.account",
        "FAILED INVALID input.rows.8.amount",
        "FAILED CONFLICT input.rows.9.externalId",
        "FAILED NOT_FOUND input.rows.10.sellerEmail",
        "CREATED",
    ];
    assert_eq!(outcomes(&upsert(admin, rows.clone()).await), expected);
    let answer =
        admin.query("{ bookings { nodes { account { id } bookedOn seller { id } opportunity { id } } } }").await;
    let expected = json!([
        {"account": {"id": acme}, "bookedOn": "2017-02-01", "seller": {"id": bob.id()}, "opportunity": {"id": cars}},
        {"account": {"id": acme}, "bookedOn": "2017-02-02", "seller": {"id": ann.id()}, "opportunity": null},
        {"account": {"id": acme}, "bookedOn": "2017-02-02", "seller": {"id": bob.id()}, "opportunity": null},
    ]);
    assert_eq!(answer.data("bookings.nodes"), &expected);
    let again = upsert(admin, json!([rows[0], rows[1], rows[11]])).await.done();
    assert_eq!(again.data("upsertBookings.unchanged"), &json!(3));
    for (fields, status) in [
        (json!({"amount": 6, "description": "More"}), "UPDATED"),
        (json!({"description": null}), "UPDATED"),
        (json!({"amount": null}), "FAILED REQUIRED input.rows.0.amount"),
        (json!({"sellerEmail": null}), "FAILED REQUIRED input.rows.0.sellerEmail"),
        (json!({"account": {"domain": "bolt.com"}}), "FAILED INVALID input.rows.0.account"),
        (json!({"account": {"domain": "bolt.com"}, "opportunityExternalId": null}), "UPDATED"),
    ] {
        assert_eq!(outcomes(&upsert(admin, json!([row("1", fields.clone())])).await), [status], "{fields}");
    }
    // The opportunity's owner records its bookings, and no others of the account.
    let of_bob = json!([
        row("20", json!({"opportunityExternalId": of_cars, "amount": 5})),
        row("21", json!({"account": {"id": acme}, "amount": 5, "bookedOn": "2017-02-02"}))
    ]);
    assert_eq!(outcomes(&upsert(&bob, of_bob).await), ["CREATED", "FAILED FORBIDDEN input.rows.1"]);
    assert_eq!(
        outcomes(&upsert(&bob, json!([row("1", json!({"amount": 7}))])).await),
        ["FAILED TAKEN input.rows.0.externalId"]
    );
    assert_eq!(
        outcomes(&upsert(&bob, json!([row("2", json!({"amount": 7}))])).await),
        ["FAILED FORBIDDEN input.rows.0"]
    );
}

#[on_both_databases]
async fn upserts_cost_few_statements(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    for number in 0..3 {
        let fields = json!({"name": "x", "amount": 1, "externalIds": [{"source": "crm", "id": number.to_string()}]});
        admin.opportunity(&acme, fields).await;
    }
    let rows = |from: usize, to: usize| -> Value {
        (from..to)
            .map(|number| {
                json!({"externalId": {"source": "crm", "id": format!("b{number}")}, "opportunityExternalId": {"source": "crm", "id": (number % 3).to_string()},
                    "amount": number + 1, "bookedOn": "2017-02-02", "sellerEmail": admin.email()})
            })
            .collect()
    };
    let (answer, few) = count(world.server(), upsert(admin, rows(0, 3))).await;
    assert_eq!(answer.done().data("upsertBookings.created"), &json!(3));
    let (answer, many) = count(world.server(), upsert(admin, rows(3, 503))).await;
    assert_eq!(answer.done().data("upsertBookings.created"), &json!(500));
    assert!(many == few && few <= 20, "{few} statements for 3 rows, {many} for 500");
    let answer = upsert(admin, rows(3, 503)).await;
    assert_eq!(answer.data("upsertBookings.unchanged"), &json!(500));
    assert_eq!(upsert(admin, rows(0, 501)).await.refusals(), refused("LIMIT_EXCEEDED", "input.rows"));
    let answer = admin.query("{ accounts { nodes { booked(year: 2017) { amount } } } }").await;
    assert_eq!(answer.text("accounts.nodes.0.booked.amount"), "126756.00");
}

#[on_both_databases]
async fn a_lone_credit_note_makes_no_client(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    world
        .admin()
        .mutate("updateOrganization", "organization { id }", json!({"keyAccountThreshold": "100"}))
        .await
        .done();
    let today = ann.query("{ organization { today } }").await.text("organization.today").to_owned();
    let stands = async || {
        let answer = ann.query("{ accounts { nodes { standing standingBecause { label text holds } } } analytics { bookings(groupBy: [STANDING]) { key { value } } } }").await;
        for standing in ["PROSPECT", "CLIENT", "KEY"] {
            let document = format!("{{ accounts(filter: {{standing: [{standing}]}}) {{ totalCount }} }}");
            let is = answer.data("accounts.nodes.0.standing") == standing;
            assert_eq!(ann.query(&document).await.data("accounts.totalCount"), &json!(i32::from(is)), "{standing}");
        }
        let group = answer.data("analytics.bookings.0.key.0.value").clone();
        (
            answer.data("accounts.nodes.0.standing").clone(),
            group,
            answer.data("accounts.nodes.0.standingBecause").clone(),
        )
    };
    ann.booking(&acme, json!({"amount": "-200", "bookedOn": today})).await;
    let (standing, group, because) = stands().await;
    assert_eq!((standing, group), (json!("PROSPECT"), json!("PROSPECT")));
    assert_eq!(because[0], json!({"label": "Positive bookings", "text": "0", "holds": false}));
    ann.booking(&acme, json!({"amount": "250", "bookedOn": today})).await;
    assert_eq!(stands().await.0, "CLIENT");
    ann.booking(&acme, json!({"amount": "50", "bookedOn": today})).await;
    let (standing, group, because) = stands().await;
    assert_eq!((standing, group), (json!("KEY"), json!("KEY")));
    assert_eq!(
        (&because[1]["text"], &because[1]["holds"], &because[2]["text"]),
        (&json!("100.00 USD"), &json!(true), &json!("100.00 USD"))
    );
}

#[on_both_databases]
async fn a_booking_is_never_in_the_future_nor_before_1970(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let refusal = [("INVALID".to_owned(), "input.bookedOn".to_owned())];
    for day in ["1969-12-31", "2999-01-01"] {
        let input = json!({"accountId": acme, "amount": "5", "bookedOn": day});
        assert_eq!(ann.mutate("recordBooking", "booking { id }", input).await.refusals(), refusal, "{day}");
    }
    let id = ann.booking(&acme, json!({"amount": "5", "bookedOn": "1970-01-01"})).await;
    let input = json!({"id": id, "bookedOn": "2999-01-01"});
    assert_eq!(ann.mutate("updateBooking", "booking { id }", input).await.refusals(), refusal);
    let rows = json!([{"externalId": {"source": "crm", "id": "1"}, "account": {"id": acme}, "amount": "5", "bookedOn": "2999-01-01"}]);
    let answer =
        ann.mutate("upsertBookings", "results { status userErrors { code field } }", json!({"rows": rows})).await;
    let expected =
        json!({"status": "FAILED", "userErrors": [{"code": "INVALID", "field": ["input", "rows", "0", "bookedOn"]}]});
    assert_eq!(answer.data("upsertBookings.results.0"), &expected);
}
