//! Answers without the values that differ from one request to the next, so that two answers can be compared byte for
//! byte.

use serde_json::Value;

use crate::client::Answer;

/// Fields whose values are generated for each request, or count writes.
const GENERATED: [&str; 14] = [
    "at",
    "since",
    "cursor",
    "startCursor",
    "endCursor",
    "token",
    "accessToken",
    "refreshToken",
    "reference",
    "version",
    "createdAt",
    "updatedAt",
    "expiresAt",
    "recordedAt",
];

/// Returns the status and the body of an answer, in which the texts `sent`, ids and generated values are redacted.
#[must_use]
pub fn answer(answer: &Answer, sent: &[&str]) -> String {
    let mut body = answer.body.clone();
    redact(&mut body, sent);
    format!("{} {body}", answer.status.as_u16())
}

fn redact(value: &mut Value, sent: &[&str]) {
    match value {
        Value::String(text) => *text = redacted(text, sent),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, sent)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if GENERATED.contains(&name.as_str()) && !value.is_null() {
                    *value = Value::from("‹generated›");
                } else {
                    redact(value, sent);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn redacted(text: &str, sent: &[&str]) -> String {
    let mut text = text.to_owned();
    for (index, sent) in sent.iter().enumerate() {
        text = text.replace(sent, &format!("‹sent {index}›"));
    }
    ids(&text)
}

/// Returns the text with every id redacted except for its type prefix.
fn ids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('_') {
        let (before, after) = (&rest[..=at], &rest[at + 1..]);
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if digits == 26 {
            out.push('‹');
            out.push('›');
            rest = &after[digits..];
        } else {
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_and_sent_texts_are_redacted() {
        let text = "no account_01h2xcejqtf2nbrexx3vqjhp41 (crm 7, a_b) of user_01h2xcejqtf2nbrexx3vqjhp41";
        assert_eq!(redacted(text, &["crm 7"]), "no account_‹› (‹sent 0›, a_b) of user_‹›");
    }
}
