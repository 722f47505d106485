//! Changing one's own password.

use async_graphql::InputObject;
use entity::{Scoped, credential, user};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{invitation, session};
use crate::check::Check;
use crate::context::Cx;
use crate::error::{Fault, Result};
use crate::transaction::Transaction;
use crate::user::{User, UserPayload};

/// The present password and the next.
#[derive(Clone, InputObject)]
pub struct ChangePasswordInput {
    /// The present password.
    pub current: String,
    /// The next one: 12 to 128 characters, any of them.
    pub new: String,
}

/// Arguments of `changePassword`.
#[derive(Clone, InputObject)]
pub struct ChangePasswordArguments {
    /// The passwords.
    pub input: ChangePasswordInput,
}

/// `changePassword`: the caller's other sessions end.
pub async fn change(cx: &Cx, arguments: ChangePasswordArguments) -> Result<UserPayload> {
    let ChangePasswordInput { current, new } = arguments.input;
    let viewer = cx.viewer()?;
    let auth = &cx.app.auth;
    let mut check = Check::input();
    check.password("new", &new);
    let own = || credential::Entity::of(viewer.organization.id).filter(credential::Column::UserId.eq(viewer.user.id));
    let tried = auth.throttle.watch(cx.peer, Some(&viewer.user.email), async {
        let stored = own().one(cx.reader()).await?.and_then(|credential| credential.password_hash);
        let right = auth.passwords.verify(&current, stored.as_deref()).await.map_err(Fault::internal)?;
        if right { Ok(stored) } else { Err(Fault::Refused(Vec::new())) }
    });
    let stored = match tried.await {
        Ok(stored) => stored,
        Err(Fault::Refused(_)) => {
            check.invalid("current", WRONG);
            None
        }
        Err(fault) => return Err(fault),
    };
    check.done()?;
    let hash = auth.passwords.hash(&new).await.map_err(Fault::internal)?;
    let tx = Transaction::of(&cx.app.db);
    // Of two changes at once the second has the wrong password by now.
    let user = user::Entity::of(viewer.organization.id).filter(user::Column::Id.eq(viewer.user.id));
    let Some(user) = user.lock_exclusive().one(&tx).await? else { return Err(Fault::Unauthenticated) };
    let still = own().one(&tx).await?;
    if still.and_then(|credential| credential.password_hash) != stored {
        check.invalid("current", WRONG);
        check.done()?;
    }
    invitation::keep_password(&tx, &user, hash).await?;
    session::end_all(&tx, viewer.organization.id, viewer.user.id, Some(viewer.session)).await?;
    tx.commit().await?;
    cx.app.forget(viewer.organization.id);
    Ok(UserPayload { user: Some(User(user)), ..UserPayload::default() })
}

const WRONG: &str = "This is not your present password.";
