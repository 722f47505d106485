//! Today: what to do, why, in which order, and for whose eyes.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

/// A world whose clock stands at noon of Wednesday, 10 May 2017, UTC.
async fn may_2017(kind: tests::Kind) -> World {
    let stop: StoppedAt = "2017-05-10T12:00:00Z".parse().unwrap();
    let database = Database::make_ready(kind).await;
    World::on(Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await).await
}

const ACTION: &str = "kind why ifSkipped dueOn account { name } subject { __typename id }";

async fn whole(who: &Client, of: &Member, arguments: &str) -> Value {
    let document = format!(
        "query($id: ID!) {{ node(id: $id) {{ ... on User {{ today{arguments} {{ actions {{ {ACTION} }} }} }} }} }}"
    );
    who.send(&document, json!({"id": of.id()})).await.data("node.today")["actions"].clone()
}

/// The same without the suggestions for targets without plans and for blank days, which have a test of their own.
async fn today(who: &Client, of: &Member, arguments: &str) -> Value {
    match whole(who, of, arguments).await {
        Value::Array(list) => list.into_iter().filter(|action| !is_usual(action)).collect(),
        other => other,
    }
}

fn is_usual(action: &Value) -> bool {
    action["kind"] == "WRITE_PLAN" || action["kind"] == "FILL_BLANK_DAY"
}

/// A target of the seller's, agreed by the manager, at an account with a score.
async fn target(seller: &Member, manager: &Member, account: &str) -> String {
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let target = seller.make("proposeTarget", "target", input).await;
    manager.mutate("decideTarget", "target { status }", json!({"id": target, "decision": "AGREE"})).await.done();
    target
}

/// Touches as another system had them, recorded when they were made.
async fn import(who: &Client, account: &str, kind: &str, at: &str) {
    let row = json!({"externalId": {"source": "crm", "id": format!("{account} {at}")}, "account": {"id": account},
        "kind": kind, "at": at});
    assert_eq!(
        who.mutate("upsertTouches", "created", json!({"rows": [row]})).await.data("upsertTouches.created"),
        &json!(1)
    );
}

#[on_both_databases]
async fn the_day_says_what_to_do_why_and_what_skipping_it_costs(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    assert_eq!(today(&ann, &ann, "").await, json!([]));
    let account = async |name: &str| ann.account(json!({"name": name})).await;
    let (acme, globex, hooli, initrode, umbrella) = (
        account("Acme").await,
        account("Globex").await,
        account("Hooli").await,
        account("Initrode").await,
        account("Umbrella").await,
    );
    let criterion = world.admin().make("createCriterion", "criterion", json!({"name": "Fit"})).await;
    for (account, score) in [(&globex, 9), (&hooli, 3)] {
        let scores = json!({"accountId": account, "scores": [{"criterionId": criterion, "score": score}]});
        ann.mutate("assessAccount", "account { id }", scores).await.done();
    }
    let (fading, better, worse, planned) = (
        target(&ann, &mia, &acme).await,
        target(&ann, &mia, &globex).await,
        target(&ann, &mia, &hooli).await,
        target(&ann, &mia, &initrode).await,
    );
    // A meeting of twelve days ago does for 3.9 days more, one of a month ago no longer, and there was no touch at Globex.
    import(&ann, &acme, "MEETING", "2017-04-28T12:00:00Z").await;
    import(&ann, &hooli, "MEETING", "2017-04-10T12:00:00Z").await;
    // With a touch scheduled at Initrode there is nothing to remind of; a goal is missing there all the same.
    let input = json!({"accountId": initrode, "kind": "CALL", "at": "2017-05-12T09:00:00Z"});
    ann.make("scheduleTouch", "touch", input).await;
    for account in [&acme, &globex, &hooli] {
        ann.mutate("setGoal", "goal { id }", json!({"accountId": account, "amount": "1000"})).await.done();
    }
    // Management proposes, which waits for Ann; what she proposed herself waits for her manager.
    let input = json!({"accountId": umbrella, "kind": "DREAM_CLIENT", "rationale": "Everybody needs one."});
    let proposed = mia.make("proposeTarget", "target", input).await;
    // One opportunity stands still for three weeks, one was asked for lately, one is closed.
    let opportunity = async |name: &str, opened: &str| {
        let fields = json!({"name": name, "amount": "12000", "openedOn": opened, "expectedCloseOn": "2017-12-31"});
        ann.opportunity(&initrode, fields).await
    };
    let still = opportunity("Warehouse", "2017-01-01").await;
    let moving = opportunity("Office", "2017-01-01").await;
    let lost = opportunity("Shop", "2017-01-01").await;
    for (opportunity, at) in [(&still, "2017-04-19T12:00:00Z"), (&moving, "2017-05-01T12:00:00Z")] {
        let touch = json!({"kind": "EMAIL", "at": at, "opportunityId": opportunity, "commitmentAsked": "A visit"});
        ann.touch(&initrode, touch).await;
    }
    ann.mutate("loseOpportunity", "opportunity { id }", json!({"id": lost})).await.done();

    let expected = json!([
        {"kind": "ASK_FOR_COMMITMENT", "dueOn": "2017-05-03", "account": {"name": "Initrode"}, "subject": {"__typename": "Opportunity", "id": still},
            "why": "Initrode has not been asked for a commitment on Warehouse for 21 days.",
            "ifSkipped": "USD 12000.00 do not come closer: an opportunity moves by the next commitment, and without one it stands still."},
        {"kind": "TOUCH_TARGET", "dueOn": "2017-05-10", "account": {"name": "Hooli"}, "subject": {"__typename": "Target", "id": worse},
            "why": "We are absent at Hooli: presence is 0.39, below 0.50; the last touch was 30 days ago.",
            "ifSkipped": "In a week presence is 0.35: should Hooli become dissatisfied, we are not whom they think of."},
        {"kind": "DECIDE_TARGET", "dueOn": null, "account": {"name": "Umbrella"}, "subject": {"__typename": "Target", "id": proposed},
            "why": "Umbrella was proposed as a target today and waits for your word: “Everybody needs one.”",
            "ifSkipped": "Umbrella has waited 0 days, and no one is committed to pursue it until then."},
        {"kind": "SET_GOAL", "dueOn": null, "account": {"name": "Initrode"}, "subject": {"__typename": "Target", "id": planned},
            "why": "Initrode has been a target since 2017-05-10 and has no goal for 2017.",
            "ifSkipped": "236 days of the fiscal year are left, and without an amount it is unknown whether Initrode is behind."},
        {"kind": "TOUCH_TARGET", "dueOn": "2017-05-10", "account": {"name": "Globex"}, "subject": {"__typename": "Target", "id": better},
            "why": "We are absent at Globex: presence is 0.00, below 0.50; there has been no touch yet.",
            "ifSkipped": "In a week presence is 0.00: should Globex become dissatisfied, we are not whom they think of."},
        {"kind": "TOUCH_TARGET", "dueOn": "2017-05-13", "account": {"name": "Acme"}, "subject": {"__typename": "Target", "id": fading},
            "why": "Presence at Acme is 0.53 and falls below 0.50 in 3.9 days; the last touch was 12 days ago.",
            "ifSkipped": "After 2017-05-13 we are absent at Acme: should they become dissatisfied then, we are not whom they think of."},
    ]);
    let found = today(&ann, &ann, "").await;
    assert_eq!(found, expected);
    // The same every time, for managers too, and cut by `first`.
    assert_eq!(today(&mia, &ann, "").await, expected);
    assert_eq!(today(&ann, &ann, "(first: 2)").await, json!([expected[0], expected[1]]));
    assert_eq!(today(&ann, &ann, "(first: 0)").await, json!([]));
    for first in ["-1", "201"] {
        let answer = ann.query(&format!("{{ me {{ today(first: {first}) {{ on }} }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    }
    // A week on, all fade. Before she had targets, there was nothing to do.
    let kinds = async |on: &str| {
        let found = today(&ann, &ann, &format!("(on: \"{on}\")")).await;
        found.as_array().unwrap().iter().map(|action| action["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("2017-05-20").await.iter().filter(|kind| *kind == "TOUCH_TARGET").count(), 4);
    assert_eq!(kinds("2017-01-15").await, ["ASK_FOR_COMMITMENT", "ASK_FOR_COMMITMENT", "ASK_FOR_COMMITMENT"]);
    // Two weeks have not passed since they were opened.
    assert!(kinds("2017-01-14").await.is_empty());
    // Once it is done, it is gone.
    ann.touch(&globex, json!({"kind": "MEETING"})).await;
    ann.mutate("decideTarget", "target { id }", json!({"id": proposed, "decision": "DECLINE", "note": "No."}))
        .await
        .done();
    let found = today(&ann, &ann, "").await;
    let left: Vec<&Value> = found.as_array().unwrap().iter().map(|action| &action["account"]["name"]).collect();
    assert_eq!(left, ["Initrode", "Hooli", "Initrode", "Acme"]);
    world.finish().await;
}

#[on_both_databases]
async fn the_day_is_for_its_user_and_those_above(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    let account = ann.account(json!({"name": "Acme"})).await;
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let target = ann.make("proposeTarget", "target", input).await;
    for (who, sees) in [(&*ann, true), (&*bob, false), (&*mia, true), (&*boss, true), (&**world.admin(), true)] {
        assert_eq!(today(who, &ann, "").await.is_array(), sees, "{}", who.name());
    }
    // What Ann proposed waits for her managers alone.
    for (who, waits) in [(&*ann, 0), (&*mia, 1), (&*boss, 1), (&**world.admin(), 0)] {
        let found = today(world.admin(), who, "").await;
        assert_eq!(found.as_array().unwrap().len(), waits, "{}", who.name());
    }
    assert_eq!(today(&mia, &mia, "").await[0]["subject"], json!({"__typename": "Target", "id": target}));
}

/// The caller may see more trigger events and proposals than a list of one day may have.
#[on_both_databases]
async fn the_day_is_the_same_for_every_caller(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let event = |account: &str| json!({"accountId": account, "kind": "FUNDING", "occurredOn": "2017-05-01"});
    let input = json!({"accountId": acme, "kind": "GROWTH", "rationale": "They grow."});
    ann.mutate("recordTriggerEvent", "triggerEvent { id }", event(&acme)).await.done();
    let globex = bob.account(json!({"name": "Globex"})).await;
    for _ in 0..6 {
        let record = |at: usize| format!("a{at}: recordTriggerEvent(input: $input) {{ userErrors {{ message }} }}");
        let records: String = (0..85).map(record).collect();
        let document = format!("mutation($input: RecordTriggerEventInput!) {{ {records} }}");
        bob.send(&document, json!({"input": event(&globex)})).await.done();
    }
    mia.mutate("proposeTarget", "target { id }", input).await.done();
    let own = today(&ann, &ann, "").await;
    let kinds: Vec<&Value> = own.as_array().unwrap().iter().map(|action| &action["kind"]).collect();
    assert_eq!(kinds, ["ANSWER_TRIGGER_EVENT", "DECIDE_TARGET"]);
    assert_eq!(today(world.admin(), &ann, "").await, own);
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn the_statements_do_not_grow_with_what_there_is_to_do(world: &World) {
    let mia = world.manager("Mia").await;
    let page =
        format!("{{ users {{ nodes {{ today {{ on total counts {{ kind count }} actions {{ {ACTION} }} }} }} }} }}");
    let add = async |name: &str| {
        let seller = world.seller(name).under(&mia).await;
        for number in 0..2 {
            let account = seller.account(json!({"name": format!("{name} {number}")})).await;
            target(&seller, &mia, &account).await;
            seller.opportunity(&account, json!({"name": "Warehouse", "openedOn": "2017-01-01"})).await;
            let account = seller.account(json!({"name": format!("{name} proposed {number}")})).await;
            let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
            mia.make("proposeTarget", "target", input).await;
        }
    };
    add("Ann").await;
    mia.query("{ me { id } }").await;
    let (_, one) = count(world.server(), mia.query(&page)).await;
    for name in ["Bob", "Cid"] {
        add(name).await;
    }
    mia.query("{ me { id } }").await;
    let (answer, three) = count(world.server(), mia.query(&page)).await;
    let days = answer.each("users.nodes", "today");
    let all =
        days.iter().filter_map(|day| day["actions"].as_array()).flatten().filter(|action| !is_usual(action)).count();
    assert_eq!((all, one), (24, three));
}

#[on_both_databases]
async fn plans_promises_trigger_events_and_blank_days_have_their_say(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let target = target(&ann, &mia, &acme).await;
    ann.mutate("setGoal", "goal { id }", json!({"accountId": acme, "amount": "1000"})).await.done();
    import(&ann, &acme, "MEETING", "2017-05-09T12:00:00Z").await;
    let listed = |list: &Value, kinds: &[&str]| {
        let of_kind = |action: &&Value| kinds.contains(&action["kind"].as_str().unwrap());
        let all: Vec<Value> = list.as_array().unwrap().iter().filter(of_kind).cloned().collect();
        all.iter()
            .map(|action| json!([action["kind"], action["dueOn"], action["subject"]["id"], action["why"]]))
            .collect::<Vec<_>>()
    };
    let found = whole(&ann, &ann, "").await;
    assert_eq!(
        listed(&found, &["WRITE_PLAN", "FILL_BLANK_DAY"])[..2],
        [
            json!(["WRITE_PLAN", null, target, "Acme has been a target since 2017-05-10 and has no plan."]),
            json!([
                "FILL_BLANK_DAY",
                "2017-05-15",
                ann.id(),
                "Monday, 2017-05-15, has 480 working minutes and no touch with a target."
            ]),
        ]
    );
    assert_eq!(listed(&found, &["FILL_BLANK_DAY"]).len(), 5);

    // With a plan there are its actions and its review; with a touch the day is not blank.
    let input = json!({"accountId": acme, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    let plan = ann.make("createPlan", "plan", input).await;
    let review = json!({"id": plan, "nextReviewOn": "2017-05-14"});
    ann.mutate("updatePlan", "plan { id }", review).await.done();
    for (title, due_on, assignee) in
        [("Call", "2017-05-01", ann.id()), ("Later", "2017-05-30", ann.id()), ("Look", "2017-05-01", mia.id())]
    {
        let input = json!({"planId": plan, "title": title, "dueOn": due_on, "assigneeId": assignee});
        ann.mutate("addAction", "plan { id }", input).await.done();
    }
    let call = ann.query("{ plans { nodes { actions { id } } } }").await.text("plans.nodes.0.actions.0.id").to_owned();
    let input = json!({"accountId": acme, "kind": "CALL", "at": "2017-05-15T09:00:00Z"});
    ann.make("scheduleTouch", "touch", input).await;
    let input = json!({"accountId": acme, "what": "A price list", "madeOn": "2017-05-02", "dueOn": "2017-05-12"});
    let promise = ann.make("makePromise", "promise", input).await;
    let record = async |kind: &str, on: &str| {
        let input = json!({"accountId": acme, "kind": kind, "occurredOn": on});
        ann.make("recordTriggerEvent", "triggerEvent", input).await
    };
    let funding = record("FUNDING", "2017-05-09").await;
    let dissatisfied = record("DISSATISFACTION", "2017-03-01").await;
    let answered = record("EXPANSION", "2017-05-01").await;
    ann.opportunity(&acme, json!({"name": "Warehouse", "triggerEventId": answered})).await;
    let found = whole(&ann, &ann, "").await;
    let kinds = ["ANSWER_TRIGGER_EVENT", "KEEP_PROMISE", "DO_ACTION", "REVIEW_PLAN", "WRITE_PLAN", "FILL_BLANK_DAY"];
    assert_eq!(
        listed(&found, &kinds),
        [
            json!([
                "ANSWER_TRIGGER_EVENT",
                null,
                dissatisfied,
                "Acme is dissatisfied with whom they have (2017-03-01, 70 days ago), and no opportunity came of it yet."
            ]),
            json!(["DO_ACTION", "2017-05-01", call, "“Call” of the plan for Acme was due 9 days ago."]),
            json!([
                "ANSWER_TRIGGER_EVENT",
                null,
                funding,
                "Acme got money (2017-05-09, yesterday), and no opportunity came of it yet."
            ]),
            json!([
                "KEEP_PROMISE",
                "2017-05-12",
                promise,
                "Acme was promised “A price list” on 2017-05-02; it is due on 2017-05-12."
            ]),
            json!(["REVIEW_PLAN", "2017-05-14", plan, "The plan “Win” for Acme is to be reviewed on 2017-05-14."]),
            json!([
                "FILL_BLANK_DAY",
                "2017-05-16",
                ann.id(),
                "Tuesday, 2017-05-16, has 480 working minutes and no touch with a target."
            ]),
            json!([
                "FILL_BLANK_DAY",
                "2017-05-17",
                ann.id(),
                "Wednesday, 2017-05-17, has 480 working minutes and no touch with a target."
            ]),
            json!([
                "FILL_BLANK_DAY",
                "2017-05-18",
                ann.id(),
                "Thursday, 2017-05-18, has 480 working minutes and no touch with a target."
            ]),
            json!([
                "FILL_BLANK_DAY",
                "2017-05-19",
                ann.id(),
                "Friday, 2017-05-19, has 480 working minutes and no touch with a target."
            ]),
        ]
    );
    world.finish().await;
}

/// Suggestions of kinds that are about the account itself, with their subjects.
async fn subjects(who: &Client, of: &Member, kinds: &str) -> Vec<String> {
    let found = whole(who, of, &format!("(kinds: [{kinds}], first: 200)")).await;
    found.as_array().unwrap().iter().map(|action| action["subject"]["id"].as_str().unwrap().to_owned()).collect()
}

#[on_both_databases]
async fn nothing_at_an_archived_account_is_suggested_until_it_is_restored(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    target(&ann, &mia, &acme).await;
    let umbrella = ann.account(json!({"name": "Umbrella"})).await;
    let input = json!({"accountId": umbrella, "kind": "DREAM_CLIENT", "rationale": "Everybody needs one."});
    mia.make("proposeTarget", "target", input).await;
    ann.opportunity(&acme, json!({"name": "Warehouse", "openedOn": "2017-01-01", "amount": "5"})).await;
    let input = json!({"accountId": acme, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    let plan = ann.make("createPlan", "plan", input).await;
    ann.mutate("updatePlan", "plan { id }", json!({"id": plan, "nextReviewOn": "2017-05-12"})).await.done();
    let input = json!({"planId": plan, "title": "Call", "dueOn": "2017-05-01", "assigneeId": ann.id()});
    ann.mutate("addAction", "plan { id }", input).await.done();
    ann.make("makePromise", "promise", json!({"accountId": acme, "what": "A list", "dueOn": "2017-05-12"})).await;
    let input = json!({"accountId": acme, "kind": "DISSATISFACTION", "occurredOn": "2017-05-01"});
    ann.make("recordTriggerEvent", "triggerEvent", input).await;
    let counts = async || {
        let answer = ann.query("{ me { today { on total counts { kind count } } } }").await;
        let rows = answer.data("me.today.counts").as_array().unwrap().clone();
        let kinds: Vec<String> = rows.iter().map(|row| format!("{} {}", row["kind"], row["count"])).collect();
        (kinds.join(", ").replace('"', ""), answer.data("me.today.total").clone())
    };
    let everything = "ANSWER_TRIGGER_EVENT 1, KEEP_PROMISE 1, TOUCH_TARGET 1, DO_ACTION 1, ASK_FOR_COMMITMENT 1, DECIDE_TARGET 1, \
        REVIEW_PLAN 1, SET_GOAL 1, FILL_BLANK_DAY 5";
    assert_eq!(counts().await, (everything.to_owned(), json!(13)));
    for account in [&acme, &umbrella] {
        ann.mutate("archiveAccount", "", json!({"id": account})).await.done();
    }
    assert_eq!(counts().await, ("FILL_BLANK_DAY 5".to_owned(), json!(5)));
    // Nor are its targets on the list, absent, or to be reviewed.
    let list =
        "{ me { targetList { size targets { id } proposals { id } capacity { used } readiness unpursued { id } } }
        targets(filter: {absent: true}) { totalCount } }";
    let answer = ann.query(list).await;
    let nothing =
        json!({"size": 0, "targets": [], "proposals": [], "capacity": {"used": 0}, "readiness": null, "unpursued": []});
    assert_eq!((answer.data("me.targetList"), answer.data("targets.totalCount")), (&nothing, &json!(0)));
    let input = json!({"sellerId": ann.id(), "keep": [], "drop": []});
    mia.mutate("reviewTargetList", "targetList { size }", input).await.done();
    for account in [&acme, &umbrella] {
        ann.mutate("restoreAccount", "", json!({"id": account})).await.done();
    }
    assert_eq!(counts().await, (everything.to_owned(), json!(13)));
    assert_eq!(ann.query(list).await.data("targets.totalCount"), &json!(2));
    world.finish().await;
}

#[on_both_databases]
async fn a_touch_that_comes_after_the_account_is_absent_comes_too_late(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let target = target(&ann, &mia, &acme).await;
    // A meeting fades in 15.866 days: from 24 April, 15:45, on that is 33 minutes after noon of 10 May.
    import(&ann, &acme, "MEETING", "2017-04-24T15:45:00Z").await;
    let left = ann.query("{ accounts { nodes { presence { daysUntilAbsent } } } }").await;
    let left = left.data("accounts.nodes.0.presence.daysUntilAbsent").as_f64().unwrap() * 1440.0;
    assert!((25.0..40.0).contains(&left), "{left} minutes");
    let at = async |at: &str| {
        let input = json!({"accountId": acme, "kind": "CALL", "at": at});
        ann.make("scheduleTouch", "touch", input).await
    };
    at("2017-05-11T10:00:00Z").await;
    assert_eq!(subjects(&ann, &ann, "TOUCH_TARGET").await, [target]);
    at("2017-05-10T12:20:00Z").await;
    assert!(subjects(&ann, &ann, "TOUCH_TARGET").await.is_empty());
    world.finish().await;
}
