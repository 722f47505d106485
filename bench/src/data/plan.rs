//! One plan with all kinds of items, for the first account of the large organization: 30 actions, 10 objectives, 10
//! benchmarks with 24 measurements each, planned relationships with four contacts, questions and reviews.

use uuid::Uuid;

use super::book::{account, contact, owner};
use super::people::{organization, user};
use super::random::Random;
use super::{ACCOUNTS, DAY, Kind, NOW, Row, Table, YEAR, id, row, words};

/// The number of the account.
const ACCOUNT: u64 = 0;
/// When the plan and its items were created.
const CREATED: i64 = NOW - 150 * DAY;
/// The number of actions.
pub const ACTIONS: u64 = 30;
/// The number of objectives.
pub const OBJECTIVES: u64 = 10;
/// The number of benchmarks.
pub const BENCHMARKS: u64 = 10;
/// The number of measurements per benchmark.
pub const MEASUREMENTS: u64 = 24;
/// The number of planned relationships, which are with the account's first contacts.
const RELATIONSHIPS: u64 = 4;
/// The number of reviews.
const REVIEWS: u64 = 4;
/// The factor of the fixed-point numbers in which benchmark values are stored.
const MILLION: i64 = 1_000_000;

/// Returns the id of the plan.
#[must_use]
pub fn plan_id() -> Uuid {
    id(Kind::Plan, 0, CREATED)
}

fn seller() -> Uuid {
    user(0, owner(ACCOUNT))
}

/// Returns a day of the plan's year, in days since 1970.
fn day(number: u64) -> i64 {
    i64::from(YEAR.0) + i64::try_from(number).unwrap_or_default()
}

fn plans() -> impl Iterator<Item = Row> {
    let title = "Grow them into a key account";
    let row = row![
        plan_id(),
        organization(0),
        account(ACCOUNT),
        seller(),
        title,
        YEAR.0,
        YEAR.1,
        "DRAFT",
        words::NOTE[0],
        "QUARTERLY",
        day(190),
        "[]",
        CREATED,
        NOW - DAY,
        5 + ACTIONS.cast_signed(),
    ];
    std::iter::once(row)
}

fn relationships() -> impl Iterator<Item = Row> {
    (0..RELATIONSHIPS).map(|number| {
        let mut random = Random::of(501, number);
        row![
            id(Kind::PlanRelationship, number, CREATED),
            organization(0),
            plan_id(),
            account(ACCOUNT),
            contact(ACCOUNT + number * ACCOUNTS),
            random.one_of(&["KNOWN", "VALUED", "TRUSTED"]),
            "UNKNOWN",
            day(200 + number),
            seller(),
            random.one_of(words::NOTE),
        ]
    })
}

fn objective(number: u64) -> Uuid {
    id(Kind::PlanObjective, number, CREATED)
}

fn objectives() -> impl Iterator<Item = Row> {
    (0..OBJECTIVES).map(|number| {
        let mut random = Random::of(502, number);
        row![
            objective(number),
            organization(0),
            plan_id(),
            account(ACCOUNT),
            if number.is_multiple_of(2) { "SHORT_TERM" } else { "LONG_TERM" },
            random.one_of(words::NOTE),
            day(180 + number),
            if number < 3 { "ACHIEVED" } else { "OPEN" },
            (number < 3).then(|| day(100 + number)),
        ]
    })
}

fn actions() -> impl Iterator<Item = Row> {
    (0..ACTIONS).map(|number| {
        let mut random = Random::of(503, number);
        let digit = |value: u64| char::from(b'A' + u8::try_from(value).unwrap_or_default());
        let rank = format!("{}{}", digit(number / 10), digit(number % 10));
        row![
            id(Kind::PlanAction, number, CREATED),
            organization(0),
            plan_id(),
            account(ACCOUNT),
            rank,
            random.one_of(words::SUBJECT),
            day(30 + 10 * number),
            seller(),
            objective(number % OBJECTIVES),
            contact(ACCOUNT + number % RELATIONSHIPS * ACCOUNTS),
            if number < 10 { "DONE" } else { "OPEN" },
            (number < 10).then(|| day(30 + number)),
        ]
    })
}

fn benchmark(number: u64) -> Uuid {
    id(Kind::PlanBenchmark, number, CREATED)
}

fn benchmarks() -> impl Iterator<Item = Row> {
    (0..BENCHMARKS).map(|number| {
        row![
            benchmark(number),
            organization(0),
            plan_id(),
            account(ACCOUNT),
            Random::of(504, number).one_of(words::SUBJECT),
            "MANUAL",
            "per month",
            0_i64,
            100 * MILLION,
            YEAR.1,
        ]
    })
}

fn measurements() -> impl Iterator<Item = Row> {
    (0..BENCHMARKS * MEASUREMENTS).map(|number| {
        let (benchmark_number, week) = (number / MEASUREMENTS, number % MEASUREMENTS);
        let mut random = Random::of(505, number);
        let value = MILLION * random.up_to(100);
        row![
            benchmark(benchmark_number),
            day(7 * week),
            organization(0),
            plan_id(),
            value,
            random.percent(20).then(|| random.one_of(words::NOTE))
        ]
    })
}

fn questions() -> impl Iterator<Item = Row> {
    (0..5_u64).map(|number| {
        let mut random = Random::of(506, number);
        let (id, question) = (id(Kind::PlanQuestion, number, CREATED), random.one_of(words::NOTE));
        row![id, organization(0), plan_id(), account(ACCOUNT), question, seller()]
    })
}

fn reviews() -> impl Iterator<Item = Row> {
    (0..REVIEWS).map(|number| {
        let mut random = Random::of(507, number);
        row![
            id(Kind::PlanReview, number, CREATED + DAY * 30),
            organization(0),
            plan_id(),
            account(ACCOUNT),
            day(40 * (number + 1)),
            seller(),
            random.one_of(&["ON_TRACK", "OFF_TRACK"]),
            random.one_of(words::NOTE),
            day(40 * (number + 2)),
            "{\"actionsOpen\":20,\"actionsDone\":10,\"actionsSkipped\":0,\"actionsOverdue\":5,\"benchmarks\":[]}",
            CREATED + DAY * 30,
        ]
    })
}

/// Returns the tables of the plan and its items.
pub fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "plan",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "owner_id",
                "title",
                "starts_on",
                "ends_on",
                "status",
                "summary",
                "cadence",
                "next_review_on",
                "opportunity_ids",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(plans()),
        },
        Table {
            name: "plan_relationship",
            columns: &[
                "id",
                "organization_id",
                "plan_id",
                "account_id",
                "contact_id",
                "desired",
                "started_at",
                "due_on",
                "owner_id",
                "approach",
            ],
            rows: Box::new(relationships()),
        },
        Table {
            name: "plan_objective",
            columns: &[
                "id",
                "organization_id",
                "plan_id",
                "account_id",
                "horizon",
                "statement",
                "due_on",
                "status",
                "achieved_on",
            ],
            rows: Box::new(objectives()),
        },
        Table {
            name: "plan_action",
            columns: &[
                "id",
                "organization_id",
                "plan_id",
                "account_id",
                "rank",
                "title",
                "due_on",
                "assignee_id",
                "objective_id",
                "contact_id",
                "status",
                "completed_on",
            ],
            rows: Box::new(actions()),
        },
        Table {
            name: "plan_benchmark",
            columns: &[
                "id",
                "organization_id",
                "plan_id",
                "account_id",
                "name",
                "source",
                "unit",
                "baseline",
                "target",
                "due_on",
            ],
            rows: Box::new(benchmarks()),
        },
        Table {
            name: "plan_measurement",
            columns: &["benchmark_id", "measured_on", "organization_id", "plan_id", "value", "note"],
            rows: Box::new(measurements()),
        },
        Table {
            name: "plan_question",
            columns: &["id", "organization_id", "plan_id", "account_id", "question", "assignee_id"],
            rows: Box::new(questions()),
        },
        Table {
            name: "plan_review",
            columns: &[
                "id",
                "organization_id",
                "plan_id",
                "account_id",
                "reviewed_on",
                "by_id",
                "outcome",
                "notes",
                "next_review_on",
                "snapshot",
                "at",
            ],
            rows: Box::new(reviews()),
        },
    ]
}
