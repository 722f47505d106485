//! Refresh tokens, each valid for one use.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, SessionId, row::row};

row! {
    /// A refresh token, identified by its digest.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_token")]
    pub struct Model {
        /// The SHA-256 of the token.
        #[sea_orm(primary_key, auto_increment = false)]
        pub digest: Vec<u8>,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The session it renews.
        pub session_id: SessionId,
        /// When it was issued.
        pub issued_at: Instant,
        /// When it expires.
        pub expires_at: Instant,
        /// When it was first used; null until then.
        pub used_at: Option<Instant>,
        /// The salt from which its successor follows, once it has been used.
        pub successor_salt: Option<Vec<u8>>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
