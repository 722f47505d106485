use proptest::prelude::*;

use super::*;

fn style(code: &str) -> AmountStyle<'static> {
    static NO_RATES: BTreeMap<String, Decimal> = BTreeMap::new();
    let currency = Currency::of(code).unwrap();
    AmountStyle { currency, unit: Decimal::ONE, mark: None, rates: &NO_RATES, of_row: None }
}

/// Reads a whole column: decides its separator, then reads each cell.
fn column(code: &str, cells: &[&str]) -> Result<Vec<Result<String, String>>, UndecidedMark> {
    let mark = decide_mark((2_u64..).zip(cells.iter().copied()), NumberKind::Amount)?;
    let style = AmountStyle { mark, ..style(code) };
    Ok(cells.iter().map(|cell| amount(cell, style).map(|amount| amount.value.to_string())).collect())
}

fn one(code: &str, cell: &str) -> Result<String, String> {
    column(code, &[cell]).unwrap().remove(0)
}

#[test]
fn amounts_are_exact_in_every_spelling() {
    for (cell, value) in [
        ("1054", "1054"),
        ("6.0E7", "60000000"),
        ("8.48E10", "84800000000"),
        ("1475.3000000000002", "1475.3"),
        ("1475.2999999999997", "1475.3"),
        ("95,570.69", "95570.69"),
        ("95.570,69", "95570.69"),
        ("€12,400.00", "12400"),
        ("-€12.50", "-12.5"),
        ("(1,234.50)", "-1234.5"),
        ("500.00-", "-500"),
        ("1 234.50 − EUR", "-1234.5"),
        ("1 234.50 EUR", "1234.5"),
        ("1\u{202f}234,50 €", "1234.5"),
        ("1'234.50", "1234.5"),
        ("1’234.50", "1234.5"),
        ("1,23,456.00", "123456"),
        ("12,34,56,789.5", "123456789.5"),
        ("1.234.567", "1234567"),
        ("0,500", "0.5"),
        (".5", "0.5"),
        ("500,-", "500"),
        ("500.--", "500"),
        ("١٬٢٣٤٫٥٠", "1234.5"),
        ("१२३", "123"),
        ("0", "0"),
    ] {
        assert_eq!(one("EUR", cell), Ok(value.to_owned()), "{cell}");
    }
}

#[test]
fn multipliers_are_read_or_refused() {
    for (cell, value) in [
        ("10K", "10000"),
        ("2.5k €", "2500"),
        ("1M", "1000000"),
        ("3 Mio €", "3000000"),
        ("3 Mio. €", "3000000"),
        ("€1.2B", "1200000000"),
        ("5 Lakh", "500000"),
        ("2 Mrd. EUR", "2000000000"),
        ("k€ 7", "7000"),
    ] {
        assert_eq!(one("EUR", cell), Ok(value.to_owned()), "{cell}");
    }
    for cell in ["2 hours", "5 T", "3 MM", "1 billion", "4 Cr", "ca 500", "10kk", "500 each", "10 k k"] {
        let refusal = one("EUR", cell).unwrap_err();
        assert!(refusal.contains("beside the number"), "{cell}: {refusal}");
    }
}

#[test]
fn only_the_organizations_own_currency_stands_beside_an_amount() {
    for (code, cell, value) in [
        ("INR", "Rs. 12000", "12000"),
        ("INR", "Rs.12000", "12000"),
        ("INR", "₹500", "500"),
        ("SEK", "kr. 1000", "1000"),
        ("DKK", "1000 kr.", "1000"),
        ("TRY", "₺5", "5"),
        ("CHF", "500 CHF", "500"),
        ("CHF", "Fr. 500.-", "500"),
        ("USD", "$500", "500"),
        ("USD", "US$ 500", "500"),
        ("CAD", "$500", "500"),
        ("BRL", "R$ 500", "500"),
        ("PLN", "500 zł", "500"),
        ("JPY", "¥500", "500"),
    ] {
        assert_eq!(one(code, cell), Ok(value.to_owned()), "{cell}");
    }
    for (cell, named) in [
        ("$500", "USD"),
        ("USD 500", "USD"),
        ("500 CHF", "CHF"),
        ("₹500", "INR"),
        ("₺5", "TRY"),
        ("Rs. 12000", "INR"),
        ("kr. 1000", "SEK"),
        ("$1.2B", "USD"),
        ("500 Dollars", "USD"),
    ] {
        let refusal = one("EUR", cell).unwrap_err();
        assert!(refusal.contains(&format!("is in {named}, and amounts here are in EUR")), "{cell}: {refusal}");
        assert!(refusal.contains(&format!("--rate {named}=RATE")), "{cell}: {refusal}");
    }
    assert!(one("EUR", "EUR.50").unwrap_err().contains("is not a number"));
}

#[test]
fn a_rate_converts_and_says_so() {
    let rates = BTreeMap::from([("USD".to_owned(), Decimal::new(92, 2))]);
    let style = AmountStyle { rates: &rates, ..style("EUR") };
    for cell in ["$500", "USD 500", "500 US$", "0.5k $"] {
        let amount = amount(cell, style).unwrap();
        assert_eq!(amount.value, Decimal::from(460), "{cell}");
        assert!(amount.note.unwrap().starts_with("500 USD were converted at 0.92 to 460"), "{cell}");
    }
    assert_eq!(amount("500", style).unwrap(), Amount { value: Decimal::from(500), note: None });
    let of_row = AmountStyle { of_row: Currency::of("USD"), ..style };
    assert_eq!(amount("100", of_row).unwrap().value, Decimal::from(92));
    assert!(amount("€100", of_row).unwrap_err().contains("which currency"));
    assert!(amount("£100", style).unwrap_err().contains("is in GBP"));
}

#[test]
fn a_whole_column_decides_its_decimal_separator() {
    let values = |cells: &[&str]| -> Vec<String> {
        column("EUR", cells).unwrap().into_iter().map(|value| value.unwrap()).collect()
    };
    assert_eq!(values(&["1.250,00", "12.400", "8.450", "950.000"]), ["1250", "12400", "8450", "950000"]);
    assert_eq!(values(&["12,400", "8,450.5"]), ["12400", "8450.5"]);
    assert_eq!(values(&["12.400", "7", "8.5"]), ["12.4", "7", "8.5"]);
    assert_eq!(values(&["1.234.567", "1.234"]), ["1234567", "1234"]);
    let ambiguous = UndecidedMark::Ambiguous { line: 3, cell: "12.400".to_owned() };
    assert_eq!(column("EUR", &["100", "12.400", "950.000"]), Err(ambiguous));
    assert_eq!(column("EUR", &["12.5", "1.250,00"]), Err(UndecidedMark::Contradicting { point: 2, comma: 3 }));
    let declared = AmountStyle { mark: Some(DecimalMark::Comma), ..style("EUR") };
    assert_eq!(amount("12.400", declared).unwrap().value, Decimal::from(12_400));
    assert!(amount("12.5", declared).unwrap_err().contains("is written with a decimal point"));
    assert!(amount("1,234.50", declared).unwrap_err().contains("is written with a decimal point"));
}

#[test]
fn what_is_not_an_amount_is_refused() {
    assert!(one("USD", "1.0055").unwrap_err().contains("more decimals than the currency"));
    assert!(one("USD", "1475.3001").unwrap_err().contains("more decimals"));
    assert!(one("JPY", "0.5").unwrap_err().contains("more decimals"));
    for cell in [
        "", "n/a", "many", "1/2", "12%", "1e999", "--", "--5", "-5-", "(5", "5)", "-(5)", ")5(", "5 6-7", "1 2",
        "12 34", "1,2,3", "1.2.3,4", "5-10", "1;2",
    ] {
        assert!(one("USD", cell).is_err(), "{cell}: {:?}", one("USD", cell));
    }
}

#[test]
fn whole_numbers_have_no_fraction_and_fit() {
    let read = |cells: &[&str], units: &[&str]| {
        let mark = decide_mark((2_u64..).zip(cells.iter().copied()), NumberKind::Whole).unwrap();
        whole(cells[0], mark, units)
    };
    assert_eq!(read(&["10.0"], &[]), Ok(10));
    assert_eq!(read(&["1,234"], &[]), Ok(1234));
    assert_eq!(read(&["1.234"], &[]), Ok(1234));
    assert_eq!(read(&["1.000", "1.234"], &[]), Ok(1000));
    assert_eq!(read(&["10K"], &[]), Ok(10_000));
    assert_eq!(read(&["75 %"], &["%"]), Ok(75));
    assert_eq!(read(&["45 min"], &["min"]), Ok(45));
    assert!(read(&["10.5"], &[]).unwrap_err().contains("not a whole number"));
    assert!(read(&["99999999999"], &[]).unwrap_err().contains("too large"));
    assert!(read(&["2 hours"], &["min", "minutes"]).unwrap_err().contains("“hours” beside the number"));
    assert!(read(&["$5"], &[]).is_err());
    assert!(decide_mark([(2, "1.000")].into_iter(), NumberKind::Whole).is_err());
}

/// A way to write amounts: the separator of groups, that of decimals, and whether groups are Indian.
const WAYS: [(&str, char, bool); 9] = [
    (",", '.', false),
    (".", ',', false),
    (" ", ',', false),
    ("\u{a0}", '.', false),
    ("\u{202f}", ',', false),
    ("'", '.', false),
    ("’", '.', false),
    (",", '.', true),
    ("", '.', false),
];

fn written(cents: i64, (group, decimal, indian): (&str, char, bool), around: usize) -> String {
    let (digits, mut grouped) = ((cents.unsigned_abs() / 100).to_string(), String::new());
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len() - at;
        let starts = if indian { left == 3 || (left > 3 && left % 2 == 1) } else { left.is_multiple_of(3) };
        if at > 0 && starts {
            grouped.push_str(group);
        }
        grouped.push(digit);
    }
    let number = format!("{grouped}{decimal}{:02}", cents.unsigned_abs() % 100);
    match (cents < 0, around) {
        (true, 0) => format!("-{number}"),
        (true, 1) => format!("({number})"),
        (true, 2) => format!("{number} €-"),
        (true, _) => format!("−{number} EUR"),
        (false, 0) => number,
        (false, 1) => format!("€{number}"),
        (false, 2) => format!("{number} €"),
        (false, _) => format!("EUR {number}"),
    }
}

proptest! {
    #[test]
    fn whole_columns_read_back_in_every_format(
        cents in proptest::collection::vec(-999_999_999_999_999_i64..999_999_999_999_999, 1..12),
        way in 0_usize..9,
        around in 0_usize..4,
    ) {
        let cells: Vec<String> = cents.iter().map(|cents| written(*cents, WAYS[way], around)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let expected: Vec<_> = cents.iter().map(|cents| Ok(Decimal::new(*cents, 2).normalize().to_string())).collect();
        prop_assert_eq!(column("EUR", &cells), Ok(expected), "{:?}", cells);
    }

    #[test]
    fn no_cell_is_too_strange(cell in "\\PC{0,24}") {
        let _ = column("EUR", &[&cell]);
        let _ = whole(&cell, None, &[]);
    }

    #[test]
    fn nearly_numbers_do_not_panic(cell in "[-0-9.,' ()eEkM€$%]{0,16}") {
        let _ = column("EUR", &[&cell]);
    }
}
