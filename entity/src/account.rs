//! Accounts: companies that the organization sells to, whether or not they are clients yet.

use sea_orm::entity::prelude::*;

use crate::{AccountId, Instant, OrganizationId, UserId, row::row};

row! {
    /// An account.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub struct Model {
        /// The account's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AccountId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The name.
        pub name: String,
        /// The case-folded name, for sorting and searching.
        pub name_key: String,
        /// The internet domain, in lower case; unique within the organization.
        pub domain: Option<String>,
        /// The industry.
        pub industry: Option<String>,
        /// The case-folded industry.
        pub industry_key: Option<String>,
        /// The number of employees.
        pub employees: Option<i32>,
        /// The account's own yearly revenue, in minor units.
        pub annual_revenue: Option<i64>,
        /// The country.
        pub country: Option<String>,
        /// The case-folded country.
        pub country_key: Option<String>,
        /// The city.
        pub city: Option<String>,
        /// The case-folded city.
        pub city_key: Option<String>,
        /// The telephone number.
        pub phone: Option<String>,
        /// A free-text description.
        pub description: Option<String>,
        /// What the account could spend with the organization in a year, in minor units.
        pub potential: Option<i64>,
        /// The parent account.
        pub parent_id: Option<AccountId>,
        /// The user who owns the account.
        pub owner_id: UserId,
        /// The row's ids in other systems, as JSON: `[{source, id}]`, sorted by source.
        pub external_ids: String,
        /// The organization's own fields, as a JSON object.
        pub custom_fields: String,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// When the account was archived; null while it is active.
        pub archived_at: Option<Instant>,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
        /// Derived: the sum of weight times score over the active criteria, in thousandths of a weight.
        pub score: i64,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
