//! Touches: those activities of a system that are contact with a client.

use chrono::{DateTime, Utc};
use entity::Instant;

use super::{Prepared, ReadContext, Reader, maybe};
use crate::import::{
    bind::Binding,
    map::meaning,
    presets::Field,
    read::Record,
    target::{
        AccountRef, ExternalIdInput, MaybeUndefined, TouchDirection, TouchKind, TouchRow, TouchStatus, UserErrorCode,
        ValueKind,
    },
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

const MINUTES: &[&str] = &["m", "min", "mins", "minute", "minutes"];
const SECONDS: &[&str] = &["s", "sec", "secs", "second", "seconds"];

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
pub fn touch(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<TouchRow> {
    let mut reader = Reader::new(context, binding, record);
    let external_id = reader.external_id(Field::Id).unwrap_or_else(|| reader.id_of_cells());
    let subject = subject(&mut reader);
    let recorded_at = reader.moment(Field::RecordedAt).map(|moment| moment.instant(context.settings.time_zone));
    let at = at(&mut reader, recorded_at);
    let status = status(&mut reader, at, context.settings.now);
    let seconds =
        reader.whole_with(Field::DurationSeconds, SECONDS).take().map(|seconds| seconds.saturating_add(30) / 60);
    let duration_minutes = match reader.whole_with(Field::DurationMinutes, MINUTES) {
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

/// Converts an instant to the scalar of the rows.
fn shown(at: DateTime<Utc>) -> crate::import::target::DateTime {
    crate::import::target::DateTime(Instant::from(at))
}

/// The account, the people and the opportunity of a touch.
struct Subject {
    account: MaybeUndefined<AccountRef>,
    contacts: Vec<ExternalIdInput>,
    opportunity: Option<ExternalIdInput>,
}

/// Reads the account, the people and the opportunity. Salesforce's Who is a contact or a lead and its What any record; the
/// first three characters of an id say which.
fn subject(reader: &mut Reader) -> Subject {
    let mut contacts: Vec<_> = list(reader, Field::ContactIds).iter().map(|id| reader.external(id)).collect();
    let mut opportunity = reader.external_id(Field::OpportunityId);
    let mut from_what = None;
    if let Some(who) = reader.external_id(Field::WhoId) {
        if who.id.starts_with("00Q") {
            // Without the lead's id: the report counts rows by what is wrong with them.
            reader.fault(
                UserErrorCode::Invalid,
                Field::WhoId.name(),
                "is about a lead; leads are not imported".to_owned(),
            );
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
    let mut related = None;
    if let Some(id) = reader.external_id(Field::RelatedId) {
        let known = reader.context.related;
        if known.accounts.contains(&id.id) {
            related = Some(AccountRef::ExternalId(id));
        } else if known.opportunities.contains(&id.id) {
            opportunity = Some(id);
        } else if known.contacts.contains(&id.id) {
            contacts.push(id);
        } else {
            reader.notes.push(format!("is related to {}, which is not known here", id.id));
        }
    }
    let from_what = from_what.or(related);
    let names_one =
        [Field::AccountId, Field::AccountDomain, Field::AccountName].iter().any(|field| reader.cell(*field).is_some());
    let account = match from_what.filter(|_| !names_one) {
        Some(account) => MaybeUndefined::Value(account),
        // The account is then that of the people or of the opportunity.
        None if !(names_one || contacts.is_empty() && opportunity.is_none()) => MaybeUndefined::Undefined,
        None => reader.account_or_default(),
    };
    Subject { account, contacts, opportunity }
}

fn list(reader: &Reader, field: Field) -> Vec<String> {
    let cell = reader.raw(field).unwrap_or_default();
    if field == Field::ContactEmails {
        return super::addresses(cell);
    }
    let associations = reader.context.mapping.habits.associations;
    let parts = cell.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| super::id_in_brackets(part).filter(|_| associations).unwrap_or(part).to_owned()).collect()
}

fn several<T>(items: Vec<T>) -> MaybeUndefined<Vec<T>> {
    if items.is_empty() { MaybeUndefined::Undefined } else { MaybeUndefined::Value(items) }
}

/// Reads the time at which it starts; the time at which it was recorded where the row has no other.
fn at(reader: &mut Reader, recorded_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let zone = reader.context.settings.time_zone;
    let at = if let (Some((column, _)), Some(time)) = (reader.cell(Field::At), reader.raw(Field::AtTime)) {
        let format = reader.binding.dates(column);
        reader.read(Field::At, |day| values::moment(&format!("{day} {time}"), format)).take()
    } else {
        reader.moment(Field::At)
    };
    if at.is_none() && reader.cell(Field::At).is_none() && recorded_at.is_none() {
        reader.fault(UserErrorCode::Required, Field::At.name(), "has no date".to_owned());
    }
    at.map(|moment| moment.instant(zone)).or(recorded_at)
}

/// Reads the status; where the file has none, the clock decides for a new touch.
fn status(reader: &mut Reader, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> MaybeUndefined<TouchStatus> {
    if reader.cell(Field::Status).is_some() {
        return reader.word(Field::Status, STATUSES);
    }
    reader.hints.guesses.push("status");
    maybe(at.map(|at| if at > now { TouchStatus::Scheduled } else { TouchStatus::Completed }))
}

/// Reads the kind. Work without the client is a fault; an unknown kind makes a new touch OTHER, with a note.
fn kind(reader: &mut Reader) -> MaybeUndefined<TouchKind> {
    let Some(cell) = reader.raw(Field::Kind) else {
        reader.hints.guesses.push("kind");
        return MaybeUndefined::Value(TouchKind::Other);
    };
    match meaning(cell, &reader.context.mapping.touch_kinds) {
        Some(Some(kind)) => MaybeUndefined::Value(kind),
        Some(None) => {
            let message = format!("“{cell}” is work of our own, not contact with the client");
            reader.fault(UserErrorCode::Invalid, Field::Kind.name(), message);
            MaybeUndefined::Undefined
        }
        None => {
            reader.hints.guesses.push("kind");
            reader.notes.push(format!("“{cell}” is taken as OTHER"));
            MaybeUndefined::Value(TouchKind::Other)
        }
    }
}
