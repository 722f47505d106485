//! The floor: the least that any server over this database could do.
//!
//! It sends as few statements as possible, all prepared, decodes binary rows and writes JSON with serde. It requires no
//! token, checks nothing, and shows every row of the organization to every client.
//!
//! | module | contents |
//! |---|---|
//! | [`postgres`] | the floor over PostgreSQL |
//! | [`sqlite`] | the floor over SQLite |
//! | [`shape`] | the types of the responses |
//! | [`writes`] | the input of writes and the rows they produce |
//! | [`months`] | grouping touches by user and month |
//! | [`mod@array`] | PostgreSQL's binary arrays |

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

/// The number of database connections, which is the server's default.
const CONNECTIONS: u32 = 10;

/// The options of the `floor` command.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The address to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// The URL of the database
    #[arg(long)]
    database: String,
}

/// Serves requests until the process is terminated.
pub fn serve(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let router = if arguments.database.starts_with("sqlite:") {
            sqlite::router(&arguments.database).await?
        } else {
            postgres::router(&arguments.database).await?
        };
        let listener = tokio::net::TcpListener::bind(arguments.listen).await?.tap_io(|stream| {
            // This fails only for a connection that is already closed.
            let _closed = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

/// A response or an error.
type Answer = std::result::Result<Response, FloorError>;

/// An error message, answered with status 500.
struct FloorError(String);

impl<E: std::error::Error> From<E> for FloorError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for FloorError {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

/// The `data` wrapper of a GraphQL response.
#[derive(Serialize)]
struct Data<T> {
    data: T,
}

/// Creates a response with the data as JSON. `size` is the approximate size of the JSON in bytes.
fn answer<T: Serialize>(data: T, size: usize) -> Answer {
    let mut body = Vec::with_capacity(size);
    serde_json::to_writer(&mut body, &Data { data })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
