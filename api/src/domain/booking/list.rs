//! Filters on bookings, their orderings, and lists of them.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{AccountId, BookingId, Id, OpportunityId, Scoped, UserId, booking};
use sea_orm::sea_query::Cond;
use sea_orm::{Condition, QueryFilter};

use super::Booking;
use crate::context::RequestContext;
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{account_rests_on, at_matching, condition_of, named};
use crate::error::Result;
use crate::graphql::filter::{
    self, DateFilter, DateTimeFilter, DecimalFilter, Facts, Filter, IdFilter, Nested, equals, operand,
};
use crate::graphql::pagination::{
    Connection, Key, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering,
};
use crate::graphql::{Batch, FieldContext};
use crate::write::external_ids::ExternalIdInput;

/// A filter on bookings. All given fields must match.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BookingFilter {
    /// All of these filters match.
    pub and: MaybeUndefined<Vec<BookingFilter>>,
    /// At least one of these filters matches; an empty list matches nothing.
    pub or: MaybeUndefined<Vec<BookingFilter>>,
    /// This filter does not match.
    pub not: MaybeUndefined<Box<BookingFilter>>,
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by seller.
    pub seller_id: MaybeUndefined<IdFilter>,
    /// Only bookings of this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Filters by the opportunity that it came of.
    pub opportunity_id: MaybeUndefined<IdFilter>,
    /// Only the booking with this identifier in another system.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// Filters by the day on which the revenue counts.
    pub booked_on: MaybeUndefined<DateFilter>,
    /// Filters by amount, in the organization's currency.
    pub amount: MaybeUndefined<DecimalFilter>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl Filter for BookingFilter {
    fn nested(&self) -> Nested<'_, Self> {
        Nested { and: &self.and, or: &self.or, not: &self.not }
    }

    fn rests_on(&self, facts: Facts) -> bool {
        facts == Facts::Members && self.reporting_to.is_value() || account_rests_on(&self.account, facts)
    }

    fn on_related(&self, ctx: &RequestContext, remaining: &mut usize) -> Result<Option<Condition>> {
        at_matching(ctx, &self.account, booking::Column::AccountId, remaining)
    }

    fn own(&self, ctx: &RequestContext) -> Result<Condition> {
        use booking::Column;
        let Self {
            and: _,
            or: _,
            not: _,
            account_id,
            account: _,
            seller_id,
            reporting_to,
            opportunity_id,
            external_id,
            booked_on,
            amount,
            updated_at,
        } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(filter) = operand("sellerId", seller_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::SellerId)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::SellerId, user)?);
        }
        if let Some(filter) = operand("opportunityId", opportunity_id)? {
            all = all.add(filter.condition::<_, OpportunityId>(Column::OpportunityId)?);
        }
        if let Some(external) = operand("externalId", external_id)? {
            all = all.add(named(ctx.viewer()?.organization.id, BookingId::PREFIX, Column::Id, external));
        }
        if let Some(filter) = operand("bookedOn", booked_on)? {
            all = all.add(filter.condition(Column::BookedOn)?);
        }
        if let Some(filter) = operand("amount", amount)? {
            all = all.add(filter.condition(Column::Amount, ctx.viewer()?.currency)?);
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// A field by which bookings can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BookingOrderField {
    /// The day on which the revenue counts.
    BookedOn,
    /// The amount.
    Amount,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of bookings.
    BookingOrder by BookingOrderField, sort_key => booking::Entity
}

fn sort_key(field: BookingOrderField) -> SortKey<booking::Entity> {
    use booking::{Column, Model};
    match field {
        BookingOrderField::BookedOn => {
            SortKey::column("BOOKED_ON", Column::BookedOn, |row: &Model| Key::Number(row.booked_on.0.into()))
        }
        BookingOrderField::Amount => SortKey::column("AMOUNT", Column::Amount, |row: &Model| Key::Number(row.amount)),
        BookingOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[BookingOrder]>) -> Result<Order<booking::Entity>> {
    let id = SortKey::column("ID", booking::Column::Id, |row: &booking::Model| Key::Id(row.id.uuid()));
    Order::by(BookingOrder::keys(entries), id)
}

/// Arguments of `bookings`.
#[derive(Clone, Debug, InputObject)]
pub struct BookingsArguments {
    /// Only bookings that match this filter; all visible bookings if omitted.
    pub filter: Option<BookingFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<BookingOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

fn by_id() -> Order<booking::Entity> {
    Order::by_id(booking::Column::Id, |row: &booking::Model| Key::Id(row.id.uuid()))
}

/// Resolves `Query.bookings`.
pub async fn bookings(field: &FieldContext<'_>, arguments: BookingsArguments) -> Result<Connection<Booking>> {
    let BookingsArguments { filter, order_by, page } = arguments;
    let filter = filter.unwrap_or_default();
    let visible = VisibleRows {
        select: booking::Entity::of(field.request.viewer()?.organization.id)
            .filter(condition_of(field.request, &filter).await?),
        account: booking::Column::AccountId,
        is_selective: equals(&filter.account_id) || equals(&filter.opportunity_id) || filter.external_id.is_value(),
    };
    visible.page(field, &order(order_by.as_deref())?, &page).await
}

/// Resolves `Account.bookings`.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<Connection<crate::domain::booking::Booking>>> {
    let arguments: PageArguments = field.arguments()?;
    let below = RowsPerParent::<booking::Entity> {
        select: booking::Entity::of(field.request.viewer()?.organization.id),
        foreign: booking::Column::AccountId,
    };
    let pages: Vec<Connection<Booking>> =
        below.pages(field, of, |row| Some(row.account_id), &by_id(), &arguments).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Resolves `Opportunity.bookings`. They are at the opportunity's account, which the viewer sees.
pub async fn of_opportunities(field: &FieldContext<'_>, of: &[OpportunityId]) -> Result<Batch<Connection<Booking>>> {
    let arguments: PageArguments = field.arguments()?;
    let below = RowsPerParent::<booking::Entity> {
        select: booking::Entity::of(field.request.viewer()?.organization.id),
        foreign: booking::Column::OpportunityId,
    };
    let pages: Vec<Connection<Booking>> =
        below.pages(field, of, |row| row.opportunity_id, &by_id(), &arguments).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}
