//! Credentials of users.
//!
//! They are kept apart from users so that ordinary queries never read them.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row};

row! {
    /// A user's password hash and pending invitation.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "credential")]
    pub struct Model {
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The Argon2id hash in PHC format; null until the invitation is accepted.
        pub password_hash: Option<String>,
        /// The SHA-256 of the pending invitation's token.
        pub invitation_digest: Option<Vec<u8>>,
        /// When the pending invitation expires.
        pub invitation_expires_at: Option<Instant>,
        /// When the invitation was accepted, or the user signed up; null while an invitation is pending.
        pub accepted_at: Option<Instant>,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
