//! The format of responses. Objects that the executor resolved are finished JSON in `Value::Binary` and are copied unchanged.

use async_graphql::{Response, Value};
use axum::http::StatusCode;

use crate::code::Code;

/// The media type of a response, as requested by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`, for older clients. The HTTP status does not reflect GraphQL errors.
    Json,
    /// `application/graphql-response+json`. The HTTP status reflects the error of a request without data.
    GraphqlResponse,
}

impl Format {
    /// Returns the value of the `content-type` header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// Returns the format that an `accept` header requests; None if it accepts neither. Without a header the format is JSON. Of
    /// formats with the same quality, the first one wins.
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Option<Self> {
        let Some(header) = header.filter(|header| !header.trim().is_empty()) else {
            return Some(Self::Json);
        };
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let (mut quality, mut is_utf8) = (1.0_f32, true);
            for parameter in parts {
                match parameter.split_once('=') {
                    Some((name, value)) if name.eq_ignore_ascii_case("q") => {
                        quality = value.parse().unwrap_or(0.0);
                    }
                    Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                        is_utf8 = value.trim_matches('"').eq_ignore_ascii_case("utf-8");
                    }
                    _ => {}
                }
            }
            if is_utf8 && quality > 0.0 && best.is_none_or(|(so_far, _)| quality > so_far) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format)
    }
}

/// Whether the request failed before execution. Such a response has no `data` entry, not even null. Errors of execution have a
/// path.
pub fn is_refused(response: &Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Returns the HTTP status of a response in this format.
#[must_use]
pub fn status(response: &Response, format: Format) -> StatusCode {
    match (format, response.errors.first()) {
        (Format::GraphqlResponse, Some(error)) if is_refused(response) => {
            Code::of(error).unwrap_or(Code::BadUserInput).status()
        }
        _ => StatusCode::OK,
    }
}

/// Returns the response as JSON in UTF-8.
#[must_use]
pub fn write(response: &Response) -> Vec<u8> {
    let mut out = Vec::with_capacity(size(&response.data) + 64 + 256 * response.errors.len());
    out.push(b'{');
    if !is_refused(response) {
        out.extend_from_slice(b"\"data\":");
        graphql_executor::write_const_value(&mut out, &response.data);
    }
    if !response.errors.is_empty() {
        write_member(&mut out, "errors", &response.errors);
    }
    if !response.extensions.is_empty() {
        write_member(&mut out, "extensions", &response.extensions);
    }
    out.push(b'}');
    out
}

/// Returns the approximate size of a value in bytes; exact for finished JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Binary(json) => json.len(),
        Value::List(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size(value) + 4).sum::<usize>() + 2,
        Value::String(text) => text.len() + 2,
        _ => 8,
    }
}

fn write_member(out: &mut Vec<u8>, name: &str, value: &impl serde::Serialize) {
    if out.len() > 1 {
        out.push(b',');
    }
    write_json(out, name);
    out.push(b':');
    write_json(out, value);
}

fn write_json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        // Not expected, because all names and values have a JSON form. A partial value would make the response invalid.
        tracing::error!(%error, "a value could not be written");
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, ServerError, value};
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn text(response: &Response) -> String {
        String::from_utf8(write(response)).unwrap()
    }

    #[test]
    fn finished_json_is_copied_at_any_depth() {
        let finished = |json: &'static str| Value::Binary(Bytes::from_static(json.as_bytes()));
        let mut data = value!({"a": 1, "b": ["x\n\"", null, 1.5], "c": {"d": true}});
        if let Value::Object(fields) = &mut data {
            fields.insert(async_graphql::Name::new("e"), finished("{\"f\":[1]}"));
            fields.insert(
                async_graphql::Name::new("g"),
                Value::List(vec![finished("2"), Value::Enum(async_graphql::Name::new("H"))]),
            );
        }
        assert_eq!(
            text(&Response::new(data)),
            r#"{"data":{"a":1,"b":["x\n\"",null,1.5],"c":{"d":true},"e":{"f":[1]},"g":[2,"H"]}}"#
        );
        assert_eq!(text(&Response::new(finished("{}"))), r#"{"data":{}}"#);
    }

    #[test]
    fn a_rejected_request_has_no_data() {
        let rejected =
            Response::from_errors(vec![Code::ParseFailed.error("no", Some(async_graphql::Pos { line: 1, column: 2 }))]);
        assert_eq!(
            text(&rejected),
            r#"{"errors":[{"message":"no","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}"#
        );
        assert_eq!(status(&rejected, Format::Json), StatusCode::OK);
        assert_eq!(status(&rejected, Format::GraphqlResponse), StatusCode::BAD_REQUEST);
        let unauthenticated = Response::from_errors(vec![Code::Unauthenticated.error("no", None)]);
        assert_eq!(status(&unauthenticated, Format::GraphqlResponse), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn a_failed_field_leaves_null() {
        let mut error = ServerError::new("no", None);
        error.path = vec![PathSegment::Field("a".into()), PathSegment::Index(3)];
        let failed = Response::from_errors(vec![error]).extension("cost", value!(3));
        assert_eq!(
            text(&failed),
            r#"{"data":null,"errors":[{"message":"no","path":["a",3]}],"extensions":{"cost":3}}"#
        );
        assert_eq!(status(&failed, Format::GraphqlResponse), StatusCode::OK);
    }

    #[test]
    fn the_accept_header_selects_the_format() {
        for (header, format) in [
            (None, Some(Format::Json)),
            (Some(""), Some(Format::Json)),
            (Some("*/*"), Some(Format::Json)),
            (Some("application/graphql-response+json"), Some(Format::GraphqlResponse)),
            (
                Some("application/graphql-response+json; charset=utf-8, application/json;q=0.9"),
                Some(Format::GraphqlResponse),
            ),
            (Some("application/json;q=0.9, Application/GraphQL-Response+JSON"), Some(Format::GraphqlResponse)),
            (Some("application/graphql-response+json;q=0.1,application/json"), Some(Format::Json)),
            (Some("text/html, application/*;q=0.5"), Some(Format::Json)),
            (Some("application/json; charset=utf-16"), None),
            (Some("application/json;q=0"), None),
            (Some("text/html"), None),
        ] {
            assert_eq!(Format::accepted(header), format, "{header:?}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec(("[a-z]{1,5}", inner), 0..5).prop_map(|fields| Value::Object(
                    fields.into_iter().map(|(name, value)| (async_graphql::Name::new(name), value)).collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_json_equals_that_of_serde(data in any_value()) {
            let expected = format!("{{\"data\":{}}}", serde_json::to_string(&data).unwrap());
            prop_assert_eq!(text(&Response::new(data)), expected);
        }

        #[test]
        fn no_accept_header_causes_a_panic(header in "\\PC{0,80}") {
            let _ = Format::accepted(Some(&header));
        }
    }
}
