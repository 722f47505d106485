//! Callshot: a GraphQL backend for selling to chosen accounts.
//!
//! The reading guide is ARCHITECTURE.md; in short: [`http`] takes a request in, [`app`] runs it, [`schema`] lists all
//! nouns, each noun's room (such as [`account`]) has its type, its queries and its changes; [`graph`] is how objects
//! answer, [`paging`] and [`filter`] how lists are read, [`event`] how everything is written.

pub mod account;
pub mod admission;
pub mod agreement;
pub mod allowance;
pub mod analytics;
pub mod app;
pub mod auth;
pub mod booking;
pub mod bulk;
pub mod calendar;
pub mod calendar_feed;
pub mod check;
pub mod clock;
pub mod config;
pub mod connection;
pub mod contact;
pub mod context;
pub mod criterion;
pub mod db;
pub mod error;
pub mod event;
pub mod external;
pub mod feed;
pub mod filter;
pub mod focus;
pub mod goal;
pub mod graph;
pub mod http;
pub mod import;
pub mod metrics;
pub mod money;
pub mod one_on_one;
pub mod opportunity;
pub mod organization;
pub mod paging;
pub mod plan;
pub mod pool;
pub mod presence;
pub mod promise;
pub mod scalar;
pub mod schema;
pub mod server;
pub mod sql;
pub mod target;
pub mod target_list;
pub mod telemetry;
pub mod text;
pub mod today;
pub mod touch;
pub mod transaction;
pub mod trigger_event;
pub mod upsert;
pub mod user;
pub mod week;

pub use app::App;
