//! The types of the responses, which equal the server's byte for byte.

use serde::{Serialize, Serializer};

use crate::typeid::TypeId;

/// An account with eight fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account<'r> {
    pub id: TypeId,
    pub name: &'r str,
    pub domain: Option<&'r str>,
    pub industry: Option<&'r str>,
    pub employees: Option<i32>,
    pub city: Option<&'r str>,
    pub country: Option<&'r str>,
    pub created_at: Timestamp,
}

/// `{ account { … } }`
#[derive(Serialize)]
pub struct OneAccount<'r> {
    pub account: Account<'r>,
}

/// `{ accounts { nodes { … } } }`
#[derive(Serialize)]
pub struct Accounts<T> {
    pub accounts: Nodes<T>,
}

/// `{ nodes { … } }`
#[derive(Serialize)]
pub struct Nodes<T> {
    pub nodes: Vec<T>,
}

/// `{ touches { nodes { … } pageInfo { endCursor } } }`
#[derive(Serialize)]
pub struct Touches<'r> {
    pub touches: Page<Touch<'r>>,
}

/// `{ nodes { … } pageInfo { endCursor } }`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub nodes: Vec<T>,
    pub page_info: PageInfo,
}

/// `{ endCursor }`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    pub end_cursor: Option<String>,
}

/// An account with its owner, bookings, contacts and touches.
#[derive(Serialize)]
pub struct AccountDetails<'r> {
    pub id: TypeId,
    pub name: &'r str,
    pub domain: Option<&'r str>,
    pub industry: Option<&'r str>,
    pub employees: Option<i32>,
    pub city: Option<&'r str>,
    pub owner: Owner<'r>,
    pub booked: Money,
    pub contacts: Nodes<Contact<'r>>,
    pub touches: Nodes<Touch<'r>>,
}

/// An account's owner.
#[derive(Serialize)]
pub struct Owner<'r> {
    pub id: TypeId,
    pub name: &'r str,
}

/// An amount.
#[derive(Serialize)]
pub struct Money {
    pub amount: Amount,
    pub currency: &'static str,
}

/// A contact of an account.
#[derive(Serialize)]
pub struct Contact<'r> {
    pub id: TypeId,
    pub name: &'r str,
    pub title: Option<&'r str>,
    pub email: Option<&'r str>,
}

/// A touch of an account.
#[derive(Serialize)]
pub struct Touch<'r> {
    pub id: TypeId,
    pub kind: &'r str,
    pub at: Timestamp,
    pub subject: Option<&'r str>,
    pub responded: bool,
}

/// An amount in minor units of a currency with two decimals.
pub struct Amount(pub i64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let minor = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        serializer.collect_str(&format_args!("{sign}{}.{:02}", minor / 100, minor % 100))
    }
}

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Writes the instant as the server does, with 0, 3 or 6 decimals of the second, and returns the part that was written.
    fn write(self, buffer: &mut [u8; 27]) -> &str {
        let (days, micros) = (self.0.div_euclid(86_400_000_000), self.0.rem_euclid(86_400_000_000));
        let (year, month, day) = civil(days);
        let seconds = micros / 1_000_000;
        let mut length = 0;
        let mut put = |number: i64, digits: u32, after: u8| {
            for power in (0..digits).rev() {
                let digit = u8::try_from(number / 10_i64.pow(power) % 10).unwrap_or_default();
                buffer[length] = b'0' + digit;
                length += 1;
            }
            buffer[length] = after;
            length += 1;
        };
        put(year, 4, b'-');
        put(month, 2, b'-');
        put(day, 2, b'T');
        put(seconds / 3600, 2, b':');
        put(seconds / 60 % 60, 2, b':');
        match micros % 1_000_000 {
            0 => put(seconds % 60, 2, b'Z'),
            rest => {
                put(seconds % 60, 2, b'.');
                if rest % 1_000 == 0 {
                    put(rest / 1_000, 3, b'Z');
                } else {
                    put(rest, 6, b'Z');
                }
            }
        }
        std::str::from_utf8(&buffer[..length]).unwrap_or_default()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self(self.0).write(&mut [0; 27]))
    }
}

/// Converts days since 1970 to year, month and day (Howard Hinnant's `civil_from_days`), for years of four digits.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_formatted_as_by_chrono() {
        for at in [0, 1_500_000, 1_782_907_200_000_001, 951_782_400_000_000, 4_107_542_399_999_999, -1] {
            let expected = chrono::DateTime::from_timestamp_micros(at).unwrap();
            assert_eq!(
                Timestamp(at).write(&mut [0; 27]),
                expected.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
            );
        }
    }

    #[test]
    fn amounts_have_two_decimals() {
        let json = |minor| serde_json::to_string(&Amount(minor)).unwrap();
        assert_eq!((json(5), json(-12_345), json(0)), ("\"0.05\"".into(), "\"-123.45\"".into(), "\"0.00\"".into()));
    }
}
