//! Signing in. Whoever guesses learns nothing: not which addresses are known, not in how many organizations, neither
//! from the answer nor from the time that it takes.

use async_graphql::{ID, InputObject};
use entity::{Id, OrganizationId, Scoped, UserId, credential, organization, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::context::RequestContext;
use crate::domain::session::{self, SessionPayload};
use crate::error::{Error, Result, UserErrorCode};
use database::transaction::Transaction;

/// Of how many organizations that know an address the password is tried.
const MOST_TRIED: u64 = 5;

/// An address and its password.
#[derive(Clone, InputObject)]
pub struct SignInInput {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
    /// Which organization, where several know the address; else the password decides.
    pub organization_id: Option<ID>,
}

/// Arguments of `signIn`.
#[derive(Clone, InputObject)]
pub struct SignInArguments {
    /// Who.
    pub input: SignInInput,
}

/// `signIn`.
pub async fn sign_in(ctx: &RequestContext, arguments: SignInArguments) -> Result<SessionPayload> {
    let email = arguments.input.email.clone();
    ctx.app.auth.throttle.watch(ctx.peer, Some(&email), try_to(ctx, arguments.input)).await
}

async fn try_to(ctx: &RequestContext, input: SignInInput) -> Result<SessionPayload> {
    let SignInInput { email, password, organization_id } = input;
    let auth = &ctx.app.auth;
    let candidates = candidates(ctx, &email, organization_id.as_ref()).await?;
    let mut found = None;
    // As many comparisons for one address as for any other, whether it is known or not.
    for number in 0..tries(ctx, organization_id.is_some()).await? {
        let candidate = candidates.get(number);
        let hash = candidate.and_then(|(_, hash)| hash.as_deref());
        if auth.passwords.verify(&password, hash).await.map_err(Error::internal)? && found.is_none() {
            found = candidate;
        }
    }
    let Some((user, hash)) = found else { return Err(wrong()) };
    let tx = Transaction::of(&ctx.app.db);
    // Between the comparison and now they may have been deactivated, or the password changed.
    let user = user::Entity::of(user.organization_id)
        .filter(user::Column::Id.eq(user.id))
        .filter(user::Column::Active.eq(true))
        .lock_shared()
        .one(&tx)
        .await?;
    let Some(user) = user else { return Err(wrong()) };
    let organization = organization::Entity::of(user.organization_id).one(&tx).await?;
    let same = credential::Entity::of(user.organization_id)
        .filter(credential::Column::UserId.eq(user.id))
        .filter(credential::Column::PasswordHash.eq(hash.as_deref()))
        .one(&tx)
        .await?;
    let (Some(organization), Some(_)) = (organization, same) else { return Err(wrong()) };
    let (session, token) = session::begin(&tx, &user, crate::auth::now()).await?;
    tx.commit().await?;
    Ok(SessionPayload::of(session::hand_out(ctx, organization, user, session, token).await?))
}

/// The one answer to whatever is wrong.
fn wrong() -> Error {
    Error::refused(UserErrorCode::Invalid, &["input"], "The address or the password is wrong.")
}

/// Who might be meant, with their hashes; the longest-standing first.
#[expect(clippy::disallowed_methods, reason = "signing in starts from an address alone, whatever the organization")]
async fn candidates(
    ctx: &RequestContext,
    email: &str,
    organization: Option<&ID>,
) -> Result<Vec<(user::Model, Option<String>)>> {
    // What cannot be an address, or an organization, is nobody's: it is looked for all the same.
    let email = crate::values::text::email(email).unwrap_or_default();
    let mut users = user::Entity::find()
        .filter(user::Column::Email.eq(email))
        .filter(user::Column::Active.eq(true))
        .order_by_asc(user::Column::Id)
        .limit(MOST_TRIED);
    if let Some(id) = organization {
        users = match OrganizationId::parse(id) {
            Ok(id) => users.filter(user::Column::OrganizationId.eq(id)),
            Err(_) => users.filter(Expr::cust("1 = 0")),
        };
    }
    let users = users.all(ctx.reader()).await?;
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let mut hashes: std::collections::HashMap<UserId, Option<String>> = credential::Entity::find()
        .filter(credential::Column::UserId.is_in(ids))
        .all(ctx.reader())
        .await?
        .into_iter()
        .map(|credential| (credential.user_id, credential.password_hash))
        .collect();
    Ok(users
        .into_iter()
        .map(|user| (hashes.remove(&user.id).flatten(), user))
        .map(|(hash, user)| (user, hash))
        .collect())
}

/// How many passwords are compared: one where the organization is named, else one for each organization there is, up to
/// five. That number says nothing of any address.
#[expect(clippy::disallowed_methods, reason = "how many organizations there are is no organization's own")]
async fn tries(ctx: &RequestContext, named: bool) -> Result<usize> {
    if named {
        return Ok(1);
    }
    let ids = organization::Entity::find().select_only().column(organization::Column::Id).limit(MOST_TRIED);
    let ids: Vec<OrganizationId> = ids.into_tuple().all(ctx.reader()).await?;
    Ok(ids.len().max(1))
}
