//! Which encoding a file has: by its byte order mark, else as declared, else as UTF-16 by its zeros, as UTF-8 where it is
//! valid, or as Windows-1252 where a detector is sure.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::read::Refusal;

/// Bytes at the beginning of a file that say whether it is UTF-16.
const HEAD: usize = 400;

/// Returns the encoding that a file's first bytes or a declaration determine, the length of its byte order mark, and whether it
/// was only detected. None where the whole file decides.
#[must_use]
pub fn known(head: &[u8], given: Option<&'static Encoding>) -> Option<(&'static Encoding, usize, bool)> {
    match (Encoding::for_bom(head), given) {
        (Some((encoding, length)), _) => Some((encoding, length, false)),
        (None, Some(encoding)) => Some((encoding, 0, false)),
        (None, None) => utf_16_by_its_zeros(head).map(|encoding| (encoding, 0, true)),
    }
}

/// Decodes a file's bytes. Returns the encoding too where it was guessed.
///
/// # Errors
/// A [`Refusal`] naming the file, and the line where there is one.
pub fn decode(
    file: &str,
    bytes: &[u8],
    given: Option<&'static Encoding>,
) -> Result<(String, Option<&'static str>), Refusal> {
    refuse_workbook(file, bytes)?;
    let (encoding, body, guessed) = match known(bytes, given) {
        Some((encoding, mark, guessed)) => (encoding, &bytes[mark..], guessed.then(|| encoding.name())),
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, bytes, None),
        None => {
            let mut detector = Detector::default();
            detector.feed(bytes);
            detector.surely_western(file)?;
            (WINDOWS_1252, bytes, Some(WINDOWS_1252.name()))
        }
    };
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
        return Ok((text.into_owned(), guessed));
    }
    let (lossy, _) = encoding.decode_without_bom_handling(body);
    let before = lossy.split('\u{FFFD}').next().unwrap_or_default();
    Err(not_of(file, 1 + before.matches('\n').count() as u64, encoding))
}

/// Returns the refusal of a file that is not of the encoding that was declared.
#[must_use]
pub fn not_of(file: &str, line: u64, encoding: &'static Encoding) -> Refusal {
    Refusal(format!(
        "{file}, line {line}: is not {}; name the right one with --encoding, such as windows-1252",
        encoding.name()
    ))
}

/// Refuses workbooks of formats that are not read.
///
/// # Errors
/// The bytes begin as a workbook does.
pub fn refuse_workbook(file: &str, head: &[u8]) -> Result<(), Refusal> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(Refusal(format!(
            "{file}: is a workbook of another format than .xlsx; save it as .xlsx or CSV first"
        )));
    }
    Ok(())
}

/// Text of mostly Latin letters has a zero in every second byte of UTF-16.
fn utf_16_by_its_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let enough = head.len() / 4;
    match (zeros(0), zeros(1)) {
        (0, late) if late > enough => Some(UTF_16LE),
        (early, 0) if early > enough => Some(UTF_16BE),
        _ => None,
    }
}

/// Finds out whether a file that is not UTF-8 is surely Windows-1252. It sees all bytes of the file, a part at a time.
pub struct Detector {
    detector: EncodingDetector,
    /// The bytes beyond ASCII that occur.
    seen: [bool; 128],
}

impl Default for Detector {
    fn default() -> Self {
        Self { detector: EncodingDetector::new(Iso2022JpDetection::Deny), seen: [false; 128] }
    }
}

impl Detector {
    /// Looks at the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.detector.feed(bytes, false);
        if !bytes.is_ascii() {
            for byte in bytes.iter().filter(|byte| !byte.is_ascii()) {
                self.seen[usize::from(byte & 0x7f)] = true;
            }
        }
    }

    /// Refuses bytes that may well be of another encoding than Windows-1252.
    ///
    /// # Errors
    /// A [`Refusal`] that names the other encoding.
    pub fn surely_western(mut self, file: &str) -> Result<(), Refusal> {
        self.detector.feed(b"", true);
        // The detector is sure where no hint at a country changes its mind, or where another encoding gives the same text.
        let hints: [Option<&[u8]>; 5] = [None, Some(b"com"), Some(b"pl"), Some(b"cz"), Some(b"tr")];
        let mut guesses = hints.into_iter().map(|hint| self.detector.guess(hint, Utf8Detection::Deny));
        match guesses.find(|&guess| guess != WINDOWS_1252 && !self.same_text(guess)) {
            None => Ok(()),
            Some(rival) => Err(Refusal(format!(
                "{file}: is not UTF-8, and its encoding is not certain; it may be {}. Name the right one with --encoding, \
                 such as windows-1252, windows-1250 or shift_jis",
                rival.name()
            ))),
        }
    }

    /// Whether all bytes that occur mean the same letters in another encoding as in Windows-1252.
    fn same_text(&self, other: &'static Encoding) -> bool {
        let letter =
            |encoding: &'static Encoding, byte: u8| encoding.decode_without_bom_handling(&[byte]).0.into_owned();
        let mut bytes = (0x80_u8..=0xff).zip(self.seen).filter(|(_, seen)| *seen).map(|(byte, _)| byte);
        other.is_single_byte() && bytes.all(|byte| letter(other, byte) == letter(WINDOWS_1252, byte))
    }
}
