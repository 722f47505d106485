//! Callshot: a GraphQL backend for account-based selling.
//!
//! Modules are listed in the order of dependency: each imports only modules below it (`architecture.rs` checks this). Start with
//! ARCHITECTURE.md, then [`schema`], which lists every root field.

pub mod server;

pub mod import;

pub mod demo;

pub mod operator;

pub mod app;

pub(crate) mod metrics;

pub(crate) mod schema;

pub(crate) mod domain;

pub(crate) mod write;

pub(crate) mod graphql;

pub(crate) mod limits;

pub(crate) mod context;

pub(crate) mod auth;

pub mod telemetry;

pub mod config;

pub(crate) mod values;

pub(crate) mod error;

#[cfg(test)]
mod architecture;

pub use app::App;

/// Formulas and types that the integration tests use: they recompute figures and stored rows independently of the API.
#[doc(hidden)]
pub mod internals {
    pub use crate::context::RequestContext;
    pub use crate::domain::account::Standing;
    pub use crate::domain::analytics::stages::flows;
    pub use crate::domain::criterion::{assess, score};
    pub use crate::domain::goal::GoalWarning;
    pub use crate::domain::goal::progress::{Basis, Booked, progress};
    pub use crate::domain::opportunity::probability_of;
    pub use crate::domain::plan::as_of::contents;
    pub use crate::domain::plan::content::{canonical, fingerprint};
    pub use crate::domain::plan::health::completeness;
    pub use crate::domain::plan::measure::{MILLION, Way};
    pub use crate::domain::plan::part::Part;
    pub use crate::domain::plan::review::due_after;
    pub use crate::domain::presence::formula;
    pub use crate::domain::presence::formula::{Made, PresencePolicy};
    pub use crate::domain::presence::known::known;
    pub use crate::domain::presence::nurture::{consistency, longest_gap};
    pub use crate::domain::promise;
    pub use crate::domain::targeting::target_list::band::band;
    pub use crate::domain::targeting::target_list::capacity::required_interval;
    pub use crate::domain::today::snooze::is_snoozed;
    pub use crate::domain::touch::weight::{answer_known_at, weigh};
    pub use crate::domain::upsert::UpsertResult;
    pub use crate::domain::user::Role;
    pub use crate::domain::user::upsert::{MaybeUndefined, UserRowInput, upsert_users};
    pub use crate::domain::week::split::{Stretch, TimeUse, split};
    pub use crate::graphql::estimate::{ENOUGH, Estimate, wilson};
    pub use crate::graphql::scalars::{day, instant, instead};
    pub use crate::schema::open;
    pub use crate::values::calendar::{DAY, fiscal_days, years_after};
    pub use crate::values::clock::StoppedAt;
    pub use crate::values::money::Currency;
    pub use crate::values::{calendar, exact_json};
    pub use crate::write::AuditedRow;
}
