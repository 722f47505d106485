//! Filters on plans, their orderings, lists of them, and the plan of an account on a day.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::plan::PlanStatus as Stored;
use entity::{AccountId, Id, Scoped, UserId, plan};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder};

use super::{Plan, PlanStatus};
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{at_account, prepare_account};
use crate::domain::targeting::{OnArguments, instant_of};
use crate::error::Result;
use crate::graphql::filter::{self, DateTimeFilter, IdFilter, equals, operand};
use crate::graphql::pagination::{
    Connection, Key, LAST_DAY, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering,
};
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext};

/// A filter on plans. All given fields must match.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PlanFilter {
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by owner.
    pub owner_id: MaybeUndefined<IdFilter>,
    /// Only plans of this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Only plans with one of these statuses.
    pub status: MaybeUndefined<Vec<PlanStatus>>,
    /// Only plans whose next review is due on or before this day. Closed plans do not match.
    pub review_due_by: MaybeUndefined<Date>,
    /// Filters by the time of the last change to the plan or one of its items.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl PlanFilter {
    async fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        use plan::Column;
        prepare_account(ctx, &self.account, &self.reporting_to).await?;
        let Self { account_id, account, owner_id, reporting_to, status, review_due_by, updated_at } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(filter) = operand("ownerId", owner_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::OwnerId)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::OwnerId, user)?);
        }
        if let Some(statuses) = operand("status", status)? {
            let any = statuses.iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, status| {
                any.add(Column::Status.eq(Stored::from(*status)))
            });
            all = all.add(any);
        }
        if let Some(day) = operand("reviewDueBy", review_due_by)? {
            all = all.add(Column::NextReviewOn.lte(day.0)).add(Column::Status.ne(Stored::Closed));
        }
        all = all.add_option(at_account(ctx, account, Column::AccountId)?);
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// A field by which plans can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PlanOrderField {
    /// The day on which the next review is due; null before the commitment.
    NextReviewOn,
    /// The first day.
    StartsOn,
    /// The last day.
    EndsOn,
    /// The time of the last change to the plan or one of its items.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of plans.
    PlanOrder by PlanOrderField, sort_key => plan::Entity
}

fn sort_key(field: PlanOrderField) -> SortKey<plan::Entity> {
    use plan::{Column, Model};
    match field {
        PlanOrderField::NextReviewOn => {
            SortKey::nullable("NEXT_REVIEW_ON", Column::NextReviewOn, LAST_DAY, |row: &Model| {
                row.next_review_on.map(|day| day.0.into())
            })
        }
        PlanOrderField::StartsOn => {
            SortKey::column("STARTS_ON", Column::StartsOn, |row: &Model| Key::Number(row.starts_on.0.into()))
        }
        PlanOrderField::EndsOn => {
            SortKey::column("ENDS_ON", Column::EndsOn, |row: &Model| Key::Number(row.ends_on.0.into()))
        }
        PlanOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[PlanOrder]>) -> Result<Order<plan::Entity>> {
    let id = SortKey::column("ID", plan::Column::Id, |row: &plan::Model| Key::Id(row.id.uuid()));
    Order::by(PlanOrder::keys(entries), id)
}

/// Arguments of `plans`.
#[derive(Clone, Debug, InputObject)]
pub struct PlansArguments {
    /// Only plans that match this filter; all visible plans if omitted.
    pub filter: Option<PlanFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<PlanOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

fn by_id() -> Order<plan::Entity> {
    Order::by_id(plan::Column::Id, |row: &plan::Model| Key::Id(row.id.uuid()))
}

/// Resolves `Query.plans`.
pub async fn plans(field: &FieldContext<'_>, arguments: PlansArguments) -> Result<Connection<Plan>> {
    let PlansArguments { filter, order_by, page } = arguments;
    let filter = filter.unwrap_or_default();
    let visible = VisibleRows {
        select: plan::Entity::of(field.request.viewer()?.organization.id)
            .filter(filter.condition(field.request).await?),
        account: plan::Column::AccountId,
        is_selective: equals(&filter.account_id) || equals(&filter.owner_id),
    };
    visible.page(field, &order(order_by.as_deref())?, &page).await
}

/// Resolves `Account.plans`, ordered by id.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Connection<crate::domain::plan::Plan>>> {
    let arguments: PageArguments = field.arguments()?;
    let below = RowsPerParent::<plan::Entity> {
        select: plan::Entity::of(field.request.viewer()?.organization.id),
        foreign: plan::Column::AccountId,
    };
    let pages: Vec<Connection<Plan>> = below.pages(field, of, |row| Some(row.account_id), &by_id(), &arguments).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Returns the plan of each account on a day: one that covers the day and was not closed at the end of the day.
async fn on_day(ctx: &RequestContext, accounts: Vec<AccountId>, on: Option<Date>) -> Result<HashMap<AccountId, Plan>> {
    let viewer = ctx.viewer()?;
    let at = instant_of(on.map(|day| day.0), ctx.now, viewer.zone);
    let day = on.map_or_else(|| viewer.day(ctx.now), |day| day.0);
    let still = Cond::any().add(plan::Column::ClosedAt.is_null()).add(plan::Column::ClosedAt.gt(at));
    let rows = viewer
        .rows::<plan::Entity>(plan::Column::AccountId)
        .filter(plan::Column::AccountId.is_in(accounts))
        .filter(plan::Column::StartsOn.lte(day))
        .filter(plan::Column::EndsOn.gte(day))
        .filter(still)
        .order_by_asc(plan::Column::Id)
        .all(ctx.reader())
        .await?;
    let mut found: HashMap<AccountId, Plan> = HashMap::new();
    for row in rows {
        // A plan that was closed later may share its days with the one that replaced it; the open one takes precedence.
        let open = row.closed_at.is_none();
        if open || found.get(&row.account_id).is_none_or(|other| other.0.closed_at.is_some()) {
            found.insert(row.account_id, Plan(row));
        }
    }
    Ok(found)
}

/// Resolves `Account.plan`.
pub async fn one_of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Option<crate::domain::plan::Plan>>> {
    let OnArguments { on } = field.arguments()?;
    let found = on_day(field.request, of.to_vec(), on).await?;
    field.optional_objects(&of.iter().map(|account| found.get(account)).collect::<Vec<_>>()).await
}
