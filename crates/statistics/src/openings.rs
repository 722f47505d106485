//! Openings to come: how many opportunities a week's touches with targets have led to so far, and what that says about the
//! weeks to come. Week numbers ascend with time.

/// The weeks before an opening whose touches share in it, its own included.
pub const LAGS: usize = 52;

/// Openings per target minute, by how many weeks the opening came later.
#[derive(Clone, Debug, PartialEq)]
pub struct Hazard([f64; LAGS]);

/// The target minutes of weeks that follow one another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weeks {
    /// The number of the first week.
    pub first: i64,
    /// The minutes, week by week.
    pub minutes: Vec<f64>,
}

impl Weeks {
    /// Returns the minutes of a week; 0 outside.
    #[must_use]
    pub fn of(&self, week: i64) -> f64 {
        let place = week.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.minutes.get(place)).copied().unwrap_or_default()
    }
}

impl Hazard {
    /// Returns the hazard of openings in the weeks `from` to `to`, both included. `shares` has the shares of the touches in
    /// those openings by lag: each opening is one, shared equally among its touches. `minutes` are those of all touches with
    /// targets, from [`LAGS`] weeks before `from` on.
    #[must_use]
    pub fn of(shares: &[f64; LAGS], minutes: &Weeks, from: i64, to: i64) -> Self {
        let mut hazard = [0.0; LAGS];
        for ((lag, hazard), share) in (0..).zip(&mut hazard).zip(shares) {
            let exposed: f64 = (from..=to).map(|week| minutes.of(week.saturating_sub(lag))).sum();
            if exposed > 0.0 {
                *hazard = share / exposed;
            }
        }
        Self(hazard)
    }

    /// Returns the expected openings of a week, from the target minutes of it and of the weeks before.
    #[must_use]
    pub fn expected(&self, minutes: &Weeks, week: i64) -> f64 {
        (0..).zip(&self.0).map(|(lag, hazard)| minutes.of(week.saturating_sub(lag)) * hazard).sum()
    }
}

/// Returns the openings that are needed to win an amount: amount ÷ (mean won amount · win rate). `None` where nothing was won.
#[must_use]
pub fn needed(remaining: f64, mean_won: Option<f64>, win_rate: Option<f64>) -> Option<f64> {
    if remaining <= 0.0 {
        return Some(0.0);
    }
    let each = mean_won? * win_rate?;
    (each > 0.0).then(|| remaining / each)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn what_led_to_openings_leads_to_as_many_again() {
        // 100 minutes a week for 20 weeks; an opening in each of the last ten, three weeks after its only touch.
        let minutes = Weeks { first: 0, minutes: vec![100.0; 20] };
        let mut shares = [0.0; LAGS];
        shares[3] = 10.0;
        let hazard = Hazard::of(&shares, &minutes, 10, 19);
        assert!(close(hazard.0[3], 0.01) && close(hazard.0[2], 0.0));
        assert!(close(hazard.expected(&minutes, 19), 1.0));
        // A blank week today is an opening less in three weeks.
        assert!(close(hazard.expected(&minutes, 22), 1.0) && close(hazard.expected(&minutes, 23), 0.0));
    }

    #[test]
    fn without_minutes_nothing_is_expected() {
        let hazard = Hazard::of(&[1.0; LAGS], &Weeks::default(), 0, 51);
        assert!(close(hazard.expected(&Weeks { first: 0, minutes: vec![60.0; 60] }, 55), 0.0));
    }

    #[test]
    fn needed_openings() {
        assert_eq!(needed(100_000.0, Some(25_000.0), Some(0.25)), Some(16.0));
        assert_eq!(needed(0.0, None, None), Some(0.0));
        assert_eq!((needed(1.0, None, Some(0.5)), needed(1.0, Some(5.0), Some(0.0))), (None, None));
    }

    proptest! {
        #[test]
        fn the_expected_openings_of_the_past_are_those_that_came(
            minutes in prop::collection::vec(1.0_f64..500.0, 104), shares in prop::collection::vec(0.0_f64..5.0, LAGS),
        ) {
            let minutes = Weeks { first: -104, minutes };
            let shares: [f64; LAGS] = shares.try_into().unwrap();
            let hazard = Hazard::of(&shares, &minutes, -52, -1);
            let expected: f64 = (-52..=-1).map(|week| hazard.expected(&minutes, week)).sum();
            prop_assert!((expected - shares.iter().sum::<f64>()).abs() < 1e-9);
        }
    }
}
