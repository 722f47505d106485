//! Every test over HTTP, in one binary, so that it links once and PostgreSQL starts once. A file a noun.

#![expect(clippy::unwrap_used, reason = "these are tests, though clippy does not see it in async functions")]

mod accounts;
mod analytics;
mod graphql;
mod harness;
mod migrations;
mod program;
