//! A seller's next week with every field, including suggestions for filling its blank spots.

use futures_util::FutureExt as _;

use super::{Context, Question, always, count, no_variables};
use crate::Result;
use crate::client::Request;
use crate::data::{Set, force};
use crate::environment::Engine;
use crate::measure::{Contender, has_data};

const DOCUMENT: &str = "query Week { me { week { startsOn workingMinutes keyPeopleMinutes targetMinutes otherMinutes
    blankMinutes fillRate blankDays blankSpots { from to minutes big }
    days { on workingMinutes blankMinutes targetTouches touches { id kind at subject account { id name } } }
    suggestions { id account { id name } } } } }";

async fn contenders(context: &Context<'_>) -> Result<Vec<Contender>> {
    let seller = context.database.sign_in(force::SELLER).await?;
    let request = Request::graphql(&seller.text, DOCUMENT, &no_variables());
    Ok(vec![Contender { accept: is_whole, ..context.server(always(request)) }])
}

/// Whether the answer has seven days, at least one big blank spot and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"on\":") == 7 && count(body, "\"big\":true") > 0
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "D2",
        title: "next week of a seller with 200 targets, every field",
        engine,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| contenders(context).boxed(),
    }
}
