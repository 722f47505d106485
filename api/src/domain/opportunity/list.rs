//! Filters on opportunities, their orderings, and lists of them.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Day, Id, OpportunityId, Scoped, UserId, opportunity};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, Condition, QueryFilter, Select};

use super::{Opportunity, Stage};
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{account_rests_on, at_matching, condition_of, named};
use crate::error::Result;
use crate::graphql::filter::{
    self, DateFilter, DateTimeFilter, DecimalFilter, Facts, Filter, IdFilter, Nested, StringFilter, equals, operand,
};
use crate::graphql::pagination::{
    Connection, Key, LAST_DAY, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering,
};
use crate::graphql::{Batch, FieldContext};
use crate::write::external_ids::ExternalIdInput;

/// A filter on opportunities. All given fields must match.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OpportunityFilter {
    /// All of these filters match.
    pub and: MaybeUndefined<Vec<OpportunityFilter>>,
    /// At least one of these filters matches; an empty list matches nothing.
    pub or: MaybeUndefined<Vec<OpportunityFilter>>,
    /// This filter does not match.
    pub not: MaybeUndefined<Box<OpportunityFilter>>,
    /// Filters by id.
    pub id: MaybeUndefined<IdFilter>,
    /// Filters by name.
    pub name: MaybeUndefined<StringFilter>,
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by owner.
    pub owner_id: MaybeUndefined<IdFilter>,
    /// Only opportunities of this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Only opportunities in one of these stages.
    pub stage: MaybeUndefined<Vec<Stage>>,
    /// Whether the opportunity is open: true for open ones, false for won or lost ones.
    pub open: MaybeUndefined<bool>,
    /// Filters by amount, in the organization's currency.
    pub amount: MaybeUndefined<DecimalFilter>,
    /// Filters by the day on which the opportunity was opened.
    pub opened_on: MaybeUndefined<DateFilter>,
    /// Filters by the day on which the opportunity is expected to close.
    pub expected_close_on: MaybeUndefined<DateFilter>,
    /// Filters by the day on which the opportunity was won or lost.
    pub closed_on: MaybeUndefined<DateFilter>,
    /// Only the opportunity with this external id.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl Filter for OpportunityFilter {
    fn nested(&self) -> Nested<'_, Self> {
        Nested { and: &self.and, or: &self.or, not: &self.not }
    }

    fn rests_on(&self, facts: Facts) -> bool {
        facts == Facts::Members && self.reporting_to.is_value() || account_rests_on(&self.account, facts)
    }

    fn on_related(&self, ctx: &RequestContext, remaining: &mut usize) -> Result<Option<Condition>> {
        at_matching(ctx, &self.account, opportunity::Column::AccountId, remaining)
    }

    fn own(&self, ctx: &RequestContext) -> Result<Condition> {
        use opportunity::Column;
        let viewer = ctx.viewer()?;
        let Self {
            and: _,
            or: _,
            not: _,
            id,
            name,
            account_id,
            account: _,
            owner_id,
            reporting_to,
            stage,
            open,
            amount,
            opened_on,
            expected_close_on,
            closed_on,
            external_id,
            updated_at,
        } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("id", id)? {
            all = all.add(filter.condition::<_, OpportunityId>(Column::Id)?);
        }
        if let Some(filter) = operand("name", name)? {
            all = all.add(filter.condition(Column::Name, Column::NameKey)?);
        }
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(filter) = operand("ownerId", owner_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::OwnerId)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::OwnerId, user)?);
        }
        if let Some(stages) = operand("stage", stage)? {
            all = all.add(Column::Stage.is_in(stages.iter().map(|stage| Stored::from(*stage))));
        }
        if let Some(open) = operand("open", open)? {
            let closed = [Stored::Won, Stored::Lost];
            all = all.add(if *open { Column::Stage.is_not_in(closed) } else { Column::Stage.is_in(closed) });
        }
        if let Some(filter) = operand("amount", amount)? {
            all = all.add(filter.condition(Column::Amount, viewer.currency)?);
        }
        for (label, filter, column) in [
            ("openedOn", opened_on, Column::OpenedOn),
            ("expectedCloseOn", expected_close_on, Column::ExpectedCloseOn),
            ("closedOn", closed_on, Column::ClosedOn),
        ] {
            if let Some(filter) = operand(label, filter)? {
                all = all.add(filter.condition(column)?);
            }
        }
        if let Some(external) = operand("externalId", external_id)? {
            all = all.add(named(viewer.organization.id, OpportunityId::PREFIX, Column::Id, external));
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// The fields that opportunities can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OpportunityOrderField {
    /// The name, case-folded and NFKC-normalized, compared byte by byte.
    Name,
    /// The amount.
    Amount,
    /// The day on which it was opened.
    OpenedOn,
    /// The day on which it is expected to close.
    ExpectedCloseOn,
    /// The day on which it was won or lost; null while it is open.
    ClosedOn,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of opportunities.
    OpportunityOrder by OpportunityOrderField, sort_key => opportunity::Entity
}

fn day_key(day: Day) -> Key {
    Key::Number(day.0.into())
}

fn sort_key(field: OpportunityOrderField) -> SortKey<opportunity::Entity> {
    use opportunity::{Column, Model};
    match field {
        OpportunityOrderField::Name => {
            SortKey::column("NAME", Column::NameKey, |row: &Model| Key::Text(row.name_key.clone()))
        }
        OpportunityOrderField::Amount => {
            SortKey::nullable("AMOUNT", Column::Amount, i64::MAX, |row: &Model| row.amount)
        }
        OpportunityOrderField::OpenedOn => {
            SortKey::column("OPENED_ON", Column::OpenedOn, |row: &Model| day_key(row.opened_on))
        }
        OpportunityOrderField::ExpectedCloseOn => {
            SortKey::nullable("EXPECTED_CLOSE_ON", Column::ExpectedCloseOn, LAST_DAY, |row: &Model| {
                row.expected_close_on.map(|day| day.0.into())
            })
        }
        OpportunityOrderField::ClosedOn => SortKey::nullable("CLOSED_ON", Column::ClosedOn, LAST_DAY, |row: &Model| {
            row.closed_on.map(|day| day.0.into())
        }),
        OpportunityOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

/// Arguments of a list of opportunities.
#[derive(Clone, Debug, InputObject)]
pub struct OpportunitiesArguments {
    /// Only opportunities that match this filter; all visible opportunities if omitted.
    pub filter: Option<OpportunityFilter>,
    /// The ordering, at most 3 criteria; by id if omitted.
    pub order_by: Option<Vec<OpportunityOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

impl OpportunitiesArguments {
    fn order(&self) -> Result<Order<opportunity::Entity>> {
        Order::by(
            OpportunityOrder::keys(self.order_by.as_deref()),
            SortKey::column("ID", opportunity::Column::Id, |row: &opportunity::Model| Key::Id(row.id.uuid())),
        )
    }

    async fn select(&self, ctx: &RequestContext) -> Result<Select<opportunity::Entity>> {
        let all = opportunity::Entity::of(ctx.viewer()?.organization.id);
        Ok(all.filter(condition_of(ctx, &self.filter.clone().unwrap_or_default()).await?))
    }

    /// Whether the filter restricts the list to one account or to one external id.
    fn is_selective(&self) -> bool {
        let pins = |filter: &OpportunityFilter| {
            let by_id = filter.id.value().is_some_and(|id| id.eq.is_value() || id.r#in.is_value());
            by_id || equals(&filter.account_id) || filter.external_id.is_value()
        };
        self.filter.as_ref().is_some_and(pins)
    }
}

/// Resolves `Query.opportunities`.
pub async fn opportunities(
    field: &FieldContext<'_>,
    arguments: OpportunitiesArguments,
) -> Result<Connection<Opportunity>> {
    let visible = VisibleRows {
        select: arguments.select(field.request).await?,
        account: opportunity::Column::AccountId,
        is_selective: arguments.is_selective(),
    };
    visible.page(field, &arguments.order()?, &arguments.page).await
}

/// Resolves `Account.opportunities`.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Connection<crate::domain::opportunity::Opportunity>>> {
    let arguments: OpportunitiesArguments = field.arguments()?;
    let below = RowsPerParent::<opportunity::Entity> {
        select: arguments.select(field.request).await?,
        foreign: opportunity::Column::AccountId,
    };
    let pages: Vec<Connection<Opportunity>> =
        below.pages(field, of, |row| Some(row.account_id), &arguments.order()?, &arguments.page).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}
