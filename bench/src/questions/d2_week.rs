//! A seller's next week, whole, with whom to fill its blanks.

use futures_util::FutureExt as _;

use super::{Plan, Setting, always, count, none};
use crate::Result;
use crate::client::Request;
use crate::data::{Set, force};
use crate::measure::{Contender, has_data};
use crate::stage::Base;

const DOCUMENT: &str = "query Week { me { week { startsOn workingMinutes keyPeopleMinutes targetMinutes otherMinutes
    blankMinutes fillRate blankDays blankSpots { from to minutes big }
    days { on workingMinutes blankMinutes targetTouches touches { id kind at subject account { id name } } }
    suggestions { id account { id name } } } } }";

async fn contenders(setting: &Setting<'_>) -> Result<Vec<Contender>> {
    let seller = setting.database.sign_in(force::SELLER).await?;
    let asked = Request::graphql(&seller.text, DOCUMENT, &none());
    Ok(vec![Contender { accept: is_whole, ..setting.server(always(asked)) }])
}

/// Are there seven days and ten suggestions, and nothing wrong?
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"on\":") == 7 && count(body, "\"big\":true") > 0
}

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "D2",
        title: "next week of a seller with 200 targets, every field",
        base,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same: false,
        peer: false,
        contenders: |setting| contenders(setting).boxed(),
    }
}
