//! Bookings of won opportunities: each win is booked once, by a person or by an import, and a booking that an import made goes when
//! its opportunity is no longer won.

use std::collections::HashMap;

use entity::{OpportunityId, Scoped, booking, opportunity};
use sea_orm::QueryFilter as _;

use super::records::{self, Given, RecordKey, Recorded as _, RowPlan};
use super::target::{BookingRowInput, Date, Decimal, ExternalIdInput, MaybeUndefined, OpportunityRowInput, Stage};
use crate::context::RequestContext;
use crate::error::Result;
use database::columns::is_any_of;

/// Returns the bookings of opportunities.
async fn bookings_of(
    context: &RequestContext,
    ids: Vec<OpportunityId>,
) -> Result<HashMap<OpportunityId, Vec<booking::Model>>> {
    let mut found: HashMap<OpportunityId, Vec<booking::Model>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let rows = booking::Entity::of(context.viewer()?.organization.id)
        .filter(is_any_of(context.reader(), booking::Column::OpportunityId, ids))
        .all(context.reader())
        .await?;
    for row in rows {
        if let Some(id) = row.opportunity_id {
            found.entry(id).or_default().push(row);
        }
    }
    Ok(found)
}

fn is_of(booking: &booking::Model, key: &RecordKey) -> bool {
    crate::write::external_ids::read(&booking.external_ids).contains(key)
}

/// Takes back the bookings that an import made of opportunities that their source no longer has as won. Where a booking
/// was made or changed by hand, the opportunity stays won instead.
///
/// # Errors
/// The database's.
pub async fn take_back(
    context: &RequestContext,
    rows: &mut [OpportunityRowInput],
    plans: &mut [RowPlan<opportunity::Model>],
    dry_run: bool,
) -> Result<()> {
    let leaves_won = |(row, plan): (&OpportunityRowInput, &RowPlan<opportunity::Model>)| {
        let before = plan.before.as_ref().filter(|before| before.stage == opportunity::Stage::Won)?;
        let leaves = row.stage.value().is_some_and(|stage| *stage != Stage::Won);
        leaves.then_some(before.id)
    };
    let ids: Vec<OpportunityId> = rows.iter().zip(plans.iter()).filter_map(leaves_won).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut bookings = bookings_of(context, ids).await?;
    let keys: Vec<RecordKey> = plans.iter().filter_map(|plan| plan.key.clone()).collect();
    let records = records::records(context, "booking", &keys).await?;
    let mut gone = Vec::new();
    for (row, plan) in rows.iter_mut().zip(plans.iter_mut()) {
        let (Some(before), Some(key)) = (&plan.before, &plan.key) else { continue };
        let Some(booked) = bookings.remove(&before.id) else { continue };
        let untouched = |booking: &booking::Model| {
            let given: Option<&Given> = records.get(key);
            is_of(booking, key) && given.is_some_and(|given| given.is_untouched(&records::values(booking)))
        };
        if !booked.iter().all(untouched) || dry_run {
            let kept = "is won no longer there; it stays WON here, since a booking made or changed here belongs to it";
            let note = if booked.iter().all(untouched) {
                "is won no longer there; its booking would be taken back"
            } else {
                kept
            };
            plan.notes.push(note.to_owned());
            row.stage = MaybeUndefined::Undefined;
            row.closed_on = MaybeUndefined::Undefined;
            row.probability = MaybeUndefined::Undefined;
            row.loss_reason = MaybeUndefined::Undefined;
            continue;
        }
        for booking in booked {
            plan.notes.push(format!("is won no longer there; its booking of {} was taken back", booking.booked_on));
            gone.push(booking);
        }
    }
    for booking in &gone {
        let write = BookingRowInput::remove(context, booking).await?;
        records::forget(&write, vec![booking.id.0]).await?;
        write.commit().await?;
    }
    Ok(())
}

/// The booking of a won opportunity, or the reason why it gets none.
pub enum WonBooking {
    /// The booking, under the opportunity's own id.
    Row(Box<BookingRowInput>),
    /// The opportunity has no amount.
    Worthless,
    /// The opportunity was booked by hand, or is not won here.
    Elsewhere(&'static str),
}

/// Returns the bookings of rows that are won, in the rows' order; None for the others.
///
/// # Errors
/// The database's.
pub async fn of_won(
    context: &RequestContext,
    rows: &[&OpportunityRowInput],
    dry_run: bool,
) -> Result<Vec<Option<WonBooking>>> {
    let won: Vec<&&OpportunityRowInput> =
        rows.iter().filter(|row| row.stage == MaybeUndefined::Value(Stage::Won)).collect();
    let key_of = |row: &OpportunityRowInput| crate::write::external_ids::key(row.external_id.value()?);
    let keys: Vec<RecordKey> = won.iter().filter_map(|row| key_of(row)).collect();
    let present = OpportunityRowInput::find(context, &keys).await?;
    let bookings = bookings_of(context, present.values().map(|row| row.id).collect()).await?;
    let currency = context.viewer()?.currency;
    let decide = |row: &OpportunityRowInput| {
        let key = key_of(row)?;
        let here = present.get(&key);
        let (amount, closed_on) = match here {
            Some(here) if here.stage == opportunity::Stage::Won => {
                let amount = here.amount.map(|minor| rust_decimal::Decimal::new(minor, currency.decimals));
                (amount, here.closed_on.map(|day| MaybeUndefined::Value(Date(day))))
            }
            Some(_) if !dry_run => return Some(WonBooking::Elsewhere("it is not won here")),
            _ => (row.amount.value().map(|amount| amount.0), Some(row.closed_on)),
        };
        let by_hand = here
            .and_then(|here| bookings.get(&here.id))
            .is_some_and(|booked| booked.iter().any(|booking| !is_of(booking, &key)));
        if by_hand {
            return Some(WonBooking::Elsewhere("it was booked here already"));
        }
        let Some(amount) = amount.filter(|amount| !amount.is_zero()) else { return Some(WonBooking::Worthless) };
        let external_id = ExternalIdInput { source: key.0, id: key.1 };
        Some(WonBooking::Row(Box::new(BookingRowInput {
            external_id: MaybeUndefined::Value(external_id.clone()),
            account: if here.is_some() { MaybeUndefined::Undefined } else { row.account.clone() },
            amount: MaybeUndefined::Value(Decimal(amount)),
            booked_on: closed_on.unwrap_or(row.closed_on),
            description: row.name.clone(),
            opportunity_external_id: MaybeUndefined::Value(external_id),
            seller_email: row.owner_email.clone(),
            ..BookingRowInput::default()
        })))
    };
    Ok(rows.iter().map(|row| if row.stage == MaybeUndefined::Value(Stage::Won) { decide(row) } else { None }).collect())
}
