//! Lists of goals, by id.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AccountId, Id, Scoped, UserId, account, goal};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait};

use super::{Goal, GoalStatus};
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::at_account;
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{DateTimeFilter, IdFilter, IntFilter, equals, operand};
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, VisibleRows};

/// A filter on goals. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct GoalFilter {
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by the account's owner.
    pub owner_id: MaybeUndefined<IdFilter>,
    /// Filters by fiscal year.
    pub year: MaybeUndefined<IntFilter>,
    /// Only goals with one of these statuses. An empty list matches nothing.
    pub status: MaybeUndefined<Vec<GoalStatus>>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl GoalFilter {
    fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        use goal::Column;
        let Self { account_id, account, owner_id, year, status, updated_at } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(filter) = operand("ownerId", owner_id)? {
            let organization = ctx.viewer()?.organization.id;
            let owned = |ids: Vec<UserId>| {
                let accounts = account::Entity::of(organization).filter(account::Column::OwnerId.is_in(ids));
                Column::AccountId.in_subquery(accounts.select_only().column(account::Column::Id).into_query())
            };
            // Every account has its owner.
            let none = |is_null: bool| Expr::cust(if is_null { "1 = 0" } else { "1 = 1" });
            all = all.add(filter.condition_by::<UserId>(owned, none)?);
        }
        if let Some(filter) = operand("year", year)? {
            all = all.add(filter.condition(Column::Year)?);
        }
        if let Some(statuses) = operand("status", status)? {
            let any = statuses.iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, status| {
                any.add(match status {
                    GoalStatus::Agreed => Column::AgreedAmount.is_not_null(),
                    GoalStatus::Proposed => Column::AgreedAmount.is_null(),
                })
            });
            all = all.add(any);
        }
        all = all.add_option(at_account(ctx, account, Column::AccountId)?);
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// Arguments of `goals`.
#[derive(Clone, Debug, InputObject)]
pub struct GoalsArguments {
    /// Which of them.
    pub filter: Option<GoalFilter>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.goals`.
pub async fn goals(field: &FieldContext<'_>, arguments: GoalsArguments) -> Result<Connection<Goal>> {
    let GoalsArguments { filter, page } = arguments;
    let filter = filter.unwrap_or_default();
    let seen = VisibleRows {
        select: goal::Entity::of(field.request.viewer()?.organization.id).filter(filter.condition(field.request)?),
        account: goal::Column::AccountId,
        is_selective: equals(&filter.account_id),
    };
    let by_id = Order::by_id(goal::Column::Id, |row: &goal::Model| Key::Id(row.id.uuid()));
    seen.page(field, &by_id, &page).await
}
