//! Replays the feed and compares the result with the tables: every write must have an event with the values before and
//! after it. This file works on plain values; `stored.rs` reads the tables.

use std::collections::{BTreeMap, BTreeSet};

use callshot::internals::exact_json;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use serde_json::Value;
use uuid::Uuid;

use crate::stored;

/// The fields of every existing subject, by noun and id. Null fields are left out.
pub type Facts = BTreeMap<(String, Uuid), BTreeMap<String, Value>>;

/// An event of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its position in the feed.
    pub seq: i64,
    /// Its type: `account.created`. One that ends in `.deleted` removes the subject.
    pub kind: String,
    /// The subject's noun: `account`.
    pub noun: String,
    /// The subject's id.
    pub subject: Uuid,
    /// `{field: {from, to}}`.
    pub changes: Value,
}

/// Applies events in their order, beginning without any subject.
///
/// # Errors
/// A description of the first event that is malformed, or whose old values differ from the result of the events before.
pub fn replay(events: &[Event]) -> Result<Facts, String> {
    let mut facts = Facts::new();
    for event in events {
        let subject = facts.entry((event.noun.clone(), event.subject)).or_default();
        let changes = event.changes.as_object().ok_or_else(|| format!("{event:?}: changes are no object"))?;
        for (field, change) in changes {
            let (Some(from), Some(to)) = (change.get("from"), change.get("to")) else {
                return Err(format!("{event:?}: {field} lacks from or to"));
            };
            let known = subject.get(field).unwrap_or(&Value::Null);
            if known != from {
                return Err(format!("{event:?}: {field} was {known} according to the events before"));
            }
            if to.is_null() {
                subject.remove(field);
            } else {
                subject.insert(field.clone(), to.clone());
            }
        }
        if event.kind.ends_with(".deleted") {
            facts.remove(&(event.noun.clone(), event.subject));
        }
    }
    Ok(facts)
}

/// Returns the differences between the replayed feed and the tables, one line each.
#[must_use]
pub fn differences(replayed: &Facts, stored: &Facts) -> Vec<String> {
    let gone = replayed.keys().filter(|subject| !stored.contains_key(*subject));
    let mut lines: Vec<String> =
        gone.map(|(noun, id)| format!("{noun} {id} is in the feed and not in its table")).collect();
    for (subject @ (noun, id), fields) in stored {
        let Some(replayed_fields) = replayed.get(subject) else {
            lines.push(format!("{noun} {id} is in its table and not in the feed"));
            continue;
        };
        let names: BTreeSet<&String> = fields.keys().chain(replayed_fields.keys()).collect();
        for name in names {
            let value = fields.get(name).unwrap_or(&Value::Null);
            let replayed_value = replayed_fields.get(name).unwrap_or(&Value::Null);
            if replayed_value != value {
                lines.push(format!("{noun} {id}: {name} is {value}, but {replayed_value} according to the feed"));
            }
        }
    }
    lines
}

/// Reads the whole feed of a database, in order.
///
/// # Panics
/// If the table cannot be read.
pub async fn feed(connection: &DatabaseConnection) -> Vec<Event> {
    const FEED: &str = "SELECT seq, type, subject_noun, subject_id, changes FROM event ORDER BY seq";
    let statement = Statement::from_string(connection.get_database_backend(), FEED);
    let rows = connection.query_all_raw(statement).await.expect("the feed can be read");
    rows.iter().map(|row| event(row).unwrap_or_else(|error| panic!("an unreadable event: {error}"))).collect()
}

fn event(row: &QueryResult) -> Result<Event, Box<dyn std::error::Error>> {
    Ok(Event {
        seq: row.try_get("", "seq")?,
        kind: row.try_get("", "type")?,
        noun: row.try_get("", "subject_noun")?,
        subject: row.try_get("", "subject_id")?,
        // Numbers keep their digits.
        changes: exact_json::read(&row.try_get::<String>("", "changes")?).ok_or("the changes are no JSON")?,
    })
}

/// Asserts that the old values of each event are those of the events before it, and that the feed replays to the
/// tables. The tables are not compared if they have rows without events.
///
/// # Panics
/// If the feed is inconsistent or differs from the tables.
pub async fn feed_gives_the_tables(connection: &DatabaseConnection, has_rows_without_events: bool) {
    let replayed =
        replay(&feed(connection).await).unwrap_or_else(|fault| panic!("the feed contradicts itself: {fault}"));
    if has_rows_without_events {
        return;
    }
    let mut lines = differences(&replayed, &stored::facts(connection).await);
    lines.extend(stored::contradictions(connection).await);
    // The first lines are enough to find the cause.
    lines.truncate(20);
    assert!(lines.is_empty(), "the feed and the tables differ:\n{}", lines.join("\n"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACME: Uuid = Uuid::from_u128(1);

    fn event(seq: i64, kind: &str, changes: Value) -> Event {
        Event { seq, kind: kind.to_owned(), noun: "account".to_owned(), subject: ACME, changes }
    }

    fn acme(fields: &[(&str, Value)]) -> Facts {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Facts::from([(("account".to_owned(), ACME), fields)])
    }

    fn created() -> Event {
        event(1, "account.created", json!({"name": {"from": null, "to": "Acme"}, "city": {"from": null, "to": "Rome"}}))
    }

    #[test]
    fn the_last_value_remains_and_null_removes_it() {
        let moved = event(2, "account.updated", json!({"city": {"from": "Rome", "to": null}}));
        assert_eq!(replay(&[created(), moved]), Ok(acme(&[("name", json!("Acme"))])));
    }

    #[test]
    fn a_deleted_subject_is_removed() {
        let deleted = event(2, "account.deleted", json!({"name": {"from": "Acme", "to": null}}));
        assert_eq!(replay(&[created(), deleted]), Ok(Facts::new()));
    }

    #[test]
    fn a_write_without_an_event_is_detected_by_the_next_event() {
        let late = event(3, "account.updated", json!({"city": {"from": "Oslo", "to": "Bonn"}}));
        assert!(replay(&[created(), late]).unwrap_err().contains("city was \"Rome\""));
    }

    #[test]
    fn differences_are_listed_by_field() {
        let replayed = replay(&[created()]).unwrap();
        assert!(differences(&replayed, &acme(&[("name", json!("Acme")), ("city", json!("Rome"))])).is_empty());
        assert_eq!(differences(&replayed, &acme(&[("name", json!("Acne")), ("city", json!("Rome"))])).len(), 1);
        assert_eq!(differences(&replayed, &acme(&[("name", json!("Acme"))])).len(), 1);
        assert_eq!(differences(&replayed, &acme(&[("name", json!("Acme")), ("phone", json!("1"))])).len(), 2);
        assert_eq!(differences(&replayed, &Facts::new()).len(), 1);
        assert_eq!(differences(&Facts::new(), &replayed).len(), 1);
    }
}
