//! GraphQL over HTTP, from the bytes of a request to the bytes of a response, for any schema.
//!
//! | module | contents |
//! |---|---|
//! | [`request`], [`request_id`], [`parsed_request`] | the parts of a request: headers, body, parameters |
//! | [`document`], [`document_cache`] | the check of a document before anything else reads it, and a cache of valid documents |
//! | [`variables`], [`variable_positions`] | checks that variables have the declared types and are used in positions of these types |
//! | [`cost`] | the price of an operation, computed before it runs |
//! | [`code`], [`error_codes`] | the code of every error, by the stage at which it occurs |
//! | [`response`], [`rejection`] | the format of responses |
//!
//! The crate knows neither the schema nor how operations are executed.

pub mod code;
pub mod cost;
pub mod document;
pub mod document_cache;
pub mod error_codes;
pub mod parsed_request;
pub mod rejection;
pub mod request;
pub mod request_id;
pub mod response;
pub mod variable_positions;
pub mod variables;

use std::borrow::Cow;

/// The most characters of what a client sent that are shown to it again.
const SHOWN: usize = 200;

/// Returns the start of a text that a client sent, to be shown in a message or a log.
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
