//! Times of a calendar: by which clock an event goes, and when that shows a time.
//!
//! An event is told as the clock of its start shows it, without zones; what repeats is then followed on that clock alone, and
//! each occurrence gets its instant afterwards. So nine o'clock stays nine o'clock across clock changes, and what is said
//! in other zones (days that are left out or moved, an end in UTC, as most programs write it) means the same instants.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as CalendarTz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarEntry, ICalendarParameterName as Parameter, ICalendarParameterValue,
    ICalendarPeriod, ICalendarProperty as Property, ICalendarValue,
};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// The clock that an event goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Where it hangs.
    pub zone: Tz,
    /// Does the event not say where, so that it goes by ours?
    floating: bool,
}

impl Clock {
    /// The clock of an event's parts: that of its start, of what repeats before what was moved.
    pub(super) fn of(parts: &[ICalendarComponent], ours: Tz) -> Self {
        let planned = parts.iter().find(|part| !part.has_property(&Property::RecurrenceId)).or_else(|| parts.first());
        let Some(start) = planned.and_then(|part| part.property(&Property::Dtstart)) else {
            return Self { zone: ours, floating: true };
        };
        match zone_named_by(start) {
            Some(zone) => Self { zone, floating: false },
            None if start.values.iter().any(says_utc) => Self { zone: Tz::UTC, floating: false },
            None => Self { zone: ours, floating: true },
        }
    }

    /// Tells a part as this clock shows it. SEQUENCE goes: it counts the writes of a part, and what was moved would pass
    /// for no day of what repeats.
    pub(super) fn tell(self, part: &mut ICalendarComponent) {
        part.entries.retain(|entry| entry.name != Property::Sequence);
        for entry in &mut part.entries {
            match entry.name {
                Property::Dtstart | Property::Dtend | Property::RecurrenceId | Property::Rdate | Property::Exdate => {
                    // Some programs write the days that are left out in UTC though the event names no zone: meant is its own time.
                    let own = self.floating && entry.name == Property::Exdate;
                    let from = zone_named_by(entry).unwrap_or(self.zone);
                    entry.values.iter_mut().flat_map(times).for_each(|time| self.show(time, from, own));
                    entry.params.retain(|parameter| parameter.name != Parameter::Tzid);
                }
                Property::Rrule => {
                    for value in &mut entry.values {
                        if let ICalendarValue::RecurrenceRule(rule) = value {
                            rule.until.iter_mut().for_each(|until| self.show(until, self.zone, false));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A time of another zone, or of UTC where it says so, as this clock shows it; `own`: as it stands there.
    fn show(self, time: &mut PartialDateTime, from: Tz, own: bool) {
        let at = if own || !time.has_time() { None } else { instant(time, from) };
        if let Some(at) = at.filter(|_| time.has_zone() || from != self.zone) {
            let shown = at.with_timezone(&self.zone).naive_local();
            let small = |number: u32| u8::try_from(number).ok();
            time.year = u16::try_from(shown.year()).ok();
            (time.month, time.day) = (small(shown.month()), small(shown.day()));
            (time.hour, time.minute, time.second) = (small(shown.hour()), small(shown.minute()), small(shown.second()));
        }
        (time.tz_hour, time.tz_minute, time.tz_minus) = (None, None, false);
    }
}

fn zone_named_by(entry: &ICalendarEntry) -> Option<Tz> {
    entry.tz_id().and_then(|name| name.parse().ok())
}

fn says_utc(value: &ICalendarValue) -> bool {
    matches!(value, ICalendarValue::PartialDateTime(time) if time.has_time() && time.has_zone())
}

/// The times of a value: none, one, or a period's.
fn times(value: &mut ICalendarValue) -> Vec<&mut PartialDateTime> {
    match value {
        ICalendarValue::PartialDateTime(time) => vec![time],
        ICalendarValue::Period(ICalendarPeriod::Range { start, end }) => vec![start, end],
        ICalendarValue::Period(ICalendarPeriod::Duration { start, .. }) => vec![start],
        _ => Vec::new(),
    }
}

/// The instant of a time: of a zone, unless it says by itself how far from UTC it is.
pub(super) fn instant(time: &PartialDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let read = time.to_date_time_with_tz(CalendarTz::Floating)?;
    Some(if time.has_zone() { read.to_utc() } else { in_zone(zone, read.naive_local()) })
}

/// The instant of a local time: the first of two, and after what a clock change leaves out.
pub(super) fn in_zone(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let later = |hours: i64| zone.from_local_datetime(&(local + TimeDelta::hours(hours))).earliest();
    (0..=25).find_map(later).map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// Calls time zones by their usual names, by which they are known without the calendar around them. Answers for each part
/// the zone of its start, its end or its days that nobody knows, where there is one.
pub(super) fn name_zones(calendar: &mut ICalendar) -> Vec<Option<String>> {
    let mut names: BTreeMap<String, Option<&'static str>> = BTreeMap::new();
    {
        let resolver = calendar.build_tz_resolver();
        let used = calendar.components.iter().flat_map(|part| &part.entries).filter_map(|entry| entry.tz_id());
        for id in used {
            let name = match resolver.resolve(id) {
                Some(CalendarTz::Tz(zone)) => Some(zone.name()),
                _ => usual_name(id),
            };
            names.insert(id.to_owned(), name);
        }
    }
    let mut unknown = Vec::with_capacity(calendar.components.len());
    for part in &mut calendar.components {
        let mut missing = None;
        for parameter in part.entries.iter_mut().flat_map(|entry| &mut entry.params) {
            if parameter.name != Parameter::Tzid {
                continue;
            }
            let Some(id) = parameter.value.as_text().map(str::to_owned) else { continue };
            match names.get(&id).copied().flatten() {
                Some(name) => parameter.value = ICalendarParameterValue::Text(name.to_owned()),
                None => missing = Some(id),
            }
        }
        unknown.push(missing);
    }
    unknown
}

/// The zone that a name ends with: `/example.org/20070129_1/Europe/Berlin`, `custom_America/New_York`.
fn usual_name(id: &str) -> Option<&'static str> {
    let ends = id.char_indices().filter(|(_, char)| matches!(char, '/' | '_' | ' ')).map(|(at, _)| &id[at + 1..]);
    let zone = ends.filter(|end| end.contains('/')).find_map(|end| end.parse::<Tz>().ok())?;
    Some(zone.name())
}
