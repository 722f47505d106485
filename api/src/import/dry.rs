//! What a dry run pretends. Rows of one batch refer to rows of an earlier one, which a dry run has not written. Those
//! references are removed before the upsert checks the row, so that a dry run reports what the real run would.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use super::target::{
    AccountRefInput, AccountRowInput, BookingRowInput, ContactRowInput, MaybeUndefined, OpportunityRowInput,
    TouchRowInput, UserRowInput,
};

/// The keys of rows that a dry run would have created so far.
#[derive(Debug, Default)]
pub struct CreatedKeys(HashSet<[u8; 16]>);

impl CreatedKeys {
    fn digest(key: &str) -> [u8; 16] {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(key.as_bytes())[..16]);
        digest
    }

    /// Adds a key.
    pub fn add(&mut self, key: &str) {
        self.0.insert(Self::digest(key));
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a row of this key would have been created.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&Self::digest(key))
    }
}

/// A row that may refer to others.
pub trait Linked {
    /// Removes references to rows that this run would have created, which are known by their external id or address.
    fn unlink(&mut self, made: &CreatedKeys);
    /// Returns the account that it belongs to.
    fn account(&self) -> Option<&AccountRefInput>;
    /// Returns the key by which later rows refer to it.
    fn called(&self) -> Option<&str>;
}

fn drop_if<T>(link: &mut MaybeUndefined<T>, made: impl Fn(&T) -> bool) {
    if link.value().is_some_and(made) {
        *link = MaybeUndefined::Undefined;
    }
}

impl Linked for UserRowInput {
    fn unlink(&mut self, made: &CreatedKeys) {
        drop_if(&mut self.manager_email, |email| made.contains(email));
    }
    fn account(&self) -> Option<&AccountRefInput> {
        None
    }
    fn called(&self) -> Option<&str> {
        Some(&self.email)
    }
}

impl Linked for AccountRowInput {
    fn unlink(&mut self, made: &CreatedKeys) {
        drop_if(&mut self.parent, |parent| matches!(parent, AccountRefInput::ExternalId(id) if made.contains(&id.id)));
    }
    fn account(&self) -> Option<&AccountRefInput> {
        None
    }
    fn called(&self) -> Option<&str> {
        self.external_id.value().map(|id| id.id.as_str())
    }
}

impl Linked for ContactRowInput {
    fn unlink(&mut self, made: &CreatedKeys) {
        drop_if(&mut self.reports_to, |id| made.contains(&id.id));
    }
    fn account(&self) -> Option<&AccountRefInput> {
        self.account.value()
    }
    fn called(&self) -> Option<&str> {
        self.external_id.value().map(|id| id.id.as_str())
    }
}

impl Linked for OpportunityRowInput {
    fn unlink(&mut self, _: &CreatedKeys) {}
    fn account(&self) -> Option<&AccountRefInput> {
        self.account.value()
    }
    fn called(&self) -> Option<&str> {
        self.external_id.value().map(|id| id.id.as_str())
    }
}

impl Linked for BookingRowInput {
    fn unlink(&mut self, made: &CreatedKeys) {
        drop_if(&mut self.opportunity_external_id, |id| made.contains(&id.id));
    }
    fn account(&self) -> Option<&AccountRefInput> {
        self.account.value()
    }
    fn called(&self) -> Option<&str> {
        None
    }
}

impl Linked for TouchRowInput {
    fn unlink(&mut self, _: &CreatedKeys) {}
    fn account(&self) -> Option<&AccountRefInput> {
        self.account.value()
    }
    fn called(&self) -> Option<&str> {
        None
    }
}
