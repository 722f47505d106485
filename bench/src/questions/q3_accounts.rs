//! Two hundred accounts, each with eight fields.

use futures_util::FutureExt as _;

use super::{Question, always, no_variables};
use crate::client::Request;
use crate::data::Set;
use crate::environment::Engine;
use crate::peer;

const DOCUMENT: &str = "query Many { accounts(first: 200) { nodes {
    id name domain industry employees city country createdAt } } }";

const PEER_DOCUMENT: &str = "query Many($organization: UUID!) { accounts: allAccounts(
    first: 200, condition: {organizationId: $organization, archivedAt: null}
    ) { nodes { rowId name domain industry employees city country createdAt } } }";

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "Q3",
        title: "200 accounts, 8 fields",
        engine,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same_answers: true,
        peer: engine == Engine::Postgres,
        contenders: |context| {
            async move {
                let server = context.server(always(context.request(DOCUMENT, &no_variables())));
                let floor = context.floor(always(Request::get("/q3")));
                let peers = context.peers(&always(peer::request(PEER_DOCUMENT, no_variables())));
                Ok([vec![server, floor], peers].concat())
            }
            .boxed()
        },
    }
}
