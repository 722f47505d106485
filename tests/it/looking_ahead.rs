//! Looking ahead: what goals and presence do, how long things take, which weeks will be thin, reviews, and scorecards.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

async fn server_at(database: Database, at: &str) -> Server {
    let stop: StoppedAt = at.parse().unwrap();
    Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await
}

/// A world whose clock stands at an instant.
async fn world_at(database: &Database, at: &str) -> World {
    World::on(server_at(Database::migrated(database.kind()).await, at).await).await
}

async fn analytics(who: &Client, field: &str) -> Value {
    let name = field.split(['(', ' ']).next().unwrap();
    who.query(&format!("{{ analytics {{ {field} }} }}")).await.data(&format!("analytics.{name}")).clone()
}

/// Answers a field a second time, with the number of statements that it takes.
async fn counted(server: &Server, who: &Client, field: &str) -> (Value, u64) {
    analytics(who, field).await;
    count(server, analytics(who, field)).await
}

/// Makes an account a target of its owner, who has no manager.
async fn target(seller: &Client, account: &str) {
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let answer = seller.mutate("proposeTarget", "target { id status }", input).await.done();
    if answer.data("proposeTarget.target.status") == "PROPOSED" {
        let input = json!({"id": answer.text("proposeTarget.target.id"), "decision": "AGREE"});
        seller.mutate("decideTarget", "target { status }", input).await.done();
    }
}

const ESTIMATE: &str = "{ value low high n sufficient note }";

#[on_both_databases]
async fn goals_that_are_reached_are_exceeded(database: &Database) {
    let world = world_at(database, "2017-03-01T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let mut accounts = Vec::new();
    for (goal, booked) in [(100, 152), (80, 90), (120, 60), (50, 81), (200, 310)] {
        let account = ann.account(json!({"name": format!("Goal {goal}")})).await;
        let input = json!({"accountId": account, "year": 2017, "amount": format!("{}", goal * 1000)});
        ann.mutate("setGoal", "goal { status }", input).await.done();
        accounts.push((account, booked));
    }
    let late = ann.account(json!({"name": "Late"})).await;
    let without = ann.account(json!({"name": "Without"})).await;
    let email = ann.email().to_owned();

    // In May goals are changed, one is agreed too late, and the year is not over.
    let server = server_at(world.into_server().stop().await, "2017-05-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    for account in [&late, &accounts[2].0] {
        ann.mutate("setGoal", "goal { status }", json!({"accountId": account, "year": 2017, "amount": "1000"}))
            .await
            .done();
    }
    let running = analytics(&ann, &format!("goalEffect(year: 2017) {{ goals hitRate {ESTIMATE} }}")).await;
    assert_eq!((&running["goals"], &running["hitRate"]["sufficient"]), (&json!(5), &json!(false)));
    assert!(running["hitRate"]["note"].as_str().unwrap().ends_with("The year is not over."));

    let server = server_at(server.stop().await, "2018-02-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    let book = async |account: &str, amount: i64, on: &str| {
        let input = json!({"accountId": account, "amount": amount.to_string(), "bookedOn": on});
        ann.mutate("recordBooking", "booking { id }", input).await.done();
    };
    for (account, booked) in &accounts {
        book(account, booked * 1000, "2017-12-31").await;
        book(account, 5, "2018-01-01").await;
        book(account, 50_000, "2016-06-01").await;
    }
    book(&late, 70_000, "2017-06-01").await;
    book(&without, 20_000, "2016-12-31").await;
    book(&without, 10_000, "2017-01-01").await;
    let document = format!(
        "goalEffect(year: 2017) {{ year goals reached hitRate {ESTIMATE} attainmentOfReached {ESTIMATE} overshoot {ESTIMATE}
        attainmentOfAll {ESTIMATE} growthEffect {ESTIMATE}
        withGoal {{ accounts booked {{ amount }} bookedYearBefore {{ amount }} medianGrowth }}
        withoutGoal {{ accounts booked {{ amount }} bookedYearBefore {{ amount }} medianGrowth }}
        because {{ label text value subject {{ ... on Goal {{ account {{ name }} }} }} }} }}"
    );
    let (found, statements) = counted(&server, &ann, &document).await;
    assert_eq!((&found["goals"], &found["reached"], &found["hitRate"]["value"]), (&json!(5), &json!(4), &json!(0.8)));
    let value = |name: &str| found[name]["value"].as_f64().unwrap();
    assert!((value("attainmentOfReached") - 1.45375).abs() < 1e-9 && (value("overshoot") - 0.45375).abs() < 1e-9);
    assert_eq!((&found["overshoot"]["n"], &found["overshoot"]["sufficient"]), (&json!(4), &json!(false)));
    assert_eq!(
        found["withGoal"],
        json!({"accounts": 5, "booked": {"amount": "693000.00"}, "bookedYearBefore": {"amount": "250000.00"}, "medianGrowth": 0.8})
    );
    assert_eq!(
        found["withoutGoal"],
        json!({"accounts": 1, "booked": {"amount": "10000.00"}, "bookedYearBefore": {"amount": "20000.00"}, "medianGrowth": -0.5})
    );
    assert_eq!((&found["growthEffect"]["n"], &found["growthEffect"]["sufficient"]), (&json!(6), &json!(false)));
    let because: Vec<&Value> =
        found["because"].as_array().unwrap().iter().map(|line| &line["subject"]["account"]["name"]).collect();
    assert_eq!(because, ["Goal 50", "Goal 200", "Goal 100", "Goal 80"]);
    assert_eq!(found["because"][0]["text"], "162.0 % of the goal");
    assert!(statements <= 5, "{statements}");
    let none = analytics(&ann, &format!("goalEffect(year: 2014) {{ goals hitRate {ESTIMATE} overshoot {ESTIMATE} withoutGoal {{ accounts medianGrowth }} }}")).await;
    assert_eq!((&none["goals"], &none["overshoot"]["value"]), (&json!(0), &Value::Null));
    assert_eq!(none["withoutGoal"], json!({"accounts": 7, "medianGrowth": null}));
    server.finish().await;
}

#[on_both_databases]
async fn accounts_with_a_goal_are_compared_with_others_of_their_seller(database: &Database) {
    let world = world_at(database, "2017-02-01T12:00:00Z").await;
    let mia = world.manager("Mia").await;
    let email = mia.email().to_owned();
    let mut accounts = Vec::new();
    for name in ["Ann", "Bob", "Eve"] {
        let seller = world.seller(name).under(&mia).await;
        for number in 0..6 {
            let account = seller.account(json!({"name": format!("{name} {number}")})).await;
            let has_goal = number < 3;
            if has_goal {
                let input = json!({"accountId": account, "year": 2017, "amount": "1000"});
                let goal = seller.make("setGoal", "goal", input.clone()).await;
                mia.mutate("setGoal", "goal { status }", input).await.done();
                assert!(!goal.is_empty());
            }
            accounts.push((account, has_goal));
        }
    }
    let server = server_at(world.into_server().stop().await, "2018-02-01T12:00:00Z").await;
    let mia = server.sign_in(&email).await;
    for (account, has_goal) in &accounts {
        for (on, amount) in [("2016-05-01", "99"), ("2017-05-01", if *has_goal { "199" } else { "99" })] {
            let input = json!({"accountId": account, "amount": amount, "bookedOn": on});
            mia.mutate("recordBooking", "booking { id }", input).await.done();
        }
    }
    let found =
        analytics(&mia, &format!("goalEffect(year: 2017) {{ growthEffect {ESTIMATE} }}")).await["growthEffect"].clone();
    for name in ["value", "low", "high"] {
        assert!((found[name].as_f64().unwrap() - 2.0_f64.ln()).abs() < 1e-9, "{found}");
    }
    assert_eq!((&found["n"], &found["sufficient"]), (&json!(18), &json!(true)));
    assert_eq!(found["note"], "Accounts were chosen to have a goal, not randomized.");
    server.finish().await;
}

#[on_both_databases]
async fn those_who_were_ready_are_invited(database: &Database) {
    let world = world_at(database, "2017-01-10T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let (ready, not) = (ann.account(json!({"name": "Ready"})).await, ann.account(json!({"name": "Not"})).await);
    let boss = ann.contact(&ready, json!({"name": "Boss", "buyingRole": "DECISION_MAKER"})).await;
    let aide = ann.contact(&ready, json!({"name": "Aide", "buyingRole": "INFLUENCER"})).await;
    for day in 6..10 {
        let touch = json!({"kind": "MEETING", "at": format!("2017-01-0{day}T10:00:00Z"), "contactIds": [boss, aide], "value": "IDEA", "valueAcknowledged": true});
        ann.touch(&ready, touch).await;
    }
    let email = ann.email().to_owned();
    let server = server_at(world.into_server().stop().await, "2017-02-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    for account in [&ready, &not] {
        for (on, kind) in [("2017-01-11", "DISSATISFACTION"), ("2017-01-12", "FUNDING")] {
            let input = json!({"accountId": account, "kind": kind, "occurredOn": on});
            ann.mutate("recordTriggerEvent", "triggerEvent { id }", input).await.done();
        }
    }
    // Entered too late to have been known.
    let input = json!({"accountId": not, "kind": "MEETING", "at": "2017-01-09T10:00:00Z"});
    ann.mutate("logTouch", "touch { id }", input).await.done();
    let input = json!({"accountId": ready, "name": "Cars", "openedOn": "2017-02-01"});
    ann.mutate("createOpportunity", "opportunity { id }", input).await.done();
    let document = |kind: &str| {
        format!(
            "presenceEffect(range: {{from: \"2017-01-01\", to: \"2017-12-31\"}}{kind}) {{
            ready {{ events invited won invitedRate wonRate }} notReady {{ events invited won invitedRate wonRate }}
            oddsRatio {ESTIMATE} riskDifference missed {{ account {{ name }} occurredOn }} }}"
        )
    };
    // Its outcome is not known yet.
    let early = analytics(&ann, &document("")).await;
    assert_eq!(
        (&early["ready"]["events"], &early["oddsRatio"]["value"], &early["riskDifference"]),
        (&json!(0), &Value::Null, &Value::Null)
    );

    let server = server_at(server.stop().await, "2017-10-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    // An opportunity that is opened later than 90 days after is no invitation, even if the event is said to have led to it.
    let event = ann.query(&format!("{{ triggerEvents(filter: {{accountId: {{eq: \"{not}\"}}, kind: [DISSATISFACTION]}}) {{ nodes {{ id }} }} }}")).await;
    let event = event.text("triggerEvents.nodes.0.id");
    let input = json!({"accountId": not, "name": "Late", "openedOn": "2017-04-12", "triggerEventId": event});
    ann.mutate("createOpportunity", "opportunity { id }", input).await.done();
    let (found, statements) = counted(&server, &ann, &document("")).await;
    assert_eq!(found["ready"], json!({"events": 1, "invited": 1, "won": 0, "invitedRate": 1.0, "wonRate": 0.0}));
    assert_eq!(found["notReady"], json!({"events": 1, "invited": 0, "won": 0, "invitedRate": 0.0, "wonRate": 0.0}));
    assert_eq!(found["missed"], json!([{"account": {"name": "Not"}, "occurredOn": "2017-01-11"}]));
    assert_eq!(found["riskDifference"], 1.0);
    let odds = &found["oddsRatio"];
    assert!((odds["value"].as_f64().unwrap() - 9.0).abs() < 1e-9 && odds["sufficient"] == false && odds["n"] == 2);
    assert_eq!(odds["note"], "It rests on 1 events when ready and 1 when not; at least 10 of each are needed.");
    assert!(statements <= 9, "{statements}");
    let funding = analytics(&ann, &document(", kind: FUNDING")).await;
    assert_eq!((&funding["ready"]["events"], &funding["notReady"]["events"]), (&json!(1), &json!(1)));
    server.finish().await;
}

#[on_both_databases]
async fn lead_times_count_what_has_not_ended(database: &Database) {
    let world = world_at(database, "2017-01-01T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    target(&ann, &acme).await;
    target(&ann, &globex).await;
    let email = ann.email().to_owned();
    let server = server_at(world.into_server().stop().await, "2017-12-31T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    let touch = async |account: &str, at: &str| {
        let input = json!({"accountId": account, "kind": "CALL", "at": format!("{at}T12:00:00Z")});
        ann.mutate("logTouch", "touch { id }", input).await.done();
    };
    touch(&acme, "2017-01-11").await;
    touch(&acme, "2017-01-20").await;
    touch(&globex, "2017-12-01").await;
    let day = |ago: u64| (chrono::NaiveDate::from_ymd_opt(2017, 12, 31).unwrap() - chrono::Days::new(ago)).to_string();
    for (days, ended) in
        [(60, true), (90, true), (120, false), (150, true), (200, false), (240, true), (300, false), (345, false)]
    {
        let input = json!({"accountId": acme, "name": "Cars", "amount": "5", "openedOn": day(if ended { days + 5 } else { days })});
        let opportunity = ann.mutate("createOpportunity", "opportunity { id }", input).await.done();
        if ended {
            let input = json!({"id": opportunity.text("createOpportunity.opportunity.id"), "closedOn": day(5)});
            ann.mutate("winOpportunity", "opportunity { id }", input).await.done();
        }
    }
    let document = "leadTimes(range: {from: \"2017-01-01\", to: \"2017-12-31\"}) {
        touchToOpportunityDays { n events p50 naiveP50 sufficient } opportunityToWinDays { n events p25 p50 p75 naiveP50 }
        touchesPerOpportunity opportunitiesPerWin }";
    let (found, statements) = counted(&server, &ann, document).await;
    assert_eq!(
        found["opportunityToWinDays"],
        json!({"n": 8, "events": 4, "p25": 90.0, "p50": 240.0, "p75": null, "naiveP50": 120.0})
    );
    // Acme's first opportunity after 11 January is that of 345 days ago: 20 January.
    assert_eq!(
        found["touchToOpportunityDays"],
        json!({"n": 2, "events": 1, "p50": 9.0, "naiveP50": 9.0, "sufficient": false})
    );
    assert_eq!((&found["touchesPerOpportunity"], &found["opportunitiesPerWin"]), (&json!(3.0 / 8.0), &json!(1.0)));
    assert!(statements <= 3, "{statements}");
    let none = analytics(&ann, &document.replace("2017", "1817")).await;
    assert_eq!((&none["touchToOpportunityDays"]["n"], &none["opportunitiesPerWin"]), (&json!(0), &Value::Null));
    server.finish().await;
}

#[on_both_databases]
async fn a_blank_calendar_is_a_thin_week_later(database: &Database) {
    let world = world_at(database, "2017-01-02T12:00:00Z").await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let other = bob.account(json!({"name": "Other"})).await;
    target(&ann, &acme).await;
    ann.mutate("setGoal", "goal { id }", json!({"accountId": acme, "year": 2017, "amount": "4500"})).await.done();
    let (ann_email, mia_email, id) = (ann.email().to_owned(), mia.email().to_owned(), ann.id().to_owned());
    let bob_id = bob.id().to_owned();
    let server = server_at(world.into_server().stop().await, "2017-03-01T12:00:00Z").await;
    let (ann, mia) = (server.sign_in(&ann_email).await, server.sign_in(&mia_email).await);
    // One touch with a target, three weeks before the only opening; one that is no target's.
    for (account, at) in [(&acme, "2017-01-04"), (&acme, "2016-12-20")] {
        let input =
            json!({"accountId": account, "kind": "MEETING", "durationMinutes": 90, "at": format!("{at}T10:00:00Z")});
        ann.mutate("logTouch", "touch { id }", input).await.done();
    }
    let input = json!({"accountId": other, "kind": "MEETING", "at": "2017-01-04T10:00:00Z"});
    mia.mutate("logTouch", "touch { id }", input).await.done();
    let input = json!({"accountId": acme, "name": "Cars", "amount": "300", "openedOn": "2017-01-25"});
    let opened = ann.mutate("createOpportunity", "opportunity { id }", input).await.done();
    let input = json!({"id": opened.text("createOpportunity.opportunity.id"), "closedOn": "2017-02-20", "book": false});
    ann.mutate("winOpportunity", "opportunity { id }", input).await.done();
    let input = json!({"accountId": acme, "kind": "MEETING", "durationMinutes": 45, "at": "2017-03-08T10:00:00Z"});
    ann.mutate("scheduleTouch", "touch { id }", input).await.done();

    let document = format!(
        "pipelineForecast(sellerId: \"{id}\", weeks: 52) {{ startsOn targetMinutes expectedOpenings neededOpenings gap sufficient }}"
    );
    let (weeks, statements) = counted(&server, &ann, &document).await;
    let weeks = weeks.as_array().unwrap();
    assert_eq!(
        (weeks.len(), &weeks[0]["startsOn"], &weeks[1]["startsOn"]),
        (52, &json!("2017-02-27"), &json!("2017-03-06"))
    );
    let figure = |week: usize, name: &str| weeks[week][name].as_f64().unwrap();
    assert_eq!((&weeks[0]["targetMinutes"], &weeks[1]["targetMinutes"]), (&json!(0), &json!(45)));
    // 90 minutes led to one opening three weeks later, so 45 lead to a half.
    assert!((figure(4, "expectedOpenings") - 0.5).abs() < 1e-12 && figure(3, "expectedOpenings").abs() < 1e-12);
    // 4,500 ÷ 300 = 15 wins at a win rate of 1, over the 44 weeks from 27 February to 31 December.
    assert!((figure(43, "neededOpenings") - 15.0 / 44.0).abs() < 1e-12 && figure(44, "neededOpenings").abs() < 1e-12);
    assert!((figure(4, "gap") - (15.0 / 44.0 - 0.5)).abs() < 1e-12);
    assert_eq!(weeks[0]["sufficient"], false);
    assert!(statements <= 10, "{statements}");
    // Only for the seller and those above; the default is half a year.
    assert_eq!(analytics(&mia, &document).await, Value::Null);
    let own =
        analytics(&mia, &format!("pipelineForecast(sellerId: \"{bob_id}\") {{ neededOpenings expectedOpenings }}"))
            .await;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["neededOpenings"]), (26, &json!(0.0)));
    for weeks in ["0", "-1", "105", "1000"] {
        let answer = mia
            .query(&format!("{{ analytics {{ pipelineForecast(sellerId: \"{bob_id}\", weeks: {weeks}) {{ gap }} }} }}"))
            .await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT");
        assert!(answer.body.to_string().contains("between 1 and 104"), "{}", answer.body);
    }
    for nobody in ["user_01h455vb4pex5vsknk084sn02q", "nonsense", acme.as_str()] {
        let document = format!("pipelineForecast(sellerId: \"{nobody}\") {{ gap }}");
        assert_eq!(analytics(&mia, &document).await, Value::Null);
    }
    server.finish().await;
}

/// A plan with all six elements, to be reviewed every month, to which its seller committed.
async fn committed_plan(seller: &Member, account: &str) -> String {
    let contact = seller.contact(account, json!({"name": "Jo", "buyingRole": "DECISION_MAKER"})).await;
    let opportunity = seller.opportunity(account, json!({"name": "Cars"})).await;
    let input = json!({"accountId": account, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31", "summary": "Much", "cadence": "MONTHLY"});
    let plan = seller.make("createPlan", "plan", input).await;
    let due = "2017-06-01";
    let change = async |mutation: &str, input: Value| {
        seller.mutate(mutation, "plan { id objectives { id } }", input).await.done()
    };
    change("updatePlan", json!({"id": plan, "opportunityIds": [opportunity]})).await;
    let input = json!({"planId": plan, "contactId": contact, "desired": "TRUSTED", "by": due});
    change("setPlannedRelationship", input).await;
    for horizon in ["LONG_TERM", "SHORT_TERM"] {
        let input = json!({"planId": plan, "horizon": horizon, "statement": "Be known", "dueOn": due});
        change("addObjective", input).await;
    }
    let read = seller
        .send("query($id: ID!) { node(id: $id) { ... on Plan { objectives { id } } } }", json!({"id": plan}))
        .await;
    for objective in read.data("node.objectives").as_array().unwrap() {
        let input = json!({"planId": plan, "title": "Call", "dueOn": due, "assigneeId": seller.id(), "objectiveId": objective["id"]});
        change("addAction", input).await;
    }
    change("addBenchmark", json!({"planId": plan, "name": "Share", "baseline": "0", "target": "10", "dueOn": due}))
        .await;
    change("commitPlan", json!({"id": plan, "statement": "I will."})).await;
    plan
}

#[on_both_databases]
async fn reviews_are_held_in_time_or_not(database: &Database) {
    let world = world_at(database, "2017-01-15T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    target(&ann, &acme).await;
    let plan = committed_plan(&ann, &acme).await;
    committed_plan(&ann, &globex).await;
    let email = ann.email().to_owned();
    let server = server_at(world.into_server().stop().await, "2017-04-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    // Due on 15 February and held then; the next one was due on 15 March and is overdue.
    let input = json!({"id": plan, "outcome": "ON_TRACK", "reviewedOn": "2017-02-15"});
    ann.mutate("reviewPlan", "plan { nextReviewOn }", input).await.done();
    let document = "reviewCompliance(range: {from: \"2017-01-01\", to: \"2017-12-31\"}) {
        due heldInTime share overdue { title account { name } } sellersWithoutListReview { name } }";
    let (found, statements) = counted(&server, &ann, document).await;
    assert_eq!((&found["due"], &found["heldInTime"], &found["share"]), (&json!(3), &json!(1), &json!(1.0 / 3.0)));
    let overdue: Vec<&Value> =
        found["overdue"].as_array().unwrap().iter().map(|plan| &plan["account"]["name"]).collect();
    assert_eq!(overdue, ["Globex", "Acme"]);
    assert_eq!(found["sellersWithoutListReview"], json!([{"name": "Ann"}]));
    assert!(statements <= 8, "{statements}");
    let march =
        analytics(&ann, &document.replace("2017-01-01", "2017-03-01").replace("2017-12-31", "2017-03-31")).await;
    assert_eq!((&march["due"], &march["share"]), (&json!(1), &json!(0.0)));
    let before = analytics(&ann, &document.replace("2017-", "2016-")).await;
    assert_eq!(
        before,
        json!({"due": 0, "heldInTime": 0, "share": null, "overdue": [], "sellersWithoutListReview": []})
    );
    server.finish().await;
}

const CARD: &str = "seller { name } targets band { accounts low high position } readiness readinessEstimate { value n sufficient } absent focus
    nextWeekFillRate goal { amount } booked { amount } attainment probability coverage plansCommitted plansMissing reviewsOverdue
    promisesOverdue";

#[on_both_databases]
async fn a_scorecard_is_one_line_for_each_seller(database: &Database) {
    let world = world_at(database, "2017-04-03T12:00:00Z").await;
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").under(&mia).await;
    world.seller("Cy").under(&boss).await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    target(&ann, &acme).await;
    target(&ann, &globex).await;
    committed_plan(&ann, &acme).await;
    ann.touch(&acme, json!({"kind": "MEETING", "at": "2017-04-03T12:00:00Z", "durationMinutes": 30})).await;
    let input = json!({"accountId": acme, "what": "A list", "madeOn": "2017-03-01", "dueOn": "2017-04-02"});
    ann.mutate("makePromise", "promise { id }", input).await.done();
    let input = json!({"accountId": globex, "kind": "MEETING", "durationMinutes": 240, "at": "2017-04-10T09:00:00Z"});
    ann.mutate("scheduleTouch", "touch { id }", input).await.done();
    ann.mutate("setGoal", "goal { id }", json!({"accountId": acme, "year": 2017, "amount": "1000"})).await.done();
    ann.booking(&acme, json!({"amount": "250", "bookedOn": "2017-02-01"})).await;
    ann.opportunity(
        &acme,
        json!({"name": "Vans", "amount": "900", "probability": 30, "expectedCloseOn": "2017-10-01"}),
    )
    .await;
    bob.account(json!({"name": "Small"})).await;

    let cards = analytics(&ann, &format!("sellers {{ {CARD} }}")).await;
    assert_eq!(
        cards,
        json!([{
            "seller": {"name": "Ann"}, "targets": 2, "band": {"accounts": 2, "low": 1, "high": 1, "position": "ABOVE"},
            "readiness": 0.0, "readinessEstimate": {"value": 0.0, "n": 2, "sufficient": false}, "absent": 1, "focus": 1.0,
            "nextWeekFillRate": 0.1, "goal": {"amount": "1000.00"}, "booked": {"amount": "250.00"}, "attainment": 0.25,
            "probability": 0.3, "coverage": 1.2, "plansCommitted": 1, "plansMissing": 1, "reviewsOverdue": 0, "promisesOverdue": 1,
        }])
    );
    let names = async |who: &Client, arguments: &str| -> Vec<String> {
        let cards = analytics(who, &format!("sellers{arguments} {{ seller {{ name }} }}")).await;
        cards.as_array().unwrap().iter().map(|card| card["seller"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(world.admin(), "").await, ["Ann", "Bob", "Cy"]);
    assert_eq!(
        (names(&boss, "").await, names(&mia, "").await),
        (vec!["Bob".into(), "Cy".into()], vec!["Bob".to_owned()])
    );
    let below = |of: &str| format!("(reportingTo: \"{of}\")");
    assert_eq!(names(&boss, &below(mia.id())).await, ["Bob"]);
    assert_eq!(names(world.admin(), &below(boss.id())).await, ["Bob", "Cy"]);
    for nobody in [ann.id(), "user_01h455vb4pex5vsknk084sn02q", "nonsense"] {
        assert!(names(&boss, &below(nobody)).await.is_empty(), "{nobody}");
    }
    // A year without anything, and one to come.
    for year in [1, 2016, 2018, 9999] {
        let cards = analytics(&ann, &format!("sellers(year: {year}) {{ {CARD} }}")).await;
        assert_eq!((&cards[0]["attainment"], &cards[0]["probability"]), (&Value::Null, &json!(1.0)), "{year}");
    }
    let all = format!("sellers {{ {CARD} }}");
    let (_, one) = counted(world.server(), &mia, &all).await;
    let (cards, three) = counted(world.server(), world.admin(), &all).await;
    assert_eq!(cards.as_array().unwrap().len(), 3);
    assert!(one <= three && three <= 22, "{one} {three}");
    let (_, few) = counted(world.server(), world.admin(), "sellers { goal { amount } probability }").await;
    assert!(few <= 5, "{few}");
    world.into_server().finish().await;
}

#[on_both_databases]
async fn ranges_and_years_are_checked(world: &World) {
    let ann = world.seller("Ann").await;
    for (field, says) in [
        (
            "leadTimes(range: {from: \"2017-02-01\", to: \"2017-01-31\"}) { opportunitiesPerWin }",
            "must not end before it begins",
        ),
        (
            "presenceEffect(range: {from: \"2017-02-01\", to: \"2017-01-31\"}) { riskDifference }",
            "must not end before it begins",
        ),
        (
            "reviewCompliance(range: {from: \"2017-02-01\", to: \"2017-01-31\"}) { due }",
            "must not end before it begins",
        ),
        ("goalEffect(year: 0) { goals }", "between 1 and 9999"),
        ("sellers(year: 10000) { targets }", "between 1 and 9999"),
    ] {
        let answer = ann.query(&format!("{{ analytics {{ {field} }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{field}");
        assert!(answer.body.to_string().contains(says), "{}", answer.body);
    }
    // Two hundred years, and all of the calendar.
    for (from, to) in [
        ("1850-01-01", "2050-12-31"),
        ("0001-01-01", "9999-12-31"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", "0001-01-01"),
    ] {
        let range = format!("range: {{from: \"{from}\", to: \"{to}\"}}");
        let document = format!(
            "{{ analytics {{ leadTimes({range}) {{ opportunityToWinDays {{ n }} }} presenceEffect({range}) {{ ready {{ events }} missed {{ id }} }}
            reviewCompliance({range}) {{ due overdue {{ id }} sellersWithoutListReview {{ id }} }} }} }}"
        );
        ann.query(&document).await.answered();
    }
    for year in [1, 9999] {
        let field = format!("goalEffect(year: {year}) {{ goals growthEffect {ESTIMATE} withoutGoal {{ accounts }} }}");
        assert_eq!(analytics(&ann, &field).await["goals"], 0);
    }
}
