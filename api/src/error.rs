//! What can go wrong. What the caller can mend is data: a [`UserError`] in a mutation's payload. The rest ends the
//! request, or the field, with one of few codes; the cause of an internal one is logged here, once, and shows a
//! reference alone.

use async_graphql::{Enum, ErrorExtensionValues, ServerError};
use sea_orm::{DbErr, RuntimeErr};

/// The usual result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The extension of a `RATE_LIMITED` error that says after how many seconds another attempt is allowed.
pub const RETRY_AFTER: &str = "retryAfter";

/// Why something was not done.
#[derive(Debug)]
pub enum Error {
    /// The caller can mend it.
    Refused(Vec<UserError>),
    /// An argument that the schema alone cannot refuse. Says what would be right.
    BadInput(String),
    /// Nobody, or nobody any more.
    Unauthenticated,
    /// Not theirs to ask.
    Forbidden(String),
    /// More than one answer may hold.
    LimitExceeded(String),
    /// Too many failed attempts; after so many seconds (1 or more) another one is allowed.
    RateLimited(u64),
    /// The database took too long, or there was no connection to it in time. The log has it under the request's id.
    Timeout,
    /// The change lost to another one, and left nothing behind.
    TryAgain,
    /// Anything else; it has been logged under this reference.
    Internal(String),
    /// One of the above with its place in the document.
    Placed(Box<ServerError>),
}

impl Error {
    /// Logs a cause and hides it behind a reference.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let reference = uuid::Uuid::now_v7().simple().to_string();
        tracing::error!(%reference, %cause, "something failed");
        Self::Internal(reference)
    }

    /// A refusal for one reason.
    pub fn refused(code: UserErrorCode, field: &[&str], message: impl Into<String>) -> Self {
        Self::Refused(vec![UserError::new(code, field, message)])
    }

    /// Returns the errors that the caller can fix.
    ///
    /// # Errors
    /// The error itself, if the caller cannot fix it.
    pub fn into_user_errors(self) -> Result<Vec<UserError>, Self> {
        match self {
            Self::Refused(errors) => Ok(errors),
            other => Err(other),
        }
    }

    /// Returns the error as GraphQL reports it. A timeout refers to the request's id.
    pub fn into_server_error(self, request_id: &str) -> ServerError {
        let mut wait = None;
        let (code, message, reference) = match self {
            Self::Placed(error) => return *error,
            Self::Refused(errors) => {
                let message = errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" ");
                ("BAD_USER_INPUT", message, None)
            }
            Self::BadInput(message) => ("BAD_USER_INPUT", message, None),
            Self::Unauthenticated => ("UNAUTHENTICATED", "Sign in: this needs a valid access token.".to_owned(), None),
            Self::Forbidden(message) => ("FORBIDDEN", message, None),
            Self::LimitExceeded(message) => ("LIMIT_EXCEEDED", message, None),
            Self::RateLimited(seconds) => {
                wait = Some(seconds);
                ("RATE_LIMITED", format!("Too many failed attempts: try again in {seconds} s."), None)
            }
            Self::Timeout => {
                let message = "This took too long. Try again, ask for less, or narrow the filter.".to_owned();
                ("TIMEOUT", message, Some(request_id.to_owned()))
            }
            Self::TryAgain => (
                "INTERNAL_SERVER_ERROR",
                "Another change was in the way. Try again.".to_owned(),
                Some(request_id.to_owned()),
            ),
            Self::Internal(reference) => {
                ("INTERNAL_SERVER_ERROR", "Something failed here, not with you.".to_owned(), Some(reference))
            }
        };
        let mut error = ServerError::new(message, None);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code);
        if let Some(reference) = reference {
            extensions.set("reference", reference);
        }
        if let Some(seconds) = wait {
            extensions.set(RETRY_AFTER, seconds);
        }
        error.extensions = Some(extensions);
        error
    }
}

/// What is told of a sum beyond 64 bits.
pub const TOO_LARGE: &str = "A sum has more than 18 digits. Narrow the filter, or group by more.";

/// The database's own code of an error: SQLSTATE on PostgreSQL, the extended result code on SQLite.
fn database_code(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(inner))
    | DbErr::Query(RuntimeErr::SqlxError(inner))
    | DbErr::Conn(RuntimeErr::SqlxError(inner))) = error
    else {
        return None;
    };
    inner.as_database_error().and_then(sea_orm::sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match database_code(&error).as_deref() {
            // query_canceled, lock_not_available; SQLite: busy (another process writes), interrupted.
            Some("57014" | "55P03" | "5" | "9") => {
                tracing::warn!(cause = %error, "the database took too long");
                Self::Timeout
            }
            // numeric_value_out_of_range; SQLite says it in words. Amounts are checked, and their sums are not.
            Some("22003") => Self::LimitExceeded(TOO_LARGE.to_owned()),
            Some("1") if error.to_string().contains("integer overflow") => Self::LimitExceeded(TOO_LARGE.to_owned()),
            // serialization_failure, deadlock_detected; foreign_key_violation and unique_violation, which a change meets
            // only where another one came between its check and its write, so that checking again tells.
            Some("40001" | "40P01" | "23503" | "23505" | "1555" | "2067") => Self::TryAgain,
            _ => match error {
                DbErr::ConnectionAcquire(_) => {
                    tracing::error!(cause = %error, "no database connection to be had");
                    Self::Timeout
                }
                error => Self::internal(error),
            },
        }
    }
}

/// Kinds of what the caller can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// The value is not allowed there; the message says what would be.
    Invalid,
    /// A value is needed.
    Required,
    /// Somebody else has that value.
    Taken,
    /// There is no such thing, or none that the caller may see.
    NotFound,
    /// Seen, but not the caller's to change.
    Forbidden,
    /// It has been changed since the version given.
    StaleVersion,
    /// Something must be there first.
    Incomplete,
    /// More than one may hold.
    LimitExceeded,
    /// It does not go with how things stand.
    Conflict,
}

impl UserErrorCode {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Required => "REQUIRED",
            Self::Taken => "TAKEN",
            Self::NotFound => "NOT_FOUND",
            Self::Forbidden => "FORBIDDEN",
            Self::StaleVersion => "STALE_VERSION",
            Self::Incomplete => "INCOMPLETE",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Conflict => "CONFLICT",
        }
    }
}
/// One thing that the caller can mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// Its kind.
    pub code: UserErrorCode,
    /// What would be right, in a sentence.
    pub message: String,
    /// The path of the field it is about, from the argument on.
    pub field: Vec<String>,
}

impl UserError {
    /// One error.
    pub fn new(code: UserErrorCode, field: &[&str], message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: field.iter().map(|&part| part.to_owned()).collect() }
    }
}
