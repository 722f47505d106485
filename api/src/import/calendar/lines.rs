//! The lines of a calendar. A folded line may break inside a letter of several bytes, so octets are put together before
//! they are decoded.

use std::path::Path;

use encoding_rs::Encoding;

use crate::import::encoding::decode;
use crate::import::read::Refusal;

/// The lines of a calendar as they are meant, each with the number of the one that it starts on. Empty lines are left out.
#[derive(Debug)]
pub struct Lines {
    text: String,
    numbers: Vec<u64>,
}

impl Lines {
    /// Reads a file.
    ///
    /// # Errors
    /// A [`Refusal`] naming the file, and the line where there is one.
    pub fn read(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self, Refusal> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Refusal(format!("{file}: cannot be read: {error}")))?;
        // UTF-16 has line breaks of two bytes.
        if bytes.iter().take(400).any(|byte| *byte == 0) || matches!(bytes.get(..2), Some([0xFE, 0xFF] | [0xFF, 0xFE]))
        {
            let (text, _) = decode(&file, &bytes, encoding)?;
            return Ok(Self::of(text.as_bytes()));
        }
        let (bytes, numbers) = unfold(&bytes);
        let (text, _) = decode(&file, &bytes, encoding)?;
        Ok(Self { text, numbers })
    }

    /// Takes the lines of UTF-8 text.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let (bytes, numbers) = unfold(bytes);
        Self { text: String::from_utf8_lossy(&bytes).into_owned(), numbers }
    }

    /// Returns the lines, joined by line feeds.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the lines with their numbers, from 1.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        self.numbers.iter().copied().zip(self.text.split('\n'))
    }
}

/// Puts folded lines together, and returns the lines joined by line feeds, with the number of the line that each starts
/// on.
fn unfold(bytes: &[u8]) -> (Vec<u8>, Vec<u64>) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let (mut text, mut numbers): (Vec<u8>, Vec<u64>) = (Vec::with_capacity(bytes.len()), Vec::new());
    let mut number = 0;
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").unwrap_or_else(|| after.get(1..).unwrap_or_default());
        number += 1;
        match line.first() {
            Some(b' ' | b'\t') if !numbers.is_empty() => text.extend_from_slice(&line[1..]),
            _ if line.iter().all(u8::is_ascii_whitespace) => {}
            _ => {
                if !numbers.is_empty() {
                    text.push(b'\n');
                }
                text.extend_from_slice(line);
                numbers.push(number);
            }
        }
    }
    (text, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_put_together_and_counted_where_they_start() {
        let lines = Lines::of(b"\xEF\xBB\xBFA\r\n b\r\n\r\n\tc\nD\n");
        assert_eq!(lines.iter().collect::<Vec<_>>(), [(1, "Abc"), (5, "D")]);
        let old = Lines::of(b"A\r b\rD");
        assert_eq!(old.iter().collect::<Vec<_>>(), [(1, "Ab"), (3, "D")]);
    }

    #[test]
    fn a_line_may_be_folded_inside_a_letter() {
        let lines = Lines::of(b"SUMMARY:Caf\xC3\r\n \xA9\r\n");
        assert_eq!(lines.iter().collect::<Vec<_>>(), [(1, "SUMMARY:Café")]);
    }
}
