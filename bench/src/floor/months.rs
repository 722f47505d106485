//! Groups by user and month.

use chrono::{Datelike as _, TimeZone as _};
use serde::Serialize;
use uuid::Uuid;

use crate::data::{DAY, NOW, ZONE};
use crate::typeid::TypeId;

const HOUR: i64 = 3_600_000_000;

/// The months of all hours in which there can be touches.
pub struct Months {
    /// The hour before the first one, since 1970: lists count from one.
    pub first_hour: i64,
    /// Each hour's month, counted from January of the year 0.
    pub by_hour: Vec<i16>,
}

/// `{ analytics { touches { … } } }`
#[derive(Serialize)]
pub struct Analytics {
    analytics: Touches,
}

#[derive(Serialize)]
struct Touches {
    touches: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    key: (Part<TypeId>, Part<String>),
    count: i64,
    minutes: i64,
}

#[derive(Serialize)]
struct Part<T> {
    dimension: &'static str,
    value: T,
}

impl Months {
    /// Of the data's time, and some more on either side.
    pub fn of_data() -> Self {
        let first = (NOW - 800 * DAY).div_euclid(HOUR);
        let last = (NOW + 100 * DAY).div_euclid(HOUR);
        let month = |hour: i64| {
            let local = ZONE.timestamp_micros(hour * HOUR).single().map(|at| at.date_naive()).unwrap_or_default();
            i16::try_from(local.year() * 12 + local.month0().cast_signed()).unwrap_or_default()
        };
        Self { first_hour: first - 1, by_hour: (first..=last).map(month).collect() }
    }

    /// Groups as they are answered: in the order of the keys.
    pub fn groups(mut groups: Vec<(Uuid, i16, i64, i64)>) -> Analytics {
        groups.sort_unstable();
        let shown = groups.into_iter().map(|(user, month, count, minutes)| Group {
            key: (
                Part { dimension: "USER", value: TypeId("user", user) },
                Part { dimension: "MONTH", value: format!("{:04}-{:02}", month / 12, month % 12 + 1) },
            ),
            count,
            minutes,
        });
        Analytics { analytics: Touches { touches: shown.collect() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_at_midnight_in_berlin() {
        let months = Months::of_data();
        let month = |at: i64| months.by_hour[usize::try_from(at / HOUR - months.first_hour - 1).unwrap()];
        // The first of July began at 22:00 of UTC.
        assert_eq!(month(NOW), 2026 * 12 + 6);
        assert_eq!(month(NOW - 14 * HOUR), 2026 * 12 + 6);
        assert_eq!(month(NOW - 14 * HOUR - 1), 2026 * 12 + 5);
    }
}
