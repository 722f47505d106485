//! One account by id, with eight fields.

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Question, in_turn};
use crate::client::Request;
use crate::data::{ACCOUNTS, Set, book};
use crate::environment::Engine;
use crate::peer;
use crate::typeid::TypeId;

const DOCUMENT: &str = "query One($id: ID!) { account(by: {id: $id}) {
    id name domain industry employees city country createdAt } }";

const PEER_DOCUMENT: &str = "query One($id: UUID!) { account: accountByRowId(rowId: $id) {
    rowId name domain industry employees city country createdAt } }";

/// The number of different accounts that are requested.
const DISTINCT_ACCOUNTS: u64 = 500;

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "Q1",
        title: "one account by id, 8 fields",
        engine,
        set: Set::Book,
        connections: &[16, 64],
        rows: 0,
        same_answers: true,
        peer: engine == Engine::Postgres,
        contenders: |context| {
            async move {
                let uuids = (0..DISTINCT_ACCOUNTS).map(|number| book::account(number * (ACCOUNTS / DISTINCT_ACCOUNTS)));
                let ids = uuids.clone().map(|id| TypeId("account", id).show());
                let peers = in_turn(uuids.map(|id| peer::request(PEER_DOCUMENT, json!({ "id": id }))).collect());
                let server = ids.clone().map(|id| context.request(DOCUMENT, &json!({ "id": id }))).collect();
                let floor = ids.map(|id| Request::get(format!("/q1/{id}"))).collect();
                let contenders = vec![context.server(in_turn(server)), context.floor(in_turn(floor))];
                Ok([contenders, context.peers(&peers)].concat())
            }
            .boxed()
        },
    }
}
