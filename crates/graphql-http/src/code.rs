//! The codes of request and field errors, in `extensions.code`.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};
use axum::http::StatusCode;

/// The code of an error. Errors in a mutation's input that the caller can fix have no such code; they are `userErrors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The document is not valid GraphQL syntax.
    ParseFailed,
    /// The document is not valid for the schema.
    ValidationFailed,
    /// A variable, an argument or another part of the request is not valid.
    BadUserInput,
    /// The request has no valid access token.
    Unauthenticated,
    /// The caller does not have permission.
    Forbidden,
    /// The request or its response exceeds a limit.
    LimitExceeded,
    /// The caller sends too many requests in a period of time.
    RateLimited,
    /// The request took too long.
    Timeout,
    /// It is unknown whether the mutation was committed.
    OutcomeUnknown,
    /// The request names a persisted query in a way that this server does not support. The client should send the whole document.
    PersistedQueryNotSupported,
    /// The request names a persisted query that is not known. The client should send the document together with its hash.
    PersistedQueryNotFound,
    /// An internal error. `extensions.reference` identifies it in the log.
    Internal,
}

impl Code {
    const ALL: [Self; 12] = [
        Self::ParseFailed,
        Self::ValidationFailed,
        Self::BadUserInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::LimitExceeded,
        Self::RateLimited,
        Self::Timeout,
        Self::OutcomeUnknown,
        Self::PersistedQueryNotSupported,
        Self::PersistedQueryNotFound,
        Self::Internal,
    ];

    /// Returns the code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::RateLimited => "RATE_LIMITED",
            Self::Timeout => "TIMEOUT",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }

    /// Returns the HTTP status of a response with this error and without data.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::ParseFailed
            | Self::ValidationFailed
            | Self::BadUserInput
            | Self::LimitExceeded
            | Self::PersistedQueryNotSupported
            | Self::PersistedQueryNotFound => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::OutcomeUnknown | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the code of an error; None for an error with another code or without one.
    #[must_use]
    pub fn of(error: &ServerError) -> Option<Self> {
        match error.extensions.as_ref()?.get("code")? {
            Value::String(text) => Self::ALL.into_iter().find(|code| code.as_str() == text),
            _ => None,
        }
    }

    /// Creates an error with this code.
    #[must_use]
    pub fn error(self, message: impl Into<String>, position: Option<Pos>) -> ServerError {
        self.mark(ServerError::new(message, position))
    }

    /// Adds this code to an error without a code.
    #[must_use]
    pub fn mark(self, mut error: ServerError) -> ServerError {
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", self.as_str());
        }
        error
    }

    /// Creates an internal error, with a message that does not reveal the cause and the reference of the log entry.
    #[must_use]
    pub fn internal(reference: &str) -> ServerError {
        let message = "An internal error occurred. The server's log has it under this reference.";
        Self::Internal.error_with_reference(message, reference)
    }

    /// Creates an error with this code and the reference of its log entry.
    #[must_use]
    pub fn error_with_reference(self, message: impl Into<String>, reference: &str) -> ServerError {
        let mut error = self.error(message, None);
        error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("reference", reference);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_the_code_it_came_with() {
        let error = Code::ValidationFailed.mark(Code::LimitExceeded.error("too much", None));
        assert_eq!(Code::of(&error), Some(Code::LimitExceeded));
        assert_eq!(Code::of(&ServerError::new("plain", None)), None);
    }

    #[test]
    fn every_code_is_read_from_its_error() {
        for code in Code::ALL {
            assert_eq!(Code::of(&code.error("x", None)), Some(code));
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
    }
}
