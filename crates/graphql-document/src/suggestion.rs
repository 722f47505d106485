//! Suggestions for misspelled names.

use crate::error::cut;

/// The longest name that is compared. No name in a schema is longer.
const LONGEST: usize = 100;

/// Returns ` Did you mean …?` if one of the candidates differs in one letter: a missing, an extra or another one, two that are
/// swapped, or any number in upper or lower case.
pub(crate) fn did_you_mean<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    if given.len() > LONGEST {
        return String::new();
    }
    match candidates.into_iter().find(|candidate| is_close(given, candidate)) {
        Some(candidate) => format!(" Did you mean `{}`?", cut(candidate)),
        None => String::new(),
    }
}

fn is_close(given: &str, candidate: &str) -> bool {
    if given.eq_ignore_ascii_case(candidate) {
        return true;
    }
    let lower = |text: &str| text.to_ascii_lowercase().into_bytes();
    let (given, candidate) = (lower(given), lower(candidate));
    let same = given.iter().zip(&candidate).take_while(|(one, other)| one == other).count();
    let (given, candidate) = (&given[same..], &candidate[same..]);
    match (given, candidate) {
        ([_, rest @ ..], other) if rest == other => true,
        (other, [_, rest @ ..]) if rest == other => true,
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([a, b, rest @ ..], [c, d, other @ ..]) => a == d && b == c && rest == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_differs_in_one_letter_is_suggested() {
        for given in ["account", "accountss", "acounts", "accpunts", "accuonts", "Accounts", "ACCOUNT", "ccounts"] {
            assert_eq!(did_you_mean(given, ["me", "accounts"]), " Did you mean `accounts`?", "{given}");
        }
        for given in ["", "accunt", "contacts", "stnuocca", &"accounts".repeat(100)] {
            assert_eq!(did_you_mean(given, ["me", "accounts"]), "", "{given}");
        }
        assert_eq!(did_you_mean("é", ["é2"]), " Did you mean `é2`?");
    }
}
