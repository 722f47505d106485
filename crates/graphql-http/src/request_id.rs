//! The id of a request.

use axum::http::{HeaderMap, HeaderValue};

/// What identifies one request in the log, in the header `x-request-id` and in the reference of an internal error:
/// the client's own, where it is 1 to 64 letters, digits, `-`, `_` or `.`; else a new one. It is among the data of
/// every request that is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// The name of the header.
    pub const HEADER: &str = "x-request-id";

    /// The client's id where it is sane, else a new one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let sane = |text: &&str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let given = headers.get(Self::HEADER).and_then(|value| value.to_str().ok()).filter(sane);
        Self(given.map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned))
    }

    /// The id as a header's value.
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
    fn a_sane_request_id_is_kept() {
        assert_eq!(id("Ab-1_2.3"), RequestId("Ab-1_2.3".into()));
        for wild in ["", "a b", "a\"b", "ä", &"x".repeat(65)] {
            let made = id(wild);
            assert_ne!(made.0, wild);
            assert_eq!(made.0.len(), 32);
            assert_eq!(made.to_header(), made.0.as_str());
        }
    }
}
