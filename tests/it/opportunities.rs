//! Opportunities: creating, changing, winning, losing and reopening them, and who may.

use serde_json::{Value, json};
use tests::queries::count;
use tests::{Answer, Client, Seller, World, on_both_databases};

const ALL: &str = "opportunity { id name account { id } owner { id } amount { amount currency } stage probability openedOn \
    expectedCloseOn closedOn lossReason externalIds { source id } customFields version }";
const WON: &str = "opportunity { id stage probability closedOn amount { amount } version } \
    booking { id amount { amount } bookedOn description seller { id } opportunity { id } account { id } }";

pub(crate) fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

async fn delete(client: &Client, id: &str) -> Answer {
    client.mutate("deleteOpportunity", "opportunity { id name }", json!({"id": id})).await
}

pub(crate) async fn upsert(client: &Client, rows: Value) -> Answer {
    upsert_or_not(client, rows, false).await
}

pub(crate) async fn upsert_or_not(client: &Client, rows: Value, dry_run: bool) -> Answer {
    let document =
        "created updated unchanged failed results { index status id node { id } userErrors { code message field } }";
    client.mutate("upsertOpportunities", document, json!({"rows": rows, "dryRun": dry_run})).await
}

/// Returns the status of each row, with the code and the field of its first error.
pub(crate) fn outcomes(answer: &Answer) -> Vec<String> {
    let results = answer.data("upsertOpportunities.results").as_array().unwrap();
    let row = |result: &Value| {
        let status = result["status"].as_str().unwrap();
        let error = &result["userErrors"][0];
        let Some(code) = error["code"].as_str() else { return status.to_owned() };
        let path: Vec<&str> = error["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        format!("{status} {code} {}", path.join("."))
    };
    results.iter().map(row).collect()
}

#[on_both_databases]
async fn an_opportunity_is_created_changed_won_and_booked(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let input = json!({
        "accountId": acme, "name": "  Cars ", "amount": "1000.5", "openedOn": "2017-04-03", "expectedCloseOn": "2017-06-30",
        "externalIds": [{"source": "crm", "id": "7"}], "customFields": {"color": "red"},
    });
    let answer = ann.mutate("createOpportunity", ALL, input).await.done();
    let made = answer.data("createOpportunity.opportunity");
    let id = made["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "name": "Cars", "account": {"id": acme}, "owner": {"id": ann.id()},
        "amount": {"amount": "1000.50", "currency": "USD"}, "stage": "IDENTIFIED", "probability": 10,
        "openedOn": "2017-04-03", "expectedCloseOn": "2017-06-30", "closedOn": null, "lossReason": null,
        "externalIds": [{"source": "crm", "id": "7"}], "customFields": {"color": "red"}, "version": 1,
    });
    assert_eq!(made, &expected);

    let change = async |fields: Value| {
        let mut input = fields;
        input["id"] = json!(id);
        ann.mutate("updateOpportunity", ALL, input).await.done().data("updateOpportunity.opportunity").clone()
    };
    for (stage, percent) in [("QUALIFIED", 25), ("PROPOSED", 50), ("NEGOTIATING", 75), ("IDENTIFIED", 10)] {
        let row = change(json!({"stage": stage})).await;
        assert_eq!((&row["stage"], &row["probability"]), (&json!(stage), &json!(percent)));
    }
    assert_eq!(change(json!({"probability": 33})).await["probability"], 33);
    assert_eq!(change(json!({"stage": "PROPOSED"})).await["probability"], 33);
    assert_eq!(change(json!({"probability": null, "expectedCloseOn": null})).await["probability"], 50);
    let same = change(json!({"stage": "PROPOSED", "name": "Cars", "amount": "1000.50"})).await;
    assert_eq!(same["version"], 8, "what changes nothing writes nothing");

    let answer =
        ann.mutate("winOpportunity", WON, json!({"id": id, "closedOn": "2017-04-03", "amount": "900"})).await.done();
    let (won, booking) = (answer.data("winOpportunity.opportunity"), answer.data("winOpportunity.booking"));
    let expected = json!({"id": id, "stage": "WON", "probability": 100, "closedOn": "2017-04-03", "amount": {"amount": "900.00"}, "version": 9});
    assert_eq!(won, &expected);
    let expected = json!({
        "id": booking["id"], "amount": {"amount": "900.00"}, "bookedOn": "2017-04-03", "description": "Cars",
        "seller": {"id": ann.id()}, "opportunity": {"id": id}, "account": {"id": acme},
    });
    assert_eq!(booking, &expected);

    let answer = ann
        .send(
            "query($id: ID!, $a: ID!) { node(id: $id) { ... on Opportunity { name } } account(by: {id: $a}) {
                booked(year: 2017) { amount } opportunities { totalCount nodes { name } } bookings { totalCount nodes { description } } }
                events(filter: {types: [\"opportunity.created\", \"opportunity.updated\", \"opportunity.won\", \"booking.created\"]}) { nodes { type changes subject { id } } } }",
            json!({"id": id, "a": acme}),
        )
        .await;
    assert_eq!(answer.text("node.name"), "Cars");
    assert_eq!(answer.text("account.booked.amount"), "900.00");
    assert_eq!(answer.data("account.opportunities"), &json!({"totalCount": 1, "nodes": [{"name": "Cars"}]}));
    assert_eq!(answer.data("account.bookings"), &json!({"totalCount": 1, "nodes": [{"description": "Cars"}]}));
    let types = answer.each("events.nodes", "type");
    assert_eq!(types.len(), 10);
    assert_eq!(types[8..], ["opportunity.won", "booking.created"]);
    assert_eq!(answer.data("events.nodes.8.changes.closedOn"), &json!({"from": null, "to": "2017-04-03"}));
}

#[on_both_databases]
async fn winning_reports_invalid_input(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let id = ann.opportunity(&acme, json!({"name": "Cars", "openedOn": "2017-04-03"})).await;
    let win = async |fields: Value| {
        let mut input = fields;
        input["id"] = json!(id);
        ann.mutate("winOpportunity", WON, input).await
    };
    let answer = win(json!({"closedOn": "2017-04-02", "amount": 5})).await;
    assert_eq!(answer.refusals(), refused("INVALID", "input.closedOn"));
    let message = &answer.user_errors()[0].message;
    assert!(message.contains("2017-04-02") && message.contains("2017-04-03"), "{message}");
    let answer = win(json!({"closedOn": "9999-12-31", "amount": 5})).await;
    assert_eq!(answer.refusals(), refused("INVALID", "input.closedOn"));
    assert_eq!(win(json!({})).await.refusals(), refused("REQUIRED", "input.amount"));
    assert_eq!(win(json!({"amount": 0})).await.refusals(), refused("INVALID", "input.amount"));
    assert_eq!(win(json!({"amount": "-1"})).await.refusals(), refused("INVALID", "input.amount"));
    assert_eq!(win(json!({"amount": "0.001"})).await.refusals(), refused("INVALID", "input.amount"));
    let answer = win(json!({"amount": "-1", "closedOn": "2017-04-02"})).await;
    assert_eq!(answer.user_errors().len(), 2, "{answer}");
    let untouched = ann.query("{ opportunities { nodes { stage version } } bookings { totalCount } }").await;
    assert_eq!(untouched.data("opportunities.nodes.0"), &json!({"stage": "IDENTIFIED", "version": 1}));
    assert_eq!(untouched.data("bookings.totalCount"), &json!(0));

    // Without a booking no amount is needed. The day is today by default.
    let answer = win(json!({"book": false})).await.done();
    assert_eq!(answer.data("winOpportunity.booking"), &Value::Null);
    assert_eq!(answer.text("winOpportunity.opportunity.stage"), "WON");
    assert_eq!(win(json!({"amount": 5})).await.refusals(), refused("CONFLICT", "input.id"));
    assert_eq!(ann.mutate("loseOpportunity", ALL, json!({"id": id})).await.refusals(), refused("CONFLICT", "input.id"));
}

#[on_both_databases]
async fn of_two_concurrent_wins_one_books(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let id = ann.opportunity(&acme, json!({"name": "Cars", "amount": 5})).await;
    let win = || ann.mutate("winOpportunity", WON, json!({"id": id}));
    let (one, other) = tokio::join!(win(), win());
    assert_eq!([one.refusals(), other.refusals()].concat(), refused("CONFLICT", "input.id"));
    assert_eq!(ann.query("{ bookings { totalCount } }").await.data("bookings.totalCount"), &json!(1));
}

#[on_both_databases]
async fn a_lost_opportunity_can_be_reopened_and_a_booked_one_cannot(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let id =
        ann.opportunity(&acme, json!({"name": "Cars", "amount": 5, "probability": 60, "openedOn": "2017-01-01"})).await;
    let lost = json!({"id": id, "closedOn": "2017-02-01", "reason": "Price"});
    let answer = ann.mutate("loseOpportunity", ALL, lost.clone()).await.done();
    let row = answer.data("loseOpportunity.opportunity");
    assert_eq!((&row["stage"], &row["probability"]), (&json!("LOST"), &json!(0)));
    assert_eq!((&row["closedOn"], &row["lossReason"]), (&json!("2017-02-01"), &json!("Price")));
    assert_eq!(ann.mutate("loseOpportunity", ALL, lost).await.refusals(), refused("CONFLICT", "input.id"));
    let update = async |fields: Value| {
        let mut input = fields;
        input["id"] = json!(id);
        ann.mutate("updateOpportunity", ALL, input).await
    };
    assert_eq!(update(json!({"openedOn": "2017-02-02"})).await.refusals(), refused("INVALID", "input.openedOn"));
    assert_eq!(update(json!({"stage": "WON"})).await.refusals(), refused("INVALID", "input.stage"));
    let answer = update(json!({"stage": "PROPOSED"})).await.done();
    let row = answer.data("updateOpportunity.opportunity");
    assert_eq!((&row["stage"], &row["probability"]), (&json!("PROPOSED"), &json!(50)));
    assert_eq!((&row["closedOn"], &row["lossReason"]), (&Value::Null, &Value::Null));

    let answer = ann.mutate("winOpportunity", WON, json!({"id": id})).await.done();
    let booking = answer.text("winOpportunity.booking.id").to_owned();
    assert_eq!(update(json!({"stage": "WON", "name": "Trucks"})).await.refusals(), []);
    assert_eq!(update(json!({"stage": "PROPOSED"})).await.refusals(), refused("CONFLICT", "input.stage"));
    assert_eq!(delete(&ann, &id).await.refusals(), refused("CONFLICT", "input.id"));
    ann.mutate("updateBooking", "booking { id }", json!({"id": booking, "opportunityId": null})).await.done();
    assert_eq!(update(json!({"stage": "PROPOSED"})).await.refusals(), []);
    // An opportunity with a booking cannot be lost either.
    ann.mutate("updateBooking", "booking { id }", json!({"id": booking, "opportunityId": id})).await.done();
    assert_eq!(ann.mutate("loseOpportunity", ALL, json!({"id": id})).await.refusals(), refused("CONFLICT", "input.id"));
    ann.mutate("updateBooking", "booking { id }", json!({"id": booking, "opportunityId": null})).await.done();
    let answer = delete(&ann, &id).await.done();
    assert_eq!(answer.text("deleteOpportunity.opportunity.name"), "Trucks");
    assert_eq!(delete(&ann, &id).await.refusals(), refused("NOT_FOUND", "input.id"));
    let answer = ann
        .send(
            "query($id: ID!) { node(id: $id) { id } events(last: 1) { nodes { type subject { id } } } }",
            json!({"id": id}),
        )
        .await;
    assert_eq!(answer.data("node"), &Value::Null);
    assert_eq!(answer.data("events.nodes.0"), &json!({"type": "opportunity.deleted", "subject": null}));
}

#[on_both_databases]
async fn all_invalid_fields_are_reported_and_nothing_is_written(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    ann.opportunity(&acme, json!({"name": "Cars", "externalIds": [{"source": "crm", "id": "7"}]})).await;
    let answer = ann
        .mutate(
            "createOpportunity",
            "opportunity { id }",
            json!({
                "accountId": acme, "name": " ", "amount": "-0.01", "stage": "WON", "probability": 101, "ownerId": "user_",
                "externalIds": [{"source": "crm", "id": "7"}], "customFields": [1],
            }),
        )
        .await;
    let mut refusals = answer.refusals();
    refusals.sort();
    let expected = [
        ("INVALID", "input.amount"),
        ("INVALID", "input.customFields"),
        ("INVALID", "input.probability"),
        ("INVALID", "input.stage"),
        ("NOT_FOUND", "input.ownerId"),
        ("REQUIRED", "input.name"),
        ("TAKEN", "input.externalIds.0"),
    ];
    assert_eq!(refusals, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    let long = "x".repeat(201);
    for (fields, code, field) in [
        (json!({"name": long}), "INVALID", "input.name"),
        (json!({"name": "a\u{0}b"}), "INVALID", "input.name"),
        (json!({"amount": "10000000000000"}), "INVALID", "input.amount"),
        (json!({"accountId": "account_01h455vb4pex5vsknk084sn02q"}), "NOT_FOUND", "input.accountId"),
        (json!({"accountId": ann.id()}), "NOT_FOUND", "input.accountId"),
        (json!({"stage": "LOST"}), "INVALID", "input.stage"),
        (json!({"probability": -1}), "INVALID", "input.probability"),
    ] {
        let mut input = json!({"accountId": acme, "name": "Cars"});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(ann.mutate("createOpportunity", "opportunity { id }", input).await.refusals(), refused(code, field));
    }
    // Null has the same effect as an omitted field that has a default.
    ann.opportunity(&acme, json!({"name": "👩‍👩‍👧 שלום", "stage": null})).await;
    let id = ann.opportunity(&acme, json!({"name": "Trucks"})).await;
    for (fields, code, field) in [
        (json!({"name": null}), "REQUIRED", "input.name"),
        (json!({"stage": null}), "REQUIRED", "input.stage"),
        (json!({"openedOn": null}), "REQUIRED", "input.openedOn"),
        (json!({"ownerId": null}), "REQUIRED", "input.ownerId"),
        (json!({"ifVersion": 2, "name": "x"}), "STALE_VERSION", "input.ifVersion"),
        (json!({"externalIds": [{"source": "crm", "id": "7"}]}), "TAKEN", "input.externalIds.0"),
        (json!({"id": acme}), "NOT_FOUND", "input.id"),
    ] {
        let mut input = json!({"id": id});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(ann.mutate("updateOpportunity", "opportunity { id }", input).await.refusals(), refused(code, field));
    }
    ann.mutate("archiveAccount", "", json!({"id": acme})).await.done();
    let answer = ann.mutate("createOpportunity", "opportunity { id }", json!({"accountId": acme, "name": "x"})).await;
    assert_eq!(answer.refusals(), refused("CONFLICT", "input.accountId"));
}

#[on_both_databases]
async fn permissions_follow_from_the_account_and_the_opportunity(world: &World) {
    let (mia, max) = (world.manager("Mia").await, world.manager("Max").await);
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&max).await);
    let cleo = world.seller("Cleo").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let of_ann = ann.opportunity(&acme, json!({"name": "Cars"})).await;
    let create = async |who: &Client, owner: Option<&str>| {
        who.mutate("createOpportunity", "opportunity { id }", json!({"accountId": acme, "name": "x", "ownerId": owner}))
            .await
    };
    let update = async |who: &Client, id: &str, fields: Value| {
        let mut input = fields;
        input["id"] = json!(id);
        who.mutate("updateOpportunity", "opportunity { id }", input).await
    };

    // Without access to the account, its opportunities are not found.
    assert_eq!(create(&bob, None).await.refusals(), refused("NOT_FOUND", "input.accountId"));
    assert_eq!(update(&bob, &of_ann, json!({"name": "y"})).await.refusals(), refused("NOT_FOUND", "input.id"));
    assert_eq!(delete(&bob, &of_ann).await.refusals(), refused("NOT_FOUND", "input.id"));
    assert_eq!(bob.query("{ opportunities { totalCount } }").await.data("opportunities.totalCount"), &json!(0));
    assert_eq!(world.stranger().query("{ opportunities { totalCount } }").await.error_code(), "UNAUTHENTICATED");
    let elsewhere = world.another_organization("Globex").await;
    assert_eq!(update(elsewhere.admin(), &of_ann, json!({})).await.refusals(), refused("NOT_FOUND", "input.id"));
    // Managers above the owner and administrators may.
    for who in [&*mia, &**world.admin()] {
        update(who, &of_ann, json!({"amount": 7})).await.done();
    }

    // A new owner joins the account's team, and their manager sees the account through them.
    let answer = create(&ann, Some(bob.id())).await.done();
    let of_bob = answer.text("createOpportunity.opportunity.id").to_owned();
    for who in [&*bob, &*max] {
        update(who, &of_bob, json!({"name": who.id()})).await.done();
        assert_eq!(update(who, &of_ann, json!({"name": "y"})).await.refusals(), refused("FORBIDDEN", "input.id"));
    }
    let team = bob.query("{ accounts { nodes { version team { user { id } role } } } }").await;
    assert_eq!(
        team.data("accounts.nodes.0"),
        &json!({"version": 2, "team": [{"user": {"id": bob.id()}, "role": "SELLER"}]})
    );
    let answer = ann.mutate("removeTeamMember", "account { id }", json!({"accountId": acme, "userId": bob.id()})).await;
    assert_eq!(answer.refusals(), refused("CONFLICT", "input.userId"));
    // A new owner who sees the account already does not join the team.
    create(&ann, Some(mia.id())).await.done();
    create(&ann, Some(world.admin().id())).await.done();
    let team = ann.query("{ accounts { nodes { version team { user { id } } } } }").await;
    assert_eq!(team.data("accounts.nodes.0.version"), &json!(2));

    // A team member creates opportunities of their own, gives none to others, and returns one to the account's owner.
    create(&bob, None).await.done();
    for other in [ann.id(), cleo.id(), max.id()] {
        assert_eq!(create(&bob, Some(other)).await.refusals(), refused("FORBIDDEN", "input.ownerId"));
    }
    assert_eq!(
        update(&bob, &of_bob, json!({"ownerId": cleo.id()})).await.refusals(),
        refused("FORBIDDEN", "input.ownerId")
    );
    update(&bob, &of_bob, json!({"ownerId": ann.id()})).await.done();
    assert_eq!(update(&bob, &of_bob, json!({"ownerId": bob.id()})).await.refusals(), refused("FORBIDDEN", "input.id"));
    // A manager on the team creates opportunities for those below.
    create(&max, Some(bob.id())).await.done();
}

#[on_both_databases]
async fn a_user_given_an_opportunity_while_leaving_the_team_sees_it(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    for round in 0..10 {
        let acme = ann.account(json!({"name": format!("Acme {round}")})).await;
        let id = ann.opportunity(&acme, json!({"name": "Cars"})).await;
        let member = json!({"accountId": acme, "userId": bob.id(), "role": "OTHER"});
        ann.mutate("setTeamMember", "account { id }", member).await.done();
        let member = json!({"accountId": acme, "userId": bob.id()});
        let (given, _) = tokio::join!(
            ann.mutate("updateOpportunity", "opportunity { id }", json!({"id": id, "ownerId": bob.id()})),
            ann.mutate("removeTeamMember", "account { id }", member)
        );
        given.done();
        let document = "query($id: ID!) { node(id: $id) { ... on Opportunity { owner { name } } } }";
        assert_eq!(bob.send(document, json!({"id": id})).await.data("node.owner.name"), &json!("Bob"));
    }
}

#[on_both_databases]
async fn touches_lose_the_reference_to_an_opportunity_that_is_deleted_or_moved(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let bolt = ann.account(json!({"name": "Bolt"})).await;
    let about = async |name: &str| {
        let fields = json!({"name": name, "externalIds": [{"source": "crm", "id": name}]});
        let id = ann.opportunity(&acme, fields).await;
        let touch = ann.touch(&acme, json!({"kind": "CALL", "opportunityId": id})).await;
        (id, touch)
    };
    let ((deleted, one), (moved, other)) = (about("deleted").await, about("moved").await);
    delete(&ann, &deleted).await.done();
    let rows = json!([{"externalId": {"source": "crm", "id": "moved"}, "account": {"id": bolt}}]);
    assert_eq!(outcomes(&upsert(&ann, rows).await), ["UPDATED"]);
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Touch { version } }
        events(filter: {types: [\"touch.updated\"]}) { nodes { subjectId changes } } }";
    let answer = ann.send(document, json!({"ids": [one, other]})).await;
    assert_eq!(answer.each("nodes", "version"), [2, 2]);
    let released =
        |touch: &str, from: &str| json!({"subjectId": touch, "changes": {"opportunityId": {"from": from, "to": null}}});
    assert_eq!(answer.data("events.nodes"), &json!([released(&one, &deleted), released(&other, &moved)]));
}

/// Returns the ids of a whole list, read page by page.
async fn walk(client: &Client, order: &str, size: &str) -> Vec<String> {
    let (cursor, info, end) = if size == "first" {
        ("after", "hasNextPage", "endCursor")
    } else {
        ("before", "hasPreviousPage", "startCursor")
    };
    let (mut ids, mut at) = (Vec::new(), String::new());
    loop {
        let document = format!(
            "{{ opportunities(orderBy: {order}, {size}: 4 {at}) {{ nodes {{ id }} pageInfo {{ {info} {end} }} }} }}"
        );
        let answer = client.query(&document).await;
        let page = answer.each("opportunities.nodes", "id").into_iter().map(|id| id.as_str().unwrap().to_owned());
        if size == "first" {
            ids.extend(page);
        } else {
            ids.splice(0..0, page.collect::<Vec<_>>());
        }
        if answer.data(&format!("opportunities.pageInfo.{info}")) == &json!(false) {
            return ids;
        }
        at = format!(", {cursor}: {}", answer.data(&format!("opportunities.pageInfo.{end}")));
    }
}

/// Creates eighteen opportunities of three kinds, at three accounts of one seller. Some keys are equal, and some are
/// missing.
async fn many(world: &World) -> (Seller, Vec<String>) {
    let admin = world.admin();
    let ann = world.seller("Ann").await;
    let mut accounts = Vec::new();
    for name in ["Acme", "Bolt", "Cell"] {
        accounts.push(ann.account(json!({"name": name})).await);
    }
    // An account that the seller does not see.
    let other = admin.account(json!({"name": "Other"})).await;
    admin.opportunity(&other, json!({"name": "n1"})).await;
    let rows: Vec<Value> = (0..18)
        .map(|number| {
            let mut row = json!({
                "externalId": {"source": "crm", "id": number.to_string()}, "account": {"id": accounts[number % 7 % 3]}, "name": format!("n{}", number % 4),
                "openedOn": format!("2017-01-{:02}", 1 + number % 5),
            });
            match number % 3 {
                0 => {}
                1 => row.as_object_mut().unwrap().extend([
                    ("amount".to_owned(), json!((number % 2).to_string())),
                    ("expectedCloseOn".to_owned(), json!(format!("2017-02-{:02}", 1 + number % 2))),
                ]),
                _ => row.as_object_mut().unwrap().extend([
                    ("stage".to_owned(), json!(if number % 2 == 0 { "WON" } else { "LOST" })),
                    ("closedOn".to_owned(), json!(format!("2017-03-{:02}", 1 + number % 2))),
                ]),
            }
            row
        })
        .collect();
    assert_eq!(upsert(admin, json!(rows)).await.done().data("upsertOpportunities.created"), &json!(18));
    (ann, accounts)
}

#[on_both_databases]
async fn pages_contain_every_row_once_in_every_order(world: &World) {
    let (ann, _) = many(world).await;
    // The administrator sees everything; the seller's list is read by seats.
    for (who, total) in [(&**world.admin(), 19), (&*ann, 18)] {
        for order in [
            "[]",
            "[{field: NAME}]",
            "[{field: AMOUNT}]",
            "[{field: AMOUNT, direction: DESC}]",
            "[{field: OPENED_ON, direction: DESC}]",
            "[{field: EXPECTED_CLOSE_ON}]",
            "[{field: EXPECTED_CLOSE_ON, direction: DESC}]",
            "[{field: CLOSED_ON}]",
            "[{field: CLOSED_ON, direction: DESC}]",
            "[{field: UPDATED_AT}]",
            "[{field: CLOSED_ON, direction: DESC}, {field: AMOUNT}, {field: NAME, direction: DESC}]",
        ] {
            let whole =
                who.query(&format!("{{ opportunities(orderBy: {order}, first: 200) {{ nodes {{ id }} }} }}")).await;
            let whole: Vec<String> =
                whole.each("opportunities.nodes", "id").into_iter().map(|id| id.as_str().unwrap().to_owned()).collect();
            assert_eq!(whole.len(), total);
            for size in ["first", "last"] {
                assert_eq!(walk(who, order, size).await, whole, "{order} by {size}");
            }
        }
    }
    // Nulls come last in ascending order, and first in descending order.
    let answer = ann
        .query(
            "{ a: opportunities(orderBy: {field: CLOSED_ON}, first: 1) { nodes { closedOn } }
               z: opportunities(orderBy: {field: CLOSED_ON}, last: 1) { nodes { closedOn } }
               d: opportunities(orderBy: {field: AMOUNT, direction: DESC}, first: 1) { nodes { amount { amount } } } }",
        )
        .await;
    assert_eq!(answer.data("a.nodes.0.closedOn"), &json!("2017-03-01"));
    assert_eq!(answer.data("z.nodes.0.closedOn"), &Value::Null);
    assert_eq!(answer.data("d.nodes.0.amount"), &Value::Null);
}

#[on_both_databases]
async fn filters_never_evaluate_to_unknown(world: &World) {
    let (ann, accounts) = many(world).await;
    let (account, admin) = (&accounts[0], world.admin());
    for (filter, expected) in [
        ("{}".to_owned(), 18),
        ("{open: true}".to_owned(), 12),
        ("{open: false}".to_owned(), 6),
        ("{not: {open: true}}".to_owned(), 6),
        ("{stage: [WON]}".to_owned(), 3),
        ("{stage: []}".to_owned(), 0),
        ("{stage: [WON, LOST, PROPOSED]}".to_owned(), 6),
        ("{amount: {gte: 0}}".to_owned(), 6),
        ("{amount: {isNull: true}}".to_owned(), 12),
        ("{not: {amount: {gte: 0}}}".to_owned(), 12),
        ("{name: {startsWith: \"N1\"}}".to_owned(), 5),
        ("{openedOn: {lte: \"2017-01-01\"}}".to_owned(), 4),
        ("{expectedCloseOn: {isNull: false}}".to_owned(), 6),
        ("{closedOn: {gt: \"2017-03-01\"}}".to_owned(), 3),
        ("{externalId: {source: \"crm\", id: \" 3 \"}}".to_owned(), 1),
        ("{externalId: {source: \"crm\", id: \"x\"}}".to_owned(), 0),
        (format!("{{accountId: {{eq: \"{account}\"}}, ownerId: {{eq: \"{}\"}}}}", admin.id()), 8),
        (format!("{{accountId: {{ne: \"{account}\"}}}}"), 10),
        ("{accountId: {eq: \"nonsense\"}}".to_owned(), 0),
        ("{or: [{stage: [WON]}, {amount: {eq: 1}}]}".to_owned(), 6),
        ("{updatedAt: {gt: \"2000-01-01T00:00:00Z\"}}".to_owned(), 18),
    ] {
        let answer = ann.query(&format!("{{ opportunities(filter: {filter}) {{ totalCount nodes {{ id }} }} }}")).await;
        assert_eq!(answer.data("opportunities.totalCount"), &json!(expected), "{filter}");
        assert_eq!(answer.each("opportunities.nodes", "id").len(), expected, "{filter}");
    }
    for arguments in
        ["filter: {open: null}", "filter: {stage: null}", "filter: {amount: {gt: null}}", "first: 1, last: 1"]
    {
        let answer = ann.query(&format!("{{ opportunities({arguments}) {{ totalCount }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{arguments}");
    }
}

#[on_both_databases]
async fn lists_cost_the_same_statements_for_any_length(world: &World) {
    let ann = world.seller("Ann").await;
    let document = "{ opportunities(first: 200) { totalCount nodes { name account { name } owner { name } } }
        bookings(first: 200) { totalCount nodes { account { name } seller { name } opportunity { name owner { name } } } }
        accounts { nodes { opportunities(first: 3) { totalCount nodes { owner { name } } } bookings(first: 3) { totalCount nodes { seller { name } } } } } }";
    let win = async |name: String| {
        let account = ann.account(json!({"name": name})).await;
        let id = ann.opportunity(&account, json!({"name": name, "amount": 5})).await;
        ann.mutate("winOpportunity", WON, json!({"id": id})).await.done();
    };
    win("first".to_owned()).await;
    let (_, few) = count(world.server(), ann.query(document)).await;
    for number in 0..20 {
        win(format!("a{number}")).await;
    }
    let (answer, many) = count(world.server(), ann.query(document)).await;
    assert_eq!(answer.data("bookings.totalCount"), &json!(21));
    assert_eq!(many, few);
}

#[on_both_databases]
async fn won_is_always_certain_and_lost_never_likely(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let won = ann.opportunity(&acme, json!({"name": "Cars", "probability": 40})).await;
    let answer =
        ann.mutate("winOpportunity", "opportunity { probability }", json!({"id": won, "book": false})).await.done();
    assert_eq!(answer.data("winOpportunity.opportunity.probability"), &json!(100));
    let update = async |probability: Value| {
        ann.mutate("updateOpportunity", "opportunity { probability }", json!({"id": won, "probability": probability}))
            .await
    };
    assert_eq!(update(json!(40)).await.refusals(), [("INVALID".to_owned(), "input.probability".to_owned())]);
    for fine in [json!(100), Value::Null] {
        let answer = update(fine).await.done();
        assert_eq!(answer.data("updateOpportunity.opportunity.probability"), &json!(100));
    }
    let rows = json!([{"externalId": {"source": "crm", "id": "1"}, "account": {"id": acme}, "name": "Vans", "stage": "LOST", "probability": 40}]);
    let answer =
        ann.mutate("upsertOpportunities", "results { userErrors { code field } }", json!({"rows": rows})).await;
    let expected = json!([{"code": "INVALID", "field": ["input", "rows", "0", "probability"]}]);
    assert_eq!(answer.data("upsertOpportunities.results.0.userErrors"), &expected);
}
