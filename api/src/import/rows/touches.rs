//! Touches: those activities of a system that are contact with a client.

use chrono::{DateTime, Utc};
use entity::{AccountId, Instant};

use super::{Prepared, ReadContext, Reader, given, id_or_cells, only};
use crate::import::{
    bind::Binding,
    map::meaning,
    nearby::{Handle, KnownRow},
    presets::Field,
    read::Record,
    target::{
        AccountRefInput, ExternalIdInput, MaybeUndefined, TouchDirection, TouchKind, TouchRowInput, TouchStatus,
        UserErrorCode, ValueKind,
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
pub fn touch(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<TouchRowInput> {
    let mut reader = Reader::new(context, binding, record);
    let external_id = reader.external(&id_or_cells(context.mapping, binding, record));
    let subject = subject(&mut reader);
    let recorded_at = reader.moment(Field::RecordedAt).map(|moment| moment.instant(context.settings.time_zone));
    let at = at(&mut reader, recorded_at);
    let status = status(&mut reader, at, context.settings.now);
    let seconds =
        reader.whole_with(Field::DurationSeconds, SECONDS).take().map(|seconds| seconds.saturating_add(30) / 60);
    let duration_minutes = match reader.whole_with(Field::DurationMinutes, MINUTES) {
        MaybeUndefined::Undefined => given(seconds.filter(|minutes| *minutes > 0)),
        minutes => minutes,
    };
    let key = Some(external_id.id.clone());
    let row = TouchRowInput {
        account: subject.account,
        contacts: several(subject.contacts),
        contact_emails: several(subject.emails),
        opportunity: given(subject.opportunity),
        user_email: reader.owner(),
        kind: kind(&mut reader),
        status,
        direction: reader.word(Field::Direction, DIRECTIONS),
        at: given(at.map(shown)),
        duration_minutes,
        subject: reader.text(Field::Subject),
        notes: reader.text(Field::Notes),
        responded: reader.yes(Field::Responded),
        value: reader.word(Field::Value, VALUES),
        value_acknowledged: reader.yes(Field::ValueAcknowledged),
        recorded_at: given(recorded_at.map(shown)),
        external_id: MaybeUndefined::Value(external_id),
        ..TouchRowInput::default()
    };
    reader.finish(file, key, Some(row))
}

/// Converts an instant to the scalar of the rows.
fn shown(at: DateTime<Utc>) -> crate::import::target::DateTime {
    crate::import::target::DateTime(Instant::from(at))
}

/// The account, the people and the opportunity of a touch.
#[derive(Default)]
struct Subject {
    account: MaybeUndefined<AccountRefInput>,
    contacts: Vec<ExternalIdInput>,
    emails: Vec<String>,
    opportunity: Option<ExternalIdInput>,
}

/// Reads the account, the people and the opportunity. Salesforce's Who is a contact or a lead and its What any record; the
/// first three characters of an id say which.
fn subject(reader: &mut Reader) -> Subject {
    let associations = reader.context.mapping.habits.associations;
    let ids = super::list(reader.raw(Field::ContactIds).unwrap_or_default(), associations);
    let mut subject = Subject {
        contacts: ids.iter().map(|id| reader.external(id)).collect(),
        emails: super::addresses(reader.raw(Field::ContactEmails).unwrap_or_default()),
        opportunity: opportunity_id(reader),
        ..Subject::default()
    };
    let mut found = None;
    if let Some(who) = reader.external_id(Field::WhoId) {
        if who.id.starts_with("00Q") {
            // Without the lead's id: the report counts rows by what is wrong with them.
            reader.fault(
                UserErrorCode::Invalid,
                Field::WhoId.name(),
                "is about a lead; leads are not imported".to_owned(),
            );
        } else {
            subject.contacts.push(who);
        }
    }
    if let Some(what) = reader.external_id(Field::WhatId) {
        match what.id.get(..3) {
            Some("001") => found = Some(AccountRefInput::ExternalId(what)),
            Some("006") => subject.opportunity = Some(what),
            _ => {
                reader.notes.push(format!("is also about {}, which is neither an account nor an opportunity", what.id));
            }
        }
    }
    let names_one =
        [Field::AccountId, Field::AccountDomain, Field::AccountName].iter().any(|field| reader.cell(*field).is_some());
    let faults = reader.faults.len();
    let related = related(reader, &mut subject);
    found = found.or(related);
    let by_name = named(reader, &mut subject, names_one || found.is_some());
    found = found.or(by_name);
    let has_subject = !subject.contacts.is_empty() || subject.opportunity.is_some();
    subject.account = match found.filter(|_| !names_one) {
        Some(account) => MaybeUndefined::Value(account),
        // The account is then that of the people or of the opportunity.
        None if !names_one && (has_subject || reader.faults.len() > faults) => MaybeUndefined::Undefined,
        None => reader.account_or_default(),
    };
    subject
}

/// Returns the id of the opportunity. HubSpot writes `Name (12)`.
fn opportunity_id(reader: &mut Reader) -> Option<ExternalIdInput> {
    let cell = reader.raw(Field::OpportunityId)?;
    let id = reader.associated(cell).unwrap_or_else(|| reader.first_of(cell));
    Some(reader.external(id))
}

/// Reads what a touch belongs to where the file does not say what it is: an account, which is returned, an opportunity or a
/// contact.
fn related(reader: &mut Reader, subject: &mut Subject) -> Option<AccountRefInput> {
    if let Some(id) = reader.external_id(Field::RelatedId) {
        let known = &reader.context.nearby.related;
        if known.accounts.contains(&id.id) {
            return Some(AccountRefInput::ExternalId(id));
        }
        if known.opportunities.contains(&id.id) {
            subject.opportunity = Some(id);
        } else if known.contacts.contains(&id.id) {
            subject.contacts.push(id);
        } else {
            reader.notes.push(format!("is related to {}, which is not known here", id.id));
        }
        return None;
    }
    let name = reader.raw(Field::RelatedName)?;
    let (context, key) = (reader.context, super::folded(name));
    let nearby = context.nearby;
    let found = if nearby.accounts.contains_key(&key) || context.mapping.habits.accounts_by_name {
        context.account_named(name)
    } else {
        let known = match (nearby.opportunities.get(&key), nearby.contacts.get(&key)) {
            (Some(opportunities), None) => only(opportunities, "opportunity", name),
            (None, Some(contacts)) => only(contacts, "contact", name),
            (Some(_), Some(_)) => Err(format!("an opportunity and a contact are called “{name}”")),
            (None, None) => Err(format!("no account, opportunity or contact is called “{name}”")),
        };
        known.map(|known| {
            subject.take(known, nearby.opportunities.contains_key(&key));
            AccountRefInput::Id(entity::Id::show(known.account).into())
        })
    };
    found
        .inspect_err(|reason| {
            let others = [Field::AccountId, Field::AccountDomain, Field::AccountName, Field::ContactIds];
            reader.unknown(Field::RelatedName, reason, others.iter().any(|field| reader.cell(*field).is_some()));
        })
        .ok()
}

impl Subject {
    fn take(&mut self, known: &KnownRow, is_opportunity: bool) {
        match &known.handle {
            Handle::ExternalId(id) if is_opportunity => self.opportunity = Some(id.clone()),
            Handle::ExternalId(id) => self.contacts.push(id.clone()),
            Handle::Email(email) => self.emails.push(email.clone()),
        }
    }
}

/// Finds the opportunity and the people that a touch names without an id, and returns their account. Of several with one
/// name those count that are at the account of the touch.
fn named(reader: &mut Reader, subject: &mut Subject, has_account: bool) -> Option<AccountRefInput> {
    let nearby = reader.context.nearby;
    let at = reader.raw(Field::AccountName).and_then(|name| nearby.accounts.get(&super::folded(name)));
    let mut at: Option<Vec<AccountId>> = at.map(|known| known.iter().map(|account| account.id).collect());
    let mut account = None;
    let opportunity = reader.raw(Field::OpportunityName).filter(|_| subject.opportunity.is_none());
    let people = super::list(reader.raw(Field::ContactNames).unwrap_or_default(), false);
    let people = people.iter().filter(|_| subject.contacts.is_empty() && subject.emails.is_empty());
    let names = opportunity.into_iter().map(|name| (Field::OpportunityName, name));
    let names: Vec<(Field, &str)> = names.chain(people.map(|name| (Field::ContactNames, name.as_str()))).collect();
    for (field, name) in names {
        let is_opportunity = field == Field::OpportunityName;
        let (all, noun) =
            if is_opportunity { (&nearby.opportunities, "opportunity") } else { (&nearby.contacts, "contact") };
        let found = all.get(&super::folded(name)).map(Vec::as_slice).unwrap_or_default();
        let near: Vec<KnownRow> =
            found.iter().filter(|row| at.as_ref().is_none_or(|at| at.contains(&row.account))).cloned().collect();
        match only(&near, noun, name) {
            Ok(known) => {
                subject.take(known, is_opportunity);
                // What else the row names is there too.
                at = Some(vec![known.account]);
                account.get_or_insert(AccountRefInput::Id(entity::Id::show(known.account).into()));
            }
            Err(reason) => reader.unknown(field, &reason, has_account || account.is_some()),
        }
    }
    account
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
    given(at.map(|at| if at > now { TouchStatus::Scheduled } else { TouchStatus::Completed }))
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
