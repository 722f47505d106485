//! The schema's custom scalars.

use async_graphql::{InputObject, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use entity::{Day, Instant};
use graphql_executor::{OutputType, SelectionPlan, write_const_value};

use crate::context::RequestContext;
use crate::error::{Error, Result};
pub use crate::values::parse::{day, decimal, instant};

const A_DATE_TIME: &str = "a time with an offset like 2017-04-03T09:30:00Z, in the years 1 to 9999";
const A_DATE: &str = "a date like 2017-04-03, from 0001-01-01 to 9999-12-31";
const A_DECIMAL: &str = "a string with a number of at most 28 digits like \"1234.50\", without group separators or an \
                         exponent";

/// Describes the values that a scalar accepts, if `value` is not one of them. Returns `None` for a valid value, and for
/// scalars that are not defined here.
#[must_use]
pub fn instead(scalar: &str, value: &Value) -> Option<&'static str> {
    let text = match value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    };
    match scalar {
        "DateTime" => text.and_then(instant).is_none().then_some(A_DATE_TIME),
        "Date" => text.and_then(day).is_none().then_some(A_DATE),
        "Decimal" => number(value).is_none().then_some(A_DECIMAL),
        _ => None,
    }
}

/// Parses a decimal number from a string or an integer.
fn number(value: &Value) -> Option<rust_decimal::Decimal> {
    match value {
        Value::String(text) => decimal(text),
        Value::Number(number) => number.as_i64().map(rust_decimal::Decimal::from),
        _ => None,
    }
}

/// A `DateTime` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Instant);

/// An instant in RFC 3339 format, such as `2017-04-03T09:30:00Z`, in the years 1 to 9999. Input may have any offset;
/// output is in UTC.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        instant(text).map(Self).ok_or_else(|| InputValueError::custom(format!("A DateTime must be {A_DATE_TIME}.")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A `Date` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Day);

/// A calendar date in the format `YYYY-MM-DD`, in the years 0001 to 9999.
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        day(text).map(Self).ok_or_else(|| InputValueError::custom(format!("A Date must be {A_DATE}.")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A range of dates that includes both ends.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct DateRange {
    /// The first date.
    pub from: Date,
    /// The last date, which must not be before `from`.
    pub to: Date,
}

impl DateRange {
    /// Returns the first and the last day.
    ///
    /// # Errors
    /// Returns `BAD_USER_INPUT` if the range ends before it begins.
    pub fn days(self) -> Result<(Day, Day)> {
        let Self { from: Date(from), to: Date(to) } = self;
        if to < from {
            return Err(Error::BadInput(format!("A range must not end before it begins: {to} is before {from}.")));
        }
        Ok((from, to))
    }
}

/// A `Decimal` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number as a string, such as `"1234.50"`, with at most 28 digits. Integers are accepted as input;
/// floating-point numbers are rejected because they may be inexact.
#[Scalar(name = "Decimal", specified_by_url = "https://scalars.graphql.org/apollographql/decimal.html")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        if !matches!(value, Value::String(_) | Value::Number(_)) {
            return Err(InputValueError::expected_type(value));
        }
        number(&value).map(Self).ok_or_else(|| InputValueError::custom(format!("A Decimal must be {A_DECIMAL}.")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A `JSON` value, as text that is known to be valid JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// Any JSON value.
#[Scalar(name = "JSON", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259")]
impl ScalarType for Json<String> {
    fn parse(value: Value) -> InputValueResult<Self> {
        // A number with many digits comes as text, which is copied.
        let mut json = Vec::new();
        write_const_value(&mut json, &value);
        String::from_utf8(json).map(Self).map_err(|_| InputValueError::custom("A JSON value must be valid JSON."))
    }

    fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// Implements the output traits for stored types that have a scalar in the schema.
macro_rules! scalars {
    ($($type:ty as $known:ty: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl OutputType<RequestContext> for $type {
            fn describe(registry: &mut async_graphql::registry::Registry) -> String {
                <$known as async_graphql::OutputType>::create_type_info(registry)
            }
        }

        impl graphql_executor::Value<RequestContext> for $type {
            fn write(&self, _: &RequestContext, _: Option<&SelectionPlan<'_>>, $out: &mut Vec<u8>) {
                let $value = self;
                $write;
            }
        }
    )*};
}

// Writing into memory does not fail.
scalars! {
    Instant as DateTime: |value, out| { let _ = std::io::Write::write_fmt(out, format_args!("\"{value}\"")); };
    Day as Date: |value, out| { let _ = std::io::Write::write_fmt(out, format_args!("\"{value}\"")); };
    Json<&str> as Json<String>: |value, out| out.extend_from_slice(value.0.as_bytes());
    Json<String> as Json<String>: |value, out| out.extend_from_slice(value.0.as_bytes());
    Decimal as Decimal: |value, out| { let _ = std::io::Write::write_fmt(out, format_args!("\"{}\"", value.0)); };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_in_the_calendar_are_accepted() {
        assert_eq!(day("2016-02-29"), Day::of(2016, 2, 29));
        for text in
            ["2017-02-29", "2017-2-3", "17-02-03", "2017-02-03T00:00:00Z", "0000-01-01", "+017-02-03", "", "2017/02/03"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn only_plain_decimal_numbers_are_accepted() {
        assert_eq!(decimal("1234.50").map(|number| number.to_string()).as_deref(), Some("1234.50"));
        assert_eq!(decimal("-0.01").map(|number| number.to_string()).as_deref(), Some("-0.01"));
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1e3",
            "1,000",
            "1_000",
            " 1",
            "0x1",
            "NaN",
            "+1",
            "--1",
            "1.2.3",
            "99999999999999999999999999999999",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn only_instants_with_an_offset_are_accepted() {
        assert_eq!(instant("2017-04-03T09:30:00+02:00"), instant("2017-04-03T07:30:00Z"));
        assert_eq!(instant("2017-04-03T09:30:00"), None);
        assert_eq!(instant("10000-01-01T00:00:00Z"), None);
    }
}
