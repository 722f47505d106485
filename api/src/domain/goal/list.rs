//! Filters on goals, their orderings, and lists of them.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{AccountId, Id, Scoped, UserId, account, goal};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait};

use super::{Goal, GoalStatus};
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{at_account, prepare_account};
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{self, DateTimeFilter, IdFilter, IntFilter, equals, operand};
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, SortKey, VisibleRows, ordering};

/// A filter on goals. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct GoalFilter {
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by the account's owner.
    pub owner_id: MaybeUndefined<IdFilter>,
    /// Only goals of accounts of this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Filters by fiscal year.
    pub year: MaybeUndefined<IntFilter>,
    /// Only goals with one of these statuses. An empty list matches nothing.
    pub status: MaybeUndefined<Vec<GoalStatus>>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl GoalFilter {
    /// Returns the condition of the filter.
    pub async fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        use goal::Column;
        prepare_account(ctx, &self.account, &self.reporting_to).await?;
        let Self { account_id, account, owner_id, reporting_to, year, status, updated_at } = self;
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
        if let Some(user) = operand("reportingTo", reporting_to)? {
            let accounts = account::Entity::of(ctx.viewer()?.organization.id);
            let accounts = accounts.filter(filter::reporting_to(ctx, account::Column::OwnerId, user)?);
            let accounts = accounts.select_only().column(account::Column::Id).into_query();
            all = all.add(Column::AccountId.in_subquery(accounts));
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

/// A field by which goals can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GoalOrderField {
    /// The fiscal year.
    Year,
    /// The agreed amount; before there is one, the proposed amount.
    Amount,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of goals.
    GoalOrder by GoalOrderField, sort_key => goal::Entity
}

fn sort_key(field: GoalOrderField) -> SortKey<goal::Entity> {
    use goal::{Column, Model};
    match field {
        GoalOrderField::Year => SortKey::column("YEAR", Column::Year, |row: &Model| Key::Number(row.year.into())),
        GoalOrderField::Amount => {
            SortKey::first_of("AMOUNT", vec![Column::AgreedAmount, Column::WaitingAmount], |row: &Model| {
                Key::Number(row.agreed_amount.or(row.waiting_amount).unwrap_or_default())
            })
        }
        GoalOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[GoalOrder]>) -> Result<Order<goal::Entity>> {
    let id = SortKey::column("ID", goal::Column::Id, |row: &goal::Model| Key::Id(row.id.uuid()));
    Order::by(GoalOrder::keys(entries), id)
}

/// Arguments of `goals`.
#[derive(Clone, Debug, InputObject)]
pub struct GoalsArguments {
    /// Which of them.
    pub filter: Option<GoalFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<GoalOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.goals`.
pub async fn goals(field: &FieldContext<'_>, arguments: GoalsArguments) -> Result<Connection<Goal>> {
    let GoalsArguments { filter, order_by, page } = arguments;
    let filter = filter.unwrap_or_default();
    let seen = VisibleRows {
        select: goal::Entity::of(field.request.viewer()?.organization.id)
            .filter(filter.condition(field.request).await?),
        account: goal::Column::AccountId,
        is_selective: equals(&filter.account_id),
    };
    seen.page(field, &order(order_by.as_deref())?, &page).await
}
