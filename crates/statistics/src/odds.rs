//! Two arms of events, each of which succeeds or does not.

use crate::{Z, float};

/// The events of one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arm {
    /// The number of events.
    pub events: usize,
    /// The number of those that succeeded.
    pub successes: usize,
}

/// An odds ratio with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OddsRatio {
    /// The ratio: above 0.
    pub value: f64,
    /// The interval, computed on the logarithm.
    pub interval: (f64, f64),
}

impl Arm {
    fn rest(self) -> usize {
        self.events.saturating_sub(self.successes)
    }

    /// Returns the share of the events that succeeded; `None` without events.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.events > 0).then(|| float(self.successes) / float(self.events))
    }
}

/// Returns the odds ratio of two arms with 0.5 added to every cell; `None` if an arm has no events.
#[must_use]
pub fn ratio(one: Arm, other: Arm) -> Option<OddsRatio> {
    if one.events == 0 || other.events == 0 {
        return None;
    }
    let cell = |count: usize| float(count) + 0.5;
    let [a, b, c, d] = [one.successes, one.rest(), other.successes, other.rest()].map(cell);
    let log = (a * d / (b * c)).ln();
    let half = Z * (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d).sqrt();
    Some(OddsRatio { value: log.exp(), interval: ((log - half).exp(), (log + half).exp()) })
}

/// Returns the difference of the rates of two arms; `None` if an arm has no events.
#[must_use]
pub fn risk_difference(one: Arm, other: Arm) -> Option<f64> {
    Some(one.rate()? - other.rate()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn arm(successes: usize, events: usize) -> Arm {
        Arm { events, successes }
    }

    #[test]
    fn the_golden_odds() {
        let (ready, not_ready) = (arm(12, 18), arm(3, 18));
        let found = ratio(ready, not_ready).unwrap();
        assert!((found.value - 8.516).abs() < 5e-4, "{}", found.value);
        assert!((found.interval.0 - 1.904).abs() < 5e-4, "{}", found.interval.0);
        // 38.089 with z = 1.96.
        assert!((found.interval.1 - 38.088).abs() < 5e-4, "{}", found.interval.1);
        assert!((risk_difference(ready, not_ready).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn empty_cells_have_odds_and_empty_arms_have_none() {
        let found = ratio(arm(5, 5), arm(0, 5)).unwrap();
        assert!((found.value - 121.0).abs() < 1e-9 && found.interval.1.is_finite());
        assert_eq!((ratio(arm(0, 0), arm(1, 5)), risk_difference(arm(1, 5), arm(0, 0))), (None, None));
        // Swapped, the ratio is the inverse.
        let (one, other) = (ratio(arm(4, 9), arm(2, 7)).unwrap(), ratio(arm(2, 7), arm(4, 9)).unwrap());
        assert!(
            (one.value * other.value - 1.0).abs() < 1e-12 && (one.interval.0 * other.interval.1 - 1.0).abs() < 1e-12
        );
    }
}
