//! GraphQL over HTTP, from the bytes of a request to the bytes of a response, for any schema.
//!
//! | module | holds |
//! |---|---|
//! | [`request`], [`request_id`], [`parsed_request`] | what a request looks like: headers, body, parameters |
//! | [`document`], [`document_cache`] | the check of a document before anything else reads it, and the documents known to be valid |
//! | [`variables`], [`variable_positions`] | whether variables have the declared types and are used where they fit |
//! | [`cost`] | the price of an operation, before it runs |
//! | [`code`], [`error_codes`] | the code of every error, by the stage at which it arises |
//! | [`response`], [`rejection`] | what a response looks like |
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
