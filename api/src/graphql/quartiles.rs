//! Quartiles of how long cases last, where some have not ended yet.

use statistics::survival::Quartiles;

use crate::graphql::estimate::{ENOUGH, count};
use crate::graphql::object;

/// Quartiles as they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles(pub Quartiles);

object! {
    /// How many days cases last, by Kaplan-Meier: cases that have not ended count as lasting at least until today.
    Percentiles as "Percentiles" {
        /// The number of cases.
        n: i32 = plain(|of| count(of.0.n));
        /// The number of those that ended.
        events: i32 = plain(|of| count(of.0.events));
        /// The days within which a quarter ends; null where fewer have ended.
        p25: Option<f64> = plain(|of| of.0.p25);
        /// The days within which half ends: the median; null where fewer have ended.
        p50: Option<f64> = plain(|of| of.0.p50);
        /// The lower end of the 95 % interval of `p50`; null where there is none.
        p50Low: Option<f64> = plain(|of| of.0.p50_interval.0);
        /// The upper end of the 95 % interval of `p50`; null where too few have ended to tell.
        p50High: Option<f64> = plain(|of| of.0.p50_interval.1);
        /// The days within which three quarters end; null where fewer have ended.
        p75: Option<f64> = plain(|of| of.0.p75);
        /// The median of those that ended alone. It is too low, because short cases end first.
        naiveP50: Option<f64> = plain(|of| of.0.naive_p50);
        /// Whether at least 10 cases ended.
        sufficient: bool = plain(|of| of.is_sufficient());
    }
}

impl Percentiles {
    fn is_sufficient(self) -> bool {
        i64::from(count(self.0.events)) >= ENOUGH
    }
}
