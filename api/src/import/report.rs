//! What is told in the end: counts and reasons for people, and a line of CSV for each row.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    presets::Kind,
    read::Refusal,
    sink::{UpsertStatus, UserError},
};

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which of the files.
    pub file: usize,
    /// The line on which the record starts; 0 for what no line alone stands for.
    pub line: u64,
    /// What was done.
    pub status: UpsertStatus,
    /// Of what was written.
    pub id: Option<String>,
    /// Why it failed, or what was taken otherwise than it stands there.
    pub wrong: String,
}

/// How often what was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub struct Counts {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub failed: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, status: UpsertStatus) {
        *match status {
            UpsertStatus::Created => &mut self.created,
            UpsertStatus::Updated => &mut self.updated,
            UpsertStatus::Unchanged => &mut self.unchanged,
            UpsertStatus::Failed => &mut self.failed,
        } += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(self) -> usize {
        self.created + self.updated + self.unchanged + self.failed
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, updated, unchanged, failed } = *self;
        let numbers = [self.total(), created, updated, unchanged, failed].map(grouped);
        let [total, created, updated, unchanged, failed] = numbers;
        write!(out, "{total} rows: {created} created, {updated} updated, {unchanged} unchanged, {failed} failed")
    }
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Everything that a run has to tell.
#[derive(Debug, Default)]
pub struct Report {
    /// The rows of the files, in the files' order.
    pub lines: Vec<Line>,
    /// Of the rows.
    pub rows: Counts,
    /// Of the bookings of won opportunities, where asked for.
    pub bookings: Option<Counts>,
    /// Of the accounts that got a new owner, where asked for.
    pub owners: Option<Counts>,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
}

impl Report {
    /// Did anything fail?
    #[must_use]
    pub fn failed(&self) -> bool {
        let all = [Some(self.rows), self.bookings, self.owners];
        all.into_iter().flatten().any(|counts| counts.failed > 0)
    }

    /// The text for a person.
    #[must_use]
    pub fn summary(&self, kind: Kind, dry_run: bool) -> String {
        let mut text = format!("{}: {}", kind.word(), self.rows);
        for (what, counts) in [("bookings of won opportunities", self.bookings), ("owners of accounts", self.owners)] {
            if let Some(counts) = counts {
                let _ = write!(text, "\n{what}: {counts}");
            }
        }
        if dry_run {
            text.push_str("\nThis was a dry run: nothing was written.");
        }
        let mut reasons: HashMap<&str, usize> = HashMap::new();
        for line in self.lines.iter().filter(|line| line.status == UpsertStatus::Failed) {
            *reasons.entry(&line.wrong).or_default() += 1;
        }
        let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
        reasons.sort_unstable_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
        for (reason, count) in reasons.iter().take(5) {
            let _ = write!(text, "\n  {} failed: {reason}", grouped(*count));
        }
        if reasons.len() > 5 {
            let _ = write!(text, "\n  and {} other reasons; see the result file", reasons.len() - 5);
        }
        for remark in &self.remarks {
            text.push('\n');
            text.push_str(remark);
        }
        text
    }

    /// Writes the result file: line, status, id, what is wrong; and the file, where there are several.
    ///
    /// # Errors
    /// It cannot be written, or is one of the files themselves.
    pub fn write(&mut self, path: &Path, files: &[PathBuf]) -> Result<(), Refusal> {
        let refused = |error: &dyn fmt::Display| Refusal(format!("{}: cannot be written: {error}", path.display()));
        self.lines.sort_by_key(|line| (line.file, line.line));
        let mut writer = csv::Writer::from_path(path).map_err(|error| refused(&error))?;
        let several = files.len() > 1;
        let titles = ["line", "status", "id", "what is wrong", "file"];
        let width = if several { 5 } else { 4 };
        writer.write_record(&titles[..width]).map_err(|error| refused(&error))?;
        for Line { file, line, status, id, wrong } in &self.lines {
            let line = if *line == 0 { String::new() } else { line.to_string() };
            let name = files[*file].display().to_string();
            let cells = [line.as_str(), word(*status), id.as_deref().unwrap_or_default(), wrong, &name];
            writer.write_record(&cells[..width]).map_err(|error| refused(&error))?;
        }
        writer.flush().map_err(|error| refused(&error))
    }
}

fn word(status: UpsertStatus) -> &'static str {
    match status {
        UpsertStatus::Created => "CREATED",
        UpsertStatus::Updated => "UPDATED",
        UpsertStatus::Unchanged => "UNCHANGED",
        UpsertStatus::Failed => "FAILED",
    }
}

/// All that is wrong with a row, and then what is only worth a note, as one cell.
#[must_use]
pub fn told(errors: &[UserError], notes: &[String]) -> String {
    let errors = errors.iter().map(|error| error.message.as_str());
    let all: Vec<&str> = errors.chain(notes.iter().map(String::as_str)).collect();
    all.join("; ")
}

/// Where the result goes: as given, else named after the first file, in the working directory.
///
/// # Errors
/// It would overwrite one of the files.
pub fn result_path(given: Option<&Path>, files: &[PathBuf]) -> Result<PathBuf, Refusal> {
    let path = given.map_or_else(
        || {
            let stem = files.first().and_then(|file| file.file_stem()).unwrap_or_default();
            PathBuf::from(format!("{}.result.csv", stem.to_string_lossy()))
        },
        Path::to_path_buf,
    );
    let same =
        |file: &PathBuf| file == &path || (path.exists() && file.canonicalize().ok() == path.canonicalize().ok());
    if files.iter().any(same) {
        return Err(Refusal(format!("{}: is a file to be imported; name another one with --result", path.display())));
    }
    Ok(path)
}
