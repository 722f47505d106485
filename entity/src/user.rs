//! Users: the members of an organization and whom they report to.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row, word::word};

word! {
    /// A user's role, which decides what they may see.
    Role {
        /// Sees the accounts that they own or are on the team of.
        Seller "SELLER",
        /// Also sees the accounts of every user below them.
        Manager "MANAGER",
        /// Sees everything in the organization.
        Admin "ADMIN",
    }
}

row! {
    /// A user. The table is called `member` because `user` is a reserved word in PostgreSQL.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "member")]
    pub struct Model {
        /// The user's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: UserId,
        /// The organization the user belongs to.
        pub organization_id: OrganizationId,
        /// The name.
        pub name: String,
        /// The case-folded name, for sorting and searching.
        pub name_key: String,
        /// The email address, in lower case; unique within the organization.
        pub email: String,
        /// The role.
        pub role: Role,
        /// The job title.
        pub title: Option<String>,
        /// The IANA name of the time zone.
        pub time_zone: String,
        /// The user they report to.
        pub manager_id: Option<UserId>,
        /// The working hours, as JSON: `[{weekday, from, to}]`.
        pub working_hours: String,
        /// The identifiers in other systems, as JSON: `[{source, id}]`.
        pub external_ids: String,
        /// Whether the user may sign in.
        pub active: bool,
        /// When the user was invited.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
