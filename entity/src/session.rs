//! A signed-in session: one family of refresh tokens.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, SessionId, UserId, row::row};

row! {
    /// A session.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SessionId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Whose.
        pub user_id: UserId,
        /// When it began.
        pub created_at: Instant,
        /// When it ended: signed out, password changed, deactivated, or a refresh token used twice.
        pub ended_at: Option<Instant>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
