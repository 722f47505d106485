//! The `today` list of a seller with 200 targets and suggestions of every kind.

use futures_util::FutureExt as _;

use super::{Context, Question, always, count, no_variables};
use crate::Result;
use crate::client::Request;
use crate::data::{Set, force};
use crate::environment::Engine;
use crate::measure::{Contender, has_data};

const DOCUMENT: &str = "query Today { me { today(first: 200) { actions { kind why ifSkipped dueOn account { id name }
    subject { __typename id } } } } }";

async fn contenders(context: &Context<'_>) -> Result<Vec<Contender>> {
    let seller = context.database.sign_in(force::SELLER).await?;
    let request = Request::graphql(&seller.text, DOCUMENT, &no_variables());
    Ok(vec![Contender { accept: is_whole, ..context.server(always(request)) }])
}

/// Whether the answer has 200 suggestions and no errors.
fn is_whole(body: &[u8]) -> bool {
    has_data(body) && body.ends_with(b"}}}") && count(body, "\"ifSkipped\":") == 200
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "D1",
        title: "`today` of a seller with 200 targets",
        engine,
        set: Set::Force,
        connections: &[1],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| contenders(context).boxed(),
    }
}
