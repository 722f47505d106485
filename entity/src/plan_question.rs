//! Something to find out about an account.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Instant, OrganizationId, PlanId, QuestionId, UserId, row::row};

row! {
    /// A question.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_question")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: QuestionId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which plan.
        pub plan_id: PlanId,
        /// The plan's account, which decides who sees it.
        pub account_id: AccountId,
        /// What is to be found out.
        pub question: String,
        /// What was found out.
        pub answer: Option<String>,
        /// By whom.
        pub assignee_id: Option<UserId>,
        /// Whom to ask.
        pub contact_id: Option<ContactId>,
        /// When it was answered.
        pub answered_at: Option<Instant>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
