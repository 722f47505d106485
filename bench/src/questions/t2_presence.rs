//! A page of 25 targets, each with the presence at the account and the touches that contribute to it.

use futures_util::FutureExt as _;

use super::{Context, Question, always, count, no_variables};
use crate::data::Set;
use crate::environment::Engine;
use crate::measure::{Contender, has_data};

const DOCUMENT: &str = "query Presence { targets(filter: {status: [AGREED]}, first: 25) {
    nodes { id kind status since seller { id name } account { id name
        presence { on level presence known value ready daysUntilAbsent
            because { weight decayed touch { id kind at subject user { name } } } } } }
    pageInfo { hasNextPage endCursor } } }";

fn contenders(context: &Context<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..context.server(always(context.request(DOCUMENT, &no_variables()))) }]
}

/// Whether the answer is a full page with contributing touches and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body)
        && body.ends_with(b"}}}")
        && count(body, "\"daysUntilAbsent\":") == 25
        && count(body, "\"decayed\":") >= 100
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "T2",
        title: "25 of 10,000 targets with presence and contributing touches",
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
    use super::is_whole;

    #[test]
    fn a_page_without_contributing_touches_is_rejected() {
        let page = |targets: usize, touches: usize| {
            let rows = "\"daysUntilAbsent\":1,".repeat(targets) + &"\"decayed\":1,".repeat(touches);
            format!("{{\"data\":{{\"targets\":{{{rows}\"pageInfo\":{{}}}}}}}}")
        };
        assert!(is_whole(page(25, 100).as_bytes()));
        assert!(!is_whole(page(25, 99).as_bytes()));
        assert!(!is_whole(page(24, 100).as_bytes()));
    }
}
