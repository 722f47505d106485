//! One-on-ones: who schedules, sees and changes them, and what is decided in them.

use serde_json::{Value, json};
use tests::actors::Member;
use tests::{World, on_both_databases};

const MEETING: &str = "oneOnOne { id version scheduledFor heldAt notes manager { name } seller { name } items { note account { name } target { status } } }";

fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

async fn seen(who: &Member, filter: &str) -> usize {
    let answer = who.query(&format!("{{ oneOnOnes(filter: {{{filter}}}) {{ totalCount nodes {{ id }} }} }}")).await;
    let nodes = answer.each("oneOnOnes.nodes", "id").len();
    assert_eq!(answer.data("oneOnOnes.totalCount"), &json!(nodes));
    nodes
}

#[on_both_databases]
async fn candidates_become_targets_in_a_one_on_one(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    let input = json!({"sellerId": ann.id(), "scheduledFor": "2017-04-03T10:00:00+02:00",
        "items": [{"accountId": globex, "note": " Worth it? "}, {"accountId": acme}]});
    let answer = ann.mutate("scheduleOneOnOne", MEETING, input).await.done();
    let meeting = answer.data("scheduleOneOnOne.oneOnOne");
    let expected = json!([{"note": "Worth it?", "account": {"name": "Globex"}, "target": null},
        {"note": null, "account": {"name": "Acme"}, "target": null}]);
    assert_eq!((&meeting["items"], &meeting["manager"]["name"]), (&expected, &json!("Mia")));
    assert_eq!((&meeting["scheduledFor"], &meeting["heldAt"]), (&json!("2017-04-03T08:00:00Z"), &Value::Null));
    let id = meeting["id"].as_str().unwrap();

    // Proposed and decided there.
    let input = json!({"accountId": globex, "kind": "DREAM_CLIENT", "rationale": "They grow.", "oneOnOneId": id});
    let target = ann.make("proposeTarget", "target", input).await;
    let input = json!({"id": target, "decision": "AGREE", "oneOnOneId": id});
    let answer = mia.mutate("decideTarget", "target { oneOnOne { id notes } }", input).await.done();
    assert_eq!(answer.text("decideTarget.target.oneOnOne.id"), id);
    let input = json!({"id": id, "notes": "We agreed on Globex.", "items": [{"accountId": globex}]});
    mia.mutate("updateOneOnOne", MEETING, input).await.done();
    let answer =
        ann.mutate("updateOneOnOne", MEETING, json!({"id": id, "heldAt": "2017-04-03T08:05:00Z"})).await.done();
    let meeting = answer.data("updateOneOnOne.oneOnOne");
    assert_eq!((&meeting["notes"], &meeting["version"]), (&json!("We agreed on Globex."), &json!(3)));
    assert_eq!(
        meeting["items"],
        json!([{"note": null, "account": {"name": "Globex"}, "target": {"status": "AGREED"}}])
    );
    // What was held stays as it is.
    for who in [&*ann, &*mia] {
        let answer = who.mutate("updateOneOnOne", MEETING, json!({"id": id, "notes": "No."})).await;
        assert_eq!(answer.refusals(), refusal("CONFLICT", "input.id"));
    }
    // It still says what came of it once the target is gone.
    ann.mutate("closeTarget", "target { id }", json!({"id": target, "as": "WON"})).await.done();
    let answer = mia
        .query(&format!("{{ node(id: \"{id}\") {{ ... on OneOnOne {{ items {{ target {{ status }} }} }} }} }}"))
        .await;
    assert_eq!(answer.data("node.items"), &json!([{"target": {"status": "WON"}}]));
}

#[on_both_databases]
async fn a_one_on_one_is_between_its_two_and_seen_by_those_above(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    let admin = world.admin();
    let at = "2017-04-03T10:00:00Z";
    let schedule = async |who: &Member, fields: Value| {
        let mut input = json!({"sellerId": ann.id(), "scheduledFor": at});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        who.mutate("scheduleOneOnOne", MEETING, input).await
    };
    for (who, fields, manager) in [
        (&*ann, json!({}), "Mia"),
        (&*mia, json!({}), "Mia"),
        (&*boss, json!({}), "Boss"),
        (&**admin, json!({}), "Mia"),
        (&*ann, json!({"managerId": boss.id()}), "Boss"),
    ] {
        let answer = schedule(who, fields).await.done();
        assert_eq!(answer.text("scheduleOneOnOne.oneOnOne.manager.name"), manager);
    }
    assert_eq!(schedule(&bob, json!({})).await.refusals(), refusal("FORBIDDEN", "input.sellerId"));
    for manager in [bob.id(), ann.id(), admin.id()] {
        assert_eq!(
            schedule(&ann, json!({"managerId": manager})).await.refusals(),
            refusal("INVALID", "input.managerId")
        );
    }
    assert_eq!(
        schedule(&boss, json!({"sellerId": boss.id()})).await.refusals(),
        refusal("REQUIRED", "input.managerId")
    );
    for (who, all) in [(&*ann, 5), (&*bob, 0), (&*mia, 5), (&*boss, 5), (&**admin, 5)] {
        assert_eq!(seen(who, "").await, all);
    }
    assert_eq!(seen(&boss, &format!("managerId: {{eq: \"{}\"}}, held: false", boss.id())).await, 2);
    assert_eq!(seen(&boss, &format!("sellerId: {{eq: \"{}\"}}, held: true", ann.id())).await, 0);
    assert_eq!(seen(&boss, "scheduledFor: {gt: \"2017-04-04T00:00:00Z\"}").await, 0);
    // A colleague finds nothing, not even in the feed.
    let answer = mia.query("{ oneOnOnes(first: 1) { nodes { id } } }").await;
    let id = answer.text("oneOnOnes.nodes.0.id");
    let update = async |who: &Member, fields: Value| {
        let mut input = json!({"id": id});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        who.mutate("updateOneOnOne", MEETING, input).await
    };
    assert_eq!(update(&bob, json!({"notes": "Hm."})).await.refusals(), refusal("NOT_FOUND", "input.id"));
    for who in [&*boss, &**admin] {
        assert_eq!(update(who, json!({"notes": "Hm."})).await.refusals(), refusal("FORBIDDEN", "input.id"));
    }
    let events = "{ events(filter: {types: [\"oneonone.scheduled\"]}) { nodes { changes } } }";
    assert_eq!(bob.query(events).await.each("events.nodes", "changes").len(), 0);
    assert_eq!(mia.query(events).await.each("events.nodes", "changes").len(), 5);
    assert_eq!(bob.query(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await.data("node"), &Value::Null);

    // Bad input.
    assert_eq!(
        update(&ann, json!({"heldAt": "2999-01-01T00:00:00Z"})).await.refusals(),
        refusal("INVALID", "input.heldAt")
    );
    assert_eq!(update(&ann, json!({"scheduledFor": null})).await.refusals(), refusal("REQUIRED", "input.scheduledFor"));
    assert_eq!(
        update(&ann, json!({"notes": "x", "ifVersion": 7})).await.refusals(),
        refusal("STALE_VERSION", "input.ifVersion")
    );
    let (own, foreign) = (ann.account(json!({"name": "Own"})).await, bob.account(json!({"name": "Foreign"})).await);
    let items =
        json!({"items": [{"accountId": own}, {"accountId": own}, {"accountId": foreign}, {"accountId": "nonsense"}]});
    let expected = [("INVALID", 1), ("NOT_FOUND", 2), ("NOT_FOUND", 3)];
    assert_eq!(
        update(&ann, items).await.refusals(),
        expected.map(|(code, at)| (code.to_owned(), format!("input.items.{at}.accountId")))
    );
    // Items out of sight are left out: of Bob's account Ann's view has nothing.
    update(&mia, json!({"items": [{"accountId": own}, {"accountId": foreign}]})).await.done();
    let count = async |who: &Member| {
        let answer = who
            .query(&format!("{{ node(id: \"{id}\") {{ ... on OneOnOne {{ items {{ account {{ name }} }} }} }} }}"))
            .await;
        answer.each("node.items", "account.name").len()
    };
    assert_eq!((count(&ann).await, count(&mia).await), (1, 2));
    // In the feed too.
    let events = "{ events(filter: {types: [\"oneonone.updated\"]}) { nodes { changes } } }";
    for (who, agenda) in [(&*ann, vec![&own]), (&*mia, vec![&own, &foreign])] {
        let answer = who.query(events).await;
        let items: Vec<Value> = agenda.iter().map(|account| json!({"accountId": account, "note": null})).collect();
        assert_eq!(answer.data("events.nodes.0.changes.items"), &json!({"from": [], "to": items}));
    }
    // Decisions link to the seller's own.
    let input = json!({"accountId": foreign, "kind": "GROWTH", "rationale": "They buy.", "oneOnOneId": id});
    assert_eq!(
        mia.mutate("proposeTarget", "target { id }", input.clone()).await.refusals(),
        refusal("INVALID", "input.oneOnOneId")
    );
    assert_eq!(
        bob.mutate("proposeTarget", "target { id }", input).await.refusals(),
        refusal("NOT_FOUND", "input.oneOnOneId")
    );
}
