//! The questions: the requests that are measured, one file per question.
//!
//! The report compares a question's first contender with each of the others. To add a question, add a file that returns
//! a [`Question`], and list it in [`all`].

mod d1_today;
mod d2_week;
mod d3_focus;
mod l1_targets;
mod p1_plan;
mod q1_account;
mod q2_details;
mod q3_accounts;
mod q4_pages;
mod q5_analytics;
mod t1_absent;
mod t2_presence;
mod t3_readiness;
mod t4_series;
mod w1_log;
mod w2_upsert;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::Result;
use crate::client::Request;
use crate::data::Set;
use crate::environment::{Database, Engine, Token};
use crate::measure::{Contender, RequestSource};
use crate::peer::Peer;
use crate::process::Server;

/// A request or a series of requests that is measured with several contenders.
#[derive(Clone)]
pub struct Question {
    /// The name, such as `Q1`.
    pub name: &'static str,
    /// A short description.
    pub title: &'static str,
    /// The database engine.
    pub engine: Engine,
    /// The rows in the database.
    pub set: Set,
    /// The numbers of connections to measure with.
    pub connections: &'static [usize],
    /// The number of rows that a request writes, to report rows per second; 0 otherwise.
    pub rows: u64,
    /// Whether all contenders must answer with the same data, which is then checked.
    pub same_answers: bool,
    /// Whether the peers can take part.
    pub peer: bool,
    /// Creates the contenders.
    pub contenders: for<'a> fn(&'a Context<'_>) -> BoxFuture<'a, Result<Vec<Contender>>>,
}

/// The running servers and the token that a question's contenders are created from.
pub struct Context<'d> {
    /// The database.
    pub database: &'d Database,
    /// The server.
    pub server: Server,
    /// The floor.
    pub floor: Server,
    /// The peers; empty if they do not take part.
    pub peers: Vec<Peer>,
    /// The token of the default user of the rows, for questions that do not sign in a user of their own.
    pub token: Token,
}

/// Returns all questions in the order in which they are measured. Those that write come last.
#[must_use]
pub fn all() -> Vec<Question> {
    let mut questions = Vec::new();
    for engine in [Engine::Postgres, Engine::Sqlite] {
        questions.extend([q1_account::question(engine), q2_details::question(engine), q3_accounts::question(engine)]);
        questions.push(l1_targets::question(engine));
        questions.push(p1_plan::question(engine));
        questions.extend([t1_absent::question(engine), t2_presence::question(engine), t3_readiness::question(engine)]);
        questions.push(t4_series::question(engine));
        questions.extend([d1_today::question(engine), d2_week::question(engine), d3_focus::question(engine)]);
        if engine == Engine::Postgres {
            questions.extend([q4_pages::question(), q5_analytics::question(), w1_log::question(), w1_log::writers()]);
        }
        questions.push(w2_upsert::question(engine));
    }
    questions
}

impl Context<'_> {
    /// Creates a contender that sends requests to the server.
    fn server(&self, source: RequestSource) -> Contender {
        Contender {
            name: "server".to_owned(),
            address: self.server.address,
            process: self.server.id(),
            source,
            accept: crate::measure::has_data,
            compared: true,
        }
    }

    /// Creates a contender that sends requests to the floor.
    fn floor(&self, source: RequestSource) -> Contender {
        Contender {
            name: "floor".to_owned(),
            address: self.floor.address,
            process: self.floor.id(),
            source,
            accept: crate::measure::has_data,
            compared: true,
        }
    }

    /// Creates a GraphQL request with the default user's token.
    fn request(&self, document: &str, variables: &Value) -> Request {
        Request::graphql(&self.token.text, document, variables)
    }
}

/// Returns a source that repeats one request.
fn always(request: Request) -> RequestSource {
    std::sync::Arc::new(move |_, _| request.clone())
}

/// Returns a source that cycles through requests. Each connection starts at a different one.
fn in_turn(requests: Vec<Request>) -> RequestSource {
    std::sync::Arc::new(move |connection, count| {
        let length = requests.len().max(1);
        let index = (connection * 7 + usize::try_from(count).unwrap_or_default()) % length;
        requests.get(index).cloned().unwrap_or_else(|| Request::get("/"))
    })
}

/// Returns an empty object of variables.
fn no_variables() -> Value {
    json!({})
}

/// Returns the number of occurrences of `text` in a response body.
fn count(body: &[u8], text: &str) -> usize {
    body.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}
