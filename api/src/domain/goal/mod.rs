//! Goals: the revenue that one account is to bring in in one fiscal year; an amount, never a share.
//!
//! | module | holds |
//! |---|---|
//! | here | the type and how it is read |
//! | [`list`] | filters and lists |
//! | [`mod@write`] | set, agree, withdraw, remove |
//! | [`progress`] | how far it has come: pure |
//! | [`reached`] | telling the feed when bookings reach it, and when they no longer do |
//!
//! An amount waits until the other one of the two agrees to it ([`crate::values::agreement`]); until then, and where it is taken
//! back, the amount agreed before stands.

pub mod list;
pub mod progress;
pub mod reached;
pub mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::{Enum, InputObject};
use entity::{AccountId, BookingId, Columns, Day, GoalId, Id, Instant, Scoped, UserId, booking, goal};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub use self::list::{GoalsArguments, goals};
use self::progress::{Basis, Booked, GoalProgress};

use crate::context::{RequestContext, Viewer};
use crate::domain::account::list::check_year;
use crate::domain::account::{Account, owners};
use crate::domain::targeting::OnArguments;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::connection;
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, object, payload};
use crate::values::agreement::Parties;
use crate::values::calendar;
use crate::values::money::{Currency, Money};
use crate::write::{AuditedRow, Snapshot, audited, snapshot};
use database::columns::is_any_of;

/// A goal.
#[derive(Clone, Debug)]
pub struct Goal(pub goal::Model);

impl From<goal::Model> for Goal {
    fn from(row: goal::Model) -> Self {
        Self(row)
    }
}

/// Has an amount been agreed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GoalStatus {
    /// A goal is proposed and not yet agreed.
    Proposed,
    /// A goal is agreed, whether or not a new amount is pending.
    Agreed,
}

/// A reason to doubt an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GoalWarning {
    /// The account brought in as much or more in the year before.
    NotAboveBaseline,
    /// The amount would not make the account a key account.
    BelowKeyThreshold,
}

impl GoalStatus {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "PROPOSED",
            Self::Agreed => "AGREED",
        }
    }
}

impl GoalWarning {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotAboveBaseline => "NOT_ABOVE_BASELINE",
            Self::BelowKeyThreshold => "BELOW_KEY_THRESHOLD",
        }
    }

    /// What speaks against an amount, by the bookings of the year before and the bound of key accounts, where there is
    /// one.
    #[must_use]
    pub fn of(amount: i64, baseline: i64, threshold: Option<i64>) -> Vec<Self> {
        let mut warnings = Vec::new();
        if amount <= baseline {
            warnings.push(Self::NotAboveBaseline);
        }
        if threshold.is_some_and(|threshold| amount < threshold) {
            warnings.push(Self::BelowKeyThreshold);
        }
        warnings
    }
}
graphql_enum! { GoalStatus as GoalStatus, GoalWarning as GoalWarning }

object! {
    /// An absolute revenue goal for one account in one fiscal year; never a share. The seller and a user above them in the reporting line agree
    /// on it; a new amount needs both again.
    Goal as "Goal" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<GoalId> = plain(|goal| NodeId(goal.0.id));
        /// The account.
        account: Account = by_key(|goal| goal.0.account_id, Account::resolve_required);
        /// The fiscal year.
        year: i32 = plain(|goal| goal.0.year);
        /// The agreed amount, which every figure uses; before there is one, the proposed amount.
        amount: Money = plain(|goal, ctx| ctx.money(goal.amount()));
        /// Has an amount been agreed?
        status: GoalStatus = plain(|goal| goal.status());
        /// The amount that waits for the other one's agreement.
        proposedAmount: Option<Money> = plain(|goal, ctx| goal.0.waiting_amount.map(|minor| ctx.money(minor)));
        /// Bookings of the fiscal year before.
        baseline: Money = batch(baselines);
        /// The warnings about the pending amount, or about the agreed amount if none is pending.
        warnings: Vec<GoalWarning> = batch(warnings);
        /// The user who proposed the latest amount. If that was neither the seller nor the manager, the first of them
        /// to agree.
        proposedBy: User = by_key(|goal| goal.0.proposed_by_id, User::resolve_required);
        /// The user who agreed last; null until both have agreed.
        agreedBy: Option<User> = by_key(|goal| goal.0.agreed_by_id, User::resolve);
        /// When.
        agreedAt: Option<Instant> = plain(|goal| goal.0.agreed_at);
        /// Every amount that was ever agreed, the newest first.
        revisions: Vec<GoalRevision> = batch(revisions);
        /// The progress by the end of a day in the organization's time zone. Defaults to now.
        progress(OnArguments): GoalProgress = batch(progresses);
        /// The users whose agreement the proposed amount waits for, each of whom can agree to it: the account's owner, or
        /// those above them, nearest first; both where the proposal is neither's. Empty while no amount waits.
        awaiting: Vec<User> = batch(awaiting);
        /// Whether an amount waits for the caller's agreement, so that `agreeGoal` is open to them.
        viewerCanAgree: bool = batch(viewer_can_agree);
        /// The time of creation.
        createdAt: Instant = plain(|goal| goal.0.created_at);
        /// The time of the last change.
        updatedAt: Instant = plain(|goal| goal.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|goal| goal.0.version);
    }
}
connection!(Goal as "Goal");

/// An amount that was agreed, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    amount: i64,
    proposed_by: Uuid,
    agreed_by: Uuid,
    agreed_at: i64,
}

/// An amount that was agreed.
#[derive(Clone, Debug)]
pub struct GoalRevision(Revision);

object! {
    /// An amount that was agreed.
    GoalRevision as "GoalRevision" {
        /// The amount.
        amount: Money = plain(|revision, ctx| ctx.money(revision.0.amount));
        /// The user who proposed it.
        proposedBy: User = by_key(|revision| UserId(revision.0.proposed_by), User::resolve_required);
        /// The user who agreed to it; its proposer where the seller had no manager.
        agreedBy: User = by_key(|revision| UserId(revision.0.agreed_by), User::resolve_required);
        /// When.
        agreedAt: Instant = plain(|revision| Instant(revision.0.agreed_at));
    }
}

payload! {
    /// A goal, or the errors of the input.
    GoalPayload as "GoalPayload" {
        /// The goal as it is now, or as it last was where it is gone; null where there are userErrors.
        goal(goal): Goal,
    }
}

impl GoalPayload {
    fn of(row: goal::Model) -> Self {
        Self { goal: Some(Goal(row)), ..Self::default() }
    }
}

/// The amounts that were agreed, as stored, read: the oldest first.
#[must_use]
pub fn read_revisions(stored: &str) -> Vec<Revision> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// Returns the amount that was agreed by an instant, from the stored amounts; `None` where none was.
#[must_use]
pub fn amount_agreed_by(stored: &str, at: Instant) -> Option<i64> {
    read_revisions(stored).into_iter().rev().find(|revision| revision.agreed_at <= at.0).map(|revision| revision.amount)
}

impl AuditedRow for goal::Model {
    audited!(goal, GoalId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn snapshot(&self, currency: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            year,
            agreed_amount,
            waiting_amount,
            proposed_by_id,
            agreed_by_id,
            agreed_at,
            revisions,
            reached_by_id,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        let shown = |revision: &Revision| {
            json!({
                "amount": currency.decimal(revision.amount).to_string(),
                "proposedById": UserId(revision.proposed_by).show(),
                "agreedById": UserId(revision.agreed_by).show(),
                "agreedAt": Instant(revision.agreed_at).to_string(),
            })
        };
        snapshot! {
            "accountId": account_id,
            "year": year,
            "amount": agreed_amount.map(|minor| currency.decimal(minor)),
            "proposedAmount": waiting_amount.map(|minor| currency.decimal(minor)),
            "proposedById": proposed_by_id,
            "agreedById": agreed_by_id,
            "agreedAt": agreed_at,
            "revisions": read_revisions(revisions).iter().map(shown).collect::<serde_json::Value>(),
            "reachedById": reached_by_id.map(BookingId::show),
            "createdAt": created_at,
        }
    }
}

impl Goal {
    /// The amount that figures go by.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.0.agreed_amount.or(self.0.waiting_amount).unwrap_or_default()
    }

    fn status(&self) -> GoalStatus {
        if self.0.agreed_amount.is_some() { GoalStatus::Agreed } else { GoalStatus::Proposed }
    }

    /// Goals by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn fetch(ctx: &RequestContext, ids: impl IntoIterator<Item = GoalId>) -> Result<HashMap<GoalId, Self>> {
        ctx.fetch_by_ids(
            ctx.viewer()?.rows::<goal::Entity>(goal::Column::AccountId),
            goal::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }

    /// Goals of accounts in a year, as far as they are seen.
    async fn of_year(
        ctx: &RequestContext,
        accounts: impl IntoIterator<Item = AccountId>,
        year: i32,
    ) -> Result<HashMap<AccountId, Self>> {
        let rows = ctx
            .viewer()?
            .rows::<goal::Entity>(goal::Column::AccountId)
            .filter(is_any_of(ctx.reader(), goal::Column::AccountId, accounts))
            .filter(goal::Column::Year.eq(year))
            .all(ctx.reader())
            .await?;
        Ok(rows.into_iter().map(|row| (row.account_id, Self(row))).collect())
    }
}

async fn revisions(field: &FieldContext<'_>, of: &[&Goal]) -> Result<Batch<Vec<GoalRevision>>> {
    let lists: Vec<Vec<GoalRevision>> =
        of.iter().map(|goal| read_revisions(&goal.0.revisions).into_iter().rev().map(GoalRevision).collect()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// Returns what accounts booked by day, between two days (both included): one statement.
pub(crate) async fn sums_by_day<C: ConnectionTrait>(
    connection: &C,
    organization: entity::OrganizationId,
    accounts: Vec<AccountId>,
    from: Day,
    to: Day,
) -> Result<HashMap<AccountId, BTreeMap<Day, Booked>>> {
    let sum = Expr::expr(Func::sum(Expr::col(booking::Column::Amount))).cast_as("bigint");
    let query = booking::Entity::of(organization)
        .filter(is_any_of(connection, booking::Column::AccountId, accounts))
        .filter(crate::domain::booking::made_between(from, to))
        .select_only()
        .column(booking::Column::AccountId)
        .column(booking::Column::BookedOn)
        .expr(sum)
        .expr(Expr::cust("count(*)"))
        .group_by(booking::Column::AccountId)
        .group_by(booking::Column::BookedOn)
        .into_query();
    let mut sums: HashMap<AccountId, BTreeMap<Day, Booked>> = HashMap::new();
    for row in connection.query_all(&query).await? {
        let (account, count): (AccountId, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(3)?);
        let booked = Booked { sum: row.try_get_by_index(2)?, count: i32::try_from(count).unwrap_or(i32::MAX) };
        sums.entry(account).or_default().insert(row.try_get_by_index(1)?, booked);
    }
    Ok(sums)
}

/// Returns what each goal's account booked by day in the goal's year, or a number of years before it: one statement for all.
async fn booked(
    ctx: &RequestContext,
    viewer: &Viewer,
    of: &[&Goal],
    years_before: i32,
) -> Result<Vec<Vec<(Day, Booked)>>> {
    let days = |goal: &Goal| calendar::fiscal_days(goal.0.year - years_before, viewer.fiscal_start());
    let from = of.iter().map(|goal| days(goal).0).min().unwrap_or(Day::FIRST);
    let to = of.iter().map(|goal| days(goal).1).max().unwrap_or(Day::FIRST);
    let accounts = of.iter().map(|goal| goal.0.account_id).collect();
    let sums = sums_by_day(ctx.reader(), viewer.organization.id, accounts, from, to).await?;
    let of_goal = |goal: &&Goal| {
        let (first, last) = days(goal);
        // A year before the first of the calendar has no days.
        let within = sums.get(&goal.0.account_id).filter(|_| goal.0.year > years_before);
        within.map_or_else(Vec::new, |sums| sums.range(first..=last).map(|(day, booked)| (*day, *booked)).collect())
    };
    Ok(of.iter().map(of_goal).collect())
}

async fn sums_before(ctx: &RequestContext, of: &[&Goal]) -> Result<Vec<i64>> {
    let before = booked(ctx, ctx.viewer()?, of, 1).await?;
    Ok(before.into_iter().map(|days| days.iter().map(|(_, booked)| booked.sum).sum()).collect())
}

async fn baselines(field: &FieldContext<'_>, of: &[&Goal]) -> Result<Batch<Money>> {
    let sums: Vec<Money> =
        sums_before(field.request, of).await?.into_iter().map(|minor| field.request.money(minor)).collect();
    field.objects(&sums.iter().collect::<Vec<_>>()).await
}

async fn warnings(field: &FieldContext<'_>, of: &[&Goal]) -> Result<Batch<Vec<GoalWarning>>> {
    let threshold = field.request.viewer()?.organization.key_account_threshold;
    let mut answers = Batch::with_capacity(of.len());
    for (goal, baseline) in of.iter().zip(sums_before(field.request, of).await?) {
        let amount = goal.0.waiting_amount.unwrap_or_else(|| goal.amount());
        let warnings = GoalWarning::of(amount, baseline, threshold);
        answers.push(field.request, &warnings);
    }
    Ok(answers)
}

/// Returns the parties of each goal of which an amount waits: two statements.
async fn parties(ctx: &RequestContext, of: &[&Goal]) -> Result<Vec<Option<Parties>>> {
    let waiting = of.iter().filter(|goal| goal.0.waiting_amount.is_some());
    let owners = owners(ctx, waiting.map(|goal| goal.0.account_id)).await?;
    let organization = ctx.viewer()?.organization.id;
    let parties = Parties::of_sellers(ctx.reader(), organization, owners.values().copied()).await?;
    let of_goal = |goal: &&Goal| owners.get(&goal.0.account_id).and_then(|owner| parties.get(owner)).cloned();
    Ok(of.iter().map(of_goal).collect())
}

async fn awaiting(field: &FieldContext<'_>, of: &[&Goal]) -> Result<Batch<Vec<User>>> {
    let parties = parties(field.request, of).await?;
    let awaited = |(goal, parties): (&&Goal, &Option<Parties>)| match parties {
        Some(parties) if goal.0.waiting_amount.is_some() => parties.awaited(goal.0.proposed_by_id),
        _ => Vec::new(),
    };
    User::lists(field, &of.iter().zip(&parties).map(awaited).collect::<Vec<_>>()).await
}

async fn viewer_can_agree(field: &FieldContext<'_>, of: &[&Goal]) -> Result<Batch<bool>> {
    let (parties, who) = (parties(field.request, of).await?, field.request.viewer()?.user.id);
    let can = |(goal, parties): (&&Goal, &Option<Parties>)| {
        parties.as_ref().is_some_and(|parties| write::awaits(&goal.0, parties, who))
    };
    Ok(Batch::from_values(field.request, of.iter().zip(&parties).map(can)))
}

async fn progresses(field: &FieldContext<'_>, of: &[&Goal]) -> Result<Batch<GoalProgress>> {
    let OnArguments { on } = field.arguments()?;
    let made = progress_on(field.request, of, on.map(|day| day.0)).await?;
    field.objects(&made.iter().collect::<Vec<_>>()).await
}

/// Returns the progress of goals as of today: one statement.
pub(crate) async fn progress_today(ctx: &RequestContext, of: &[&Goal]) -> Result<Vec<GoalProgress>> {
    progress_on(ctx, of, None).await
}

/// Returns the progress of goals by the end of a day, or now: one statement.
async fn progress_on(ctx: &RequestContext, of: &[&Goal], on: Option<Day>) -> Result<Vec<GoalProgress>> {
    let viewer = ctx.viewer()?;
    let today = viewer.day(ctx.now);
    let on = on.unwrap_or(today);
    let made = of
        .iter()
        .zip(booked(ctx, viewer, of, 0).await?)
        .map(|(goal, by_day)| {
            let year = calendar::fiscal_days(goal.0.year, viewer.fiscal_start());
            let agreed_on = goal.0.agreed_at.map(|at| viewer.day(at));
            progress::progress(Arc::new(Basis { goal: goal.amount(), year, agreed_on, by_day }), on, today)
        })
        .collect();
    Ok(made)
}

/// Arguments of `Account.goal`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct GoalArguments {
    /// The fiscal year, 1 to 9999; the current one where none is given.
    pub year: Option<i32>,
}

/// The goals of accounts in a year.
///
/// # Errors
/// `BAD_USER_INPUT` for a year outside the calendar.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Option<crate::domain::goal::Goal>>> {
    let GoalArguments { year } = field.arguments()?;
    check_year(year)?;
    let year = year.unwrap_or_else(|| field.request.viewer().map_or(0, |viewer| viewer.fiscal_year(field.request.now)));
    let found = Goal::of_year(field.request, of.iter().copied(), year).await?;
    field.optional_objects(&of.iter().map(|account| found.get(account)).collect::<Vec<_>>()).await
}

/// The goals of targets' accounts for the current year.
pub async fn of_targets(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Option<crate::domain::goal::Goal>>> {
    let year = field.request.viewer()?.fiscal_year(field.request.now);
    let found = Goal::of_year(field.request, of.iter().copied(), year).await?;
    field.optional_objects(&of.iter().map(|account| found.get(account)).collect::<Vec<_>>()).await
}

/// All goals of accounts, the latest year first.
pub async fn all_of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Vec<crate::domain::goal::Goal>>> {
    let rows = field
        .request
        .viewer()?
        .rows::<goal::Entity>(goal::Column::AccountId)
        .filter(goal::Column::AccountId.is_in(of.iter().copied()))
        .order_by_desc(goal::Column::Year)
        .all(field.request.reader())
        .await?;
    let mut by_account: HashMap<AccountId, Vec<Goal>> = HashMap::new();
    for row in rows {
        by_account.entry(row.account_id).or_default().push(Goal(row));
    }
    let lists: Vec<&[Goal]> = of.iter().map(|account| by_account.get(account).map_or(&[][..], Vec::as_slice)).collect();
    field.object_lists(&lists).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_compare_with_the_year_before_and_the_bound() {
        use GoalWarning::{BelowKeyThreshold, NotAboveBaseline};
        for (amount, baseline, threshold, warnings) in [
            (101, 100, None, vec![]),
            (100, 100, None, vec![NotAboveBaseline]),
            (101, 100, Some(101), vec![]),
            (101, 100, Some(102), vec![BelowKeyThreshold]),
            (50, 100, Some(102), vec![NotAboveBaseline, BelowKeyThreshold]),
            (1, -5, Some(0), vec![]),
        ] {
            assert_eq!(GoalWarning::of(amount, baseline, threshold), warnings, "{amount} {baseline} {threshold:?}");
        }
    }
}
