//! Splits the text of a document into tokens, as the specification's lexical grammar does.

use std::borrow::Cow;

use async_graphql::Pos;

use crate::error::{DocumentError, cut};

/// A token and where it begins.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    pub position: Pos,
    pub kind: TokenKind<'a>,
}

#[derive(Debug)]
pub(crate) enum TokenKind<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(char),
    /// `...`
    Spread,
    Name(&'a str),
    Int(&'a str),
    Float(&'a str),
    String {
        text: Cow<'a, str>,
        is_block: bool,
    },
    End,
}

impl TokenKind<'_> {
    /// Returns the token in words, for a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Punctuator(sign) => format!("`{sign}`"),
            Self::Spread => "`...`".to_owned(),
            Self::Name(name) => format!("`{}`", cut(name)),
            Self::Int(number) | Self::Float(number) => format!("the number {}", cut(number)),
            Self::String { .. } => "a string".to_owned(),
            Self::End => "the end of the document".to_owned(),
        }
    }
}

/// A reader of tokens.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    /// The number of bytes that are read.
    at: usize,
    /// The position of `counted`, from which later ones are counted.
    position: Pos,
    counted: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, position: Pos { line: 1, column: 1 }, counted: 0 }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Returns the line and column of a byte at or after the last one that was asked for. A column is a character.
    fn position(&mut self, at: usize) -> Pos {
        let bytes = self.text.as_bytes();
        while self.counted < at {
            match bytes[self.counted] {
                b'\r' if bytes.get(self.counted + 1) == Some(&b'\n') => {}
                b'\n' | b'\r' => self.position = Pos { line: self.position.line + 1, column: 1 },
                // All but the first byte of a character.
                0x80..=0xBF => {}
                _ => self.position.column += 1,
            }
            self.counted += 1;
        }
        self.position
    }

    fn error(&mut self, message: impl Into<String>, at: usize) -> DocumentError {
        let position = self.position(at);
        DocumentError::syntax(message, position)
    }

    /// Reads the next token.
    pub fn next(&mut self) -> Result<Token<'a>, DocumentError> {
        self.skip_ignored();
        let start = self.at;
        let position = self.position(start);
        let kind = match self.byte(start) {
            None => TokenKind::End,
            Some(sign @ (b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}')) => {
                self.at += 1;
                TokenKind::Punctuator(char::from(sign))
            }
            Some(b'.') if self.text[start..].starts_with("...") => {
                self.at += 3;
                TokenKind::Spread
            }
            Some(b'"') if self.text[start..].starts_with("\"\"\"") => self.block_string()?,
            Some(b'"') => self.string()?,
            Some(b'0'..=b'9' | b'-') => self.number()?,
            Some(first) if is_name_start(first) => {
                self.skip_while(is_name_continue);
                TokenKind::Name(&self.text[start..self.at])
            }
            Some(b'\'') => {
                return Err(self.error("A string must be in double quotes; found a single one.", start));
            }
            Some(_) => {
                let message = format!("Unexpected character {}.", self.describe(start));
                return Err(self.error(message, start));
            }
        };
        Ok(Token { position, kind })
    }

    fn skip_while(&mut self, mut test: impl FnMut(u8) -> bool) {
        while self.byte(self.at).is_some_and(&mut test) {
            self.at += 1;
        }
    }

    fn skip_ignored(&mut self) {
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b' ' | b'\t' | b',' | b'\n' | b'\r' => self.at += 1,
                b'#' => self.skip_while(|byte| !matches!(byte, b'\n' | b'\r')),
                0xEF if self.text[self.at..].starts_with('\u{FEFF}') => self.at += 3,
                _ => break,
            }
        }
    }

    /// Returns the character at a byte, for a message.
    fn describe(&self, at: usize) -> String {
        match self.text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(character) if character.is_ascii_graphic() => format!("`{character}`"),
            Some(character) => format!("U+{:04X}", u32::from(character)),
            None => "the end of the document".to_owned(),
        }
    }

    fn digits(&mut self) -> Result<(), DocumentError> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.at == start {
            let message = format!("A number needs a digit here; found {}.", self.describe(start));
            return Err(self.error(message, start));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<TokenKind<'a>, DocumentError> {
        let start = self.at;
        let mut is_float = false;
        if self.byte(self.at) == Some(b'-') {
            self.at += 1;
        }
        let first = self.at;
        self.digits()?;
        if self.byte(first) == Some(b'0') && self.at > first + 1 {
            return Err(self.error("A number must not begin with 0 and another digit.", first));
        }
        if self.byte(self.at) == Some(b'.') {
            is_float = true;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(self.at), Some(b'e' | b'E')) {
            is_float = true;
            self.at += 1;
            if matches!(self.byte(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if self.byte(self.at).is_some_and(|next| next == b'.' || is_name_start(next)) {
            let message = format!("A number must not be followed by {}.", self.describe(self.at));
            return Err(self.error(message, self.at));
        }
        let text = &self.text[start..self.at];
        Ok(if is_float { TokenKind::Float(text) } else { TokenKind::Int(text) })
    }

    fn string(&mut self) -> Result<TokenKind<'a>, DocumentError> {
        let start = self.at;
        self.at += 1;
        let mut chunk = self.at;
        let mut unescaped = String::new();
        loop {
            match self.byte(self.at) {
                Some(b'"') => {
                    let rest = &self.text[chunk..self.at];
                    self.at += 1;
                    let text = if unescaped.is_empty() {
                        Cow::Borrowed(rest)
                    } else {
                        unescaped.push_str(rest);
                        Cow::Owned(unescaped)
                    };
                    return Ok(TokenKind::String { text, is_block: false });
                }
                Some(b'\\') => {
                    unescaped.push_str(&self.text[chunk..self.at]);
                    let escaped = self.escape()?;
                    unescaped.push(escaped);
                    chunk = self.at;
                }
                Some(b'\n' | b'\r') | None => {
                    return Err(self.error("This string has no end: its closing quote is missing.", start));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// Reads an escape sequence.
    fn escape(&mut self) -> Result<char, DocumentError> {
        let start = self.at;
        let plain = match self.byte(start + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(sign @ (b'"' | b'\\' | b'/')) => char::from(sign),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => {
                let found = self.describe(start + 1);
                let message = format!(
                    "A string has no escape sequence with {found}; a backslash is followed by one of \" \\ / b f n r t u."
                );
                return Err(self.error(message, start));
            }
        };
        self.at += 2;
        Ok(plain)
    }

    /// Reads `\u{1F600}`, `\u00e9` or the surrogate pair `\ud83d\ude00`.
    fn unicode_escape(&mut self) -> Result<char, DocumentError> {
        let start = self.at;
        if self.byte(start + 2) == Some(b'{') {
            let digits = &self.text.as_bytes()[start + 3..];
            // Eight digits are more than any character needs; leading zeros are allowed.
            let length = digits.iter().take(8).take_while(|digit| digit.is_ascii_hexdigit()).count();
            let value = self.text.get(start + 3..start + 3 + length).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            let character = value.and_then(char::from_u32).filter(|_| digits.get(length) == Some(&b'}'));
            if let Some(character) = character {
                self.at = start + 4 + length;
                return Ok(character);
            }
        } else if let Some(first) = self.four_digits(start) {
            if let Some(character) = char::from_u32(first) {
                self.at = start + 6;
                return Ok(character);
            }
            if (0xD800..0xDC00).contains(&first)
                && let Some(second @ 0xDC00..0xE000) = self.four_digits(start + 6)
                && let Some(character) = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            {
                self.at = start + 12;
                return Ok(character);
            }
        }
        Err(self.error(
            "This is no character: an escape is written `\\u00e9` or `\\u{1F600}`, or as a pair of surrogates.",
            start,
        ))
    }

    /// Returns the number in the four hexadecimal digits of the escape at `start`.
    fn four_digits(&self, start: usize) -> Option<u32> {
        let hex = self.text.get(start..start + 6)?.strip_prefix("\\u")?;
        // `from_str_radix` would accept a sign.
        hex.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(hex, 16).ok())?
    }

    fn block_string(&mut self) -> Result<TokenKind<'a>, DocumentError> {
        let start = self.at;
        self.at += 3;
        let mut chunk = self.at;
        let mut raw = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            if rest.starts_with(b"\"\"\"") {
                raw.push_str(&self.text[chunk..self.at]);
                self.at += 3;
                return Ok(TokenKind::String { text: Cow::Owned(block_text(&raw)), is_block: true });
            }
            if rest.starts_with(b"\\\"\"\"") {
                raw.push_str(&self.text[chunk..self.at]);
                raw.push_str("\"\"\"");
                self.at += 4;
                chunk = self.at;
            } else if rest.is_empty() {
                return Err(self.error("This block string has no end: its closing \"\"\" is missing.", start));
            } else {
                self.at += 1;
            }
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_name_continue(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns the text of a block string: without the common indentation and without blank lines at its start and end.
fn block_text(raw: &str) -> String {
    let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_blank = |line: &str| indent(line) == line.len();
    let lines: Vec<&str> = raw.split('\n').collect();
    let common = lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    let first = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !is_blank(line)).map_or(first, |last| last + 1);
    let kept = lines.iter().enumerate().take(last).skip(first);
    let dedented = kept.map(|(number, line)| if number == 0 { line } else { line.get(common..).unwrap_or("") });
    dedented.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(source: &str) -> Result<String, DocumentError> {
        match Lexer::new(source).next()?.kind {
            TokenKind::String { text, .. } => Ok(text.into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_way_to_write_a_character_is_read() {
        for (source, text) in [
            (r#""""#, ""),
            (r#""plain""#, "plain"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e9 \ud83d\ude00 \uD83D\uDE00 \u{1F600} \u{00000041}""#, "é 😀 😀 😀 A"),
            ("\"😀 \u{7} \u{0}\"", "😀 \u{7} \u{0}"),
            (r#""a\nb\u0041c""#, "a\nbAc"),
        ] {
            assert_eq!(string(source).as_deref(), Ok(text), "{source}");
        }
    }

    #[test]
    fn what_is_no_character_is_refused_at_its_place() {
        for (source, column) in [
            (r#""\ud83d""#, 2),
            (r#""a\ude00""#, 3),
            (r#""\ud83d\u0041""#, 2),
            (r#""\ud83dx\ude00""#, 2),
            (r#""\u{d83d}\u{de00}""#, 2),
            (r#""\u{110000}""#, 2),
            (r#""\u{}""#, 2),
            (r#""\u{000000041}""#, 2),
            (r#""\u{41""#, 2),
            (r#""\u+041""#, 2),
            (r#""\u00g0""#, 2),
            (r#""\u00""#, 2),
            (r#""\x""#, 2),
            (r#""\"#, 2),
            ("\"open", 1),
            ("\"line\nline\"", 1),
            ("\"\"\"open\"\"", 1),
        ] {
            let error = string(source).unwrap_err();
            assert_eq!(error.positions, [Pos { line: 1, column }], "{source}");
        }
    }

    #[test]
    fn a_block_string_loses_its_indentation() {
        for (raw, text) in [
            ("", ""),
            ("one", "one"),
            ("\n    one\n      two\n\n    three\n  ", "one\n  two\n\nthree"),
            ("  first\n    second", "  first\nsecond"),
            ("\r\n a\r b\n", "a\nb"),
            ("\n\n \t\n", ""),
            ("\n\tx\n  \n\ty", "x\n \ny"),
            (" \\\"\"\" \\n ", " \"\"\" \\n "),
        ] {
            assert_eq!(string(&format!("\"\"\"{raw}\"\"\"")).as_deref(), Ok(text), "{raw:?}");
        }
    }

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        for source in ["0", "-0", "12", "-7", "99999999999999999999"] {
            assert!(matches!(Lexer::new(source).next().unwrap().kind, TokenKind::Int(text) if text == source));
        }
        for source in ["0.0", "-1.50", "1e5", "1E+5", "2.5e-10", "1e400"] {
            assert!(matches!(Lexer::new(source).next().unwrap().kind, TokenKind::Float(text) if text == source));
        }
        for source in ["00", "01", "-01", "-", "1.", "1.e5", "1e", "1e+", ".5", "1.2.3", "1a", "1_", "0x1", "+1"] {
            assert!(Lexer::new(source).next().is_err(), "{source}");
        }
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let mut lexer = Lexer::new("\u{feff}a\r\n  é\"".trim_end_matches('"'));
        assert_eq!(lexer.next().unwrap().position, Pos { line: 1, column: 2 });
        assert_eq!(lexer.next().unwrap_err().positions, [Pos { line: 2, column: 3 }]);
        let mut lexer = Lexer::new("a\rb \"😀\" c\n\n# d\n  e");
        let mut at = Vec::new();
        loop {
            let token = lexer.next().unwrap();
            at.push((token.position.line, token.position.column));
            if matches!(token.kind, TokenKind::End) {
                break;
            }
        }
        assert_eq!(at, [(1, 1), (2, 1), (2, 3), (2, 7), (5, 3), (5, 4)]);
    }
}
