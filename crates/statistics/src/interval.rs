//! Intervals of shares and means.

use statrs::distribution::{Continuous as _, ContinuousCDF as _, StudentsT};

use crate::{Z, amount, float};

/// Returns the 95 % Wilson interval of a share; `None` without observations.
#[must_use]
pub fn wilson(part: i64, n: i64) -> Option<(f64, f64)> {
    if n <= 0 {
        return None;
    }
    let (n, square) = (amount(n), Z * Z);
    let share = amount(part) / n;
    let center = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).max(0.0).sqrt();
    Some(((center - half).max(0.0), (center + half).min(1.0)))
}

/// A mean with its 95 % t interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// The interval; `None` for a single observation.
    pub interval: Option<(f64, f64)>,
}

/// Returns the mean of observations with its 95 % t interval; `None` without observations.
#[must_use]
pub fn mean(values: &[f64]) -> Option<Mean> {
    let n = float(values.len());
    if values.is_empty() {
        return None;
    }
    let value = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return Some(Mean { value, interval: None });
    }
    let variance = values.iter().map(|other| (other - value).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t_quantile(n - 1.0) * (variance / n).sqrt();
    Some(Mean { value, interval: Some((value - half, value + half)) })
}

/// Returns the quantile of Student's t distribution for 95 % intervals.
pub(crate) fn t_quantile(freedom: f64) -> f64 {
    const PROBABILITY: f64 = 0.975;
    let Ok(t) = StudentsT::new(0.0, 1.0, freedom) else { return Z };
    // The inverse of statrs has about five digits; Newton's steps give the others.
    let mut at = t.inverse_cdf(PROBABILITY);
    for _ in 0..4 {
        let step = (t.cdf(at) - PROBABILITY) / t.pdf(at);
        if !step.is_finite() {
            break;
        }
        at -= step;
    }
    at
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
    fn quantiles_are_those_of_the_tables() {
        for (freedom, expected) in
            [(1.0, 12.706_204_736), (2.0, 4.302_652_730), (9.0, 2.262_157_163), (120.0, 1.979_930_405)]
        {
            assert!((t_quantile(freedom) - expected).abs() < 1e-9, "{freedom}: {}", t_quantile(freedom));
        }
    }

    #[test]
    fn the_mean_of_attainments_has_an_interval() {
        let found = mean(&[1.52, 1.125, 1.62, 1.55]).unwrap();
        assert!((found.value - 1.45375).abs() < 1e-12);
        let (low, high) = found.interval.unwrap();
        assert!((low - 1.098_694).abs() < 1e-5 && (high - 1.808_806).abs() < 1e-5, "{low} {high}");
        assert_eq!(mean(&[2.0]), Some(Mean { value: 2.0, interval: None }));
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[3.0, 3.0]).unwrap().interval, Some((3.0, 3.0)));
    }

    proptest! {
        #[test]
        fn intervals_hold_their_share(n in 1_i64..100_000, part in 0_i64..100_000) {
            let part = part.min(n);
            let (low, high) = wilson(part, n).unwrap();
            let share = amount(part) / amount(n);
            prop_assert!((0.0..=1.0).contains(&low) && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
        }

        #[test]
        fn intervals_hold_their_mean(values in prop::collection::vec(-1e6_f64..1e6, 2..50)) {
            let found = mean(&values).unwrap();
            let (low, high) = found.interval.unwrap();
            prop_assert!(low <= found.value && found.value <= high);
        }
    }
}
