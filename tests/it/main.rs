//! Every test over HTTP, in one binary, so that it links once and PostgreSQL starts once. A file a noun.

#![expect(clippy::unwrap_used, reason = "these are tests, though clippy does not see it in async functions")]

mod accounts;
mod analytics;
mod bad_input;
mod bookings;
mod cancelled;
mod contacts;
mod contacts_upsert;
mod cost;
mod criteria;
mod explained;
mod faults;
mod focus;
mod goals;
mod graphql;
mod harness;
mod import;
mod import_kill;
mod import_published;
mod import_systems;
mod load;
mod migrations;
mod one_on_ones;
mod operations;
mod opportunities;
mod opportunity_upserts;
mod organization;
mod plan_histories;
mod plan_items;
mod plans;
mod presence;
mod program;
mod schema;
mod session;
mod sight;
mod sign_up;
mod target_lists;
mod targets;
mod today;
mod touches;
mod touches_lists;
mod touches_upsert;
mod users;
mod walls;
