//! Bookings, counted and summed by group.

use std::collections::HashMap;

use async_graphql::{Enum, InputObject};
use entity::booking::Column;
use entity::{Day, Scoped, booking};
use sea_orm::sea_query::{Alias, Expr, SelectStatement};
use sea_orm::{ColumnTrait, IdenStatic as _, Iterable as _, QueryFilter, QuerySelect, QueryTrait};

use super::bucket::{Bucket, year_later_sql};
use super::dimension::dimensions;
use super::group::{self, Group, GroupKey, Grouped, Grouping, Values, int};
use crate::context::Viewer;
use crate::domain::account::list::condition_of;
use crate::domain::booking::BookingFilter;
use crate::error::Result;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::money::Money;

/// The dimensions that bookings can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BookingDimension {
    /// The user credited with the sale.
    Seller,
    /// The present direct manager of the seller; no value if the seller has none.
    Manager,
    /// The account.
    Account,
    /// The account's industry, as spelled on the account; no value if it has none.
    Industry,
    /// The present standing of the account.
    Standing,
    /// The day of bookedOn, such as 2017-04-03.
    Day,
    /// The week of bookedOn, named by its Monday.
    Week,
    /// The calendar month of bookedOn, such as 2017-04.
    Month,
    /// The quarter of the fiscal year of bookedOn, such as 2017-Q2.
    Quarter,
    /// The fiscal year of bookedOn, such as 2017.
    Year,
}

/// Bookings of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingGroup {
    key: Vec<GroupKey>,
    count: i32,
    amount: i64,
    accounts: i32,
    previous: Option<Box<BookingGroup>>,
}

/// What figures are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AnalyticsComparison {
    /// The year before, up to the same day of it as today.
    PreviousYear,
}

object! {
    /// Figures about one group of bookings.
    BookingGroup as "BookingGroup" {
        /// The values that the bookings of the group share: one part per dimension, in the order of groupBy.
        key: Vec<GroupKey> = batch(group::keys);
        /// The number of bookings, including credit notes.
        count: i32 = plain(|group| group.count);
        /// The sum of the amounts. Credit notes are negative and reduce it.
        amount: Money = plain(|group, ctx| ctx.money(group.amount));
        /// The number of distinct accounts.
        accounts: i32 = plain(|group| group.accounts);
        /// The same figures of the year before, with `compareTo: PREVIOUS_YEAR`: those of the bookings that would be in the
        /// group if they had been made a year later, up to the day a year before today. Zeros if there were none; null
        /// without `compareTo`.
        previous: Option<BookingGroup> = batch(previous);
    }
}

async fn previous(field: &FieldContext<'_>, of: &[&BookingGroup]) -> Result<Batch<Option<BookingGroup>>> {
    field.optional_objects(&of.iter().map(|group| group.previous.as_deref()).collect::<Vec<_>>()).await
}

impl Grouped for BookingGroup {
    fn key(&self) -> &[GroupKey] {
        &self.key
    }
}

/// Arguments of `analytics.bookings`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsBookingsArguments {
    /// The dimensions to group by, each at most once. An empty list returns exactly one group, with zeros if there are
    /// no bookings.
    pub group_by: Vec<BookingDimension>,
    /// Only bookings that match this filter.
    pub filter: Option<BookingFilter>,
    /// Adds the figures of the year before to each group, and the groups that only that year has. A booking of the year
    /// before is filtered and grouped as if it had been made a year later.
    pub compare_to: Option<AnalyticsComparison>,
}

/// Returns the bookings with their days a year later, up to today, in place of the table.
fn a_year_later(viewer: &Viewer, today: Day) -> SelectStatement {
    let later = year_later_sql("booking.booked_on");
    let mut rows = booking::Entity::of(viewer.organization.id).select_only().into_query();
    for column in Column::iter() {
        match column {
            Column::BookedOn => rows.expr_as(Expr::cust(later.clone()), Alias::new(column.as_str())),
            column => rows.expr_as(column.into_expr(), Alias::new(column.as_str())),
        };
    }
    // The last year of the calendar has no next one.
    rows.and_where(Expr::cust(format!("booking.booked_on <= {} and {later} <= {}", Day::LAST.0 - 366, today.0)));
    rows
}

/// Resolves `Analytics.bookings`: one statement, and one more with `compareTo`.
///
/// # Errors
/// `BAD_USER_INPUT` for a repeated dimension or an invalid filter; `LIMIT_EXCEEDED` for more than 10,000 groups.
pub async fn bookings(field: &FieldContext<'_>, arguments: AnalyticsBookingsArguments) -> Result<Vec<BookingGroup>> {
    let AnalyticsBookingsArguments { group_by, filter, compare_to } = arguments;
    let filter = filter.unwrap_or_default();
    let groups = grouped(field, &group_by, &filter, None).await?;
    let Some(AnalyticsComparison::PreviousYear) = compare_to else { return Ok(groups) };
    let viewer = field.request.viewer()?;
    let earlier = a_year_later(viewer, viewer.day(field.request.now));
    let earlier = grouped(field, &group_by, &filter, Some(earlier)).await?;
    with_previous(groups, earlier)
}

/// Adds the groups of the year before to those of the same keys.
fn with_previous(groups: Vec<BookingGroup>, earlier: Vec<BookingGroup>) -> Result<Vec<BookingGroup>> {
    let mut rows: HashMap<Vec<GroupKey>, (Option<BookingGroup>, Option<BookingGroup>)> = HashMap::new();
    for group in groups {
        let (now, _) = rows.entry(group.key.clone()).or_default();
        *now = Some(group);
    }
    for group in earlier {
        let (_, before) = rows.entry(group.key.clone()).or_default();
        *before = Some(group);
    }
    let row = |(key, (now, before)): (Vec<GroupKey>, (Option<BookingGroup>, Option<BookingGroup>))| {
        let zeros = || BookingGroup { key: key.clone(), count: 0, amount: 0, accounts: 0, previous: None };
        let previous = Some(Box::new(before.unwrap_or_else(zeros)));
        BookingGroup { previous, ..now.unwrap_or_else(zeros) }
    };
    Ok(group::ordered(rows)?.into_iter().map(row).collect())
}

/// Groups the bookings, or the rows that are given in their place.
async fn grouped(
    field: &FieldContext<'_>,
    group_by: &[BookingDimension],
    filter: &BookingFilter,
    instead: Option<SelectStatement>,
) -> Result<Vec<BookingGroup>> {
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let mut rows = viewer.sums::<booking::Entity>(Column::AccountId).filter(condition_of(ctx, filter).await?);
    // What is selected of the year before is not known here: all of it is read.
    let compared = instead.is_some() || field.selects::<BookingGroup>("previous")?;
    if let Some(instead) = instead {
        QuerySelect::query(&mut rows).from_clear().from_subquery(instead, Alias::new("booking"));
    }
    let mut grouping = Grouping::of(rows);
    let start = viewer.fiscal_start();
    for (dimension, name) in group_by.iter().zip(dimensions(group_by)?) {
        match dimension {
            BookingDimension::Seller => grouping.by(name, Column::SellerId.into_expr(), Values::USERS),
            BookingDimension::Manager => grouping.by_manager(viewer, name, Column::SellerId),
            BookingDimension::Account => grouping.by(name, Column::AccountId.into_expr(), Values::ACCOUNTS),
            BookingDimension::Industry => grouping.by_industry(viewer, name, Column::AccountId),
            BookingDimension::Standing => grouping.by_standing(ctx, name, Column::AccountId)?,
            BookingDimension::Day => grouping.by_days(name, "booking.booked_on", Bucket::Day),
            BookingDimension::Week => grouping.by_days(name, "booking.booked_on", Bucket::Week),
            BookingDimension::Month => grouping.by_days(name, "booking.booked_on", Bucket::Month),
            BookingDimension::Quarter => grouping.by_days(name, "booking.booked_on", Bucket::Quarter(start)),
            BookingDimension::Year => grouping.by_days(name, "booking.booked_on", Bucket::Year(start)),
        }
    }
    grouping.give(Column::Amount);
    grouping.give(Column::AccountId);
    grouping.measure(compared || field.selects::<BookingGroup>("count")?, "count(*)");
    grouping.measure_sum(compared || field.selects::<BookingGroup>("amount")?, "amount");
    grouping.measure(compared || field.selects::<BookingGroup>("accounts")?, "count(distinct account_id)");
    grouping.run(ctx).await?.into_iter().map(BookingGroup::of).collect()
}

impl BookingGroup {
    fn of(Group { key, measures }: Group) -> Result<Self> {
        let at = |index: usize| measures.get(index).copied().unwrap_or_default();
        let (count, amount) = (int(at(0))?, group::amount(group::sum(at(1), at(2)))?);
        Ok(Self { key, count, amount, accounts: int(at(3))?, previous: None })
    }
}
