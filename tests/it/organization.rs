//! The organization's settings: who changes them, their ranges, and when the currency is fixed.

use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::{Answer, Client, World, on_both_databases};

const ALL: &str = "organization { name currency timeZone fiscalYearStartMonth keyAccountThreshold { amount currency } version \
    policy { presenceHalfLifeDays keyPeoplePerTarget targetBandLow targetBandHigh } }";

async fn update(by: &Client, input: Value) -> Answer {
    by.mutate("updateOrganization", ALL, input).await
}

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

#[on_both_databases]
async fn changed_settings_take_effect_immediately(world: &World) {
    let admin = world.admin();
    let seller = world.seller("Ann").await;
    assert_eq!(seller.query("{ organization { name } }").await.text("organization.name"), "Initech");
    let input = json!({
        "name": "Initech & Sons", "currency": "JPY", "timeZone": "Asia/Tokyo", "fiscalYearStartMonth": 4, "keyAccountThreshold": "5000",
        "policy": {"presenceHalfLifeDays": 45.5, "targetBandLow": 1, "targetBandHigh": 100, "keyPeoplePerTarget": 50}, "ifVersion": 1,
    });
    let answer = update(admin, input).await.done();
    allow_duplicates! {
        assert_json_snapshot!(answer.data("updateOrganization.organization"), @r#"
        {
          "name": "Initech & Sons",
          "currency": "JPY",
          "timeZone": "Asia/Tokyo",
          "fiscalYearStartMonth": 4,
          "keyAccountThreshold": {
            "amount": "5000",
            "currency": "JPY"
          },
          "version": 2,
          "policy": {
            "presenceHalfLifeDays": 45.5,
            "keyPeoplePerTarget": 50,
            "targetBandLow": 1.0,
            "targetBandHigh": 100.0
          }
        }
        "#);
    }
    let seen = seller.query("{ organization { name currency } }").await;
    assert_eq!(seen.data("organization"), &json!({"name": "Initech & Sons", "currency": "JPY"}));
    // An update that changes nothing writes nothing. Null clears a nullable field.
    let answer = update(admin, json!({"name": "Initech & Sons"})).await.done();
    assert_eq!(answer.data("updateOrganization.organization.version"), &json!(2));
    let answer = update(admin, json!({"keyAccountThreshold": null})).await.done();
    assert_eq!(answer.data("updateOrganization.organization.keyAccountThreshold"), &Value::Null);
    let events = admin.query("{ events(filter: {types: [\"organization.updated\"]}) { nodes { changes } } }").await;
    assert_eq!(events.data("events.nodes").as_array().unwrap().len(), 2);
    assert_eq!(events.data("events.nodes.0.changes")["policy.presenceHalfLifeDays"], json!({"from": 30.0, "to": 45.5}));
    assert_eq!(events.data("events.nodes.1.changes"), &json!({"keyAccountThreshold": {"from": "5000", "to": null}}));
}

#[on_both_databases]
async fn all_values_out_of_range_are_reported(world: &World) {
    let admin = world.admin();
    let answer = update(
        admin,
        json!({
            "name": "", "currency": "usd", "timeZone": "berlin", "fiscalYearStartMonth": 13,
            "policy": {
                "presenceHalfLifeDays": 0.5, "presenceThreshold": 0.96, "sellingShare": 0, "targetShare": 1.01, "keyPeoplePerTarget": 0,
                "bigBlankMinutes": 14, "pipelineMargin": 0.51, "targetBandLow": 0, "targetBandHigh": 101,
            },
        }),
    )
    .await;
    let mut refusals = answer.refusals();
    refusals.sort();
    let expected = [
        ("INVALID", "input.currency"),
        ("INVALID", "input.fiscalYearStartMonth"),
        ("INVALID", "input.policy.bigBlankMinutes"),
        ("INVALID", "input.policy.keyPeoplePerTarget"),
        ("INVALID", "input.policy.pipelineMargin"),
        ("INVALID", "input.policy.presenceHalfLifeDays"),
        ("INVALID", "input.policy.presenceThreshold"),
        ("INVALID", "input.policy.sellingShare"),
        ("INVALID", "input.policy.targetBandHigh"),
        ("INVALID", "input.policy.targetBandLow"),
        ("INVALID", "input.policy.targetShare"),
        ("INVALID", "input.timeZone"),
        ("REQUIRED", "input.name"),
    ];
    assert_eq!(refusals, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    for (input, field) in [
        (json!({"policy": {"targetBandLow": 21}}), "input.policy.targetBandLow"),
        (json!({"policy": {"targetBandHigh": 4}}), "input.policy.targetBandHigh"),
        (json!({"keyAccountThreshold": "-1"}), "input.keyAccountThreshold"),
        (json!({"keyAccountThreshold": "0.001"}), "input.keyAccountThreshold"),
    ] {
        assert_eq!(update(admin, input).await.refusals(), refused("INVALID", field));
    }
    for field in ["name", "currency", "timeZone", "fiscalYearStartMonth", "policy"] {
        assert_eq!(
            update(admin, json!({field: null})).await.refusals(),
            refused("REQUIRED", &format!("input.{field}"))
        );
    }
    let answer = update(admin, json!({"policy": {"sellingShare": null}})).await;
    assert_eq!(answer.refusals(), refused("REQUIRED", "input.policy.sellingShare"));
    assert_eq!(
        update(admin, json!({"name": "x", "ifVersion": 2})).await.refusals(),
        refused("STALE_VERSION", "input.ifVersion")
    );
    for member in [&**world.seller("Ann").await, &**world.manager("Mia").await] {
        assert_eq!(update(member, json!({"name": "x"})).await.refusals(), refused("FORBIDDEN", "input"));
    }
    assert_eq!(admin.query("{ organization { version } }").await.data("organization.version"), &json!(1));
}

#[on_both_databases]
async fn the_currency_is_fixed_once_an_amount_is_stored(world: &World) {
    let admin = world.admin();
    let id = admin.account(json!({"name": "Acme"})).await;
    update(admin, json!({"currency": "EUR"})).await.done();
    update(admin, json!({"keyAccountThreshold": "100"})).await.done();
    let conflict = refused("CONFLICT", "input.currency");
    assert_eq!(update(admin, json!({"currency": "USD"})).await.refusals(), conflict);
    update(admin, json!({"currency": "USD", "keyAccountThreshold": null})).await.done();
    admin.mutate("updateAccount", "account { id }", json!({"id": id, "potential": "1"})).await.done();
    assert_eq!(update(admin, json!({"currency": "EUR"})).await.refusals(), conflict);
    update(admin, json!({"currency": "USD"})).await.done();
    admin.mutate("updateAccount", "account { id }", json!({"id": id, "potential": null})).await.done();
    admin.opportunity(&id, json!({"name": "Fleet", "amount": "1"})).await;
    assert_eq!(update(admin, json!({"currency": "EUR"})).await.refusals(), conflict);
}
