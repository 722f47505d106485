//! The rows below each of many parents.

use std::collections::HashMap;
use std::hash::Hash;

use entity::Row;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, IntoColumnRef, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait, Select};
use uuid::Uuid;

use super::connection::{Connection, Listed};
use super::order::Order;
use super::page::{Page, PageArguments, Reading, join_rows};
use crate::context::{Cx, only};
use crate::error::Result;
use crate::graph::Asked;

/// The rows below each of many parents: one page for each, in one statement.
pub struct Below<E: EntityTrait, P: EntityTrait> {
    /// The rows, without parents.
    pub select: Select<E>,
    /// The column that names the parent.
    pub foreign: E::Column,
    /// The parents' own id.
    pub key: P::Column,
    /// The rows' own id.
    pub id: E::Column,
}

impl<E, P> Below<E, P>
where
    E: EntityTrait,
    E::Model: Row + Send + Sync,
    P: EntityTrait,
{
    /// A page for each of the parents, by their ids. `parent_of` tells a row's parent.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub async fn pages<T, K>(
        self,
        asked: &Asked<'_>,
        parents: &[K],
        parent_of: fn(&E::Model) -> Option<K>,
        order: &Order<E>,
        arguments: &PageArguments,
    ) -> Result<Vec<Connection<T>>>
    where
        K: Copy + Eq + Hash + Into<sea_orm::Value>,
        T: Listed + From<E::Model>,
    {
        let page = Page::of(arguments, order)?;
        let reading = Reading::of::<E, T>(asked, order, &[self.foreign])?;
        let totals = if reading.total { Some(self.totals(asked.cx, parents).await?) } else { None };
        let mut found: HashMap<K, Vec<E::Model>> = HashMap::new();
        for row in self.rows(asked.cx, parents, page.narrow(self.select.clone(), order), reading).await? {
            if let Some(parent) = parent_of(&row) {
                found.entry(parent).or_default().push(row);
            }
        }
        // A parent may stand at several places of a level: its rows are moved into the last.
        let last: HashMap<K, usize> = parents.iter().enumerate().map(|(at, parent)| (*parent, at)).collect();
        Ok(parents
            .iter()
            .enumerate()
            .map(|(at, parent)| {
                let is_last = last.get(parent) == Some(&at);
                let rows = if is_last { found.remove(parent) } else { found.get(parent).cloned() };
                let mut rows = rows.unwrap_or_default();
                rows.sort_by(
                    |one, other| if page.backwards { order.compare(other, one) } else { order.compare(one, other) },
                );
                let total = totals
                    .as_ref()
                    .map(|totals| totals.iter().find(|(id, _)| id == parent).map_or(0, |(_, total)| *total));
                page.cut(rows, order, total, reading.cursors)
            })
            .collect())
    }

    /// The first row below each of the parents, in an ordering.
    ///
    /// # Errors
    /// The database's.
    pub async fn firsts<K>(
        self,
        cx: &Cx,
        parents: &[K],
        parent_of: fn(&E::Model) -> Option<K>,
        order: &Order<E>,
    ) -> Result<HashMap<K, E::Model>>
    where
        K: Copy + Eq + Hash + Into<sea_orm::Value>,
    {
        let one = Page { size: 0, backwards: false, after: None, before: None };
        let rows = self.rows(cx, parents, one.narrow(self.select.clone(), order), Reading::ALL).await?;
        Ok(rows.into_iter().filter_map(|row| Some((parent_of(&row)?, row))).collect())
    }

    async fn rows<K: Copy + Into<sea_orm::Value>>(
        &self,
        cx: &Cx,
        parents: &[K],
        narrowed: Select<E>,
        reading: Reading,
    ) -> Result<Vec<E::Model>> {
        let parent = Alias::new("parent");
        let link = Expr::col((E::default(), self.foreign)).equals((parent.clone(), self.key));
        let ids: Vec<SimpleExpr> = parents.iter().map(|&id| Expr::val(id)).collect();
        let mut outer: SelectStatement = Query::select();
        outer
            .columns(reading.of_alias::<E>(&Alias::new("row")))
            .from_as(P::default(), parent.clone())
            .and_where(Expr::col((parent, self.key)).is_in(ids));
        let mut inner = only(narrowed, reading.columns).into_query();
        inner.and_where(link);
        let link = Expr::col((Alias::new("row"), self.foreign)).equals((Alias::new("parent"), self.key));
        join_rows::<E>(cx, &mut outer, inner, self.id, link);
        cx.rows(&outer, reading.columns).await
    }

    async fn totals<K: Copy + Into<sea_orm::Value> + Eq>(&self, cx: &Cx, parents: &[K]) -> Result<Vec<(K, i64)>> {
        let mut query = self.select.clone().filter(self.foreign.is_in(parents.iter().copied())).into_query();
        query
            .clear_selects()
            .clear_order_by()
            .column((E::default(), self.foreign).into_column_ref())
            .expr(Expr::cust("count(*)"))
            .add_group_by([Expr::col((E::default(), self.foreign))]);
        let mut totals = Vec::new();
        for row in sea_orm::ConnectionTrait::query_all(cx.reader(), &query).await? {
            let id: Uuid = row.try_get_by_index(0)?;
            let total: i64 = row.try_get_by_index(1)?;
            if let Some(parent) = parents.iter().find(|&&parent| parent.into() == sea_orm::Value::from(id)) {
                totals.push((*parent, total));
            }
        }
        Ok(totals)
    }
}
