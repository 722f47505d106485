//! How far an account has come towards its goal. The arithmetic is pure: amounts in minor units, days as they are.

use std::sync::Arc;

use async_graphql::Enum;
use entity::Day;

use crate::domain::reason::{self, Reason};
use crate::error::Result;
use crate::graphql::estimate::Estimate;
use crate::graphql::series::SeriesArguments;
use crate::graphql::{Batch, FieldContext, graphql_enum, object};
use crate::values::money::Money;

/// Days after the year's start, or the agreement, in which it is too early to judge the pace.
const EARLY: i32 = 30;
/// Days of the year, and bookings, from which the year's end is projected.
const PROJECTED: (i32, i32) = (60, 3);

/// The pace of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GoalPace {
    /// The year has not begun.
    NotStarted,
    /// Booked the goal or more.
    Reached,
    /// Booked at least 1.1 times what was expected.
    Ahead,
    /// Between AHEAD and BEHIND.
    OnPace,
    /// Booked less than 0.9 times what was expected.
    Behind,
    /// The year is over, and the goal was not reached.
    Missed,
    /// In the first 30 days of the year, or after the goal was agreed.
    TooEarly,
}

impl GoalPace {
    /// Returns its name in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::Reached => "REACHED",
            Self::Ahead => "AHEAD",
            Self::OnPace => "ON_PACE",
            Self::Behind => "BEHIND",
            Self::Missed => "MISSED",
            Self::TooEarly => "TOO_EARLY",
        }
    }
}
graphql_enum! { GoalPace as GoalPace }

/// The bookings of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Their sum.
    pub sum: i64,
    /// Their number.
    pub count: i32,
}

/// What the progress of a goal follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The amount: above 0.
    pub goal: i64,
    /// The first and the last day of its year.
    pub year: (Day, Day),
    /// The day on which it was agreed; `None` while it is only proposed.
    pub agreed_on: Option<Day>,
    /// The bookings by day, in their order.
    pub by_day: Vec<(Day, Booked)>,
}

/// How far a goal has come on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct GoalProgress {
    /// What it follows from.
    basis: Arc<Basis>,
    today: Day,
    /// The day, counted in.
    pub on: Day,
    /// Booked in the year by then.
    pub booked: i64,
    /// The number of those bookings.
    pub bookings: i32,
    /// The amount that is still to be booked.
    pub remaining: i64,
    /// Booked by goal.
    pub attainment: f64,
    /// What even growth since the agreement would have booked.
    pub expected: i64,
    /// What the year ends with at the pace so far.
    pub projected: Option<i64>,
    /// The rate needed from here by the even rate.
    pub compression: Option<f64>,
    /// The pace.
    pub pace: GoalPace,
    /// The day on which the goal was reached, while it is.
    pub reached_on: Option<Day>,
    /// Days of the year that have passed, and that are left.
    days: (i32, i32),
}

object! {
    /// The progress of an account towards its goal by the end of a day. Bookings count by their own dates.
    GoalProgress as "GoalProgress" {
        /// The organization's day.
        on: Day = plain(|progress| progress.on);
        /// Booked in the goal's year by then.
        booked: Money = plain(|progress, ctx| ctx.money(progress.booked));
        /// The amount that is still to be booked; 0 once the goal is reached.
        remaining: Money = plain(|progress, ctx| ctx.money(progress.remaining));
        /// booked ÷ goal.
        attainment: f64 = plain(|progress| progress.attainment);
        /// The amount expected by then. It grows evenly from what was booked on the day the goal was agreed (from 0 at
        /// the year's start where it was agreed before) to the goal on the last day.
        expected: Money = plain(|progress, ctx| ctx.money(progress.expected));
        /// The amount booked at the end of the year at the pace so far: booked ÷ the elapsed share of the year. Null
        /// before 60 days or 3 bookings.
        projected: Option<Money> = plain(|progress, ctx| progress.projected.map(|minor| ctx.money(minor)));
        /// `projected` in units of the currency, with the number of bookings behind it.
        projectedEstimate: Estimate = plain(|progress, ctx| progress.estimate(ctx.money(0).currency.decimals));
        /// The rate needed on the days left ÷ the even rate; above 1 is cramming. Null where no day is left.
        compression: Option<f64> = plain(|progress| progress.compression);
        /// The pace.
        pace: GoalPace = plain(|progress| progress.pace);
        /// The day on which the sum of the bookings first reached the goal; null where it does not, or no longer does.
        reachedOn: Option<Day> = plain(|progress| progress.reached_on);
        /// The basis of the progress: elapsed share, days left, bookings, and where the expectation begins.
        because: Vec<Reason> = batch(reasons);
        /// The same goal on the days of a line chart.
        series(SeriesArguments): Vec<GoalProgress> = batch(series);
    }
}

async fn reasons(field: &FieldContext<'_>, of: &[&GoalProgress]) -> Result<Batch<Vec<Reason>>> {
    let currency = field.request.viewer()?.currency;
    let shown = |minor: i64| format!("{} {}", currency.decimal(minor), currency.code());
    reason::answer(field, &of.iter().map(|progress| progress.reasons(&shown)).collect::<Vec<_>>()).await
}

async fn series(field: &FieldContext<'_>, of: &[&GoalProgress]) -> Result<Batch<Vec<GoalProgress>>> {
    let arguments: SeriesArguments = field.arguments()?;
    let days = arguments.days(of.len())?;
    let points: Vec<GoalProgress> =
        of.iter().flat_map(|one| days.iter().map(|day| progress(Arc::clone(&one.basis), *day, one.today))).collect();
    field.object_lists(&points.chunks(days.len()).collect::<Vec<_>>()).await
}

/// Returns a quotient of whole numbers, rounded half away from zero and clipped to what is stored.
fn divided(dividend: i128, divisor: i128) -> i64 {
    let half = if dividend < 0 { -divisor / 2 } else { divisor / 2 };
    let quotient = (dividend + half) / divisor;
    i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX })
}

/// Returns a quotient of amounts that fit 2^53.
#[expect(clippy::cast_precision_loss, reason = "an amount has 15 digits at most")]
pub fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

/// An amount by a day that grows evenly, as a fraction: no rounding decides.
struct Expected {
    dividend: i128,
    divisor: i128,
}

impl Basis {
    /// Returns what was expected by a day: even growth to the goal on the last day, from 0 at the year's start, or from what
    /// was booked on the day of a later agreement. Before that agreement it is the same amount.
    fn expected(&self, on: Day) -> Expected {
        let (first, last) = self.year;
        let (start, base, whole) = match self.agreed_within() {
            // The year's first day counts as one of its days.
            None => (first.0 - 1, 0, last.0 - first.0 + 1),
            Some(agreed) => (agreed.0, self.booked(agreed).0.min(self.goal), last.0 - agreed.0),
        };
        let part = (on.0.min(last.0) - start).max(0);
        if whole == 0 {
            return Expected { dividend: i128::from(if on >= last { self.goal } else { base }), divisor: 1 };
        }
        let (base, whole) = (i128::from(base), i128::from(whole));
        Expected { dividend: base * whole + (i128::from(self.goal) - base) * i128::from(part), divisor: whole }
    }

    /// Returns what was booked by a day, in how many bookings, and when the sum first reached the goal.
    fn booked(&self, on: Day) -> (i64, i32, Option<Day>) {
        let (first, last) = self.year;
        let counted = self.by_day.iter().filter(|(day, _)| first <= *day && *day <= last && *day <= on);
        let (mut sum, mut count, mut reached_on) = (0_i64, 0_i32, None);
        for (day, booked) in counted {
            sum = sum.saturating_add(booked.sum);
            count = count.saturating_add(booked.count);
            if sum >= self.goal {
                reached_on = reached_on.or(Some(*day));
            }
        }
        (sum, count, reached_on.filter(|_| sum >= self.goal))
    }

    /// Returns the day of the agreement, where that is within the year and after its first day.
    fn agreed_within(&self) -> Option<Day> {
        self.agreed_on.filter(|agreed| *agreed > self.year.0 && *agreed <= self.year.1)
    }

    /// Returns the first of the days in which it is too early to judge the pace.
    fn begins(&self) -> Day {
        self.agreed_within().unwrap_or(self.year.0)
    }
}

/// Returns the progress of a goal by the end of a day. The year's last day is over once `today` is another.
#[must_use]
pub fn progress(basis: Arc<Basis>, on: Day, today: Day) -> GoalProgress {
    let (goal, (first, last)) = (basis.goal, basis.year);
    let (booked, bookings, reached_on) = basis.booked(on);
    let days = last.0 - first.0 + 1;
    let elapsed = (on.0 - first.0 + 1).clamp(0, days);
    let left = days - elapsed;
    let remaining = goal.saturating_sub(booked).max(0);
    let Expected { dividend, divisor } = basis.expected(on);
    // Ten times what is booked, in the units of the dividend.
    let tenfold = i128::from(booked) * 10 * divisor;
    let over = on > last || (on == last && today != last);
    let pace = if on < first {
        GoalPace::NotStarted
    } else if booked >= goal {
        GoalPace::Reached
    } else if over {
        GoalPace::Missed
    } else if on.0 - basis.begins().0 < EARLY {
        GoalPace::TooEarly
    } else if tenfold >= 11 * dividend {
        GoalPace::Ahead
    } else if tenfold < 9 * dividend {
        GoalPace::Behind
    } else {
        GoalPace::OnPace
    };
    let is_projected = elapsed >= PROJECTED.0 && bookings >= PROJECTED.1;
    GoalProgress {
        today,
        on,
        booked,
        bookings,
        remaining,
        attainment: ratio(booked, goal),
        expected: divided(dividend, divisor),
        projected: is_projected.then(|| divided(i128::from(booked) * i128::from(days), i128::from(elapsed))),
        compression: (left > 0).then(|| ratio(remaining, goal) * f64::from(days) / f64::from(left)),
        pace,
        reached_on,
        days: (elapsed, left),
        basis,
    }
}

impl GoalProgress {
    /// Returns the projection in units of a currency with some decimals.
    fn estimate(&self, decimals: u32) -> Estimate {
        let value = self.projected.map(|minor| ratio(minor, 10_i64.saturating_pow(decimals)));
        let mut estimate = Estimate::figure(value, i64::from(self.bookings), i64::from(PROJECTED.1), "bookings");
        if self.days.0 < PROJECTED.0 {
            let (passed, least) = (self.days.0, PROJECTED.0);
            estimate.note = Some(format!("{passed} days of the year have passed; at least {least} are needed."));
        }
        estimate
    }

    fn reasons(&self, shown: &dyn Fn(i64) -> String) -> Vec<Reason> {
        let (elapsed, left) = self.days;
        let share = f64::from(elapsed) / f64::from((elapsed + left).max(1));
        let begins = match self.basis.agreed_within() {
            Some(agreed) => format!("{agreed}, when the goal was agreed, at {}", shown(self.basis.booked(agreed).0)),
            None => format!("{}, the start of the year, at {}", self.basis.year.0, shown(0)),
        };
        vec![
            Reason::new("Goal", shown(self.basis.goal)),
            Reason::number("Elapsed share of the year", share, format!("{:.1} %", share * 100.0)),
            Reason::number("Days left", f64::from(left), left.to_string()),
            Reason::number(
                "Bookings",
                f64::from(self.bookings),
                format!("{} in {}", shown(self.booked), self.bookings),
            ),
            Reason::new("The expectation begins on", begins),
        ]
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

    fn of(
        goal: i64,
        year: (Day, Day),
        agreed_on: Option<Day>,
        by_day: &[(Day, i64)],
        on: Day,
        today: Day,
    ) -> GoalProgress {
        let by_day = by_day.iter().map(|(day, sum)| (*day, Booked { sum: *sum, count: 1 })).collect();
        progress(Arc::new(Basis { goal, year, agreed_on, by_day }), on, today)
    }

    /// The year 2017, asked long after, with a goal agreed before it.
    fn in_2017(goal: i64, by_day: &[(&str, i64)], on: &str) -> GoalProgress {
        agreed_on(None, goal, by_day, on)
    }

    fn agreed_on(agreed: Option<&str>, goal: i64, by_day: &[(&str, i64)], on: &str) -> GoalProgress {
        let by_day: Vec<(Day, i64)> = by_day.iter().map(|(text, amount)| (day(text), *amount)).collect();
        of(goal, fiscal_days(2017, 1), agreed.map(day), &by_day, day(on), day("2020-01-01"))
    }

    #[test]
    fn cramming_is_seen() {
        // 100,000 with 20,000 booked and 20 of 52 weeks left.
        let year = (day("2017-01-02"), day("2017-12-31"));
        let on = year.1.plus(-140);
        let found = of(100_000, year, None, &[(day("2017-03-01"), 20_000)], on, on);
        assert_eq!((found.compression, found.remaining, found.attainment), (Some(2.08), 80_000, 0.2));
        assert_eq!((found.expected, found.projected), (61_538, None));
        assert_eq!(found.pace, GoalPace::Behind);
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
            let found = in_2017(1000, &[("2017-01-05", booked)], "2017-03-14");
            assert_eq!((found.pace, found.expected), (pace, 200), "{booked}");
        }
        assert_eq!(in_2017(1000, &[("2017-01-05", 1000)], "2016-12-31").pace, GoalPace::NotStarted);
        assert_eq!(in_2017(1000, &[("2017-01-05", 999)], "2018-01-01").pace, GoalPace::Missed);
        assert_eq!(in_2017(1000, &[("2017-01-05", 999)], "2017-12-31").pace, GoalPace::Missed);
        let last = day("2017-12-31");
        let on_the_last = of(1000, fiscal_days(2017, 1), None, &[(day("2017-01-05"), 999)], last, last);
        assert_eq!((on_the_last.pace, on_the_last.compression), (GoalPace::OnPace, None));
    }

    #[test]
    fn the_first_thirty_days_are_too_early() {
        let pace = |agreed, on| agreed_on(agreed, 1000, &[("2017-01-05", 1)], on).pace;
        assert_eq!(pace(None, "2017-01-01"), GoalPace::TooEarly);
        assert_eq!(pace(Some("2016-11-01"), "2017-01-30"), GoalPace::TooEarly);
        assert_eq!(pace(Some("2016-11-01"), "2017-01-31"), GoalPace::Behind);
        assert_eq!(pace(Some("2017-06-01"), "2017-06-30"), GoalPace::TooEarly);
        assert_eq!(pace(Some("2017-06-01"), "2017-07-01"), GoalPace::Behind);
        // What is reached, or missed, is so however early it is.
        assert_eq!(agreed_on(Some("2017-06-01"), 1, &[("2017-01-05", 1)], "2017-06-02").pace, GoalPace::Reached);
        assert_eq!(pace(Some("2017-12-20"), "2018-01-05"), GoalPace::Missed);
    }

    #[test]
    fn the_expectation_grows_from_what_was_booked_when_the_goal_was_agreed() {
        // Agreed on 1 October, 91 days before the last, with 400 of 1,000 booked.
        let booked = [("2017-03-01", 100), ("2017-10-01", 300), ("2017-11-01", 50)];
        let expected = |on| agreed_on(Some("2017-10-01"), 1000, &booked, on).expected;
        assert_eq!(["2017-10-01", "2017-12-31", "2018-02-01"].map(expected), [400, 1000, 1000]);
        // A third of the 91 days, rounded.
        assert_eq!(expected("2017-10-31"), 400 + 600 * 30 / 91 + 1);
        assert_eq!(expected("2017-06-01"), 400);
        assert_eq!(agreed_on(Some("2017-10-01"), 1000, &booked, "2017-11-15").pace, GoalPace::Behind);
        // Agreed on the last day.
        let last = |on| agreed_on(Some("2017-12-31"), 1000, &booked, on).expected;
        assert_eq!(["2017-12-30", "2017-12-31", "2018-01-01"].map(last), [450, 1000, 1000]);
    }

    #[test]
    fn a_projection_takes_sixty_days_and_three_bookings() {
        let three = [("2017-01-05", 100), ("2017-01-06", 100), ("2017-01-07", 165)];
        let found = in_2017(1000, &three, "2017-03-01");
        assert_eq!((found.days, found.projected), ((60, 305), Some(2220)));
        assert_eq!(in_2017(1000, &three, "2017-02-28").projected, None);
        assert_eq!(in_2017(1000, &three[..2], "2017-03-01").projected, None);
        let estimate = found.estimate(2);
        assert_eq!((estimate.n, estimate.sufficient, estimate.value.map(f64::round)), (3, true, Some(22.0)));
        let early = in_2017(1000, &three, "2017-02-28").estimate(2);
        assert_eq!(early.note.as_deref(), Some("59 days of the year have passed; at least 60 are needed."));
    }

    #[test]
    fn before_the_year_nothing_is_projected() {
        let found = in_2017(1000, &[("2017-01-05", 500)], "2016-07-01");
        assert_eq!((found.booked, found.expected, found.projected, found.compression), (0, 0, None, Some(1.0)));
        // Other years' bookings do not count.
        let found = in_2017(1000, &[("2016-12-31", 5), ("2017-01-01", 7), ("2018-01-01", 9)], "2019-01-01");
        assert_eq!((found.booked, found.expected, found.bookings), (7, 1000, 1));
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
        let found = of(3660, year, None, &[(on, 10)], on, on);
        assert_eq!((found.booked, found.expected), (10, 3660));
        assert_eq!(of(3660, year, None, &[], day("2016-02-28"), on).expected, 3650);
    }

    proptest! {
        #[test]
        fn no_input_breaks_it(
            goal in 1_i64..=999_999_999_999_999, year in 1_i32..=9999, start in 1_u32..=12, on in Day::FIRST.0..=Day::LAST.0,
            agreed in prop::option::of(-400_i32..800),
            mut bookings in prop::collection::vec((0_i32..400, -999_999_999_999_999_i64..=999_999_999_999_999), 0..10),
        ) {
            bookings.sort_unstable();
            let days = fiscal_days(year, start);
            let by_day: Vec<(Day, i64)> = bookings.into_iter().map(|(offset, amount)| (days.0.plus(offset), amount)).collect();
            let found = of(goal, days, agreed.map(|offset| days.0.plus(offset)), &by_day, Day(on), Day(on));
            prop_assert!(found.expected <= goal);
            prop_assert!(found.remaining >= 0);
            prop_assert_eq!(found.remaining == 0, found.booked >= goal);
            prop_assert_eq!(found.reached_on.is_some(), found.booked >= goal);
            prop_assert!(found.reached_on.is_none_or(|day| days.0 <= day && day <= Day(on)));
            prop_assert!(found.compression.is_none_or(|rate| rate >= 0.0 && rate.is_finite()));
        }

        #[test]
        fn the_next_day_expects_no_less(goal in 1_i64..=1_000_000, offset in -10_i32..400, agreed in prop::option::of(-10_i32..400)) {
            let days = fiscal_days(2017, 4);
            let agreed = agreed.map(|offset| days.0.plus(offset));
            let at = |offset: i32| of(goal, days, agreed, &[(days.0, 10)], days.0.plus(offset), Day(0)).expected;
            prop_assert!(at(offset) <= at(offset + 1));
        }
    }
}
