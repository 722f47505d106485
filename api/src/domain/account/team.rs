//! Seats at an account: those of its owner and of its team.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_graphql::{Enum, ID, InputObject};
use database::columns::is_any_of;
use entity::{AccountId, Id, Instant, Scoped, UserId, account, opportunity, seat, user};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{Account, AccountPayload};
use crate::auth::viewer::reporting_line_of;
use crate::context::{AccountAccess, RequestContext};
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::{Batch, FieldContext, graphql_enum, object};
use crate::write::Write;
use crate::write::validator::Validator;

/// The role of a member of an account's team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::seat::TeamRole")]
pub enum TeamRole {
    /// Sells to the account.
    Seller,
    /// Manages the sellers.
    Manager,
    /// Manages the account.
    AccountManager,
    /// Provides technical expertise.
    Technical,
    /// Plans the strategy for the account.
    Strategist,
    /// Does the marketing.
    Marketing,
    /// Any other role.
    Other,
}
graphql_enum! { seat::TeamRole as TeamRole }

/// The maximum number of members of a team.
const LARGEST_TEAM: u64 = 100;

/// A member of an account's team.
#[derive(Clone, Debug)]
pub struct TeamMember {
    user: UserId,
    role: seat::TeamRole,
    since: Instant,
}

object! {
    /// A member of an account's team.
    TeamMember as "TeamMember" {
        /// The user.
        user: User = by_key(|member| member.user, User::resolve_required);
        /// The role of the user on the team.
        role: seat::TeamRole = plain(|member| member.role);
        /// The time at which the user joined.
        since: Instant = plain(|member| member.since);
    }
}

/// Resolves the teams of accounts, ordered by when the members joined.
pub(super) async fn teams(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Vec<TeamMember>>> {
    let seats = seat::Entity::of(field.request.viewer()?.organization.id)
        .filter(seat::Column::AccountId.is_in(of.iter().copied()))
        .filter(seat::Column::Role.is_not_null())
        .order_by_asc(seat::Column::Since)
        .order_by_asc(seat::Column::UserId)
        .all(field.request.reader())
        .await?;
    let mut teams: HashMap<AccountId, Vec<TeamMember>> = HashMap::new();
    for seat in seats {
        if let Some(role) = seat.role {
            teams.entry(seat.account_id).or_default().push(TeamMember { user: seat.user_id, role, since: seat.since });
        }
    }
    let none = Vec::new();
    let lists: Vec<&[TeamMember]> = of.iter().map(|account| teams.get(account).unwrap_or(&none).as_slice()).collect();
    field.object_lists(&lists).await
}

/// A user to be put on an account's team, with their role.
#[derive(Clone, Debug, InputObject)]
pub struct SetTeamMemberInput {
    /// The id of the account.
    pub account_id: ID,
    /// The id of the user: an active member.
    pub user_id: ID,
    /// The role of the user on the team.
    pub role: TeamRole,
    /// The expected version. The change fails with STALE_VERSION if the account has another version.
    pub if_version: Option<i32>,
}

/// A user to be removed from an account's team.
#[derive(Clone, Debug, InputObject)]
pub struct RemoveTeamMemberInput {
    /// The id of the account.
    pub account_id: ID,
    /// The id of the user.
    pub user_id: ID,
    /// The expected version. The change fails with STALE_VERSION if the account has another version.
    pub if_version: Option<i32>,
}

/// Executes `setTeamMember`: adds a user to the team or changes their role.
pub async fn set_team_member(ctx: &RequestContext, input: SetTeamMemberInput) -> Result<AccountPayload> {
    let SetTeamMemberInput { account_id, user_id, role, if_version } = input;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    let user = active_member(ctx, &write, &mut check, "userId", &user_id).await?;
    if let Some(account) = &account {
        check.version(if_version, account.version);
    }
    let (Some(account), Some(user)) = (account, user) else { return check.fail() };
    check.finish()?;
    let seats = seats_of(&write, account.organization_id, account.id).await?;
    let team = seats.iter().filter(|seat| seat.role.is_some()).count() as u64;
    let before = seats.iter().find(|seat| seat.user_id == user.id).cloned();
    if team >= LARGEST_TEAM && before.as_ref().is_none_or(|seat| seat.role.is_none()) {
        return Err(Error::refused(
            UserErrorCode::LimitExceeded,
            &["input", "userId"],
            format!("A team has at most {LARGEST_TEAM} members."),
        ));
    }
    let after = seat::Model {
        account_id: account.id,
        user_id: user.id,
        organization_id: account.organization_id,
        owner: before.as_ref().is_some_and(|seat| seat.owner),
        role: Some(role.into()),
        since: before.as_ref().filter(|seat| seat.role.is_some()).map_or(write.at, |seat| seat.since),
    };
    if before.as_ref() != Some(&after) {
        let account = touch_team(&mut write, &account, before.as_ref(), Some(&after)).await?;
        write.commit().await?;
        return Ok(AccountPayload { account: Some(Account(account)), ..AccountPayload::default() });
    }
    write.roll_back().await?;
    Ok(AccountPayload { account: Some(Account(account)), ..AccountPayload::default() })
}

/// Executes `removeTeamMember`: removes a user from the team.
pub async fn remove_team_member(ctx: &RequestContext, input: RemoveTeamMemberInput) -> Result<AccountPayload> {
    let RemoveTeamMemberInput { account_id, user_id, if_version } = input;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    let Some(account) = account else { return check.fail() };
    check.version(if_version, account.version);
    check.finish()?;
    let seats = seats_of(&write, account.organization_id, account.id).await?;
    // A malformed id is treated like an unknown one.
    let user = UserId::parse(&user_id).ok();
    let Some(before) = seats.into_iter().find(|seat| Some(seat.user_id) == user && seat.role.is_some()) else {
        check.fault(UserErrorCode::NotFound, "userId", "This user is not on the team of the account.");
        return Err(check.finish().err().unwrap_or(Error::Unauthenticated));
    };
    if !before.owner && owns_opportunities(&write, &account, before.user_id).await? {
        return Err(Error::refused(
            UserErrorCode::Conflict,
            &["input", "userId"],
            "This user owns opportunities of the account: give those another owner first.",
        ));
    }
    let after = before.owner.then(|| seat::Model { role: None, ..before.clone() });
    let account = touch_team(&mut write, &account, Some(&before), after.as_ref()).await?;
    write.commit().await?;
    Ok(AccountPayload { account: Some(Account(account)), ..AccountPayload::default() })
}

/// Returns the account that an input names, locked for a change. Notes a fault unless the viewer is its owner, one of
/// their managers or an administrator.
pub(crate) async fn responsible_for(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
) -> Result<Option<account::Model>> {
    let viewer = ctx.viewer()?;
    let Some(id) = check.id::<AccountId>(field, id) else { return Ok(None) };
    let Some(account) = viewer.account(&write.tx, id, true).await? else {
        check.not_found(field, "account");
        return Ok(None);
    };
    if viewer.access(&account) != AccountAccess::Responsible {
        check.fault(
            UserErrorCode::Forbidden,
            field,
            "Only the account's owner, their managers and admins may do this.",
        );
        return Ok(None);
    }
    Ok(Some(account))
}

/// Returns an active member by id, locked so that they stay active until the transaction ends. Notes a fault otherwise.
pub async fn active_member(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
) -> Result<Option<user::Model>> {
    let Some(id) = check.id::<UserId>(field, id) else { return Ok(None) };
    let user = user::Entity::of(ctx.viewer()?.organization.id).filter(user::Column::Id.eq(id));
    // Without the lock, a concurrent deactivation could leave an inactive user with something to own.
    let user = user.lock_shared().one(&write.tx).await?;
    match &user {
        None => check.not_found(field, "user"),
        Some(user) if !user.active => {
            check.invalid(field, format!("{} is inactive: choose an active user.", user.name));
            return Ok(None);
        }
        Some(_) => {}
    }
    Ok(user)
}

async fn seats_of(
    write: &Write<'_>,
    organization: entity::OrganizationId,
    account: AccountId,
) -> Result<Vec<seat::Model>> {
    Ok(seat::Entity::of(organization).filter(seat::Column::AccountId.eq(account)).all(&write.tx).await?)
}

async fn owns_opportunities(write: &Write<'_>, account: &account::Model, user: UserId) -> Result<bool> {
    let count = opportunity::Entity::of(account.organization_id)
        .filter(opportunity::Column::AccountId.eq(account.id))
        .filter(opportunity::Column::OwnerId.eq(user))
        .count(&write.tx)
        .await?;
    Ok(count > 0)
}

/// Saves the change of one seat on the team as a write of the account.
async fn touch_team(
    write: &mut Write<'_>,
    account: &account::Model,
    before: Option<&seat::Model>,
    after: Option<&seat::Model>,
) -> Result<account::Model> {
    let role = |seat: Option<&seat::Model>| seat.and_then(|seat| seat.role).map(seat::TeamRole::word);
    let who = before.or(after).map(|seat| seat.user_id.show()).unwrap_or_default();
    save_seats(&write.tx, after.into_iter().cloned().collect()).await?;
    if let (Some(gone), None) = (before, after) {
        seat::Entity::remove_of(account.organization_id)
            .filter(seat::Column::AccountId.eq(gone.account_id))
            .filter(seat::Column::UserId.eq(gone.user_id))
            .exec(&write.tx)
            .await?;
    }
    let mut changes = serde_json::Map::new();
    changes.insert(format!("team.{who}"), serde_json::json!({"from": role(before), "to": role(after)}));
    write.change_with(account, account.clone(), "team_changed", changes).await
}

/// Inserts seats, and replaces those that exist.
pub(super) async fn save_seats<C: ConnectionTrait>(connection: &C, seats: Vec<seat::Model>) -> Result<()> {
    let seats = seats.into_iter().map(|seat| seat.into_active_model().reset_all()).collect();
    Ok(database::bulk::insert::<seat::Entity, _>(connection, seats, true).await?)
}

/// Gives the new owners of accounts their seats and takes those of the previous owners. A previous owner who owns
/// opportunities of the account stays on the team as SELLER; one who was on the team before keeps that role. The number
/// of statements does not depend on the number of accounts.
pub async fn seat_owners(
    write: &mut Write<'_>,
    organization: entity::OrganizationId,
    accounts: &[(AccountId, UserId)],
) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    let ids: Vec<AccountId> = accounts.iter().map(|(account, _)| *account).collect();
    let old = seat::Entity::of(organization)
        .filter(is_any_of(&write.tx, seat::Column::AccountId, ids.clone()))
        .all(&write.tx)
        .await?;
    let sellers: Vec<(AccountId, UserId)> = if old.is_empty() {
        Vec::new()
    } else {
        let open = opportunity::Entity::of(organization)
            .filter(is_any_of(&write.tx, opportunity::Column::AccountId, ids.clone()))
            .all(&write.tx)
            .await?;
        open.into_iter().map(|opportunity| (opportunity.account_id, opportunity.owner_id)).collect()
    };
    let mut seats = Vec::new();
    for (account, owner) in accounts {
        for seat in old.iter().filter(|seat| seat.account_id == *account && seat.owner && seat.user_id != *owner) {
            let stays = sellers.contains(&(*account, seat.user_id)).then_some(seat::TeamRole::Seller);
            if let (None, Some(role)) = (seat.role, stays) {
                let mut changes = serde_json::Map::new();
                changes.insert(
                    format!("team.{}", seat.user_id.show()),
                    serde_json::json!({"from": null, "to": role.word()}),
                );
                write.note(AccountId::PREFIX, "team_changed", account.uuid(), Some(*account), &changes);
            }
            seats.push(seat::Model { owner: false, role: seat.role.or(stays), ..seat.clone() });
        }
        let present = old.iter().find(|seat| seat.account_id == *account && seat.user_id == *owner);
        seats.push(seat::Model {
            account_id: *account,
            user_id: *owner,
            organization_id: organization,
            owner: true,
            role: present.and_then(|seat| seat.role),
            since: present.map_or(write.at, |seat| seat.since),
        });
    }
    save_seats(&write.tx, seats).await?;
    // A seat that is neither the owner's nor on the team has no meaning.
    seat::Entity::remove_of(organization)
        .filter(is_any_of(&write.tx, seat::Column::AccountId, ids))
        .filter(seat::Column::Owner.eq(false))
        .filter(seat::Column::Role.is_null())
        .exec(&write.tx)
        .await?;
    Ok(())
}

/// Removes users who already have a seat at their account from `wanted`, and returns all seats of the accounts.
async fn remove_seated(
    write: &Write<'_>,
    organization: entity::OrganizationId,
    wanted: &mut Vec<(AccountId, UserId)>,
) -> Result<Vec<seat::Model>> {
    let seats = seat::Entity::of(organization)
        .filter(is_any_of(&write.tx, seat::Column::AccountId, wanted.iter().map(|(account, _)| *account)))
        .all(&write.tx)
        .await?;
    wanted.retain(|(account, user)| !seats.iter().any(|seat| seat.account_id == *account && seat.user_id == *user));
    Ok(seats)
}

/// Returns whether a member sees an account: as its owner, on its team, as a manager above either of these, or as
/// ADMIN.
pub async fn sees(write: &Write<'_>, member: &user::Model, account: AccountId) -> Result<bool> {
    if member.role == user::Role::Admin {
        return Ok(true);
    }
    let seated: Vec<UserId> =
        seats_of(write, member.organization_id, account).await?.iter().map(|seat| seat.user_id).collect();
    if seated.contains(&member.id) || member.role == user::Role::Seller {
        return Ok(seated.contains(&member.id));
    }
    let line = reporting_line_of(&write.tx, member.organization_id, member.id).await?;
    Ok(seated.iter().any(|user| line.contains(user)))
}

/// Locks accounts in the order of their ids until the transaction ends, so that no seat there is removed in the
/// meantime. Inserting rows that refer to the accounts is not blocked.
pub async fn hold(
    write: &Write<'_>,
    organization: entity::OrganizationId,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<account::Model>> {
    let rows = account::Entity::of(organization)
        .filter(is_any_of(&write.tx, account::Column::Id, accounts))
        .order_by_asc(account::Column::Id)
        .lock(LockType::NoKeyUpdate);
    Ok(rows.all(&write.tx).await?)
}

/// Adds users to the teams of accounts where they are given something to do, as SELLER, unless they see the account
/// already: as its owner, on its team, as a manager above either of these, or as ADMIN.
pub async fn join(
    write: &mut Write<'_>,
    organization: entity::OrganizationId,
    wanted: &[(AccountId, UserId)],
) -> Result<()> {
    let mut wanted: Vec<(AccountId, UserId)> = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    remove_seated(write, organization, &mut wanted).await?;
    if wanted.is_empty() {
        return Ok(());
    }
    // Locked because each account that gets a seat is written as a new version. A concurrent transaction that adds the
    // same user waits here, and then finds the seat.
    let rows = hold(write, organization, wanted.iter().map(|(account, _)| *account)).await?;
    let seats = remove_seated(write, organization, &mut wanted).await?;
    let users: Vec<UserId> = wanted.iter().map(|(_, user)| *user).collect();
    let roles: HashMap<UserId, user::Role> = user::Entity::of(organization)
        .filter(is_any_of(&write.tx, user::Column::Id, users))
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|user| (user.id, user.role))
        .collect();
    let mut lines: HashMap<UserId, Vec<UserId>> = HashMap::new();
    let mut missing = Vec::new();
    for (account, user) in wanted {
        match roles.get(&user) {
            Some(user::Role::Admin) | None => continue,
            Some(user::Role::Manager) => {
                let line = match lines.entry(user) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(reporting_line_of(&write.tx, organization, user).await?),
                };
                if seats.iter().any(|seat| seat.account_id == account && line.contains(&seat.user_id)) {
                    continue;
                }
            }
            Some(user::Role::Seller) => {}
        }
        missing.push((account, user));
    }
    let new: Vec<seat::Model> = missing
        .iter()
        .map(|(account, user)| seat::Model {
            account_id: *account,
            user_id: *user,
            organization_id: organization,
            owner: false,
            role: Some(seat::TeamRole::Seller),
            since: write.at,
        })
        .collect();
    save_seats(&write.tx, new).await?;
    let mut changed = Vec::new();
    for row in rows {
        if !missing.iter().any(|(account, _)| *account == row.id) {
            continue;
        }
        let mut changes = serde_json::Map::new();
        for (_, user) in missing.iter().filter(|(account, _)| *account == row.id) {
            changes.insert(
                format!("team.{}", user.show()),
                serde_json::json!({"from": null, "to": seat::TeamRole::Seller.word()}),
            );
        }
        changed.push((row, changes));
    }
    write.change_all_with(changed, "team_changed").await
}
