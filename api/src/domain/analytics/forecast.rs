//! The forecast of thin weeks: how many openings the weeks to come can expect from the touches with targets that were made and are
//! scheduled, and how many are needed to reach the goals.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{ID, InputObject};
use chrono_tz::Tz;
use entity::{AccountId, Day, Id as _, Instant, OrganizationId, Scoped, UserId, user};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, Statement, Value};
use statistics::openings::{Hazard, LAGS, Weeks, needed};

use super::local::offset;
use crate::context::RequestContext;
use crate::domain::focus::target_minutes;
use crate::domain::pipeline::{PipelineSufficiency, Wanted, read};
use crate::domain::touch::people::zone_of;
use crate::error::{Error, Result};
use crate::graphql::{FieldContext, object};
use crate::values::calendar::{DAY, day_of, end_of, monday, start_of};
use database::columns::largest_and_smallest;

/// Weeks before this one whose openings tell what touches lead to.
const OBSERVED: i64 = 52;
/// The largest number of weeks to come.
const MOST_WEEKS: i32 = 104;
/// The largest number of accounts that tell what touches lead to.
const MOST_ACCOUNTS: i64 = 2_000;
/// No touch has as many minutes.
const LONGEST: i64 = 2_048;
/// Opportunities that were closed in a year from which the openings needed are sufficient.
const ENOUGH_CLOSED: i32 = 10;

/// A week to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastWeek {
    starts_on: Day,
    minutes: f64,
    expected: f64,
    /// `None` if no figure says how much one opening brings.
    needed: Option<f64>,
    sufficient: bool,
}

object! {
    /// A week to come: what it can expect from the touches with targets of the weeks before it and its own.
    ForecastWeek as "ForecastWeek" {
        /// The Monday, in the seller's time zone.
        startsOn: Day = plain(|week| week.starts_on);
        /// Minutes with the seller's targets in the week, completed or scheduled.
        targetMinutes: i32 = plain(|week| whole(week.minutes));
        /// The opportunities that are to be expected: target minutes of this week and of the 51 before it, each times the openings
        /// per target minute that the organization had at that distance in the last 52 weeks. An opening is shared equally among the
        /// touches with the target in its week and the 51 before.
        expectedOpenings: f64 = plain(|week| week.expected);
        /// The opportunities that are needed: what remains of the goals of the fiscal year ÷ (mean amount won · win rate) of the 365
        /// days before, spread evenly over the weeks until its end; 0 after it. Also 0 where nothing was won, and then `sufficient` is
        /// false.
        neededOpenings: f64 = plain(|week| week.needed.unwrap_or_default());
        /// neededOpenings − expectedOpenings: above 0 where openings are missing.
        gap: f64 = plain(|week| week.needed.unwrap_or_default() - week.expected);
        /// Whether neededOpenings rests on 10 or more closed opportunities.
        sufficient: bool = plain(|week| week.sufficient);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn whole(minutes: f64) -> i32 {
    minutes.round() as i32
}

/// Returns the number of a day's week.
fn week_of(day: Day) -> i64 {
    (i64::from(day.0) + 3).div_euclid(7)
}

/// Arguments of `analytics.pipelineForecast`.
#[derive(Clone, Debug, InputObject)]
pub struct PipelineForecastArguments {
    /// Id of the seller.
    pub seller_id: ID,
    /// The number of weeks, this one first: 1 to 104.
    #[graphql(default_with = "Some(26)")]
    pub weeks: Option<i32>,
}

/// Resolves `Analytics.pipelineForecast`: null for a caller who is neither the seller, nor above them, nor ADMIN. Nine statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a number of weeks out of its bounds.
pub async fn pipeline_forecast(
    field: &FieldContext<'_>,
    arguments: PipelineForecastArguments,
) -> Result<Option<Vec<ForecastWeek>>> {
    let PipelineForecastArguments { seller_id, weeks } = arguments;
    let weeks = weeks.unwrap_or(26);
    if !(1..=MOST_WEEKS).contains(&weeks) {
        return Err(Error::BadInput(format!("`weeks` must be between 1 and {MOST_WEEKS}; {weeks} was given.")));
    }
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let Some(id) = UserId::parse(&seller_id).ok().filter(|id| viewer.is_above_or_is(*id)) else { return Ok(None) };
    let organization = viewer.organization.id;
    let found = user::Entity::of(organization).filter(user::Column::Id.eq(id)).one(ctx.reader()).await?;
    let Some(seller) = found.map(Arc::new) else { return Ok(None) };
    let zone = zone_of(&seller);
    let today = day_of(ctx.now, zone);
    let first = monday(today);
    let hazard = hazard(ctx, organization, viewer.zone).await?;
    let (from, to) = (start_of(first.plus(-7 * 51), zone), end_of(first.plus(7 * weeks - 1), zone));
    let minutes = by_week(&target_minutes(ctx, id, from, to).await?, zone);
    let wanted = Wanted::of(Arc::clone(&seller), None, None, ctx.now, viewer.fiscal_start());
    let pipeline = read(ctx, vec![wanted]).await?.pop().ok_or_else(|| Error::internal("no pipeline"))?;
    Ok(Some(forecast(first, weeks, &hazard, &minutes, &pipeline)))
}

fn forecast(
    first: Day,
    weeks: i32,
    hazard: &Hazard,
    minutes: &Weeks,
    pipeline: &PipelineSufficiency,
) -> Vec<ForecastWeek> {
    let (win_rate, mean_won) = pipeline.yield_of_one();
    #[expect(clippy::cast_precision_loss, reason = "an amount has 15 digits at most")]
    let all = needed(pipeline.sufficiency.remaining as f64, mean_won, win_rate);
    let last = week_of(pipeline.last_day());
    #[expect(clippy::cast_precision_loss, reason = "a year has 53 weeks at most")]
    let left = (last - week_of(first) + 1).max(1) as f64;
    let week = |number: i32| {
        let starts_on = first.plus(7 * number);
        let own = week_of(starts_on);
        ForecastWeek {
            starts_on,
            minutes: minutes.of(own),
            expected: hazard.expected(minutes, own),
            needed: if own <= last { all.map(|all| all / left) } else { Some(0.0) },
            sufficient: all.is_some() && pipeline.closed() >= ENOUGH_CLOSED,
        }
    };
    (0..weeks).map(week).collect()
}

/// Returns the minutes of touches, by the weeks of a time zone.
fn by_week(touches: &[(Instant, u32)], zone: Tz) -> Weeks {
    let mut minutes: HashMap<i64, f64> = HashMap::new();
    for (at, of) in touches {
        *minutes.entry(week_of(day_of(*at, zone))).or_default() += f64::from(*of);
    }
    in_order(&minutes)
}

fn in_order(minutes: &HashMap<i64, f64>) -> Weeks {
    let (Some(first), Some(last)) = (minutes.keys().min().copied(), minutes.keys().max().copied()) else {
        return Weeks::default();
    };
    Weeks { first, minutes: (first..=last).map(|week| minutes.get(&week).copied().unwrap_or_default()).collect() }
}

/// A touch with a target: its day, and its minutes.
type Made = (Day, f64);

/// Returns the openings per target minute of the organization, independent of the caller, in two statements. Weeks are those of
/// the organization at its present offset from UTC. With very many accounts, every second, third and so on is used.
async fn hazard(ctx: &RequestContext, organization: OrganizationId, zone: Tz) -> Result<Hazard> {
    let this_week = week_of(day_of(ctx.now, zone));
    let (from, to) = (this_week - OBSERVED, this_week - 1);
    let lags = i64::try_from(LAGS).unwrap_or_default();
    let offset = offset(zone, ctx.now.0.div_euclid(1_000_000)) * 1_000_000;
    let start_of_week = |week: i64| (week * 7 - 3) * DAY - offset;
    let (earliest, latest) = (start_of_week(from - lags + 1), start_of_week(to + 1));
    let (most, least) = largest_and_smallest(ctx.services.db.backend());
    let touches = format!(
        "with listed as (
            select account_id, since, until, dense_rank() over (order by account_id) as place from target
            where organization_id = $1 and since < {latest} and (until is null or until > {earliest})
        ), chosen as (
            select account_id, since, until from (select listed.*, max(place) over () as places from listed) counted
            where place % ((places + {MOST_ACCOUNTS} - 1) / {MOST_ACCOUNTS}) = 0
        )
        select chosen.account_id, (
            select string_agg(cast((touch.at + {offset}) / {DAY} * {LONGEST} + touch.minutes as text), ',') from touch
            where touch.organization_id = $1 and touch.account_id = chosen.account_id and touch.weight > 0
                and touch.at >= {most}(chosen.since, {earliest})
                and touch.at < {least}(coalesce(chosen.until, {latest}), {latest})
        ) from chosen"
    );
    let mut made: HashMap<AccountId, Vec<Made>> = HashMap::new();
    for row in rows(ctx, organization, &touches).await? {
        let list: Option<String> = row.try_get_by_index(1)?;
        made.entry(row.try_get_by_index(0)?).or_default().extend(parse(&list.unwrap_or_default()));
    }
    let openings = format!(
        "select account_id, opened_on from opportunity
        where organization_id = $1 and opened_on >= {} and opened_on < {}",
        from * 7 - 3,
        to * 7 + 4
    );
    let mut shares = [0.0; LAGS];
    for row in rows(ctx, organization, &openings).await? {
        let (account, opened_on): (AccountId, Day) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        share(&mut shares, opened_on, made.get(&account).map_or(&[][..], Vec::as_slice));
    }
    let mut by_week: HashMap<i64, f64> = HashMap::new();
    for (day, minutes) in made.values().flatten() {
        *by_week.entry(week_of(*day)).or_default() += minutes;
    }
    Ok(Hazard::of(&shares, &in_order(&by_week), from, to))
}

/// Reads touches from their text: of each the day times [`LONGEST`], plus the minutes.
fn parse(list: &str) -> impl Iterator<Item = Made> {
    list.split(',').filter_map(|touch| {
        let number: i64 = touch.parse().ok()?;
        let minutes = i32::try_from(number.rem_euclid(LONGEST)).ok()?;
        Some((Day(i32::try_from(number.div_euclid(LONGEST)).ok()?), f64::from(minutes)))
    })
}

/// Adds an opening: one, shared equally among the touches of its week and of the 51 before.
fn share(shares: &mut [f64; LAGS], opened_on: Day, touches: &[Made]) {
    let lag = |(day, _): &Made| {
        let weeks = week_of(opened_on) - week_of(*day);
        usize::try_from(weeks).ok().filter(|lag| *lag < LAGS && *day <= opened_on)
    };
    let lags: Vec<usize> = touches.iter().filter_map(lag).collect();
    let each = 1.0 / f64::from(u32::try_from(lags.len()).unwrap_or(u32::MAX).max(1));
    for lag in lags {
        shares[lag] += each;
    }
}

async fn rows(ctx: &RequestContext, organization: OrganizationId, sql: &str) -> Result<Vec<sea_orm::QueryResult>> {
    let values = [Value::from(organization)];
    let statement = Statement::from_sql_and_values(ctx.services.db.backend(), sql, values);
    Ok(ctx.reader().query_all_raw(statement).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let monday = Day::of(2017, 4, 3).unwrap();
        assert_eq!(week_of(monday), week_of(monday.plus(6)));
        assert_eq!(week_of(monday.plus(-1)) + 1, week_of(monday));
        assert_eq!(week_of(Day::of(1969, 12, 28).unwrap()), -1);
    }

    #[test]
    fn an_opening_is_shared_equally_among_the_touches_before_it() {
        let opened_on = Day::of(2017, 4, 5).unwrap();
        let mut shares = [0.0; LAGS];
        // The same day, the Monday, the week before, too long ago, and the day after.
        let touches = [0, -2, -7, -7 * 52, 1].map(|days| (opened_on.plus(days), 30.0));
        share(&mut shares, opened_on, &touches);
        let third = 1.0 / 3.0;
        assert!((shares[0] - 2.0 * third).abs() < 1e-12 && (shares[1] - third).abs() < 1e-12);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        share(&mut shares, opened_on, &[]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_text_has_days_and_minutes() {
        let list = format!("{},{},nonsense", 17_167 * LONGEST + 45, -2 * LONGEST + 1_440);
        assert_eq!(parse(&list).collect::<Vec<_>>(), [(Day(17_167), 45.0), (Day(-2), 1_440.0)]);
        assert_eq!(parse("").count(), 0);
    }

    #[test]
    fn minutes_are_those_of_the_week_in_the_zone() {
        // Sunday evening in New York is Monday in UTC.
        let at = Instant(i64::from(Day::of(2017, 4, 3).unwrap().0) * DAY);
        let touches = [(at, 30), (Instant(at.0 + DAY), 15)];
        let (utc, new_york) = (by_week(&touches, Tz::UTC), by_week(&touches, chrono_tz::America::New_York));
        assert_eq!((utc.minutes, new_york.minutes), (vec![45.0], vec![30.0, 15.0]));
        assert_eq!(by_week(&[], Tz::UTC), Weeks::default());
    }
}
