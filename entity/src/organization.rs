//! Organizations: the tenants, with their settings and the parameters of their metrics.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, row::row};

row! {
    /// An organization.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "organization")]
    pub struct Model {
        /// The organization's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OrganizationId,
        /// The name.
        pub name: String,
        /// The ISO 4217 code of the currency of all amounts.
        pub currency: String,
        /// The IANA name of the time zone.
        pub time_zone: String,
        /// The month (1 to 12) in which fiscal years start.
        pub fiscal_year_start_month: i32,
        /// The bookings in a fiscal year, in minor units, from which an account is a key account; null for no
        /// threshold.
        pub key_account_threshold: Option<i64>,
        /// The number of days after which a touch counts half as much.
        pub presence_half_life_days: f64,
        /// The presence from which the organization counts as present at an account.
        pub presence_threshold: f64,
        /// The share of working minutes spent on selling.
        pub selling_share: f64,
        /// The share of selling minutes spent on targets.
        pub target_share: f64,
        /// The number of people to stay in touch with at each target.
        pub key_people_per_target: i32,
        /// The number of unplanned working minutes from which a blank spot is big.
        pub big_blank_minutes: i32,
        /// The acceptable probability of missing the goals.
        pub pipeline_margin: f64,
        /// The lower end of the recommended size of a target list, in percent of the seller's accounts.
        pub target_band_low: f64,
        /// The upper end of that range, in percent.
        pub target_band_high: f64,
        /// The secret key of the marks that keep erased people from being created again. No API returns it.
        pub erasure_key: Vec<u8>,
        /// When the organization was created.
        pub created_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
