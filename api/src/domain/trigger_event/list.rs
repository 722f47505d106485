//! Filters on trigger events, their orderings, and lists of them.

use async_graphql::{Enum, InputObject, MaybeUndefined};
use entity::{AccountId, Id, Scoped, trigger_event};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::{TriggerEvent, TriggerKind};
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{at_account, prepare_account};
use crate::error::Result;
use crate::graphql::filter::{DateFilter, DateTimeFilter, IdFilter, equals, operand};
use crate::graphql::pagination::{
    Connection, Key, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering,
};
use crate::graphql::{Batch, FieldContext};

/// A filter on trigger events. All given fields must match.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TriggerEventFilter {
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Only trigger events of one of these kinds.
    pub kind: MaybeUndefined<Vec<TriggerKind>>,
    /// Filters by the day on which it happened.
    pub occurred_on: MaybeUndefined<DateFilter>,
    /// Whether the trigger event is resolved: true for those with an outcome, false for open ones.
    pub resolved: MaybeUndefined<bool>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl TriggerEventFilter {
    async fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        use trigger_event::Column;
        prepare_account(ctx, &self.account, &MaybeUndefined::Undefined).await?;
        let Self { account_id, account, kind, occurred_on, resolved, updated_at } = self;
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
        all = all.add_option(at_account(ctx, account, Column::AccountId)?);
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// A field by which trigger events can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TriggerEventOrderField {
    /// The day on which it happened.
    OccurredOn,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of trigger events.
    TriggerEventOrder by TriggerEventOrderField, sort_key => trigger_event::Entity
}

fn sort_key(field: TriggerEventOrderField) -> SortKey<trigger_event::Entity> {
    use trigger_event::{Column, Model};
    match field {
        TriggerEventOrderField::OccurredOn => {
            SortKey::column("OCCURRED_ON", Column::OccurredOn, |row: &Model| Key::Number(row.occurred_on.0.into()))
        }
        TriggerEventOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[TriggerEventOrder]>) -> Result<Order<trigger_event::Entity>> {
    let id = SortKey::column("ID", trigger_event::Column::Id, |row: &trigger_event::Model| Key::Id(row.id.uuid()));
    Order::by(TriggerEventOrder::keys(entries), id)
}

/// Arguments of `triggerEvents`.
#[derive(Clone, Debug, InputObject)]
pub struct TriggerEventsArguments {
    /// Only trigger events that match this filter; all visible trigger events if omitted.
    pub filter: Option<TriggerEventFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<TriggerEventOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

fn by_id() -> Order<trigger_event::Entity> {
    Order::by_id(trigger_event::Column::Id, |row: &trigger_event::Model| Key::Id(row.id.uuid()))
}

/// Resolves `Query.triggerEvents`.
pub async fn trigger_events(
    field: &FieldContext<'_>,
    arguments: TriggerEventsArguments,
) -> Result<Connection<TriggerEvent>> {
    let TriggerEventsArguments { filter, order_by, page } = arguments;
    let filter = filter.unwrap_or_default();
    let visible = VisibleRows {
        select: trigger_event::Entity::of(field.request.viewer()?.organization.id)
            .filter(filter.condition(field.request).await?),
        account: trigger_event::Column::AccountId,
        is_selective: equals(&filter.account_id),
    };
    visible.page(field, &order(order_by.as_deref())?, &page).await
}

/// Resolves `Account.triggerEvents`, ordered by id.
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
