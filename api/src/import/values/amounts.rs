//! Money and numbers.

use rust_decimal::{Decimal, RoundingStrategy};

/// How a column writes amounts.
#[derive(Debug, Clone, Copy)]
pub struct AmountStyle {
    /// The currency's decimals.
    pub decimals: u32,
    /// What one unit of the column is: 1,000,000 for revenue in millions.
    pub unit: Decimal,
    /// 1.234,50 rather than 1,234.50.
    pub decimal_comma: bool,
}

/// Reads an amount and brings it to the currency's decimals, multiplied by the column's unit.
///
/// More decimals than the currency has are refused, unless they are what binary floats leave behind
/// (1475.3000000000002).
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn amount(cell: &str, style: AmountStyle) -> Result<Decimal, String> {
    let number = decimal(cell, style.decimal_comma)?;
    let value = number.checked_mul(style.unit).ok_or_else(|| format!("“{}” is too large an amount", cell.trim()))?;
    let rounded = value.round_dp_with_strategy(style.decimals, RoundingStrategy::MidpointAwayFromZero);
    if rounded == value {
        return Ok(rounded.normalize());
    }
    let digits = cell.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    let off = (value - rounded).abs();
    let noise = value.abs().checked_mul(Decimal::new(1, 12)).unwrap_or_default();
    if digits >= 15 && off <= noise {
        return Ok(rounded.normalize());
    }
    Err(format!("“{}” has more decimals than the currency, which has {}", cell.trim(), style.decimals))
}

/// Reads a number: with a currency's sign or letters about it, thousands in groups, an exponent, a minus or brackets.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn decimal(cell: &str, decimal_comma: bool) -> Result<Decimal, String> {
    let shown = cell.trim();
    let unreadable = || format!("“{shown}” is not a number; write 1234.50");
    let outside = |letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | ','));
    let (head, core) = shown.split_at(shown.find(|letter| !outside(letter)).ok_or_else(unreadable)?);
    let (core, tail) = core.split_at(core.rfind(|letter| !outside(letter)).map_or(0, |at| at + 1));
    let around = format!("{head}{tail}");
    if around.chars().any(|letter| !(letter.is_alphabetic() || letter.is_whitespace() || "$€£¥₹+-−()".contains(letter)))
    {
        return Err(unreadable());
    }
    let count = |text: &str, letters: &[char]| text.chars().filter(|letter| letters.contains(letter)).count();
    // Accountants write -5, 5- and (5); what has more of that, or half of it, is none of these.
    let minuses = count(&around, &['-', '−']);
    let brackets = (count(head, &['(']), count(tail, &[')']));
    if count(&around, &['(', ')']) != brackets.0 + brackets.1 || brackets.0 != brackets.1 || minuses + brackets.0 > 1 {
        return Err(unreadable());
    }
    let negative = minuses + brackets.0 == 1;
    let plain = if core.contains(['e', 'E']) {
        core.to_owned()
    } else {
        without_groups(core, decimal_comma).map_err(|hint| format!("“{shown}” {hint}"))?
    };
    let number = if plain.contains(['e', 'E']) { Decimal::from_scientific(&plain) } else { plain.parse() };
    let number = number.map_err(|_| unreadable())?;
    Ok(if negative { -number } else { number })
}

/// Takes the thousands' separators out and makes the decimal mark a point.
fn without_groups(core: &str, decimal_comma: bool) -> Result<String, &'static str> {
    const HINT: &str = "could be meant with a decimal comma; say so with --decimal-comma, or write 1234.50";
    let core: String = core.chars().filter(|letter| !letter.is_whitespace() && *letter != '\'').collect();
    let point = match (core.rfind('.'), core.rfind(',')) {
        (Some(point), Some(comma)) => {
            if point > comma {
                '.'
            } else {
                ','
            }
        }
        _ => {
            if decimal_comma {
                ','
            } else {
                '.'
            }
        }
    };
    let group = if point == '.' { ',' } else { '.' };
    let (whole, fraction) = core.split_once(point).unwrap_or((&core, ""));
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let grouped = whole.contains(group);
    let well_grouped = !grouped || ((1..=3).contains(&first.len()) && groups.all(|digits| digits.len() == 3));
    if !well_grouped || fraction.contains([point, group]) {
        return Err(HINT);
    }
    let whole = whole.replace(group, "");
    Ok(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
}

/// Reads a whole number; `10.0` and `1,234` are ones.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn whole(cell: &str, decimal_comma: bool) -> Result<i32, String> {
    let number = decimal(cell, decimal_comma)?.normalize();
    if number.scale() > 0 {
        return Err(format!("“{}” is not a whole number", cell.trim()));
    }
    i32::try_from(number).map_err(|_| format!("“{}” is too large a number", cell.trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USD: AmountStyle = AmountStyle { decimals: 2, unit: Decimal::ONE, decimal_comma: false };

    #[test]
    fn amounts_are_exact_in_every_spelling() {
        for (cell, value) in [
            ("1054", "1054"),
            ("6.0E7", "60000000"),
            ("8.48E10", "84800000000"),
            ("1475.3000000000002", "1475.3"),
            ("1475.2999999999997", "1475.3"),
            ("95,570.69", "95570.69"),
            ("$12,400.00", "12400"),
            ("-$12.50", "-12.5"),
            ("(1,234.50)", "-1234.5"),
            ("500.00-", "-500"),
            ("1 234.50 − EUR", "-1234.5"),
            ("1 234.50 EUR", "1234.5"),
            ("1'234.50", "1234.5"),
            ("95.570,69", "95570.69"),
            ("10.000", "10"),
            ("0", "0"),
        ] {
            assert_eq!(amount(cell, USD).unwrap().to_string(), value, "{cell}");
        }
        let comma = AmountStyle { decimal_comma: true, ..USD };
        assert_eq!(amount("1.234,5", comma).unwrap().to_string(), "1234.5");
        assert_eq!(amount("1234,50 €", comma).unwrap().to_string(), "1234.5");
        let millions = AmountStyle { unit: Decimal::from(1_000_000), ..USD };
        assert_eq!(amount("1100.04", millions).unwrap().to_string(), "1100040000");
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_refused() {
        assert!(amount("1.005", USD).unwrap_err().contains("more decimals than the currency"));
        assert!(amount("1475.3001", USD).is_err());
        assert!(amount("0.5", AmountStyle { decimals: 0, ..USD }).is_err());
        assert!(amount("12,5", USD).unwrap_err().contains("--decimal-comma"));
        assert!(amount("1.234.567", USD).unwrap_err().contains("--decimal-comma"));
        for cell in ["", "n/a", "1/2", "12%", "1e999", "--", "--5", "-5-", "(5", "5)", "-(5)", ")5("] {
            assert!(amount(cell, USD).is_err(), "{cell}");
        }
    }

    #[test]
    fn whole_numbers_have_no_fraction_and_fit() {
        assert_eq!(whole("10.0", false), Ok(10));
        assert_eq!(whole("1,234", false), Ok(1234));
        assert!(whole("10.5", false).unwrap_err().contains("not a whole number"));
        assert!(whole("99999999999", false).unwrap_err().contains("too large"));
    }

    proptest! {
        #[test]
        fn cents_survive_every_spelling(cents in -999_999_999_999_999_i64..999_999_999_999_999) {
            let value = Decimal::new(cents, 2);
            prop_assert_eq!(amount(&value.to_string(), USD).unwrap(), value);
            prop_assert_eq!(amount(&format!("$ {value}"), USD).unwrap(), value);
        }

        #[test]
        fn no_cell_is_too_strange(cell in "\\PC{0,24}") {
            let _ = amount(&cell, USD);
            let _ = whole(&cell, true);
        }
    }
}
