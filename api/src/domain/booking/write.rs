//! The mutations `recordBooking`, `updateBooking` and `deleteBooking`.

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::transaction::Transaction;
use entity::{AccountId, BookingId, Day, Id, OpportunityId, Scoped, UserId, account, booking, opportunity, user};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{BookingPayload, OPPORTUNITY_LOST, WRITE_FORBIDDEN, is_lost, may_write};
use crate::context::{RequestContext, Viewer};
use crate::domain::goal::reached::after_bookings;
use crate::domain::opportunity::{ARCHIVED, of_account};
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::{Date, Decimal};
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{Amounts, NOTE, Validator};

/// A new booking.
#[derive(Clone, Debug, InputObject)]
pub struct RecordBookingInput {
    /// Id of the account that the revenue comes from; the account must not be archived.
    pub account_id: ID,
    /// The amount: negative for a credit note, never 0.
    pub amount: Decimal,
    /// The day on which the amount counts, from 1970-01-01 to today.
    pub booked_on: Date,
    /// The purpose of the amount: at most 20,000 characters.
    pub description: Option<String>,
    /// Id of the opportunity that led to the booking: of the same account and not lost.
    pub opportunity_id: Option<ID>,
    /// Id of the user credited with the sale. Defaults to the opportunity's owner, or else to the account's owner.
    pub seller_id: Option<ID>,
    /// Identifiers of the booking in other systems: at most one per source and 20 in total.
    pub external_ids: Option<Vec<ExternalIdInput>>,
}

/// Changes to a booking. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateBookingInput {
    /// Id of the booking.
    pub id: ID,
    /// The amount: negative for a credit note, never 0. Cannot be cleared.
    pub amount: MaybeUndefined<Decimal>,
    /// The day on which the amount counts, from 1970-01-01 to today. Cannot be cleared.
    pub booked_on: MaybeUndefined<Date>,
    /// The purpose of the amount: at most 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// Id of the opportunity that led to the booking: of the same account and not lost.
    pub opportunity_id: MaybeUndefined<ID>,
    /// Id of the user credited with the sale. Cannot be cleared.
    pub seller_id: MaybeUndefined<ID>,
    /// Rejects the change with STALE_VERSION unless the booking is at this version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A booking to delete.
    DeleteBookingInput {
        /// The id of the booking.
        id,
        /// The expected version. The change fails with STALE_VERSION if the booking has another version.
        if_version
    }
}

/// Returns an unsaved booking of amount 0.
pub(crate) fn blank(
    ctx: &RequestContext,
    viewer: &Viewer,
    account_id: AccountId,
    seller_id: UserId,
    booked_on: Day,
) -> booking::Model {
    booking::Model {
        id: BookingId::make(),
        organization_id: viewer.organization.id,
        account_id,
        amount: 0,
        booked_on,
        description: None,
        opportunity_id: None,
        seller_id,
        external_ids: "[]".to_owned(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 0,
    }
}

/// Adds an event for every goal that is reached, or no longer reached, because of these written or deleted bookings.
pub(crate) async fn look_at_goals(
    write: &mut Write<'_>,
    viewer: &Viewer,
    bookings: &[&booking::Model],
    written: &[BookingId],
) -> Result<()> {
    let touched: Vec<(AccountId, Day)> = bookings.iter().map(|row| (row.account_id, row.booked_on)).collect();
    after_bookings(write, &viewer.organization, &touched, written).await
}

/// Rejects a day before 1970, and one that is in the future both for the organization and for the caller.
pub(super) fn check_day(ctx: &RequestContext, viewer: &Viewer, check: &mut Validator, booked_on: Day) {
    if booked_on < Day(0) {
        check.invalid("bookedOn", format!("A booking is of 1970 or later; {booked_on} was given."));
    }
    check.has_come("bookedOn", booked_on, viewer.latest_today(ctx.now));
}

/// Resolves `Mutation.recordBooking`.
pub async fn record(ctx: &RequestContext, input: RecordBookingInput) -> Result<BookingPayload> {
    let RecordBookingInput { account_id, amount, booked_on, description, opportunity_id, seller_id, external_ids } =
        input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = viewer.account_for(&write.tx, &mut check, "accountId", &account_id).await?;
    let mut row = blank(ctx, viewer, AccountId(Uuid::nil()), viewer.user.id, booked_on.0);
    check_day(ctx, viewer, &mut check, row.booked_on);
    if let Some(account) = &account {
        row.account_id = account.id;
        if account.archived_at.is_some() {
            check.fault(UserErrorCode::Conflict, "accountId", ARCHIVED);
        }
        let opportunity = match &opportunity_id {
            Some(id) => of_account(viewer, &write.tx, &mut check, "opportunityId", id, account.id).await?,
            None => None,
        };
        row.opportunity_id = opportunity.as_ref().map(|opportunity| opportunity.id);
        row.seller_id = opportunity.as_ref().map_or(account.owner_id, |opportunity| opportunity.owner_id);
        check_opportunity(&mut check, opportunity.as_ref());
        if check.is_clean() && !may_write(viewer, account, opportunity.as_ref()) {
            check.fault(UserErrorCode::Forbidden, "accountId", WRITE_FORBIDDEN);
        }
    }
    row.amount = check.amount("amount", amount, viewer.currency, Amounts::NotZero).unwrap_or_default();
    row.description = check.optional("description", description.as_deref(), NOTE);
    if let Some(id) = &seller_id
        && let Some(seller) = member(viewer, &write.tx, &mut check, "sellerId", id).await?
    {
        row.seller_id = seller;
    }
    let names = external_ids.as_deref().unwrap_or_default();
    row.external_ids = check.external_ids("externalIds", names);
    check.require_unique(&write, BookingId::PREFIX, row.id.uuid(), names, None).await?;
    check.finish()?;
    let row = write.add(row).await?;
    look_at_goals(&mut write, viewer, &[&row], &[row.id]).await?;
    write.commit().await?;
    Ok(BookingPayload::of(row))
}

fn check_opportunity(check: &mut Validator, opportunity: Option<&opportunity::Model>) {
    if opportunity.is_some_and(is_lost) {
        check.fault(UserErrorCode::Conflict, "opportunityId", OPPORTUNITY_LOST);
    }
}

/// Loads a member by id, active or not: a sale stays credited to a seller who has left.
async fn member(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
) -> Result<Option<UserId>> {
    let Some(id) = check.id::<UserId>(field, id) else { return Ok(None) };
    let found = user::Entity::of(viewer.organization.id).filter(user::Column::Id.eq(id)).one(tx).await?;
    if found.is_none() {
        check.not_found(field, "user");
    }
    Ok(found.map(|user| user.id))
}

/// The booking that an input refers to, locked, with its account and its opportunity.
struct Found {
    booking: booking::Model,
    account: account::Model,
    opportunity: Option<opportunity::Model>,
}

async fn load_for_change(viewer: &Viewer, tx: &Transaction<'_>, path: &[&str], id: &ID) -> Result<Found> {
    let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no booking with this id.");
    let id = BookingId::parse(id).map_err(|_| not_found())?;
    let select = viewer.rows::<booking::Entity>(booking::Column::AccountId).filter(booking::Column::Id.eq(id));
    let booking = select.lock_exclusive().one(tx).await?.ok_or_else(not_found)?;
    let account = viewer.account(tx, booking.account_id, false).await?.ok_or_else(not_found)?;
    let opportunity = match booking.opportunity_id {
        Some(id) => {
            let own = opportunity::Entity::of(viewer.organization.id).filter(opportunity::Column::Id.eq(id));
            own.one(tx).await?
        }
        None => None,
    };
    if may_write(viewer, &account, opportunity.as_ref()) {
        Ok(Found { booking, account, opportunity })
    } else {
        Err(Error::refused(UserErrorCode::Forbidden, path, WRITE_FORBIDDEN))
    }
}

/// Resolves `Mutation.updateBooking`.
pub async fn update(ctx: &RequestContext, input: UpdateBookingInput) -> Result<BookingPayload> {
    let UpdateBookingInput { id, amount, booked_on, description, opportunity_id, seller_id, if_version } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let Found { booking: before, account, opportunity } =
        load_for_change(viewer, &write.tx, &["input", "id"], &id).await?;
    check.version(if_version, before.version);
    let mut after = before.clone();
    apply(&mut check, viewer, &mut after, amount, booked_on, &description);
    if after.booked_on != before.booked_on {
        check_day(ctx, viewer, &mut check, after.booked_on);
    }
    let opportunity = match &opportunity_id {
        MaybeUndefined::Undefined => opportunity,
        MaybeUndefined::Value(id)
            if OpportunityId::parse(id).ok().is_some_and(|id| before.opportunity_id == Some(id)) =>
        {
            opportunity
        }
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(id) => {
            let found = of_account(viewer, &write.tx, &mut check, "opportunityId", id, account.id).await?;
            check_opportunity(&mut check, found.as_ref());
            found
        }
    };
    after.opportunity_id = opportunity.as_ref().map(|opportunity| opportunity.id);
    if check.is_clean() && !may_write(viewer, &account, opportunity.as_ref()) {
        check.fault(UserErrorCode::Forbidden, "opportunityId", WRITE_FORBIDDEN);
    }
    match &seller_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "sellerId", "A booking must have a seller."),
        MaybeUndefined::Value(id) => {
            if let Some(seller) = member(viewer, &write.tx, &mut check, "sellerId", id).await? {
                after.seller_id = seller;
            }
        }
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    look_at_goals(&mut write, viewer, &[&before, &after], &[after.id]).await?;
    write.commit().await?;
    Ok(BookingPayload::of(after))
}

/// Checks and applies the changes that `updateBooking` and `upsertBookings` have in common.
pub(super) fn apply(
    check: &mut Validator,
    viewer: &Viewer,
    to: &mut booking::Model,
    amount: MaybeUndefined<Decimal>,
    booked_on: MaybeUndefined<Date>,
    description: &MaybeUndefined<String>,
) {
    match amount {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "amount", "This cannot be cleared."),
        MaybeUndefined::Value(given) => {
            to.amount = check.amount("amount", given, viewer.currency, Amounts::NotZero).unwrap_or(to.amount);
        }
    }
    match booked_on {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "bookedOn", "This cannot be cleared."),
        MaybeUndefined::Value(day) => to.booked_on = day.0,
    }
    check.change("description", description, NOTE, &mut to.description);
}

/// Resolves `Mutation.deleteBooking`.
pub async fn delete(ctx: &RequestContext, input: DeleteBookingInput) -> Result<BookingPayload> {
    let (write, booking) = begin_delete(ctx, input).await?;
    write.commit().await?;
    Ok(BookingPayload::of(booking))
}

/// Deletes a booking, and returns it with the change, which is to be committed.
///
/// # Errors
/// As `Mutation.deleteBooking`.
pub async fn begin_delete(ctx: &RequestContext, input: DeleteBookingInput) -> Result<(Write<'_>, booking::Model)> {
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let Found { booking, .. } = load_for_change(viewer, &write.tx, &["input", "id"], &input.id).await?;
    check.version(input.if_version, booking.version);
    check.finish()?;
    write.remove(&booking).await?;
    look_at_goals(&mut write, viewer, &[&booking], &[]).await?;
    Ok((write, booking))
}
