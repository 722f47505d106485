//! Two hundred accounts, eight fields.

use futures_util::FutureExt as _;

use super::{Plan, always, none};
use crate::client::Request;
use crate::data::Set;
use crate::peer;
use crate::stage::Base;

const DOCUMENT: &str = "query Many { accounts(first: 200) { nodes {
    id name domain industry employees city country createdAt } } }";

const PEERS: &str = "query Many($organization: UUID!) { accounts: allAccounts(
    first: 200, condition: {organizationId: $organization, archivedAt: null}
    ) { nodes { rowId name domain industry employees city country createdAt } } }";

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "Q3",
        title: "200 accounts, 8 fields",
        base,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same: true,
        peer: base == Base::Postgres,
        contenders: |setting| {
            async move {
                let asked = setting.server(always(setting.asked(DOCUMENT, &none())));
                let floor = setting.floor(always(Request::get("/q3")));
                let peers = setting.peers(&always(peer::asked(PEERS, none())));
                Ok([vec![asked, floor], peers].concat())
            }
            .boxed()
        },
    }
}
