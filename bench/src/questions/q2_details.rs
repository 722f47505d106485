//! Twenty accounts sorted by name, each with its owner, five contacts, the five latest touches and its bookings of the
//! year. The answer has about 32 KB.

use futures_util::FutureExt as _;

use super::{Question, always, no_variables};
use crate::client::Request;
use crate::data::Set;
use crate::environment::Engine;
use crate::peer;

pub const DOCUMENT: &str = "query AccountDetails { accounts(first: 20, orderBy: [{field: NAME}]) { nodes {
    id name domain industry employees city
    owner { id name }
    booked { amount currency }
    contacts(first: 5) { nodes { id name title email } }
    touches(first: 5) { nodes { id kind at subject responded } } } } }";

const PEER_DOCUMENT: &str = "query AccountDetails($organization: UUID!) { accounts: allAccounts(
    first: 20, condition: {organizationId: $organization, archivedAt: null}, orderBy: [NAME_KEY_ASC, PRIMARY_KEY_ASC]
    ) { nodes {
    rowId name domain industry employees city
    owner: memberByOrganizationIdAndOwnerId { rowId name }
    booked
    contacts: contactsByOrganizationIdAndAccountId(first: 5, condition: {organizationId: $organization, archivedAt: null}) {
        nodes { rowId name title email } }
    touches: touchesByOrganizationIdAndAccountId(
        first: 5, condition: {organizationId: $organization}, orderBy: [AT_DESC, PRIMARY_KEY_DESC]
    ) { nodes { rowId kind at subject responded } } } } }";

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "Q2",
        title: "20 accounts by name, each with owner, 5 contacts, 5 latest touches and `booked`",
        engine,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same_answers: true,
        peer: engine == Engine::Postgres,
        contenders: |context| {
            async move {
                let server = context.server(always(context.request(DOCUMENT, &no_variables())));
                let floor = context.floor(always(Request::get("/q2")));
                let peers = context.peers(&always(peer::request(PEER_DOCUMENT, no_variables())));
                Ok([vec![server, floor], peers].concat())
            }
            .boxed()
        },
    }
}
