//! Suggestions by id: their titles and facts, and putting them off until a day.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::{Client, Database, Seller, Server, Subject as _, World, on_both_databases};

/// A world whose clock stands at noon of Wednesday, 10 May 2017, UTC.
async fn may_2017(kind: tests::Kind) -> World {
    let stop: StoppedAt = "2017-05-10T12:00:00Z".parse().unwrap();
    let database = Database::make_ready(kind).await;
    World::on(Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await).await
}

const KINDS: &str = "kinds: [KEEP_PROMISE, ASK_FOR_COMMITMENT, ANSWER_TRIGGER_EVENT, FILL_BLANK_DAY]";
const ACTION: &str = "actions { id kind title subjectId subject { id } facts dueOn snoozedUntil }";

/// The list of a user, with these arguments besides the kinds.
async fn today(who: &Client, of: &Member, arguments: &str) -> Value {
    let document = format!(
        "query($id: ID!) {{ node(id: $id) {{ ... on User {{ today({KINDS} {arguments}) {{ \
         total snoozed counts {{ kind count }} {ACTION} }} }} }} }}"
    );
    who.send(&document, json!({"id": of.id()})).await.data("node.today").clone()
}

/// The id of the first suggestion of a kind.
fn id_of(list: &Value, kind: &str) -> String {
    let of_kind = |action: &&Value| action["kind"] == kind;
    let action = list["actions"].as_array().unwrap().iter().find(of_kind).unwrap();
    action["id"].as_str().unwrap().to_owned()
}

/// A seller with a promise that is overdue, a stalled opportunity and a trigger event at Acme.
async fn ann(world: &World, fields: Value) -> (Seller, [String; 3]) {
    let ann: Seller = world.seller("Ann").with(fields).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let promise = json!({"accountId": acme, "what": "A price list", "madeOn": "2017-05-01", "dueOn": "2017-05-08"});
    let promise = ann.make("makePromise", "promise", promise).await;
    let fields = json!({"name": "Warehouse", "amount": "12000.50", "openedOn": "2017-04-10"});
    let opportunity = ann.opportunity(&acme, fields).await;
    let event = json!({"accountId": acme, "kind": "FUNDING", "occurredOn": "2017-05-04"});
    let event = ann.make("recordTriggerEvent", "triggerEvent", event).await;
    (ann, [promise, opportunity, event])
}

async fn snooze(who: &Client, id: &str, until: Value) -> tests::Answer {
    let selection = "suggestedAction { id kind snoozedUntil }";
    who.mutate("snoozeSuggestedAction", selection, json!({"id": id, "until": until})).await
}

#[on_both_databases]
async fn a_suggestion_has_an_id_a_title_and_the_numbers_of_its_sentences(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (ann, [promise, opportunity, event]) = ann(&world, json!({})).await;
    let list = today(&ann, &ann, "").await;
    let shown = |kind: &str| {
        let action = list["actions"].as_array().unwrap().iter().find(|action| action["kind"] == kind).unwrap();
        json!([action["title"], action["subjectId"], action["facts"], action["snoozedUntil"]])
    };
    assert_eq!(shown("KEEP_PROMISE"), json!(["A price list", promise, {"daysLate": 2, "daysWaited": 9}, null]));
    assert_eq!(
        shown("ASK_FOR_COMMITMENT"),
        json!(["Warehouse", opportunity, {"daysSinceOpened": 30, "daysSinceAsked": null, "amount": 12000.5}, null])
    );
    assert_eq!(shown("ANSWER_TRIGGER_EVENT"), json!(["Acme", event, {"daysAgo": 6, "daysItCounts": 90}, null]));
    assert_eq!(
        shown("FILL_BLANK_DAY"),
        json!(["Monday, 2017-05-15", ann.id(), {"workingMinutes": 480, "blankDays": 5, "workingDays": 5}, null])
    );
    // Each has an id of its own, the same on every day and for every caller.
    let ids = |list: &Value| -> Vec<String> {
        list["actions"].as_array().unwrap().iter().map(|action| action["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut distinct = ids(&list);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 8);
    assert_eq!(ids(&today(world.admin(), &ann, "").await), ids(&list));
    let tomorrow = today(&ann, &ann, "on: \"2017-05-11\"").await;
    for kind in ["KEEP_PROMISE", "ASK_FOR_COMMITMENT", "ANSWER_TRIGGER_EVENT", "FILL_BLANK_DAY"] {
        assert_eq!(id_of(&tomorrow, kind), id_of(&list, kind), "{kind}");
    }
    for action in list["actions"].as_array().unwrap() {
        assert_eq!(action["subjectId"], action["subject"]["id"]);
    }
    world.finish().await;
}

#[on_both_databases]
async fn a_snoozed_suggestion_is_left_out_until_its_day(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (ann, _) = ann(&world, json!({})).await;
    let all = today(&ann, &ann, "").await;
    assert_eq!((&all["total"], &all["snoozed"]), (&json!(8), &json!(0)));
    let id = id_of(&all, "KEEP_PROMISE");
    let snoozed = snooze(&ann, &id, json!("2017-05-12")).await.done();
    let expected = json!({"id": id, "kind": "KEEP_PROMISE", "snoozedUntil": "2017-05-12"});
    assert_eq!(snoozed.data("snoozeSuggestedAction.suggestedAction"), &expected);

    let kinds = |list: &Value| -> Vec<Value> {
        list["actions"].as_array().unwrap().iter().map(|action| action["kind"].clone()).collect()
    };
    for who in [&*ann, &**world.admin()] {
        let list = today(who, &ann, "").await;
        assert_eq!((&list["total"], &list["snoozed"]), (&json!(7), &json!(1)));
        assert!(!kinds(&list).contains(&json!("KEEP_PROMISE")));
        assert!(!list["counts"].as_array().unwrap().iter().any(|count| count["kind"] == "KEEP_PROMISE"));
    }
    // On request the snoozed ones are listed instead, and nothing else changes.
    let list = today(&ann, &ann, "snoozed: true").await;
    assert_eq!((&list["total"], &list["snoozed"], kinds(&list)), (&json!(7), &json!(1), vec![json!("KEEP_PROMISE")]));
    assert_eq!(list["actions"][0]["snoozedUntil"], "2017-05-12");
    // Yesterday it was not snoozed, tomorrow it is, and then it comes back.
    for (on, there) in [("2017-05-09", true), ("2017-05-11", false), ("2017-05-12", true)] {
        let list = today(&ann, &ann, &format!("on: \"{on}\"")).await;
        assert_eq!(kinds(&list).contains(&json!("KEEP_PROMISE")), there, "{on}");
        assert_eq!(list["snoozed"], i32::from(!there), "{on}");
    }

    // The same again changes nothing; another day is an update; null ends it, and so does null again.
    snooze(&ann, &id, json!("2017-05-12")).await.done();
    snooze(&ann, &id, json!("2018-05-10")).await.done();
    assert_eq!(today(&ann, &ann, "on: \"2018-05-09\"").await["snoozed"], 1);
    for _ in 0..2 {
        let ended = snooze(&ann, &id, Value::Null).await.done();
        assert_eq!(ended.data("snoozeSuggestedAction.suggestedAction.snoozedUntil"), &Value::Null);
    }
    assert_eq!(today(&ann, &ann, "").await, all);
    let feed = async |who: &Client| {
        let document = "{ events(first: 200, filter: {types: [\"snooze.created\", \"snooze.updated\", \"snooze.deleted\"]}) { nodes { type } } }";
        let answer = who.query(document).await;
        answer.each("events.nodes", "type").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(feed(&ann).await, ["snooze.created", "snooze.updated", "snooze.deleted"]);
    // Only the user and those above them see the events.
    let bob = world.seller("Bob").await;
    assert_eq!(feed(&bob).await, [""; 0]);
    world.finish().await;
}

#[on_both_databases]
async fn a_snooze_is_of_one_user_and_one_subject(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let make = async |who: &Member| {
        let input = json!({"accountId": acme, "what": "A list", "madeOn": "2017-05-01", "dueOn": "2017-05-08"});
        who.make("makePromise", "promise", input).await
    };
    let (first, _, of_mia) = (make(&ann).await, make(&ann).await, make(&mia).await);
    let list = today(&ann, &ann, "").await;
    let action = list["actions"].as_array().unwrap().iter().find(|action| action["subjectId"] == *first).unwrap();
    snooze(&ann, action["id"].as_str().unwrap(), json!("2017-05-12")).await.done();
    let list = today(&ann, &ann, "").await;
    let promises = list["counts"].as_array().unwrap().iter().find(|count| count["kind"] == "KEEP_PROMISE").unwrap();
    assert_eq!((&promises["count"], &list["snoozed"]), (&json!(1), &json!(1)));
    // One blank day of five.
    let blank = id_of(&list, "FILL_BLANK_DAY");
    snooze(&ann, &blank, json!("2017-05-11")).await.done();
    let list = today(&ann, &ann, "").await;
    assert_eq!((list["snoozed"].clone(), id_of(&list, "FILL_BLANK_DAY") != blank), (json!(2), true));
    let list = today(&mia, &mia, "").await;
    assert_eq!((&list["snoozed"], &list["actions"][0]["subjectId"]), (&json!(0), &json!(of_mia)));
    world.finish().await;
}

#[on_both_databases]
async fn what_cannot_be_snoozed_is_refused(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let mia = world.manager("Mia").await;
    let (ann, [promise, ..]) = ann(&world, json!({"timeZone": "Pacific/Auckland", "managerId": mia.id()})).await;
    let bob = world.seller("Bob").under(&mia).await;
    let other = world.another_organization("Globex").await;
    let id = id_of(&today(&ann, &ann, "").await, "KEEP_PROMISE");
    let refused = |code: &str, field: &str| vec![(code.to_owned(), format!("input.{field}"))];
    let until = || json!("2017-06-01");
    // Those above see it and may not snooze it; for others it does not exist.
    for (who, code) in
        [(&*mia, "FORBIDDEN"), (&**world.admin(), "FORBIDDEN"), (&*bob, "NOT_FOUND"), (&**other.admin(), "NOT_FOUND")]
    {
        assert_eq!(snooze(who, &id, until()).await.refusals(), refused(code, "id"), "{}", who.name());
    }
    let swapped = id.replace("suggestedaction_", "promise_");
    let cut = &id[..id.len() - 1];
    for unknown in ["", "suggestedaction_", &promise, &swapped, cut, &format!("{id}0")] {
        assert_eq!(snooze(&ann, unknown, until()).await.refusals(), refused("NOT_FOUND", "id"), "{unknown}");
    }
    // It is already 11 May in Auckland.
    for day in ["2017-05-10", "2017-05-11", "2018-05-12", "0001-01-01", "9999-12-31"] {
        assert_eq!(snooze(&ann, &id, json!(day)).await.refusals(), refused("INVALID", "until"), "{day}");
    }
    let both = [refused("NOT_FOUND", "id"), refused("INVALID", "until")].concat();
    assert_eq!(snooze(&ann, "nothing", json!("2017-05-10")).await.refusals(), both);
    let without = ann.mutate("snoozeSuggestedAction", "suggestedAction { id }", json!({ "id": id })).await;
    assert_eq!(without.refusals(), refused("REQUIRED", "until"));
    assert_eq!(
        world
            .stranger()
            .mutate("snoozeSuggestedAction", "suggestedAction { id }", json!({"id": id, "until": null}))
            .await
            .error_code(),
        "UNAUTHENTICATED"
    );
    assert_eq!(today(&ann, &ann, "").await["snoozed"], 0);
    for day in ["2017-05-12", "2018-05-11"] {
        snooze(&ann, &id, json!(day)).await.done();
    }
    // What is done is not there any more.
    ann.mutate("keepPromise", "", json!({"id": promise})).await.done();
    assert_eq!(snooze(&ann, &id, until()).await.refusals(), refused("NOT_FOUND", "id"));
    world.finish().await;
}

#[on_both_databases]
async fn a_suggestion_that_is_snoozed_twice_at_once_has_one_snooze(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (ann, _) = ann(&world, json!({})).await;
    let id = id_of(&today(&ann, &ann, "").await, "KEEP_PROMISE");
    let (one, two, three) = tokio::join!(
        snooze(&ann, &id, json!("2017-05-12")),
        snooze(&ann, &id, json!("2017-05-13")),
        snooze(&ann, &id, json!("2017-05-14")),
    );
    for answer in [one, two, three] {
        answer.done();
    }
    assert_eq!(today(&ann, &ann, "").await["snoozed"], 1);
    world.finish().await;
}
