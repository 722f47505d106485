//! Instants and days, stored as integers so that both databases order, compare and group them alike.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Timelike, Utc};
use sea_orm::DeriveValueType;

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Instant(pub i64);

impl Instant {
    /// Returns the instant `seconds` later (earlier if negative), saturating at the bounds of `i64`.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Converts to a chrono date and time; `None` outside chrono's range, which stored instants never reach.
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

/// Formats as RFC 3339 in UTC, with 0, 3 or 6 decimals of the second as needed.
impl std::fmt::Display for Instant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.utc() {
            Some(at) if (0..=9999).contains(&at.year()) => {
                let (text, length) = rfc3339(at, self.0.rem_euclid(1_000_000));
                out.write_str(std::str::from_utf8(&text[..length]).unwrap_or_default())
            }
            Some(at) => out.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => out.write_str("out of range"),
        }
    }
}

/// Formats as `2017-04-03T09:30:00Z`, `…:00.500Z` or `…:00.500001Z`. A response may contain hundreds of instants, so this
/// avoids chrono's slower formatting.
fn rfc3339(at: DateTime<Utc>, micros: i64) -> ([u8; 27], usize) {
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |end: usize, mut number: u32| {
        let mut index = end;
        while number > 0 {
            index -= 1;
            text[index] = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    };
    put(4, at.year().unsigned_abs());
    put(7, at.month());
    put(10, at.day());
    put(13, at.hour());
    put(16, at.minute());
    put(19, at.second());
    put(26, u32::try_from(micros).unwrap_or_default());
    let length = match micros {
        0 => 20,
        _ if micros % 1000 == 0 => 24,
        _ => 27,
    };
    text[length - 1] = b'Z';
    (text, length)
}

/// A calendar day in the years 1 to 9999, in days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Day(pub i32);

/// chrono's number of 1970-01-01 in days from the common era, where 0001-01-01 is day 1.
const EPOCH: i32 = 719_163;

impl Day {
    /// 0001-01-01.
    pub const FIRST: Self = Self(1 - EPOCH);
    /// 9999-12-31.
    pub const LAST: Self = Self(2_932_896);

    /// Creates a day from a year, a month (1 to 12) and a day of the month (1 to 31); `None` if there is no such day.
    #[must_use]
    pub fn of(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).and_then(Self::from_date)
    }

    /// Converts from a chrono date; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Option<Self> {
        let day = Self(date.num_days_from_ce() - EPOCH);
        (Self::FIRST..=Self::LAST).contains(&day).then_some(day)
    }

    /// Converts to a chrono date. A day out of range becomes [`Self::FIRST`] or [`Self::LAST`].
    #[must_use]
    pub fn date(self) -> NaiveDate {
        let clamped = self.clamp(Self::FIRST, Self::LAST);
        NaiveDate::from_num_days_from_ce_opt(clamped.0 + EPOCH).unwrap_or(NaiveDate::MAX)
    }

    /// Returns the day `days` later, limited to the years 1 to 9999.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days)).clamp(Self::FIRST, Self::LAST)
    }
}

/// Formats as `YYYY-MM-DD`.
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
    fn instants_are_formatted_as_rfc_3339() {
        assert_eq!(Instant(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant(1_500_000).to_string(), "1970-01-01T00:00:01.500Z");
        let micros = 1_000_000 * 86_400;
        for whole in (-719_528_i64..2_932_900).step_by(9_973) {
            for part in [0, 1, 999_999, 1_000_000, 59_999_000, micros - 1] {
                let instant = Instant(whole * micros + part);
                let by_chrono = instant.utc().unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, true);
                assert_eq!(instant.to_string(), by_chrono);
            }
        }
        assert_eq!(Instant(i64::MAX).to_string(), "out of range");
    }
}
