//! Promises: who makes, keeps and deletes them, when they are overdue, and the reference to a touch.

use callshot::internals::StoppedAt;
use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::queries::count;
use tests::{Answer, Database, Member, Server, Subject as _, World, on_both_databases};

const ALL: &str = "promise { id account { name } contact { name } touch { subject } what madeOn dueOn keptOn madeBy { name } overdue version }";

fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

/// Returns a world whose clock stands still at noon of Monday, 3 April 2017, UTC.
async fn at_noon(database: &Database) -> World {
    let empty = Database::migrated(database.kind()).await;
    let stop: StoppedAt = "2017-04-03T12:00:00Z".parse().unwrap();
    World::on(Server::start_with(empty, |settings| settings.clock.stop = Some(stop)).await).await
}

async fn make(who: &Member, account: &str, made_on: &str, due_on: &str) -> Answer {
    let input = json!({"accountId": account, "what": "A price list", "madeOn": made_on, "dueOn": due_on});
    who.mutate("makePromise", ALL, input).await
}

/// Makes a promise on 1 March 2017 and returns its id.
async fn promise(who: &Member, account: &str, due_on: &str) -> String {
    make(who, account, "2017-03-01", due_on).await.done().text("makePromise.promise.id").to_owned()
}

async fn keep(who: &Member, id: &str, kept_on: Option<&str>) -> Answer {
    who.mutate("keepPromise", ALL, json!({"id": id, "keptOn": kept_on})).await
}

async fn delete(who: &Member, id: &str) -> Answer {
    who.mutate("deletePromise", ALL, json!({"id": id})).await
}

/// Returns the texts of a list of promises.
async fn listed(who: &Member, filter: &str) -> Vec<Value> {
    let answer = who.query(&format!("{{ promises(filter: {{{filter}}}) {{ totalCount nodes {{ what }} }} }}")).await;
    let named = answer.each("promises.nodes", "what");
    assert_eq!(answer.data("promises.totalCount"), &json!(named.len()), "{filter}");
    named.into_iter().cloned().collect()
}

#[on_both_databases]
async fn a_promise_is_kept_or_overdue(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let jo = ann.contact(&acme, json!({"name": "Jo"})).await;
    let call = ann.touch(&acme, json!({"kind": "CALL", "subject": "First call"})).await;
    let input =
        json!({"accountId": acme, "contactId": jo, "touchId": call, "what": " A price list ", "dueOn": "2017-04-10"});
    let answer = ann.mutate("makePromise", ALL, input).await.done();
    let mut found = answer.data("makePromise.promise").clone();
    let id = found["id"].take().as_str().unwrap().to_owned();
    allow_duplicates! {
        assert_json_snapshot!(found, @r#"
        {
          "id": null,
          "account": {
            "name": "Acme"
          },
          "contact": {
            "name": "Jo"
          },
          "touch": {
            "subject": "First call"
          },
          "what": "A price list",
          "madeOn": "2017-04-03",
          "dueOn": "2017-04-10",
          "keptOn": null,
          "madeBy": {
            "name": "Ann"
          },
          "overdue": false,
          "version": 1
        }
        "#);
    }
    let late = promise(&ann, &acme, "2017-04-02").await;
    let today = promise(&ann, &acme, "2017-04-03").await;
    let overdue = |answer: &Answer| answer.each("account.promises", "overdue").into_iter().cloned().collect::<Vec<_>>();
    let of_acme =
        |open: &str| format!("{{ account(by: {{id: \"{acme}\"}}) {{ promises{open} {{ overdue keptOn }} }} }}");
    // They are ordered by due date. One that is due today is not overdue.
    assert_eq!(overdue(&ann.query(&of_acme("")).await), [json!(true), json!(false), json!(false)]);

    let kept = keep(&ann, &late, None).await.done();
    let found = kept.data("keepPromise.promise");
    assert_eq!(
        (&found["keptOn"], &found["overdue"], &found["version"]),
        (&json!("2017-04-03"), &json!(false), &json!(2))
    );
    assert_eq!(keep(&ann, &late, None).await.refusals(), refusal("CONFLICT", "input.id"));
    keep(&ann, &today, Some("2017-03-01")).await.done();
    assert_eq!(ann.query(&of_acme("(open: true)")).await.each("account.promises", "keptOn"), [&Value::Null]);
    assert_eq!(
        ann.query(&of_acme("(open: false)")).await.each("account.promises", "keptOn"),
        [&json!("2017-04-03"), &json!("2017-03-01")]
    );
    let of_call = format!("{{ node(id: \"{call}\") {{ ... on Touch {{ promises {{ what dueOn }} }} }} }}");
    assert_eq!(
        ann.query(&of_call).await.data("node.promises"),
        &json!([{"what": "A price list", "dueOn": "2017-04-10"}])
    );
    // Deleting returns the promise as it was.
    assert_eq!(delete(&ann, &id).await.done().text("deletePromise.promise.touch.subject"), "First call");
    assert_eq!(delete(&ann, &id).await.refusals(), refusal("NOT_FOUND", "input.id"));
    world.finish().await;
}

#[on_both_databases]
async fn invalid_promises_are_rejected(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    let elsewhere = ann.contact(&globex, json!({"name": "Jo"})).await;
    let call = ann.touch(&globex, json!({"kind": "CALL"})).await;
    // It cannot be due before it was made, or made in the future.
    assert_eq!(make(&ann, &acme, "2017-03-02", "2017-03-01").await.refusals(), refusal("INVALID", "input.dueOn"));
    assert_eq!(make(&ann, &acme, "2017-04-04", "2017-05-01").await.refusals(), refusal("INVALID", "input.madeOn"));
    // All invalid fields are reported.
    let input = json!({"accountId": acme, "contactId": elsewhere, "touchId": call, "what": " ", "madeOn": "2018-01-01", "dueOn": "2017-01-01"});
    let refusals = ann.mutate("makePromise", ALL, input).await.refusals();
    let fields: Vec<&str> = refusals.iter().map(|(_, field)| field.as_str()).collect();
    assert_eq!(fields, ["input.what", "input.madeOn", "input.dueOn", "input.contactId", "input.touchId"]);
    assert_eq!(refusals[0].0, "REQUIRED");
    let long = "x".repeat(20_001);
    let input = json!({"accountId": acme, "what": long, "dueOn": "9999-12-31"});
    assert_eq!(ann.mutate("makePromise", ALL, input).await.refusals(), refusal("INVALID", "input.what"));
    let id = promise(&ann, &acme, "9999-12-31").await;
    for day in ["2017-02-28", "2017-04-04"] {
        assert_eq!(keep(&ann, &id, Some(day)).await.refusals(), refusal("INVALID", "input.keptOn"), "{day}");
    }
    assert_eq!(keep(&ann, "nonsense", None).await.refusals(), refusal("NOT_FOUND", "input.id"));
    assert_eq!(keep(&ann, &call, None).await.refusals(), refusal("NOT_FOUND", "input.id"));
    // In a time zone where the next day has begun, that day is not in the future.
    ann.mutate("updateUser", "user { id }", json!({"id": ann.id(), "timeZone": "Pacific/Kiritimati"})).await.done();
    let early = make(&ann, &acme, "2017-04-04", "2017-04-04").await.done();
    let kept = keep(&ann, early.text("makePromise.promise.id"), None).await.done();
    assert_eq!(kept.text("keepPromise.promise.keptOn"), "2017-04-04");
    ann.mutate("archiveAccount", "", json!({"id": acme})).await.done();
    let refusals = make(&ann, &acme, "2017-03-01", "2017-04-10").await.refusals();
    assert_eq!(refusals, refusal("CONFLICT", "input.accountId"));
    world.finish().await;
}

#[on_both_databases]
async fn the_team_makes_and_keeps_promises_and_each_member_deletes_their_own(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").under(&mia).await;
    let eve = world.seller("Eve").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let seat = json!({"accountId": acme, "userId": bob.id(), "role": "TECHNICAL"});
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    let anns = promise(&ann, &acme, "2030-01-01").await;
    let bobs = promise(&bob, &acme, "2030-01-01").await;
    assert_eq!(delete(&bob, &anns).await.refusals(), refusal("FORBIDDEN", "input.id"));
    keep(&bob, &anns, None).await.done();
    delete(&bob, &bobs).await.done();
    let bobs = promise(&bob, &acme, "2030-01-01").await;
    delete(&mia, &bobs).await.done();
    for answer in [keep(&eve, &anns, None).await, delete(&eve, &anns).await] {
        assert_eq!(answer.refusals(), refusal("NOT_FOUND", "input.id"));
    }
    assert_eq!(make(&eve, &acme, "2017-03-01", "2030-01-01").await.refusals(), refusal("NOT_FOUND", "input.accountId"));
    assert!(listed(&eve, "").await.is_empty());
    assert_eq!(listed(&mia, &format!("madeById: {{eq: \"{}\"}}", ann.id())).await.len(), 1);
}

#[on_both_databases]
async fn of_two_who_keep_a_promise_concurrently_one_succeeds(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    for _ in 0..5 {
        let id = promise(&ann, &acme, "2030-01-01").await;
        let (one, two) = tokio::join!(keep(&ann, &id, None), keep(&ann, &id, Some("2017-03-01")));
        let mut refused: Vec<(String, String)> = [one.refusals(), two.refusals()].concat();
        assert_eq!(refused.pop(), Some(("CONFLICT".to_owned(), "input.id".to_owned())));
        assert!(refused.is_empty());
        let document = format!("{{ node(id: \"{id}\") {{ ... on ClientPromise {{ version }} }} }}");
        assert_eq!(ann.query(&document).await.data("node.version"), &json!(2));
    }
}

#[on_both_databases]
async fn a_promise_remains_when_its_touch_is_deleted(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    ann.account(json!({"name": "Globex", "domain": "globex.com"})).await;
    let external = json!([{"source": "crm", "id": "1"}]);
    let gone = ann.touch(&acme, json!({"kind": "CALL"})).await;
    let moved = ann.touch(&acme, json!({"kind": "CALL", "externalIds": external})).await;
    for touch in [&gone, &moved] {
        let input = json!({"accountId": acme, "touchId": touch, "what": "A price list", "dueOn": "2030-01-01"});
        ann.mutate("makePromise", ALL, input).await.done();
    }
    ann.mutate("deleteTouch", "", json!({"id": gone})).await.done();
    let rows = json!([{"externalId": external[0], "account": {"domain": "globex.com"}}]);
    let answer =
        ann.mutate("upsertTouches", "updated results { userErrors { message } }", json!({"rows": rows})).await.done();
    assert_eq!(answer.data("upsertTouches.updated"), &json!(1), "{answer}");
    let answer = ann.query("{ promises { nodes { touch { id } version account { name } } } }").await;
    let expected = json!({"touch": null, "version": 2, "account": {"name": "Acme"}});
    assert_eq!(answer.data("promises.nodes"), &json!([expected, expected]));
}

#[on_both_databases]
async fn lists_are_filtered_and_cost_the_same_statements_for_any_length(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let document =
        "{ accounts(orderBy: {field: NAME}) { nodes { promises { contact { name } touch { id } madeBy { name } } } } }";
    let fill = async |name: &str, number: usize| {
        let acme = ann.account(json!({"name": name})).await;
        let jo = ann.contact(&acme, json!({"name": "Jo"})).await;
        let call = ann.touch(&acme, json!({"kind": "CALL"})).await;
        for day in 1..=number {
            let input = json!({"accountId": acme, "contactId": jo, "touchId": call, "what": format!("{name} {day}"),
                "madeOn": "2017-03-01", "dueOn": format!("2017-04-{day:02}")});
            ann.mutate("makePromise", ALL, input).await.done();
        }
        acme
    };
    let acme = fill("Acme", 4).await;
    ann.query(document).await.answered();
    let (_, few) = count(world.server(), async { ann.query(document).await.answered() }).await;
    fill("Globex", 3).await;
    ann.query(document).await.answered();
    let (answer, many) = count(world.server(), async { ann.query(document).await.answered() }).await;
    assert_eq!(few, many);
    assert_eq!(answer.data("accounts.nodes.0.promises").as_array().unwrap().len(), 4);
    let touches = "{ touches { nodes { promises { what } } } }";
    let admin = world.admin();
    admin.query(touches).await.answered();
    let (answer, two) = count(world.server(), async { admin.query(touches).await.answered() }).await;
    assert_eq!((answer.each("touches.nodes", "promises").len(), two), (2, 2));

    let first = ann.query(&format!("{{ account(by: {{id: \"{acme}\"}}) {{ promises {{ id }} }} }}")).await;
    keep(&ann, first.text("account.promises.0.id"), None).await.done();
    assert_eq!(listed(&ann, "overdue: true").await, ["Acme 2", "Globex 1", "Globex 2"]);
    assert_eq!(listed(&ann, "overdue: false").await, ["Acme 1", "Acme 3", "Acme 4", "Globex 3"]);
    assert_eq!(listed(&ann, "open: false").await, ["Acme 1"]);
    assert_eq!(
        listed(&ann, &format!("open: true, accountId: {{eq: \"{acme}\"}}")).await,
        ["Acme 2", "Acme 3", "Acme 4"]
    );
    assert_eq!(listed(&ann, "dueOn: {gte: \"2017-04-03\"}").await, ["Acme 3", "Acme 4", "Globex 3"]);
    assert_eq!(listed(&ann, "updatedAt: {gt: \"2017-04-03T12:00:00Z\"}").await, [""; 0]);
    assert_eq!(ann.query("{ promises(filter: {open: null}) { totalCount } }").await.error_code(), "BAD_USER_INPUT");
    world.finish().await;
}
