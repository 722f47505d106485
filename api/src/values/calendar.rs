//! Days, weeks and fiscal years in a time zone, as pure functions.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use entity::{Day, Instant};

/// The length of a day in microseconds.
pub const DAY: i64 = 86_400_000_000;

/// Returns the time zone with an IANA name, or `None` if there is none.
#[must_use]
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// Returns the local day of an instant, limited to the years 1 to 9999.
#[must_use]
pub fn day_of(at: Instant, zone: Tz) -> Day {
    let Some(utc) = at.utc() else { return if at.0 < 0 { Day::FIRST } else { Day::LAST } };
    let local = utc.with_timezone(&zone).date_naive();
    Day::from_date(local).unwrap_or(if local.year() < 1 { Day::FIRST } else { Day::LAST })
}

/// Returns the instant at which a local day begins: midnight, or the first instant after it if a clock change skips
/// midnight.
#[must_use]
pub fn start_of(day: Day, zone: Tz) -> Instant {
    let mut local = day.date().and_time(NaiveTime::MIN);
    // Gaps last at most a day and end on a multiple of 15 minutes.
    for _ in 0..=96 {
        if let Some(at) = zone.from_local_datetime(&local).earliest() {
            return Instant::from(at.to_utc());
        }
        local += TimeDelta::minutes(15);
    }
    Instant::from(local.and_utc())
}

/// Returns the instant at which a local day ends and the next one begins.
#[must_use]
pub fn end_of(day: Day, zone: Tz) -> Instant {
    if day >= Day::LAST { start_of(day, zone).plus_seconds(86_400) } else { start_of(day.plus(1), zone) }
}

/// Returns the fiscal year of a day. Fiscal year Y starts in calendar year Y, on the first day of `start_month`.
#[must_use]
pub fn fiscal_year(day: Day, start_month: u32) -> i32 {
    let date = day.date();
    if date.month() >= start_month { date.year() } else { date.year() - 1 }
}

/// Returns the first and last day of a fiscal year, limited to the years 1 to 9999.
#[must_use]
pub fn fiscal_days(year: i32, start_month: u32) -> (Day, Day) {
    let first = |year: i32| NaiveDate::from_ymd_opt(year, start_month, 1).and_then(Day::from_date);
    let start = first(year).unwrap_or(if year < 1 { Day::FIRST } else { Day::LAST });
    let end = first(year.saturating_add(1)).map_or(if year < 0 { Day::FIRST } else { Day::LAST }, |next| next.plus(-1));
    (start, end)
}

/// Returns the same day of the month `months` later, or the last day of that month if it is shorter.
#[must_use]
pub fn months_after(day: Day, months: u32) -> Day {
    day.date().checked_add_months(chrono::Months::new(months)).and_then(Day::from_date).unwrap_or(Day::LAST)
}

/// Returns the same date `years` later; February 28 for February 29 if that year is not a leap year.
#[must_use]
pub fn years_after(day: Day, years: u32) -> Day {
    months_after(day, years.saturating_mul(12))
}

/// Returns the quarter (1 to 4) of the fiscal year that a day is in.
#[must_use]
pub fn fiscal_quarter(day: Day, start_month: u32) -> u32 {
    (day.date().month() + 12 - start_month) % 12 / 3 + 1
}

/// Returns the Monday of a day's week.
#[must_use]
pub fn monday(day: Day) -> Day {
    let back = day.date().weekday().num_days_from_monday();
    day.plus(-i32::try_from(back).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, date: u32) -> Day {
        Day::of(year, month, date).unwrap()
    }

    #[test]
    fn days_depend_on_the_time_zone() {
        let berlin = zone("Europe/Berlin").unwrap();
        let at = crate::values::parse::instant("2017-03-31T22:30:00Z").unwrap();
        assert_eq!(day_of(at, berlin), day(2017, 4, 1));
        assert_eq!(start_of(day(2017, 3, 26), berlin), crate::values::parse::instant("2017-03-25T23:00:00Z").unwrap());
        // The day on which clocks go forward has 23 hours.
        assert_eq!(end_of(day(2017, 3, 26), berlin).0 - start_of(day(2017, 3, 26), berlin).0, 23 * 3_600_000_000);
        // São Paulo skipped midnight on 2017-10-15; Samoa skipped the whole of 2011-12-30.
        let sao_paulo = zone("America/Sao_Paulo").unwrap();
        assert_eq!(
            start_of(day(2017, 10, 15), sao_paulo),
            crate::values::parse::instant("2017-10-15T03:00:00Z").unwrap()
        );
        let apia = zone("Pacific/Apia").unwrap();
        assert_eq!(start_of(day(2011, 12, 30), apia), start_of(day(2011, 12, 31), apia));
    }

    #[test]
    fn fiscal_years_start_in_the_given_month() {
        assert_eq!(fiscal_year(day(2017, 3, 31), 4), 2016);
        assert_eq!(fiscal_year(day(2017, 4, 1), 4), 2017);
        assert_eq!(fiscal_days(2016, 3), (day(2016, 3, 1), day(2017, 2, 28)));
        assert_eq!(fiscal_days(2015, 3), (day(2015, 3, 1), day(2016, 2, 29)));
        assert_eq!(fiscal_days(9999, 4), (day(9999, 4, 1), Day::LAST));
        assert_eq!(fiscal_days(99_999, 1), (Day::LAST, Day::LAST));
        assert_eq!(fiscal_quarter(day(2017, 1, 5), 4), 4);
        assert_eq!(fiscal_quarter(day(2017, 4, 5), 4), 1);
    }

    #[test]
    fn a_year_after_a_leap_day_is_the_last_day_of_february() {
        assert_eq!(years_after(day(2016, 2, 29), 1), day(2017, 2, 28));
        assert_eq!(years_after(day(2016, 2, 29), 4), day(2020, 2, 29));
        assert_eq!(years_after(day(2017, 3, 31), 1), day(2018, 3, 31));
        assert_eq!(years_after(Day::LAST, 1), Day::LAST);
    }

    #[test]
    fn months_after_a_31st_end_on_the_last_day_of_a_shorter_month() {
        assert_eq!(months_after(day(2017, 1, 31), 1), day(2017, 2, 28));
        assert_eq!(months_after(day(2016, 1, 31), 1), day(2016, 2, 29));
        assert_eq!(months_after(day(2017, 11, 30), 3), day(2018, 2, 28));
        assert_eq!(months_after(day(2017, 2, 28), 1), day(2017, 3, 28));
        assert_eq!(months_after(Day::LAST, 3), Day::LAST);
    }

    #[test]
    fn weeks_start_on_monday() {
        assert_eq!(monday(day(2017, 4, 9)), day(2017, 4, 3));
        assert_eq!(monday(day(2017, 4, 3)), day(2017, 4, 3));
    }
}
