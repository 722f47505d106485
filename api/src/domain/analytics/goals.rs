//! Agreed goals against what was booked, by group.

use std::collections::HashMap;

use async_graphql::{Enum, InputObject};
use entity::{UserId, goal};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::dimension::{AnalyticsDimension, dimensions};
use super::group::{self, GroupKey, Grouped};
use crate::context::RequestContext;
use crate::domain::account::owners;
use crate::domain::goal::list::GoalFilter;
use crate::domain::goal::progress::{GoalProgress, ratio};
use crate::domain::goal::{Goal, progress_today};
use crate::error::Result;
use crate::graphql::estimate::count;
use crate::graphql::{FieldContext, object};
use crate::values::money::Money;

/// The dimensions that goals can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GoalDimension {
    /// The present owner of the account.
    Seller,
    /// The present direct manager of the seller; no value if the seller has none.
    Manager,
    /// The fiscal year.
    Year,
    /// The pace of today.
    Pace,
}

/// Goals of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalGroup {
    key: Vec<GroupKey>,
    sums: Sums,
    goal: i64,
    booked: i64,
    remaining: i64,
}

object! {
    /// Figures about one group of agreed goals.
    GoalGroup as "GoalGroup" {
        /// The values that the goals of the group share: one part per dimension, in the order of groupBy.
        key: Vec<GroupKey> = batch(group::keys);
        /// The number of goals.
        count: i32 = plain(|group| count(group.sums.count));
        /// The number of goals that are reached.
        reached: i32 = plain(|group| count(group.sums.reached));
        /// The sum of the agreed amounts.
        goal: Money = plain(|group, ctx| ctx.money(group.goal));
        /// The sum of what the accounts booked in the years of their goals, by today.
        booked: Money = plain(|group, ctx| ctx.money(group.booked));
        /// The sum of what remains, goal by goal: what one account booked beyond its goal does not count for another.
        remaining: Money = plain(|group, ctx| ctx.money(group.remaining));
        /// booked ÷ goal; null without goals.
        attainment: Option<f64> = plain(|group| (group.goal > 0).then(|| ratio(group.booked, group.goal)));
    }
}

impl Grouped for GoalGroup {
    fn key(&self) -> &[GroupKey] {
        &self.key
    }
}

/// What the goals of a group add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    count: usize,
    reached: usize,
    goal: i128,
    booked: i128,
    remaining: i128,
}

impl Sums {
    fn add(&mut self, goal: i64, progress: &GoalProgress) {
        self.count += 1;
        self.reached += usize::from(progress.booked >= goal);
        self.goal += i128::from(goal);
        self.booked += i128::from(progress.booked);
        self.remaining += i128::from(progress.remaining);
    }
}

/// Arguments of `analytics.goals`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsGoalsArguments {
    /// The dimensions to group by, each at most once. An empty list returns exactly one group, with zeros if there are no
    /// goals.
    pub group_by: Vec<GoalDimension>,
    /// Only goals that match this filter. Goals on which no amount was agreed yet do not count.
    pub filter: Option<GoalFilter>,
}

/// Resolves `Analytics.goals`: at most four statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a repeated dimension or an invalid filter; `LIMIT_EXCEEDED` for more than 20,000 goals.
pub async fn goals(field: &FieldContext<'_>, arguments: AnalyticsGoalsArguments) -> Result<Option<Vec<GoalGroup>>> {
    let AnalyticsGoalsArguments { group_by, filter } = arguments;
    let ctx = field.request;
    let dimensions = dimensions(&group_by)?;
    let goals = agreed(ctx, &filter.unwrap_or_default()).await?;
    let progress = progress_today(ctx, &goals.iter().collect::<Vec<_>>()).await?;
    let people = People::of(ctx, &goals, &group_by).await?;
    let mut groups: HashMap<Vec<GroupKey>, Sums> = HashMap::new();
    if group_by.is_empty() {
        groups.insert(Vec::new(), Sums::default());
    }
    for (goal, progress) in goals.iter().zip(&progress) {
        let part = |(by, dimension): (&GoalDimension, &AnalyticsDimension)| match by {
            GoalDimension::Seller => GroupKey::user(*dimension, people.seller(goal)),
            GoalDimension::Manager => GroupKey::user(*dimension, people.manager(goal)),
            GoalDimension::Year => GroupKey::text(*dimension, format!("{:04}", goal.0.year)),
            GoalDimension::Pace => GroupKey::text(*dimension, progress.pace.word()),
        };
        let key = group_by.iter().zip(&dimensions).map(part).collect();
        groups.entry(key).or_default().add(goal.amount(), progress);
    }
    group::ordered(groups)?.into_iter().map(|(key, sums)| GoalGroup::of(key, sums)).collect::<Result<_>>().map(Some)
}

impl GoalGroup {
    fn of(key: Vec<GroupKey>, sums: Sums) -> Result<Self> {
        let (goal, booked, remaining) =
            (group::amount(sums.goal)?, group::amount(sums.booked)?, group::amount(sums.remaining)?);
        Ok(Self { key, sums, goal, booked, remaining })
    }
}

/// Reads the agreed goals that the caller sees and that match.
async fn agreed(ctx: &RequestContext, filter: &GoalFilter) -> Result<Vec<Goal>> {
    use goal::Column;
    let rows = ctx
        .viewer()?
        .sums::<goal::Entity>(Column::AccountId)
        .filter(filter.condition(ctx).await?)
        .filter(Column::AgreedAmount.is_not_null())
        .order_by_asc(Column::Id)
        .limit(group::MOST_ROWS + 1)
        .all(ctx.reader())
        .await?;
    Ok(group::not_too_many(rows, "goals")?.into_iter().map(Goal).collect())
}

/// Whose goals they are.
#[derive(Default)]
struct People {
    sellers: HashMap<entity::AccountId, UserId>,
    managers: HashMap<UserId, Option<UserId>>,
}

impl People {
    /// Reads the sellers and their managers, as far as they are grouped by.
    async fn of(ctx: &RequestContext, goals: &[Goal], group_by: &[GoalDimension]) -> Result<Self> {
        let by_manager = group_by.contains(&GoalDimension::Manager);
        if !by_manager && !group_by.contains(&GoalDimension::Seller) {
            return Ok(Self::default());
        }
        let sellers = owners(ctx, goals.iter().map(|goal| goal.0.account_id)).await?;
        let ids = sellers.values().copied().filter(|_| by_manager);
        let managers = group::managers(ctx, ids).await?;
        Ok(Self { sellers, managers })
    }

    fn seller(&self, goal: &Goal) -> Option<UserId> {
        self.sellers.get(&goal.0.account_id).copied()
    }

    fn manager(&self, goal: &Goal) -> Option<UserId> {
        self.managers.get(&self.seller(goal)?).copied().flatten()
    }
}
