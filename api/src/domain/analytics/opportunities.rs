//! Opportunities, counted and summed by group.

use std::collections::HashMap;

use async_graphql::{Enum, InputObject};
use entity::opportunity;
use entity::opportunity::{Column, Stage};
use sea_orm::{ColumnTrait, Iterable, QueryFilter};

use super::bucket::Bucket;
use super::dimension::dimensions;
use super::group::{self, Group, GroupKey, Grouped, Grouping, Values, int};
use crate::domain::account::list::condition_of;
use crate::domain::opportunity::{OpportunityFilter, probability_of};
use crate::error::Result;
use crate::graphql::estimate::{ENOUGH, Estimate};
use crate::graphql::{FieldContext, object};
use crate::values::money::Money;

/// The days of opportunities in SQL.
const OPENED: &str = "opportunity.opened_on";
const CLOSED: &str = "opportunity.closed_on";
const EXPECTED: &str = "opportunity.expected_close_on";

/// The dimensions that opportunities can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OpportunityDimension {
    /// The owner of the opportunity.
    Owner,
    /// The present direct manager of the owner; no value if the owner has none.
    Manager,
    /// The account.
    Account,
    /// The account's industry, as spelled on the account; no value if it has none.
    Industry,
    /// The stage.
    Stage,
    /// The calendar month in which it was opened, such as 2017-04.
    OpenedMonth,
    /// The calendar month in which it was won or lost, such as 2017-04; no value while it is open.
    ClosedMonth,
    /// The present standing of the account.
    Standing,
    /// The quarter of the fiscal year in which it was opened, such as 2017-Q2.
    OpenedQuarter,
    /// The week in which it was won or lost, named by its Monday; no value while it is open.
    ClosedWeek,
    /// The quarter of the fiscal year in which it was won or lost; no value while it is open.
    ClosedQuarter,
    /// The calendar month in which it is, or was, expected to close; no value without an expected day.
    ExpectedCloseMonth,
    /// The quarter of the fiscal year in which it is, or was, expected to close; no value without an expected day.
    ExpectedCloseQuarter,
}

/// Opportunities of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct OpportunityGroup {
    key: Vec<GroupKey>,
    count: i32,
    amount: i64,
    weighted: i64,
    won: i32,
    lost: i32,
    median_cycle_days: Option<f64>,
}

object! {
    /// Figures about one group of opportunities.
    OpportunityGroup as "OpportunityGroup" {
        /// The values that the opportunities of the group share: one part per dimension, in the order of groupBy.
        key: Vec<GroupKey> = batch(group::keys);
        /// The number of opportunities.
        count: i32 = plain(|group| group.count);
        /// The sum of the amounts, of open and closed opportunities; an opportunity without an amount counts 0.
        amount: Money = plain(|group, ctx| ctx.money(group.amount));
        /// The sum of amount × probability. Only the sum is rounded, to the currency's smallest unit, halves to even.
        weighted: Money = plain(|group, ctx| ctx.money(group.weighted));
        /// The number of won opportunities.
        won: i32 = plain(|group| group.won);
        /// The number of lost opportunities.
        lost: i32 = plain(|group| group.lost);
        /// won ÷ (won + lost), from 0 to 1; null if no opportunity is won or lost.
        winRate: Option<f64> = plain(|group| win_rate(group.won, group.lost));
        /// `winRate` with its Wilson interval and the number of closed opportunities; sufficient from 10.
        winRateEstimate: Estimate = plain(|group| win_rate_estimate(group.won, group.lost));
        /// The median of the days from opening to closing, of the closed ones; null if none is closed.
        medianCycleDays: Option<f64> = plain(|group| group.median_cycle_days);
    }
}

impl Grouped for OpportunityGroup {
    fn key(&self) -> &[GroupKey] {
        &self.key
    }
}

fn win_rate_estimate(won: i32, lost: i32) -> Estimate {
    Estimate::share(i64::from(won), i64::from(won) + i64::from(lost), ENOUGH, "closed opportunities")
}

/// Returns won ÷ (won + lost), or `None` if both are 0.
fn win_rate(won: i32, lost: i32) -> Option<f64> {
    let closed = f64::from(won) + f64::from(lost);
    (closed > 0.0).then(|| f64::from(won) / closed)
}

/// Arguments of `analytics.opportunities`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsOpportunitiesArguments {
    /// The dimensions to group by, each at most once. An empty list returns exactly one group, with zeros if there are
    /// no opportunities.
    pub group_by: Vec<OpportunityDimension>,
    /// Only opportunities that match this filter.
    pub filter: Option<OpportunityFilter>,
}

/// Returns SQL for an opportunity's probability in percent: the given one, or else the default of the stage.
fn probability_sql() -> String {
    let stages: Vec<String> =
        Stage::iter().map(|stage| format!("when '{}' then {}", stage.word(), probability_of(stage))).collect();
    format!("coalesce(opportunity.probability, case opportunity.stage {} end)", stages.join(" "))
}

/// Resolves `Analytics.opportunities`.
///
/// # Errors
/// `BAD_USER_INPUT` for a repeated dimension or an invalid filter; `LIMIT_EXCEEDED` for more than 10,000 groups.
pub async fn opportunities(
    field: &FieldContext<'_>,
    arguments: AnalyticsOpportunitiesArguments,
) -> Result<Vec<OpportunityGroup>> {
    let AnalyticsOpportunitiesArguments { group_by, filter } = arguments;
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let names = dimensions(&group_by)?;
    let rows = viewer
        .sums::<opportunity::Entity>(Column::AccountId)
        .filter(condition_of(ctx, &filter.unwrap_or_default()).await?);
    let mut grouping = Grouping::of(rows);
    let quarter = Bucket::Quarter(viewer.fiscal_start());
    for (dimension, name) in group_by.iter().zip(names) {
        match dimension {
            OpportunityDimension::Owner => grouping.by(name, Column::OwnerId.into_expr(), Values::USERS),
            OpportunityDimension::Manager => grouping.by_manager(viewer, name, Column::OwnerId),
            OpportunityDimension::Account => grouping.by(name, Column::AccountId.into_expr(), Values::ACCOUNTS),
            OpportunityDimension::Industry => grouping.by_industry(viewer, name, Column::AccountId),
            OpportunityDimension::Stage => grouping.by(name, Column::Stage.into_expr(), Values::Text),
            OpportunityDimension::OpenedMonth => grouping.by_days(name, OPENED, Bucket::Month),
            OpportunityDimension::ClosedMonth => grouping.by_days(name, CLOSED, Bucket::Month),
            OpportunityDimension::Standing => grouping.by_standing(ctx, name, Column::AccountId)?,
            OpportunityDimension::OpenedQuarter => grouping.by_days(name, OPENED, quarter),
            OpportunityDimension::ClosedWeek => grouping.by_days(name, CLOSED, Bucket::Week),
            OpportunityDimension::ClosedQuarter => grouping.by_days(name, CLOSED, quarter),
            OpportunityDimension::ExpectedCloseMonth => grouping.by_days(name, EXPECTED, Bucket::Month),
            OpportunityDimension::ExpectedCloseQuarter => grouping.by_days(name, EXPECTED, quarter),
        }
    }
    grouping.give(Column::Amount);
    grouping.give_as(format!("opportunity.amount * {}", probability_sql()), "hundredfold");
    grouping.give(Column::Stage);
    grouping.give_as(format!("{CLOSED} - {OPENED}"), "cycle_days");
    grouping.measure(field.selects::<OpportunityGroup>("count")?, "count(*)");
    grouping.measure_sum(field.selects::<OpportunityGroup>("amount")?, "amount");
    grouping.measure_sum(field.selects::<OpportunityGroup>("weighted")?, "hundredfold");
    let rate = field.selects::<OpportunityGroup>("winRate")? || field.selects::<OpportunityGroup>("winRateEstimate")?;
    for (figure, stage) in [("won", Stage::Won), ("lost", Stage::Lost)] {
        let wanted = rate || field.selects::<OpportunityGroup>(figure)?;
        grouping.measure(wanted, format!("count(*) filter (where stage = '{}')", stage.word()));
    }
    let mut medians = if field.selects::<OpportunityGroup>("medianCycleDays")? {
        grouping.medians(ctx, "cycle_days").await?
    } else {
        HashMap::new()
    };
    let group = |group: Group| {
        let median_cycle_days = medians.remove(&group.key);
        Ok(OpportunityGroup { median_cycle_days, ..OpportunityGroup::of(group)? })
    };
    grouping.run(ctx).await?.into_iter().map(group).collect()
}

impl OpportunityGroup {
    fn of(Group { key, measures }: Group) -> Result<Self> {
        let at = |index: usize| measures.get(index).copied().unwrap_or_default();
        Ok(Self {
            key,
            count: int(at(0))?,
            amount: group::amount(group::sum(at(1), at(2)))?,
            weighted: group::amount(group::rounded(group::sum(at(3), at(4)), 100))?,
            won: int(at(5))?,
            lost: int(at(6))?,
            median_cycle_days: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_closed_opportunities_there_is_no_win_rate() {
        assert_eq!(win_rate(0, 0), None);
        assert_eq!(win_rate(0, 3), Some(0.0));
        assert_eq!(win_rate(i32::MAX, i32::MAX), Some(0.5));
    }

    #[test]
    fn every_stage_has_a_default_probability() {
        assert!(probability_sql().contains("when 'IDENTIFIED' then 10 when 'QUALIFIED' then 25"));
    }
}
