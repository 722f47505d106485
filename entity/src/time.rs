//! Points and days of time, stored as integers so that both databases order, compare and group them alike.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use sea_orm::DeriveValueType;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Instant(pub i64);

impl Instant {
    /// The instant this many seconds later (or earlier, where negative); stops at the ends of the scale.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// The instant as chrono has it; None beyond chrono's range, which stored instants never reach.
    #[must_use]
    pub const fn utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

/// RFC 3339 in UTC, with as many decimals of the second as are needed.
impl std::fmt::Display for Instant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.utc() {
            Some(at) => out.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => out.write_str("out of range"),
        }
    }
}

/// A calendar day: days since 1970-01-01, between the years 1 and 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Day(pub i32);

/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH: i32 = 719_163;

impl Day {
    /// 0001-01-01.
    pub const FIRST: Self = Self(1 - EPOCH);
    /// 9999-12-31.
    pub const LAST: Self = Self(2_932_896);

    /// The day of a year, a month (1-12) and a day of the month (1-31); None where there is no such day.
    #[must_use]
    pub fn of(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).and_then(Self::from_date)
    }

    /// The same day from chrono; None outside the years 1 to 9999.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Option<Self> {
        let day = Self(date.num_days_from_ce() - EPOCH);
        (Self::FIRST..=Self::LAST).contains(&day).then_some(day)
    }

    /// The day as chrono has it; days out of range are clipped to the first and the last.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        let clipped = self.clamp(Self::FIRST, Self::LAST);
        NaiveDate::from_num_days_from_ce_opt(clipped.0 + EPOCH).unwrap_or(NaiveDate::MAX)
    }

    /// The day this many days later, clipped to the scale.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days)).clamp(Self::FIRST, Self::LAST)
    }
}

/// YYYY-MM-DD.
impl std::fmt::Display for Day {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let date = self.date();
        write!(out, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970() {
        assert_eq!(Day::of(1970, 1, 1), Some(Day(0)));
        assert_eq!(Day::of(2017, 4, 3).map(|day| day.to_string()).as_deref(), Some("2017-04-03"));
        assert_eq!(Day::of(1, 1, 1), Some(Day::FIRST));
        assert_eq!(Day::of(9999, 12, 31), Some(Day::LAST));
        assert_eq!(Day::of(2023, 2, 29), None);
        assert_eq!(Day::of(10_000, 1, 1), None);
        assert_eq!(Day::LAST.plus(1), Day::LAST);
    }

    #[test]
    fn instants_read_as_rfc_3339() {
        assert_eq!(Instant(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant(1_500_000).to_string(), "1970-01-01T00:00:01.500Z");
    }
}
