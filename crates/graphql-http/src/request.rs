//! GraphQL requests over HTTP: their headers, body and parameters.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::parser::types::VariableDefinition;
use async_graphql::registry::Registry;
use async_graphql::{Positioned, Variables};
use axum::{
    body::Body,
    extract::Query,
    http::{HeaderMap, StatusCode, Uri, header},
};
use futures_util::StreamExt;
use graphql_document::cut;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::code::Code;
use crate::digits;
use crate::persisted::DocumentHash;
use crate::rejection::HttpRejection;

/// The parameters of a request. Other parameters are ignored.
#[derive(Debug)]
pub struct Parameters {
    /// The document; empty until it is found if the client sent only its hash.
    pub query: String,
    /// The name of the operation to execute; None if the document has a single one.
    pub operation_name: Option<String>,
    /// The values of the operation's variables.
    pub variables: Variables,
    /// The SHA-256 hash of the document, by which later requests may name it.
    pub hash: Option<DocumentHash>,
    /// The text that the parameters were read from; None if no number in the variables needs it.
    source: Option<Source>,
}

/// The text that the parameters were read from.
#[derive(Debug)]
enum Source {
    Body(Vec<u8>),
    /// The variables in a query string.
    Variables(String),
}

/// The variables of a body as text.
#[derive(Deserialize)]
struct RawVariables<'a> {
    #[serde(borrow)]
    variables: Option<HashMap<String, &'a RawValue>>,
}

/// The parameters in a JSON body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonBody {
    query: Option<String>,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    /// Must be a map; only `persistedQuery` is used.
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The parameters in a query string. Maps are JSON texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryString {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl Parameters {
    /// Parses a body.
    ///
    /// # Errors
    /// Status 400 if the body is not a JSON object, or if a parameter is missing or has the wrong type.
    pub fn from_json(bytes: Vec<u8>) -> Result<Self, HttpRejection> {
        // Serde would accept a list, with the fields in their order.
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => {}
            Some(b'[') => {
                return Err(bad("The body must be a single request; this server does not support batches."));
            }
            None => {
                return Err(bad("The body is empty; it must be a JSON object with a `query`."));
            }
            Some(_) => return Err(bad("The body must be a JSON object with a `query`.")),
        }
        let JsonBody { query, operation_name, variables, extensions } = serde_json::from_slice(&bytes)
            .map_err(|error| bad(format!("The body is not a GraphQL request in JSON: {}.", cut(&error.to_string()))))?;
        let persisted = extensions.and_then(|mut map| map.remove("persistedQuery"));
        let source = may_change(&variables).then_some(Source::Body(bytes));
        let parameters = Self::new(query, operation_name, variables, persisted)?;
        Ok(Self { source, ..parameters })
    }

    /// Parses a query string.
    ///
    /// # Errors
    /// Status 400 if a parameter is missing, is duplicated or has the wrong type.
    pub fn from_query(uri: &Uri) -> Result<Self, HttpRejection> {
        let Query(QueryString { query, operation_name, variables, extensions }) =
            Query::try_from_uri(uri).map_err(|error| bad(format!("The query string is not valid: {error}.")))?;
        let not_a_map = |name: &'static str| {
            move |error: serde_json::Error| bad(format!("`{name}` must be a JSON object: {error}."))
        };
        let given: Variables = variables
            .as_deref()
            .map(|text| serde_json::from_str(text).map_err(not_a_map("variables")))
            .transpose()?
            .unwrap_or_default();
        let extensions = extensions
            .map(|text| serde_json::from_str::<Option<serde_json::Map<_, _>>>(&text).map_err(not_a_map("extensions")))
            .transpose()?;
        let persisted = extensions.flatten().and_then(|mut map| map.remove("persistedQuery"));
        let source = variables.filter(|_| may_change(&given)).map(Source::Variables);
        let parameters = Self::new(query, operation_name, given, persisted)?;
        Ok(Self { source, ..parameters })
    }

    /// Creates parameters. `persisted` is the member `persistedQuery` of the extensions.
    ///
    /// # Errors
    /// Status 400 if there is neither a document nor a hash.
    pub fn new(
        query: Option<String>,
        operation_name: Option<String>,
        variables: Variables,
        persisted: Option<serde_json::Value>,
    ) -> Result<Self, HttpRejection> {
        let hash = match persisted {
            None | Some(serde_json::Value::Null) => None,
            Some(value) => Some(DocumentHash::from_extension(&value)?),
        };
        if query.is_none() && hash.is_none() {
            return Err(bad("The request has no query: that is the parameter with the document."));
        }
        Ok(Self { query: query.unwrap_or_default(), operation_name, variables, hash, source: None })
    }

    /// Replaces values of custom scalars by their text, where a machine number would have other digits.
    pub fn keep_digits(&mut self, registry: &Registry, definitions: &[Positioned<VariableDefinition>]) {
        // Nothing else needs the text: its memory is freed before the request is executed.
        let Some(source) = self.source.take() else { return };
        let raw = match &source {
            Source::Body(bytes) => {
                serde_json::from_slice::<RawVariables<'_>>(bytes).ok().and_then(|body| body.variables)
            }
            Source::Variables(text) => serde_json::from_str(text).ok(),
        };
        let Some(raw) = raw else { return };
        for VariableDefinition { name, var_type, .. } in definitions.iter().map(|definition| &definition.node) {
            if let (Some(value), Some(raw)) = (self.variables.get_mut(&name.node), raw.get(name.node.as_str())) {
                digits::keep(registry, &var_type.node.to_string(), value, raw);
            }
        }
    }
}

/// Whether a variable contains a number that may have had other digits.
fn may_change(variables: &Variables) -> bool {
    variables.values().any(digits::may_change)
}

pub(crate) fn bad(message: impl Into<String>) -> HttpRejection {
    HttpRejection::new(StatusCode::BAD_REQUEST, Code::BadUserInput, message)
}

/// Checks that the headers declare the body as uncompressed JSON in UTF-8. No other content type is read, because pages of other
/// origins can send some of them without a CORS preflight request.
///
/// # Errors
/// Status 415 for any other type, character set or encoding.
pub fn check_content(headers: &HeaderMap) -> Result<(), HttpRejection> {
    let unsupported =
        |message: &str| HttpRejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadUserInput, message);
    let content_type = header_text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case("application/json") {
        return Err(unsupported("The content type must be application/json.")
            .with_header(header::HeaderName::from_static("accept-post"), "application/json"));
    }
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.eq_ignore_ascii_case("charset")
            && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return Err(unsupported("The body must be in UTF-8."));
        }
    }
    let encoded = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        Err(unsupported("The body must not be compressed.").with_header(header::ACCEPT_ENCODING, "identity"))
    } else {
        Ok(())
    }
}

/// Whether a request asks to switch to the WebSocket protocol.
pub fn opens_web_socket(headers: &HeaderMap) -> bool {
    header_text(headers, &header::UPGRADE).is_some_and(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
}

/// The maximum number of bytes of an oversized body that are read and discarded, so that the client receives the response.
const DRAINED: usize = 16 * 1_024 * 1_024;
/// The largest duration of reading and discarding such a body.
const DRAINED_WITHIN: Duration = Duration::from_secs(1);

/// Reads a whole body of at most `limit` bytes that arrives within `timeout`.
///
/// # Errors
/// Status 413 for a larger body, 408 for a later one, and 400 for an incomplete one.
pub async fn read(body: Body, headers: &HeaderMap, limit: usize, timeout: Duration) -> Result<Vec<u8>, HttpRejection> {
    let too_large = || {
        HttpRejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::LimitExceeded,
            format!("The body must have at most {limit} bytes."),
        )
    };
    let announced = header_text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    let mut frames = body.into_data_stream();
    if let Some(length) = announced.filter(|length| *length > limit) {
        if length <= DRAINED {
            // A client that is still sending would see a closed connection instead of the response.
            let rest = async { while frames.next().await.is_some_and(|frame| frame.is_ok()) {} };
            let _late = tokio::time::timeout(DRAINED_WITHIN, rest).await;
        }
        return Err(too_large());
    }
    let gather = async {
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|_| bad("The body is incomplete."))?;
            if bytes.len() + frame.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&frame);
        }
        Ok(bytes)
    };
    tokio::time::timeout(timeout, gather).await.unwrap_or_else(|_| {
        let message = format!("The body did not arrive within {} s.", timeout.as_secs_f32());
        Err(HttpRejection::new(StatusCode::REQUEST_TIMEOUT, Code::Timeout, message)
            .with_header(header::CONNECTION, "close"))
    })
}

/// Returns the token of an `authorization: Bearer …` header, if there is one. The token is not verified here.
///
/// # Errors
/// Status 401 for several such headers or another scheme.
pub fn bearer(headers: &HeaderMap) -> Result<Option<String>, HttpRejection> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(header::AUTHORIZATION) { Err(unknown_login()) } else { Ok(None) };
    };
    let text = value.to_str().map_err(|_| unknown_login())?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim().to_owned())) } else { Err(unknown_login()) }
}

fn unknown_login() -> HttpRejection {
    HttpRejection::new(
        StatusCode::UNAUTHORIZED,
        Code::Unauthenticated,
        "The authorization header must have the form `Bearer <token>`.",
    )
    .with_header(header::WWW_AUTHENTICATE, "Bearer")
}

/// Returns the value of a header; None if it is missing or not text.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns the members of a header that is a list.
pub fn header_list<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn only_uncompressed_json_in_utf_8_is_accepted() {
        for content_type in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\";x=y"]
        {
            assert!(check_content(&headers(&[("content-type", content_type)])).is_ok(), "{content_type}");
        }
        for content_type in [
            "text/plain",
            "application/json; charset=latin1",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/graphql",
            "",
        ] {
            let rejection = check_content(&headers(&[("content-type", content_type)])).unwrap_err();
            assert_eq!(rejection.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        }
        assert!(check_content(&headers(&[])).is_err());
        assert!(
            check_content(&headers(&[("content-type", "application/json"), ("content-encoding", "gzip")])).is_err()
        );
        assert!(
            check_content(&headers(&[("content-type", "application/json"), ("content-encoding", "identity")])).is_ok()
        );
    }

    #[test]
    fn a_body_must_be_one_object_with_a_query() {
        let read = Parameters::from_json(
            br#" {"query":"{a}","operationName":null,"variables":{"v":[1]},"extensions":{},"more":1}"#.to_vec(),
        )
        .unwrap();
        assert_eq!((read.query.as_str(), read.operation_name, read.variables.len()), ("{a}", None, 1));
        for body in [
            "",
            "  ",
            "null",
            "7",
            "{",
            "{}",
            "[]",
            r#"["{a}"]"#,
            r#"[{"query":"{a}"}]"#,
            r#"{"query":7}"#,
            r#"{"query":null}"#,
            r#"{"query":"a","variables":[]}"#,
            r#"{"query":"a","variables":"{}"}"#,
            r#"{"query":"a","extensions":"x"}"#,
            r#"{"query":"a","operationName":{}}"#,
            r#"{"query":"a","query":"b"}"#,
            r#"{"query":"a"} x"#,
            r#"{"query":"\ud800"}"#,
        ] {
            assert_eq!(Parameters::from_json(body.into()).unwrap_err().status, StatusCode::BAD_REQUEST, "{body}");
        }
        assert!(Parameters::from_json(b"{\"query\":\"\xff\"}".to_vec()).is_err());
        assert!(
            Parameters::from_json(format!("{{\"query\":\"a\",\"variables\":{{\"v\":{}", "[".repeat(100_000)).into())
                .is_err()
        );
    }

    #[test]
    fn a_query_string_has_the_same_parameters_as_a_body() {
        let read = |query: &str| Parameters::from_query(&format!("/graphql?{query}").parse().unwrap());
        assert_eq!(read("query=%7Ba%7D&variables=%7B%22v%22%3A1%7D").unwrap().variables.len(), 1);
        for query in
            ["", "query=a&variables=1", "query=a&extensions=%5B%5D", "query=a&query=b", "query=%7Ba%7D&variables={"]
        {
            assert_eq!(read(query).unwrap_err().status, StatusCode::BAD_REQUEST, "{query}");
        }
    }

    #[test]
    fn only_bearer_tokens_are_taken() {
        assert_eq!(bearer(&headers(&[])).unwrap(), None);
        assert_eq!(bearer(&headers(&[("authorization", "bearer  abc.def")])).unwrap().as_deref(), Some("abc.def"));
        for value in ["Bearer", "Bearer ", "Bearer a b"] {
            assert!(bearer(&headers(&[("authorization", value)])).unwrap().is_some(), "{value}");
        }
        for value in ["", "Basic YTpi", "abc"] {
            assert_eq!(
                bearer(&headers(&[("authorization", value)])).unwrap_err().status,
                StatusCode::UNAUTHORIZED,
                "{value}"
            );
        }
        assert!(bearer(&headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")])).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_be_small_and_arrive_in_time() {
        let timeout = Duration::from_secs(10);
        let none = HeaderMap::new();
        assert_eq!(read(Body::from("1234"), &none, 4, timeout).await.unwrap(), b"1234");
        assert_eq!(
            read(Body::from("12345"), &none, 4, timeout).await.unwrap_err().status,
            StatusCode::PAYLOAD_TOO_LARGE
        );
        let announced = headers(&[("content-length", "5")]);
        assert_eq!(
            read(Body::empty(), &announced, 4, timeout).await.unwrap_err().status,
            StatusCode::PAYLOAD_TOO_LARGE
        );
        // One byte per second. The time of the runtime is paused, so that each second passes immediately.
        let drip = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        });
        assert_eq!(
            read(Body::from_stream(drip), &none, 1_000, timeout).await.unwrap_err().status,
            StatusCode::REQUEST_TIMEOUT
        );
        let broken = stream::iter([Ok("x"), Err(std::io::Error::other("gone"))]);
        assert_eq!(
            read(Body::from_stream(broken), &none, 1_000, timeout).await.unwrap_err().status,
            StatusCode::BAD_REQUEST
        );
    }

    proptest! {
        #[test]
        fn no_body_causes_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Parameters::from_json(bytes);
        }
    }
}
