//! External ids (identifiers of records in other systems) and custom fields. Both are stored as JSON in the row.

use async_graphql::{InputObject, MaybeUndefined};
use database::sql::Sql;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Result, UserErrorCode};
use crate::graphql::object;
use crate::graphql::scalars::Json;
use crate::values::exact_json;
use crate::write::Write;
use crate::write::validator::Validator;

/// The largest number of characters of a source, and of an id.
const MAX_CHARACTERS: usize = 200;
/// The largest number of external ids of one row.
const MAX_IDS: usize = 20;
/// The largest size of custom fields, in bytes.
const MAX_CUSTOM_BYTES: usize = 20_000;

/// The identifier of a row in another system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExternalId {
    /// The other system.
    pub source: String,
    /// The identifier in that system.
    pub id: String,
}

object! {
    /// The identifier of this record in another system. A record has at most one per source.
    ExternalId as "ExternalId" {
        /// The other system, such as `salesforce`.
        source: &str = plain(|external| &external.source);
        /// The identifier in that system.
        id: &str = plain(|external| &external.id);
    }
}

/// The identifier of a record in another system. Unique in the organization among records of the same type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, InputObject)]
pub struct ExternalIdInput {
    /// The other system, such as `salesforce`: up to 200 characters.
    pub source: String,
    /// The identifier in that system: up to 200 characters.
    pub id: String,
}

/// Reads stored external ids as pairs of source and id.
#[must_use]
pub fn read(stored: &str) -> Vec<(String, String)> {
    shown(stored).into_iter().map(|external| (external.source, external.id)).collect()
}

/// Reads stored external ids.
#[must_use]
pub fn shown(stored: &str) -> Vec<ExternalId> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// Returns external ids as they are stored, sorted by source.
#[must_use]
pub fn stored(mut all: Vec<ExternalId>) -> String {
    all.sort();
    serde_json::to_string(&all).unwrap_or_default()
}

/// Returns the source and the id of an input, normalized as they are stored; None if either is invalid or empty.
#[must_use]
pub fn key(given: &ExternalIdInput) -> Option<(String, String)> {
    let tidy = |text: &str| crate::values::text::tidy(text).ok().filter(|text| !text.is_empty());
    Some((tidy(&given.source)?, tidy(&given.id)?))
}

/// Adds one external id to stored ones, replacing the one of the same source.
fn replaced(all: &str, (source, id): (String, String)) -> Vec<ExternalId> {
    let mut all: Vec<ExternalId> = shown(all).into_iter().filter(|other| other.source != source).collect();
    all.push(ExternalId { source, id });
    all
}

/// Whether the value contains a NUL character, which PostgreSQL's JSON types reject.
fn has_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(has_nul),
        serde_json::Value::Object(fields) => fields.iter().any(|(key, item)| key.contains('\0') || has_nul(item)),
        _ => false,
    }
}

impl Validator {
    /// Checks the external id that is the key of a row, and returns its normalized source and id.
    pub fn external_key(&mut self, field: &str, given: &ExternalIdInput) -> (String, String) {
        let source = self.required(&format!("{field}.source"), &given.source, MAX_CHARACTERS);
        let id = self.required(&format!("{field}.id"), &given.id, MAX_CHARACTERS);
        (source, id)
    }

    /// Adds an external id to a row that an upsert finds or creates by another key.
    pub fn add_external_id(&mut self, field: &str, names: &mut String, key: (String, String)) {
        let all = replaced(names, key);
        if all.len() > MAX_IDS {
            self.invalid(field, format!("A record has at most {MAX_IDS} external ids, each of a different source."));
        }
        *names = stored(all);
    }

    /// Applies a change of custom fields: an object is merged by key, where null removes a key; null removes all of them.
    pub fn merge_custom_fields(&mut self, field: &str, given: &MaybeUndefined<Json<String>>, fields: &mut String) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *fields = "{}".to_owned(),
            MaybeUndefined::Value(Json(json)) => {
                let all = merged(fields, &self.custom_fields(field, json));
                *fields = self.custom_fields(field, &all);
            }
        }
    }

    /// Checks the external ids of a row and returns them as stored. Each source may occur once.
    pub fn external_ids(&mut self, field: &str, given: &[ExternalIdInput]) -> String {
        let mut all: Vec<ExternalId> = Vec::new();
        if given.len() > MAX_IDS {
            self.invalid(field, format!("A record has at most {MAX_IDS} external ids; {} were given.", given.len()));
        }
        for (index, external) in given.iter().enumerate() {
            let source = self.required(&format!("{field}.{index}.source"), &external.source, MAX_CHARACTERS);
            let id = self.required(&format!("{field}.{index}.id"), &external.id, MAX_CHARACTERS);
            if all.iter().any(|other| other.source == source) {
                self.invalid(
                    &format!("{field}.{index}.source"),
                    "A record has at most one external id per source; this source occurs twice.",
                );
            }
            all.push(ExternalId { source, id });
        }
        stored(all)
    }

    /// Checks custom fields, a JSON object of limited size, and returns them as stored.
    pub fn custom_fields(&mut self, field: &str, given: &str) -> String {
        let too_long = format!("Custom fields must take at most {MAX_CUSTOM_BYTES} bytes as JSON.");
        if given.len() > 2 * MAX_CUSTOM_BYTES {
            // Only spaces could make it shorter.
            self.invalid(field, too_long);
            return "{}".to_owned();
        }
        let Ok(object @ serde_json::Value::Object(_)) = serde_json::from_str(given) else {
            self.invalid(field, "Custom fields must be a JSON object such as {\"key\": \"value\"}.");
            return "{}".to_owned();
        };
        if has_nul(&object) {
            self.invalid(field, "Custom fields must not contain the character U+0000.");
            return "{}".to_owned();
        }
        let text = exact_json::write(&exact_json::read(given).unwrap_or(object));
        if text.len() > MAX_CUSTOM_BYTES {
            self.invalid(field, too_long);
        }
        text
    }

    /// Adds an error for each external id in `externalIds`, and for an account's domain, that another row of the noun already
    /// has. A single statement looks up all of them, so that they are checked against the same snapshot of the database and
    /// all conflicts are reported together.
    pub async fn require_unique(
        &mut self,
        write: &Write<'_>,
        noun: &str,
        own: Uuid,
        given: &[ExternalIdInput],
        domain: Option<&str>,
    ) -> Result<()> {
        // Longer lists have been rejected already, and would exceed SQLite's limits on a statement.
        let names: Vec<_> = given.iter().take(MAX_IDS).map(key).collect();
        let mut sql = Sql::new(write.tx.get_database_backend());
        let organization = sql.parameter(write.organization());
        for (source, id) in names.iter().flatten() {
            if sql.is_empty() {
                sql.push(&format!(
                    "select source, id from external_id where organization_id = ${organization} and noun = "
                ));
                sql.value(noun).push(" and subject_id <> ").value(own).push(" and ((source = ");
            } else {
                sql.push(" or (source = ");
            }
            sql.value(source).push(" and id = ").value(id).push(")");
        }
        if !sql.is_empty() {
            sql.push(")");
        }
        if let Some(domain) = domain {
            sql.push(if sql.is_empty() { "" } else { " union all " });
            sql.push(&format!(
                "select null, domain from account where organization_id = ${organization} and domain = "
            ));
            sql.value(domain).push(" and id <> ").value(own);
        }
        if sql.is_empty() {
            return Ok(());
        }
        let mut taken = Vec::new();
        for row in write.tx.query_all_raw(sql.statement()).await? {
            taken.push((row.try_get_by_index::<Option<String>>(0)?, row.try_get_by_index::<String>(1)?));
        }
        if let Some((_, domain)) = taken.iter().find(|(source, _)| source.is_none()) {
            self.fault(UserErrorCode::Taken, "domain", format!("Another account has the domain {domain}."));
        }
        for (index, name) in names.into_iter().enumerate() {
            let Some((source, id)) = name else { continue };
            if taken.iter().any(|other| (other.0.as_ref(), &other.1) == (Some(&source), &id)) {
                self.fault(
                    UserErrorCode::Taken,
                    &format!("externalIds.{index}"),
                    format!("Another {noun} has the external id {id} of {source}."),
                );
            }
        }
        Ok(())
    }
}

/// Merges custom fields by key; null removes a key.
fn merged(stored: &str, given: &str) -> String {
    let (Some(serde_json::Value::Object(mut fields)), Some(serde_json::Value::Object(changes))) =
        (exact_json::read(stored), exact_json::read(given))
    else {
        return stored.to_owned();
    };
    for (key, value) in changes {
        if value.is_null() {
            fields.shift_remove(&key);
        } else {
            fields.insert(key, value);
        }
    }
    exact_json::write(&serde_json::Value::Object(fields))
}
