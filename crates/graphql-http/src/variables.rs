//! Whether a request's variables are of the types that its operation declares. async-graphql looks at them only where
//! they are used, among the errors of the document, and lets some through to the execution; looked at beforehand they
//! are told apart from those by the stage, and every fault is named at once.

use std::borrow::Cow;

use async_graphql::{
    Pos, Positioned, ServerError, Value, Variables,
    parser::types::VariableDefinition,
    registry::{MetaInputValue, MetaType, MetaTypeName, Registry},
};

use crate::code::Code;

/// Returns what a custom scalar would accept in place of a value; None if it accepts the value.
pub type ScalarHint = fn(scalar: &str, value: &Value) -> Option<&'static str>;

/// The most faults that are reported for one request.
const MAX_FAULTS: usize = 20;

/// What is wrong with the variables: `BAD_USER_INPUT`, one error a fault, at the variable's definition: of an object first
/// what is missing, then what was given, in the order given. Variables that the operation does not define are ignored, and
/// types that the schema does not have are left to validation.
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
    /// Looked at again and again, and told seldom: fields' names stay where they are.
    path: Vec<Cow<'a, str>>,
}

impl<'a> Search<'a> {
    fn fault(&mut self, what: &str) {
        if self.faults.len() < MAX_FAULTS {
            let place: String = self.path.iter().flat_map(|step| [".", step.as_ref()]).collect();
            self.faults.push(
                Code::BadUserInput.error(format!("Variable ${}{place}: {what}.", self.name), Some(self.position)),
            );
        }
    }

    fn inside(&mut self, step: impl Into<Cow<'a, str>>, look: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        look(self);
        self.path.pop();
    }

    fn value(&mut self, expected: &str, value: &'a Value) {
        match (MetaTypeName::create(expected), value) {
            (MetaTypeName::NonNull(_), Value::Null) => {
                self.fault(&format!("{expected} must not be null"));
            }
            (MetaTypeName::NonNull(inner), value) => self.value(inner, value),
            (_, Value::Null) => {}
            (MetaTypeName::List(inner), Value::List(items)) => {
                for (number, item) in items.iter().enumerate() {
                    self.inside(number.to_string(), |search| search.value(inner, item));
                }
            }
            // One value stands for a list of one.
            (MetaTypeName::List(inner), value) => self.value(inner, value),
            (MetaTypeName::Named(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &str, value: &'a Value) {
        // Int is 32 bits wide; async-graphql finds out while it executes.
        let wide = |value: &Value| {
            name == "Int"
                && matches!(value, Value::Number(number) if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()))
        };
        let registry = self.registry;
        match registry.types.get(name) {
            Some(MetaType::Scalar { is_valid, .. })
                if is_valid.as_ref().is_some_and(|is_valid| !is_valid(value)) || wide(value) =>
            {
                self.fault(&format!("{} is no {name}", shown(value)));
            }
            Some(MetaType::Scalar { .. }) => {
                if let Some(right) = (self.hint)(name, value) {
                    self.fault(&format!("{} is no {name}, which is {right}", shown(value)));
                }
            }
            Some(MetaType::Enum { enum_values, .. }) => {
                let known = match value {
                    Value::String(text) => enum_values.contains_key(text),
                    Value::Enum(word) => enum_values.contains_key(word.as_str()),
                    _ => false,
                };
                if !known {
                    self.fault(&format!("{} is no {name}", shown(value)));
                }
            }
            Some(MetaType::InputObject { input_fields, oneof, .. }) => {
                let Value::Object(given) = value else {
                    return self.fault(&format!("{} is no {name}", shown(value)));
                };
                if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
                    self.fault(&format!("{name} needs exactly one field, and that not null"));
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

/// A value as far as it helps to recognise it. Long ones are cut.
fn shown(value: &Value) -> String {
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
