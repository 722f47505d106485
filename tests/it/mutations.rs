//! What all mutations have in common: one input, conditional writes, roots that fail field by field.

use serde_json::{Value, json};
use tests::walk::schema::{Schema, TypeRef};
use tests::{Member, World, on_both_databases};

use crate::plans::{change, full, plan, plan_fields};

fn refusals(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(code, field)| ((*code).to_owned(), format!("input.{field}"))).collect()
}

/// The mutations that take nothing.
const WITHOUT_INPUT: [&str; 3] = ["signOut", "createCalendarFeed", "revokeCalendarFeed"];

#[on_both_databases]
async fn every_mutation_takes_one_input_that_is_named_after_it(world: &World) {
    let schema = Schema::fetch(world.admin()).await;
    for mutation in schema.mutations() {
        let taken: Vec<String> =
            mutation.arguments.iter().map(|argument| format!("{}: {}", argument.name, argument.of)).collect();
        if WITHOUT_INPUT.contains(&mutation.name.as_str()) {
            assert!(taken.is_empty(), "{}: {taken:?}", mutation.name);
            continue;
        }
        let (first, rest) = mutation.name.split_at(1);
        assert_eq!(taken, [format!("input: {}{rest}Input!", first.to_uppercase())], "{}", mutation.name);
        let input = schema.named_type(&mutation.arguments[0].of);
        let has = |name: &str| input.inputs.iter().any(|field| field.name == name);
        // A suggestion is computed: it has no version.
        let is_of_node = has("id") && mutation.name != "snoozeSuggestedAction";
        assert!(!is_of_node || has("ifVersion"), "{} names a node and takes no ifVersion", input.name);
    }
}

#[on_both_databases]
async fn every_field_of_the_roots_is_nullable(world: &World) {
    let schema = Schema::fetch(world.admin()).await;
    for root in ["Query", "Mutation", "Analytics"] {
        for field in &schema.named(root).fields {
            assert!(!matches!(field.of, TypeRef::Required(_)), "{root}.{}: {}", field.name, field.of);
        }
    }
}

#[on_both_databases]
async fn a_root_field_that_fails_leaves_the_others(world: &World) {
    let admin = world.admin();
    let answer = admin
        .query("{ me { id } accounts(first: 201) { totalCount } analytics { touches(groupBy: []) { count } bookings(groupBy: [MONTH, MONTH]) { count } } }")
        .await;
    assert_eq!(answer.body["data"]["me"]["id"], json!(admin.id()));
    assert_eq!(answer.body["data"]["accounts"], Value::Null);
    assert!(answer.body["data"]["analytics"]["touches"].is_array(), "{answer}");
    assert_eq!(answer.body["errors"][0]["path"], json!(["accounts"]));

    // What was committed is answered, even if its payload cannot be read.
    let document = "mutation { one: createAccount(input: {name: \"One\"}) { account { id } }
        two: createAccount(input: {name: \"Two\"}) { account { contacts(first: 201) { totalCount } } }
        three: createAccount(input: {name: \"Three\"}) { account { name } } }";
    let answer = admin.query(document).await;
    let data = &answer.body["data"];
    assert!(data["one"]["account"]["id"].is_string(), "{answer}");
    assert_eq!((&data["two"]["account"], &data["three"]["account"]["name"]), (&Value::Null, &json!("Three")));
    assert_eq!(admin.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(3));
}

#[on_both_databases]
async fn a_bad_value_in_the_second_mutation_means_that_the_first_one_did_not_run(world: &World) {
    let admin = world.admin();
    let first = "one: createAccount(input: {name: \"One\"}) { account { id } }";
    for second in [
        "recordBooking(input: {accountId: \"x\", amount: \"1e5\", bookedOn: \"2017-01-01\"}) { booking { id } }",
        "recordBooking(input: {accountId: \"x\", amount: \"1\", bookedOn: \"2017-02-30\"}) { booking { id } }",
        "createAccount(input: {name: \"Two\", employees: 3000000000}) { account { id } }",
        "createAccount(input: {name: null}) { account { id } }",
        "createAccount(input: {}) { account { id } }",
        "createAccount(input: null) { account { id } }",
        "createAccount { account { id } }",
        "upsertAccounts(input: {rows: [{name: \"Two\", employees: \"many\"}]}) { created }",
        "scheduleTouch(input: {accountId: \"x\", kind: SMS, at: \"2999-01-01T00:00:00Z\"}) { touch { id } }",
    ] {
        let answer = admin.query(&format!("mutation {{ {first} {second} }}")).await;
        assert!(answer.body.get("data").is_none(), "{second}: {answer}");
        assert_eq!(answer.error_code(), "GRAPHQL_VALIDATION_FAILED", "{second}");
    }
    let document =
        "mutation($input: CreateAccountInput!) { one: createAccount(input: {name: \"One\"}) { account { id } }
        two: createAccount(input: $input) { account { id } } }";
    for input in [Value::Null, json!({}), json!({"name": 7}), json!({"name": "Two", "employees": "x"}), json!([])] {
        let answer = admin.send(document, json!({"input": input})).await;
        assert!(answer.body.get("data").is_none(), "{input}: {answer}");
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{input}");
    }
    assert_eq!(admin.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(0));
}

#[on_both_databases]
async fn a_stale_version_is_reported_beside_the_other_errors(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let contact = ann.contact(&acme, json!({"name": "Cora"})).await;
    let deal = ann.opportunity(&acme, json!({"name": "Deal", "amount": "10"})).await;
    let promise = json!({"accountId": acme, "what": "A list", "dueOn": "2999-01-01"});
    let promise = ann.make("makePromise", "promise", promise).await;
    let planned = json!({"accountId": acme, "kind": "CALL", "at": "2999-01-01T10:00:00Z"});
    let touch = ann.make("scheduleTouch", "touch", planned).await;
    let (plan_id, action) = full(&ann, &acme, json!({"cadence": "MONTHLY"})).await;
    let stale = ("STALE_VERSION", "ifVersion");
    for (mutation, input, expected) in [
        (
            "updateAccount",
            json!({"id": acme, "name": " ", "employees": -1}),
            vec![stale, ("REQUIRED", "name"), ("INVALID", "employees")],
        ),
        ("updateContact", json!({"id": contact, "email": "nobody"}), vec![stale, ("INVALID", "email")]),
        ("winOpportunity", json!({"id": deal, "closedOn": "2998-01-01"}), vec![stale, ("INVALID", "closedOn")]),
        ("keepPromise", json!({"id": promise, "keptOn": "2998-01-01"}), vec![stale, ("INVALID", "keptOn")]),
        ("completeTouch", json!({"id": touch, "durationMinutes": 0}), vec![stale, ("INVALID", "durationMinutes")]),
        ("updatePlan", json!({"id": plan_id, "title": " "}), vec![stale, ("REQUIRED", "title")]),
        ("updateAction", json!({"id": action, "title": " "}), vec![stale, ("REQUIRED", "title")]),
        ("moveAction", json!({"id": action, "afterId": action}), vec![stale, ("INVALID", "afterId")]),
        ("commitPlan", json!({"id": plan_id, "statement": " "}), vec![stale, ("REQUIRED", "statement")]),
        ("archiveContact", json!({"id": contact}), vec![stale]),
        ("archiveAccount", json!({"id": acme}), vec![stale]),
        ("eraseContact", json!({"id": contact}), vec![stale]),
        ("cancelTouch", json!({"id": touch}), vec![stale]),
        ("deleteTouch", json!({"id": touch}), vec![stale]),
        ("deletePromise", json!({"id": promise}), vec![stale]),
        ("deleteOpportunity", json!({"id": deal}), vec![stale]),
        ("removeAction", json!({"id": action}), vec![stale]),
        ("closePlan", json!({"id": plan_id}), vec![stale]),
        ("deletePlan", json!({"id": plan_id}), vec![stale]),
        ("setTeamMember", json!({"accountId": acme, "userId": ann.id(), "role": "SELLER"}), vec![stale]),
    ] {
        let mut input = input;
        input["ifVersion"] = json!(99);
        let answer = ann.mutate(mutation, "", input).await;
        assert_eq!(answer.refusals(), refusals(&expected), "{mutation}");
    }
    // Nothing was written, so the versions that were read are still valid. An ifVersion of null is no condition.
    let found = plan_fields(&ann, &plan_id, "version account { version }").await;
    assert_eq!(found["account"]["version"], json!(1));
    let input = json!({"id": action, "title": "Call again", "ifVersion": found["version"]});
    let answer = ann.mutate("updateAction", "action { title } plan { version }", input).await.done();
    assert_eq!(answer.text("updateAction.action.title"), "Call again");
    let again = json!({"id": action, "title": "Once more", "ifVersion": found["version"]});
    assert_eq!(ann.mutate("updateAction", "", again).await.refusals(), refusals(&[stale]));
    ann.mutate("updateAction", "", json!({"id": action, "title": "Once more", "ifVersion": null})).await.done();
}

/// Sends a mutation of a plan's item, and returns the item and the plan's version.
async fn item(who: &Member, mutation: &str, field: &str, selection: &str, input: Value) -> (Value, i64) {
    let answer = who.mutate(mutation, &format!("{field} {{ {selection} }} plan {{ version }}"), input).await.done();
    let version = answer.data(&format!("{mutation}.plan.version")).as_i64().unwrap();
    (answer.data(&format!("{mutation}.{field}")).clone(), version)
}

#[on_both_databases]
async fn mutations_of_plan_items_return_the_item_and_the_plan(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cora = ann.contact(&acme, json!({"name": "Cora"})).await;
    let plan_id = plan(&ann, &acme, json!({"cadence": "MONTHLY"})).await;
    for (kind, field, selection, new, changed) in [
        (
            "Objective",
            "objective",
            "id statement",
            json!({"horizon": "LONG_TERM", "statement": "One"}),
            json!({"statement": "Two"}),
        ),
        ("Action", "action", "id title position", json!({"title": "One"}), json!({"title": "Two"})),
        (
            "Benchmark",
            "benchmark",
            "id name measurements { value }",
            json!({"name": "One", "baseline": "0", "target": "1", "dueOn": "2017-12-31"}),
            json!({"name": "Two"}),
        ),
        ("Question", "question", "id question", json!({"question": "One"}), json!({"question": "Two"})),
    ] {
        let mut input = new;
        input["planId"] = json!(plan_id);
        let add = if kind == "Question" { "askQuestion".to_owned() } else { format!("add{kind}") };
        let (made, first) = item(&ann, &add, field, selection, input).await;
        let mut input = changed.clone();
        input["id"] = made["id"].clone();
        let (updated, second) = item(&ann, &format!("update{kind}"), field, selection, input).await;
        let mut expected = made.clone();
        expected.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        assert_eq!((&updated, second), (&expected, first + 1), "{kind}");
        let remove = json!({"id": made["id"], "ifVersion": second});
        let (removed, third) = item(&ann, &format!("remove{kind}"), field, selection, remove.clone()).await;
        assert_eq!((&removed, third), (&expected, second + 1), "{kind}");
        let again = ann.mutate(&format!("remove{kind}"), "", remove).await;
        assert_eq!(again.refusals(), refusals(&[("NOT_FOUND", "id")]), "{kind}");
    }
    let input = json!({"planId": plan_id, "contactId": cora, "desired": "VALUED"});
    let selection = "id desired contact { name }";
    let (set, _) = item(&ann, "setPlannedRelationship", "plannedRelationship", selection, input).await;
    assert_eq!((&set["desired"], &set["contact"]["name"]), (&json!("VALUED"), &json!("Cora")));
    let input = json!({"id": set["id"]});
    let (gone, _) = item(&ann, "removePlannedRelationship", "plannedRelationship", selection, input).await;
    assert_eq!(gone, set);

    let input = json!({"planId": plan_id, "name": "Visits", "baseline": "0", "target": "4", "dueOn": "2017-12-31"});
    let (benchmark, _) = item(&ann, "addBenchmark", "benchmark", "id measurements { value }", input).await;
    assert_eq!(benchmark["measurements"], json!([]));
    let input = json!({"benchmarkId": benchmark["id"], "value": "3", "measuredOn": "2017-02-01", "note": "Often"});
    let (measured, _) = item(&ann, "recordMeasurement", "measurement", "measuredOn value note", input).await;
    assert_eq!(measured, json!({"measuredOn": "2017-02-01", "value": "3", "note": "Often"}));
    let (removed, _) =
        item(&ann, "removeBenchmark", "benchmark", "measurements { value }", json!({"id": benchmark["id"]})).await;
    assert_eq!(removed["measurements"], json!([{"value": "3"}]));

    let bolt = ann.account(json!({"name": "Bolt"})).await;
    let (plan_id, action) = full(&ann, &bolt, json!({"cadence": "MONTHLY"})).await;
    let (moved, _) = item(&ann, "moveAction", "action", "id position", json!({"id": action})).await;
    assert_eq!(moved, json!({"id": action, "position": 1}));
    let commit = json!({"id": plan_id, "statement": "We will."});
    let selection = "id statement fingerprint stale signatures { user { name } }";
    let (signed, _) = item(&ann, "commitPlan", "commitment", selection, commit).await;
    assert_eq!((&signed["statement"], &signed["stale"]), (&json!("We will."), &json!(false)));
    let cosign = json!({"planId": plan_id, "fingerprint": signed["fingerprint"]});
    let (cosigned, _) = item(&mia, "cosignCommitment", "commitment", selection, cosign).await;
    assert_eq!(cosigned["signatures"], json!([{"user": {"name": "Ann"}}, {"user": {"name": "Mia"}}]));
    let review = json!({"id": plan_id, "outcome": "ON_TRACK", "notes": "Fine"});
    let (review, _) = item(&ann, "reviewPlan", "review", "id outcome notes snapshot { actionsOpen }", review).await;
    assert_eq!((&review["notes"], &review["snapshot"]["actionsOpen"]), (&json!("Fine"), &json!(2)));
    // A refusal returns neither.
    let refused = ann.mutate("addAction", "action { id } plan { id }", json!({"planId": plan_id, "title": " "})).await;
    assert_eq!(refused.data("addAction.action"), &Value::Null);
    assert_eq!(refused.data("addAction.plan"), &Value::Null);
    change(&ann, "closePlan", json!({"id": plan_id})).await.done();
}

#[on_both_databases]
async fn an_owner_change_returns_the_new_proposal(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let open = "account { openTarget { id status seller { name } proposedBy { name } } }";
    let answer = mia.mutate("updateAccount", open, json!({"id": acme, "city": "Vienna"})).await.done();
    assert_eq!(answer.data("updateAccount.account.openTarget"), &Value::Null);
    let input = json!({"accountId": acme, "kind": "GROWTH", "rationale": "They grow."});
    let target = ann.make("proposeTarget", "target", input).await;
    let answer = mia.mutate("updateAccount", open, json!({"id": acme, "ownerId": bob.id()})).await.done();
    let mut proposal = answer.data("updateAccount.account.openTarget").clone();
    assert_ne!(proposal["id"].take(), json!(target));
    let expected = json!({"id": null, "status": "PROPOSED", "seller": {"name": "Bob"}, "proposedBy": {"name": "Mia"}});
    assert_eq!(proposal, expected);
}
