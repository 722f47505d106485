//! Opaque secrets that are shown once and stored as digests, and the marks that erased people leave.
//!
//! A refresh or invitation token is 256 random bits. So much cannot be guessed, and therefore needs no slow hash: what is
//! stored is its SHA-256, from which nobody makes the token again. Looking the digest up in an index tells nothing either.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What an opaque secret is for. Each kind has a prefix of its own, by which people, logs and leak scanners recognise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// `csr_…`: gets the next access token, once.
    Refresh,
    /// `csi_…`: whoever holds it may set the password.
    Invitation,
    /// `csc_…`: in the address of a calendar feed, until another is made.
    Calendar,
}

/// A secret just made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// What its owner gets, this once: the prefix and 43 characters of base64url.
    pub shown: String,
    /// What is stored: the SHA-256 of `shown`.
    pub digest: [u8; 32],
}

/// Without the secret, so that it reaches no log.
impl std::fmt::Debug for NewSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NewSecret").finish_non_exhaustive()
    }
}

impl SecretKind {
    /// What its secrets start with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "csr_",
            Self::Invitation => "csi_",
            Self::Calendar => "csc_",
        }
    }

    /// A new secret of 256 random bits.
    ///
    /// # Errors
    /// When the system gives no random bytes.
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

    /// The digest by which to look up a secret that someone shows; None where it cannot be one of this kind, which
    /// spares the database the question.
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

/// Something by which an erased person could be told to be the same as one in a later import.
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

/// The mark of an erased person: the HMAC-SHA-256 of a trace under the organization's erasure key. An import that brings
/// the same trace makes the same mark and is refused; without the key nobody can try addresses against stored marks.
/// The key has to last as long as the marks, so it is stored with the organization, and never changes.
#[must_use]
pub fn erasure_mark(key: &[u8], trace: Trace<'_>) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|error| unreachable!("HMAC takes keys of any length: {error}"));
    let (kind, parts) = match trace {
        Trace::Email(address) => (b"e", [address, ""]),
        Trace::ExternalId { source, id } => (b"x", [source, id]),
    };
    mac.update(kind);
    // Each part behind its length: otherwise ("a", "bc") and ("ab", "c") would leave one mark.
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Returns 256 random bits: a salt, or the erasure key of a new organization.
///
/// # Errors
/// When the system gives no random bytes.
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

    /// Stored marks outlive releases, so what makes them is pinned: HMAC-SHA-256 of "e", 13, the address, 0.
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
