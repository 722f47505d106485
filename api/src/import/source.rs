//! A file to be imported. It is read twice: once to decide what its columns mean and which of its rows are the same
//! ([`Source::survey`]), and once to import its rows. Neither keeps the rows.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::iter::Peekable;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Arguments;
use super::bind::{self, Binding, Survey};
use super::map::Mapping;
use super::presets::{Field, Kind};
use super::read::{FileRows, Input, Reading, Record, Refusal, Table, ToEnd, to_end};
use super::rows::{self, folded};
use super::spill::{Sorted, Sorter};
use super::target::AccountRefInput;

/// A file whose columns are found.
pub struct Source {
    /// The file, as the caller named it.
    pub name: String,
    /// What the columns mean.
    pub binding: Binding,
    /// The number of rows.
    pub count: usize,
    /// The encoding, where it was detected rather than declared.
    pub guessed: Option<&'static str>,
    content: Content,
    /// The rows that are the same as an earlier one.
    twins: Sorted,
    /// The accounts that the file itself lists by name, where rows name others as their parents.
    pub names: HashMap<String, Vec<AccountRefInput>>,
}

enum Content {
    /// A file that is read again.
    Streamed(Input, Reading),
    /// A workbook or a JSON tree.
    Whole(Vec<Record>),
}

/// What is found out about a file while its rows are read for the first time.
struct Found<'a> {
    survey: Survey,
    mapping: &'a Mapping,
    kind: Kind,
    count: usize,
    keys: Sorter,
    names: HashMap<String, Vec<AccountRefInput>>,
    needs_names: bool,
}

impl<'a> Found<'a> {
    fn begin(
        file: &str,
        titles: &[String],
        is_typed: bool,
        mapping: &'a Mapping,
        arguments: &Arguments,
    ) -> Result<Self, Refusal> {
        let kind = arguments.kind();
        let survey = bind::find(file, titles, is_typed, mapping, kind, arguments.declared())?;
        // Another file may name the accounts of this one as parents.
        let names_parents = survey.binding().has(Field::ParentName) || arguments.files.len() > 1;
        let needs_names = kind == Kind::Accounts && names_parents && !mapping.habits.accounts_by_name;
        Ok(Self { survey, mapping, kind, count: 0, keys: Sorter::default(), names: HashMap::new(), needs_names })
    }

    fn note(&mut self, record: &Record) -> io::Result<()> {
        self.survey.note(record);
        let binding = self.survey.binding();
        if let Some(key) = rows::key_of(self.kind, self.mapping, binding, record) {
            // The same keys come to stand together, in the order of their rows.
            let mut piece = Sha256::digest(key.as_bytes())[..KEY].to_vec();
            piece.extend((self.count as u64).to_be_bytes());
            piece.extend(record.line.to_be_bytes());
            self.keys.push(&piece)?;
        }
        if self.needs_names
            && let Some((_, name)) = binding.cell(record, Field::Name)
            && let Some(id) = rows::external_of(self.mapping, binding, record)
        {
            let reference = AccountRefInput::ExternalId(id);
            let known = self.names.entry(folded(name)).or_default();
            if !known.contains(&reference) {
                known.push(reference);
            }
        }
        self.count += 1;
        Ok(())
    }

    fn end(self, name: &str, guessed: Option<&'static str>, content: Content) -> Result<Source, Refusal> {
        let Self { survey, count, keys, names, .. } = self;
        let twins = twins(keys).map_err(|error| no_room(&error))?;
        let binding = survey.decided()?;
        Ok(Source { name: name.to_owned(), binding, count, guessed, content, twins, names })
    }
}

/// Bytes of a row's key by which rows are compared.
const KEY: usize = 16;
/// Bytes of a number in a piece.
const NUMBER: usize = 8;

fn no_room(error: &io::Error) -> Refusal {
    let folder = std::env::temp_dir();
    Refusal(format!("{}: the folder for temporary files cannot be used: {error}", folder.display()))
}

fn number(piece: &[u8], at: usize) -> u64 {
    let mut bytes = [0; NUMBER];
    if let Some(part) = piece.get(at..at + NUMBER) {
        bytes.copy_from_slice(part);
    }
    u64::from_be_bytes(bytes)
}

/// Returns the rows that have the key of an earlier one, each with the line of that one, in the order of the rows.
fn twins(keys: Sorter) -> io::Result<Sorted> {
    let mut twins = Sorter::default();
    let mut first: Option<Vec<u8>> = None;
    for piece in keys.sorted()? {
        let piece = piece?;
        match &first {
            Some(first) if first[..KEY] == piece[..KEY] => {
                twins.push(&[&piece[KEY..KEY + NUMBER], &first[KEY + NUMBER..]].concat())?;
            }
            _ => first = Some(piece),
        }
    }
    twins.sorted()
}

impl Source {
    /// Reads a file for the first time.
    ///
    /// # Errors
    /// A [`Refusal`]: the file cannot be read for certain.
    pub fn survey(path: &Path, mapping: &Mapping, arguments: &Arguments) -> Result<Self, Refusal> {
        let input = Input::open(path)?;
        let reading = Reading { encoding: arguments.encoding, delimiter: arguments.delimiter };
        let open = |reading| input.rows(reading);
        let read = to_end(reading, open, |rows| {
            let mut found = Found::begin(&input.name, &rows.titles, false, mapping, arguments)?;
            for record in rows {
                found.note(&record?).map_err(|error| no_room(&error))?;
            }
            Ok(found)
        })?;
        match read {
            ToEnd::Whole(table) => Self::of_table(table, mapping, arguments),
            ToEnd::Rows(found, guessed, reading) => {
                let name = input.name.clone();
                found.end(&name, guessed, Content::Streamed(input, reading))
            }
        }
    }

    fn of_table(table: Table, mapping: &Mapping, arguments: &Arguments) -> Result<Self, Refusal> {
        let Table { file, titles, records, guessed, typed } = table;
        let mut found = Found::begin(&file, &titles, typed, mapping, arguments)?;
        for record in &records {
            found.note(record).map_err(|error| no_room(&error))?;
        }
        found.end(&file, guessed, Content::Whole(records))
    }

    /// Returns the rows, for the second and last time.
    ///
    /// # Errors
    /// A [`Refusal`]: the file cannot be read any more.
    pub fn rows(&mut self) -> Result<SourceRows, Refusal> {
        let rows: Box<dyn Iterator<Item = Result<Record, Refusal>>> = match &mut self.content {
            Content::Whole(records) => Box::new(std::mem::take(records).into_iter().map(Ok)),
            Content::Streamed(input, reading) => match input.rows(*reading)? {
                FileRows::Whole(table) => Box::new(table.records.into_iter().map(Ok)),
                FileRows::Delimited(rows) => {
                    let rows: Box<super::delimited::Delimited<File>> = rows;
                    rows
                }
            },
        };
        Ok(SourceRows { rows, next: 0, twins: std::mem::take(&mut self.twins).peekable() })
    }
}

/// The rows of a file, each with the line of the row that it repeats.
pub struct SourceRows {
    rows: Box<dyn Iterator<Item = Result<Record, Refusal>>>,
    next: u64,
    twins: Peekable<Sorted>,
}

impl Iterator for SourceRows {
    type Item = Result<(Record, Option<u64>), Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        let place = self.next;
        self.next += 1;
        let is_here = |piece: &io::Result<Vec<u8>>| piece.as_ref().map_or(true, |piece| number(piece, 0) == place);
        let twin = match self.twins.next_if(is_here) {
            Some(Err(error)) => return Some(Err(no_room(&error))),
            Some(Ok(piece)) => Some(number(&piece, NUMBER)),
            None => None,
        };
        Some(row.map(|row| (row, twin)))
    }
}
