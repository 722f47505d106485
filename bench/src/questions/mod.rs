//! What is asked: a file a question. Its first contender is compared with each of the others.
//!
//! A new question is a file with a [`Plan`] and a line in [`all`].

mod d1_today;
mod d2_week;
mod d3_focus;
mod l1_targets;
mod p1_plan;
mod q1_account;
mod q2_around;
mod q3_accounts;
mod q4_pages;
mod q5_analytics;
mod t1_absent;
mod t2_presence;
mod t3_readiness;
mod w1_log;
mod w2_upsert;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::Result;
use crate::client::Request;
use crate::data::Set;
use crate::measure::{Contender, Source};
use crate::peer::Peer;
use crate::process::Server;
use crate::stage::{Base, Database, Token};

/// A question.
#[derive(Clone)]
pub struct Plan {
    /// Its short name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Over which database.
    pub base: Base,
    /// Of which rows.
    pub set: Set,
    /// With how many connections at a time.
    pub connections: &'static [usize],
    /// Rows that a request writes, where that is what counts.
    pub rows: u64,
    /// Do all contenders answer the same data? Then it is looked at.
    pub same: bool,
    /// Can the peers take part?
    pub peer: bool,
    /// Who takes part.
    pub contenders: for<'a> fn(&'a Setting<'_>) -> BoxFuture<'a, Result<Vec<Contender>>>,
}

/// What a question's contenders are made of.
pub struct Setting<'d> {
    /// The database.
    pub database: &'d Database,
    /// The server.
    pub server: Server,
    /// The floor, where there is one.
    pub floor: Server,
    /// The peers, where they take part.
    pub peers: Vec<Peer>,
    /// The token of who asks where a question names nobody: the director, or the sales force's manager.
    pub token: Token,
}

/// All of them, in the order in which they are asked: those that write come last.
#[must_use]
pub fn all() -> Vec<Plan> {
    let mut plans = Vec::new();
    for base in [Base::Postgres, Base::Sqlite] {
        plans.extend([q1_account::plan(base), q2_around::plan(base), q3_accounts::plan(base)]);
        plans.push(l1_targets::plan(base));
        plans.push(p1_plan::plan(base));
        plans.extend([t1_absent::plan(base), t2_presence::plan(base), t3_readiness::plan(base)]);
        plans.extend([d1_today::plan(base), d2_week::plan(base), d3_focus::plan(base)]);
        if base == Base::Postgres {
            plans.extend([q4_pages::plan(), q5_analytics::plan(), w1_log::plan(), w1_log::writers()]);
        }
        plans.push(w2_upsert::plan(base));
    }
    plans
}

impl Setting<'_> {
    /// The server.
    fn server(&self, source: Source) -> Contender {
        Contender {
            name: "server".to_owned(),
            address: self.server.address,
            process: self.server.id(),
            source,
            accept: crate::measure::has_data,
            compared: true,
        }
    }

    /// The floor.
    fn floor(&self, source: Source) -> Contender {
        Contender {
            name: "floor".to_owned(),
            address: self.floor.address,
            process: self.floor.id(),
            source,
            accept: crate::measure::has_data,
            compared: true,
        }
    }

    /// A document with variables, asked by whom the token is of.
    fn asked(&self, document: &str, variables: &Value) -> Request {
        Request::graphql(&self.token.text, document, variables)
    }
}

/// The same request each time.
fn always(request: Request) -> Source {
    std::sync::Arc::new(move |_, _| request.clone())
}

/// These requests in turn; each connection begins at another one.
fn in_turn(requests: Vec<Request>) -> Source {
    std::sync::Arc::new(move |connection, count| {
        let all = requests.len().max(1);
        let place = (connection * 7 + usize::try_from(count).unwrap_or_default()) % all;
        requests.get(place).cloned().unwrap_or_else(|| Request::get("/"))
    })
}

/// No variables.
fn none() -> Value {
    json!({})
}

/// How often an answer has a text.
fn count(body: &[u8], text: &str) -> usize {
    body.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}
