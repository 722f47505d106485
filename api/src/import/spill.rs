//! What an import keeps on disk, so that its memory does not grow with the files: [`Sorter`] puts pieces in order,
//! [`Spool`] keeps records for later. Both begin in memory, and continue in a file without a name in the system's folder
//! for temporary files.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use tempfile::SpooledTempFile;

use super::read::Record;

/// Bytes that are kept in memory.
const IN_MEMORY: usize = 1 << 20;
/// Bytes that are read at once from each run.
const READ_AT_ONCE: usize = 16 << 10;
/// Bytes that a piece takes in memory besides its own.
const PLACE: usize = size_of::<Range<usize>>();

/// Pieces of bytes to be sorted. They are sorted in memory up to a megabyte, and then written out as runs, which are
/// merged at the end.
#[derive(Debug, Default)]
pub struct Sorter {
    buffer: Vec<u8>,
    places: Vec<Range<usize>>,
    file: Option<File>,
    runs: Vec<Range<u64>>,
}

impl Sorter {
    /// Adds a piece.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.push_within(piece, IN_MEMORY)
    }

    fn push_within(&mut self, piece: &[u8], most: usize) -> io::Result<()> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(piece);
        self.places.push(start..self.buffer.len());
        if self.buffer.len() + self.places.len() * PLACE < most { Ok(()) } else { self.write_run() }
    }

    fn sort(&mut self) {
        let Self { buffer, places, .. } = self;
        places.sort_unstable_by(|one, other| buffer[one.clone()].cmp(&buffer[other.clone()]));
    }

    fn write_run(&mut self) -> io::Result<()> {
        self.sort();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let start = file.seek(SeekFrom::End(0))?;
        let mut writer = BufWriter::new(&mut *file);
        for place in self.places.drain(..) {
            writer.write_all(&length(place.len())?)?;
            writer.write_all(&self.buffer[place])?;
        }
        writer.flush()?;
        drop(writer);
        self.runs.push(start..file.stream_position()?);
        self.buffer.clear();
        Ok(())
    }

    /// Returns the pieces in order.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        if self.file.is_some() && !self.places.is_empty() {
            self.write_run()?;
        }
        self.sort();
        let Self { buffer, places, file, runs } = self;
        let runs = runs.into_iter().map(|rest| Run { rest, buffer: Vec::new(), at: 0 }).collect();
        let mut sorted = Sorted { buffer, places: places.into_iter(), file, runs, next: BinaryHeap::new() };
        for run in 0..sorted.runs.len() {
            sorted.advance(run)?;
        }
        Ok(sorted)
    }
}

/// Returns the four bytes that say how long a piece is.
fn length(bytes: usize) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(bytes).map_err(io::Error::other)?.to_le_bytes())
}

/// Sorted pieces.
#[derive(Debug, Default)]
pub struct Sorted {
    buffer: Vec<u8>,
    places: std::vec::IntoIter<Range<usize>>,
    file: Option<File>,
    runs: Vec<Run>,
    /// The next piece of each run.
    next: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

/// A sorted part of the temporary file, of which a piece at a time is read.
#[derive(Debug)]
struct Run {
    rest: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
}

impl Run {
    /// Returns the next bytes.
    fn take(&mut self, file: &mut File, bytes: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.at < bytes {
            self.buffer.drain(..self.at);
            self.at = 0;
            let missing = (bytes - self.buffer.len()).max(READ_AT_ONCE) as u64;
            let some = missing.min(self.rest.end - self.rest.start);
            file.seek(SeekFrom::Start(self.rest.start))?;
            file.take(some).read_to_end(&mut self.buffer)?;
            self.rest.start += some;
        }
        self.at += bytes;
        self.buffer.get(self.at - bytes..self.at).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn next(&mut self, file: &mut File) -> io::Result<Option<Vec<u8>>> {
        if self.at == self.buffer.len() && self.rest.is_empty() {
            return Ok(None);
        }
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(file, 4)?);
        let length = usize::try_from(u32::from_le_bytes(bytes)).map_err(io::Error::other)?;
        Ok(Some(self.take(file, length)?.to_vec()))
    }
}

impl Sorted {
    fn advance(&mut self, run: usize) -> io::Result<()> {
        if let Some(file) = &mut self.file
            && let Some(piece) = self.runs[run].next(file)?
        {
            self.next.push(Reverse((piece, run)));
        }
        Ok(())
    }

    fn take_next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(Reverse((piece, run))) = self.next.pop() else {
            return Ok(self.places.next().map(|place| self.buffer[place].to_vec()));
        };
        self.advance(run)?;
        Ok(Some(piece))
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take_next().transpose()
    }
}

/// Records of files that are read again later, in the order in which they were added.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<SpooledTempFile>,
    count: usize,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: BufWriter::new(tempfile::spooled_tempfile(IN_MEMORY)), count: 0 }
    }
}

impl Spool {
    /// Returns the number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a record of the file at a place.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub fn push(&mut self, file: usize, record: &Record) -> io::Result<()> {
        self.count += 1;
        self.file.write_all(&length(file)?)?;
        self.file.write_all(&record.line.to_le_bytes())?;
        self.file.write_all(&length(record.cells.len())?)?;
        for cell in &record.cells {
            self.file.write_all(&length(cell.len())?)?;
            self.file.write_all(cell.as_bytes())?;
        }
        Ok(())
    }

    /// Returns the records, each with the place of its file.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn records(self) -> io::Result<Spooled> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Spooled { file: BufReader::new(file), left: self.count })
    }
}

/// The records of a [`Spool`].
#[derive(Debug)]
pub struct Spooled {
    file: BufReader<SpooledTempFile>,
    left: usize,
}

impl Spooled {
    fn number(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 4];
        self.file.read_exact(&mut bytes)?;
        usize::try_from(u32::from_le_bytes(bytes)).map_err(io::Error::other)
    }

    fn record(&mut self) -> io::Result<(usize, Record)> {
        let file = self.number()?;
        let mut line = [0; 8];
        self.file.read_exact(&mut line)?;
        let count = self.number()?;
        let mut cells = Vec::with_capacity(count);
        for _ in 0..count {
            let mut bytes = vec![0; self.number()?];
            self.file.read_exact(&mut bytes)?;
            cells.push(String::from_utf8(bytes).map_err(io::Error::other)?);
        }
        Ok((file, Record { line: u64::from_le_bytes(line), cells }))
    }
}

impl Iterator for Spooled {
    type Item = io::Result<(usize, Record)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.record())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_come_back_in_their_order() {
        let record =
            |line: u64, cells: &[&str]| Record { line, cells: cells.iter().map(|&cell| cell.into()).collect() };
        let records = [(1, record(9, &["ä", "", "x\ny"])), (0, record(2, &[])), (1, record(u64::MAX, &["z"]))];
        let mut spool = Spool::default();
        for (file, record) in &records {
            spool.push(*file, record).unwrap();
        }
        assert_eq!(spool.len(), 3);
        assert_eq!(spool.records().unwrap().collect::<io::Result<Vec<_>>>().unwrap(), records);
        assert!(Spool::default().records().unwrap().next().is_none());
    }

    proptest! {
        #[test]
        fn pieces_are_sorted_however_many_fit_into_memory(
            mut pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..60),
            most in 1_usize..3_000,
        ) {
            let mut sorter = Sorter::default();
            for piece in &pieces {
                sorter.push_within(piece, most).unwrap();
            }
            let found: Vec<Vec<u8>> = sorter.sorted().unwrap().collect::<io::Result<_>>().unwrap();
            pieces.sort();
            prop_assert_eq!(found, pieces);
        }
    }
}
