//! Target lists: how long they are, ought to be and can be, what they miss, and the annual review.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Database, Server, Subject as _, World, on_both_databases};

fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

/// A target of an account of the seller's, agreed as the seller alone or by the manager.
async fn target(seller: &Member, manager: &Member, fields: Value, source: &str) -> String {
    let account = seller.account(fields).await;
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow.", "source": source});
    let target = seller.make("proposeTarget", "target", input).await;
    let input = json!({"id": target, "decision": "AGREE"});
    manager.mutate("decideTarget", "target { status }", input).await.done();
    target
}

/// Queries a user's target list as another user.
async fn list(who: &Member, of: &Member, selection: &str) -> Value {
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on User {{ targetList {{ {selection} }} }} }} }}");
    who.send(&document, json!({"id": of.id()})).await.data("node.targetList").clone()
}

async fn policy(world: &World, policy: Value) {
    world.admin().mutate("updateOrganization", "organization { id }", json!({"policy": policy})).await.done();
}

const NUMBERS: &str = "size band { accounts low high position } sellerChosenShare churn potential { amount }
    capacity { workingMinutesPerWeek minutesPerTouch defaulted touchesPerWeek limit used free overBy utilization }";

#[on_both_databases]
async fn a_seller_without_accounts_has_a_list_all_the_same(world: &World) {
    let ann = world.seller("Ann").await;
    let said = list(&ann, &ann, &format!("{NUMBERS} targets {{ id }} proposals {{ id }} unpursued {{ id }} suggestions {{ rankPercent }} lastReviewedOn")).await;
    let expected = json!({"size": 0, "band": {"accounts": 0, "low": 1, "high": 1, "position": "BELOW"},
        "sellerChosenShare": null, "churn": null, "potential": {"amount": "0.00"},
        "capacity": {"workingMinutesPerWeek": 2400, "minutesPerTouch": 60.0, "defaulted": true, "touchesPerWeek": 12.0,
            "limit": 17, "used": 0, "free": 17, "overBy": 0, "utilization": 0.0},
        "targets": [], "proposals": [], "unpursued": [], "suggestions": [], "lastReviewedOn": null});
    assert_eq!(said, expected);
    // Who never works pursues nothing.
    ann.mutate("updateUser", "user { id }", json!({"id": ann.id(), "workingHours": []})).await.done();
    let said = list(&ann, &ann, "capacity { workingMinutesPerWeek limit utilization }").await;
    assert_eq!(said["capacity"], json!({"workingMinutesPerWeek": 0, "limit": 0, "utilization": null}));
}

#[on_both_databases]
async fn a_list_is_for_its_seller_and_those_above(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    target(&ann, &mia, json!({"name": "Acme"}), "SELLER").await;
    for (who, sees) in [(&*ann, true), (&*bob, false), (&*mia, true), (&*boss, true), (&**world.admin(), true)] {
        let said = list(who, &ann, "size").await;
        assert_eq!(said, if sees { json!({"size": 1}) } else { Value::Null });
    }
    let input = json!({"sellerId": ann.id(), "keep": [], "drop": []});
    let answer = bob.mutate("reviewTargetList", "targetList { size }", input.clone()).await;
    assert_eq!(answer.refusals(), refusal("FORBIDDEN", "input.sellerId"));
    let elsewhere = world.another_organization("Globex").await;
    let answer = elsewhere.admin().mutate("reviewTargetList", "targetList { size }", input).await;
    assert_eq!(answer.refusals(), refusal("NOT_FOUND", "input.sellerId"));
}

#[on_both_databases]
async fn numbers_come_from_the_book_the_touches_and_the_policy(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    for number in 0..7 {
        ann.account(json!({"name": format!("n{number}"), "potential": "5"})).await;
    }
    let touched = target(&ann, &mia, json!({"name": "Touched", "potential": "1000"}), "SELLER").await;
    let planned = target(&ann, &mia, json!({"name": "Planned", "potential": "500.50"}), "MANAGEMENT").await;
    let missed = target(&ann, &mia, json!({"name": "Missed"}), "MARKETING").await;
    let said = list(&ann, &ann, &format!("{NUMBERS} targets {{ id }} unpursued {{ id }}")).await;
    assert_eq!(said["band"], json!({"accounts": 10, "low": 1, "high": 2, "position": "ABOVE"}));
    assert_eq!((&said["size"], &said["churn"]), (&json!(3), &json!(1.0)));
    assert_eq!(said["potential"]["amount"], "1500.50");
    assert!((said["sellerChosenShare"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(said["targets"], json!([{"id": touched}, {"id": planned}, {"id": missed}]));
    assert_eq!(said["unpursued"], said["targets"]);

    // From ten touches on their means count: their minutes, with a default of 5 for the e-mail, and their weights.
    let answer = ann.query("{ targets { nodes { account { id } } } }").await;
    let accounts: Vec<String> =
        answer.each("targets.nodes", "account.id").into_iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    for number in 0..8 {
        ann.touch(&accounts[0], json!({"kind": "CALL", "durationMinutes": if number < 4 { 20 } else { 40 }})).await;
    }
    // Those of others do not count.
    ann.touch(&accounts[0], json!({"kind": "EMAIL"})).await;
    mia.touch(&accounts[0], json!({"kind": "CALL", "durationMinutes": 20})).await;
    assert_eq!(
        list(&ann, &ann, "capacity { minutesPerTouch defaulted }").await["capacity"],
        json!({"minutesPerTouch": 60.0, "defaulted": true})
    );
    ann.touch(&accounts[0], json!({"kind": "CALL", "durationMinutes": 20})).await;
    let said = list(&ann, &ann, "capacity { minutesPerTouch defaulted touchesPerWeek limit }").await;
    // 265 minutes; none was answered, so that each weighs 0.15 and keeps a contact present for 8.5 days.
    assert_eq!(
        said["capacity"],
        json!({"minutesPerTouch": 26.5, "defaulted": false, "touchesPerWeek": 720.0 / 26.5, "limit": 10})
    );
    let day = |days: i64| world.server().app().clock.now().plus_seconds(days * 86_400).to_string();
    ann.make("scheduleTouch", "touch", json!({"accountId": accounts[1], "kind": "CALL", "at": day(80)})).await;
    ann.make("scheduleTouch", "touch", json!({"accountId": accounts[2], "kind": "CALL", "at": day(100)})).await;
    ann.touch(&accounts[2], json!({"kind": "CALL", "at": day(-91)})).await;
    assert_eq!(list(&mia, &ann, "unpursued { id }").await["unpursued"], json!([{"id": missed}]));

    // The policy decides what one target takes, and how long the list ought to be.
    policy(world, json!({"keyPeoplePerTarget": 50, "targetBandLow": 30, "targetBandHigh": 50})).await;
    let said = list(&ann, &ann, "capacity { limit used free overBy } band { low high position }").await;
    assert_eq!(said["capacity"], json!({"limit": 0, "used": 3, "free": 0, "overBy": 3}));
    assert_eq!(said["band"], json!({"low": 3, "high": 5, "position": "WITHIN"}));
    let account = ann.account(json!({"name": "One more"})).await;
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let answer = ann.mutate("proposeTarget", "target { id } overCapacityBy", input).await.done();
    assert_eq!(answer.data("proposeTarget.overCapacityBy"), &json!(4));
    let input = json!({"id": answer.text("proposeTarget.target.id"), "decision": "AGREE"});
    let answer = mia.mutate("decideTarget", "overCapacityBy", input).await.done();
    assert_eq!(answer.data("decideTarget.overCapacityBy"), &json!(4));
}

#[on_both_databases]
async fn suggestions_are_the_best_of_the_book_that_are_no_targets(world: &World) {
    let admin = world.admin();
    let ann = world.seller("Ann").await;
    let fit = admin.make("createCriterion", "criterion", json!({"name": "Fit"})).await;
    let mut accounts = Vec::new();
    // Score 10 twice, ordered by potential, of which one is not known; then 8, 6, …
    for (name, score, potential) in [
        ("best", 10, Some("500")),
        ("second", 10, Some("0")),
        ("third", 10, None),
        ("fourth", 8, None),
        ("fifth", 6, Some("9000")),
        ("sixth", 0, Some("10")),
        ("seventh", 0, None),
        ("eighth", 0, None),
        ("ninth", 0, None),
        ("tenth", 0, None),
    ] {
        let account = ann.account(json!({"name": name, "potential": potential})).await;
        let scores = json!([{"criterionId": fit, "score": score}]);
        ann.mutate("assessAccount", "account { id }", json!({"accountId": account, "scores": scores})).await.done();
        accounts.push(account);
    }
    let suggested = async |arguments: &str| {
        let selection = format!("suggestions{arguments} {{ account {{ name }} rankPercent score {{ value }} }}");
        let said = list(&ann, &ann, &selection).await;
        let row =
            |row: &Value| (row["account"]["name"].as_str().unwrap().to_owned(), row["rankPercent"].as_f64().unwrap());
        said["suggestions"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let row = |name: &str, percent: f64| (name.to_owned(), percent);
    assert_eq!(suggested("").await, [row("best", 0.0), row("second", 10.0)]);
    assert_eq!(
        suggested("(topPercent: 31)").await,
        [row("best", 0.0), row("second", 10.0), row("third", 20.0), row("fourth", 30.0)]
    );
    assert_eq!(suggested("(topPercent: 100, first: 1)").await, [row("best", 0.0)]);
    assert_eq!(suggested("(topPercent: 100, first: 0)").await, []);
    // Whoever is a target or proposed keeps the rank, and is not suggested.
    let input = json!({"accountId": accounts[0], "kind": "GROWTH", "rationale": "They grow."});
    ann.make("proposeTarget", "target", input).await;
    assert_eq!(suggested("").await, [row("second", 10.0)]);
    // What is archived is out of the book.
    ann.mutate("archiveAccount", "account { id }", json!({"id": accounts[1]})).await.done();
    let ninth = 100.0 / 9.0;
    assert_eq!(suggested("(topPercent: 33)").await, [row("third", ninth), row("fourth", 2.0 * ninth)]);
    // Only accounts with at least half of the weight assessed are suggested; the others are to be assessed next.
    let next = async || {
        let said = list(&ann, &ann, "assessNext(first: 2) { name }").await;
        said["assessNext"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(next().await.is_empty());
    let size = admin.make("createCriterion", "criterion", json!({"name": "Size", "weight": 2})).await;
    assert_eq!(suggested("(topPercent: 33)").await, []);
    assert_eq!(next().await, ["fifth", "best"]);
    let scores = json!([{"criterionId": size, "score": 10}]);
    ann.mutate("assessAccount", "account { id }", json!({"accountId": accounts[4], "scores": scores})).await.done();
    assert_eq!(suggested("(topPercent: 33)").await, [row("fifth", 0.0)]);
    assert_eq!(next().await, ["best", "sixth"]);
    // Without criteria there is nothing to go by.
    for criterion in [&fit, &size] {
        admin.mutate("archiveCriterion", "", json!({"id": criterion})).await.done();
    }
    assert_eq!((suggested("(topPercent: 100)").await, next().await), (vec![], vec![]));
    for arguments in ["topPercent: 0", "topPercent: 100.1", "topPercent: -5", "first: -1", "first: 201"] {
        let document = format!("{{ me {{ targetList {{ suggestions({arguments}) {{ rankPercent }} }} }} }}");
        assert_eq!(ann.query(&document).await.error_code(), "BAD_USER_INPUT", "{arguments}");
    }
}

#[on_both_databases]
async fn a_review_names_every_target_once(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    let mut targets = Vec::new();
    for name in ["A", "B", "C"] {
        targets.push(target(&ann, &mia, json!({"name": name}), "SELLER").await);
    }
    let foreign = target(&bob, &mia, json!({"name": "Bob's"}), "SELLER").await;
    let [a, b, c] = targets.as_slice() else { unreachable!() };
    let review = async |keep: Value, drop: Value| {
        let input = json!({"sellerId": ann.id(), "keep": keep, "drop": drop, "notes": "A year has passed."});
        mia.mutate("reviewTargetList", "targetList { size lastReviewedOn targets { id } }", input).await
    };
    let note = |id: &str| json!({"id": id, "note": "They moved away."});
    for (keep, drop, expected) in [
        // One forgotten, one repeated, one twice among both, one of another list, one without a note.
        (json!([a, b]), json!([]), vec![("INVALID", "keep")]),
        (json!([a, b, c, a]), json!([]), vec![("INVALID", "keep.3")]),
        (json!([a, b, c]), json!([note(a)]), vec![("INVALID", "drop.0.id")]),
        (json!([a, b, c, foreign]), json!([]), vec![("NOT_FOUND", "keep.3")]),
        (json!([a, b]), json!([{"id": c, "note": " "}]), vec![("REQUIRED", "drop.0.note")]),
        (
            json!(["nonsense"]),
            json!([note(a), note(a)]),
            vec![("NOT_FOUND", "keep.0"), ("INVALID", "drop.1.id"), ("INVALID", "keep")],
        ),
    ] {
        let expected: Vec<(String, String)> =
            expected.into_iter().map(|(code, field)| (code.to_owned(), format!("input.{field}"))).collect();
        assert_eq!(review(keep, drop).await.refusals(), expected);
    }
    assert_eq!(list(&ann, &ann, "size lastReviewedOn").await, json!({"size": 3, "lastReviewedOn": null}));
    let answer = review(json!([c, a]), json!([note(b)])).await.done();
    let said = answer.data("reviewTargetList.targetList");
    assert_eq!((&said["size"], &said["targets"]), (&json!(2), &json!([{"id": a}, {"id": c}])));
    let today = world.server().app().clock.now().utc().unwrap().date_naive();
    assert_eq!(said["lastReviewedOn"], json!(today.to_string()));
    let document = format!("{{ node(id: \"{b}\") {{ ... on Target {{ status closingNote }} }} }}");
    assert_eq!(
        ann.query(&document).await.data("node"),
        &json!({"status": "DROPPED", "closingNote": "They moved away."})
    );
    // The review is between them: a colleague's feed has nothing of it.
    let events = "{ events(filter: {types: [\"listreview.created\"]}) { nodes { changes } } }";
    assert_eq!(bob.query(events).await.each("events.nodes", "changes").len(), 0);
    let answer = ann.query(events).await;
    assert_eq!(answer.data("events.nodes.0.changes.dropped.to"), &json!([b]));
}

/// A server on this database whose clock stands at an instant, and its organization's members by address.
async fn later(database: Database, at: &str) -> Server {
    let stop: StoppedAt = at.parse().unwrap();
    Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await
}

#[on_both_databases]
async fn a_list_is_that_of_its_day(empty: &Database) {
    let kind = empty.kind();
    let server = later(Database::make_ready(kind).await, "2017-04-03T12:00:00Z").await;
    let world = World::on(server).await;
    // In Auckland it is already the 4th.
    let ann = world.seller("Ann").with(json!({"timeZone": "Pacific/Auckland"})).await;
    let one = target(&ann, &ann, json!({"name": "One", "potential": "10"}), "SELLER").await;
    let two = target(&ann, &ann, json!({"name": "Two", "potential": "20"}), "SELLER").await;
    let email = ann.email().to_owned();
    let id = ann.id().to_owned();
    let sign_in = async |server: &Server| {
        let input = json!({"email": email, "password": tests::actors::PASSWORD});
        let answer = server.stranger().mutate("signIn", "session { accessToken }", input).await.done();
        server.stranger().with_token(answer.text("signIn.session.accessToken"))
    };
    let server = later(world.into_server().stop().await, "2017-06-01T12:00:00Z").await;
    let ann = sign_in(&server).await;
    ann.mutate("closeTarget", "target { id }", json!({"id": one, "as": "WON"})).await.done();
    let input = json!({"sellerId": id, "keep": [two], "drop": []});
    ann.mutate("reviewTargetList", "targetList { size }", input).await.done();

    let server = later(server.stop().await, "2017-07-01T12:00:00Z").await;
    let ann = sign_in(&server).await;
    for (on, targets, churn, reviewed, due) in [
        ("2017-04-03", json!([]), json!(null), json!(null), "2018-04-03"),
        // Two joined.
        ("2017-04-04", json!([{"id": one}, {"id": two}]), json!(1.0), json!(null), "2018-04-04"),
        ("2017-06-01", json!([{"id": one}, {"id": two}]), json!(1.0), json!(null), "2018-04-04"),
        // Two joined and one left, by half of none and one.
        ("2017-06-02", json!([{"id": two}]), json!(3.0), json!("2017-06-02"), "2018-06-02"),
        // One left, by the mean of two and one.
        ("2017-07-20", json!([{"id": two}]), json!(1.0 / 3.0), json!("2017-06-02"), "2018-06-02"),
        ("2017-07-02", json!([{"id": two}]), json!(3.0), json!("2017-06-02"), "2018-06-02"),
    ] {
        let document = format!(
            "{{ me {{ targetList(on: \"{on}\") {{ on size targets {{ id }} churn lastReviewedOn reviewDueOn potential {{ amount }} }} }} }}"
        );
        let answer = ann.query(&document).await;
        let said = answer.data("me.targetList");
        let potential: i64 =
            targets.as_array().unwrap().iter().map(|row| if row["id"] == json!(one) { 10 } else { 20 }).sum();
        let expected = json!({"on": on, "size": targets.as_array().unwrap().len(), "targets": targets, "churn": churn,
            "lastReviewedOn": reviewed, "reviewDueOn": due, "potential": {"amount": format!("{potential}.00")}});
        assert_eq!(said, &expected, "{on}");
    }
    // The filter goes by the seller's days too, and an account's target by the organization's, which are UTC's.
    for (on, listed, targets) in
        [("2017-04-02", 0, 0), ("2017-04-03", 0, 2), ("2017-04-04", 2, 2), ("2017-06-01", 2, 1), ("2017-06-02", 1, 1)]
    {
        let document = format!(
            "{{ targets(filter: {{on: \"{on}\"}}) {{ totalCount }} accounts {{ nodes {{ target(on: \"{on}\") {{ id }} }} }} }}"
        );
        let answer = ann.query(&document).await;
        assert_eq!(answer.data("targets.totalCount"), &json!(listed), "{on}");
        let there = answer.each("accounts.nodes", "target").into_iter().filter(|target| target.is_object()).count();
        assert_eq!(there, targets, "{on}");
    }
    let document =
        "{ me { targetList { series(from: \"2017-04-03\", to: \"2017-07-01\", every: MONTH) { on size churn } } } }";
    let series = json!([{"on": "2017-04-03", "size": 0, "churn": null}, {"on": "2017-05-03", "size": 2, "churn": 1.0},
        {"on": "2017-06-03", "size": 1, "churn": 3.0}]);
    assert_eq!(ann.query(document).await.data("me.targetList.series"), &series);
    assert_eq!(
        ann.query("{ me { targetList(on: \"2017-02-29\") { size } } }").await.error_code(),
        "GRAPHQL_VALIDATION_FAILED"
    );
    tests::Subject::finish(server).await;
}

const PAGE: &str = "{ me { reports(first: 60) { nodes { name targetList { seller { name } on size potential { amount }
    band { accounts low high position } capacity { limit used utilization } unpursued { id } sellerChosenShare churn lastReviewedOn
    reviewDueOn proposals { id rationale }
    suggestions(first: 3) { rankPercent account { name } score { value assessed assessments { score } } }
    targets { status account { name standing booked { amount } } proposedBy { name } decidedBy { name } oneOnOne { id }
        goal { amount { amount } status baseline { amount } warnings proposedBy { name } revisions { amount { amount } agreedBy { name } }
            progress { booked { amount } attainment pace expected { amount } } } } } } } } }";

/// Sellers below a manager, each with a target that has a goal and a booking, a proposal and another account.
async fn sellers_below(world: &World, mia: &Member, criterion: &str, from: usize, to: usize) {
    for number in from..to {
        let ann = world.seller(&format!("Seller {number}")).under(mia).await;
        let id = target(&ann, mia, json!({"name": format!("Target {number}"), "potential": "100"}), "SELLER").await;
        let answer = ann.query(&format!("{{ node(id: \"{id}\") {{ ... on Target {{ account {{ id }} }} }} }}")).await;
        let account = answer.text("node.account.id");
        let goal = ann.make("setGoal", "goal", json!({"accountId": account, "amount": "1000"})).await;
        mia.mutate("agreeGoal", "goal { status }", json!({"id": goal, "amount": "1000"})).await.done();
        let today = world.server().app().clock.now().utc().unwrap().date_naive();
        ann.booking(account, json!({"amount": "250", "bookedOn": today.to_string()})).await;
        let proposed = ann.account(json!({"name": format!("Proposed {number}")})).await;
        let input = json!({"accountId": proposed, "kind": "GROWTH", "rationale": "They grow."});
        ann.make("proposeTarget", "target", input).await;
        let other = ann.account(json!({"name": format!("Other {number}")})).await;
        let scores = json!([{"criterionId": criterion, "score": number % 11}]);
        ann.mutate("assessAccount", "account { id }", json!({"accountId": other, "scores": scores})).await.done();
    }
}

#[on_both_databases]
async fn a_list_costs_the_same_however_long_it_is(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let mut costs = Vec::new();
    for (from, to) in [(0, 2), (2, 12)] {
        for number in from..to {
            target(&ann, &mia, json!({"name": format!("n{number}"), "potential": "5"}), "SELLER").await;
            ann.account(json!({"name": format!("other {number}")})).await;
        }
        let _ = mia.query("{ me { id } }").await;
        let (answer, cost) = count(world.server(), mia.query(PAGE)).await;
        assert_eq!(answer.data("me.reports.nodes.0.targetList.size"), &json!(to));
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
}

#[on_both_databases]
async fn a_managers_page_costs_the_same_for_six_sellers_and_for_sixty(world: &World) {
    let mia = world.manager("Mia").await;
    let fit = world.admin().make("createCriterion", "criterion", json!({"name": "Fit"})).await;
    policy(world, json!({"targetBandHigh": 100})).await;
    sellers_below(world, &mia, &fit, 0, 6).await;
    let mut costs = Vec::new();
    for sellers in [6, 60] {
        if sellers > 6 {
            sellers_below(world, &mia, &fit, 6, sellers).await;
        }
        // Who asks is remembered from here on.
        let _ = mia.query("{ me { id } }").await;
        let (answer, cost) = count(world.server(), mia.query(PAGE)).await;
        let lists = answer.each("me.reports.nodes", "targetList");
        assert_eq!(lists.len(), sellers);
        for said in lists {
            assert_eq!((&said["size"], &said["band"]["accounts"]), (&json!(1), &json!(3)), "{said}");
            assert_eq!(said["suggestions"].as_array().unwrap().len(), 1, "{said}");
            let goal = &said["targets"][0]["goal"];
            assert_eq!(
                (&goal["progress"]["attainment"], &goal["progress"]["booked"]["amount"]),
                (&json!(0.25), &json!("250.00"))
            );
            assert_eq!((goal["revisions"].as_array().unwrap().len(), &goal["warnings"]), (1, &json!([])));
        }
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0] < 40, "{costs:?} statements");
}
