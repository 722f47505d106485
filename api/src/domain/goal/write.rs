//! Mutations that set, agree to, withdraw and remove goals.

use async_graphql::{ID, InputObject};
use entity::{AccountId, GoalId, Id, Scoped, UserId, account, goal};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{GoalPayload, Revision, reached, read_revisions};
use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::team;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::Decimal;
use crate::values::agreement::{Consent, Parties, Side};
use crate::write::Write;
use crate::write::validator::{Amounts, Validator};

/// The revenue goal of an account for a fiscal year.
#[derive(Clone, Debug, InputObject)]
pub struct SetGoalInput {
    /// The account; not archived.
    pub account_id: ID,
    /// The fiscal year, 1 to 9999; the current one where none is given.
    pub year: Option<i32>,
    /// The amount, above 0. Repeating the pending amount agrees to it; any other amount replaces it as pending.
    pub amount: Decimal,
    /// Refuses the change with STALE_VERSION where the goal is at another version.
    pub if_version: Option<i32>,
}

/// A goal whose proposed amount is agreed to.
#[derive(Clone, Debug, InputObject)]
pub struct AgreeGoalInput {
    /// The goal.
    pub id: ID,
    /// The amount that was read and is agreed to. Refused with STALE_VERSION where another amount waits by now. Either this or
    /// `ifVersion` is required.
    pub amount: Option<Decimal>,
    /// The version that was read. Refused with STALE_VERSION where the goal has another version by now.
    pub if_version: Option<i32>,
}

node_input! {
    /// A goal whose proposed amount is to be withdrawn.
    WithdrawGoalInput {
        /// The id of the goal.
        id,
        /// The expected version. The change fails with STALE_VERSION if the goal has another version.
        if_version
    }
}

node_input! {
    /// A goal to delete.
    RemoveGoalInput {
        /// The id of the goal.
        id,
        /// The expected version. The change fails with STALE_VERSION if the goal has another version.
        if_version
    }
}

/// Resolves `Mutation.setGoal`.
pub async fn set(ctx: &RequestContext, input: SetGoalInput) -> Result<GoalPayload> {
    let SetGoalInput { account_id, year, amount, if_version } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = team::responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    if account.as_ref().is_some_and(|account| account.archived_at.is_some()) {
        check.fault(UserErrorCode::Conflict, "accountId", "The account is archived: restore it first.");
    }
    let year = check.within("year", year.unwrap_or_else(|| viewer.fiscal_year(ctx.now)), 1, 9999);
    let amount = check.amount("amount", amount, viewer.currency, Amounts::Positive);
    let present = match (&account, year) {
        (Some(account), Some(year)) => of_year(&write, account.id, year).await?,
        _ => None,
    };
    if account.is_some() && year.is_some() {
        check.version(if_version, present.as_ref().map_or(0, |goal| goal.version));
    }
    check.finish()?;
    let (Some(account), Some(year), Some(amount)) = (account, year, amount) else {
        return check.fail();
    };
    let row = propose(&mut write, viewer, &account, year, amount, present).await?;
    write.commit().await?;
    Ok(GoalPayload::of(row))
}

/// Returns the goal of an account in a year, locked.
pub(crate) async fn of_year(write: &Write<'_>, account: AccountId, year: i32) -> Result<Option<goal::Model>> {
    let row = goal::Entity::of(write.organization())
        .filter(goal::Column::AccountId.eq(account))
        .filter(goal::Column::Year.eq(year));
    Ok(row.lock_exclusive().one(&write.tx).await?)
}

/// Proposes an amount, which is agreeing where it is the one that waits, and agreed immediately where the seller has no
/// manager. The account is locked.
pub(crate) async fn propose(
    write: &mut Write<'_>,
    viewer: &Viewer,
    account: &account::Model,
    year: i32,
    amount: i64,
    present: Option<goal::Model>,
) -> Result<goal::Model> {
    let who = viewer.user.id;
    let parties = Parties::of(&write.tx, viewer.organization.id, account.owner_id).await?;
    let alone = parties.above.is_empty() && parties.side(who) == Side::Seller;
    let Some(before) = present else {
        let row = goal::Model {
            id: GoalId::make(),
            organization_id: viewer.organization.id,
            account_id: account.id,
            year,
            agreed_amount: None,
            waiting_amount: Some(amount),
            proposed_by_id: who,
            agreed_by_id: None,
            agreed_at: None,
            revisions: "[]".to_owned(),
            reached_by_id: None,
            created_at: write.at,
            updated_at: write.at,
            version: 0,
        };
        let row = if alone { agreed(row, amount, who, write) } else { row };
        let row = write.add(row).await?;
        write.rename_last_event(if alone { "agreed" } else { "proposed" });
        return settled(write, viewer, row).await;
    };
    let waits = before.waiting_amount == Some(amount);
    if before.waiting_amount.is_none() && before.agreed_amount == Some(amount) {
        return Ok(before);
    }
    let (after, what) = if alone {
        let proposed =
            goal::Model { proposed_by_id: if waits { before.proposed_by_id } else { who }, ..before.clone() };
        (agreed(proposed, amount, who, write), "agreed")
    } else if waits {
        match parties.consent(before.proposed_by_id, who) {
            Consent::Agreed => (agreed(before.clone(), amount, who, write), "agreed"),
            Consent::Seconded => (goal::Model { proposed_by_id: who, ..before.clone() }, "seconded"),
            Consent::OwnProposal | Consent::NotTheirs => return Ok(before),
        }
    } else {
        (goal::Model { waiting_amount: Some(amount), proposed_by_id: who, ..before.clone() }, "proposed")
    };
    let after = write.change(&before, after).await?;
    write.rename_last_event(what);
    settled(write, viewer, after).await
}

/// Returns the goal with this amount agreed.
fn agreed(mut goal: goal::Model, amount: i64, by: UserId, write: &Write<'_>) -> goal::Model {
    let mut revisions = read_revisions(&goal.revisions);
    revisions.push(Revision {
        amount,
        proposed_by: goal.proposed_by_id.uuid(),
        agreed_by: by.uuid(),
        agreed_at: write.at.0,
    });
    goal.revisions = serde_json::to_string(&revisions).unwrap_or_else(|_| "[]".to_owned());
    goal.agreed_amount = Some(amount);
    goal.waiting_amount = None;
    goal.agreed_by_id = Some(by);
    goal.agreed_at = Some(write.at);
    goal
}

/// Adds an event to the feed if the agreed amount is now reached or no longer reached, and returns the resulting goal.
async fn settled(write: &mut Write<'_>, viewer: &Viewer, goal: goal::Model) -> Result<goal::Model> {
    if goal.agreed_amount.is_none() {
        return Ok(goal);
    }
    let (account, year) = (goal.account_id, goal.year);
    reached::settle(write, &viewer.organization, vec![goal.clone()], &[]).await?;
    Ok(of_year(write, account, year).await?.unwrap_or(goal))
}

/// The path of the goal in an input.
const PATH: [&str; 2] = ["input", "id"];

/// Returns the goal of a mutation, locked, with its account.
async fn to_change(viewer: &Viewer, write: &Write<'_>, id: &ID) -> Result<(goal::Model, account::Model)> {
    let not_found = || Error::refused(UserErrorCode::NotFound, &PATH, "There is no goal with this id.");
    let id = GoalId::parse(id).map_err(|_| not_found())?;
    let select = viewer.rows::<goal::Entity>(goal::Column::AccountId).filter(goal::Column::Id.eq(id));
    let row = select.lock_exclusive().one(&write.tx).await?.ok_or_else(not_found)?;
    let account = viewer.account(&write.tx, row.account_id, false).await?.ok_or_else(not_found)?;
    Ok((row, account))
}

fn nothing_waits(check: &mut Validator, goal: &goal::Model) {
    let since = goal.agreed_at.map(|at| format!(" since {at}")).unwrap_or_default();
    check.fault(UserErrorCode::Conflict, "id", format!("It is AGREED{since}, and no other amount waits."));
}

/// Whether an amount of a goal waits for a user's agreement.
#[must_use]
pub fn awaits(goal: &goal::Model, parties: &Parties, who: UserId) -> bool {
    goal.waiting_amount.is_some() && parties.awaits(goal.proposed_by_id, who)
}

/// Resolves `Mutation.agreeGoal`.
pub async fn agree(ctx: &RequestContext, input: AgreeGoalInput) -> Result<GoalPayload> {
    let AgreeGoalInput { id, amount: read, if_version } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = to_change(viewer, &write, &id).await?;
    let parties = Parties::of(&write.tx, viewer.organization.id, account.owner_id).await?;
    let refused = |message: &str| Err(Error::refused(UserErrorCode::Forbidden, &PATH, message));
    if parties.side(viewer.user.id) == Side::Neither {
        return refused("Only the account's owner and their managers agree to a goal.");
    }
    check.version(if_version, before.version);
    let Some(amount) = before.waiting_amount else {
        nothing_waits(&mut check, &before);
        return check.fail();
    };
    match read {
        Some(read) if viewer.currency.minor(read.0) != Ok(amount) => {
            let message = "Another amount waits by now: read the goal again and decide again.";
            check.fault(UserErrorCode::StaleVersion, "amount", message);
        }
        None if if_version.is_none() => {
            let message = "Agreeing requires what was read: give the amount, or the goal's version as ifVersion.";
            check.fault(UserErrorCode::Required, "amount", message);
        }
        _ => {}
    }
    if !awaits(&before, &parties, viewer.user.id) {
        return refused(
            "It takes two: the account's owner and one of their managers. This is your own side's proposal, and the \
             other one agrees to it.",
        );
    }
    check.finish()?;
    let (after, what) = match parties.consent(before.proposed_by_id, viewer.user.id) {
        Consent::Agreed => (agreed(before.clone(), amount, viewer.user.id, &write), "agreed"),
        _ => (goal::Model { proposed_by_id: viewer.user.id, ..before.clone() }, "seconded"),
    };
    let after = write.change(&before, after).await?;
    write.rename_last_event(what);
    let after = settled(&mut write, viewer, after).await?;
    write.commit().await?;
    Ok(GoalPayload::of(after))
}

/// Resolves `Mutation.withdrawGoal`: the proposer withdraws the amount that waits. A goal that was never agreed is deleted.
pub async fn withdraw(ctx: &RequestContext, input: WithdrawGoalInput) -> Result<GoalPayload> {
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = to_change(viewer, &write, &input.id).await?;
    check.version(input.if_version, before.version);
    if before.waiting_amount.is_none() && viewer.access(&account) == AccountAccess::Responsible {
        nothing_waits(&mut check, &before);
        return check.fail();
    }
    if before.waiting_amount.is_none() || before.proposed_by_id != viewer.user.id {
        let message = "Only the proposer of an amount takes it back; the other side may propose another.";
        return Err(Error::refused(UserErrorCode::Forbidden, &PATH, message));
    }
    check.finish()?;
    let last = read_revisions(&before.revisions).pop();
    let Some(last) = last else {
        write.remove(&before).await?;
        write.commit().await?;
        return Ok(GoalPayload::of(before));
    };
    let after = goal::Model { waiting_amount: None, proposed_by_id: UserId(last.proposed_by), ..before.clone() };
    let after = write.change(&before, after).await?;
    write.rename_last_event("withdrawn");
    write.commit().await?;
    Ok(GoalPayload::of(after))
}

/// Resolves `Mutation.removeGoal`, which deletes the goal. The feed keeps its events.
pub async fn remove(ctx: &RequestContext, input: RemoveGoalInput) -> Result<GoalPayload> {
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (row, account) = to_change(viewer, &write, &input.id).await?;
    if viewer.access(&account) != AccountAccess::Responsible {
        let message = "Only the account's owner, their managers and admins may do this.";
        return Err(Error::refused(UserErrorCode::Forbidden, &PATH, message));
    }
    check.version(input.if_version, row.version);
    check.finish()?;
    write.remove(&row).await?;
    write.commit().await?;
    Ok(GoalPayload::of(row))
}
