//! Numbers in custom scalars, such as that of JSON, which keep all their digits. serde_json reads a number with a fraction, an
//! exponent or many digits as a machine number; such a value is read again, as text.

use std::collections::HashMap;

use async_graphql::Value;
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use serde_json::value::RawValue;

/// The scalars of the specification.
const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// Whether a value contains a number that may have had other digits.
pub fn may_change(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::List(items) => items.iter().any(may_change),
        Value::Object(fields) => fields.values().any(may_change),
        _ => false,
    }
}

/// Replaces values of custom scalars by their text, `raw`, if they contain such a number.
pub fn keep(registry: &Registry, ty: &str, value: &mut Value, raw: &RawValue) {
    if !may_change(value) {
        return;
    }
    match (MetaTypeName::create(ty), value) {
        (MetaTypeName::List(inner), Value::List(items)) => {
            let raw: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            for (item, raw) in items.iter_mut().zip(raw) {
                keep(registry, inner, item, raw);
            }
        }
        // A single value is coerced to a list of one.
        (MetaTypeName::NonNull(inner) | MetaTypeName::List(inner), value) => keep(registry, inner, value, raw),
        (MetaTypeName::Named(name), value) => match (registry.types.get(name), value) {
            (Some(MetaType::Scalar { .. }), value) if !BUILT_IN.contains(&name) => {
                *value = Value::Binary(raw.get().as_bytes().to_vec().into());
            }
            (Some(MetaType::InputObject { input_fields, .. }), Value::Object(fields)) => {
                let raw: HashMap<String, &RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
                for (name, value) in fields {
                    if let (Some(known), Some(raw)) = (input_fields.get(name.as_str()), raw.get(name.as_str())) {
                        keep(registry, &known.ty, value, raw);
                    }
                }
            }
            _ => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputObject, InputType as _, InputValueResult, Scalar, ScalarType};

    use super::*;

    struct Anything(Value);

    #[Scalar(name = "JSON")]
    impl ScalarType for Anything {
        fn parse(value: Value) -> InputValueResult<Self> {
            Ok(Self(value))
        }

        fn to_value(&self) -> Value {
            self.0.clone()
        }
    }

    #[derive(InputObject)]
    struct Row {
        size: f64,
        fields: Option<Anything>,
        inner: Option<Vec<Row>>,
    }

    fn kept(ty: &str, text: &str) -> Value {
        let mut registry = Registry::default();
        Row::create_type_info(&mut registry);
        let _ = |row: Row| (row.size, row.fields, row.inner);
        let mut value: Value = serde_json::from_str(text).unwrap();
        keep(&registry, ty, &mut value, serde_json::from_str(text).unwrap());
        value
    }

    #[test]
    fn only_values_of_custom_scalars_keep_their_text() {
        let Value::Object(row) = kept(
            "Row!",
            r#"{"size": 1.50, "fields": {"a": [1.50]}, "inner": [{"size": 2.0, "fields": 12345678901234567890123}, {"size": 1, "fields": {"a": 1}}]}"#,
        ) else {
            panic!("an object")
        };
        assert_eq!(row["size"], Value::from(1.5));
        assert_eq!(row["fields"], Value::Binary(r#"{"a": [1.50]}"#.into()));
        let Value::List(inner) = &row["inner"] else { panic!("a list") };
        let Value::Object(first) = &inner[0] else { panic!("an object") };
        assert_eq!(first["size"], Value::from(2.0));
        assert_eq!(first["fields"], Value::Binary("12345678901234567890123".into()));
        // Integers need no text.
        assert_eq!(inner[1].clone().into_json().unwrap(), serde_json::json!({"size": 1, "fields": {"a": 1}}));
    }

    #[test]
    fn a_single_value_is_a_list_of_one() {
        assert_eq!(kept("[JSON!]", "1.50"), Value::Binary("1.50".into()));
        let text = r#"{"size": 1.5, "inner": {"size": 1.5, "fields": -0.0}}"#;
        let Value::Object(row) = kept("[[Row]]", text) else { panic!("an object") };
        let Value::Object(inner) = &row["inner"] else { panic!("an object") };
        assert_eq!(inner["fields"], Value::Binary("-0.0".into()));
    }
}
