//! Other systems' names for our rows, and custom fields: both are JSON in the row.

use async_graphql::{InputObject, MaybeUndefined};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Result, UserErrorCode};
use crate::graphql::object;
use crate::graphql::scalars::Json;
use crate::write::Write;
use crate::write::validator::Validator;
use database::sql::Sql;

/// Characters of a source, and of an id there, at most.
const LONGEST: usize = 200;
/// Names of one row at most.
const MOST: usize = 20;
/// Bytes of custom fields at most.
const MOST_CUSTOM: usize = 20_000;

/// Another system's name for a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExternalId {
    /// The other system.
    pub source: String,
    /// The name there.
    pub id: String,
}

object! {
    /// Another system's name for this row. A row has at most one of each source.
    ExternalId as "ExternalId" {
        /// The other system, such as `salesforce`.
        source: &str = plain(|external| &external.source);
        /// The name there.
        id: &str = plain(|external| &external.id);
    }
}

/// Another system's name for a row: unique in the organization among rows of the same type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, InputObject)]
pub struct ExternalIdInput {
    /// The other system, such as `salesforce`: up to 200 characters.
    pub source: String,
    /// The name there: up to 200 characters.
    pub id: String,
}

/// The names as stored, read.
#[must_use]
pub fn read(stored: &str) -> Vec<(String, String)> {
    shown(stored).into_iter().map(|external| (external.source, external.id)).collect()
}

/// The names as stored, to be shown.
#[must_use]
pub fn shown(stored: &str) -> Vec<ExternalId> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// Names as they are stored: by source.
#[must_use]
pub fn stored(mut all: Vec<ExternalId>) -> String {
    all.sort();
    serde_json::to_string(&all).unwrap_or_default()
}

/// A name given for a row, source first, as it is stored; None where it is none that could be.
#[must_use]
pub fn key(given: &ExternalIdInput) -> Option<(String, String)> {
    let tidy = |text: &str| crate::values::text::tidy(text).ok().filter(|text| !text.is_empty());
    Some((tidy(&given.source)?, tidy(&given.id)?))
}

/// Stored names with one more, in place of the one that the same source gave before.
#[must_use]
pub fn with(all: &str, name: (String, String)) -> String {
    stored(and_one(all, name))
}

fn and_one(all: &str, (source, id): (String, String)) -> Vec<ExternalId> {
    let mut all: Vec<ExternalId> = shown(all).into_iter().filter(|other| other.source != source).collect();
    all.push(ExternalId { source, id });
    all
}

/// Is there a NUL in it, which PostgreSQL's JSON does not take?
fn has_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(has_nul),
        serde_json::Value::Object(fields) => fields.iter().any(|(key, item)| key.contains('\0') || has_nul(item)),
        _ => false,
    }
}

impl Validator {
    /// The name that is the key of a row, tidied.
    pub fn external_key(&mut self, field: &str, given: &ExternalIdInput) -> (String, String) {
        let source = self.required(&format!("{field}.source"), &given.source, LONGEST);
        let id = self.required(&format!("{field}.id"), &given.id, LONGEST);
        (source, id)
    }

    /// One name more of a row that an upsert has found, or makes, by another key.
    pub fn add_external_id(&mut self, field: &str, names: &mut String, key: (String, String)) {
        let all = and_one(names, key);
        if all.len() > MOST {
            self.invalid(field, format!("A row has at most {MOST} external ids, each of another source."));
        }
        *names = stored(all);
    }

    /// A row's change of custom fields: merged by key, null removing a key, or all of them cleared.
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

    /// Names given for a row, tidied; a source twice is a fault.
    pub fn external_ids(&mut self, field: &str, given: &[ExternalIdInput]) -> String {
        let mut all: Vec<ExternalId> = Vec::new();
        if given.len() > MOST {
            self.invalid(field, format!("A row has at most {MOST} external ids; {} were given.", given.len()));
        }
        for (at, external) in given.iter().enumerate() {
            let source = self.required(&format!("{field}.{at}.source"), &external.source, LONGEST);
            let id = self.required(&format!("{field}.{at}.id"), &external.id, LONGEST);
            if all.iter().any(|other| other.source == source) {
                self.invalid(&format!("{field}.{at}.source"), "A row has one external id of each source.");
            }
            all.push(ExternalId { source, id });
        }
        stored(all)
    }

    /// Custom fields: a JSON object of limited size.
    pub fn custom_fields(&mut self, field: &str, given: &str) -> String {
        let Ok(object @ serde_json::Value::Object(_)) = serde_json::from_str(given) else {
            self.invalid(field, "Custom fields are a JSON object: {\"key\": value}.");
            return "{}".to_owned();
        };
        let text = object.to_string();
        if text.len() > MOST_CUSTOM {
            self.invalid(field, format!("Custom fields take at most {MOST_CUSTOM} bytes as JSON."));
        } else if has_nul(&object) {
            self.invalid(field, "Control characters are not allowed.");
        }
        text
    }

    /// Refuses names, as they were given in `externalIds`, that other rows of the noun have than this one; and for an account
    /// its domain. One statement looks for all: whoever writes at the same time is seen by all of it or by none, and what is
    /// taken is told together.
    ///
    /// # Errors
    /// The database's.
    pub async fn require_unique(
        &mut self,
        write: &Write<'_>,
        noun: &str,
        own: Uuid,
        given: &[ExternalIdInput],
        domain: Option<&str>,
    ) -> Result<()> {
        // More than a row may have are refused already, and would make a statement that SQLite does not take.
        let names: Vec<_> = given.iter().take(MOST).map(key).collect();
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
        for (at, name) in names.into_iter().enumerate() {
            let Some((source, id)) = name else { continue };
            if taken.iter().any(|other| (other.0.as_ref(), &other.1) == (Some(&source), &id)) {
                self.fault(
                    UserErrorCode::Taken,
                    &format!("externalIds.{at}"),
                    format!("Another {noun} has the external id {id} of {source}."),
                );
            }
        }
        Ok(())
    }
}

/// Custom fields with others merged in by key; null removes a key.
fn merged(stored: &str, given: &str) -> String {
    let (Ok(mut fields), Ok(changes)) = (
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(stored),
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(given),
    ) else {
        return stored.to_owned();
    };
    for (key, value) in changes {
        if value.is_null() {
            fields.shift_remove(&key);
        } else {
            fields.insert(key, value);
        }
    }
    serde_json::Value::Object(fields).to_string()
}
