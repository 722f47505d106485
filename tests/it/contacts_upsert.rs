//! Upserts of contacts from other systems.

use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::queries::count;
use tests::{Answer, Client, World, on_both_databases};

const UPSERT: &str =
    "created updated unchanged failed results { index status id node { id } userErrors { code field message } }";

async fn upsert(who: &Client, rows: &Value, dry: bool) -> Answer {
    who.mutate("upsertContacts", UPSERT, json!({"rows": rows, "dryRun": dry})).await
}

/// Returns the status of each row, followed by the code and the last step of the field of its errors: `FAILED CONFLICT
/// email`.
fn outcomes(answer: &Answer) -> Vec<String> {
    let outcome = |result: &Value| {
        let mut words = vec![result["status"].as_str().unwrap()];
        for error in result["userErrors"].as_array().unwrap() {
            words.extend([
                error["code"].as_str().unwrap(),
                error["field"].as_array().unwrap().last().unwrap().as_str().unwrap(),
            ]);
        }
        words.join(" ")
    };
    answer.data("upsertContacts.results").as_array().unwrap().iter().map(outcome).collect()
}

fn crm(id: &str) -> Value {
    json!({"source": "crm", "id": id})
}

#[on_both_databases]
async fn rows_are_created_updated_or_unchanged(world: &World) {
    let admin = world.admin();
    admin.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let acme = json!({"domain": "acme.com"});
    let rows = json!([
        {"externalId": crm("1"), "account": acme, "name": "Low", "email": "x@acme.com", "reportsTo": crm("2"), "customFields": {"a": 1, "b": 2}},
        {"externalId": crm("2"), "account": acme, "name": "Top", "email": "x@acme.com", "buyingRole": "DECISION_MAKER", "relationship": "KNOWN", "doNotContact": true},
        {"account": acme, "name": "By address", "email": "Y@Acme.com"},
        {"account": acme, "name": "By name"},
    ]);
    assert_eq!(outcomes(&upsert(admin, &rows, true).await), ["CREATED"; 4]);
    assert_eq!(admin.query("{ contacts { totalCount } }").await.data("contacts.totalCount"), &json!(0));
    assert_eq!(outcomes(&upsert(admin, &rows, false).await), ["CREATED"; 4]);
    assert_eq!(outcomes(&upsert(admin, &rows, false).await), ["UNCHANGED"; 4]);
    // Omitted fields are kept, null clears, and custom fields are merged. Names are compared without regard to case.
    let again = json!([
        {"externalId": crm("1"), "customFields": {"a": null, "c": 3}, "reportsTo": null},
        {"externalId": crm("2"), "buyingRole": null},
        {"account": acme, "email": "y@acme.com", "phone": "1"},
        {"account": acme, "name": "BY NAME", "title": "CEO"},
    ]);
    assert_eq!(outcomes(&upsert(admin, &again, true).await), ["UPDATED"; 4]);
    let answer = upsert(admin, &again, false).await;
    assert_eq!(outcomes(&answer), ["UPDATED"; 4]);
    assert_eq!(answer.each("upsertContacts.results", "id"), answer.each("upsertContacts.results", "node.id"));
    let answer = admin.query("{ contacts { nodes { name title phone email buyingRole relationship doNotContact customFields reportsTo { id } externalIds { id } version } } }").await;
    let row = |at: usize| answer.data(&format!("contacts.nodes.{at}")).clone();
    allow_duplicates! {
        assert_json_snapshot!(row(0), @r#"
        {
          "name": "Low",
          "title": null,
          "phone": null,
          "email": "x@acme.com",
          "buyingRole": null,
          "relationship": "UNKNOWN",
          "doNotContact": false,
          "customFields": {
            "b": 2,
            "c": 3
          },
          "reportsTo": null,
          "externalIds": [
            {
              "id": "1"
            }
          ],
          "version": 2
        }
        "#);
    }
    assert_eq!((&row(1)["relationship"], &row(1)["buyingRole"]), (&json!("KNOWN"), &Value::Null));
    assert_eq!((&row(2)["name"], &row(2)["phone"]), (&json!("By address"), &json!("1")));
    assert_eq!((&row(3)["name"], &row(3)["title"]), (&json!("BY NAME"), &json!("CEO")));
}

#[on_both_databases]
async fn an_invalid_row_fails_alone(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    for (who, name) in [(&ann, "acme"), (&ann, "other"), (&ann, "old"), (&bob, "hidden")] {
        who.account(json!({"name": name, "domain": format!("{name}.com")})).await;
    }
    let at = |name: &str| json!({"domain": format!("{name}.com")});
    upsert(&bob, &json!([{"externalId": crm("hidden"), "account": at("hidden"), "name": "Hidden"}]), false).await;
    let there = json!([
        {"externalId": crm("a"), "account": at("acme"), "name": "Same", "email": "same@acme.com"},
        {"externalId": crm("b"), "account": at("acme"), "name": "Same", "email": "same@acme.com"},
        {"externalId": crm("c"), "account": at("other"), "name": "There"},
    ]);
    assert_eq!(outcomes(&upsert(&ann, &there, false).await), ["CREATED"; 3]);
    let old = ann.query("{ account(by: {domain: \"old.com\"}) { id } }").await;
    ann.mutate("archiveAccount", "", json!({"id": old.text("account.id")})).await.done();
    let cases = [
        (json!({"externalId": crm("1"), "account": at("acme"), "name": "One"}), "CREATED"),
        (json!({"externalId": crm("1"), "account": at("acme"), "name": "Again"}), "FAILED CONFLICT externalId"),
        (json!({"externalId": crm("2"), "account": at("acme")}), "FAILED REQUIRED name"),
        (json!({"externalId": crm("3"), "name": "Nowhere"}), "FAILED REQUIRED account"),
        (json!({"externalId": crm("4"), "account": at("nowhere"), "name": "x"}), "FAILED NOT_FOUND account"),
        (json!({"externalId": crm("5"), "account": at("hidden"), "name": "x"}), "FAILED NOT_FOUND account"),
        (json!({"externalId": crm("6"), "account": at("old"), "name": "x"}), "FAILED CONFLICT account"),
        (json!({"externalId": crm("hidden"), "phone": "1"}), "FAILED TAKEN externalId"),
        (json!({"account": at("acme"), "phone": "1"}), "FAILED REQUIRED externalId"),
        (json!({"name": "No account"}), "FAILED REQUIRED account"),
        (json!({"account": at("acme"), "email": "same@acme.com", "phone": "1"}), "FAILED CONFLICT email"),
        (json!({"account": at("acme"), "name": "same"}), "FAILED CONFLICT name"),
        (
            json!({"externalId": crm("a"), "email": "no address", "title": "x".repeat(201)}),
            "FAILED INVALID title INVALID email",
        ),
        (json!({"externalId": crm("b"), "name": null, "account": null}), "FAILED REQUIRED account REQUIRED name"),
        (
            json!({"externalId": crm("7"), "account": at("acme"), "name": "x", "reportsTo": crm("nobody")}),
            "FAILED NOT_FOUND reportsTo",
        ),
        (
            json!({"externalId": crm("8"), "account": at("acme"), "name": "x", "reportsTo": crm("hidden")}),
            "FAILED NOT_FOUND reportsTo",
        ),
        (
            json!({"externalId": crm("9"), "account": at("acme"), "name": "x", "reportsTo": crm("c")}),
            "FAILED INVALID reportsTo",
        ),
        (
            json!({"externalId": crm("10"), "account": at("acme"), "name": "x", "reportsTo": crm("9")}),
            "FAILED NOT_FOUND reportsTo",
        ),
    ];
    let rows: Value = cases.iter().map(|(row, _)| row.clone()).collect();
    let expected = cases.map(|(_, outcome)| outcome);
    assert_eq!(outcomes(&upsert(&ann, &rows, true).await), expected);
    assert_eq!(outcomes(&upsert(&ann, &rows, false).await), expected);
    let many: Vec<Value> = (0..501).map(|number| json!({"externalId": crm(&number.to_string())})).collect();
    assert_eq!(
        upsert(&ann, &json!(many), false).await.refusals(),
        [("LIMIT_EXCEEDED".to_owned(), "input.rows".to_owned())]
    );
}

#[on_both_databases]
async fn one_call_does_not_create_a_contact_twice(world: &World) {
    let admin = world.admin();
    for name in ["acme", "other"] {
        admin.account(json!({"name": name, "domain": format!("{name}.com")})).await;
    }
    let at = |name: &str| json!({"domain": format!("{name}.com")});
    let by_address = json!({"account": at("acme"), "name": "Ann Lee", "email": "Ann@Acme.com", "phone": "1"});
    let by_name = json!({"account": at("acme"), "name": "ann lee", "title": "CEO"});
    let rows = json!([
        {"externalId": crm("1"), "account": at("acme"), "name": "Ann Lee", "email": "ann@acme.com"},
        by_address,
        by_name,
        {"account": at("other"), "name": "Ann Lee", "email": "ann@acme.com"},
        {"externalId": crm("2"), "account": at("other"), "name": "Ann Lee", "email": "ann@acme.com"},
        {"account": at("acme"), "name": "Bo", "email": "bo@acme.com"},
        {"account": at("acme"), "name": "BO"},
    ]);
    let expected = [
        "CREATED",
        "FAILED CONFLICT email",
        "FAILED CONFLICT name",
        "CREATED",
        "CREATED",
        "CREATED",
        "FAILED CONFLICT name",
    ];
    assert_eq!(outcomes(&upsert(admin, &rows, true).await), expected);
    assert_eq!(outcomes(&upsert(admin, &rows, false).await), expected);
    // Now that the contact exists, each of the two rows finds it.
    for row in [by_address, by_name] {
        assert_eq!(outcomes(&upsert(admin, &json!([row]), false).await), ["UPDATED"]);
    }
}

#[on_both_databases]
async fn reporting_lines_may_refer_to_rows_of_the_same_call(world: &World) {
    let admin = world.admin();
    for name in ["acme", "other"] {
        admin.account(json!({"name": name, "domain": format!("{name}.com")})).await;
    }
    let row = |id: &str, at: &str, above: Value| json!({"externalId": crm(id), "account": {"domain": format!("{at}.com")}, "name": id, "reportsTo": above});
    let line = json!([
        row("1", "acme", Value::Null),
        row("2", "acme", crm("1")),
        row("3", "acme", crm("2")),
        row("4", "acme", crm("3"))
    ]);
    assert_eq!(outcomes(&upsert(admin, &line, false).await), ["CREATED"; 4]);
    let lines = async || {
        let answer = admin.query("{ contacts { nodes { name reportsTo { name } } } }").await;
        let of = |row: &Value| {
            format!("{}<{}", row["name"].as_str().unwrap(), row["reportsTo"]["name"].as_str().unwrap_or("-"))
        };
        answer.data("contacts.nodes").as_array().unwrap().iter().map(of).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(lines().await, "1<- 2<1 3<2 4<3");
    // A contact cannot report to itself, or to one below it, whether these are stored or in the same call.
    let circles = json!([row("1", "acme", crm("4")), row("5", "acme", crm("5"))]);
    assert_eq!(
        outcomes(&upsert(admin, &circles, false).await),
        ["FAILED INVALID reportsTo", "FAILED INVALID reportsTo"]
    );
    // The two ends of the line are exchanged in one call.
    let turned = json!([row("1", "acme", crm("2")), row("2", "acme", Value::Null)]);
    assert_eq!(outcomes(&upsert(admin, &turned, false).await), ["UPDATED"; 2]);
    assert_eq!(lines().await, "1<2 2<- 3<2 4<3");
    // 3 and 4 move to another account, 1 and 2 stay: the line between the two pairs is removed.
    let moved = json!([{"externalId": crm("3"), "account": {"domain": "other.com"}}, {"externalId": crm("4"), "account": {"domain": "other.com"}}]);
    assert_eq!(outcomes(&upsert(admin, &moved, false).await), ["UPDATED"; 2]);
    assert_eq!(lines().await, "1<2 2<- 3<- 4<3");
    // 3 moves back alone: 4, which no row names, no longer reports to it.
    assert_eq!(outcomes(&upsert(admin, &json!([row("3", "acme", crm("2"))]), false).await), ["UPDATED"]);
    assert_eq!(lines().await, "1<2 2<- 3<2 4<-");
}

#[on_both_databases]
async fn an_erased_contact_is_not_created_again(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme", "domain": "acme.com"})).await;
    let zoe = json!({"name": "Zoe", "email": "zoe@acme.com", "externalIds": [crm("1"), {"source": "erp", "id": "x"}]});
    let id = admin.contact(&acme, zoe).await;
    admin.mutate("updateContact", "contact { id }", json!({"id": id, "email": "old@acme.com"})).await.done();
    admin.mutate("updateContact", "contact { id }", json!({"id": id, "email": "shared@acme.com"})).await.done();
    let other =
        admin.contact(&acme, json!({"name": "Other", "email": "shared@acme.com", "externalIds": [crm("2")]})).await;
    admin.mutate("eraseContact", "", json!({"id": id})).await.done();

    let at = json!({"domain": "acme.com"});
    let cases = [
        (json!({"externalId": crm("1"), "account": at, "name": "Zoe"}), "FAILED CONFLICT externalId"),
        (
            json!({"externalId": {"source": "erp", "id": "x"}, "account": at, "name": "Zoe", "email": "new@acme.com"}),
            "FAILED CONFLICT externalId",
        ),
        (
            json!({"externalId": crm("3"), "account": at, "name": "Zoe", "email": "SHARED@acme.com"}),
            "FAILED CONFLICT email",
        ),
        (
            json!({"externalId": crm("4"), "account": at, "name": "Zoe", "email": "zoe@acme.com"}),
            "FAILED CONFLICT email",
        ),
        (json!({"account": at, "name": "Zoe", "email": "old@acme.com"}), "FAILED CONFLICT email"),
        // Another contact, which had the same address all along.
        (json!({"externalId": crm("2"), "email": "shared@acme.com", "phone": "1"}), "UPDATED"),
        (json!({"externalId": crm("5"), "account": at, "name": "New", "email": "new@acme.com"}), "CREATED"),
    ];
    let rows: Value = cases.iter().map(|(row, _)| row.clone()).collect();
    let answer = upsert(admin, &rows, false).await;
    assert_eq!(outcomes(&answer), cases.map(|(_, outcome)| outcome));
    assert!(answer.text("upsertContacts.results.0.userErrors.0.message").contains("erased"));
    assert_eq!(answer.text("upsertContacts.results.5.id"), other);
    // A mutation may create the contact again, because the person may have asked for it. Another organization is not
    // affected.
    admin.contact(&acme, json!({"name": "Zoe", "email": "zoe@acme.com", "externalIds": [crm("1")]})).await;
    let elsewhere = world.another_organization("Umbrella").await;
    elsewhere.admin().account(json!({"name": "Acme", "domain": "acme.com"})).await;
    assert_eq!(
        outcomes(
            &upsert(elsewhere.admin(), &json!([{"externalId": crm("1"), "account": at, "name": "Zoe"}]), false).await
        ),
        ["CREATED"]
    );
}

#[on_both_databases]
async fn five_hundred_rows_cost_as_many_statements_as_a_few(world: &World) {
    let admin = world.admin();
    for name in ["acme", "other"] {
        admin.account(json!({"name": name, "domain": format!("{name}.com")})).await;
    }
    let rows = |from: usize, to: usize, at: &str| -> Value {
        let row = |number: usize| {
            let above = if number == from { Value::Null } else { crm(&(number - 1).to_string()) };
            json!({"externalId": crm(&number.to_string()), "account": {"domain": format!("{at}.com")}, "name": format!("n{number}"),
                "email": format!("n{number}@acme.com"), "reportsTo": above})
        };
        (from..to).map(row).collect()
    };
    let (_, few) = count(world.server(), upsert(admin, &rows(0, 2, "acme"), false)).await;
    let (answer, many) = count(world.server(), upsert(admin, &rows(2, 502, "acme"), false)).await;
    assert_eq!(answer.data("upsertContacts.created"), &json!(500));
    assert!(many <= few && many <= 20, "{many} statements for 500 rows, {few} for two");
    // The same holds if all contacts move to another account.
    let (_, few) = count(world.server(), upsert(admin, &rows(0, 2, "other"), false)).await;
    let (answer, many) = count(world.server(), upsert(admin, &rows(2, 502, "other"), false)).await;
    assert_eq!(answer.data("upsertContacts.updated"), &json!(500));
    assert!(many <= few && many <= 20, "{many} statements for 500 rows, {few} for two");
    let (answer, same) = count(world.server(), upsert(admin, &rows(2, 502, "other"), false)).await;
    assert_eq!(answer.data("upsertContacts.unchanged"), &json!(500));
    assert!(same <= many, "{same} statements for nothing");
}
