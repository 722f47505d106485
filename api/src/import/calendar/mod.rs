//! Calendars as touches: events whose people are known contacts. All else is listed with the reason.

mod clock;
pub mod lines;
pub mod read;
mod windows;
mod zones;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use entity::Instant;

use self::lines::Lines;
use self::read::{Occurrence, Read};
use super::batch::{BATCH, Pass};
use super::dry::CreatedKeys;
use super::presets::Kind;
use super::read::Refusal;
use super::records::Hints;
use super::report::Report;
use super::rows::{Prepared, external};
use super::run::{Stop, default_of, progress_bar, start};
use super::target::{
    AccountRefInput, DateTime, ImportTarget, KnownContact, MaybeUndefined, TouchKind, TouchRowInput, TouchStatus,
    UserError, UserErrorCode,
};
use super::{Arguments, map};
use crate::domain::upsert::given;
use crate::write::validator::{NAME, NOTE};

/// Returns the lines of the files where they are calendars: all of them, or none.
///
/// # Errors
/// A file that cannot be read; calendars among other files, or for something else than touches.
pub fn calendars(arguments: &Arguments) -> Result<Option<Vec<Lines>>, Refusal> {
    let ends_so = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|end| end.eq_ignore_ascii_case("ics") || end.eq_ignore_ascii_case("ical"))
    };
    if !arguments.files.iter().any(ends_so) {
        return Ok(None);
    }
    if arguments.kind() != Kind::Touches {
        return Err(Refusal("A calendar holds touches: --as touches".to_owned()));
    }
    let mut texts = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let text = Lines::read(path, arguments.encoding)?;
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
pub async fn import(
    arguments: &Arguments,
    texts: Vec<Lines>,
    target: &ImportTarget,
    report: &mut Report,
) -> Result<(), Stop> {
    let mut mapping = map::mapping("csv", None, Kind::Touches)?;
    mapping.source.clone_from(&arguments.from);
    let calendars: Vec<Read> =
        texts.iter().map(|text| read::read(text, target.settings.time_zone, target.settings.now)).collect();
    let addresses: BTreeSet<&String> =
        calendars.iter().flat_map(|calendar| &calendar.occurrences).flat_map(|one| &one.people).collect();
    let addresses: Vec<String> = addresses.into_iter().cloned().collect();
    let mut known: HashMap<String, Vec<KnownContact>> = HashMap::new();
    for some in addresses.chunks(BATCH) {
        for contact in target.contacts_with(some.to_vec()).await? {
            known.entry(contact.email.clone()).or_default().push(contact);
        }
    }
    let members: BTreeSet<String> = target.people().await?.into_iter().map(|person| person.email).collect();
    let run = start(arguments, target, &mapping.source, report).await?;
    let (mut pretended, mut default_account) = (None, None);
    if let Some(name) = &arguments.default_account {
        let (reference, is_there) = default_of(target, &mapping, name, arguments.dry_run, report).await?;
        pretended = (!is_there).then(|| reference.clone());
        default_account = Some(reference);
    }
    let reader = Reader { target, known, members, default_account };
    let mut rows = Vec::new();
    for (file, calendar) in calendars.into_iter().enumerate() {
        let name = arguments.files[file].display();
        report.remarks.extend(calendar.remarks.into_iter().map(|remark| format!("{name}: {remark}")));
        rows.extend(calendar.left.into_iter().map(|left| refused(file, left.line, left.why, Vec::new())));
        for occurrence in calendar.occurrences {
            let id = external(&mapping, &occurrence.id);
            rows.push(reader.row(file, id, occurrence));
        }
    }
    let mut pass = Pass {
        report,
        progress: progress_bar(rows.len()),
        dry_run: arguments.dry_run,
        made: CreatedKeys::default(),
        has_links: false,
        pretended,
        target,
        run,
        source: arguments.from.clone(),
        sent: 0,
    };
    let present: HashSet<String> = rows.iter().filter_map(|row| row.key.clone()).collect();
    pass.write_all(rows).await?;
    if arguments.cancel_missing {
        let gone: Vec<String> = target.scheduled_touches(&mapping.source).await?;
        let gone = gone.into_iter().filter(|id| !present.contains(id));
        let canceled: Vec<Prepared<TouchRowInput>> = gone
            .map(|id| {
                let id = external(&mapping, &id);
                let row = TouchRowInput { status: MaybeUndefined::Value(TouchStatus::Canceled), ..empty_row(id) };
                let notes = vec!["is no longer in the calendar".to_owned()];
                Prepared { file: 0, line: 0, key: None, row: Ok(row), notes, hints: Hints::default() }
            })
            .collect();
        let counts = pass.write_derived(canceled, "canceled").await?;
        pass.report.remarks.push(format!("{} touches were canceled: their events left the calendar.", counts.updated));
    }
    pass.finish().await;
    Ok(())
}

fn refused(file: usize, line: u64, why: String, notes: Vec<String>) -> Prepared<TouchRowInput> {
    let error = UserError { code: UserErrorCode::Invalid, message: why, field: Vec::new() };
    Prepared { file, line, key: None, row: Err(vec![error]), notes, hints: Hints::default() }
}

/// What all occurrences are read with.
struct Reader<'a> {
    target: &'a ImportTarget,
    known: HashMap<String, Vec<KnownContact>>,
    members: BTreeSet<String>,
    default_account: Option<AccountRefInput>,
}

impl Reader<'_> {
    fn row(&self, file: usize, id: super::target::ExternalIdInput, occurrence: Occurrence) -> Prepared<TouchRowInput> {
        let Occurrence {
            line,
            id: _,
            at,
            minutes,
            subject,
            description,
            canceled,
            created,
            sequence,
            people,
            declined,
            mut notes,
        } = occurrence;
        let (ours, theirs): (Vec<String>, Vec<String>) =
            people.into_iter().partition(|address| self.members.contains(address));
        let declined: Vec<String> = declined.into_iter().filter(|address| self.members.contains(address)).collect();
        let declined_by_us = ours.is_empty() && !declined.is_empty();
        let there = self.account_of(&theirs, &mut notes);
        let (account, with) = match (there, &self.default_account) {
            (Some((account, with)), _) => (account, with),
            (None, Some(account)) => (account.clone(), Vec::new()),
            (None, None) if theirs.is_empty() => {
                return refused(file, line, "names no people but our own".to_owned(), notes);
            }
            (None, None) => {
                let who = theirs.join(", ");
                return refused(file, line, format!("none of the people invited is a known contact: {who}"), notes);
            }
        };
        let mut hints = Hints { sequence, guesses: vec!["kind"], ..Hints::default() };
        if declined_by_us {
            notes.push(format!("was declined by {}", declined.join(", ")));
        }
        if !canceled && !declined_by_us {
            hints.guesses.push("status");
        }
        let status = if canceled || declined_by_us {
            TouchStatus::Canceled
        } else if at > self.target.settings.now {
            TouchStatus::Scheduled
        } else {
            TouchStatus::Completed
        };
        // The acting user, where they take part; else the first member who does.
        let by = &self.target.settings.by;
        let ours = if ours.is_empty() { declined } else { ours };
        let user = if ours.contains(by) { Some(by.clone()) } else { ours.into_iter().next() };
        let row = TouchRowInput {
            account: MaybeUndefined::Value(account),
            contact_emails: if with.is_empty() { MaybeUndefined::Undefined } else { MaybeUndefined::Value(with) },
            user_email: given(user),
            kind: MaybeUndefined::Value(TouchKind::Meeting),
            status: MaybeUndefined::Value(status),
            at: MaybeUndefined::Value(DateTime(Instant::from(at))),
            duration_minutes: given(minutes),
            subject: given(subject.map(|text| shortened(&text, NAME, "its title", &mut notes))),
            notes: given(description.map(|text| shortened(&text, NOTE, "its description", &mut notes))),
            recorded_at: given(created.map(|at| DateTime(Instant::from(at)))),
            ..empty_row(id.clone())
        };
        Prepared { file, line, key: Some(id.id), row: Ok(row), notes, hints }
    }

    /// The account at which most of the people are known, and their addresses; of several the one whose contact was entered
    /// first.
    fn account_of(&self, people: &[String], notes: &mut Vec<String>) -> Option<(AccountRefInput, Vec<String>)> {
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
        let account = AccountRefInput::Id(entity::Id::show(account).into());
        Some((account, with.into_iter().cloned().collect()))
    }
}

/// Returns a row that leaves every field as it is.
fn empty_row(external_id: super::target::ExternalIdInput) -> TouchRowInput {
    TouchRowInput { external_id: MaybeUndefined::Value(external_id), ..TouchRowInput::default() }
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
