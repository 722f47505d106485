//! Upserts of opportunities from another system.

use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::queries::count;
use tests::{World, on_both_databases};

use crate::opportunities::{outcomes, refused, upsert, upsert_or_not};

#[on_both_databases]
async fn upserts_cost_few_statements_and_find_existing_rows(world: &World) {
    let mia = world.manager("Mia").await;
    let admin = world.admin();
    let sellers = [world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await];
    let mut accounts = Vec::new();
    for number in 0..5 {
        let fields = json!({"name": format!("a{number}"), "ownerId": sellers[number % 2].id(), "externalIds": [{"source": "crm", "id": format!("a{number}")}]});
        accounts.push(admin.account(fields).await);
    }
    let rows = |from: usize, to: usize| -> Value {
        (from..to)
            .map(|number| {
                json!({
                    "externalId": {"source": "crm", "id": format!("o{number}")}, "account": {"externalId": {"source": "crm", "id": format!("a{}", number % 5)}},
                    "name": format!("o{number}"), "amount": number, "stage": (["WON", "LOST", "QUALIFIED"][number % 3]),
                    "closedOn": if number % 3 == 2 { Value::Null } else { json!("2017-03-01") }, "openedOn": "2017-01-01",
                    "ownerEmail": sellers[number / 5 % 2].email(),
                })
            })
            .collect()
    };
    let (answer, few) = count(world.server(), upsert(admin, rows(0, 10))).await;
    assert_eq!(answer.done().data("upsertOpportunities.created"), &json!(10));
    let (answer, many) = count(world.server(), upsert(admin, rows(10, 510))).await;
    assert_eq!(answer.done().data("upsertOpportunities.created"), &json!(500));
    // The first ten rows also add users to teams.
    assert!(many <= few && few <= 30, "{few} statements for 10 rows, {many} for 500");
    let (answer, again) = count(world.server(), upsert(admin, rows(10, 510))).await;
    assert_eq!(answer.data("upsertOpportunities.unchanged"), &json!(500));
    assert!(again <= many, "{again} statements to write nothing");
    // Each seller sees all five accounts, at which they own opportunities.
    for seller in &sellers {
        assert_eq!(seller.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(5));
    }
    // A seller updates their own opportunities, and not those of others.
    let mut mine = rows(0, 1);
    mine[0]["amount"] = json!(99);
    assert_eq!(outcomes(&upsert(&sellers[0], mine).await), ["UPDATED"]);
    let mut others = rows(5, 6);
    others[0]["amount"] = json!(99);
    assert_eq!(outcomes(&upsert(&sellers[0], others).await), ["UPDATED"], "of their own account");
    let mut others = rows(6, 7);
    others[0]["amount"] = json!(99);
    assert_eq!(outcomes(&upsert(&sellers[0], others).await), ["FAILED FORBIDDEN input.rows.0"]);
    let answer = upsert(admin, rows(0, 501)).await;
    assert_eq!(answer.refusals(), refused("LIMIT_EXCEEDED", "input.rows"));
    assert_eq!(answer.data("upsertOpportunities.results"), &json!([]));
}

#[on_both_databases]
async fn an_invalid_row_gives_the_reason_and_fails_alone(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let row = |id: &str, fields: Value| {
        let mut row = json!({"externalId": {"source": "crm", "id": id}, "account": {"domain": "acme.com"}, "name": id});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row
    };
    let rows = json!([
        row("a", json!({"stage": "WON", "openedOn": "2017-03-02", "closedOn": "2017-03-01"})),
        row("b", json!({"amount": "-1"})),
        row("c", json!({"account": {"domain": "nobody.com"}})),
        {"externalId": {"source": "crm", "id": "d"}, "name": "d"},
        {"externalId": {"source": "crm", "id": "e"}, "account": {"id": acme}},
        row("f", json!({"ownerEmail": "nobody@nowhere.example"})),
        row("g", json!({"closedOn": "2017-03-01"})),
        row("h", json!({"stage": "LOST", "closedOn": null})),
        row("i", json!({"probability": 101})),
        row(" ", json!({})),
        row("\u{0}", json!({})),
        row("fine", json!({"stage": "WON", "closedOn": "2017-03-01", "lossReason": "of old"})),
        row(" fine ", json!({})),
        row("Cafe\u{301}", json!({})),
    ]);
    let expected = [
        "FAILED INVALID input.rows.0.closedOn",
        "FAILED INVALID input.rows.1.amount",
        "FAILED NOT_FOUND input.rows.2.account",
        "FAILED REQUIRED input.rows.3.account",
        "FAILED REQUIRED input.rows.4.name",
        "FAILED NOT_FOUND input.rows.5.ownerEmail",
        "FAILED INVALID input.rows.6.closedOn",
        "FAILED REQUIRED input.rows.7.closedOn",
        "FAILED INVALID input.rows.8.probability",
        "FAILED REQUIRED input.rows.9.externalId.id",
        "FAILED INVALID input.rows.10.externalId.id",
        "CREATED",
        "FAILED CONFLICT input.rows.12.externalId",
        "CREATED",
    ];
    let dry = upsert_or_not(admin, rows.clone(), true).await;
    assert_eq!(outcomes(&dry), expected);
    assert_eq!(dry.data("upsertOpportunities.results.11.id"), &Value::Null);
    assert_eq!(admin.query("{ opportunities { totalCount } }").await.data("opportunities.totalCount"), &json!(0));
    let answer = upsert(admin, rows).await;
    assert_eq!(outcomes(&answer), expected);
    assert_eq!(answer.data("upsertOpportunities.failed"), &json!(12));
    let message = answer.text("upsertOpportunities.results.0.userErrors.0.message");
    assert!(message.contains("2017-03-01") && message.contains("2017-03-02"), "{message}");
    // An opportunity that was won before today was created no later than it was won. Composed and decomposed external
    // ids are the same.
    let answer = admin.query("{ opportunities { nodes { openedOn closedOn lossReason probability } } }").await;
    let expected = json!({"openedOn": "2017-03-01", "closedOn": "2017-03-01", "lossReason": null, "probability": 100});
    assert_eq!(answer.data("opportunities.nodes.0"), &expected);
    assert_eq!(
        outcomes(&upsert(admin, json!([row("Caf\u{e9}", json!({"name": "Cafe\u{301}"}))])).await),
        ["UNCHANGED"]
    );
}

#[on_both_databases]
async fn rows_reopen_move_and_merge_as_mutations_do(world: &World) {
    let admin = world.admin();
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let bolt = ann.account(json!({"name": "Bolt", "domain": "bolt.com"})).await;
    let row = |fields: Value| {
        let mut row = json!({"externalId": {"source": "crm", "id": "7"}});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!([row])
    };
    let whole = json!({"account": {"domain": "acme.com"}, "name": "Cars", "amount": 5, "stage": "WON", "openedOn": "2017-01-01",
        "closedOn": "2017-02-01", "ownerEmail": bob.email(), "customFields": {"a": 1, "b": 2}});
    let answer = upsert(admin, row(whole)).await;
    assert_eq!(outcomes(&answer), ["CREATED"]);
    let id = answer.text("upsertOpportunities.results.0.id").to_owned();
    let booking = ann.booking(&acme, json!({"amount": 5, "bookedOn": "2017-02-01", "opportunityId": id})).await;
    for (fields, expected) in [
        (json!({"stage": "PROPOSED"}), "FAILED CONFLICT input.rows.0.stage"),
        (json!({"stage": "LOST"}), "FAILED CONFLICT input.rows.0.stage"),
        (json!({"account": {"id": bolt}}), "FAILED CONFLICT input.rows.0.account"),
        (json!({"customFields": {"b": null, "c": 3}}), "UPDATED"),
        (json!({"closedOn": "2017-02-02", "name": "Trucks"}), "UPDATED"),
    ] {
        assert_eq!(outcomes(&upsert(admin, row(fields.clone())).await), [expected], "{fields}");
    }
    // The upsert below keeps the second external id.
    ann.mutate(
        "updateOpportunity",
        "opportunity { id }",
        json!({"id": id, "externalIds": [{"source": "crm", "id": "7"}, {"source": "erp", "id": "x"}]}),
    )
    .await
    .done();
    ann.mutate("deleteBooking", "booking { id }", json!({"id": booking})).await.done();
    assert_eq!(outcomes(&upsert(admin, row(json!({"stage": "PROPOSED", "account": {"id": bolt}}))).await), ["UPDATED"]);
    let answer = bob
        .query("{ accounts { nodes { name } } opportunities { nodes { account { name } closedOn stage probability customFields externalIds { source } } } }")
        .await;
    // Bob, who owns the opportunity, joined the team of its new account.
    assert_eq!(answer.each("accounts.nodes", "name"), ["Acme", "Bolt"]);
    allow_duplicates! {
        assert_json_snapshot!(answer.data("opportunities.nodes.0"), @r#"
        {
          "account": {
            "name": "Bolt"
          },
          "closedOn": null,
          "stage": "PROPOSED",
          "probability": 50,
          "customFields": {
            "a": 1,
            "c": 3
          },
          "externalIds": [
            {
              "source": "crm"
            },
            {
              "source": "erp"
            }
          ]
        }
        "#);
    }
    // Another organization may have the same external ids.
    let elsewhere = world.another_organization("Globex").await;
    elsewhere.admin().account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let answer = upsert(elsewhere.admin(), row(json!({"account": {"domain": "acme.com"}, "name": "Cars"}))).await;
    assert_eq!(outcomes(&answer), ["CREATED"]);
    // To a user who does not see the opportunity, the error only says that the external id is taken.
    let cleo = world.seller("Cleo").await;
    assert_eq!(outcomes(&upsert(&cleo, row(json!({"name": "Mine"}))).await), ["FAILED TAKEN input.rows.0.externalId"]);
}
