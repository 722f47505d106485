//! Touches by group.

use async_graphql::{Enum, InputObject};
use chrono::Datelike as _;
use entity::touch::{Column, TouchKind};
use entity::{Day, Instant, Scoped, touch};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, Iterable, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::bucket::Bucket;
use super::group::{self, Group, GroupKey, Grouped, Grouping, Values, int};
use super::local;
use crate::context::{RequestContext, Viewer};
use crate::domain::targeting::TOUCH_ON_LIST;
use crate::domain::touch::TouchFilter;
use crate::domain::touch::weight::usual_minutes;
use crate::error::Result;
use crate::graphql::filter::Filter as _;
use crate::graphql::{FieldContext, object};
use crate::values::calendar;

/// What touches are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TouchDimension {
    /// Who made them, or is to.
    User,
    /// The direct manager, today, of who made them; no value where there is none.
    Manager,
    /// The account.
    Account,
    /// How they were made.
    Kind,
    /// Where they stand now: SCHEDULED reads as MISSED once its day is over.
    Status,
    /// Whether the account was an agreed target of the user's when the touch began: true or false.
    OnTarget,
    /// The organization's day: 2017-04-03.
    Day,
    /// The week, by its Monday.
    Week,
    /// The calendar month: 2017-04.
    Month,
    /// The quarter of the fiscal year: 2017-Q2.
    Quarter,
}

impl TouchDimension {
    /// The stretch of days that it is.
    fn bucket(self, viewer: &Viewer) -> Option<Bucket> {
        match self {
            Self::Day => Some(Bucket::Day),
            Self::Week => Some(Bucket::Week),
            Self::Month => Some(Bucket::Month),
            Self::Quarter => Some(Bucket::Quarter(viewer.fiscal_start())),
            Self::User | Self::Manager | Self::Account | Self::Kind | Self::Status | Self::OnTarget => None,
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
    /// Touches of one group.
    TouchGroup as "TouchGroup" {
        /// What the group's touches have in common: a part for each dimension, in their order.
        key: Vec<GroupKey> = batch(group::keys);
        /// How many touches there are.
        count: i32 = plain(|group| group.count);
        /// How many minutes they take. A touch without a duration counts its kind's default: MEETING 60, EVENT 120,
        /// CALL 15, others 5.
        minutes: i32 = plain(|group| group.minutes);
        /// At how many different accounts.
        accounts: i32 = plain(|group| group.accounts);
        /// How many of them the other side took part in.
        responded: i32 = plain(|group| group.responded);
        /// How many of them gave the client something of value.
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
pub struct TouchesArguments {
    /// What to group by, each dimension once. Of none there is exactly one group, with zeros where there are no touches.
    pub group_by: Vec<TouchDimension>,
    /// Which touches.
    pub filter: Option<TouchFilter>,
}

/// A touch's minutes, in SQL.
fn minutes_sql() -> String {
    let defaults: Vec<String> =
        TouchKind::iter().map(|kind| format!("when '{}' then {}", kind.word(), usual_minutes(kind))).collect();
    format!("coalesce(touch.duration_minutes, case touch.kind {} end)", defaults.join(" "))
}

/// The first and the last instant at which the organization has touches; None where it has none.
async fn range(ctx: &RequestContext, viewer: &Viewer) -> Result<Option<(Instant, Instant)>> {
    // An ordering and a limit each: SQLite reads one row of the index for that, and all of it for min and max together.
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

/// The first instant of the organization's month that one is in, and the last of the month that another is in.
fn months(viewer: &Viewer, first: Instant, last: Instant) -> (Instant, Instant) {
    let from = viewer.day(first).date().with_day(1).and_then(Day::from_date).unwrap_or(Day::FIRST);
    let next = Bucket::Month.first_after(viewer.day(last)).unwrap_or(Day::LAST);
    let until = Instant(calendar::start_of(next, viewer.zone).0 - 1);
    (first.min(calendar::start_of(from, viewer.zone)), last.max(until))
}

/// A stretch of days, and SQL for the number of the one that a touch is in.
fn stretch(bucket: Bucket, viewer: &Viewer, first: Instant, last: Instant) -> (Bucket, String) {
    let searched = local::stretch_sql("touch.at", viewer.zone, bucket, first, last);
    (bucket, searched.unwrap_or_else(|| bucket.sql(&local::day_sql("touch.at", viewer.zone, first, last))))
}

/// `analytics.touches`.
///
/// # Errors
/// `BAD_USER_INPUT` for a dimension named twice and for what a filter refuses; `LIMIT_EXCEEDED` for more than 10,000
/// groups; the database's.
pub async fn touches(field: &FieldContext<'_>, arguments: TouchesArguments) -> Result<Vec<TouchGroup>> {
    let TouchesArguments { group_by, filter } = arguments;
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let names = group::names(&group_by)?;
    let mut rows = viewer.sums::<touch::Entity>(Column::AccountId).filter(filter.unwrap_or_default().condition(ctx)?);
    let mut stretches = Vec::new();
    if group_by.iter().any(|dimension| dimension.bucket(viewer).is_some()) {
        let Some((first, last)) = range(ctx, viewer).await? else { return Ok(Vec::new()) };
        // Whole months, so that the statement's text, and with it its plan, holds for the rest of the month.
        let (first, last) = months(viewer, first, last);
        stretches =
            group_by.iter().map(|dimension| Some(stretch(dimension.bucket(viewer)?, viewer, first, last))).collect();
        // What was logged since, before the first or after the last, has no offset in the statement. As numbers in the
        // text they tell PostgreSQL that they are nearly all rows.
        rows = rows.filter(Expr::cust(format!("touch.at between {} and {}", first.0, last.0)));
    }
    let mut grouping = Grouping::of(rows);
    for (at, (dimension, name)) in group_by.iter().zip(names).enumerate() {
        if let Some((bucket, number)) = stretches.get_mut(at).and_then(Option::take) {
            grouping.by_stretches(name, number, bucket);
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
            TouchDimension::Day | TouchDimension::Week | TouchDimension::Month | TouchDimension::Quarter => {}
        }
    }
    measure(field, grouping).await
}

/// Makes the groups, with the figures that are asked for: counting different accounts costs more than all the rest.
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
        let at = |place: usize| int(measures.get(place).copied().unwrap_or_default());
        Ok(Self { key, count: at(0)?, minutes: at(1)?, accounts: at(2)?, responded: at(3)?, with_value: at(4)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_default() {
        assert_eq!(
            minutes_sql(),
            "coalesce(touch.duration_minutes, case touch.kind when 'CALL' then 15 when 'EMAIL' then 5 when 'MEETING' then 60 \
             when 'MESSAGE' then 5 when 'EVENT' then 120 when 'MAIL' then 5 when 'OTHER' then 5 end)"
        );
    }
}
