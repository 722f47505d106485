//! Checks that the variables of a request have the types that its operation declares. async-graphql checks variables only where
//! they are used, reports their errors among those of the document, and detects some only during execution. Checking them
//! beforehand separates the two kinds of errors and reports all errors of the variables together.

use std::borrow::Cow;

use async_graphql::{
    Pos, Positioned, ServerError, Value, Variables,
    parser::types::VariableDefinition,
    registry::{MetaInputValue, MetaType, MetaTypeName, Registry},
};

use crate::code::Code;

/// Returns what a custom scalar would accept in place of a value; None if it accepts the value.
pub type ScalarHint = fn(scalar: &str, value: &Value) -> Option<&'static str>;

/// The largest number of errors that are reported for one request.
const MAX_FAULTS: usize = 20;

/// Returns the errors of the variables, as `BAD_USER_INPUT` at the definition of the variable. For an object, missing fields
/// come first, then the given ones in their order. Ignores variables that the operation does not define and types that the
/// schema does not have; validation reports the latter.
#[must_use]
pub fn faults(
    registry: &Registry,
    definitions: &[Positioned<VariableDefinition>],
    variables: &Variables,
    hint: ScalarHint,
) -> Vec<ServerError> {
    let mut search =
        Search { registry, hint, faults: Vec::new(), name: "", position: Pos::default(), path: Vec::new() };
    for definition in definitions {
        search.name = &definition.node.name.node;
        search.position = definition.pos;
        let expected = definition.node.var_type.node.to_string();
        match variables.get(&definition.node.name.node) {
            Some(value) => search.value(&expected, value),
            None if definition.node.default_value.is_none() && !definition.node.var_type.node.nullable => {
                search.fault(&format!("a value of type {expected} is required"));
            }
            None => {}
        }
    }
    search.faults
}

struct Search<'a> {
    registry: &'a Registry,
    hint: ScalarHint,
    faults: Vec<ServerError>,
    name: &'a str,
    position: Pos,
    /// The path of the current value within the variable. Field names are borrowed, because most paths are never reported.
    path: Vec<Cow<'a, str>>,
}

impl<'a> Search<'a> {
    fn fault(&mut self, what: &str) {
        if self.faults.len() < MAX_FAULTS {
            let path: String = self.path.iter().flat_map(|step| [".", step.as_ref()]).collect();
            self.faults
                .push(Code::BadUserInput.error(format!("Variable ${}{path}: {what}.", self.name), Some(self.position)));
        }
    }

    fn inside(&mut self, step: impl Into<Cow<'a, str>>, check: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        check(self);
        self.path.pop();
    }

    fn value(&mut self, expected: &str, value: &'a Value) {
        match (MetaTypeName::create(expected), value) {
            (MetaTypeName::NonNull(_), Value::Null) => {
                self.fault(&format!("a value of type {expected} must not be null"));
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
                self.fault(&format!("{} is not a valid {name}", excerpt(value)));
            }
            Some(MetaType::Scalar { .. }) => {
                if let Some(valid) = (self.hint)(name, value) {
                    self.fault(&format!("{} is not a valid {name}, which must be {valid}", excerpt(value)));
                }
            }
            Some(MetaType::Enum { enum_values, .. }) => {
                let known = match value {
                    Value::String(text) => enum_values.contains_key(text),
                    Value::Enum(word) => enum_values.contains_key(word.as_str()),
                    _ => false,
                };
                if !known {
                    self.fault(&format!("{} is not a valid {name}", excerpt(value)));
                }
            }
            Some(MetaType::InputObject { input_fields, oneof, .. }) => {
                let Value::Object(given) = value else {
                    return self.fault(&format!("{} is not a valid {name}", excerpt(value)));
                };
                if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                    self.fault(&format!("{name} must have exactly one field, which must not be null"));
                }
                let is_required = |field: &MetaInputValue| {
                    MetaTypeName::create(&field.ty).is_non_null() && field.default_value.is_none()
                };
                for field in input_fields.values().filter(|field| is_required(field)) {
                    if !given.contains_key(field.name.as_str()) {
                        self.inside(field.name.as_str(), |search| {
                            search.fault(&format!("a value of type {} is required", field.ty));
                        });
                    }
                }
                for (key, value) in given {
                    self.inside(key.as_str(), |search| match input_fields.get(key.as_str()) {
                        Some(field) => search.value(&field.ty, value),
                        None => search.fault(&format!("{name} has no such field")),
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
            let text = other.to_string();
            if text.chars().count() > LENGTH { text.chars().take(LENGTH).chain(['…']).collect() } else { text }
        }
    }
}
