//! JSON text.

use async_graphql::Value as ConstValue;

/// Writes `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing into memory does not fail, and a string is always JSON.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a constant value. `Binary` holds JSON text that is copied as it is.
pub fn write_const_value(out: &mut Vec<u8>, value: &ConstValue) {
    match value {
        ConstValue::Binary(json) => out.extend_from_slice(json),
        ConstValue::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_const_value(out, item);
            }
            out.push(b']');
        }
        ConstValue::Object(fields) => {
            out.push(b'{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(name.as_str(), out);
                out.push(b':');
                write_const_value(out, value);
            }
            out.push(b'}');
        }
        scalar => {
            let start = out.len();
            if serde_json::to_writer(&mut *out, scalar).is_err() {
                out.truncate(start);
                out.extend_from_slice(b"null");
            }
        }
    }
}
