//! The rows of files, a batch at a time: what they name is looked up, they are read and written, and those that need rows
//! which come later wait on disk.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::batch::{BATCH, Pass, PassOutcome, Taken};
use super::bind::Binding;
use super::map::Mapping;
use super::nearby::look_up;
use super::people::People;
use super::presets::Kind;
use super::read::{Record, Refusal};
use super::rows::{Prepared, ReadContext};
use super::run::Stop;
use super::source::Source;
use super::spill::Spool;
use super::target::{AccountRefInput, Importable, OrganizationSettings, TargetError};

/// Bytes of the cells of a batch, after which it is written even if it has few rows.
const MOST_BYTES: usize = 4 << 20;

/// What all rows of a run are read by.
pub struct ImportContext<'a> {
    /// What they are.
    pub kind: Kind,
    /// What the columns mean.
    pub mapping: &'a Mapping,
    /// Currency, time zone and clock.
    pub settings: &'a OrganizationSettings,
    /// Who may own something.
    pub people: &'a People,
    /// The accounts that the files themselves list, by name, where rows name others as their parents.
    pub in_files: HashMap<String, Vec<AccountRefInput>>,
    /// Where a file of relations says which account a contact belongs to: contact, account.
    pub relations: HashMap<String, String>,
    /// Where rows without an account go.
    pub default_account: Option<AccountRefInput>,
    /// What one unit of other currencies is in the organization's.
    pub rates: BTreeMap<String, Decimal>,
    /// Ids of owners that no file explains, with how many rows name them.
    pub unknown_owners: RefCell<BTreeMap<String, usize>>,
}

/// Reads a record of the file at a place.
pub type ReadRow<Row> = fn(&ReadContext<'_>, &Binding, usize, &Record) -> Prepared<Row>;

/// A record on its way: the place of its file, and the line of the row that it repeats.
struct Piece {
    file: usize,
    record: Record,
    twin: Option<u64>,
}

/// Takes records until there are enough for a batch; none if no more are left.
fn next_batch(records: &mut impl Iterator<Item = Result<Piece, Stop>>) -> Result<Vec<Piece>, Stop> {
    let (mut pieces, mut bytes) = (Vec::new(), 0);
    while pieces.len() < BATCH
        && bytes < MOST_BYTES
        && let Some(piece) = records.next().transpose()?
    {
        bytes += piece.record.cells.iter().map(String::len).sum::<usize>();
        pieces.push(piece);
    }
    Ok(pieces)
}

impl ImportContext<'_> {
    /// Imports the rows of the files. `then` is called with the rows of each batch that did not fail.
    ///
    /// # Errors
    /// [`Stop`]; what was done until then is in the report.
    pub async fn import<Row: Importable>(
        &self,
        sources: &mut [Source],
        pass: &mut Pass<'_>,
        read: ReadRow<Row>,
        mut then: impl AsyncFnMut(&mut Pass<'_>, Vec<Taken<Row>>) -> Result<(), TargetError>,
    ) -> Result<(), Stop> {
        let mut later = Spool::default();
        for file in 0..sources.len() {
            let mut rows = sources[file].rows().map_err(changed)?.map(|row| -> Result<Piece, Stop> {
                let (record, twin) = row.map_err(changed)?;
                Ok(Piece { file, record, twin })
            });
            loop {
                let pieces = next_batch(&mut rows)?;
                if pieces.is_empty() {
                    break;
                }
                let taken = self.batch(sources, pass, &pieces, read, Round::First, &mut later).await?;
                then(pass, taken).await?;
            }
        }
        // Those that failed for want of another row are tried again, for as long as that helps.
        let mut round = Round::Again;
        while !later.is_empty() {
            let before = later.len();
            let records = std::mem::take(&mut later).records().map_err(TargetError::from)?;
            let mut records = records.map(|record| -> Result<Piece, Stop> {
                let (file, record) = record.map_err(TargetError::from)?;
                Ok(Piece { file, record, twin: None })
            });
            loop {
                let pieces = next_batch(&mut records)?;
                if pieces.is_empty() {
                    break;
                }
                let taken = self.batch(sources, pass, &pieces, read, round, &mut later).await?;
                then(pass, taken).await?;
            }
            round = if later.len() == before { Round::Last } else { Round::Again };
        }
        Ok(())
    }

    async fn batch<Row: Importable>(
        &self,
        sources: &[Source],
        pass: &mut Pass<'_>,
        pieces: &[Piece],
        read: ReadRow<Row>,
        round: Round,
        later: &mut Spool,
    ) -> Result<Vec<Taken<Row>>, TargetError> {
        let bound = pieces.iter().map(|piece| (&sources[piece.file].binding, &piece.record));
        let nearby = look_up(pass.target, self.mapping, self.kind, bound).await?;
        let context = ReadContext {
            kind: self.kind,
            mapping: self.mapping,
            settings: self.settings,
            people: self.people,
            in_files: &self.in_files,
            nearby: &nearby,
            relations: &self.relations,
            default_account: self.default_account.as_ref(),
            rates: &self.rates,
            unknown_owners: &self.unknown_owners,
            is_first: round == Round::First,
        };
        let prepare = |Piece { file, record, twin }: &Piece| {
            let mut row = read(&context, &sources[*file].binding, *file, record);
            if let Some(line) = twin {
                row.refuse_twin(*line);
            }
            row
        };
        let rows: Vec<Prepared<Row>> = pieces.iter().map(prepare).collect();
        let PassOutcome { taken, waiting } = pass.write(rows, round == Round::Last).await?;
        for place in waiting {
            let Piece { file, record, .. } = &pieces[place];
            later.push(*file, record)?;
        }
        Ok(taken)
    }
}

/// How often rows were tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    First,
    Again,
    Last,
}

/// A file that could be read the first time and not the second.
fn changed(Refusal(reason): Refusal) -> Stop {
    Stop::Broken(format!("the file changed while it was imported: {reason}").into())
}
