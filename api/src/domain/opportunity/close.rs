//! The mutations that end an opportunity: `winOpportunity`, `loseOpportunity` and `deleteOpportunity`.

use async_graphql::{ID, InputObject};
use entity::opportunity::Stage as Stored;
use entity::{Day, booking, opportunity};

use super::write::move_to;
use super::{HAS_BOOKING, OpportunityPayload, booked, check_days, is_closed, load_for_change, release_touches};
use crate::context::{RequestContext, Viewer};
use crate::domain::booking::Booking;
use crate::domain::booking::write::look_at_goals;
use crate::domain::plan;
use crate::error::{Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::{Date, Decimal};
use crate::values::calendar;
use crate::write::Write;
use crate::write::validator::{Amounts, NOTE, Validator};

/// The outcome of a won opportunity.
#[derive(Clone, Debug, InputObject)]
pub struct WinOpportunityInput {
    /// Id of the opportunity, which must be open.
    pub id: ID,
    /// The day on which it was won: not before openedOn and not in the future. Defaults to today in the organization's
    /// time zone.
    pub closed_on: Option<Date>,
    /// The amount that it brings in, 0 or more; replaces the present amount.
    pub amount: Option<Decimal>,
    /// Whether to record a booking of the amount on that day, with the opportunity's owner as its seller and the
    /// opportunity's name as its description. Requires an amount above 0.
    #[graphql(default_with = "Some(true)")]
    pub book: Option<bool>,
    /// The expected version. The change fails with STALE_VERSION if the opportunity has another version.
    pub if_version: Option<i32>,
}

/// The outcome of a lost opportunity.
#[derive(Clone, Debug, InputObject)]
pub struct LoseOpportunityInput {
    /// Id of the opportunity, which must be open and without a booking.
    pub id: ID,
    /// The day on which it was lost: not before openedOn and not in the future. Defaults to today in the organization's
    /// time zone.
    pub closed_on: Option<Date>,
    /// Why it was lost: at most 20,000 characters.
    pub reason: Option<String>,
    /// The expected version. The change fails with STALE_VERSION if the opportunity has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// An opportunity to delete.
    DeleteOpportunityInput {
        /// The id of the opportunity, which must have no booking.
        id,
        /// The expected version. The change fails with STALE_VERSION if the opportunity has another version.
        if_version
    }
}

/// Resolves `Mutation.winOpportunity`.
pub async fn win(ctx: &RequestContext, input: WinOpportunityInput) -> Result<OpportunityPayload> {
    let WinOpportunityInput { id, closed_on, amount, book, if_version } = input;
    let viewer = ctx.viewer()?;
    let book = book.unwrap_or(true);
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = load_for_change(viewer, &write.tx, &["input", "id"], &id).await?;
    check.version(if_version, before.version);
    require_open(&mut check, &before);
    let mut after = closed(ctx, viewer, &mut check, &before, Stored::Won, closed_on);
    if let Some(amount) = amount {
        after.amount = check.amount("amount", amount, viewer.currency, Amounts::NotNegative).or(after.amount);
    }
    if book && check.is_clean() {
        match after.amount {
            None => {
                check.fault(
                    UserErrorCode::Required,
                    "amount",
                    "There is no amount to book: give an amount, or set book to false.",
                );
            }
            Some(0) => check.invalid("amount", "A booking must not be 0: give another amount, or set book to false."),
            Some(_) => {}
        }
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    write.rename_last_event("won");
    let booking = match (after.amount, after.closed_on) {
        (Some(amount), Some(day)) if book => {
            let row = write.add(booking_of(ctx, viewer, &after, amount, day)).await?;
            look_at_goals(&mut write, viewer, &[&row], &[row.id]).await?;
            Some(Booking(row))
        }
        _ => None,
    };
    write.commit().await?;
    Ok(OpportunityPayload { booking, ..OpportunityPayload::of(after) })
}

/// Returns the booking of an opportunity that was won.
pub(super) fn booking_of(
    ctx: &RequestContext,
    viewer: &Viewer,
    won: &opportunity::Model,
    amount: i64,
    day: Day,
) -> booking::Model {
    booking::Model {
        amount,
        description: Some(won.name.clone()),
        opportunity_id: Some(won.id),
        ..crate::domain::booking::write::blank(ctx, viewer, won.account_id, won.owner_id, day)
    }
}

/// Resolves `Mutation.loseOpportunity`.
pub async fn lose(ctx: &RequestContext, input: LoseOpportunityInput) -> Result<OpportunityPayload> {
    let LoseOpportunityInput { id, closed_on, reason, if_version } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = load_for_change(viewer, &write.tx, &["input", "id"], &id).await?;
    check.version(if_version, before.version);
    require_open(&mut check, &before);
    require_no_booking(&write, viewer, &mut check, &before).await?;
    let mut after = closed(ctx, viewer, &mut check, &before, Stored::Lost, closed_on);
    after.loss_reason = check.optional("reason", reason.as_deref(), NOTE);
    check.finish()?;
    let after = write.change(&before, after).await?;
    write.rename_last_event("lost");
    write.commit().await?;
    Ok(OpportunityPayload::of(after))
}

/// Resolves `Mutation.deleteOpportunity`. The touches of the opportunity are kept, without it.
pub async fn delete(ctx: &RequestContext, input: DeleteOpportunityInput) -> Result<OpportunityPayload> {
    let (write, row) = begin_delete(ctx, input).await?;
    write.commit().await?;
    Ok(OpportunityPayload::of(row))
}

/// Deletes an opportunity, and returns it with the change, which is to be committed.
///
/// # Errors
/// As `Mutation.deleteOpportunity`.
pub async fn begin_delete(
    ctx: &RequestContext,
    input: DeleteOpportunityInput,
) -> Result<(Write<'_>, opportunity::Model)> {
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (row, _) = load_for_change(viewer, &write.tx, &["input", "id"], &input.id).await?;
    check.version(input.if_version, row.version);
    require_no_booking(&write, viewer, &mut check, &row).await?;
    check.finish()?;
    release_touches(&mut write, &[row.id]).await?;
    plan::moved::release_opportunities(&mut write, &[row.account_id], &[row.id]).await?;
    write.remove(&row).await?;
    Ok((write, row))
}

fn require_open(check: &mut Validator, row: &opportunity::Model) {
    if is_closed(row.stage) {
        let day = row.closed_on.map(|day| format!(" on {day}")).unwrap_or_default();
        let how = if row.stage == Stored::Won { "won" } else { "lost" };
        let message = format!("It was already {how}{day}. To reopen it, use updateOpportunity with another stage.");
        check.fault(UserErrorCode::Conflict, "id", message);
    }
}

async fn require_no_booking(
    write: &Write<'_>,
    viewer: &Viewer,
    check: &mut Validator,
    row: &opportunity::Model,
) -> Result<()> {
    if !booked(&write.tx, viewer, vec![row.id]).await?.is_empty() {
        check.fault(UserErrorCode::Conflict, "id", HAS_BOOKING);
    }
    Ok(())
}

/// Returns the opportunity as closed on the given day, after checking the day.
fn closed(
    ctx: &RequestContext,
    viewer: &Viewer,
    check: &mut Validator,
    before: &opportunity::Model,
    stage: Stored,
    day: Option<Date>,
) -> opportunity::Model {
    let (today, latest) = days(ctx, viewer);
    let mut after = before.clone();
    move_to(&mut after, stage);
    let day = day.map_or(today, |day| day.0);
    if day > latest {
        check.invalid("closedOn", format!("closedOn ({day}) is in the future: today is {latest}."));
    }
    after.closed_on = Some(day);
    check_days(check, "closedOn", &after);
    after
}

/// Returns today in the organization's time zone, and the later of that day and today in the caller's time zone.
fn days(ctx: &RequestContext, viewer: &Viewer) -> (Day, Day) {
    let organization = viewer.day(ctx.now);
    let caller = calendar::zone(&viewer.user.time_zone).map_or(organization, |zone| calendar::day_of(ctx.now, zone));
    (organization, organization.max(caller))
}
