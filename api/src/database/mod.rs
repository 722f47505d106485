//! The two databases: pool, connections, statements, transactions, bulk inserts.

pub mod bulk;
pub mod connection;
pub mod db;
pub mod pool;
pub mod sql;
pub mod transaction;
