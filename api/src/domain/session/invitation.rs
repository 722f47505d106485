//! Invitations: the holder of the token sets the password, once, within 7 days. New members join with an invitation,
//! and members who lost their password return with one.

use std::collections::HashMap;

use async_graphql::InputObject;
use database::columns::is_any_of;
use entity::{Instant, Scoped, UserId, credential, organization, user};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait,
};

use crate::auth::secrets::SecretKind;
use crate::context::RequestContext;
use crate::domain::calendar_feed;
use crate::domain::session::{self, SessionPayload};
use crate::error::{Error, Result};
use crate::graphql::{Batch, FieldContext};
use crate::values::money::Currency;
use crate::values::text::fold;
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

/// The lifetime of an invitation in seconds: 7 days.
const LIFETIME: i64 = 7 * 24 * 3600;

/// Replaces a user's password and invitation by a new invitation, and returns its token, of which only a digest is
/// stored.
pub async fn invite<C: ConnectionTrait>(tx: &C, user: &user::Model) -> Result<String> {
    let made = SecretKind::Invitation.make().map_err(Error::internal)?;
    let credential = credential::Model {
        user_id: user.id,
        organization_id: user.organization_id,
        password_hash: None,
        invitation_digest: Some(made.digest.to_vec()),
        invitation_expires_at: Some(crate::auth::now().plus_seconds(LIFETIME)),
        accepted_at: None,
    };
    save(tx, credential).await?;
    Ok(made.shown)
}

/// Saves the hash of a user's password and revokes an open invitation. The first password since an invitation accepts it, at
/// `at`.
pub async fn keep_password<C: ConnectionTrait>(tx: &C, user: &user::Model, hash: String, at: Instant) -> Result<()> {
    let credential = credential::Model {
        user_id: user.id,
        organization_id: user.organization_id,
        password_hash: Some(hash),
        invitation_digest: None,
        invitation_expires_at: None,
        accepted_at: Some(at),
    };
    save(tx, credential).await
}

/// Revokes a user's open invitation. The password stays.
pub async fn revoke<C: ConnectionTrait>(tx: &C, user: &user::Model) -> Result<()> {
    credential::Entity::change_of(user.organization_id)
        .col_expr(credential::Column::InvitationDigest, Expr::value(None::<Vec<u8>>))
        .col_expr(credential::Column::InvitationExpiresAt, Expr::value(None::<entity::Instant>))
        .filter(credential::Column::UserId.eq(user.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Resolves `User.acceptedAt`.
pub async fn accepted_at(field: &FieldContext<'_>, of: &[UserId]) -> Result<Batch<Option<Instant>>> {
    let ctx = field.request;
    let query = credential::Entity::of(ctx.viewer()?.organization.id)
        .filter(is_any_of(ctx.reader(), credential::Column::UserId, of.iter().copied()))
        .select_only()
        .column(credential::Column::UserId)
        .column(credential::Column::AcceptedAt)
        .into_query();
    let mut accepted: HashMap<UserId, Option<Instant>> = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        accepted.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    let mut answers = Batch::with_capacity(of.len());
    for user in of {
        answers.push(ctx, &accepted.get(user).copied().flatten());
    }
    Ok(answers)
}

/// Inserts a credential, or replaces the user's present one.
async fn save<C: ConnectionTrait>(tx: &C, credential: credential::Model) -> Result<()> {
    use credential::Column;
    let replace = OnConflict::column(Column::UserId)
        .update_columns([Column::PasswordHash, Column::InvitationDigest, Column::InvitationExpiresAt])
        .value(
            Column::AcceptedAt,
            Expr::cust(
                "case when excluded.password_hash is not null then coalesce(credential.accepted_at, excluded.accepted_at) end",
            ),
        )
        .to_owned();
    credential::Entity::insert(credential.into_active_model().reset_all())
        .on_conflict(replace)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// An invitation and the new password.
#[derive(Clone, InputObject)]
pub struct AcceptInvitationInput {
    /// The token of the invitation.
    pub token: String,
    /// The password: 12 to 128 characters, of any kind.
    pub password: String,
    /// The name: 1 to 200 characters. By default, the one in the invitation.
    pub name: Option<String>,
}

/// Executes `acceptInvitation`.
pub async fn accept(ctx: &RequestContext, input: AcceptInvitationInput) -> Result<SessionPayload> {
    let AcceptInvitationInput { token, password, name } = input;
    let auth = &ctx.services.auth;
    let mut check = Validator::input();
    let digest = SecretKind::Invitation.digest(&token);
    // The invitation is looked up before the expensive hash of the password, and again within the transaction. Only an
    // unknown token counts as a failed attempt, because the holder of a valid one may mistype the rest.
    let known = auth.invitations.watch(ctx.peer, Some(&token), async {
        let found = match digest {
            Some(digest) => open(ctx.reader(), &digest, false).await?,
            None => None,
        };
        found.ok_or_else(invalid)
    });
    let open = match known.await {
        Ok(open) => Some(open),
        Err(Error::Refused(_)) => {
            check.invalid("token", INVALID);
            None
        }
        Err(fault) => return Err(fault),
    };
    check.password("password", &password);
    let name = name.map(|name| check.required("name", &name, NAME));
    check.finish()?;
    let hash = auth.passwords.hash(&password).await?;

    let Some(Open { user, organization, .. }) = open else { return Err(invalid()) };
    let currency = Currency::of(&organization.currency).unwrap_or(Currency::NONE);
    let mut write = Write::begin_for(ctx, organization.id, currency, Some(user.id));
    let invitation = open_again(&write, digest).await?;
    let Some(Open { user: before, organization }) = invitation else { return Err(invalid()) };
    let mut user = before.clone();
    if let Some(name) = name {
        user.name_key = fold(&name);
        user.name = name;
    }
    let user = write.change(&before, user).await?;
    keep_password(&write.tx, &user, hash, write.at).await?;
    session::end_all(&write.tx, organization.id, user.id, None).await?;
    calendar_feed::end_with_event(&mut write, user.id).await?;
    let (session, token) = session::begin(&write.tx, &user, crate::auth::now()).await?;
    write.commit().await?;
    ctx.services.forget(organization.id);
    Ok(SessionPayload::of(session::hand_out(ctx, organization, user, session, token).await?))
}

const INVALID: &str = "This invitation is invalid or has expired: ask an administrator for a new one.";

fn invalid() -> Error {
    let mut check = Validator::input();
    check.invalid("token", INVALID);
    Error::Refused(check.into_errors())
}

/// An invitation that can be accepted.
struct Open {
    user: user::Model,
    organization: organization::Model,
}

async fn open_again(write: &Write<'_>, digest: Option<[u8; 32]>) -> Result<Option<Open>> {
    match digest {
        Some(digest) => open(&write.tx, &digest, true).await,
        None => Ok(None),
    }
}

/// Finds an open invitation. With `lock`, also locks the user's row, which every change of the credential must hold.
#[expect(clippy::disallowed_methods, reason = "the token of an invitation identifies the organization")]
async fn open<C: ConnectionTrait>(connection: &C, digest: &[u8; 32], lock: bool) -> Result<Option<Open>> {
    let find = || {
        credential::Entity::find()
            .filter(credential::Column::InvitationDigest.eq(digest.to_vec()))
            .filter(credential::Column::InvitationExpiresAt.gt(crate::auth::now()))
    };
    let Some(credential) = find().one(connection).await? else { return Ok(None) };
    let mut user = user::Entity::of(credential.organization_id)
        .filter(user::Column::Id.eq(credential.user_id))
        .filter(user::Column::Active.eq(true));
    if lock {
        user = user.lock_exclusive();
    }
    let user = user.one(connection).await?;
    if lock && find().one(connection).await?.is_none() {
        return Ok(None);
    }
    let organization = organization::Entity::of(credential.organization_id).one(connection).await?;
    Ok(user.zip(organization).map(|(user, organization)| Open { user, organization }))
}
