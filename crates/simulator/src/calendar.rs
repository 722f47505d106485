//! Days, working days, and the instants of local times.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Tz;

use crate::numbers::Moment;

/// Returns the day some days later, or earlier if negative.
pub(crate) fn plus(day: NaiveDate, days: i64) -> NaiveDate {
    day.checked_add_signed(TimeDelta::days(days)).unwrap_or(day)
}

/// Returns the days from one day to another.
pub(crate) fn between(from: NaiveDate, to: NaiveDate) -> i64 {
    (to - from).num_days()
}

/// Returns the first day of a year.
pub(crate) fn new_year(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default()
}

/// Returns the last day of a year.
pub(crate) fn last_day(year: i32) -> NaiveDate {
    plus(new_year(year + 1), -1)
}

/// Returns the same day of the month some months later, or the last day of a shorter month.
pub(crate) fn plus_months(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(chrono::Months::new(months)).unwrap_or(day)
}

/// Whether the organization works: Monday to Friday, except from Christmas Eve to New Year's Day.
pub(crate) fn is_workday(day: NaiveDate) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let closed = day.month() == 12 && day.day() >= 24 || day.month() == 1 && day.day() == 1;
    !weekend && !closed
}

/// Returns the day itself or the first working day after it.
pub(crate) fn workday_from(day: NaiveDate) -> NaiveDate {
    day.iter_days().find(|day| is_workday(*day)).unwrap_or(day)
}

/// Returns the year and the quarter of a day.
pub(crate) fn quarter_of(day: NaiveDate) -> (i32, u32) {
    (day.year(), day.month0() / 3)
}

/// The time zone in which days begin and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone(pub Tz);

impl Zone {
    /// Returns the instant of a local time. A time that the clocks skip is an hour later, and of one that they repeat the
    /// first counts.
    pub(crate) fn at(self, day: NaiveDate, minute: i64) -> Moment {
        let local = NaiveDateTime::new(day, NaiveTime::MIN) + TimeDelta::minutes(minute);
        let utc = self
            .0
            .from_local_datetime(&local)
            .earliest()
            .or_else(|| self.0.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
        Moment(utc.map_or_else(|| local.and_utc().timestamp_micros(), |utc| utc.timestamp_micros()))
    }

    /// Returns the first instant after a day.
    pub(crate) fn end_of(self, day: NaiveDate) -> Moment {
        self.at(day.checked_add_days(Days::new(1)).unwrap_or(day), 0)
    }

    /// Returns the local day of an instant.
    pub(crate) fn day_of(self, moment: Moment) -> NaiveDate {
        let utc = chrono::DateTime::from_timestamp_micros(moment.0).unwrap_or_default();
        utc.with_timezone(&self.0).date_naive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn local_times_follow_the_changes_of_the_clocks() {
        let zone = Zone(chrono_tz::Europe::Vienna);
        let at = |day, minute| chrono::DateTime::from_timestamp_micros(zone.at(day, minute).0).unwrap().to_rfc3339();
        assert_eq!(at(day(2025, 1, 7), 540), "2025-01-07T08:00:00+00:00");
        assert_eq!(at(day(2025, 7, 7), 540), "2025-07-07T07:00:00+00:00");
        // Skipped, and repeated.
        assert_eq!(at(day(2025, 3, 30), 150), "2025-03-30T01:30:00+00:00");
        assert_eq!(at(day(2025, 10, 26), 150), "2025-10-26T00:30:00+00:00");
        assert_eq!(zone.end_of(day(2025, 1, 6)), zone.at(day(2025, 1, 7), 0));
        assert_eq!(zone.day_of(zone.at(day(2025, 7, 7), 0)), day(2025, 7, 7));
    }

    #[test]
    fn the_organization_rests_at_weekends_and_at_the_end_of_the_year() {
        assert!(is_workday(day(2025, 12, 23)) && !is_workday(day(2025, 12, 24)));
        assert_eq!(workday_from(day(2025, 12, 24)), day(2026, 1, 2));
        assert_eq!(workday_from(day(2025, 3, 8)), day(2025, 3, 10));
        assert_eq!(plus_months(day(2025, 1, 31), 1), day(2025, 2, 28));
    }
}
