//! Pipeline sufficiency: what remains of the goals, the probability that the open opportunities bring it in, and when it is too late.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

const PIPELINE: &str =
    "year on goal { amount } booked { amount } remaining { amount } open { amount } closable { amount }
    weighted { amount } coverage probability enough winRate { value low high n sufficient note }
    cycleDays { n events p25 p50 p50Low p50High p75 naiveP50 sufficient } lastDayToOpen lastUsefulTouchOn
    touchToOpportunityDays { n events p50 } stalled { name } because { label text value holds }";

/// A world whose clock stands at an instant.
async fn world_at(database: &Database, at: &str) -> World {
    let stop: StoppedAt = at.parse().unwrap();
    let empty = Database::migrated(database.kind()).await;
    World::on(Server::start_with(empty, |settings| settings.clock.stop = Some(stop)).await).await
}

/// The same world at another instant.
async fn later(world: World, at: &str) -> Server {
    let stop: StoppedAt = at.parse().unwrap();
    Server::start_with(world.into_server().stop().await, |settings| settings.clock.stop = Some(stop)).await
}

async fn pipeline(who: &Client, of: &str, arguments: &str, selection: &str) -> Value {
    let document =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on User {{ pipeline{arguments} {{ {selection} }} }} }} }}");
    who.send(&document, json!({"id": of})).await.data("node.pipeline").clone()
}

/// A goal that the seller, who has no manager, agrees to alone.
async fn goal(seller: &Member, account: &str, year: i32, amount: &str) {
    let input = json!({"accountId": account, "year": year, "amount": amount});
    let answer = seller.mutate("setGoal", "goal { status }", input).await.done();
    assert_eq!(answer.data("setGoal.goal.status"), "AGREED");
}

async fn opportunity(
    seller: &Member,
    account: &str,
    amount: &str,
    percent: i32,
    opened: &str,
    closes: Option<&str>,
) -> String {
    let fields = json!({"name": amount, "amount": amount, "probability": percent, "openedOn": opened, "expectedCloseOn": closes});
    seller.opportunity(account, fields).await
}

async fn close(seller: &Member, won: bool, id: &str, on: &str) {
    let mutation = if won { "winOpportunity" } else { "loseOpportunity" };
    let reason = if won { Value::Null } else { json!("Price") };
    let mut input = json!({"id": id, "closedOn": on});
    if !won {
        input["reason"] = reason;
    }
    seller.mutate(mutation, "opportunity { stage }", input).await.done();
}

#[on_both_databases]
async fn the_golden_pipeline(database: &Database) {
    let world = world_at(database, "2017-06-01T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    goal(&ann, &acme, 2017, "60000").await;
    goal(&ann, &globex, 2017, "20000").await;
    goal(&ann, &globex, 2018, "7").await;
    ann.booking(&acme, json!({"amount": "20000", "bookedOn": "2017-02-01"})).await;
    ann.booking(&globex, json!({"amount": "10000", "bookedOn": "2017-05-31"})).await;
    ann.booking(&globex, json!({"amount": "5000", "bookedOn": "2016-12-31"})).await;
    let december = Some("2017-12-31");
    for (amount, percent) in [("40000", 50), ("30000", 30), ("60000", 25), ("20000", 80)] {
        opportunity(&ann, &acme, amount, percent, "2017-05-25", december).await;
    }
    // Next year, without an expected day, and one that another owns.
    opportunity(&ann, &acme, "1000", 50, "2017-05-25", Some("2018-01-01")).await;
    opportunity(&ann, &acme, "500", 50, "2017-05-01", None).await;
    let found = pipeline(&ann, ann.id(), "", PIPELINE).await;
    assert_eq!((&found["year"], &found["on"]), (&json!(2017), &json!("2017-06-01")));
    let amount = |name: &str| found[name]["amount"].as_str().unwrap().to_owned();
    assert_eq!(
        (amount("goal"), amount("booked"), amount("remaining")),
        ("80000.00".into(), "30000.00".into(), "50000.00".into())
    );
    assert_eq!(
        (amount("open"), amount("closable"), amount("weighted")),
        ("151500.00".into(), "150000.00".into(), "60000.00".into())
    );
    assert_eq!((&found["coverage"], &found["enough"]), (&json!(3.0), &json!(false)));
    assert!((found["probability"].as_f64().unwrap() - 0.6625).abs() < 1e-12, "{found}");
    assert_eq!(found["stalled"], json!([{"name": "500"}]));
    // Nothing was closed yet.
    assert_eq!((&found["winRate"]["value"], &found["winRate"]["sufficient"]), (&Value::Null, &json!(false)));
    assert_eq!((&found["cycleDays"]["n"], &found["cycleDays"]["p50"]), (&json!(6), &Value::Null));
    assert_eq!((&found["lastDayToOpen"], &found["lastUsefulTouchOn"]), (&Value::Null, &Value::Null));
    assert_eq!(found["because"][4], json!({"label": "Margin", "text": "10 %", "value": 0.1, "holds": false}));

    // With a wider margin it is enough.
    let policy = json!({"policy": {"pipelineMargin": 0.35}});
    world.admin().mutate("updateOrganization", "organization { id }", policy).await.done();
    assert_eq!(pipeline(world.admin(), ann.id(), "", "enough").await, json!({"enough": true}));

    // Next year's goal against what closes next year; a year without a goal needs nothing.
    let next = pipeline(&ann, ann.id(), "(year: 2018)", "goal { amount } closable { amount } probability").await;
    assert_eq!(next, json!({"goal": {"amount": "7.00"}, "closable": {"amount": "1000.00"}, "probability": 0.5}));
    let none = pipeline(&ann, ann.id(), "(year: 2019)", "coverage probability enough because { text }").await;
    assert_eq!((&none["coverage"], &none["probability"]), (&Value::Null, &json!(1.0)));
    assert_eq!(none["because"][0]["text"], "none agreed for this year, so nothing remains");

    // An archived account asks for nothing.
    ann.mutate("archiveAccount", "", json!({"id": acme})).await.done();
    let left = pipeline(&ann, ann.id(), "", "goal { amount } open { amount } remaining { amount }").await;
    assert_eq!(
        left,
        json!({"goal": {"amount": "20000.00"}, "open": {"amount": "0.00"}, "remaining": {"amount": "10000.00"}})
    );
    world.into_server().finish().await;
}

#[on_both_databases]
async fn cycles_and_win_rates_say_when_it_is_too_late(database: &Database) {
    let world = world_at(database, "2017-12-31T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    // The days after which each was won or lost, or for which it has been open.
    let day = |ago: i64| {
        (chrono::NaiveDate::from_ymd_opt(2017, 12, 31).unwrap() - chrono::Days::new(ago.unsigned_abs())).to_string()
    };
    for (place, (days, ended)) in
        [(60, true), (90, true), (120, false), (150, true), (200, false), (240, true), (300, false), (365, false)]
            .into_iter()
            .enumerate()
    {
        let opened = if ended { days + 5 } else { days };
        let id = opportunity(&ann, &acme, "100", 50, &day(opened), None).await;
        if ended {
            close(&ann, place != 1, &id, &day(5)).await;
        }
    }
    let found = pipeline(&ann, ann.id(), "", PIPELINE).await;
    let cycle = &found["cycleDays"];
    assert_eq!(
        (&cycle["n"], &cycle["events"], &cycle["p25"], &cycle["p50"]),
        (&json!(8), &json!(4), &json!(90.0), &json!(240.0))
    );
    assert_eq!((&cycle["p75"], &cycle["naiveP50"], &cycle["sufficient"]), (&Value::Null, &json!(120.0), &json!(false)));
    assert_eq!((&cycle["p50Low"], &cycle["p50High"]), (&json!(60.0), &Value::Null));
    // 2017-12-31 minus 240 days.
    assert_eq!((&found["lastDayToOpen"], &found["lastUsefulTouchOn"]), (&json!("2017-05-05"), &Value::Null));
    let rate = &found["winRate"];
    assert_eq!((&rate["value"], &rate["n"], &rate["sufficient"]), (&json!(0.75), &json!(4), &json!(false)));
    assert_eq!(rate["note"], "It rests on 4 opportunities closed in the 365 days before; at least 10 are needed.");

    // A target, touched 30 days ago for the first time; an opportunity ten days later.
    let globex = ann.account(json!({"name": "Globex"})).await;
    let input = json!({"accountId": globex, "kind": "GROWTH", "rationale": "They grow."});
    let target = ann.make("proposeTarget", "target", input).await;
    ann.mutate("decideTarget", "target { status }", json!({"id": target, "decision": "AGREE"})).await;
    let email = ann.email().to_owned();
    let (id, globex_again) = (ann.id().to_owned(), globex.clone());
    let server = later(world, "2018-02-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    let input = json!({"accountId": globex_again, "kind": "CALL", "at": "2018-01-05T12:00:00Z"});
    ann.mutate("logTouch", "touch { id }", input).await.done();
    let input = json!({"accountId": globex_again, "name": "Soon", "openedOn": "2018-01-15"});
    ann.mutate("createOpportunity", "opportunity { id }", input).await.done();
    let found =
        pipeline(&ann, &id, "(year: 2018)", "lastDayToOpen lastUsefulTouchOn touchToOpportunityDays { n events p50 }")
            .await;
    assert_eq!(found["touchToOpportunityDays"], json!({"n": 1, "events": 1, "p50": 10.0}));
    let days = |name: &str| found[name].as_str().unwrap().parse::<chrono::NaiveDate>().unwrap();
    assert_eq!((days("lastDayToOpen") - days("lastUsefulTouchOn")).num_days(), 10);
    server.finish().await;
}

#[on_both_databases]
async fn a_past_day_has_what_was_known_then(database: &Database) {
    let world = world_at(database, "2017-03-01T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    goal(&ann, &acme, 2017, "100").await;
    let id = opportunity(&ann, &acme, "100", 40, "2017-02-01", Some("2017-06-01")).await;
    let (email, user) = (ann.email().to_owned(), ann.id().to_owned());
    let server = later(world, "2017-04-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    let input = json!({"id": id, "probability": 70, "amount": "150"});
    ann.mutate("updateOpportunity", "opportunity { id }", input).await.done();
    let input = json!({"accountId": acme, "year": 2017, "amount": "120"});
    ann.mutate("setGoal", "goal { status }", input).await.done();
    let stopped = server.stop().await;
    let stop: StoppedAt = "2017-05-01T12:00:00Z".parse().unwrap();
    let server = Server::start_with(stopped, |settings| settings.clock.stop = Some(stop)).await;
    let ann = server.sign_in(&email).await;
    ann.mutate("winOpportunity", "opportunity { id }", json!({"id": id, "closedOn": "2017-04-30"})).await.done();
    let input = json!({"accountId": acme, "amount": "130", "bookedOn": "2017-04-30"});
    ann.mutate("recordBooking", "booking { id }", input).await.done();

    let series = "series(from: \"2017-01-31\", to: \"2017-05-01\", every: MONTH) { on goal { amount } remaining { amount } open { amount } probability coverage }";
    pipeline(&ann, &user, "", series).await;
    let (found, statements) = count(&server, pipeline(&ann, &user, "", series)).await;
    let points: Vec<Value> = found["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| {
            json!([
                point["on"],
                point["goal"]["amount"],
                point["remaining"]["amount"],
                point["open"]["amount"],
                point["probability"]
            ])
        })
        .collect();
    assert_eq!(
        json!(points),
        json!([
            ["2017-01-31", "0.00", "0.00", "0.00", 1.0],
            ["2017-02-28", "0.00", "0.00", "100.00", 1.0],
            ["2017-03-31", "100.00", "100.00", "100.00", 0.4],
            ["2017-04-30", "120.00", "0.00", "0.00", 1.0],
        ])
    );
    // One for the node, three for now, and four for all points of the series.
    assert!(statements <= 8, "{statements}");
    let (longer, more) = count(&server, pipeline(&ann, &user, "", &series.replace("MONTH", "DAY"))).await;
    assert_eq!((longer["series"].as_array().unwrap().len(), more), (91, statements));
    let before =
        pipeline(&ann, &user, "(on: \"2017-04-15\")", "year goal { amount } open { amount } probability winRate { n }")
            .await;
    assert_eq!(before["open"], json!({"amount": "150.00"}));
    assert_eq!((&before["probability"], &before["winRate"]["n"]), (&json!(0.7), &json!(0)));
    server.finish().await;
}

#[on_both_databases]
async fn it_is_for_the_seller_and_those_above(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").under(&mia).await;
    for (who, sees) in [(&*ann, true), (&*mia, true), (&**world.admin(), true), (&*bob, false)] {
        let found = pipeline(who, ann.id(), "", "probability").await;
        assert_eq!(!found.is_null(), sees, "{}", who.name());
    }
    for (arguments, says) in [("(year: 0)", "between 1 and 9999"), ("(year: 10000)", "between 1 and 9999")] {
        let document = format!("{{ me {{ pipeline{arguments} {{ probability }} }} }}");
        let answer = ann.query(&document).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT");
        assert!(answer.body.to_string().contains(says), "{}", answer.body);
    }
    // The ends of the calendar.
    for arguments in
        ["(year: 1)", "(year: 9999)", "(on: \"0001-01-01\")", "(on: \"9999-12-31\")", "(year: 1, on: \"9999-12-31\")"]
    {
        let document = format!("{{ me {{ pipeline{arguments} {{ {PIPELINE} }} }} }}");
        assert!(!ann.query(&document).await.data("me.pipeline").is_null(), "{arguments}");
    }
}

#[on_both_databases]
async fn statements_do_not_grow_with_the_sellers(world: &World) {
    let mia = world.manager("Mia").await;
    let mut sellers = Vec::new();
    for name in ["Ann", "Bob", "Eve"] {
        let seller = world.seller(name).under(&mia).await;
        let acme = seller.account(json!({"name": name})).await;
        seller.opportunity(&acme, json!({"name": "Cars", "amount": "100"})).await;
        seller.mutate("setGoal", "goal { id }", json!({"accountId": acme, "year": 2017, "amount": "100"})).await.done();
        sellers.push(seller);
    }
    let ids: Vec<&str> = sellers.iter().map(|seller| seller.id()).collect();
    let ask = async |ids: &[&str]| {
        let document =
            format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on User {{ pipeline {{ {PIPELINE} }} }} }} }}");
        mia.send(&document, json!({"ids": ids})).await.answered();
    };
    ask(&ids).await;
    let ((), one) = count(world.server(), ask(&ids[..1])).await;
    let ((), three) = count(world.server(), ask(&ids)).await;
    assert_eq!(one, three);
    // The node, three for the pipeline, two for each of the two lags, and two for what is stalled.
    assert!(three <= 10, "{three}");
}

#[on_both_databases]
async fn twenty_thousand_different_amounts_are_summed(database: &Database) {
    use sea_orm::ConnectionTrait as _;
    let world = world_at(database, "2017-06-01T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    ann.mutate("setGoal", "goal { id }", json!({"accountId": acme, "year": 2017, "amount": "100000000"})).await.done();
    ann.opportunity(&acme, json!({"name": "Cars", "amount": "10000", "expectedCloseOn": "2017-12-31"})).await;
    world.server().database().leave_rows_beside_the_feed();
    let connection = world.server().database().connect().await;
    let postgres = connection.get_database_backend() == sea_orm::DbBackend::Postgres;
    let (numbers, id) = if postgres {
        ("generate_series(1, 20000) as s(i)", "('00000000-0000-7000-8000-' || lpad(to_hex(s.i), 12, '0'))::uuid")
    } else {
        (
            "(with recursive s(i) as (select 1 union all select i + 1 from s where i < 20000) select i from s) as s",
            "unhex('00000000000070008000' || printf('%012x', s.i))",
        )
    };
    let sql = format!(
        "insert into opportunity select {id}, organization_id, account_id, owner_id, name, name_key, 1000000 + s.i * 37 + s.i % 7, stage,
            s.i % 97 + 2, opened_on, expected_close_on, closed_on, loss_reason, external_ids, custom_fields, created_at, updated_at,
            version, trigger_event_id
        from opportunity cross join {numbers}"
    );
    connection.execute_unprepared(&sql).await.unwrap();
    let found = pipeline(&ann, ann.id(), "", "probability enough closable { amount } weighted { amount }").await;
    // The sum of the amounts times their probabilities is about 137,000,000, with a standard deviation below 1,000,000.
    assert!((found["probability"].as_f64().unwrap() - 1.0).abs() < 0.001 && found["enough"] == json!(true), "{found}");
    world.into_server().finish().await;
}
