//! The clock that an event goes by.
//!
//! The parts of an event are written as the clock of its start shows them, without zones. Repetitions are then followed on
//! that clock alone, and each occurrence gets its instant afterwards: nine o'clock stays nine o'clock across clock
//! changes. Value types that calendars mix (a date where a time is meant, a time where a date is meant) are read as
//! their authors meant them.

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as CalendarTz;
use calcard::icalendar::{
    ICalendarComponent, ICalendarParameterName as Parameter, ICalendarPeriod, ICalendarProperty as Property,
    ICalendarValue,
};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::zones::{Zone, Zones, write};

/// The clock that an event goes by.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// Its zone.
    pub zone: Zone,
    /// Whether the event names no zone, so that it goes by the calendar's.
    floating: bool,
    /// The time of day at which the event starts; None for a whole day.
    starts: Option<NaiveTime>,
}

impl Clock {
    /// Returns the clock of an event's parts: that of its start, of the part that repeats before those that were moved.
    pub(super) fn of(parts: &[&ICalendarComponent], zones: &Zones, floating: &Zone) -> Self {
        let planned = parts.iter().find(|part| !part.has_property(&Property::RecurrenceId)).or_else(|| parts.first());
        let start = planned.and_then(|part| part.property(&Property::Dtstart));
        let Some(start) = start else {
            return Self { zone: floating.clone(), floating: true, starts: None };
        };
        let (zone, is_floating) = match zones.of(start) {
            Some(zone) => (zone, false),
            None if start.values.iter().any(says_utc) => (Zone::Named(Tz::UTC), false),
            None => (floating.clone(), true),
        };
        let mut clock = Self { zone, floating: is_floating, starts: None };
        clock.starts = start.values.first().and_then(ICalendarValue::as_partial_date_time).and_then(|time| {
            let from = zones.of(start).unwrap_or_else(|| clock.zone.clone());
            time.has_time().then(|| instant(time, &from).map(|at| clock.zone.to_local(at).time()))?
        });
        clock
    }

    /// Writes a part as this clock shows it, and returns the days that it leaves out. SEQUENCE goes: it counts the
    /// writes of a part, and a part that was moved would match no day of the one that repeats.
    pub(super) fn rewrite(&self, part: &mut ICalendarComponent, zones: &Zones) -> Vec<NaiveDate> {
        part.entries.retain(|entry| entry.name != Property::Sequence);
        let mut left_out = Vec::new();
        for entry in &mut part.entries {
            match entry.name {
                Property::Dtstart | Property::Dtend | Property::RecurrenceId | Property::Rdate | Property::Exdate => {
                    // Some programs write the days that are left out in UTC though the event names no zone: its own
                    // time is meant.
                    let own = self.floating && entry.name == Property::Exdate;
                    let from = zones.of(entry).unwrap_or_else(|| self.zone.clone());
                    entry.values.iter_mut().flat_map(times).for_each(|time| self.show(time, &from, own));
                    entry.params.retain(|parameter| parameter.name != Parameter::Tzid);
                    match entry.name {
                        Property::Exdate => left_out.extend(self.whole_days(&mut entry.values)),
                        Property::RecurrenceId | Property::Rdate => {
                            entry.values.iter_mut().flat_map(times).for_each(|time| self.fit(time, self.starts));
                        }
                        _ => {}
                    }
                }
                Property::Rrule => {
                    for value in &mut entry.values {
                        if let ICalendarValue::RecurrenceRule(rule) = value
                            && let Some(until) = &mut rule.until
                        {
                            self.show(until, &self.zone, false);
                            // Until a day means that day too.
                            if self.starts.is_some() {
                                self.fit(until, NaiveTime::from_hms_opt(23, 59, 59));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        part.entries.retain(|entry| entry.name != Property::Exdate || !entry.values.is_empty());
        left_out
    }

    /// Gives a time a time of day where it has none and the event has one, or takes it where the event is of whole days.
    fn fit(&self, time: &mut PartialDateTime, at: Option<NaiveTime>) {
        use chrono::Timelike as _;
        if self.starts.is_none() {
            (time.hour, time.minute, time.second) = (None, None, None);
        } else if let Some(at) = at.filter(|_| !time.has_time()) {
            let small = |number: u32| u8::try_from(number).ok();
            (time.hour, time.minute, time.second) = (small(at.hour()), small(at.minute()), small(at.second()));
        }
    }

    /// Takes the values out that leave out whole days of an event with a time of day, and returns the days.
    fn whole_days(&self, values: &mut Vec<ICalendarValue>) -> Vec<NaiveDate> {
        if self.starts.is_none() {
            values.iter_mut().flat_map(times).for_each(|time| self.fit(time, None));
            return Vec::new();
        }
        let mut days = Vec::new();
        values.retain(|value| {
            let day = value.as_partial_date_time().filter(|time| !time.has_time()).and_then(day_of);
            days.extend(day);
            day.is_none()
        });
        days
    }

    /// Writes a time of another zone, or of UTC where it says so, as this clock shows it; `own`: as it is.
    fn show(&self, time: &mut PartialDateTime, from: &Zone, own: bool) {
        let at = if own || !time.has_time() { None } else { instant(time, from) };
        if let Some(at) = at.filter(|_| time.has_zone() || *from != self.zone) {
            write(time, self.zone.to_local(at));
        }
        (time.tz_hour, time.tz_minute, time.tz_minus) = (None, None, false);
    }
}

fn day_of(time: &PartialDateTime) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::from(time.year?), u32::from(time.month?), u32::from(time.day?))
}

fn says_utc(value: &ICalendarValue) -> bool {
    matches!(value, ICalendarValue::PartialDateTime(time) if time.has_time() && time.has_zone())
}

/// Returns the times of a value: none, one, or a period's.
fn times(value: &mut ICalendarValue) -> Vec<&mut PartialDateTime> {
    match value {
        ICalendarValue::PartialDateTime(time) => vec![time],
        ICalendarValue::Period(ICalendarPeriod::Range { start, end }) => vec![start, end],
        ICalendarValue::Period(ICalendarPeriod::Duration { start, .. }) => vec![start],
        _ => Vec::new(),
    }
}

/// Returns the instant of a time in a zone, unless the time has an offset of its own.
pub(super) fn instant(time: &PartialDateTime, zone: &Zone) -> Option<DateTime<Utc>> {
    let read = time.to_date_time_with_tz(CalendarTz::Floating)?;
    Some(if time.has_zone() { read.to_utc() } else { zone.to_utc(read.naive_local()) })
}
