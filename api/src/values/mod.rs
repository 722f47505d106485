//! Plain values and pure rules: text, dates, money, the clock, and the agreement between a seller and a manager.

pub mod agreement;
pub mod calendar;
pub mod clock;
pub mod exact_json;
pub mod money;
pub mod parse;
pub mod text;
pub mod token_bucket;
