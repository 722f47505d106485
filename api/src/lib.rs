//! Callshot: a GraphQL backend for account-based selling.
//!
//! Modules are listed in the order of dependency: each imports only modules below it (`architecture.rs` checks this). Start with
//! ARCHITECTURE.md, then [`schema`], which lists every root field.

pub mod server;

pub mod import;

pub mod operator;

pub mod app;

pub mod metrics;

pub mod schema;

pub mod domain;

pub mod write;

pub mod graphql;

pub mod limits;

pub mod context;

pub mod auth;

pub mod telemetry;

pub mod config;

pub mod values;

pub mod error;

#[cfg(test)]
mod architecture;

pub use app::App;
