//! Touches: what of a system's activities was contact with a client, or is to be.

use chrono::{DateTime, Utc};
use entity::Instant;

use super::{Lights, Prepared, Reader, maybe};
use crate::import::{
    bind::Binding,
    map::meaning,
    presets::Field,
    read::Record,
    sink::{AccountRef, ExternalIdInput, MaybeUndefined, TouchDirection, TouchKind, TouchRow, TouchStatus, ValueKind},
    values,
};

const STATUSES: &[(&str, TouchStatus)] = &[
    ("COMPLETED", TouchStatus::Completed),
    ("Done", TouchStatus::Completed),
    ("Held", TouchStatus::Completed),
    ("Closed", TouchStatus::Completed),
    ("true", TouchStatus::Completed),
    ("1", TouchStatus::Completed),
    ("SCHEDULED", TouchStatus::Scheduled),
    ("MISSED", TouchStatus::Scheduled),
    ("Planned", TouchStatus::Scheduled),
    ("Not Started", TouchStatus::Scheduled),
    ("In Progress", TouchStatus::Scheduled),
    ("Waiting on someone else", TouchStatus::Scheduled),
    ("Waiting for Input", TouchStatus::Scheduled),
    ("Deferred", TouchStatus::Scheduled),
    ("Open", TouchStatus::Scheduled),
    ("To do", TouchStatus::Scheduled),
    ("false", TouchStatus::Scheduled),
    ("0", TouchStatus::Scheduled),
    ("CANCELED", TouchStatus::Canceled),
    ("Cancelled", TouchStatus::Canceled),
    ("Not Held", TouchStatus::Canceled),
];

const DIRECTIONS: &[(&str, TouchDirection)] =
    &[("OUTBOUND", TouchDirection::Outbound), ("INBOUND", TouchDirection::Inbound)];

const VALUES: &[(&str, ValueKind)] = &[
    ("IDEA", ValueKind::Idea),
    ("INSIGHT", ValueKind::Insight),
    ("CONTENT", ValueKind::Content),
    ("INTRODUCTION", ValueKind::Introduction),
    ("HELP", ValueKind::Help),
];

/// Reads a touch. Its key is its id, else all of its cells.
#[must_use]
pub fn touch(lights: &Lights, binding: &Binding, file: usize, record: &Record) -> Prepared<TouchRow> {
    let mut reader = Reader::new(lights, binding, record);
    let external_id = reader.external_id(Field::Id).unwrap_or_else(|| reader.id_of_cells());
    let subject = subject(&mut reader);
    let recorded_at = reader.moment(Field::RecordedAt).map(|moment| moment.instant(lights.ground.time_zone));
    let at = at(&mut reader, recorded_at);
    let status = status(&mut reader, at, lights.ground.now);
    let seconds = reader.whole(Field::DurationSeconds).take().map(|seconds| seconds.saturating_add(30) / 60);
    let duration_minutes = match reader.whole(Field::DurationMinutes) {
        MaybeUndefined::Undefined => maybe(seconds.filter(|minutes| *minutes > 0)),
        minutes => minutes,
    };
    let row = TouchRow {
        account: subject.account,
        contacts: several(subject.contacts),
        contact_emails: several(list(&reader, Field::ContactEmails)),
        opportunity: maybe(subject.opportunity),
        user_email: reader.owner(),
        kind: kind(&mut reader),
        status,
        direction: reader.word(Field::Direction, DIRECTIONS),
        at: maybe(at.map(shown)),
        duration_minutes,
        subject: reader.text(Field::Subject),
        notes: reader.text(Field::Notes),
        responded: reader.yes(Field::Responded),
        value: reader.word(Field::Value, VALUES),
        value_acknowledged: reader.yes(Field::ValueAcknowledged),
        recorded_at: maybe(recorded_at.map(shown)),
        external_id,
    };
    let key = Some(row.external_id.id.clone());
    reader.finish(file, key, None, Some(row))
}

/// As the rows have it.
fn shown(at: DateTime<Utc>) -> crate::import::sink::DateTime {
    crate::import::sink::DateTime(Instant::from(at))
}

/// Whom and what a touch is about.
struct Subject {
    account: MaybeUndefined<AccountRef>,
    contacts: Vec<ExternalIdInput>,
    opportunity: Option<ExternalIdInput>,
}

/// Salesforce's Who is a contact or a lead, its What anything: the first three characters of an id say which.
fn subject(reader: &mut Reader) -> Subject {
    let mut contacts: Vec<_> = list(reader, Field::ContactIds).iter().map(|id| reader.external(id)).collect();
    let mut opportunity = reader.external_id(Field::OpportunityId);
    let mut from_what = None;
    if let Some(who) = reader.external_id(Field::WhoId) {
        if who.id.starts_with("00Q") {
            // Without the lead's id: the report counts rows by what is wrong with them.
            reader.fault("INVALID", Field::WhoId.name(), "is about a lead; leads are not imported".to_owned());
        } else {
            contacts.push(who);
        }
    }
    if let Some(what) = reader.external_id(Field::WhatId) {
        match what.id.get(..3) {
            Some("001") => from_what = Some(AccountRef::ExternalId(what)),
            Some("006") => opportunity = Some(what),
            _ => {
                reader.notes.push(format!("is also about {}, which is neither an account nor an opportunity", what.id));
            }
        }
    }
    let names_one =
        [Field::AccountId, Field::AccountDomain, Field::AccountName].iter().any(|field| reader.cell(*field).is_some());
    let account = match from_what.filter(|_| !names_one) {
        Some(account) => MaybeUndefined::Value(account),
        None => reader.account_or_default(),
    };
    Subject { account, contacts, opportunity }
}

fn list(reader: &Reader, field: Field) -> Vec<String> {
    let cell = reader.raw(field).unwrap_or_default();
    cell.split(';').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn several<T>(items: Vec<T>) -> MaybeUndefined<Vec<T>> {
    if items.is_empty() { MaybeUndefined::Undefined } else { MaybeUndefined::Value(items) }
}

/// When it is to start, or did; when it was recorded, where nothing else is said.
fn at(reader: &mut Reader, recorded_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let zone = reader.lights.ground.time_zone;
    let at = if let (Some((column, _)), Some(time)) = (reader.cell(Field::At), reader.raw(Field::AtTime)) {
        let order = reader.binding.order(column);
        reader.read(Field::At, |day| values::moment(&format!("{day} {time}"), order)).take()
    } else {
        reader.moment(Field::At)
    };
    if at.is_none() && reader.cell(Field::At).is_none() && recorded_at.is_none() {
        reader.fault("REQUIRED", Field::At.name(), "has no date".to_owned());
    }
    at.map(|moment| moment.instant(zone)).or(recorded_at)
}

/// Made or to come: as the system says, else by the clock.
fn status(reader: &mut Reader, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> MaybeUndefined<TouchStatus> {
    if reader.cell(Field::Status).is_some() {
        return reader.word(Field::Status, STATUSES);
    }
    maybe(at.map(|at| if at > now { TouchStatus::Scheduled } else { TouchStatus::Completed }))
}

/// The kind; work without the client is a fault, and what is unknown becomes OTHER, with a note.
fn kind(reader: &mut Reader) -> MaybeUndefined<TouchKind> {
    let Some(cell) = reader.raw(Field::Kind) else {
        return MaybeUndefined::Value(TouchKind::Other);
    };
    match meaning(cell, &reader.lights.mapping.touch_kinds) {
        Some(Some(kind)) => MaybeUndefined::Value(kind),
        Some(None) => {
            let message = format!("“{cell}” is work of our own, not contact with the client");
            reader.fault("INVALID", Field::Kind.name(), message);
            MaybeUndefined::Undefined
        }
        None => {
            reader.notes.push(format!("“{cell}” is taken as OTHER"));
            MaybeUndefined::Value(TouchKind::Other)
        }
    }
}
