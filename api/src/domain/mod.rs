//! The nouns: a folder each, with the type, its queries, its inputs and its mutations.

pub mod account;
pub mod analytics;
pub mod booking;
pub mod calendar_feed;
pub mod contact;
pub mod criterion;
pub mod event;
pub mod focus;
pub mod goal;
pub mod node;
pub mod opportunity;
pub mod organization;
pub mod pipeline;
pub mod plan;
pub mod presence;
pub mod promise;
pub mod reason;
pub mod session;
pub mod targeting;
pub mod today;
pub mod touch;
pub mod trigger_event;
pub mod upsert;
pub mod user;
pub mod week;
