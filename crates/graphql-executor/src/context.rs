//! What an application provides: a request context and its error type.

use async_graphql::ServerError;

use crate::selection::InvalidSelection;

/// The context of a request: who asks, and what answers.
pub trait ExecutionContext: Send + Sync + 'static {
    /// The error that fields fail with.
    type Error: ExecutionError<Self> + From<InvalidSelection> + Send;

    /// Counts further objects with an id in the answer.
    fn count_nodes(&self, _objects: usize) {}
}

/// An error of a field.
pub trait ExecutionError<C: ?Sized>: Sized {
    /// Creates the error of an invalid argument or directive. `message` is meant for the client.
    fn invalid_argument(message: String) -> Self;

    /// Creates the error of a defect in the application: `cause` is meant for the log, never for the client.
    fn defect(cause: &str) -> Self;

    /// Wraps an error that already has its path and location.
    fn located(error: Box<ServerError>) -> Self;

    /// Returns the wrapped error, if this is a located one.
    ///
    /// # Errors
    /// The error itself, if it has no location yet.
    fn into_located(self) -> Result<Box<ServerError>, Self>;

    /// Returns the error as clients see it.
    fn into_server_error(self, context: &C) -> ServerError;

    /// Whether a mutation that failed with this error left nothing behind and may run again.
    fn is_retryable(&self) -> bool {
        false
    }
}

/// The payload of a mutation.
pub trait MutationPayload<E>: Sized {
    /// Returns the payload that carries an error which the caller can fix.
    ///
    /// # Errors
    /// The error itself, if the caller cannot fix it.
    fn from_error(error: E) -> Result<Self, E>;
}
