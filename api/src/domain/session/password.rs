//! Changing one's own password.

use async_graphql::InputObject;
use database::transaction::Transaction;
use entity::{Scoped, credential, user};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::invitation;
use crate::context::RequestContext;
use crate::domain::session;
use crate::domain::user::{User, UserPayload};
use crate::error::{Error, Result};
use crate::write::validator::Validator;

/// The current and the new password.
#[derive(Clone, InputObject)]
pub struct ChangePasswordInput {
    /// The current password.
    pub current: String,
    /// The new password: 12 to 128 characters, of any kind.
    pub new: String,
}

/// Executes `changePassword`: also ends the caller's other sessions.
pub async fn change(ctx: &RequestContext, input: ChangePasswordInput) -> Result<UserPayload> {
    let ChangePasswordInput { current, new } = input;
    let viewer = ctx.viewer()?;
    let auth = &ctx.app.auth;
    let mut check = Validator::input();
    check.password("new", &new);
    let own = || credential::Entity::of(viewer.organization.id).filter(credential::Column::UserId.eq(viewer.user.id));
    let tried = auth.throttle.watch(ctx.peer, Some(&viewer.user.email), async {
        let stored = own().one(ctx.reader()).await?.and_then(|credential| credential.password_hash);
        let right = auth.passwords.verify(&current, stored.as_deref()).await.map_err(Error::internal)?;
        if right { Ok(stored) } else { Err(Error::Refused(Vec::new())) }
    });
    let stored = match tried.await {
        Ok(stored) => stored,
        Err(Error::Refused(_)) => {
            check.invalid("current", WRONG);
            None
        }
        Err(fault) => return Err(fault),
    };
    check.finish()?;
    let hash = auth.passwords.hash(&new).await.map_err(Error::internal)?;
    let tx = Transaction::of(&ctx.app.db);
    // Of two concurrent changes, the second no longer has the current password.
    let user = user::Entity::of(viewer.organization.id).filter(user::Column::Id.eq(viewer.user.id));
    let Some(user) = user.lock_exclusive().one(&tx).await? else { return Err(Error::Unauthenticated) };
    let still = own().one(&tx).await?;
    if still.and_then(|credential| credential.password_hash) != stored {
        check.invalid("current", WRONG);
        check.finish()?;
    }
    invitation::keep_password(&tx, &user, hash).await?;
    session::end_all(&tx, viewer.organization.id, viewer.user.id, Some(viewer.session)).await?;
    tx.commit().await?;
    ctx.app.forget(viewer.organization.id);
    Ok(UserPayload { user: Some(User(user)), ..UserPayload::default() })
}

const WRONG: &str = "This is not your current password.";
