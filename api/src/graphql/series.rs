//! Series: the days of a line chart.

use async_graphql::{Enum, InputObject};
use entity::Day;

use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::{Date, DateRange};
use crate::values::calendar::months_after;

/// Points of all series of one field together.
const MOST_POINTS: usize = 20_000;

/// The distance between two points of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SeriesStep {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// One month; the last day of a month that has no such day.
    Month,
}

/// Arguments of `series`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct SeriesArguments {
    /// The first day: the first point.
    pub from: Date,
    /// The last day; the last point is not after it. At most 500 points.
    pub to: Date,
    /// The distance between two points.
    pub every: SeriesStep,
}

impl SeriesArguments {
    /// Returns the days of the points, for a field with `parents` series.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` where `to` is before `from`; `LIMIT_EXCEEDED` for more than 500 points, or 20,000 of all series.
    pub fn days(self, parents: usize) -> Result<Vec<Day>> {
        let Self { from, to, every } = self;
        let (from, to) = DateRange { from, to }.days()?;
        let day = |number: u32| match every {
            SeriesStep::Day => from.plus(i32::try_from(number).unwrap_or(i32::MAX)),
            SeriesStep::Week => from.plus(i32::try_from(number.saturating_mul(7)).unwrap_or(i32::MAX)),
            SeriesStep::Month => months_after(from, number),
        };
        let mut days = vec![from];
        for number in 1.. {
            let next = day(number);
            // Where the calendar ends, days are clipped to its last.
            if next > to || next == Day::LAST && self.is_clipped(number) || days.last() == Some(&next) {
                break;
            }
            days.push(next);
            if days.len() as u64 > LONGEST_LIST {
                return Err(Error::LimitExceeded(format!(
                    "A series has at most {LONGEST_LIST} points: ask for fewer days, or for a longer step."
                )));
            }
        }
        if days.len().saturating_mul(parents) > MOST_POINTS {
            return Err(Error::LimitExceeded(format!(
                "{parents} series of {} points are more than {MOST_POINTS} together: ask for fewer of either.",
                days.len()
            )));
        }
        Ok(days)
    }
}

impl SeriesArguments {
    /// Whether a point would be after the last day of the calendar.
    fn is_clipped(self, number: u32) -> bool {
        let step = match self.every {
            SeriesStep::Day => 1,
            SeriesStep::Week => 7,
            SeriesStep::Month => return false,
        };
        i64::from(self.from.0.0) + i64::from(number) * step > i64::from(Day::LAST.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str, every: SeriesStep) -> Result<Vec<String>> {
        let day = |text| Date(crate::graphql::scalars::day(text).unwrap());
        let days = SeriesArguments { from: day(from), to: day(to), every }.days(1)?;
        Ok(days.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn points_begin_at_the_first_day_and_end_by_the_last() {
        use SeriesStep::{Day, Month, Week};
        assert_eq!(days("2017-01-30", "2017-02-01", Day).unwrap(), ["2017-01-30", "2017-01-31", "2017-02-01"]);
        assert_eq!(days("2017-01-02", "2017-01-15", Week).unwrap(), ["2017-01-02", "2017-01-09"]);
        // From the 31st on, a month at a time, and not a month after the 28th.
        assert_eq!(days("2017-01-31", "2017-03-31", Month).unwrap(), ["2017-01-31", "2017-02-28", "2017-03-31"]);
        assert_eq!(days("9999-12-30", "9999-12-31", Week).unwrap(), ["9999-12-30"]);
        assert_eq!(days("9999-12-31", "9999-12-31", Day).unwrap(), ["9999-12-31"]);
    }

    #[test]
    fn too_many_points_are_refused() {
        use SeriesStep::{Day, Week};
        assert!(matches!(days("2017-02-01", "2017-01-31", Day), Err(Error::BadInput(_))));
        assert!(days("2017-01-01", "2018-05-15", Day).is_ok());
        assert!(matches!(days("2017-01-01", "2018-05-16", Day), Err(Error::LimitExceeded(_))));
        let day = |text| Date(crate::graphql::scalars::day(text).unwrap());
        let weeks = SeriesArguments { from: day("2017-01-01"), to: day("2017-12-31"), every: Week };
        assert!(weeks.days(200).is_ok() && weeks.days(400).is_err());
    }
}
