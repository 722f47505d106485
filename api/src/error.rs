//! The errors of the application. What the caller can fix is data: a [`UserError`] in a mutation's payload. Any other error fails
//! the request, or the field, with an error code. The cause of an internal error is logged here, once; the client receives only
//! a reference to the log entry.

use async_graphql::{Enum, ErrorExtensionValues, ServerError};
use sea_orm::{DbErr, RuntimeErr};

use database::transaction::OUTCOME_UNKNOWN;

/// A result whose error is an [`Error`] unless stated otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The extension of a `RATE_LIMITED` error with the number of seconds after which another attempt is allowed.
pub const RETRY_AFTER: &str = "retryAfter";

/// An error of the application.
#[derive(Debug)]
pub enum Error {
    /// Errors in the input of a mutation, which the caller can fix.
    Refused(Vec<UserError>),
    /// An argument that is invalid in a way that the schema cannot express. The message says what would be valid.
    BadInput(String),
    /// The request has no access token, or one that is not valid or no longer valid.
    Unauthenticated,
    /// The caller does not have permission.
    Forbidden(String),
    /// The response would exceed a limit.
    LimitExceeded(String),
    /// Too many failed attempts. Another attempt is allowed after this number of seconds (1 or more).
    RateLimited(u64),
    /// The server has too much to do; the message says what to do about it.
    Busy(String),
    /// A statement exceeded its time limit, or no database connection became free in time. The cause is logged under the
    /// request's id.
    Timeout,
    /// The change conflicted with a concurrent one and was rolled back.
    TryAgain,
    /// The connection to the database was lost while a change was committed: it may have been made. The log has it under the
    /// request's id.
    OutcomeUnknown,
    /// A newer release has migrated the tables in a way that this one must not write to.
    Outdated,
    /// Anything else; it has been logged under this reference.
    Internal(String),
    /// One of the above, with its location in the document.
    Placed(Box<ServerError>),
}

impl Error {
    /// Logs the cause under a new reference and returns an error with only the reference.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let reference = uuid::Uuid::now_v7().simple().to_string();
        tracing::error!(%reference, %cause, "internal error");
        Self::Internal(reference)
    }

    /// Creates an error with one error that the caller can fix.
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
            Self::Unauthenticated => {
                ("UNAUTHENTICATED", "This needs a valid access token. Sign in first.".to_owned(), None)
            }
            Self::Forbidden(message) => ("FORBIDDEN", message, None),
            Self::LimitExceeded(message) => ("LIMIT_EXCEEDED", message, None),
            Self::RateLimited(seconds) => {
                wait = Some(seconds);
                ("RATE_LIMITED", format!("Too many failed attempts: try again in {seconds} s."), None)
            }
            Self::Busy(message) => {
                wait = Some(1);
                ("RATE_LIMITED", message, None)
            }
            Self::Timeout => {
                let message = "The request took too long. Try again, select less, or narrow the filter.".to_owned();
                ("TIMEOUT", message, Some(request_id.to_owned()))
            }
            Self::TryAgain => (
                "INTERNAL_SERVER_ERROR",
                "A concurrent change conflicted with this one. Try again.".to_owned(),
                Some(request_id.to_owned()),
            ),
            Self::OutcomeUnknown => {
                let message =
                    "It is unknown whether this change was made, because the connection to the database was lost: \
                               read again before you repeat it."
                        .to_owned();
                ("OUTCOME_UNKNOWN", message, Some(request_id.to_owned()))
            }
            Self::Outdated => {
                let message = "This server is older than the database and no longer writes. Try again in a moment.";
                ("INTERNAL_SERVER_ERROR", message.to_owned(), Some(request_id.to_owned()))
            }
            Self::Internal(reference) => {
                ("INTERNAL_SERVER_ERROR", "An internal error occurred.".to_owned(), Some(reference))
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

/// The message for a sum that exceeds 64 bits.
pub const TOO_LARGE: &str = "A sum has more than 18 digits. Narrow the filter, or group by more dimensions.";

/// Returns the database's error code: SQLSTATE on PostgreSQL, the extended result code on SQLite.
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
            // numeric_value_out_of_range, which SQLite reports only by its message. Amounts are checked, but not their sums.
            Some("22003") => Self::LimitExceeded(TOO_LARGE.to_owned()),
            Some("1") if error.to_string().contains("integer overflow") => Self::LimitExceeded(TOO_LARGE.to_owned()),
            // serialization_failure and deadlock_detected; also foreign_key_violation and unique_violation. Every change checks
            // for the latter two before it writes, so they occur only after a concurrent change; a retry finds them in its check.
            Some("40001" | "40P01" | "23503" | "23505" | "1555" | "2067") => Self::TryAgain,
            _ => match error {
                DbErr::ConnectionAcquire(_) => {
                    tracing::error!(cause = %error, "no database connection became free in time");
                    Self::Timeout
                }
                DbErr::Custom(ref cause) if cause.starts_with(OUTCOME_UNKNOWN) => {
                    tracing::error!(%cause, "a change may have been made, or not");
                    Self::OutcomeUnknown
                }
                // A statement of a request that has been stopped: the one that took too long has been logged.
                DbErr::Query(RuntimeErr::SqlxError(inner)) if matches!(*inner, sea_orm::sqlx::Error::PoolTimedOut) => {
                    Self::Timeout
                }
                error => Self::internal(error),
            },
        }
    }
}

/// The kinds of errors that the caller can fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// The value is not valid. The message says what would be.
    Invalid,
    /// A required value is missing.
    Required,
    /// The value must be unique, and another record already has it.
    Taken,
    /// The object does not exist, or the caller may not see it.
    NotFound,
    /// The caller may see the object but not make this change.
    Forbidden,
    /// The object has changed since the given version.
    StaleVersion,
    /// Something that this change requires is missing. The message says what.
    Incomplete,
    /// A limit on the number of items is exceeded.
    LimitExceeded,
    /// Conflicts with the current state.
    Conflict,
}

impl UserErrorCode {
    /// Returns the name of the code in the schema.
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

/// An error that the caller can fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// The kind of error.
    pub code: UserErrorCode,
    /// What is wrong and what would be valid.
    pub message: String,
    /// The path of the invalid field, starting with the argument.
    pub field: Vec<String>,
}

impl UserError {
    /// Creates an error at the path `field`.
    pub fn new(code: UserErrorCode, field: &[&str], message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: field.iter().map(|&part| part.to_owned()).collect() }
    }
}
