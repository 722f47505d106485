//! Twenty accounts by name, each with its owner, five contacts, the five latest touches and what it booked this year:
//! an answer of about 32 KB.

use futures_util::FutureExt as _;

use super::{Plan, always, none};
use crate::client::Request;
use crate::data::Set;
use crate::peer;
use crate::stage::Base;

/// What is asked.
pub const DOCUMENT: &str = "query Around { accounts(first: 20, orderBy: [{field: NAME}]) { nodes {
    id name domain industry employees city
    owner { id name }
    booked { amount currency }
    contacts(first: 5) { nodes { id name title email } }
    touches(first: 5) { nodes { id kind at subject responded } } } } }";

const PEERS: &str = "query Around($organization: UUID!) { accounts: allAccounts(
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

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "Q2",
        title: "20 accounts by name, each with owner, 5 contacts, 5 latest touches and booked",
        base,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same: true,
        peer: base == Base::Postgres,
        contenders: |setting| {
            async move {
                let asked = setting.server(always(setting.asked(DOCUMENT, &none())));
                let floor = setting.floor(always(Request::get("/q2")));
                let peers = setting.peers(&always(peer::asked(PEERS, none())));
                Ok([vec![asked, floor], peers].concat())
            }
            .boxed()
        },
    }
}
