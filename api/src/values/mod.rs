//! Plain values and pure rules: text, days, the clock, agreement between two people.

pub mod agreement;
pub mod calendar;
pub mod clock;
pub mod money;
pub mod parse;
pub mod text;
