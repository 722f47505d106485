//! Bookings by group.

use async_graphql::{Enum, InputObject};
use entity::booking::Column;
use entity::{Scoped, booking};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};

use super::bucket::Bucket;
use super::group::{self, Group, GroupKey, Grouped, Grouping, Values, int};
use crate::context::{RequestContext, Viewer};
use crate::domain::booking::BookingFilter;
use crate::error::Result;
use crate::graphql::{FieldContext, object};
use crate::values::money::Money;

/// What bookings are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BookingDimension {
    /// Whose sale it was.
    Seller,
    /// The direct manager, today, of whose sale it was; no value where there is none.
    Manager,
    /// The account.
    Account,
    /// The account's industry, as it is spelt there; no value where it has none.
    Industry,
    /// How the account stands today.
    Standing,
    /// The calendar month: 2017-04.
    Month,
    /// The quarter of the fiscal year: 2017-Q2.
    Quarter,
    /// The fiscal year: 2017.
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
    /// Bookings of one group.
    BookingGroup as "BookingGroup" {
        /// What the group's bookings have in common: a part for each dimension, in their order.
        key: Vec<GroupKey> = batch(group::keys);
        /// How many bookings there are, credit notes included.
        count: i32 = plain(|group| group.count);
        /// Their sum; credit notes are taken off.
        amount: Money = plain(|group, ctx| ctx.money(group.amount));
        /// From how many different accounts.
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
pub struct BookingsArguments {
    /// What to group by, each dimension once. Of none there is exactly one group, with zeros where there are no bookings.
    pub group_by: Vec<BookingDimension>,
    /// Which bookings.
    pub filter: Option<BookingFilter>,
}

/// The number of each account's bookings, and the sum of those of the current fiscal year.
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
        .group_by_col((booking::Entity, Column::AccountId));
    query
}

/// The word for how an account stands: what was booked at all has made it a client.
fn standing_sql(viewer: &Viewer) -> String {
    use crate::domain::account::Standing;
    match viewer.organization.key_account_threshold {
        Some(threshold) => {
            format!(
                "case when standing.booked >= {threshold} then '{}' else '{}' end",
                Standing::Key.word(),
                Standing::Client.word()
            )
        }
        None => format!("'{}'", Standing::Client.word()),
    }
}

/// `analytics.bookings`.
///
/// # Errors
/// `BAD_USER_INPUT` for a dimension named twice and for what a filter refuses; `LIMIT_EXCEEDED` for more than 10,000
/// groups; the database's.
pub async fn bookings(field: &FieldContext<'_>, arguments: BookingsArguments) -> Result<Vec<BookingGroup>> {
    let BookingsArguments { group_by, filter } = arguments;
    let ctx = field.request;
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
        let at = |place: usize| measures.get(place).copied().unwrap_or_default();
        Ok(Self { key, count: int(at(0))?, amount: group::amount(group::sum(at(1), at(2)))?, accounts: int(at(3))? })
    }
}
