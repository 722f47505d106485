//! Focus: where the effort went, by the target list at each touch's own time; and what of a touch says so.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

/// A server on this database whose clock stands at an instant.
async fn later(database: Database, at: &str) -> Server {
    let stop: StoppedAt = at.parse().unwrap();
    Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await
}

/// A target of the seller's that another one agreed to; or the seller, alone.
async fn target(seller: &Member, other: &Member, account: &str) -> String {
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let target = seller.make("proposeTarget", "target", input).await;
    other.mutate("decideTarget", "target { status }", json!({"id": target, "decision": "AGREE"})).await.done();
    target
}

const FOCUS: &str = "from to touches targetTouches share minutes targetMinutes minutesShare receptiveBias
    byWeek { startsOn touches targetTouches share minutes targetMinutes minutesShare }";

async fn focus(who: &Client, of: &str, from: &str, to: &str) -> Value {
    let document = format!(
        "query($id: ID!) {{ node(id: $id) {{ ... on User {{ focus(range: {{from: \"{from}\", to: \"{to}\"}}) {{ {FOCUS} }} }} }} }}"
    );
    who.send(&document, json!({"id": of})).await.data("node.focus").clone()
}

#[on_both_databases]
async fn effort_is_judged_by_the_list_at_each_touch_s_own_time(empty: &Database) {
    let kind = empty.kind();
    let world = World::on(later(Database::make_ready(kind).await, "2017-04-05T12:00:00Z").await).await;
    // In Auckland it is midnight.
    let ann = world.seller("Ann").with(json!({"timeZone": "Pacific/Auckland"})).await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    let id = target(&ann, &ann, &acme).await;
    let (email, user) = (ann.email().to_owned(), ann.id().to_owned());
    let server = later(world.into_server().stop().await, "2017-04-20T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    ann.mutate("closeTarget", "target { id }", json!({"id": id, "as": "WON"})).await.done();
    let touch = async |account: &str, at: &str, fields: Value| {
        let mut input = json!({"accountId": account, "kind": "CALL", "at": at});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ann.mutate("logTouch", "touch { id onTarget }", input).await.done().data("logTouch.touch.onTarget").clone()
    };
    // Monday, 3 April to Sunday, 16 April, as Auckland counts.
    assert_eq!(touch(&acme, "2017-04-02T11:59:00Z", json!({"durationMinutes": 500})).await, false);
    assert_eq!(touch(&acme, "2017-04-02T12:00:00Z", json!({"durationMinutes": 20})).await, false);
    assert_eq!(touch(&acme, "2017-04-05T11:59:59.999999Z", json!({})).await, false);
    assert_eq!(touch(&acme, "2017-04-05T12:00:00Z", json!({"kind": "MEETING"})).await, true);
    assert_eq!(touch(&globex, "2017-04-06T12:00:00Z", json!({"kind": "EMAIL"})).await, false);
    assert_eq!(touch(&acme, "2017-04-12T12:00:00Z", json!({"kind": "EVENT"})).await, true);
    assert_eq!(touch(&acme, "2017-04-20T12:00:00Z", json!({})).await, false);
    let made = focus(&ann, &user, "2017-04-03", "2017-04-20").await;
    let fifth = 1.0 / 5.0;
    assert_eq!(
        made["byWeek"],
        json!([
        {"startsOn": "2017-04-03", "touches": 4, "targetTouches": 1, "share": 0.25, "minutes": 100, "targetMinutes": 60, "minutesShare": 0.6},
        {"startsOn": "2017-04-10", "touches": 1, "targetTouches": 1, "share": 1.0, "minutes": 120, "targetMinutes": 120, "minutesShare": 1.0},
        {"startsOn": "2017-04-17", "touches": 0, "targetTouches": 0, "share": null, "minutes": 0, "targetMinutes": 0, "minutesShare": null}])
    );
    let share = made["share"].as_f64().unwrap();
    assert!((share - 2.0 * fifth).abs() < 1e-12, "{share}");
    assert_eq!((&made["touches"], &made["minutes"], &made["targetMinutes"]), (&json!(5), &json!(220), &json!(180)));
    assert_eq!(
        (&made["from"], &made["to"], &made["receptiveBias"]),
        (&json!("2017-04-03"), &json!("2017-04-20"), &json!(0.0))
    );

    // The same question of lists and groups.
    let answer = ann
        .query("{ yes: touches(filter: {onTarget: true}) { totalCount } no: touches(filter: {not: {onTarget: true}}) { totalCount }
            analytics { touches(groupBy: [ON_TARGET]) { key { dimension value node { id } } count minutes } } }")
        .await;
    assert_eq!((answer.data("yes.totalCount"), answer.data("no.totalCount")), (&json!(2), &json!(5)));
    assert_eq!(
        answer.data("analytics.touches"),
        &json!([
        {"key": [{"dimension": "ON_TARGET", "value": "false", "node": null}], "count": 5, "minutes": 555},
        {"key": [{"dimension": "ON_TARGET", "value": "true", "node": null}], "count": 2, "minutes": 180}])
    );
    let mut answer = focus(&ann, &user, "2016-01-01", "2016-01-03").await;
    answer["byWeek"].take();
    assert_eq!(
        answer,
        json!({"from": "2016-01-01", "to": "2016-01-03", "touches": 0, "targetTouches": 0, "share": null, "minutes": 0,
        "targetMinutes": 0, "minutesShare": null, "receptiveBias": null, "byWeek": null})
    );
    server.finish().await;
}

#[on_both_databases]
async fn a_bias_is_time_spent_with_those_who_answer_and_are_no_targets(empty: &Database) {
    let kind = empty.kind();
    let world = World::on(later(Database::make_ready(kind).await, "2017-04-20T12:00:00Z").await).await;
    let ann = world.seller("Ann").await;
    let (friendly, quiet) =
        (ann.account(json!({"name": "Friendly"})).await, ann.account(json!({"name": "Quiet"})).await);
    for account in [&friendly, &quiet] {
        for (day, answered) in [("2017-02-01", true), ("2017-03-01", account == &friendly), ("2017-04-01", false)] {
            let at = format!("{day}T10:00:00Z");
            ann.touch(account, json!({"kind": "CALL", "at": at, "responded": answered})).await;
        }
        ann.touch(account, json!({"kind": "MEETING", "at": "2017-04-10T10:00:00Z", "durationMinutes": 30})).await;
        // What was called off takes no time.
        let input = json!({"accountId": account, "kind": "MEETING", "at": "2017-04-21T10:00:00Z"});
        let touch = ann.make("scheduleTouch", "touch", input).await;
        ann.mutate("cancelTouch", "", json!({"id": touch})).await.done();
    }
    let found = focus(&ann, ann.id(), "2017-04-10", "2017-04-30").await;
    assert_eq!((&found["touches"], &found["minutes"], &found["receptiveBias"]), (&json!(2), &json!(60), &json!(0.5)));
    // More than 90 days after the first of them there are too few.
    ann.touch(&friendly, json!({"kind": "CALL", "at": "2017-04-20T10:00:00Z", "durationMinutes": 30})).await;
    let found = focus(&ann, ann.id(), "2017-04-20", "2017-04-20").await;
    assert_eq!((&found["touches"], &found["receptiveBias"]), (&json!(1), &json!(1.0)));
    let found = focus(&ann, ann.id(), "2017-04-01", "2017-04-01").await;
    assert_eq!((&found["touches"], &found["receptiveBias"]), (&json!(2), &json!(0.0)));
    world.finish().await;
}

#[on_both_databases]
async fn focus_is_for_the_user_and_those_above_and_costs_the_same_for_all(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    let account = ann.account(json!({"name": "Acme"})).await;
    ann.touch(&account, json!({"kind": "CALL"})).await;
    let today = world.server().app().clock.now().to_string()[..10].to_owned();
    for (who, sees) in [(&*ann, true), (&*bob, false), (&*mia, true), (&**world.admin(), true)] {
        let said = focus(who, ann.id(), &today, &today).await;
        assert_eq!(said["touches"], if sees { json!(1) } else { Value::Null }, "{}", who.name());
    }
    let page =
        format!("{{ users {{ nodes {{ focus(range: {{from: \"2017-01-01\", to: \"{today}\"}}) {{ touches }} }} }} }}");
    let (_, some) = count(world.server(), mia.query(&page)).await;
    for name in ["Cid", "Dan"] {
        let one = world.seller(name).under(&mia).await;
        let account = one.account(json!({"name": name})).await;
        one.touch(&account, json!({"kind": "CALL"})).await;
        target(&one, &mia, &account).await;
    }
    mia.query("{ me { id } }").await;
    let (answer, more) = count(world.server(), mia.query(&page)).await;
    assert_eq!(answer.each("users.nodes", "focus").len(), 6);
    assert_eq!(some, more);
}

#[on_both_databases]
async fn ranges_are_checked(world: &World) {
    let ann = world.seller("Ann").await;
    let ask = async |from: &str, to: &str, fields: &str| {
        ann.query(&format!("{{ me {{ focus(range: {{from: \"{from}\", to: \"{to}\"}}) {{ {fields} }} }} }}")).await
    };
    assert_eq!(ask("2017-04-04", "2017-04-03", "touches").await.error_code(), "BAD_USER_INPUT");
    assert_eq!(ask("2017-02-29", "2017-04-03", "touches").await.error_code(), "GRAPHQL_VALIDATION_FAILED");
    // All of time has no list of weeks, and sums all the same.
    let account = ann.account(json!({"name": "Acme"})).await;
    ann.touch(&account, json!({"kind": "CALL", "at": "0001-01-01T00:00:00Z"})).await;
    ann.touch(&account, json!({"kind": "CALL"})).await;
    let answer = ask("0001-01-01", "9999-12-31", "touches").await;
    assert_eq!(answer.data("me.focus.touches"), &json!(2));
    assert_eq!(ask("0001-01-01", "9999-12-31", "byWeek { touches }").await.error_code(), "LIMIT_EXCEEDED");
    let answer = ask("2017-01-02", "2026-07-26", "byWeek { touches }").await;
    assert_eq!(answer.data("me.focus.byWeek").as_array().unwrap().len(), 499);
}
