//! Touches sorted by time: page 400 compared with page 1.

use std::net::SocketAddr;

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Question, always, in_turn};
use crate::Result;
use crate::client::{Client, Request};
use crate::data::Set;
use crate::environment::Engine;

const DOCUMENT: &str = "query Page($after: String) {
    touches(first: 25, after: $after, orderBy: [{field: AT, direction: DESC}]) {
        nodes { id kind at subject responded } pageInfo { endCursor } } }";

/// The number of the deep page.
const DEEP: usize = 400;
/// The number of pages to cycle through, around the deep page and at the start. A single page that is read repeatedly is
/// served from the processor's caches, and may happen to span two leaves of the index.
const CYCLE: usize = 20;

/// Returns the question.
pub fn question() -> Question {
    Question {
        name: "Q4",
        title: "touches by time, 25 per page: page 400 compared with page 1",
        engine: Engine::Postgres,
        set: Set::Book,
        connections: &[1, 16],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| {
            async move {
                let server_request = |after: Option<&str>| context.request(DOCUMENT, &json!({ "after": after }));
                let pages = walk(context.server.address, server_request).await?;
                let floor_request = |after: Option<&str>| {
                    Request::get(after.map_or_else(|| "/q4".to_owned(), |after| format!("/q4/{after}")))
                };
                let floor_pages = walk(context.floor.address, floor_request).await?;
                let (start, around) = (&pages[..CYCLE], &pages[DEEP - CYCLE / 2 - 1..][..CYCLE]);
                let contenders = [
                    (context.server(always(pages[DEEP - 1].clone())), format!("page {DEEP}")),
                    (context.server(always(pages[0].clone())), "page 1".to_owned()),
                    (context.server(in_turn(around.to_vec())), format!("{CYCLE} pages around {DEEP}, in turn")),
                    (context.server(in_turn(start.to_vec())), format!("the first {CYCLE} pages, in turn")),
                    (context.floor(always(floor_pages[DEEP - 1].clone())), format!("floor's page {DEEP}")),
                    (context.floor(always(floor_pages[0].clone())), "floor's page 1".to_owned()),
                ];
                Ok(contenders.map(|(contender, name)| contender.with_name(name)).into())
            }
            .boxed()
        },
    }
}

/// Returns the requests for the pages up to those around the deep one, each with the previous page's end cursor.
async fn walk(address: SocketAddr, request: impl Fn(Option<&str>) -> Request) -> Result<Vec<Request>> {
    let mut client = Client::connect(address).await?;
    let mut pages = vec![request(None)];
    while pages.len() < DEEP + CYCLE {
        let answer = client.json(pages[pages.len() - 1].clone()).await?;
        let end = answer["data"]["touches"]["pageInfo"]["endCursor"].as_str();
        let end = end.ok_or_else(|| format!("page {} has no end cursor: {answer}", pages.len()))?;
        pages.push(request(Some(end)));
    }
    Ok(pages)
}
