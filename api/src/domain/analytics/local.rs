//! Local days of instants, in SQL. The databases have different time zone data, so the offsets of the zone are computed
//! here and become numbers in the statement. What remains is integer arithmetic, which is the same on both databases.

use chrono::{Offset as _, TimeZone as _};
use chrono_tz::Tz;
use entity::{Day, Instant};

use super::bucket::Bucket;
use crate::values::calendar::{self, DAY};

/// Days from 0000-01-01 to 1970-01-01. Adding them keeps dividends non-negative; division would round negative ones
/// upward.
const SHIFT: i64 = 719_528;
/// The days between which offsets change: clocks followed the sun before 1800, and chrono-tz knows no changes from 2200
/// on.
const OFFSET_CHANGES: (Day, Day) = (Day(-62_091), Day(84_006));

/// A span of time with a constant offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// The end, exclusive, in microseconds since 1970.
    until: i64,
    /// The offset from UTC in microseconds.
    offset: i64,
}

/// Returns the offset of a zone from UTC at an instant; both in seconds.
pub(super) fn offset(zone: Tz, seconds: i64) -> i64 {
    let utc = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}

/// Returns the spans of constant offset between two instants. Looks at every day, because some zones kept an offset for
/// only a few weeks.
fn spans(zone: Tz, from: Instant, to: Instant) -> Vec<Span> {
    let bound = |day: Day| i64::from(day.0) * 86_400;
    let clamp = |at: Instant| at.0.div_euclid(1_000_000).clamp(bound(OFFSET_CHANGES.0), bound(OFFSET_CHANGES.1));
    let (mut at, end) = (clamp(from), clamp(to));
    let mut current = offset(zone, at);
    let mut spans = Vec::new();
    while at < end {
        let next = (at + 86_400).min(end);
        let following = offset(zone, next);
        if following != current {
            let (mut before, mut after) = (at, next);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if offset(zone, middle) == current { before = middle } else { after = middle }
            }
            spans.push(Span { until: after * 1_000_000, offset: current * 1_000_000 });
            current = following;
        }
        at = next;
    }
    spans.push(Span { until: i64::MAX, offset: current * 1_000_000 });
    spans
}

/// Returns SQL that looks up the value for an instant by binary search among periods, each given by its exclusive end
/// and its value.
fn search_sql(column: &str, periods: &[(i64, i64)]) -> String {
    let (before, after) = periods.split_at(periods.len().div_ceil(2));
    match (before.last(), after) {
        (Some((_, only)), []) => only.to_string(),
        (Some((until, _)), after) => {
            format!(
                "case when {column} < {until} then {} else {} end",
                search_sql(column, before),
                search_sql(column, after)
            )
        }
        (None, _) => "0".to_owned(),
    }
}

/// Returns SQL for the number of the period that contains an instant in `column`, for instants from `from` to `to`,
/// both included. `None` for days and weeks, and if there are too many periods to list; then the day is computed.
#[must_use]
pub fn period_sql(column: &str, zone: Tz, bucket: Bucket, from: Instant, to: Instant) -> Option<String> {
    let mut periods: Vec<(i64, i64)> = Vec::new();
    let mut at = from.0;
    for Span { until, offset } in spans(zone, from, to) {
        let end = until.min(to.0.saturating_add(1));
        while at < end {
            let day = Day(i32::try_from((at + offset).div_euclid(DAY)).ok()?);
            let number = bucket.number(day)?;
            let next = bucket.first_after(day).map_or(end, |next| (i64::from(next.0) * DAY - offset).min(end));
            let count = periods.len();
            match periods.last_mut() {
                Some(last) if last.1 == number => last.0 = next,
                _ if count == MAX_PERIODS => return None,
                _ => periods.push((next, number)),
            }
            at = next;
        }
    }
    Some(search_sql(column, &periods))
}

/// The maximum number of periods for a binary search.
const MAX_PERIODS: usize = 500;

/// Returns SQL for the local day (days since 1970-01-01) of an instant in `column` (microseconds since 1970), for
/// instants from `from` to `to`, both included. Days outside of the calendar become its first or last day, as in
/// [`calendar::day_of`].
#[must_use]
pub fn day_sql(column: &str, zone: Tz, from: Instant, to: Instant) -> String {
    let offsets: Vec<(i64, i64)> = spans(zone, from, to).iter().map(|span| (span.until, span.offset)).collect();
    let mut day = format!("(({column} + {SHIFT} * {DAY} + {}) / {DAY} - {SHIFT})", search_sql(column, &offsets));
    let (start, end) = (calendar::start_of(Day::FIRST, zone), calendar::end_of(Day::LAST, zone));
    if from < start {
        day = format!("case when {column} < {} then {} else {day} end", start.0, Day::FIRST.0);
    }
    if to >= end {
        day = format!("case when {column} >= {} then {} else {day} end", end.0, Day::LAST.0);
    }
    day
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instant(text: &str) -> Instant {
        crate::graphql::scalars::instant(text).unwrap()
    }

    /// Returns the local day of an instant according to the spans.
    fn day(spans: &[Span], at: Instant) -> i64 {
        let offset = spans.iter().find(|span| at.0 < span.until).unwrap().offset;
        (at.0 + offset).div_euclid(DAY)
    }

    #[test]
    fn spans_end_at_clock_changes() {
        let found =
            spans(chrono_tz::America::New_York, instant("2016-12-31T00:00:00Z"), instant("2017-12-31T00:00:00Z"));
        let hour = 3_600_000_000;
        assert_eq!(
            found,
            [
                Span { until: instant("2017-03-12T07:00:00Z").0, offset: -5 * hour },
                Span { until: instant("2017-11-05T06:00:00Z").0, offset: -4 * hour },
                Span { until: i64::MAX, offset: -5 * hour },
            ]
        );
    }

    #[test]
    fn a_skipped_day_has_no_instants() {
        // Samoa crossed the date line and skipped 2011-12-30.
        let zone = chrono_tz::Pacific::Apia;
        let found = spans(zone, instant("2011-01-01T00:00:00Z"), instant("2012-12-31T00:00:00Z"));
        let before = instant("2011-12-30T09:59:59Z");
        assert_eq!(day(&found, before), i64::from(Day::of(2011, 12, 29).unwrap().0));
        assert_eq!(day(&found, before.plus_seconds(1)), i64::from(Day::of(2011, 12, 31).unwrap().0));
    }

    #[test]
    fn a_constant_offset_needs_no_comparison() {
        assert_eq!(
            spans(chrono_tz::UTC, instant("0001-01-01T00:00:00Z"), instant("9999-12-31T00:00:00Z")),
            [Span { until: i64::MAX, offset: 0 }]
        );
        assert_eq!(
            spans(chrono_tz::America::New_York, instant("2300-01-01T00:00:00Z"), instant("2301-01-01T00:00:00Z")).len(),
            1
        );
    }

    /// Evaluates the SQL of a search for an instant.
    fn found(sql: &str, at: i64) -> i64 {
        let Some(rest) = sql.strip_prefix("case when at < ") else { return sql.parse().unwrap() };
        let (until, rest) = rest.split_once(" then ").unwrap();
        let mut depth = 0;
        let mut middle = 0;
        for (index, _) in rest.match_indices(' ') {
            match &rest[index..] {
                text if text.starts_with(" end") => depth -= 1,
                text if text.starts_with(" else ") && depth == 0 => {
                    middle = index;
                    break;
                }
                _ => {}
            }
            if rest[..index].ends_with("case") {
                depth += 1;
            }
        }
        let (before, after) = (&rest[..middle], &rest[middle + " else ".len()..rest.len() - " end".len()]);
        if at < until.parse().unwrap() { found(before, at) } else { found(after, at) }
    }

    #[test]
    fn periods_are_found_by_binary_search() {
        let between = |bucket, from, to| {
            period_sql("at", chrono_tz::America::New_York, bucket, instant(from), instant(to)).map(|sql| sql.len())
        };
        let sql = period_sql(
            "at",
            chrono_tz::America::New_York,
            Bucket::Quarter(2),
            instant("2017-01-01T05:00:00Z"),
            instant("2017-05-01T03:59:59Z"),
        );
        let february = instant("2017-02-01T05:00:00Z").0;
        assert_eq!(sql.unwrap(), format!("case when at < {february} then {} else {} end", 2016 * 4 + 3, 2017 * 4));
        assert!(between(Bucket::Month, "2000-01-01T00:00:00Z", "2040-01-01T00:00:00Z").is_some());
        assert_eq!(between(Bucket::Month, "1000-01-01T00:00:00Z", "2040-01-01T00:00:00Z"), None);
        assert!(between(Bucket::Year(1), "1800-01-01T00:00:00Z", "2040-01-01T00:00:00Z").is_some());
        assert_eq!(between(Bucket::Day, "2017-01-01T00:00:00Z", "2017-01-02T00:00:00Z"), None);
    }

    proptest! {
        #[test]
        fn periods_match_those_of_the_local_days(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            at in 0_i64..3_000_000_000_000_000,
            width in 0_i64..100_000_000_000_000,
            start in 1_u32..=12,
        ) {
            for bucket in [Bucket::Month, Bucket::Quarter(start), Bucket::Year(start)] {
                let sql = period_sql("at", zone, bucket, Instant(at), Instant(at + width)).unwrap();
                for at in [at, at + width / 3, at + width / 2, at + width] {
                    prop_assert_eq!(Some(found(&sql, at)), bucket.number(calendar::day_of(Instant(at), zone)));
                }
            }
        }

        #[test]
        fn local_days_match_those_of_the_zone(zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]), at in -3_000_000_000_000_000_i64..5_000_000_000_000_000, width in 0_i64..100_000_000_000_000) {
            let found = spans(zone, Instant(at), Instant(at + width));
            for at in [at, at + width / 3, at + width / 2, at + width] {
                prop_assert_eq!(day(&found, Instant(at)), i64::from(calendar::day_of(Instant(at), zone).0));
            }
        }
    }
}
