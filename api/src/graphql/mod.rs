//! How the schema's common parts work: scalars, money, filters and pages of lists.

pub mod filter;
pub mod money;
pub mod pagination;
pub mod scalars;
