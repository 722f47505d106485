//! From bytes to cells: encodings, separators, quotes, and sfdx JSON trees. What the cells mean is not known here.
//!
//! A file that cannot be read for certain is refused as a whole, with its name and the line.

use std::{fs, path::Path};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use indexmap::IndexMap;
use serde_json::{Value, value::RawValue};

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

/// Reads a file into cells. Refuses what cannot be opened, decoded or parsed.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn read(path: &Path, reading: Reading) -> Result<Table, Refusal> {
    let file = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| Refusal(format!("{file}: cannot be read: {error}")))?;
    parse(&file, &bytes, reading)
}

/// Turns a file's bytes into cells.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn parse(file: &str, bytes: &[u8], reading: Reading) -> Result<Table, Refusal> {
    if bytes.starts_with(b"PK\x03\x04") {
        return super::workbook::parse(file, bytes);
    }
    let (text, guessed) = decode(file, bytes, reading.encoding)?;
    let start = text.trim_start();
    if start.is_empty() {
        return Err(Refusal(format!("{file}: is empty; the first line should hold the column titles")));
    }
    let typed = start.starts_with('{') || start.starts_with('[');
    let (titles, records) = if typed { json(file, &text)? } else { delimited(file, &text, reading.delimiter)? };
    Ok(Table { file: file.to_owned(), titles, records, guessed, typed })
}

/// Decodes a file's bytes: by its byte order mark, else as declared, else as UTF-16 by its zeros, as UTF-8 where it is
/// valid, or as Windows-1252 where a detector is sure. Returns the encoding too where it was guessed.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn decode(
    file: &str,
    bytes: &[u8],
    given: Option<&'static Encoding>,
) -> Result<(String, Option<&'static str>), Refusal> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(Refusal(format!(
            "{file}: is a workbook of another format than .xlsx; save it as .xlsx or CSV first"
        )));
    }
    let marked = Encoding::for_bom(bytes);
    let (encoding, body, guessed) = match (marked, given) {
        (Some((encoding, length)), _) => (encoding, &bytes[length..], None),
        (None, Some(encoding)) => (encoding, bytes, None),
        (None, None) => {
            if let Some(encoding) = utf_16_by_its_zeros(bytes) {
                (encoding, bytes, Some(encoding.name()))
            } else if std::str::from_utf8(bytes).is_ok() {
                (UTF_8, bytes, None)
            } else {
                surely_western(file, bytes)?;
                (WINDOWS_1252, bytes, Some(WINDOWS_1252.name()))
            }
        }
    };
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
        return Ok((text.into_owned(), guessed));
    }
    let (lossy, _) = encoding.decode_without_bom_handling(body);
    let at = lossy.find('\u{FFFD}').unwrap_or(0);
    Err(Refusal(format!(
        "{file}, line {}: is not {}; name the right one with --encoding, such as windows-1252",
        line_of(&lossy, at),
        encoding.name()
    )))
}

/// Refuses bytes that may well be of another encoding than Windows-1252.
fn surely_western(file: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let shown = |encoding: &'static Encoding| encoding.decode_without_bom_handling(bytes).0;
    let western = shown(WINDOWS_1252);
    // The detector is sure where no hint at a country changes its mind, or where another encoding gives the same text.
    let hints: [Option<&[u8]>; 5] = [None, Some(b"com"), Some(b"pl"), Some(b"cz"), Some(b"tr")];
    let guesses = hints.into_iter().map(|hint| detector.guess(hint, Utf8Detection::Deny));
    match guesses.filter(|guess| *guess != WINDOWS_1252).find(|guess| shown(guess) != western) {
        None => Ok(()),
        Some(rival) => Err(Refusal(format!(
            "{file}: is not UTF-8, and its encoding is not certain; it may be {}. Name the right one with --encoding, such \
             as windows-1252, windows-1250 or shift_jis",
            rival.name()
        ))),
    }
}

/// Text of mostly Latin letters has a zero in every second byte of UTF-16.
fn utf_16_by_its_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(400)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let enough = head.len() / 4;
    match (zeros(0), zeros(1)) {
        (0, late) if late > enough => Some(UTF_16LE),
        (early, 0) if early > enough => Some(UTF_16BE),
        _ => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

fn delimited(file: &str, text: &str, given: Option<u8>) -> Result<(Vec<String>, Vec<Record>), Refusal> {
    // Excel writes the separator into a line of its own.
    let (named, skipped, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        Some((separator, rest)) => (separator.bytes().next(), 1, rest),
        None => (None, 0, text),
    };
    let delimiter = given.or(named).unwrap_or_else(|| separator_of(text));
    if let Some(line) = open_quote(text, delimiter) {
        return Err(Refusal(format!(
            "{file}, line {}: a quoted cell opens here and is never closed; the file seems to be cut off",
            line + skipped
        )));
    }
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut titles: Option<Vec<String>> = None;
    let mut records = Vec::new();
    // The csv crate skips blank lines before it notes a record's position.
    let lines = LineIndex::new(text);
    for record in reader.records() {
        let record = record.map_err(|error| Refusal(format!("{file}: {error}")))?;
        let from = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let line = lines.at(text, from) + skipped as u64;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if titles.is_none() {
            titles = Some(record.iter().map(|title| title.trim().to_owned()).collect());
        } else {
            records.push(Record { line, cells: record.iter().map(str::to_owned).collect() });
        }
    }
    let titles =
        titles.ok_or_else(|| Refusal(format!("{file}: has no column titles; the first line should hold them")))?;
    Ok((titles, records))
}

/// The places at which lines end, so that a record's line is found without reading the file again.
struct LineIndex(Vec<usize>);

impl LineIndex {
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        // A carriage return ends a line where no line feed follows.
        let ends = |at: &usize| match bytes[*at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        Self((0..bytes.len()).filter(ends).collect())
    }

    /// The line, from 1, of the first character at or after `from` that is no line break.
    fn at(&self, text: &str, from: usize) -> u64 {
        let bytes = text.as_bytes();
        let mut at = from.min(bytes.len());
        while matches!(bytes.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        self.0.partition_point(|end| *end < at) as u64 + 1
    }
}

/// Returns the separator that the first line has most of, outside quotes; a comma where it has none.
fn separator_of(text: &str) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in text.trim_start_matches(['\r', '\n']).bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (separator, count) in &mut counts {
                    *count += u32::from(*separator == byte);
                }
            }
        }
    }
    // The first of the largest: a tie goes to the comma.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

/// Returns the line on which a quoted cell opens that is still open at the end of the file. The csv crate takes such a cell
/// as complete.
fn open_quote(text: &str, delimiter: u8) -> Option<usize> {
    #[derive(PartialEq)]
    enum In {
        Start,
        Bare,
        Quoted,
        AfterQuote,
    }
    let (mut state, mut line, mut opened, mut before) = (In::Start, 1, 1, b' ');
    for byte in text.bytes() {
        state = match (state, byte) {
            (In::Quoted, b'"') => In::AfterQuote,
            (In::Quoted, _) | (In::AfterQuote, b'"') => In::Quoted,
            (In::Start, b'"') => {
                opened = line;
                In::Quoted
            }
            (_, b'\n' | b'\r') => In::Start,
            (_, byte) if byte == delimiter => In::Start,
            _ => In::Bare,
        };
        line += usize::from(byte == b'\n' || before == b'\r');
        before = byte;
    }
    (state == In::Quoted).then_some(opened)
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
