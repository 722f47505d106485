//! Money and numbers. A column writes its numbers in one way, which is decided from all of its cells.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    currencies,
    lexer::{ARABIC_DECIMAL, Parts, parts},
};
use crate::values::money::Currency;

/// The decimal separator of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalMark {
    /// 1,234.50
    Point,
    /// 1.234,50
    Comma,
}

impl DecimalMark {
    fn of(separator: char) -> Self {
        if separator == '.' { Self::Point } else { Self::Comma }
    }

    fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }

    fn separator(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Point => "a decimal point",
            Self::Comma => "a decimal comma",
        }
    }
}

/// What the numbers of a column count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberKind {
    /// Money, which has decimals.
    Amount,
    /// Things that come in whole numbers.
    Whole,
}

/// The reason why the decimal separator of a column cannot be decided.
#[derive(Debug, PartialEq, Eq)]
pub enum UndecidedMark {
    /// No number shows which separator is which; this is the first with one.
    Ambiguous {
        /// The line of the cell.
        line: u64,
        /// The cell.
        cell: String,
    },
    /// One line has a decimal point, another a decimal comma.
    Contradicting {
        /// The line with a decimal point.
        point: u64,
        /// The line with a decimal comma.
        comma: u64,
    },
}

/// What a number shows of its column's decimal separator.
#[derive(Debug, PartialEq, Eq)]
enum Evidence {
    Nothing,
    Mark(DecimalMark),
    Either,
}

/// Decides the decimal separator of a column from all of its cells.
pub struct NumberColumn {
    kind: NumberKind,
    point: Option<u64>,
    comma: Option<u64>,
    either: Option<(u64, String)>,
}

impl NumberColumn {
    /// Creates a column without cells.
    #[must_use]
    pub fn of(kind: NumberKind) -> Self {
        Self { kind, point: None, comma: None, either: None }
    }

    /// Looks at a cell.
    pub fn note(&mut self, line: u64, cell: &str) {
        let Some(parts) = parts(cell.trim()) else { return };
        match evidence(&parts, self.kind) {
            Evidence::Mark(DecimalMark::Point) => self.point = self.point.or(Some(line)),
            Evidence::Mark(DecimalMark::Comma) => self.comma = self.comma.or(Some(line)),
            Evidence::Either if self.either.is_none() => self.either = Some((line, cell.trim().to_owned())),
            Evidence::Nothing | Evidence::Either => {}
        }
    }

    /// Decides; None where no number has a separator.
    ///
    /// # Errors
    /// [`UndecidedMark`] where every number can be read both ways, or the numbers contradict each other.
    pub fn decided(self) -> Result<Option<DecimalMark>, UndecidedMark> {
        match (self.point, self.comma, self.either) {
            (Some(point), Some(comma), _) => Err(UndecidedMark::Contradicting { point, comma }),
            (Some(_), None, _) => Ok(Some(DecimalMark::Point)),
            (None, Some(_), _) => Ok(Some(DecimalMark::Comma)),
            (None, None, Some((line, cell))) => Err(UndecidedMark::Ambiguous { line, cell }),
            (None, None, None) => Ok(None),
        }
    }
}

/// Decides the decimal separator of a whole column.
#[cfg(test)]
pub fn decide_mark<'a>(
    cells: impl Iterator<Item = (u64, &'a str)>,
    kind: NumberKind,
) -> Result<Option<DecimalMark>, UndecidedMark> {
    let mut column = NumberColumn::of(kind);
    cells.for_each(|(line, cell)| column.note(line, cell));
    column.decided()
}

fn evidence(parts: &Parts, kind: NumberKind) -> Evidence {
    let digits = &parts.digits;
    let places: Vec<(usize, char)> = digits.char_indices().filter(|(_, letter)| matches!(letter, '.' | ',')).collect();
    let [rest @ .., (last, separator)] = places.as_slice() else {
        return Evidence::Nothing;
    };
    let mark = DecimalMark::of(*separator);
    if digits.contains(ARABIC_DECIMAL) {
        return Evidence::Mark(mark.other());
    }
    if rest.iter().any(|(_, other)| other != separator) {
        // Both occur. The last is the decimal separator, unless it occurs more than once.
        let repeated = rest.iter().any(|(_, other)| other == separator);
        return if repeated { Evidence::Nothing } else { Evidence::Mark(mark) };
    }
    if !rest.is_empty() {
        return Evidence::Mark(mark.other());
    }
    let (whole, fraction) = (&digits[..*last], &digits[last + 1..]);
    let could_be_a_group = fraction.len() == 3
        && parts.exponent.is_empty()
        && (1..=3).contains(&whole.len())
        && !whole.starts_with('0')
        && !whole.contains('\'');
    if !could_be_a_group {
        return Evidence::Mark(mark);
    }
    // A count has no decimals, so that 1,234 people are not 1.234 people; but 1.000 may be 1.
    if kind == NumberKind::Whole && fraction != "000" {
        return Evidence::Mark(mark.other());
    }
    Evidence::Either
}

/// How a cell is to be read as an amount.
#[derive(Debug, Clone, Copy)]
pub struct AmountStyle<'a> {
    /// The organization's currency.
    pub currency: Currency,
    /// What one unit of the column is: 1,000,000 for revenue in millions.
    pub unit: Decimal,
    /// The column's decimal separator; None where no number of the column has a separator.
    pub mark: Option<DecimalMark>,
    /// What one unit of other currencies is in the organization's.
    pub rates: &'a BTreeMap<String, Decimal>,
    /// The currency that the row names for its amounts, where it names another than the organization's.
    pub of_row: Option<Currency>,
}

/// An amount that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// The amount in the organization's currency.
    pub value: Decimal,
    /// How it was converted from another currency.
    pub note: Option<String>,
}

/// Reads an amount, multiplied by the column's unit, in the organization's currency.
///
/// More decimals than the currency has are refused, unless they are what binary floats leave behind
/// (1475.3000000000002).
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn amount(cell: &str, style: AmountStyle) -> Result<Amount, String> {
    let shown = cell.trim();
    let parts = parts(shown).ok_or_else(|| not_a_number(shown))?;
    if parts.percent {
        return Err(not_a_number(shown));
    }
    let (mut by, mut foreign) = (style.unit, style.of_row.map(|currency| currency.code().to_owned()));
    let own = style.currency.code();
    let mut multiplied = false;
    for word in &parts.words {
        let meant = currencies::currencies(word);
        let coded = currencies::of_code(word);
        if let Some(of_row) = &style.of_row
            && (meant.contains(&of_row.code()) || coded == Some(*of_row))
        {
            continue;
        }
        if style.of_row.is_none() && (meant.contains(&own) || coded == Some(style.currency)) {
            continue;
        }
        if let Some(factor) = currencies::multiplier(word).filter(|_| !multiplied) {
            multiplied = true;
            by = by.checked_mul(factor).ok_or_else(|| too_large(shown))?;
            continue;
        }
        let rated: Vec<&str> = meant.iter().copied().filter(|code| style.rates.contains_key(*code)).collect();
        let code = match (coded, rated.as_slice(), meant.as_slice()) {
            (Some(currency), ..) => currency.code().to_owned(),
            (None, [one], _) => (*one).to_owned(),
            (None, [first, ..], _) | (None, [], [first, ..]) => (*first).to_owned(),
            (None, [], []) => {
                return Err(format!(
                    "“{shown}” has “{word}” beside the number, which is neither {own} nor a multiplier such as k, M or \
                     Mio; write 1234.50"
                ));
            }
        };
        if rated.len() > 1 || foreign.as_ref().is_some_and(|known| *known != code) {
            return Err(format!("“{shown}” does not say clearly which currency it is in"));
        }
        foreign = Some(code);
    }
    let value = value(shown, &parts, style.mark)?.checked_mul(by).ok_or_else(|| too_large(shown))?;
    let Some(code) = foreign else {
        return Ok(Amount { value: in_minor_units(shown, &parts, value, style.currency)?, note: None });
    };
    let Some(rate) = style.rates.get(&code) else {
        return Err(format!(
            "“{shown}” is in {code}, and amounts here are in {own}; convert it, or say what 1 {code} is with --rate \
             {code}=RATE"
        ));
    };
    let converted = value.checked_mul(*rate).ok_or_else(|| too_large(shown))?;
    let converted = round(converted, style.currency.decimals);
    let note = format!("{} {code} were converted at {rate} to {converted} {own}", value.normalize());
    Ok(Amount { value: converted.normalize(), note: Some(note) })
}

/// Brings an amount to the decimals of its currency.
fn in_minor_units(shown: &str, parts: &Parts, value: Decimal, currency: Currency) -> Result<Decimal, String> {
    let rounded = round(value, currency.decimals);
    if rounded == value {
        return Ok(rounded.normalize());
    }
    let digits = parts.digits.bytes().filter(u8::is_ascii_digit).count();
    let off = (value - rounded).abs();
    let noise = value.abs().checked_mul(Decimal::new(1, 12)).unwrap_or_default();
    if digits >= 15 && off <= noise {
        return Ok(rounded.normalize());
    }
    Err(format!("“{shown}” has more decimals than the currency, which has {}", currency.decimals))
}

fn round(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

fn not_a_number(shown: &str) -> String {
    format!("“{shown}” is not a number; write 1234.50")
}

fn too_large(shown: &str) -> String {
    format!("“{shown}” is too large an amount")
}

/// Returns the number that the parts of a cell show, by the decimal separator of its column.
fn value(shown: &str, parts: &Parts, mark: Option<DecimalMark>) -> Result<Decimal, String> {
    let mark = mark.unwrap_or(DecimalMark::Point);
    let plain = without_groups(&parts.digits, mark).ok_or_else(|| {
        let other = mark.other();
        if without_groups(&parts.digits, other).is_some() {
            format!("“{shown}” is written with {}, where the column has {}; write 1234.50", other.words(), mark.words())
        } else {
            format!("“{shown}” has its digits grouped in a way that is not known; write 1234.50")
        }
    })?;
    let number = if parts.exponent.is_empty() {
        plain.parse()
    } else {
        Decimal::from_scientific(&format!("{plain}e{}", parts.exponent))
    };
    let number: Decimal = number.map_err(|_| not_a_number(shown))?;
    Ok(if parts.negative { -number } else { number })
}

/// Takes the separators of groups out, and makes the decimal separator a point; None where they do not fit.
fn without_groups(digits: &str, mark: DecimalMark) -> Option<String> {
    let decimal = if digits.contains(ARABIC_DECIMAL) { ARABIC_DECIMAL } else { mark.separator() };
    let group = mark.other().separator();
    let (whole, fraction) = digits.split_once(decimal).unwrap_or((digits, ""));
    let separators: Vec<char> = whole.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    let alike = separators.windows(2).all(|pair| pair[0] == pair[1]);
    let known = separators.iter().all(|separator| *separator == group || *separator == '\'');
    if !alike || !known || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some(separator) = separators.first() {
        let groups: Vec<usize> = whole.split(*separator).map(str::len).collect();
        let (first, last) = (*groups.first()?, *groups.last()?);
        let middle = &groups[1..groups.len() - 1];
        let western = (1..=3).contains(&first) && middle.iter().all(|length| *length == 3);
        let indian = (1..=2).contains(&first) && middle.iter().all(|length| *length == 2);
        if last != 3 || !(western || indian) {
            return None;
        }
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    Some(match (whole.as_str(), fraction) {
        (_, "") => whole,
        ("", _) => format!("0.{fraction}"),
        _ => format!("{whole}.{fraction}"),
    })
}

/// Reads a whole number; `10.0` and `1,234` are ones. `units` are the words that may stand beside it, `%` among them.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn whole(cell: &str, mark: Option<DecimalMark>, units: &[&str]) -> Result<i32, String> {
    let shown = cell.trim();
    let parts = parts(shown).ok_or_else(|| not_a_number(shown))?;
    let mut by = Decimal::ONE;
    for word in &parts.words {
        let lower = word.to_lowercase();
        if units.contains(&lower.as_str()) {
            continue;
        }
        match currencies::multiplier(word) {
            Some(factor) if by == Decimal::ONE && units.is_empty() => by = factor,
            _ => return Err(format!("“{shown}” has “{word}” beside the number, which is not known here; write 1234")),
        }
    }
    if parts.percent && !units.contains(&"%") {
        return Err(not_a_number(shown));
    }
    let number = value(shown, &parts, mark)?;
    let number = number.checked_mul(by).ok_or_else(|| too_large(shown))?.normalize();
    if number.scale() > 0 {
        return Err(format!("“{shown}” is not a whole number"));
    }
    i32::try_from(number).map_err(|_| format!("“{shown}” is too large a number"))
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;
