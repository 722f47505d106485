//! What is stored.

pub mod time;

pub use time::Instant;
