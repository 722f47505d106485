//! Whether a target is being nurtured: when it was touched, whether often enough, and how present we are there.

use std::collections::HashMap;

use chrono_tz::Tz;
use entity::{AccountId, Day, Instant, TargetId, UserId};

use super::asked::{Ask, rows};
use super::formula::{PresencePolicy, microseconds};
use super::{Presence, answer};
use crate::context::RequestContext;
use crate::domain::targeting::Target;
use crate::domain::targeting::target_list::capacity::required_interval;
use crate::domain::touch::{self, Touch};
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::estimate::Estimate;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar::DAY;
use crate::values::calendar::{self, day_of};

/// Days in which a target must be touched to count as pursued, back and ahead.
pub const PURSUED_DAYS: i64 = 90;
/// What the touches weigh that are to keep us present: an answered call's weight.
const WEIGHT: f64 = 0.7;

/// How a target is being nurtured.
#[derive(Clone, Debug)]
pub struct Nurture {
    account: AccountId,
    days_since_touch: Option<i32>,
    pursued: bool,
    consistency: Option<(i64, i64)>,
    longest_gap_days: Option<i32>,
}

object! {
    /// Whether a target is being nurtured, by the touches of all users at its account.
    Nurture as "Nurture" {
        /// The latest completed touch.
        lastTouch: Option<Touch> = by_key(|nurture| nurture.account, touch::list::last_of_accounts);
        /// The earliest scheduled touch.
        nextTouch: Option<Touch> = by_key(|nurture| nurture.account, touch::list::next_of_accounts);
        /// Whole days of the seller's since the latest completed touch; null where there was none.
        daysSinceTouch: Option<i32> = plain(|nurture| nurture.days_since_touch);
        /// Whether it was touched in the last 90 days, or a touch is scheduled in the next 90.
        pursued: bool = plain(|nurture| nurture.pursued);
        /// The current presence at the account.
        presence: Presence = batch(presences);
        /// The share of windows with a completed touch, among the windows that have elapsed since the account became a target
        /// (and until it was closed). A window is the interval at which answered calls maintain presence, in days
        /// h · log2((0.7 + L) ÷ L), L = −ln(1 − threshold), h the half-life. Null before the first window has elapsed and
        /// for a target that was never on the list.
        consistency: Option<f64> = plain(|nurture| nurture.consistency().value);
        /// `consistency` with the number of windows behind it.
        consistencyEstimate: Estimate = plain(|nurture| nurture.consistency());
        /// The longest time without a touch that was made, in whole days of the seller's: since it became a target, between
        /// two, or until now (or until it was closed). Null where it never was on the list.
        longestGapDays: Option<i32> = plain(|nurture| nurture.longest_gap_days);
    }
}

/// Windows from which consistency is sufficient.
const ENOUGH_WINDOWS: i64 = 4;

impl Nurture {
    fn consistency(&self) -> Estimate {
        let (touched, elapsed) = self.consistency.unwrap_or_default();
        Estimate::share(touched, elapsed, ENOUGH_WINDOWS, "windows")
    }
}

async fn presences(field: &FieldContext<'_>, of: &[&Nurture]) -> Result<Batch<Presence>> {
    let viewer = field.request.viewer()?;
    let asks: Vec<Ask> = of.iter().map(|nurture| Ask::at(viewer, nurture.account, field.request.now)).collect();
    answer(field, &asks).await
}

/// Returns the longest gap between consecutive days, in whole days without a touch.
#[must_use]
pub fn longest_gap(since: Day, touched: &[Day], until: Day) -> i32 {
    let ends = touched.iter().copied().chain([until]);
    let starts = [since].into_iter().chain(touched.iter().copied());
    starts.zip(ends).map(|(start, end)| end.0.saturating_sub(start.0)).max().unwrap_or_default()
}

/// Returns, of the windows of `interval` that have elapsed between two instants, the number with a touch, and their number;
/// `None` before the first has elapsed.
#[must_use]
pub fn consistency(since: Instant, touched: &[Instant], until: Instant, interval: i64) -> Option<(i64, i64)> {
    let elapsed = (until.0.saturating_sub(since.0)).max(0).checked_div(interval).filter(|windows| *windows > 0)?;
    let mut windows: Vec<i64> = touched
        .iter()
        .filter(|at| **at >= since)
        .map(|at| (at.0 - since.0) / interval)
        .filter(|window| *window < elapsed)
        .collect();
    windows.sort_unstable();
    windows.dedup();
    Some((i64::try_from(windows.len()).unwrap_or(i64::MAX), elapsed))
}

/// Returns whether each account had a touch in the 90 days before an instant or has one scheduled in the 90 days after, with one
/// statement.
pub async fn pursued(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<bool>> {
    let days = PURSUED_DAYS * DAY;
    // One of today that was to be an hour ago is still to come.
    let sql = format!(
        "select asked.number from asked where exists (
            select 1 from touch
            where touch.organization_id = $2 and touch.account_id = asked.subject_id
                and touch.at > asked.at - {days} and touch.at <= asked.at + {days}
                and (touch.weight > 0 and touch.at <= asked.at
                    or touch.status = 'SCHEDULED' and touch.missed_at > {} and touch.at > asked.at - {DAY})
        )",
        ctx.now.0
    );
    let mut all = vec![false; asks.len()];
    for (place, _) in rows(ctx, asks, &sql).await? {
        all[place] = true;
    }
    Ok(all)
}

/// Returns the times of the touches between `since` and `at` of each ask, the earliest first, with one statement.
async fn touched(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<Vec<Instant>>> {
    const SQL: &str = "select asked.number, (
            select string_agg(cast(touch.at as text), ',') from touch
            where touch.organization_id = $2 and touch.account_id = asked.subject_id
                and touch.at >= asked.since and touch.at <= asked.at and touch.weight > 0
        ) from asked";
    let mut all = vec![Vec::new(); asks.len()];
    for (place, row) in rows(ctx, asks, SQL).await? {
        let list: Option<String> = row.try_get_by_index(1)?;
        let times = list.iter().flat_map(|list| list.split(',')).filter_map(|at| at.parse().ok());
        all[place] = times.map(Instant).collect();
        all[place].sort_unstable();
    }
    Ok(all)
}

/// Returns the time of each account's last touch before an instant, with one statement.
pub async fn last(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<Option<Instant>>> {
    const SQL: &str = "select asked.number, (
            select touch.at from touch
            where touch.organization_id = $2 and touch.account_id = asked.subject_id
                and touch.at <= asked.at and touch.weight > 0
            order by touch.at desc limit 1
        ) from asked";
    let mut all = vec![None; asks.len()];
    for (place, row) in rows(ctx, asks, SQL).await? {
        all[place] = row.try_get_by_index(1)?;
    }
    Ok(all)
}

/// Resolves `Target.nurture` with four statements for any number of targets.
pub async fn of_targets(
    field: &FieldContext<'_>,
    of: &[&Target],
) -> Result<Batch<crate::domain::presence::nurture::Nurture>> {
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let sellers: HashMap<UserId, User> = User::fetch(ctx, of.iter().map(|target| target.0.seller_id)).await?;
    let zone = |target: &Target| -> Tz {
        let seller = sellers.get(&target.0.seller_id);
        seller.and_then(|seller| calendar::zone(&seller.0.time_zone)).unwrap_or(viewer.zone)
    };
    let until = |target: &Target| target.0.until.unwrap_or(ctx.now).min(ctx.now);
    let today: Vec<Ask> = of.iter().map(|target| Ask::at(viewer, target.0.account_id, ctx.now)).collect();
    let listed: Vec<(TargetId, Ask)> = of
        .iter()
        .filter_map(|target| {
            let since = target.0.since?;
            Some((target.0.id, Ask { subject: target.0.account_id.0, at: until(target), since }))
        })
        .collect();
    let asks: Vec<Ask> = listed.iter().map(|(_, ask)| *ask).collect();
    let mut times: HashMap<TargetId, Vec<Instant>> =
        listed.iter().map(|(target, _)| *target).zip(touched(ctx, &asks).await?).collect();
    let interval = interval(PresencePolicy::of(&viewer.organization));
    let made =
        of.iter().zip(pursued(ctx, &today).await?).zip(last(ctx, &today).await?).map(|((target, pursued), last)| {
            let zone = zone(target);
            let day = |at: Instant| day_of(at, zone);
            let times = times.remove(&target.0.id).unwrap_or_default();
            let days: Vec<Day> = times.iter().map(|at| day(*at)).collect();
            let listed = target.0.since.map(|since| (since, until(target)));
            Nurture {
                account: target.0.account_id,
                days_since_touch: last.map(|last| day(ctx.now).0 - day(last).0),
                pursued,
                consistency: listed.and_then(|(since, until)| consistency(since, &times, until, interval)),
                longest_gap_days: listed.map(|(since, until)| longest_gap(day(since), &days, day(until))),
            }
        });
    let made: Vec<Nurture> = made.collect();
    field.objects(&made.iter().collect::<Vec<_>>()).await
}

/// The microseconds between touches that keep us present.
fn interval(policy: PresencePolicy) -> i64 {
    microseconds(required_interval(WEIGHT, policy.half_life, policy.threshold))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::presence::formula::days;

    #[test]
    fn the_longest_gap_may_be_the_first_or_the_last() {
        let gap = |touched: &[i32], until| {
            longest_gap(Day(100), &touched.iter().map(|day| Day(*day)).collect::<Vec<_>>(), Day(until))
        };
        assert_eq!(gap(&[], 100), 0);
        assert_eq!(gap(&[], 130), 30);
        assert_eq!(gap(&[110, 115], 120), 10);
        assert_eq!(gap(&[101, 121, 125], 130), 20);
        assert_eq!(gap(&[101, 105], 130), 25);
    }

    #[test]
    fn windows_count_once_and_only_when_they_are_over() {
        let share = |touched: &[i64], until| {
            consistency(Instant(100), &touched.iter().map(|at| Instant(*at)).collect::<Vec<_>>(), Instant(until), 10)
        };
        assert_eq!(share(&[100], 109), None);
        assert_eq!(share(&[100], 110), Some((1, 1)));
        assert_eq!(share(&[], 110), Some((0, 1)));
        assert_eq!(share(&[100, 105, 109, 131], 139), Some((1, 3)));
        assert_eq!(share(&[100, 110, 129, 135], 140), Some((4, 4)));
        assert_eq!(consistency(Instant(100), &[], Instant(50), 10), None);
        assert_eq!(consistency(Instant(0), &[], Instant(50), 0), None);
    }

    #[test]
    fn answered_calls_keep_us_present_every_thirty_days() {
        let days = days(interval(PresencePolicy { half_life: 30.0, threshold: 0.5 }));
        assert!((days - 30.21).abs() < 0.005, "{days}");
    }

    proptest! {
        #[test]
        fn consistency_is_a_share(touched in prop::collection::vec(0_i64..10_000, 0..40), until in 0_i64..10_000, interval in 1_i64..500) {
            let touched: Vec<Instant> = touched.into_iter().map(Instant).collect();
            if let Some((touched, elapsed)) = consistency(Instant(0), &touched, Instant(until), interval) {
                prop_assert!(0 <= touched && touched <= elapsed);
            }
        }
    }
}
