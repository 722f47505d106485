//! Keyset pagination of Relay connections. A later page costs no more than the first. Rows with equal sort keys are neither
//! lost nor repeated when rows are added or removed between two pages.
//!
//! Every ordering ends with the id, and no sort key is null: a null is replaced by a value above all others, so that nulls come
//! last in ascending order and first in descending order, or by one below all others if they are to come the other way
//! round. "After this row" is then a single row comparison, which both databases answer from the index of the ordering.
//!
//! | module | contents |
//! |---|---|
//! | [`order`] | orderings and sort keys |
//! | [`cursor`] | the text form of positions in an ordering |
//! | [`mod@page`] | one page of a list, or of the rows of it that the viewer sees |
//! | [`below`] | one page for each of many parents, in one statement |
//! | [`connection`] | the types of the schema |
//! | [`plain`] | lists without pages |

pub mod below;
pub mod connection;
mod cursor;
pub mod order;
pub mod page;
pub mod plain;

pub use self::below::RowsPerParent;
pub(crate) use self::connection::connection;
pub use self::connection::{Connection, ConnectionNode};
pub(crate) use self::order::ordering;
pub use self::order::{Direction, Key, LAST_DAY, Nulls, Order, SortKey, column_index};
pub use self::page::{PageArguments, VisibleRows, page};
pub use self::plain::plain_lists;

/// The largest number of items in a list without pages.
pub const LONGEST_LIST: u64 = 500;
