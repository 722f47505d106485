//! The count and minutes of all 500,000 touches, grouped by user and month.

use futures_util::FutureExt as _;

use super::{Question, always, no_variables};
use crate::client::Request;
use crate::data::Set;
use crate::environment::Engine;

const DOCUMENT: &str = "query Months { analytics { touches(groupBy: [USER, MONTH]) {
    key { dimension value } count minutes } } }";

/// Returns the question.
pub fn question() -> Question {
    Question {
        name: "Q5",
        title: "`analytics.touches` by user and month",
        engine: Engine::Postgres,
        set: Set::Book,
        connections: &[1],
        rows: 0,
        same_answers: true,
        peer: false,
        contenders: |context| {
            async move {
                let server = context.server(always(context.request(DOCUMENT, &no_variables())));
                Ok(vec![server, context.floor(always(Request::get("/q5")))])
            }
            .boxed()
        },
    }
}
