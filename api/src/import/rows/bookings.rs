//! Bookings: of a file of their own, and of won opportunities.

use super::{Lights, Prepared, Reader, maybe};
use crate::import::{
    bind::Binding,
    presets::Field,
    read::Record,
    sink::{BookingRow, MaybeUndefined, OpportunityRow, Stage},
};

/// Reads a booking. Its key is its id, else all of its cells.
#[must_use]
pub fn booking(lights: &Lights, binding: &Binding, file: usize, record: &Record) -> Prepared<BookingRow> {
    let mut reader = Reader::new(lights, binding, record);
    let external_id = reader.external_id(Field::Id).unwrap_or_else(|| reader.id_of_cells());
    let row = BookingRow {
        account: reader.account_or_default(),
        amount: reader.amount(Field::Amount),
        booked_on: reader.day(Field::BookedOn),
        description: reader.text(Field::Description),
        opportunity_external_id: maybe(reader.external_id(Field::OpportunityId)),
        seller_email: reader.owner(),
        external_id,
    };
    let key = Some(row.external_id.id.clone());
    reader.finish(file, key, None, Some(row))
}

/// The booking of a won opportunity, under the opportunity's own id. None where nothing was won, or nothing of worth: a
/// booking is never 0.
#[must_use]
pub fn of_won(opportunity: &OpportunityRow) -> Option<BookingRow> {
    let (MaybeUndefined::Value(Stage::Won), MaybeUndefined::Value(amount)) = (&opportunity.stage, &opportunity.amount)
    else {
        return None;
    };
    (!amount.0.is_zero()).then(|| BookingRow {
        external_id: opportunity.external_id.clone(),
        account: opportunity.account.clone(),
        amount: MaybeUndefined::Value(*amount),
        booked_on: opportunity.closed_on,
        description: opportunity.name.clone(),
        opportunity_external_id: MaybeUndefined::Value(opportunity.external_id.clone()),
        seller_email: opportunity.owner_email.clone(),
    })
}
