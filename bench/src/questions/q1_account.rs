//! One account by its id, eight fields.

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Plan, in_turn};
use crate::client::Request;
use crate::data::{ACCOUNTS, Set, book};
use crate::peer;
use crate::stage::Base;
use crate::typeid::TypeId;

const DOCUMENT: &str = "query One($id: ID!) { account(by: {id: $id}) {
    id name domain industry employees city country createdAt } }";

const PEERS: &str = "query One($id: UUID!) { account: accountByRowId(rowId: $id) {
    rowId name domain industry employees city country createdAt } }";

/// How many different accounts are asked for.
const DIFFERENT: u64 = 500;

/// The question, on one of the databases.
pub fn plan(base: Base) -> Plan {
    Plan {
        name: "Q1",
        title: "one account by id, 8 fields",
        base,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same: true,
        peer: base == Base::Postgres,
        contenders: |setting| {
            async move {
                let rows = (0..DIFFERENT).map(|number| book::account(number * (ACCOUNTS / DIFFERENT)));
                let ids = rows.clone().map(|id| TypeId("account", id).show());
                let peers = in_turn(rows.map(|id| peer::asked(PEERS, json!({ "id": id }))).collect());
                let asked = ids.clone().map(|id| setting.asked(DOCUMENT, &json!({ "id": id }))).collect();
                let below = ids.map(|id| Request::get(format!("/q1/{id}"))).collect();
                let ours = vec![setting.server(in_turn(asked)), setting.floor(in_turn(below))];
                Ok([ours, setting.peers(&peers)].concat())
            }
            .boxed()
        },
    }
}
