//! Filters on promises, their orderings, and lists of them: by due day for accounts, contacts and touches.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{AccountId, ContactId, Id, Scoped, UserId, promise};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, Select};

use super::ClientPromise;
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{at_account, prepare_account};
use crate::error::Result;
use crate::graphql::filter::{self, DateFilter, DateTimeFilter, IdFilter, equals, operand};
use crate::graphql::pagination::{
    Connection, Key, LONGEST_LIST, Order, PageArguments, SortKey, VisibleRows, ordering, plain_lists,
};
use crate::graphql::{Batch, FieldContext};

/// A filter on promises. All given fields must match.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ClientPromiseFilter {
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by the user who made the promise.
    pub made_by_id: MaybeUndefined<IdFilter>,
    /// Only promises made by this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Filters by the contact to whom it was made.
    pub contact_id: MaybeUndefined<IdFilter>,
    /// Whether the promise is open: true for promises still to be kept, false for kept ones.
    pub open: MaybeUndefined<bool>,
    /// Whether the promise is overdue: open with its due day over in the organization's time zone.
    pub overdue: MaybeUndefined<bool>,
    /// Filters by due day.
    pub due_on: MaybeUndefined<DateFilter>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

/// Returns the condition that a promise is open, or that it is kept.
fn is_open(open: bool) -> Condition {
    let kept_on = promise::Column::KeptOn;
    Cond::all().add(if open { kept_on.is_null() } else { kept_on.is_not_null() })
}

impl ClientPromiseFilter {
    async fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        use promise::Column;
        prepare_account(ctx, &self.account, &self.reporting_to).await?;
        let Self { account_id, account, made_by_id, reporting_to, contact_id, open, overdue, due_on, updated_at } =
            self;
        let mut all = Cond::all();
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(filter) = operand("madeById", made_by_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::MadeById)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::MadeById, user)?);
        }
        if let Some(filter) = operand("contactId", contact_id)? {
            all = all.add(filter.condition::<_, ContactId>(Column::ContactId)?);
        }
        if let Some(open) = operand("open", open)? {
            all = all.add(is_open(*open));
        }
        if let Some(overdue) = operand("overdue", overdue)? {
            let past = Cond::all().add(is_open(true)).add(Column::DueOn.lt(ctx.viewer()?.day(ctx.now)));
            all = all.add(if *overdue { past } else { past.not() });
        }
        if let Some(filter) = operand("dueOn", due_on)? {
            all = all.add(filter.condition(Column::DueOn)?);
        }
        all = all.add_option(at_account(ctx, account, Column::AccountId)?);
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// A field by which promises can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ClientPromiseOrderField {
    /// The day by which it is to be kept.
    DueOn,
    /// The day on which it was made.
    MadeOn,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of promises.
    ClientPromiseOrder by ClientPromiseOrderField, sort_key => promise::Entity
}

fn sort_key(field: ClientPromiseOrderField) -> SortKey<promise::Entity> {
    use promise::{Column, Model};
    match field {
        ClientPromiseOrderField::DueOn => {
            SortKey::column("DUE_ON", Column::DueOn, |row: &Model| Key::Number(row.due_on.0.into()))
        }
        ClientPromiseOrderField::MadeOn => {
            SortKey::column("MADE_ON", Column::MadeOn, |row: &Model| Key::Number(row.made_on.0.into()))
        }
        ClientPromiseOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[ClientPromiseOrder]>) -> Result<Order<promise::Entity>> {
    let id = SortKey::column("ID", promise::Column::Id, |row: &promise::Model| Key::Id(row.id.uuid()));
    Order::by(ClientPromiseOrder::keys(entries), id)
}

/// Arguments of `promises`.
#[derive(Clone, Debug, InputObject)]
pub struct PromisesArguments {
    /// Only promises that match this filter; all visible promises if omitted.
    pub filter: Option<ClientPromiseFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<ClientPromiseOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// Resolves `Query.promises`.
pub async fn promises(field: &FieldContext<'_>, arguments: PromisesArguments) -> Result<Connection<ClientPromise>> {
    let PromisesArguments { filter, order_by, page } = arguments;
    let filter = filter.unwrap_or_default();
    let visible = VisibleRows {
        select: promise::Entity::of(field.request.viewer()?.organization.id)
            .filter(filter.condition(field.request).await?),
        account: promise::Column::AccountId,
        is_selective: equals(&filter.account_id) || equals(&filter.made_by_id) || equals(&filter.contact_id),
    };
    visible.page(field, &order(order_by.as_deref())?, &page).await
}

/// Arguments of `Account.promises`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct OpenArguments {
    /// Whether to return only open promises (true) or only kept ones (false); all if omitted.
    pub open: Option<bool>,
}

/// Selects the visible promises that the field's arguments ask for.
fn selected(field: &FieldContext<'_>) -> Result<Select<promise::Entity>> {
    let OpenArguments { open } = field.arguments()?;
    let visible = field.request.viewer()?.rows::<promise::Entity>(promise::Column::AccountId);
    Ok(match open {
        Some(open) => visible.filter(is_open(open)),
        None => visible,
    })
}

/// Resolves `Account.promises`, ordered by due day.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Vec<crate::domain::promise::ClientPromise>>> {
    lists(field, selected(field)?, promise::Column::AccountId, of, |row| Some(row.account_id)).await
}

/// Resolves `Contact.promises`, ordered by due day.
pub async fn of_contacts(
    field: &FieldContext<'_>,
    of: &[ContactId],
) -> Result<Batch<Vec<crate::domain::promise::ClientPromise>>> {
    lists(field, selected(field)?, promise::Column::ContactId, of, |row| row.contact_id).await
}

/// Resolves `Touch.promises`, ordered by due day.
pub async fn of_touches(
    field: &FieldContext<'_>,
    of: &[entity::TouchId],
) -> Result<Batch<Vec<crate::domain::promise::ClientPromise>>> {
    let select = field.request.viewer()?.rows::<promise::Entity>(promise::Column::AccountId);
    lists(field, select, promise::Column::TouchId, of, |row| row.touch_id).await
}

/// Loads the promises of all parents in one statement.
async fn lists<K: Id>(
    field: &FieldContext<'_>,
    select: Select<promise::Entity>,
    column: promise::Column,
    parents: &[K],
    parent_of: fn(&promise::Model) -> Option<K>,
) -> Result<Batch<Vec<ClientPromise>>> {
    let select = select.order_by_asc(promise::Column::DueOn).order_by_asc(promise::Column::Id);
    let too_long =
        format!("The list has more than {LONGEST_LIST} promises: page through `promises` with a filter instead.");
    plain_lists::<_, ClientPromise, _>(field, select, column, parents, parent_of, &too_long).await
}
