//! Callshot: a GraphQL backend for account-based selling.
//!
//! Modules are listed in the order of dependency: each uses only those below it (`architecture.rs` checks this). Start with
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

pub mod auth;
pub mod config;
pub mod context;
pub mod error;
pub mod values;

pub use app::App;
