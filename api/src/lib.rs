//! Callshot: a GraphQL backend for selling to chosen accounts.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod http;
pub mod server;
pub mod telemetry;

pub use app::App;
