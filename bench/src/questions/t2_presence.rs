//! A page of 25 targets, each with how present we are there and the touches that make it so.

use futures_util::FutureExt as _;

use super::{Plan, Setting, always, count, none};
use crate::data::Set;
use crate::measure::{Contender, has_data};
use crate::stage::Base;

const DOCUMENT: &str = "query Presence { targets(filter: {status: [AGREED]}, first: 25) {
    nodes { id kind status since seller { id name } account { id name
        presence { on level presence known value ready daysUntilAbsent
            because { weight decayed touch { id kind at subject user { name } } } } } }
    pageInfo { hasNextPage endCursor } } }";

fn contenders(setting: &Setting<'_>) -> Vec<Contender> {
    vec![Contender { accept: is_whole, ..setting.server(always(setting.asked(DOCUMENT, &none()))) }]
}

/// Is it a whole page with its reasons, and nothing wrong?
fn is_whole(body: &[u8]) -> bool {
    has_data(body)
        && body.ends_with(b"}}}")
        && count(body, "\"daysUntilAbsent\":") == 25
        && count(body, "\"decayed\":") >= 100
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "T2",
        title: "25 of 10,000 targets with presence and the touches that make it so",
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
    fn a_page_without_reasons_is_refused() {
        let page = |targets: usize, reasons: usize| {
            let rows = "\"daysUntilAbsent\":1,".repeat(targets) + &"\"decayed\":1,".repeat(reasons);
            format!("{{\"data\":{{\"targets\":{{{rows}\"pageInfo\":{{}}}}}}}}")
        };
        assert!(is_whole(page(25, 100).as_bytes()));
        assert!(!is_whole(page(25, 99).as_bytes()));
        assert!(!is_whole(page(24, 100).as_bytes()));
    }
}
