//! The `focus` of a seller over a year of 100,000 touches, requested by the manager.

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Context, Question, always, count};
use crate::data::{Set, force};
use crate::environment::Engine;
use crate::measure::{Contender, has_data};
use crate::typeid::TypeId;

const DOCUMENT: &str = "query Focus($id: ID!) { node(id: $id) { ... on User {
    focus(range: {from: \"2025-07-02\", to: \"2026-07-01\"}) { from to touches targetTouches share minutes targetMinutes
        minutesShare receptiveBias byWeek { startsOn touches targetTouches minutes targetMinutes } } } } }";

fn contenders(context: &Context<'_>) -> Vec<Contender> {
    let variables = json!({ "id": TypeId("user", force::BUSY.id()).show() });
    vec![Contender { accept: is_whole, ..context.server(always(context.request(DOCUMENT, &variables))) }]
}

/// Whether the answer has all 53 weeks and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"startsOn\":") == 53
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "D3",
        title: "`focus` over a year of 100,000 touches",
        engine,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| std::future::ready(Ok(contenders(context))).boxed(),
    }
}
