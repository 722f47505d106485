//! From an .ics file to occurrences of events, or to the reasons why not. Pure.
//!
//! An event that repeats becomes one occurrence for each time. One that repeats without end is followed for some months from
//! now on, which is reported. Times are those of the calendar's own zones, of the zones that it names, or of the
//! organization.

use std::collections::{BTreeMap, BTreeSet};

use calcard::common::timezone::Tz as CalendarTz;
use calcard::icalendar::dates::{CalendarErrorType, TimeOrDelta};
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Component, ICalendarFrequency as Frequency,
    ICalendarMethod, ICalendarParameterName as Parameter, ICalendarParameterValue, ICalendarProperty as Property,
    ICalendarStatus, ICalendarValue,
};
use calcard::{Entry, Parser};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::clock::{Clock, instant};
use super::lines::Lines;
use super::zones::{Zone, Zones, named};

/// Days from now on for which an event without end is followed.
const AHEAD: i64 = 90;
/// Occurrences of one event at most.
const MOST: usize = 1_000;
/// The maximum number of occurrences of one event that are examined.
const LOOKED_AT: usize = 50_000;
/// The maximum length of an external id in characters, without the part that identifies an occurrence.
const LONGEST_ID: usize = 180;

/// An occurrence of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The line on which its event starts.
    pub line: u64,
    /// The event's UID, and the day for which this occurrence was planned.
    pub id: String,
    /// When it starts; noon of a whole day.
    pub at: DateTime<Utc>,
    /// How long it takes, in minutes, where that is between a minute and a day.
    pub minutes: Option<i32>,
    /// The summary.
    pub subject: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Whether it was called off.
    pub canceled: bool,
    /// When it was entered there.
    pub created: Option<DateTime<Utc>>,
    /// How often it was changed there.
    pub sequence: Option<i64>,
    /// Lower-cased addresses of the organizer and of those invited who have not declined.
    pub people: Vec<String>,
    /// Lower-cased addresses of those who have declined.
    pub declined: Vec<String>,
    /// What was read otherwise than the file has it.
    pub notes: Vec<String>,
}

/// A part of a calendar that is no occurrence, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The line on which it starts; 0 where that is unknown.
    pub line: u64,
    /// A sentence.
    pub why: String,
}

/// The contents of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The occurrences.
    pub occurrences: Vec<Occurrence>,
    /// The rest.
    pub left: Vec<Left>,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
}

/// Whether a file's lines begin as calendars do.
#[must_use]
pub fn is_calendar(lines: &Lines) -> bool {
    let start = lines.text().trim_start_matches('\u{FEFF}').trim_start();
    start.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:V"))
}

/// Reads a calendar, or several one after the other; `zone` is that of times that name none.
#[must_use]
pub fn read(lines: &Lines, zone: Tz, now: DateTime<Utc>) -> Read {
    let begins: Vec<u64> = lines.iter().filter(|(_, line)| begins_something(line)).map(|(number, _)| number).collect();
    let mut begins = begins.into_iter();
    let text: String = lines.iter().flat_map(|(_, line)| [line, "\r\n"]).collect();
    let mut parser = Parser::new(&text);
    let mut reading = Reading { zone, now, zones: Zones::default(), events: BTreeMap::new(), found: Read::default() };
    let mut first: BTreeMap<String, u64> = BTreeMap::new();
    let mut stray = 0;
    // Each turn takes a line at least.
    for _ in 0..=lines.iter().count() {
        match parser.entry() {
            Entry::ICalendar(calendar) => reading.calendar(calendar, &mut begins, &mut first),
            Entry::Eof => break,
            Entry::UnexpectedComponentEnd { .. } | Entry::UnterminatedComponent(_) | Entry::TooManyComponents => {
                reading.left(0, "a part of the calendar is not closed, or closed twice");
            }
            _ => stray += 1,
        }
    }
    for line in begins {
        reading.left(line, "cannot be read: the calendar around it is broken");
    }
    for ((_, uid), parts) in std::mem::take(&mut reading.events) {
        reading.event(&uid, parts);
    }
    let mut found = reading.found;
    if stray > 0 {
        found.remarks.push(format!("{stray} lines outside of any calendar were left aside"));
    }
    found.occurrences.sort_by_key(|one| (one.line, one.at));
    found
}

/// Whether parts of a kind are listed, whatever becomes of them.
fn is_listed(kind: &Component) -> bool {
    matches!(kind, Component::VEvent | Component::VTodo | Component::VJournal | Component::VFreebusy)
}

fn begins_something(line: &str) -> bool {
    let named = |name: &str| line.trim_end().eq_ignore_ascii_case(&format!("BEGIN:{name}"));
    ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"].into_iter().any(named)
}

/// A part of an event: what repeats, or what differs on a single day.
struct Part {
    line: u64,
    component: ICalendarComponent,
    /// Whether the calendar around it calls events off (METHOD:CANCEL).
    canceled: bool,
    /// The zone of times that name none.
    floating: Zone,
    sequence: Option<i64>,
}

/// When an event takes place, and by what it is known.
struct Planned<'a> {
    uid: &'a str,
    part: &'a Part,
    clock: &'a Clock,
    start: DateTime<Utc>,
    long: TimeDelta,
    /// Whether the event repeats, and if so, whether several times a day.
    repeats: Option<bool>,
}

/// A calendar that is being read.
struct Reading {
    zone: Tz,
    now: DateTime<Utc>,
    zones: Zones,
    /// The parts of events with the same UID, by the first line and the UID.
    events: BTreeMap<(u64, String), Vec<Part>>,
    found: Read,
}

impl Reading {
    fn left(&mut self, line: u64, why: impl Into<String>) {
        self.found.left.push(Left { line, why: why.into() });
    }

    fn calendar(
        &mut self,
        mut calendar: ICalendar,
        begins: &mut impl Iterator<Item = u64>,
        first: &mut BTreeMap<String, u64>,
    ) {
        let unknown = self.zones.resolve(&mut calendar);
        let around = calendar.components.iter().find(|part| part.component_type == Component::VCalendar);
        let canceled = around
            .and_then(|part| part.property(&Property::Method)?.values.first())
            .is_some_and(|value| matches!(value, ICalendarValue::Method(ICalendarMethod::Cancel)));
        let zone_property = Property::Other("X-WR-TIMEZONE".to_owned());
        let own = around
            .and_then(|part| part.property(&zone_property)?.values.first()?.as_text().map(str::to_owned))
            .and_then(|name| named(&name));
        let floating = Zone::Named(own.unwrap_or(self.zone));
        for (component, unknown) in calendar.components.into_iter().zip(unknown) {
            if !is_listed(&component.component_type) {
                continue;
            }
            let line = begins.next().unwrap_or_default();
            match (&component.component_type, unknown) {
                (Component::VEvent, None) => {
                    let uid = component.uid().unwrap_or_default().trim().to_owned();
                    let at = if uid.is_empty() { line } else { *first.entry(uid.clone()).or_insert(line) };
                    let sequence =
                        component.property(&Property::Sequence).and_then(|entry| entry.values.first()?.as_integer());
                    let floating = floating.clone();
                    let part = Part { line, component, canceled, floating, sequence };
                    self.events.entry((at, uid)).or_default().push(part);
                }
                (Component::VEvent, Some(zone)) => self.left(line, format!("its time zone “{zone}” is unknown")),
                (Component::VTodo, _) => self.left(line, "is a to-do, not an event"),
                (Component::VJournal, _) => self.left(line, "is a journal entry, not an event"),
                _ => self.left(line, "lists free and busy times, and is not an event"),
            }
        }
    }

    fn event(&mut self, uid: &str, mut parts: Vec<Part>) {
        let (clock, left_out) = {
            let all: Vec<&ICalendarComponent> = parts.iter().map(|part| &part.component).collect();
            let floating = parts.first().map_or(Zone::Named(self.zone), |part| part.floating.clone());
            let clock = Clock::of(&all, &self.zones, &floating);
            let mut left_out: BTreeSet<NaiveDate> = BTreeSet::new();
            for part in &mut parts {
                left_out.extend(clock.rewrite(&mut part.component, &self.zones));
            }
            (clock, left_out)
        };
        if !uid.is_empty() {
            keep_newest(&mut parts);
        }
        let repeats = parts
            .iter()
            .any(|part| part.component.has_property(&Property::Rrule) || part.component.has_property(&Property::Rdate));
        let repeats = repeats.then(|| parts.iter().any(|part| repeats_within_a_day(&part.component)));
        let endless = parts.iter().any(|part| is_endless(&part.component));
        let calendar = ICalendar { components: parts.iter().map(|part| part.component.clone()).collect() };
        let expanded = calendar.expand_dates(CalendarTz::Floating, LOOKED_AT);
        let part_of = |place: u32| parts.get(usize::try_from(place).unwrap_or(usize::MAX));
        for error in expanded.errors {
            let line = part_of(error.comp_id).map_or(0, |part| part.line);
            self.left(
                line,
                match error.error {
                    CalendarErrorType::MissingDtStart | CalendarErrorType::InvalidDtStart => {
                        "has no start that can be read".to_owned()
                    }
                    CalendarErrorType::InvalidDtEnd | CalendarErrorType::InvalidDuration => {
                        "has no end that can be read".to_owned()
                    }
                    CalendarErrorType::RRule(wrong) => format!("how it repeats cannot be read: {wrong}"),
                },
            );
        }
        let looked_at_all = expanded.events.len() < LOOKED_AT;
        let mut occurrences: Vec<Occurrence> = Vec::with_capacity(expanded.events.len().min(MOST));
        for event in expanded.events {
            let Some(part) = part_of(event.comp_id) else { continue };
            let local = event.start.naive_local();
            let moved = part.component.has_property(&Property::RecurrenceId);
            if !moved && left_out.contains(&local.date()) {
                continue;
            }
            let start = clock.zone.to_utc(local);
            let long = match event.end {
                TimeOrDelta::Time(end) => clock.zone.to_utc(end.naive_local()) - start,
                TimeOrDelta::Delta(long) => long,
            };
            occurrences.push(self.occurrence(&Planned { uid, part, clock: &clock, start, long, repeats }));
        }
        occurrences.sort_by_key(|one| one.at);
        tell_apart(&mut occurrences);
        let all = occurrences.len();
        let horizon = self.now + TimeDelta::days(AHEAD);
        if endless || all > MOST {
            occurrences.retain(|one| one.at <= horizon);
            occurrences.drain(..occurrences.len().saturating_sub(MOST));
            let name = occurrences.first().and_then(|one| one.subject.clone()).unwrap_or_else(|| uid.to_owned());
            let line = parts.first().map_or(0, |part| part.line);
            let how = if endless { "repeats without end" } else { "repeats very often" };
            let looked = if looked_at_all { String::new() } else { format!(", of the first {LOOKED_AT}") };
            self.found.remarks.push(format!(
                "line {line}: “{name}” {how}; of its occurrences up to {} the last {} were taken{looked}",
                horizon.date_naive(),
                occurrences.len()
            ));
        }
        self.found.occurrences.append(&mut occurrences);
    }

    fn occurrence(&self, planned: &Planned<'_>) -> Occurrence {
        let Planned { uid, part: Part { line, component: part, canceled, sequence, .. }, clock, start, long, repeats } =
            *planned;
        let text = |property: &Property| {
            let text = part.property(property)?.values.first()?.as_text()?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let time = |property: &Property| {
            let entry = part.property(property)?;
            let zone = self.zones.of(entry).unwrap_or_else(|| clock.zone.clone());
            let time = entry.values.first()?.as_partial_date_time()?;
            Some((time.has_time(), instant(time, &zone)?))
        };
        let mut notes = Vec::new();
        let whole_day = time(&Property::Dtstart).is_some_and(|(has_time, _)| !has_time);
        // The expansion takes an event without an end to last until midnight, which the file does not say.
        let ends = part.has_property(&Property::Dtend) || part.has_property(&Property::Duration);
        let (mut at, mut minutes) = (start, i32::try_from(long.num_minutes()).ok().filter(|_| ends));
        if whole_day {
            let noon = clock.zone.to_local(start).date().and_time(NaiveTime::MIN) + TimeDelta::hours(12);
            (at, minutes) = (Zone::Named(self.zone).to_utc(noon), None);
            notes.push("is of a whole day and was taken as its noon".to_owned());
        } else if minutes.is_some_and(|minutes| minutes > 24 * 60) {
            minutes = None;
            notes.push("takes longer than a day; how long was left out".to_owned());
        }
        let subject = text(&Property::Summary);
        let (people, declined) = people(part);
        // An occurrence is known by the day for which it was planned, wherever it was moved to.
        let recurrence = time(&Property::RecurrenceId).filter(|_| !moves_all_later(part)).map(|(_, planned)| planned);
        let which = recurrence.or_else(|| repeats.is_some().then_some(start)).map(|at| {
            let local = clock.zone.to_local(at);
            local.format(if repeats == Some(true) { "#%Y%m%dT%H%M%S" } else { "#%Y%m%d" }).to_string()
        });
        let known = match uid {
            "" => fingerprint(&[&start.to_rfc3339(), subject.as_deref().unwrap_or_default(), &people.join(" ")]),
            uid if uid.chars().count() > LONGEST_ID => fingerprint(&[uid]),
            uid => uid.to_owned(),
        };
        let called_off = subject.as_deref().is_some_and(is_called_off);
        Occurrence {
            line: *line,
            id: known + which.as_deref().unwrap_or_default(),
            at,
            minutes: minutes.filter(|minutes| *minutes > 0),
            canceled: *canceled || called_off || part.status() == Some(&ICalendarStatus::Cancelled),
            subject,
            description: text(&Property::Description),
            created: time(&Property::Created).map(|(_, at)| at).filter(|at| *at <= self.now),
            sequence: *sequence,
            people,
            declined,
            notes,
        }
    }
}

/// Of several versions of one part keeps the newest: by SEQUENCE, then by the time of writing, then the last in the file.
fn keep_newest(parts: &mut Vec<Part>) {
    let recurrence = |part: &Part| -> Option<NaiveDateTime> {
        let time = part.component.property(&Property::RecurrenceId)?.values.first()?.as_partial_date_time()?;
        Some(time.to_date_time_with_tz(CalendarTz::Floating)?.naive_local())
    };
    let written = |part: &Part| {
        let time = |property: &Property| {
            let time = part.component.property(property)?.values.first()?.as_partial_date_time()?;
            instant(time, &Zone::Named(Tz::UTC))
        };
        time(&Property::LastModified).or_else(|| time(&Property::Dtstamp))
    };
    let mut newest: BTreeMap<Option<NaiveDateTime>, usize> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        let rank = |part: &Part| (part.sequence.unwrap_or_default(), written(part));
        let known = newest.entry(recurrence(part)).or_insert(at);
        if rank(part) >= rank(&parts[*known]) {
            *known = at;
        }
    }
    let kept: BTreeSet<usize> = newest.into_values().collect();
    let mut at = 0;
    parts.retain(|_| {
        at += 1;
        kept.contains(&(at - 1))
    });
}

/// Makes the ids of occurrences of one event differ, where several were planned for one day.
fn tell_apart(occurrences: &mut [Occurrence]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for one in occurrences {
        let count = seen.entry(one.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            one.id = format!("{}.{count}", one.id);
        }
    }
}

/// What programs put before the subject of an event that was called off, in lower case.
const CALLED_OFF: [&str; 15] = [
    "canceled:",
    "cancelled:",
    "abgesagt:",
    "annulé:",
    "annulé :",
    "cancelado:",
    "cancelada:",
    "annullato:",
    "geannuleerd:",
    "inställt:",
    "aflyst:",
    "avlyst:",
    "peruutettu:",
    "odwołane:",
    "zrušeno:",
];

fn is_called_off(subject: &str) -> bool {
    let subject = subject.trim_start().replace('\u{a0}', " ").to_lowercase();
    CALLED_OFF.iter().any(|prefix| subject.starts_with(prefix))
}

fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

fn rules(part: &ICalendarComponent) -> impl Iterator<Item = &calcard::icalendar::ICalendarRecurrenceRule> {
    part.properties(&Property::Rrule).flat_map(|entry| &entry.values).filter_map(|value| match value {
        ICalendarValue::RecurrenceRule(rule) => Some(&**rule),
        _ => None,
    })
}

fn is_endless(part: &ICalendarComponent) -> bool {
    rules(part).any(|rule| rule.count.is_none() && rule.until.is_none())
}

fn repeats_within_a_day(part: &ICalendarComponent) -> bool {
    rules(part).any(|rule| {
        matches!(rule.freq, Frequency::Hourly | Frequency::Minutely | Frequency::Secondly)
            || [rule.byhour.len(), rule.byminute.len(), rule.bysecond.len()].into_iter().any(|count| count > 1)
    })
}

fn moves_all_later(part: &ICalendarComponent) -> bool {
    part.property(&Property::RecurrenceId).is_some_and(|id| id.has_parameter(&Parameter::Range))
}

/// Returns the addresses of the organizer and of those invited, each once, and of those among them who declined.
fn people(part: &ICalendarComponent) -> (Vec<String>, Vec<String>) {
    let (mut people, mut declined): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for entry in part.entries.iter().filter(|entry| matches!(entry.name, Property::Organizer | Property::Attendee)) {
        let answer = entry.parameter(&Parameter::Partstat).and_then(ICalendarParameterValue::as_text);
        let named = entry.parameter(&Parameter::Email).and_then(ICalendarParameterValue::as_text);
        let Some(address) = named.or_else(|| entry.calendar_address()) else { continue };
        let address = address.trim();
        let address = match address.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &address[7..],
            _ => address,
        };
        let Ok(address) = crate::values::text::email(address) else { continue };
        let list = if answer.is_some_and(|answer| answer.eq_ignore_ascii_case("DECLINED")) {
            &mut declined
        } else {
            &mut people
        };
        if !list.contains(&address) {
            list.push(address);
        }
    }
    people.retain(|address| !declined.contains(address));
    (people, declined)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
