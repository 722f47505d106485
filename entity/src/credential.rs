//! How a user gets in. Kept apart from the user, so that no ordinary query ever reads it.

use sea_orm::entity::prelude::*;

use crate::{Instant, OrganizationId, UserId, row::row};

row! {
    /// A user's password hash and open invitation.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "credential")]
    pub struct Model {
        /// Whose.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Argon2id in PHC form; null until the invitation is accepted.
        pub password_hash: Option<String>,
        /// SHA-256 of the open invitation's token.
        pub invitation_digest: Option<Vec<u8>>,
        /// Until when that invitation holds.
        pub invitation_expires_at: Option<Instant>,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
