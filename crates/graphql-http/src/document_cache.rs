//! A cache of valid documents, which need not be checked, parsed and validated again. Front ends send the same few documents
//! again and again with different variables.

use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use moka::sync::Cache;

use crate::document::{self, DocumentError, DocumentLimits};

/// The capacity of the cache in bytes of text. The parsed documents take about ten times as much memory.
const CAPACITY: u64 = 512 * 1024;
/// The size of a cache entry in addition to its text, in bytes.
const OVERHEAD: usize = 256;

/// A document that passed the check.
#[derive(Clone, Debug)]
pub struct CachedDocument {
    /// The parsed document.
    pub document: Arc<ExecutableDocument>,
    /// Whether the document comes from the cache, so that it is known to be valid.
    pub valid: bool,
}

/// A cache of valid documents by their text.
#[derive(Debug)]
pub struct DocumentCache {
    limits: DocumentLimits,
    valid: Cache<Arc<str>, Arc<ExecutableDocument>>,
}

impl DocumentCache {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(limits: DocumentLimits) -> Self {
        let weight =
            |text: &Arc<str>, _: &Arc<ExecutableDocument>| u32::try_from(text.len() + OVERHEAD).unwrap_or(u32::MAX);
        Self { limits, valid: Cache::builder().weigher(weight).max_capacity(CAPACITY).build() }
    }

    /// Returns a document from the cache, or checks and parses it.
    ///
    /// # Errors
    /// A [`DocumentError`] as for [`document::check`].
    pub fn read(&self, text: &str) -> Result<CachedDocument, DocumentError> {
        if let Some(document) = self.valid.get(text) {
            return Ok(CachedDocument { document, valid: true });
        }
        Ok(CachedDocument { document: Arc::new(document::check(text, &self.limits)?), valid: false })
    }

    /// Adds a valid document to the cache. Skips documents with several operations, because the positions of variables are
    /// checked only for the executed one, and introspections, which are executed together with the validation.
    pub fn keep(&self, text: &str, document: &Arc<ExecutableDocument>) {
        if document.operations.iter().count() == 1 && !may_introspect(text) {
            self.valid.insert(text.into(), Arc::clone(document));
        }
    }
}

/// Whether the fields may include `__schema` or `__type`.
fn may_introspect(text: &str) -> bool {
    text.contains("__schema") || text.split("__type").skip(1).any(|rest| !rest.starts_with("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_document_is_cached() {
        let documents = DocumentCache::new(DocumentLimits::default());
        let text = "{ me { __typename id } }";
        let first = documents.read(text).unwrap();
        assert!(!first.valid && !documents.read(text).unwrap().valid);
        documents.keep(text, &first.document);
        let again = documents.read(text).unwrap();
        assert!(again.valid && Arc::ptr_eq(&first.document, &again.document));
        assert!(!documents.read("{ me { id __typename } }").unwrap().valid);
    }

    #[test]
    fn several_operations_and_introspections_are_not_cached() {
        let documents = DocumentCache::new(DocumentLimits::default());
        for text in [
            "query a { me { id } } query b { me { name } }",
            "{ __schema { types { name } } }",
            "{ __type(name: \"A\") { name } }",
        ] {
            let read = documents.read(text).unwrap();
            documents.keep(text, &read.document);
            assert!(!documents.read(text).unwrap().valid, "{text}");
        }
    }

    #[test]
    fn a_rejected_document_is_rejected_again() {
        let documents = DocumentCache::new(DocumentLimits::default());
        assert!(documents.read("{").is_err() && documents.read("{").is_err());
    }
}
