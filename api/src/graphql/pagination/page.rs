//! A page as asked for, of one list or of what the viewer sees of it.

use std::sync::Arc;

use async_graphql::InputObject;
use entity::{Columns, Row, Scoped};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, JoinType, Query, SelectStatement};
use sea_orm::{DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

use super::connection::{Connection, ConnectionNode, Edge, PageSlice};
use super::order::{Key, Order, column_index};
use crate::context::{RequestContext, Viewer};
use crate::error::{Error, Result};
use crate::graphql::{FieldContext, ReadColumns as _, selections_of};
use database::columns::select_columns;

/// Items of a page where neither first nor last is given.
pub const DEFAULT_PAGE: i32 = 25;
/// Items of a page at most.
pub const LARGEST_PAGE: i32 = 200;

/// The four arguments of every connection.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PageArguments {
    /// How many items from the start (or from after `after`): 0 to 200. 25 where neither first nor last is given.
    pub first: Option<i32>,
    /// A cursor: only items after it.
    pub after: Option<String>,
    /// How many items from the end (or from before `before`): 0 to 200. Not together with first.
    pub last: Option<i32>,
    /// A cursor: only items before it.
    pub before: Option<String>,
}

/// A page as asked for, checked.
#[derive(Clone)]
pub struct Page {
    pub(super) size: u64,
    /// Is it to be told whether there are more?
    pub(super) ahead: bool,
    pub(super) backwards: bool,
    pub(super) after: Option<Vec<Key>>,
    pub(super) before: Option<Vec<Key>>,
}

impl Page {
    /// Checks the four arguments against an ordering.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for first and last together, for a size below 0 or above 200, and for a foreign cursor.
    pub(super) fn of<E: EntityTrait>(arguments: &PageArguments, order: &Order<E>, reading: Reading) -> Result<Self> {
        let PageArguments { first, after, last, before } = arguments;
        let size = match (first, last) {
            (Some(_), Some(_)) => return Err(Error::BadInput("Give first or last, not both.".to_owned())),
            (Some(size), None) | (None, Some(size)) => *size,
            (None, None) => DEFAULT_PAGE,
        };
        if !(0..=LARGEST_PAGE).contains(&size) {
            let name = if last.is_some() { "last" } else { "first" };
            return Err(Error::BadInput(format!("{name} is between 0 and {LARGEST_PAGE}; {size} was given.")));
        }
        Ok(Self {
            size: u64::from(size.unsigned_abs()),
            ahead: reading.more,
            backwards: last.is_some(),
            after: after.as_deref().map(|cursor| order.place(cursor)).transpose()?,
            before: before.as_deref().map(|cursor| order.place(cursor)).transpose()?,
        })
    }

    pub(super) fn narrow<E: EntityTrait>(&self, mut select: Select<E>, order: &Order<E>) -> Select<E> {
        if let Some(place) = &self.after {
            select = select.filter(order.beyond(place, false));
        }
        if let Some(place) = &self.before {
            select = select.filter(order.beyond(place, true));
        }
        for (key, direction) in &order.keys {
            let direction = if self.backwards { direction.flipped() } else { *direction };
            select = select.order_by(key.expression.clone(), direction.sql());
        }
        select.limit(self.limit())
    }

    /// How many rows are read: one more than asked for tells whether there are more.
    fn limit(&self) -> u64 {
        self.size + u64::from(self.ahead)
    }

    /// The page that rows make which were read for it alone.
    fn of_all<E: EntityTrait, T: From<E::Model>>(
        &self,
        rows: Vec<E::Model>,
        order: &Order<E>,
        total: Option<i64>,
        cursors: Cursors,
    ) -> Connection<T> {
        let slice = self.slice(&rows, (0..rows.len()).collect(), order, total, cursors);
        Connection { rows: shared_rows(rows), slice }
    }

    /// Which of many rows make the page, by the places of those that were read for it: in its order, and perhaps one more
    /// than it has.
    pub(super) fn slice<E: EntityTrait>(
        &self,
        rows: &[E::Model],
        mut places: Vec<usize>,
        order: &Order<E>,
        total: Option<i64>,
        cursors: Cursors,
    ) -> PageSlice {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = places.len() > size;
        places.truncate(size);
        if self.backwards {
            places.reverse();
        }
        let cursor_of = order.cursors();
        let cursor = |place: &usize| cursor_of(&rows[*place]);
        let cursors = match cursors {
            Cursors::All => places.iter().map(cursor).collect(),
            Cursors::Ends => places.first().into_iter().chain(places.last()).map(cursor).collect(),
            Cursors::None => Vec::new(),
        };
        PageSlice {
            places,
            cursors,
            has_next: if self.backwards { self.before.is_some() } else { more },
            has_previous: if self.backwards { more } else { self.after.is_some() },
            total,
        }
    }
}

/// Rows for pages to hold.
pub(super) fn shared_rows<R, T: From<R>>(rows: Vec<R>) -> Arc<Vec<T>> {
    Arc::new(rows.into_iter().map(T::from).collect())
}

/// One page of a list.
///
/// # Errors
/// As [`Page::of`].
pub async fn page<E, T>(
    field: &FieldContext<'_>,
    select: Select<E>,
    order: &Order<E>,
    arguments: &PageArguments,
) -> Result<Connection<T>>
where
    E: Scoped,
    E::Model: Row + Send + Sync,
    T: ConnectionNode + From<E::Model>,
{
    let reading = Reading::of::<E, T>(field, order, &[])?;
    let page = Page::of(arguments, order, reading)?;
    let total = if reading.total { Some(count(field.request, select.clone()).await?) } else { None };
    let select = select_columns(page.narrow(select, order), reading.columns).into_query();
    let rows = field.request.rows(&select, reading.columns).await?;
    Ok(page.of_all(rows, order, total, reading.cursors))
}

/// Which cursors of a page are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursors {
    /// Each item's.
    All,
    /// Those of the first and the last item.
    Ends,
    /// No one's.
    None,
}

/// What of a page's rows is read, by what is asked of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub columns: Columns,
    pub cursors: Cursors,
    /// Is it asked whether there are more?
    pub more: bool,
    pub total: bool,
}

impl Reading {
    /// Whole rows, without cursors.
    pub const ALL: Self = Self { columns: Columns::ALL, cursors: Cursors::None, more: false, total: false };

    /// What a connection's selection needs, and its ordering, and these columns besides.
    pub fn of<E, T>(field: &FieldContext<'_>, order: &Order<E>, besides: &[E::Column]) -> Result<Self>
    where
        E: EntityTrait<Model: Row>,
        T: ConnectionNode,
    {
        let page = field.collected::<Connection<T>>()?;
        let mut nodes = selections_of(&page, "nodes");
        let edges = field.collected_in::<Edge<T>>(&selections_of(&page, "edges"))?;
        nodes.extend(selections_of(&edges, "node"));
        let columns = field.columns::<T, E::Model>(&nodes)?;
        let columns = order.keys.iter().map(|(key, _)| key.place()).fold(columns, Columns::with);
        let columns = besides.iter().map(|column| column_index::<E>(*column)).fold(columns, Columns::with);
        let asks = |name: &str| page.iter().any(|chosen| chosen.name() == name);
        let cursors = if asks("edges") {
            Cursors::All
        } else if asks("pageInfo") {
            Cursors::Ends
        } else {
            Cursors::None
        };
        Ok(Self { columns, cursors, more: asks("pageInfo"), total: asks("totalCount") })
    }
}

/// What a list reads that hangs off accounts: rows of which the viewer sees some.
pub struct VisibleRows<E: EntityTrait> {
    /// The rows, seen or not.
    pub select: Select<E>,
    /// The column that names the account.
    pub account: E::Column,
    /// Has the filter an index of its own that finds few rows, whatever the accounts?
    pub is_selective: bool,
}

impl<E> VisibleRows<E>
where
    E: Scoped,
    E::Model: Row + Send + Sync,
{
    /// One page of what the viewer sees.
    ///
    /// In an ordering of the whole organization, the rows of fifty accounts among ten thousand lie far apart. So for a
    /// viewer with few seats each account's own stretch of the ordering is read, as far as it can matter: first the
    /// foremost row of each account, of which the one that would be the page's last bounds the rest.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub async fn page<T>(
        self,
        field: &FieldContext<'_>,
        order: &Order<E>,
        arguments: &PageArguments,
    ) -> Result<Connection<T>>
    where
        T: ConnectionNode + From<E::Model>,
    {
        let viewer = field.request.viewer()?;
        let seen = self.select.clone().filter(viewer.sees(self.account));
        if viewer.sees_everything() || self.is_selective || !viewer.sees_few_accounts() {
            return page(field, seen, order, arguments).await;
        }
        let reading = Reading::of::<E, T>(field, order, &[self.account])?;
        let page = Page::of(arguments, order, reading)?;
        let total = if reading.total { Some(count(field.request, seen).await?) } else { None };
        let foremost = Page { size: 1, ahead: false, ..page.clone() };
        let mut probe = self.by_seat(field.request, viewer, order, &foremost, reading);
        probe.offset(page.size).limit(1);
        let edge: Vec<E::Model> = field.request.rows(&probe, reading.columns).await?;
        let mut bounded = self;
        if let Some(edge) = edge.first() {
            let place: Vec<Key> = order.keys.iter().map(|(key, _)| (key.read)(edge)).collect();
            bounded.select = bounded.select.filter(order.up_to(&place, page.backwards));
        }
        let mut rows = bounded.by_seat(field.request, viewer, order, &page, reading);
        rows.limit(page.limit());
        let rows = field.request.rows(&rows, reading.columns).await?;
        Ok(page.of_all(rows, order, total, reading.cursors))
    }

    /// A page of each account that the viewer has a seat at, all in the page's order.
    fn by_seat(
        &self,
        ctx: &RequestContext,
        viewer: &Viewer,
        order: &Order<E>,
        page: &Page,
        reading: Reading,
    ) -> SelectStatement {
        let (seat, row) = (Alias::new("seen"), Alias::new("row"));
        let mut seats = viewer.seats_query();
        seats.distinct();
        let mut outer = Query::select();
        outer.expr(E::listed("row", reading.columns)).from_subquery(seats, seat.clone());
        let mut inner = select_columns(page.narrow(self.select.clone(), order), reading.columns).into_query();
        let account = (seat, entity::seat::Column::AccountId);
        inner.and_where(Expr::col((E::default(), self.account)).equals(account));
        join_rows::<E>(ctx, &mut outer, inner);
        for (key, direction) in &order.keys {
            let direction = if page.backwards { direction.flipped() } else { *direction };
            outer.order_by_expr(key.of(&row), direction.sql());
        }
        outer
    }
}

/// Joins to each row of the outer query, under the name `row`, what the inner one finds for it.
pub(super) fn join_rows<E: EntityTrait>(ctx: &RequestContext, outer: &mut SelectStatement, mut inner: SelectStatement) {
    let row = Alias::new("row");
    if ctx.app.db.backend() == DbBackend::Postgres {
        outer.join_lateral(JoinType::InnerJoin, inner, row, Expr::cust("true"));
    } else {
        // SQLite has no lateral join. A correlated list of its own row numbers does the same: they stand in every index, and
        // lead to the row without another one.
        inner.clear_selects().expr(Expr::cust(format!("\"{}\".rowid", E::default().table_name())));
        outer.join_as(JoinType::InnerJoin, E::default(), row, Expr::cust("\"row\".rowid").in_subquery(inner));
    }
}

/// How many rows there are.
///
/// # Errors
/// The database's.
pub async fn count<E: EntityTrait>(ctx: &RequestContext, select: Select<E>) -> Result<i64> {
    let mut query = select.into_query();
    query.clear_selects().clear_order_by().expr(Expr::cust("count(*)"));
    let row = sea_orm::ConnectionTrait::query_one(ctx.reader(), &query).await?;
    Ok(match row {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    })
}
