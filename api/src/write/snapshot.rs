//! The content of rows and the differences between two versions, as JSON for the event feed.

use entity::{Day, Id, Instant};
use serde::Serializer as _;
use serde_json::{Map, Value, json};

use crate::values::exact_json::{self, ExactJson};

/// The content of a row as JSON, by the field names of the schema.
pub type Snapshot = Map<String, Value>;

/// Builds a [`Snapshot`] from names and values.
macro_rules! snapshot {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut facts = $crate::write::Snapshot::with_capacity([$($name),*].len());
        $(facts.insert($name.to_owned(), $crate::write::Fact::fact(&$value));)*
        facts
    }};
}
pub(crate) use snapshot;

/// A value that can be written to the feed.
pub trait Fact {
    /// Returns the value as JSON.
    fn fact(&self) -> Value;
}

impl<T: Fact + ?Sized> Fact for &T {
    fn fact(&self) -> Value {
        (**self).fact()
    }
}

impl<T: Fact> Fact for Option<T> {
    fn fact(&self) -> Value {
        self.as_ref().map_or(Value::Null, Fact::fact)
    }
}

macro_rules! fact {
    ($($type:ty: |$value:ident| $json:expr;)*) => {$(
        impl Fact for $type {
            fn fact(&self) -> Value {
                let $value = self;
                $json
            }
        }
    )*};
}

fact! {
    String: |value| json!(value);
    str: |value| json!(value);
    bool: |value| json!(value);
    i32: |value| json!(value);
    f64: |value| json!(value);
    Instant: |value| json!(value.to_string());
    Day: |value| json!(value.to_string());
    Value: |value| value.clone();
    rust_decimal::Decimal: |value| json!(value.to_string());
}

macro_rules! fact_ids {
    ($($id:ident)*) => {$(
        impl Fact for entity::$id {
            fn fact(&self) -> Value {
                json!(self.show())
            }
        }
    )*};
}
fact_ids! { AccountId ActionId ContactId UserId TouchId OpportunityId BookingId ObjectiveId OneOnOneId TriggerEventId }

/// Returns stored JSON as a value of the feed, whose numbers keep their digits; null if it cannot be parsed.
#[must_use]
pub fn stored_json(text: &str) -> Value {
    exact_json::read(text).unwrap_or(Value::Null)
}

/// Returns the fields that differ, as `{field: {from, to}}`.
pub(crate) fn difference(old: &Snapshot, new: &Snapshot) -> Map<String, Value> {
    let mut changes = Map::new();
    for (field, to) in new {
        let from = old.get(field).unwrap_or(&Value::Null);
        if from != to {
            changes.insert(field.clone(), json!({"from": from, "to": to}));
        }
    }
    for (field, from) in old {
        if !new.contains_key(field) && !from.is_null() {
            changes.insert(field.clone(), json!({"from": from, "to": null}));
        }
    }
    changes
}

/// Returns changes as they are stored.
pub(super) fn as_text(changes: &Map<String, Value>) -> String {
    let mut json = Vec::with_capacity(changes.len() * 64);
    let fields = changes.iter().map(|(field, change)| (field, ExactJson(change)));
    // Writing into memory does not fail.
    let _ = serde_json::Serializer::new(&mut json).collect_map(fields);
    String::from_utf8(json).unwrap_or_default()
}

/// Returns the stored changes of a new row: its difference from an empty snapshot, without building the intermediate map.
pub(super) fn as_created(facts: &Snapshot) -> String {
    let mut json = Vec::with_capacity(facts.len() * 64);
    for (field, to) in facts.iter().filter(|(_, to)| !to.is_null()) {
        json.extend_from_slice(if json.is_empty() { b"{\"" } else { b",\"" });
        // Field names need no escaping: they are constants of this program. Writing into memory does not fail.
        json.extend_from_slice(field.as_bytes());
        json.extend_from_slice(b"\":{\"from\":null,\"to\":");
        let _ = serde_json::to_writer(&mut json, &ExactJson(to));
        json.push(b'}');
    }
    json.extend_from_slice(if json.is_empty() { b"{}" } else { b"}" });
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_both_values() {
        let old = snapshot! { "name": "a", "size": Some(1), "gone": "x", "same": true };
        let new = snapshot! { "name": "b", "size": None::<i32>, "same": true, "new": 2 };
        assert_eq!(
            Value::Object(difference(&old, &new)),
            json!({
                "name": {"from": "a", "to": "b"},
                "size": {"from": 1, "to": null},
                "new": {"from": null, "to": 2},
                "gone": {"from": "x", "to": null},
            })
        );
        assert!(difference(&new, &new).is_empty());
    }

    #[test]
    fn a_new_row_is_stored_as_its_difference_from_an_empty_snapshot() {
        let facts = snapshot! { "name": "a \"b\"", "size": Some(1), "none": None::<i32>, "list": json!([1, null]) };
        assert_eq!(as_created(&facts), as_text(&difference(&Snapshot::new(), &facts)));
        assert_eq!(as_created(&Snapshot::new()), "{}");
    }
}
