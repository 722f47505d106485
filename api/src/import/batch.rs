//! Rows in batches: sent, counted, and taken down line by line.

use std::collections::{HashMap, HashSet};

use indicatif::ProgressBar;

use super::{
    dry::Linked,
    order,
    report::{Counts, Line, Report, told},
    rows::Prepared,
    sink::{AccountRef, Settle, SinkError, Upsert, UpsertResult, UpsertStatus},
};

/// Rows of a batch.
pub const BATCH: usize = 500;

/// After so many rows the database is told to look how many there are, and again whenever they have doubled.
const SETTLED_AFTER: usize = 1000;

/// One pass over rows.
pub struct Pass<'a> {
    /// Where it is taken down.
    pub report: &'a mut Report,
    /// Rows done.
    pub progress: ProgressBar,
    /// Nothing is written.
    pub dry_run: bool,
    /// What a dry run would have made so far.
    pub made: HashSet<String>,
    /// An account that only a real run makes: what hangs on it is not shown to the rules.
    pub pretended: Option<AccountRef>,
    /// Lets the database notice how much was added.
    pub settle: &'a Settle,
    /// Rows sent.
    pub sent: usize,
}

/// What became of a row, with the row itself unless it failed.
type Written<Row> = (Line, Option<Row>);

impl Pass<'_> {
    /// Writes the rows of the files and answers those that did not fail, with file and line.
    ///
    /// # Errors
    /// The sink broke down; what was written before is in the report.
    pub async fn write<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        mut rows: Vec<Prepared<Row>>,
    ) -> Result<Vec<(usize, u64, Row)>, SinkError> {
        order::refuse_twins(&mut rows);
        let mut taken = Vec::new();
        for layer in order::layers(rows) {
            let mut failure = None;
            let written = self.layer(upsert, layer, &mut failure).await;
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

    /// Writes rows that follow from others: counted by themselves, told only where they fail.
    ///
    /// # Errors
    /// The sink broke down.
    pub async fn write_derived<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        rows: Vec<Prepared<Row>>,
        what: &str,
    ) -> Result<Counts, SinkError> {
        self.progress.inc_length(rows.len() as u64);
        let mut counts = Counts::default();
        let mut failure = None;
        for (mut line, _) in self.layer(upsert, rows, &mut failure).await {
            counts.add(line.status);
            if line.status == UpsertStatus::Failed {
                line.wrong = format!("{what}: {}", line.wrong);
                self.report.lines.push(line);
            }
        }
        failure.map_or(Ok(counts), Err)
    }

    /// Writes rows none of which needs another one, batch by batch. What was written before a failure is answered too.
    async fn layer<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        rows: Vec<Prepared<Row>>,
        failure: &mut Option<SinkError>,
    ) -> Vec<Written<Row>> {
        let mut written = Vec::with_capacity(rows.len());
        let mut batch: Vec<(Prepared<()>, Row)> = Vec::with_capacity(BATCH);
        let mut keys: HashSet<String> = HashSet::new();
        for Prepared { file, line, key, after, row, notes } in rows {
            let row = match row {
                Ok(row) => row,
                Err(errors) => {
                    self.progress.inc(1);
                    let wrong = told(&errors, &notes);
                    written.push((Line { file, line, status: UpsertStatus::Failed, id: None, wrong }, None));
                    continue;
                }
            };
            let repeated = key.as_ref().is_some_and(|key| keys.contains(key));
            if batch.len() == BATCH || repeated {
                if let Err(error) = self.send(upsert, &mut batch, &mut written).await {
                    *failure = Some(error);
                    return written;
                }
                keys.clear();
            }
            keys.extend(key.clone());
            batch.push((Prepared { file, line, key, after, row: Ok(()), notes }, row));
        }
        if let Err(error) = self.send(upsert, &mut batch, &mut written).await {
            *failure = Some(error);
        }
        written
    }

    async fn send<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        batch: &mut Vec<(Prepared<()>, Row)>,
        written: &mut Vec<Written<Row>>,
    ) -> Result<(), SinkError> {
        if batch.is_empty() {
            return Ok(());
        }
        let pretended = self.pretended.clone();
        let hangs_on_air = |row: &Row| pretended.is_some() && row.account() == pretended.as_ref();
        let mut shown: Vec<Row> = Vec::with_capacity(batch.len());
        for (_, row) in batch.iter().filter(|(_, row)| !hangs_on_air(row)) {
            let mut row = row.clone();
            if self.dry_run {
                row.unlink(&self.made);
            }
            shown.push(row);
        }
        let expected = shown.len();
        let results = if shown.is_empty() { Vec::new() } else { upsert(shown, self.dry_run).await? };
        if !self.dry_run && has_doubled(self.sent, self.sent + expected) {
            (self.settle)().await?;
        }
        self.sent += expected;
        if results.len() != expected {
            return Err(format!("{} results for {expected} rows", results.len()).into());
        }
        let mut by_index: HashMap<usize, UpsertResult> =
            results.into_iter().map(|result| (result.index, result)).collect();
        self.progress.inc(batch.len() as u64);
        let mut index = 0;
        for (meta, row) in batch.drain(..) {
            let result = if hangs_on_air(&row) {
                UpsertResult { index, status: UpsertStatus::Created, id: None, errors: Vec::new() }
            } else {
                index += 1;
                by_index.remove(&(index - 1)).ok_or("a row without a result")?
            };
            if self.dry_run && result.status == UpsertStatus::Created {
                self.made.extend(row.called().map(str::to_owned));
            }
            let line = Line {
                file: meta.file,
                line: meta.line,
                status: result.status,
                id: result.id,
                wrong: told(&result.errors, &meta.notes),
            };
            let kept = (result.status != UpsertStatus::Failed).then_some(row);
            written.push((line, kept));
        }
        Ok(())
    }
}

/// Does the way from one number of rows to another pass 1000, 2000, 4000 and so on?
fn has_doubled(before: usize, after: usize) -> bool {
    let step = |rows: usize| (rows / SETTLED_AFTER).checked_ilog2();
    step(before) < step(after)
}

#[cfg(test)]
mod tests {
    use super::has_doubled;

    #[test]
    fn the_database_settles_ever_more_rarely() {
        let at: Vec<usize> = (0..40).map(|batch| batch * 500).filter(|rows| has_doubled(*rows, rows + 500)).collect();
        assert_eq!(at, [500, 1500, 3500, 7500, 15500]);
    }
}
