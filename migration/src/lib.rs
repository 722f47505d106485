//! The migrations: one file for each change of the tables, named after its effect, with the way up and the way down.
//!
//! Each migration runs in one transaction together with the row that records it, on both databases. A process that is killed
//! at any moment therefore leaves the tables of the last migration that was finished.

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
mod m0025_history_of_the_feed;
mod m0026_one_successor_of_a_refresh_token;
mod m0030_imports;
mod m0033_relationships_are_confirmed;
mod m0034_relations_of_contacts_and_opportunities;
mod m0035_when_invitations_were_accepted;
mod m0040_minutes_of_accounts;
mod m0045_snoozed_suggestions;
mod m0047_external_ids_of_members;
mod m0050_orders_of_lists;
mod m0051_changes_by_member;

/// All migrations, in their order.
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
            Box::new(m0025_history_of_the_feed::Migration),
            Box::new(m0026_one_successor_of_a_refresh_token::Migration),
            Box::new(m0030_imports::Migration),
            Box::new(m0033_relationships_are_confirmed::Migration),
            Box::new(m0034_relations_of_contacts_and_opportunities::Migration),
            Box::new(m0035_when_invitations_were_accepted::Migration),
            Box::new(m0040_minutes_of_accounts::Migration),
            Box::new(m0045_snoozed_suggestions::Migration),
            Box::new(m0047_external_ids_of_members::Migration),
            Box::new(m0050_orders_of_lists::Migration),
            Box::new(m0051_changes_by_member::Migration),
        ]
    }
}

/// Declares a migration by its statements.
macro_rules! change {
    (up: [$($up:expr),* $(,)?], down: [$($down:expr),* $(,)?] $(,)?) => {
        /// The migration.
        #[derive(Debug, sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::prelude::MigrationTrait for Migration {
            /// On SQLite, SeaORM would run the statements one by one, and a kill between two of them could not be repaired.
            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }

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
