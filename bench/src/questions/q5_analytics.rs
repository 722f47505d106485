//! Touches by user and month, of all 500,000: count and minutes.

use futures_util::FutureExt as _;

use super::{Plan, always, none};
use crate::client::Request;
use crate::data::Set;
use crate::stage::Base;

const DOCUMENT: &str = "query Months { analytics { touches(groupBy: [USER, MONTH]) {
    key { dimension value } count minutes } } }";

/// The question.
pub fn plan() -> Plan {
    Plan {
        name: "Q5",
        title: "analytics.touches by user and month",
        base: Base::Postgres,
        set: Set::Book,
        connections: &[1],
        rows: 0,
        same: true,
        peer: false,
        contenders: |setting| {
            async move {
                let asked = setting.server(always(setting.asked(DOCUMENT, &none())));
                Ok(vec![asked, setting.floor(always(Request::get("/q5")))])
            }
            .boxed()
        },
    }
}
