//! The content of a plan on past days, derived from the feed: random histories, with the clock set day by day.

use std::sync::atomic::{AtomicU64, Ordering};

use callshot::internals::StoppedAt;
use serde_json::{Map, Value, json};
use tests::actors::PASSWORD;
use tests::dice::Dice;
use tests::{Client, Database, Server, on_both_databases};

const FIELDS: &str =
    "id account { id } owner { id } title startsOn endsOn cadence summary opportunities { id } commitment { statement }
    relationships { id contact { id } desired startedAt by owner { id } approach }
    objectives { id horizon statement dueOn }
    actions { id title dueOn assignee { id } objective { id } contact { id } }
    benchmarks { id name source unit baseline target dueOn }";

/// Returns the content of a plan, read by its ordinary fields, in the form of `asOf`.
fn content(current: &Value) -> Value {
    let id = |value: &Value| value["id"].clone();
    let list = |name: &str, fields: &[(&str, &str)]| -> Value {
        let item = |item: &Value| -> Value {
            let mut made = Map::from_iter([("id".to_owned(), id(item))]);
            for (field, from) in fields {
                let value = &item[*from];
                made.insert((*field).to_owned(), if value.is_object() { id(value) } else { value.clone() });
            }
            Value::Object(made)
        };
        current[name].as_array().unwrap().iter().map(item).collect()
    };
    let opportunities: Value = current["opportunities"].as_array().unwrap().iter().map(id).collect();
    json!({
        "id": current["id"], "accountId": id(&current["account"]), "ownerId": id(&current["owner"]), "title": current["title"],
        "startsOn": current["startsOn"], "endsOn": current["endsOn"], "cadence": current["cadence"], "summary": current["summary"],
        "opportunityIds": opportunities, "statement": current["commitment"]["statement"],
        "relationships": list("relationships", &[("contactId", "contact"), ("desired", "desired"), ("startedAt", "startedAt"),
            ("by", "by"), ("ownerId", "owner"), ("approach", "approach")]),
        "objectives": list("objectives", &[("horizon", "horizon"), ("statement", "statement"), ("dueOn", "dueOn")]),
        "actions": list("actions", &[("title", "title"), ("dueOn", "dueOn"), ("assigneeId", "assignee"),
            ("objectiveId", "objective"), ("contactId", "contact")]),
        "benchmarks": list("benchmarks", &[("name", "name"), ("source", "source"), ("unit", "unit"), ("baseline", "baseline"),
            ("target", "target"), ("dueOn", "dueOn")]),
    })
}

async fn node(client: &Client, plan: &str, selection: &str) -> Value {
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Plan {{ {selection} }} }} }}");
    client.send(&document, json!({"id": plan})).await.data("node").clone()
}

/// Returns the id of a random item of a list; None if the list is empty.
fn one_of(dice: &mut Dice, current: &Value, list: &str) -> Option<String> {
    let ids: Vec<&str> = current[list].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    (!ids.is_empty()).then(|| dice.one_of(&ids).to_owned())
}

/// Makes a random change of a plan. Some changes are rejected, and have no effect.
async fn change_randomly(client: &Client, dice: &mut Dice, plan: &str, people: &[String], deals: &[String]) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let text = format!("n{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let current = node(client, plan, FIELDS).await;
    let day = format!("2017-0{}-0{}", 1 + dice.below(9), 1 + dice.below(9));
    let day = if dice.maybe() { json!(day) } else { Value::Null };
    let person = people[usize::try_from(dice.below(2)).unwrap()].clone();
    let by_input = |mutation: &'static str, input: Value| (mutation, Some(input), String::new());
    let by_id = |mutation: &'static str, id: String| (mutation, None, id);
    let some = |id: Option<String>| id.unwrap_or_else(|| "nonsense".to_owned());
    let (mutation, input, id) = match dice.below(16) {
        0 => by_input("updatePlan", json!({"id": plan, "title": text, "cadence": "MONTHLY"})),
        1 => {
            by_input("updatePlan", json!({"id": plan, "summary": if dice.maybe() { json!(text) } else { Value::Null }}))
        }
        2 => by_input(
            "updatePlan",
            json!({"id": plan, "opportunityIds": if dice.maybe() { deals } else { &deals[..1] }}),
        ),
        3 => by_input(
            "setPlannedRelationship",
            json!({"planId": plan, "contactId": person, "desired": "TRUSTED", "by": day}),
        ),
        4 => by_id("removePlannedRelationship", some(one_of(dice, &current, "relationships"))),
        5 => by_input("addObjective", json!({"planId": plan, "horizon": "LONG_TERM", "statement": text, "dueOn": day})),
        6 => {
            by_input("updateObjective", json!({"id": some(one_of(dice, &current, "objectives")), "status": "ACHIEVED"}))
        }
        7 => by_id("removeObjective", some(one_of(dice, &current, "objectives"))),
        8 | 9 => by_input(
            "addAction",
            json!({"planId": plan, "title": text, "contactId": person,
            "objectiveId": one_of(dice, &current, "objectives"), "afterId": one_of(dice, &current, "actions")}),
        ),
        10 => by_input(
            "updateAction",
            json!({"id": some(one_of(dice, &current, "actions")), "dueOn": day, "status": "DONE"}),
        ),
        11 | 12 => by_input(
            "moveAction",
            json!({"id": some(one_of(dice, &current, "actions")), "afterId": one_of(dice, &current, "actions")}),
        ),
        13 => by_id("removeAction", some(one_of(dice, &current, "actions"))),
        14 => by_input(
            "addBenchmark",
            json!({"planId": plan, "name": text, "baseline": "0.50", "target": "10", "dueOn": "2017-10-01"}),
        ),
        _ => by_id("removeBenchmark", some(one_of(dice, &current, "benchmarks"))),
    };
    if let Some(input) = input {
        drop(client.mutate(mutation, "plan { id }", input).await.user_errors());
    } else {
        drop(client.mutate(mutation, "", json!({"id": id})).await.user_errors());
    }
}

#[on_both_databases]
async fn as_of_a_day_is_the_content_of_the_plan_on_that_day(beside: &Database) {
    let (mut people, mut deals) = (Vec::new(), Vec::new());
    // The same database is used by one server after the other, each with its clock at another instant.
    let mut database = Database::migrated(beside.kind()).await;
    let mut dice = Dice(11);
    let mut plan = String::new();
    let mut days: Vec<(String, Value)> = Vec::new();
    for (number, instant) in [
        "2017-01-10T09:00:00Z",
        // In Tokyo the next day begins at 15:00 UTC.
        "2017-02-10T14:59:59Z",
        "2017-02-10T15:00:00Z",
        "2017-03-31T12:00:00Z",
        "2017-06-01T00:00:00Z",
    ]
    .into_iter()
    .enumerate()
    {
        let stop: StoppedAt = instant.parse().unwrap();
        let server = Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await;
        let stranger = server.stranger();
        if number == 0 {
            let input =
                json!({"organizationName": "Kaze", "name": "Ken", "email": "ken@kaze.example", "password": PASSWORD});
            stranger.mutate("signUp", "session { accessToken }", input).await.done();
        }
        let input = json!({"email": "ken@kaze.example", "password": PASSWORD});
        let answer = stranger.mutate("signIn", "session { accessToken }", input).await.done();
        let ken = stranger.with_token(answer.text("signIn.session.accessToken"));
        if number == 0 {
            ken.mutate("updateOrganization", "organization { id }", json!({"timeZone": "Asia/Tokyo"})).await.done();
            let answer = ken.mutate("createAccount", "account { id }", json!({"name": "Acme"})).await.done();
            let account = answer.text("createAccount.account.id").to_owned();
            for name in ["One", "Two"] {
                let fields = json!({"accountId": account, "name": name});
                let person = ken.mutate("createContact", "contact { id }", fields.clone()).await.done();
                people.push(person.text("createContact.contact.id").to_owned());
                let deal = ken.mutate("createOpportunity", "opportunity { id }", fields).await.done();
                deals.push(deal.text("createOpportunity.opportunity.id").to_owned());
            }
            let fields =
                json!({"accountId": account, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
            let made = ken.mutate("createPlan", "plan { id }", fields).await.done();
            plan = made.text("createPlan.plan.id").to_owned();
        }
        for _ in 0..25 {
            change_randomly(&ken, &mut dice, &plan, &people, &deals).await;
        }
        let current = node(&ken, &plan, &format!("{FIELDS} before: asOf(on: \"2017-01-09\")")).await;
        assert_eq!(current["before"], Value::Null);
        days.push((
            ["2017-01-10", "2017-02-10", "2017-02-11", "2017-03-31", "2017-06-01"][number].to_owned(),
            content(&current),
        ));
        // Of every day until now, of days in between, and of days to come.
        for (day, expected) in &days {
            let answer = node(&ken, &plan, &format!("asOf(on: \"{day}\")")).await;
            assert_eq!(&answer["asOf"], expected, "{day} as of {instant}");
        }
        let (_, latest) = days.last().unwrap();
        let answer = node(&ken, &plan, "later: asOf(on: \"2999-01-01\") between: asOf(on: \"2017-01-20\")").await;
        assert_eq!((&answer["later"], &answer["between"]), (latest, &days[0].1));
        database = server.stop().await;
    }
    assert!(days.windows(2).all(|two| two[0].1 != two[1].1), "nothing happened on some day");
    database.remove().await;
}
