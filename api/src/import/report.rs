//! The report of a run: counts and reasons for people, and a line of CSV for each row.

use std::{
    cmp::Reverse,
    collections::HashSet,
    fmt::{self, Write},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;

use super::{
    presets::Kind,
    read::Refusal,
    spill::Sorter,
    target::{UpsertStatus, UserError},
};

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The place of the file among the files.
    pub file: usize,
    /// The line on which the record starts; 0 for a row that follows from several lines.
    pub line: u64,
    /// The status.
    pub status: UpsertStatus,
    /// The id of the row that was written.
    pub id: Option<String>,
    /// Why it failed, or what was read otherwise than the file has it.
    pub wrong: String,
}

impl Line {
    /// Returns the line as a piece that sorts by file, line and the order in which it was noted.
    fn piece(&self, noted: u64) -> Vec<u8> {
        let id = self.id.as_deref().unwrap_or_default();
        let numbers = [self.file as u64, self.line, noted, id.len() as u64];
        let mut piece: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        piece.push(self.status as u8);
        piece.extend_from_slice(id.as_bytes());
        piece.extend_from_slice(self.wrong.as_bytes());
        piece
    }

    fn of(piece: &[u8]) -> Option<Self> {
        let (numbers, rest) = piece.split_at_checked(32)?;
        let (numbers, _) = numbers.as_chunks::<8>();
        let [file, line, _, id] = *numbers else { return None };
        let (status, rest) = rest.split_first()?;
        let statuses = [UpsertStatus::Created, UpsertStatus::Updated, UpsertStatus::Unchanged, UpsertStatus::Failed];
        let (id, wrong) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(id)).ok()?)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Self {
            file: usize::try_from(u64::from_be_bytes(file)).ok()?,
            line: u64::from_be_bytes(line),
            status: statuses.into_iter().find(|known| *known as u8 == *status)?,
            id: Some(text(id)?).filter(|id| !id.is_empty()),
            wrong: text(wrong)?,
        })
    }
}

/// The number of rows by status.
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

    /// Adds others.
    pub fn add_all(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.failed += other.failed;
    }

    /// Returns their sum.
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

/// Kinds of reasons that the summary shows.
const REASONS: usize = 8;
/// Kinds of reasons that are counted apart.
const MOST_KINDS: usize = 1_000;
/// Reasons of one kind that are counted apart.
const MOST_ALIKE: usize = 10_000;

/// Reasons of one kind.
#[derive(Debug)]
struct Reasons {
    first: String,
    count: usize,
    /// Hashes of the reasons, as far as they are counted.
    alike: HashSet<u64>,
}

/// Returns a reason without what differs from row to row: quoted values, addresses and numbers.
fn kind_of(reason: &str) -> String {
    let mut kind = String::with_capacity(reason.len());
    for (at, part) in reason.split('“').enumerate() {
        let part = match part.split_once('”') {
            Some((_, rest)) if at > 0 => {
                kind.push('…');
                rest
            }
            _ => part,
        };
        for word in part.split_inclusive(' ') {
            if word.contains(|letter: char| letter.is_ascii_digit() || letter == '@') {
                kind.push('…');
            } else {
                kind.push_str(word);
            }
        }
    }
    kind
}

/// The report of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// What became of each row, in the order in which it was noted.
    lines: Sorter,
    noted: u64,
    reasons: IndexMap<String, Reasons>,
    /// Counts of the rows.
    pub rows: Counts,
    /// Counts of the bookings of won opportunities, where asked for.
    pub bookings: Option<Counts>,
    /// Counts of the accounts that got a new owner, where asked for.
    pub owners: Option<Counts>,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
    /// Fields that people changed since the last import, which were left alone.
    pub left_alone: usize,
    /// New opportunities without a day of opening, which got one from the import.
    pub invented_openings: usize,
    /// The run's id, by which it can be undone; None for a dry run.
    pub run: Option<String>,
}

impl Report {
    /// Notes what became of a row.
    ///
    /// # Errors
    /// The folder for temporary files cannot be used.
    pub fn note(&mut self, line: &Line) -> io::Result<()> {
        if line.status == UpsertStatus::Failed {
            let mut kind = kind_of(&line.wrong);
            if self.reasons.len() >= MOST_KINDS && !self.reasons.contains_key(&kind) {
                kind = String::new();
            }
            let new = || Reasons { first: line.wrong.clone(), count: 0, alike: HashSet::new() };
            let reasons = self.reasons.entry(kind).or_insert_with(new);
            reasons.count += 1;
            if reasons.alike.len() < MOST_ALIKE {
                let mut hasher = DefaultHasher::new();
                line.wrong.hash(&mut hasher);
                reasons.alike.insert(hasher.finish());
            }
        }
        self.noted += 1;
        self.lines.push(&line.piece(self.noted))
    }

    /// Returns what became of each row, in the order of the files.
    ///
    /// # Errors
    /// The folder for temporary files cannot be used.
    pub fn take_lines(&mut self) -> io::Result<impl Iterator<Item = io::Result<Line>> + use<>> {
        Ok(std::mem::take(&mut self.lines)
            .sorted()?
            .map(|piece| Line::of(&piece?).ok_or_else(|| io::ErrorKind::InvalidData.into())))
    }

    /// Whether anything failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        let all = [Some(self.rows), self.bookings, self.owners];
        all.into_iter().flatten().any(|counts| counts.failed > 0)
    }

    /// Returns the text for a person.
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
        let mut reasons: Vec<(&str, usize, usize)> =
            self.reasons.values().map(|kind| (kind.first.as_str(), kind.count, kind.alike.len())).collect();
        reasons.sort_by_key(|(_, count, _)| Reverse(*count));
        for (reason, count, alike) in reasons.iter().take(REASONS) {
            let more =
                if *alike > 1 { format!(" (and {} more of this kind)", grouped(alike - 1)) } else { String::new() };
            let _ = write!(text, "\n  {} failed: {reason}{more}", grouped(*count));
        }
        if reasons.len() > REASONS {
            let _ = write!(text, "\n  and {} other kinds of reasons; see the result file", reasons.len() - REASONS);
        }
        if self.left_alone > 0 {
            let _ = write!(
                text,
                "\n{} fields were changed here since the last import and left alone; the result file names them.",
                grouped(self.left_alone)
            );
        }
        if self.invented_openings > 0 {
            let _ = write!(
                text,
                "\n{} new opportunities name no day of opening: they count as opened today, or on the day they closed.",
                grouped(self.invented_openings)
            );
        }
        if let Some(run) = &self.run {
            let _ = write!(text, "\nRun {run}; “callshot import --undo {run}” takes it back.");
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
        let lines = self.take_lines().map_err(|error| refused(&error))?;
        let mut writer = csv::Writer::from_path(path).map_err(|error| refused(&error))?;
        let several = files.len() > 1;
        let titles = ["line", "status", "id", "what is wrong", "file"];
        let width = if several { 5 } else { 4 };
        writer.write_record(&titles[..width]).map_err(|error| refused(&error))?;
        for line in lines {
            let Line { file, line, status, id, wrong } = line.map_err(|error| refused(&error))?;
            let line = if line == 0 { String::new() } else { line.to_string() };
            let name = files[file].display().to_string();
            let cells = [line.as_str(), status.word(), id.as_deref().unwrap_or_default(), &wrong, &name];
            writer.write_record(&cells[..width]).map_err(|error| refused(&error))?;
        }
        writer.flush().map_err(|error| refused(&error))
    }
}

/// Returns the errors of a row and then its notes, as one cell.
#[must_use]
pub fn format_errors(errors: &[UserError], notes: &[String]) -> String {
    let errors = errors.iter().map(|error| error.message.as_str());
    let all: Vec<&str> = errors.chain(notes.iter().map(String::as_str)).collect();
    all.join("; ")
}

/// Returns the path of the result file: as given, else named after the first file, in the working directory.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(wrong: &str) -> Line {
        Line { file: 0, line: 2, status: UpsertStatus::Failed, id: None, wrong: wrong.to_owned() }
    }

    #[test]
    fn lines_come_in_the_order_of_the_files() {
        let line = |file, line, status, id: &str, wrong: &str| Line {
            file,
            line,
            status,
            id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            wrong: wrong.to_owned(),
        };
        let sorted = [
            line(0, 2, UpsertStatus::Created, "account_1", ""),
            line(0, 300, UpsertStatus::Failed, "", "ä; b"),
            line(0, 300, UpsertStatus::Unchanged, "booking_2", "noted later"),
            line(1, 2, UpsertStatus::Updated, "x", "y"),
        ];
        let mut report = Report::default();
        for at in [3, 1, 0, 2] {
            report.note(&sorted[at]).unwrap();
        }
        assert_eq!(report.take_lines().unwrap().collect::<io::Result<Vec<_>>>().unwrap(), sorted);
    }

    #[test]
    fn reasons_are_grouped_by_kind() {
        let mut report = Report::default();
        for name in ["Ann", "Bo", "Ann"] {
            report.note(&failed(&format!("owner: no user is called “{name}”; import the users first"))).unwrap();
        }
        report.note(&failed("There is no user with the address a@x.example.")).unwrap();
        report.note(&failed("There is no user with the address b@x.example.")).unwrap();
        report.note(&failed("has 3 cells where the header has 7")).unwrap();
        let summary = report.summary(Kind::Touches, false);
        assert!(
            summary
                .contains("3 failed: owner: no user is called “Ann”; import the users first (and 1 more of this kind)"),
            "{summary}"
        );
        assert!(summary.contains("2 failed: There is no user with the address a@x.example. (and 1 more"), "{summary}");
        assert!(summary.contains("1 failed: has 3 cells where the header has 7"), "{summary}");
    }
}
