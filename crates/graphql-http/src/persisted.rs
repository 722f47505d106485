//! Automatic persisted queries: a client sends the SHA-256 hash of its document and, only if the server does not know the
//! document, both. This is the protocol of Apollo's and urql's links.
//!
//! An owner finds only documents that it has registered itself, so that a hash reveals nothing of what others send.

use std::hash::Hash;
use std::sync::Arc;

use axum::http::StatusCode;
use moka::sync::Cache;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::document_cache::weight;
use crate::rejection::HttpRejection;
use crate::request::{Parameters, bad};

/// The capacity of the store in bytes of text. What does not fit is forgotten, and its client sends it again.
const CAPACITY: u64 = 4 * 1024 * 1024;

/// The SHA-256 hash of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// Reads the member `persistedQuery` of a request's extensions.
    pub(crate) fn from_extension(value: &Value) -> Result<Self, HttpRejection> {
        if value.get("version").and_then(Value::as_u64) != Some(1) {
            // Clients then send whole documents, and go on doing so.
            let code = Code::PersistedQueryNotSupported;
            return Err(HttpRejection::new(StatusCode::OK, code, "PersistedQueryNotSupported"));
        }
        let digits = value.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        hash.map(Self)
            .ok_or_else(|| bad("`extensions.persistedQuery.sha256Hash` must be a SHA-256 hash of 64 hex digits."))
    }

    /// Returns the hash of a document.
    #[must_use]
    pub fn of(document: &str) -> Self {
        Self(Sha256::digest(document).into())
    }
}

/// The documents that clients have registered, by their owner.
#[derive(Debug)]
pub struct PersistedDocuments<Owner: Copy + Eq + Hash + Send + Sync + 'static>(Cache<(Owner, DocumentHash), Arc<str>>);

impl<Owner: Copy + Eq + Hash + Send + Sync + 'static> Default for PersistedDocuments<Owner> {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl<Owner: Copy + Eq + Hash + Send + Sync + 'static> PersistedDocuments<Owner> {
    fn with_capacity(bytes: u64) -> Self {
        let weigher = |_: &(Owner, DocumentHash), text: &Arc<str>| weight(text);
        Self(Cache::builder().weigher(weigher).max_capacity(bytes).build())
    }

    /// Adds the document to a request that names it only by its hash.
    ///
    /// # Errors
    /// `PERSISTED_QUERY_NOT_FOUND` if the owner has not registered it, or it is forgotten.
    pub fn complete(&self, owner: Owner, parameters: &mut Parameters) -> Result<(), HttpRejection> {
        let Some(hash) = parameters.hash.filter(|_| parameters.query.is_empty()) else { return Ok(()) };
        let Some(text) = self.0.get(&(owner, hash)) else {
            // The message is the one by which older clients recognize the error.
            return Err(HttpRejection::new(StatusCode::OK, Code::PersistedQueryNotFound, "PersistedQueryNotFound"));
        };
        parameters.query = text.as_ref().to_owned();
        Ok(())
    }

    /// Registers the document of a request that names it by its hash, too.
    ///
    /// # Errors
    /// Status 400 if the hash is not that of the document.
    pub fn register(&self, owner: Owner, parameters: &Parameters) -> Result<(), HttpRejection> {
        let Some(hash) = parameters.hash else { return Ok(()) };
        if self.0.get(&(owner, hash)).as_deref() == Some(&*parameters.query) {
            return Ok(());
        }
        if DocumentHash::of(&parameters.query) != hash {
            return Err(bad("`extensions.persistedQuery.sha256Hash` is not the SHA-256 hash of the query."));
        }
        self.0.insert((owner, hash), parameters.query.as_str().into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(query: Option<&str>, hash: &str) -> Parameters {
        let extension = json!({"version": 1, "sha256Hash": hash});
        Parameters::new(query.map(str::to_owned), None, async_graphql::Variables::default(), Some(extension)).unwrap()
    }

    fn hash(document: &str) -> String {
        data_encoding::HEXLOWER.encode(&DocumentHash::of(document).0)
    }

    #[test]
    fn a_registered_document_is_found_by_its_owner_alone() {
        let store = PersistedDocuments::default();
        let mut short = parameters(None, &hash("{ a }"));
        let missing = store.complete(1, &mut short).unwrap_err();
        assert_eq!((missing.status, missing.error.message.as_str()), (StatusCode::OK, "PersistedQueryNotFound"));
        store.register(1, &parameters(Some("{ a }"), &hash("{ a }"))).unwrap();
        store.complete(1, &mut short).unwrap();
        assert_eq!(short.query, "{ a }");
        assert!(store.complete(2, &mut parameters(None, &hash("{ a }"))).is_err());
    }

    #[test]
    fn a_wrong_hash_registers_nothing() {
        let store = PersistedDocuments::default();
        assert_eq!(store.register(1, &parameters(Some("{ b }"), &hash("{ a }"))).unwrap_err().status, 400);
        store.register(1, &parameters(Some("{ a }"), &hash("{ a }"))).unwrap();
        assert_eq!(store.register(1, &parameters(Some("{ b }"), &hash("{ a }"))).unwrap_err().status, 400);
        assert!(store.complete(1, &mut parameters(None, &hash("{ b }"))).is_err());
    }

    #[test]
    fn the_store_is_bounded() {
        let store = PersistedDocuments::with_capacity(10_000);
        for number in 0..1_000 {
            let text = format!("{{ a{number} }}");
            store.register(1, &parameters(Some(&text), &hash(&text))).unwrap();
        }
        store.0.run_pending_tasks();
        assert!((1..=10_000 / 256).contains(&store.0.entry_count()), "{}", store.0.entry_count());
    }

    #[test]
    fn only_version_1_and_whole_hashes_are_understood() {
        let read = |extension| DocumentHash::from_extension(&extension).unwrap_err();
        assert_eq!(Code::of(&read(json!({"sha256Hash": hash("")})).error), Some(Code::PersistedQueryNotSupported));
        assert_eq!(Code::of(&read(json!(7)).error), Some(Code::PersistedQueryNotSupported));
        for digits in [json!("ab"), json!("z".repeat(64)), json!(null), json!(1)] {
            let rejection = read(json!({"version": 1, "sha256Hash": digits}));
            assert_eq!(Code::of(&rejection.error), Some(Code::BadUserInput));
        }
        assert_eq!(
            DocumentHash::from_extension(&json!({"version": 1, "sha256Hash": hash("a").to_uppercase()})).unwrap(),
            DocumentHash::of("a")
        );
    }
}
