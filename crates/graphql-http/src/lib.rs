//! GraphQL over HTTP, from the bytes of a request to the bytes of a response, for any schema.
//!
//! | module | contents |
//! |---|---|
//! | [`request`], [`request_id`], [`parsed_request`] | the parts of a request: headers, body, parameters |
//! | [`document`], [`document_cache`] | what a document asks for, and a cache of valid documents |
//! | [`persisted`] | documents that clients send by their hash |
//! | [`variables`] | checks that variables have the declared types |
//! | [`cost`] | the price of an operation, computed before it runs |
//! | [`introspection`] | the answers to introspection |
//! | [`code`] | the code of every error |
//! | [`response`], [`rejection`] | the format of responses |
//!
//! The crate knows neither the schema nor how operations are executed.

pub mod code;
pub mod cost;
mod digits;
pub mod document;
pub mod document_cache;
pub mod introspection;
pub mod parsed_request;
pub mod persisted;
pub mod rejection;
pub mod request;
pub mod request_id;
pub mod response;
pub mod variables;
