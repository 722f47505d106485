//! The targets at which we are absent, as the manager of all sellers asks: presence at 10,000 accounts for one page.

use futures_util::FutureExt as _;

use super::{Plan, Setting, always, count, none};
use crate::data::Set;
use crate::measure::{Contender, has_data};
use crate::stage::Base;

const DOCUMENT: &str = "query Absent { targets(filter: {absent: true}, first: 25) {
    nodes { id kind since account { id name } seller { id name } } totalCount pageInfo { hasNextPage endCursor } } }";

fn contenders(setting: &Setting<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..setting.server(always(setting.asked(DOCUMENT, &none()))) }]
}

/// Is it a whole page with more behind it, and nothing wrong?
fn is_whole(body: &[u8]) -> bool {
    has_data(body)
        && body.ends_with(b"}}}")
        && count(body, "\"since\":") == 25
        && count(body, "\"hasNextPage\":true") == 1
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "T1",
        title: "targets at which we are absent, out of 10,000 with a million touches: 25 of them, and how many there are",
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
    fn a_page_that_is_not_whole_is_refused() {
        let page = |size: usize, more: bool| {
            let rows = "\"since\":1,".repeat(size);
            format!("{{\"data\":{{\"targets\":{{{rows}\"hasNextPage\":{more}}}}}}}")
        };
        assert!(is_whole(page(25, true).as_bytes()));
        assert!(!is_whole(page(24, true).as_bytes()));
        assert!(!is_whole(page(25, false).as_bytes()));
        assert!(!is_whole((page(25, true) + ",\"errors\":[{\"message\":\"No.\"}]}").as_bytes()));
    }
}
