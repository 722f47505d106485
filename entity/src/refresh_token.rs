//! Refresh tokens, each good for one use.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, SessionId, row::row};

row! {
    /// A refresh token, by its digest.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_token")]
    pub struct Model {
        /// SHA-256 of the token.
        #[sea_orm(primary_key, auto_increment = false)]
        pub digest: Vec<u8>,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Of which session.
        pub session_id: SessionId,
        /// When it was handed out.
        pub issued_at: Instant,
        /// Until when it holds.
        pub expires_at: Instant,
        /// When it was first used.
        pub used_at: Option<Instant>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
