//! The orderings of lists: every field in both directions, nulls first and last, and pages of them.

use serde_json::{Value, json};
use tests::actors::Member;
use tests::{Client, World, on_both_databases};

/// Fields of an order: the enum value, the selection of the field, and the path of its value in a node.
type Fields = &'static [(&'static str, &'static str, &'static str)];

/// A list, and the fields that it can be ordered by: each with the selection that shows it, and its place in a node.
const LISTS: [(&str, Fields); 13] = [
    (
        "accounts",
        &[
            ("NAME", "name", "/name"),
            ("POTENTIAL", "potential { amount }", "/potential/amount"),
            ("EMPLOYEES", "employees", "/employees"),
            ("ANNUAL_REVENUE", "annualRevenue { amount }", "/annualRevenue/amount"),
            ("SCORE", "score { value }", "/score/value"),
            ("CREATED_AT", "createdAt", "/createdAt"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "contacts",
        &[
            ("NAME", "name", "/name"),
            ("CREATED_AT", "createdAt", "/createdAt"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "opportunities",
        &[
            ("NAME", "name", "/name"),
            ("AMOUNT", "amount { amount }", "/amount/amount"),
            ("OPENED_ON", "openedOn", "/openedOn"),
            ("EXPECTED_CLOSE_ON", "expectedCloseOn", "/expectedCloseOn"),
            ("CLOSED_ON", "closedOn", "/closedOn"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "bookings",
        &[
            ("BOOKED_ON", "bookedOn", "/bookedOn"),
            ("AMOUNT", "amount { amount }", "/amount/amount"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "users",
        &[
            ("NAME", "name", "/name"),
            ("CREATED_AT", "createdAt", "/createdAt"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "targets",
        &[
            ("SINCE", "since", "/since"),
            ("PROPOSED_AT", "proposedAt", "/proposedAt"),
            ("SCORE", "account { score { value } }", "/account/score/value"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "goals",
        &[
            ("YEAR", "year", "/year"),
            ("AMOUNT", "amount { amount }", "/amount/amount"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    ("oneOnOnes", &[("SCHEDULED_FOR", "scheduledFor", "/scheduledFor"), ("UPDATED_AT", "updatedAt", "/updatedAt")]),
    (
        "plans",
        &[
            ("NEXT_REVIEW_ON", "nextReviewOn", "/nextReviewOn"),
            ("STARTS_ON", "startsOn", "/startsOn"),
            ("ENDS_ON", "endsOn", "/endsOn"),
            ("UPDATED_AT", "updatedAt", "/updatedAt"),
        ],
    ),
    (
        "touches",
        &[("AT", "at", "/at"), ("CREATED_AT", "createdAt", "/createdAt"), ("UPDATED_AT", "updatedAt", "/updatedAt")],
    ),
    (
        "promises",
        &[("DUE_ON", "dueOn", "/dueOn"), ("MADE_ON", "madeOn", "/madeOn"), ("UPDATED_AT", "updatedAt", "/updatedAt")],
    ),
    ("triggerEvents", &[("OCCURRED_ON", "occurredOn", "/occurredOn"), ("UPDATED_AT", "updatedAt", "/updatedAt")]),
    ("events", &[]),
];

/// Assesses an account by a criterion.
async fn assess(who: &Member, account: &str, criterion: &str, score: i32) {
    let input = json!({"accountId": account, "scores": [{"criterionId": criterion, "score": score}]});
    who.mutate("assessAccount", "account { id }", input).await.done();
}

/// Five accounts of a seller with different values, some of them null, and a row of every other list at each.
async fn fill(world: &World, mia: &Member, ann: &Member) -> (Vec<String>, String) {
    let input = json!({"name": "Size", "weight": 1.0});
    let criterion = world.admin().make("createCriterion", "criterion", input).await;
    let mut accounts = Vec::new();
    for (number, name, value) in
        [(1, "Delta", Some(5)), (2, "alpha", None), (3, "Charlie", Some(20)), (4, "Bravo", None), (5, "Echo", Some(5))]
    {
        let day = |month: i32| format!("2017-{month:02}-{:02}", 20 - number);
        let (amount, employees) = (value.map(|value| value.to_string()), value.map(|value| value * 10));
        let fields = json!({"name": name, "potential": amount, "employees": employees, "annualRevenue": amount});
        let account = ann.account(fields).await;
        assess(ann, &account, &criterion, value.unwrap_or(7) % 10).await;
        ann.contact(&account, json!({"name": name})).await;
        let closes = value.map(|_| "2999-01-01");
        let deal = json!({"name": name, "amount": amount, "openedOn": day(1), "expectedCloseOn": closes});
        let deal = ann.opportunity(&account, deal).await;
        ann.booking(&account, json!({"amount": (7 - number).to_string(), "bookedOn": day(2)})).await;
        ann.touch(&account, json!({"kind": "CALL", "at": format!("{}T12:00:00Z", day(3))})).await;
        let target = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
        let target = ann.make("proposeTarget", "target", target).await;
        let goal = json!({"accountId": account, "year": 2020 - number, "amount": (number * 7 % 5 + 1).to_string()});
        ann.mutate("setGoal", "goal { id }", goal).await.done();
        let plan = json!({"accountId": account, "title": name, "startsOn": day(4), "endsOn": day(5)});
        ann.make("createPlan", "plan", plan).await;
        let promise = json!({"accountId": account, "what": name, "dueOn": format!("2999-01-{:02}", 20 - number)});
        ann.make("makePromise", "promise", promise).await;
        let event = json!({"accountId": account, "kind": "FUNDING", "occurredOn": day(6)});
        ann.make("recordTriggerEvent", "triggerEvent", event).await;
        let meeting = json!({"sellerId": ann.id(), "scheduledFor": format!("2999-01-{:02}T09:00:00Z", 20 - number)});
        mia.make("scheduleOneOnOne", "oneOnOne", meeting).await;
        if value.is_some() {
            let input = json!({"id": target, "decision": "AGREE", "ifVersion": 1});
            mia.mutate("decideTarget", "target { id }", input).await.done();
            ann.mutate("loseOpportunity", "opportunity { id }", json!({"id": deal, "reason": "PRICE"})).await.done();
        }
        accounts.push(account);
    }
    (accounts, criterion)
}

/// A value that is compared as the API compares it: None for null.
fn comparable(value: Option<&Value>) -> Option<(f64, String)> {
    match value? {
        Value::Null => None,
        Value::Number(number) => Some((number.as_f64().unwrap(), String::new())),
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => Some((number, String::new())),
            // Instants have as many decimals as they need.
            Err(_) => Some((0.0, text.trim_end_matches('Z').to_lowercase())),
        },
        other => unreachable!("not a value to order by: {other}"),
    }
}

/// All nodes of a list in an ordering, read by pages of two in one direction.
async fn paged(who: &Client, list: &str, order: &str, selection: &str, backwards: bool) -> Vec<Value> {
    let (size, cursor, more, end) = if backwards {
        ("last", "before", "hasPreviousPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "endCursor")
    };
    let mut all = Vec::new();
    let mut from = String::new();
    loop {
        let document = format!(
            "{{ {list}(orderBy: {order}, {size}: 2 {from}) {{ nodes {{ id {selection} }} pageInfo {{ {more} {end} }} }} }}"
        );
        let answer = who.query(&document).await.answered();
        let nodes = answer.data(&format!("{list}.nodes")).as_array().unwrap().clone();
        if backwards {
            all.splice(0..0, nodes);
        } else {
            all.extend(nodes);
        }
        if answer.data(&format!("{list}.pageInfo.{more}")) == &json!(false) {
            return all;
        }
        from = format!(", {cursor}: {}", answer.data(&format!("{list}.pageInfo.{end}")));
    }
}

#[on_both_databases]
async fn every_list_is_ordered_by_every_field(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    fill(world, &mia, &ann).await;
    let mut with_nulls = 0;
    for (list, fields) in LISTS {
        for (field, selection, place) in fields {
            for (direction, nulls, nulls_first) in [
                ("ASC", "", false),
                ("DESC", "", true),
                ("ASC", ", nulls: FIRST", true),
                ("ASC", ", nulls: LAST", false),
                ("DESC", ", nulls: FIRST", true),
                ("DESC", ", nulls: LAST", false),
            ] {
                let order = format!("[{{field: {field}, direction: {direction}{nulls}}}]");
                let document = format!("{{ {list}(orderBy: {order}, first: 200) {{ nodes {{ id {selection} }} }} }}");
                for who in [&**world.admin(), &**ann] {
                    let whole = who.query(&document).await.answered();
                    let nodes = whole.data(&format!("{list}.nodes")).as_array().unwrap();
                    assert!(nodes.len() >= 3, "{list}");
                    let values: Vec<_> = nodes.iter().map(|node| comparable(node.pointer(place))).collect();
                    with_nulls += usize::from(values.contains(&None));
                    let mut sorted = values.clone();
                    sorted.sort_by(|one, other| match (one, other) {
                        (Some(one), Some(other)) if direction == "ASC" => one.partial_cmp(other).unwrap(),
                        (Some(one), Some(other)) => other.partial_cmp(one).unwrap(),
                        _ if nulls_first => one.is_some().cmp(&other.is_some()),
                        _ => one.is_none().cmp(&other.is_none()),
                    });
                    assert_eq!(values, sorted, "{list} {order}");
                    for backwards in [false, true] {
                        let paged = paged(who, list, &order, selection, backwards).await;
                        assert_eq!(&paged, nodes, "{list} {order}, backwards: {backwards}");
                    }
                }
            }
        }
    }
    // Six fields may be null, of which the days of the next review all are.
    assert!(with_nulls >= 6 * 6 * 2, "{with_nulls}");
}

#[on_both_databases]
async fn an_ordering_names_each_field_once_and_at_most_three(world: &World) {
    let admin = world.admin();
    for (list, fields) in LISTS {
        let Some((field, _, _)) = fields.first() else { continue };
        for (order, expected) in [
            (format!("[{{field: {field}}}, {{field: {field}, direction: DESC}}]"), "names"),
            (format!("[{0}, {0}, {0}, {0}]", format_args!("{{field: {field}}}")), "at most 3 entries"),
        ] {
            let answer = admin.query(&format!("{{ {list}(orderBy: {order}) {{ nodes {{ id }} }} }}")).await;
            assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{list} {order}");
            assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(expected), "{answer}");
        }
    }
}

#[on_both_databases]
async fn a_cursor_belongs_to_one_place_of_nulls(world: &World) {
    let ann = world.seller("Ann").await;
    for potential in [json!(null), json!("5"), json!("7")] {
        ann.account(json!({"name": "Acme", "potential": potential})).await;
    }
    let page = |nulls: &str, after: &str| {
        format!(
            "{{ accounts(orderBy: [{{field: POTENTIAL {nulls}}}], first: 1 {after}) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}"
        )
    };
    let answer = ann.query(&page("", "")).await;
    let after = format!(", after: {}", answer.data("accounts.pageInfo.endCursor"));
    // Where nulls come last anyway, saying so changes nothing.
    ann.query(&page(", nulls: LAST", &after)).await.answered();
    assert_eq!(ann.query(&page(", nulls: FIRST", &after)).await.error_code(), "BAD_USER_INPUT");
}

#[on_both_databases]
async fn the_score_of_a_target_follows_that_of_its_account(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let (accounts, size) = fill(world, &mia, &ann).await;
    let ordered = async || {
        let answer =
            ann.query("{ targets(orderBy: [{field: SCORE, direction: DESC}]) { nodes { account { name } } } }").await;
        let names = answer.each("targets.nodes", "account.name");
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Equal scores by id, in the same direction.
    assert_eq!(ordered().await, ["Bravo", "alpha", "Echo", "Delta", "Charlie"]);
    assess(&ann, &accounts[2], &size, 10).await;
    assert_eq!(ordered().await[0], "Charlie");
    // A criterion that weighs more, then less.
    let criterion = world.admin().make("createCriterion", "criterion", json!({"name": "Fit", "weight": 5.0})).await;
    assess(&ann, &accounts[0], &criterion, 10).await;
    assert_eq!(ordered().await[0], "Delta");
    let input = json!({"id": criterion, "weight": 0.1});
    world.admin().mutate("updateCriterion", "criterion { id }", input).await.done();
    assert_eq!(ordered().await[0], "Charlie");
}
