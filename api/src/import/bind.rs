//! A mapping applied to a table: which column is which field, and how each column writes its dates and numbers.

use std::collections::HashMap;

use crate::values::text::is_visible;

use super::{
    map::Mapping,
    presets::{Field, Kind},
    read::{REFERENCE_TITLE, Record, Refusal, TYPE_TITLE},
    values::{
        DateColumn, DateFormat, DateOrder, DecimalMark, NumberColumn, NumberKind, Undecided, UndecidedMark, bare,
    },
};

/// The columns of one file.
#[derive(Debug)]
pub struct Binding {
    columns: HashMap<Field, Vec<usize>>,
    /// Free fields: column, name.
    pub custom: Vec<(usize, String)>,
    dates: HashMap<usize, DateFormat>,
    numbers: HashMap<usize, Option<DecimalMark>>,
    titles: Vec<String>,
    record_type: Option<usize>,
    /// The titles of columns that mean nothing here and hold something.
    pub ignored: Vec<String>,
}

/// What the command line or the map declares of the formats of all columns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared {
    /// The order of day, month and year.
    pub date_order: Option<DateOrder>,
    /// The decimal separator.
    pub decimal_mark: Option<DecimalMark>,
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

const NUMBERS: [(Field, NumberKind); 7] = [
    (Field::AnnualRevenue, NumberKind::Amount),
    (Field::Potential, NumberKind::Amount),
    (Field::Amount, NumberKind::Amount),
    (Field::Employees, NumberKind::Whole),
    (Field::Probability, NumberKind::Whole),
    (Field::DurationMinutes, NumberKind::Whole),
    (Field::DurationSeconds, NumberKind::Whole),
];

/// A file whose columns are found, and whose formats are being decided from all of its rows.
pub struct Survey {
    file: String,
    binding: Binding,
    dates: Vec<(usize, DateColumn)>,
    numbers: Vec<(usize, NumberColumn)>,
    /// Whether each column means something here.
    used: Vec<bool>,
    /// Whether each column holds something.
    filled: Vec<bool>,
}

/// Finds the columns of a file by its titles. In a typed file a program wrote the numbers, with a decimal point.
///
/// # Errors
/// No title is known, a column that the kind needs is missing, or a title that matters occurs twice.
pub fn find(
    file: &str,
    given_titles: &[String],
    is_typed: bool,
    mapping: &Mapping,
    kind: Kind,
    declared: Declared,
) -> Result<Survey, Refusal> {
    let titles: Vec<String> = given_titles.iter().map(|title| bare(title)).collect();
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
                "{file}: the title “{}” occurs twice, in columns {} and {}; rename the one that is not meant",
                given_titles[first],
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
    check_needs(file, given_titles, mapping, kind, &columns)?;

    let (mut dates, mut undecided_dates) = (HashMap::new(), Vec::new());
    let date_order = declared.date_order.or(mapping.date_order);
    for at in DATES.iter().filter_map(|field| columns.get(field)).flatten() {
        match date_order {
            Some(order) => {
                dates.insert(*at, DateFormat::from(order));
            }
            None => undecided_dates.push((*at, DateColumn::default())),
        }
    }
    let (mut numbers, mut undecided_numbers) = (HashMap::new(), Vec::new());
    let typed = is_typed.then_some(DecimalMark::Point);
    let decimal_mark = typed.or(declared.decimal_mark).or(mapping.decimal_mark);
    for (field, number) in NUMBERS {
        for at in columns.get(&field).into_iter().flatten() {
            match decimal_mark {
                Some(mark) => {
                    numbers.insert(*at, Some(mark));
                }
                None => undecided_numbers.push((*at, NumberColumn::of(number))),
            }
        }
    }
    let filled = vec![false; titles.len()];
    let titles = given_titles.to_vec();
    let binding = Binding { columns, custom, dates, numbers, titles, record_type, ignored: Vec::new() };
    let (dates, numbers) = (undecided_dates, undecided_numbers);
    Ok(Survey { file: file.to_owned(), binding, dates, numbers, used, filled })
}

impl Survey {
    /// Returns the columns; their formats are not decided yet.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Looks at a row.
    pub fn note(&mut self, record: &Record) {
        for (filled, cell) in self.filled.iter_mut().zip(&record.cells) {
            *filled |= !cell.trim().is_empty();
        }
        for (at, column) in &mut self.dates {
            if let Some(cell) = record.cells.get(*at) {
                column.note(record.line, cell);
            }
        }
        for (at, column) in &mut self.numbers {
            if let Some(cell) = record.cells.get(*at) {
                column.note(record.line, cell);
            }
        }
    }

    /// Decides how each column writes its dates and numbers.
    ///
    /// # Errors
    /// Dates or numbers can be read in several ways, and none is declared.
    pub fn decided(self) -> Result<Binding, Refusal> {
        let Self { file, mut binding, dates, numbers, used, filled } = self;
        for (at, column) in dates {
            let format = column.decided().map_err(|reason| undecided_dates(&file, &binding.titles[at], reason))?;
            binding.dates.insert(at, format);
        }
        for (at, column) in numbers {
            let mark = column.decided().map_err(|reason| undecided_mark(&file, &binding.titles[at], reason))?;
            binding.numbers.insert(at, mark);
        }
        let ignored = (0..used.len()).filter(|at| !used[*at] && filled[*at]).map(|at| binding.titles[at].clone());
        binding.ignored = ignored.collect();
        Ok(binding)
    }
}

/// Returns the fields that a kind needs: of each group at least one.
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
    file: &str,
    titles: &[String],
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
    let found: Vec<String> = titles.iter().take(8).map(|title| format!("“{title}”")).collect();
    if columns.is_empty() {
        let all: Vec<Field> = mapping.columns.iter().map(|(field, _)| *field).take(6).collect();
        return Err(Refusal(format!(
            "{file}: none of the column titles is known for {} from {}; the first line has {}, expected are such as {}. Is \
             there a header?",
            kind.word(),
            mapping.source,
            found.join(", "),
            titles_of(&all)
        )));
    }
    for need in needs(kind) {
        if !need.iter().any(|field| columns.contains_key(field)) {
            return Err(Refusal(format!(
                "{file}: has no column {}, which {} from {} need; the first line has {}",
                titles_of(need),
                kind.word(),
                mapping.source,
                found.join(", ")
            )));
        }
    }
    Ok(())
}

fn undecided_dates(file: &str, title: &str, undecided: Undecided) -> Refusal {
    let place = format!("{file}, column “{title}”");
    Refusal(match undecided {
        Undecided::Ambiguous { line, cell, orders } => {
            let words: Vec<&str> = orders.into_iter().map(option_of).collect();
            format!(
                "{place}: every date can be read in several orders, such as “{cell}” on line {line}; say which with {}",
                words.join(" or ")
            )
        }
        Undecided::Contradicting { first, second } => format!(
            "{place}: the dates on lines {first} and {second} are not in one order of day, month and year; correct the file, \
             or say which order is meant with --date-order dmy, --date-order mdy or --date-order ymd"
        ),
    })
}

fn option_of(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Dmy => "--date-order dmy",
        DateOrder::Mdy => "--date-order mdy",
        DateOrder::Ymd => "--date-order ymd",
    }
}

fn undecided_mark(file: &str, title: &str, undecided: UndecidedMark) -> Refusal {
    let place = format!("{file}, column “{title}”");
    Refusal(match undecided {
        UndecidedMark::Ambiguous { line, cell } => format!(
            "{place}: every number can be read with a decimal point and with a decimal comma, such as “{cell}” on line \
             {line}; say which with --decimal-point or --decimal-comma"
        ),
        UndecidedMark::Contradicting { point, comma } => format!(
            "{place}: line {point} has a decimal point, line {comma} a decimal comma; correct the file, or say which one is \
             meant with --decimal-point or --decimal-comma"
        ),
    })
}

impl Binding {
    /// Keeps the columns that mean nothing here as custom fields under their titles, and returns the titles.
    pub fn keep_rest(&mut self) -> Vec<String> {
        let kept = std::mem::take(&mut self.ignored);
        for title in &kept {
            self.custom.extend(self.titles.iter().position(|known| known == title).map(|at| (at, title.clone())));
        }
        kept
    }

    /// Returns the first cell of a field that is not empty, trimmed, with its column.
    #[must_use]
    pub fn cell<'a>(&self, record: &'a Record, field: Field) -> Option<(usize, &'a str)> {
        self.columns.get(&field)?.iter().find_map(|at| {
            let cell = record.cells.get(*at)?.trim();
            is_visible(cell).then_some((*at, cell))
        })
    }

    /// Whether the file has a column for a field.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.columns.contains_key(&field)
    }

    /// Returns the title of a column, as the file has it.
    #[must_use]
    pub fn title(&self, at: usize) -> &str {
        &self.titles[at]
    }

    /// Returns the number of cells of a whole row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.titles.len()
    }

    /// Returns how a column writes its dates.
    #[must_use]
    pub fn dates(&self, at: usize) -> DateFormat {
        self.dates.get(&at).copied().unwrap_or_default()
    }

    /// Returns the decimal separator of a column; None where no number of it has a separator.
    #[must_use]
    pub fn decimal_mark(&self, at: usize) -> Option<DecimalMark> {
        self.numbers.get(&at).copied().flatten()
    }

    /// Returns the type that a JSON record says it has.
    #[must_use]
    pub fn record_type<'a>(&self, record: &'a Record) -> Option<&'a str> {
        record.cells.get(self.record_type?).map(String::as_str).filter(|name| !name.is_empty())
    }
}
