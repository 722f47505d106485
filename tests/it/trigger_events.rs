//! Trigger events: who records them, their outcome, and their opportunities.

use callshot::internals::StoppedAt;
use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::queries::count;
use tests::{Answer, Database, Member, Server, Subject as _, World, on_both_databases};

const ALL: &str = "triggerEvent { id account { name } kind occurredOn description contact { name } recordedBy { name } outcome resolvedOn
    opportunities { name } version }";

fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

/// Returns a world whose clock stands still at noon of Monday, 3 April 2017, UTC.
async fn at_noon(database: &Database) -> World {
    let empty = Database::migrated(database.kind()).await;
    let stop: StoppedAt = "2017-04-03T12:00:00Z".parse().unwrap();
    World::on(Server::start_with(empty, |settings| settings.clock.stop = Some(stop)).await).await
}

async fn record(who: &Member, account: &str, occurred_on: &str) -> Answer {
    let input = json!({"accountId": account, "kind": "DISSATISFACTION", "occurredOn": occurred_on});
    who.mutate("recordTriggerEvent", ALL, input).await
}

async fn recorded(who: &Member, account: &str, occurred_on: &str) -> String {
    record(who, account, occurred_on).await.done().text("recordTriggerEvent.triggerEvent.id").to_owned()
}

async fn update(who: &Member, id: &str, mut fields: Value) -> Answer {
    fields["id"] = json!(id);
    who.mutate("updateTriggerEvent", ALL, fields).await
}

#[on_both_databases]
async fn a_trigger_event_is_recorded_and_resolved(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let jo = ann.contact(&acme, json!({"name": "Jo"})).await;
    let input = json!({"accountId": acme, "kind": "DISSATISFACTION", "occurredOn": "2017-03-20", "description": " Late again ", "contactId": jo});
    let answer = ann.mutate("recordTriggerEvent", ALL, input).await.done();
    let mut found = answer.data("recordTriggerEvent.triggerEvent").clone();
    let id = found["id"].take().as_str().unwrap().to_owned();
    allow_duplicates! {
        assert_json_snapshot!(found, @r#"
        {
          "id": null,
          "account": {
            "name": "Acme"
          },
          "kind": "DISSATISFACTION",
          "occurredOn": "2017-03-20",
          "description": "Late again",
          "contact": {
            "name": "Jo"
          },
          "recordedBy": {
            "name": "Ann"
          },
          "outcome": null,
          "resolvedOn": null,
          "opportunities": [],
          "version": 1
        }
        "#);
    }

    let cars = ann.opportunity(&acme, json!({"name": "Cars", "triggerEventId": id})).await;
    let vans = ann.opportunity(&acme, json!({"name": "Vans"})).await;
    let tie = json!({"id": vans, "triggerEventId": id});
    let answer = ann.mutate("updateOpportunity", "opportunity { triggerEvent { kind } version }", tie).await.done();
    assert_eq!(
        answer.data("updateOpportunity.opportunity"),
        &json!({"triggerEvent": {"kind": "DISSATISFACTION"}, "version": 2})
    );
    // An outcome without a day is resolved today. A new outcome keeps the day, and a cleared one reopens the event.
    let settled = update(&ann, &id, json!({"outcome": "COMPETED_AND_LOST"})).await.done();
    let found = settled.data("updateTriggerEvent.triggerEvent");
    assert_eq!((&found["resolvedOn"], &found["version"]), (&json!("2017-04-03"), &json!(2)));
    assert_eq!(found["opportunities"], json!([{"name": "Cars"}, {"name": "Vans"}]));
    let again = update(&ann, &id, json!({"outcome": "WON", "resolvedOn": "2017-03-25"})).await.done();
    assert_eq!(again.text("updateTriggerEvent.triggerEvent.resolvedOn"), "2017-03-25");
    let kept = update(&ann, &id, json!({"outcome": "NO_CHANGE"})).await.done();
    assert_eq!(kept.text("updateTriggerEvent.triggerEvent.resolvedOn"), "2017-03-25");
    let open = update(&ann, &id, json!({"outcome": null, "contactId": null, "description": null})).await.done();
    let found = open.data("updateTriggerEvent.triggerEvent");
    assert_eq!([&found["outcome"], &found["resolvedOn"], &found["contact"], &found["description"]], [&Value::Null; 4]);
    // An opportunity may lose its trigger event.
    let untie = json!({"id": cars, "triggerEventId": null});
    ann.mutate("updateOpportunity", "opportunity { id }", untie).await.done();
    let answer = ann.query("{ triggerEvents { nodes { opportunities { name } } } events(filter: {types: [\"triggerevent.resolved\"]}) { nodes { type } } }").await;
    assert_eq!(answer.data("triggerEvents.nodes"), &json!([{"opportunities": [{"name": "Vans"}]}]));
    // Another outcome of a resolved event does not resolve it again.
    assert_eq!(answer.each("events.nodes", "type"), ["triggerevent.resolved"]);
    world.finish().await;
}

#[on_both_databases]
async fn invalid_trigger_events_are_rejected(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let globex = ann.account(json!({"name": "Globex", "externalIds": [{"source": "crm", "id": "g"}]})).await;
    let elsewhere = ann.contact(&globex, json!({"name": "Jo"})).await;
    assert_eq!(record(&ann, &acme, "2017-04-04").await.refusals(), refusal("INVALID", "input.occurredOn"));
    let input = json!({"accountId": acme, "kind": "FUNDING", "occurredOn": "9999-12-31", "contactId": elsewhere, "description": "\u{7}"});
    let refusals = ann.mutate("recordTriggerEvent", ALL, input).await.refusals();
    let fields: Vec<&str> = refusals.iter().map(|(_, field)| field.as_str()).collect();
    assert_eq!(fields, ["input.occurredOn", "input.description", "input.contactId"]);

    let id = recorded(&ann, &acme, "2017-03-20").await;
    for (fields, code, field) in [
        (json!({"resolvedOn": "2017-04-01"}), "REQUIRED", "input.outcome"),
        (json!({"outcome": "WON", "resolvedOn": null}), "REQUIRED", "input.resolvedOn"),
        (json!({"outcome": "WON", "resolvedOn": "2017-03-19"}), "INVALID", "input.resolvedOn"),
        (json!({"outcome": "WON", "resolvedOn": "2017-04-04"}), "INVALID", "input.resolvedOn"),
        (json!({"occurredOn": "2017-04-04"}), "INVALID", "input.occurredOn"),
        (json!({"occurredOn": null}), "REQUIRED", "input.occurredOn"),
        (json!({"kind": null}), "REQUIRED", "input.kind"),
        (json!({"contactId": elsewhere}), "INVALID", "input.contactId"),
        (json!({"ifVersion": 2, "kind": "OTHER"}), "STALE_VERSION", "input.ifVersion"),
    ] {
        assert_eq!(update(&ann, &id, fields.clone()).await.refusals(), refusal(code, field), "{fields}");
    }
    update(&ann, &id, json!({"outcome": "WON", "resolvedOn": "2017-03-25"})).await.done();
    let refusals = update(&ann, &id, json!({"occurredOn": "2017-03-26"})).await.refusals();
    assert_eq!(refusals, refusal("INVALID", "input.occurredOn"));
    // The trigger event of another account, an id of another type, and an invalid id.
    for wrong in [&id, &acme, "nonsense"] {
        let input = json!({"accountId": globex, "name": "Cars", "triggerEventId": wrong});
        let code = if *wrong == *id { "INVALID" } else { "NOT_FOUND" };
        let refusals = ann.mutate("createOpportunity", "opportunity { id }", input).await.refusals();
        assert_eq!(refusals, refusal(code, "input.triggerEventId"));
    }
    // An opportunity that moves to another account loses its trigger event.
    let fields = json!({"name": "Cars", "triggerEventId": id, "externalIds": [{"source": "crm", "id": "1"}]});
    ann.opportunity(&acme, fields).await;
    let rows =
        json!([{"externalId": {"source": "crm", "id": "1"}, "account": {"externalId": {"source": "crm", "id": "g"}}}]);
    assert_eq!(
        ann.mutate("upsertOpportunities", "updated", json!({"rows": rows}))
            .await
            .done()
            .data("upsertOpportunities.updated"),
        &json!(1)
    );
    let answer = ann.query("{ opportunities { nodes { account { name } triggerEvent { id } } } }").await;
    assert_eq!(answer.data("opportunities.nodes"), &json!([{"account": {"name": "Globex"}, "triggerEvent": null}]));
    ann.mutate("archiveAccount", "", json!({"id": acme})).await.done();
    assert_eq!(record(&ann, &acme, "2017-03-20").await.refusals(), refusal("CONFLICT", "input.accountId"));
    world.finish().await;
}

#[on_both_databases]
async fn those_responsible_for_the_account_record_trigger_events(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").under(&mia).await;
    let eve = world.seller("Eve").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let seat = json!({"accountId": acme, "userId": bob.id(), "role": "TECHNICAL"});
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    let id = recorded(&mia, &acme, "2017-03-20").await;
    let settle = json!({"outcome": "WON"});
    assert_eq!(record(&bob, &acme, "2017-03-20").await.refusals(), refusal("FORBIDDEN", "input.accountId"));
    assert_eq!(update(&bob, &id, settle.clone()).await.refusals(), refusal("FORBIDDEN", "input.id"));
    assert_eq!(record(&eve, &acme, "2017-03-20").await.refusals(), refusal("NOT_FOUND", "input.accountId"));
    assert_eq!(update(&eve, &id, settle.clone()).await.refusals(), refusal("NOT_FOUND", "input.id"));
    assert_eq!(eve.query("{ triggerEvents { totalCount } }").await.data("triggerEvents.totalCount"), &json!(0));
    // Team members read trigger events and do not write them.
    assert_eq!(
        bob.query("{ triggerEvents { nodes { recordedBy { name } } } }")
            .await
            .text("triggerEvents.nodes.0.recordedBy.name"),
        "Mia"
    );
    update(&ann, &id, settle).await.done();
}

#[on_both_databases]
async fn lists_are_filtered_and_cost_the_same_statements_for_any_length(world: &World) {
    let ann = world.seller("Ann").await;
    let document = "{ accounts { nodes { triggerEvents(first: 2) { totalCount nodes { contact { name } recordedBy { name } opportunities { triggerEvent { id } } } } } } }";
    let fill = async |name: &str| {
        let account = ann.account(json!({"name": name})).await;
        let jo = ann.contact(&account, json!({"name": "Jo"})).await;
        for (kind, day) in
            [("FUNDING", "2017-01-01"), ("CONTRACT_END", "2017-02-01"), ("DISSATISFACTION", "2017-03-01")]
        {
            let input = json!({"accountId": account, "kind": kind, "occurredOn": day, "contactId": jo});
            let id = ann.make("recordTriggerEvent", "triggerEvent", input).await;
            ann.opportunity(&account, json!({"name": kind, "triggerEventId": id})).await;
        }
        account
    };
    let acme = fill("Acme").await;
    ann.query(document).await.answered();
    let (_, few) = count(world.server(), async { ann.query(document).await.answered() }).await;
    fill("Globex").await;
    ann.query(document).await.answered();
    let (answer, many) = count(world.server(), async { ann.query(document).await.answered() }).await;
    assert_eq!(few, many);
    assert_eq!(answer.data("accounts.nodes.1.triggerEvents.totalCount"), &json!(3));

    let listed = async |filter: &str| {
        let document = format!("{{ triggerEvents(filter: {{{filter}}}) {{ nodes {{ id kind }} }} }}");
        let answer = ann.query(&document).await;
        answer.each("triggerEvents.nodes", "kind").into_iter().cloned().collect::<Vec<Value>>()
    };
    let of_acme = format!("accountId: {{eq: \"{acme}\"}}");
    assert_eq!(listed(&of_acme).await, ["FUNDING", "CONTRACT_END", "DISSATISFACTION"]);
    assert_eq!(listed(&format!("{of_acme}, kind: [OTHER, FUNDING]")).await, ["FUNDING"]);
    assert_eq!(listed("kind: []").await, [""; 0]);
    assert_eq!(
        listed(&format!("{of_acme}, occurredOn: {{gt: \"2017-01-01\"}}")).await,
        ["CONTRACT_END", "DISSATISFACTION"]
    );
    assert_eq!(listed("resolved: true").await, [""; 0]);
    let first = ann.query("{ triggerEvents { nodes { id } } }").await.text("triggerEvents.nodes.0.id").to_owned();
    update(&ann, &first, json!({"outcome": "NOT_INVITED"})).await.done();
    assert_eq!(listed("resolved: true").await, ["FUNDING"]);
    assert_eq!(listed(&format!("{of_acme}, resolved: false")).await, ["CONTRACT_END", "DISSATISFACTION"]);
}
