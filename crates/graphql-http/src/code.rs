//! The codes of errors that concern a request itself, in `extensions.code`.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};
use axum::http::StatusCode;

/// What kind of error it is. What a caller can mend in a mutation's input is none of these: that is a `userError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The document is not GraphQL.
    ParseFailed,
    /// The document does not fit the schema.
    ValidationFailed,
    /// A variable, an argument or the request around the document is wrong.
    BadUserInput,
    /// Nobody knows who is asking.
    Unauthenticated,
    /// Who is asking may not ask this.
    Forbidden,
    /// The request asks for too much at once.
    LimitExceeded,
    /// Too many requests in too short a time.
    RateLimited,
    /// It took too long.
    Timeout,
    /// Our fault; `extensions.reference` finds it in the log.
    Internal,
}

impl Code {
    const ALL: [Self; 9] = [
        Self::ParseFailed,
        Self::ValidationFailed,
        Self::BadUserInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::LimitExceeded,
        Self::RateLimited,
        Self::Timeout,
        Self::Internal,
    ];

    /// The code as clients see it.
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
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }

    /// The status of a response that holds this error and no data.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::ParseFailed | Self::ValidationFailed | Self::BadUserInput | Self::LimitExceeded => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code that an error carries, if it carries one of these.
    #[must_use]
    pub fn of(error: &ServerError) -> Option<Self> {
        match error.extensions.as_ref()?.get("code")? {
            Value::String(text) => Self::ALL.into_iter().find(|code| code.as_str() == text),
            _ => None,
        }
    }

    /// An error of this kind.
    #[must_use]
    pub fn error(self, message: impl Into<String>, position: Option<Pos>) -> ServerError {
        self.mark(ServerError::new(message, position))
    }

    /// The error with this code, unless it has a code already.
    #[must_use]
    pub fn mark(self, mut error: ServerError) -> ServerError {
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", self.as_str());
        }
        error
    }

    /// An error of ours: a sentence that says nothing of its cause, and the reference under which the log has it.
    #[must_use]
    pub fn internal(reference: &str) -> ServerError {
        let message = "Something went wrong on our side; the log has it under this reference.";
        Self::Internal.error_with_reference(message, reference)
    }

    /// An error of this kind that the log has under a reference.
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
    fn every_code_is_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::of(&code.error("x", None)), Some(code));
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
    }
}
