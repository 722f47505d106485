//! Calendars as touches: events whose people are known contacts. All else is listed with the reason.

pub mod read;
mod zones;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::Instant;

use self::read::{Occurrence, Read};
use super::batch::{BATCH, Pass};
use super::presets::Kind;
use super::read::{Refusal, decoded};
use super::report::Report;
use super::rows::{Prepared, external};
use super::run::{Stop, default_of, progress_bar};
use super::sink::{
    AccountRef, DateTime, KnownContact, MaybeUndefined, Sink, TouchKind, TouchRow, TouchStatus, UserError,
};
use super::{Arguments, map};
use crate::write::validator::{NAME, NOTE};

/// Are the files calendars? All of them, or none.
///
/// # Errors
/// A file that cannot be read; calendars among other files, or for something else than touches.
pub fn calendars(arguments: &Arguments) -> Result<Option<Vec<String>>, Refusal> {
    let ends_so = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|end| end.eq_ignore_ascii_case("ics") || end.eq_ignore_ascii_case("ical"))
    };
    if !arguments.files.iter().any(ends_so) {
        return Ok(None);
    }
    if arguments.kind != Kind::Touches {
        return Err(Refusal("A calendar holds touches: --as touches".to_owned()));
    }
    let mut texts = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let text = decoded(path, arguments.encoding)?;
        if !read::is_calendar(&text) {
            return Err(Refusal(format!("{}: is no calendar, which begins with BEGIN:VCALENDAR", path.display())));
        }
        texts.push(text);
    }
    Ok(Some(texts))
}

/// Imports calendars.
///
/// # Errors
/// [`Stop`]; what was done until then is in the report.
pub async fn import(arguments: &Arguments, texts: Vec<String>, sink: &Sink, report: &mut Report) -> Result<(), Stop> {
    let mut mapping = map::mapping("csv", None, Kind::Touches)?;
    mapping.source.clone_from(&arguments.from);
    let calendars: Vec<Read> =
        texts.iter().map(|text| read::read(text, sink.ground.time_zone, sink.ground.now)).collect();
    let addresses: BTreeSet<&String> =
        calendars.iter().flat_map(|calendar| &calendar.occurrences).flat_map(|one| &one.people).collect();
    let addresses: Vec<String> = addresses.into_iter().cloned().collect();
    let mut known: HashMap<String, Vec<KnownContact>> = HashMap::new();
    for some in addresses.chunks(BATCH) {
        for contact in (sink.contacts_with)(some.to_vec()).await? {
            known.entry(contact.email.clone()).or_default().push(contact);
        }
    }
    let members: BTreeSet<String> = (sink.people)().await?.into_iter().map(|person| person.email).collect();
    let (mut pretended, mut default_account) = (None, None);
    if let Some(name) = &arguments.default_account {
        let (reference, is_there) = default_of(sink, &mapping, name, arguments.dry_run, report).await?;
        pretended = (!is_there).then(|| reference.clone());
        default_account = Some(reference);
    }
    let ground = Ground { sink, known, members, default_account };
    let mut rows = Vec::new();
    for (file, calendar) in calendars.into_iter().enumerate() {
        let name = arguments.files[file].display();
        report.remarks.extend(calendar.remarks.into_iter().map(|remark| format!("{name}: {remark}")));
        rows.extend(calendar.left.into_iter().map(|left| refused(file, left.line, left.why, Vec::new())));
        for occurrence in calendar.occurrences {
            let id = external(&mapping, &occurrence.id);
            rows.push(ground.row(file, id, occurrence));
        }
    }
    let mut pass = Pass {
        report,
        progress: progress_bar(rows.len()),
        dry_run: arguments.dry_run,
        made: std::collections::HashSet::new(),
        pretended,
        settle: &sink.settle,
        sent: 0,
    };
    drop(pass.write(&sink.touches, rows).await?);
    pass.progress.finish_and_clear();
    Ok(())
}

fn refused(file: usize, line: u64, why: String, notes: Vec<String>) -> Prepared<TouchRow> {
    let error = UserError { code: "INVALID".to_owned(), message: why, field: Vec::new() };
    Prepared { file, line, key: None, after: None, row: Err(vec![error]), notes }
}

/// What all occurrences are read by.
struct Ground<'a> {
    sink: &'a Sink,
    known: HashMap<String, Vec<KnownContact>>,
    members: BTreeSet<String>,
    default_account: Option<AccountRef>,
}

impl Ground<'_> {
    fn row(&self, file: usize, id: super::sink::ExternalIdInput, occurrence: Occurrence) -> Prepared<TouchRow> {
        let Occurrence { line, id: _, at, minutes, subject, description, canceled, created, people, mut notes } =
            occurrence;
        let (ours, theirs): (Vec<String>, Vec<String>) =
            people.into_iter().partition(|address| self.members.contains(address));
        let there = self.account_of(&theirs, &mut notes);
        let (account, with) = match (there, &self.default_account) {
            (Some((account, with)), _) => (account, with),
            (None, Some(account)) => (account.clone(), Vec::new()),
            (None, None) if theirs.is_empty() => {
                return refused(file, line, "names nobody but us".to_owned(), notes);
            }
            (None, None) => {
                let who = theirs.join(", ");
                return refused(file, line, format!("nobody who is invited is a known contact: {who}"), notes);
            }
        };
        let status = if canceled {
            TouchStatus::Canceled
        } else if at > self.sink.ground.now {
            TouchStatus::Scheduled
        } else {
            TouchStatus::Completed
        };
        // Whose import it is, where they take part; else the first of us.
        let by = &self.sink.ground.by;
        let user = if ours.contains(by) { Some(by.clone()) } else { ours.into_iter().next() };
        let row = TouchRow {
            external_id: id.clone(),
            account: MaybeUndefined::Value(account),
            contacts: MaybeUndefined::Undefined,
            contact_emails: if with.is_empty() { MaybeUndefined::Undefined } else { MaybeUndefined::Value(with) },
            opportunity: MaybeUndefined::Undefined,
            user_email: maybe(user),
            kind: MaybeUndefined::Value(TouchKind::Meeting),
            status: MaybeUndefined::Value(status),
            direction: MaybeUndefined::Undefined,
            at: MaybeUndefined::Value(DateTime(Instant::from(at))),
            duration_minutes: maybe(minutes),
            subject: maybe(subject.map(|text| shortened(&text, NAME, "its title", &mut notes))),
            notes: maybe(description.map(|text| shortened(&text, NOTE, "its description", &mut notes))),
            responded: MaybeUndefined::Undefined,
            value: MaybeUndefined::Undefined,
            value_acknowledged: MaybeUndefined::Undefined,
            recorded_at: maybe(created.map(|at| DateTime(Instant::from(at)))),
        };
        Prepared { file, line, key: Some(id.id), after: None, row: Ok(row), notes }
    }

    /// The account at which most of the people are known, and their addresses; of several the one whose contact was entered
    /// first.
    fn account_of(&self, people: &[String], notes: &mut Vec<String>) -> Option<(AccountRef, Vec<String>)> {
        let mut accounts: BTreeMap<entity::AccountId, (usize, entity::ContactId)> = BTreeMap::new();
        for address in people {
            let mut seen = BTreeSet::new();
            for contact in self.known.get(address).into_iter().flatten() {
                let (count, first) = accounts.entry(contact.account).or_insert((0, contact.id));
                *first = (*first).min(contact.id);
                *count += usize::from(seen.insert(contact.account));
            }
        }
        let (account, _) =
            accounts.into_iter().max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)))?;
        let (with, without): (Vec<&String>, Vec<&String>) = people.iter().partition(|address| {
            self.known.get(*address).into_iter().flatten().any(|contact| contact.account == account)
        });
        let elsewhere: Vec<&str> =
            without.into_iter().filter(|address| self.known.contains_key(*address)).map(String::as_str).collect();
        if !elsewhere.is_empty() {
            notes.push(format!("people of other accounts were left out: {}", elsewhere.join(", ")));
        }
        let account = AccountRef::Id(entity::Id::show(account).into());
        Some((account, with.into_iter().cloned().collect()))
    }
}

fn maybe<T>(value: Option<T>) -> MaybeUndefined<T> {
    value.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}

/// A text of no more characters than there may be.
fn shortened(text: &str, most: usize, what: &str, notes: &mut Vec<String>) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.chars().count() <= most {
        return text;
    }
    notes.push(format!("{what} was cut to {most} characters"));
    text.chars().take(most).collect()
}
