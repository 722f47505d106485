//! From cells to values: days and instants, money, numbers, yes and no, and what makes two titles the same.
//!
//! Everything here is pure. A message says what is wrong with the cell; the caller adds which cell it is.

mod amounts;
mod dates;

pub use self::{
    amounts::{AmountStyle, amount, decimal, whole},
    dates::{DateOrder, Moment, Undecided, decide_order, moment},
};

/// Two titles, stages or words are the same where their letters and digits are: case, spaces, punctuation and a
/// trailing `*` do not count.
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
        assert!(yes("perhaps").is_err());
    }
}
