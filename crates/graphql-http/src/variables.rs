//! Checks that the variables of a request have the types that its operation declares, before it is executed. All errors of the
//! variables are reported together.

use std::borrow::Cow;

use async_graphql::{
    Positioned, ServerError, Value, Variables,
    parser::types::VariableDefinition,
    registry::{MetaInputValue, MetaType, MetaTypeName, Registry},
};

use graphql_document::ScalarHint;

use crate::code::Code;

/// The largest number of errors that are reported for one request.
const MAX_FAULTS: usize = 20;

/// What the schema does not say about its values.
#[derive(Clone, Copy)]
pub struct ValueRules {
    /// Describes the values that a scalar accepts.
    pub hint: ScalarHint,
    /// Whether values of the type with this name are not checked together with the others: they are read one by one later.
    pub is_checked_later: fn(&str) -> bool,
}

/// An error of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFault {
    /// The path within the value.
    pub path: Vec<String>,
    /// Whether a required value is missing.
    pub is_missing: bool,
    /// What is wrong, as a part of a sentence.
    pub what: String,
}

/// Returns the errors of the variables, as `BAD_USER_INPUT` at the definition of the variable. For an object, missing fields
/// come first, then the given ones in their order. Ignores variables that the operation does not define and types that the
/// schema does not have; validation reports the latter.
#[must_use]
pub fn faults(
    registry: &Registry,
    definitions: &[Positioned<VariableDefinition>],
    variables: &Variables,
    rules: ValueRules,
) -> Vec<ServerError> {
    let mut faults = Vec::new();
    for definition in definitions {
        let name = &definition.node.name.node;
        let mut search =
            Search { registry, rules, faults: Vec::new(), path: Vec::new(), most: MAX_FAULTS - faults.len() };
        let expected = definition.node.var_type.node.to_string();
        match variables.get(name) {
            Some(value) => search.value(&expected, value),
            None if definition.node.default_value.is_none() && !definition.node.var_type.node.nullable => {
                search.missing(format!("a value of type {expected} is required"));
            }
            None => {}
        }
        faults.extend(search.faults.into_iter().map(|fault| {
            let path: String = fault.path.iter().flat_map(|step| [".", step.as_str()]).collect();
            Code::BadUserInput.error(format!("Variable ${name}{path}: {}.", fault.what), Some(definition.pos))
        }));
    }
    faults
}

/// Returns the errors of one value of the type `expected`, such as `Name!`.
#[must_use]
pub fn value_faults(registry: &Registry, expected: &str, value: &Value, hint: ScalarHint) -> Vec<ValueFault> {
    let rules = ValueRules { hint, is_checked_later: |_| false };
    let mut search = Search { registry, rules, faults: Vec::new(), path: Vec::new(), most: MAX_FAULTS };
    search.value(expected, value);
    search.faults
}

struct Search<'a> {
    registry: &'a Registry,
    rules: ValueRules,
    faults: Vec<ValueFault>,
    /// The largest number of faults.
    most: usize,
    /// The path of the current value within the variable. Field names are borrowed, because most paths are never reported.
    path: Vec<Cow<'a, str>>,
}

impl<'a> Search<'a> {
    fn fault(&mut self, what: String) {
        self.note(what, false);
    }

    fn missing(&mut self, what: String) {
        self.note(what, true);
    }

    fn note(&mut self, what: String, is_missing: bool) {
        if self.faults.len() < self.most {
            let path = self.path.iter().map(|step| step.clone().into_owned()).collect();
            self.faults.push(ValueFault { path, is_missing, what });
        }
    }

    fn inside(&mut self, step: impl Into<Cow<'a, str>>, check: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        check(self);
        self.path.pop();
    }

    fn value(&mut self, expected: &str, value: &'a Value) {
        if (self.rules.is_checked_later)(expected.trim_end_matches('!')) {
            return;
        }
        match (MetaTypeName::create(expected), value) {
            (MetaTypeName::NonNull(_), Value::Null) => {
                self.missing(format!("a value of type {expected} must not be null"));
            }
            (MetaTypeName::NonNull(inner), value) => self.value(inner, value),
            (_, Value::Null) => {}
            (MetaTypeName::List(inner), Value::List(items)) => {
                for (number, item) in items.iter().enumerate() {
                    self.inside(number.to_string(), |search| search.value(inner, item));
                }
            }
            // A single value is coerced to a list of one.
            (MetaTypeName::List(inner), value) => self.value(inner, value),
            (MetaTypeName::Named(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &str, value: &'a Value) {
        // An Int has 32 bits, which async-graphql checks only during execution.
        let exceeds_int = |value: &Value| {
            name == "Int"
                && matches!(value, Value::Number(number) if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()))
        };
        let registry = self.registry;
        match registry.types.get(name) {
            Some(MetaType::Scalar { is_valid, .. })
                if is_valid.as_ref().is_some_and(|is_valid| !is_valid(value)) || exceeds_int(value) =>
            {
                self.fault(format!("{} is not a valid {name}", excerpt(value)));
            }
            Some(MetaType::Scalar { .. }) => {
                if let Some(valid) = (self.rules.hint)(name, value) {
                    self.fault(format!("{} is not a valid {name}, which must be {valid}", excerpt(value)));
                }
            }
            Some(MetaType::Enum { enum_values, .. }) => {
                let known = match value {
                    Value::String(text) => enum_values.contains_key(text),
                    Value::Enum(word) => enum_values.contains_key(word.as_str()),
                    _ => false,
                };
                if !known {
                    self.fault(format!("{} is not a valid {name}", excerpt(value)));
                }
            }
            Some(MetaType::InputObject { input_fields, oneof, .. }) => {
                let Value::Object(given) = value else {
                    return self.fault(format!("{} is not a valid {name}", excerpt(value)));
                };
                if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                    self.fault(format!("{name} must have exactly one field, which must not be null"));
                }
                let is_required = |field: &MetaInputValue| {
                    MetaTypeName::create(&field.ty).is_non_null() && field.default_value.is_none()
                };
                for field in input_fields.values().filter(|field| is_required(field)) {
                    if !given.contains_key(field.name.as_str()) {
                        self.inside(field.name.as_str(), |search| {
                            search.missing(format!("a value of type {} is required", field.ty));
                        });
                    }
                }
                for (key, value) in given {
                    self.inside(key.as_str(), |search| match input_fields.get(key.as_str()) {
                        Some(field) => search.value(&field.ty, value),
                        None => search.fault(format!("{name} has no such field")),
                    });
                }
            }
            _ => {}
        }
    }
}

/// Returns a value as text for an error message. Long values are truncated.
fn excerpt(value: &Value) -> String {
    const LENGTH: usize = 60;
    match value {
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => {
            let text = match other {
                // A number that keeps its digits.
                Value::Binary(json) => String::from_utf8_lossy(json).into_owned(),
                other => other.to_string(),
            };
            if text.chars().count() > LENGTH { text.chars().take(LENGTH).chain(['…']).collect() } else { text }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::{Enum, InputObject, InputType as _};
    use serde_json::json;

    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Enum)]
    enum Kind {
        Call,
    }

    #[derive(InputObject)]
    struct Item {
        number: i32,
        kinds: Option<Vec<Kind>>,
        inner: Option<Box<Item>>,
    }

    fn messages(definitions: &str, variables: serde_json::Value) -> Vec<String> {
        messages_except(|_| false, definitions, variables)
    }

    fn messages_except(
        is_checked_later: fn(&str) -> bool,
        definitions: &str,
        variables: serde_json::Value,
    ) -> Vec<String> {
        let mut registry = Registry::default();
        Item::create_type_info(&mut registry);
        let _ = |item: Item| (item.number, item.kinds, item.inner, Kind::Call);
        let document = parse_query(format!("query({definitions}) {{ x }}")).unwrap();
        let operation = crate::document::operation(&document, None).unwrap();
        let variables = Variables::from_json(variables);
        let found = faults(
            &registry,
            &operation.variable_definitions,
            &variables,
            ValueRules { hint: |_, _| None, is_checked_later },
        );
        assert!(found.iter().all(|error| Code::of(error) == Some(Code::BadUserInput)));
        found.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn all_errors_of_the_variables_are_reported() {
        let item = json!({"kinds": ["CALL", "SMS"], "inner": {"number": 1.5, "color": "red"}});
        assert_eq!(
            messages("$i: Item, $n: Int!", json!({"i": item, "n": true, "other": 1})),
            [
                "Variable $i.number: a value of type Int! is required.",
                "Variable $i.kinds.1: \"SMS\" is not a valid Kind.",
                "Variable $i.inner.number: 1.5 is not a valid Int.",
                "Variable $i.inner.color: Item has no such field.",
                "Variable $n: true is not a valid Int.",
            ]
        );
    }

    #[test]
    fn a_value_must_be_there_and_in_range() {
        assert_eq!(messages("$n: Int!", json!({})), ["Variable $n: a value of type Int! is required."]);
        assert_eq!(messages("$n: Int!", json!({"n": null})), ["Variable $n: a value of type Int! must not be null."]);
        assert_eq!(messages("$n: Int!", json!({"n": "1"})), ["Variable $n: \"1\" is not a valid Int."]);
        let large = json!({"n": 3_000_000_000_u64});
        assert_eq!(messages("$n: Int!", large), ["Variable $n: 3000000000 is not a valid Int."]);
    }

    #[test]
    fn valid_variables_pass() {
        let item = json!({"number": 1, "kinds": "CALL", "inner": {"number": 2}});
        assert!(messages("$i: Item, $n: Int = 5, $l: [Int!]!", json!({"i": item, "l": 7})).is_empty());
        assert!(messages("$i: Item, $l: [Int]!", json!({"i": null, "l": [null, 1]})).is_empty());
    }

    #[test]
    fn values_that_are_checked_later_pass() {
        let items = json!([{"number": "x"}, null, 7]);
        assert!(messages_except(|name| name == "Item", "$l: [Item!]!", json!({"l": items})).is_empty());
        assert_eq!(
            messages_except(|name| name == "Item", "$l: [Item!]!, $n: Int", json!({"l": null, "n": "1"})).len(),
            2
        );
    }

    #[test]
    fn one_value_is_checked_by_itself() {
        let mut registry = Registry::default();
        Item::create_type_info(&mut registry);
        let value = Value::from_json(json!({"kinds": ["SMS"], "inner": {"number": null}})).unwrap();
        let found: Vec<_> = value_faults(&registry, "Item!", &value, |_, _| None)
            .into_iter()
            .map(|fault| (fault.path.join("."), fault.is_missing))
            .collect();
        assert_eq!(
            found,
            [("number".to_owned(), true), ("kinds.0".to_owned(), false), ("inner.number".to_owned(), true)]
        );
    }
}
