//! How many targets a seller can pursue (design, section 4): pure, and the durations that it is told from.

use std::collections::HashMap;

use entity::{Instant, OrganizationId, Scoped, UserId, organization, touch};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::domain::user::hours::{WorkingHours, minute};
use crate::error::Result;
use crate::graphql::object;

/// Minutes of a touch where too few are known.
const USUAL_MINUTES: f64 = 60.0;
/// Touches from which their median is taken.
const ENOUGH: i64 = 10;
/// Days back in which touches count.
pub const DAYS_BACK: i64 = 90;
/// What the touches weigh that keep a seller present.
const WEIGHT: f64 = 0.7;

/// What a seller can pursue, against a list of some size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetCapacity {
    /// Working minutes of a week.
    pub working_minutes: i32,
    /// Minutes that a touch takes.
    pub minutes_per_touch: f64,
    /// Is that a default?
    pub defaulted: bool,
    /// Touches of targets that a week has room for.
    pub touches_per_week: f64,
    /// Touches that one target takes in a week.
    pub needed_per_target: f64,
    /// Targets that can be pursued.
    pub limit: i32,
    /// Targets on the list.
    pub used: i32,
}

object! {
    /// How many targets a seller can pursue, by the time that they have and that touches take.
    TargetCapacity as "TargetCapacity" {
        /// From the seller's working hours.
        workingMinutesPerWeek: i32 = plain(|capacity| capacity.working_minutes);
        /// Median of the seller's completed touches of the last 90 days whose duration is known, rounded to a minute. Where
        /// there are fewer than 10, 60, and then defaulted is true.
        minutesPerTouch: i32 = plain(|capacity| rounded(capacity.minutes_per_touch));
        /// Were there too few touches to tell how long one takes?
        defaulted: bool = plain(|capacity| capacity.defaulted);
        /// Touches of targets that a week has room for: working minutes, times the organization's share of selling, times
        /// its share of targets, by minutes per touch.
        touchesPerWeek: f64 = plain(|capacity| capacity.touches_per_week);
        /// Touches a week with which one target's key people stay present.
        touchesNeededPerTarget: f64 = plain(|capacity| capacity.needed_per_target);
        /// Targets that can be pursued.
        limit: i32 = plain(|capacity| capacity.limit);
        /// Targets on the list.
        used: i32 = plain(|capacity| capacity.used);
        /// How many more could be pursued.
        free: i32 = plain(|capacity| capacity.free());
        /// How many of the list cannot be pursued.
        overBy: i32 = plain(|capacity| capacity.over_by());
        /// Share of the touches a week that the list takes: above 1 is too many; null where there is no time at all.
        utilisation: Option<f64> = plain(|capacity| capacity.utilisation());
    }
}

impl TargetCapacity {
    /// How many more could be pursued.
    #[must_use]
    pub fn free(&self) -> i32 {
        Ord::max(self.limit - self.used, 0)
    }

    /// How many cannot be pursued.
    #[must_use]
    pub fn over_by(&self) -> i32 {
        Ord::max(self.used - self.limit, 0)
    }

    /// Share of the touches a week that the list takes.
    #[must_use]
    pub fn utilisation(&self) -> Option<f64> {
        let needed = f64::from(self.used) * self.needed_per_target;
        (self.touches_per_week > 0.0).then(|| needed / self.touches_per_week)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "durations are minutes of a day, or it saturates")]
fn rounded(number: f64) -> i32 {
    number.round() as i32
}

/// Days between touches of this weight with which presence never falls below the threshold:
/// h · log2((w + L) / L), L = −ln(1 − threshold).
#[must_use]
pub fn required_interval(weight: f64, half_life_days: f64, threshold: f64) -> f64 {
    let least = -(1.0 - threshold).ln();
    half_life_days * ((weight + least) / least).log2()
}

/// The median of numbers, each with how often it comes; None where there are none.
#[must_use]
pub fn median(mut counted: Vec<(i32, i64)>) -> Option<f64> {
    counted.retain(|(_, count)| *count > 0);
    counted.sort_unstable();
    let all: i64 = counted.iter().map(|(_, count)| count).sum();
    let at = |place: i64| {
        let mut passed = 0;
        counted.iter().find(|(_, count)| {
            passed += count;
            place < passed
        })
    };
    let (lower, upper) = (at((all - 1) / 2)?, at(all / 2)?);
    Some(f64::midpoint(f64::from(lower.0), f64::from(upper.0)))
}

/// Minutes that a touch takes, and whether that is a default.
#[must_use]
pub fn minutes_per_touch(durations: Vec<(i32, i64)>) -> (f64, bool) {
    let known: i64 = durations.iter().map(|(_, count)| count).sum();
    match median(durations) {
        Some(minutes) if known >= ENOUGH && minutes > 0.0 => (minutes, false),
        _ => (USUAL_MINUTES, true),
    }
}

/// Minutes of a week's working hours.
#[must_use]
pub fn working_minutes(hours: &[WorkingHours]) -> i32 {
    hours.iter().filter_map(|stretch| Some(Ord::max(minute(&stretch.to)? - minute(&stretch.from)?, 0))).sum()
}

/// The capacity of a week of so many working minutes, for touches that take so long, by the organization's policy.
#[must_use]
pub fn capacity(
    working_minutes: i32,
    durations: Vec<(i32, i64)>,
    policy: &organization::Model,
    used: i32,
) -> TargetCapacity {
    let (minutes_per_touch, defaulted) = minutes_per_touch(durations);
    let touches_per_week = f64::from(working_minutes) * policy.selling_share * policy.target_share / minutes_per_touch;
    let interval = required_interval(WEIGHT, policy.presence_half_life_days, policy.presence_threshold);
    let needed_per_target = f64::from(policy.key_people_per_target) * 7.0 / interval;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    let limit = (touches_per_week / needed_per_target + 1e-9).floor() as i32;
    TargetCapacity { working_minutes, minutes_per_touch, defaulted, touches_per_week, needed_per_target, limit, used }
}

/// How long sellers' completed touches of the last 90 days took, each duration with how often it came.
///
/// # Errors
/// The database's.
pub async fn durations<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    sellers: Vec<UserId>,
    now: Instant,
) -> Result<HashMap<UserId, Vec<(i32, i64)>>> {
    use touch::Column;
    let query = touch::Entity::of(organization)
        .filter(Column::UserId.is_in(sellers))
        .filter(Column::At.gt(now.plus_seconds(-DAYS_BACK * 86_400)))
        .filter(Column::At.lte(now))
        .filter(Column::Status.eq(touch::TouchStatus::Completed))
        .filter(Column::DurationMinutes.is_not_null())
        .select_only()
        .column(Column::UserId)
        .column(Column::DurationMinutes)
        .expr(Expr::cust("count(*)"))
        .group_by(Expr::col(Column::UserId))
        .group_by(Column::DurationMinutes.into_expr())
        .into_query();
    let mut found: HashMap<UserId, Vec<(i32, i64)>> = HashMap::new();
    for row in connection.query_all(&query).await? {
        found.entry(row.try_get_by_index(0)?).or_default().push((row.try_get_by_index(1)?, row.try_get_by_index(2)?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use entity::{Id, OrganizationId};
    use proptest::prelude::*;

    use super::*;

    fn policy(key_people: i32) -> organization::Model {
        organization::Model {
            id: OrganizationId::make(),
            name: String::new(),
            currency: "USD".to_owned(),
            time_zone: "UTC".to_owned(),
            fiscal_year_start_month: 1,
            key_account_threshold: None,
            presence_half_life_days: 30.0,
            presence_threshold: 0.5,
            selling_share: 0.5,
            target_share: 0.6,
            key_people_per_target: key_people,
            big_blank_minutes: 120,
            pipeline_margin: 0.1,
            target_band_low: 5.0,
            target_band_high: 20.0,
            erasure_key: Vec::new(),
            created_at: Instant(0),
            version: 1,
        }
    }

    #[test]
    fn intervals_of_the_three_weights() {
        for (weight, days) in [(1.0, 38.65), (0.7, 30.21), (0.4, 19.72)] {
            assert!((required_interval(weight, 30.0, 0.5) - days).abs() < 0.005, "{weight}");
        }
    }

    #[test]
    fn a_usual_week_has_room_for_fifty_one_people() {
        for (key_people, limit) in [(1, 51), (3, 17)] {
            let capacity = capacity(2400, Vec::new(), &policy(key_people), 20);
            assert!((capacity.touches_per_week - 12.0).abs() < 1e-9);
            assert_eq!((capacity.limit, capacity.defaulted, capacity.minutes_per_touch), (limit, true, 60.0));
        }
        let tight = capacity(2400, Vec::new(), &policy(3), 20);
        assert!(tight.utilisation().unwrap() > 20.0 / 18.0);
        let idle = capacity(0, Vec::new(), &policy(3), 2);
        assert_eq!((idle.limit, idle.utilisation()), (0, None));
    }

    #[test]
    fn medians_count_how_often() {
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![(30, 1)]), Some(30.0));
        assert_eq!(median(vec![(60, 1), (30, 1)]), Some(45.0));
        assert_eq!(median(vec![(15, 5), (90, 2), (30, 1)]), Some(15.0));
        assert_eq!(median(vec![(15, 2), (90, 2), (30, 1)]), Some(30.0));
        assert_eq!(minutes_per_touch(vec![(15, 5), (20, 4)]), (60.0, true));
        assert_eq!(minutes_per_touch(vec![(15, 5), (20, 5)]), (17.5, false));
    }

    #[test]
    fn hours_add_up() {
        let hours = |from: &str, to: &str| WorkingHours { weekday: 1, from: from.to_owned(), to: to.to_owned() };
        assert_eq!(working_minutes(&[hours("09:00", "17:00"), hours("20:00", "24:00")]), 720);
        assert_eq!(working_minutes(&[]), 0);
        assert_eq!(working_minutes(&[hours("broken", "17:00"), hours("17:00", "09:00")]), 0);
    }

    proptest! {
        #[test]
        fn medians_are_those_of_the_whole_list(counted in prop::collection::vec((1_i32..1440, 0_i64..5), 0..20)) {
            let mut all: Vec<i32> = counted.iter().flat_map(|(number, count)| (0..*count).map(|_| *number)).collect();
            all.sort_unstable();
            let expected = (!all.is_empty())
                .then(|| f64::midpoint(f64::from(all[(all.len() - 1) / 2]), f64::from(all[all.len() / 2])));
            prop_assert_eq!(median(counted), expected);
        }

        #[test]
        fn more_time_is_never_less_room(minutes in 0_i32..10_080, more in 0_i32..1_000, people in 1_i32..=50, used in 0_i32..1_000) {
            let (less, more) = (capacity(minutes, Vec::new(), &policy(people), used), capacity(minutes + more, Vec::new(), &policy(people), used));
            prop_assert!(0 <= less.limit && less.limit <= more.limit);
            // Within the limit the touches suffice, beyond it they do not.
            prop_assert!(less.utilisation().is_none_or(|part| (part <= 1.0 + 1e-6) == (used <= less.limit)));
        }
    }
}
