//! Estimates: a figure with the number of observations behind it, its interval and whether it is enough to act on.

use crate::graphql::object;

/// The quantile of the normal distribution for 95 % intervals.
const Z: f64 = 1.959_964;
/// Observations from which a share is sufficient.
pub const ENOUGH: i64 = 10;

/// One figure with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: Option<f64>,
    /// The interval.
    pub interval: Option<(f64, f64)>,
    /// Observations.
    pub n: i32,
    /// Whether there are enough observations to act on.
    pub sufficient: bool,
    /// Why there is no value, or what limits it.
    pub note: Option<String>,
}

object! {
    /// One figure with what it rests on. `value` is null where it cannot be estimated, and `note` says why.
    Estimate as "Estimate" {
        /// The figure; null where it cannot be estimated.
        value: Option<f64> = plain(|estimate| estimate.value);
        /// The lower end of the 95 % interval; null where there is none.
        low: Option<f64> = plain(|estimate| estimate.interval.map(|(low, _)| low));
        /// The upper end of the 95 % interval; null where there is none.
        high: Option<f64> = plain(|estimate| estimate.interval.map(|(_, high)| high));
        /// The number of observations.
        n: i32 = plain(|estimate| estimate.n);
        /// Whether there are enough observations to act on.
        sufficient: bool = plain(|estimate| estimate.sufficient);
        /// Why there is no value, or what limits it.
        note: Option<&str> = plain(|estimate| estimate.note.as_deref());
    }
}

fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { 0 } else { i32::MAX })
}

impl Estimate {
    /// Returns the estimate of a share: `part` of `n` observations, with its Wilson interval. It is sufficient from `least`
    /// observations on.
    #[must_use]
    pub fn share(part: i64, n: i64, least: i64, of: &str) -> Self {
        let value = (n > 0).then(|| float(part) / float(n));
        Self { interval: wilson(part, n), ..Self::figure(value, n, least, of) }
    }

    /// Returns the estimate of a figure that rests on `n` observations. It is sufficient from `least` on.
    #[must_use]
    pub fn figure(value: Option<f64>, n: i64, least: i64, of: &str) -> Self {
        let sufficient = value.is_some() && n >= least;
        let note = (!sufficient).then(|| format!("It rests on {n} {of}; at least {least} are needed."));
        Self { value, interval: None, n: int(n), sufficient, note }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

/// Returns the 95 % Wilson interval of a share; `None` without observations.
#[must_use]
pub fn wilson(part: i64, n: i64) -> Option<(f64, f64)> {
    if n <= 0 {
        return None;
    }
    let (n, square) = (float(n), Z * Z);
    let share = float(part) / n;
    let center = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Some(((center - half).max(0.0), (center + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilson_intervals_are_those_of_the_tables() {
        for (part, n, low, high) in
            [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)]
        {
            let (found_low, found_high) = wilson(part, n).unwrap();
            assert!(
                (found_low - low).abs() < 1e-4 && (found_high - high).abs() < 1e-4,
                "{part} of {n}: {found_low} {found_high}"
            );
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn an_estimate_says_what_is_missing() {
        let none = Estimate::share(0, 0, ENOUGH, "closed opportunities");
        assert_eq!((none.value, none.interval, none.n, none.sufficient), (None, None, 0, false));
        assert_eq!(none.note.as_deref(), Some("It rests on 0 closed opportunities; at least 10 are needed."));
        let enough = Estimate::share(4, 10, ENOUGH, "closed opportunities");
        assert_eq!((enough.value, enough.sufficient, enough.note), (Some(0.4), true, None));
    }

    proptest! {
        #[test]
        fn intervals_hold_their_share(n in 1_i64..100_000, part in 0_i64..100_000) {
            let part = part.min(n);
            let (low, high) = wilson(part, n).unwrap();
            let share = float(part) / float(n);
            prop_assert!((0.0..=1.0).contains(&low) && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
        }
    }
}
