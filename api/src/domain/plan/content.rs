//! The content of a plan: the JSON that a commitment stores, its fingerprint, and the differences between two contents.
//! No I/O.
//!
//! The content is built from a plan's facts as its events record them, so that one function serves both the present
//! state, read from the tables, and a past state, replayed from events. It includes what was decided and the statement
//! of the commitment. It refers to users, contacts, opportunities and items by id. It excludes names of people, derived
//! values, progress (statuses, completions, measurements, reviews, questions) and timestamps. Carrying out a plan
//! therefore does not change its content.

use std::collections::BTreeMap;

use entity::{Id, PlanId};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::write::Snapshot;

/// The plan's own facts that belong to its content.
const OWN: [&str; 8] = ["accountId", "ownerId", "title", "startsOn", "endsOn", "cadence", "summary", "opportunityIds"];

/// The items that belong to the content: their name in events, the name of their list, and the facts included.
const ITEMS: [(&str, &str, &[&str]); 4] = [
    ("relationship", "relationships", &["contactId", "desired", "startedAt", "by", "ownerId", "approach"]),
    ("objective", "objectives", &["horizon", "statement", "dueOn"]),
    ("action", "actions", &["title", "dueOn", "assigneeId", "objectiveId", "contactId"]),
    ("benchmark", "benchmarks", &["name", "source", "unit", "baseline", "target", "dueOn"]),
];

/// Returns the content of a plan with these facts, including the statement of its latest commitment.
#[must_use]
pub fn content(plan: PlanId, facts: &Snapshot) -> Value {
    let mut items: BTreeMap<(&str, &str), BTreeMap<&str, &Value>> = BTreeMap::new();
    for (name, value) in facts {
        let mut parts = name.splitn(3, '.');
        if let (Some(kind), Some(id), Some(field)) = (parts.next(), parts.next(), parts.next()) {
            items.entry((kind, id)).or_default().insert(field, value);
        }
    }
    let mut content = Map::new();
    content.insert("id".to_owned(), json!(plan.show()));
    for name in OWN {
        content.insert(name.to_owned(), facts.get(name).cloned().unwrap_or_default());
    }
    // Ids ascend with time, so the last one is the latest.
    let statement = items.iter().rev().find(|((kind, _), _)| *kind == "commitment");
    let statement = statement.and_then(|(_, fields)| fields.get("statement")).map(|value| (*value).clone());
    content.insert("statement".to_owned(), statement.unwrap_or_default());
    for (kind, list, fields) in ITEMS {
        let mut of_kind: Vec<(&str, &BTreeMap<&str, &Value>)> =
            items.iter().filter(|((other, _), _)| *other == kind).map(|((_, id), item)| (*id, item)).collect();
        if kind == "action" {
            of_kind.sort_by_key(|(id, item)| (item.get("rank").and_then(|rank| rank.as_str()), *id));
        }
        let all = of_kind.into_iter().map(|(id, item)| {
            let mut object = Map::from_iter([("id".to_owned(), json!(id))]);
            for field in fields {
                object.insert((*field).to_owned(), item.get(field).map_or(Value::Null, |value| (*value).clone()));
            }
            Value::Object(object)
        });
        content.insert(list.to_owned(), all.collect());
    }
    Value::Object(content)
}

/// Replaces the statement in a content.
#[must_use]
pub fn stated(mut content: Value, statement: &str) -> Value {
    if let Some(fields) = content.as_object_mut() {
        fields.insert("statement".to_owned(), json!(statement));
    }
    content
}

/// Returns JSON in the canonical form of RFC 8785.
#[must_use]
pub fn canonical(content: &Value) -> String {
    // It fails only for NaN and infinity, which JSON values cannot contain.
    serde_json_canonicalizer::to_string(content).unwrap_or_default()
}

/// Returns the SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn fingerprint(canonical: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(canonical.as_bytes()))
}

/// A difference between two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Field names joined by dots; for an item, its id.
    pub path: String,
    /// The old value; null if there was none.
    pub from: Value,
    /// The new value; null if there is none.
    pub to: Value,
}

/// Returns the differences between two contents, by field and by item. A different order of the same items is reported
/// by ids.
#[must_use]
pub fn differences(from: &Value, to: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", from, to, &mut found);
    found
}

fn compare(path: &str, from: &Value, to: &Value, found: &mut Vec<Difference>) {
    if from == to {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (from, to) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                compare(&below(name), value, other.get(name).unwrap_or(&Value::Null), found);
            }
            for (name, value) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
                compare(&below(name), &Value::Null, value, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.iter().chain(other).all(|item| item["id"].is_string()) => {
            let id = |item: &Value| item["id"].as_str().unwrap_or_default().to_owned();
            let by_id = |items: &[Value]| -> BTreeMap<String, Value> {
                items.iter().map(|item| (id(item), item.clone())).collect()
            };
            let (old, new) = (by_id(one), by_id(other));
            for item in one {
                compare(&below(&id(item)), item, new.get(&id(item)).unwrap_or(&Value::Null), found);
            }
            for item in other.iter().filter(|item| !old.contains_key(&id(item))) {
                compare(&below(&id(item)), &Value::Null, item, found);
            }
            let order = |items: &[Value], others: &BTreeMap<String, Value>| -> Vec<String> {
                items.iter().map(id).filter(|id| others.contains_key(id)).collect()
            };
            let (old_order, new_order) = (order(one, &new), order(other, &old));
            if old_order != new_order {
                found.push(Difference { path: path.to_owned(), from: json!(old_order), to: json!(new_order) });
            }
        }
        _ => found.push(Difference { path: path.to_owned(), from: from.clone(), to: to.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let facts = json!({
            "accountId": "account_1", "ownerId": "user_1", "title": "Win them", "startsOn": "2017-01-01",
            "endsOn": "2017-12-31", "cadence": "QUARTERLY", "summary": null, "opportunityIds": [], "status": "DRAFT",
            "action.action_1.title": "Call", "action.action_1.rank": "V", "action.action_1.status": "OPEN",
            "action.action_2.title": "Meet", "action.action_2.rank": "U", "action.action_2.dueOn": "2017-02-01",
            "benchmark.benchmark_1.name": "Visits", "measurement.benchmark_1.2017-02-01.value": "5",
            "commitment.commitment_1.statement": "Old", "commitment.commitment_2.statement": "We will.",
            "question.question_1.question": "Who?",
        });
        facts.as_object().cloned().unwrap()
    }

    fn plan() -> PlanId {
        PlanId::parse("plan_00000000000000000000000001").unwrap()
    }

    #[test]
    fn the_content_excludes_progress() {
        let expected = json!({
            "id": "plan_00000000000000000000000001", "accountId": "account_1", "ownerId": "user_1", "title": "Win them",
            "startsOn": "2017-01-01", "endsOn": "2017-12-31", "cadence": "QUARTERLY", "summary": null,
            "opportunityIds": [], "statement": "We will.", "relationships": [], "objectives": [],
            "actions": [
                {"id": "action_2", "title": "Meet", "dueOn": "2017-02-01", "assigneeId": null, "objectiveId": null, "contactId": null},
                {"id": "action_1", "title": "Call", "dueOn": null, "assigneeId": null, "objectiveId": null, "contactId": null},
            ],
            "benchmarks": [{"id": "benchmark_1", "name": "Visits", "source": null, "unit": null, "baseline": null,
                "target": null, "dueOn": null}],
        });
        assert_eq!(content(plan(), &snapshot()), expected);
        assert_eq!(stated(expected, "No.")["statement"], "No.");
    }

    #[test]
    fn the_canonical_form_does_not_depend_on_the_order_in_memory() {
        let mut reversed = Snapshot::new();
        for (name, value) in snapshot().into_iter().rev() {
            reversed.insert(name, value);
        }
        let canonical = |facts: &Snapshot| super::canonical(&content(plan(), facts));
        assert_eq!(canonical(&snapshot()), canonical(&reversed));
        assert!(canonical(&snapshot()).starts_with("{\"accountId\":\"account_1\",\"actions\":[{\"assigneeId\":null"));
        // From RFC 8785, section 3.2.2: characters are not escaped unless they must be.
        assert_eq!(
            super::canonical(&json!({"b": "\u{20ac}$\u{f}\nA'B\"\\/", "a": [true, null]})),
            "{\"a\":[true,null],\"b\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\/\"}"
        );
        // Names are ordered by UTF-16 code units: U+FB33 comes after the surrogate pair of U+1F600.
        assert_eq!(super::canonical(&json!({"\u{fb33}": 1, "\u{1f600}": 2})), "{\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn a_fingerprint_is_sha_256_in_hex() {
        assert_eq!(fingerprint(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn differences_are_reported_by_item_and_field() {
        let before = content(plan(), &snapshot());
        let with = |change: &dyn Fn(&mut Snapshot)| {
            let mut facts = snapshot();
            change(&mut facts);
            differences(&before, &content(plan(), &facts))
        };
        let one = |path: &str, from: Value, to: Value| vec![Difference { path: path.to_owned(), from, to }];
        assert_eq!(with(&|_| ()), []);
        assert_eq!(with(&|facts| drop(facts.insert("action.action_1.status".to_owned(), json!("DONE")))), []);
        assert_eq!(
            with(&|facts| drop(facts.insert("action.action_1.dueOn".to_owned(), json!("2017-03-01")))),
            one("actions.action_1.dueOn", Value::Null, json!("2017-03-01"))
        );
        assert_eq!(
            with(&|facts| drop(facts.insert("action.action_1.rank".to_owned(), json!("A")))),
            one("actions", json!(["action_2", "action_1"]), json!(["action_1", "action_2"]))
        );
        assert_eq!(
            with(&|facts| drop(facts.insert("summary".to_owned(), json!("Much")))),
            one("summary", Value::Null, json!("Much"))
        );
        // Added and removed items are reported as a whole, and do not count as a change of order.
        let gone = with(&|facts| facts.retain(|name, _| !name.starts_with("action.action_2")));
        assert_eq!(gone.len(), 1);
        assert_eq!(
            (gone[0].path.as_str(), gone[0].from["title"].as_str(), &gone[0].to),
            ("actions.action_2", Some("Meet"), &Value::Null)
        );
        let come = with(&|facts| drop(facts.insert("objective.objective_1.statement".to_owned(), json!("More"))));
        assert_eq!((come[0].path.as_str(), &come[0].from), ("objectives.objective_1", &Value::Null));
    }
}
