//! The number of targets that a book of accounts deserves. Pure.

use async_graphql::Enum;

use crate::graphql::{graphql_enum, object};

/// The position of a list's size in relation to the band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BandPosition {
    /// Below the band.
    Below,
    /// Within the band.
    Within,
    /// Above the band.
    Above,
}

impl BandPosition {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Below => "BELOW",
            Self::Within => "WITHIN",
            Self::Above => "ABOVE",
        }
    }
}
graphql_enum! { BandPosition as BandPosition }

/// The band of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetBand {
    /// Accounts of the book.
    pub accounts: i32,
    /// The fewest targets.
    pub low: i32,
    /// The most.
    pub high: i32,
    /// Where the list lies.
    pub position: BandPosition,
}

object! {
    /// The number of targets that suits a book of accounts, and the list's position.
    TargetBand as "TargetBand" {
        /// Accounts of the seller's book today, archived ones left out.
        accounts: i32 = plain(|band| band.accounts);
        /// The fewest: the organization's lower percentage of the accounts, rounded up; at least 1.
        low: i32 = plain(|band| band.low);
        /// The most: its upper percentage, rounded down; at least the fewest.
        high: i32 = plain(|band| band.high);
        /// The position of the list's size in relation to the band.
        position: BandPosition = plain(|band| band.position);
    }
}

/// Tolerance for percentages of whole numbers in floating point.
const SLACK: f64 = 1e-9;

/// Returns a percentage of a number, rounded up.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
pub fn percent_up(percent: f64, of: i32) -> i32 {
    (percent * f64::from(of) / 100.0 - SLACK).ceil() as i32
}

/// Returns a percentage of a number, rounded down.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
pub fn percent_down(percent: f64, of: i32) -> i32 {
    (percent * f64::from(of) / 100.0 + SLACK).floor() as i32
}

/// Returns the band of a book with a list of some size, by the organization's percentages.
#[must_use]
pub fn band(accounts: i32, size: i32, low_percent: f64, high_percent: f64) -> TargetBand {
    let low = percent_up(low_percent, accounts).max(1);
    let high = percent_down(high_percent, accounts).max(low);
    let position = match size {
        size if size < low => BandPosition::Below,
        size if size > high => BandPosition::Above,
        _ => BandPosition::Within,
    };
    TargetBand { accounts, low, high, position }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bands_of_five_to_twenty_percent() {
        for (accounts, low, high) in [(0, 1, 1), (3, 1, 1), (10, 1, 2), (40, 2, 8), (137, 7, 27), (500, 25, 100)] {
            let band = band(accounts, 0, 5.0, 20.0);
            assert_eq!((band.low, band.high, band.position), (low, high, BandPosition::Below), "{accounts}");
        }
        for (size, position) in
            [(1, BandPosition::Below), (2, BandPosition::Within), (8, BandPosition::Within), (9, BandPosition::Above)]
        {
            assert_eq!(band(40, size, 5.0, 20.0).position, position, "{size}");
        }
        // Percentages that no float has exactly.
        assert_eq!((percent_up(0.1, 3000), percent_down(0.1, 3000), percent_up(0.7, 1000)), (3, 3, 7));
    }

    proptest! {
        #[test]
        fn bands_are_never_empty(accounts in 0..1_000_000, size in 0..1_000_000, low in 0.001_f64..=100.0, more in 0.0_f64..100.0) {
            let band = band(accounts, size, low, (low + more).min(100.0));
            prop_assert!(1 <= band.low && band.low <= band.high);
            prop_assert!(band.high <= accounts.max(1));
            prop_assert_eq!(band.position == BandPosition::Within, (band.low..=band.high).contains(&size));
        }
    }
}
