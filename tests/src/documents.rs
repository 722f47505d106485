//! The documents of `tests/documents.graphql`, and the program's verdicts on documents.

use graphql_document::{DocumentErrorKind, DocumentLimits, DocumentSchema};

/// The documents, each with the verdict of the specification.
const DOCUMENTS: &str = include_str!("../documents.graphql");

/// A document of the file.
#[derive(Clone, Copy, Debug)]
pub struct JudgedDocument {
    /// What is special about the document.
    pub title: &'static str,
    /// Whether the document is valid.
    pub is_valid: bool,
    /// The document.
    pub text: &'static str,
}

/// Returns the documents of the file.
pub fn judged_documents() -> impl Iterator<Item = JudgedDocument> {
    DOCUMENTS.split("\n#### ").skip(1).map(|block| {
        let (heading, text) = block.split_once('\n').unwrap_or((block, ""));
        let (verdict, title) = heading.split_once(": ").unwrap_or((heading, ""));
        JudgedDocument { title, is_valid: verdict == "valid", text }
    })
}

/// Judges documents as the program does.
#[derive(Debug)]
pub struct Judge(DocumentSchema);

impl Judge {
    /// Returns a judge for the schema of the program.
    pub async fn new() -> Self {
        let (_, env) = callshot::internals::open().await;
        Self(DocumentSchema::of(&env.registry, callshot::internals::instead))
    }

    /// Returns the errors of a document, with the kind of each; nothing if the document is valid.
    #[must_use]
    pub fn errors(&self, text: &str) -> Vec<(DocumentErrorKind, String)> {
        match graphql_document::read(text, &self.0, &DocumentLimits::default()) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.errors.into_iter().map(|error| (error.kind, error.message)).collect(),
        }
    }
}
