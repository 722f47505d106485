//! Targets: accounts that a seller is committed to pursue, for as many years as it takes.
//!
//! | module | holds |
//! |---|---|
//! | here | the type, who was on a list when, and how its relations are read |
//! | [`list`] | filters and lists |
//! | [`mod@write`] | propose, update, withdraw, close |
//! | [`decide`] | agree and decline |
//! | [`moved`] | what becomes of targets when accounts change owners |
//!
//! A target is one row for each membership: `since` and `until` are never rewritten, so that the targets of any past day can be
//! read. An account has one open row (PROPOSED or AGREED) at most, of its owner's.

pub mod decide;
pub mod list;
pub mod moved;
pub mod one_on_one;
pub mod target_list;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, InputObject};
use entity::target::TargetStatus as Stored;
use entity::{AccountId, Columns, Id, Instant, TargetId, UserId, account, target};
use sea_orm::sea_query::{Cond, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder};

pub use self::list::{TargetsArguments, targets};

use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::targeting::one_on_one::OneOnOne;
use crate::domain::touch::Touch;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::connection;
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::calendar;
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot};

/// A target.
#[derive(Clone, Debug)]
pub struct Target(pub target::Model);

impl From<target::Model> for Target {
    fn from(row: target::Model) -> Self {
        Self(row)
    }
}

/// The purpose of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::target::TargetKind")]
pub enum TargetKind {
    /// An account to be won.
    DreamClient,
    /// A client to be grown into a key account.
    Growth,
}

/// The status of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::target::TargetStatus")]
pub enum TargetStatus {
    /// Waiting for agreement.
    Proposed,
    /// Agreed: the target is on the list.
    Agreed,
    /// Refused, with a note.
    Declined,
    /// The proposer took it back.
    Withdrawn,
    /// Off the list: won.
    Won,
    /// Off the list: given up, with a note.
    Dropped,
    /// The account went to another owner, for whom it is a proposal again.
    Moved,
}

/// The role that had the idea of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::target::TargetSource")]
pub enum TargetSource {
    /// The seller's.
    Seller,
    /// Management's.
    Management,
    /// Marketing's.
    Marketing,
}
graphql_enum! {
    target::TargetKind as TargetKind,
    target::TargetStatus as TargetStatus,
    target::TargetSource as TargetSource,
}

object! {
    /// An account that a seller is committed to pursue, for as many years as it takes: on the list from since to until. It
    /// takes both the seller and one of their managers; a seller without a manager agrees alone.
    Target as "Target" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<TargetId> = plain(|target| NodeId(target.0.id));
        /// The account.
        account: Account = by_key(|target| target.0.account_id, Account::resolve_required);
        /// The seller whose target it is: the account's owner at the time.
        seller: User = by_key(|target| target.0.seller_id, User::resolve_required);
        /// Whether the account is to be won or grown.
        kind: target::TargetKind = plain(|target| target.0.kind);
        /// The status.
        status: Stored = plain(|target| target.0.status);
        /// The role that had the idea.
        source: target::TargetSource = plain(|target| target.0.source);
        /// Why this one.
        rationale: &str = plain(|target| &target.0.rationale);
        /// The user who proposed it. If that was neither the seller nor the manager, the first of them to agree.
        proposedBy: User = by_key(|target| target.0.proposed_by_id, User::resolve_required);
        /// The time of the proposal.
        proposedAt: Instant = plain(|target| target.0.proposed_at);
        /// The user who agreed to it or declined it; null until then.
        decidedBy: Option<User> = by_key(|target| target.0.decided_by_id, User::resolve);
        /// The time at which it was agreed to or declined; null until then.
        decidedAt: Option<Instant> = plain(|target| target.0.decided_at);
        /// The note with that decision.
        decisionNote: Option<&str> = plain(|target| target.0.decision_note.as_deref());
        /// The instant from which on it is on the list; null where it never was.
        since: Option<Instant> = plain(|target| target.0.since);
        /// The instant at which it left the list; null while it is on it.
        until: Option<Instant> = plain(|target| target.0.until);
        /// Why it was closed.
        closingNote: Option<&str> = plain(|target| target.0.closing_note.as_deref());
        /// The one-on-one in which it was proposed or decided; null also where that is out of sight.
        oneOnOne: Option<OneOnOne> = by_key(|target| target.0.one_on_one_id, one_on_ones);
        /// The account's goal for the current fiscal year.
        goal: Option<crate::domain::goal::Goal> = by_key(|target| target.0.account_id, crate::domain::goal::of_targets);
        /// Whether it is being nurtured.
        nurture: crate::domain::presence::nurture::Nurture = batch(crate::domain::presence::nurture::of_targets);
        /// The users whose decision it waits for, each of whom can decide it: the seller, or those above them, nearest
        /// first; both where the proposal is neither's. Empty once it is decided.
        awaiting: Vec<User> = batch(decide::awaiting);
        /// Whether it waits for the caller's decision, so that `decideTarget` is open to them.
        viewerCanDecide: bool = batch(decide::viewer_can_decide);
        /// The time of the last change.
        updatedAt: Instant = plain(|target| target.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|target| target.0.version);
    }
}
connection!(Target as "Target");

payload! {
    /// A target, or the errors of the input.
    TargetPayload as "TargetPayload" {
        /// The target as it is now; null where there are userErrors.
        target(target): Target,
        /// The number of targets, including proposals, beyond what the seller can pursue; null if the list is not too long.
        overCapacityBy(over_capacity_by): i32,
    }
}

impl TargetPayload {
    fn of(row: target::Model) -> Self {
        Self { target: Some(Target(row)), ..Self::default() }
    }
}

impl AuditedRow for target::Model {
    audited!(target, TargetId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            seller_id,
            kind,
            status,
            source,
            rationale,
            proposed_by_id,
            proposed_at,
            decided_by_id,
            decided_at,
            decision_note,
            since,
            until,
            closing_note,
            one_on_one_id,
            updated_at: _,
            version: _,
            score: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "sellerId": seller_id,
            "kind": kind.word(),
            "status": status.word(),
            "source": source.word(),
            "rationale": rationale,
            "proposedById": proposed_by_id,
            "proposedAt": proposed_at,
            "decidedById": decided_by_id,
            "decidedAt": decided_at,
            "decisionNote": decision_note,
            "since": since,
            "until": until,
            "closingNote": closing_note,
            "oneOnOneId": one_on_one_id,
        }
    }
}

/// Whether it is open: on the list, or proposed for it.
#[must_use]
pub const fn is_open(status: Stored) -> bool {
    matches!(status, Stored::Proposed | Stored::Agreed)
}

/// Whether it was on the list at an instant, whatever became of it since.
#[must_use]
pub fn was_on_list(target: &target::Model, at: Instant) -> bool {
    target.since.is_some_and(|since| since <= at) && target.until.is_none_or(|until| at < until)
}

/// Returns the same condition in SQL.
pub(crate) fn on_list(at: Instant) -> Condition {
    use target::Column;
    Cond::all().add(Column::Since.lte(at)).add(Cond::any().add(Column::Until.is_null()).add(Column::Until.gt(at)))
}

/// The condition, in SQL, that a touch's account was on the list of the touch's user when the touch began.
pub const TOUCH_ON_LIST: &str = "exists (
        select 1 from target
        where target.organization_id = touch.organization_id and target.account_id = touch.account_id
            and target.seller_id = touch.user_id and target.since <= touch.at
            and (target.until is null or target.until > touch.at)
    )";

/// Was the account of each of some touches on the list of the touch's user when the touch began? One statement.
pub async fn touches_on_list(field: &FieldContext<'_>, of: &[&Touch]) -> Result<Batch<bool>> {
    let rows = field
        .request
        .viewer()?
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(target::Column::AccountId.is_in(of.iter().map(|touch| touch.0.account_id)))
        .filter(target::Column::Since.is_not_null())
        .all(field.request.reader())
        .await?;
    let mut listed: HashMap<(AccountId, UserId), Vec<target::Model>> = HashMap::new();
    for row in rows {
        listed.entry((row.account_id, row.seller_id)).or_default().push(row);
    }
    let mut answers = Batch::with_capacity(of.len());
    for touch in of {
        let own = listed.get(&(touch.0.account_id, touch.0.user_id));
        let on_list = own.is_some_and(|own| own.iter().any(|row| was_on_list(row, touch.0.at)));
        answers.push(field.request, &on_list);
    }
    Ok(answers)
}

/// Returns the condition that an account is (or is not) an agreed target now.
#[must_use]
pub fn is_target(viewer: &Viewer, wanted: bool) -> SimpleExpr {
    let mut open = Query::select();
    open.column(target::Column::AccountId)
        .from(target::Entity)
        .cond_where(target::Column::OrganizationId.eq(viewer.organization.id))
        .cond_where(target::Column::Status.eq(Stored::Agreed));
    if wanted { account::Column::Id.in_subquery(open) } else { account::Column::Id.not_in_subquery(open) }
}

impl Target {
    /// Targets by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = TargetId>,
    ) -> Result<HashMap<TargetId, Self>> {
        ctx.fetch_by_ids(
            ctx.viewer()?.rows::<target::Entity>(target::Column::AccountId),
            target::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }
}

async fn one_on_ones(field: &FieldContext<'_>, ids: &[Option<entity::OneOnOneId>]) -> Result<Batch<Option<OneOnOne>>> {
    let found = OneOnOne::fetch(field.request, ids.iter().copied().flatten()).await?;
    field.found(ids, &found).await
}

/// Arguments of `Account.target`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct OnArguments {
    /// The day, at its end: the organization's, and of a target list the seller's; now where none is given.
    pub on: Option<Date>,
}

/// Returns the instant at which a day is evaluated: its local end, or now if it is today or no day is given.
#[must_use]
pub fn instant_of(on: Option<entity::Day>, now: Instant, zone: chrono_tz::Tz) -> Instant {
    match on {
        Some(day) if day != calendar::day_of(now, zone) => Instant(calendar::end_of(day, zone).0 - 1),
        _ => now,
    }
}

/// Returns the targets of accounts on a day.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Option<crate::domain::targeting::Target>>> {
    let OnArguments { on } = field.arguments()?;
    let viewer = field.request.viewer()?;
    let at = instant_of(on.map(|day| day.0), field.request.now, viewer.zone);
    let rows = viewer
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(target::Column::AccountId.is_in(of.iter().copied()))
        .filter(on_list(at))
        .order_by_asc(target::Column::Id)
        .all(field.request.reader())
        .await?;
    let found: HashMap<AccountId, Target> = rows.into_iter().map(|row| (row.account_id, Target(row))).collect();
    field.optional_objects(&of.iter().map(|account| found.get(account)).collect::<Vec<_>>()).await
}

/// Returns the targets of accounts that are proposed or agreed.
pub async fn open_of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Option<crate::domain::targeting::Target>>> {
    let rows = field
        .request
        .viewer()?
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(target::Column::AccountId.is_in(of.iter().copied()))
        .filter(target::Column::Status.is_in([Stored::Proposed, Stored::Agreed]))
        .order_by_asc(target::Column::Id)
        .all(field.request.reader())
        .await?;
    let found: HashMap<AccountId, Target> = rows.into_iter().map(|row| (row.account_id, Target(row))).collect();
    field.optional_objects(&of.iter().map(|account| found.get(account)).collect::<Vec<_>>()).await
}

/// Returns the status of a target in a sentence, for an error message.
pub(crate) fn stands(target: &target::Model) -> String {
    let day = |at: Option<Instant>| at.map(|at| format!(" since {at}")).unwrap_or_default();
    match target.status {
        Stored::Proposed => format!("It is PROPOSED, since {}.", target.proposed_at),
        Stored::Agreed => format!("It is AGREED{}.", day(target.since)),
        Stored::Declined => format!("It is DECLINED{}.", day(target.decided_at)),
        status => format!("It is {}{}.", status.word(), day(target.until.or(Some(target.updated_at)))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn target(since: Option<i64>, until: Option<i64>) -> target::Model {
        target::Model {
            id: TargetId::make(),
            organization_id: entity::OrganizationId::make(),
            account_id: AccountId::make(),
            seller_id: UserId::make(),
            kind: target::TargetKind::Growth,
            status: Stored::Agreed,
            source: target::TargetSource::Seller,
            rationale: "They grow.".to_owned(),
            proposed_by_id: UserId::make(),
            proposed_at: Instant(0),
            decided_by_id: None,
            decided_at: None,
            decision_note: None,
            since: since.map(Instant),
            until: until.map(Instant),
            closing_note: None,
            one_on_one_id: None,
            updated_at: Instant(0),
            version: 1,
            score: 0,
        }
    }

    #[test]
    fn membership_has_its_first_instant_and_not_its_last() {
        let closed = target(Some(10), Some(20));
        assert_eq!([9, 10, 19, 20].map(|at| was_on_list(&closed, Instant(at))), [false, true, true, false]);
        assert!(was_on_list(&target(Some(10), None), Instant(i64::MAX)));
        // What was never agreed was never on the list, whenever it ended.
        assert!(!was_on_list(&target(None, Some(20)), Instant(15)));
        // It came and went at once.
        assert!(!was_on_list(&target(Some(10), Some(10)), Instant(10)));
    }

    #[test]
    fn a_day_is_its_end_and_today_is_now() {
        let at = |text| crate::graphql::scalars::instant(text).unwrap();
        let (now, utc) = (at("2017-04-03T12:00:00Z"), chrono_tz::UTC);
        assert_eq!(instant_of(None, now, utc), now);
        assert_eq!(instant_of(crate::graphql::scalars::day("2017-04-03"), now, utc), now);
        assert_eq!(instant_of(crate::graphql::scalars::day("2017-04-02"), now, utc), at("2017-04-02T23:59:59.999999Z"));
    }
}
