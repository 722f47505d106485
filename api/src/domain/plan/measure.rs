//! The progress of a benchmark. No I/O; values are integers in millionths.

use entity::Day;
use rust_decimal::Decimal;

/// The number of millionths in one.
pub const MILLION: i128 = 1_000_000;
/// The largest value: 18 digits.
const LARGEST: i128 = 999_999_999_999_999_999;

/// The straight line from a baseline to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The value on the first day.
    pub baseline: i128,
    /// The value on the due day.
    pub target: i128,
    /// The plan's first day.
    pub from: Day,
    /// The day by which the target is to be reached.
    pub due: Day,
}

impl Way {
    /// Returns the progress of a value from baseline to target. Can exceed 1 and be negative. `None` if baseline and
    /// target are equal.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the result is only displayed")]
    pub fn attainment(self, value: i128) -> Option<f64> {
        let distance = self.target - self.baseline;
        (distance != 0).then(|| (value - self.baseline) as f64 / distance as f64)
    }

    /// Whether a value on a day has reached the line, in the direction of the target. The line is at the baseline
    /// before the first day and at the target after the due day. The comparison is exact.
    #[must_use]
    pub fn on_track(self, value: i128, day: Day) -> bool {
        let days = i128::from((self.due.0 - self.from.0).max(1));
        let elapsed = i128::from(day.0 - self.from.0).clamp(0, days);
        let direction = (self.target - self.baseline).signum();
        // Both sides are multiplied by the number of days instead of dividing.
        (value - self.baseline) * direction * days >= (self.target - self.baseline) * direction * elapsed
    }
}

/// Converts a decimal number to millionths.
///
/// # Errors
/// A message for the user if the number has too many digits.
pub fn millionths(given: Decimal) -> Result<i64, String> {
    let mut scaled = given.normalize();
    if scaled.scale() > 6 {
        return Err("The number must have at most 6 decimals.".to_owned());
    }
    scaled.rescale(6);
    if scaled.scale() != 6 || scaled.mantissa().abs() > LARGEST {
        return Err("The number must have at most 18 digits, 6 of them decimals.".to_owned());
    }
    i64::try_from(scaled.mantissa())
        .map_err(|_| "The number must have at most 18 digits, 6 of them decimals.".to_owned())
}

/// Converts millionths to a decimal number without trailing zeros.
#[must_use]
pub fn decimal(value: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(value, 6).unwrap_or_default().normalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        crate::graphql::scalars::day(text).unwrap()
    }

    fn way(baseline: i128, target: i128) -> Way {
        Way { baseline, target, from: day("2017-01-01"), due: day("2017-01-11") }
    }

    #[test]
    fn attainment_is_the_progress_from_baseline_to_target() {
        assert_eq!(way(10, 20).attainment(15), Some(0.5));
        assert_eq!(way(20, 10).attainment(15), Some(0.5));
        assert_eq!(way(10, 20).attainment(25), Some(1.5));
        assert_eq!(way(10, 20).attainment(5), Some(-0.5));
        assert_eq!(way(-10, 10).attainment(0), Some(0.5));
        assert_eq!(way(10, 10).attainment(10), None);
    }

    #[test]
    fn on_track_means_the_line_is_reached() {
        for (baseline, target, value, on, expected) in [
            (0, 100, 0, "2017-01-01", true),
            (0, 100, 49, "2017-01-06", false),
            (0, 100, 50, "2017-01-06", true),
            (0, 100, 99, "2017-01-11", false),
            (0, 100, 100, "2017-01-11", true),
            // The line stays at the target after the due day, and at the baseline before the first day.
            (0, 100, 100, "2018-01-01", true),
            (0, 100, 0, "2016-01-01", true),
            (0, 100, -1, "2016-01-01", false),
            // Descending.
            (100, 0, 51, "2017-01-06", false),
            (100, 0, 50, "2017-01-06", true),
            (100, 0, -5, "2017-01-06", true),
        ] {
            assert_eq!(way(baseline, target).on_track(value, day(on)), expected, "{baseline} {target} {value} {on}");
        }
    }

    #[test]
    fn values_have_eighteen_digits_six_of_them_decimals() {
        let read = |text: &str| millionths(crate::graphql::scalars::decimal(text).unwrap());
        assert_eq!(read("1.5"), Ok(1_500_000));
        assert_eq!(read("-0.000001"), Ok(-1));
        assert_eq!(read("999999999999.999999"), Ok(999_999_999_999_999_999));
        assert!(read("1000000000000").is_err() && read("-1000000000000").is_err());
        assert!(read("0.0000001").is_err());
        assert_eq!(read("0.1000000"), Ok(100_000));
        assert!(read("9999999999999999999999999999").is_err());
        assert_eq!(decimal(1_500_000).to_string(), "1.5");
        assert_eq!(decimal(2_000_000).to_string(), "2");
        assert_eq!(decimal(-1).to_string(), "-0.000001");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_the_target_is_always_on_track(baseline: i64, target: i64, value: i64, from in Day::FIRST.0..=Day::LAST.0, due in Day::FIRST.0..=Day::LAST.0, on in Day::FIRST.0..=Day::LAST.0) {
            let way = Way { baseline: baseline.into(), target: target.into(), from: Day(from), due: Day(due) };
            let _ = (way.attainment(value.into()), way.on_track(value.into(), Day(on)));
            prop_assert!(way.on_track(target.into(), Day(on)));
            // A value that is on track is on track on every earlier day too.
            if way.on_track(value.into(), Day(on)) && on > Day::FIRST.0 {
                prop_assert!(way.on_track(value.into(), Day(on - 1)));
            }
        }
    }
}
