//! Rejection of requests before any GraphQL is read.

use async_graphql::{Response as GraphqlResponse, ServerError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::code::Code;
use crate::response::{self, Format};

/// The rejection of a request that is not a GraphQL request. The status is the same in both formats.
#[derive(Debug)]
pub struct HttpRejection {
    /// The status of the response.
    pub status: StatusCode,
    /// The error.
    pub error: Box<ServerError>,
    header: Option<(header::HeaderName, HeaderValue)>,
}

impl HttpRejection {
    /// Creates a rejection with a message that says what would be valid.
    pub fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, error: Box::new(code.error(message, None)), header: None }
    }

    /// Adds a header to the response, replacing a header added before.
    #[must_use]
    pub fn with_header(self, name: header::HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, HeaderValue::from_static(value))), ..self }
    }

    /// Returns the response in the format that the client requested.
    #[must_use]
    pub fn answer(self, format: Format) -> Response {
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, format.content_type())],
            response::write(&GraphqlResponse::from_errors(vec![*self.error])),
        )
            .into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
