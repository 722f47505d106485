//! Bookings, counted and summed by group.

use async_graphql::{Enum, InputObject};
use entity::booking::Column;
use entity::{Scoped, booking};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};

use super::bucket::Bucket;
use super::group::{self, Group, GroupKey, Grouped, Grouping, Values, int};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::list::prepare;
use crate::domain::booking::BookingFilter;
use crate::error::Result;
use crate::graphql::filter::Filter as _;
use crate::graphql::{FieldContext, object};
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
    }
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
}

/// Selects, by account, the number of positive bookings and the sum of the bookings of the current fiscal year.
fn standings(ctx: &RequestContext, viewer: &Viewer) -> SelectStatement {
    let (from, to) = viewer.fiscal_days(None, ctx.now);
    let mut query = booking::Entity::of(viewer.organization.id).select_only().column(Column::AccountId).into_query();
    query
        .expr_as(
            Expr::cust(format!(
                "sum(case when booking.booked_on between {} and {} then booking.amount else 0 end)",
                from.0, to.0
            )),
            "booked",
        )
        .expr_as(Expr::cust("count(*) filter (where booking.amount > 0)"), "positive")
        .group_by_col((booking::Entity, Column::AccountId));
    query
}

/// Returns the SQL of an account's standing. A credit note alone makes no client.
fn standing_sql(viewer: &Viewer) -> String {
    use crate::domain::account::Standing;
    let (prospect, client, key) = (Standing::Prospect.word(), Standing::Client.word(), Standing::Key.word());
    let of_client = viewer.organization.key_account_threshold.map_or_else(
        || format!("'{client}'"),
        |threshold| format!("case when standing.booked >= {threshold} then '{key}' else '{client}' end"),
    );
    format!("case when standing.positive = 0 then '{prospect}' else {of_client} end")
}

/// Resolves `Analytics.bookings`.
///
/// # Errors
/// `BAD_USER_INPUT` for a repeated dimension or an invalid filter; `LIMIT_EXCEEDED` for more than 10,000 groups.
pub async fn bookings(field: &FieldContext<'_>, arguments: AnalyticsBookingsArguments) -> Result<Vec<BookingGroup>> {
    let AnalyticsBookingsArguments { group_by, filter } = arguments;
    let ctx = field.request;
    prepare(ctx, filter.as_ref()).await?;
    let viewer = ctx.viewer()?;
    let names = group::names(&group_by)?;
    let rows = viewer.sums::<booking::Entity>(Column::AccountId).filter(filter.unwrap_or_default().condition(ctx)?);
    let mut grouping = Grouping::of(rows);
    let start = viewer.fiscal_start();
    for (dimension, name) in group_by.iter().zip(names) {
        match dimension {
            BookingDimension::Seller => grouping.by(name, Column::SellerId.into_expr(), Values::USERS),
            BookingDimension::Manager => grouping.by_manager(viewer, name, Column::SellerId),
            BookingDimension::Account => grouping.by(name, Column::AccountId.into_expr(), Values::ACCOUNTS),
            BookingDimension::Industry => grouping.by_industry(viewer, name, Column::AccountId),
            BookingDimension::Standing => {
                grouping.by_joined(
                    name,
                    standings(ctx, viewer),
                    "standing",
                    Column::AccountId,
                    Expr::cust(standing_sql(viewer)),
                );
            }
            BookingDimension::Month => grouping.by_days(name, "booking.booked_on", Bucket::Month),
            BookingDimension::Quarter => grouping.by_days(name, "booking.booked_on", Bucket::Quarter(start)),
            BookingDimension::Year => grouping.by_days(name, "booking.booked_on", Bucket::Year(start)),
        }
    }
    grouping.give(Column::Amount);
    grouping.give(Column::AccountId);
    grouping.measure(field.selects::<BookingGroup>("count")?, "count(*)");
    grouping.measure_sum(field.selects::<BookingGroup>("amount")?, "amount");
    grouping.measure(field.selects::<BookingGroup>("accounts")?, "count(distinct account_id)");
    grouping.run(ctx).await?.into_iter().map(BookingGroup::of).collect()
}

impl BookingGroup {
    fn of(Group { key, measures }: Group) -> Result<Self> {
        let at = |index: usize| measures.get(index).copied().unwrap_or_default();
        Ok(Self { key, count: int(at(0))?, amount: group::amount(group::sum(at(1), at(2)))?, accounts: int(at(3))? })
    }
}
