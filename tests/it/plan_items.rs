//! The items of plans: their limits, their order under concurrent moves, reviews, and plans copied from others.

use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::actors::Member;
use tests::dice::Dice;
use tests::{World, on_both_databases};

use crate::plans::{act, add, change, full, plan, plan_fields, refusal};

#[on_both_databases]
async fn invalid_plan_items_are_rejected(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let (plan_id, action) = full(&ann, &acme, json!({})).await;
    let (other, foreign) = full(&ann, &ann.account(json!({"name": "Globex"})).await, json!({})).await;
    let items = "objectives { id } benchmarks { id } relationships { id contact { id } } opportunities { id }";
    let (mine, theirs) = (plan_fields(&ann, &plan_id, items).await, plan_fields(&ann, &other, items).await);
    let id = |of: &Value, path: &str| of.pointer(path).unwrap().as_str().unwrap().to_owned();
    let benchmark = id(&mine, "/benchmarks/0/id");
    let long = |length: usize| "x".repeat(length);
    // All invalid fields are reported, and nothing is written.
    let version = plan_fields(&ann, &plan_id, "version").await;
    let input = json!({"planId": plan_id, "title": " ", "assigneeId": "nonsense", "objectiveId": id(&theirs, "/objectives/0/id"),
        "contactId": id(&theirs, "/relationships/0/contact/id"), "afterId": foreign});
    let mut refused = change(&ann, "addAction", input).await.refusals();
    refused.sort();
    let expected = [
        ("INVALID", "input.afterId"),
        ("INVALID", "input.contactId"),
        ("INVALID", "input.objectiveId"),
        ("NOT_FOUND", "input.assigneeId"),
        ("REQUIRED", "input.title"),
    ];
    assert_eq!(refused, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    for (mutation, input, code, field) in [
        ("updatePlan", json!({"id": plan_id, "title": null}), "REQUIRED", "title"),
        ("updatePlan", json!({"id": plan_id, "title": long(201)}), "INVALID", "title"),
        ("updatePlan", json!({"id": plan_id, "summary": long(20_001)}), "INVALID", "summary"),
        ("updatePlan", json!({"id": plan_id, "endsOn": "2016-12-31"}), "INVALID", "endsOn"),
        ("updatePlan", json!({"id": plan_id, "nextReviewOn": "2017-01-01"}), "INVALID", "nextReviewOn"),
        ("updatePlan", json!({"id": plan_id, "startsOn": "2017-12-31"}), "INVALID", "startsOn"),
        ("updatePlan", json!({"id": plan_id, "ownerId": null}), "REQUIRED", "ownerId"),
        (
            "updatePlan",
            json!({"id": plan_id, "opportunityIds": [id(&theirs, "/opportunities/0/id")]}),
            "INVALID",
            "opportunityIds.0",
        ),
        ("updatePlan", json!({"id": plan_id, "opportunityIds": ["nonsense"]}), "NOT_FOUND", "opportunityIds.0"),
        (
            "updatePlan",
            json!({"id": plan_id, "opportunityIds": vec![id(&mine, "/opportunities/0/id"); 201]}),
            "LIMIT_EXCEEDED",
            "opportunityIds",
        ),
        ("updatePlan", json!({"id": plan_id, "ifVersion": 1}), "STALE_VERSION", "ifVersion"),
        (
            "setPlannedRelationship",
            json!({"planId": plan_id, "contactId": id(&theirs, "/relationships/0/contact/id"), "desired": "KNOWN"}),
            "INVALID",
            "contactId",
        ),
        ("addObjective", json!({"planId": plan_id, "horizon": "LONG_TERM", "statement": ""}), "REQUIRED", "statement"),
        (
            "addObjective",
            json!({"planId": plan_id, "horizon": "LONG_TERM", "statement": long(20_001)}),
            "INVALID",
            "statement",
        ),
        (
            "updateObjective",
            json!({"id": id(&mine, "/objectives/0/id"), "achievedOn": "2017-01-01"}),
            "INVALID",
            "achievedOn",
        ),
        (
            "updateObjective",
            json!({"id": id(&mine, "/objectives/0/id"), "status": "ACHIEVED", "achievedOn": "2999-01-01"}),
            "INVALID",
            "achievedOn",
        ),
        ("updateObjective", json!({"id": id(&mine, "/objectives/0/id"), "status": null}), "REQUIRED", "status"),
        ("updateAction", json!({"id": action, "completedOn": "2017-01-01"}), "INVALID", "completedOn"),
        (
            "updateAction",
            json!({"id": action, "status": "DONE", "completedOn": "2999-01-01"}),
            "INVALID",
            "completedOn",
        ),
        ("updateAction", json!({"id": action, "title": long(201)}), "INVALID", "title"),
        ("moveAction", json!({"id": action, "afterId": action}), "INVALID", "afterId"),
        ("moveAction", json!({"id": action, "afterId": foreign}), "INVALID", "afterId"),
        ("moveAction", json!({"id": action, "afterId": plan_id}), "NOT_FOUND", "afterId"),
        (
            "addBenchmark",
            json!({"planId": plan_id, "name": "n", "baseline": "1", "target": "1.0", "dueOn": "2017-06-30"}),
            "INVALID",
            "target",
        ),
        (
            "addBenchmark",
            json!({"planId": plan_id, "name": "n", "baseline": "1", "target": "2", "dueOn": "2017-01-01"}),
            "INVALID",
            "dueOn",
        ),
        (
            "addBenchmark",
            json!({"planId": plan_id, "name": "n", "baseline": "0.0000001", "target": "2", "dueOn": "2017-06-30"}),
            "INVALID",
            "baseline",
        ),
        (
            "addBenchmark",
            json!({"planId": plan_id, "name": "n", "baseline": "1", "target": "1000000000000", "dueOn": "2017-06-30"}),
            "INVALID",
            "target",
        ),
        ("updateBenchmark", json!({"id": benchmark, "target": "1"}), "INVALID", "target"),
        ("updateBenchmark", json!({"id": benchmark, "baseline": null}), "REQUIRED", "baseline"),
        (
            "recordMeasurement",
            json!({"benchmarkId": benchmark, "value": "1", "measuredOn": "2016-12-31"}),
            "INVALID",
            "measuredOn",
        ),
        (
            "recordMeasurement",
            json!({"benchmarkId": benchmark, "value": "1", "measuredOn": "2999-01-01"}),
            "INVALID",
            "measuredOn",
        ),
        (
            "reviewPlan",
            json!({"id": plan_id, "outcome": "ON_TRACK", "reviewedOn": "2999-01-01"}),
            "INVALID",
            "reviewedOn",
        ),
        (
            "reviewPlan",
            json!({"id": plan_id, "outcome": "ON_TRACK", "reviewedOn": "2017-02-01", "nextReviewOn": "2017-02-01"}),
            "INVALID",
            "nextReviewOn",
        ),
        ("askQuestion", json!({"planId": plan_id, "question": "\t\n"}), "REQUIRED", "question"),
        ("commitPlan", json!({"id": plan_id, "statement": long(20_001)}), "INVALID", "statement"),
        (
            "createPlan",
            json!({"accountId": acme, "title": "x", "startsOn": "2019-01-01", "endsOn": "2019-01-01", "copyFromId": action}),
            "NOT_FOUND",
            "copyFromId",
        ),
        ("addAction", json!({"planId": "nonsense", "title": "x"}), "NOT_FOUND", "planId"),
        ("updateAction", json!({"id": plan_id}), "NOT_FOUND", "id"),
    ] {
        let answer = change(&ann, mutation, input.clone()).await;
        assert_eq!(answer.refusals(), refusal(code, &format!("input.{field}")), "{mutation} {input}");
    }
    assert_eq!(plan_fields(&ann, &plan_id, "version").await, version);
    // Values at their limits are accepted. An update that changes nothing writes nothing.
    let input = json!({"id": plan_id, "title": long(200), "summary": long(20_000)});
    change(&ann, "updatePlan", input.clone()).await.done();
    let answer = change(&ann, "updatePlan", input).await.done();
    assert_eq!(answer.data("updatePlan.plan.version").as_i64().unwrap(), version["version"].as_i64().unwrap() + 1);
    // A benchmark that is computed from the account takes no measurements.
    let input = json!({"planId": plan_id, "name": "Booked", "source": "BOOKED", "baseline": "0", "target": "9", "dueOn": "2017-06-30"});
    let booked = add(&ann, "addBenchmark", "benchmarks", input).await;
    let answer = change(&ann, "recordMeasurement", json!({"benchmarkId": booked, "value": "1"})).await;
    assert_eq!(answer.refusals(), refusal("INVALID", "input.benchmarkId"));
    let answer = change(&ann, "recordMeasurement", json!({"benchmarkId": benchmark, "value": "1e3"})).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
}

#[on_both_databases]
async fn a_plan_has_five_hundred_actions_at_most(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let plan_id = plan(&ann, &acme, json!({})).await;
    // One request adds many, which is faster.
    let many = |from: usize, to: usize| {
        let all = (from..to).map(|number| {
            format!("a{number}: addAction(input: {{planId: $id, title: \"n{number}\"}}) {{ userErrors {{ code message field }} }}")
        });
        format!("mutation($id: ID!) {{ {} }}", all.collect::<Vec<_>>().join(" "))
    };
    for start in (0..500).step_by(100) {
        ann.send(&many(start, start + 100), json!({"id": plan_id})).await.done();
    }
    let answer = change(&ann, "addAction", json!({"planId": plan_id, "title": "One more"})).await;
    assert_eq!(answer.refusals(), refusal("LIMIT_EXCEEDED", "input.planId"));
    let found = plan_fields(&ann, &plan_id, "version actions { position title }").await;
    let actions = found["actions"].as_array().unwrap();
    assert_eq!((found["version"].as_i64(), actions.len()), (Some(501), 500));
    assert!(
        actions
            .iter()
            .enumerate()
            .all(|(at, action)| action["position"] == at + 1 && action["title"] == format!("n{at}"))
    );
    let last = plan_fields(&ann, &plan_id, "actions { id }").await["actions"][499]["id"].as_str().unwrap().to_owned();
    act(&ann, "removeAction", &last).await.done();
    change(&ann, "addAction", json!({"planId": plan_id, "title": "One more"})).await.done();
}

/// Returns the ids of a plan's actions in their order.
async fn order(who: &Member, plan: &str) -> Vec<String> {
    let found = plan_fields(who, plan, "actions { id position }").await;
    let actions = found["actions"].as_array().unwrap();
    assert!(actions.iter().enumerate().all(|(at, action)| action["position"] == at + 1), "{found}");
    actions.iter().map(|action| action["id"].as_str().unwrap().to_owned()).collect()
}

#[on_both_databases]
async fn actions_are_moved_correctly_under_concurrent_moves(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let plan_id = plan(&ann, &acme, json!({})).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(add(&ann, "addAction", "actions", json!({"planId": plan_id, "title": format!("n{number}")})).await);
    }
    assert_eq!(order(&ann, &plan_id).await, ids);
    let first =
        add(&ann, "addAction", "actions", json!({"planId": plan_id, "title": "After n1", "afterId": ids[1]})).await;
    ids.insert(2, first);
    assert_eq!(order(&ann, &plan_id).await, ids);
    let move_to = async |who: &Member, id: &str, after: Option<&str>| {
        change(who, "moveAction", json!({"id": id, "afterId": after})).await.done();
    };
    // Moves one after the other give the same result as in a list.
    let mut dice = Dice(5);
    let below = |dice: &mut Dice, bound: usize| usize::try_from(dice.below(i64::try_from(bound).unwrap())).unwrap();
    for _ in 0..12 {
        let moved = ids.remove(below(&mut dice, 7));
        let at = below(&mut dice, 7);
        move_to(&ann, &moved, at.checked_sub(1).map(|at| ids[at].as_str())).await;
        ids.insert(at, moved);
        assert_eq!(order(&ann, &plan_id).await, ids);
    }
    // A move to the current position is not a change.
    let version = plan_fields(&ann, &plan_id, "version").await;
    move_to(&ann, &ids[0], None).await;
    move_to(&ann, &ids[3], Some(&ids[2])).await;
    assert_eq!(plan_fields(&ann, &plan_id, "version").await, version);
    // Two concurrent moves keep every action, and each action comes right after the one it was moved behind, with
    // nothing in between but the other moved action.
    for round in 0..8 {
        let before = order(&mia, &plan_id).await;
        let (one, two) = (before[below(&mut dice, 7)].clone(), before[below(&mut dice, 7)].clone());
        let target = |dice: &mut Dice, id: &str| {
            let others: Vec<&String> = before.iter().filter(|other| *other != id).collect();
            others[below(dice, 6)].clone()
        };
        let (after_one, after_two) = (target(&mut dice, &one), target(&mut dice, &two));
        tokio::join!(move_to(&ann, &one, Some(&after_one)), move_to(&mia, &two, Some(&after_two)));
        let after = order(&ann, &plan_id).await;
        let (mut sorted, mut expected) = (after.clone(), before.clone());
        sorted.sort();
        expected.sort();
        assert_eq!(sorted, expected, "{round}");
        // The result is that of one of the two orders of the moves.
        let moved = |list: &[String], id: &String, behind: &String| {
            let mut list: Vec<String> = list.iter().filter(|other| *other != id).cloned().collect();
            let at = list.iter().position(|other| other == behind).unwrap() + 1;
            list.insert(at, id.clone());
            list
        };
        let possible = [
            moved(&moved(&before, &one, &after_one), &two, &after_two),
            moved(&moved(&before, &two, &after_two), &one, &after_one),
        ];
        assert!(possible.contains(&after), "{round}: {after:?} out of {before:?}");
    }
}

#[on_both_databases]
async fn benchmarks_show_attainment_and_whether_they_are_on_track(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let plan_id = plan(&ann, &acme, json!({})).await;
    let benchmark = async |fields: Value| {
        let mut input =
            json!({"planId": plan_id, "name": "n", "baseline": "0", "target": "100", "dueOn": "2017-01-11"});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        add(&ann, "addBenchmark", "benchmarks", input).await
    };
    let found = async |id: &str| {
        let document = format!(
            "{{ node(id: \"{id}\") {{ ... on Benchmark {{ attainment onTrack latest {{ value }} measurements {{ measuredOn value note }} }} }} }}"
        );
        ann.query(&document).await.data("node").clone()
    };
    let measure = async |id: &str, day: &str, value: &str| {
        let input = json!({"benchmarkId": id, "value": value, "measuredOn": day, "note": value});
        change(&ann, "recordMeasurement", input).await.done();
    };
    let up = benchmark(json!({})).await;
    assert_eq!(found(&up).await, json!({"attainment": null, "onTrack": null, "latest": null, "measurements": []}));
    measure(&up, "2017-01-06", "49.999999").await;
    assert_eq!(found(&up).await["onTrack"], json!(false));
    // The second measurement of a day replaces the first, and the feed contains both.
    measure(&up, "2017-01-06", "50").await;
    measure(&up, "2017-01-02", "5").await;
    let attainment = found(&up).await;
    allow_duplicates! {
        assert_json_snapshot!(attainment, @r#"
        {
          "attainment": 0.5,
          "onTrack": true,
          "latest": {
            "value": "50"
          },
          "measurements": [
            {
              "measuredOn": "2017-01-02",
              "value": "5",
              "note": "5"
            },
            {
              "measuredOn": "2017-01-06",
              "value": "50",
              "note": "50"
            }
          ]
        }
        "#);
    }
    let history = plan_fields(&ann, &plan_id, "history(first: 3) { nodes { type changes } }").await;
    let path = format!("/history/nodes/1/changes/measurement.{up}.2017-01-06.value");
    assert_eq!(history.pointer(&path), Some(&json!({"from": "49.999999", "to": "50"})), "{history}");
    measure(&up, "2017-02-01", "99").await;
    assert_eq!(found(&up).await["onTrack"], json!(false));
    let down = benchmark(json!({"baseline": "10", "target": "-10"})).await;
    measure(&down, "2017-01-06", "0").await;
    assert_eq!((&found(&down).await["onTrack"], &found(&down).await["attainment"]), (&json!(true), &json!(0.5)));

    // Benchmarks that are computed from the account take no measurements.
    let bound = async |source: &str| benchmark(json!({"source": source, "target": "200", "dueOn": "2017-12-31"})).await;
    let (booked, pipeline, known) =
        (bound("BOOKED").await, bound("OPEN_PIPELINE").await, bound("CONTACTS_KNOWN").await);
    for (day, amount) in [("2016-12-31", "7"), ("2017-01-01", "100"), ("2017-12-31", "0.5"), ("2018-01-01", "9")] {
        ann.booking(&acme, json!({"amount": amount, "bookedOn": day})).await;
    }
    ann.opportunity(&acme, json!({"name": "One", "amount": "30.25"})).await;
    ann.opportunity(&acme, json!({"name": "Two"})).await;
    let lost = ann.opportunity(&acme, json!({"name": "Lost", "amount": "500"})).await;
    ann.mutate("loseOpportunity", "opportunity { id }", json!({"id": lost})).await.done();
    for level in ["UNKNOWN", "KNOWN", "TRUSTED"] {
        ann.contact(&acme, json!({"name": level, "relationship": level})).await;
    }
    for (id, value) in [(&booked, "100.5"), (&pipeline, "30.25"), (&known, "2")] {
        let found = found(id).await;
        assert_eq!(found["latest"]["value"], value);
        assert_eq!((found["measurements"].as_array().unwrap().len(), &found["onTrack"]), (1, &json!(false)));
    }
    // A review keeps a snapshot of the plan's state.
    change(&ann, "addAction", json!({"planId": plan_id, "title": "Late", "dueOn": "2017-02-01"})).await.done();
    change(&ann, "updateBenchmark", json!({"id": down, "name": "Complaints"})).await.done();
    change(&ann, "reviewPlan", json!({"id": plan_id, "outcome": "CHANGED", "notes": "More."})).await.done();
    act(&ann, "removeBenchmark", &down).await.done();
    let snapshot = "actionsOpen actionsDone actionsSkipped actionsOverdue benchmarks { name value onTrack }";
    let found = plan_fields(&ann, &plan_id, &format!("reviews {{ outcome notes by {{ name }} snapshot {{ {snapshot} }} }} benchmarks {{ id }} health {{ actionsOverdue benchmarksBehind daysSinceReview }}")).await;
    assert_eq!(found["benchmarks"].as_array().unwrap().len(), 4);
    assert_eq!(found["health"], json!({"actionsOverdue": 1, "benchmarksBehind": 4, "daysSinceReview": 0}));
    let review = &found["reviews"][0];
    assert_eq!((&review["outcome"], &review["by"]["name"]), (&json!("CHANGED"), &json!("Ann")));
    assert_eq!((&review["snapshot"]["actionsOpen"], &review["snapshot"]["actionsOverdue"]), (&json!(1), &json!(1)));
    assert_eq!(review["snapshot"]["benchmarks"][1], json!({"name": "Complaints", "value": "0", "onTrack": true}));
}

#[on_both_databases]
async fn the_next_review_follows_from_the_cadence(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let (plan_id, _) = full(&ann, &acme, json!({"cadence": "MONTHLY"})).await;
    let next = async || plan_fields(&ann, &plan_id, "nextReviewOn").await["nextReviewOn"].clone();
    assert_eq!(next().await, Value::Null);
    let review = async |day: &str, fields: Value| {
        let mut input = json!({"id": plan_id, "outcome": "ON_TRACK", "reviewedOn": day});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        change(&ann, "reviewPlan", input).await.done();
    };
    review("2017-01-31", json!({})).await;
    assert_eq!(next().await, "2017-02-28");
    // A review entered late does not move it back. It can be given another day, and a new cadence computes it anew.
    review("2016-12-15", json!({})).await;
    assert_eq!(next().await, "2017-02-28");
    review("2017-02-28", json!({"nextReviewOn": "2017-03-15"})).await;
    assert_eq!(next().await, "2017-03-15");
    assert_eq!(plan_fields(&ann, &plan_id, "health { reviewOverdue }").await["health"]["reviewOverdue"], json!(true));
    change(&ann, "updatePlan", json!({"id": plan_id, "cadence": "QUARTERLY"})).await.done();
    assert_eq!(next().await, "2017-05-28");
    change(&ann, "updatePlan", json!({"id": plan_id, "nextReviewOn": "2999-01-01"})).await.done();
    change(&ann, "commitPlan", json!({"id": plan_id, "statement": "We will."})).await.done();
    assert_eq!(next().await, "2999-01-01");
    let days = plan_fields(&ann, &plan_id, "reviews { reviewedOn nextReviewOn }").await;
    assert_eq!(days["reviews"][0], json!({"reviewedOn": "2017-02-28", "nextReviewOn": "2017-03-15"}));
    assert_eq!(days["reviews"][2], json!({"reviewedOn": "2016-12-15", "nextReviewOn": "2017-01-15"}));
    act(&ann, "closePlan", &plan_id).await.done();
    assert_eq!(plan_fields(&ann, &plan_id, "health { reviewOverdue }").await["health"]["reviewOverdue"], json!(false));
}

#[on_both_databases]
async fn a_plan_is_copied_from_another_without_its_results(world: &World) {
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").await;
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    let seat = json!({"accountId": acme, "userId": bob.id(), "role": "OTHER"});
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    let (source, action) = full(&ann, &acme, json!({})).await;
    change(&ann, "moveAction", json!({"id": action})).await.done();
    change(&ann, "updateAction", json!({"id": action, "status": "DONE", "assigneeId": bob.id()})).await.done();
    let question = add(&ann, "askQuestion", "questions", json!({"planId": source, "question": "Who?"})).await;
    change(&ann, "updateQuestion", json!({"id": question, "answer": "She."})).await.done();
    let all = "summary status version opportunities { name } relationships { contact { name } by approach startedAt } objectives { horizon status dueOn }
        actions { title status dueOn completedOn position assignee { name } contact { name } objective { horizon } }
        benchmarks { name unit baseline target dueOn latest { value } } questions { question answer }";
    let copy = async |account: &str| {
        let input = json!({"accountId": account, "title": "Next year", "startsOn": "2018-01-02", "endsOn": "2018-12-31", "copyFromId": source});
        let id = change(&ann, "createPlan", input).await.done().text("createPlan.plan.id").to_owned();
        plan_fields(&ann, &id, all).await
    };
    let same = copy(&acme).await;
    allow_duplicates! {
        assert_json_snapshot!(same, @r#"
        {
          "summary": "They outgrow what they have.",
          "status": "DRAFT",
          "version": 1,
          "opportunities": [
            {
              "name": "A deal"
            }
          ],
          "relationships": [
            {
              "contact": {
                "name": "Cora"
              },
              "by": "2018-07-01",
              "approach": "Lunch",
              "startedAt": "UNKNOWN"
            }
          ],
          "objectives": [
            {
              "horizon": "SHORT_TERM",
              "status": "OPEN",
              "dueOn": "2018-10-01"
            },
            {
              "horizon": "LONG_TERM",
              "status": "OPEN",
              "dueOn": "2018-10-01"
            }
          ],
          "actions": [
            {
              "title": "Call, LONG_TERM",
              "status": "OPEN",
              "dueOn": "2018-03-02",
              "completedOn": null,
              "position": 1,
              "assignee": {
                "name": "Bob"
              },
              "contact": {
                "name": "Cora"
              },
              "objective": {
                "horizon": "LONG_TERM"
              }
            },
            {
              "title": "Call, SHORT_TERM",
              "status": "OPEN",
              "dueOn": "2018-03-02",
              "completedOn": null,
              "position": 2,
              "assignee": {
                "name": "Ann"
              },
              "contact": {
                "name": "Cora"
              },
              "objective": {
                "horizon": "SHORT_TERM"
              }
            }
          ],
          "benchmarks": [
            {
              "name": "Visits",
              "unit": "a month",
              "baseline": "1",
              "target": "4.5",
              "dueOn": "2019-01-01",
              "latest": null
            }
          ],
          "questions": [
            {
              "question": "Who?",
              "answer": null
            }
          ]
        }
        "#);
    }
    // From another account's plan, contacts, opportunities and assignees who do not see the new account are not copied.
    let other = copy(&globex).await;
    assert_eq!((&other["opportunities"], &other["relationships"]), (&json!([]), &json!([])));
    assert_eq!((&other["actions"][0]["assignee"], &other["actions"][0]["contact"]), (&Value::Null, &Value::Null));
    assert_eq!(other["actions"][1]["assignee"]["name"], "Ann");
    // A plan that is not visible cannot be copied.
    let eve = world.seller("Eve").await;
    let own = eve.account(json!({"name": "Eve's"})).await;
    let input =
        json!({"accountId": own, "title": "x", "startsOn": "2018-01-01", "endsOn": "2018-12-31", "copyFromId": source});
    assert_eq!(change(&eve, "createPlan", input).await.refusals(), refusal("NOT_FOUND", "input.copyFromId"));
}
