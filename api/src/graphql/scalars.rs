//! The schema's own scalars.

use async_graphql::{InputObject, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use entity::{Day, Instant};

use graphql_executor::{OutputType, SelectionPlan};

use crate::context::RequestContext;
use crate::error::{Error, Result};
pub use crate::values::parse::{day, decimal, instant};

const A_DATE_TIME: &str = "an instant like 2017-04-03T09:30:00Z, with an offset, between the years 1 and 9999";
const A_DATE: &str = "a day of the calendar like 2017-04-03, between 0001-01-01 and 9999-12-31";
const A_DECIMAL: &str = "an exact number of at most 28 digits in a string, like \"1234.50\": digits, a point, no group \
                         separators and no exponent";

/// What would be right in place of a value that is none of one of these scalars; None where it is one, and of others.
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

fn number(value: &Value) -> Option<rust_decimal::Decimal> {
    match value {
        Value::String(text) => decimal(text),
        Value::Number(number) => number.as_i64().map(rust_decimal::Decimal::from),
        _ => None,
    }
}

/// An instant, RFC 3339, UTC on output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Instant);

/// An instant: RFC 3339 with any offset, `2017-04-03T09:30:00Z`, of the years 1 to 9999. UTC on output.
#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        instant(text).map(Self).ok_or_else(|| InputValueError::custom(format!("A DateTime is {A_DATE_TIME}.")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Day);

/// A calendar day, `YYYY-MM-DD`, of the years 0001 to 9999.
#[Scalar(name = "Date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        day(text).map(Self).ok_or_else(|| InputValueError::custom(format!("A Date is {A_DATE}.")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Days, both ends included.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct DateRange {
    /// The first.
    pub from: Date,
    /// The last: not before the first.
    pub to: Date,
}

impl DateRange {
    /// Its ends.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` where it ends before it begins.
    pub fn days(self) -> Result<(Day, Day)> {
        let Self { from: Date(from), to: Date(to) } = self;
        if to < from {
            return Err(Error::BadInput(format!("A range ends on its first day or after: {to} is before {from}.")));
        }
        Ok((from, to))
    }
}

/// An exact decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number, as a string: `"1234.50"`. Whole numbers may be given as such; a float is refused, for it
/// may already have lost a cent.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        if !matches!(value, Value::String(_) | Value::Number(_)) {
            return Err(InputValueError::expected_type(value));
        }
        number(&value).map(Self).ok_or_else(|| InputValueError::custom(format!("A Decimal is {A_DECIMAL}.")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A JSON value, as text that is known to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// Any JSON value.
#[Scalar(name = "JSON")]
impl ScalarType for Json<String> {
    fn parse(value: Value) -> InputValueResult<Self> {
        let json = value.into_json().map_err(|_| InputValueError::custom("This is no JSON value."))?;
        Ok(Self(json.to_string()))
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
    fn only_days_of_the_calendar_are_days() {
        assert_eq!(day("2016-02-29"), Day::of(2016, 2, 29));
        for text in
            ["2017-02-29", "2017-2-3", "17-02-03", "2017-02-03T00:00:00Z", "0000-01-01", "+017-02-03", "", "2017/02/03"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_plain() {
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
    fn instants_have_an_offset() {
        assert_eq!(instant("2017-04-03T09:30:00+02:00"), instant("2017-04-03T07:30:00Z"));
        assert_eq!(instant("2017-04-03T09:30:00"), None);
        assert_eq!(instant("10000-01-01T00:00:00Z"), None);
    }
}
