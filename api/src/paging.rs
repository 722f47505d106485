//! Pages: Relay connections over keysets. A page deep down costs what the first one costs; rows with equal sort keys
//! are neither lost nor repeated, whatever comes and goes between two pages.
//!
//! Every ordering ends with the id, and every sort key is made non-null (a null is replaced by a value above all
//! others: nulls come last ascending, first descending), so that "after this row" is one row comparison, which the
//! index of the ordering answers on both databases.

use std::cmp::Ordering as Compared;
use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::{Enum, InputObject};
use data_encoding::BASE64URL_NOPAD;
use sea_orm::sea_query::{
    Alias, Cond, Expr, ExprTrait, IntoColumnRef, JoinType, Order as SqlOrder, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, FromQueryResult, Iden, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};
use uuid::Uuid;

use crate::context::Cx;
use crate::error::{Fault, Result};
use crate::graph::{Answer, Answers, Asked, Described, Field, Object, object};

/// Items of a page where neither first nor last is given.
pub const DEFAULT_PAGE: i32 = 25;
/// Items of a page at most.
pub const LARGEST_PAGE: i32 = 200;
/// Entries of `orderBy` at most.
pub const MOST_ORDERS: usize = 3;
/// Items of a plain list at most.
pub const LONGEST_LIST: u64 = 500;

/// Which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Direction {
    /// The lowest first; nulls last.
    Asc,
    /// The highest first; nulls first.
    Desc,
}

impl Direction {
    const fn flipped(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }

    const fn sql(self) -> SqlOrder {
        match self {
            Self::Asc => SqlOrder::Asc,
            Self::Desc => SqlOrder::Desc,
        }
    }
}

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

/// The value of a sort key in a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number, an instant, a day, an amount.
    Number(i64),
    /// An id. (Before text: a UUID is read back as one.)
    Id(Uuid),
    /// A folded text.
    Text(String),
}

impl Key {
    fn expression(&self) -> SimpleExpr {
        match self {
            Self::Number(number) => Expr::val(*number),
            Self::Id(id) => Expr::val(*id),
            Self::Text(text) => Expr::val(text.as_str()),
        }
    }
}

/// Something to order by.
pub struct SortKey<E: EntityTrait> {
    name: &'static str,
    expression: SimpleExpr,
    read: fn(&E::Model) -> Key,
}

impl<E: EntityTrait> SortKey<E> {
    /// A column that is never null.
    pub fn column(name: &'static str, column: E::Column, read: fn(&E::Model) -> Key) -> Self {
        Self { name, expression: Expr::col((E::default(), column)), read }
    }

    /// A column that may be null, as it is indexed: with the null replaced by `highest`. `read` must do the same.
    pub fn nullable(name: &'static str, column: E::Column, highest: i64, read: fn(&E::Model) -> Key) -> Self {
        // The number stands in the statement itself, for the index's expression must be met word by word.
        let sql = format!("coalesce(\"{}\".\"{}\", {highest})", E::default().to_string(), column.to_string());
        Self { name, expression: Expr::cust(sql), read }
    }
}

/// An ordering, the id last.
pub struct Order<E: EntityTrait> {
    keys: Vec<(SortKey<E>, Direction)>,
}

impl<E: EntityTrait> Order<E> {
    /// Orders by the keys, then by the id in the first key's direction.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for more than three keys, or one twice.
    pub fn by(mut keys: Vec<(SortKey<E>, Direction)>, id: SortKey<E>) -> Result<Self> {
        if keys.len() > MOST_ORDERS {
            return Err(Fault::BadInput(format!("orderBy takes at most {MOST_ORDERS} entries.")));
        }
        for (at, (key, _)) in keys.iter().enumerate() {
            if keys[..at].iter().any(|(other, _)| other.name == key.name) {
                return Err(Fault::BadInput(format!("orderBy names {} twice.", key.name)));
            }
        }
        let direction = keys.first().map_or(Direction::Asc, |(_, direction)| *direction);
        keys.push((id, direction));
        Ok(Self { keys })
    }

    fn name(&self) -> String {
        let parts: Vec<String> = self
            .keys
            .iter()
            .map(|(key, direction)| format!("{}{}", key.name, if *direction == Direction::Asc { "+" } else { "-" }))
            .collect();
        parts.concat()
    }

    fn cursor(&self, row: &E::Model) -> String {
        let keys: Vec<Key> = self.keys.iter().map(|(key, _)| (key.read)(row)).collect();
        let json = serde_json::to_vec(&(self.name(), keys)).unwrap_or_default();
        BASE64URL_NOPAD.encode(&json)
    }

    fn place(&self, cursor: &str) -> Result<Vec<Key>> {
        let wrong = || {
            Fault::BadInput("This cursor is none of this list in this ordering: give one as this list's pageInfo or edges had it, with the same orderBy.".to_owned())
        };
        let json = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| wrong())?;
        let (name, keys): (String, Vec<Key>) = serde_json::from_slice(&json).map_err(|_| wrong())?;
        let same = name == self.name() && keys.len() == self.keys.len() && matches!(keys.last(), Some(Key::Id(_)));
        if same && keys.iter().all(|key| !matches!(key, Key::Text(text) if text.contains('\0'))) {
            Ok(keys)
        } else {
            Err(wrong())
        }
    }

    /// Rows beyond a place, in the direction of reading.
    fn beyond(&self, place: &[Key], backwards: bool) -> Cond {
        let way = |direction: Direction| if backwards { direction.flipped() } else { direction };
        let (_, first) = &self.keys[0];
        if self.keys.iter().all(|(_, direction)| direction == first) {
            let left = Expr::tuple(self.keys.iter().map(|(key, _)| key.expression.clone()));
            let right = Expr::tuple(place.iter().map(Key::expression));
            return Cond::all().add(match way(*first) {
                Direction::Asc => left.gt(right),
                Direction::Desc => left.lt(right),
            });
        }
        let mut any = Cond::any();
        for (at, (key, direction)) in self.keys.iter().enumerate() {
            let mut all = Cond::all();
            for ((equal, _), value) in self.keys.iter().zip(place).take(at) {
                all = all.add(equal.expression.clone().eq(value.expression()));
            }
            let (left, right) = (key.expression.clone(), place[at].expression());
            any = any.add(all.add(match way(*direction) {
                Direction::Asc => left.gt(right),
                Direction::Desc => left.lt(right),
            }));
        }
        // The first key alone bounds the stretch of the index that is read.
        let (left, right) = (self.keys[0].0.expression.clone(), place[0].expression());
        Cond::all().add(any).add(match way(*first) {
            Direction::Asc => left.gte(right),
            Direction::Desc => left.lte(right),
        })
    }

    fn compare(&self, one: &E::Model, other: &E::Model) -> Compared {
        for (key, direction) in &self.keys {
            let compared = (key.read)(one).cmp(&(key.read)(other));
            if compared != Compared::Equal {
                return if *direction == Direction::Asc { compared } else { compared.reverse() };
            }
        }
        Compared::Equal
    }
}

/// A page as asked for, checked.
pub struct Page {
    size: u64,
    backwards: bool,
    after: Option<Vec<Key>>,
    before: Option<Vec<Key>>,
}

impl Page {
    /// Checks the four arguments against an ordering.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for first and last together, for a size below 0 or above 200, and for a foreign cursor.
    pub fn of<E: EntityTrait>(arguments: &PageArguments, order: &Order<E>) -> Result<Self> {
        let PageArguments { first, after, last, before } = arguments;
        let size = match (first, last) {
            (Some(_), Some(_)) => return Err(Fault::BadInput("Give first or last, not both.".to_owned())),
            (Some(size), None) | (None, Some(size)) => *size,
            (None, None) => DEFAULT_PAGE,
        };
        if !(0..=LARGEST_PAGE).contains(&size) {
            let name = if last.is_some() { "last" } else { "first" };
            return Err(Fault::BadInput(format!("{name} is between 0 and {LARGEST_PAGE}; {size} was given.")));
        }
        Ok(Self {
            size: u64::from(size.unsigned_abs()),
            backwards: last.is_some(),
            after: after.as_deref().map(|cursor| order.place(cursor)).transpose()?,
            before: before.as_deref().map(|cursor| order.place(cursor)).transpose()?,
        })
    }

    fn narrow<E: EntityTrait>(&self, mut select: Select<E>, order: &Order<E>) -> Select<E> {
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
        // One more than asked for tells whether there are more.
        select.limit(self.size + 1)
    }

    fn cut<E: EntityTrait, T: From<E::Model>>(
        &self,
        mut rows: Vec<E::Model>,
        order: &Order<E>,
        total: Option<i64>,
    ) -> Connection<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if self.backwards {
            rows.reverse();
        }
        let cursors: Vec<String> = rows.iter().map(|row| order.cursor(row)).collect();
        Connection {
            has_next: if self.backwards { self.before.is_some() } else { more },
            has_previous: if self.backwards { more } else { self.after.is_some() },
            edges: rows.into_iter().zip(cursors).map(|(row, cursor)| Edge { node: T::from(row), cursor }).collect(),
            total,
        }
    }
}

/// One page of a list.
///
/// # Errors
/// As [`Page::of`].
pub async fn page<E, T>(
    asked: &Asked<'_>,
    select: Select<E>,
    order: &Order<E>,
    arguments: &PageArguments,
) -> Result<Connection<T>>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
    T: Listed + From<E::Model>,
{
    let page = Page::of(arguments, order)?;
    let total =
        if asked.selects::<Connection<T>>("totalCount")? { Some(count(asked.cx, select.clone()).await?) } else { None };
    let rows = page.narrow(select, order).all(asked.cx.reader()).await?;
    Ok(page.cut(rows, order, total))
}

/// How many rows there are.
///
/// # Errors
/// The database's.
pub async fn count<E: EntityTrait>(cx: &Cx, select: Select<E>) -> Result<i64> {
    let mut query = select.into_query();
    query.clear_selects().clear_order_by().expr(Expr::cust("count(*)"));
    let row = sea_orm::ConnectionTrait::query_one(cx.reader(), &query).await?;
    Ok(match row {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    })
}

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
    E::Model: FromQueryResult + Send + Sync,
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
        let totals = if asked.selects::<Connection<T>>("totalCount")? {
            Some(self.totals(asked.cx, parents).await?)
        } else {
            None
        };
        let mut found: HashMap<K, Vec<E::Model>> = HashMap::new();
        for row in self.rows(asked.cx, parents, page.narrow(self.select.clone(), order)).await? {
            if let Some(parent) = parent_of(&row) {
                found.entry(parent).or_default().push(row);
            }
        }
        Ok(parents
            .iter()
            .map(|parent| {
                let mut rows = found.get(parent).cloned().unwrap_or_default();
                rows.sort_by(
                    |one, other| if page.backwards { order.compare(other, one) } else { order.compare(one, other) },
                );
                let total = totals
                    .as_ref()
                    .map(|totals| totals.iter().find(|(id, _)| id == parent).map_or(0, |(_, total)| *total));
                page.cut(rows, order, total)
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
        let rows = self.rows(cx, parents, one.narrow(self.select.clone(), order)).await?;
        Ok(rows.into_iter().filter_map(|row| Some((parent_of(&row)?, row))).collect())
    }

    async fn rows<K: Copy + Into<sea_orm::Value>>(
        &self,
        cx: &Cx,
        parents: &[K],
        narrowed: Select<E>,
    ) -> Result<Vec<E::Model>> {
        let parent = Alias::new("parent");
        let row = Alias::new("row");
        let link = Expr::col((E::default(), self.foreign)).equals((parent.clone(), self.key));
        let ids: Vec<SimpleExpr> = parents.iter().map(|&id| Expr::val(id)).collect();
        let mut outer: SelectStatement = Query::select();
        outer
            .expr(Expr::cust("\"row\".*"))
            .from_as(P::default(), parent.clone())
            .and_where(Expr::col((parent, self.key)).is_in(ids));
        let mut inner = narrowed.into_query();
        inner.and_where(link);
        if cx.app.db.backend() == DbBackend::Postgres {
            outer.join_lateral(JoinType::InnerJoin, inner, row, Expr::cust("true"));
        } else {
            inner.clear_selects().column((E::default(), self.id).into_column_ref());
            // The link once more, for what is found by may be there once a parent.
            let same = Expr::col((row.clone(), self.foreign)).equals((Alias::new("parent"), self.key));
            outer.join_as(
                JoinType::InnerJoin,
                E::default(),
                row.clone(),
                same.and(Expr::col((row, self.id)).in_subquery(inner)),
            );
        }
        let statement = cx.app.db.backend().build(&outer);
        Ok(E::Model::find_by_statement(statement).all(cx.reader()).await?)
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

/// A type that comes in connections.
pub trait Listed: Object {
    /// The connection's name.
    const CONNECTION: &'static str;
    /// The edge's name.
    const EDGE: &'static str;
    /// Does the connection have a totalCount?
    const COUNTED: bool = true;
}

/// Declares that a type comes in connections.
macro_rules! listed {
    ($type:ty as $name:literal) => {
        impl $crate::paging::Listed for $type {
            const CONNECTION: &'static str = concat!($name, "Connection");
            const EDGE: &'static str = concat!($name, "Edge");
        }
    };
    ($type:ty as $name:literal uncounted) => {
        impl $crate::paging::Listed for $type {
            const CONNECTION: &'static str = concat!($name, "Connection");
            const EDGE: &'static str = concat!($name, "Edge");
            const COUNTED: bool = false;
        }
    };
}
pub(crate) use listed;

/// A page of a list.
pub struct Connection<T> {
    /// The items, each with its cursor.
    pub edges: Vec<Edge<T>>,
    /// Are there more after these?
    pub has_next: bool,
    /// Are there more before these?
    pub has_previous: bool,
    /// How many there are without paging; only where it was asked for.
    pub total: Option<i64>,
}

impl<T> Connection<T> {
    /// The same page of what its items stand for; an item that stands for nothing is left out.
    pub fn map<U>(self, mut read: impl FnMut(T) -> Option<U>) -> Connection<U> {
        let edges = self
            .edges
            .into_iter()
            .filter_map(|edge| Some(Edge { node: read(edge.node)?, cursor: edge.cursor }))
            .collect();
        Connection { edges, has_next: self.has_next, has_previous: self.has_previous, total: self.total }
    }
}

/// An item of a list.
pub struct Edge<T> {
    /// The item.
    pub node: T,
    /// Its place in the list.
    pub cursor: String,
}

/// Where a page lies in its list.
#[derive(Clone, Debug)]
pub struct PageInfo {
    has_next: bool,
    has_previous: bool,
    start: Option<String>,
    end: Option<String>,
}

object! {
    /// Where a page lies in its list.
    PageInfo as "PageInfo" {
        /// Are there items after this page?
        hasNextPage: bool = plain(|info| info.has_next);
        /// Are there items before this page?
        hasPreviousPage: bool = plain(|info| info.has_previous);
        /// The first item's cursor; null on an empty page.
        startCursor: Option<&str> = plain(|info| info.start.as_deref());
        /// The last item's cursor; null on an empty page.
        endCursor: Option<&str> = plain(|info| info.end.as_deref());
    }
}

fn no_arguments(
    _: &mut async_graphql::registry::Registry,
) -> async_graphql::indexmap::IndexMap<String, async_graphql::registry::MetaInputValue> {
    async_graphql::indexmap::IndexMap::new()
}

impl<T: Listed> Connection<T> {
    const EDGES: Field<Self> = Field {
        name: "edges",
        doc: "The items of this page, each with its cursor.",
        type_of: <Vec<Edge<T>> as Described>::describe,
        arguments: no_arguments,
        answer: Answer::Batch {
            nullable: false,
            run: |asked, of| {
                Box::pin(async move {
                    let lists: Vec<&[Edge<T>]> = of.iter().map(|page| page.edges.as_slice()).collect();
                    asked.lists(&lists).await
                })
            },
        },
    };

    const NODES: Field<Self> = Field {
        name: "nodes",
        doc: "The items of this page.",
        type_of: <Vec<T> as Described>::describe,
        arguments: no_arguments,
        answer: Answer::Batch {
            nullable: false,
            run: |asked, of| {
                Box::pin(async move {
                    let lists: Vec<Vec<&T>> =
                        of.iter().map(|page| page.edges.iter().map(|edge| &edge.node).collect()).collect();
                    asked.lists_of(&lists).await
                })
            },
        },
    };

    const PAGE_INFO: Field<Self> = Field {
        name: "pageInfo",
        doc: "Where this page lies in the list.",
        type_of: <PageInfo as Described>::describe,
        arguments: no_arguments,
        answer: Answer::Batch {
            nullable: false,
            run: |asked, of| {
                Box::pin(async move {
                    let infos: Vec<PageInfo> = of
                        .iter()
                        .map(|page| PageInfo {
                            has_next: page.has_next,
                            has_previous: page.has_previous,
                            start: page.edges.first().map(|edge| edge.cursor.clone()),
                            end: page.edges.last().map(|edge| edge.cursor.clone()),
                        })
                        .collect();
                    asked.each(&infos.iter().collect::<Vec<_>>()).await
                })
            },
        },
    };

    const TOTAL: Field<Self> = Field {
        name: "totalCount",
        doc: "How many items the list has, without paging. Counted only when asked for.",
        type_of: <i32 as Described>::describe,
        arguments: no_arguments,
        answer: Answer::Batch {
            nullable: false,
            run: |_, of| {
                Box::pin(async move {
                    let mut answers = Answers::with_capacity(of.len());
                    for page in of {
                        let total = i32::try_from(page.total.unwrap_or_default()).unwrap_or(i32::MAX);
                        answers.push(|out| out.extend_from_slice(total.to_string().as_bytes()));
                    }
                    Ok(answers)
                })
            },
        },
    };
}

impl<T: Listed> Object for Connection<T> {
    const NAME: &'static str = T::CONNECTION;
    const DOC: &'static str = "A page of a list.";
    const NODE: bool = false;
    const FIELDS: &'static [Field<Self>] = if T::COUNTED {
        &[Self::EDGES, Self::NODES, Self::PAGE_INFO, Self::TOTAL]
    } else {
        &[Self::EDGES, Self::NODES, Self::PAGE_INFO]
    };
}

impl<T: Listed> Object for Edge<T> {
    const NAME: &'static str = T::EDGE;
    const DOC: &'static str = "An item of a list.";
    const NODE: bool = false;
    const FIELDS: &'static [Field<Self>] = &[
        Field {
            name: "node",
            doc: "The item.",
            type_of: <T as Described>::describe,
            arguments: no_arguments,
            answer: Answer::Batch {
                nullable: false,
                run: |asked, of| {
                    Box::pin(async move { asked.each(&of.iter().map(|edge| &edge.node).collect::<Vec<_>>()).await })
                },
            },
        },
        Field {
            name: "cursor",
            doc: "Its place in the list, for `after` and `before`.",
            type_of: <String as Described>::describe,
            arguments: no_arguments,
            answer: Answer::Plain {
                plan: |_, _| Ok(None),
                write: |edge, _, _, out| crate::graph::write_text(&edge.cursor, out),
            },
        },
    ];
}
