//! What goals do: how many are reached, by how much those that are reached are exceeded, and whether accounts with a goal grow
//! more than comparable ones without.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{AccountId, Day, GoalId, UserId, account, booking, goal};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use statistics::growth::{Effect, Grown, effect};
use statistics::interval::mean;
use statistics::quantile::median;

use super::group;
use crate::context::RequestContext;
use crate::domain::account::list::check_year;
use crate::domain::goal::amount_agreed_by;
use crate::domain::goal::progress::ratio;
use crate::domain::reason::{self, Reason};
use crate::error::{Error, Result};
use crate::graphql::estimate::{ENOUGH, Estimate, count};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar::{self, end_of};
use crate::values::money::Money;

/// Days of the year within which a goal must be agreed to count.
const AGREED_WITHIN: i32 = 90;
/// Accounts in each arm, and sellers, from which the effect on growth is sufficient.
const ENOUGH_TO_COMPARE: (usize, usize) = (8, 3);
/// What the effect on growth must not be read as.
const NOT_RANDOMIZED: &str = "Accounts were chosen to have a goal, not randomized.";

/// An account over the year and the year before it, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TwoYears {
    seller: UserId,
    booked: i64,
    before: i64,
    goal: Option<(GoalId, i64)>,
}

/// What the goals of a year did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GoalEffect {
    year: i32,
    is_over: bool,
    /// Booked ÷ goal of each goal.
    attainments: Vec<f64>,
    /// The reached goals with booked ÷ goal, the most exceeded first.
    reached: Vec<(GoalId, f64)>,
    effect: Effect,
    with_goal: GoalCohort,
    without_goal: GoalCohort,
}

/// Accounts with a goal, or without.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GoalCohort {
    accounts: i32,
    booked: i64,
    before: i64,
    median_growth: Option<f64>,
}

object! {
    /// What the goals of a fiscal year did, at the accounts that the caller sees, archived ones included. Goals count that were
    /// agreed before the year or in its first 90 days, with the amount that was agreed by then, so that a goal that is lowered
    /// later is not reached thereby. Until the year is over no figure is sufficient.
    GoalEffect as "GoalEffect" {
        /// The fiscal year.
        year: i32 = plain(|effect| effect.year);
        /// The number of goals.
        goals: i32 = plain(|effect| count(effect.attainments.len()));
        /// The number of those whose account booked the goal or more in the year.
        reached: i32 = plain(|effect| count(effect.reached.len()));
        /// reached ÷ goals, with its Wilson interval; sufficient from 10 goals.
        hitRate: Estimate = plain(|effect| effect.hit_rate());
        /// The mean of booked ÷ goal of the reached goals, with its t interval; sufficient from 10.
        attainmentOfReached: Estimate = plain(|effect| effect.attainment_of_reached());
        /// By how much reached goals are exceeded: attainmentOfReached − 1.
        overshoot: Estimate = plain(|effect| effect.overshoot());
        /// The mean of booked ÷ goal of all goals, with its t interval; sufficient from 10.
        attainmentOfAll: Estimate = plain(|effect| effect.attainment_of_all());
        /// How much more accounts with a goal grew than accounts of the same seller without one, and of the same fifth of all
        /// accounts by the bookings of the year before: the difference of the mean of ln((booked + 1) ÷ (year before + 1)) in
        /// units of the currency, weighted by the accounts compared. 0.1 is about 10 percent more. n is the number of accounts
        /// compared; sufficient from 8 with a goal, 8 without and 3 sellers. The interval is drawn from the sellers.
        growthEffect: Estimate = plain(|effect| effect.growth());
        /// Accounts with a goal that counts.
        withGoal: GoalCohort = plain(|effect| effect.with_goal.clone());
        /// Accounts without a goal for the year. Accounts whose goal was agreed later are in neither cohort.
        withoutGoal: GoalCohort = plain(|effect| effect.without_goal.clone());
        /// The reached goals, the most exceeded first; at most 500.
        because: Vec<Reason> = batch(reasons);
    }
}

object! {
    /// Accounts with a goal, or without.
    GoalCohort as "GoalCohort" {
        /// Their number.
        accounts: i32 = plain(|cohort| cohort.accounts);
        /// What they booked in the year.
        booked: Money = plain(|cohort, ctx| ctx.money(cohort.booked));
        /// What they booked in the year before.
        bookedYearBefore: Money = plain(|cohort, ctx| ctx.money(cohort.before));
        /// The median of booked ÷ bookedYearBefore − 1 over those that booked in the year before; null where none did.
        medianGrowth: Option<f64> = plain(|cohort| cohort.median_growth);
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

async fn reasons(field: &FieldContext<'_>, of: &[&GoalEffect]) -> Result<Batch<Vec<Reason>>> {
    let line = |(goal, attainment): &(GoalId, f64)| {
        Reason::number("Reached", *attainment, format!("{:.1} % of the goal", attainment * 100.0)).about(*goal)
    };
    let most = usize::try_from(LONGEST_LIST).unwrap_or(usize::MAX);
    let lists: Vec<Vec<Reason>> =
        of.iter().map(|effect| effect.reached.iter().take(most).map(line).collect()).collect();
    reason::answer(field, &lists).await
}

impl GoalEffect {
    /// Marks an estimate of a year that is not over.
    fn of_year(&self, estimate: Estimate) -> Estimate {
        if self.is_over { estimate } else { estimate.not_yet("The year is not over.") }
    }

    fn hit_rate(&self) -> Estimate {
        self.of_year(Estimate::share(number(self.reached.len()), number(self.attainments.len()), ENOUGH, "goals"))
    }

    fn mean_of(&self, values: &[f64], of: &str, less: f64) -> Estimate {
        let found = mean(values);
        let value = found.map(|mean| mean.value - less);
        let interval = found.and_then(|mean| mean.interval).map(|(low, high)| (low - less, high - less));
        self.of_year(Estimate::figure(value, number(values.len()), ENOUGH, of).between(interval))
    }

    fn of_reached(&self) -> Vec<f64> {
        self.reached.iter().map(|(_, attainment)| *attainment).collect()
    }

    fn attainment_of_reached(&self) -> Estimate {
        self.mean_of(&self.of_reached(), "reached goals", 0.0)
    }

    fn overshoot(&self) -> Estimate {
        self.mean_of(&self.of_reached(), "reached goals", 1.0)
    }

    fn attainment_of_all(&self) -> Estimate {
        self.mean_of(&self.attainments, "goals", 0.0)
    }

    fn growth(&self) -> Estimate {
        let Effect { value, interval, with, without, sellers } = self.effect;
        let (least, least_sellers) = ENOUGH_TO_COMPARE;
        let is_enough = with >= least && without >= least && sellers >= least_sellers;
        let note = (!is_enough).then(|| {
            format!(
                "It rests on {with} accounts with a goal and {without} without, of {sellers} sellers; at least {least} of each and \
                 {least_sellers} sellers are needed."
            )
        });
        let n = count(with + without);
        self.of_year(Estimate { value, interval, n, sufficient: is_enough, note }.noted(NOT_RANDOMIZED))
    }
}

impl GoalCohort {
    fn of<'a>(accounts: impl Iterator<Item = &'a TwoYears>) -> Result<Self> {
        let accounts: Vec<&TwoYears> = accounts.collect();
        let sum = |of: fn(&TwoYears) -> i64| accounts.iter().map(|account| i128::from(of(account))).sum();
        let grown = accounts.iter().filter(|account| account.before > 0);
        Ok(Self {
            accounts: count(accounts.len()),
            booked: group::amount(sum(|account| account.booked))?,
            before: group::amount(sum(|account| account.before))?,
            median_growth: median(grown.map(|account| ratio(account.booked, account.before) - 1.0)),
        })
    }
}

/// Arguments of `analytics.goalEffect`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct GoalEffectArguments {
    /// The fiscal year, 1 to 9999.
    pub year: i32,
}

/// Resolves `Analytics.goalEffect`: three statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a year out of the calendar.
pub async fn goal_effect(field: &FieldContext<'_>, arguments: GoalEffectArguments) -> Result<Option<GoalEffect>> {
    let GoalEffectArguments { year } = arguments;
    check_year(Some(year))?;
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let (first, last) = calendar::fiscal_days(year, viewer.fiscal_start());
    let by = entity::Instant(end_of(first.plus(AGREED_WITHIN - 1).min(last), viewer.zone).0 - 1);
    let mut goals: HashMap<AccountId, (GoalId, Option<i64>)> = HashMap::new();
    let query = viewer
        .sums::<goal::Entity>(goal::Column::AccountId)
        .filter(goal::Column::Year.eq(year))
        .filter(goal::Column::AgreedAmount.is_not_null())
        .select_only()
        .columns([goal::Column::AccountId, goal::Column::Id, goal::Column::Revisions])
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        let revisions: String = row.try_get_by_index(2)?;
        goals.insert(row.try_get_by_index(0)?, (row.try_get_by_index(1)?, amount_agreed_by(&revisions, by)));
    }
    let accounts = two_years(ctx, year, &goals).await?;
    let decimals = viewer.currency.decimals;
    let is_over = viewer.day(ctx.now) > last;
    // The draws of ten thousand accounts take tens of milliseconds.
    let computed = tokio::task::spawn_blocking(move || of(year, is_over, decimals, &accounts));
    computed.await.map_err(Error::internal)?.map(Some)
}

/// Returns the visible accounts with what they booked in a year and in the year before: two statements. Accounts whose goal was
/// agreed too late are left out.
async fn two_years(
    ctx: &RequestContext,
    year: i32,
    goals: &HashMap<AccountId, (GoalId, Option<i64>)>,
) -> Result<HashMap<AccountId, TwoYears>> {
    let viewer = ctx.viewer()?;
    let days = |year: i32| calendar::fiscal_days(year, viewer.fiscal_start());
    let (first, last) = days(year);
    let before: Day = if year > 1 { days(year - 1).0 } else { first };
    let query = viewer
        .sums::<account::Entity>(account::Column::Id)
        .select_only()
        .columns([account::Column::Id, account::Column::OwnerId])
        .into_query();
    let mut accounts: HashMap<AccountId, TwoYears> = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let (id, seller): (AccountId, UserId) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let goal = match goals.get(&id) {
            Some((_, None)) => continue,
            Some((goal, Some(amount))) => Some((*goal, *amount)),
            None => None,
        };
        accounts.insert(id, TwoYears { seller, booked: 0, before: 0, goal });
    }
    let query = viewer
        .sums::<booking::Entity>(booking::Column::AccountId)
        .filter(booking::Column::BookedOn.gte(before))
        .filter(booking::Column::BookedOn.lte(last))
        .select_only()
        .column(booking::Column::AccountId)
        .expr(Expr::cust(format!("cast(coalesce(sum(amount) filter (where booked_on >= {}), 0) as bigint)", first.0)))
        .expr(Expr::cust(format!("cast(coalesce(sum(amount) filter (where booked_on < {}), 0) as bigint)", first.0)))
        .group_by(booking::Column::AccountId)
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        let id: AccountId = row.try_get_by_index(0)?;
        if let Some(account) = accounts.get_mut(&id) {
            account.booked = row.try_get_by_index(1)?;
            account.before = row.try_get_by_index(2)?;
        }
    }
    Ok(accounts)
}

fn of(year: i32, is_over: bool, decimals: u32, accounts: &HashMap<AccountId, TwoYears>) -> Result<GoalEffect> {
    // In the order of their ids, so that sums of fractions are the same every time.
    let mut all: Vec<(&AccountId, &TwoYears)> = accounts.iter().collect();
    all.sort_unstable_by_key(|(id, _)| **id);
    let mut attainments = Vec::new();
    let mut reached = Vec::new();
    for (_, account) in &all {
        let Some((goal, amount)) = account.goal else { continue };
        let attainment = ratio(account.booked, amount);
        attainments.push(attainment);
        if account.booked >= amount {
            reached.push((goal, attainment));
        }
    }
    reached.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let mut sellers: HashMap<UserId, usize> = HashMap::new();
    let scale = 10_i64.saturating_pow(decimals);
    let grown: Vec<Grown> = all
        .iter()
        .map(|(_, account)| {
            let next = sellers.len();
            Grown {
                seller: *sellers.entry(account.seller).or_insert(next),
                before: ratio(account.before, scale),
                booked: ratio(account.booked, scale),
                has_goal: account.goal.is_some(),
            }
        })
        .collect();
    Ok(GoalEffect {
        year,
        is_over,
        attainments,
        reached,
        effect: effect(&grown),
        with_goal: GoalCohort::of(accounts.values().filter(|account| account.goal.is_some()))?,
        without_goal: GoalCohort::of(accounts.values().filter(|account| account.goal.is_none()))?,
    })
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;

    fn found(goals: &[(i64, i64)], is_over: bool) -> GoalEffect {
        let seller = UserId::make();
        let mut accounts = HashMap::new();
        for (goal, booked) in goals {
            let goal = Some((GoalId::make(), *goal));
            accounts.insert(AccountId::make(), TwoYears { seller, booked: *booked, before: 0, goal });
        }
        of(2017, is_over, 2, &accounts).unwrap()
    }

    #[test]
    fn the_golden_attainments() {
        let golden =
            [(100, 152), (80, 90), (120, 60), (50, 81), (200, 310)].map(|(goal, booked)| (goal * 1000, booked * 1000));
        let effect = found(&golden, true);
        assert_eq!((effect.attainments.len(), effect.reached.len()), (5, 4));
        let (hit, attainment) = (effect.hit_rate(), effect.attainment_of_reached());
        assert_eq!((hit.value, hit.n, hit.sufficient), (Some(0.8), 5, false));
        assert!((attainment.value.unwrap() - 1.4538).abs() < 1e-4 && attainment.n == 4);
        assert!((effect.overshoot().value.unwrap() - 0.4538).abs() < 1e-4);
        assert!((effect.attainment_of_all().value.unwrap() - 1.263).abs() < 1e-9);
        assert_eq!(
            effect.reached.iter().map(|(_, attainment)| *attainment).collect::<Vec<_>>(),
            [1.62, 1.55, 1.52, 1.125]
        );
    }

    #[test]
    fn a_year_that_is_not_over_is_never_sufficient() {
        let goals = [(100, 120); 12];
        let (over, running) = (found(&goals, true), found(&goals, false));
        assert!(over.hit_rate().sufficient && over.attainment_of_reached().sufficient);
        let hit = running.hit_rate();
        assert_eq!((hit.sufficient, hit.note.as_deref()), (false, Some("The year is not over.")));
    }

    #[test]
    fn a_year_without_goals_has_no_figures() {
        let effect = found(&[], true);
        assert_eq!((effect.hit_rate().value, effect.overshoot().value, effect.growth().value), (None, None, None));
        let note = effect.growth().note.unwrap();
        assert!(note.starts_with("It rests on 0 accounts with a goal") && note.ends_with(NOT_RANDOMIZED), "{note}");
        assert!(found(&[(100, -50)], true).attainment_of_all().value.unwrap() < 0.0);
    }
}
