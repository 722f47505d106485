//! How objects answer: a whole batch of parents at once.
//!
//! async-graphql parses and validates a document, coerces its inputs and introspects the schema. Everything else is
//! answered here, from the root on, breadth first. A type lists its fields with [`object!`]; a field is one of
//!
//! - `plain(|row| …)`: told from the row itself, at once, written as JSON where it stands;
//! - `batch(function)`: an `async fn(&FieldContext, &[&Row]) -> Result<Batch>`, run **once for all parents** of a level,
//!   whether there is one or two hundred; so a request costs as many statements as it names relations, however many
//!   rows it returns;
//! - `by(|row| key, function)`: the same for what hangs on the row by a key alone: an `async fn(&Asked, &[Key]) ->
//!   Result<Answers>`. Of the row, no more is read than the key;
//! - `once(function)`: for a field with one parent (the roots): `async fn(&FieldContext, Arguments) -> Result<Type>`;
//! - `mutation(function)`: the same for changes, where what the caller can mend becomes the payload's `userErrors`.
//!
//! Read on in `object` (what a type is), `selection` (which fields a document asks for), `answer` (the walk) and
//! `value` (what a plain field may be).

mod answer;
mod argument;
mod columns;
mod node;
mod object;
mod selection;
mod value;

pub use answer::{Batch, FieldContext, MutationPayload, ROWS_AT_A_STRETCH, SingleValue, answer};
pub use columns::selections_of;
pub use node::AnyNode;
pub(crate) use node::{abstract_type, group_batches};
pub use object::{Field, ObjectType, Resolver, describe_arguments, describe_object};
pub(crate) use object::{graphql_enum, object, payload, root_object};
pub use selection::{CollectedField, Document, Operation, SelectionPlan};
pub use value::{AnyId, Described, NodeId, Value, write_text};
