//! Where a seller's effort went within a year of 100,000 touches, as their manager asks.

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Plan, Setting, always, count};
use crate::data::{Set, force};
use crate::measure::{Contender, has_data};
use crate::stage::Base;
use crate::typeid::TypeId;

const DOCUMENT: &str = "query Focus($id: ID!) { node(id: $id) { ... on User {
    focus(range: {from: \"2025-07-02\", to: \"2026-07-01\"}) { from to touches targetTouches share minutes targetMinutes
        minutesShare receptiveBias byWeek { startsOn touches targetTouches minutes targetMinutes } } } } }";

fn contenders(setting: &Setting<'_>) -> Vec<Contender> {
    let variables = json!({ "id": TypeId("user", force::BUSY.id()).show() });
    vec![Contender { accept: is_whole, ..setting.server(always(setting.asked(DOCUMENT, &variables))) }]
}

/// Are all weeks there, and nothing wrong?
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"startsOn\":") == 53
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "D3",
        title: "focus over a year of 100,000 touches",
        base,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same: false,
        peer: false,
        contenders: |setting| std::future::ready(Ok(contenders(setting))).boxed(),
    }
}
