//! The time zones of a calendar: those that it defines itself, and those that it names.
//!
//! A zone that the calendar defines in a VTIMEZONE counts before what its name might mean elsewhere. Names without a
//! definition are looked up among the IANA zones, and then among the names of Windows. A name that is found nowhere is
//! unknown: no zone is guessed from the offset in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as CalendarTz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Component, ICalendarEntry,
    ICalendarParameterName as Parameter, ICalendarParameterValue, ICalendarProperty as Property, ICalendarValue,
};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::windows;

/// Changes of one observance that are followed: from 1601, where Outlook starts its rules, past 2100.
const CHANGES: usize = 520;

/// A time zone.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// One of the IANA database.
    Named(Tz),
    /// One that the calendar defines.
    Own(Arc<OwnZone>),
}

/// A time zone that a calendar defines in a VTIMEZONE.
#[derive(Debug)]
pub(super) struct OwnZone {
    /// The offset before the first change.
    first: TimeDelta,
    /// The changes in order: when, in UTC, and the offset from then on.
    changes: Vec<(NaiveDateTime, TimeDelta)>,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(left), Self::Named(right)) => left == right,
            (Self::Own(left), Self::Own(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl Zone {
    /// Returns the instant of a local time: the first of two, and after the gap of a clock change the time past it.
    pub(super) fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        match self {
            Self::Named(zone) => {
                let later = |hours: i64| zone.from_local_datetime(&(local + TimeDelta::hours(hours))).earliest();
                (0..=25).find_map(later).map_or_else(|| local.and_utc(), |at| at.to_utc())
            }
            Self::Own(zone) => zone.to_utc(local),
        }
    }

    /// Returns the local time of an instant.
    pub(super) fn to_local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Self::Named(zone) => at.with_timezone(zone).naive_local(),
            Self::Own(zone) => at.naive_utc() + zone.offset_at(at.naive_utc()),
        }
    }
}

impl OwnZone {
    /// Reads the definition of a zone; None where it says no offset.
    fn of(calendar: &ICalendar, zone: &ICalendarComponent) -> Option<Self> {
        let mut changes: Vec<(NaiveDateTime, TimeDelta, TimeDelta)> = Vec::new();
        for id in &zone.component_ids {
            let part = calendar.component_by_id(*id)?;
            if !matches!(part.component_type, Component::Standard | Component::Daylight) {
                continue;
            }
            let (before, after) = (offset(part, &Property::Tzoffsetfrom)?, offset(part, &Property::Tzoffsetto)?);
            changes.extend(onsets(part, before).into_iter().map(|local| (local, before, after)));
        }
        let mut changes: Vec<(NaiveDateTime, TimeDelta, TimeDelta)> =
            changes.into_iter().map(|(local, before, after)| (local - before, before, after)).collect();
        changes.sort_unstable_by_key(|(at, ..)| *at);
        let first = changes.first()?.1;
        Some(Self { first, changes: changes.into_iter().map(|(at, _, after)| (at, after)).collect() })
    }

    fn offset_at(&self, at: NaiveDateTime) -> TimeDelta {
        let place = self.changes.partition_point(|(change, _)| *change <= at);
        place.checked_sub(1).map_or(self.first, |place| self.changes[place].1)
    }

    fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        // Offsets are less than a day: only those that hold within a day of the local time can be meant.
        let from = self.changes.partition_point(|(change, _)| *change < local - TimeDelta::days(1));
        let to = self.changes.partition_point(|(change, _)| *change <= local + TimeDelta::days(1));
        let before = from.checked_sub(1).map_or(self.first, |place| self.changes[place].1);
        let offsets = std::iter::once(before).chain(self.changes[from..to].iter().map(|(_, offset)| *offset));
        let meant = offsets.map(|offset| local - offset).filter(|at| *at + self.offset_at(*at) == local).min();
        // In the gap of a change the offset before it still holds.
        meant.unwrap_or(local - before).and_utc()
    }
}

/// Returns the local times at which an observance begins.
fn onsets(part: &ICalendarComponent, before: TimeDelta) -> Vec<NaiveDateTime> {
    let mut event = ICalendarComponent {
        component_type: Component::VEvent,
        entries: part
            .entries
            .iter()
            .filter(|entry| matches!(entry.name, Property::Dtstart | Property::Rrule | Property::Rdate))
            .cloned()
            .collect(),
        component_ids: Vec::new(),
    };
    for entry in &mut event.entries {
        entry.params.retain(|parameter| parameter.name != Parameter::Tzid);
        for value in &mut entry.values {
            if let ICalendarValue::RecurrenceRule(rule) = value
                && let Some(until) = rule.until.as_mut().filter(|until| until.has_zone())
                && let Some(at) = until.to_date_time_with_tz(CalendarTz::UTC)
            {
                write(until, at.naive_utc() + before);
            }
        }
    }
    let calendar = ICalendar { components: vec![event] };
    calendar.expand_dates(CalendarTz::Floating, CHANGES).events.into_iter().map(|one| one.start.naive_local()).collect()
}

fn offset(part: &ICalendarComponent, property: &Property) -> Option<TimeDelta> {
    let offset = part.property(property)?.values.first()?.as_partial_date_time()?;
    let minutes = i64::from(offset.tz_hour?) * 60 + i64::from(offset.tz_minute.unwrap_or_default());
    Some(TimeDelta::minutes(if offset.tz_minus { -minutes } else { minutes }))
}

/// Sets a time to a local one, without an offset.
pub(super) fn write(time: &mut PartialDateTime, local: NaiveDateTime) {
    use chrono::{Datelike as _, Timelike as _};
    let small = |number: u32| u8::try_from(number).ok();
    time.year = u16::try_from(local.year()).ok();
    (time.month, time.day) = (small(local.month()), small(local.day()));
    (time.hour, time.minute, time.second) = (small(local.hour()), small(local.minute()), small(local.second()));
    (time.tz_hour, time.tz_minute, time.tz_minus) = (None, None, false);
}

/// The zones of the calendars of a file. Entries refer to them by number.
#[derive(Debug, Default)]
pub(super) struct Zones(Vec<Zone>);

impl Zones {
    /// Makes the entries of a calendar refer to zones by number, and returns for each part the first name of a zone that is
    /// unknown.
    pub(super) fn resolve(&mut self, calendar: &mut ICalendar) -> Vec<Option<String>> {
        let mut defined: BTreeMap<String, Zone> = BTreeMap::new();
        for part in calendar.components.iter().filter(|part| part.component_type == Component::VTimezone) {
            let name = part.property(&Property::Tzid).and_then(|entry| entry.values.first()?.as_text());
            if let (Some(name), Some(zone)) = (name, OwnZone::of(calendar, part)) {
                defined.insert(name.trim().to_owned(), Zone::Own(Arc::new(zone)));
            }
        }
        let mut numbers: BTreeMap<String, Option<usize>> = BTreeMap::new();
        let mut unknown = Vec::with_capacity(calendar.components.len());
        for part in &mut calendar.components {
            let mut missing = None;
            for parameter in part.entries.iter_mut().flat_map(|entry| &mut entry.params) {
                if parameter.name != Parameter::Tzid {
                    continue;
                }
                let Some(name) = parameter.value.as_text().map(|name| name.trim().to_owned()) else { continue };
                let number = *numbers.entry(name.clone()).or_insert_with(|| {
                    let zone = defined.get(&name).cloned().or_else(|| named(&name).map(Zone::Named))?;
                    self.0.push(zone);
                    Some(self.0.len() - 1)
                });
                match number {
                    Some(number) => parameter.value = ICalendarParameterValue::Text(number.to_string()),
                    None => missing = missing.or(Some(name)),
                }
            }
            unknown.push(missing);
        }
        unknown
    }

    /// Returns the zone that an entry refers to.
    pub(super) fn of(&self, entry: &ICalendarEntry) -> Option<Zone> {
        self.0.get(entry.tz_id()?.parse::<usize>().ok()?).cloned()
    }
}

/// Returns the zone that a name means without a definition: `Europe/Berlin`, `/example.org/20070129_1/Europe/Berlin`,
/// `custom_America/New_York`, `India Standard Time`, `tzone://Microsoft/Utc`.
pub(super) fn named(name: &str) -> Option<Tz> {
    let name = name.trim().trim_matches('"');
    if let Ok(zone) = name.parse::<Tz>() {
        return Some(zone);
    }
    if let Some(zone) = windows::zone(name) {
        return Some(zone);
    }
    if name.eq_ignore_ascii_case("tzone://Microsoft/Utc") || name.eq_ignore_ascii_case("Z") {
        return Some(Tz::UTC);
    }
    let ends = name.char_indices().filter(|(_, char)| matches!(char, '/' | '_' | ' ')).map(|(at, _)| &name[at + 1..]);
    ends.filter(|end| end.contains('/')).find_map(|end| end.parse::<Tz>().ok())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn names_are_zones_or_unknown() {
        for (name, expected) in [
            ("Europe/Berlin", Some(Tz::Europe__Berlin)),
            ("/freeassociation.sourceforge.net/Europe/Vienna", Some(Tz::Europe__Vienna)),
            ("custom_America/New_York", Some(Tz::America__New_York)),
            ("tzone://Microsoft/Utc", Some(Tz::UTC)),
            ("(UTC) Coordinated Universal Time", Some(Tz::Etc__UTC)),
            ("(UTC+05:30) Somewhere", None),
            ("GMT+0530", None),
            ("tzone://Microsoft/Custom", None),
        ] {
            assert_eq!(named(name), expected, "{name}");
        }
    }

    #[test]
    fn a_zone_of_its_own_keeps_to_its_changes() {
        let at =
            |month, day, hour| NaiveDate::from_ymd_opt(2017, month, day).unwrap().and_hms_opt(hour, 30, 0).unwrap();
        let zone = OwnZone {
            first: TimeDelta::hours(-5),
            changes: vec![
                (at(3, 12, 7) - TimeDelta::minutes(30), TimeDelta::hours(-4)),
                (at(11, 5, 6) - TimeDelta::minutes(30), TimeDelta::hours(-5)),
            ],
        };
        let zone = Zone::Own(Arc::new(zone));
        let utc = |local| zone.to_utc(local).naive_utc();
        assert_eq!(utc(at(1, 1, 9)), at(1, 1, 14));
        assert_eq!(utc(at(7, 1, 9)), at(7, 1, 13));
        // In the gap the time after it, in the overlap the first.
        assert_eq!(utc(at(3, 12, 2)), at(3, 12, 7));
        assert_eq!(utc(at(11, 5, 1)), at(11, 5, 5));
        assert_eq!(zone.to_local(at(7, 1, 13).and_utc()), at(7, 1, 9));
    }
}
