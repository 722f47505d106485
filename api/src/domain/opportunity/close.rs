//! How opportunities end: won, lost, or deleted as if they had never been.

use async_graphql::{ID, InputObject};
use entity::opportunity::Stage as Stored;
use entity::{Day, booking, opportunity};

use super::write::move_to;
use super::{BOOKED, OpportunityPayload, booked, check_days, is_closed, release_touches, to_change};
use crate::context::{RequestContext, Viewer};
use crate::domain::booking::Booking;
use crate::domain::booking::write::look_at_goals;
use crate::domain::plan;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal};
use crate::values::calendar;
use crate::write::Write;
use crate::write::validator::{Amounts, NOTE, Validator};

/// Winning an opportunity.
#[derive(Clone, Debug, InputObject)]
pub struct WinOpportunityInput {
    /// Which one; it is open.
    pub id: ID,
    /// The day on which it was won, not before openedOn and not to come; today where none is given.
    pub closed_on: Option<Date>,
    /// What it brings in, in place of the present amount: 0 or more.
    pub amount: Option<Decimal>,
    /// Records a booking of the amount on that day, with the opportunity's owner as its seller and its name as the
    /// description. Takes an amount above 0.
    #[graphql(default_with = "Some(true)")]
    pub book: Option<bool>,
}

/// Losing an opportunity.
#[derive(Clone, Debug, InputObject)]
pub struct LoseOpportunityInput {
    /// Which one; it is open, and no booking hangs on it.
    pub id: ID,
    /// The day on which it was lost, not before openedOn and not to come; today where none is given.
    pub closed_on: Option<Date>,
    /// Why: up to 20,000 characters.
    pub reason: Option<String>,
}

/// Arguments of `winOpportunity`.
#[derive(Clone, Debug, InputObject)]
pub struct WinOpportunity {
    /// Which, when, and how much.
    pub input: WinOpportunityInput,
}

/// Arguments of `loseOpportunity`.
#[derive(Clone, Debug, InputObject)]
pub struct LoseOpportunity {
    /// Which, when, and why.
    pub input: LoseOpportunityInput,
}

/// Arguments of `deleteOpportunity`.
#[derive(Clone, Debug, InputObject)]
pub struct OneOpportunity {
    /// Which one.
    pub id: ID,
}

/// `winOpportunity`.
pub async fn win(ctx: &RequestContext, arguments: WinOpportunity) -> Result<OpportunityPayload> {
    let WinOpportunityInput { id, closed_on, amount, book } = arguments.input;
    let viewer = ctx.viewer()?;
    let book = book.unwrap_or(true);
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = to_change(viewer, &write.tx, &["input", "id"], &id).await?;
    still_open(&before)?;
    let mut after = closed(ctx, viewer, &mut check, &before, Stored::Won, closed_on);
    if let Some(amount) = amount {
        after.amount = check.amount("amount", amount, viewer.currency, Amounts::NotNegative).or(after.amount);
    }
    if book && check.is_clean() {
        match after.amount {
            None => {
                check.fault(UserErrorCode::Required, "amount", "There is no amount to book: give one, or book: false.");
            }
            Some(0) => check.invalid("amount", "A booking is never 0: give another amount, or book: false."),
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

/// The booking of an opportunity that was won.
fn booking_of(
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

/// `loseOpportunity`.
pub async fn lose(ctx: &RequestContext, arguments: LoseOpportunity) -> Result<OpportunityPayload> {
    let LoseOpportunityInput { id, closed_on, reason } = arguments.input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = to_change(viewer, &write.tx, &["input", "id"], &id).await?;
    still_open(&before)?;
    unbooked(&write, viewer, &["input", "id"], &before).await?;
    let mut after = closed(ctx, viewer, &mut check, &before, Stored::Lost, closed_on);
    after.loss_reason = check.optional("reason", reason.as_deref(), NOTE);
    check.finish()?;
    let after = write.change(&before, after).await?;
    write.rename_last_event("lost");
    write.commit().await?;
    Ok(OpportunityPayload::of(after))
}

/// `deleteOpportunity`: as if it had never been. Touches that were about it stay, without it.
pub async fn delete(ctx: &RequestContext, arguments: OneOpportunity) -> Result<OpportunityPayload> {
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    let (row, _) = to_change(viewer, &write.tx, &["id"], &arguments.id).await?;
    unbooked(&write, viewer, &["id"], &row).await?;
    release_touches(&mut write, &[row.id]).await?;
    plan::moved::release_opportunities(&mut write, &[row.account_id], &[row.id]).await?;
    write.remove(&row).await?;
    write.commit().await?;
    Ok(OpportunityPayload::of(row))
}

fn still_open(row: &opportunity::Model) -> Result<()> {
    if !is_closed(row.stage) {
        return Ok(());
    }
    let day = row.closed_on.map(|day| format!(" on {day}")).unwrap_or_default();
    let how = if row.stage == Stored::Won { "won" } else { "lost" };
    let message = format!("It was {how}{day} already: updateOpportunity with another stage opens it again.");
    Err(Error::refused(UserErrorCode::Conflict, &["input", "id"], message))
}

async fn unbooked(write: &Write<'_>, viewer: &Viewer, path: &[&str], row: &opportunity::Model) -> Result<()> {
    if booked(&write.tx, viewer, vec![row.id]).await?.is_empty() {
        return Ok(());
    }
    Err(Error::refused(UserErrorCode::Conflict, path, BOOKED))
}

/// The opportunity as it is once closed, the day checked.
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
        check.invalid("closedOn", format!("closedOn ({day}) is still to come: today is {latest}."));
    }
    after.closed_on = Some(day);
    check_days(check, "closedOn", &after);
    after
}

/// Today where the organization is, and the latest day that is today there or where the caller is.
fn days(ctx: &RequestContext, viewer: &Viewer) -> (Day, Day) {
    let here = viewer.day(ctx.now);
    let there = calendar::zone(&viewer.user.time_zone).map_or(here, |zone| calendar::day_of(ctx.now, zone));
    (here, here.max(there))
}
