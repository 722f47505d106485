//! Deactivating a member: they can no longer sign in or write, and a successor takes over what they own.

use async_graphql::{ID, InputObject};
use entity::{AccountId, Scoped, UserId, account, opportunity, promise, touch, user};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::UserPayload;
use super::write::{LAST_ADMIN, is_last_admin, locked};
use crate::context::RequestContext;
use crate::domain::account::team;
use crate::domain::calendar_feed;
use crate::domain::plan::moved;
use crate::domain::session::{self, invitation};
use crate::domain::targeting::moved::follow_owners;
use crate::domain::touch::people;
use crate::error::{Result, UserErrorCode};
use crate::write::Write;
use crate::write::validator::Validator;

/// A member to deactivate, and their successor.
#[derive(Clone, Debug, InputObject)]
pub struct DeactivateUserInput {
    /// The id of the member.
    pub id: ID,
    /// The id of the successor, another active member, who takes over the accounts, open opportunities, targets, scheduled
    /// and missed touches, open promises, and everything that the member owns or is assigned in open plans. Required if
    /// there are any. Targets become proposals again.
    pub successor_id: Option<ID>,
    /// The expected version. The change fails with STALE_VERSION if the member has another version.
    pub if_version: Option<i32>,
}

/// Executes `deactivateUser`. Members who report to the deactivated member continue to do so; the reporting line skips
/// inactive members. A member who is already inactive still hands over what they own.
pub async fn deactivate(ctx: &RequestContext, input: DeactivateUserInput) -> Result<UserPayload> {
    let DeactivateUserInput { id, successor_id, if_version } = input;
    let left = leave(ctx, &id, successor_id.as_ref(), if_version).await?;
    if !left.active || successor_id.is_none() {
        return Ok(UserPayload::of(left.user));
    }
    // Requests of the member that were in progress may still commit rows that refer to them. Once the exclusive lock is
    // granted, they have committed or failed, and a second pass hands over their rows.
    let write = Write::begin(ctx)?;
    let all = user::Entity::of(write.organization()).filter(user::Column::Id.eq(left.user.id));
    all.lock_exclusive().one(&write.tx).await?;
    write.roll_back().await?;
    Ok(UserPayload::of(leave(ctx, &id, successor_id.as_ref(), None).await?.user))
}

/// The result of a deactivation.
struct Left {
    user: user::Model,
    /// Whether the member was active before.
    active: bool,
}

/// Hands over what a member owns, and deactivates them if they are active.
async fn leave(ctx: &RequestContext, id: &ID, successor_id: Option<&ID>, if_version: Option<i32>) -> Result<Left> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input"])?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = locked(&write, &mut check, "id", id).await?;
    check.version(if_version, before.version);
    if check.is_clean() && !before.active && successor_id.is_none() {
        write.roll_back().await?;
        return Ok(Left { user: before, active: false });
    }
    if is_last_admin(&write, &before).await? {
        check.fault(UserErrorCode::Conflict, "id", LAST_ADMIN);
    }
    let successor = match successor_id {
        Some(id) => team::active_member(ctx, &write, &mut check, "successorId", id).await?,
        None => None,
    };
    if successor.as_ref().is_some_and(|successor| successor.id == before.id) {
        check.invalid("successorId", "The successor must be another user.");
    }
    let belongings = Belongings::of(&write, &before).await?;
    if successor_id.is_none() && !belongings.is_empty() {
        let message = format!("{} owns {belongings}: name a successor.", before.name);
        check.fault(UserErrorCode::Required, "successorId", message);
    }
    check.finish()?;
    if let Some(successor) = &successor
        && !belongings.is_empty()
    {
        hand_over(&mut write, &before, successor).await?;
    }
    if !before.active {
        write.commit().await?;
        return Ok(Left { user: before, active: false });
    }
    let user = write.change(&before, user::Model { active: false, ..before.clone() }).await?;
    shut_out(&write, &user).await?;
    write.commit().await?;
    ctx.services.forget(user.organization_id);
    Ok(Left { user, active: true })
}

/// Ends what lets a member in: sessions, the calendar feed and an open invitation.
pub(super) async fn shut_out(write: &Write<'_>, user: &user::Model) -> Result<()> {
    session::end_all(&write.tx, user.organization_id, user.id, None).await?;
    calendar_feed::end(&write.tx, user.organization_id, user.id).await?;
    invitation::revoke(&write.tx, user).await
}

fn accounts(user: &user::Model) -> Select<account::Entity> {
    account::Entity::of(user.organization_id).filter(account::Column::OwnerId.eq(user.id))
}

fn open_opportunities(user: &user::Model) -> Select<opportunity::Entity> {
    opportunity::Entity::of(user.organization_id)
        .filter(opportunity::Column::OwnerId.eq(user.id))
        .filter(opportunity::Column::Stage.is_not_in([opportunity::Stage::Won, opportunity::Stage::Lost]))
}

fn open_promises(user: &user::Model) -> Select<promise::Entity> {
    promise::Entity::of(user.organization_id)
        .filter(promise::Column::MadeById.eq(user.id))
        .filter(promise::Column::KeptOn.is_null())
}

/// The numbers of rows that a successor would take over.
pub(super) struct Belongings {
    accounts: u64,
    opportunities: u64,
    touches: u64,
    promises: u64,
    plans: u64,
}

impl Belongings {
    /// Counts what a member owns.
    pub(super) async fn of(write: &Write<'_>, user: &user::Model) -> Result<Self> {
        async fn count<C: ConnectionTrait, E: EntityTrait>(connection: &C, rows: Select<E>) -> Result<u64>
        where
            E::Model: Send + Sync,
        {
            Ok(rows.count(connection).await?)
        }
        let touches = touch::Entity::of(user.organization_id)
            .filter(touch::Column::UserId.eq(user.id))
            .filter(touch::Column::Status.eq(touch::TouchStatus::Scheduled));
        Ok(Self {
            accounts: count(&write.tx, accounts(user)).await?,
            opportunities: count(&write.tx, open_opportunities(user)).await?,
            touches: count(&write.tx, touches).await?,
            promises: count(&write.tx, open_promises(user)).await?,
            plans: moved::accounts_of(write, user.id).await?.len() as u64,
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.accounts + self.opportunities + self.touches + self.promises + self.plans == 0
    }
}

impl std::fmt::Display for Belongings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { accounts, opportunities, touches, promises, plans } = self;
        write!(
            out,
            "accounts ({accounts}), open opportunities ({opportunities}), scheduled touches ({touches}), open promises \
             ({promises}) and parts of open plans ({plans})"
        )
    }
}

/// Transfers everything to the successor, who joins the teams of accounts that they do not take over as owner. The
/// number of statements does not depend on the number of rows.
async fn hand_over(write: &mut Write<'_>, from: &user::Model, to: &user::Model) -> Result<()> {
    // The same lock as an update takes: it does not conflict with inserts that refer to the rows.
    let lock = LockType::NoKeyUpdate;
    let owned = accounts(from).order_by_asc(account::Column::Id).lock(lock).all(&write.tx).await?;
    let owners: Vec<(AccountId, UserId)> = owned.iter().map(|account| (account.id, to.id)).collect();
    let moved = owned.into_iter().map(|before| {
        let after = account::Model { owner_id: to.id, ..before.clone() };
        (Some(before), after)
    });
    write.save(moved.collect()).await?;

    let open = open_opportunities(from).order_by_asc(opportunity::Column::Id).lock(lock).all(&write.tx).await?;
    let joined: Vec<(AccountId, UserId)> = open.iter().map(|opportunity| (opportunity.account_id, to.id)).collect();
    let moved = open.into_iter().map(|before| {
        let after = opportunity::Model { owner_id: to.id, ..before.clone() };
        (Some(before), after)
    });
    write.save(moved.collect()).await?;

    // The opportunities must have moved before, because a previous owner who owns opportunities stays on the team.
    team::seat_owners(write, from.organization_id, &owners).await?;
    follow_owners(write, &owners).await?;
    if !joined.is_empty() {
        team::join(write, from.organization_id, &joined).await?;
    }
    let promised = open_promises(from).order_by_asc(promise::Column::Id).lock(lock).all(&write.tx).await?;
    let joined: Vec<(AccountId, UserId)> = promised.iter().map(|promise| (promise.account_id, to.id)).collect();
    let moved = promised.into_iter().map(|before| {
        let after = promise::Model { made_by_id: to.id, ..before.clone() };
        (Some(before), after)
    });
    write.save(moved.collect()).await?;
    if !joined.is_empty() {
        team::join(write, from.organization_id, &joined).await?;
    }
    let plans = moved::accounts_of(write, from.id).await?;
    if !plans.is_empty() {
        let joined: Vec<(AccountId, UserId)> = plans.into_iter().map(|account| (account, to.id)).collect();
        team::join(write, from.organization_id, &joined).await?;
        moved::hand_over(write, from.id, to.id).await?;
    }
    people::hand_over(write, from.id, to).await
}
