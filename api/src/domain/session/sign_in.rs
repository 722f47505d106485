//! Signing in. Neither the answer nor its timing reveals which addresses are known or in how many organizations.

use async_graphql::{ID, InputObject};
use database::transaction::Transaction;
use entity::{Id, OrganizationId, Scoped, UserId, credential, organization, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::context::RequestContext;
use crate::domain::session::{self, SessionPayload};
use crate::error::{Error, Result, UserErrorCode};
use crate::write;

/// The maximum number of organizations with the same address in which the password is tried.
const MOST_TRIED: u64 = 5;

/// An e-mail address and its password.
#[derive(Clone, InputObject)]
pub struct SignInInput {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The id of the organization, if several have a user with this address. By default, the password decides.
    pub organization_id: Option<ID>,
}

/// Executes `signIn`.
pub async fn sign_in(ctx: &RequestContext, input: SignInInput) -> Result<SessionPayload> {
    let email = input.email.clone();
    ctx.services.auth.throttle.watch(ctx.peer, Some(&email), attempt(ctx, input)).await
}

async fn attempt(ctx: &RequestContext, input: SignInInput) -> Result<SessionPayload> {
    let SignInInput { email, password, organization_id } = input;
    let auth = &ctx.services.auth;
    let candidates = candidates(ctx, &email, organization_id.as_ref()).await?;
    let mut found = None;
    // The number of comparisons does not depend on whether the address is known.
    for number in 0..tries(ctx, organization_id.is_some()).await? {
        let candidate = candidates.get(number);
        let hash = candidate.and_then(|(_, hash)| hash.as_deref());
        if auth.passwords.verify(&password, hash).await? && found.is_none() {
            found = candidate;
        }
    }
    let Some((user, hash)) = found else { return Err(wrong()) };
    let tx = Transaction::of(&ctx.services.db);
    // The user may have been deactivated, or the password changed, since the comparison.
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
    write::check_tables(&tx).await?;
    let (session, token) = session::begin(&tx, &user, crate::auth::now()).await?;
    tx.commit().await?;
    Ok(SessionPayload::of(session::hand_out(ctx, organization, user, session, token).await?))
}

/// Returns the error for every kind of failure, so that they cannot be distinguished.
fn wrong() -> Error {
    Error::refused(UserErrorCode::Invalid, &["input"], "The address or the password is wrong.")
}

/// Returns the active users with this address, oldest first, and the hashes of their passwords.
#[expect(clippy::disallowed_methods, reason = "signing in starts from an address without an organization")]
async fn candidates(
    ctx: &RequestContext,
    email: &str,
    organization: Option<&ID>,
) -> Result<Vec<(user::Model, Option<String>)>> {
    // An invalid address or organization id matches nothing. The query still runs, so that the timing is the same.
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

/// Returns how many passwords are compared: one if the organization is named, otherwise one per existing organization,
/// at most five. This number reveals nothing about an address.
#[expect(clippy::disallowed_methods, reason = "the number of organizations does not belong to any organization")]
async fn tries(ctx: &RequestContext, named: bool) -> Result<usize> {
    if named {
        return Ok(1);
    }
    let ids = organization::Entity::find().select_only().column(organization::Column::Id).limit(MOST_TRIED);
    let ids: Vec<OrganizationId> = ids.into_tuple().all(ctx.reader()).await?;
    Ok(ids.len().max(1))
}
