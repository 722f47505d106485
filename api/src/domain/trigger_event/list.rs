//! Lists of trigger events, by id.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AccountId, Id, Scoped, trigger_event};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::{TriggerEvent, TriggerKind};
use crate::error::Result;
use crate::graphql::filter::{DateFilter, DateTimeFilter, IdFilter, operand};
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, RowsPerParent, VisibleRows};
use crate::graphql::{Batch, FieldContext};

/// A filter on trigger events. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TriggerEventFilter {
    /// By account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// Of one of these kinds.
    pub kind: MaybeUndefined<Vec<TriggerKind>>,
    /// By the day on which it happened.
    pub occurred_on: MaybeUndefined<DateFilter>,
    /// Is (true) or is not (false) settled what came of it.
    pub resolved: MaybeUndefined<bool>,
    /// By when it last changed.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl TriggerEventFilter {
    fn condition(&self) -> Result<Condition> {
        use trigger_event::Column;
        let Self { account_id, kind, occurred_on, resolved, updated_at } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(kinds) = operand("kind", kind)? {
            let any = kinds.iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, kind| {
                any.add(Column::Kind.eq(trigger_event::TriggerKind::from(*kind)))
            });
            all = all.add(any);
        }
        if let Some(filter) = operand("occurredOn", occurred_on)? {
            all = all.add(filter.condition(Column::OccurredOn)?);
        }
        if let Some(resolved) = operand("resolved", resolved)? {
            let column = Column::ResolvedOn;
            all = all.add(if *resolved { column.is_not_null() } else { column.is_null() });
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// Arguments of `triggerEvents`.
#[derive(Clone, Debug, InputObject)]
pub struct TriggerEventsArguments {
    /// Which of them.
    pub filter: Option<TriggerEventFilter>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

fn by_id() -> Order<trigger_event::Entity> {
    Order::by_id(trigger_event::Column::Id, |row: &trigger_event::Model| Key::Id(row.id.uuid()))
}

/// `Query.triggerEvents`.
pub async fn trigger_events(
    field: &FieldContext<'_>,
    arguments: TriggerEventsArguments,
) -> Result<Connection<TriggerEvent>> {
    let TriggerEventsArguments { filter, page } = arguments;
    let filter = filter.unwrap_or_default();
    let seen = VisibleRows {
        select: trigger_event::Entity::of(field.request.viewer()?.organization.id).filter(filter.condition()?),
        account: trigger_event::Column::AccountId,
        is_selective: filter.account_id.value().is_some_and(|account| account.eq.is_value()),
    };
    seen.page(field, &by_id(), &page).await
}

/// `Account.triggerEvents`: by id.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Connection<crate::domain::trigger_event::TriggerEvent>>> {
    let arguments: PageArguments = field.arguments()?;
    let below = RowsPerParent::<trigger_event::Entity> {
        select: trigger_event::Entity::of(field.request.viewer()?.organization.id),
        foreign: trigger_event::Column::AccountId,
    };
    let pages: Vec<Connection<TriggerEvent>> =
        below.pages(field, of, |row| Some(row.account_id), &by_id(), &arguments).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}
