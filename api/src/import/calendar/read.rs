//! From an .ics file to occurrences of events, or to the reasons why not. Pure.
//!
//! What repeats becomes an occurrence each; what repeats without end is followed for some months from now on, and that is
//! said. Times are taken as the calendar means them: by its own time zones, by those that it names, else by ours.

use std::collections::BTreeMap;

use calcard::common::timezone::Tz as CalendarTz;
use calcard::icalendar::dates::{CalendarErrorType, TimeOrDelta};
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Component, ICalendarParameterName as Parameter,
    ICalendarParameterValue, ICalendarProperty as Property, ICalendarStatus, ICalendarValue,
};
use calcard::{Entry, Parser};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::zones::{Clock, in_zone, instant, name_zones};

/// Days from now on for which what repeats without end is followed.
const AHEAD: i64 = 90;
/// Occurrences of one event at most.
const MOST: usize = 1_000;
/// Occurrences of one event that are looked at.
const LOOKED_AT: usize = 50_000;
/// Characters of an external id at most, without what tells an occurrence.
const LONGEST_ID: usize = 180;

/// An occurrence of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The line on which its event starts.
    pub line: u64,
    /// What it is known by: the event's UID, and which occurrence it is.
    pub id: String,
    /// When it starts; noon of a whole day.
    pub at: DateTime<Utc>,
    /// How long it takes, in minutes, where that is between a minute and a day.
    pub minutes: Option<i32>,
    /// What it is called.
    pub subject: Option<String>,
    /// What is said of it.
    pub description: Option<String>,
    /// Was it called off?
    pub canceled: bool,
    /// When it was entered there.
    pub created: Option<DateTime<Utc>>,
    /// Addresses of who organizes it and who is invited and has not declined, lower-cased.
    pub people: Vec<String>,
    /// What was taken otherwise than it stands there.
    pub notes: Vec<String>,
}

/// What a calendar has that is no occurrence, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The line on which it starts; 0 where nobody knows.
    pub line: u64,
    /// A sentence.
    pub why: String,
}

/// A calendar, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// What occurs.
    pub occurrences: Vec<Occurrence>,
    /// What does not.
    pub left: Vec<Left>,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
}

/// Does a file's text begin as calendars do?
#[must_use]
pub fn is_calendar(text: &str) -> bool {
    let start = text.trim_start_matches('\u{FEFF}').trim_start();
    start.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:V"))
}

/// Reads a calendar, or several one after the other; `zone` is of times that name none.
#[must_use]
pub fn read(text: &str, zone: Tz, now: DateTime<Utc>) -> Read {
    let lines = unfold(text);
    let begins: Vec<u64> = lines.iter().filter(|(_, line)| begins_something(line)).map(|(number, _)| *number).collect();
    let mut begins = begins.into_iter();
    let text: String = lines.iter().flat_map(|(_, line)| [line.as_str(), "\r\n"]).collect();
    let mut parser = Parser::new(&text);
    let mut reading = Reading { zone, now, found: Read::default() };
    let mut stray = 0;
    // Each turn takes a line at least.
    for _ in 0..=lines.len() {
        match parser.entry() {
            Entry::ICalendar(calendar) => reading.calendar(calendar, &mut begins),
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
    let mut found = reading.found;
    if stray > 0 {
        found.remarks.push(format!("{stray} lines outside of any calendar were left aside"));
    }
    found.occurrences.sort_by_key(|one| (one.line, one.at));
    found
}

/// The lines of a calendar as they are meant, each with the number of the one that it starts on: what was folded is put
/// together. Empty lines mean nothing.
fn unfold(text: &str) -> Vec<(u64, String)> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{FEFF}').lines()) {
        let line = line.trim_end_matches('\r');
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((_, last))) => last.push_str(more),
            _ if line.trim().is_empty() => {}
            _ => lines.push((number, line.to_owned())),
        }
    }
    lines
}

/// What is listed, whatever becomes of it.
fn is_listed(kind: &Component) -> bool {
    matches!(kind, Component::VEvent | Component::VTodo | Component::VJournal | Component::VFreebusy)
}

fn begins_something(line: &str) -> bool {
    let named = |name: &str| line.trim_end().eq_ignore_ascii_case(&format!("BEGIN:{name}"));
    ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"].into_iter().any(named)
}

/// When an event takes place, and by what it is known.
struct Planned<'a> {
    uid: &'a str,
    part: &'a ICalendarComponent,
    line: u64,
    zone: Tz,
    start: DateTime<Utc>,
    long: TimeDelta,
    repeats: bool,
}

/// A calendar that is being read.
struct Reading {
    zone: Tz,
    now: DateTime<Utc>,
    found: Read,
}

impl Reading {
    fn left(&mut self, line: u64, why: impl Into<String>) {
        self.found.left.push(Left { line, why: why.into() });
    }

    fn calendar(&mut self, mut calendar: ICalendar, begins: &mut impl Iterator<Item = u64>) {
        let unknown = name_zones(&mut calendar);
        // Events with one UID are one event: what repeats, and what is otherwise on single days.
        let mut events: BTreeMap<(u64, String), Vec<(u64, ICalendarComponent)>> = BTreeMap::new();
        let mut first: BTreeMap<String, u64> = BTreeMap::new();
        for (part, unknown) in calendar.components.into_iter().zip(unknown) {
            if !is_listed(&part.component_type) {
                continue;
            }
            let line = begins.next().unwrap_or_default();
            match (&part.component_type, unknown) {
                (Component::VEvent, None) => {
                    let uid = part.uid().unwrap_or_default().trim().to_owned();
                    let at = if uid.is_empty() { line } else { *first.entry(uid.clone()).or_insert(line) };
                    events.entry((at, uid)).or_default().push((line, part));
                }
                (Component::VEvent, Some(zone)) => self.left(line, format!("its time zone “{zone}” is unknown")),
                (Component::VTodo, _) => self.left(line, "is a to-do, not an event"),
                (Component::VJournal, _) => self.left(line, "is a journal entry, not an event"),
                _ => self.left(line, "says when somebody is free, and is not an event"),
            }
        }
        for ((_, uid), parts) in events {
            self.event(&uid, parts);
        }
    }

    fn event(&mut self, uid: &str, parts: Vec<(u64, ICalendarComponent)>) {
        let (lines, mut components): (Vec<u64>, Vec<ICalendarComponent>) = parts.into_iter().unzip();
        let repeats =
            components.iter().any(|part| part.has_property(&Property::Rrule) || part.has_property(&Property::Rdate));
        let endless = components.iter().any(is_endless);
        let clock = Clock::of(&components, self.zone);
        for part in &mut components {
            clock.tell(part);
        }
        let calendar = ICalendar { components };
        let expanded = calendar.expand_dates(CalendarTz::Floating, LOOKED_AT);
        let part_of = |place: u32| {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            calendar.components.get(place).zip(lines.get(place).copied())
        };
        for error in expanded.errors {
            let line = part_of(error.comp_id).map_or(0, |(_, line)| line);
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
            let Some((part, line)) = part_of(event.comp_id) else { continue };
            let start = in_zone(clock.zone, event.start.naive_local());
            let long = match event.end {
                TimeOrDelta::Time(end) => in_zone(clock.zone, end.naive_local()) - start,
                TimeOrDelta::Delta(long) => long,
            };
            let one = Planned { uid, part, line, zone: clock.zone, start, long, repeats };
            occurrences.push(self.occurrence(&one));
        }
        occurrences.sort_by_key(|one| one.at);
        let all = occurrences.len();
        let horizon = self.now + TimeDelta::days(AHEAD);
        if endless || all > MOST {
            occurrences.retain(|one| one.at <= horizon);
            occurrences.drain(..occurrences.len().saturating_sub(MOST));
            let name = occurrences.first().and_then(|one| one.subject.clone()).unwrap_or_else(|| uid.to_owned());
            let line = lines.first().copied().unwrap_or_default();
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
        let Planned { uid, part, line, zone, start, long, repeats } = *planned;
        let text = |property: &Property| {
            let text = part.property(property)?.values.first()?.as_text()?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let time = |property: &Property| {
            let entry = part.property(property)?;
            let zone = entry.tz_id().and_then(|name| name.parse::<Tz>().ok()).unwrap_or(zone);
            let time = entry.values.first()?.as_partial_date_time()?;
            Some((time.has_time(), instant(time, zone)?))
        };
        let mut notes = Vec::new();
        let whole_day = time(&Property::Dtstart).is_some_and(|(has_time, _)| !has_time);
        // What says no end is taken to last until midnight by the reader: nobody said so.
        let ends = part.has_property(&Property::Dtend) || part.has_property(&Property::Duration);
        let (mut at, mut minutes) = (start, i32::try_from(long.num_minutes()).ok().filter(|_| ends));
        if whole_day {
            let noon = start.with_timezone(&zone).date_naive().and_time(NaiveTime::MIN) + TimeDelta::hours(12);
            (at, minutes) = (in_zone(self.zone, noon), None);
            notes.push("is of a whole day and was taken as its noon".to_owned());
        } else if minutes.is_some_and(|minutes| minutes > 24 * 60) {
            minutes = None;
            notes.push("takes longer than a day; how long was left out".to_owned());
        }
        let subject = text(&Property::Summary);
        let people = people(part);
        // Which occurrence it is of what repeats: as it was planned, wherever it was moved to.
        let planned = time(&Property::RecurrenceId).filter(|_| !moves_all_later(part)).map(|(_, planned)| planned);
        let which = planned.or_else(|| repeats.then_some(start)).map(|at| at.format("#%Y%m%dT%H%M%SZ").to_string());
        let known = match uid {
            "" => fingerprint(&[&start.to_rfc3339(), subject.as_deref().unwrap_or_default(), &people.join(" ")]),
            uid if uid.chars().count() > LONGEST_ID => fingerprint(&[uid]),
            uid => uid.to_owned(),
        };
        Occurrence {
            line,
            id: known + which.as_deref().unwrap_or_default(),
            at,
            minutes: minutes.filter(|minutes| *minutes > 0),
            subject,
            description: text(&Property::Description),
            canceled: part.status() == Some(&ICalendarStatus::Cancelled),
            created: time(&Property::Created).map(|(_, at)| at).filter(|at| *at <= self.now),
            people,
            notes,
        }
    }
}

fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

fn is_endless(part: &ICalendarComponent) -> bool {
    let rules = part.properties(&Property::Rrule).flat_map(|rule| &rule.values);
    rules.into_iter().any(
        |value| matches!(value, ICalendarValue::RecurrenceRule(rule) if rule.count.is_none() && rule.until.is_none()),
    )
}

fn moves_all_later(part: &ICalendarComponent) -> bool {
    part.property(&Property::RecurrenceId).is_some_and(|id| id.has_parameter(&Parameter::Range))
}

/// The addresses of who organizes an event and who is invited, each once; without those who declined.
fn people(part: &ICalendarComponent) -> Vec<String> {
    let mut people: Vec<String> = Vec::new();
    for entry in part.entries.iter().filter(|entry| matches!(entry.name, Property::Organizer | Property::Attendee)) {
        let declined = entry.parameter(&Parameter::Partstat).and_then(ICalendarParameterValue::as_text);
        if declined.is_some_and(|answer| answer.eq_ignore_ascii_case("DECLINED")) {
            continue;
        }
        let named = entry.parameter(&Parameter::Email).and_then(ICalendarParameterValue::as_text);
        let Some(address) = named.or_else(|| entry.calendar_address()) else { continue };
        let address = address.trim().trim_start_matches("mailto:").trim_start_matches("MAILTO:").to_lowercase();
        if address.contains('@') && !people.contains(&address) {
            people.push(address);
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2017, 4, 3, 12, 0, 0).unwrap()
    }

    fn event(lines: &[&str]) -> Read {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{}\nEND:VEVENT\nEND:VCALENDAR\n", lines.join("\n"));
        read(&text, chrono_tz::Europe::Berlin, now())
    }

    fn starts(read: &Read) -> Vec<String> {
        read.occurrences.iter().map(|one| one.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).collect()
    }

    #[test]
    fn calendars_are_told_from_other_files() {
        for text in ["BEGIN:VCALENDAR", "\u{FEFF}\nbegin:vcalendar\n", "BEGIN:VEVENT"] {
            assert!(is_calendar(text), "{text}");
        }
        for text in ["", "BEGIN", "BEGIN:", "Termin", "id,at", "\u{FEFF}", "BEGIN:ü"] {
            assert!(!is_calendar(text), "{text}");
        }
    }

    #[test]
    fn what_is_folded_is_put_together_and_counted_where_it_starts() {
        let lines = unfold("\u{FEFF}A\r\n b\r\n\r\n\tc\nD\n");
        assert_eq!(lines, [(1, "Abc".to_owned()), (5, "D".to_owned())]);
    }

    #[test]
    fn times_are_in_the_calendar_s_zones_or_ours() {
        for (start, expected) in [
            ("DTSTART:20170403T093000Z", "2017-04-03T09:30:00Z"),
            ("DTSTART:20170403T093000", "2017-04-03T07:30:00Z"),
            ("DTSTART;TZID=America/New_York:20170403T093000", "2017-04-03T13:30:00Z"),
            ("DTSTART;TZID=Eastern Standard Time:20170403T093000", "2017-04-03T13:30:00Z"),
            ("DTSTART;TZID=\"Eastern Standard Time\":20170403T093000", "2017-04-03T13:30:00Z"),
            ("DTSTART;TZID=custom_America/New_York:20170403T093000", "2017-04-03T13:30:00Z"),
            ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Vienna:20170103T093000", "2017-01-03T08:30:00Z"),
            ("DTSTART;VALUE=DATE:20170403", "2017-04-03T10:00:00Z"),
            ("DTSTART:20170403", "2017-04-03T10:00:00Z"),
        ] {
            assert_eq!(starts(&event(&[start])), [expected], "{start}");
        }
        let unknown = event(&["DTSTART;TZID=Narnia:20170403T093000"]);
        assert_eq!(unknown.left, [Left { line: 2, why: "its time zone “Narnia” is unknown".to_owned() }]);
    }

    #[test]
    fn what_repeats_keeps_to_the_clock_that_it_was_planned_by() {
        // We are in Berlin.
        let daily = "RRULE:FREQ=DAILY;COUNT=3";
        for (lines, expected) in [
            (["DTSTART:20170201T093000Z", daily, ""], vec!["01T09:30", "02T09:30", "03T09:30"]),
            (["DTSTART:20170201T093000", daily, ""], vec!["01T08:30", "02T08:30", "03T08:30"]),
            (["DTSTART;TZID=Asia/Tokyo:20170201T093000", daily, ""], vec!["01T00:30", "02T00:30", "03T00:30"]),
            // Days that are left out, in whichever zone: without one, in the event's own, even where UTC is said.
            (["DTSTART:20170201T093000Z", daily, "EXDATE:20170202T093000Z"], vec!["01T09:30", "03T09:30"]),
            (["DTSTART:20170201T093000", daily, "EXDATE:20170202T093000"], vec!["01T08:30", "03T08:30"]),
            (["DTSTART:20170201T093000", daily, "EXDATE:20170202T093000Z"], vec!["01T08:30", "03T08:30"]),
            (
                ["DTSTART;TZID=Asia/Tokyo:20170201T093000", daily, "EXDATE:20170202T003000Z"],
                vec!["01T00:30", "03T00:30"],
            ),
            // Until an instant, which is an hour of the day there: the last is at that instant, or a second after it.
            (
                ["DTSTART;TZID=Asia/Tokyo:20170201T093000", "RRULE:FREQ=DAILY;UNTIL=20170202T003000Z", ""],
                vec!["01T00:30", "02T00:30"],
            ),
            (
                ["DTSTART;TZID=America/New_York:20170201T093000", "RRULE:FREQ=DAILY;UNTIL=20170202T142959Z", ""],
                vec!["01T14:30"],
            ),
            (
                ["DTSTART;VALUE=DATE:20170201", "RRULE:FREQ=DAILY;UNTIL=20170201T230000Z", ""],
                vec!["01T11:00", "02T11:00"],
            ),
        ] {
            let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
            let expected: Vec<String> = expected.iter().map(|start| format!("2017-02-{start}:00Z")).collect();
            assert_eq!(starts(&event(&lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_time_that_a_clock_change_leaves_out_or_shows_twice_has_an_instant() {
        // Clocks in New York go forward on 12 March 2017 at two, and back on 5 November.
        for (start, rule, expected) in [
            ("20170312T023000", "SUMMARY:Once", vec!["2017-03-12T07:30:00Z"]),
            ("20161106T013000", "SUMMARY:Once", vec!["2016-11-06T05:30:00Z"]),
            (
                "20170311T023000",
                "RRULE:FREQ=DAILY;COUNT=3",
                vec!["2017-03-11T07:30:00Z", "2017-03-12T07:30:00Z", "2017-03-13T06:30:00Z"],
            ),
            (
                "20161105T013000",
                "RRULE:FREQ=DAILY;COUNT=3",
                vec!["2016-11-05T05:30:00Z", "2016-11-06T05:30:00Z", "2016-11-07T06:30:00Z"],
            ),
        ] {
            assert_eq!(starts(&event(&[&format!("DTSTART;TZID=America/New_York:{start}"), rule])), expected, "{start}");
        }
        let night =
            event(&["DTSTART;TZID=America/New_York:20170312T003000", "DTEND;TZID=America/New_York:20170312T033000"]);
        assert_eq!(night.occurrences[0].minutes, Some(120));
    }

    #[test]
    fn an_occurrence_that_was_moved_takes_the_place_of_what_was_planned() {
        // Programs count up SEQUENCE of what they move, and not of the rest.
        for (sequence, day) in [
            ("SEQUENCE:2", "RECURRENCE-ID;TZID=America/New_York:20170202T093000"),
            ("SEQUENCE:0", "RECURRENCE-ID:20170202T143000Z"),
        ] {
            let text = format!(
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSEQUENCE:0\nDTSTART;TZID=America/New_York:20170201T093000\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n\
                 BEGIN:VEVENT\nUID:1\n{sequence}\n{day}\nDTSTART:20170202T200000Z\nEND:VEVENT\nEND:VCALENDAR\n"
            );
            let read = read(&text, chrono_tz::Europe::Berlin, now());
            assert_eq!(
                starts(&read),
                ["2017-02-01T14:30:00Z", "2017-02-03T14:30:00Z", "2017-02-02T20:00:00Z"],
                "{day}"
            );
            assert_eq!(read.occurrences[2].id, "1#20170202T143000Z", "{day}");
        }
    }

    #[test]
    fn how_long_it_takes_is_told_where_a_touch_can_take_so_long() {
        for (end, minutes) in [
            ("DTEND:20170403T101500Z", Some(45)),
            ("DURATION:PT1H30M", Some(90)),
            ("DURATION:P1D", Some(1_440)),
            ("DURATION:P2D", None),
            ("DTEND:20170403T093000Z", None),
            ("DTEND:20170403T083000Z", None),
            ("SUMMARY:No end", None),
        ] {
            let read = event(&["DTSTART:20170403T093000Z", end]);
            assert_eq!(read.occurrences.first().map(|one| one.minutes), Some(minutes), "{end}: {read:?}");
        }
    }

    #[test]
    fn an_event_without_a_name_is_known_by_what_it_says() {
        let id = |lines: &[&str]| event(lines).occurrences[0].id.clone();
        let start = "DTSTART:20170403T093000Z";
        assert_eq!(id(&["UID: x ", start]), "x");
        assert_eq!(id(&["SUMMARY:A", start]), id(&["SUMMARY:A", start]));
        assert_ne!(id(&["SUMMARY:A", start]), id(&["SUMMARY:B", start]));
        assert!(id(&[&format!("UID:{}", "x".repeat(500)), start]).len() < 200);
    }

    #[test]
    fn what_is_read_besides_has_reasons() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\nBEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\nBEGIN:VJOURNAL\nEND:VJOURNAL\nEND:VCALENDAR\nX\n";
        let read = read(text, Tz::UTC, now());
        let left: Vec<(u64, &str)> = read.left.iter().map(|left| (left.line, left.why.as_str())).collect();
        assert_eq!(
            left,
            [
                (2, "is a to-do, not an event"),
                (7, "is a journal entry, not an event"),
                (4, "has no start that can be read")
            ]
        );
        assert_eq!(read.remarks, ["1 lines outside of any calendar were left aside"]);
    }

    #[test]
    fn what_never_comes_and_what_never_ends_is_bounded() {
        let never = event(&["DTSTART:20170101T090000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"]);
        assert!(never.occurrences.len() <= 1, "{never:?}");
        let daily = event(&["DTSTART:20170101T090000Z", "RRULE:FREQ=DAILY"]);
        // From 1 January to 2 July, ninety days from now.
        assert_eq!(daily.occurrences.len(), 31 + 28 + 31 + 30 + 31 + 30 + 2);
        assert!(daily.remarks[0].contains("repeats without end"), "{:?}", daily.remarks);
        let far = event(&["DTSTART:20170101T090000Z", "RRULE:FREQ=DAILY;UNTIL=99991231T000000Z"]);
        assert_eq!(far.occurrences.last(), daily.occurrences.last());
    }

    /// Lines of events, sound and unsound.
    fn any_line() -> impl Strategy<Value = String> {
        let time = prop_oneof![
            "[0-9]{8}T[0-9]{6}Z?",
            "(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|2[0-9])(T([01][0-9])[0-5][0-9]00Z?)?",
            Just("99991231T235959Z".to_owned()),
            Just("00010101T000000".to_owned()),
            "\\PC{0,12}",
        ];
        let rule = "FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY|MINUTELY|SECONDLY)(;COUNT=[0-9]{1,4})?(;INTERVAL=[0-9]{1,5})?(;BYDAY=-?[0-9]{0,2}(MO|SU|XX))?(;BYMONTHDAY=-?[0-9]{1,2})?(;BYSETPOS=-?[0-9]{1,3})?(;BYWEEKNO=-?[0-9]{1,2})?(;UNTIL=[0-9]{8})?";
        let name = "(DTSTART|DTEND|RECURRENCE-ID|EXDATE|RDATE|CREATED)(;TZID=(Europe/Berlin|Narnia|Pacific/Apia))?(;VALUE=DATE)?";
        prop_oneof![
            (name, time).prop_map(|(name, time)| format!("{name}:{time}")),
            rule.prop_map(|rule| format!("RRULE:{rule}")),
            "DURATION:-?P([0-9]{1,9}[WD])?(T[0-9]{1,9}[HMS])?",
            "(BEGIN|END):(VEVENT|VCALENDAR|VTIMEZONE|VTODO|VALARM|VCARD|X)",
            "(UID|SUMMARY|ATTENDEE|ORGANIZER|STATUS|SEQUENCE)(;PARTSTAT=[A-Z]{0,5})?:\\PC{0,20}",
            "\\PC{0,30}",
            " \\PC{0,30}",
        ]
    }

    proptest! {
        #[test]
        fn no_calendar_is_too_strange(lines in prop::collection::vec(any_line(), 0..25)) {
            let _ = event(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            let _ = read(&lines.join("\r\n"), Tz::UTC, now());
        }
    }
}
