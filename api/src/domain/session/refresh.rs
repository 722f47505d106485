//! Refreshing a session: a refresh token is valid for one use and is exchanged for the next one.
//!
//! A used token that is presented again means that two clients hold it, one of which should not: the whole session ends. But a
//! reply may have been lost, or two windows of one client may refresh at the same time. For 10 seconds a used token therefore
//! gets the same successor again, as long as that successor has not been used.

use async_graphql::InputObject;
use database::transaction::Transaction;
use entity::{Scoped, organization, refresh_token, session as sessions, user};
use sea_orm::{ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use crate::auth::secrets::{self, SecretKind};
use crate::context::RequestContext;
use crate::domain::session::{self, SessionPayload};
use crate::error::{Error, Result, UserErrorCode};
use crate::write;

/// For how long a used token may be presented again, in seconds.
const GRACE: i64 = 10;

/// A refresh token.
#[derive(Clone, InputObject)]
pub struct RefreshSessionInput {
    /// The refresh token of the latest response.
    pub refresh_token: String,
}

/// Executes `refreshSession`.
pub async fn refresh_session(ctx: &RequestContext, input: RefreshSessionInput) -> Result<SessionPayload> {
    let RefreshSessionInput { refresh_token: shown } = input;
    ctx.services.auth.refreshes.watch(ctx.peer, Some(&shown), refresh(ctx, &shown)).await
}

async fn refresh(ctx: &RequestContext, shown: &str) -> Result<SessionPayload> {
    let Some(digest) = SecretKind::Refresh.digest(shown) else { return Err(invalid()) };
    let tx = Transaction::of(&ctx.services.db);
    let Some(token) = locked(&tx, &digest).await? else { return Err(invalid()) };
    write::check_tables(&tx).await?;
    let organization_id = token.organization_id;
    let Some(open) = sessions::Entity::of(organization_id)
        .filter(sessions::Column::Id.eq(token.session_id))
        .filter(sessions::Column::EndedAt.is_null())
        .lock_exclusive()
        .one(&tx)
        .await?
    else {
        return Err(invalid());
    };
    // The time is taken while holding the lock on the token.
    let now = crate::auth::now();
    if token.expires_at <= now {
        return Err(invalid());
    }
    let next = match (token.used_at, &token.successor_salt) {
        (None, _) => {
            let salt = secrets::random_key().map_err(Error::internal)?;
            let next = SecretKind::Refresh.successor(shown, &salt);
            let mut used = token.into_active_model();
            used.used_at = ActiveValue::Set(Some(now));
            used.successor_salt = ActiveValue::Set(Some(salt.to_vec()));
            used.update(&tx).await?;
            session::keep_token(&tx, organization_id, open.id, &next, now).await?;
            next
        }
        (Some(used), Some(salt))
            if now <= used.plus_seconds(GRACE) && !successor_is_used(&tx, &token, used).await? =>
        {
            SecretKind::Refresh.successor(shown, salt)
        }
        (Some(_), _) => {
            session::end(&tx, organization_id, open.id).await?;
            tx.commit().await?;
            ctx.services.forget(organization_id);
            tracing::warn!(session = %open.id, user = %open.user_id, "a refresh token was used twice: the session has ended");
            return Err(invalid());
        }
    };
    let user = user::Entity::of(organization_id)
        .filter(user::Column::Id.eq(open.user_id))
        .filter(user::Column::Active.eq(true))
        .one(&tx)
        .await?;
    let organization = organization::Entity::of(organization_id).one(&tx).await?;
    let (Some(user), Some(organization)) = (user, organization) else { return Err(invalid()) };
    refresh_token::Entity::remove_of(organization_id)
        .filter(refresh_token::Column::SessionId.eq(open.id))
        .filter(refresh_token::Column::ExpiresAt.lte(now))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(SessionPayload::of(session::hand_out(ctx, organization, user, open.id, next.shown).await?))
}

fn invalid() -> Error {
    let message = "This refresh token is invalid or has expired: sign in again.";
    Error::refused(UserErrorCode::Invalid, &["input", "refreshToken"], message)
}

#[expect(clippy::disallowed_methods, reason = "a refresh token identifies the organization")]
async fn locked(tx: &Transaction<'_>, digest: &[u8]) -> Result<Option<refresh_token::Model>> {
    let token = refresh_token::Entity::find().filter(refresh_token::Column::Digest.eq(digest.to_vec()));
    Ok(token.lock_exclusive().one(tx).await?)
}

/// Returns whether a token that was issued after this one was used has itself been used.
async fn successor_is_used(tx: &Transaction<'_>, token: &refresh_token::Model, used: entity::Instant) -> Result<bool> {
    let later = refresh_token::Entity::of(token.organization_id)
        .filter(refresh_token::Column::SessionId.eq(token.session_id))
        .filter(refresh_token::Column::IssuedAt.gte(used))
        .filter(refresh_token::Column::UsedAt.is_not_null())
        .filter(refresh_token::Column::Digest.ne(token.digest.clone()));
    Ok(later.one(tx).await?.is_some())
}
