//! The stored data: one module per table, with its columns and enums; typed ids; and finders, which are all scoped to
//! an organization.
//!
//! This crate contains no business rules, no GraphQL and no clock; they are in `callshot`.
#![recursion_limit = "256"]

mod id;
mod row;
mod scope;
mod time;
mod word;

pub mod account;
pub mod acquaintance;
pub mod assessment;
pub mod booking;
pub mod calendar_feed;
pub mod contact;
pub mod credential;
pub mod criterion;
pub mod erasure;
pub mod event;
pub mod external_id;
pub mod goal;
pub mod import_change;
pub mod import_record;
pub mod import_run;
pub mod list_review;
pub mod one_on_one;
pub mod opportunity;
pub mod organization;
pub mod plan;
pub mod plan_action;
pub mod plan_benchmark;
pub mod plan_commitment;
pub mod plan_measurement;
pub mod plan_objective;
pub mod plan_question;
pub mod plan_relationship;
pub mod plan_review;
pub mod promise;
pub mod refresh_token;
pub mod seat;
pub mod session;
pub mod snooze;
pub mod target;
pub mod touch;
pub mod touch_contact;
pub mod touch_version;
pub mod touch_version_contact;
pub mod trigger_event;
pub mod user;

pub use id::{
    AccountId, ActionId, BenchmarkId, BookingId, CommitmentId, ContactId, CriterionId, EventId, GoalId, ListReviewId,
    ObjectiveId, OneOnOneId, OpportunityId, OrganizationId, PlanId, PlannedRelationshipId, PromiseId, QuestionId,
    ReviewId, SessionId, SnoozeId, TargetId, TouchId, TriggerEventId, UserId,
};
pub use id::{Id, IdError, show as show_id, split as split_id, suffix};
pub use row::{ColumnDefault, Columns, DbRow, FromColumn, Row};
pub use scope::Scoped;
pub use time::{Day, Instant};
