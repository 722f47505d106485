//! From bytes to cells: CSV a row at a time ([`FileRows`]), workbooks and sfdx JSON trees as a whole ([`Table`]). What the cells mean is
//! not known here.
//!
//! A file that cannot be read for certain is refused as a whole, with its name and the line.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use encoding_rs::{Encoding, WINDOWS_1252};
use indexmap::IndexMap;
use serde_json::{Value, value::RawValue};

use super::delimited::Delimited;
use super::encoding::decode;
use super::text::{Text, Verdict};
use super::workbook;

/// The reason why nothing can be imported: a sentence that names file and line and says what would be right. Exit code 2.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Refusal(pub String);

/// A file's cells, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The file, as the caller named it.
    pub file: String,
    /// The titles of the columns, trimmed.
    pub titles: Vec<String>,
    /// The rows below them.
    pub records: Vec<Record>,
    /// The encoding, where it was detected rather than declared.
    pub guessed: Option<&'static str>,
    /// Whether a program wrote the numbers of the cells, with a decimal point, as in JSON and workbooks.
    pub typed: bool,
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line it starts on, from 1.
    pub line: u64,
    /// The cells, which may be fewer or more than there are titles.
    pub cells: Vec<String>,
}

/// Bytes at the beginning of a file that show what it is.
const HEAD: u64 = 64 << 10;

/// Title under which a JSON record's own type is found.
pub const TYPE_TITLE: &str = "attributes.type";
/// Title under which a JSON record's id within its tree is found.
pub const REFERENCE_TITLE: &str = "attributes.referenceId";

/// How to read, where the file does not say it itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Instead of what the byte order mark and the bytes suggest.
    pub encoding: Option<&'static Encoding>,
    /// Instead of what the header suggests.
    pub delimiter: Option<u8>,
}

/// A file that can be read several times.
#[derive(Debug)]
pub struct Input {
    /// The file, as the caller named it.
    pub name: String,
    file: File,
}

impl Input {
    /// Opens a file. What comes from a pipe is copied into a temporary file first.
    ///
    /// # Errors
    /// A [`Refusal`]: it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let name = path.display().to_string();
        let opened = || -> io::Result<File> {
            let mut file = File::open(path)?;
            if file.metadata()?.is_file() {
                return Ok(file);
            }
            let mut copy = tempfile::tempfile()?;
            io::copy(&mut file, &mut copy)?;
            Ok(copy)
        };
        match opened() {
            Ok(file) => Ok(Self { name, file }),
            Err(error) => Err(Refusal(format!("{name}: cannot be read: {error}"))),
        }
    }

    /// Reads the file from its beginning.
    ///
    /// # Errors
    /// A [`Refusal`]: it cannot be read.
    pub fn rows(&self, reading: Reading) -> Result<FileRows<File>, Refusal> {
        let again = || -> io::Result<File> {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let file = again().map_err(|error| Refusal(format!("{}: cannot be read: {error}", self.name)))?;
        FileRows::of(&self.name, file, reading)
    }
}

/// The rows of a file.
pub enum FileRows<R> {
    /// Of a file of any size: a row is read when it is asked for.
    Delimited(Box<Delimited<R>>),
    /// Of a workbook or a JSON tree, which are read as a whole.
    Whole(Table),
}

impl<R: Read> FileRows<R> {
    /// Begins to read a file.
    ///
    /// # Errors
    /// A [`Refusal`] naming the file, and the line where there is one.
    pub fn of(file: &str, mut input: R, reading: Reading) -> Result<Self, Refusal> {
        let cannot = |error: io::Error| Refusal(format!("{file}: cannot be read: {error}"));
        let mut head = Vec::new();
        input.by_ref().take(HEAD).read_to_end(&mut head).map_err(cannot)?;
        if head.starts_with(b"PK\x03\x04") {
            input.read_to_end(&mut head).map_err(cannot)?;
            return workbook::parse(file, &head).map(Self::Whole);
        }
        let (text, guessed) = Text::open(file, &head, input, reading.encoding)?;
        if text.head().trim_start().starts_with(['{', '[']) {
            text.into_input().read_to_end(&mut head).map_err(cannot)?;
            let (text, guessed) = decode(file, &head, reading.encoding)?;
            let (titles, records) = json(file, &text)?;
            return Ok(Self::Whole(Table { file: file.to_owned(), titles, records, guessed, typed: true }));
        }
        Delimited::open((text, guessed), file, reading).map(|rows| Self::Delimited(Box::new(rows)))
    }
}

/// Reads a file into cells.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn read(path: &Path, reading: Reading) -> Result<Table, Refusal> {
    let input = Input::open(path)?;
    table(&input.name, reading, |reading| input.rows(reading))
}

/// Reads the first rows of a file into cells.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn read_some(path: &Path, reading: Reading, most: usize) -> Result<Table, Refusal> {
    match Input::open(path)?.rows(reading)? {
        FileRows::Whole(table) => Ok(table),
        FileRows::Delimited(mut rows) => {
            let records = rows.by_ref().take(most).collect::<Result<_, _>>()?;
            let (titles, guessed) = (std::mem::take(&mut rows.titles), rows.guessed);
            Ok(Table { file: path.display().to_string(), titles, records, guessed, typed: false })
        }
    }
}

/// Turns a file's bytes into cells.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
#[cfg(test)]
pub fn parse(file: &str, bytes: &[u8], reading: Reading) -> Result<Table, Refusal> {
    table(file, reading, |reading| FileRows::of(file, bytes, reading))
}

/// What was read of a file to its end.
pub enum ToEnd<T> {
    /// A workbook or a JSON tree.
    Whole(Table),
    /// What was made of the rows, the encoding where it was detected, and how to read the file again.
    Rows(T, Option<&'static str>, Reading),
}

/// Reads a file to its end, and once more where the end shows that the encoding was another one than was assumed.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn to_end<R: Read, T>(
    mut reading: Reading,
    open: impl Fn(Reading) -> Result<FileRows<R>, Refusal>,
    take: impl Fn(&mut Delimited<R>) -> Result<T, Refusal>,
) -> Result<ToEnd<T>, Refusal> {
    let mut western = None;
    loop {
        let mut rows = match open(reading)? {
            FileRows::Whole(table) => return Ok(ToEnd::Whole(table)),
            FileRows::Delimited(rows) => rows,
        };
        let taken = take(&mut rows)?;
        let guessed = rows.guessed.or(western);
        let verdict = rows.verdict()?;
        if verdict == Verdict::Right {
            return Ok(ToEnd::Rows(taken, guessed, reading));
        }
        (reading.encoding, western) = (Some(WINDOWS_1252), Some(WINDOWS_1252.name()));
        if verdict == Verdict::Western {
            return Ok(ToEnd::Rows(taken, western, reading));
        }
    }
}

fn table<R: Read>(
    file: &str,
    reading: Reading,
    open: impl Fn(Reading) -> Result<FileRows<R>, Refusal>,
) -> Result<Table, Refusal> {
    let read = to_end(reading, open, |rows| {
        let records = rows.by_ref().collect::<Result<Vec<Record>, Refusal>>()?;
        Ok((std::mem::take(&mut rows.titles), records))
    })?;
    Ok(match read {
        ToEnd::Whole(table) => table,
        ToEnd::Rows((titles, records), guessed, _) => {
            Table { file: file.to_owned(), titles, records, guessed, typed: false }
        }
    })
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// An sfdx tree (`{"records": […]}`) or a plain list of objects: its keys become titles, in the order in which they
/// first occur.
fn json(file: &str, text: &str) -> Result<(Vec<String>, Vec<Record>), Refusal> {
    #[derive(serde::Deserialize)]
    struct Tree<'a> {
        #[serde(borrow)]
        records: Vec<&'a RawValue>,
    }
    let broken =
        |error: serde_json::Error| Refusal(format!("{file}, line {}: is not a tree of records: {error}", error.line()));
    let parts: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(broken)?
    } else {
        serde_json::from_str::<Tree>(text).map_err(broken)?.records
    };
    let mut titles: IndexMap<String, ()> = IndexMap::new();
    let mut rows = Vec::with_capacity(parts.len());
    for raw in parts {
        let line = line_of(text, raw.get().as_ptr() as usize - text.as_ptr() as usize) as u64;
        let object: IndexMap<String, Value> = serde_json::from_str(raw.get())
            .map_err(|error| Refusal(format!("{file}, line {line}: is not a record: {error}")))?;
        let mut cells: IndexMap<String, String> = IndexMap::new();
        for (key, value) in object {
            match value {
                Value::Object(attributes) if key == "attributes" => {
                    for (name, value) in attributes {
                        cells.insert(format!("attributes.{name}"), plain(value));
                    }
                }
                value => {
                    cells.insert(key, plain(value));
                }
            }
        }
        for title in cells.keys() {
            titles.entry(title.clone()).or_default();
        }
        rows.push((line, cells));
    }
    let titles: Vec<String> = titles.into_keys().collect();
    let records = rows
        .into_iter()
        .map(|(line, mut cells)| Record {
            line,
            cells: titles.iter().map(|title| cells.swap_remove(title).unwrap_or_default()).collect(),
        })
        .collect();
    Ok((titles, records))
}

/// Returns the value as a CSV cell has it.
fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;
    use proptest::prelude::*;

    use super::*;

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        parse("f", bytes, Reading::default()).unwrap().records.into_iter().map(|record| record.cells).collect()
    }

    fn refusal(bytes: &[u8]) -> String {
        parse("f.csv", bytes, Reading::default()).unwrap_err().0
    }

    fn utf_16(text: &str, marked: bool, little: bool) -> Vec<u8> {
        let mark = marked.then_some(0xFEFF);
        let units = mark.into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_cells() {
        let text = "id,name\r\n1,Café Noël\r\n";
        let mut marked = b"\xEF\xBB\xBF".to_vec();
        marked.extend_from_slice(text.as_bytes());
        let latin = b"id,name\r\n1,Caf\xE9 No\xEBl\r\n".to_vec();
        let mut all = vec![text.as_bytes().to_vec(), marked, latin];
        for (mark, little) in [(true, true), (true, false), (false, true), (false, false)] {
            all.push(utf_16(text, mark, little));
        }
        for bytes in all {
            assert_eq!(cells(&bytes), [["1", "Café Noël"]]);
            assert_eq!(parse("f", &bytes, Reading::default()).unwrap().titles, ["id", "name"]);
        }
    }

    #[test]
    fn other_encodings_are_never_taken_for_windows_1252() {
        for (encoding, text) in [
            (encoding_rs::SHIFT_JIS, "id,name\n1,株式会社アクメ\n2,東京支店の営業部\n"),
            (encoding_rs::WINDOWS_1250, "id,name\n1,Żółta łódź sp. z o.o.\n2,Zażółć gęślą jaźń\n"),
            (encoding_rs::WINDOWS_1254, "id,name\n1,Şişli Işık Ağaç Ticaret\n2,İğne Sanayii, Beşiktaş\n"),
        ] {
            let (bytes, _, lossy) = encoding.encode(text);
            assert!(!lossy);
            let refusal = refusal(&bytes);
            assert!(refusal.contains("--encoding"), "{}: {refusal}", encoding.name());
            let reading = Reading { encoding: Some(encoding), delimiter: None };
            assert!(parse("f", &bytes, reading).unwrap().records[0].cells[1].chars().count() > 5);
        }
    }

    #[test]
    fn files_with_carriage_returns_alone_have_lines() {
        let table = parse("f", b"a,b\r1,2\r\r3,4\r", Reading::default()).unwrap();
        assert_eq!(table.records.iter().map(|record| record.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_guess_is_reported_and_a_wrong_declaration_names_the_line() {
        let bytes = b"id,name\n1,plain\n2,Caf\xE9\n";
        assert_eq!(parse("f", bytes, Reading::default()).unwrap().guessed, Some("windows-1252"));
        let declared = Reading { encoding: Some(UTF_8), delimiter: None };
        let refusal = parse("f.csv", bytes, declared).unwrap_err().0;
        assert!(refusal.starts_with("f.csv, line 3: is not UTF-8"), "{refusal}");
    }

    #[test]
    fn quotes_commas_and_line_breaks_stay_in_their_cell() {
        let table = parse("f", b"a,b\n\"x, \"\"y\"\"\",\"one\r\ntwo\"\n\n5,6\n", Reading::default()).unwrap();
        assert_eq!(table.records[0].cells, ["x, \"y\"", "one\r\ntwo"]);
        assert_eq!(table.records.iter().map(|record| record.line).collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn the_separator_is_found_or_named() {
        assert_eq!(cells(b"a;b;c\n1,5;2;3\n"), [["1,5", "2", "3"]]);
        assert_eq!(cells(b"a\tb\n1\t2\n"), [["1", "2"]]);
        assert_eq!(cells(b"\"a,x\"|b\n1|2\n"), [["1", "2"]]);
        assert_eq!(cells(b"sep=;\na;b\n1;2\n"), [["1", "2"]]);
        assert_eq!(cells(b"a\n1\n"), [["1"]]);
        let given = Reading { delimiter: Some(b'!'), encoding: None };
        assert_eq!(parse("f", b"a,b!c\n1,2!3\n", given).unwrap().records[0].cells, ["1,2", "3"]);
    }

    #[test]
    fn a_file_cut_within_quotes_is_refused_with_the_line() {
        let message = refusal(b"id,notes\n1,\"fine\"\n2,\"this one\nbreaks off");
        assert!(message.starts_with("f.csv, line 3: a quoted cell opens here and is never closed"), "{message}");
        assert_eq!(cells(b"id,notes\n1,5\" disc\n"), [["1", "5\" disc"]]);
        assert_eq!(cells(b"id,notes\n1,\"\"\"\"\n"), [["1", "\""]]);
    }

    #[test]
    fn nothing_is_refused_as_nothing() {
        assert!(refusal(b"").contains("is empty"));
        assert!(refusal(b"\xEF\xBB\xBF \n").contains("is empty"));
        assert!(refusal(b",,\n,,\n").contains("has no column titles"));
        assert!(refusal(b"PK\x03\x04zip").contains("is not a workbook that can be read"));
        assert!(refusal(b"\xD0\xCF\x11\xE0old").contains("is a workbook of another format"));
        assert!(cells(b"id,name\n").is_empty());
    }

    #[test]
    fn a_tree_of_records_is_a_table() {
        let text = r#"{"records": [
            {"attributes": {"type": "Account", "referenceId": "Ref1"}, "Name": "A", "Size": 6.0E7, "Open": true},
            {"attributes": {"type": "Account", "referenceId": "Ref2"}, "Name": "B", "Note": null, "At": {"city": "X"}}
        ]}"#;
        let table = parse("f", text.as_bytes(), Reading::default()).unwrap();
        assert_eq!(table.titles, [TYPE_TITLE, REFERENCE_TITLE, "Name", "Size", "Open", "Note", "At"]);
        assert_eq!(table.records[0].cells[..5], ["Account", "Ref1", "A", "60000000.0", "true"]);
        assert_eq!(table.records[1].cells[2..], ["B", "", "", "", r#"{"city":"X"}"#]);
        assert_eq!((table.records[0].line, table.records[1].line), (2, 3));
        assert!(refusal(b"{\n\"records\": [{\"Name\": \"A\"}").starts_with("f.csv, line 2: is not a tree of records"));
        assert!(refusal(b"[1]").contains("line 1: is not a record"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(rows in proptest::collection::vec(proptest::collection::vec("\\PC{0,8}[,\"\n]?x", 3), 1..9)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            prop_assert_eq!(cells(&writer.into_inner().unwrap()), rows);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse("f", &bytes, Reading::default());
        }
    }
}
