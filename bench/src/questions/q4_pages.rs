//! The deep page: touches by time, page 400 beside page 1.

use std::net::SocketAddr;

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Plan, always, in_turn};
use crate::Result;
use crate::client::{Client, Request};
use crate::data::Set;
use crate::stage::Base;

const DOCUMENT: &str = "query Page($after: String) {
    touches(first: 25, after: $after, orderBy: [{field: AT, direction: DESC}]) {
        nodes { id kind at subject responded } pageInfo { endCursor } } }";

/// Which page is deep.
const DEEP: usize = 400;
/// How many pages there and at the start are read in turn: one page again and again comes out of the processor's caches,
/// and may happen to lie across two leaves of the index.
const SOME: usize = 20;

/// The question.
pub fn plan() -> Plan {
    Plan {
        name: "Q4",
        title: "touches by time, 25 a page: page 400 beside page 1",
        base: Base::Postgres,
        set: Set::Book,
        connections: &[1, 16],
        rows: 0,
        same: false,
        peer: false,
        contenders: |setting| {
            async move {
                let ask = |after: Option<&str>| setting.asked(DOCUMENT, &json!({ "after": after }));
                let pages = walk(setting.server.address, ask).await?;
                let of_floor = |after: Option<&str>| {
                    Request::get(after.map_or_else(|| "/q4".to_owned(), |after| format!("/q4/{after}")))
                };
                let floors = walk(setting.floor.address, of_floor).await?;
                let (start, around) = (&pages[..SOME], &pages[DEEP - SOME / 2 - 1..][..SOME]);
                let contenders = [
                    (setting.server(always(pages[DEEP - 1].clone())), format!("page {DEEP}")),
                    (setting.server(always(pages[0].clone())), "page 1".to_owned()),
                    (setting.server(in_turn(around.to_vec())), format!("{SOME} pages around {DEEP}, in turn")),
                    (setting.server(in_turn(start.to_vec())), format!("the first {SOME} pages, in turn")),
                    (setting.floor(always(floors[DEEP - 1].clone())), format!("floor's page {DEEP}")),
                    (setting.floor(always(floors[0].clone())), "floor's page 1".to_owned()),
                ];
                Ok(contenders.map(|(contender, name)| contender.called(name)).into())
            }
            .boxed()
        },
    }
}

/// The requests for the pages up to those around the deep one, each by the cursor at which the one before ends.
async fn walk(address: SocketAddr, ask: impl Fn(Option<&str>) -> Request) -> Result<Vec<Request>> {
    let mut client = Client::connect(address).await?;
    let mut pages = vec![ask(None)];
    while pages.len() < DEEP + SOME {
        let answer = client.json(pages[pages.len() - 1].clone()).await?;
        let end = answer["data"]["touches"]["pageInfo"]["endCursor"].as_str();
        let end = end.ok_or_else(|| format!("page {} has no end: {answer}", pages.len()))?;
        pages.push(ask(Some(end)));
    }
    Ok(pages)
}
