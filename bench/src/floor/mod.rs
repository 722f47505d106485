//! The floor: the least that any server over this database could do. It has the fewest statements, prepared, decodes
//! binary rows and writes JSON with serde. It asks for no token, checks nothing, and shows everything of the organization
//! to anybody.
//!
//! | room | holds |
//! |---|---|
//! | [`postgres`] | over PostgreSQL |
//! | [`sqlite`] | over SQLite |
//! | [`shape`] | what is answered |
//! | [`writes`] | what writes take in and leave behind |
//! | [`months`] | groups by month |
//! | [`mod@array`] | arrays as PostgreSQL sends them |

mod array;
mod months;
mod postgres;
mod shape;
mod sqlite;
mod writes;

use std::net::SocketAddr;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use clap::Args;
use serde::Serialize;

use crate::Result;

/// Connections to the database: as many as the server has unless told otherwise.
const CONNECTIONS: u32 = 10;

/// How the floor is started.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Where it listens
    #[arg(long)]
    listen: SocketAddr,
    /// The database's address
    #[arg(long)]
    database: String,
}

/// Serves until the process is ended.
pub fn serve(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let router = if arguments.database.starts_with("sqlite:") {
            sqlite::router(&arguments.database).await?
        } else {
            postgres::router(&arguments.database).await?
        };
        let listener = tokio::net::TcpListener::bind(arguments.listen).await?.tap_io(|stream| {
            // A connection that refuses this is about to end anyway.
            let _refused = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

/// An answer, or what went wrong.
type Answer = std::result::Result<Response, Broken>;

/// What went wrong.
struct Broken(String);

impl<E: std::error::Error> From<E> for Broken {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

/// Data, as GraphQL wraps them.
#[derive(Serialize)]
struct Data<T> {
    data: T,
}

/// Answers with data. `size` is about how many bytes they take.
fn answer<T: Serialize>(data: T, size: usize) -> Answer {
    let mut body = Vec::with_capacity(size);
    serde_json::to_writer(&mut body, &Data { data })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
