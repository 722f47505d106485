//! How many targets a seller can pursue. The arithmetic is pure; the effort behind it is read from the seller's touches.

use std::collections::HashMap;

use entity::{Instant, OrganizationId, Scoped, UserId, organization, touch};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::domain::reason::{self, Reason};
use crate::domain::user::hours::{WorkingHours, minute};
use crate::error::Result;
use crate::graphql::estimate::Estimate;
use crate::graphql::{Batch, FieldContext, object};

/// Minutes of a touch where there are too few to average.
const USUAL_MINUTES: f64 = 60.0;
/// Weight of a touch where there are too few to average: that of an answered call.
const USUAL_WEIGHT: f64 = 0.7;
/// Touches from which their means are taken.
const ENOUGH: i64 = 10;
/// Days back in which touches count.
pub const DAYS_BACK: i64 = 90;

/// The completed touches of a seller in the last 90 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Their number.
    pub touches: i64,
    /// Their minutes, with the default of its kind for a touch without a duration.
    pub minutes: i64,
    /// Their weights, in thousandths.
    pub weight: i64,
}

impl Effort {
    fn mean(self, sum: f64, usual: f64) -> f64 {
        if self.touches >= ENOUGH && sum > 0.0 { sum / float(self.touches) } else { usual }
    }

    /// Returns the mean minutes of a touch.
    #[must_use]
    pub fn minutes_per_touch(self) -> f64 {
        self.mean(float(self.minutes), USUAL_MINUTES)
    }

    /// Returns the mean weight of a touch.
    #[must_use]
    pub fn mean_weight(self) -> f64 {
        self.mean(float(self.weight) / 1000.0, USUAL_WEIGHT)
    }
}

#[expect(clippy::cast_precision_loss, reason = "sums of 90 days are far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

/// What a seller can pursue, against a list of some size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetCapacity {
    /// Working minutes of a week.
    pub working_minutes: i32,
    /// The touches behind the means.
    pub effort: Effort,
    /// Touches with targets that a week allows.
    pub touches_per_week: f64,
    /// Days between two touches of the mean weight.
    pub interval: f64,
    /// Touches that one target takes in a week.
    pub needed_per_target: f64,
    /// Targets that can be pursued.
    pub limit: i32,
    /// Targets on the list.
    pub used: i32,
    /// The share of selling, the share of targets and the key people of the policy.
    pub policy: (f64, f64, i32),
}

object! {
    /// The number of targets that a seller can pursue, by the seller's time and by the cost and effect of their
    /// touches.
    TargetCapacity as "TargetCapacity" {
        /// Minutes of the seller's working hours.
        workingMinutesPerWeek: i32 = plain(|capacity| capacity.working_minutes);
        /// The mean length of the seller's completed touches of the last 90 days, with the default of its kind for a touch
        /// without a duration. 60 where there are fewer than 10, and then `defaulted` is true.
        minutesPerTouch: f64 = plain(|capacity| capacity.effort.minutes_per_touch());
        /// `minutesPerTouch` with the number of touches behind it.
        minutesPerTouchEstimate: Estimate = plain(|capacity| capacity.minutes_per_touch());
        /// Whether there were too few touches for a mean.
        defaulted: bool = plain(|capacity| capacity.defaulted());
        /// Touches with targets that a week allows: working minutes · selling share · target share ÷ minutes per touch.
        touchesPerWeek: f64 = plain(|capacity| capacity.touches_per_week);
        /// Touches a week that keep one target's key people present, by the mean weight of the seller's touches.
        touchesNeededPerTarget: f64 = plain(|capacity| capacity.needed_per_target);
        /// Targets that can be pursued.
        limit: i32 = plain(|capacity| capacity.limit);
        /// Targets on the list.
        used: i32 = plain(|capacity| capacity.used);
        /// The number of further targets that could be pursued.
        free: i32 = plain(|capacity| capacity.free());
        /// The number of targets on the list that cannot be pursued.
        overBy: i32 = plain(|capacity| capacity.over_by());
        /// The share of the touches a week that the list takes: above 1 is too many; null where there is no time.
        utilization: Option<f64> = plain(|capacity| capacity.utilization());
        /// The basis of the limit: working time, policy, mean length and weight of a touch, the interval that keeps a
        /// target present.
        because: Vec<Reason> = batch(reasons);
    }
}

async fn reasons(field: &FieldContext<'_>, of: &[&TargetCapacity]) -> Result<Batch<Vec<Reason>>> {
    reason::answer(field, &of.iter().map(|capacity| capacity.reasons()).collect::<Vec<_>>()).await
}

impl TargetCapacity {
    /// Returns the number of further targets that could be pursued.
    #[must_use]
    pub fn free(&self) -> i32 {
        Ord::max(self.limit - self.used, 0)
    }

    /// Returns the number of targets that cannot be pursued.
    #[must_use]
    pub fn over_by(&self) -> i32 {
        Ord::max(self.used - self.limit, 0)
    }

    /// Returns the share of the touches a week that the list takes.
    #[must_use]
    pub fn utilization(&self) -> Option<f64> {
        let needed = f64::from(self.used) * self.needed_per_target;
        (self.touches_per_week > 0.0).then(|| needed / self.touches_per_week)
    }

    /// Whether there were too few touches for their means.
    #[must_use]
    pub fn defaulted(&self) -> bool {
        self.effort.touches < ENOUGH
    }

    fn minutes_per_touch(&self) -> Estimate {
        let value = Some(self.effort.minutes_per_touch());
        Estimate::figure(value, self.effort.touches, ENOUGH, "completed touches of the last 90 days")
    }

    /// Returns what the limit rests on.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        let (selling, target, key_people) = self.policy;
        let (minutes, weight) = (self.effort.minutes_per_touch(), self.effort.mean_weight());
        let by = if self.defaulted() {
            format!("default: {} touches in 90 days", self.effort.touches)
        } else {
            format!("mean of {} touches", self.effort.touches)
        };
        let percent = |share: f64| format!("{} %", share * 100.0);
        vec![
            Reason::number(
                "Working time a week",
                f64::from(self.working_minutes),
                format!("{} minutes", self.working_minutes),
            ),
            Reason::number("Selling share", selling, percent(selling)),
            Reason::number("Target share", target, percent(target)),
            Reason::number("Minutes per touch", minutes, format!("{minutes:.1} ({by})")),
            Reason::number("Weight of a touch", weight, format!("{weight:.2} ({by})")),
            Reason::number("Touches a week", self.touches_per_week, format!("{:.1}", self.touches_per_week)),
            Reason::number(
                "Interval that keeps a contact present",
                self.interval,
                format!("{:.1} days", self.interval),
            ),
            Reason::number("Key people per target", f64::from(key_people), key_people.to_string()),
            Reason::number(
                "Touches a week per target",
                self.needed_per_target,
                format!("{:.2}", self.needed_per_target),
            ),
        ]
    }
}

/// Returns the days between touches of a weight with which presence never falls below the threshold:
/// τ = h · log2((w + L) ÷ L), L = −ln(1 − threshold).
#[must_use]
pub fn required_interval(weight: f64, half_life_days: f64, threshold: f64) -> f64 {
    let least = -(1.0 - threshold).ln();
    half_life_days * ((weight + least) / least).log2()
}

/// Returns the minutes of a week's working hours.
#[must_use]
pub fn working_minutes(hours: &[WorkingHours]) -> i32 {
    hours.iter().filter_map(|stretch| Some(Ord::max(minute(&stretch.to)? - minute(&stretch.from)?, 0))).sum()
}

/// Returns the capacity of a week of `working_minutes`, by the seller's effort and the organization's policy.
#[must_use]
pub fn capacity(working_minutes: i32, effort: Effort, policy: &organization::Model, used: i32) -> TargetCapacity {
    let touches_per_week =
        f64::from(working_minutes) * policy.selling_share * policy.target_share / effort.minutes_per_touch();
    let interval = required_interval(effort.mean_weight(), policy.presence_half_life_days, policy.presence_threshold);
    let needed_per_target = f64::from(policy.key_people_per_target) * 7.0 / interval;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    let limit = (touches_per_week / needed_per_target + 1e-9).floor() as i32;
    let policy = (policy.selling_share, policy.target_share, policy.key_people_per_target);
    TargetCapacity { working_minutes, effort, touches_per_week, interval, needed_per_target, limit, used, policy }
}

/// Returns the effort of sellers in the last 90 days: one statement for any number of them.
pub async fn efforts<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    sellers: Vec<UserId>,
    now: Instant,
) -> Result<HashMap<UserId, Effort>> {
    use touch::Column;
    let query = touch::Entity::of(organization)
        .filter(Column::UserId.is_in(sellers))
        .filter(Column::At.gt(now.plus_seconds(-DAYS_BACK * 86_400)))
        .filter(Column::At.lte(now))
        .filter(Expr::cust("touch.weight > 0"))
        .select_only()
        .column(Column::UserId)
        .expr(Expr::cust("count(*)"))
        .expr(Expr::cust("cast(sum(touch.minutes) as bigint)"))
        .expr(Expr::cust("cast(sum(touch.weight) as bigint)"))
        .group_by(Column::UserId)
        .into_query();
    let mut found = HashMap::new();
    for row in connection.query_all(&query).await? {
        let effort = Effort {
            touches: row.try_get_by_index(1)?,
            minutes: row.try_get_by_index(2)?,
            weight: row.try_get_by_index(3)?,
        };
        found.insert(row.try_get_by_index(0)?, effort);
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
    fn a_usual_week_allows_for_fifty_one_people() {
        for (key_people, limit) in [(1, 51), (3, 17)] {
            let capacity = capacity(2400, Effort::default(), &policy(key_people), 20);
            assert!((capacity.touches_per_week - 12.0).abs() < 1e-9);
            assert_eq!(
                (capacity.limit, capacity.defaulted(), capacity.effort.minutes_per_touch()),
                (limit, true, 60.0)
            );
        }
        let tight = capacity(2400, Effort::default(), &policy(3), 20);
        assert!(tight.utilization().unwrap() > 20.0 / 18.0);
        let idle = capacity(0, Effort::default(), &policy(3), 2);
        assert_eq!((idle.limit, idle.utilization()), (0, None));
    }

    #[test]
    fn means_are_taken_from_ten_touches_on() {
        let effort = |touches, minutes, weight| Effort { touches, minutes, weight };
        let means = |effort: Effort| (effort.minutes_per_touch(), effort.mean_weight());
        assert_eq!(means(effort(9, 90, 1350)), (60.0, 0.7));
        assert_eq!(means(effort(10, 175, 1500)), (17.5, 0.15));
        // Meetings alone keep a target present for longer than unanswered e-mails.
        let limit = |effort| capacity(2400, effort, &policy(3), 0).limit;
        assert!(limit(effort(10, 600, 10_000)) > 17 && limit(effort(10, 600, 1500)) < 17);
    }

    #[test]
    fn the_limit_follows_from_its_reasons() {
        let found = capacity(2400, Effort { touches: 20, minutes: 600, weight: 8000 }, &policy(3), 5);
        let interval = required_interval(0.4, 30.0, 0.5);
        assert!((found.touches_per_week - 24.0).abs() < 1e-9 && (found.interval - interval).abs() < 1e-9);
        assert!((found.needed_per_target - 21.0 / interval).abs() < 1e-9);
        assert_eq!((found.limit, found.reasons().len()), (22, 9));
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
        fn more_time_is_never_less_capacity(minutes in 0_i32..10_080, more in 0_i32..1_000, people in 1_i32..=50, used in 0_i32..1_000) {
            let (less, more) = (capacity(minutes, Effort::default(), &policy(people), used), capacity(minutes + more, Effort::default(), &policy(people), used));
            prop_assert!(0 <= less.limit && less.limit <= more.limit);
            // Within the limit the touches suffice, beyond it they do not.
            prop_assert!(less.utilization().is_none_or(|part| (part <= 1.0 + 1e-6) == (used <= less.limit)));
        }
    }
}
