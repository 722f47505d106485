//! Sign-in sessions, each with a chain of refresh tokens.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, SessionId, UserId, row::row};

row! {
    /// A session.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        /// The session's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SessionId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The user who signed in.
        pub user_id: UserId,
        /// When the session began.
        pub created_at: Instant,
        /// When the session ended (on sign-out, password change, deactivation or reuse of a refresh token); null while
        /// it is active.
        pub ended_at: Option<Instant>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
