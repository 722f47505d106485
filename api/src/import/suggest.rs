//! `--suggest-map`: a starter map for a file whose titles no preset knows, guessed from titles and from the shape of the
//! values. Every guess shows the first values of its column, for a person to check.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::{
    presets::{self, Field, Kind},
    read::Table,
    values::{DateFormat, bare, moment, yes},
};

/// Values of a column that are shown beside it.
const SHOWN: usize = 3;
/// Values of a column that are looked at.
pub const LOOKED_AT: usize = 200;

/// Returns the text of a starter map for a file. Without a kind, that of which the file has most titles is taken.
#[must_use]
pub fn map(table: &Table, kind: Option<Kind>, source: &str) -> String {
    let kind = kind.unwrap_or_else(|| likeliest(table));
    let mut taken: HashSet<Field> = HashSet::new();
    let mut known = String::new();
    let mut unknown = String::new();
    for (at, title) in table.titles.iter().enumerate() {
        let values = values(table, at);
        let shown: Vec<String> = values.iter().take(SHOWN).map(|value| shortened(value)).collect();
        let shown = shown.join(" | ");
        let title = toml::Value::String(title.clone());
        match by_title(&table.titles[at], kind).or_else(|| by_shape(&values, kind)).filter(|field| taken.insert(*field))
        {
            Some(field) => {
                let name = presets::name_of(field, kind);
                let _ = writeln!(known, "{name} = {title}  # {shown}");
            }
            None => {
                let _ = writeln!(unknown, "# {} = {title}  # {shown}", key_of(&table.titles[at]));
            }
        }
    }
    let mut fields: Vec<&str> = presets::fields(kind).map(|field| presets::name_of(field, kind)).collect();
    fields.retain(|name| !known.lines().any(|line| line.split(' ').next() == Some(name)));
    format!(
        "# A starter map for {}, read as {}. Check each line: the values after # are the column's first.\nsource = {}\n\n\
         [columns]\n{known}# Fields without a column: {}\n\n[custom]\n# Columns that no field was found for. Take the # off to keep \
         one as a custom field.\n{unknown}",
        table.file,
        kind.word(),
        toml::Value::String(source.to_owned()),
        fields.join(", "),
    )
}

fn values(table: &Table, at: usize) -> Vec<&str> {
    let cells = table.records.iter().filter_map(|record| record.cells.get(at)).map(|cell| cell.trim());
    cells.filter(|cell| !cell.is_empty()).take(LOOKED_AT).collect()
}

fn shortened(value: &str) -> String {
    let line: String = value.chars().map(|char| if char.is_control() { ' ' } else { char }).take(40).collect();
    if value.chars().count() > 40 { format!("{line}…") } else { line }
}

/// Returns the name of a custom field for a title.
fn key_of(title: &str) -> String {
    let key: String = title.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    let key = key.trim_matches('_').to_owned();
    if key.is_empty() { "column".to_owned() } else { key }
}

fn likeliest(table: &Table) -> Kind {
    let titles = |kind: Kind| table.titles.iter().filter(|title| by_title(title, kind).is_some()).count();
    let kinds = [Kind::Accounts, Kind::Contacts, Kind::Opportunities, Kind::Touches, Kind::Bookings, Kind::Users];
    kinds.into_iter().rev().max_by_key(|kind| titles(*kind)).unwrap_or(Kind::Accounts)
}

/// Returns the field that any preset reads from a title.
fn by_title(title: &str, kind: Kind) -> Option<Field> {
    let wanted = bare(title);
    presets::ALL
        .iter()
        .flat_map(|preset| preset.columns.iter().filter(|(of, _)| *of == kind))
        .flat_map(|(_, fields)| fields.iter())
        .find(|(_, titles)| titles.iter().any(|title| bare(title) == wanted))
        .map(|(field, _)| *field)
}

/// Returns the field that values of such a shape belong to.
fn by_shape(values: &[&str], kind: Kind) -> Option<Field> {
    if values.is_empty() {
        return None;
    }
    let most = |fits: &dyn Fn(&str) -> bool| values.iter().filter(|value| fits(value)).count() * 10 >= values.len() * 9;
    let has = |field: Field| presets::fields(kind).any(|known| known == field);
    let distinct = values.iter().collect::<HashSet<_>>().len() == values.len();
    let is_date = |value: &str| moment(value, DateFormat::default()).is_ok() && value.contains(['-', '/', '.']);
    let dated = [Field::OpenedOn, Field::BookedOn, Field::At].into_iter().find(|field| has(*field));
    let shapes: [(bool, Option<Field>); 5] = [
        (most(&|value| crate::values::text::email(value).is_ok()), Some(Field::Email)),
        (most(&|value| value.contains('.') && crate::values::text::domain(value).is_ok()), Some(Field::Domain)),
        (most(&is_date), dated),
        (most(&is_phone), Some(Field::Phone)),
        (distinct && values.len() > 1 && most(&is_id), Some(Field::Id)),
    ];
    shapes
        .into_iter()
        .filter(|_| !most(&|value| yes(value).is_ok()))
        .find(|(fits, _)| *fits)
        .and_then(|(_, field)| field)
        .filter(|field| has(*field))
}

fn is_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    value.starts_with(['+', '(', '0'])
        && (6..=16).contains(&digits)
        && value.chars().all(|char| char.is_ascii_digit() || " +-()/.".contains(char))
}

fn is_id(value: &str) -> bool {
    value.len() <= 40
        && value.chars().any(|char| char.is_ascii_digit())
        && value.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::read::{Reading, parse};

    #[test]
    fn a_map_is_guessed_from_titles_and_values() {
        let text = "Kundennr;Name;Netz;E-Post;Telefon;Bemerkung\nK-1;Acme;acme.com;a@acme.com;+49 30 123456;x\n\
                    K-2;Bolt;bolt.de;b@bolt.de;+49 30 654321;y\n";
        let table = parse("kunden.csv", text.as_bytes(), Reading::default()).unwrap();
        let map = map(&table, Some(Kind::Accounts), "erp");
        for line in [
            "source = \"erp\"",
            "id = \"Kundennr\"  # K-1 | K-2",
            "name = \"Name\"  # Acme | Bolt",
            "domain = \"Netz\"  # acme.com | bolt.de",
            "phone = \"Telefon\"  # +49 30 123456 | +49 30 654321",
            "# Bemerkung = \"Bemerkung\"  # x | y",
        ] {
            assert!(map.lines().any(|known| known == line), "{line}\n{map}");
        }
        assert!(toml::from_str::<toml::Table>(&map).is_ok(), "{map}");
    }
}
