//! The arithmetic of presence and value. Pure.

use entity::touch::TouchKind;
use entity::{TouchId, organization};

use crate::values::calendar::DAY;

/// Days for which a one-way touch counts.
pub const ONE_WAY_DAYS: i32 = 30;
/// The number of one-way touches that count, the latest ones.
const ONE_WAY_TOUCHES: usize = 2;
/// Half-lives after which a touch is left out: less than a millionth of it is left.
const HALF_LIVES: f64 = 20.0;
/// Days over which value is computed.
pub const VALUE_DAYS: i64 = 180;
/// Touches with value from which their number no longer lowers the value.
const ENOUGH_VALUE: f64 = 4.0;
/// The weight of a one-way touch, in thousandths.
pub const ONE_WAY: u32 = crate::domain::touch::weight::ONE_WAY;
/// The least value, and the least share of known slots, of being ready.
pub const READY: f64 = 0.5;

/// Returns days as microseconds.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "some decades at most")]
pub fn microseconds(days: f64) -> i64 {
    (days * DAY as f64) as i64
}

/// Returns microseconds as days.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "some decades at most")]
pub fn days(microseconds: i64) -> f64 {
    microseconds as f64 / DAY as f64
}

/// The organization's policy for presence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresencePolicy {
    /// Days in which a touch loses half its weight.
    pub half_life: f64,
    /// Presence from which on we are present.
    pub threshold: f64,
}

impl PresencePolicy {
    /// Returns the policy of an organization.
    #[must_use]
    pub const fn of(organization: &organization::Model) -> Self {
        Self { half_life: organization.presence_half_life_days, threshold: organization.presence_threshold }
    }

    /// Returns the strength from which on we are present: L = −ln(1 − threshold).
    #[must_use]
    pub fn least(&self) -> f64 {
        -(1.0 - self.threshold).ln()
    }

    /// Returns the microseconds after which a touch is left out.
    #[must_use]
    pub fn reach(&self) -> i64 {
        microseconds(self.half_life * HALF_LIVES)
    }
}

/// A completed touch, as presence sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its age in microseconds.
    pub age: i64,
    /// Its weight in thousandths.
    pub weight: u32,
    /// How it was made.
    pub kind: TouchKind,
    /// Its length in minutes.
    pub minutes: u32,
    /// Its id, where it was read: where others overlap it or crowd its day.
    pub id: Option<TouchId>,
}

impl Made {
    const fn is_one_way(self) -> bool {
        self.weight <= ONE_WAY
    }

    /// Whether it may count at all: an answered or acknowledged touch within reach, or a one-way touch of the last 30 days.
    #[must_use]
    pub fn may_count(self, policy: PresencePolicy) -> bool {
        if self.weight == 0 || self.age < 0 {
            return false;
        }
        if self.is_one_way() { self.age < i64::from(ONE_WAY_DAYS) * DAY } else { self.age <= policy.reach() }
    }

    fn days(self) -> f64 {
        days(self.age)
    }

    /// Returns its weight.
    #[must_use]
    pub fn full(self) -> f64 {
        f64::from(self.weight) / 1000.0
    }

    /// Returns the weight after decay: it halves every half-life.
    #[must_use]
    pub fn decayed(self, half_life: f64) -> f64 {
        self.full() * (-self.days() / half_life).exp2()
    }
}

/// Returns the encounters that count, the latest first: all answered or acknowledged ones within reach, and the two latest
/// one-way ones of the last 30 days.
#[must_use]
pub fn counting(mut encounters: Vec<Made>, policy: PresencePolicy) -> Vec<Made> {
    // In one order, whatever order they were read in, so that sums agree to the last digit.
    encounters.sort_unstable_by_key(|touch| (touch.age, touch.weight, touch.kind));
    let mut left = ONE_WAY_TOUCHES;
    encounters.retain(|touch| {
        if !touch.may_count(policy) || touch.is_one_way() && left == 0 {
            return false;
        }
        left -= usize::from(touch.is_one_way());
        true
    });
    encounters
}

/// Returns E, the sum of the decayed weights of the encounters that count.
#[must_use]
pub fn strength(counting: &[Made], policy: PresencePolicy) -> f64 {
    // The sum of nothing is -0.
    0.0 + counting.iter().map(|touch| touch.decayed(policy.half_life)).sum::<f64>()
}

/// Returns the presence, 0 to 1, of a strength: 1 − e^(−E).
#[must_use]
pub fn presence(strength: f64) -> f64 {
    -(-strength).exp_m1()
}

/// Returns the days until presence falls below the threshold if nothing is done; 0 where it is below. One-way touches leave after 30
/// days, the others only fade.
#[must_use]
pub fn days_until_absent(counting: &[Made], policy: PresencePolicy) -> f64 {
    let least = policy.least();
    let (mut one_way, lasting): (Vec<Made>, Vec<Made>) = counting.iter().partition(|touch| touch.is_one_way());
    // The oldest leaves first.
    one_way.sort_unstable_by_key(|touch| std::cmp::Reverse(touch.age));
    let mut from = 0.0_f64;
    for place in 0..=one_way.len() {
        // By the strength at the start: between two that leave, all fade alike.
        let all: Vec<Made> = one_way[place..].iter().chain(&lasting).copied().collect();
        let falls = policy.half_life * (strength(&all, policy) / least).log2();
        if falls.is_nan() || falls <= from {
            return from;
        }
        match one_way.get(place) {
            Some(next) if falls > f64::from(ONE_WAY_DAYS) - next.days() => from = f64::from(ONE_WAY_DAYS) - next.days(),
            _ => return falls,
        }
    }
    from
}

/// Returns the value, 0 to 1, of v touches with value, of which k were acknowledged: ((k + 1) ÷ (v + 2)) · min(1, v ÷ 4).
#[must_use]
pub fn value(with_value: u32, acknowledged: u32) -> f64 {
    let (all, good) = (f64::from(with_value), f64::from(acknowledged));
    (good + 1.0) / (all + 2.0) * (all / ENOUGH_VALUE).min(1.0)
}

/// Whether presence has reached the organization's threshold, and known and value are 0.5 or more.
#[must_use]
pub fn is_ready(presence: f64, known: f64, value: f64, threshold: f64) -> bool {
    presence >= threshold && known >= READY && value >= READY
}

/// The levels from being unknown to being seen to create value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No key contact knows us.
    Unknown,
    /// A key contact knows us.
    Known,
    /// And we are present.
    Present,
    /// And they see value in us.
    Valued,
}

/// Returns the level reached.
#[must_use]
pub fn level(presence: f64, known: f64, value: f64, threshold: f64) -> Level {
    if known <= 0.0 {
        Level::Unknown
    } else if presence < threshold {
        Level::Known
    } else if value < READY {
        Level::Present
    } else {
        Level::Valued
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: PresencePolicy = PresencePolicy { half_life: 30.0, threshold: 0.5 };

    fn made(days: f64, weight: u32) -> Made {
        Made { age: microseconds(days), weight, kind: TouchKind::Call, minutes: 15, id: None }
    }

    fn of(touches: &[(f64, u32)]) -> Vec<Made> {
        counting(touches.iter().map(|(days, weight)| made(*days, *weight)).collect(), POLICY)
    }

    fn near(left: f64, right: f64, by: f64) -> bool {
        (left - right).abs() < by
    }

    #[test]
    fn one_meeting_fades() {
        for (day, expected) in [(0.0, 0.6321), (15.0, 0.5069), (16.0, 0.4989), (30.0, 0.3935), (60.0, 0.2212)] {
            let found = presence(strength(&of(&[(day, 1000)]), POLICY));
            assert!(near(found, expected, 5e-5), "day {day}: {found}");
        }
    }

    #[test]
    fn three_touches_on_day_40() {
        let touches = of(&[(40.0, 1000), (30.0, 700), (16.0, 600)]);
        let all = strength(&touches, POLICY);
        assert!(near(all, 1.161_424, 5e-7), "{all}");
        assert!(near(presence(all), 0.686_960, 5e-7));
        let days = days_until_absent(&touches, POLICY);
        assert!(near(days, 22.3398, 5e-5), "{days}");
    }

    #[test]
    fn of_one_way_touches_the_two_latest_of_30_days_count() {
        let weights = |touches: &[(f64, u32)]| of(touches).len();
        assert_eq!(weights(&[(1.0, 150), (2.0, 150), (3.0, 150)]), 2);
        assert_eq!(weights(&[(29.99, 150), (30.0, 150)]), 1);
        assert_eq!(of(&[(9.0, 150), (5.0, 150), (7.0, 150), (8.0, 400)]).last(), Some(&made(8.0, 400)));
        // What is to come, was called off or is older than 20 half-lives does not.
        assert_eq!(weights(&[(-1.0, 1000), (1.0, 0), (600.5, 1000), (599.5, 1000)]), 1);
    }

    #[test]
    fn one_way_touches_leave_after_30_days() {
        // A meeting alone lasts 15.87 days; with two unanswered e-mails a little longer, until they leave.
        let alone = days_until_absent(&of(&[(0.0, 1000)]), POLICY);
        assert!(near(alone, 30.0 * (1.0 / 2.0_f64.ln()).log2(), 1e-9), "{alone}");
        let with = days_until_absent(&of(&[(0.0, 1000), (0.0, 150), (0.0, 150)]), POLICY);
        assert!(near(with, 30.0 * (1.3 / 2.0_f64.ln()).log2(), 1e-9), "{with}");
        // One leaves in a day, and takes presence along.
        let strong = [(10.0, 883), (29.0, 150)];
        let without = strength(&of(&strong[..1]), POLICY);
        assert!(without > POLICY.least() && strength(&of(&strong), POLICY) > without);
        let falls = days_until_absent(&of(&strong[..1]), POLICY);
        assert!(falls < 1.0, "{falls}");
        let days = days_until_absent(&of(&strong), POLICY);
        assert!(near(days, 1.0, 1e-9), "{days}");
        // One-way touches alone never do at this threshold, and at a low one they end at once.
        assert!(near(days_until_absent(&of(&[(1.0, 150), (2.0, 150)]), POLICY), 0.0, 1e-12));
        let low = PresencePolicy { threshold: 0.05, ..POLICY };
        assert!(near(days_until_absent(&of(&[(1.0, 150), (2.0, 150)]), low), 29.0, 1e-9));
        assert!(near(days_until_absent(&[], POLICY), 0.0, 1e-12));
        assert!(presence(strength(&[], POLICY)).is_sign_positive());
    }

    #[test]
    fn value_takes_enough_touches_and_acknowledgement() {
        for (all, good, expected) in
            [(0, 0, 0.0), (1, 1, 2.0 / 3.0 / 4.0), (4, 0, 1.0 / 6.0), (4, 4, 5.0 / 6.0), (8, 4, 0.5), (4, 2, 0.5)]
        {
            assert!(near(value(all, good), expected, 1e-12), "{good} of {all}");
        }
    }

    #[test]
    fn each_rung_needs_the_one_below() {
        use Level::{Known, Present, Unknown, Valued};
        for (presence, known, value, expected) in [
            (0.9, 0.0, 0.9, Unknown),
            (0.4, 0.1, 0.9, Known),
            (0.5, 0.1, 0.4, Present),
            (0.5, 0.1, 0.5, Valued),
            (0.0, 0.0, 0.0, Unknown),
        ] {
            assert_eq!(level(presence, known, value, 0.5), expected, "{presence} {known} {value}");
        }
        assert!(is_ready(0.5, 0.5, 0.5, 0.5));
        for (presence, known, value) in [(0.49, 1.0, 1.0), (1.0, 0.49, 1.0), (1.0, 1.0, 0.49)] {
            assert!(!is_ready(presence, known, value, 0.5));
        }
        // Presence is judged by the organization's own threshold, the other two are not.
        assert!(is_ready(0.3, 0.5, 0.5, 0.3) && !is_ready(0.6, 0.5, 0.5, 0.7) && !is_ready(0.3, 0.3, 0.3, 0.3));
    }

    fn touches() -> impl Strategy<Value = Vec<(f64, u32)>> {
        prop::collection::vec((0.0..700.0_f64, prop::sample::select(vec![0_u32, 150, 400, 500, 600, 700, 1000])), 0..20)
    }

    proptest! {
        #[test]
        fn presence_is_a_share_and_falls_below_the_threshold_when_it_is_said_to(
            touches in touches(), half_life in 1.0..365.0_f64, threshold in 0.05..0.95_f64,
        ) {
            let policy = PresencePolicy { half_life, threshold };
            let all: Vec<Made> = touches.iter().map(|(days, weight)| made(*days, *weight)).collect();
            // Only the encounters that count now are considered later, because one that does not count now would not then.
            let now = counting(all, policy);
            let after = |days: f64| {
                let later = now.iter().map(|touch| made(touch.days() + days, touch.weight)).collect();
                let still: Vec<Made> = counting(later, PresencePolicy { half_life: 1e5, ..policy });
                presence(strength(&still, policy))
            };
            prop_assert!((0.0..=1.0).contains(&after(0.0)));
            let days = days_until_absent(&now, policy);
            prop_assert!(days >= 0.0 && days.is_finite());
            prop_assert!(after(days + 1e-4) < threshold);
            if days > 2e-4 {
                prop_assert!(after(days - 1e-4) >= threshold, "{} {}", days, after(days - 1e-4));
            }
            prop_assert!(after(1.0) <= after(0.0));
        }

        #[test]
        fn the_order_of_touches_is_all_one(touches in touches()) {
            let forwards = touches.iter().map(|(days, weight)| made(*days, *weight)).collect();
            let backwards = touches.iter().rev().map(|(days, weight)| made(*days, *weight)).collect();
            let sum = |all| strength(&counting(all, POLICY), POLICY).to_bits();
            prop_assert_eq!(sum(forwards), sum(backwards));
        }

        #[test]
        fn value_is_a_share_and_grows_with_what_is_acknowledged(all in 0_u32..1000, good in 0_u32..1000) {
            let good = good.min(all);
            prop_assert!((0.0..=1.0).contains(&value(all, good)));
            prop_assert!(good == 0 || value(all, good) > value(all, good - 1));
        }
    }
}
