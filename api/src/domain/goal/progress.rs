//! How far an account has come towards its goal (design, section 4). Pure: amounts in minor units, days as they are.

use async_graphql::Enum;
use entity::Day;

use crate::graphql::{graphql_enum, object};
use crate::values::money::Money;

/// How a goal is coming along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GoalPace {
    /// The year has not begun.
    NotStarted,
    /// Booked the goal or more.
    Reached,
    /// Booked at least 1.1 times what an even pace would have.
    Ahead,
    /// In between.
    OnPace,
    /// Booked less than 0.9 times what an even pace would have.
    Behind,
    /// The year is over, and the goal was not reached.
    Missed,
}

impl GoalPace {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::Reached => "REACHED",
            Self::Ahead => "AHEAD",
            Self::OnPace => "ON_PACE",
            Self::Behind => "BEHIND",
            Self::Missed => "MISSED",
        }
    }
}
graphql_enum! { GoalPace as GoalPace }

/// How far a goal has come on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoalProgress {
    /// The day, counted in.
    pub on: Day,
    /// Booked in the year by then.
    pub booked: i64,
    /// What is left of the goal.
    pub remaining: i64,
    /// Booked by goal.
    pub attainment: f64,
    /// What an even pace would have booked.
    pub expected: i64,
    /// Where the year ends at the pace so far.
    pub projected: Option<i64>,
    /// The rate needed from here by the even rate.
    pub compression: Option<f64>,
    /// How it is coming along.
    pub pace: GoalPace,
    /// The day on which the goal was reached, while it is.
    pub reached_on: Option<Day>,
}

object! {
    /// How far an account has come towards its goal by the end of a day, by the bookings' own days.
    GoalProgress as "GoalProgress" {
        /// The organization's day.
        on: Day = plain(|progress| progress.on);
        /// Booked in the goal's year by then.
        booked: Money = plain(|progress, ctx| ctx.money(progress.booked));
        /// What is left of the goal; 0 once it is reached.
        remaining: Money = plain(|progress, ctx| ctx.money(progress.remaining));
        /// booked ÷ goal.
        attainment: f64 = plain(|progress| progress.attainment);
        /// What an even pace would have booked by then.
        expected: Money = plain(|progress, ctx| ctx.money(progress.expected));
        /// Where the year ends at the pace so far; null before it begins.
        projected: Option<Money> = plain(|progress, ctx| progress.projected.map(|minor| ctx.money(minor)));
        /// The rate needed on the days left ÷ the even rate; above 1 is cramming. Null where no day is left.
        compression: Option<f64> = plain(|progress| progress.compression);
        /// How it is coming along.
        pace: GoalPace = plain(|progress| progress.pace);
        /// The day on which the sum of the bookings first reached the goal; null where it does not, or no longer does.
        reachedOn: Option<Day> = plain(|progress| progress.reached_on);
    }
}

/// A quotient of whole numbers, rounded half away from zero and clipped to what is stored.
fn divided(dividend: i128, divisor: i128) -> i64 {
    let half = if dividend < 0 { -divisor / 2 } else { divisor / 2 };
    let quotient = (dividend + half) / divisor;
    i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX })
}

/// A share of amounts that fit 2^53.
#[expect(clippy::cast_precision_loss, reason = "an amount has 15 digits at most")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

/// The progress of a goal (above 0) of a year from its first to its last day, by what was booked on each day, in their
/// order. `today` tells whether the last day is over.
#[must_use]
pub fn progress(goal: i64, (first, last): (Day, Day), by_day: &[(Day, i64)], on: Day, today: Day) -> GoalProgress {
    let counted = by_day.iter().filter(|(day, _)| first <= *day && *day <= last && *day <= on);
    let mut booked = 0_i64;
    let mut reached_on = None;
    for (day, amount) in counted {
        booked = booked.saturating_add(*amount);
        if booked >= goal {
            reached_on = reached_on.or(Some(*day));
        }
    }
    let days = last.0 - first.0 + 1;
    let elapsed = (on.0 - first.0 + 1).clamp(0, days);
    let left = days - elapsed;
    let remaining = goal.saturating_sub(booked).max(0);
    let (wide_goal, wide_days, wide_elapsed) = (i128::from(goal), i128::from(days), i128::from(elapsed));
    // Ten times what is booked, and what is expected, both times the days of the year: no rounding decides.
    let (tenfold, even) = (i128::from(booked) * 10 * wide_days, wide_goal * wide_elapsed);
    let over = on > last || (on == last && today != last);
    let pace = if on < first {
        GoalPace::NotStarted
    } else if booked >= goal {
        GoalPace::Reached
    } else if over {
        GoalPace::Missed
    } else if tenfold >= 11 * even {
        GoalPace::Ahead
    } else if tenfold < 9 * even {
        GoalPace::Behind
    } else {
        GoalPace::OnPace
    };
    GoalProgress {
        on,
        booked,
        remaining,
        attainment: ratio(booked, goal),
        expected: divided(even, wide_days),
        projected: (elapsed > 0).then(|| divided(i128::from(booked) * wide_days, wide_elapsed)),
        compression: (left > 0).then(|| ratio(remaining, goal) * f64::from(days) / f64::from(left)),
        pace,
        reached_on: reached_on.filter(|_| booked >= goal),
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

    /// The year 2017, asked long after.
    fn in_2017(goal: i64, by_day: &[(&str, i64)], on: &str) -> GoalProgress {
        let by_day: Vec<(Day, i64)> = by_day.iter().map(|(text, amount)| (day(text), *amount)).collect();
        progress(goal, fiscal_days(2017, 1), &by_day, day(on), day("2020-01-01"))
    }

    #[test]
    fn cramming_is_seen() {
        // 100,000 with 20,000 booked and 20 of 52 weeks left.
        let year = (day("2017-01-02"), day("2017-12-31"));
        let on = year.1.plus(-140);
        let made = progress(100_000, year, &[(day("2017-03-01"), 20_000)], on, on);
        assert_eq!((made.compression, made.remaining, made.attainment), (Some(2.08), 80_000, 0.2));
        assert_eq!((made.expected, made.projected), (61_538, Some(32_500)));
        assert_eq!(made.pace, GoalPace::Behind);
    }

    #[test]
    fn paces_are_told_apart_without_rounding() {
        // On the 73rd day of 365 a fifth of the year is over: 200 of 1,000 are expected.
        for (booked, pace) in [
            (220, GoalPace::Ahead),
            (219, GoalPace::OnPace),
            (180, GoalPace::OnPace),
            (179, GoalPace::Behind),
            (1000, GoalPace::Reached),
            (-5, GoalPace::Behind),
        ] {
            let made = in_2017(1000, &[("2017-01-05", booked)], "2017-03-14");
            assert_eq!((made.pace, made.expected), (pace, 200), "{booked}");
        }
        assert_eq!(in_2017(1000, &[("2017-01-05", 1000)], "2016-12-31").pace, GoalPace::NotStarted);
        assert_eq!(in_2017(1000, &[("2017-01-05", 999)], "2018-01-01").pace, GoalPace::Missed);
        assert_eq!(in_2017(1000, &[("2017-01-05", 999)], "2017-12-31").pace, GoalPace::Missed);
        let last = day("2017-12-31");
        let on_the_last = progress(1000, fiscal_days(2017, 1), &[(day("2017-01-05"), 999)], last, last);
        assert_eq!((on_the_last.pace, on_the_last.compression), (GoalPace::OnPace, None));
    }

    #[test]
    fn before_the_year_nothing_is_projected() {
        let made = in_2017(1000, &[("2017-01-05", 500)], "2016-07-01");
        assert_eq!((made.booked, made.expected, made.projected, made.compression), (0, 0, None, Some(1.0)));
        // Other years' bookings do not count.
        let made = in_2017(1000, &[("2016-12-31", 5), ("2017-01-01", 7), ("2018-01-01", 9)], "2019-01-01");
        assert_eq!((made.booked, made.expected, made.projected), (7, 1000, Some(7)));
    }

    #[test]
    fn the_day_is_the_first_on_which_the_sum_reached_it() {
        let bookings = [("2017-02-01", 600), ("2017-03-01", 400), ("2017-04-01", 100), ("2017-05-01", -200)];
        let reached = |on: &str| in_2017(1000, &bookings, on).reached_on.map(|day| day.to_string());
        assert_eq!(reached("2017-02-28"), None);
        assert_eq!(reached("2017-03-01").as_deref(), Some("2017-03-01"));
        assert_eq!(reached("2017-04-30").as_deref(), Some("2017-03-01"));
        // A credit note took it back.
        assert_eq!(reached("2017-05-01"), None);
        // It came again.
        let again = [("2017-02-01", 1000), ("2017-05-01", -200), ("2017-06-01", 200)];
        assert_eq!(in_2017(1000, &again, "2017-12-31").reached_on, Some(day("2017-02-01")));
    }

    #[test]
    fn a_leap_day_is_a_day_of_its_fiscal_year() {
        let year = fiscal_days(2015, 3);
        assert_eq!(year, (day("2015-03-01"), day("2016-02-29")));
        let on = day("2016-02-29");
        let made = progress(3660, year, &[(on, 10)], on, on);
        assert_eq!((made.booked, made.expected, made.projected), (10, 3660, Some(10)));
        assert_eq!(progress(3660, year, &[], day("2016-02-28"), on).expected, 3650);
    }

    proptest! {
        #[test]
        fn no_input_breaks_it(
            goal in 1_i64..=999_999_999_999_999, year in 1_i32..=9999, start in 1_u32..=12, on in Day::FIRST.0..=Day::LAST.0,
            mut bookings in prop::collection::vec((0_i32..400, -999_999_999_999_999_i64..=999_999_999_999_999), 0..10),
        ) {
            bookings.sort_unstable();
            let days = fiscal_days(year, start);
            let by_day: Vec<(Day, i64)> = bookings.into_iter().map(|(offset, amount)| (days.0.plus(offset), amount)).collect();
            let made = progress(goal, days, &by_day, Day(on), Day(on));
            prop_assert!((0..=goal).contains(&made.expected));
            prop_assert!(made.remaining >= 0);
            prop_assert_eq!(made.remaining == 0, made.booked >= goal);
            prop_assert_eq!(made.reached_on.is_some(), made.booked >= goal);
            prop_assert!(made.reached_on.is_none_or(|day| days.0 <= day && day <= Day(on)));
            prop_assert_eq!(made.projected.is_none(), Day(on) < days.0);
            prop_assert!(made.compression.is_none_or(|rate| rate >= 0.0 && rate.is_finite()));
        }

        #[test]
        fn the_next_day_expects_no_less(goal in 1_i64..=1_000_000, offset in -10_i32..400) {
            let days = fiscal_days(2017, 4);
            let at = |offset: i32| progress(goal, days, &[], days.0.plus(offset), Day(0)).expected;
            prop_assert!(at(offset) <= at(offset + 1));
        }
    }
}
