//! Review compliance: whether plans are reviewed when they are due, and whose target lists were not reviewed at all.

use std::collections::{HashMap, HashSet};

use async_graphql::InputObject;
use entity::plan::{PlanStatus, ReviewCadence};
use entity::{Day, Instant, PlanId, Scoped, UserId, list_review, plan, plan_review, target, user};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use crate::context::{RequestContext, Viewer};
use crate::domain::plan::Plan;
use crate::domain::plan::review::due_after;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::estimate::count;
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::DateRange;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar::{end_of, start_of};
use database::columns::is_any_of;

/// Whether plans and lists are reviewed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewCompliance {
    range: (Day, Day),
    due: usize,
    in_time: usize,
    overdue: Vec<PlanId>,
}

object! {
    /// Whether plans are reviewed when they are due, of the plans that the caller sees and someone committed to.
    ReviewCompliance as "ReviewCompliance" {
        /// The number of reviews that were due on a day of the range and were held, or are over without. The first review of a plan
        /// is due a month or a quarter after its commitment, any other on the day that the one before set. A review that was not
        /// held is due once, until it is held or the plan is closed.
        due: i32 = plain(|of| count(of.due));
        /// The number of those that were held by the day.
        heldInTime: i32 = plain(|of| count(of.in_time));
        /// heldInTime ÷ due; null where none was due.
        share: Option<f64> = plain(|of| (of.due > 0).then(|| f64::from(count(of.in_time)) / f64::from(count(of.due))));
        /// Open plans whose review was due in the range and has not been held, the longest overdue first; at most 500. Plans of
        /// archived accounts are left out.
        overdue: Vec<Plan> = batch(overdue);
        /// Active users in the caller's reporting line who had targets in the range, and whose target list was not reviewed in it; by
        /// id, at most 500.
        sellersWithoutListReview: Vec<User> = batch(sellers);
    }
}

/// A plan that someone committed to.
#[derive(Clone, Debug)]
struct Committed {
    id: PlanId,
    /// The day of the first commitment.
    since: Day,
    cadence: ReviewCadence,
    next_review_on: Option<Day>,
    closed_on: Option<Day>,
    is_archived: bool,
    /// The days of the reviews, with the days on which the next ones were due, in their order.
    reviews: Vec<(Day, Option<Day>)>,
}

/// A review that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    on: Day,
    held_on: Option<Day>,
}

impl Committed {
    /// Returns the reviews that were due by the day before today, or were held.
    fn dues(&self, today: Day) -> Vec<Due> {
        let mut dues = Vec::with_capacity(self.reviews.len() + 1);
        let mut on = due_after(self.since, self.cadence);
        for (held_on, next) in &self.reviews {
            dues.push(Due { on, held_on: Some(*held_on) });
            on = next.unwrap_or_else(|| due_after(*held_on, self.cadence));
        }
        let (on, until) = match self.closed_on {
            Some(closed_on) => (on, closed_on),
            None => (self.next_review_on.unwrap_or(on), today),
        };
        if on < until {
            dues.push(Due { on, held_on: None });
        }
        dues
    }
}

impl ReviewCompliance {
    fn of(plans: &[Committed], range: (Day, Day), today: Day) -> Self {
        let mut found = Self { range, ..Self::default() };
        let mut overdue: Vec<(Day, PlanId)> = Vec::new();
        for plan in plans {
            for due in plan.dues(today).into_iter().filter(|due| range.0 <= due.on && due.on <= range.1) {
                found.due += 1;
                found.in_time += usize::from(due.held_on.is_some_and(|held_on| held_on <= due.on));
                if due.held_on.is_none() && plan.closed_on.is_none() && !plan.is_archived {
                    overdue.push((due.on, plan.id));
                }
            }
        }
        overdue.sort_unstable();
        found.overdue = overdue.into_iter().map(|(_, plan)| plan).collect();
        found
    }
}

/// Arguments of `analytics.reviewCompliance`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct ReviewComplianceArguments {
    /// The organization's days, both ends included.
    pub range: DateRange,
}

/// Resolves `Analytics.reviewCompliance`: two statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a range that ends before it begins.
pub async fn review_compliance(
    field: &FieldContext<'_>,
    arguments: ReviewComplianceArguments,
) -> Result<Option<ReviewCompliance>> {
    let range = arguments.range.days()?;
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let plans = committed(ctx, viewer).await?;
    Ok(Some(ReviewCompliance::of(&plans, range, viewer.day(ctx.now))))
}

/// Returns the visible plans that someone committed to, with their reviews: two statements.
async fn committed(ctx: &RequestContext, viewer: &Viewer) -> Result<Vec<Committed>> {
    use plan::Column;
    let mut query = viewer
        .sums::<plan::Entity>(Column::AccountId)
        .filter(Column::Status.ne(PlanStatus::Draft))
        .select_only()
        .columns([Column::Id, Column::Cadence, Column::NextReviewOn, Column::ClosedAt])
        .into_query();
    query.expr(Expr::cust(
        "(select min(plan_commitment.at) from plan_commitment
            where plan_commitment.organization_id = plan.organization_id and plan_commitment.plan_id = plan.id)",
    ));
    query.expr(Expr::cust("(select account.archived_at from account where account.id = plan.account_id)"));
    let mut plans: HashMap<PlanId, Committed> = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let (closed_at, since): (Option<Instant>, Option<Instant>) =
            (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let archived_at: Option<Instant> = row.try_get_by_index(5)?;
        let Some(since) = since else { continue };
        let plan = Committed {
            id: row.try_get_by_index(0)?,
            since: viewer.day(since),
            cadence: row.try_get_by_index(1)?,
            next_review_on: row.try_get_by_index(2)?,
            closed_on: closed_at.map(|at| viewer.day(at)),
            is_archived: archived_at.is_some(),
            reviews: Vec::new(),
        };
        plans.insert(plan.id, plan);
    }
    let query = viewer
        .sums::<plan_review::Entity>(plan_review::Column::AccountId)
        .select_only()
        .columns([plan_review::Column::PlanId, plan_review::Column::ReviewedOn, plan_review::Column::NextReviewOn])
        .order_by_asc(plan_review::Column::Id)
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        let id: PlanId = row.try_get_by_index(0)?;
        if let Some(plan) = plans.get_mut(&id) {
            let review: (Day, Option<Day>) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            // One that was held before the first commitment was not due.
            if review.0 >= plan.since {
                plan.reviews.push(review);
            }
        }
    }
    Ok(plans.into_values().collect())
}

async fn overdue(field: &FieldContext<'_>, of: &[&ReviewCompliance]) -> Result<Batch<Vec<Plan>>> {
    if of.iter().any(|one| one.overdue.len() as u64 > LONGEST_LIST) {
        let message = format!("More than {LONGEST_LIST} reviews are overdue: ask for a shorter range.");
        return Err(Error::LimitExceeded(message));
    }
    let found = Plan::fetch(field.request, of.iter().flat_map(|one| one.overdue.iter().copied())).await?;
    let list = |one: &&ReviewCompliance| one.overdue.iter().filter_map(|id| found.get(id)).collect();
    field.lists_of_references(&of.iter().map(list).collect::<Vec<_>>()).await
}

/// Answers `ReviewCompliance.sellersWithoutListReview`: three statements for each range.
async fn sellers(field: &FieldContext<'_>, of: &[&ReviewCompliance]) -> Result<Batch<Vec<User>>> {
    let mut lists = Vec::with_capacity(of.len());
    for one in of {
        lists.push(without_review(field.request, one.range).await?);
    }
    if lists.iter().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message =
            format!("The target lists of more than {LONGEST_LIST} users were not reviewed: ask for a longer range.");
        return Err(Error::LimitExceeded(message));
    }
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

async fn without_review(ctx: &RequestContext, (from, to): (Day, Day)) -> Result<Vec<User>> {
    let viewer = ctx.viewer()?;
    let (start, end) = (start_of(from, viewer.zone), end_of(to, viewer.zone));
    let organization = viewer.organization.id;
    let listed = target::Entity::of(organization)
        .filter(viewer.answers_for(target::Column::SellerId))
        .filter(target::Column::Since.lt(end))
        .filter(Cond::any().add(target::Column::Until.is_null()).add(target::Column::Until.gt(start)))
        .select_only()
        .column(target::Column::SellerId)
        .distinct()
        .into_query();
    let reviewed = list_review::Entity::of(organization)
        .filter(viewer.answers_for(list_review::Column::SellerId))
        .filter(list_review::Column::ReviewedAt.gte(start))
        .filter(list_review::Column::ReviewedAt.lt(end))
        .select_only()
        .column(list_review::Column::SellerId)
        .distinct()
        .into_query();
    let mut sellers: HashSet<UserId> = HashSet::new();
    for row in ctx.reader().query_all(&listed).await? {
        sellers.insert(row.try_get_by_index(0)?);
    }
    for row in ctx.reader().query_all(&reviewed).await? {
        let reviewed: UserId = row.try_get_by_index(0)?;
        sellers.remove(&reviewed);
    }
    if sellers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = user::Entity::of(organization)
        .filter(is_any_of(ctx.reader(), user::Column::Id, sellers))
        .filter(user::Column::Active.eq(true))
        .order_by_asc(user::Column::Id)
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(User).collect())
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::values::calendar::months_after;

    const START: Day = Day(17_167);

    fn plan(reviews: &[(i32, i32)]) -> Committed {
        Committed {
            id: PlanId::make(),
            since: START,
            cadence: ReviewCadence::Monthly,
            next_review_on: None,
            closed_on: None,
            is_archived: false,
            reviews: reviews.iter().map(|(held, next)| (START.plus(*held), Some(START.plus(*next)))).collect(),
        }
    }

    fn of(plan: &Committed, today: i32) -> (usize, usize, usize) {
        let found = ReviewCompliance::of(std::slice::from_ref(plan), (START, START.plus(365)), START.plus(today));
        (found.due, found.in_time, found.overdue.len())
    }

    #[test]
    fn a_review_is_due_a_month_after_the_commitment_and_then_as_it_was_set() {
        let first = months_after(START, 1).0 - START.0;
        assert_eq!((of(&plan(&[]), first), of(&plan(&[]), first + 1)), ((0, 0, 0), (1, 0, 1)));
        assert_eq!(of(&plan(&[(first, 60)]), 60), (1, 1, 0));
        assert_eq!(of(&plan(&[(first + 1, 60)]), 61), (2, 0, 1));
        assert_eq!(of(&plan(&[(20, 50), (50, 80)]), 81), (3, 2, 1));
    }

    #[test]
    fn a_closed_plan_is_no_longer_due() {
        let closed = Committed { closed_on: Some(START.plus(70)), ..plan(&[(20, 50)]) };
        assert_eq!(of(&closed, 300), (2, 1, 0));
        let before = Committed { closed_on: Some(START.plus(50)), ..plan(&[(20, 50)]) };
        assert_eq!(of(&before, 300), (1, 1, 0));
        // Archived accounts are not asked about.
        assert_eq!(of(&Committed { is_archived: true, ..plan(&[]) }, 300), (1, 0, 0));
    }

    #[test]
    fn the_day_that_the_plan_has_now_counts() {
        let moved = Committed { next_review_on: Some(START.plus(90)), ..plan(&[(20, 50)]) };
        assert_eq!((of(&moved, 60), of(&moved, 91)), ((1, 1, 0), (2, 1, 1)));
    }
}
