//! Executes GraphQL operations breadth first: each field runs once for all parents of its level.
//!
//! The document is valid before it comes here. async-graphql coerces inputs and answers introspection; this crate answers
//! everything else. A request costs as many statements as it names relations, however many rows it returns.
//!
//! A type lists its fields with [`object!`]. A field has one of these kinds:
//!
//! | kind | function | runs |
//! |---|---|---|
//! | `plain(\|row\| …)` | a value computed from the row | where the row is written |
//! | `batch(function)` | `async fn(&FieldContext<C>, &[&Row]) -> Result<Batch<T>>` | once for all rows of a level |
//! | `by_key(\|row\| key, function)` | `async fn(&FieldContext<C>, &[Key]) -> Result<Batch<T>>` | once for all rows; reads only the key of each |
//! | `root(function)` | `async fn(&FieldContext<C>, Arguments) -> Result<T>` | for fields with one parent |
//! | `mutation(function)` | `async fn(&C, Arguments) -> Result<Payload>` | as `root`; what the caller can fix becomes part of the payload |
//!
//! `T` is the declared type of the field. A function that returns a batch of another type does not compile, and a batch with
//! the wrong number of values fails the field.
//!
//! The crate knows nothing about storage or transport: the request context `C` is a type parameter. `docs/executor.md`
//! describes the execution algorithm with a complete example, which is also `examples/library.rs`.

mod abstract_type;
mod batch;
mod context;
mod execute;
mod field;
mod json;
mod object;
mod selection;
mod value;

pub use abstract_type::{AbstractBatch, MemberOf, describe_node, describe_union, join_interface};
pub use batch::{Batch, ErasedBatch};
pub use context::{ExecutionContext, ExecutionError, MutationPayload};
pub use execute::{ROWS_BETWEEN_YIELDS, execute};
pub use field::FieldContext;
pub use json::{write_const_value, write_string};
pub use object::{
    FieldDefinition, ObjectType, Resolver, RowExpression, all_plain, describe_arguments, describe_object,
    single_argument,
};
pub use selection::{CollectedField, Document, InvalidSelection, Operation, SelectionPlan, selections_of};
pub use value::{OutputType, Value};

/// What the macros refer to.
#[doc(hidden)]
pub mod private {
    pub use async_graphql;
    pub use futures_util::future::BoxFuture;
}
