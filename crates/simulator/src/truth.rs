//! The true parameters of a simulated organization.

use std::fmt;

use crate::numbers::whole;

/// The parameters by which the clients of a simulated organization behave. Estimators find them again, within their
/// intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Trigger events of an account in a year.
    pub triggers_a_year: f64,
    /// The probability of being invited after a trigger event where we were not ready.
    pub invited_unready: f64,
    /// The odds of being invited where we were ready, divided by the odds where we were not.
    pub odds_ratio: f64,
    /// The probability that an opportunity is won.
    pub win_rate: f64,
    /// The median of the days from opening an opportunity to closing it, as a real number. It is won or lost independently of
    /// how long that takes.
    pub cycle_median: f64,
    /// The shape of the Weibull distribution of those days.
    pub cycle_shape: f64,
    /// The median of the days from the first touch of a target to the opportunity that it leads to, as a real number.
    pub lag_median: f64,
    /// The shape of the Weibull distribution of those days.
    pub lag_shape: f64,
    /// The median of the days until a client who is no target comes with an opportunity unasked.
    pub unasked_median: f64,
    /// The mean of ln(bookings of a year ÷ bookings of the year before) of a client without a goal.
    pub growth: f64,
    /// What a goal adds to that mean.
    pub goal_effect: f64,
    /// The standard deviation of that logarithm.
    pub growth_deviation: f64,
    /// The probability that a goal is reached.
    pub hit_rate: f64,
    /// The mean of bookings ÷ goal − 1 of the goals that are reached.
    pub overshoot: f64,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            triggers_a_year: 0.3,
            invited_unready: 0.2,
            odds_ratio: 4.0,
            win_rate: 0.34,
            cycle_median: 74.5,
            cycle_shape: 1.7,
            lag_median: 109.5,
            lag_shape: 1.5,
            unasked_median: 900.0,
            growth: 0.03,
            goal_effect: 0.15,
            growth_deviation: 0.35,
            hit_rate: 0.62,
            overshoot: 0.28,
        }
    }
}

impl Truth {
    /// Returns the probability of being invited after a trigger event.
    #[must_use]
    pub fn invited(&self, is_ready: bool) -> f64 {
        let odds = self.invited_unready / (1.0 - self.invited_unready) * if is_ready { self.odds_ratio } else { 1.0 };
        odds / (1.0 + odds)
    }

    /// Returns the median of the days to the close of an opportunity: the first whole day by which half are closed.
    #[must_use]
    pub fn cycle_days(&self) -> i64 {
        whole(self.cycle_median.ceil())
    }

    /// Returns the median of the days from a target's first touch to the opportunity that it leads to.
    #[must_use]
    pub fn lag_days(&self) -> i64 {
        whole(self.lag_median.ceil())
    }

    /// Returns the mean of bookings ÷ goal of the goals that are reached.
    #[must_use]
    pub fn attainment_of_reached(&self) -> f64 {
        1.0 + self.overshoot
    }
}

/// Formats as lines of a name and a number.
impl fmt::Display for Truth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(out, "  {name:<66}{value:>8}");
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        line("trigger events of an account in a year", format!("{:.2}", self.triggers_a_year))?;
        line("invited where present, known and valued on the day before", percent(self.invited(true)))?;
        line("invited otherwise", percent(self.invited(false)))?;
        line("odds ratio of being invited", format!("{:.2}", self.odds_ratio))?;
        line("opportunities won", percent(self.win_rate))?;
        line("median of the days from opening to closing an opportunity", self.cycle_days().to_string())?;
        line("median of the days from a target's first touch to its opportunity", self.lag_days().to_string())?;
        line("mean log growth of a client's yearly bookings without a goal", format!("{:.3}", self.growth))?;
        line("what a goal adds to it", format!("{:.3}", self.goal_effect))?;
        line("goals reached", percent(self.hit_rate))?;
        line("mean of bookings ÷ goal of the goals that are reached", format!("{:.3}", self.attainment_of_reached()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_multiplies_the_odds() {
        let truth = Truth::default();
        let odds = |share: f64| share / (1.0 - share);
        assert!((odds(truth.invited(true)) / odds(truth.invited(false)) - truth.odds_ratio).abs() < 1e-12);
        assert!((truth.invited(false) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn medians_are_the_first_whole_day_by_which_half_have_happened() {
        let truth = Truth { cycle_median: 74.5, lag_median: 80.0, ..Truth::default() };
        assert_eq!((truth.cycle_days(), truth.lag_days()), (75, 80));
    }
}
