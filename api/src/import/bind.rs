//! A table met by a mapping: which column is which field, and in which order its dates are written.

use std::collections::HashMap;

use super::{
    map::Mapping,
    presets::{Field, Kind},
    read::{REFERENCE_TITLE, Record, Refusal, TYPE_TITLE, Table},
    values::{DateOrder, Undecided, bare, decide_order},
};

/// The columns of one file, found.
#[derive(Debug)]
pub struct Binding {
    columns: HashMap<Field, Vec<usize>>,
    /// Free fields: column, name.
    pub custom: Vec<(usize, String)>,
    orders: HashMap<usize, Option<DateOrder>>,
    titles: Vec<String>,
    record_type: Option<usize>,
    /// The titles of columns that mean nothing here and hold something.
    pub ignored: Vec<String>,
}

const DATES: [Field; 7] = [
    Field::OpenedOn,
    Field::CloseOn,
    Field::ExpectedCloseOn,
    Field::ClosedOn,
    Field::BookedOn,
    Field::At,
    Field::RecordedAt,
];

/// Finds the columns of a file, and decides the order of day and month in each.
///
/// # Errors
/// No title is known, what the kind cannot do without is missing, a title that matters stands twice, or dates can be
/// read both ways and none is declared.
pub fn bind(table: &Table, mapping: &Mapping, kind: Kind, declared: Option<DateOrder>) -> Result<Binding, Refusal> {
    let file = &table.file;
    let titles: Vec<String> = table.titles.iter().map(|title| bare(title)).collect();
    let mut columns: HashMap<Field, Vec<usize>> = HashMap::new();
    let mut used = vec![false; titles.len()];
    let mut find = |title: &str| -> Result<Option<usize>, Refusal> {
        let wanted = bare(title);
        let mut at = titles.iter().enumerate().filter(|(_, title)| **title == wanted).map(|(at, _)| at);
        let Some(first) = at.next() else {
            return Ok(None);
        };
        if let Some(second) = at.next() {
            return Err(Refusal(format!(
                "{file}: the title “{}” stands twice, in columns {} and {}; which one counts cannot be told",
                table.titles[first],
                first + 1,
                second + 1
            )));
        }
        used[first] = true;
        Ok(Some(first))
    };
    for (field, wanted) in &mapping.columns {
        for title in wanted {
            if let Some(at) = find(title)? {
                columns.entry(*field).or_default().push(at);
            }
        }
    }
    let mut custom = Vec::new();
    for (title, name) in &mapping.custom {
        if let Some(at) = find(title)? {
            custom.push((at, name.clone()));
        }
    }
    let record_type = find(TYPE_TITLE)?;
    find(REFERENCE_TITLE)?;
    check_needs(table, mapping, kind, &columns)?;

    let mut orders = HashMap::new();
    for field in DATES {
        for at in columns.get(&field).into_iter().flatten() {
            let order = match declared.or(mapping.date_order) {
                Some(order) => Some(order),
                None => decide(table, *at)?,
            };
            orders.insert(*at, order);
        }
    }
    let filled =
        |at: usize| table.records.iter().any(|record| record.cells.get(at).is_some_and(|cell| !cell.trim().is_empty()));
    let ignored = (0..titles.len()).filter(|at| !used[*at] && filled(*at)).map(|at| table.titles[at].clone()).collect();
    Ok(Binding { columns, custom, orders, titles: table.titles.clone(), record_type, ignored })
}

/// What a kind cannot do without: of each group at least one field.
fn needs(kind: Kind) -> &'static [&'static [Field]] {
    use Field as F;
    match kind {
        Kind::Users => &[&[F::Name, F::LastName, F::Email]],
        Kind::Accounts => &[&[F::Name, F::Id, F::Domain]],
        Kind::Contacts => &[&[F::Name, F::LastName, F::Id, F::Email]],
        Kind::Opportunities => &[&[F::Id, F::Name]],
        Kind::Bookings => &[&[F::Amount], &[F::BookedOn]],
        Kind::Touches => &[&[F::Id, F::At, F::Subject]],
    }
}

fn check_needs(
    table: &Table,
    mapping: &Mapping,
    kind: Kind,
    columns: &HashMap<Field, Vec<usize>>,
) -> Result<(), Refusal> {
    let titles_of = |fields: &[Field]| -> String {
        let titles: Vec<&str> = mapping
            .columns
            .iter()
            .filter(|(field, _)| fields.contains(field))
            .filter_map(|(_, titles)| titles.first().map(String::as_str))
            .collect();
        titles.join(" or ")
    };
    let found: Vec<String> = table.titles.iter().take(8).map(|title| format!("“{title}”")).collect();
    if columns.is_empty() {
        let all: Vec<Field> = mapping.columns.iter().map(|(field, _)| *field).take(6).collect();
        return Err(Refusal(format!(
            "{}: none of the column titles is known for {} from {}; the first line has {}, expected are such as {}. Is there \
             a header?",
            table.file,
            kind.word(),
            mapping.source,
            found.join(", "),
            titles_of(&all)
        )));
    }
    for need in needs(kind) {
        if !need.iter().any(|field| columns.contains_key(field)) {
            return Err(Refusal(format!(
                "{}: has no column {}, which {} from {} need; the first line has {}",
                table.file,
                titles_of(need),
                kind.word(),
                mapping.source,
                found.join(", ")
            )));
        }
    }
    Ok(())
}

fn decide(table: &Table, at: usize) -> Result<Option<DateOrder>, Refusal> {
    let cells = table.records.iter().filter_map(|record| Some((record.line, record.cells.get(at)?.as_str())));
    decide_order(cells).map_err(|undecided| {
        let place = format!("{}, column “{}”", table.file, table.titles[at]);
        Refusal(match undecided {
            Undecided::Ambiguous { line, cell } => format!(
                "{place}: every date can be read day first and month first, such as “{cell}” on line {line}; say which with \
                 --date-order dmy or --date-order mdy"
            ),
            Undecided::Contradicting { dmy, mdy } => format!(
                "{place}: line {dmy} can only be day first, line {mdy} only month first; mend the file, or say which with \
                 --date-order dmy or --date-order mdy"
            ),
        })
    })
}

impl Binding {
    /// The first cell of a field that is not empty, trimmed, with its column.
    #[must_use]
    pub fn cell<'a>(&self, record: &'a Record, field: Field) -> Option<(usize, &'a str)> {
        self.columns.get(&field)?.iter().find_map(|at| {
            let cell = record.cells.get(*at)?.trim();
            (!cell.is_empty()).then_some((*at, cell))
        })
    }

    /// The title of a column, as the file has it.
    #[must_use]
    pub fn title(&self, at: usize) -> &str {
        &self.titles[at]
    }

    /// How many cells a whole row has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.titles.len()
    }

    /// How the dates of a column are written.
    #[must_use]
    pub fn order(&self, at: usize) -> Option<DateOrder> {
        self.orders.get(&at).copied().flatten()
    }

    /// What a JSON record says that it is.
    #[must_use]
    pub fn record_type<'a>(&self, record: &'a Record) -> Option<&'a str> {
        record.cells.get(self.record_type?).map(String::as_str).filter(|name| !name.is_empty())
    }
}
