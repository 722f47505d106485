//! Rows in batches: planned, written, recorded, and counted line by line.

use std::collections::HashSet;

use indicatif::ProgressBar;

use super::{
    dry::CreatedKeys,
    order,
    records::{Hints, RowPlan, Run},
    report::{Counts, Line, Report, format_errors},
    rows::Prepared,
    target::{
        AccountRefInput, BatchOptions, ImportTarget, Importable, TargetError, UpsertResult, UpsertStatus, WrittenBatch,
    },
};

/// Rows of a batch.
pub const BATCH: usize = 500;

/// The number of rows after which the database's statistics are refreshed, and again whenever it has doubled.
const REFRESHED_AFTER: usize = 1000;

/// One pass over rows.
pub struct Pass<'a> {
    /// What became of the rows.
    pub report: &'a mut Report,
    /// The rows that are done.
    pub progress: ProgressBar,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// The keys of rows that a dry run would have created so far.
    pub made: CreatedKeys,
    /// Whether rows may refer to others of the same files, which a dry run then remembers.
    pub has_links: bool,
    /// An account that only a real run creates: rows that belong to it are not shown to the upserts.
    pub pretended: Option<AccountRefInput>,
    /// The organization that is written to.
    pub target: &'a ImportTarget,
    /// The run, whose changes are recorded; None in a dry run.
    pub run: Option<Run>,
    /// The source of the external ids.
    pub source: String,
    /// Rows sent.
    pub sent: usize,
}

/// A row that did not fail, with its file and line.
pub type Taken<Row> = (usize, u64, Row);

/// What became of rows.
pub struct PassOutcome<Row> {
    /// The rows that did not fail.
    pub taken: Vec<Taken<Row>>,
    /// The places of the rows that failed and may succeed once others are written.
    pub waiting: Vec<usize>,
}

/// Rows on their way: what is known of each, its place, and the row.
type Batch<Row> = Vec<(Prepared<()>, usize, Row)>;

/// What became of a row of a batch: its place, its line, the row unless it failed, and whether it may succeed later.
struct Done<Row> {
    place: usize,
    line: Line,
    row: Option<Row>,
    is_waiting: bool,
}

impl Pass<'_> {
    /// Writes rows of which none is the same as another one of its file, at most a batch at a time. Rows that fail are
    /// reported, but for those that may succeed once others are written, unless this is the last attempt.
    ///
    /// # Errors
    /// The database failed; the rows that were written before are in the report.
    pub async fn write<Row: Importable>(
        &mut self,
        rows: Vec<Prepared<Row>>,
        is_last: bool,
    ) -> Result<PassOutcome<Row>, TargetError> {
        let mut outcome = PassOutcome { taken: Vec::with_capacity(rows.len()), waiting: Vec::new() };
        let mut failure = None;
        for Done { place, line, row, is_waiting } in self.batches(rows, &mut failure).await {
            if is_waiting && !is_last {
                outcome.waiting.push(place);
                continue;
            }
            self.progress.inc(1);
            self.report.rows.add(line.status);
            if let Some(row) = row {
                outcome.taken.push((line.file, line.line, row));
            }
            self.report.note(&line)?;
        }
        failure.map_or(Ok(outcome), Err)
    }

    /// Writes rows that are all known, some of which may be the same or need others.
    ///
    /// # Errors
    /// The database failed.
    pub async fn write_all<Row: Importable>(&mut self, mut rows: Vec<Prepared<Row>>) -> Result<(), TargetError> {
        order::refuse_twins(&mut rows);
        let mut is_last = false;
        while !rows.is_empty() {
            let before = rows.len();
            let mut later = Vec::new();
            for some in rows.chunks(BATCH) {
                let outcome = self.write(some.to_vec(), is_last).await?;
                later.extend(outcome.waiting.into_iter().map(|at| some[at].clone()));
            }
            is_last = later.len() == before;
            rows = later;
        }
        Ok(())
    }

    /// Writes rows that follow from others. They are counted apart, and have a line only where they fail or have a note.
    ///
    /// # Errors
    /// The database failed.
    pub async fn write_derived<Row: Importable>(
        &mut self,
        rows: Vec<Prepared<Row>>,
        what: &str,
    ) -> Result<Counts, TargetError> {
        let mut counts = Counts::default();
        let mut failure = None;
        for Done { mut line, .. } in self.batches(rows, &mut failure).await {
            counts.add(line.status);
            if line.status == UpsertStatus::Failed || !line.wrong.is_empty() {
                line.wrong = format!("{what}: {}", line.wrong);
                self.report.note(&line)?;
            }
        }
        failure.map_or(Ok(counts), Err)
    }

    /// Ends the pass.
    pub async fn finish(&mut self) {
        self.progress.finish_and_clear();
        let counts = self.report.rows;
        if !self.dry_run && counts.created + counts.updated > 0 {
            self.target.refresh_statistics().await;
        }
    }

    /// Writes rows batch by batch. Rows that were written before a failure are returned too.
    async fn batches<Row: Importable>(
        &mut self,
        rows: Vec<Prepared<Row>>,
        failure: &mut Option<TargetError>,
    ) -> Vec<Done<Row>> {
        let mut done = Vec::with_capacity(rows.len());
        let mut batch: Batch<Row> = Vec::with_capacity(BATCH);
        let mut keys: HashSet<String> = HashSet::new();
        for (place, Prepared { file, line, key, row, notes, hints }) in rows.into_iter().enumerate() {
            let row = match row {
                Ok(row) => row,
                Err(errors) => {
                    let wrong = format_errors(&errors, &notes);
                    let line = Line { file, line, status: UpsertStatus::Failed, id: None, wrong };
                    done.push(Done { place, line, row: None, is_waiting: false });
                    continue;
                }
            };
            let repeated = key.as_ref().is_some_and(|key| keys.contains(key));
            if batch.len() == BATCH || repeated {
                if let Err(error) = self.send(&mut batch, &mut done).await {
                    *failure = Some(error);
                    return done;
                }
                keys.clear();
            }
            keys.extend(key.clone());
            batch.push((Prepared { file, line, key, row: Ok(()), notes, hints }, place, row));
        }
        if let Err(error) = self.send(&mut batch, &mut done).await {
            *failure = Some(error);
        }
        done
    }

    async fn send<Row: Importable>(
        &mut self,
        batch: &mut Batch<Row>,
        done: &mut Vec<Done<Row>>,
    ) -> Result<(), TargetError> {
        if batch.is_empty() {
            return Ok(());
        }
        let pretended = self.pretended.clone();
        let is_pretended = |row: &Row| pretended.is_some() && row.account() == pretended.as_ref();
        let (rows, hints): (Vec<Row>, Vec<Hints>) = batch
            .iter()
            .filter(|(_, _, row)| !is_pretended(row))
            .map(|(meta, _, row)| (row.clone(), meta.hints.clone()))
            .unzip();
        let options = BatchOptions { source: &self.source, run: self.run, made: &self.made };
        let WrittenBatch { rows: written, changes } = self.target.write(&rows, &hints, options).await?;
        if let Some(run) = &mut self.run {
            run.changes = changes;
        }
        let sent = self.sent + rows.len();
        if !self.dry_run && has_doubled(self.sent, sent) {
            self.target.refresh_statistics().await;
        }
        self.sent = sent;
        let mut written = written.into_iter();
        for (meta, place, row) in batch.drain(..) {
            if is_pretended(&row) {
                let line = report_line(meta, &pretended_result(), Vec::new());
                done.push(Done { place, line, row: Some(row), is_waiting: false });
                continue;
            }
            let (plan, result) = written.next().ok_or("a row without a result")?;
            let RowPlan { left_alone, skipped, mut notes, .. } = plan;
            let failed = result.status == UpsertStatus::Failed;
            let is_waiting = failed && order::may_come_later(&result.errors);
            if !left_alone.is_empty() && !is_waiting {
                self.report.left_alone += left_alone.len();
                notes.push(format!(
                    "changed here since the last import and left as they are: {}",
                    left_alone.join(", ")
                ));
            }
            if result.status == UpsertStatus::Created {
                self.report.invented_openings += usize::from(row.invented().contains(&"opened_on"));
                if let Some(key) = row.called().filter(|_| self.dry_run && self.has_links) {
                    self.made.add(key);
                }
            }
            let is_kept = !failed && skipped.is_none() && !meta.hints.deleted;
            let line = report_line(meta, &result, notes);
            done.push(Done { place, line, row: is_kept.then_some(row), is_waiting });
        }
        Ok(())
    }
}

fn report_line(meta: Prepared<()>, result: &UpsertResult, mut notes: Vec<String>) -> Line {
    notes.splice(0..0, meta.notes);
    Line {
        file: meta.file,
        line: meta.line,
        status: result.status,
        id: result.id.map(|(noun, id)| entity::show_id(noun, id)),
        wrong: format_errors(&result.errors, &notes),
    }
}

/// What a dry run says of a row whose account only a real run creates.
fn pretended_result() -> UpsertResult {
    UpsertResult { index: 0, status: UpsertStatus::Created, id: None, errors: Vec::new(), version_before: None }
}

/// Whether a batch takes the number of rows past 1000, 2000, 4000 and so on.
fn has_doubled(before: usize, after: usize) -> bool {
    let step = |rows: usize| (rows / REFRESHED_AFTER).checked_ilog2();
    step(before) < step(after)
}

#[cfg(test)]
mod tests {
    use super::has_doubled;

    #[test]
    fn statistics_are_refreshed_ever_more_rarely() {
        let at: Vec<usize> = (0..40).map(|batch| batch * 500).filter(|rows| has_doubled(*rows, rows + 500)).collect();
        assert_eq!(at, [500, 1500, 3500, 7500, 15500]);
    }
}
