//! Errors that a caller can fix, as part of a mutation's payload.

use super::{graphql_enum, object};
use crate::error::{UserError, UserErrorCode};

graphql_enum! { UserErrorCode as UserErrorCode }

object! {
    /// An error that the caller can fix. If a payload has any, the mutation wrote nothing.
    UserError as "UserError" {
        /// The kind of error.
        code: UserErrorCode = plain(|error| error.code);
        /// A message for people that says what is wrong and what would be valid.
        message: &str = plain(|error| &error.message);
        /// The path of the invalid field, starting with the argument, such as `["input", "items", "0", "accountId"]`.
        field: Vec<String> = plain(|error| error.field.clone());
    }
}
