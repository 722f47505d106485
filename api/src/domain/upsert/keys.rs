//! What the rows of an upsert name their nodes by.

use std::collections::HashMap;

use async_graphql::ID;
use entity::Id;
use uuid::Uuid;

use crate::error::UserErrorCode;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::Validator;

/// Returns the id of the existing node that a row names: by its id, or else by another key. `by_key` is the node with that
/// key, which was given at `field`. Notes an error if the row's id names no visible node, or another one than the key.
pub fn target_of<I: Id + PartialEq>(
    check: &mut Validator,
    id: Option<&ID>,
    (field, by_key): (&str, Option<I>),
    is_visible: impl Fn(I) -> bool,
) -> Option<I> {
    let Some(id) = id else { return by_key };
    let Some(id) = I::parse(id).ok().filter(|id| is_visible(*id)) else {
        check.not_found("id", I::PREFIX);
        return None;
    };
    match by_key {
        Some(other) if other != id && is_visible(other) => {
            let message = format!("This names another {} than the id does: give one of them.", I::PREFIX);
            check.fault(UserErrorCode::Conflict, field, message);
        }
        Some(other) if other != id => {
            check.fault(UserErrorCode::Taken, field, format!("Another {} has this key.", I::PREFIX));
        }
        _ => {}
    }
    Some(id)
}

/// What a row of a noun with external ids names its node by.
#[derive(Clone, Copy)]
pub struct RowKeys<'r> {
    /// The id.
    pub id: Option<&'r ID>,
    /// The identifier in another system.
    pub external_id: Option<&'r ExternalIdInput>,
}

impl RowKeys<'_> {
    /// Returns the id of the existing node that the row names, and `Some(None)` if the row names a new one. Notes an error if
    /// it names none, two different ones, or one that another row of the call has named, and returns `None` if the rest of
    /// the row cannot be checked. `known` holds the nodes by external id.
    #[expect(clippy::option_option, reason = "no answer, and the answer that there is none yet, are two things")]
    pub fn find<I: Id + PartialEq>(
        self,
        check: &mut Validator,
        once: &mut DuplicateKeys,
        index: usize,
        known: &HashMap<(String, String), Uuid>,
        is_visible: impl Fn(I) -> bool,
    ) -> Option<Option<I>> {
        let key = self.external_id.map(|external| check.external_key("externalId", external));
        if key.is_none() && self.id.is_none() {
            check.fault(UserErrorCode::Required, "externalId", "A row must have an id or an external id.");
        }
        let by_key = key.as_ref().and_then(|key| known.get(key)).map(|id| I::from_uuid(*id));
        let found = target_of(check, self.id, ("externalId", by_key), is_visible);
        let named = found.map(|id| ("id".to_owned(), id.show())).or_else(|| key.clone());
        if self.id.is_some() && found.is_none() {
            return None;
        }
        once.note(check, index, if self.id.is_some() { "id" } else { "externalId" }, named?);
        once.note_given(check, index, self.id.and(key));
        Some(found)
    }

    /// Adds the row's external id to those of its node.
    pub fn give(self, check: &mut Validator, names: &mut String) {
        if let Some(key) = self.external_id.and_then(crate::write::external_ids::key) {
            check.add_external_id("externalId", names, key);
        }
    }
}

/// Detects rows of a call that have the same key.
#[derive(Debug, Default)]
pub struct DuplicateKeys {
    seen: HashMap<(String, String), usize>,
}

impl DuplicateKeys {
    /// Notes the key of a row, and notes a fault in the row if an earlier row has the same key.
    pub fn note(&mut self, check: &mut Validator, index: usize, field: &str, key: (String, String)) {
        let first = self.also(index, key);
        if first != index {
            check.fault(UserErrorCode::Conflict, field, format!("Row {first} of this call has the same key."));
        }
    }

    /// Notes the external id that a row gives to the node it names by id, and notes a fault if an earlier row has it.
    pub fn note_given(&mut self, check: &mut Validator, index: usize, key: Option<(String, String)>) {
        if let Some(key) = key.filter(|_| check.is_clean()) {
            self.note(check, index, "externalId", key);
        }
    }

    /// Notes another key of a row for the rows that follow. Returns the first row with that key.
    pub fn also(&mut self, index: usize, key: (String, String)) -> usize {
        *self.seen.entry(key).or_insert(index)
    }
}
