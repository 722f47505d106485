//! The presence at 25 accounts over a year of weeks, as line charts show it.

use futures_util::FutureExt as _;

use super::{Context, Question, always, count, no_variables};
use crate::data::Set;
use crate::environment::Engine;
use crate::measure::{Contender, has_data};

const DOCUMENT: &str = "query Series { accounts(first: 25) { nodes { id
    presence { series(from: \"2025-07-09\", to: \"2026-07-01\", every: WEEK) {
        on level presence known value ready daysUntilAbsent } } } } }";
/// The number of accounts.
const ACCOUNTS: usize = 25;
/// The number of points of each: one a week, the last on the day of the stopped clock.
const WEEKS: usize = 52;

fn contenders(context: &Context<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..context.server(always(context.request(DOCUMENT, &no_variables()))) }]
}

/// Whether the answer has all points and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"daysUntilAbsent\":") == ACCOUNTS * WEEKS
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "T4",
        title: "a series of 52 weeks of presence, known and value at 25 accounts, out of a million touches",
        engine,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| std::future::ready(Ok(contenders(context))).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ACCOUNTS, WEEKS, is_whole};

    #[test]
    fn an_answer_without_a_point_is_rejected() {
        let answer = |points: usize| {
            format!("{{\"data\":{{\"accounts\":{{\"nodes\":[{}]}}}}}}", "\"daysUntilAbsent\":0,".repeat(points))
        };
        assert!(is_whole(answer(ACCOUNTS * WEEKS).as_bytes()));
        assert!(!is_whole(answer(ACCOUNTS * WEEKS - 1).as_bytes()));
    }
}
