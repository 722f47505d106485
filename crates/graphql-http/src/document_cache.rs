//! A cache of valid documents, which need not be parsed and validated again. Front ends send the same few documents again and
//! again with different variables.

use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use graphql_document::{DocumentLimits, DocumentSchema, InvalidDocument};
use moka::sync::Cache;

/// The capacity of the cache in bytes of text. The parsed documents take about ten times as much memory.
const CAPACITY: u64 = 512 * 1024;
/// The size of a cache entry in addition to its text, in bytes.
const OVERHEAD: usize = 256;

/// Returns the size of a cache entry with this text, in bytes.
pub(crate) fn weight(text: &str) -> u32 {
    u32::try_from(text.len() + OVERHEAD).unwrap_or(u32::MAX)
}

/// A cache of valid documents by their text.
#[derive(Debug)]
pub struct DocumentCache {
    limits: DocumentLimits,
    schema: DocumentSchema,
    valid: Cache<Arc<str>, Arc<ExecutableDocument>>,
}

impl DocumentCache {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(limits: DocumentLimits, schema: DocumentSchema) -> Self {
        let weigher = |text: &Arc<str>, _: &Arc<ExecutableDocument>| weight(text);
        Self { limits, schema, valid: Cache::builder().weigher(weigher).max_capacity(CAPACITY).build() }
    }

    /// Returns a document from the cache.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.valid.get(text)
    }

    /// Parses and validates a document that is not in the cache, and adds it.
    ///
    /// # Errors
    /// What is invalid.
    pub fn read(&self, text: &str) -> Result<Arc<ExecutableDocument>, InvalidDocument> {
        let document = Arc::new(graphql_document::read(text, &self.schema, &self.limits)?);
        self.valid.insert(text.into(), Arc::clone(&document));
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use graphql_document::DocumentErrorKind;

    use super::*;
    use crate::introspection::IntrospectionExtension;

    struct Query;

    #[Object]
    impl Query {
        async fn me(&self) -> &'static str {
            "Ann"
        }
    }

    async fn documents() -> DocumentCache {
        let seen = IntrospectionExtension::new("");
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).extension(seen.clone()).finish();
        let registry = seen.environment(&schema).await;
        DocumentCache::new(DocumentLimits::default(), DocumentSchema::of(&registry.registry, |_, _| None))
    }

    #[tokio::test]
    async fn a_valid_document_is_cached() {
        let documents = documents().await;
        for text in [
            "{ __typename me }",
            "query a { me } query b { me }",
            "{ __schema { types { name } } }",
            "{ __type(name: \"A\") { name } }",
        ] {
            assert!(documents.get(text).is_none());
            let first = documents.read(text).unwrap();
            assert!(Arc::ptr_eq(&first, &documents.get(text).unwrap()), "{text}");
        }
        assert!(documents.get("{ me __typename }").is_none());
    }

    #[tokio::test]
    async fn a_rejected_document_is_not_cached() {
        let documents = documents().await;
        for (text, kind) in [
            ("{", DocumentErrorKind::Syntax),
            ("{ you }", DocumentErrorKind::Validation),
            (&format!("{{ {} }}", "me ".repeat(5_001)), DocumentErrorKind::Limit),
            (&" ".repeat(40_000), DocumentErrorKind::Limit),
        ] {
            assert_eq!(documents.read(text).unwrap_err().errors[0].kind, kind);
            assert!(documents.get(text).is_none());
        }
    }
}
