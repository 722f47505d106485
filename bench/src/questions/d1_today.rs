//! What a seller has to do today, as they open the day: 200 targets, and something of each kind.

use futures_util::FutureExt as _;

use super::{Plan, Setting, always, count, none};
use crate::Result;
use crate::client::Request;
use crate::data::{Set, force};
use crate::measure::{Contender, has_data};
use crate::stage::Base;

const DOCUMENT: &str = "query Today { me { today(first: 200) { kind why ifSkipped dueOn account { id name }
    subject { __typename id } } } }";

async fn contenders(setting: &Setting<'_>) -> Result<Vec<Contender>> {
    let seller = setting.database.sign_in(force::SELLER).await?;
    let asked = Request::graphql(&seller.text, DOCUMENT, &none());
    Ok(vec![Contender { accept: is_whole, ..setting.server(always(asked)) }])
}

/// Are there as many as were asked for, and nothing wrong?
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"ifSkipped\":") == 200
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "D1",
        title: "today of a seller with 200 targets",
        base,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same: false,
        peer: false,
        contenders: |setting| contenders(setting).boxed(),
    }
}
