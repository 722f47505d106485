//! Questions about accounts that plans set out to answer.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Instant, OrganizationId, PlanId, QuestionId, UserId, row::row};

row! {
    /// A question.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_question")]
    pub struct Model {
        /// The question's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: QuestionId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The plan this belongs to.
        pub plan_id: PlanId,
        /// The plan's account, which decides who may see the row.
        pub account_id: AccountId,
        /// The question.
        pub question: String,
        /// The answer.
        pub answer: Option<String>,
        /// The user who is to find the answer.
        pub assignee_id: Option<UserId>,
        /// The contact to ask.
        pub contact_id: Option<ContactId>,
        /// When it was answered; null until then.
        pub answered_at: Option<Instant>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
