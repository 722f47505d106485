//! Series: line charts in a fixed number of statements, each point the figure of that day.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

/// Every field of presence that rests on rows.
const PRESENCE: &str = "on level presence known value ready daysUntilAbsent because { weight decayed touch { id } }
    knownBecause { label text holds subject { id } } valueBecause { text } readyBecause { holds }";
/// Every figure of a goal's progress.
const PROGRESS: &str = "on booked { amount } remaining { amount } attainment expected { amount } projected { amount }
    projectedEstimate { value n } compression pace reachedOn because { text }";
/// Every figure of a target list.
const LIST: &str = "on size potential { amount } band { low high position } capacity { limit used because { text } }
    targets { id account { name } } proposals { id } unpursued { id } readiness readinessEstimate { value n sufficient }
    sellerChosenShare lastReviewedOn reviewDueOn churn churnEstimate { value n } joined left
    suggestions { rankPercent because { text } } assessNext { name }";

/// A world whose clock stands at noon of a day, UTC.
async fn world_on(kind: tests::Kind, day: &str) -> World {
    let stop: StoppedAt = format!("{day}T12:00:00Z").parse().unwrap();
    let database = Database::make_ready(kind).await;
    World::on(Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await).await
}

/// An account with people, touches that overlap and crowd a day, a version of a touch, a goal with bookings, and a target.
async fn add(seller: &Member, manager: &Member, name: &str) {
    let account = seller.account(json!({"name": name, "potential": "1000"})).await;
    for role in ["DECISION_MAKER", "INFLUENCER"] {
        let names = json!([{"source": "crm", "id": format!("{name} {role}")}]);
        seller.contact(&account, json!({"name": role, "buyingRole": role, "externalIds": names})).await;
    }
    // Two that overlap, and three more of the same day, recorded when they were made.
    let row = |(kind, at): (&str, &str)| {
        json!({"externalId": {"source": "crm", "id": format!("{name} {at}")}, "account": {"id": account}, "kind": kind,
            "contacts": [{"source": "crm", "id": format!("{name} DECISION_MAKER")}], "at": format!("2024-01-10T{at}:00Z")})
    };
    let rows =
        [("CALL", "09:00"), ("CALL", "09:05"), ("EMAIL", "10:00"), ("EMAIL", "11:00"), ("MEETING", "08:00")].map(row);
    let selection = "created results { userErrors { message } }";
    let answer = seller.mutate("upsertTouches", selection, json!({"rows": rows})).await;
    assert_eq!(answer.data("upsertTouches.created"), &json!(5), "{answer}");
    let document = "query($id: ID!) { touches(filter: {accountId: {eq: $id}, kind: [CALL]}) { nodes { id } } }";
    let touch = seller.send(document, json!({"id": account})).await.text("touches.nodes.1.id").to_owned();
    let change = json!({"id": touch, "responded": true, "value": "IDEA"});
    seller.mutate("updateTouch", "touch { id }", change).await.done();
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let target = seller.make("proposeTarget", "target", input).await;
    manager.mutate("decideTarget", "target { id }", json!({"id": target, "decision": "AGREE"})).await.done();
    seller.mutate("setGoal", "goal { id }", json!({"accountId": account, "year": 2024, "amount": "1000"})).await.done();
    for day in ["2024-01-15", "2024-01-20", "2024-02-01"] {
        seller.booking(&account, json!({"amount": "200", "bookedOn": day})).await;
    }
}

async fn statements(world: &World, who: &Client, document: &str) -> u64 {
    let (answer, statements) = count(world.server(), who.query(document)).await;
    answer.answered();
    statements
}

#[on_both_databases]
async fn a_series_takes_as_many_statements_for_any_length_and_any_number_of_accounts(empty: &Database) {
    let world = world_on(empty.kind(), "2024-03-01").await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let criterion = json!({"name": "Fit"});
    world.admin().make("createCriterion", "criterion", criterion).await;
    add(&ann, &mia, "Account 0").await;
    let series =
        |to: &str, selection: &str| format!("series(from: \"2024-03-01\", to: \"{to}\", every: DAY) {{ {selection} }}");
    let documents = |to: &str| {
        [
            format!("{{ accounts {{ nodes {{ presence {{ {} }} }} }} }}", series(to, PRESENCE)),
            format!("{{ accounts {{ nodes {{ goal(year: 2024) {{ progress {{ {} }} }} }} }} }}", series(to, PROGRESS)),
            format!("{{ users {{ nodes {{ targetList {{ {} }} }} }} }}", series(to, LIST)),
        ]
    };
    let mut one = Vec::new();
    for document in documents("2024-03-01") {
        one.push(statements(&world, &mia, &document).await);
    }
    let bob = world.seller("Bob").under(&mia).await;
    for number in 1..6 {
        add(&ann, &mia, &format!("Account {number}")).await;
        add(&bob, &mia, &format!("Bob's account {number}")).await;
    }
    mia.query("{ me { id } }").await;
    for (to, points) in [("2024-03-02", 2), ("2024-04-09", 40)] {
        let mut many = Vec::new();
        for document in documents(to) {
            many.push(statements(&world, &mia, &document).await);
        }
        assert_eq!(many, one, "{points} points");
        let answer = mia.query(&documents(to)[0]).await;
        let presences = answer.each("accounts.nodes", "presence");
        assert_eq!(presences.len(), 11);
        assert!(presences.iter().all(|presence| presence["series"].as_array().unwrap().len() == points));
    }
    world.finish().await;
}

/// Each point of a series is what the figure says when it is asked for on that day.
#[on_both_databases]
async fn each_point_is_the_figure_of_its_day(empty: &Database) {
    let world = world_on(empty.kind(), "2024-02-10").await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    for name in ["Acme", "Globex"] {
        add(&ann, &mia, name).await;
    }
    let days = ["2024-01-09", "2024-01-16", "2024-01-23", "2024-01-30", "2024-02-06", "2024-02-13"];
    let range = "from: \"2024-01-09\", to: \"2024-02-15\", every: WEEK";
    let on: Vec<String> =
        days.iter().enumerate().map(|(at, day)| format!("p{at}: presence(on: \"{day}\") {{ {PRESENCE} }} ")).collect();
    let on = on.concat();
    let answer = ann
        .query(&format!("{{ accounts {{ nodes {{ presence {{ series({range}) {{ {PRESENCE} }} }} {on} }} }} }}"))
        .await;
    for account in answer.data("accounts.nodes").as_array().unwrap() {
        let points: Vec<&Value> = (0..days.len()).map(|at| &account[format!("p{at}")]).collect();
        assert_eq!(account["presence"]["series"].as_array().unwrap().iter().collect::<Vec<_>>(), points);
        assert_eq!(points.iter().map(|point| point["on"].as_str().unwrap()).collect::<Vec<_>>(), days);
    }
    let on: Vec<String> =
        days.iter().enumerate().map(|(at, day)| format!("p{at}: progress(on: \"{day}\") {{ {PROGRESS} }} ")).collect();
    let on = on.concat();
    let answer = ann
        .query(&format!("{{ accounts {{ nodes {{ goal(year: 2024) {{ progress {{ series({range}) {{ {PROGRESS} }} }} {on} }} }} }} }}"))
        .await;
    for account in answer.data("accounts.nodes").as_array().unwrap() {
        let goal = &account["goal"];
        let points: Vec<&Value> = (0..days.len()).map(|at| &goal[format!("p{at}")]).collect();
        assert_eq!(goal["progress"]["series"].as_array().unwrap().iter().collect::<Vec<_>>(), points);
        assert_eq!(points[4]["booked"], json!({"amount": "600.00"}));
    }
    // A list is long; its points on two days are enough.
    let answer = ann
        .query(&format!(
            "{{ me {{ targetList {{ series({range}) {{ {LIST} }} }} first: targetList(on: \"2024-01-09\") {{ {LIST} }}
                last: targetList(on: \"2024-02-13\") {{ {LIST} }} }} }}"
        ))
        .await;
    let series = answer.data("me.targetList.series").as_array().unwrap();
    assert_eq!((&series[0], &series[5]), (answer.data("me.first"), answer.data("me.last")));
    world.finish().await;
}
