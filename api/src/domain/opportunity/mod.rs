//! Opportunities: possible sales to accounts, from the day on which they are identified until they are won or lost.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type, its rules, and how its relations are read |
//! | [`list`] | filters, orderings and lists |
//! | [`mod@write`] | create, update |
//! | [`close`] | win, lose, delete |
//! | [`stages`] | the stages over time, read from the feed |
//! | [`stalled`] | open opportunities without a recent request for a commitment |
//! | [`upsert`] | bulk upsert by external id |
//!
//! An opportunity may be changed by the account's owner, the owner's managers and admins, and by the opportunity's own
//! owner and that owner's managers. A member of the account's team may create an opportunity of their own.

pub mod close;
pub mod list;
pub mod stages;
pub mod stalled;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, OneofObject};
use database::columns::is_any_of;
use database::transaction::Transaction;
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Columns, Id, OpportunityId, Scoped, UserId, account, booking, opportunity, touch};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

pub use self::list::{OpportunitiesArguments, OpportunityFilter, of_accounts, opportunities};

use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::account::list::by_external_id;
use crate::domain::booking::Booking;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::pagination::{Connection, PageArguments, connection};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::{Currency, Money};
use crate::write::external_ids::{ExternalId, ExternalIdInput, shown};
use crate::write::validator::Validator;
use crate::write::{AuditedRow, Snapshot, Write, audited, snapshot, stored_json};

/// An opportunity.
#[derive(Clone, Debug)]
pub struct Opportunity(pub opportunity::Model);

impl From<opportunity::Model> for Opportunity {
    fn from(row: opportunity::Model) -> Self {
        Self(row)
    }
}

/// The stage of an opportunity in the sales process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::opportunity::Stage")]
pub enum Stage {
    /// Identified. Default probability: 10 percent.
    Identified,
    /// Worth pursuing. Default probability: 25 percent.
    Qualified,
    /// An offer was made. Default probability: 50 percent.
    Proposed,
    /// The offer is being negotiated. Default probability: 75 percent.
    Negotiating,
    /// Won. Default probability: 100 percent.
    Won,
    /// Lost. Default probability: 0 percent.
    Lost,
}
graphql_enum! { Stored as Stage }

/// Returns the default probability of a stage, in percent.
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

/// Whether a stage is final: won or lost.
#[must_use]
pub const fn is_closed(stage: Stored) -> bool {
    matches!(stage, Stored::Won | Stored::Lost)
}

object! {
    /// A possible sale to an account.
    Opportunity as "Opportunity" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<OpportunityId> = plain(|opportunity| NodeId(opportunity.0.id));
        /// The account that the revenue would come from.
        account: Account = by_key(|opportunity| opportunity.0.account_id, Account::resolve_required);
        /// The user who works on the opportunity.
        owner: User = by_key(|opportunity| opportunity.0.owner_id, User::resolve_required);
        /// The name of the opportunity.
        name: &str = plain(|opportunity| &opportunity.0.name);
        /// The expected revenue, 0 or more; null if not known.
        amount: Option<Money> = plain(|opportunity, ctx| opportunity.0.amount.map(|minor| ctx.money(minor)));
        /// The stage that the opportunity has reached.
        stage: Stored = plain(|opportunity| opportunity.0.stage);
        /// The probability of winning, in percent (0-100): the given one, or else the default of the stage.
        probability: i32 = plain(|opportunity| opportunity.0.probability.unwrap_or(probability_of(opportunity.0.stage)));
        /// The day on which it was opened.
        openedOn: entity::Day = plain(|opportunity| opportunity.0.opened_on);
        /// The day on which it is expected to close; null if not known.
        expectedCloseOn: Option<entity::Day> = plain(|opportunity| opportunity.0.expected_close_on);
        /// The day on which it was won or lost; null while it is open.
        closedOn: Option<entity::Day> = plain(|opportunity| opportunity.0.closed_on);
        /// Why it was lost; null if it is not lost or no reason was given.
        lossReason: Option<&str> = plain(|opportunity| opportunity.0.loss_reason.as_deref());
        /// The trigger event that led to the opportunity; null if there is none.
        triggerEvent: Option<crate::domain::trigger_event::TriggerEvent> = batch(crate::domain::trigger_event::of_opportunities);
        /// The touches that are about it, newest first by default.
        touches(crate::domain::touch::TouchesArguments): Connection<crate::domain::touch::Touch> = by_key(|opportunity| opportunity.0.id, crate::domain::touch::list::of_opportunities);
        /// The bookings that came of it, ordered by id.
        bookings(PageArguments): Connection<Booking> = by_key(|opportunity| opportunity.0.id, crate::domain::booking::list::of_opportunities);
        /// The contacts who took part or are to take part in its touches, ordered by id, at most 500. Archived contacts
        /// are left out.
        contacts: Vec<crate::domain::contact::Contact> = by_key(|opportunity| opportunity.0.id, crate::domain::contact::list::of_opportunities);
        /// The changes to it that the caller sees, newest first.
        history(crate::domain::event::EventsArguments): Connection<crate::domain::event::Event> = by_key(|opportunity| opportunity.0.id, crate::domain::event::of_opportunities);
        /// The stages it was in, oldest first, at most 500.
        stages: Vec<stages::StageChange> = by_key(|opportunity| opportunity.0.id, stages::of_opportunities);
        /// Identifiers of the opportunity in other systems.
        externalIds: Vec<ExternalId> = plain(|opportunity| shown(&opportunity.0.external_ids));
        /// Additional fields that the organization defines: a JSON object.
        customFields: Json<&str> = plain(|opportunity| Json(opportunity.0.custom_fields.as_str()));
        /// The time of creation.
        createdAt: entity::Instant = plain(|opportunity| opportunity.0.created_at);
        /// The time of the last change.
        updatedAt: entity::Instant = plain(|opportunity| opportunity.0.updated_at);
        /// Number of writes so far; 1 after creation.
        version: i32 = plain(|opportunity| opportunity.0.version);
    }
}
connection!(Opportunity as "Opportunity");

payload! {
    /// The result of a mutation of an opportunity.
    OpportunityPayload as "OpportunityPayload" {
        /// The opportunity after the change, or as it was before it was deleted; null if there are userErrors.
        opportunity(opportunity): Opportunity,
        /// The booking recorded by winning the opportunity; null if none was recorded.
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

/// A reference to an opportunity. Exactly one field must be given.
#[derive(Clone, Debug, PartialEq, Eq, OneofObject)]
pub enum OpportunityRefInput {
    /// The opportunity with this id.
    Id(ID),
    /// The opportunity with this identifier in another system.
    ExternalId(ExternalIdInput),
}

/// Arguments of `opportunity`.
#[derive(Clone, Debug, InputObject)]
pub struct OneOpportunityArguments {
    /// The reference to the opportunity.
    pub by: OpportunityRefInput,
}

/// Resolves `Query.opportunity`.
pub async fn one(field: &FieldContext<'_>, arguments: OneOpportunityArguments) -> Result<Option<Opportunity>> {
    let viewer = field.request.viewer()?;
    let visible = viewer.rows::<opportunity::Entity>(opportunity::Column::AccountId);
    let select = match arguments.by {
        OpportunityRefInput::Id(id) => match OpportunityId::parse(&id) {
            Ok(id) => visible.filter(opportunity::Column::Id.eq(id)),
            Err(_) => return Ok(None),
        },
        OpportunityRefInput::ExternalId(external) => {
            by_external_id(viewer, visible, OpportunityId::PREFIX, opportunity::Column::Id, &external)
        }
    };
    field.one(select, &[]).await
}

impl Opportunity {
    /// Loads opportunities by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
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

    /// Resolves the opportunity of each id: null for a missing id and for an opportunity that the viewer cannot see.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<OpportunityId>]) -> Result<Batch<Option<Self>>> {
        let visible = field.request.viewer()?.rows::<opportunity::Entity>(opportunity::Column::AccountId);
        field.fetch_by_ids::<_, _, Self>(visible, opportunity::Column::Id, ids, |row| row.id).await
    }
}

/// Whether the viewer may change an opportunity of `account` owned by `owner`: the account's owner, the owner's
/// managers and admins may, and so may the opportunity's owner and that owner's managers.
#[must_use]
pub fn may_change(viewer: &Viewer, account: &account::Model, owner: UserId) -> bool {
    viewer.access(account) == AccountAccess::Responsible || viewer.is_above_or_is(owner)
}

/// Whether the viewer may make `to` the owner of an opportunity that they may change. Only the account's owner, the
/// owner's managers and admins may name any member, because an owner joins the account's team. Others may name
/// themselves, users below them, and the account's owner.
#[must_use]
pub fn may_give(viewer: &Viewer, account: &account::Model, to: UserId) -> bool {
    may_change(viewer, account, to) || to == account.owner_id
}

pub(crate) const ARCHIVED: &str = "This account is archived: restore it first.";
const GIVE_FORBIDDEN: &str = "Only the account's owner, their managers and admins can make this user the owner.";
const CHANGE_FORBIDDEN: &str =
    "Only the opportunity's owner, the account's owner, their managers and admins may do this.";
const HAS_BOOKING: &str = "The opportunity has a booking: remove it from the booking, or delete the booking, first.";

/// Loads and locks the opportunity that an input refers to for a change, with its account.
///
/// # Errors
/// `NOT_FOUND` and `FORBIDDEN` as userErrors at the path.
async fn load_for_change(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    path: &[&str],
    id: &ID,
) -> Result<(opportunity::Model, account::Model)> {
    let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no opportunity with this id.");
    let id = OpportunityId::parse(id).map_err(|_| not_found())?;
    let row = load_locked(viewer, tx, id).await?.ok_or_else(not_found)?;
    let account = viewer.account(tx, row.account_id, false).await?.ok_or_else(not_found)?;
    if may_change(viewer, &account, row.owner_id) {
        Ok((row, account))
    } else {
        Err(Error::refused(UserErrorCode::Forbidden, path, CHANGE_FORBIDDEN))
    }
}

async fn load_locked(viewer: &Viewer, tx: &Transaction<'_>, id: OpportunityId) -> Result<Option<opportunity::Model>> {
    let select =
        viewer.rows::<opportunity::Entity>(opportunity::Column::AccountId).filter(opportunity::Column::Id.eq(id));
    Ok(select.lock_exclusive().one(tx).await?)
}

/// Loads and locks the opportunity that an input refers to. It must be visible and of the given account; otherwise the
/// error is noted in `check`.
pub async fn of_account(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
    account: AccountId,
) -> Result<Option<opportunity::Model>> {
    let Some(id) = check.id::<OpportunityId>(field, id) else { return Ok(None) };
    match load_locked(viewer, tx, id).await? {
        None => check.not_found(field, "opportunity"),
        Some(row) if row.account_id != account => check.invalid(field, "This opportunity belongs to another account."),
        found => return Ok(found),
    }
    Ok(None)
}

/// Returns those of the opportunities that have at least one booking.
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

/// Clears the opportunity of touches whose opportunity is deleted or moves to another account.
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

/// Checks that the day of closing is not before the day of opening.
fn check_days(check: &mut Validator, field: &str, row: &opportunity::Model) {
    if let Some(closed_on) = row.closed_on {
        check.in_order(field, ("openedOn", row.opened_on), ("closedOn", closed_on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_a_default_probability() {
        use Stored::{Identified, Lost, Negotiating, Proposed, Qualified, Won};
        let all = [(Identified, 10), (Qualified, 25), (Proposed, 50), (Negotiating, 75), (Won, 100), (Lost, 0)];
        for (stage, percent) in all {
            assert_eq!(probability_of(stage), percent);
            assert_eq!(is_closed(stage), matches!(percent, 0 | 100));
        }
    }
}
