//! Lists of one-on-ones, by id.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{Id, UserId, one_on_one};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::OneOnOne;
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{DateTimeFilter, IdFilter, operand};
use crate::graphql::pagination::{self, Connection, Key, Order, PageArguments};

/// A filter on one-on-ones. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OneOnOneFilter {
    /// Filters by seller.
    pub seller_id: MaybeUndefined<IdFilter>,
    /// Filters by manager.
    pub manager_id: MaybeUndefined<IdFilter>,
    /// Was (true) or was not (false) held.
    pub held: MaybeUndefined<bool>,
    /// Filters by the time at which it is to be held.
    pub scheduled_for: MaybeUndefined<DateTimeFilter>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl OneOnOneFilter {
    fn condition(&self) -> Result<Condition> {
        use one_on_one::Column;
        let Self { seller_id, manager_id, held, scheduled_for, updated_at } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("sellerId", seller_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::SellerId)?);
        }
        if let Some(filter) = operand("managerId", manager_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::ManagerId)?);
        }
        if let Some(held) = operand("held", held)? {
            all = all.add(if *held { Column::HeldAt.is_not_null() } else { Column::HeldAt.is_null() });
        }
        if let Some(filter) = operand("scheduledFor", scheduled_for)? {
            all = all.add(filter.condition(Column::ScheduledFor)?);
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// Arguments of `oneOnOnes`.
#[derive(Clone, Debug, InputObject)]
pub struct OneOnOnesArguments {
    /// Which of them.
    pub filter: Option<OneOnOneFilter>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.oneOnOnes`.
pub async fn one_on_ones(field: &FieldContext<'_>, arguments: OneOnOnesArguments) -> Result<Connection<OneOnOne>> {
    let OneOnOnesArguments { filter, page } = arguments;
    let select = field.request.viewer()?.one_on_ones().filter(filter.unwrap_or_default().condition()?);
    let by_id = Order::by_id(one_on_one::Column::Id, |row: &one_on_one::Model| Key::Id(row.id.uuid()));
    pagination::page(field, select, &by_id, &page).await
}
