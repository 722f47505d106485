//! The estimators behind the figures of the API, as pure functions of plain values. No input makes them panic.
//!
//! | module | contents |
//! |---|---|
//! | [`interval`] | Wilson intervals of shares, t intervals of means |
//! | [`sum`] | the probability that a sum of independent wins reaches an amount |
//! | [`smooth`] | the same for very many different amounts |
//! | [`survival`] | Kaplan–Meier curves, their quartiles and the interval of the median |
//! | [`odds`] | odds ratios and risk differences of two arms |
//! | [`growth`] | the effect of goals on growth, matched by seller and size, with a bootstrap over sellers |
//! | [`openings`] | expected openings by week, from target minutes of the weeks before |
//! | [`quantile`] | medians, percentiles and cut points |
//!
//! `docs/looking-ahead.md` says what they are used for. `.ci/statistics` compares them with SciPy, statsmodels and lifelines
//! on random inputs.

pub mod growth;
pub mod interval;
pub mod odds;
pub mod openings;
pub mod quantile;
pub mod smooth;
pub mod sum;
pub mod survival;

/// The quantile of the normal distribution for 95 % intervals.
pub const Z: f64 = 1.959_964;

/// Converts a count, which is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn float(count: usize) -> f64 {
    count as f64
}

/// Converts an amount of at most 15 digits, or a sum of such amounts.
#[expect(clippy::cast_precision_loss, reason = "an amount has at most 15 digits")]
const fn amount(amount: i64) -> f64 {
    amount as f64
}
