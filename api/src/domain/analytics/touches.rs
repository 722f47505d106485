//! Touches, counted by group.

use async_graphql::{Enum, InputObject};
use chrono::Datelike as _;
use entity::touch::{Column, TouchKind};
use entity::{Day, Instant, Scoped, touch};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, Iterable, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::bucket::Bucket;
use super::dimension::dimensions;
use super::group::{self, Group, GroupKey, Grouped, Grouping, Values, int};
use super::local;
use crate::context::{RequestContext, Viewer};
use crate::domain::account::list::condition_of;
use crate::domain::targeting::TOUCH_ON_LIST;
use crate::domain::touch::TouchFilter;
use crate::domain::touch::weight::usual_minutes;
use crate::error::Result;
use crate::graphql::{FieldContext, object};
use crate::values::calendar;

/// The dimensions that touches can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TouchDimension {
    /// The user who made the touch or is scheduled to make it.
    User,
    /// The present direct manager of the user; no value if the user has none.
    Manager,
    /// The account.
    Account,
    /// The kind of touch.
    Kind,
    /// The present status; a SCHEDULED touch counts as MISSED once its day is over.
    Status,
    /// Whether the account was an agreed target of the user when the touch began: true or false.
    OnTarget,
    /// The day in the organization's time zone, such as 2017-04-03.
    Day,
    /// The week, named by its Monday.
    Week,
    /// The calendar month, such as 2017-04.
    Month,
    /// The quarter of the fiscal year, such as 2017-Q2.
    Quarter,
    /// The fiscal year, such as 2017.
    Year,
    /// The account's industry, as spelled on the account; no value if it has none.
    Industry,
    /// The present standing of the account.
    Standing,
}

impl TouchDimension {
    /// Returns the period of the dimension, if it is one.
    fn bucket(self, viewer: &Viewer) -> Option<Bucket> {
        match self {
            Self::Day => Some(Bucket::Day),
            Self::Week => Some(Bucket::Week),
            Self::Month => Some(Bucket::Month),
            Self::Quarter => Some(Bucket::Quarter(viewer.fiscal_start())),
            Self::Year => Some(Bucket::Year(viewer.fiscal_start())),
            Self::User
            | Self::Manager
            | Self::Account
            | Self::Kind
            | Self::Status
            | Self::OnTarget
            | Self::Industry
            | Self::Standing => None,
        }
    }
}

/// Touches of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchGroup {
    key: Vec<GroupKey>,
    count: i32,
    minutes: i32,
    accounts: i32,
    responded: i32,
    with_value: i32,
}

object! {
    /// Figures about one group of touches.
    TouchGroup as "TouchGroup" {
        /// The values that the touches of the group share: one part per dimension, in the order of groupBy.
        key: Vec<GroupKey> = batch(group::keys);
        /// The number of touches.
        count: i32 = plain(|group| group.count);
        /// The total duration in minutes. A touch without a duration counts the default of its kind: MEETING 60, EVENT
        /// 120, CALL 15, others 5.
        minutes: i32 = plain(|group| group.minutes);
        /// The number of distinct accounts.
        accounts: i32 = plain(|group| group.accounts);
        /// The number of touches in which the other side took part.
        responded: i32 = plain(|group| group.responded);
        /// The number of touches that gave the client something of value.
        withValue: i32 = plain(|group| group.with_value);
    }
}

impl Grouped for TouchGroup {
    fn key(&self) -> &[GroupKey] {
        &self.key
    }
}

/// Arguments of `analytics.touches`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsTouchesArguments {
    /// The dimensions to group by, each at most once. An empty list returns exactly one group, with zeros if there are
    /// no touches.
    pub group_by: Vec<TouchDimension>,
    /// Only touches that match this filter.
    pub filter: Option<TouchFilter>,
}

/// Returns SQL for a touch's duration in minutes.
fn minutes_sql() -> String {
    let defaults: Vec<String> =
        TouchKind::iter().map(|kind| format!("when '{}' then {}", kind.word(), usual_minutes(kind))).collect();
    format!("coalesce(touch.duration_minutes, case touch.kind {} end)", defaults.join(" "))
}

/// Returns the instants of the organization's first and last touches, or `None` if there are no touches.
async fn range(ctx: &RequestContext, viewer: &Viewer) -> Result<Option<(Instant, Instant)>> {
    // Two queries with order and limit: SQLite reads one row of the index for each, but the whole index for min and max
    // in one query.
    let end = |order: Order| -> SelectStatement {
        touch::Entity::of(viewer.organization.id)
            .select_only()
            .column(Column::At)
            .order_by(Column::At, order)
            .limit(1)
            .into_query()
    };
    let ends = Query::select().expr(Expr::from(end(Order::Asc))).expr(Expr::from(end(Order::Desc))).to_owned();
    let Some(row) = ctx.reader().query_one(&ends).await? else { return Ok(None) };
    let (first, last): (Option<Instant>, Option<Instant>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok(first.zip(last))
}

/// Extends a range of instants to whole months of the organization.
fn months(viewer: &Viewer, first: Instant, last: Instant) -> (Instant, Instant) {
    let from = viewer.day(first).date().with_day(1).and_then(Day::from_date).unwrap_or(Day::FIRST);
    let next = Bucket::Month.first_after(viewer.day(last)).unwrap_or(Day::LAST);
    let until = Instant(calendar::start_of(next, viewer.zone).0 - 1);
    (first.min(calendar::start_of(from, viewer.zone)), last.max(until))
}

/// Returns the bucket, and SQL for the number of the period that contains a touch.
fn period(bucket: Bucket, viewer: &Viewer, first: Instant, last: Instant) -> (Bucket, String) {
    let searched = local::period_sql("touch.at", viewer.zone, bucket, first, last);
    (bucket, searched.unwrap_or_else(|| bucket.sql(&local::day_sql("touch.at", viewer.zone, first, last))))
}

/// Resolves `Analytics.touches`.
///
/// # Errors
/// `BAD_USER_INPUT` for a repeated dimension or an invalid filter; `LIMIT_EXCEEDED` for more than 10,000 groups.
pub async fn touches(field: &FieldContext<'_>, arguments: AnalyticsTouchesArguments) -> Result<Vec<TouchGroup>> {
    let AnalyticsTouchesArguments { group_by, filter } = arguments;
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let names = dimensions(&group_by)?;
    let mut rows =
        viewer.sums::<touch::Entity>(Column::AccountId).filter(condition_of(ctx, &filter.unwrap_or_default()).await?);
    let mut periods = Vec::new();
    if group_by.iter().any(|dimension| dimension.bucket(viewer).is_some()) {
        let Some((first, last)) = range(ctx, viewer).await? else { return Ok(Vec::new()) };
        // Whole months, so that the text of the statement, and with it its cached plan, stays the same for the rest of
        // the month.
        let (first, last) = months(viewer, first, last);
        periods =
            group_by.iter().map(|dimension| Some(period(dimension.bucket(viewer)?, viewer, first, last))).collect();
        // Exclude touches that were logged since, outside of the range: the statement has no offset for them. The
        // bounds are literals so that PostgreSQL knows that they cover nearly all rows.
        rows = rows.filter(Expr::cust(format!("touch.at between {} and {}", first.0, last.0)));
    }
    let mut grouping = Grouping::of(rows);
    for (at, (dimension, name)) in group_by.iter().zip(names).enumerate() {
        if let Some((bucket, number)) = periods.get_mut(at).and_then(Option::take) {
            grouping.by_periods(name, number, bucket);
            continue;
        }
        match dimension {
            TouchDimension::User => grouping.by(name, Column::UserId.into_expr(), Values::USERS),
            TouchDimension::Manager => grouping.by_manager(viewer, name, Column::UserId),
            TouchDimension::Account => grouping.by(name, Column::AccountId.into_expr(), Values::ACCOUNTS),
            TouchDimension::Kind => grouping.by(name, Column::Kind.into_expr(), Values::Text),
            TouchDimension::Status => {
                let missed = format!(
                    "case when touch.status = 'SCHEDULED' and touch.missed_at <= {} then 'MISSED' else touch.status end",
                    ctx.now.0
                );
                grouping.by(name, Expr::cust(missed), Values::Text);
            }
            TouchDimension::OnTarget => {
                let word = format!("case when {TOUCH_ON_LIST} then 'true' else 'false' end");
                grouping.by(name, Expr::cust(word), Values::Text);
            }
            TouchDimension::Industry => grouping.by_industry(viewer, name, Column::AccountId),
            TouchDimension::Standing => grouping.by_standing(ctx, name, Column::AccountId)?,
            TouchDimension::Day
            | TouchDimension::Week
            | TouchDimension::Month
            | TouchDimension::Quarter
            | TouchDimension::Year => {}
        }
    }
    measure(field, grouping).await
}

/// Groups the touches and computes the requested measures only: counting distinct accounts is more expensive than all
/// others.
async fn measure(field: &FieldContext<'_>, mut grouping: Grouping) -> Result<Vec<TouchGroup>> {
    grouping.give_as(minutes_sql(), "minutes");
    for column in [Column::AccountId, Column::Responded, Column::Value] {
        grouping.give(column);
    }
    for (figure, sql) in [
        ("count", "count(*)"),
        ("minutes", "sum(minutes)"),
        ("accounts", "count(distinct account_id)"),
        ("responded", "count(*) filter (where responded)"),
        ("withValue", "count(value)"),
    ] {
        grouping.measure(field.selects::<TouchGroup>(figure)?, sql);
    }
    grouping.run(field.request).await?.into_iter().map(TouchGroup::of).collect()
}

impl TouchGroup {
    fn of(Group { key, measures }: Group) -> Result<Self> {
        let at = |index: usize| int(measures.get(index).copied().unwrap_or_default());
        Ok(Self { key, count: at(0)?, minutes: at(1)?, accounts: at(2)?, responded: at(3)?, with_value: at(4)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_default_duration() {
        assert_eq!(
            minutes_sql(),
            "coalesce(touch.duration_minutes, case touch.kind when 'CALL' then 15 when 'EMAIL' then 5 when 'MEETING' then 60 \
             when 'MESSAGE' then 5 when 'EVENT' then 120 when 'MAIL' then 5 when 'OTHER' then 5 end)"
        );
    }
}
