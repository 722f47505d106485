//! A member of an organization, and whom they report to.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row, word::word};

word! {
    /// What a member may do.
    Role {
        /// Sees the accounts that they own or are on the team of.
        Seller "SELLER",
        /// Sees also those of everyone below them.
        Manager "MANAGER",
        /// Sees everything of the organization.
        Admin "ADMIN",
    }
}

row! {
    /// A user. (`user` is a reserved word in PostgreSQL.)
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "member")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: UserId,
        /// Whose member.
        pub organization_id: OrganizationId,
        /// The name.
        pub name: String,
        /// The name, folded, to order and search by.
        pub name_key: String,
        /// The address, lower-cased; unique in the organization.
        pub email: String,
        /// What they may do.
        pub role: Role,
        /// Their job.
        pub title: Option<String>,
        /// IANA name of their time zone.
        pub time_zone: String,
        /// Whom they report to.
        pub manager_id: Option<UserId>,
        /// JSON: [{weekday, from, to}].
        pub working_hours: String,
        /// May they sign in?
        pub active: bool,
        /// When they were invited.
        pub created_at: Instant,
        /// When they last changed.
        pub updated_at: Instant,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
