//! From text to cells: separators and quotes.

use std::io::Read;

use super::read::{Reading, Record, Refusal};
use super::text::{Text, Verdict};

/// A file of cells between separators, of which a row at a time is read.
pub struct Delimited<R> {
    file: String,
    /// The titles of the columns, trimmed.
    pub titles: Vec<String>,
    /// The encoding, where it was detected from the beginning of the file.
    pub guessed: Option<&'static str>,
    reader: csv::Reader<Text<R>>,
    row: csv::StringRecord,
}

impl<R: Read> Delimited<R> {
    /// Reads the titles of a text.
    ///
    /// # Errors
    /// A [`Refusal`]: there are none.
    pub fn open(
        (mut text, guessed): (Text<R>, Option<&'static str>),
        file: &str,
        reading: Reading,
    ) -> Result<Self, Refusal> {
        if text.head().trim_start().is_empty() {
            return Err(Refusal(format!("{file}: is empty; the first line should hold the column titles")));
        }
        // Excel writes the separator into a line of its own.
        let named = text.head().strip_prefix("sep=").and_then(|rest| rest.split_once('\n'));
        let named = named.map(|(separator, _)| (separator.bytes().next(), "sep=".len() + separator.len() + 1));
        if let Some((_, bytes)) = named {
            text.skip_line(bytes);
        }
        let separator = reading.delimiter.or_else(|| named.and_then(|(separator, _)| separator));
        let delimiter = separator.unwrap_or_else(|| separator_of(text.head()));
        text.watch_quotes(delimiter);
        let reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
        let mut rows =
            Self { file: file.to_owned(), titles: Vec::new(), guessed, reader, row: csv::StringRecord::new() };
        let titles = rows
            .next()
            .transpose()?
            .ok_or_else(|| Refusal(format!("{file}: has no column titles; the first line should hold them")))?;
        rows.titles = titles.cells.iter().map(|title| title.trim().to_owned()).collect();
        Ok(rows)
    }

    /// Returns what the end of the file says of its encoding. All rows must have been read.
    ///
    /// # Errors
    /// A [`Refusal`] where it may be one of several.
    pub fn verdict(self) -> Result<Verdict, Refusal> {
        self.reader.into_inner().verdict()
    }

    fn read(&mut self) -> Result<Option<Record>, Refusal> {
        let refused = |error: &csv::Error| match error.kind() {
            csv::ErrorKind::Io(error) => Refusal(error.to_string()),
            _ => Refusal(format!("{}: {error}", self.file)),
        };
        while self.reader.read_record(&mut self.row).map_err(|error| refused(&error))? {
            // The csv crate notes the position of a record before it skips blank lines.
            let from = self.row.position().map_or(0, csv::Position::byte);
            let line = self.reader.get_mut().line_at(from);
            if self.row.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some(Record { line, cells: self.row.iter().map(str::to_owned).collect() }));
            }
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for Delimited<R> {
    type Item = Result<Record, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
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
