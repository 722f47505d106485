//! Filters on one-on-ones, their orderings, and lists of them.

use async_graphql::{Enum, InputObject, MaybeUndefined};
use entity::{Id, UserId, one_on_one};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::OneOnOne;
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{DateTimeFilter, IdFilter, operand};
use crate::graphql::pagination::{self, Connection, Key, Order, PageArguments, SortKey, ordering};

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

/// A field by which one-on-ones can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OneOnOneOrderField {
    /// The time at which it is to be held.
    ScheduledFor,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of one-on-ones.
    OneOnOneOrder by OneOnOneOrderField, sort_key => one_on_one::Entity
}

fn sort_key(field: OneOnOneOrderField) -> SortKey<one_on_one::Entity> {
    use one_on_one::{Column, Model};
    match field {
        OneOnOneOrderField::ScheduledFor => {
            SortKey::column("SCHEDULED_FOR", Column::ScheduledFor, |row: &Model| Key::Number(row.scheduled_for.0))
        }
        OneOnOneOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[OneOnOneOrder]>) -> Result<Order<one_on_one::Entity>> {
    let id = SortKey::column("ID", one_on_one::Column::Id, |row: &one_on_one::Model| Key::Id(row.id.uuid()));
    Order::by(OneOnOneOrder::keys(entries), id)
}

/// Arguments of `oneOnOnes`.
#[derive(Clone, Debug, InputObject)]
pub struct OneOnOnesArguments {
    /// Which of them.
    pub filter: Option<OneOnOneFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<OneOnOneOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.oneOnOnes`.
pub async fn one_on_ones(field: &FieldContext<'_>, arguments: OneOnOnesArguments) -> Result<Connection<OneOnOne>> {
    let OneOnOnesArguments { filter, order_by, page } = arguments;
    let select = field.request.viewer()?.one_on_ones().filter(filter.unwrap_or_default().condition()?);
    pagination::page(field, select, &order(order_by.as_deref())?, &page).await
}
