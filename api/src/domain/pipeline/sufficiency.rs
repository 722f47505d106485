//! Whether a pipeline holds enough to reach the goals of a year. Pure: amounts in minor units.

use entity::Day;
use statistics::sum::{Win, reaches};

use crate::domain::analytics::group::rounded;
use crate::domain::goal::progress::ratio;

/// An opportunity that is open on the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOpportunity {
    /// The amount; 0 where it is not known.
    pub amount: i64,
    /// The probability of winning it, in percent.
    pub percent: i32,
    /// The day on which it is expected to close.
    pub expected_close_on: Option<Day>,
}

/// An agreed goal of one account, and what the account booked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pledge {
    /// The amount.
    pub goal: i64,
    /// Booked in the year by the day.
    pub booked: i64,
}

/// A pipeline against the goals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sufficiency {
    /// The sum of the goals.
    pub goal: i64,
    /// What their accounts booked.
    pub booked: i64,
    /// What is still to be booked, goal by goal.
    pub remaining: i64,
    /// The sum of the open opportunities.
    pub open: i64,
    /// The sum of those that are expected to close within the year.
    pub closable: i64,
    /// The number of those.
    pub closing: usize,
    /// The sum of these amounts times their probabilities.
    pub weighted: i64,
    /// The probability that what is won of them is at least what remains.
    pub probability: f64,
}

impl Sufficiency {
    /// Returns closable ÷ remaining; `None` where nothing remains.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        (self.remaining > 0).then(|| ratio(self.closable, self.remaining))
    }

    /// Whether the probability of missing the goals is within the margin.
    #[must_use]
    pub fn is_enough(&self, margin: f64) -> bool {
        // The margin is a decimal fraction, and 1 − 0.1 is above 0.9.
        self.probability >= 1.0 - margin - 1e-12
    }
}

/// Whether an opportunity is expected to close within the rest of a year. One whose day is past may still close in the current
/// year.
fn closes_within(opportunity: &OpenOpportunity, (first, last): (Day, Day), on: Day) -> bool {
    on <= last && opportunity.expected_close_on.is_some_and(|day| day <= last && (day >= first || on >= first))
}

/// Returns how a pipeline stands against the goals of a year on a day.
#[must_use]
pub fn sufficiency(pledges: &[Pledge], open: &[OpenOpportunity], year: (Day, Day), on: Day) -> Sufficiency {
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.fold(0_i64, i64::saturating_add);
    let closing: Vec<&OpenOpportunity> = open.iter().filter(|one| closes_within(one, year, on)).collect();
    let remaining = sum(&mut pledges.iter().map(|pledge| pledge.goal.saturating_sub(pledge.booked).max(0)));
    let hundredfold: i128 = closing.iter().map(|one| i128::from(one.amount) * i128::from(one.percent)).sum();
    let wins: Vec<Win> =
        closing.iter().map(|one| Win { amount: one.amount, probability: f64::from(one.percent) / 100.0 }).collect();
    Sufficiency {
        goal: sum(&mut pledges.iter().map(|pledge| pledge.goal)),
        booked: sum(&mut pledges.iter().map(|pledge| pledge.booked)),
        remaining,
        open: sum(&mut open.iter().map(|one| one.amount)),
        closable: sum(&mut closing.iter().map(|one| one.amount)),
        closing: closing.len(),
        weighted: i64::try_from(rounded(hundredfold, 100)).unwrap_or(i64::MAX),
        probability: reaches(remaining, &wins).value(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::values::calendar::fiscal_days;

    fn day(text: &str) -> Day {
        crate::graphql::scalars::day(text).unwrap()
    }

    fn open(amount: i64, percent: i32, closes: Option<&str>) -> OpenOpportunity {
        OpenOpportunity { amount, percent, expected_close_on: closes.map(day) }
    }

    fn golden() -> [OpenOpportunity; 4] {
        let december = Some("2017-12-01");
        [open(40_000, 50, december), open(30_000, 30, december), open(60_000, 25, december), open(20_000, 80, december)]
    }

    #[test]
    fn the_golden_pipeline() {
        let pledges = [Pledge { goal: 80_000, booked: 30_000 }];
        let found = sufficiency(&pledges, &golden(), fiscal_days(2017, 1), day("2017-06-01"));
        assert_eq!((found.goal, found.booked, found.remaining, found.weighted), (80_000, 30_000, 50_000, 60_000));
        assert_eq!((found.open, found.closable, found.coverage()), (150_000, 150_000, Some(3.0)));
        assert!((found.probability - 0.6625).abs() < 1e-12);
        assert!(!found.is_enough(0.1) && found.is_enough(0.3375));
    }

    #[test]
    fn what_one_account_books_beyond_its_goal_does_not_help_another() {
        let pledges = [Pledge { goal: 100, booked: 300 }, Pledge { goal: 100, booked: 40 }];
        let found = sufficiency(&pledges, &[], fiscal_days(2017, 1), day("2017-06-01"));
        assert_eq!((found.goal, found.booked, found.remaining), (200, 340, 60));
        // A credit note makes more remain than the goal.
        let credited = [Pledge { goal: 100, booked: -20 }];
        assert_eq!(sufficiency(&credited, &[], fiscal_days(2017, 1), day("2017-06-01")).remaining, 120);
    }

    #[test]
    fn only_what_closes_within_the_year_helps() {
        let all = [
            open(1, 50, Some("2017-12-31")),
            open(2, 50, Some("2018-01-01")),
            open(4, 50, None),
            open(8, 50, Some("2017-03-01")),
            open(16, 50, Some("2016-03-01")),
        ];
        let closable = |year, on| sufficiency(&[], &all, fiscal_days(year, 1), day(on)).closable;
        // What is overdue may close any day; of next year only what is expected then.
        assert_eq!((closable(2017, "2017-06-01"), closable(2018, "2017-06-01")), (25, 2));
        assert_eq!((closable(2017, "2017-12-31"), closable(2017, "2018-01-01")), (25, 0));
    }

    #[test]
    fn without_goals_nothing_remains() {
        let found = sufficiency(&[], &golden(), fiscal_days(2017, 1), day("2017-06-01"));
        assert_eq!((found.goal, found.remaining, found.coverage()), (0, 0, None));
        assert!(found.is_enough(0.0));
        let over = sufficiency(&[Pledge { goal: 5, booked: 0 }], &golden(), fiscal_days(2016, 1), day("2017-06-01"));
        assert!(over.probability.abs() < 1e-12 && !over.is_enough(0.5));
    }

    proptest! {
        #[test]
        fn no_amounts_break_it(
            all in prop::collection::vec((0_i64..=999_999_999_999_999, 0_i32..=100, prop::option::of(Day::FIRST.0..=Day::LAST.0)), 0..12),
            pledges in prop::collection::vec((1_i64..=999_999_999_999_999, any::<i64>()), 0..5),
            year in 1_i32..=9999, on in Day::FIRST.0..=Day::LAST.0,
        ) {
            let all: Vec<OpenOpportunity> = all
                .into_iter()
                .map(|(amount, percent, day)| OpenOpportunity { amount, percent, expected_close_on: day.map(Day) })
                .collect();
            let pledges: Vec<Pledge> = pledges.into_iter().map(|(goal, booked)| Pledge { goal, booked }).collect();
            let found = sufficiency(&pledges, &all, fiscal_days(year, 1), Day(on));
            prop_assert!((0.0..=1.0).contains(&found.probability));
            prop_assert!(found.closable <= found.open && found.weighted <= found.closable && found.remaining >= 0);
        }
    }
}
