//! Planned relationships: contacts with the relationship level that a plan aims for.

use sea_orm::entity::prelude::*;

use crate::{
    AccountId, ContactId, Day, OrganizationId, PlanId, PlannedRelationshipId, UserId, contact::RelationshipLevel,
    row::row,
};

row! {
    /// A planned relationship.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_relationship")]
    pub struct Model {
        /// The planned relationship's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PlannedRelationshipId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// The contact.
        pub contact_id: ContactId,
        /// The relationship level the plan aims for.
        pub desired: RelationshipLevel,
        /// The relationship level when the row was created.
        pub started_at: RelationshipLevel,
        /// The day by which the desired level is to be reached.
        pub due_on: Option<Day>,
        /// The user responsible for reaching it.
        pub owner_id: Option<UserId>,
        /// How it is to be reached.
        pub approach: Option<String>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
