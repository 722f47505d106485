//! Opaque secrets, which are shown once and stored as digests, and the marks of erased people.
//!
//! A refresh or invitation token is 256 random bits. Such a token cannot be guessed, so it needs no slow hash: its SHA-256
//! is stored, which cannot be reversed. The time of an index lookup by the digest reveals nothing about the token.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The purpose of an opaque secret. Each kind has a prefix of its own, by which people, logs and leak scanners recognize it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// `csr_…`: a refresh token, which is exchanged for the next access token once.
    Refresh,
    /// `csi_…`: an invitation token, with which the password can be set.
    Invitation,
    /// `csc_…`: the token in the address of a calendar feed, valid until a new one is created.
    Calendar,
}

/// A newly created secret.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// The text for the owner, shown only once: the prefix and 43 characters of base64url.
    pub shown: String,
    /// The stored value: the SHA-256 of `shown`.
    pub digest: [u8; 32],
}

/// Omits the secret, so that it cannot be logged.
impl std::fmt::Debug for NewSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NewSecret").finish_non_exhaustive()
    }
}

impl SecretKind {
    /// Returns the prefix of secrets of this kind.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "csr_",
            Self::Invitation => "csi_",
            Self::Calendar => "csc_",
        }
    }

    /// Creates a secret of 256 random bits.
    ///
    /// # Errors
    /// The system provides no random bytes.
    pub fn make(self) -> Result<NewSecret, getrandom::Error> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)?;
        Ok(self.of(&bits))
    }

    /// Returns the successor of a secret. It follows from the secret itself and a salt, which is stored: neither an old secret
    /// alone nor the database alone is enough to derive it.
    #[must_use]
    pub fn successor(self, shown: &str, salt: &[u8]) -> NewSecret {
        let mut mac = Hmac::<Sha256>::new_from_slice(salt)
            .unwrap_or_else(|error| unreachable!("HMAC takes keys of any length: {error}"));
        mac.update(shown.as_bytes());
        self.of(&mac.finalize().into_bytes().into())
    }

    /// Returns the digest by which a presented secret is looked up. Returns None if the text cannot be a secret of this kind,
    /// so that no query is needed.
    #[must_use]
    pub fn digest(self, shown: &str) -> Option<[u8; 32]> {
        let bits = BASE64URL_NOPAD.decode(shown.strip_prefix(self.prefix())?.as_bytes()).ok()?;
        (bits.len() == 32).then(|| Sha256::digest(shown).into())
    }

    fn of(self, bits: &[u8; 32]) -> NewSecret {
        let shown = format!("{}{}", self.prefix(), BASE64URL_NOPAD.encode(bits));
        NewSecret { digest: Sha256::digest(&shown).into(), shown }
    }
}

/// An identifier by which an erased person could be recognized in a later import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace<'a> {
    /// An e-mail address, as it is stored: trimmed and lower-cased.
    Email(&'a str),
    /// An id in a feeding system.
    ExternalId {
        /// The system.
        source: &'a str,
        /// The id there.
        id: &'a str,
    },
}

/// Returns the mark of an erased person: the HMAC-SHA-256 of a trace under the organization's erasure key. An import with
/// the same trace yields the same mark and is refused. Without the key, addresses cannot be tried against stored marks.
/// The key must last as long as the marks, so it is stored with the organization and never changes.
#[must_use]
pub fn erasure_mark(key: &[u8], trace: Trace<'_>) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|error| unreachable!("HMAC takes keys of any length: {error}"));
    let (kind, parts) = match trace {
        Trace::Email(address) => (b"e", [address, ""]),
        Trace::ExternalId { source, id } => (b"x", [source, id]),
    };
    mac.update(kind);
    // Each part is prefixed with its length: otherwise ("a", "bc") and ("ab", "c") would have the same mark.
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Returns 256 random bits: a salt, or the erasure key of a new organization.
///
/// # Errors
/// The system provides no random bytes.
pub fn random_key() -> Result<[u8; 32], getrandom::Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_shown_once_and_stored_as_its_digest() {
        let made = SecretKind::Refresh.make().unwrap();
        assert!(made.shown.starts_with("csr_"));
        assert_eq!(made.shown.len(), 47);
        assert_eq!(SecretKind::Refresh.digest(&made.shown), Some(made.digest));
        assert_ne!(made, SecretKind::Refresh.make().unwrap());
        assert!(!format!("{made:?}").contains(&made.shown[4..]));
    }

    #[test]
    fn a_secret_of_one_kind_is_none_of_another() {
        let made = SecretKind::Invitation.make().unwrap();
        assert_eq!(SecretKind::Refresh.digest(&made.shown), None);
        assert_eq!(
            SecretKind::Refresh.digest(&made.shown.replacen("csi_", "csr_", 1)).map(|other| other == made.digest),
            Some(false)
        );
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_looked_up() {
        let made = SecretKind::Refresh.make().unwrap().shown;
        for wrong in
            ["", "csr_", "csr_AAAA", &made[4..], &made[..46], &format!("{made}A"), &format!(" {made}"), "csr_\0"]
        {
            assert_eq!(SecretKind::Refresh.digest(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_mark_depends_on_the_key_and_all_of_the_trace() {
        let key = random_key().unwrap();
        let trace = Trace::ExternalId { source: "ab", id: "c" };
        assert_eq!(erasure_mark(&key, trace), erasure_mark(&key, trace));
        assert_ne!(erasure_mark(&key, trace), erasure_mark(&random_key().unwrap(), trace));
        assert_ne!(erasure_mark(&key, trace), erasure_mark(&key, Trace::ExternalId { source: "a", id: "bc" }));
        assert_ne!(
            erasure_mark(&key, Trace::Email("ab")),
            erasure_mark(&key, Trace::ExternalId { source: "ab", id: "" })
        );
    }

    /// Stored marks outlive releases, so the computation is fixed: HMAC-SHA-256 of "e", 13, the address, 0.
    #[test]
    fn marks_do_not_change_from_release_to_release() {
        let mark = erasure_mark(&[7; 32], Trace::Email("a@example.com"));
        assert_eq!(
            data_encoding::HEXLOWER.encode(&mark),
            "e90546809028ab1b5424e3e360a421e6f4b6e8c9952f67a7e27b4909387bee2b"
        );
    }

    proptest! {
        #[test]
        fn every_secret_comes_back_to_its_digest(bits: [u8; 32], refresh: bool) {
            let kind = if refresh { SecretKind::Refresh } else { SecretKind::Invitation };
            let made = kind.of(&bits);
            prop_assert_eq!(kind.digest(&made.shown), Some(made.digest));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = SecretKind::Refresh.digest(&text);
            let _ = SecretKind::Refresh.digest(&format!("csr_{text}"));
        }

        #[test]
        fn one_changed_character_is_another_secret(bits: [u8; 32], at in 4_usize..46) {
            let made = SecretKind::Refresh.of(&bits);
            let mut other = made.shown.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            prop_assert_ne!(SecretKind::Refresh.digest(&other), Some(made.digest));
        }
    }
}
