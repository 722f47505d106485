//! Errors that a caller can fix, as part of a mutation's payload.

use super::{graphql_enum, object};
use crate::error::{UserError, UserErrorCode};

graphql_enum! { UserErrorCode as UserErrorCode }

object! {
    /// An error that the caller can fix. A payload with any of these changed nothing.
    UserError as "UserError" {
        /// The kind of error, for programs.
        code: UserErrorCode = plain(|error| error.code);
        /// What is wrong and what would be right, in a sentence.
        message: &str = plain(|error| &error.message);
        /// The path of the offending field, from the argument on, such as `["input", "items", "0", "accountId"]`.
        field: Vec<String> = plain(|error| error.field.clone());
    }
}
