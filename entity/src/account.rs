//! A company that is sold to, client or not.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Instant, OrganizationId, UserId, row::row};

row! {
    /// An account.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AccountId,
        /// Whose account.
        pub organization_id: OrganizationId,
        /// The name.
        pub name: String,
        /// The name, folded, to order and search by.
        pub name_key: String,
        /// The internet domain, lower-cased; unique in the organization.
        pub domain: Option<String>,
        /// The industry.
        pub industry: Option<String>,
        /// The industry, folded.
        pub industry_key: Option<String>,
        /// How many work there.
        pub employees: Option<i32>,
        /// The account's own revenue a year, in minor units.
        pub annual_revenue: Option<i64>,
        /// The country.
        pub country: Option<String>,
        /// The country, folded.
        pub country_key: Option<String>,
        /// The city.
        pub city: Option<String>,
        /// The city, folded.
        pub city_key: Option<String>,
        /// The telephone number.
        pub phone: Option<String>,
        /// What there is to know.
        pub description: Option<String>,
        /// What it could spend with us in a year, in minor units.
        pub potential: Option<i64>,
        /// The account that owns this one.
        pub parent_id: Option<AccountId>,
        /// Whose book it is in.
        pub owner_id: UserId,
        /// JSON: [{source, id}], by source.
        pub external_ids: String,
        /// JSON object.
        pub custom_fields: String,
        /// When it was made.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// When it was archived.
        pub archived_at: Option<Instant>,
        /// Writes so far.
        pub version: i32,
        /// The sum of weight times score over the active criteria, in thousandths of a weight: derived.
        pub score: i64,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
