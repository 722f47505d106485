//! Walks over the schema: finds every argument that can refer to something, in the schema itself, so that tests cover a
//! new field, argument or mutation without a change.
//!
//! | module | contents |
//! |---|---|
//! | [`schema`] | the schema from introspection |
//! | [`mod@reference`] | arguments that refer to something, and how a value is put there |
//! | [`selection`] | selections of all fields, to some depth |
//! | [`redact`] | answers without the values that differ from one request to the next |
//! | [`tables`] | the rows of an organization in all tables, to see whether anything changed |

pub mod redact;
pub mod reference;
pub mod schema;
pub mod selection;
pub mod tables;
