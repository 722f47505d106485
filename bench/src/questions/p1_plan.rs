//! A plan with all its items in one request: 30 actions, 10 objectives and 10 benchmarks with 24 measurements each.

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Context, Question, always};
use crate::data::Set;
use crate::data::plan::{ACTIONS, BENCHMARKS, MEASUREMENTS, plan_id};
use crate::environment::Engine;
use crate::measure::{Contender, has_data};
use crate::typeid::TypeId;

const DOCUMENT: &str = "query Plan($id: ID!) { node(id: $id) { ... on Plan {
    id title startsOn endsOn status summary cadence nextReviewOn createdAt updatedAt version
    account { id name } owner { id name } opportunities { id name }
    relationships { id desired startedAt by reached approach contact { id name } owner { id name } }
    objectives { id horizon statement dueOn status achievedOn }
    actions { id position title dueOn status completedOn overdue assignee { id name } objective { id } contact { id name }
        touches { id } }
    benchmarks { id name source unit baseline target dueOn attainment onTrack latest { value }
        measurements { measuredOn value note } }
    questions { id question answer assignee { id name } }
    commitment { id } reviews { id reviewedOn outcome notes by { id name } nextReviewOn }
    health { completeness missing missingBecause actionsOverdue benchmarksBehind reviewOverdue daysSinceReview } } } }";

fn contenders(context: &Context<'_>) -> Vec<Contender> {
    let request = context.request(DOCUMENT, &json!({ "id": TypeId("plan", plan_id()).show() }));
    vec![Contender { accept: is_whole, ..context.server(always(request)) }]
}

/// Whether the answer has all actions and measurements and no errors.
fn is_whole(body: &[u8]) -> bool {
    let count = |text: &[u8]| u64::try_from(body.windows(text.len()).filter(|window| *window == text).count());
    has_data(body)
        && body.ends_with(b"}}}")
        && count(b"\"position\":") == Ok(ACTIONS)
        && count(b"\"measuredOn\":") == Ok(BENCHMARKS * MEASUREMENTS)
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "P1",
        title: "a plan with 30 actions, 10 objectives and 10 benchmarks with 24 measurements each, every field",
        engine,
        set: Set::Book,
        connections: &[1],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| std::future::ready(Ok(contenders(context))).boxed(),
    }
}
