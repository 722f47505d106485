//! The targets at which the sellers are absent, requested by their manager. One page requires the presence at 10,000
//! accounts.

use futures_util::FutureExt as _;

use super::{Context, Question, always, count, no_variables};
use crate::data::Set;
use crate::environment::Engine;
use crate::measure::{Contender, has_data};

const DOCUMENT: &str = "query Absent { targets(filter: {absent: true}, first: 25) {
    nodes { id kind since account { id name } seller { id name } } totalCount pageInfo { hasNextPage endCursor } } }";

fn contenders(context: &Context<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..context.server(always(context.request(DOCUMENT, &no_variables()))) }]
}

/// Whether the answer is a full page with a next page and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body)
        && body.ends_with(b"}}}")
        && count(body, "\"since\":") == 25
        && count(body, "\"hasNextPage\":true") == 1
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "T1",
        title: "25 of the targets with `absent: true` and their total count, out of 10,000 targets with a million touches",
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
    fn an_incomplete_page_is_rejected() {
        let page = |size: usize, more: bool| {
            let rows = "\"since\":1,".repeat(size);
            format!("{{\"data\":{{\"targets\":{{{rows}\"hasNextPage\":{more}}}}}}}")
        };
        assert!(is_whole(page(25, true).as_bytes()));
        assert!(!is_whole(page(24, true).as_bytes()));
        assert!(!is_whole(page(25, false).as_bytes()));
        assert!(!is_whole((page(25, true) + ",\"errors\":[{\"message\":\"Failed.\"}]}").as_bytes()));
    }
}
