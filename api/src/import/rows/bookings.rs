//! Bookings.

use super::{Prepared, ReadContext, Reader, given, id_or_cells};
use crate::import::{
    bind::Binding,
    presets::Field,
    read::Record,
    target::{BookingRowInput, MaybeUndefined},
};

/// Reads a booking. Its key is its id, else all of its cells.
#[must_use]
pub fn booking(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<BookingRowInput> {
    let mut reader = Reader::new(context, binding, record);
    let external_id = reader.external(&id_or_cells(context.mapping, binding, record));
    let key = Some(external_id.id.clone());
    let row = BookingRowInput {
        account: reader.account_or_default(),
        amount: reader.amount(Field::Amount),
        booked_on: reader.day(Field::BookedOn),
        description: reader.text(Field::Description),
        opportunity_external_id: given(reader.external_id(Field::OpportunityId)),
        seller_email: reader.owner(),
        external_id: MaybeUndefined::Value(external_id),
        ..BookingRowInput::default()
    };
    reader.finish(file, key, Some(row))
}
