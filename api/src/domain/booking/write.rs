//! Recording bookings, changing and deleting them.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{AccountId, BookingId, Day, Id, OpportunityId, Scoped, UserId, account, booking, opportunity, user};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{BookingPayload, LOST, NOT_TO_WRITE, is_lost, may_write};
use crate::context::{RequestContext, Viewer};
use crate::domain::goal::reached::after_bookings;
use crate::domain::opportunity::{ARCHIVED, of_account};
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal};
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{Amounts, NOTE, Validator, same_version};
use database::transaction::Transaction;

/// A new booking.
#[derive(Clone, Debug, InputObject)]
pub struct RecordBookingInput {
    /// Whose money it is; not archived.
    pub account_id: ID,
    /// How much: negative for a credit note, never 0.
    pub amount: Decimal,
    /// The day that it counts on; any, past or to come.
    pub booked_on: Date,
    /// What for: up to 20,000 characters.
    pub description: Option<String>,
    /// The opportunity that it came of: of the same account, and not lost.
    pub opportunity_id: Option<ID>,
    /// Whose sale it was; the opportunity's owner where none is given, else the account's.
    pub seller_id: Option<ID>,
    /// Other systems' names for it: at most one of each source, 20 in all.
    pub external_ids: Option<Vec<ExternalIdInput>>,
}

/// A change of a booking. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateBookingInput {
    /// Which one.
    pub id: ID,
    /// How much: negative for a credit note, never 0.
    pub amount: MaybeUndefined<Decimal>,
    /// The day that it counts on; any, past or to come.
    pub booked_on: MaybeUndefined<Date>,
    /// What for: up to 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// The opportunity that it came of: of the same account, and not lost.
    pub opportunity_id: MaybeUndefined<ID>,
    /// Whose sale it was.
    pub seller_id: MaybeUndefined<ID>,
    /// Refuses the change with STALE_VERSION where the booking is at another version.
    pub if_version: Option<i32>,
}

/// Arguments of `recordBooking`.
#[derive(Clone, Debug, InputObject)]
pub struct RecordBooking {
    /// The new booking.
    pub input: RecordBookingInput,
}

/// Arguments of `updateBooking`.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateBooking {
    /// The change.
    pub input: UpdateBookingInput,
}

/// Arguments of `deleteBooking`.
#[derive(Clone, Debug, InputObject)]
pub struct OneBooking {
    /// Which one.
    pub id: ID,
}

/// A booking with nothing in it yet.
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

/// Tells the feed where goals are reached, or no longer, now that these bookings are (or were) there.
///
/// # Errors
/// The database's.
pub(crate) async fn look_at_goals(
    write: &mut Write<'_>,
    viewer: &Viewer,
    bookings: &[&booking::Model],
    written: &[BookingId],
) -> Result<()> {
    let touched: Vec<(AccountId, Day)> = bookings.iter().map(|row| (row.account_id, row.booked_on)).collect();
    after_bookings(write, &viewer.organization, &touched, written).await
}

/// `recordBooking`.
pub async fn record(ctx: &RequestContext, arguments: RecordBooking) -> Result<BookingPayload> {
    let RecordBookingInput { account_id, amount, booked_on, description, opportunity_id, seller_id, external_ids } =
        arguments.input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = viewer.account_for(&write.tx, &mut check, "accountId", &account_id).await?;
    let mut row = blank(ctx, viewer, AccountId(Uuid::nil()), viewer.user.id, booked_on.0);
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
            check.fault(UserErrorCode::Forbidden, "accountId", NOT_TO_WRITE);
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
        check.fault(UserErrorCode::Conflict, "opportunityId", LOST);
    }
}

/// A member by their id, whether still active or not: who sold something did so, even where they have left since.
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

/// What an input names to be changed: the booking, locked, with its account and its opportunity.
struct Found {
    booking: booking::Model,
    account: account::Model,
    opportunity: Option<opportunity::Model>,
}

async fn to_change(viewer: &Viewer, tx: &Transaction<'_>, path: &[&str], id: &ID) -> Result<Found> {
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
        Err(Error::refused(UserErrorCode::Forbidden, path, NOT_TO_WRITE))
    }
}

/// `updateBooking`.
pub async fn update(ctx: &RequestContext, arguments: UpdateBooking) -> Result<BookingPayload> {
    let UpdateBookingInput { id, amount, booked_on, description, opportunity_id, seller_id, if_version } =
        arguments.input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let Found { booking: before, account, opportunity } = to_change(viewer, &write.tx, &["input", "id"], &id).await?;
    same_version(if_version, before.version)?;
    let mut after = before.clone();
    apply(&mut check, viewer, &mut after, amount, booked_on, &description);
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
        check.fault(UserErrorCode::Forbidden, "opportunityId", NOT_TO_WRITE);
    }
    match &seller_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "sellerId", "Every booking has a seller."),
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

/// Makes the changes that an input and a row of an upsert have alike, checked one by one.
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

/// `deleteBooking`.
pub async fn delete(ctx: &RequestContext, arguments: OneBooking) -> Result<BookingPayload> {
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    let Found { booking, .. } = to_change(viewer, &write.tx, &["id"], &arguments.id).await?;
    write.remove(&booking).await?;
    look_at_goals(&mut write, viewer, &[&booking], &[]).await?;
    write.commit().await?;
    Ok(BookingPayload::of(booking))
}
