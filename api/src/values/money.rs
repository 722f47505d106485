//! Exact amounts: integers in a currency's minor unit, never floating-point numbers.

use rust_decimal::Decimal;

/// The largest amount in minor units, which has 15 digits.
pub const LARGEST: i64 = 999_999_999_999_999;

/// A currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    code: [u8; 3],
    /// The number of decimals of its amounts.
    pub decimals: u32,
}

/// The ISO 4217 currencies in use whose amounts do not have two decimals, with their number of decimals.
const OTHER_DECIMALS: [(&str, u32); 24] = [
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
];

/// The ISO 4217 currencies in use whose amounts have two decimals.
const TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF \
    IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR \
    MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN \
    SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

impl Currency {
    /// The placeholder for requests without an organization, which have no amounts.
    pub const NONE: Self = Self { code: *b"XXX", decimals: 0 };

    /// Returns the currency with an ISO 4217 code, or `None` if the code is not in use.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        if let Some((_, decimals)) = OTHER_DECIMALS.iter().find(|(other, _)| *other == code) {
            return Some(Self { code: bytes, decimals: *decimals });
        }
        TWO_DECIMALS.split(' ').any(|known| known == code).then_some(Self { code: bytes, decimals: 2 })
    }

    /// Returns the ISO 4217 code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// Converts an amount to minor units.
    ///
    /// # Errors
    /// Returns a message for the user if the amount has too many decimals or digits.
    pub fn minor(self, amount: Decimal) -> Result<i64, String> {
        let amount = amount.normalize();
        if amount.scale() > self.decimals {
            return Err(format!("An amount in {} must have at most {} decimals.", self.code(), self.decimals));
        }
        let mut scaled = amount;
        scaled.rescale(self.decimals);
        match i64::try_from(scaled.mantissa()) {
            Ok(minor) if minor.abs() <= LARGEST => Ok(minor),
            _ => Err(format!(
                "An amount in {} must have at most 15 digits, including its {} decimals.",
                self.code(),
                self.decimals
            )),
        }
    }

    /// Converts an amount in minor units to a decimal number.
    #[must_use]
    pub fn decimal(self, minor: i64) -> Decimal {
        Decimal::new(minor, self.decimals)
    }

    /// Creates [`Money`] from an amount in minor units.
    #[must_use]
    pub const fn money(self, minor: i64) -> Money {
        Money { minor, currency: self }
    }
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount in minor units.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(code: &str, amount: &str) -> Result<i64, String> {
        Currency::of(code).unwrap().minor(crate::values::parse::decimal(amount).unwrap())
    }

    #[test]
    fn amounts_are_exact() {
        assert_eq!(minor("USD", "1234.5"), Ok(123_450));
        assert_eq!(minor("USD", "1234.500"), Ok(123_450));
        assert_eq!(minor("JPY", "1234"), Ok(1234));
        assert_eq!(minor("KWD", "-0.001"), Ok(-1));
        assert_eq!(minor("USD", "9999999999999.99"), Ok(LARGEST));
        assert!(minor("USD", "10000000000000").unwrap_err().contains("15 digits"));
        assert!(minor("USD", "0.001").unwrap_err().contains("2 decimals"));
        assert!(minor("JPY", "0.5").unwrap_err().contains("0 decimals"));
    }

    #[test]
    fn amounts_are_formatted_with_the_currency_s_decimals() {
        assert_eq!(Currency::of("USD").unwrap().decimal(5).to_string(), "0.05");
        assert_eq!(Currency::of("JPY").unwrap().decimal(5).to_string(), "5");
        assert_eq!(Currency::of("KWD").unwrap().decimal(-5).to_string(), "-0.005");
    }

    #[test]
    fn only_currencies_in_use_are_accepted() {
        for code in ["usd", "XXX", "", "US", "USDX", "DEM", "ÄÖ"] {
            assert_eq!(Currency::of(code), None, "{code}");
        }
        assert!(TWO_DECIMALS.split(' ').all(|code| code.len() == 3));
    }
}
