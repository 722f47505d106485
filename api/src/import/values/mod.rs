//! From cells to values: days and instants, money, numbers, yes and no, and when two titles are the same.
//!
//! Everything here is pure. A message says what is wrong with the cell; the caller adds which cell it is.

mod currencies;
mod date_format;
mod dates;
mod lexer;
mod months;
mod numbers;

pub use self::{
    currencies::{currencies, of_code},
    date_format::{DateColumn, DateFormat, DateOrder, Undecided},
    dates::{Moment, moment},
    numbers::{AmountStyle, DecimalMark, NumberColumn, NumberKind, UndecidedMark, amount, whole},
};
use crate::values::money::Currency;

/// Returns the letters and digits of a text in lower case. Two titles, stages or words are the same where these are:
/// case, spaces, punctuation and a trailing `*` do not count.
#[must_use]
pub fn bare(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Reads yes or no, in the words that CRMs write.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn yes(cell: &str) -> Result<bool, String> {
    match bare(cell).as_str() {
        "true" | "1" | "yes" | "y" | "t" | "x" | "done" => Ok(true),
        "false" | "0" | "no" | "n" | "f" | "todo" => Ok(false),
        _ => Err(format!("“{}” is neither true nor false", cell.trim())),
    }
}

/// Reads a currency: its ISO 4217 code, or its name in English.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn currency(cell: &str) -> Result<Currency, String> {
    let cell = cell.trim();
    let named = || currencies(cell).first().and_then(|code| of_code(code));
    of_code(cell).or_else(named).ok_or_else(|| format!("“{cell}” is not the code of a currency, such as USD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_the_same_by_letters_and_digits() {
        assert_eq!(bare("Person - Name*"), bare("person name"));
        assert_eq!(bare("DEAL_STAGE"), bare("Deal Stage"));
        assert_ne!(bare("Name 1"), bare("Name 2"));
    }

    #[test]
    fn yes_and_no_are_known_in_many_words() {
        assert_eq!((yes("TRUE"), yes("0"), yes("To do")), (Ok(true), Ok(false), Ok(false)));
        for word in ["perhaps", "maybe", "Inactive", "2"] {
            assert!(yes(word).unwrap_err().contains("neither true nor false"), "{word}");
        }
    }

    #[test]
    fn currencies_are_known_by_code_and_name() {
        assert_eq!(currency(" usd ").unwrap().code(), "USD");
        assert_eq!(currency("Euro").unwrap().code(), "EUR");
        assert!(currency("Gold").is_err());
    }
}
