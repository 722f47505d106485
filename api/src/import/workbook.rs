//! From an .xlsx workbook to cells: its first sheet that holds something.

use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Reader as _, Xlsx};

use super::read::{Record, Refusal, Table};

/// Turns a workbook's bytes into cells. Numbers are written with a decimal point, and days as 2017-03-04.
///
/// # Errors
/// A [`Refusal`] naming the file.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Table, Refusal> {
    let unreadable = || Refusal(format!("{file}: is not a workbook that can be read; save it as .xlsx or CSV"));
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    for name in workbook.sheet_names() {
        let range = workbook.worksheet_range(&name).map_err(|_| unreadable())?;
        let first = range.start().map_or(0, |(row, _)| u64::from(row));
        let mut titles: Option<Vec<String>> = None;
        let mut records = Vec::new();
        for (line, row) in (first + 1..).zip(range.rows()) {
            let cells: Vec<String> = row.iter().map(text).collect();
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if titles.is_none() {
                titles = Some(cells.iter().map(|title| title.trim().to_owned()).collect());
            } else {
                records.push(Record { line, cells });
            }
        }
        if let Some(titles) = titles {
            return Ok(Table { file: file.to_owned(), titles, records, guessed: None, typed: true });
        }
    }
    Err(Refusal(format!("{file}: is empty; the first row should hold the column titles")))
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(flag) => flag.to_string(),
        Data::DateTime(at) => date(at),
        Data::Error(_) | Data::Empty => String::new(),
    }
}

/// Writes a date, with its time of day where it has one; a duration as its number of days.
fn date(at: &ExcelDateTime) -> String {
    if !at.is_datetime() {
        return at.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}
