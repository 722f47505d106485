//! GraphQL documents: the text is parsed, measured against limits, and validated against a schema by the rules of the
//! specification. A valid document becomes one of async-graphql, whose parser and validator are not used (docs/adr/0018).
//!
//! | module | contents |
//! |---|---|
//! | `lexer`, `parser`, `ast` | from the text to a tree that keeps what validation needs |
//! | [`limits`] | the size of a document with all fragments expanded |
//! | [`schema`] | what validation needs to know of a schema |
//! | `validate` | the rules of the specification |
//! | `convert` | from the tree to async-graphql's document |
//! | [`error`] | the errors, with messages for clients |
//!
//! Everything here is a pure function of the text, the schema and the limits, and takes time about linear in the length of the
//! text, however hostile it is.

mod ast;
mod convert;
pub mod error;
mod lexer;
pub mod limits;
mod parser;
pub mod schema;
mod suggestion;
mod validate;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::registry::Registry;

pub use self::error::{DocumentError, DocumentErrorKind, InvalidDocument, cut};
pub use self::limits::DocumentLimits;
pub use self::schema::{DocumentSchema, ScalarHint};

/// Parses a document, and checks it against the limits and the schema.
///
/// # Errors
/// A syntax error, an exceeded limit, or all that is invalid, up to fifty errors.
pub fn read(
    text: &str,
    schema: &DocumentSchema,
    limits: &DocumentLimits,
) -> Result<ExecutableDocument, InvalidDocument> {
    let (max, length) = (limits.max_bytes, text.len());
    if length > max {
        let message = format!("The document has {length} bytes; at most {max} are allowed.");
        return Err(InvalidDocument::unread(DocumentError::limit(message)));
    }
    let document = parser::parse(text).map_err(InvalidDocument::unread)?;
    limits::check(&document, limits).map_err(InvalidDocument::unread)?;
    let errors = validate::validate(&document, schema);
    if errors.is_empty() {
        return Ok(convert::convert(&document, schema));
    }
    let operation = document.operations.iter().find_map(|operation| operation.name);
    Err(InvalidDocument { operation: operation.map(|name| name.text.to_owned()), errors })
}

/// Parses a document that is checked against nothing.
///
/// # Errors
/// A syntax error.
pub fn parse(text: &str) -> Result<ExecutableDocument, DocumentError> {
    let document = parser::parse(text)?;
    Ok(convert::convert(&document, &DocumentSchema::of(&Registry::default(), |_, _| None)))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
