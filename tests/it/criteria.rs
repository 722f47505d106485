//! Criteria, assessments, and the score that follows: what is kept, who may, what lists make of it.

use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Answer, World, on_both_databases};

const SCORE: &str = "account { id version score { value assessed assessments { score evidence criterion { name } assessedBy { name } } } }";

async fn criterion(world: &World, name: &str, weight: f64) -> String {
    world.admin().make("createCriterion", "criterion", json!({"name": name, "weight": weight})).await
}

async fn assess(who: &Member, account: &str, scores: &[(&str, Value)]) -> Answer {
    let scores: Vec<Value> =
        scores.iter().map(|(criterion, score)| json!({"criterionId": criterion, "score": score})).collect();
    who.mutate("assessAccount", SCORE, json!({"accountId": account, "scores": scores})).await
}

async fn archive(world: &World, criterion: &str) -> Answer {
    world.admin().mutate("archiveCriterion", "criterion { archivedAt version }", json!({"id": criterion})).await
}

/// The scores of all accounts, by name.
async fn scores(world: &World) -> Vec<(String, f64, f64)> {
    let answer =
        world.admin().query("{ accounts(orderBy: {field: NAME}) { nodes { name score { value assessed } } } }").await;
    let row = |node: &Value| {
        let number = |name: &str| node["score"][name].as_f64().unwrap();
        (node["name"].as_str().unwrap().to_owned(), number("value"), number("assessed"))
    };
    answer.data("accounts.nodes").as_array().unwrap().iter().map(row).collect()
}

fn row(name: &str, value: f64, assessed: f64) -> (String, f64, f64) {
    (name.to_owned(), value, assessed)
}

#[on_both_databases]
async fn a_score_is_the_weighted_mean_of_what_was_assessed(world: &World) {
    let ann = world.seller("Ann").await;
    assert_eq!(
        ann.query("{ criteria { id } accounts { nodes { score { value } } } }").await.data("criteria"),
        &json!([])
    );
    let acme = ann.account(json!({"name": "Acme"})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    assert_eq!(scores(world).await, [row("Acme", 0.0, 0.0), row("Globex", 0.0, 0.0)]);
    let (fit, size, reach) =
        (criterion(world, "Fit", 3.0).await, criterion(world, "Size", 1.0).await, criterion(world, "Reach", 1.0).await);

    let given = json!({"accountId": acme, "scores": [
        {"criterionId": fit, "score": 8, "evidence": " They asked twice. "}, {"criterionId": size, "score": 5}]});
    let answer = ann.mutate("assessAccount", SCORE, given.clone()).await.done();
    let expected = json!({"id": acme, "version": 2, "score": {"value": 58.0, "assessed": 0.8, "assessments": [
        {"score": 8, "evidence": "They asked twice.", "criterion": {"name": "Fit"}, "assessedBy": {"name": "Ann"}},
        {"score": 5, "evidence": null, "criterion": {"name": "Size"}, "assessedBy": {"name": "Ann"}}]}});
    assert_eq!(answer.data("assessAccount.account"), &expected);
    // The same again changes nothing; a field left out stays; null takes back.
    let answer = ann.mutate("assessAccount", SCORE, given).await.done();
    assert_eq!(answer.data("assessAccount.account"), &expected);
    let fields = json!({"accountId": acme, "scores": [{"criterionId": fit, "evidence": null}, {"criterionId": size, "score": null}]});
    let answer = ann.mutate("assessAccount", SCORE, fields).await.done();
    assert_eq!(answer.data("assessAccount.account.score.value"), &json!(48.0));
    assert_eq!(answer.data("assessAccount.account.score.assessments.0.evidence"), &Value::Null);
    assess(&ann, &globex, &[(&fit, json!(10)), (&size, json!(10)), (&reach, json!(10))]).await.done();
    assert_eq!(scores(world).await, [row("Acme", 48.0, 0.6), row("Globex", 100.0, 1.0)]);

    // A change of weight changes every score at once, and no account's version.
    world.admin().mutate("updateCriterion", "criterion { id }", json!({"id": fit, "weight": 2})).await.done();
    assert_eq!(scores(world).await, [row("Acme", 40.0, 0.5), row("Globex", 100.0, 1.0)]);
    // What is archived does not count, and keeps its assessments.
    for _ in 0..2 {
        let answer = archive(world, &fit).await.done();
        assert_eq!(answer.data("archiveCriterion.criterion.version"), &json!(3));
    }
    assert_eq!(scores(world).await, [row("Acme", 0.0, 0.0), row("Globex", 100.0, 1.0)]);
    let document = "{ criteria { name } archived: criteria(archived: ONLY) { name weight }
        accounts(orderBy: {field: NAME}) { nodes { version score { assessments { score } } } } }";
    let answer = ann.query(document).await;
    assert_eq!(answer.each("criteria", "name"), ["Size", "Reach"]);
    assert_eq!(answer.data("archived"), &json!([{"name": "Fit", "weight": 2.0}]));
    assert_eq!(answer.data("accounts.nodes.0"), &json!({"version": 3, "score": {"assessments": [{"score": 8}]}}));
    let types = ann.query("{ events { nodes { type changes } } }").await;
    let types = types.each("events.nodes", "type");
    assert!(types.contains(&&json!("criterion.archived")) && types.contains(&&json!("account.assessed")), "{types:?}");
}

#[on_both_databases]
async fn accounts_are_ordered_and_filtered_by_their_score(world: &World) {
    let admin = world.admin();
    let (one, other) = (criterion(world, "One", 1.0).await, criterion(world, "Other", 2.0).await);
    for number in 0..12 {
        let account = admin.account(json!({"name": format!("n{number:02}")})).await;
        if number > 0 {
            assess(admin, &account, &[(&one, json!(number % 4)), (&other, json!(number % 7))]).await.done();
        }
    }
    let answer = admin
        .query("{ accounts(orderBy: {field: SCORE, direction: DESC}, first: 50) { nodes { score { value } } } }")
        .await;
    let values: Vec<f64> =
        answer.each("accounts.nodes", "score.value").into_iter().map(|value| value.as_f64().unwrap()).collect();
    assert!(values.is_sorted_by(|one, other| one >= other) && values[0] > 0.0, "{values:?}");
    // Each value that is shown is met by a bound of the same text.
    for bound in values.iter().copied().chain([-5.0, 0.0, 33.3, 50.0, 100.0, 250.0]) {
        let how_many = |meets: fn(f64, f64) -> bool| values.iter().filter(|value| meets(**value, bound)).count();
        let document = format!(
            "{{ gte: accounts(filter: {{score: {{gte: {bound}}}}}) {{ totalCount }} gt: accounts(filter: {{score: {{gt: {bound}}}}}) {{ totalCount }}
               lte: accounts(filter: {{score: {{lte: {bound}}}}}) {{ totalCount }} lt: accounts(filter: {{score: {{lt: {bound}}}}}) {{ totalCount }}
               not: accounts(filter: {{not: {{score: {{gte: {bound}}}}}}}) {{ totalCount }} }}"
        );
        let answer = admin.query(&document).await;
        for (name, expected) in [
            ("gte", how_many(|value, bound| value >= bound)),
            ("gt", how_many(|value, bound| value > bound)),
            ("lte", how_many(|value, bound| value <= bound)),
            ("lt", how_many(|value, bound| value < bound)),
            ("not", how_many(|value, bound| value < bound)),
        ] {
            assert_eq!(answer.data(&format!("{name}.totalCount")), &json!(expected), "{name} {bound}");
        }
    }
    assert_eq!(
        admin.query("{ accounts(filter: {score: {gt: null}}) { totalCount } }").await.error_code(),
        "BAD_USER_INPUT"
    );
    // Without criteria all scores are 0, whatever was assessed.
    archive(world, &one).await.done();
    archive(world, &other).await.done();
    let answer = admin
        .query("{ none: accounts(filter: {score: {gt: 0}}) { totalCount } all: accounts(filter: {score: {lte: 0, gte: 0}}) { totalCount } }")
        .await;
    assert_eq!((answer.data("none.totalCount"), answer.data("all.totalCount")), (&json!(0), &json!(12)));
}

#[on_both_databases]
async fn invalid_criteria_are_refused(world: &World) {
    let admin = world.admin();
    let ann = world.seller("Ann").await;
    let create = |input: Value| admin.mutate("createCriterion", "criterion { id }", input);
    for weight in [json!(0), json!(-1), json!(0.0001), json!(1000.5), json!(1e300)] {
        let answer = create(json!({"name": "Fit", "weight": weight})).await;
        assert_eq!(answer.refusals(), [("INVALID".to_owned(), "input.weight".to_owned())], "{weight}");
    }
    for weight in [json!("NaN"), json!("Infinity"), json!(null)] {
        assert_eq!(create(json!({"name": "Fit", "weight": weight})).await.error_code(), "BAD_USER_INPUT", "{weight}");
    }
    let document =
        "mutation { createCriterion(input: {name: \"Fit\", weight: 1e999}) { userErrors { code message field } } }";
    let answer = admin.query(document).await;
    assert!(answer.body.get("errors").is_some() || answer.refusals()[0].0 == "INVALID", "{answer}");
    assert_eq!(create(json!({"name": " "})).await.refusals(), [("REQUIRED".to_owned(), "input.name".to_owned())]);
    let answer = ann.mutate("createCriterion", "criterion { id }", json!({"name": "Fit"})).await;
    assert_eq!(answer.refusals(), [("FORBIDDEN".to_owned(), "input".to_owned())]);

    let fit = criterion(world, "Fit", 1.0).await;
    let old = criterion(world, "Old", 1.0).await;
    archive(world, &old).await.done();
    let acme = ann.account(json!({"name": "Acme"})).await;
    let update = |input: Value| admin.mutate("updateCriterion", "criterion { id }", input);
    assert_eq!(
        update(json!({"id": fit, "weight": null, "name": null})).await.refusals(),
        ["name", "weight"].map(|field| ("REQUIRED".to_owned(), format!("input.{field}")))
    );
    assert_eq!(update(json!({"id": fit, "name": "Good", "ifVersion": 2})).await.refusals()[0].0, "STALE_VERSION");
    assert_eq!(update(json!({"id": acme})).await.refusals(), [("NOT_FOUND".to_owned(), "input.id".to_owned())]);

    // All or nothing, and every fault with its place.
    let answer = ann
        .mutate(
            "assessAccount",
            SCORE,
            json!({"accountId": acme, "scores": [
                {"criterionId": fit, "score": 3}, {"criterionId": fit, "score": 4}, {"criterionId": old, "score": 4},
                {"criterionId": acme, "score": 4}]}),
        )
        .await;
    assert_eq!(
        answer.refusals(),
        [("INVALID", 1), ("CONFLICT", 2), ("NOT_FOUND", 3)]
            .map(|(code, at)| (code.to_owned(), format!("input.scores.{at}.criterionId")))
    );
    for score in [-1, 11] {
        let answer = assess(&ann, &acme, &[(&fit, json!(score))]).await;
        assert_eq!(answer.refusals(), [("INVALID".to_owned(), "input.scores.0.score".to_owned())]);
    }
    let nothing_yet = json!({"accountId": acme, "scores": [{"criterionId": fit, "evidence": "hearsay"}]});
    let answer = ann.mutate("assessAccount", SCORE, nothing_yet).await;
    assert_eq!(answer.refusals(), [("REQUIRED".to_owned(), "input.scores.0.score".to_owned())]);
    assert_eq!(scores(world).await, [row("Acme", 0.0, 0.0)]);

    // Who is on the team reads; who sees nothing finds nothing; another organization's criteria are none.
    let bob = world.seller("Bob").await;
    assert_eq!(
        assess(&bob, &acme, &[(&fit, json!(1))]).await.refusals()[0],
        ("NOT_FOUND".to_owned(), "input.accountId".to_owned())
    );
    ann.mutate("setTeamMember", "account { id }", json!({"accountId": acme, "userId": bob.id(), "role": "OTHER"}))
        .await
        .done();
    assert_eq!(assess(&bob, &acme, &[(&fit, json!(1))]).await.refusals()[0].0, "FORBIDDEN");
    let elsewhere = world.another_organization("Globex").await;
    let theirs = elsewhere.admin().account(json!({"name": "Theirs"})).await;
    assert_eq!(
        assess(elsewhere.admin(), &theirs, &[(&fit, json!(1))]).await.refusals(),
        [("NOT_FOUND".to_owned(), "input.scores.0.criterionId".to_owned())]
    );
    assert_eq!(
        elsewhere.admin().query(&format!("{{ node(id: \"{fit}\") {{ id }} }}")).await.data("node"),
        &Value::Null
    );
    assert_eq!(
        ann.query(&format!("{{ node(id: \"{fit}\") {{ ... on Criterion {{ name }} }} }}")).await.text("node.name"),
        "Fit"
    );
}

#[on_both_databases]
async fn assessing_while_a_weight_changes_loses_neither(world: &World) {
    let fit = criterion(world, "Fit", 1.0).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let size = criterion(world, "Size", 1.0).await;
    for round in 1..=5 {
        let weigh = world.admin().mutate("updateCriterion", "criterion { id }", json!({"id": fit, "weight": round}));
        let given = [(fit.as_str(), json!(round)), (size.as_str(), json!(round))];
        let (weighed, assessed) = tokio::join!(weigh, assess(&ann, &acme, &given));
        weighed.done();
        assessed.done();
    }
    assert_eq!(scores(world).await, [row("Acme", 50.0, 1.0)]);
}

#[on_both_databases]
async fn scores_cost_the_same_for_any_number_of_accounts(world: &World) {
    let admin = world.admin();
    let fit = criterion(world, "Fit", 1.0).await;
    let document = "{ accounts { nodes { score { value assessed assessments { score criterion { name } assessedBy { name } } } } } }";
    let mut costs = Vec::new();
    for many in [2, 10] {
        for number in 0..many {
            let account = admin.account(json!({"name": format!("n{many}-{number}")})).await;
            assess(admin, &account, &[(&fit, json!(number))]).await.done();
        }
        let (answer, cost) = count(world.server(), admin.query(document)).await;
        assert!(answer.data("accounts.nodes").as_array().unwrap().len() >= many);
        costs.push(cost);
    }
    assert_eq!(costs, [5, 5]);
}
