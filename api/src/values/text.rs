//! Text as it is kept: trimmed, in NFC; and as it is ordered and searched: folded.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// Trims and composes (NFC).
///
/// # Errors
/// A sentence where the text holds a control character other than tab and line feed, or nothing visible.
pub fn tidy(text: &str) -> Result<String, String> {
    // Windows ends lines with CR LF, and old Macs with CR.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(wrong) = text.chars().find(|&char| char.is_control() && char != '\t' && char != '\n') {
        return Err(format!(
            "Control characters are not allowed but tab and line feed; there is U+{:04X}.",
            wrong as u32
        ));
    }
    let tidied = ComposingNormalizerBorrowed::new_nfc().normalize(text.trim()).into_owned();
    if !tidied.is_empty() && !is_visible(&tidied) {
        return Err("This has no visible character.".to_owned());
    }
    Ok(tidied)
}

/// Whether a text has a visible character.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    text.chars().any(|char| !char.is_whitespace() && !char.is_control() && !is_ignorable(char))
}

/// Whether a character is one that shows nothing by itself (Unicode's Default_Ignorable_Code_Point, and the blank
/// Braille pattern).
fn is_ignorable(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a text holds a character that changes the direction of what follows.
#[must_use]
pub fn has_direction_control(text: &str) -> bool {
    text.chars().any(
        |char| matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'),
    )
}

/// A text as it may be compared with stored ones. No stored text has control characters but tab and line feed, and
/// PostgreSQL takes no NUL even to compare with; another control character matches as little.
#[must_use]
pub fn comparable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{1}")) } else { Cow::Borrowed(text) }
}

/// The form that names are ordered and searched by: NFKC with case folded, the same on both databases.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let folded = CaseMapper::new().fold_string(&nfkc.normalize(text)).into_owned();
    nfkc.normalize(&folded).into_owned()
}

/// Returns the internet domain in an address, in its Unicode form by UTS 46: `https://www.Acme.com/x` is `acme.com`, and
/// `xn--bcher-kva.example` is `bücher.example`.
///
/// # Errors
/// A sentence where there is no domain in it.
pub fn domain(text: &str) -> Result<String, String> {
    let text = without_ignorables(&tidy(text)?);
    let lower = text.to_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    host_name(host.trim_end_matches('.')).ok_or_else(|| "A domain is a host name like acme.com.".to_owned())
}

/// Returns the Unicode form of a host name of at least two labels by UTS 46; None where it is none.
fn host_name(host: &str) -> Option<String> {
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(host.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()
        .filter(|ascii| ascii.contains('.'))?;
    let (unicode, valid) = uts46.to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    valid.ok()?;
    Some(unicode.into_owned())
}

/// Takes the characters out that show nothing, which copying and pasting leaves in addresses.
fn without_ignorables(text: &str) -> String {
    // Joiners belong to the spelling of some scripts, and UTS 46 checks where.
    text.chars().filter(|char| matches!(char, '\u{200c}' | '\u{200d}') || !is_ignorable(*char)).collect()
}

/// Returns an e-mail address in lower case, with its domain in its Unicode form.
///
/// # Errors
/// A sentence where it is none.
pub fn email(text: &str) -> Result<String, String> {
    let lower = without_ignorables(&tidy(text)?).to_lowercase();
    let wrong = || "An e-mail address is like ann@acme.com, of at most 254 characters.".to_owned();
    let (local, host) = lower.rsplit_once('@').ok_or_else(wrong)?;
    let blank = lower.chars().any(|char| char.is_whitespace() || "<>(),;:\\\"[]".contains(char));
    let joined = local.contains(['\u{200c}', '\u{200d}']);
    let host = if host == "localhost" { host.to_owned() } else { host_name(host).ok_or_else(wrong)? };
    if local.is_empty() || local.len() > 64 || lower.len() > 254 || blank || joined || local.contains('@') {
        return Err(wrong());
    }
    Ok(format!("{local}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_composed() {
        assert_eq!(tidy("  Cafe\u{301} \r\n"), Ok("Café".to_owned()));
        assert_eq!(tidy("a\tb\nc"), Ok("a\tb\nc".to_owned()));
        assert_eq!(tidy("👩‍👩‍👧 שלום"), Ok("👩‍👩‍👧 שלום".to_owned()));
        assert!(tidy("a\0b").is_err());
        for invisible in ["\u{200b}", "\u{2060} \u{ad}", "\u{3164}", "\u{feff}"] {
            assert!(tidy(invisible).unwrap_err().contains("no visible character"), "{invisible:?}");
        }
        assert_eq!(tidy("  "), Ok(String::new()));
        assert!(has_direction_control("a\u{202e}b") && !has_direction_control("שלום"));
        assert!(tidy("a\u{7f}").is_err());
    }

    #[test]
    fn folding_ignores_case_and_width() {
        assert_eq!(fold("STRASSE"), fold("Straße"));
        assert_eq!(fold("ＡＣＭＥ"), "acme");
        assert_eq!(fold("Ångström"), fold("A\u{30a}NGSTRO\u{308}M"));
    }

    #[test]
    fn domains_are_found_in_addresses() {
        for text in
            ["https://www.Acme.com/x", "ACME.com", "acme.com.", "http://user@acme.com:80/?q#f", " www.acme.com "]
        {
            assert_eq!(domain(text), Ok("acme.com".to_owned()), "{text}");
        }
        for text in ["", "acme", "a b.com", "-a.com", "https://", ".com", "acme..com"] {
            assert!(domain(text).is_err(), "{text}");
        }
        assert_eq!(domain("bücher.de"), Ok("bücher.de".to_owned()));
        for (text, stored) in [
            ("xn--bcher-kva.example", "bücher.example"),
            ("BÜCHER.example", "bücher.example"),
            ("हिन्दी.भारत", "हिन्दी.भारत"),
            ("ร้าน.ไทย", "ร้าน.ไทย"),
            ("acme\u{200b}.com", "acme.com"),
            ("ａｃｍｅ.com", "acme.com"),
        ] {
            assert_eq!(domain(text), Ok(stored.to_owned()), "{text}");
        }
    }

    #[test]
    fn addresses_are_lower_cased() {
        for text in [" Ann@Acme.COM ", "ann\u{200b}@acme.com", "\u{feff}ann@acme.com"] {
            assert_eq!(email(text), Ok("ann@acme.com".to_owned()), "{text:?}");
        }
        assert_eq!(email("ann@xn--bcher-kva.example"), Ok("ann@bücher.example".to_owned()));
        assert_eq!(email("ann@www.acme.com"), Ok("ann@www.acme.com".to_owned()));
        for text in ["", "ann", "@acme.com", "ann@", "ann@acme", "a b@acme.com", "annacme.com", "<ann@acme.com>"] {
            assert!(email(text).is_err(), "{text}");
        }
    }
}
