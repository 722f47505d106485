//! Sessions: starting, returning and ending them. A session is a family of refresh tokens, each valid for one use.
//! Access tokens are issued for it until it ends.

pub mod invitation;
pub mod password;
pub mod refresh;
pub mod sign_in;
pub mod sign_up;

use std::sync::Arc;

use database::transaction::Transaction;
use entity::{Id, Instant, OrganizationId, Scoped, SessionId, UserId, organization, refresh_token, session, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use crate::auth::secrets::{NewSecret, SecretKind};
use crate::auth::tokens::{AccessToken, Claims};
use crate::auth::viewer;
use crate::context::{RequestContext, Viewer};
use crate::domain::user::User;
use crate::error::{Error, Result, UserError};
use crate::graphql::{Batch, FieldContext, MutationPayload, object, payload};
use crate::write;

/// The lifetime of a refresh token in seconds: 30 days. Each refresh starts it again.
pub const LIFETIME: i64 = 30 * 24 * 3600;

/// A session, as returned to the user who signs in.
pub struct Session {
    access: AccessToken,
    refresh_token: String,
    viewer: Arc<Viewer>,
}

impl Session {
    /// Returns the user who is signed in, with what they see.
    #[must_use]
    pub const fn viewer(&self) -> &Arc<Viewer> {
        &self.viewer
    }
}

object! {
    /// The tokens with which a client acts for a user.
    Session as "Session" {
        /// The access token, for the header `Authorization: Bearer …`.
        accessToken: &str = plain(|session| &session.access.token);
        /// The time at which the access token expires: 15 minutes after it was issued.
        expiresAt: Instant = plain(|session| session.access.expires_at);
        /// The refresh token, which refreshSession exchanges for new tokens once. It expires after 30 days.
        refreshToken: &str = plain(|session| &session.refresh_token);
        /// The user who is signed in.
        user: User = batch(users);
    }
}

async fn users(field: &FieldContext<'_>, of: &[&Session]) -> Result<Batch<User>> {
    let mut answers = Batch::with_capacity(of.len());
    for session in of {
        // The fields of the user are resolved with their own rights, because the request came without a token.
        let ctx = field.request.on_behalf_of(Arc::clone(&session.viewer));
        let user = User(session.viewer.user.clone());
        let found = field.with_request(&ctx).objects(&[&user]).await?;
        answers.push_from(&found, 0);
    }
    Ok(answers)
}

payload! {
    /// The result of starting or refreshing a session.
    SessionPayload as "SessionPayload" {
        /// The session; null if there are `userErrors`.
        session(session): Session,
    }
}

impl SessionPayload {
    pub(super) fn of(session: Session) -> Self {
        Self { session: Some(session), ..Self::default() }
    }
}

/// Starts a session, and returns its id and its first refresh token.
pub(super) async fn begin<C: ConnectionTrait>(tx: &C, user: &user::Model, now: Instant) -> Result<(SessionId, String)> {
    let session = session::Model {
        id: SessionId::make(),
        organization_id: user.organization_id,
        user_id: user.id,
        created_at: now,
        ended_at: None,
    };
    let id = session.id;
    session::Entity::insert(session.into_active_model().reset_all()).exec_without_returning(tx).await?;
    Ok((id, next_token(tx, user.organization_id, id, now).await?))
}

/// Creates the next refresh token of a session.
pub(super) async fn next_token<C: ConnectionTrait>(
    tx: &C,
    organization: OrganizationId,
    session: SessionId,
    now: Instant,
) -> Result<String> {
    let made = SecretKind::Refresh.make().map_err(Error::internal)?;
    keep_token(tx, organization, session, &made, now).await?;
    Ok(made.shown)
}

/// Stores a session's next refresh token.
///
/// # Errors
/// The database's.
pub(super) async fn keep_token<C: ConnectionTrait>(
    tx: &C,
    organization: OrganizationId,
    session: SessionId,
    made: &NewSecret,
    now: Instant,
) -> Result<()> {
    let token = refresh_token::Model {
        digest: made.digest.to_vec(),
        organization_id: organization,
        session_id: session,
        issued_at: now,
        expires_at: now.plus_seconds(LIFETIME),
        used_at: None,
        successor_salt: None,
    };
    refresh_token::Entity::insert(token.into_active_model().reset_all()).exec_without_returning(tx).await?;
    Ok(())
}

/// Returns a session to the client, after the transaction that started or refreshed it has committed.
pub(super) async fn hand_out(
    ctx: &RequestContext,
    organization: organization::Model,
    user: user::Model,
    session: SessionId,
    refresh_token: String,
) -> Result<Session> {
    let claims = Claims { user: user.id, organization: organization.id, session };
    let access = ctx.services.auth.tokens.issue(claims).map_err(Error::internal)?;
    let viewer = viewer::with_reporting_line(ctx.reader(), organization, user, Some(session)).await?;
    Ok(Session { access, refresh_token, viewer: Arc::new(viewer) })
}

/// Ends all sessions of a user, except `except`. After the commit, the caller must call `App::forget` for the
/// organization.
pub async fn end_all<C: ConnectionTrait>(
    tx: &C,
    organization: OrganizationId,
    user: UserId,
    except: Option<SessionId>,
) -> Result<()> {
    let mut change = session::Entity::change_of(organization)
        .col_expr(session::Column::EndedAt, Expr::value(crate::auth::now()))
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::EndedAt.is_null());
    if let Some(except) = except {
        change = change.filter(session::Column::Id.ne(except));
    }
    change.exec(tx).await?;
    Ok(())
}

/// Whether a session has not ended. The session is locked until the transaction ends.
///
/// # Errors
/// The database's.
pub(super) async fn is_open<C: ConnectionTrait>(
    tx: &C,
    organization: OrganizationId,
    session: SessionId,
) -> Result<bool> {
    let open = session::Entity::of(organization)
        .filter(session::Column::Id.eq(session))
        .filter(session::Column::EndedAt.is_null());
    Ok(open.lock_shared().one(tx).await?.is_some())
}

/// Ends one session.
pub(super) async fn end<C: ConnectionTrait>(tx: &C, organization: OrganizationId, session: SessionId) -> Result<()> {
    session::Entity::change_of(organization)
        .col_expr(session::Column::EndedAt, Expr::value(crate::auth::now()))
        .filter(session::Column::Id.eq(session))
        .filter(session::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The result of signing out.
#[derive(Debug)]
pub struct SignOutPayload {
    signed_out: bool,
    user_errors: Vec<UserError>,
}

impl MutationPayload<Error> for SignOutPayload {
    fn from_error(error: Error) -> Result<Self> {
        error.into_user_errors().map(|user_errors| Self { signed_out: false, user_errors })
    }
}

object! {
    /// The result of signing out.
    SignOutPayload as "SignOutPayload" {
        /// Whether the session has ended.
        signedOut: bool = plain(|payload| payload.signed_out);
        /// The errors that the caller can fix, each with the path of its field. If there are any, nothing was written.
        userErrors: Vec<UserError> = batch(async |field: &FieldContext<'_>, of: &[&SignOutPayload]| {
            field.object_lists(&of.iter().map(|payload| payload.user_errors.as_slice()).collect::<Vec<_>>()).await
        });
    }
}

/// Executes `signOut`: ends the session of the caller and its refresh tokens.
pub async fn sign_out(ctx: &RequestContext) -> Result<SignOutPayload> {
    let viewer = ctx.viewer()?;
    if let Some(session) = viewer.session {
        let tx = Transaction::of(&ctx.services.db);
        write::check_tables(&tx).await?;
        end(&tx, viewer.organization.id, session).await?;
        tx.commit().await?;
    }
    ctx.services.forget(viewer.organization.id);
    Ok(SignOutPayload { signed_out: true, user_errors: Vec::new() })
}
