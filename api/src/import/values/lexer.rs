//! The parts of a cell that holds a number: its digits and separators, its sign, and the words beside it.

use super::currencies;

/// The decimal separator of Arabic digits, which means nothing else.
pub(super) const ARABIC_DECIMAL: char = '\u{66b}';

/// A number's cell in its parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// ASCII digits with their separators: `.`, `,`, [`ARABIC_DECIMAL`], and `'` for every space and apostrophe.
    pub digits: String,
    /// The exponent, with its sign; empty where there is none.
    pub exponent: String,
    /// Whether the number is below zero: `-5`, `5-` or `(5)`.
    pub negative: bool,
    /// Whether there is a percent sign.
    pub percent: bool,
    /// The words and signs beside the number.
    pub words: Vec<String>,
}

/// Takes a cell apart; None where it is not one number with words beside it.
pub(super) fn parts(cell: &str) -> Option<Parts> {
    let letters: Vec<char> = cell.chars().filter(|letter| !is_direction_mark(*letter)).map(plain).collect();
    let mut parts = Parts::default();
    let (mut minuses, mut opened, mut closed) = (0, 0, 0);
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next_is_digit = letters.get(at + 1).is_some_and(char::is_ascii_digit);
        match letter {
            _ if letter.is_ascii_digit() || (matches!(letter, '.' | ',' | ARABIC_DECIMAL) && next_is_digit) => {
                if !parts.digits.is_empty() {
                    return None;
                }
                at = number(&letters, at, &mut parts);
                continue;
            }
            '-' => minuses += 1,
            '(' if parts.digits.is_empty() => opened += 1,
            ')' if !parts.digits.is_empty() => closed += 1,
            '%' if !parts.digits.is_empty() && !parts.percent => parts.percent = true,
            '+' | ' ' => {}
            _ if letter.is_alphabetic() || currencies::is_sign(letter) => {
                at = word(&letters, at, &mut parts)?;
                continue;
            }
            _ => return None,
        }
        at += 1;
    }
    let fits = opened == closed && opened + minuses <= 1 && !parts.digits.is_empty();
    parts.negative = opened + minuses == 1;
    fits.then_some(parts)
}

/// Takes the number off that starts at a place, and returns the place after it.
fn number(letters: &[char], start: usize, parts: &mut Parts) -> usize {
    let digit_at = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let mut at = start;
    while let Some(&letter) = letters.get(at) {
        match letter {
            _ if letter.is_ascii_digit() => parts.digits.push(letter),
            '.' | ',' | ARABIC_DECIMAL if digit_at(at + 1) => parts.digits.push(letter),
            ' ' | '\'' if digit_at(at + 1) => parts.digits.push('\''),
            // `500,-` and `500.--` are whole amounts without cents.
            '.' | ',' => {
                at += 1;
                while letters.get(at) == Some(&'-') {
                    at += 1;
                }
                return at;
            }
            'e' | 'E' => {
                let signed = matches!(letters.get(at + 1), Some('+' | '-'));
                let first = at + 1 + usize::from(signed);
                if !digit_at(first) {
                    return at;
                }
                let length = letters[first..].iter().take_while(|letter| letter.is_ascii_digit()).count();
                parts.exponent = letters[at + 1..first + length].iter().collect();
                return first + length;
            }
            _ => return at,
        }
        at += 1;
    }
    at
}

/// Takes the word off that starts at a place, and returns the place after it; None where a period follows of which it
/// is unclear whether it belongs to the word or to the number.
fn word(letters: &[char], start: usize, parts: &mut Parts) -> Option<usize> {
    let mut end = start;
    if currencies::is_sign(letters[start]) {
        end += 1;
    } else {
        while letters.get(end).is_some_and(|letter| letter.is_alphabetic() || is_mark(*letter)) {
            end += 1;
        }
        // `US$` is one sign; the `k` of `k$` is none.
        if letters.get(end).is_some_and(|letter| currencies::is_sign(*letter)) {
            let joined: String = letters[start..=end].iter().collect();
            if !currencies::currencies(&joined).is_empty() {
                parts.words.push(joined);
                return Some(end + 1);
            }
        }
    }
    let word: String = letters[start..end].iter().collect();
    if letters.get(end) == Some(&'.') {
        let digit_follows = letters.get(end + 1).is_some_and(char::is_ascii_digit);
        if digit_follows && !currencies::takes_period(&word) {
            return None;
        }
        end += 1;
    }
    parts.words.push(word);
    Some(end)
}

/// Whether a character only says in which direction text runs.
fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// The zeros of the decimal digits of other scripts.
const ZEROS: [u32; 15] =
    [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0x1040, 0xff10];

/// Replaces a digit of another script, a space, an apostrophe or a dash by its ASCII form.
fn plain(letter: char) -> char {
    match letter {
        '\u{2212}' | '\u{2010}'..='\u{2015}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{2032}' | '`' | '\u{b4}' | '\u{66c}' => '\'',
        _ if letter.is_whitespace() => ' ',
        _ => {
            let code = u32::from(letter);
            let digit = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|digit| *digit < 10));
            digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(letter)
        }
    }
}
