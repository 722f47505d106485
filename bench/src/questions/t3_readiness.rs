//! The readiness of the target lists of all sellers. It requires presence, known and value at 10,000 accounts, which is
//! the most that one request can ask for.

use futures_util::FutureExt as _;

use super::{Context, Question, always, count, no_variables};
use crate::data::{FORCE_SELLERS, Set};
use crate::environment::Engine;
use crate::measure::{Contender, has_data};

const DOCUMENT: &str = "query Readiness { users(filter: {role: [SELLER]}, first: 200) {
    nodes { id name targetList { size readiness } } } }";

fn contenders(context: &Context<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..context.server(always(context.request(DOCUMENT, &no_variables()))) }]
}

/// Whether the answer has all lists and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"size\":200,\"readiness\":0.") as u64 == FORCE_SELLERS
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "T3",
        title: "`readiness` of 50 target lists with 10,000 targets",
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
    fn an_answer_with_a_missing_list_is_rejected() {
        let lists = |number: usize| {
            let rows = "\"size\":200,\"readiness\":0.25,".repeat(number);
            format!("{{\"data\":{{\"users\":{{{rows}\"nodes\":[]}}}}}}")
        };
        assert!(is_whole(lists(50).as_bytes()));
        assert!(!is_whole(lists(49).as_bytes()));
    }
}
