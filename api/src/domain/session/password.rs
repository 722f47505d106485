//! Changing one's own password.

use async_graphql::InputObject;
use entity::{Scoped, credential, user};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::invitation;
use crate::context::RequestContext;
use crate::domain::user::{User, UserPayload};
use crate::domain::{calendar_feed, session};
use crate::error::{Error, Result};
use crate::write::Write;
use crate::write::validator::Validator;

/// The current and the new password.
#[derive(Clone, InputObject)]
pub struct ChangePasswordInput {
    /// The current password.
    pub current: String,
    /// The new password: 12 to 128 characters, of any kind.
    pub new: String,
}

/// Executes `changePassword`: also ends the caller's other sessions and their calendar feed.
pub async fn change(ctx: &RequestContext, input: ChangePasswordInput) -> Result<UserPayload> {
    let ChangePasswordInput { current, new } = input;
    let viewer = ctx.viewer()?;
    let auth = &ctx.services.auth;
    let mut check = Validator::input();
    check.password("new", &new);
    let own = || credential::Entity::of(viewer.organization.id).filter(credential::Column::UserId.eq(viewer.user.id));
    let tried = auth.throttle.watch(ctx.peer, Some(&viewer.user.email), async {
        let stored = own().one(ctx.reader()).await?.and_then(|credential| credential.password_hash);
        let right = auth.passwords.verify(&current, stored.as_deref()).await?;
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
    let hash = auth.passwords.hash(&new).await?;
    let mut write = Write::begin(ctx)?;
    // Of two changes at once the second has the wrong password by now.
    let user = user::Entity::of(viewer.organization.id)
        .filter(user::Column::Id.eq(viewer.user.id))
        .filter(user::Column::Active.eq(true));
    let Some(user) = user.lock_exclusive().one(&write.tx).await? else { return Err(Error::Unauthenticated) };
    if let Some(session) = viewer.session
        && !session::is_open(&write.tx, viewer.organization.id, session).await?
    {
        return Err(Error::Unauthenticated);
    }
    let still = own().one(&write.tx).await?;
    if still.and_then(|credential| credential.password_hash) != stored {
        check.invalid("current", WRONG);
        check.finish()?;
    }
    invitation::keep_password(&write.tx, &user, hash, write.at).await?;
    session::end_all(&write.tx, viewer.organization.id, viewer.user.id, viewer.session).await?;
    calendar_feed::end_with_event(&mut write, user.id).await?;
    write.commit().await?;
    ctx.services.forget(viewer.organization.id);
    Ok(UserPayload { user: Some(User(user)), ..UserPayload::default() })
}

const WRONG: &str = "This is not your current password.";
