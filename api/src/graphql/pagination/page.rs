//! One page of a list, or of the rows of a list that the viewer sees.

use std::sync::Arc;

use async_graphql::InputObject;
use database::columns::select_columns;
use entity::{Columns, Row, Scoped};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, JoinType, Query, SelectStatement};
use sea_orm::{DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

use super::connection::{Connection, ConnectionNode, Edge, PageSlice};
use super::order::{Key, Order, column_index};
use crate::context::{RequestContext, Viewer};
use crate::error::{Error, Result};
use crate::graphql::{FieldContext, ReadColumns as _, selections_of};

/// The number of items of a page without `first` and `last`.
pub const DEFAULT_PAGE: i32 = 25;
/// The largest number of items of a page.
pub const LARGEST_PAGE: i32 = 200;

/// The four arguments of every connection.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PageArguments {
    /// The number of items from the start of the list, or after `after`: 0 to 200. Defaults to 25 unless `last` is given.
    pub first: Option<i32>,
    /// A cursor. Only items after it are returned.
    pub after: Option<String>,
    /// The number of items from the end of the list, or before `before`: 0 to 200. Cannot be combined with `first`.
    pub last: Option<i32>,
    /// A cursor. Only items before it are returned.
    pub before: Option<String>,
}

/// Page arguments that have been checked.
#[derive(Clone)]
pub struct Page {
    pub(super) size: u64,
    /// Whether to read one row more, to find out whether there is a further page.
    pub(super) ahead: bool,
    pub(super) backwards: bool,
    pub(super) after: Option<Vec<Key>>,
    pub(super) before: Option<Vec<Key>>,
}

impl Page {
    /// Checks the four arguments against an ordering.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for `first` together with `last`, for a size below 0 or above 200, and for a cursor of another list or
    /// ordering.
    pub(super) fn of<E: EntityTrait>(
        arguments: &PageArguments,
        order: &Order<E>,
        selection: PageSelection,
    ) -> Result<Self> {
        let PageArguments { first, after, last, before } = arguments;
        let size = match (first, last) {
            (Some(_), Some(_)) => return Err(Error::BadInput("Give either `first` or `last`, not both.".to_owned())),
            (Some(size), None) | (None, Some(size)) => *size,
            (None, None) => DEFAULT_PAGE,
        };
        if !(0..=LARGEST_PAGE).contains(&size) {
            let name = if last.is_some() { "last" } else { "first" };
            return Err(Error::BadInput(format!("`{name}` must be between 0 and {LARGEST_PAGE}; {size} was given.")));
        }
        Ok(Self {
            size: u64::from(size.unsigned_abs()),
            ahead: selection.page_info,
            backwards: last.is_some(),
            after: after.as_deref().map(|cursor| order.place(cursor)).transpose()?,
            before: before.as_deref().map(|cursor| order.place(cursor)).transpose()?,
        })
    }

    pub(super) fn narrow<E: EntityTrait>(&self, mut select: Select<E>, order: &Order<E>) -> Select<E> {
        if let Some(position) = &self.after {
            select = select.filter(order.beyond(position, false));
        }
        if let Some(position) = &self.before {
            select = select.filter(order.beyond(position, true));
        }
        for (key, direction) in &order.keys {
            let direction = if self.backwards { direction.flipped() } else { *direction };
            select = select.order_by(key.expression.clone(), direction.sql());
        }
        select.limit(self.limit())
    }

    /// Returns the number of rows to read: one more than the page has if a further page is to be detected.
    fn limit(&self) -> u64 {
        self.size + u64::from(self.ahead)
    }

    /// Returns the page of rows that were read for this page only.
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

    /// Returns the slice of `rows` that forms the page. `indices` are those of the rows that were read for the page, in the
    /// order of reading: at most one more than the page has.
    pub(super) fn slice<E: EntityTrait>(
        &self,
        rows: &[E::Model],
        mut indices: Vec<usize>,
        order: &Order<E>,
        total: Option<i64>,
        cursors: Cursors,
    ) -> PageSlice {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = indices.len() > size;
        indices.truncate(size);
        if self.backwards {
            indices.reverse();
        }
        let cursor_of = order.cursors();
        let cursor = |index: &usize| cursor_of(&rows[*index]);
        let cursors = match cursors {
            Cursors::All => indices.iter().map(cursor).collect(),
            Cursors::Ends => indices.first().into_iter().chain(indices.last()).map(cursor).collect(),
            Cursors::None => Vec::new(),
        };
        PageSlice {
            indices,
            cursors,
            has_next: if self.backwards { self.before.is_some() } else { more },
            has_previous: if self.backwards { more } else { self.after.is_some() },
            total,
        }
    }
}

/// Converts rows to objects that several pages can share.
pub(super) fn shared_rows<R, T: From<R>>(rows: Vec<R>) -> Arc<Vec<T>> {
    Arc::new(rows.into_iter().map(T::from).collect())
}

/// Returns one page of a list.
///
/// # Errors
/// `BAD_USER_INPUT` for invalid page arguments.
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
    let selection = PageSelection::of::<E, T>(field, order, &[])?;
    let page = Page::of(arguments, order, selection)?;
    let total = if selection.total { Some(count(field.request, select.clone()).await?) } else { None };
    let select = select_columns(page.narrow(select, order), selection.columns).into_query();
    let rows = field.request.rows(&select, selection.columns).await?;
    Ok(page.of_all(rows, order, total, selection.cursors))
}

/// The cursors of a page that are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursors {
    /// The cursor of each item.
    All,
    /// The cursors of the first and the last item.
    Ends,
    /// No cursors.
    None,
}

/// What the selection on a connection needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageSelection {
    /// The columns of the rows.
    pub columns: Columns,
    pub cursors: Cursors,
    /// Whether `pageInfo` is selected.
    pub page_info: bool,
    /// Whether `totalCount` is selected.
    pub total: bool,
}

impl PageSelection {
    /// Whole rows, without cursors.
    pub const ALL: Self = Self { columns: Columns::ALL, cursors: Cursors::None, page_info: false, total: false };

    /// Returns what the selection on a connection needs. The columns include those of the ordering and the `additional` ones.
    pub fn of<E, T>(field: &FieldContext<'_>, order: &Order<E>, additional: &[E::Column]) -> Result<Self>
    where
        E: EntityTrait<Model: Row>,
        T: ConnectionNode,
    {
        let page = field.collected::<Connection<T>>()?;
        let mut nodes = selections_of(&page, "nodes");
        let edges = field.collected_in::<Edge<T>>(&selections_of(&page, "edges"))?;
        nodes.extend(selections_of(&edges, "node"));
        let columns = field.columns::<T, E::Model>(&nodes)?;
        let columns = order.keys.iter().flat_map(|(key, _)| key.column_indexes()).fold(columns, Columns::with);
        let columns = additional.iter().map(|column| column_index::<E>(*column)).fold(columns, Columns::with);
        let selects = |name: &str| page.iter().any(|collected| collected.name() == name);
        let cursors = if selects("edges") {
            Cursors::All
        } else if selects("pageInfo") {
            Cursors::Ends
        } else {
            Cursors::None
        };
        Ok(Self { columns, cursors, page_info: selects("pageInfo"), total: selects("totalCount") })
    }
}

/// Rows that belong to accounts, of which the viewer sees those of visible accounts.
pub struct VisibleRows<E: EntityTrait> {
    /// The rows, visible or not.
    pub select: Select<E>,
    /// The column with the account's id.
    pub account: E::Column,
    /// Whether the filter alone is selective: an index finds few rows by it, whatever the accounts.
    pub is_selective: bool,
}

impl<E> VisibleRows<E>
where
    E: Scoped,
    E::Model: Row + Send + Sync,
{
    /// Returns one page of the rows that the viewer sees.
    ///
    /// In an ordering of the whole organization, the rows of fifty accounts among ten thousand are far apart. For a viewer with
    /// few seats, the rows are therefore read account by account, in two steps. The first statement reads the first row of each
    /// account. Of these, the row that would come right after a full page bounds what the second statement reads.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for invalid page arguments.
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
        let visible = self.select.clone().filter(viewer.sees(self.account));
        if viewer.sees_everything() || self.is_selective || !viewer.sees_few_accounts() {
            return page(field, visible, order, arguments).await;
        }
        let selection = PageSelection::of::<E, T>(field, order, &[self.account])?;
        let page = Page::of(arguments, order, selection)?;
        let total = if selection.total { Some(count(field.request, visible).await?) } else { None };
        let first = Page { size: 1, ahead: false, ..page.clone() };
        let mut probe = self.by_seat(field.request, viewer, order, &first, selection);
        probe.offset(page.size).limit(1);
        let bound: Vec<E::Model> = field.request.rows(&probe, selection.columns).await?;
        let mut bounded = self;
        if let Some(bound) = bound.first() {
            let position: Vec<Key> = order.keys.iter().map(|(key, _)| key.value(bound)).collect();
            bounded.select = bounded.select.filter(order.up_to(&position, page.backwards));
        }
        let mut rows = bounded.by_seat(field.request, viewer, order, &page, selection);
        rows.limit(page.limit());
        let rows = field.request.rows(&rows, selection.columns).await?;
        Ok(page.of_all(rows, order, total, selection.cursors))
    }

    /// Selects a page of each account with a seat of the viewer's reporting line, all of them in the page's order.
    fn by_seat(
        &self,
        ctx: &RequestContext,
        viewer: &Viewer,
        order: &Order<E>,
        page: &Page,
        selection: PageSelection,
    ) -> SelectStatement {
        let (seat, row) = (Alias::new("seen"), Alias::new("row"));
        let mut seats = viewer.seats_query();
        seats.distinct();
        let mut outer = Query::select();
        outer.expr(E::listed("row", selection.columns)).from_subquery(seats, seat.clone());
        let mut inner = select_columns(page.narrow(self.select.clone(), order), selection.columns).into_query();
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

/// Joins the rows that the inner query finds for each row of the outer one, with the alias `row`.
pub(super) fn join_rows<E: EntityTrait>(ctx: &RequestContext, outer: &mut SelectStatement, mut inner: SelectStatement) {
    let row = Alias::new("row");
    if ctx.services.db.backend() == DbBackend::Postgres {
        outer.join_lateral(JoinType::InnerJoin, inner, row, Expr::cust("true"));
    } else {
        // SQLite has no lateral join. A correlated subquery for row ids does the same: every index contains them, and a row is
        // found by its row id without another index.
        inner.clear_selects().expr(Expr::cust(format!("\"{}\".rowid", E::default().table_name())));
        outer.join_as(JoinType::InnerJoin, E::default(), row, Expr::cust("\"row\".rowid").in_subquery(inner));
    }
}

/// Returns the number of rows.
pub async fn count<E: EntityTrait>(ctx: &RequestContext, select: Select<E>) -> Result<i64> {
    let mut query = select.into_query();
    query.clear_selects().clear_order_by().expr(Expr::cust("count(*)"));
    let row = sea_orm::ConnectionTrait::query_one(ctx.reader(), &query).await?;
    Ok(match row {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    })
}
