//! Pages of the rows that belong to each of many parents.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use database::columns::{array_value, is_any_of, select_columns};
use database::sql::uuids_json;
use entity::{Id, Row, Scoped};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, IntoColumnRef, Query, SelectStatement};
use sea_orm::{DbBackend, EntityTrait, QueryFilter, QueryTrait, Select};
use uuid::Uuid;

use super::connection::{Connection, ConnectionNode, PageSlice};
use super::order::Order;
use super::page::{Page, PageArguments, PageSelection, join_rows, shared_rows};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::FieldContext;

/// The rows that belong to each of many parents. Reads one page for each parent, in one statement.
pub struct RowsPerParent<E: EntityTrait> {
    /// The rows of all parents.
    pub select: Select<E>,
    /// The column with the parent's id.
    pub foreign: E::Column,
}

impl<E> RowsPerParent<E>
where
    E: Scoped,
    E::Model: Row + Send + Sync,
{
    /// Returns a page for each parent, given by its id. `parent_of` returns the parent of a row.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for invalid page arguments.
    pub async fn pages<T, K>(
        self,
        field: &FieldContext<'_>,
        parents: &[K],
        parent_of: fn(&E::Model) -> Option<K>,
        order: &Order<E>,
        arguments: &PageArguments,
    ) -> Result<Vec<Connection<T>>>
    where
        K: Id,
        T: ConnectionNode + From<E::Model>,
    {
        let selection = PageSelection::of::<E, T>(field, order, &[self.foreign])?;
        let page = Page::of(arguments, order, selection)?;
        let totals = if selection.total { Some(self.totals(field.request, parents).await?) } else { None };
        let rows = self.rows(field.request, parents, page.narrow(self.select.clone(), order), selection).await?;
        // The rows of a parent are adjacent. The same parent may occur several times among `parents`.
        let mut found: HashMap<K, Vec<usize>> = HashMap::with_capacity(parents.len());
        let mut indices = (0..rows.len()).peekable();
        while let Some(first) = indices.next() {
            let parent = parent_of(&rows[first]);
            let mut of_parent = vec![first];
            while let Some(next) = indices.next_if(|next| parent_of(&rows[*next]) == parent) {
                of_parent.push(next);
            }
            if let Some(parent) = parent {
                found.entry(parent).or_default().append(&mut of_parent);
            }
        }
        let compare = |one: &usize, other: &usize| order.compare(&rows[*one], &rows[*other]);
        let slices: Vec<PageSlice> = parents
            .iter()
            .map(|parent| {
                let mut indices = found.get(parent).cloned().unwrap_or_default();
                indices.sort_by(|one, other| if page.backwards { compare(other, one) } else { compare(one, other) });
                let total = totals.as_ref().map(|totals| totals.get(parent).copied().unwrap_or(0));
                page.slice(&rows, indices, order, total, selection.cursors)
            })
            .collect();
        let rows = shared_rows(rows);
        Ok(slices.into_iter().map(|slice| Connection { rows: Arc::clone(&rows), slice }).collect())
    }

    /// Returns the first row of each parent in an ordering.
    pub async fn firsts<K>(
        self,
        ctx: &RequestContext,
        parents: &[K],
        parent_of: fn(&E::Model) -> Option<K>,
        order: &Order<E>,
    ) -> Result<HashMap<K, E::Model>>
    where
        K: Id,
    {
        let one = Page { size: 1, ahead: false, backwards: false, after: None, before: None };
        let rows = self.rows(ctx, parents, one.narrow(self.select.clone(), order), PageSelection::ALL).await?;
        Ok(rows.into_iter().filter_map(|row| Some((parent_of(&row)?, row))).collect())
    }

    async fn rows<K: Id>(
        &self,
        ctx: &RequestContext,
        parents: &[K],
        narrowed: Select<E>,
        selection: PageSelection,
    ) -> Result<Vec<E::Model>> {
        let parent = Alias::new("parent");
        let mut outer: SelectStatement = Query::select();
        outer.expr(E::listed("row", selection.columns));
        // A list of the ids takes the place of the parents' table, whose rows need not be read again.
        let distinct: HashSet<Uuid> = parents.iter().map(|parent| parent.uuid()).collect();
        let key = if ctx.services.db.backend() == DbBackend::Postgres {
            let ids = Expr::val(array_value(distinct)).cast_as("uuid[]");
            outer.from_function(Func::cust("unnest").arg(ids), parent.clone());
            Expr::col((parent.clone(), parent))
        } else {
            let ids = Expr::val(uuids_json(distinct));
            outer.from_function(Func::cust("json_each").arg(ids), parent.clone());
            Expr::cust("unhex(\"parent\".\"value\")")
        };
        let mut inner = select_columns(narrowed, selection.columns).into_query();
        inner.and_where(Expr::col((E::default(), self.foreign)).eq(key));
        join_rows::<E>(ctx, &mut outer, inner);
        ctx.rows(&outer, selection.columns).await
    }

    async fn totals<K: Id>(&self, ctx: &RequestContext, parents: &[K]) -> Result<HashMap<K, i64>> {
        let below = is_any_of(ctx.reader(), self.foreign, parents.iter().map(|parent| parent.uuid()));
        let mut query = self.select.clone().filter(below).into_query();
        query
            .clear_selects()
            .clear_order_by()
            .column((E::default(), self.foreign).into_column_ref())
            .expr(Expr::cust("count(*)"))
            .add_group_by([Expr::col((E::default(), self.foreign))]);
        let mut totals = HashMap::with_capacity(parents.len());
        for row in sea_orm::ConnectionTrait::query_all(ctx.reader(), &query).await? {
            totals.insert(K::from_uuid(row.try_get_by_index(0)?), row.try_get_by_index(1)?);
        }
        Ok(totals)
    }
}
