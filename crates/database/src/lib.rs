//! SQLite and PostgreSQL behind one interface.
//!
//! [`Db`] opens a database and migrates it. [`Connections`](connection::Connections) are for reading, a
//! [`Transaction`](transaction::Transaction) is for writing. Both pass statements of SeaORM directly to the driver
//! (docs/adr/0013). The crate knows tables only by their entities and does not depend on GraphQL.

pub mod bulk;
pub mod columns;
pub mod connection;
pub mod db;
pub mod pool;
pub mod sql;
pub mod transaction;

pub use db::Db;
