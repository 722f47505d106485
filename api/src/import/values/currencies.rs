//! The signs and names of currencies, and words that multiply an amount.

use rust_decimal::Decimal;

use crate::values::money::Currency;

/// Signs and abbreviations in lower case, each with the currencies that use it. Of several the first is the usual one.
const SIGNS: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("£", "GBP EGP LBP SYP GIP FKP SHP SDG SSP"),
    ("$", "USD CAD AUD NZD MXN SGD HKD TWD CLP COP ARS UYU BBD BMD BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD"),
    ("us$", "USD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("can$", "CAD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("nz$", "NZD"),
    ("mx$", "MXN"),
    ("mex$", "MXN"),
    ("s$", "SGD"),
    ("hk$", "HKD"),
    ("nt$", "TWD"),
    ("r$", "BRL"),
    ("¥", "JPY CNY"),
    ("￥", "JPY CNY"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("cn¥", "CNY"),
    ("rmb", "CNY"),
    ("₹", "INR"),
    ("rs", "INR PKR LKR NPR MUR SCR"),
    ("re", "INR PKR LKR NPR MUR SCR"),
    ("fr", "CHF"),
    ("sfr", "CHF"),
    ("kr", "SEK NOK DKK ISK"),
    ("zł", "PLN"),
    ("kč", "CZK"),
    ("ft", "HUF"),
    ("lei", "RON MDL"),
    ("лв", "BGN"),
    ("₺", "TRY"),
    ("tl", "TRY"),
    ("₩", "KRW KPW"),
    ("₪", "ILS"),
    ("₴", "UAH"),
    ("грн", "UAH"),
    ("₽", "RUB"),
    ("руб", "RUB"),
    ("₫", "VND"),
    ("฿", "THB"),
    ("₱", "PHP"),
    ("₦", "NGN"),
    ("₵", "GHS"),
    ("₡", "CRC"),
    ("₲", "PYG"),
    ("₸", "KZT"),
    ("₼", "AZN"),
    ("₾", "GEL"),
    ("֏", "AMD"),
    ("৳", "BDT"),
    ("₭", "LAK"),
    ("₮", "MNT"),
    ("﷼", "IRR SAR YER OMR QAR"),
    ("rp", "IDR"),
    ("rm", "MYR"),
    ("r", "ZAR"),
    ("dh", "AED MAD"),
    ("dhs", "AED"),
];

/// Names of currencies as Dynamics 365 and people write them, in lower case.
const NAMES: &[(&str, &str)] = &[
    ("us dollar", "USD"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("canadian dollar", "CAD"),
    ("australian dollar", "AUD"),
    ("new zealand dollar", "NZD"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("pound sterling", "GBP"),
    ("british pound", "GBP"),
    ("swiss franc", "CHF"),
    ("yen", "JPY"),
    ("japanese yen", "JPY"),
    ("indian rupee", "INR"),
    ("rupee", "INR"),
    ("rupees", "INR"),
    ("danish krone", "DKK"),
    ("norwegian krone", "NOK"),
    ("swedish krona", "SEK"),
    ("yuan renminbi", "CNY"),
    ("zloty", "PLN"),
    ("brazilian real", "BRL"),
    ("mexican peso", "MXN"),
];

/// Words that multiply the number beside them, in lower case. Words that mean different numbers in different languages
/// or trades (`T`, `MM`, `Cr`, `trillion`) are not here, so that cells with them are refused.
const MULTIPLIERS: &[(&str, i64)] = &[
    ("k", 1_000),
    ("thousand", 1_000),
    ("tsd", 1_000),
    ("lakh", 100_000),
    ("lakhs", 100_000),
    ("lac", 100_000),
    ("lacs", 100_000),
    ("m", 1_000_000),
    ("mio", 1_000_000),
    ("mln", 1_000_000),
    ("million", 1_000_000),
    ("millions", 1_000_000),
    ("crore", 10_000_000),
    ("crores", 10_000_000),
    ("b", 1_000_000_000),
    ("bn", 1_000_000_000),
    ("mrd", 1_000_000_000),
    ("mld", 1_000_000_000),
    ("milliard", 1_000_000_000),
];

/// Abbreviations that usually end with a period, which belongs to them and not to the number that follows.
const ABBREVIATIONS: &[&str] = &["rs", "re", "kr", "fr", "sfr", "mio", "mrd", "mln", "mld", "tsd", "руб", "грн"];

/// Whether a period after a word belongs to the word.
#[must_use]
pub fn takes_period(word: &str) -> bool {
    ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

/// Whether a character is the sign of a currency.
#[must_use]
pub fn is_sign(letter: char) -> bool {
    matches!(letter, '$' | '¢' | '£' | '¤' | '¥' | '֏' | '؋' | '৳' | '฿' | '\u{20a0}'..='\u{20cf}' | '﷼' | '￥' | '￡')
}

/// Returns the currencies that a word beside an amount may mean, the usual one first; empty where it means none.
#[must_use]
pub fn currencies(word: &str) -> Vec<&'static str> {
    let lower = word.trim_end_matches('.').to_lowercase();
    let mut found: Vec<&'static str> = Vec::new();
    for (sign, codes) in SIGNS.iter().chain(NAMES) {
        if *sign == lower {
            found.extend(codes.split(' '));
        }
    }
    found
}

/// Returns the currency of an ISO 4217 code, whatever its case.
#[must_use]
pub fn of_code(word: &str) -> Option<Currency> {
    Currency::of(&word.to_ascii_uppercase())
}

/// Returns what a word multiplies the number beside it by.
#[must_use]
pub fn multiplier(word: &str) -> Option<Decimal> {
    let lower = word.trim_end_matches('.').to_lowercase();
    MULTIPLIERS.iter().find(|(known, _)| *known == lower).map(|(_, by)| Decimal::from(*by))
}
