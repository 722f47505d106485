//! The deep page: touches by time, page 400 beside page 1.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Plan, always};
use crate::client::Client;
use crate::data::Set;
use crate::stage::Base;

const DOCUMENT: &str = "query Page($after: String) {
    touches(first: 25, after: $after, orderBy: [{field: AT, direction: DESC}]) {
        nodes { id kind at subject responded } pageInfo { endCursor } } }";

/// Which page is deep.
const DEEP: usize = 400;

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
                let mut client = Client::connect(setting.server.address).await?;
                let mut after = None::<String>;
                for page in 1..DEEP {
                    let answer = client.json(setting.asked(DOCUMENT, &json!({ "after": after }))).await?;
                    let cursor = answer["data"]["touches"]["pageInfo"]["endCursor"].as_str();
                    after = Some(cursor.ok_or_else(|| format!("page {page} has no end: {answer}"))?.to_owned());
                }
                let mut deep = setting.server(always(setting.asked(DOCUMENT, &json!({ "after": after }))));
                deep.name = format!("page {DEEP}");
                let mut first = deep.clone();
                first.name = "page 1".to_owned();
                first.source = Arc::clone(&always(setting.asked(DOCUMENT, &json!({ "after": null }))));
                Ok(vec![deep, first])
            }
            .boxed()
        },
    }
}
