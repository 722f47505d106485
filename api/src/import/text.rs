//! A file as UTF-8 text, decoded a part at a time, with the numbers of its lines and a watch on its quotes.

use std::collections::VecDeque;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, WINDOWS_1252};

use super::encoding::{self, Detector};
use super::read::Refusal;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Bytes that a quoted cell may have. A longer one is taken for a quote that is never closed.
const LONGEST_CELL: u64 = 16 << 20;

/// A file as UTF-8 text.
pub struct Text<R> {
    file: String,
    input: R,
    decoding: Decoding,
    /// Decoded bytes, of which the first `served` were read.
    ready: Vec<u8>,
    served: usize,
    is_at_end: bool,
    /// Whether the bytes after the decoded ones are not of the declared encoding.
    is_broken: bool,
    lines: LineStarts,
    quotes: Option<Quotes>,
}

/// How bytes become text.
enum Decoding {
    /// As a known encoding has it.
    Known(&'static Encoding, Box<Decoder>),
    /// As UTF-8, and as Windows-1252 where they are not UTF-8. Only the end of the file shows which of both it is.
    Assumed(Box<Assumed>),
}

#[derive(Default)]
struct Assumed {
    /// Bytes at the end of a part that may begin a letter.
    rest: Vec<u8>,
    detector: Detector,
    is_utf_8: bool,
    has_letters: bool,
}

/// What the end of a file says of the encoding that was assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The text was read as it is.
    Right,
    /// It is Windows-1252, and was read so.
    Western,
    /// It is Windows-1252, and some of it was read as UTF-8: it is to be read again.
    ReadAgain,
}

impl<R: Read> Text<R> {
    /// Begins to read a file, of which the beginning was read already, with the encoding that is declared, if one is.
    /// Returns the encoding too where it was detected.
    ///
    /// # Errors
    /// A [`Refusal`]: the file cannot be read, or is a workbook.
    pub fn open(
        file: &str,
        head: &[u8],
        input: R,
        given: Option<&'static Encoding>,
    ) -> Result<(Self, Option<&'static str>), Refusal> {
        encoding::refuse_workbook(file, head)?;
        let mut body = head;
        let (decoding, guessed) = match encoding::known(head, given) {
            Some((encoding, mark, guessed)) => {
                body = &head[mark..];
                let decoder = Box::new(encoding.new_decoder_without_bom_handling());
                (Decoding::Known(encoding, decoder), guessed.then(|| encoding.name()))
            }
            None => (Decoding::Assumed(Box::new(Assumed { is_utf_8: true, ..Assumed::default() })), None),
        };
        let mut text = Self {
            file: file.to_owned(),
            input,
            decoding,
            ready: Vec::new(),
            served: 0,
            is_at_end: false,
            is_broken: false,
            lines: LineStarts::default(),
            quotes: None,
        };
        text.decode(body, false);
        if text.ready.is_empty() {
            text.fill().map_err(|error| Refusal(format!("{file}: cannot be read: {error}")))?;
        }
        Ok((text, guessed))
    }

    /// Returns the text at the beginning, as far as it is decoded.
    #[must_use]
    pub fn head(&self) -> &str {
        let head = &self.ready[self.served..];
        std::str::from_utf8(head)
            .unwrap_or_else(|error| std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default())
    }

    /// Returns what was not read of the file.
    pub fn into_input(self) -> R {
        self.input
    }

    /// Leaves out the first line, which has these many bytes with its end.
    pub fn skip_line(&mut self, bytes: usize) {
        self.served += bytes;
        self.lines.line += 1;
    }

    /// Refuses cells whose quotes are never closed, from here on.
    pub fn watch_quotes(&mut self, delimiter: u8) {
        self.quotes = Some(Quotes { delimiter, state: In::Start, opened: 0, since: 0 });
    }

    /// Returns the number of the line of a record that begins at or after this byte, and forgets the lines before it.
    pub fn line_at(&mut self, from: u64) -> u64 {
        self.lines.at(from)
    }

    /// Returns what the end of the file says of its encoding.
    ///
    /// # Errors
    /// A [`Refusal`] where it may be one of several.
    pub fn verdict(self) -> Result<Verdict, Refusal> {
        let Decoding::Assumed(assumed) = self.decoding else { return Ok(Verdict::Right) };
        if assumed.is_utf_8 {
            return Ok(Verdict::Right);
        }
        assumed.detector.surely_western(&self.file)?;
        Ok(if assumed.has_letters { Verdict::ReadAgain } else { Verdict::Western })
    }

    /// Decodes the next part of the file.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.served = 0;
        let mut part = vec![0; CHUNK];
        while self.ready.is_empty() && !self.is_at_end && !self.is_broken {
            let length = self.input.read(&mut part)?;
            self.is_at_end = length == 0;
            self.decode(&part[..length], length == 0);
        }
        Ok(())
    }

    fn decode(&mut self, part: &[u8], is_last: bool) {
        match &mut self.decoding {
            Decoding::Known(_, decoder) => {
                let start = self.ready.len();
                let most = decoder.max_utf8_buffer_length_without_replacement(part.len()).unwrap_or(4 * CHUNK);
                self.ready.resize(start + most, 0);
                let (result, _, written) =
                    decoder.decode_to_utf8_without_replacement(part, &mut self.ready[start..], is_last);
                self.ready.truncate(start + written);
                self.is_broken |= matches!(result, DecoderResult::Malformed(..));
            }
            Decoding::Assumed(assumed) => assumed.decode(part, is_last, &mut self.ready),
        }
    }

    fn next_part(&mut self, into: &mut [u8]) -> Result<usize, String> {
        if self.served == self.ready.len() {
            self.fill().map_err(|error| format!("{}: cannot be read: {error}", self.file))?;
        }
        let left = &self.ready[self.served..];
        if left.is_empty() {
            if let Decoding::Known(encoding, _) = &self.decoding
                && self.is_broken
            {
                return Err(encoding::not_of(&self.file, self.lines.line, encoding).0);
            }
            if let Some(line) = self.quotes.as_ref().and_then(Quotes::open_since) {
                return Err(format!(
                    "{}, line {line}: a quoted cell opens here and is never closed; the file seems to be cut off",
                    self.file
                ));
            }
            return Ok(0);
        }
        let length = left.len().min(into.len());
        into[..length].copy_from_slice(&left[..length]);
        self.served += length;
        for byte in &into[..length] {
            if let Some(quotes) = &mut self.quotes {
                quotes.note(*byte, self.lines.line, self.lines.offset);
            }
            self.lines.note(*byte);
        }
        match self.quotes.as_ref().filter(|quotes| quotes.is_too_long(self.lines.offset)) {
            None => Ok(length),
            Some(quotes) => Err(format!(
                "{}, line {}: a quoted cell opens here and does not end within {} MB; is a quote missing?",
                self.file,
                quotes.opened,
                LONGEST_CELL >> 20
            )),
        }
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.next_part(into).map_err(io::Error::other)
    }
}

impl Assumed {
    fn decode(&mut self, part: &[u8], is_last: bool, into: &mut Vec<u8>) {
        self.detector.feed(part);
        let whole;
        let mut rest = part;
        if !self.rest.is_empty() {
            whole = [std::mem::take(&mut self.rest).as_slice(), part].concat();
            rest = &whole;
        }
        loop {
            let (good, bad) = match std::str::from_utf8(rest) {
                Ok(_) => (rest, None),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    (good, Some((bad, error.error_len())))
                }
            };
            self.has_letters |= !good.is_ascii();
            into.extend_from_slice(good);
            let Some((bad, length)) = bad else { return };
            let Some(length) = length.or_else(|| is_last.then_some(bad.len())) else {
                self.rest = bad.to_vec();
                return;
            };
            self.is_utf_8 = false;
            let (western, after) = bad.split_at(length);
            into.extend_from_slice(WINDOWS_1252.decode_without_bom_handling(western).0.as_bytes());
            rest = after;
        }
    }
}

/// The places at which lines begin that are not empty, from the last record on.
struct LineStarts {
    starts: VecDeque<(u64, u64)>,
    /// The number of bytes so far.
    offset: u64,
    /// The number of the line after them, from 1.
    line: u64,
    is_at_start: bool,
    last: u8,
}

impl Default for LineStarts {
    fn default() -> Self {
        Self { starts: VecDeque::new(), offset: 0, line: 1, is_at_start: true, last: 0 }
    }
}

impl LineStarts {
    fn note(&mut self, byte: u8) {
        match byte {
            // The end of a line was noted with the carriage return.
            b'\n' if self.last == b'\r' => {}
            b'\n' | b'\r' => {
                self.line += 1;
                self.is_at_start = true;
            }
            _ if self.is_at_start => {
                self.starts.push_back((self.offset, self.line));
                self.is_at_start = false;
            }
            _ => {}
        }
        self.last = byte;
        self.offset += 1;
    }

    fn at(&mut self, from: u64) -> u64 {
        while self.starts.front().is_some_and(|(start, _)| *start < from) {
            self.starts.pop_front();
        }
        self.starts.front().map_or(self.line, |(_, line)| *line)
    }
}

/// Where the text stands with regard to quotes. The csv crate takes a cell as complete that is still open at the end of
/// the file.
struct Quotes {
    delimiter: u8,
    state: In,
    /// The line on which the last quoted cell opened.
    opened: u64,
    /// The byte at which it opened.
    since: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum In {
    Start,
    Bare,
    Quoted,
    AfterQuote,
}

impl Quotes {
    fn note(&mut self, byte: u8, line: u64, offset: u64) {
        self.state = match (self.state, byte) {
            (In::Quoted, b'"') => In::AfterQuote,
            (In::Quoted, _) | (In::AfterQuote, b'"') => In::Quoted,
            (In::Start, b'"') => {
                (self.opened, self.since) = (line, offset);
                In::Quoted
            }
            (_, b'\n' | b'\r') => In::Start,
            (_, byte) if byte == self.delimiter => In::Start,
            _ => In::Bare,
        };
    }

    fn open_since(&self) -> Option<u64> {
        (self.state == In::Quoted).then_some(self.opened)
    }

    fn is_too_long(&self, offset: u64) -> bool {
        self.state == In::Quoted && offset - self.since > LONGEST_CELL
    }
}
