//! Upserts of accounts from other systems, by external id or by domain.

use serde_json::{Value, json};
use tests::queries::count;
use tests::{World, on_both_databases};

const UPSERT: &str =
    "created updated unchanged failed results { index status id node { id } userErrors { code field message } }";

#[on_both_databases]
async fn accounts_of_one_system_are_not_merged_by_their_domain(world: &World) {
    let admin = world.admin();
    let row = |id: &str, name: &str| json!({"externalId": {"source": "crm", "id": id}, "domain": "bosch.example", "name": name});
    // In one call or in several, and repeatedly.
    for rows in [
        json!([row("1", "Bosch Tools")]),
        json!([row("2", "Bosch Thermo")]),
        json!([row("1", "Bosch Tools"), row("2", "Bosch Thermo")]),
    ] {
        let answer = admin.mutate("upsertAccounts", UPSERT, json!({"rows": rows})).await;
        for error in
            answer.each("upsertAccounts.results", "userErrors").into_iter().filter(|errors| *errors != &json!([]))
        {
            assert_eq!(
                (&error[0]["code"], error[0]["field"].as_array().unwrap().last()),
                (&json!("TAKEN"), Some(&json!("domain")))
            );
        }
        assert_eq!(answer.data("upsertAccounts.updated"), &json!(0));
    }
    let account = admin.query("{ account(by: {domain: \"bosch.example\"}) { name externalIds { id } } }").await;
    assert_eq!(account.data("account"), &json!({"name": "Bosch Tools", "externalIds": [{"id": "1"}]}));
}

#[on_both_databases]
async fn the_external_ids_of_an_account_are_limited(world: &World) {
    let admin = world.admin();
    let row = |number: usize| json!({"externalId": {"source": format!("crm {number}"), "id": "1"}, "domain": "acme.example", "name": "Acme"});
    for number in 0..20 {
        let answer = admin.mutate("upsertAccounts", UPSERT, json!({"rows": [row(number)]})).await;
        assert_eq!(answer.data("upsertAccounts.failed"), &json!(0));
    }
    let answer = admin.mutate("upsertAccounts", UPSERT, json!({"rows": [row(20)]})).await;
    let error = &answer.data("upsertAccounts.results")[0]["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!("INVALID"), &json!(["input", "rows", "0", "externalId"])));
    let account = admin.query("{ account(by: {domain: \"acme.example\"}) { id externalIds { source id } } }").await;
    // The external ids that it shows are accepted as input.
    let input = json!({"id": account.text("account.id"), "externalIds": account.data("account.externalIds")});
    admin.mutate("updateAccount", "account { id }", input).await.done();
}

#[on_both_databases]
async fn rows_are_created_updated_or_unchanged(world: &World) {
    let admin = world.admin();
    world.seller("Ann").await;
    let ann = world.email_of("Ann");
    let rows = json!([
        {"externalId": {"source": "crm", "id": "1"}, "name": "One", "parent": {"externalId": {"source": "crm", "id": "2"}}, "customFields": {"a": 1, "b": 2}},
        {"externalId": {"source": "crm", "id": "2"}, "name": "Two", "ownerEmail": ann, "domain": "two.com"},
        {"domain": "three.com", "name": "Three"},
    ]);
    let counts = async |rows: &Value, dry: bool| {
        let answer = admin.mutate("upsertAccounts", UPSERT, json!({"rows": rows, "dryRun": dry})).await;
        let count = |name: &str| answer.data(&format!("upsertAccounts.{name}")).as_i64().unwrap();
        ((count("created"), count("updated"), count("unchanged"), count("failed")), answer)
    };
    assert_eq!(counts(&rows, true).await.0, (3, 0, 0, 0));
    assert_eq!(admin.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(0));
    assert_eq!(counts(&rows, false).await.0, (3, 0, 0, 0));
    assert_eq!(counts(&rows, false).await.0, (0, 0, 3, 0));
    // Omitted fields are kept, null clears, custom fields are merged, and a second system adds its external id.
    let again = json!([
        {"externalId": {"source": "crm", "id": "1"}, "customFields": {"a": null, "c": 3}, "parent": null},
        {"externalId": {"source": "erp", "id": "x"}, "domain": "two.com"},
        {"domain": "https://three.com/", "city": "Bonn"},
    ]);
    assert_eq!(counts(&again, true).await.0, (0, 3, 0, 0));
    assert_eq!(counts(&again, false).await.0, (0, 3, 0, 0));
    let answer = admin.query("{ accounts { nodes { name city customFields parent { id } externalIds { source id } owner { email } version } } }").await;
    assert_eq!(answer.data("accounts.nodes.0.customFields"), &json!({"b": 2, "c": 3}));
    assert_eq!(answer.data("accounts.nodes.0.parent"), &Value::Null);
    assert_eq!(
        answer.data("accounts.nodes.1.externalIds"),
        &json!([{"source": "crm", "id": "2"}, {"source": "erp", "id": "x"}])
    );
    assert_eq!(answer.text("accounts.nodes.1.owner.email"), ann);
    assert_eq!(answer.data("accounts.nodes.2.city"), &json!("Bonn"));
    assert_eq!(answer.data("accounts.nodes.2.version"), &json!(2));
}

#[on_both_databases]
async fn an_invalid_row_fails_alone(world: &World) {
    let admin = world.admin();
    let rows = json!([
        {"externalId": {"source": "crm", "id": "1"}, "name": "One"},
        {"externalId": {"source": "crm", "id": "1"}, "name": "Again"},
        {"externalId": {"source": "crm", "id": "2"}},
        {"name": "no key"},
        {"externalId": {"source": "crm", "id": "4"}, "name": "Four", "ownerEmail": "nobody@initech.example"},
        {"externalId": {"source": "crm", "id": "5"}, "name": "Five", "parent": {"domain": "nowhere.com"}},
        {"externalId": {"source": "crm", "id": "6"}, "name": "Six", "parent": {"externalId": {"source": "crm", "id": "7"}}},
        {"externalId": {"source": "crm", "id": "7"}, "name": "Seven", "parent": {"externalId": {"source": "crm", "id": "6"}}},
        {"externalId": {"source": "crm", "id": "8"}, "name": "Eight", "domain": "8.com"},
        {"externalId": {"source": "crm", "id": "9"}, "name": "Nine", "domain": "8.com"},
    ]);
    let answer = admin.mutate("upsertAccounts", UPSERT, json!({"rows": rows})).await;
    let statuses: Vec<&str> =
        answer.each("upsertAccounts.results", "status").into_iter().map(|status| status.as_str().unwrap()).collect();
    assert_eq!(
        statuses,
        ["CREATED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "CREATED", "FAILED"]
    );
    let codes: Vec<&Value> = answer.each("upsertAccounts.results", "userErrors");
    let code = |at: usize| {
        (
            codes[at][0]["code"].as_str().unwrap(),
            codes[at][0]["field"].as_array().unwrap().last().unwrap().as_str().unwrap(),
        )
    };
    assert_eq!(code(1), ("CONFLICT", "externalId"));
    assert_eq!(code(2), ("REQUIRED", "name"));
    assert_eq!(code(3), ("REQUIRED", "externalId"));
    assert_eq!(code(4), ("NOT_FOUND", "ownerEmail"));
    assert_eq!(code(5), ("NOT_FOUND", "parent"));
    assert_eq!(code(6), ("INVALID", "parent"));
    assert_eq!(code(9), ("TAKEN", "domain"));
    let many: Vec<Value> = (0..501).map(|number| json!({"domain": format!("{number}.com"), "name": "x"})).collect();
    let answer = admin.mutate("upsertAccounts", UPSERT, json!({ "rows": many })).await;
    assert_eq!(answer.refusals(), [("LIMIT_EXCEEDED".to_owned(), "input.rows".to_owned())]);
}

#[on_both_databases]
async fn five_hundred_rows_cost_as_many_statements_as_a_few(world: &World) {
    let admin = world.admin();
    let rows = |from: usize, to: usize| -> Value {
        (from..to).map(|number| json!({"externalId": {"source": "crm", "id": number.to_string()}, "name": format!("n{number}"), "parent": {"externalId": {"source": "crm", "id": "0"}}})).collect()
    };
    admin
        .mutate(
            "upsertAccounts",
            UPSERT,
            json!({"rows": [{"externalId": {"source": "crm", "id": "0"}, "name": "Top"}]}),
        )
        .await;
    let (_, few) = count(world.server(), admin.mutate("upsertAccounts", UPSERT, json!({"rows": rows(1, 3)}))).await;
    let (answer, many) =
        count(world.server(), admin.mutate("upsertAccounts", UPSERT, json!({"rows": rows(3, 503)}))).await;
    assert_eq!(answer.data("upsertAccounts.created"), &json!(500));
    assert!(many <= few, "{many} statements for 500 rows, {few} for two");
    assert!(many <= 20, "{many} statements");
}
