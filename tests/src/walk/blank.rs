//! Answers without what differs from one request to the next, so that two of them can be compared byte for byte.

use serde_json::Value;

use crate::client::Answer;

/// Fields whose values are made anew, or count writes.
const MADE_ANEW: [&str; 14] = [
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

/// Status and body of an answer, in which `sent` and all that is made anew is blanked.
#[must_use]
pub fn answer(answer: &Answer, sent: &[&str]) -> String {
    let mut body = answer.body.clone();
    blank(&mut body, sent);
    format!("{} {body}", answer.status.as_u16())
}

fn blank(value: &mut Value, sent: &[&str]) {
    match value {
        Value::String(text) => *text = blanked(text, sent),
        Value::Array(items) => items.iter_mut().for_each(|item| blank(item, sent)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if MADE_ANEW.contains(&name.as_str()) && !value.is_null() {
                    *value = Value::from("‹made anew›");
                } else {
                    blank(value, sent);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn blanked(text: &str, sent: &[&str]) -> String {
    let mut text = text.to_owned();
    for (at, sent) in sent.iter().enumerate() {
        text = text.replace(sent, &format!("‹sent {at}›"));
    }
    ids(&text)
}

/// A text in which every id is blanked but for its type.
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
    fn ids_and_what_was_sent_are_blanked_and_nothing_else() {
        let text = "no account_01h2xcejqtf2nbrexx3vqjhp41 (crm 7, a_b) of user_01h2xcejqtf2nbrexx3vqjhp41";
        assert_eq!(blanked(text, &["crm 7"]), "no account_‹› (‹sent 0›, a_b) of user_‹›");
    }
}
