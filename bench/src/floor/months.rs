//! Grouping touches by user and month.

use chrono::{Datelike as _, TimeZone as _};
use serde::Serialize;
use uuid::Uuid;

use crate::data::{DAY, NOW, ZONE};
use crate::typeid::TypeId;

const HOUR: i64 = 3_600_000_000;

/// The month of every hour in which there can be touches.
pub struct Months {
    /// The hour before the first one, in hours since 1970. SQL array indexes start at 1.
    pub first_hour: i64,
    /// The month of each hour, in months since January of the year 0.
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
    /// Computes the months for the time span of the generated data, with a margin on both sides.
    pub fn of_data() -> Self {
        let first = (NOW - 800 * DAY).div_euclid(HOUR);
        let last = (NOW + 100 * DAY).div_euclid(HOUR);
        let month = |hour: i64| {
            let local = ZONE.timestamp_micros(hour * HOUR).single().map(|at| at.date_naive()).unwrap_or_default();
            i16::try_from(local.year() * 12 + local.month0().cast_signed()).unwrap_or_default()
        };
        Self { first_hour: first - 1, by_hour: (first..=last).map(month).collect() }
    }

    /// Returns the response for groups of user, month, count and minutes, sorted by key.
    pub fn groups(mut groups: Vec<(Uuid, i16, i64, i64)>) -> Analytics {
        groups.sort_unstable();
        let groups = groups.into_iter().map(|(user, month, count, minutes)| Group {
            key: (
                Part { dimension: "USER", value: TypeId("user", user) },
                Part { dimension: "MONTH", value: format!("{:04}-{:02}", month / 12, month % 12 + 1) },
            ),
            count,
            minutes,
        });
        Analytics { analytics: Touches { touches: groups.collect() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_at_midnight_in_berlin() {
        let months = Months::of_data();
        let month = |at: i64| months.by_hour[usize::try_from(at / HOUR - months.first_hour - 1).unwrap()];
        // In Berlin, July 1 began at 22:00 UTC.
        assert_eq!(month(NOW), 2026 * 12 + 6);
        assert_eq!(month(NOW - 14 * HOUR), 2026 * 12 + 6);
        assert_eq!(month(NOW - 14 * HOUR - 1), 2026 * 12 + 5);
    }
}
