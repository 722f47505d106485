//! Local days of instants, in SQL. Neither database knows the time zones that the other one knows, so the zone's
//! offsets are worked out here and put into the statement as numbers: what is left is integer arithmetic, the same on
//! both.

use chrono::{Offset as _, TimeZone as _};
use chrono_tz::Tz;
use entity::{Day, Instant};

use super::bucket::Bucket;
use crate::values::calendar::{self, DAY};

/// Days from 0000-01-01 to 1970-01-01. With them added nothing is below 0, where division would round upwards.
const SHIFT: i64 = 719_528;
/// No zone changed its offset before 1800, when clocks went by the sun, and chrono-tz knows no change from 2200 on.
const CHANGING: (Day, Day) = (Day(-62_091), Day(84_006));

/// A stretch of time in which a zone keeps its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// Its end, in microseconds since 1970: the first instant of the next one.
    until: i64,
    /// What is added to UTC, in microseconds.
    offset: i64,
}

fn offset(zone: Tz, seconds: i64) -> i64 {
    let utc = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}

/// The stretches of one offset between two instants. Zones are asked day by day: some kept an offset for weeks alone.
fn spans(zone: Tz, from: Instant, to: Instant) -> Vec<Span> {
    let bound = |day: Day| i64::from(day.0) * 86_400;
    let clamp = |at: Instant| at.0.div_euclid(1_000_000).clamp(bound(CHANGING.0), bound(CHANGING.1));
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

/// What holds for an instant, as a search by halves among stretches of time: each by its end (the first instant of the
/// next one) and what holds in it. A row costs as many comparisons as the number of stretches has binary digits.
fn search_sql(column: &str, stretches: &[(i64, i64)]) -> String {
    let (before, after) = stretches.split_at(stretches.len().div_ceil(2));
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

/// The number of the stretch of days that a column of instants is in, all of which lie between two (both included); None
/// where there are so many stretches between them that arithmetic with the day comes cheaper.
#[must_use]
pub fn stretch_sql(column: &str, zone: Tz, bucket: Bucket, from: Instant, to: Instant) -> Option<String> {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    let mut at = from.0;
    for Span { until, offset } in spans(zone, from, to) {
        let end = until.min(to.0.saturating_add(1));
        while at < end {
            let day = Day(i32::try_from((at + offset).div_euclid(DAY)).ok()?);
            let number = bucket.number(day)?;
            let next = bucket.first_after(day).map_or(end, |next| (i64::from(next.0) * DAY - offset).min(end));
            let so_far = stretches.len();
            match stretches.last_mut() {
                Some(last) if last.1 == number => last.0 = next,
                _ if so_far == MOST_STRETCHES => return None,
                _ => stretches.push((next, number)),
            }
            at = next;
        }
    }
    Some(search_sql(column, &stretches))
}

/// Stretches at most that are searched by halves.
const MOST_STRETCHES: usize = 500;

/// The local day (days since 1970-01-01) of a column of instants (microseconds since 1970), all of which lie between
/// two (both included). Days beyond the calendar's ends count as its first and its last, as in [`calendar::day_of`].
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

    /// The day that the stretches give to an instant.
    fn day(spans: &[Span], at: Instant) -> i64 {
        let offset = spans.iter().find(|span| at.0 < span.until).unwrap().offset;
        (at.0 + offset).div_euclid(DAY)
    }

    #[test]
    fn clock_changes_bound_the_stretches() {
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
    fn a_day_that_a_zone_skipped_has_no_instants() {
        // Samoa crossed the date line: 2011-12-30 never was.
        let zone = chrono_tz::Pacific::Apia;
        let found = spans(zone, instant("2011-01-01T00:00:00Z"), instant("2012-12-31T00:00:00Z"));
        let before = instant("2011-12-30T09:59:59Z");
        assert_eq!(day(&found, before), i64::from(Day::of(2011, 12, 29).unwrap().0));
        assert_eq!(day(&found, before.plus_seconds(1)), i64::from(Day::of(2011, 12, 31).unwrap().0));
    }

    #[test]
    fn one_offset_needs_no_comparison() {
        assert_eq!(
            spans(chrono_tz::UTC, instant("0001-01-01T00:00:00Z"), instant("9999-12-31T00:00:00Z")),
            [Span { until: i64::MAX, offset: 0 }]
        );
        assert_eq!(
            spans(chrono_tz::America::New_York, instant("2300-01-01T00:00:00Z"), instant("2301-01-01T00:00:00Z")).len(),
            1
        );
    }

    /// What the search finds for an instant, as the databases read it.
    fn found(sql: &str, at: i64) -> i64 {
        let Some(rest) = sql.strip_prefix("case when at < ") else { return sql.parse().unwrap() };
        let (until, rest) = rest.split_once(" then ").unwrap();
        let mut depth = 0;
        let mut middle = 0;
        for (place, _) in rest.match_indices(' ') {
            match &rest[place..] {
                text if text.starts_with(" end") => depth -= 1,
                text if text.starts_with(" else ") && depth == 0 => {
                    middle = place;
                    break;
                }
                _ => {}
            }
            if rest[..place].ends_with("case") {
                depth += 1;
            }
        }
        let (before, after) = (&rest[..middle], &rest[middle + " else ".len()..rest.len() - " end".len()]);
        if at < until.parse().unwrap() { found(before, at) } else { found(after, at) }
    }

    #[test]
    fn stretches_are_searched_by_halves() {
        let between = |bucket, from, to| {
            stretch_sql("at", chrono_tz::America::New_York, bucket, instant(from), instant(to)).map(|sql| sql.len())
        };
        let sql = stretch_sql(
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
        fn stretches_are_those_of_the_days(
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            at in 0_i64..3_000_000_000_000_000,
            width in 0_i64..100_000_000_000_000,
            start in 1_u32..=12,
        ) {
            for bucket in [Bucket::Month, Bucket::Quarter(start), Bucket::Year(start)] {
                let sql = stretch_sql("at", zone, bucket, Instant(at), Instant(at + width)).unwrap();
                for at in [at, at + width / 3, at + width / 2, at + width] {
                    prop_assert_eq!(Some(found(&sql, at)), bucket.number(calendar::day_of(Instant(at), zone)));
                }
            }
        }

        #[test]
        fn days_are_those_of_the_zone(zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]), at in -3_000_000_000_000_000_i64..5_000_000_000_000_000, width in 0_i64..100_000_000_000_000) {
            let found = spans(zone, Instant(at), Instant(at + width));
            for at in [at, at + width / 3, at + width / 2, at + width] {
                prop_assert_eq!(day(&found, Instant(at)), i64::from(calendar::day_of(Instant(at), zone).0));
            }
        }
    }
}
