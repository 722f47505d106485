pub mod import;
pub mod scalar;
