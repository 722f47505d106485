//! The truth about tables: a file a change, named after its effect, up and down.

pub use sea_orm_migration::prelude::*;

mod dialect;
mod m0001_organizations_and_members;
mod m0002_accounts_and_contacts;
mod m0003_touches;
mod m0004_opportunities_and_bookings;
mod m0005_feed;
mod m0006_criteria_and_scores;
mod m0007_targets_and_one_on_ones;
mod m0008_goals;
mod m0009_plans;
mod m0010_presence;
mod m0011_promises;
mod m0012_trigger_events;
mod m0013_calendar_feeds;
mod m0014_answers_of_people;
mod m0015_commitments_asked_for;
mod m0016_rows_of_one_organization;
mod m0017_places_in_the_feed;
mod m0018_weights_are_written;
mod m0020_what_was_known_then;

/// All changes, in their order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_organizations_and_members::Migration),
            Box::new(m0002_accounts_and_contacts::Migration),
            Box::new(m0003_touches::Migration),
            Box::new(m0004_opportunities_and_bookings::Migration),
            Box::new(m0005_feed::Migration),
            Box::new(m0006_criteria_and_scores::Migration),
            Box::new(m0007_targets_and_one_on_ones::Migration),
            Box::new(m0008_goals::Migration),
            Box::new(m0009_plans::Migration),
            Box::new(m0010_presence::Migration),
            Box::new(m0011_promises::Migration),
            Box::new(m0012_trigger_events::Migration),
            Box::new(m0013_calendar_feeds::Migration),
            Box::new(m0014_answers_of_people::Migration),
            Box::new(m0015_commitments_asked_for::Migration),
            Box::new(m0016_rows_of_one_organization::Migration),
            Box::new(m0017_places_in_the_feed::Migration),
            Box::new(m0018_weights_are_written::Migration),
            Box::new(m0020_what_was_known_then::Migration),
        ]
    }
}

/// Declares a migration by its statements. (The feature is called `transaction` there: all or nothing, on both.)
macro_rules! change {
    (up: [$($up:expr),* $(,)?], down: [$($down:expr),* $(,)?] $(,)?) => {
        /// The change.
        #[derive(Debug, sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::prelude::MigrationTrait for Migration {
            async fn up(&self, manager: &sea_orm_migration::prelude::SchemaManager) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::dialect::run(manager, &[$($up),*]).await
            }

            async fn down(&self, manager: &sea_orm_migration::prelude::SchemaManager) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::dialect::run(manager, &[$($down),*]).await
            }
        }
    };
}
pub(crate) use change;
