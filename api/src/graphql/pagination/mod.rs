//! Pages: Relay connections over keysets. A page deep down costs what the first one costs; rows with equal sort keys
//! are neither lost nor repeated, whatever comes and goes between two pages.
//!
//! Every ordering ends with the id, and every sort key is made non-null (a null is replaced by a value above all
//! others: nulls come last ascending, first descending), so that "after this row" is one row comparison, which the
//! index of the ordering answers on both databases.
//!
//! | room | holds |
//! |---|---|
//! | [`order`] | orderings, sort keys |
//! | [`cursor`] | places in an ordering, as clients carry them about |
//! | [`mod@page`] | one page: of a list, or of what the viewer sees of it |
//! | [`below`] | a page for each of many parents, in one statement |
//! | [`connection`] | the types of the schema |

pub mod below;
pub mod connection;
mod cursor;
pub mod order;
pub mod page;
pub mod plain;

pub use self::below::RowsPerParent;
pub(crate) use self::connection::connection;
pub use self::connection::{Connection, ConnectionNode, Edge, PageInfo};
pub use self::order::{Direction, Key, Order, SortKey, column_index};
pub use self::page::{PageArguments, VisibleRows, count, page};
pub use self::plain::plain_lists;

/// Items of a plain list at most.
pub const LONGEST_LIST: u64 = 500;
