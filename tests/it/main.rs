//! Every test over HTTP, in one binary, so that it links once and PostgreSQL starts once. A file a noun.

#![expect(clippy::unwrap_used, reason = "these are tests, though clippy does not see it in async functions")]

mod accounts;
mod analytics;
mod bad_input;
mod bookings;
mod calendar_feeds;
mod cancelled;
mod contacts;
mod contacts_upsert;
mod cost;
mod criteria;
mod faults;
mod goals;
mod graphql;
mod harness;
mod import;
mod import_calendars;
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
mod plans;
mod program;
mod promises;
mod schema;
mod session;
mod sight;
mod sign_up;
mod target_lists;
mod targets;
mod touches;
mod touches_lists;
mod touches_upsert;
mod trigger_events;
mod users;
mod walls;
mod weeks;
