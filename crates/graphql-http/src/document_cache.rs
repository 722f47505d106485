//! Documents that were valid before: their check, their parsing and their validation are not done again. Front ends
//! send the same few documents all day, with other variables.

use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use moka::sync::Cache;

use crate::document::DocumentLimits;
use crate::document::{self, Refusal};

/// How many bytes of documents are kept; parsed they take some ten times as much.
const KEPT: u64 = 512 * 1024;
/// What a document takes besides its text.
const BESIDES: usize = 256;

/// A document that passed the check.
#[derive(Clone, Debug)]
pub struct CachedDocument {
    /// It.
    pub document: Arc<ExecutableDocument>,
    /// Was it found valid before?
    pub valid: bool,
}

/// What was sent before, by its text.
#[derive(Debug)]
pub struct DocumentCache {
    limits: DocumentLimits,
    valid: Cache<Arc<str>, Arc<ExecutableDocument>>,
}

impl DocumentCache {
    /// None so far.
    #[must_use]
    pub fn new(limits: DocumentLimits) -> Self {
        let weight =
            |text: &Arc<str>, _: &Arc<ExecutableDocument>| u32::try_from(text.len() + BESIDES).unwrap_or(u32::MAX);
        Self { limits, valid: Cache::builder().weigher(weight).max_capacity(KEPT).build() }
    }

    /// Reads a document, unless it is known.
    ///
    /// # Errors
    /// Why it is not run.
    pub fn read(&self, text: &str) -> Result<CachedDocument, Refusal> {
        if let Some(document) = self.valid.get(text) {
            return Ok(CachedDocument { document, valid: true });
        }
        Ok(CachedDocument { document: Arc::new(document::check(text, &self.limits)?), valid: false })
    }

    /// Keeps a document that has been found valid. Only a document with one operation is, for whether variables are in
    /// their places was looked at for the one that was asked for; and none that asks the schema about itself, which is
    /// answered along with the validation.
    pub fn keep(&self, text: &str, document: &Arc<ExecutableDocument>) {
        if document.operations.iter().count() == 1 && !asks_schema(text) {
            self.valid.insert(text.into(), Arc::clone(document));
        }
    }
}

/// Might `__schema` or `__type` be among the fields?
fn asks_schema(text: &str) -> bool {
    text.contains("__schema") || text.split("__type").skip(1).any(|rest| !rest.starts_with("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_once_it_was_valid() {
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
    fn what_is_checked_by_operation_or_asks_the_schema_is_not_kept() {
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
    fn a_refused_document_stays_refused() {
        let documents = DocumentCache::new(DocumentLimits::default());
        assert!(documents.read("{").is_err() && documents.read("{").is_err());
    }
}
