//! Plans: writing, committing to and reviewing them, their completeness, and who may.

use callshot::internals::{canonical, contents, fingerprint};
use entity::{
    Id as _, OrganizationId, PlanId, Scoped as _, account, contact, credential, opportunity, organization, plan,
    plan_action, plan_benchmark, plan_commitment, plan_measurement, plan_objective, plan_question, plan_relationship,
    plan_review, seat, user,
};
use sea_orm::{ActiveModelTrait as _, EntityTrait, IntoActiveModel as _};
use serde_json::{Value, json};
use tests::actors::{Member, PASSWORD};
use tests::imports::{Desk, import};
use tests::queries::count;
use tests::{Answer, Database, Kind, Server, World, on_both_databases};

pub fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

/// Sends a mutation that takes one input and returns the plan.
pub async fn change(who: &Member, mutation: &str, input: Value) -> Answer {
    who.mutate(mutation, "plan { id version status nextReviewOn health { completeness missing } }", input).await
}

/// Sends a mutation that names one plan or item.
pub async fn act(who: &Member, mutation: &str, id: &str) -> Answer {
    if mutation == "cosignCommitment" {
        // Signing requires what was read.
        let read = "query($id: ID!) { node(id: $id) { ... on Plan { commitment { fingerprint } } } }";
        let read = who.send(read, json!({"id": id})).await;
        let fingerprint = read.body.pointer("/data/node/commitment/fingerprint").cloned().unwrap_or_default();
        return who
            .mutate(
                "cosignCommitment",
                "plan { id version status actions { title } }",
                json!({"planId": id, "fingerprint": fingerprint}),
            )
            .await;
    }
    who.mutate(mutation, "plan { id version status actions { title } }", json!({"id": id})).await
}

/// Creates a plan for 2017 and returns its id.
pub async fn plan(who: &Member, account: &str, fields: Value) -> String {
    let mut input =
        json!({"accountId": account, "title": "Win them", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    who.make("createPlan", "plan", input).await
}

/// Reads fields of a plan.
pub async fn plan_fields(who: &Member, plan: &str, selection: &str) -> Value {
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Plan {{ {selection} }} }} }}");
    who.send(&document, json!({"id": plan})).await.data("node").clone()
}

/// Adds an item and returns its id: the greatest one, for ids ascend with time.
pub async fn add(who: &Member, mutation: &str, list: &str, input: Value) -> String {
    let answer = who.mutate(mutation, &format!("plan {{ {list} {{ id }} }}"), input).await.done();
    let ids = answer.each(&format!("{mutation}.plan.{list}"), "id");
    ids.iter().filter_map(|id| id.as_str()).max().unwrap().to_owned()
}

/// Creates a plan with all six elements, and returns its id and that of an action.
pub async fn full(who: &Member, account: &str, fields: Value) -> (String, String) {
    let plan = plan(who, account, fields).await;
    let contact = who.contact(account, json!({"name": "Cora"})).await;
    let opportunity = who.opportunity(account, json!({"name": "A deal", "amount": "500"})).await;
    let input = json!({"id": plan, "summary": "They outgrow what they have.", "opportunityIds": [opportunity]});
    change(who, "updatePlan", input).await.done();
    let input =
        json!({"planId": plan, "contactId": contact, "desired": "VALUED", "by": "2017-06-30", "approach": "Lunch"});
    change(who, "setPlannedRelationship", input).await.done();
    let mut action = String::new();
    for horizon in ["SHORT_TERM", "LONG_TERM"] {
        let input = json!({"planId": plan, "horizon": horizon, "statement": format!("Be known, {horizon}"), "dueOn": "2017-09-30"});
        let objective = add(who, "addObjective", "objectives", input).await;
        let input = json!({"planId": plan, "title": format!("Call, {horizon}"), "dueOn": "2017-03-01", "assigneeId": who.id(),
            "objectiveId": objective, "contactId": contact});
        action = add(who, "addAction", "actions", input).await;
    }
    let input = json!({"planId": plan, "name": "Visits", "unit": "a month", "baseline": "1", "target": "4.5", "dueOn": "2017-12-31"});
    change(who, "addBenchmark", input).await.done();
    (plan, action)
}

const COMMITMENT: &str = "status version commitment { id statement fingerprint stale signatures { user { name } } changes { path from to } plan }";

#[on_both_databases]
async fn a_plan_is_completed_signed_and_shows_changes_since_the_commitment(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let desk = Desk::new();
    let file = "account,sector,year_established,revenue,employees,office_location,subsidiary_of\nIsdom,medical,2002,3178.24,4540,United States,\n";
    let path = desk.file("accounts.csv", file);
    import(world.server(), "--from maven --as accounts", &[&path]).await.unwrap();
    let answer = world.admin().query("{ accounts { nodes { id name } } }").await;
    let account = answer.text("accounts.nodes.0.id").to_owned();
    assert_eq!(answer.text("accounts.nodes.0.name"), "Isdom");
    let input = json!({"id": account, "ownerId": ann.id()});
    world.admin().mutate("updateAccount", "account { id }", input).await.done();

    // A plan lists its missing elements until it is complete.
    let plan_id = plan(&ann, &account, json!({"title": "Isdom 2017", "cadence": "MONTHLY"})).await;
    let found =
        plan_fields(&ann, &plan_id, "status health { completeness missing missingBecause } commitment { id }").await;
    assert_eq!((&found["status"], &found["commitment"]), (&json!("DRAFT"), &Value::Null));
    assert_eq!(found["health"]["completeness"], json!(0.0));
    assert_eq!(found["health"]["missingBecause"].as_array().unwrap().len(), 6);
    let commit = async |who: &Member, plan: &str, fields: Value| {
        let mut input = json!({"id": plan, "statement": "We win them by the end of the year."});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        who.mutate("commitPlan", &format!("plan {{ nextReviewOn {COMMITMENT} }}"), input).await
    };
    let answer = commit(&ann, &plan_id, json!({"statement": " "})).await;
    let mut expected = vec![("INCOMPLETE".to_owned(), "input.id".to_owned()); 6];
    expected.push(("REQUIRED".to_owned(), "input.statement".to_owned()));
    assert_eq!(answer.refusals(), expected);
    // The history of a deleted plan can still be read.
    let deleted =
        ann.mutate("deletePlan", "plan { id history { nodes { type } } }", json!({"id": plan_id})).await.done();
    assert_eq!(deleted.text("deletePlan.plan.id"), plan_id);
    assert_eq!(deleted.each("deletePlan.plan.history.nodes", "type"), ["plan.deleted", "plan.created"]);

    let (plan_id, action) = full(&ann, &account, json!({"title": "Isdom 2017", "cadence": "MONTHLY"})).await;
    let found = plan_fields(&ann, &plan_id, "version health { completeness missing missingBecause }").await;
    assert_eq!(found["health"], json!({"completeness": 1.0, "missing": [], "missingBecause": []}));
    let version = found["version"].as_i64().unwrap();
    let answer = commit(&ann, &plan_id, json!({"ifVersion": version - 1})).await;
    assert_eq!(answer.refusals(), refusal("STALE_VERSION", "input.ifVersion"));
    let answer = commit(&ann, &plan_id, json!({"ifVersion": version})).await.done();
    let signed = answer.data("commitPlan.plan").clone();
    assert_eq!((&signed["status"], &signed["version"]), (&json!("COMMITTED"), &json!(version + 1)));
    let commitment = &signed["commitment"];
    assert_eq!((&commitment["stale"], &commitment["changes"]), (&json!(false), &json!([])));
    assert_eq!(commitment["plan"]["statement"], "We win them by the end of the year.");
    let text = canonical(&commitment["plan"]);
    assert_eq!(commitment["fingerprint"], fingerprint(&text));
    assert!(!text.contains("Cora") && !text.contains("OPEN"), "{text}");
    assert_eq!(commit(&ann, &plan_id, json!({})).await.refusals(), refusal("CONFLICT", "input.id"));

    // The manager signs as well, once.
    assert_eq!(act(&ann, "cosignCommitment", &plan_id).await.refusals(), refusal("CONFLICT", "input.planId"));
    let stale = mia
        .mutate("cosignCommitment", "plan { id }", json!({"planId": plan_id, "fingerprint": "what was read before"}))
        .await;
    assert_eq!(stale.refusals(), refusal("STALE_VERSION", "input.fingerprint"));
    let unread = mia.mutate("cosignCommitment", "plan { id }", json!({"planId": plan_id})).await;
    assert_eq!(unread.refusals(), refusal("REQUIRED", "input.fingerprint"));
    mia.mutate("cosignCommitment", "plan { id }", json!({"planId": plan_id, "fingerprint": commitment["fingerprint"]}))
        .await
        .done();
    assert_eq!(act(&mia, "cosignCommitment", &plan_id).await.refusals(), refusal("CONFLICT", "input.planId"));
    let found = plan_fields(&ann, &plan_id, COMMITMENT).await;
    assert_eq!(found["commitment"]["signatures"], json!([{"user": {"name": "Ann"}}, {"user": {"name": "Mia"}}]));

    // Progress is not a change of the commitment's content.
    change(&ann, "updateAction", json!({"id": action, "status": "DONE", "completedOn": "2017-02-01"})).await.done();
    let items =
        plan_fields(&ann, &plan_id, "benchmarks { id } objectives { id } relationships { contact { id } }").await;
    let id = |path: &str| items.pointer(path).unwrap().as_str().unwrap().to_owned();
    let measured = json!({"benchmarkId": id("/benchmarks/0/id"), "value": "3", "measuredOn": "2017-02-01"});
    change(&ann, "recordMeasurement", measured).await.done();
    change(&ann, "updateObjective", json!({"id": id("/objectives/0/id"), "status": "ACHIEVED"})).await.done();
    change(&ann, "askQuestion", json!({"planId": plan_id, "question": "Who decides?"})).await.done();
    change(&ann, "reviewPlan", json!({"id": plan_id, "outcome": "ON_TRACK"})).await.done();
    let person = json!({"id": id("/relationships/0/contact/id"), "relationship": "TRUSTED"});
    ann.mutate("updateContact", "contact { id }", person).await.done();
    assert_eq!(plan_fields(&ann, &plan_id, COMMITMENT).await["commitment"]["changes"], json!([]));

    // A new due date is.
    a_copy_in_the_other_database_has_the_same_content(world, &plan_id).await;
    change(&ann, "updateAction", json!({"id": action, "dueOn": "2017-04-01"})).await.done();
    let found = plan_fields(&mia, &plan_id, COMMITMENT).await["commitment"].clone();
    let path = format!("actions.{action}.dueOn");
    assert_eq!(found["stale"], json!(true));
    assert_eq!(found["changes"], json!([{"path": path, "from": "2017-03-01", "to": "2017-04-01"}]));
    assert_eq!(found["fingerprint"], signed["commitment"]["fingerprint"]);
    let admin = world.admin();
    assert_eq!(act(admin, "cosignCommitment", &plan_id).await.refusals(), refusal("CONFLICT", "input.planId"));
    // A new commitment keeps the old one. The objective and the action of the first one are achieved and done, so that
    // it needs new ones.
    let input = json!({"planId": plan_id, "title": "Meet", "dueOn": "2017-05-01", "assigneeId": ann.id(), "objectiveId": id("/objectives/1/id")});
    change(&ann, "addAction", input).await.done();
    let answer = commit(&mia, &plan_id, json!({"statement": "Still."})).await.done();
    assert_eq!(answer.data("commitPlan.plan.commitment.stale"), &json!(false));
    let found = plan_fields(&ann, &plan_id, "commitments { statement stale }").await;
    assert_eq!(
        found["commitments"],
        json!([{"statement": "Still.", "stale": false}, {"statement": "We win them by the end of the year.", "stale": true}])
    );
    assert_eq!(act(&ann, "deletePlan", &plan_id).await.refusals(), refusal("CONFLICT", "input.id"));
}

/// Copies the rows of a plan into a database of the other kind. A server there must return the commitment unchanged,
/// and the content must be the same byte for byte.
async fn a_copy_in_the_other_database_has_the_same_content(world: &World, plan_id: &str) {
    let database = world.server().database();
    let kind = if database.kind() == Kind::Sqlite { Kind::Postgres } else { Kind::Sqlite };
    if !kind.is_available() {
        return;
    }
    let elsewhere = Database::migrated(kind).await;
    elsewhere.leave_rows_beside_the_feed();
    let (from, to) = (database.connect().await, elsewhere.connect().await);
    let organization = world.admin().query("{ organization { id } }").await;
    let organization = OrganizationId::parse(organization.text("organization.id")).unwrap();
    macro_rules! copy {
        ($($table:ident)*) => {$(
            let rows = $table::Entity::of(organization).all(&from).await.unwrap();
            let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
            $table::Entity::insert_many(rows).exec_without_returning(&to).await.unwrap();
        )*};
    }
    copy! {
        organization user credential account seat contact opportunity plan plan_relationship plan_objective plan_action
        plan_benchmark plan_measurement plan_question plan_commitment plan_review
    }
    let id = PlanId::parse(plan_id).unwrap();
    let row = plan::Entity::of(organization).all(&to).await.unwrap().into_iter().find(|row| row.id == id).unwrap();
    let mut found = Vec::new();
    for connection in [&from, &to] {
        found.push(canonical(&contents(connection, organization, &[&row]).await.unwrap()[&id]));
    }
    assert_eq!(found[0], found[1]);
    from.close().await.unwrap();
    to.close().await.unwrap();
    let server = Server::start(elsewhere).await;
    let input = json!({"email": world.email_of("Ann"), "password": PASSWORD});
    let answer = server.stranger().mutate("signIn", "session { accessToken }", input).await.done();
    let ann = server.stranger().with_token(answer.text("signIn.session.accessToken"));
    let document = format!(
        "{{ node(id: \"{plan_id}\") {{ ... on Plan {{ commitment {{ stale fingerprint changes {{ path }} }} }} }} }}"
    );
    let answer = ann.query(&document).await;
    let commitment = answer.data("node.commitment");
    assert_eq!((&commitment["stale"], &commitment["changes"]), (&json!(false), &json!([])));
    assert_eq!(commitment["fingerprint"], fingerprint(&found[0]));
    server.stop().await.remove().await;
}

#[on_both_databases]
async fn an_account_has_one_open_plan_at_a_time(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let first = plan(&ann, &acme, json!({})).await;
    let create = async |from: &str, to: &str| {
        let input = json!({"accountId": acme, "title": "Another", "startsOn": from, "endsOn": to});
        change(&ann, "createPlan", input).await
    };
    for (from, to) in [
        ("2016-06-01", "2017-01-01"),
        ("2017-12-31", "2018-06-01"),
        ("2017-03-01", "2017-04-01"),
        ("2016-01-01", "2019-01-01"),
    ] {
        let answer = create(from, to).await;
        assert_eq!(answer.refusals(), refusal("INVALID", "input.startsOn"), "{from} {to}");
        assert!(
            answer.user_errors()[0].message.contains("Win them") && answer.user_errors()[0].message.contains(&first)
        );
    }
    assert_eq!(create("2018-02-01", "2018-01-31").await.refusals(), refusal("INVALID", "input.endsOn"));
    let second = create("2018-01-01", "2018-12-31").await.done().text("createPlan.plan.id").to_owned();
    // A plan cannot be moved into the days of another one, and of two concurrent overlapping ones only one is created.
    let moved = json!({"id": second, "startsOn": "2017-12-01"});
    assert_eq!(change(&ann, "updatePlan", moved.clone()).await.refusals(), refusal("INVALID", "input.startsOn"));
    let (one, other) = tokio::join!(create("2020-01-01", "2020-12-31"), create("2020-06-01", "2021-12-31"));
    assert_eq!(one.user_errors().len() + other.user_errors().len(), 1);

    let on = async |day: &str| {
        let document = format!("query($id: ID!) {{ account(by: {{id: $id}}) {{ plan(on: \"{day}\") {{ id }} }} }}");
        ann.send(&document, json!({"id": acme})).await.data("account.plan").clone()
    };
    assert_eq!(on("2017-12-31").await, json!({"id": first}));
    assert_eq!(on("2018-01-01").await, json!({"id": second}));
    assert_eq!(on("2016-12-31").await, Value::Null);
    // A closed plan can no longer be changed and other plans may have its days. It remains the plan of the days until
    // it was closed.
    act(&ann, "closePlan", &first).await.done();
    act(&ann, "closePlan", &first).await.done();
    change(&ann, "updatePlan", moved).await.done();
    assert_eq!(on("2017-11-30").await, json!({"id": first}));
    assert_eq!(on("2017-12-31").await, json!({"id": second}));
    for (mutation, input) in [
        ("updatePlan", json!({"id": first, "title": "Other"})),
        ("reviewPlan", json!({"id": first, "outcome": "ON_TRACK"})),
        ("commitPlan", json!({"id": first, "statement": "We will."})),
    ] {
        assert_eq!(change(&ann, mutation, input).await.refusals(), refusal("CONFLICT", "input.id"), "{mutation}");
    }
    let input = json!({"planId": first, "title": "Call"});
    assert_eq!(change(&ann, "addAction", input).await.refusals(), refusal("CONFLICT", "input.planId"));
    assert_eq!(act(&ann, "deletePlan", &first).await.refusals(), refusal("CONFLICT", "input.id"));
    let answer = ann
        .send(
            "query($id: ID!) { account(by: {id: $id}) { plan { id } plans(first: 1) { totalCount nodes { id } } } }",
            json!({"id": acme}),
        )
        .await;
    assert_eq!(answer.data("account.plans"), &json!({"totalCount": 3, "nodes": [{"id": first}]}));
    ann.mutate("archiveAccount", "account { id }", json!({"id": acme})).await.done();
    assert_eq!(create("2030-01-01", "2030-01-31").await.refusals(), refusal("CONFLICT", "input.accountId"));
}

#[on_both_databases]
async fn team_members_do_assigned_actions_and_answer_questions_only(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let (bob, eve) = (world.seller("Bob").await, world.seller("Eve").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    let (plan, action) = full(&ann, &acme, json!({})).await;
    // An assignee must be active, of the same organization, and see the account.
    let given = async |id: &str| change(&ann, "updateAction", json!({"id": action, "assigneeId": id})).await;
    assert_eq!(given(bob.id()).await.refusals(), refusal("INVALID", "input.assigneeId"));
    let stranger = world.another_organization("Globex").await;
    assert_eq!(given(stranger.admin().id()).await.refusals(), refusal("NOT_FOUND", "input.assigneeId"));
    let gone = json!({"id": eve.id()});
    let seat = json!({"accountId": acme, "userId": eve.id(), "role": "OTHER"});
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    world.admin().mutate("deactivateUser", "user { id }", gone).await.done();
    assert_eq!(given(eve.id()).await.refusals(), refusal("INVALID", "input.assigneeId"));
    given(mia.id()).await.done();
    given(world.admin().id()).await.done();

    let seat = json!({"accountId": acme, "userId": bob.id(), "role": "TECHNICAL"});
    assert_eq!(
        change(&bob, "updatePlan", json!({"id": plan, "title": "x"})).await.refusals(),
        refusal("NOT_FOUND", "input.id")
    );
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    given(bob.id()).await.done();
    let question = add(&ann, "askQuestion", "questions", json!({"planId": plan, "question": "Who decides?"})).await;
    let items = plan_fields(
        &bob,
        &plan,
        "actions { id assignee { name } } objectives { id } benchmarks { id } relationships { id }",
    )
    .await;
    let id = |path: &str| items.pointer(path).unwrap().as_str().unwrap().to_owned();
    for (mutation, input) in [
        ("updatePlan", json!({"id": plan, "title": "Mine"})),
        ("commitPlan", json!({"id": plan, "statement": "We will."})),
        ("reviewPlan", json!({"id": plan, "outcome": "ON_TRACK"})),
        ("updateObjective", json!({"id": id("/objectives/0/id"), "status": "ACHIEVED"})),
        ("updateBenchmark", json!({"id": id("/benchmarks/0/id"), "name": "Mine"})),
        ("moveAction", json!({"id": action})),
        ("updateAction", json!({"id": action, "dueOn": "2017-05-01"})),
        ("updateAction", json!({"id": id("/actions/0/id"), "status": "DONE"})),
        ("updateQuestion", json!({"id": question, "question": "What?"})),
    ] {
        assert_eq!(change(&bob, mutation, input).await.refusals(), refusal("FORBIDDEN", "input.id"), "{mutation}");
    }
    for (mutation, input) in [
        ("addObjective", json!({"planId": plan, "horizon": "LONG_TERM", "statement": "More"})),
        ("addAction", json!({"planId": plan, "title": "More"})),
        ("askQuestion", json!({"planId": plan, "question": "More?"})),
    ] {
        assert_eq!(change(&bob, mutation, input).await.refusals(), refusal("FORBIDDEN", "input.planId"), "{mutation}");
    }
    let input = json!({"accountId": acme, "title": "Mine", "startsOn": "2019-01-01", "endsOn": "2019-01-02"});
    assert_eq!(change(&bob, "createPlan", input).await.refusals(), refusal("FORBIDDEN", "input.accountId"));
    for (mutation, of) in
        [("removeAction", &action), ("removeQuestion", &question), ("closePlan", &plan), ("deletePlan", &plan)]
    {
        assert_eq!(act(&bob, mutation, of).await.refusals(), refusal("FORBIDDEN", "input.id"), "{mutation}");
    }
    assert_eq!(act(&bob, "cosignCommitment", &plan).await.refusals(), refusal("FORBIDDEN", "input.planId"));
    // They may do what is assigned to them.
    change(&bob, "updateAction", json!({"id": action, "status": "DONE", "completedOn": "2017-02-03"})).await.done();
    change(&bob, "updateQuestion", json!({"id": question, "answer": "The board."})).await.done();
    let found = plan_fields(
        &bob,
        &plan,
        "questions { answer answeredAt } actions(status: DONE) { completedOn assignee { name } }",
    )
    .await;
    assert_eq!(found["questions"][0]["answer"], "The board.");
    assert!(found["questions"][0]["answeredAt"].is_string());
    assert_eq!(found["actions"], json!([{"completedOn": "2017-02-03", "assignee": {"name": "Bob"}}]));
    change(&bob, "updateQuestion", json!({"id": question, "answer": null})).await.done();
    assert_eq!(
        plan_fields(&bob, &plan, "questions { answer answeredAt }").await["questions"],
        json!([{"answer": null, "answeredAt": null}])
    );
    // The plan's owner edits it and does not sign it.
    change(&ann, "updatePlan", json!({"id": plan, "ownerId": bob.id()})).await.done();
    change(&bob, "updatePlan", json!({"id": plan, "title": "Ours"})).await.done();
    let input = json!({"id": plan, "statement": "We will."});
    assert_eq!(change(&bob, "commitPlan", input).await.refusals(), refusal("FORBIDDEN", "input.id"));
}

#[on_both_databases]
async fn a_touch_linked_to_an_action_completes_it(world: &World) {
    let ann = world.seller("Ann").await;
    let (bob, acme) = (world.seller("Bob").await, ann.account(json!({"name": "Acme"})).await);
    let seat = json!({"accountId": acme, "userId": bob.id(), "role": "OTHER"});
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    let plan_id = plan(&ann, &acme, json!({})).await;
    let action = async |title: &str, assignee: Value| {
        add(&ann, "addAction", "actions", json!({"planId": plan_id, "title": title, "assigneeId": assignee})).await
    };
    let (one, two, three) = (
        action("One", json!(ann.id())).await,
        action("Two", Value::Null).await,
        action("Three", json!(bob.id())).await,
    );
    let touch = json!({"kind": "CALL", "at": "2017-02-03T10:00:00Z"});
    let with = |action: &str| {
        let mut touch = touch.clone();
        touch["actionId"] = json!(action);
        touch
    };
    let first = ann.touch(&acme, with(&one)).await;
    // Bob's touch completes only an action that is assigned to him.
    bob.touch(&acme, with(&two)).await;
    let later = json!({"accountId": acme, "kind": "CALL", "at": "2999-02-03T10:00:00Z", "actionId": three});
    let planned = bob.make("scheduleTouch", "touch", later).await;
    let found =
        async || plan_fields(&ann, &plan_id, "version actions { title status completedOn touches { id } }").await;
    let before = found().await;
    assert_eq!(
        before["actions"][0],
        json!({"title": "One", "status": "DONE", "completedOn": "2017-02-03", "touches": [{"id": first}]})
    );
    assert_eq!((&before["actions"][1]["status"], &before["actions"][2]["status"]), (&json!("OPEN"), &json!("OPEN")));
    bob.mutate("completeTouch", "touch { action { title position } }", json!({"id": planned})).await.done();
    let after = found().await;
    assert_eq!(after["actions"][2]["status"], "DONE");
    assert_eq!(after["version"].as_i64().unwrap(), before["version"].as_i64().unwrap() + 1);
    let answer =
        bob.query(&format!("{{ node(id: \"{planned}\") {{ ... on Touch {{ action {{ title position }} }} }} }}")).await;
    assert_eq!(answer.data("node.action"), &json!({"title": "Three", "position": 3}));
    // A touch that is linked later completes the action too. An action of another account's plan is rejected.
    let late = ann.touch(&acme, touch.clone()).await;
    ann.mutate("updateTouch", "touch { id }", json!({"id": late, "actionId": two})).await.done();
    assert_eq!(found().await["actions"][1]["status"], "DONE");
    let globex = ann.account(json!({"name": "Globex"})).await;
    let mut elsewhere = with(&one);
    elsewhere["accountId"] = json!(globex);
    let answer = ann.mutate("logTouch", "touch { id }", elsewhere).await;
    assert_eq!(answer.refusals(), refusal("INVALID", "input.actionId"));
    // Touches lose the reference to a removed action.
    act(&ann, "removeAction", &one).await.done();
    let answer =
        ann.query(&format!("{{ node(id: \"{first}\") {{ ... on Touch {{ version action {{ id }} }} }} }}")).await;
    assert_eq!(answer.data("node"), &json!({"version": 2, "action": null}));
    act(&ann, "deletePlan", &plan_id).await.done();
    let answer = ann.query(&format!("{{ node(id: \"{late}\") {{ ... on Touch {{ action {{ id }} }} }} }}")).await;
    assert_eq!(answer.data("node.action"), &Value::Null);
}

#[on_both_databases]
async fn plans_are_listed_by_account_owner_status_and_review(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    let (signed, _) = full(&ann, &acme, json!({})).await;
    change(&ann, "commitPlan", json!({"id": signed, "statement": "We will."})).await.done();
    let review =
        json!({"id": signed, "outcome": "OFF_TRACK", "reviewedOn": "2017-01-31", "nextReviewOn": "2017-02-15"});
    change(&ann, "reviewPlan", review).await.done();
    let draft = plan(&ann, &acme, json!({"startsOn": "2018-01-01", "endsOn": "2018-12-31"})).await;
    plan(&bob, &bob.account(json!({"name": "Bob's"})).await, json!({})).await;
    for (filter, admin, manager) in [
        (String::new(), 3, 2),
        (format!("accountId: {{eq: \"{acme}\"}}"), 2, 2),
        (format!("ownerId: {{eq: \"{}\"}}", bob.id()), 1, 0),
        ("status: [DRAFT]".to_owned(), 2, 1),
        ("status: [COMMITTED, CLOSED]".to_owned(), 1, 1),
        ("status: []".to_owned(), 0, 0),
        ("reviewDueBy: \"2017-02-15\"".to_owned(), 1, 1),
        ("reviewDueBy: \"2017-02-14\"".to_owned(), 0, 0),
        ("updatedAt: {lt: \"2001-01-01T00:00:00Z\"}".to_owned(), 0, 0),
    ] {
        for (who, expected) in [(&**world.admin(), admin), (&*mia, manager)] {
            let answer = who.query(&format!("{{ plans(filter: {{{filter}}}) {{ totalCount nodes {{ id }} }} }}")).await;
            assert_eq!(answer.data("plans.totalCount"), &json!(expected), "{filter}");
            assert_eq!(answer.each("plans.nodes", "id").len(), expected, "{filter}");
        }
    }
    act(&ann, "closePlan", &signed).await.done();
    let answer = mia.query("{ plans(filter: {reviewDueBy: \"2999-01-01\"}) { totalCount } }").await;
    assert_eq!(answer.data("plans.totalCount"), &json!(0));
    // A new owner of the account takes over the plan. A plan's owner can only be deactivated with a successor.
    let cleo = world.seller("Cleo").await;
    let input = json!({"id": acme, "ownerId": cleo.id()});
    mia.mutate("updateAccount", "account { id }", input).await.done();
    let document = format!("{{ node(id: \"{draft}\") {{ ... on Plan {{ owner {{ name }} }} }} }}");
    assert_eq!(world.admin().query(&document).await.text("node.owner.name"), "Cleo");
    let input = json!({"id": cleo.id(), "successorId": bob.id()});
    world.admin().mutate("deactivateUser", "user { id }", input).await.done();
    assert_eq!(world.admin().query(&document).await.text("node.owner.name"), "Bob");
}

#[on_both_databases]
async fn a_planned_relationship_counts_while_the_contact_is_at_the_account(world: &World) {
    let ann = world.seller("Ann").await;
    let (acme, other) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Other"})).await);
    let (plan, _) = full(&ann, &acme, json!({})).await;
    let contact = ann.query("{ contacts { nodes { id } } }").await.text("contacts.nodes.0.id").to_owned();
    let missing = async || plan_fields(&ann, &plan, "health { missing missingBecause }").await["health"].clone();
    let left = json!({"missing": ["RELATIONSHIPS"], "missingBecause":
        ["No planned relationship with a due day is with a contact who is still at the account."]});
    let none = json!({"missing": [], "missingBecause": []});
    assert_eq!(missing().await, none);
    let goes = |to: &str| ann.mutate("updateContact", "contact { id }", json!({"id": contact, "accountId": to}));
    goes(&other).await.done();
    assert_eq!(missing().await, left);
    let answer = change(&ann, "commitPlan", json!({"id": plan, "statement": "We will."})).await;
    assert_eq!(answer.refusals(), refusal("INCOMPLETE", "input.id"));
    goes(&acme).await.done();
    assert_eq!(missing().await, none);
    ann.mutate("archiveContact", "", json!({"id": contact})).await.done();
    assert_eq!(missing().await, left);
}

/// A selection of all fields of a plan.
const EVERYTHING: &str = "id title startsOn endsOn status summary cadence nextReviewOn createdAt updatedAt version
    account { id name } owner { id name } opportunities { id name stage }
    relationships { id desired startedAt by reached approach contact { id name } owner { name } }
    objectives { id horizon statement dueOn status achievedOn }
    actions { id position title dueOn status completedOn overdue assignee { name } objective { statement } contact { name } touches { id } }
    benchmarks { id name source unit baseline target dueOn attainment onTrack latest { value } measurements { measuredOn value note } }
    questions { id question answer assignee { name } contact { name } answeredAt }
    commitment { id statement fingerprint stale signatures { user { name } at } }
    reviews { id reviewedOn outcome notes by { name } snapshot { actionsOpen benchmarks { name value } } }
    health { completeness missing missingBecause actionsOverdue benchmarksBehind reviewOverdue daysSinceReview }";

#[on_both_databases]
async fn a_plan_costs_the_same_statements_for_any_size(world: &World) {
    let ann = world.seller("Ann").await;
    let mut plans = Vec::new();
    for name in ["Small", "Large", "One more"] {
        let account = ann.account(json!({"name": name})).await;
        let (plan, action) = full(&ann, &account, json!({})).await;
        change(&ann, "commitPlan", json!({"id": plan, "statement": "We will."})).await.done();
        change(&ann, "askQuestion", json!({"planId": plan, "question": "Why?", "assigneeId": ann.id()})).await.done();
        change(&ann, "reviewPlan", json!({"id": plan, "outcome": "ON_TRACK"})).await.done();
        ann.touch(&account, json!({"kind": "CALL", "actionId": action})).await;
        for source in ["BOOKED", "OPEN_PIPELINE", "CONTACTS_KNOWN"] {
            let input = json!({"planId": plan, "name": source, "source": source, "baseline": "0", "target": "1", "dueOn": "2017-06-30"});
            change(&ann, "addBenchmark", input).await.done();
        }
        let benchmark = plan_fields(&ann, &plan, "benchmarks { id }").await["benchmarks"][0]["id"].clone();
        let months = if name == "Large" { 12 } else { 1 };
        for month in 1..=months {
            let input = json!({"benchmarkId": benchmark, "value": month.to_string(), "measuredOn": format!("2017-{month:02}-01")});
            change(&ann, "recordMeasurement", input).await.done();
        }
        if name == "Large" {
            for number in 0..10 {
                let input = json!({"planId": plan, "title": format!("n{number}"), "assigneeId": ann.id()});
                change(&ann, "addAction", input).await.done();
                let input = json!({"planId": plan, "horizon": "LONG_TERM", "statement": format!("n{number}")});
                change(&ann, "addObjective", input).await.done();
            }
        }
        plans.push(plan);
    }
    let document = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Plan {{ {EVERYTHING} }} }} }}");
    let ask = |ids: Value| ann.send(&document, json!({"ids": ids}));
    let (_, small) = count(world.server(), ask(json!([plans[0]]))).await;
    let (answer, large) = count(world.server(), ask(json!([plans[1]]))).await;
    assert_eq!(answer.data("nodes.0.actions").as_array().unwrap().len(), 12);
    assert_eq!(answer.data("nodes.0.benchmarks.0.measurements").as_array().unwrap().len(), 12);
    let (answer, all) = count(world.server(), ask(json!(plans))).await;
    assert_eq!(answer.data("nodes").as_array().unwrap().len(), 3);
    assert_eq!((small, large), (all, all));
    // The same holds for the health of a page of plans.
    let health = "{ plans { nodes { health { completeness actionsOverdue benchmarksBehind reviewOverdue } commitment { stale } } } }";
    let (_, one) = count(world.server(), ann.query(&health.replace("plans", "plans(first: 1)"))).await;
    let (_, page) = count(world.server(), ann.query(health)).await;
    assert_eq!(one, page);
    // And for the history and `asOf`.
    let document = "{ plans { nodes { history(first: 3) { nodes { type } } asOf(on: \"2999-01-01\") } } }";
    let (_, one) = count(world.server(), ann.query(&document.replace("plans", "plans(first: 1)"))).await;
    let (answer, page) = count(world.server(), ann.query(document)).await;
    assert_eq!(one, page);
    assert_eq!(answer.each("plans.nodes.1.history.nodes", "type").len(), 3);
}
