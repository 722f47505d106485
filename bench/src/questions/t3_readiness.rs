//! How ready the target lists of all sellers are: presence, known and value at 10,000 accounts at once, which is the most
//! that one request can ask for.

use futures_util::FutureExt as _;

use super::{Plan, Setting, always, count, none};
use crate::data::{FORCE_SELLERS, Set};
use crate::measure::{Contender, has_data};
use crate::stage::Base;

const DOCUMENT: &str = "query Readiness { users(filter: {role: SELLER}, first: 200) {
    nodes { id name targetList { size readiness } } } }";

fn contenders(setting: &Setting<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..setting.server(always(setting.asked(DOCUMENT, &none()))) }]
}

/// Are all lists there, and nothing wrong?
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"size\":200,\"readiness\":0.") as u64 == FORCE_SELLERS
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "T3",
        title: "readiness of 50 target lists with 10,000 targets",
        base,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same: false,
        peer: false,
        contenders: |setting| std::future::ready(Ok(contenders(setting))).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_list_that_is_missing_is_refused() {
        let lists = |number: usize| {
            let rows = "\"size\":200,\"readiness\":0.25,".repeat(number);
            format!("{{\"data\":{{\"users\":{{{rows}\"nodes\":[]}}}}}}")
        };
        assert!(is_whole(lists(50).as_bytes()));
        assert!(!is_whole(lists(49).as_bytes()));
    }
}
