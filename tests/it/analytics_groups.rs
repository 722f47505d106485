//! Analytics of goals, targets and stages, medians, and the dimensions of periods and standings.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::queries::count;
use tests::{Client, Database, Manager, Seller, Server, Subject as _, World, on_both_databases};

/// A world whose clock stands at noon of Wednesday, 10 May 2017, UTC.
async fn may_2017(kind: tests::Kind) -> World {
    let stop: StoppedAt = "2017-05-10T12:00:00Z".parse().unwrap();
    let database = Database::make_ready(kind).await;
    World::on(Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await).await
}

/// Asks a field of analytics for its groups, and returns each as its key and the values of its figures, in one list.
async fn groups(who: &Client, field: &str, figures: &[&str]) -> Vec<Value> {
    let amount = |figure: &&str| match *figure {
        "goal" | "booked" | "remaining" => format!("{figure} {{ amount }}"),
        figure => figure.to_owned(),
    };
    let selection: Vec<String> = figures.iter().map(amount).collect();
    let document =
        format!("{{ analytics {{ rows: {field} {{ key {{ dimension value }} {} }} }} }}", selection.join(" "));
    let answer = who.query(&document).await;
    let row = |group: &Value| {
        let key = group["key"].as_array().unwrap().iter().map(|part| part["value"].clone());
        let figure = |figure: &&str| match &group[*figure] {
            Value::Object(money) => money["amount"].clone(),
            other => other.clone(),
        };
        key.chain(figures.iter().map(figure)).collect()
    };
    answer.data("analytics.rows").as_array().unwrap().iter().map(row).collect()
}

/// A seller with a manager, and one without.
async fn sellers(world: &World) -> (Manager, Seller, Seller) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    (mia, ann, world.seller("Lone").await)
}

#[on_both_databases]
async fn goals_are_summed_by_seller_year_and_pace(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (mia, ann, lone) = sellers(&world).await;
    let admin = world.admin();
    let mut goals = Vec::new();
    for (who, name, year, amount, booked) in [
        (&ann, "Acme", 2017, "1000", Some(("2017-02-01", "1500"))),
        (&ann, "Globex", 2017, "500", Some(("2017-03-01", "100.50"))),
        (&ann, "Hooli", 2016, "200", Some(("2016-12-31", "199.99"))),
        (&lone, "Initech", 2017, "300", None),
    ] {
        let account = who.account(json!({"name": name})).await;
        if let Some((on, amount)) = booked {
            who.booking(&account, json!({"amount": amount, "bookedOn": on})).await;
        }
        let goal = who.make("setGoal", "goal", json!({"accountId": account, "year": year, "amount": amount})).await;
        goals.push(goal);
    }
    // Until Mia agrees, Ann's goals do not count.
    let figures = ["count", "reached", "goal", "booked", "remaining", "attainment"];
    assert_eq!(groups(&ann, "goals(groupBy: [])", &figures).await, [json!([0, 0, "0.00", "0.00", "0.00", null])]);
    for goal in &goals[..3] {
        super::goals::act(&mia, "agreeGoal", goal).await.done();
    }
    // What Acme booked beyond its goal does not count for Globex.
    let all = json!([4, 1, "2000.00", "1800.49", "699.51", 180_049.0 / 200_000.0]);
    assert_eq!(groups(admin, "goals(groupBy: [])", &figures).await, [all]);
    let by_seller = groups(admin, "goals(groupBy: [SELLER])", &figures).await;
    assert_eq!(
        by_seller,
        [
            json!([ann.id(), 3, 1, "1700.00", "1800.49", "399.51", 180_049.0 / 170_000.0]),
            json!([lone.id(), 1, 0, "300.00", "0.00", "300.00", 0.0]),
        ]
    );
    let rest = |figures: &[&'static str]| figures.to_vec();
    assert_eq!(
        groups(admin, "goals(groupBy: [MANAGER, YEAR])", &rest(&["count", "goal"])).await,
        [
            json!([mia.id(), "2016", 1, "200.00"]),
            json!([mia.id(), "2017", 2, "1500.00"]),
            json!([null, "2017", 1, "300.00"]),
        ]
    );
    // Agreed today: too early to tell, but for what is reached, and for the year that is over.
    assert_eq!(
        groups(admin, "goals(groupBy: [PACE])", &rest(&["count"])).await,
        [json!(["MISSED", 1]), json!(["REACHED", 1]), json!(["TOO_EARLY", 2])]
    );
    // Each sees their own, and filters apply.
    assert_eq!(groups(&lone, "goals(groupBy: [SELLER])", &rest(&["count"])).await, [json!([lone.id(), 1])]);
    let filtered = groups(admin, "goals(groupBy: [YEAR], filter: {year: {eq: 2017}})", &rest(&["count"])).await;
    assert_eq!(filtered, [json!(["2017", 3])]);
    let twice = admin.query("{ analytics { goals(groupBy: [PACE, PACE]) { count } } }").await;
    assert_eq!(twice.error_code(), "BAD_USER_INPUT");
    // The statements do not grow.
    let document = "{ analytics { goals(groupBy: [SELLER, MANAGER, YEAR, PACE]) { count attainment } } }";
    let (_, four) = count(world.server(), admin.query(document)).await;
    for number in 0..5 {
        let account = lone.account(json!({"name": format!("{number}")})).await;
        lone.make("setGoal", "goal", json!({"accountId": account, "amount": "1"})).await;
    }
    let (_, nine) = count(world.server(), admin.query(document)).await;
    assert_eq!(four, nine);
    world.finish().await;
}

#[on_both_databases]
async fn targets_are_counted_by_seller_and_level(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (mia, ann, lone) = sellers(&world).await;
    let admin = world.admin();
    let target = async |who: &Seller, name: &str, kind: &str| {
        let account = who.account(json!({"name": name})).await;
        let input = json!({"accountId": account, "kind": kind, "rationale": "They grow."});
        let target = who.make("proposeTarget", "target", input).await;
        (account, target)
    };
    let (acme, proposed) = target(&ann, "Acme", "GROWTH").await;
    let (_, other) = target(&ann, "Globex", "DREAM_CLIENT").await;
    target(&ann, "Only proposed", "GROWTH").await;
    let (gone, _) = target(&lone, "Archived", "GROWTH").await;
    target(&lone, "Initech", "GROWTH").await;
    for target in [&proposed, &other] {
        mia.mutate("decideTarget", "target { id }", json!({"id": target, "decision": "AGREE"})).await.done();
    }
    for target in lone.query("{ targets { nodes { id } } }").await.each("targets.nodes", "id") {
        lone.mutate("decideTarget", "target { id }", json!({"id": target, "decision": "AGREE"})).await.done();
    }
    archive(admin, &gone).await;
    // At Acme a decision maker knows us, and we met today.
    let jo = ann.contact(&acme, json!({"name": "Jo", "buyingRole": "DECISION_MAKER"})).await;
    ann.touch(&acme, json!({"kind": "MEETING", "contactIds": [jo]})).await;
    let figures = ["count", "ready", "absent"];
    assert_eq!(groups(admin, "targets(groupBy: [])", &figures).await, [json!([3, 0, 2])]);
    assert_eq!(
        groups(admin, "targets(groupBy: [SELLER, LEVEL])", &figures).await,
        [
            json!([ann.id(), "PRESENT", 1, 0, 0]),
            json!([ann.id(), "UNKNOWN", 1, 0, 1]),
            json!([lone.id(), "UNKNOWN", 1, 0, 1]),
        ]
    );
    assert_eq!(
        groups(admin, "targets(groupBy: [MANAGER, KIND])", &["count"]).await,
        [json!([mia.id(), "DREAM_CLIENT", 1]), json!([mia.id(), "GROWTH", 1]), json!([null, "GROWTH", 1])]
    );
    let dream = groups(admin, "targets(groupBy: [LEVEL], filter: {kind: DREAM_CLIENT})", &["count"]).await;
    assert_eq!(dream, [json!(["UNKNOWN", 1])]);
    assert_eq!(groups(&lone, "targets(groupBy: [SELLER])", &["count"]).await, [json!([lone.id(), 1])]);
    world.finish().await;
}

async fn archive(who: &Client, account: &str) {
    who.mutate("archiveAccount", "", json!({"id": account})).await.done();
}

#[on_both_databases]
async fn stages_tell_where_opportunities_die(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (_, ann, lone) = sellers(&world).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let opportunity = async |name: &str| ann.opportunity(&acme, json!({"name": name, "openedOn": "2017-04-10"})).await;
    let (won, lost, open) = (opportunity("Won").await, opportunity("Lost").await, opportunity("Open").await);
    let go = async |id: &str, stage: &str| {
        ann.mutate("updateOpportunity", "opportunity { id }", json!({"id": id, "stage": stage})).await.done();
    };
    for id in [&won, &lost, &open] {
        go(id, "QUALIFIED").await;
    }
    go(&won, "PROPOSED").await;
    ann.mutate("winOpportunity", "opportunity { id }", json!({"id": won, "amount": "5"})).await.done();
    ann.mutate("loseOpportunity", "opportunity { id }", json!({"id": lost})).await.done();
    go(&open, "IDENTIFIED").await;
    let selection = "stage entered stillIn leftTo { stage count } won lost winRate winRateEstimate { n sufficient }
        daysInStage { n events }";
    let read = async |who: &Client, filter: &str| {
        let document = format!("{{ analytics {{ stages{filter} {{ {selection} }} }} }}");
        who.query(&document).await.data("analytics.stages").clone()
    };
    let found = read(&ann, "").await;
    let flow = |stage: &str, entered: i32, still: i32, left_to: Value, outcome: [i32; 2], events: [i32; 2]| {
        let [won, lost] = outcome;
        let closed = won + lost;
        json!({"stage": stage, "entered": entered, "stillIn": still, "leftTo": left_to, "won": won, "lost": lost,
            "winRate": (closed > 0).then(|| f64::from(won) / f64::from(closed)),
            "winRateEstimate": {"n": closed, "sufficient": false}, "daysInStage": {"n": events[0], "events": events[1]}})
    };
    assert_eq!(
        found,
        json!([
            flow("IDENTIFIED", 4, 1, json!([{"stage": "QUALIFIED", "count": 3}]), [1, 1], [4, 3]),
            flow(
                "QUALIFIED",
                3,
                0,
                json!([{"stage": "IDENTIFIED", "count": 1}, {"stage": "PROPOSED", "count": 1}, {"stage": "LOST", "count": 1}]),
                [1, 1],
                [3, 3]
            ),
            flow("PROPOSED", 1, 0, json!([{"stage": "WON", "count": 1}]), [1, 0], [1, 1]),
            flow("NEGOTIATING", 0, 0, json!([]), [0, 0], [0, 0]),
            flow("WON", 1, 1, json!([]), [1, 0], [0, 0]),
            flow("LOST", 1, 1, json!([]), [0, 1], [0, 0]),
        ])
    );
    // The filter chooses the opportunities, and nobody sees those of others.
    let of_open = read(world.admin(), "(filter: {open: true})").await;
    assert_eq!((&of_open[0]["entered"], &of_open[2]["entered"]), (&json!(2), &json!(0)));
    assert!(read(&lone, "").await.as_array().unwrap().iter().all(|flow| flow["entered"] == 0));
    world.finish().await;
}

#[on_both_databases]
async fn opportunities_and_touches_have_more_dimensions(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (_, ann, _) = sellers(&world).await;
    let settings = json!({"fiscalYearStartMonth": 4, "keyAccountThreshold": "100"});
    world.admin().mutate("updateOrganization", "organization { id }", settings).await.done();
    let acme = ann.account(json!({"name": "Acme", "industry": "Retail"})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    let hooli = ann.account(json!({"name": "Hooli"})).await;
    ann.booking(&acme, json!({"amount": "100", "bookedOn": "2017-04-01"})).await;
    ann.booking(&globex, json!({"amount": "99", "bookedOn": "2017-03-31"})).await;
    let opportunity = |id: &str, account: &str, opened: &str, closed: Option<&str>, expected: Option<&str>| {
        let stage = if closed.is_some() { "WON" } else { "PROPOSED" };
        json!({"externalId": {"source": "crm", "id": id}, "account": {"id": account}, "name": id, "openedOn": opened,
            "closedOn": closed, "expectedCloseOn": expected, "stage": stage})
    };
    let rows = json!([
        opportunity("1", &acme, "2017-01-15", Some("2017-01-25"), Some("2017-03-31")),
        opportunity("2", &acme, "2017-01-15", Some("2017-04-15"), Some("2017-04-01")),
        opportunity("3", &globex, "2016-04-01", Some("2016-04-05"), None),
        opportunity("4", &hooli, "2017-04-02", None, Some("2017-07-01")),
        opportunity("5", &globex, "2017-01-15", Some("2017-01-15"), None),
    ]);
    assert_eq!(
        ann.mutate("upsertOpportunities", "created", json!({"rows": rows})).await.data("upsertOpportunities.created"),
        &json!(5)
    );
    let by = async |dimension: &str| {
        let field = format!("opportunities(groupBy: [{dimension}])");
        groups(&ann, &field, &["count", "medianCycleDays"]).await
    };
    // 10, 90, 4 and 0 days.
    assert_eq!(groups(&ann, "opportunities(groupBy: [])", &["count", "medianCycleDays"]).await, [json!([5, 7.0])]);
    assert_eq!(
        by("STANDING").await,
        [json!(["CLIENT", 2, 2.0]), json!(["KEY", 2, 50.0]), json!(["PROSPECT", 1, null])]
    );
    assert_eq!(
        by("OPENED_QUARTER").await,
        [json!(["2016-Q1", 1, 4.0]), json!(["2016-Q4", 3, 10.0]), json!(["2017-Q1", 1, null])]
    );
    assert_eq!(
        by("CLOSED_WEEK").await,
        [
            json!(["2016-04-04", 1, 4.0]),
            json!(["2017-01-09", 1, 0.0]),
            json!(["2017-01-23", 1, 10.0]),
            json!(["2017-04-10", 1, 90.0]),
            json!([null, 1, null])
        ]
    );
    assert_eq!(
        by("CLOSED_QUARTER").await,
        [json!(["2016-Q1", 1, 4.0]), json!(["2016-Q4", 2, 5.0]), json!(["2017-Q1", 1, 90.0]), json!([null, 1, null])]
    );
    assert_eq!(
        by("EXPECTED_CLOSE_MONTH").await,
        [json!(["2017-03", 1, 10.0]), json!(["2017-04", 1, 90.0]), json!(["2017-07", 1, null]), json!([null, 2, 2.0])]
    );
    assert_eq!(
        by("EXPECTED_CLOSE_QUARTER").await,
        [json!(["2016-Q4", 1, 10.0]), json!(["2017-Q1", 1, 90.0]), json!(["2017-Q2", 1, null]), json!([null, 2, 2.0])]
    );
    for (account, at) in
        [(&acme, "2017-04-01T10:00:00Z"), (&globex, "2017-03-31T10:00:00Z"), (&hooli, "2016-04-02T10:00:00Z")]
    {
        ann.touch(account, json!({"kind": "CALL", "at": at})).await;
    }
    let touches = async |dimension: &str| groups(&ann, &format!("touches(groupBy: [{dimension}])"), &["count"]).await;
    assert_eq!(touches("YEAR").await, [json!(["2016", 2]), json!(["2017", 1])]);
    assert_eq!(touches("INDUSTRY").await, [json!(["Retail", 1]), json!([null, 2])]);
    assert_eq!(touches("STANDING").await, [json!(["CLIENT", 1]), json!(["KEY", 1]), json!(["PROSPECT", 1])]);
    let bookings = async |dimension: &str| groups(&ann, &format!("bookings(groupBy: [{dimension}])"), &["count"]).await;
    assert_eq!(bookings("DAY").await, [json!(["2017-03-31", 1]), json!(["2017-04-01", 1])]);
    assert_eq!(bookings("WEEK").await, [json!(["2017-03-27", 2])]);
    world.finish().await;
}

#[on_both_databases]
async fn a_year_is_compared_with_the_one_before(empty: &Database) {
    let world = may_2017(empty.kind()).await;
    let (_, ann, lone) = sellers(&world).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    for (on, amount) in [
        ("2014-12-31", "9"),
        ("2016-02-29", "40"),
        ("2016-05-01", "100"),
        ("2016-05-10", "20"),
        // Not yet today a year ago.
        ("2016-05-11", "7"),
        ("2017-05-02", "150"),
    ] {
        ann.booking(&acme, json!({"amount": amount, "bookedOn": on})).await;
    }
    let read = async |who: &Client, arguments: &str| {
        let selection = "key { value } count amount { amount } accounts previous { count amount { amount } accounts previous { count } }";
        let document = format!("{{ analytics {{ bookings({arguments}) {{ {selection} }} }} }}");
        let answer = who.query(&document).await;
        let row = |group: &Value| {
            let figures = |of: &Value| json!([of["count"], of["amount"]["amount"], of["accounts"]]);
            assert_eq!(group["previous"]["previous"], Value::Null);
            json!([group["key"][0]["value"], figures(group), figures(&group["previous"])])
        };
        answer.data("analytics.bookings").as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let none = json!([0, "0.00", 0]);
    assert_eq!(
        read(&ann, "groupBy: [MONTH], compareTo: PREVIOUS_YEAR").await,
        [
            json!(["2014-12", [1, "9.00", 1], none]),
            json!(["2015-12", none, [1, "9.00", 1]]),
            json!(["2016-02", [1, "40.00", 1], none]),
            json!(["2016-05", [3, "127.00", 1], none]),
            json!(["2017-02", none, [1, "40.00", 1]]),
            json!(["2017-05", [1, "150.00", 1], [2, "120.00", 1]]),
        ]
    );
    // The filter says which year, wherever its days stand.
    let year = "filter: {bookedOn: {gte: \"2017-01-01\"}}";
    assert_eq!(
        read(world.admin(), &format!("groupBy: [SELLER], compareTo: PREVIOUS_YEAR, {year}")).await,
        [json!([ann.id(), [1, "150.00", 1], [3, "160.00", 1]])]
    );
    let february = "filter: {bookedOn: {gte: \"2017-02-01\", lte: \"2017-02-28\"}}";
    assert_eq!(
        read(&ann, &format!("groupBy: [], compareTo: PREVIOUS_YEAR, {february}")).await,
        [json!([null, none, [1, "40.00", 1]])]
    );
    assert!(read(&lone, "groupBy: [YEAR], compareTo: PREVIOUS_YEAR").await.is_empty());
    // Without it nothing is compared.
    let plain = ann.query("{ analytics { bookings(groupBy: []) { count previous { count } } } }").await;
    assert_eq!(plain.data("analytics.bookings"), &json!([{"count": 6, "previous": null}]));
    world.finish().await;
}
