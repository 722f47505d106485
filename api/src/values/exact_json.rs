//! JSON whose numbers keep all their digits. A machine number has about 17 digits, and `1.50` and `1.5` are the same one, so that
//! reading and writing such a number would change it. It is kept as text instead, behind a mark that no stored text contains.

use std::collections::HashMap;

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;
use serde_json::value::RawValue;

/// The first character of a string that stands for a number.
const MARK: char = '\0';

/// Parses JSON; None if the text is not valid. Each level is read once more for each level above it, so that the length of the
/// text must be limited.
#[must_use]
pub fn read(text: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    if may_change(&value) {
        keep_digits(&mut value, serde_json::from_str(text).ok()?)?;
    }
    Some(value)
}

/// Returns JSON as text, without spaces.
#[must_use]
pub fn write(value: &Value) -> String {
    serde_json::to_string(&ExactJson(value)).unwrap_or_default()
}

/// Whether a number in a value is none that is written as it was read: one with a fraction, an exponent or many digits.
fn may_change(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(may_change),
        Value::Object(fields) => fields.values().any(may_change),
        _ => false,
    }
}

fn keep_digits(value: &mut Value, raw: &RawValue) -> Option<()> {
    match value {
        Value::Number(number) if number.to_string() != raw.get() => {
            *value = Value::String(format!("{MARK}{}", raw.get()));
        }
        Value::Array(items) => {
            let raw: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            for (item, raw) in items.iter_mut().zip(raw).filter(|(item, _)| may_change(item)) {
                keep_digits(item, raw)?;
            }
        }
        Value::Object(fields) => {
            let raw: HashMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
            for (key, field) in fields.iter_mut().filter(|(_, field)| may_change(field)) {
                keep_digits(field, raw.get(key)?)?;
            }
        }
        _ => {}
    }
    Some(())
}

/// A value whose marked strings are written as the numbers that they stand for.
pub struct ExactJson<'a>(pub &'a Value);

impl Serialize for ExactJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if text.starts_with(MARK) => {
                match RawValue::from_string(text[MARK.len_utf8()..].to_owned()) {
                    Ok(number) => number.serialize(serializer),
                    Err(_) => text.serialize(serializer),
                }
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(ExactJson)),
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, field) in fields {
                    map.serialize_entry(key, &ExactJson(field))?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits_at_every_depth() {
        for text in [
            "1.50",
            "12345678901234567890123",
            "-0",
            "0.1000000000000000055",
            "1E2",
            r#"{"a":[1,1.50,{"b":-0.0,"c":"1.50"}],"d":null,"e":18446744073709551616}"#,
            r#"{"text":"\u0000 é","list":[]}"#,
        ] {
            assert_eq!(write(&read(text).unwrap()), text);
        }
        assert_eq!(write(&read(" { \"a\" : [ 1.0 , 2 ] , \"a\" : 1.10 } ").unwrap()), r#"{"a":1.10}"#);
        assert_eq!(read("{"), None);
        assert_ne!(read("1.50"), read("1.5"));
        assert_eq!(read("1.5"), Some(serde_json::json!(1.5)));
    }

    proptest! {
        #[test]
        fn every_number_is_written_as_it_was_read(number in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?") {
            let text = format!("{{\"n\":[{number}]}}");
            prop_assert_eq!(write(&read(&text).unwrap()), text);
        }
    }
}
