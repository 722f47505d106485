//! The tenant: its settings and the numbers behind its metrics.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, row::row};

row! {
    /// An organization.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "organization")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OrganizationId,
        /// Its name.
        pub name: String,
        /// ISO 4217 code of the one currency of all its amounts.
        pub currency: String,
        /// IANA name of its time zone.
        pub time_zone: String,
        /// The month (1-12) in which fiscal years start.
        pub fiscal_year_start_month: i32,
        /// Bookings of a fiscal year from which an account is a key account, in minor units.
        pub key_account_threshold: Option<i64>,
        /// Days in which a touch loses half its weight.
        pub presence_half_life_days: f64,
        /// Presence from which we count as present.
        pub presence_threshold: f64,
        /// Share of working minutes that goes into selling.
        pub selling_share: f64,
        /// Share of selling minutes that goes into targets.
        pub target_share: f64,
        /// People to stay present with at one target.
        pub key_people_per_target: i32,
        /// Minutes of blank working time from which a blank spot is big.
        pub big_blank_minutes: i32,
        /// The acceptable probability of missing the goals.
        pub pipeline_margin: f64,
        /// Lower end of the band of the book that deserves a target list, in percent.
        pub target_band_low: f64,
        /// Upper end of that band, in percent.
        pub target_band_high: f64,
        /// Secret key of the marks that keep erased people from coming back. Never shown.
        pub erasure_key: Vec<u8>,
        /// When it was made.
        pub created_at: Instant,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
