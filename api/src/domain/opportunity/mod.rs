//! Opportunities: chances of revenue at accounts, from the day they are seen to the day they are won or lost.
//!
//! | room | holds |
//! |---|---|
//! | here | the type, its rules, and how its relations are read |
//! | [`list`] | filters, orderings and lists |
//! | [`mod@write`] | create, update |
//! | [`close`] | win, lose, delete |
//! | [`stalled`] | open ones for which nobody asks for a commitment |
//! | [`upsert`] | many at once, from another system |
//!
//! Who may change one: whoever answers for its account, and its own owner with everyone above them. Who is on the
//! account's team may open one that is their own.

pub mod close;
pub mod list;
pub mod stalled;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, ID};
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Columns, Id, OpportunityId, Scoped, UserId, account, booking, opportunity, touch};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

pub use self::list::{OpportunitiesArguments, OpportunityFilter, of_accounts, opportunities};

use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::booking::Booking;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::pagination::connection;
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::{Currency, Money};
use crate::write::external_ids::{ExternalId, shown};
use crate::write::validator::Validator;
use crate::write::{AuditedRow, Snapshot, Write, audited, snapshot, stored_json};
use database::columns::is_any_of;
use database::transaction::Transaction;

/// An opportunity.
#[derive(Clone, Debug)]
pub struct Opportunity(pub opportunity::Model);

impl From<opportunity::Model> for Opportunity {
    fn from(row: opportunity::Model) -> Self {
        Self(row)
    }
}

/// How far an opportunity has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::opportunity::Stage")]
pub enum Stage {
    /// Seen. Probability 10 where none is given.
    Identified,
    /// Worth pursuing. Probability 25 where none is given.
    Qualified,
    /// Offered. Probability 50 where none is given.
    Proposed,
    /// Being negotiated. Probability 75 where none is given.
    Negotiating,
    /// Won. Probability 100 where none is given.
    Won,
    /// Lost. Probability 0 where none is given.
    Lost,
}
graphql_enum! { Stored as Stage }

/// The probability of a stage where none is given, in percent.
#[must_use]
pub const fn probability_of(stage: Stored) -> i32 {
    match stage {
        Stored::Identified => 10,
        Stored::Qualified => 25,
        Stored::Proposed => 50,
        Stored::Negotiating => 75,
        Stored::Won => 100,
        Stored::Lost => 0,
    }
}

/// Is it won or lost?
#[must_use]
pub const fn is_closed(stage: Stored) -> bool {
    matches!(stage, Stored::Won | Stored::Lost)
}

object! {
    /// A chance of revenue at an account.
    Opportunity as "Opportunity" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<OpportunityId> = plain(|opportunity| NodeId(opportunity.0.id));
        /// Where the revenue would come from.
        account: Account = by_key(|opportunity| opportunity.0.account_id, Account::resolve_required);
        /// Who works on it.
        owner: User = by_key(|opportunity| opportunity.0.owner_id, User::resolve_required);
        /// What it is called.
        name: &str = plain(|opportunity| &opportunity.0.name);
        /// What it would bring in, 0 or more; null where nobody knows yet.
        amount: Option<Money> = plain(|opportunity, ctx| opportunity.0.amount.map(|minor| ctx.money(minor)));
        /// How far it has come.
        stage: Stored = plain(|opportunity| opportunity.0.stage);
        /// Percent, 0-100; the stage's own where none was given.
        probability: i32 = plain(|opportunity| opportunity.0.probability.unwrap_or(probability_of(opportunity.0.stage)));
        /// The day on which it was opened.
        openedOn: entity::Day = plain(|opportunity| opportunity.0.opened_on);
        /// The day on which it is expected to close.
        expectedCloseOn: Option<entity::Day> = plain(|opportunity| opportunity.0.expected_close_on);
        /// The day on which it was won or lost; null while it is open.
        closedOn: Option<entity::Day> = plain(|opportunity| opportunity.0.closed_on);
        /// Why it was lost; null unless it is.
        lossReason: Option<&str> = plain(|opportunity| opportunity.0.loss_reason.as_deref());
        /// What it came of.
        triggerEvent: Option<crate::domain::trigger_event::TriggerEvent> = batch(crate::domain::trigger_event::of_opportunities);
        /// Other systems' names for it.
        externalIds: Vec<ExternalId> = plain(|opportunity| shown(&opportunity.0.external_ids));
        /// What the organization keeps beyond these fields: a JSON object.
        customFields: Json<&str> = plain(|opportunity| Json(opportunity.0.custom_fields.as_str()));
        /// When it was entered.
        createdAt: entity::Instant = plain(|opportunity| opportunity.0.created_at);
        /// When it last changed.
        updatedAt: entity::Instant = plain(|opportunity| opportunity.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|opportunity| opportunity.0.version);
    }
}
connection!(Opportunity as "Opportunity");

payload! {
    /// An opportunity, or what is to be mended.
    OpportunityPayload as "OpportunityPayload" {
        /// The opportunity as it is now, or as it last was where it was deleted; null where there are userErrors.
        opportunity(opportunity): Opportunity,
        /// The booking that winning it recorded; null where it recorded none.
        booking(booking): Booking,
    }
}

impl OpportunityPayload {
    fn of(opportunity: opportunity::Model) -> Self {
        Self { opportunity: Some(Opportunity(opportunity)), ..Self::default() }
    }
}

impl AuditedRow for opportunity::Model {
    audited!(opportunity, OpportunityId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    fn snapshot(&self, currency: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            owner_id,
            name,
            name_key: _,
            amount,
            stage,
            probability,
            opened_on,
            expected_close_on,
            closed_on,
            loss_reason,
            external_ids,
            custom_fields,
            created_at,
            updated_at: _,
            version: _,
            trigger_event_id,
        } = self;
        snapshot! {
            "accountId": account_id,
            "ownerId": owner_id,
            "name": name,
            "amount": amount.map(|minor| currency.decimal(minor)),
            "stage": stage.word(),
            "probability": probability,
            "openedOn": opened_on,
            "expectedCloseOn": expected_close_on,
            "closedOn": closed_on,
            "lossReason": loss_reason,
            "triggerEventId": trigger_event_id,
            "externalIds": stored_json(external_ids),
            "customFields": stored_json(custom_fields),
            "createdAt": created_at,
        }
    }
}

impl Opportunity {
    /// Opportunities by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = OpportunityId>,
    ) -> Result<HashMap<OpportunityId, Self>> {
        ctx.fetch_by_ids(
            ctx.viewer()?.rows::<opportunity::Entity>(opportunity::Column::AccountId),
            opportunity::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }

    /// Resolves the opportunity of each id that is known to exist and to be visible.
    ///
    /// # Errors
    /// A defect, if one is not found.
    pub async fn resolve_required(field: &FieldContext<'_>, ids: &[OpportunityId]) -> Result<Batch<Self>> {
        let ids: Vec<Option<OpportunityId>> = ids.iter().copied().map(Some).collect();
        field.required(Self::resolve(field, &ids).await?)
    }

    /// Resolves the opportunity of each id: null without an id, and where the viewer sees none.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<OpportunityId>]) -> Result<Batch<Option<Self>>> {
        let seen = field.request.viewer()?.rows::<opportunity::Entity>(opportunity::Column::AccountId);
        field.fetch_by_ids::<_, _, Self>(seen, opportunity::Column::Id, ids, |row| row.id).await
    }
}

/// May they change an opportunity of this account and owner? Whoever answers for the account, the owner, and everyone
/// above the owner.
#[must_use]
pub fn may_change(viewer: &Viewer, account: &account::Model, owner: UserId) -> bool {
    viewer.access(account) == AccountAccess::Responsible || viewer.is_above_or_is(owner)
}

/// May they hand an opportunity of this account, which they may change, to somebody? Whoever answers for the account
/// hands it to anyone; others to themselves and those below them, for they cannot let people in, and to the account's
/// owner, who is in.
#[must_use]
pub fn may_give(viewer: &Viewer, account: &account::Model, to: UserId) -> bool {
    may_change(viewer, account, to) || to == account.owner_id
}

pub(crate) const ARCHIVED: &str = "This account is archived: restore it first.";
const NOT_TO_GIVE: &str = "Only the account's owner, their managers and admins make somebody else the owner.";
const NOT_TO_CHANGE: &str = "Only the opportunity's owner, the account's owner, their managers and admins may do this.";
const BOOKED: &str = "A booking hangs on it: take the opportunity off the booking, or delete the booking, first.";

/// The opportunity that an input names, locked for a change, with its account.
///
/// # Errors
/// `NOT_FOUND` and `FORBIDDEN` as userErrors at the path; the database's.
async fn to_change(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    path: &[&str],
    id: &ID,
) -> Result<(opportunity::Model, account::Model)> {
    let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no opportunity with this id.");
    let id = OpportunityId::parse(id).map_err(|_| not_found())?;
    let row = seen(viewer, tx, id).await?.ok_or_else(not_found)?;
    let account = viewer.account(tx, row.account_id, false).await?.ok_or_else(not_found)?;
    if may_change(viewer, &account, row.owner_id) {
        Ok((row, account))
    } else {
        Err(Error::refused(UserErrorCode::Forbidden, path, NOT_TO_CHANGE))
    }
}

async fn seen(viewer: &Viewer, tx: &Transaction<'_>, id: OpportunityId) -> Result<Option<opportunity::Model>> {
    let select =
        viewer.rows::<opportunity::Entity>(opportunity::Column::AccountId).filter(opportunity::Column::Id.eq(id));
    Ok(select.lock_exclusive().one(tx).await?)
}

/// The opportunity that an input names for something of an account: seen, and of that same account. It is locked, so
/// that nobody takes it away meanwhile.
///
/// # Errors
/// The database's.
pub async fn of_account(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
    account: AccountId,
) -> Result<Option<opportunity::Model>> {
    let Some(id) = check.id::<OpportunityId>(field, id) else { return Ok(None) };
    match seen(viewer, tx, id).await? {
        None => check.not_found(field, "opportunity"),
        Some(row) if row.account_id != account => check.invalid(field, "This opportunity is of another account."),
        found => return Ok(found),
    }
    Ok(None)
}

/// Which of these opportunities have a booking that hangs on them.
///
/// # Errors
/// The database's.
pub(crate) async fn booked<C: ConnectionTrait>(
    connection: &C,
    viewer: &Viewer,
    ids: Vec<OpportunityId>,
) -> Result<Vec<OpportunityId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = booking::Entity::of(viewer.organization.id)
        .filter(is_any_of(connection, booking::Column::OpportunityId, ids))
        .select_only()
        .column(booking::Column::OpportunityId)
        .distinct()
        .into_query();
    let rows = connection.query_all(&query).await?;
    rows.into_iter().map(|row| Ok(OpportunityId(row.try_get_by_index(0)?))).collect()
}

/// Takes touches off opportunities that go away, or to another account.
async fn release_touches(write: &mut Write<'_>, ids: &[OpportunityId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let touches = touch::Entity::of(write.organization())
        .filter(is_any_of(&write.tx, touch::Column::OpportunityId, ids.iter().copied()))
        .order_by_asc(touch::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let released = touches.into_iter().map(|touch| {
        let after = touch::Model { opportunity_id: None, ..touch.clone() };
        (Some(touch), after)
    });
    write.save(released.collect()).await?;
    Ok(())
}

/// Refuses a day of closing before the day of opening, naming both.
fn check_days(check: &mut Validator, field: &str, row: &opportunity::Model) {
    if let Some(closed_on) = row.closed_on {
        check.in_order(field, ("openedOn", row.opened_on), ("closedOn", closed_on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_have_their_own_probability() {
        use Stored::{Identified, Lost, Negotiating, Proposed, Qualified, Won};
        let all = [(Identified, 10), (Qualified, 25), (Proposed, 50), (Negotiating, 75), (Won, 100), (Lost, 0)];
        for (stage, percent) in all {
            assert_eq!(probability_of(stage), percent);
            assert_eq!(is_closed(stage), matches!(percent, 0 | 100));
        }
    }
}
