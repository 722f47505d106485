//! The connection types of the schema: edges, nodes, page info and total count.

use std::sync::Arc;

use graphql_executor::{Batch, FieldDefinition, OutputType, Resolver, RowExpression, Value};

use crate::context::RequestContext;
use crate::graphql::{ObjectType, object};

/// An object type with a connection type.
pub trait ConnectionNode: ObjectType + Value<RequestContext> {
    /// The name of the connection type.
    const CONNECTION: &'static str;
    /// The name of the edge type.
    const EDGE: &'static str;
    /// Whether the connection has the field `totalCount`.
    const COUNTED: bool = true;
}

/// Declares the connection type of an object type.
macro_rules! connection {
    ($type:ty as $name:literal) => {
        impl $crate::graphql::pagination::ConnectionNode for $type {
            const CONNECTION: &'static str = concat!($name, "Connection");
            const EDGE: &'static str = concat!($name, "Edge");
        }
    };
    ($type:ty as $name:literal uncounted) => {
        impl $crate::graphql::pagination::ConnectionNode for $type {
            const CONNECTION: &'static str = concat!($name, "Connection");
            const EDGE: &'static str = concat!($name, "Edge");
            const COUNTED: bool = false;
        }
    };
}
pub(crate) use connection;

/// A page of a list. It refers to some of the rows that one statement read for all pages of the same field, without copying
/// them.
pub struct Connection<T> {
    pub(super) rows: Arc<Vec<T>>,
    pub(super) slice: PageSlice,
}

/// The rows of a page.
pub(super) struct PageSlice {
    /// The indices of the rows among all rows, in the order of the page.
    pub indices: Vec<usize>,
    /// The cursors of all rows, or of the first and the last row, or none.
    pub cursors: Vec<String>,
    /// Whether there are rows after the page.
    pub has_next: bool,
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// The number of rows in the whole list; None unless it was requested.
    pub total: Option<i64>,
}

impl<T> Connection<T> {
    /// Returns the items of the page.
    pub fn nodes(&self) -> impl Iterator<Item = &T> {
        self.slice.indices.iter().filter_map(|index| self.rows.get(*index))
    }

    /// Maps each item of the page. Items for which `read` returns None are removed.
    pub fn map<U>(self, read: impl FnMut(&T) -> Option<U>) -> Connection<U> {
        let items: Vec<Option<U>> = self.nodes().map(read).collect();
        let mut slice = self.slice;
        if slice.cursors.len() == items.len() {
            let mut items = items.iter();
            slice.cursors.retain(|_| items.next().is_some_and(Option::is_some));
        }
        let rows: Vec<U> = items.into_iter().flatten().collect();
        slice.indices = (0..rows.len()).collect();
        Connection { rows: Arc::new(rows), slice }
    }

    fn edges(&self) -> Vec<Edge<T>> {
        let cursors = self.slice.cursors.iter().map(String::as_str).chain(std::iter::repeat(""));
        let edge =
            |(&index, cursor): (&usize, &str)| Edge { rows: Arc::clone(&self.rows), index, cursor: cursor.to_owned() };
        self.slice.indices.iter().zip(cursors).map(edge).collect()
    }
}

/// An item of a list, with its cursor.
pub struct Edge<T> {
    rows: Arc<Vec<T>>,
    index: usize,
    cursor: String,
}

/// The position of a page in its list.
#[derive(Clone, Debug)]
pub struct PageInfo {
    has_next: bool,
    has_previous: bool,
    start: Option<String>,
    end: Option<String>,
}

object! {
    /// The position of a page in its list.
    PageInfo as "PageInfo" {
        /// Whether there are items after this page.
        hasNextPage: bool = plain(|info| info.has_next);
        /// Whether there are items before this page.
        hasPreviousPage: bool = plain(|info| info.has_previous);
        /// The cursor of the first item; null on an empty page.
        startCursor: Option<&str> = plain(|info| info.start.as_deref());
        /// The cursor of the last item; null on an empty page.
        endCursor: Option<&str> = plain(|info| info.end.as_deref());
    }
}

fn no_arguments(
    _: &mut async_graphql::registry::Registry,
) -> async_graphql::indexmap::IndexMap<String, async_graphql::registry::MetaInputValue> {
    async_graphql::indexmap::IndexMap::new()
}

impl<T: ConnectionNode> Connection<T> {
    const EDGES: FieldDefinition<Self, RequestContext> = FieldDefinition {
        name: "edges",
        doc: "The items of this page, each with its cursor.",
        describe_type: <Vec<Edge<T>> as OutputType<RequestContext>>::describe,
        arguments: no_arguments,
        check_arguments: |_| Ok(()),
        resolver: Resolver::Batch {
            source: None,
            nullable: false,
            run: |field, pages| {
                Box::pin(async move {
                    let edges: Vec<Vec<Edge<T>>> = pages.iter().map(|page| page.edges()).collect();
                    let edges: Vec<&[Edge<T>]> = edges.iter().map(Vec::as_slice).collect();
                    let batch: Batch<Vec<Edge<T>>> = field.object_lists(&edges).await?;
                    Ok(batch.erase())
                })
            },
        },
    };

    const NODES: FieldDefinition<Self, RequestContext> = FieldDefinition {
        name: "nodes",
        doc: "The items of this page.",
        describe_type: <Vec<T> as OutputType<RequestContext>>::describe,
        arguments: no_arguments,
        check_arguments: |_| Ok(()),
        resolver: Resolver::Batch {
            source: None,
            nullable: false,
            run: |field, pages| {
                Box::pin(async move {
                    let lists: Vec<Vec<&T>> = pages.iter().map(|page| page.nodes().collect()).collect();
                    let batch: Batch<Vec<T>> = field.lists_of_references(&lists).await?;
                    Ok(batch.erase())
                })
            },
        },
    };

    const PAGE_INFO: FieldDefinition<Self, RequestContext> = FieldDefinition {
        name: "pageInfo",
        doc: "The position of this page in the list.",
        describe_type: <PageInfo as OutputType<RequestContext>>::describe,
        arguments: no_arguments,
        check_arguments: |_| Ok(()),
        resolver: Resolver::Batch {
            source: None,
            nullable: false,
            run: |field, pages| {
                Box::pin(async move {
                    let infos: Vec<PageInfo> = pages
                        .iter()
                        .map(|page| PageInfo {
                            has_next: page.slice.has_next,
                            has_previous: page.slice.has_previous,
                            start: page.slice.cursors.first().cloned(),
                            end: page.slice.cursors.last().cloned(),
                        })
                        .collect();
                    let batch: Batch<PageInfo> = field.objects(&infos.iter().collect::<Vec<_>>()).await?;
                    Ok(batch.erase())
                })
            },
        },
    };

    const TOTAL: FieldDefinition<Self, RequestContext> = FieldDefinition {
        name: "totalCount",
        doc: "The number of items in the whole list. Counted only when selected.",
        describe_type: <i32 as OutputType<RequestContext>>::describe,
        arguments: no_arguments,
        check_arguments: |_| Ok(()),
        resolver: Resolver::Batch {
            source: None,
            nullable: false,
            run: |field, pages| {
                Box::pin(async move {
                    let count = |page: &&Self| i32::try_from(page.slice.total.unwrap_or_default()).unwrap_or(i32::MAX);
                    let batch: Batch<i32> = Batch::from_values(field.request, pages.iter().map(count));
                    Ok(batch.erase())
                })
            },
        },
    };
}

impl<T: ConnectionNode> graphql_executor::ObjectType<RequestContext> for Connection<T> {
    const NAME: &'static str = T::CONNECTION;
    const DOC: &'static str = "A page of a list.";
    const NODE: bool = false;
    const FIELDS: &'static [FieldDefinition<Self, RequestContext>] = if T::COUNTED {
        &[Self::EDGES, Self::NODES, Self::PAGE_INFO, Self::TOTAL]
    } else {
        &[Self::EDGES, Self::NODES, Self::PAGE_INFO]
    };
}
graphql_executor::object_output!(RequestContext; [T: ConnectionNode] Connection<T>);

impl<T: ConnectionNode> graphql_executor::ObjectType<RequestContext> for Edge<T> {
    const NAME: &'static str = T::EDGE;
    const DOC: &'static str = "An item of a list, with its cursor.";
    const NODE: bool = false;
    const FIELDS: &'static [FieldDefinition<Self, RequestContext>] = &[
        FieldDefinition {
            name: "node",
            doc: "The item.",
            describe_type: <T as OutputType<RequestContext>>::describe,
            arguments: no_arguments,
            check_arguments: |_| Ok(()),
            resolver: Resolver::Batch {
                source: None,
                nullable: false,
                run: |field, edges| {
                    Box::pin(async move {
                        let nodes: Vec<&T> = edges.iter().map(|edge| &edge.rows[edge.index]).collect();
                        let batch: Batch<T> = field.objects(&nodes).await?;
                        Ok(batch.erase())
                    })
                },
            },
        },
        FieldDefinition {
            name: "cursor",
            doc: "The item's position in the list, for `after` and `before`.",
            describe_type: <String as OutputType<RequestContext>>::describe,
            arguments: no_arguments,
            check_arguments: |_| Ok(()),
            resolver: Resolver::Plain {
                plan: |_, _| Ok(None),
                write: |edge, _, _, out| graphql_executor::write_string(&edge.cursor, out),
                source: RowExpression { row: "edge", expression: "edge.cursor" },
            },
        },
    ];
}
graphql_executor::object_output!(RequestContext; [T: ConnectionNode] Edge<T>);
