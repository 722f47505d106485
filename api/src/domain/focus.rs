//! Focus: the share of a user's effort that went to targets, judged by the target list at each touch's own time. The touches
//! come from the index of users' touches, those of a user as one text; the arithmetic is pure.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use async_graphql::InputObject;
use entity::{Day, Instant, Scoped, UserId, target, touch, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::context::RequestContext;
use crate::domain::touch::people::zone_of;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::estimate::{ENOUGH, Estimate};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::DateRange;
use crate::graphql::series::SeriesArguments;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar::DAY;
use crate::values::calendar::{end_of, monday, start_of};

/// Days back over which an account may be receptive.
const RECEPTIVE_DAYS: i64 = 90;
/// The least number of outbound touches of those days.
const RECEPTIVE_TOUCHES: usize = 3;

/// Arguments of `User.focus`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct FocusArguments {
    /// The user's days, both ends included.
    pub range: DateRange,
}

/// Touches and minutes, and those of them that went to targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    touches: i64,
    target_touches: i64,
    minutes: i64,
    target_minutes: i64,
    defaulted: i64,
}

impl Sum {
    fn add(&mut self, touch: &Made, on_target: bool) {
        let minutes = i64::from(touch.minutes);
        self.touches += 1;
        self.minutes += minutes;
        self.target_touches += i64::from(on_target);
        self.target_minutes += if on_target { minutes } else { 0 };
        self.defaulted += if touch.defaulted { minutes } else { 0 };
    }
}

fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "minutes are below 2^52")]
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The share of a user's effort that went to targets.
#[derive(Clone, Debug)]
pub struct Focus {
    user: Arc<user::Model>,
    from: Day,
    to: Day,
    sum: Sum,
    /// Minutes at receptive accounts that were no targets.
    receptive: i64,
    weeks: Vec<FocusWeek>,
}

object! {
    /// The share of a user's effort that went to targets: of the touches that they made, at accounts that the caller
    /// sees, judged by whether the account was an agreed target of theirs when the touch began. A touch without a
    /// duration counts its kind's default minutes: MEETING 60, EVENT 120, CALL 15, others 5.
    Focus as "Focus" {
        /// The first of the user's days.
        from: Day = plain(|focus| focus.from);
        /// The last of them.
        to: Day = plain(|focus| focus.to);
        /// The number of completed touches.
        touches: i32 = plain(|focus| int(focus.sum.touches));
        /// The number of those with targets.
        targetTouches: i32 = plain(|focus| int(focus.sum.target_touches));
        /// Share of the touches that went to targets, 0 to 1; null where none was made.
        share: Option<f64> = plain(|focus| share(focus.sum.target_touches, focus.sum.touches));
        /// Their minutes.
        minutes: i32 = plain(|focus| int(focus.sum.minutes));
        /// The minutes with targets.
        targetMinutes: i32 = plain(|focus| int(focus.sum.target_minutes));
        /// Share of the minutes that went to targets, 0 to 1; null where there are none.
        minutesShare: Option<f64> = plain(|focus| focus.minutes_share());
        /// Share of all minutes that went to receptive accounts that were no targets, 0 to 1; null where there are none. An
        /// account is receptive that answered at least half of the user's outbound touches of the 90 days before, of which
        /// there were 3 or more.
        receptiveBias: Option<f64> = plain(|focus| share(focus.receptive, focus.sum.minutes));
        /// `receptiveBias` with the number of touches behind it.
        receptiveBiasEstimate: Estimate = plain(|focus| focus.bias_estimate());
        /// Minutes that are the default of a kind, since no duration was given.
        defaultedMinutes: i32 = plain(|focus| int(focus.sum.defaulted));
        /// Week by week, those without touches included; at most 500.
        byWeek: Vec<FocusWeek> = batch(weeks);
        /// The same number of days, ending on each of the days of a line chart.
        series(SeriesArguments): Vec<Focus> = batch(series);
    }
}

/// The same for one week.
#[derive(Clone, Copy, Debug)]
pub struct FocusWeek {
    starts_on: Day,
    sum: Sum,
}

object! {
    /// The share of a week's effort that went to targets. Of the first and the last week only what lies within the
    /// range counts.
    FocusWeek as "FocusWeek" {
        /// The week's Monday.
        startsOn: Day = plain(|week| week.starts_on);
        /// The number of completed touches.
        touches: i32 = plain(|week| int(week.sum.touches));
        /// The number of those with targets.
        targetTouches: i32 = plain(|week| int(week.sum.target_touches));
        /// Share of the touches that went to targets, 0 to 1; null where none was made.
        share: Option<f64> = plain(|week| share(week.sum.target_touches, week.sum.touches));
        /// Their minutes.
        minutes: i32 = plain(|week| int(week.sum.minutes));
        /// The minutes with targets.
        targetMinutes: i32 = plain(|week| int(week.sum.target_minutes));
        /// Share of the minutes that went to targets, 0 to 1; null where there are none.
        minutesShare: Option<f64> = plain(|week| share(week.sum.target_minutes, week.sum.minutes));
    }
}

impl Focus {
    /// Returns the share of the minutes that went to targets; `None` where there are none.
    #[must_use]
    pub fn minutes_share(&self) -> Option<f64> {
        share(self.sum.target_minutes, self.sum.minutes)
    }

    fn bias_estimate(&self) -> Estimate {
        Estimate::figure(share(self.receptive, self.sum.minutes), self.sum.touches, ENOUGH, "touches")
    }
}

async fn weeks(field: &FieldContext<'_>, of: &[&Focus]) -> Result<Batch<Vec<FocusWeek>>> {
    if of.iter().any(|focus| focus.weeks.len() as u64 > LONGEST_LIST) {
        return Err(Error::LimitExceeded(format!(
            "A range of more than {LONGEST_LIST} weeks has no byWeek: take a shorter one."
        )));
    }
    field.object_lists(&of.iter().map(|focus| focus.weeks.as_slice()).collect::<Vec<_>>()).await
}

/// A completed touch of a user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Made {
    at: Instant,
    minutes: u32,
    /// Whether the minutes are the default of its kind.
    defaulted: bool,
    outbound: bool,
    answered: bool,
    account: u64,
}

/// When accounts were on a user's list: from, and until where that is over.
type Listed = HashMap<u64, Vec<(Instant, Option<Instant>)>>;

/// The outbound touches of an account in the 90 days before, while the touches are gone through by time.
#[derive(Default)]
struct Outreach {
    touches: VecDeque<(Instant, bool)>,
    answered: usize,
}

impl Outreach {
    /// Whether the account answered often enough in the days before.
    fn is_receptive(&mut self, at: Instant) -> bool {
        while let Some((first, answered)) = self.touches.front().copied() {
            if first.0 >= at.0 - RECEPTIVE_DAYS * DAY {
                break;
            }
            self.touches.pop_front();
            self.answered -= usize::from(answered);
        }
        // What began at the same time was not before.
        let same = self.touches.iter().rev().take_while(|(other, _)| *other == at);
        let (count, answers) = same.fold((0, 0), |sum, (_, answered)| (sum.0 + 1, sum.1 + usize::from(*answered)));
        let (touches, answered) = (self.touches.len() - count, self.answered - answers);
        touches >= RECEPTIVE_TOUCHES && answered * 2 >= touches
    }

    fn note(&mut self, touch: Made) {
        if touch.outbound {
            self.touches.push_back((touch.at, touch.answered));
            self.answered += usize::from(touch.answered);
        }
    }
}

/// The focus of days, from all touches of those and of the 90 days before, by time.
fn focus(user: &Arc<user::Model>, touches: &[Made], listed: &Listed, (from, to): (Day, Day)) -> Focus {
    let zone = zone_of(user);
    let mut mondays = Vec::new();
    let mut next = monday(from);
    // One more than a list may have, so that a range that is too long is noticed.
    while next <= to && mondays.len() as u64 <= LONGEST_LIST {
        mondays.push(next);
        let following = next.plus(7);
        // The calendar's last week is not whole.
        if following.0 - next.0 < 7 {
            break;
        }
        next = following;
    }
    let starts: Vec<Instant> = mondays.iter().map(|day| start_of(*day, zone)).collect();
    let mut weeks: Vec<FocusWeek> =
        mondays.into_iter().map(|starts_on| FocusWeek { starts_on, sum: Sum::default() }).collect();
    let (start, end) = (start_of(from, zone), end_of(to, zone));
    let (mut sum, mut receptive) = (Sum::default(), 0);
    let mut outreach: HashMap<u64, Outreach> = HashMap::new();
    for touch in touches.iter().filter(|touch| touch.at < end) {
        let before = outreach.entry(touch.account).or_default();
        if touch.at >= start {
            let on_target = was_listed(listed, touch.account, touch.at);
            sum.add(touch, on_target);
            if !on_target && before.is_receptive(touch.at) {
                receptive += i64::from(touch.minutes);
            }
            let week = starts.partition_point(|start| *start <= touch.at);
            if let Some(week) = week.checked_sub(1).and_then(|week| weeks.get_mut(week)) {
                week.sum.add(touch, on_target);
            }
        }
        before.note(*touch);
    }
    Focus { user: Arc::clone(user), from, to, sum, receptive, weeks }
}

/// Whether an account was on the user's list at an instant.
fn was_listed(listed: &Listed, account: u64, at: Instant) -> bool {
    listed
        .get(&account)
        .is_some_and(|listed| listed.iter().any(|(since, until)| *since <= at && until.is_none_or(|until| at < until)))
}

/// Returns the lower half of an account's id, which is unique and read faster.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn short(account: Uuid) -> u64 {
    account.as_u128() as u64
}

/// A user's touches out of their text, by time: from each its distance from `base`, its minutes with two flags below, and
/// the lower half of its account's id.
fn parse(list: &str, base: Instant) -> Vec<Made> {
    let mut touches: Vec<Made> = list
        .split(',')
        .filter_map(|touch| {
            let mut parts = touch.split(':');
            let at = parts.next()?.parse::<i64>().ok()?;
            let flags = parts.next()?.parse::<u32>().ok()?;
            let account = u64::from_str_radix(parts.next()?, 16).ok()?;
            let (defaulted, outbound, answered) = (flags & 4 != 0, flags & 2 != 0, flags & 1 != 0);
            let at = Instant(base.0.saturating_add(at));
            Some(Made { at, minutes: flags / 8, defaulted, outbound, answered, account })
        })
        .collect();
    touches.sort_by_key(|touch| touch.at);
    touches
}

/// What users made between two instants, that the caller sees: one statement for any number of them.
async fn made(
    ctx: &RequestContext,
    users: &[UserId],
    from: Instant,
    to: Instant,
) -> Result<HashMap<UserId, Vec<Made>>> {
    use touch::Column;
    let hex = match ctx.services.db.backend() {
        sea_orm::DbBackend::Postgres => "replace(right(touch.account_id::text, 17), '-', '')",
        _ => "substr(hex(touch.account_id), 17)",
    };
    let text = format!(
        "string_agg(cast(touch.at - {} as text) || ':' || cast(touch.minutes * 8
            + case when touch.duration_minutes is null then 4 else 0 end + case when touch.direction = 'OUTBOUND' then 2 else 0 end + case when touch.answered then 1 else 0 end as text)
            || ':' || {hex}, ',')",
        from.0
    );
    let query = ctx
        .viewer()?
        .sums::<touch::Entity>(Column::AccountId)
        .filter(Column::UserId.is_in(users.iter().copied()))
        .filter(Column::At.gte(from))
        .filter(Column::At.lt(to))
        .filter(Expr::cust("touch.weight > 0"))
        .select_only()
        .column(Column::UserId)
        .expr(Expr::cust(text))
        .group_by(Column::UserId)
        .into_query();
    let mut all = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let list: String = row.try_get_by_index(1)?;
        all.insert(row.try_get_by_index(0)?, parse(&list, from));
        tokio::task::yield_now().await;
    }
    Ok(all)
}

/// When accounts were on users' lists: one statement for any number of users.
async fn listed(ctx: &RequestContext, users: &[UserId]) -> Result<HashMap<UserId, Listed>> {
    use target::Column;
    let query = target::Entity::of(ctx.viewer()?.organization.id)
        .filter(Column::SellerId.is_in(users.iter().copied()))
        .filter(Column::Since.is_not_null())
        .select_only()
        .columns([Column::SellerId, Column::AccountId, Column::Since, Column::Until])
        .into_query();
    let mut all: HashMap<UserId, Listed> = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let account: Uuid = row.try_get_by_index(1)?;
        let of_user = all.entry(row.try_get_by_index(0)?).or_default();
        of_user.entry(short(account)).or_default().push((row.try_get_by_index(2)?, row.try_get_by_index(3)?));
    }
    Ok(all)
}

/// A user, and days of theirs, both ends included.
pub type UserDays = (Arc<user::Model>, (Day, Day));

/// Returns the focus of users on days, in their order: two statements for any number of them. The caller must be allowed to see
/// it.
///
/// # Errors
/// `UNAUTHENTICATED`; database errors.
pub async fn read(ctx: &RequestContext, wanted: &[UserDays]) -> Result<Vec<Focus>> {
    let (starts, ends): (Vec<Instant>, Vec<Instant>) =
        wanted.iter().map(|(user, (from, to))| (start_of(*from, zone_of(user)), end_of(*to, zone_of(user)))).unzip();
    let (Some(first), Some(last)) = (starts.iter().min(), ends.iter().max()) else { return Ok(Vec::new()) };
    let mut users: Vec<UserId> = wanted.iter().map(|(user, _)| user.id).collect();
    users.sort_unstable();
    users.dedup();
    let before = Instant(first.0 - RECEPTIVE_DAYS * DAY);
    let (made, listed) = (made(ctx, &users, before, *last).await?, listed(ctx, &users).await?);
    let (nothing, unlisted) = (Vec::new(), Listed::new());
    let mut all = Vec::with_capacity(wanted.len());
    for (user, days) in wanted {
        let (made, listed) = (made.get(&user.id).unwrap_or(&nothing), listed.get(&user.id).unwrap_or(&unlisted));
        all.push(focus(user, made, listed, *days));
        tokio::task::yield_now().await;
    }
    Ok(all)
}

/// Returns the minutes that a user made with targets between two instants, each with its time, and those of scheduled touches with
/// accounts that are targets now: three statements.
pub async fn target_minutes(
    ctx: &RequestContext,
    user: UserId,
    from: Instant,
    to: Instant,
) -> Result<Vec<(Instant, u32)>> {
    use touch::Column;
    let (made, listed) = (made(ctx, &[user], from, ctx.now.plus_seconds(1)).await?, listed(ctx, &[user]).await?);
    let (nothing, unlisted) = (Vec::new(), Listed::new());
    let listed = listed.get(&user).unwrap_or(&unlisted);
    let mut minutes: Vec<(Instant, u32)> = made
        .get(&user)
        .unwrap_or(&nothing)
        .iter()
        .filter(|touch| was_listed(listed, touch.account, touch.at))
        .map(|touch| (touch.at, touch.minutes))
        .collect();
    let query = ctx
        .viewer()?
        .sums::<touch::Entity>(Column::AccountId)
        .filter(Column::UserId.eq(user))
        .filter(Column::At.gte(ctx.now))
        .filter(Column::At.lt(to))
        .filter(Column::Status.eq(touch::TouchStatus::Scheduled))
        .select_only()
        .columns([Column::At, Column::Minutes, Column::AccountId])
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        let (at, of): (Instant, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if was_listed(listed, short(row.try_get_by_index(2)?), at) {
            minutes.push((at, of.unsigned_abs()));
        }
    }
    Ok(minutes)
}

/// Answers `User.focus`: null for a caller who is neither the user, nor above them, nor ADMIN. Two statements for any number of
/// users.
///
/// # Errors
/// `BAD_USER_INPUT` for a range that ends before it begins; the database's.
pub async fn of_users(field: &FieldContext<'_>, of: &[&User]) -> Result<Batch<Option<crate::domain::focus::Focus>>> {
    let FocusArguments { range } = field.arguments()?;
    let days = range.days()?;
    let viewer = field.request.viewer()?;
    let mut ids = HashSet::new();
    let seen = of.iter().filter(|user| viewer.is_above_or_is(user.0.id) && ids.insert(user.0.id));
    let wanted: Vec<UserDays> = seen.map(|user| (Arc::new(user.0.clone()), days)).collect();
    let focuses = read(field.request, &wanted).await?;
    let by_user: HashMap<UserId, &Focus> = focuses.iter().map(|focus| (focus.user.id, focus)).collect();
    field.optional_objects(&of.iter().map(|user| by_user.get(&user.0.id).copied()).collect::<Vec<_>>()).await
}

async fn series(field: &FieldContext<'_>, of: &[&Focus]) -> Result<Batch<Vec<Focus>>> {
    let arguments: SeriesArguments = field.arguments()?;
    let days = arguments.days(of.len())?;
    let point = |focus: &Focus, day: Day| (Arc::clone(&focus.user), (day.plus(focus.from.0 - focus.to.0), day));
    let wanted: Vec<UserDays> = of.iter().flat_map(|focus| days.iter().map(|day| point(focus, *day))).collect();
    let points = read(field.request, &wanted).await?;
    field.object_lists(&points.chunks(days.len()).collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;

    /// A user in a time zone.
    fn user_in(zone: Tz) -> Arc<user::Model> {
        Arc::new(user::Model { time_zone: zone.name().to_owned(), ..crate::domain::user::tests::user() })
    }

    fn touch(day: i64, minutes: u32, account: u64) -> Made {
        Made { at: Instant(day * DAY), minutes, defaulted: false, outbound: true, answered: false, account }
    }

    fn answered(day: i64, account: u64) -> Made {
        Made { answered: true, ..touch(day, 10, account) }
    }

    /// Of the days 100 to 113: Saturday, 11 April 1970, to Friday, 24 April.
    fn of(touches: &[Made], listed: &Listed) -> Focus {
        focus(&user_in(Tz::UTC), touches, listed, (Day(100), Day(113)))
    }

    #[test]
    fn a_touch_is_judged_by_the_list_at_its_own_time() {
        let listed = Listed::from([(1, vec![(Instant(101 * DAY), Some(Instant(105 * DAY)))])]);
        let touches = [touch(100, 10, 1), touch(101, 20, 1), touch(104, 40, 1), touch(105, 80, 1), touch(106, 160, 2)];
        let found = of(&touches, &listed);
        assert_eq!(found.sum, Sum { touches: 5, target_touches: 2, minutes: 310, target_minutes: 60, defaulted: 0 });
        let weeks: Vec<(String, Sum)> = found.weeks.iter().map(|week| (week.starts_on.to_string(), week.sum)).collect();
        let expected = [
            ("1970-04-06", Sum { touches: 2, target_touches: 1, minutes: 30, target_minutes: 20, defaulted: 0 }),
            ("1970-04-13", Sum { touches: 3, target_touches: 1, minutes: 280, target_minutes: 40, defaulted: 0 }),
            ("1970-04-20", Sum::default()),
        ];
        assert_eq!(weeks, expected.map(|(day, sum)| (day.to_owned(), sum)));
        // Neither before nor after.
        assert_eq!(of(&[touch(99, 5, 1), touch(114, 5, 1)], &listed).sum, Sum::default());
    }

    #[test]
    fn an_account_is_receptive_that_answered_half_of_what_came_before() {
        let receptive = |before: &[Made]| {
            let touches: Vec<Made> = before.iter().copied().chain([touch(110, 7, 1)]).collect();
            of(&touches, &Listed::new()).receptive == 7
        };
        assert!(receptive(&[touch(30, 10, 1), answered(40, 1), answered(50, 1)]));
        assert!(receptive(&[touch(30, 10, 1), touch(31, 10, 1), answered(40, 1), answered(50, 1)]));
        assert!(!receptive(&[answered(30, 1), answered(40, 1)]));
        assert!(!receptive(&[touch(30, 10, 1), touch(40, 10, 1), answered(50, 1)]));
        assert!(!receptive(&[answered(30, 1), answered(40, 1), answered(50, 2)]));
        // The first of them is 91 days ago.
        assert!(!receptive(&[answered(19, 1), answered(40, 1), answered(50, 1)]));
        assert!(receptive(&[answered(20, 1), answered(40, 1), answered(50, 1)]));
        // What they began themselves is no answer, and what is at the same time is not before.
        let inbound = Made { outbound: false, ..answered(50, 1) };
        assert!(!receptive(&[answered(30, 1), answered(40, 1), inbound]));
        assert!(!receptive(&[answered(30, 1), answered(40, 1), Made { minutes: 0, ..answered(110, 1) }]));
    }

    #[test]
    fn targets_are_never_a_bias() {
        let touches = [answered(70, 1), answered(80, 1), answered(90, 1), touch(110, 7, 1)];
        let listed = Listed::from([(1, vec![(Instant(0), None)])]);
        assert_eq!(of(&touches, &listed).receptive, 0);
        assert_eq!(of(&touches, &Listed::new()).receptive, 7);
    }

    #[test]
    fn a_text_holds_touches_by_time() {
        let account = Uuid::from_u128(0x0102_0304_0506_0708_f90a_0b0c_0d0e_0f10);
        let parsed = parse("5:482:f90a0b0c0d0e0f10,2:45:F90A0B0C0D0E0F10,nonsense", Instant(100));
        let account = short(account);
        assert_eq!(
            parsed,
            [
                Made { at: Instant(102), minutes: 5, defaulted: true, outbound: false, answered: true, account },
                Made { at: Instant(105), minutes: 60, defaulted: false, outbound: true, answered: false, account },
            ]
        );
        assert!(parse("", Instant(0)).is_empty());
    }

    #[test]
    fn the_ends_of_the_calendar_have_weeks() {
        for days in [(Day::FIRST, Day::FIRST), (Day::LAST, Day::LAST), (Day::FIRST, Day::LAST)] {
            assert!(!focus(&user_in(Tz::UTC), &[], &Listed::new(), days).weeks.is_empty());
        }
        assert_eq!(focus(&user_in(Tz::UTC), &[], &Listed::new(), (Day::LAST, Day::LAST)).weeks.len(), 1);
    }

    proptest! {
        #[test]
        fn weeks_add_up_and_shares_are_shares(
            touches in prop::collection::vec((0_i64..200, 0_u32..1440, any::<bool>(), any::<bool>(), 0_u64..4), 0..60),
            since in 0_i64..200, zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        ) {
            let mut made: Vec<Made> = touches
                .into_iter()
                .map(|(hours, minutes, outbound, answered, account)| {
                    Made { at: Instant((95 * 24 + hours * 3) * DAY / 24), minutes, defaulted: outbound, outbound, answered, account }
                })
                .collect();
            made.sort_by_key(|touch| touch.at);
            let listed = Listed::from([(1, vec![(Instant((95 * 24 + since * 3) * DAY / 24), None)])]);
            let found = focus(&user_in(zone), &made, &listed, (Day(100), Day(113)));
            let sum = |field: fn(&Sum) -> i64| found.weeks.iter().map(|week| field(&week.sum)).sum::<i64>();
            prop_assert_eq!(sum(|sum| sum.touches), found.sum.touches);
            prop_assert_eq!(sum(|sum| sum.minutes), found.sum.minutes);
            prop_assert_eq!(sum(|sum| sum.target_minutes), found.sum.target_minutes);
            prop_assert!(found.sum.target_minutes + found.receptive <= found.sum.minutes);
            prop_assert!(found.sum.target_touches <= found.sum.touches);
        }
    }
}
