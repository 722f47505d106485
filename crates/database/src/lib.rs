//! The two databases, SQLite and PostgreSQL, behind one interface.
//!
//! [`Db`] opens a database and migrates it. [`Connections`](connection::Connections) read, a
//! [`Transaction`](transaction::Transaction) writes; both hand statements of SeaORM straight to the driver (docs/adr/0013).
//! The crate knows tables by their entities and nothing of GraphQL.

pub mod bulk;
pub mod columns;
pub mod connection;
pub mod db;
pub mod pool;
pub mod sql;
pub mod transaction;

pub use db::Db;
