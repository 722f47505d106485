//! Connections as the schema has them: edges, nodes, page info, total.

use std::sync::Arc;

use crate::graph::{Batch, Described, Field, ObjectType, Resolver, object};

/// A type that comes in connections.
pub trait ConnectionNode: ObjectType {
    /// The connection's name.
    const CONNECTION: &'static str;
    /// The edge's name.
    const EDGE: &'static str;
    /// Does the connection have a totalCount?
    const COUNTED: bool = true;
}

/// Declares that a type comes in connections.
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

/// A page of a list: some of the rows that one statement found for all pages of a level. They stay where they were read.
pub struct Connection<T> {
    pub(super) rows: Arc<Vec<T>>,
    pub(super) slice: PageSlice,
}

/// Which rows make a page.
pub(super) struct PageSlice {
    /// Their places among all rows, in the page's order.
    pub places: Vec<usize>,
    /// Their cursors: those of all of them, or of the first and the last, or none.
    pub cursors: Vec<String>,
    /// Are there more after these?
    pub has_next: bool,
    /// Are there more before these?
    pub has_previous: bool,
    /// How many there are without paging; only where it was asked for.
    pub total: Option<i64>,
}

impl<T> Connection<T> {
    /// The items.
    pub fn nodes(&self) -> impl Iterator<Item = &T> {
        self.slice.places.iter().filter_map(|place| self.rows.get(*place))
    }

    /// The same page of what its items stand for; an item that stands for nothing is left out.
    pub fn map<U>(self, read: impl FnMut(&T) -> Option<U>) -> Connection<U> {
        let items: Vec<Option<U>> = self.nodes().map(read).collect();
        let mut slice = self.slice;
        if slice.cursors.len() == items.len() {
            let mut items = items.iter();
            slice.cursors.retain(|_| items.next().is_some_and(Option::is_some));
        }
        let rows: Vec<U> = items.into_iter().flatten().collect();
        slice.places = (0..rows.len()).collect();
        Connection { rows: Arc::new(rows), slice }
    }

    fn edges(&self) -> Vec<Edge<T>> {
        let cursors = self.slice.cursors.iter().map(String::as_str).chain(std::iter::repeat(""));
        let edge =
            |(&place, cursor): (&usize, &str)| Edge { rows: Arc::clone(&self.rows), place, cursor: cursor.to_owned() };
        self.slice.places.iter().zip(cursors).map(edge).collect()
    }
}

/// An item of a list, with its place in the list.
pub struct Edge<T> {
    rows: Arc<Vec<T>>,
    place: usize,
    cursor: String,
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

impl<T: ConnectionNode> Connection<T> {
    const EDGES: Field<Self> = Field {
        name: "edges",
        doc: "The items of this page, each with its cursor.",
        type_of: <Vec<Edge<T>> as Described>::describe,
        arguments: no_arguments,
        answer: Resolver::Batch {
            columns: None,
            nullable: false,
            run: |asked, of| {
                Box::pin(async move {
                    let edges: Vec<Vec<Edge<T>>> = of.iter().map(|page| page.edges()).collect();
                    asked.lists(&edges.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
                })
            },
        },
    };

    const NODES: Field<Self> = Field {
        name: "nodes",
        doc: "The items of this page.",
        type_of: <Vec<T> as Described>::describe,
        arguments: no_arguments,
        answer: Resolver::Batch {
            columns: None,
            nullable: false,
            run: |asked, of| {
                Box::pin(async move {
                    let lists: Vec<Vec<&T>> = of.iter().map(|page| page.nodes().collect()).collect();
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
        answer: Resolver::Batch {
            columns: None,
            nullable: false,
            run: |asked, of| {
                Box::pin(async move {
                    let infos: Vec<PageInfo> = of
                        .iter()
                        .map(|page| PageInfo {
                            has_next: page.slice.has_next,
                            has_previous: page.slice.has_previous,
                            start: page.slice.cursors.first().cloned(),
                            end: page.slice.cursors.last().cloned(),
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
        answer: Resolver::Batch {
            columns: None,
            nullable: false,
            run: |_, of| {
                Box::pin(async move {
                    let mut answers = Batch::with_capacity(of.len());
                    for page in of {
                        let total = i32::try_from(page.slice.total.unwrap_or_default()).unwrap_or(i32::MAX);
                        answers.push(|out| out.extend_from_slice(total.to_string().as_bytes()));
                    }
                    Ok(answers)
                })
            },
        },
    };
}

impl<T: ConnectionNode> ObjectType for Connection<T> {
    const NAME: &'static str = T::CONNECTION;
    const DOC: &'static str = "A page of a list.";
    const NODE: bool = false;
    const FIELDS: &'static [Field<Self>] = if T::COUNTED {
        &[Self::EDGES, Self::NODES, Self::PAGE_INFO, Self::TOTAL]
    } else {
        &[Self::EDGES, Self::NODES, Self::PAGE_INFO]
    };
}

impl<T: ConnectionNode> ObjectType for Edge<T> {
    const NAME: &'static str = T::EDGE;
    const DOC: &'static str = "An item of a list.";
    const NODE: bool = false;
    const FIELDS: &'static [Field<Self>] = &[
        Field {
            name: "node",
            doc: "The item.",
            type_of: <T as Described>::describe,
            arguments: no_arguments,
            answer: Resolver::Batch {
                columns: None,
                nullable: false,
                run: |asked, of| {
                    Box::pin(async move {
                        asked.each(&of.iter().map(|edge| &edge.rows[edge.place]).collect::<Vec<_>>()).await
                    })
                },
            },
        },
        Field {
            name: "cursor",
            doc: "Its place in the list, for `after` and `before`.",
            type_of: <String as Described>::describe,
            arguments: no_arguments,
            answer: Resolver::Plain {
                plan: |_, _| Ok(None),
                write: |edge, _, _, out| crate::graph::write_text(&edge.cursor, out),
                columns: ("edge", "edge.cursor"),
            },
        },
    ];
}
