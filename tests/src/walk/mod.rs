//! Walking the schema: every place at which a request may name something, found in the schema itself, so that a new
//! field, argument or mutation is tried without anybody having to think of it.
//!
//! | room | holds |
//! |---|---|
//! | [`schema`] | the schema as the server tells it |
//! | [`place`] | places in arguments that name something, and how a value is put there |
//! | [`selection`] | what is asked of an answer: everything, to some depth |
//! | [`blank`] | answers without what differs from one request to the next |
//! | [`tables`] | what an organization's tables hold, to see whether anything changed |

pub mod blank;
pub mod place;
pub mod schema;
pub mod selection;
pub mod tables;
