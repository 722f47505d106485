//! Errors of documents.

use std::borrow::Cow;

use async_graphql::Pos;

/// The most characters of what a client sent that are shown to it again.
const SHOWN: usize = 200;

/// An error of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    /// The rule that the document breaks.
    pub kind: DocumentErrorKind,
    /// The message for the client.
    pub message: String,
    /// The places in the document that the error is about.
    pub positions: Vec<Pos>,
}

/// The kind of an error of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentErrorKind {
    /// The text is not a GraphQL document.
    Syntax,
    /// The document is not valid for the schema.
    Validation,
    /// The document is too large or would expand to too much.
    Limit,
}

impl DocumentError {
    pub(crate) fn syntax(message: impl Into<String>, position: Pos) -> Self {
        Self { kind: DocumentErrorKind::Syntax, message: message.into(), positions: vec![position] }
    }

    pub(crate) fn validation(message: impl Into<String>, positions: impl IntoIterator<Item = Pos>) -> Self {
        let positions = positions.into_iter().collect();
        Self { kind: DocumentErrorKind::Validation, message: message.into(), positions }
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self { kind: DocumentErrorKind::Limit, message: message.into(), positions: Vec::new() }
    }
}

/// A document with errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDocument {
    /// The name of its first operation, if that could be read.
    pub operation: Option<String>,
    /// The errors, at least one.
    pub errors: Vec<DocumentError>,
}

impl InvalidDocument {
    pub(crate) fn unread(error: DocumentError) -> Self {
        Self { operation: None, errors: vec![error] }
    }
}

/// Returns the start of a text that a client sent, to be shown in a message or a log.
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
