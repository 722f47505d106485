//! The id of a request.

use axum::http::{HeaderMap, HeaderValue};

/// The identifier of a request in the log, in the header `x-request-id` and in the reference of an internal error. The client's
/// id is used if it consists of 1 to 64 letters, digits, `-`, `_` and `.`; otherwise a new one is created. It is part of the data
/// of every request that is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// The name of the header.
    pub const HEADER: &str = "x-request-id";

    /// Returns the client's id if it is valid, otherwise a new one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let is_valid = |text: &&str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let given = headers.get(Self::HEADER).and_then(|value| value.to_str().ok()).filter(is_valid);
        Self(given.map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned))
    }

    /// Returns the id as a header value.
    #[must_use]
    pub fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(given: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(RequestId::HEADER, HeaderValue::from_bytes(given.as_bytes()).unwrap());
        RequestId::from_headers(&headers)
    }

    #[test]
    fn a_valid_request_id_is_kept_and_any_other_replaced() {
        assert_eq!(id("Ab-1_2.3"), RequestId("Ab-1_2.3".into()));
        for invalid in ["", "a b", "a\"b", "ä", &"x".repeat(65)] {
            let created = id(invalid);
            assert_ne!(created.0, invalid);
            assert_eq!(created.0.len(), 32);
            assert_eq!(created.to_header(), created.0.as_str());
        }
    }
}
