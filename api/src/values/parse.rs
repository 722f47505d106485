//! Reads instants, days and decimal numbers from text.

use std::str::FromStr;

use chrono::NaiveDate;
use entity::{Day, Instant};

/// Parses an instant in RFC 3339 format. Returns `None` if the text is invalid or outside the years 1 to 9999.
#[must_use]
pub fn instant(text: &str) -> Option<Instant> {
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (1..=9999).contains(&chrono::Datelike::year(&at)).then(|| Instant::from(at))
}

/// Parses a date in the format `YYYY-MM-DD`. Returns `None` for any other text and for years outside 1 to 9999.
#[must_use]
pub fn day(text: &str) -> Option<Day> {
    if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(Day::from_date)
}

/// Parses a decimal number of at most 28 digits: an optional minus sign, digits, and optionally a point and more digits.
#[must_use]
pub fn decimal(text: &str) -> Option<rust_decimal::Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if !plain || whole.is_empty() || fraction.is_empty() || digits.len() > 29 {
        return None;
    }
    rust_decimal::Decimal::from_str_exact(text).or_else(|_| rust_decimal::Decimal::from_str(text)).ok()
}
