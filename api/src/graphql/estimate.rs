//! Estimates: a figure with the number of observations behind it, its interval and whether it is enough to act on.

pub use statistics::interval::wilson;

use crate::graphql::object;

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

/// Converts a count to an `Int` of the schema, which ends at its largest.
#[must_use]
pub fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Converts a count to an `Int` of the schema, as [`count`] does.
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

    /// Adds the interval.
    #[must_use]
    pub fn between(self, interval: Option<(f64, f64)>) -> Self {
        Self { interval, ..self }
    }

    /// Adds what the estimate must not be read as.
    #[must_use]
    pub fn noted(self, note: &str) -> Self {
        let note = match self.note {
            Some(before) => format!("{before} {note}"),
            None => note.to_owned(),
        };
        Self { note: Some(note), ..self }
    }

    /// Marks the estimate as not sufficient, and says why.
    #[must_use]
    pub fn not_yet(self, why: &str) -> Self {
        Self { sufficient: false, ..self.noted(why) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_says_what_is_missing() {
        let none = Estimate::share(0, 0, ENOUGH, "closed opportunities");
        assert_eq!((none.value, none.interval, none.n, none.sufficient), (None, None, 0, false));
        assert_eq!(none.note.as_deref(), Some("It rests on 0 closed opportunities; at least 10 are needed."));
        let enough = Estimate::share(4, 10, ENOUGH, "closed opportunities");
        assert_eq!((enough.value, enough.sufficient, enough.note), (Some(0.4), true, None));
    }
}
