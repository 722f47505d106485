//! Periods to group days by, in SQL and as text. SQL yields the number of a period. All divisions have non-negative
//! operands, so that both databases round alike.

use chrono::{Datelike as _, Months};
use entity::Day;

/// A kind of period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Days, such as 2017-04-03.
    Day,
    /// Weeks, named by their Monday, such as 2017-04-03.
    Week,
    /// Calendar months, such as 2017-04.
    Month,
    /// Quarters of fiscal years that start with this month (1-12), such as 2017-Q2.
    Quarter(u32),
    /// Fiscal years that start with this month (1-12), such as 2017.
    Year(u32),
}

/// Days from 0001-01-01, a Monday, to 1970-01-01.
const FROM_MONDAY: i64 = 719_162;

/// Returns SQL for the number of a day's month, counted from January of the year 0. Implements the algorithm of Neri
/// and Schneider ("Euclidean affine functions and their application to calendar algorithms", 2022): century, year of
/// the century, and day of a year that starts in March.
fn month_sql(day: &str) -> String {
    let quarter_days = format!("(4 * ({day} + 719468) + 3)");
    let of_century = format!("(({quarter_days} % 146097) | 3)");
    format!(
        "(12 * (100 * ({quarter_days} / 146097) + {of_century} / 1461) + (2141 * ({of_century} % 1461 / 4) + 197913) / 65536 - 1)"
    )
}

/// Returns SQL for the same day a year later; 28 February for the 29th. Null for null.
///
/// In a year that starts in March, a leap day is the last one: the 366th. From any other day to the same one of the next year
/// it is 366 days if the next year that starts in January has a leap day.
#[must_use]
pub fn year_later_sql(day: &str) -> String {
    let quarter_days = format!("(4 * ({day} + 719468) + 3)");
    let of_century = format!("(({quarter_days} % 146097) | 3)");
    let next = format!("(100 * ({quarter_days} / 146097) + {of_century} / 1461 + 1)");
    format!(
        "({day} + 365 + case when {next} % 4 = 0 and ({next} % 100 <> 0 or {next} % 400 = 0) and {of_century} % 1461 / 4 < 365
            then 1 else 0 end)"
    )
}

impl Bucket {
    /// Returns SQL for the number of the period that contains a day (days since 1970-01-01); null for null.
    #[must_use]
    pub fn sql(self, day: &str) -> String {
        match self {
            Self::Day => day.to_owned(),
            Self::Week => format!("(({day} + {FROM_MONDAY}) / 7)"),
            Self::Month => month_sql(day),
            Self::Quarter(start) => format!("(({} - {}) / 3)", month_sql(day), start.saturating_sub(1)),
            Self::Year(start) => format!("(({} - {}) / 12)", month_sql(day), start.saturating_sub(1)),
        }
    }

    /// Returns the number of the period that contains a day, like [`sql`](Self::sql), or `None` for days and weeks.
    #[must_use]
    pub fn number(self, day: Day) -> Option<i64> {
        let date = day.date();
        let month = i64::from(date.year()) * 12 + i64::from(date.month0());
        match self {
            Self::Day | Self::Week => None,
            Self::Month => Some(month),
            Self::Quarter(start) => Some((month - i64::from(start.saturating_sub(1))).div_euclid(3)),
            Self::Year(start) => Some((month - i64::from(start.saturating_sub(1))).div_euclid(12)),
        }
    }

    /// Returns the first day after the month, quarter or year that contains a day. `None` for days and weeks, and if
    /// the calendar ends before.
    #[must_use]
    pub fn first_after(self, day: Day) -> Option<Day> {
        let number = self.number(day)?;
        let mut month = day.date().with_day(1)?;
        loop {
            month = month.checked_add_months(Months::new(1))?;
            let day = Day::from_date(month)?;
            if self.number(day)? != number {
                return Some(day);
            }
        }
    }

    /// Returns the label of the period with this number.
    #[must_use]
    pub fn label(self, number: i64) -> String {
        let day = |day: i64| Day(i32::try_from(day).unwrap_or(i32::MAX)).to_string();
        match self {
            Self::Day => day(number),
            Self::Week => day(number * 7 - FROM_MONDAY),
            Self::Month => format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1),
            Self::Quarter(_) => format!("{:04}-Q{}", number.div_euclid(4), number.rem_euclid(4) + 1),
            Self::Year(_) => format!("{number:04}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};

    use super::*;
    use crate::values::calendar;

    /// Returns the expected label of a period, computed with the calendar module alone.
    fn expected(bucket: Bucket, day: Day) -> String {
        let date = day.date();
        match bucket {
            Bucket::Day => day.to_string(),
            Bucket::Week => calendar::monday(day).to_string(),
            Bucket::Month => format!("{:04}-{:02}", date.year(), date.month()),
            Bucket::Quarter(start) => {
                format!("{:04}-Q{}", calendar::fiscal_year(day, start), calendar::fiscal_quarter(day, start))
            }
            Bucket::Year(start) => format!("{:04}", calendar::fiscal_year(day, start)),
        }
    }

    #[tokio::test]
    async fn sql_and_the_calendar_agree() {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        let mut buckets = vec![Bucket::Day, Bucket::Week, Bucket::Month];
        buckets.extend((1..=12).flat_map(|start| [Bucket::Quarter(start), Bucket::Year(start)]));
        // Every day of the years around the leap rules and the ends of the calendar, and samples in between.
        let mut days: Vec<i32> = (Day::FIRST.0..Day::LAST.0).step_by(3_989).collect();
        for year in [1, 4, 1900, 1970, 2000, 2016, 2100, 9999] {
            let (first, last) = calendar::fiscal_days(year, 1);
            days.extend(first.0..=last.0);
        }
        for bucket in buckets {
            for days in days.chunks(500) {
                let columns: Vec<String> = days.iter().map(|day| bucket.sql(&format!("({day})"))).collect();
                let sql = format!("select {}", columns.join(", "));
                let row =
                    database.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
                for (at, day) in days.iter().enumerate() {
                    let number: i64 = row.try_get_by_index(at).unwrap();
                    assert_eq!(bucket.label(number), expected(bucket, Day(*day)), "{bucket:?} of {}", Day(*day));
                    assert_eq!(bucket.number(Day(*day)).unwrap_or(number), number, "{bucket:?} of {}", Day(*day));
                }
            }
        }
    }

    #[tokio::test]
    async fn a_year_later_is_the_same_day_of_the_next_year() {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        let mut days: Vec<i32> = (Day::FIRST.0..Day::LAST.0 - 366).step_by(1_009).collect();
        for year in [1, 3, 4, 1899, 1900, 1999, 2000, 2015, 2016, 2017, 2099, 2100, 9998] {
            let (first, last) = calendar::fiscal_days(year, 1);
            days.extend(first.0..=last.0);
        }
        for days in days.chunks(500) {
            let columns: Vec<String> = days.iter().map(|day| year_later_sql(&format!("({day})"))).collect();
            let sql = format!("select {}", columns.join(", "));
            let row = database.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
            for (at, day) in days.iter().enumerate() {
                let number: i64 = row.try_get_by_index(at).unwrap();
                assert_eq!(number, i64::from(calendar::years_after(Day(*day), 1).0), "{}", Day(*day));
            }
        }
    }

    #[test]
    fn labels_sort_as_text() {
        assert_eq!(Bucket::Month.label(2017 * 12 + 3), "2017-04");
        assert_eq!(Bucket::Quarter(4).label(2017 * 4 + 1), "2017-Q2");
        assert_eq!(Bucket::Year(1).label(7), "0007");
        assert_eq!(Bucket::Week.label((17_259 + 719_162) / 7), "2017-04-03");
    }
}
