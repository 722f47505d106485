//! Text as it is kept: trimmed, in NFC; and as it is ordered and searched: folded.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

/// Trims and composes (NFC).
///
/// # Errors
/// A sentence where it holds a control character other than tab and line feed.
pub fn tidy(text: &str) -> Result<String, String> {
    // What Windows and old Macs end lines with is a line feed.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(wrong) = text.chars().find(|&char| char.is_control() && char != '\t' && char != '\n') {
        return Err(format!(
            "Control characters are not allowed but tab and line feed; there is U+{:04X}.",
            wrong as u32
        ));
    }
    Ok(ComposingNormalizerBorrowed::new_nfc().normalize(text.trim()).into_owned())
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

/// An internet domain out of what people write for one: `https://www.Acme.com/x` is `acme.com`.
///
/// # Errors
/// A sentence where no domain can be made out.
pub fn domain(text: &str) -> Result<String, String> {
    let lower = tidy(text)?.to_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host).trim_end_matches('.');
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().count() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|char| char.is_alphanumeric() || char == '-')
    };
    if host.len() <= 253 && host.contains('.') && host.split('.').all(label) {
        Ok(host.to_owned())
    } else {
        Err("A domain is a host name like acme.com.".to_owned())
    }
}

/// An e-mail address, lower-cased.
///
/// # Errors
/// A sentence where it is none.
pub fn email(text: &str) -> Result<String, String> {
    let lower = tidy(text)?.to_lowercase();
    let wrong = || "An e-mail address is like ann@acme.com, of at most 254 characters.".to_owned();
    let (local, host) = lower.rsplit_once('@').ok_or_else(wrong)?;
    let blank = lower.chars().any(|char| char.is_whitespace() || "<>(),;:\\\"[]".contains(char));
    let host_known = host == "localhost" || domain(host).is_ok_and(|known| known == host || host.starts_with("www."));
    if local.is_empty() || local.len() > 64 || lower.len() > 254 || blank || local.contains('@') || !host_known {
        return Err(wrong());
    }
    Ok(lower)
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
    }

    #[test]
    fn addresses_are_lower_cased() {
        assert_eq!(email(" Ann@Acme.COM "), Ok("ann@acme.com".to_owned()));
        for text in ["", "ann", "@acme.com", "ann@", "ann@acme", "a b@acme.com", "annacme.com", "<ann@acme.com>"] {
            assert!(email(text).is_err(), "{text}");
        }
    }
}
