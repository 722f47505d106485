//! Rows in batches: planned, written, recorded, and counted line by line.

use std::collections::{HashMap, HashSet};

use indicatif::ProgressBar;

use super::{
    order,
    records::{Hints, RowPlan, Run},
    report::{Counts, Line, Report, format_errors},
    rows::Prepared,
    target::{AccountRef, ImportTarget, Importable, TargetError, UpsertResult, UpsertStatus},
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
    pub made: HashSet<String>,
    /// An account that only a real run creates: rows that belong to it are not shown to the upserts.
    pub pretended: Option<AccountRef>,
    /// The organization that is written to.
    pub target: &'a ImportTarget,
    /// The run, whose changes are recorded; None in a dry run.
    pub run: Option<Run>,
    /// The source of the external ids.
    pub source: String,
    /// Rows sent.
    pub sent: usize,
}

/// A row as the file has it, unless it failed or was skipped, with what became of it.
type Written<Row> = (Line, Option<Row>);

/// A batch on its way: what is known of each row, and the row.
type Batch<Row> = Vec<(Prepared<()>, Row)>;

impl Pass<'_> {
    /// Writes the rows of the files and returns those that did not fail, with file and line.
    ///
    /// # Errors
    /// The database failed; the rows that were written before are in the report.
    pub async fn write<Row: Importable>(
        &mut self,
        mut rows: Vec<Prepared<Row>>,
    ) -> Result<Vec<(usize, u64, Row)>, TargetError> {
        order::refuse_twins(&mut rows);
        let mut taken = Vec::new();
        for layer in order::layers(rows) {
            let mut failure = None;
            let written = self.layer(layer, &mut failure).await;
            for (line, row) in written {
                self.report.rows.add(line.status);
                if let Some(row) = row {
                    taken.push((line.file, line.line, row));
                }
                self.report.lines.push(line);
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(taken)
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
        self.progress.inc_length(rows.len() as u64);
        let mut counts = Counts::default();
        let mut failure = None;
        for (mut line, _) in self.layer(rows, &mut failure).await {
            counts.add(line.status);
            if line.status == UpsertStatus::Failed || !line.wrong.is_empty() {
                line.wrong = format!("{what}: {}", line.wrong);
                self.report.lines.push(line);
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

    /// Writes rows that do not need each other, batch by batch. Rows that were written before a failure are returned too.
    async fn layer<Row: Importable>(
        &mut self,
        rows: Vec<Prepared<Row>>,
        failure: &mut Option<TargetError>,
    ) -> Vec<Written<Row>> {
        let mut written = Vec::with_capacity(rows.len());
        let mut batch: Batch<Row> = Vec::with_capacity(BATCH);
        let mut keys: HashSet<String> = HashSet::new();
        for Prepared { file, line, key, after, row, notes, hints } in rows {
            let row = match row {
                Ok(row) => row,
                Err(errors) => {
                    self.progress.inc(1);
                    let wrong = format_errors(&errors, &notes);
                    written.push((Line { file, line, status: UpsertStatus::Failed, id: None, wrong }, None));
                    continue;
                }
            };
            let repeated = key.as_ref().is_some_and(|key| keys.contains(key));
            if batch.len() == BATCH || repeated {
                if let Err(error) = self.send(&mut batch, &mut written).await {
                    *failure = Some(error);
                    return written;
                }
                keys.clear();
            }
            keys.extend(key.clone());
            batch.push((Prepared { file, line, key, after, row: Ok(()), notes, hints }, row));
        }
        if let Err(error) = self.send(&mut batch, &mut written).await {
            *failure = Some(error);
        }
        written
    }

    async fn send<Row: Importable>(
        &mut self,
        batch: &mut Batch<Row>,
        written: &mut Vec<Written<Row>>,
    ) -> Result<(), TargetError> {
        if batch.is_empty() {
            return Ok(());
        }
        let pretended = self.pretended.clone();
        let is_pretended = |row: &Row| pretended.is_some() && row.account() == pretended.as_ref();
        let shown: Vec<usize> = (0..batch.len()).filter(|at| !is_pretended(&batch[*at].1)).collect();
        let mut rows: Vec<Row> = shown.iter().map(|at| batch[*at].1.clone()).collect();
        let hints: Vec<Hints> = shown.iter().map(|at| batch[*at].0.hints.clone()).collect();
        let mut plans = self.target.plan(&mut rows, &hints, &self.source, self.dry_run).await?;
        let mut results: HashMap<usize, UpsertResult> = HashMap::new();
        for (at, (plan, hints)) in plans.iter_mut().zip(&hints).enumerate() {
            if hints.deleted {
                results.insert(at, self.target.remove::<Row>(plan, &self.source, self.dry_run).await?);
            } else if let Some(reason) = &plan.skipped {
                plan.notes.push(reason.clone());
                results.insert(at, unchanged(at));
            }
        }
        let sent: Vec<usize> = (0..rows.len()).filter(|at| !results.contains_key(at)).collect();
        self.upsert(&rows, &sent, &mut results).await?;
        self.record(&rows, &plans, &hints, &results).await?;
        self.sent += rows.len();
        self.progress.inc(batch.len() as u64);
        let mut plans: HashMap<usize, RowPlan<Row::Model>> = shown.into_iter().zip(plans).collect();
        let mut results = results.into_iter().collect::<Vec<_>>();
        results.sort_unstable_by_key(|(at, _)| *at);
        let mut results = results.into_iter().map(|(_, result)| result);
        for (at, (meta, row)) in batch.drain(..).enumerate() {
            let Some(plan) = plans.remove(&at) else {
                let line =
                    report_line(meta, &UpsertResult { status: UpsertStatus::Created, ..unchanged(at) }, Vec::new());
                written.push((line, Some(row)));
                continue;
            };
            let result = results.next().ok_or("a row without a result")?;
            let RowPlan { left_alone, skipped, mut notes, .. } = plan;
            if !left_alone.is_empty() {
                self.report.left_alone += left_alone.len();
                notes.push(format!(
                    "changed here since the last import and left as they are: {}",
                    left_alone.join(", ")
                ));
            }
            if result.status == UpsertStatus::Created {
                self.report.invented_openings += usize::from(row.invented().contains(&"opened_on"));
                if self.dry_run {
                    self.made.extend(row.called().map(str::to_owned));
                }
            }
            let is_kept = result.status != UpsertStatus::Failed && skipped.is_none() && !meta.hints.deleted;
            let line = report_line(meta, &result, notes);
            written.push((line, is_kept.then_some(row)));
        }
        Ok(())
    }

    /// Writes some rows of a batch, and notes the result of each.
    async fn upsert<Row: Importable>(
        &self,
        rows: &[Row],
        sent: &[usize],
        results: &mut HashMap<usize, UpsertResult>,
    ) -> Result<(), TargetError> {
        if sent.is_empty() {
            return Ok(());
        }
        let mut given: Vec<Row> = sent.iter().map(|at| rows[*at].clone()).collect();
        if self.dry_run {
            for row in &mut given {
                row.unlink(&self.made);
            }
        }
        let expected = given.len();
        let found = self.target.upsert(given, self.dry_run).await?;
        if found.len() != expected {
            return Err(format!("{} results for {expected} rows", found.len()).into());
        }
        for result in found {
            let at = *sent.get(result.index).ok_or("a result of no row")?;
            results.insert(at, result);
        }
        if !self.dry_run && has_doubled(self.sent, self.sent + expected) {
            self.target.refresh_statistics().await;
        }
        Ok(())
    }

    /// Records what was written, so that later runs know what people changed since, and this one can be undone.
    async fn record<Row: Importable>(
        &mut self,
        rows: &[Row],
        plans: &[RowPlan<Row::Model>],
        hints: &[Hints],
        results: &HashMap<usize, UpsertResult>,
    ) -> Result<(), TargetError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let good = (0..rows.len()).filter(|at| !hints[*at].deleted).filter_map(|at| {
            let result = results.get(&at)?;
            let (_, id) = result.id?;
            Some((&rows[at], &plans[at], &hints[at], id, result.status))
        });
        let good: Vec<_> = good.collect();
        self.target.record(run, &good).await
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

fn unchanged(index: usize) -> UpsertResult {
    UpsertResult { index, status: UpsertStatus::Unchanged, id: None, errors: Vec::new() }
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
