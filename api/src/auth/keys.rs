//! The keys that sign access tokens. They are created at the first start and kept in a file, or come from the environment.
//!
//! A key is 256 random bits for HMAC-SHA-256 (HS256) rather than an Ed25519 key pair: the same servers sign and verify, so
//! a public key has no use; any 32 random bytes are a valid key; and verification, which every request needs, is cheaper.
//!
//! If there are several keys, the first signs and all verify; a token names its key. To rotate, insert a new line
//! first, restart every server, and remove the old line once its last token has expired (15 minutes later). Losing a key
//! ends no session, because refresh tokens do not depend on it.
//!
//! **The file**: text with one key per line, newest first, as `name:base64` (with or without padding, plain or URL-safe).
//! Empty lines and lines that start with `#` are skipped. A name has 1 to 64 of A-Z, a-z, 0-9, `-`, `_` and `.`; a key has
//! 32 to 1,024 bytes, for example `openssl rand -base64 32`. Only the owner may read or write the file (mode 0600).
//! `CALLSHOT_SIGNING_KEYS` takes the same entries, separated by commas.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use data_encoding::{BASE32_DNSSEC, BASE64_NOPAD, BASE64URL_NOPAD};

/// The smallest size of a key in bytes, which is the size of the digest (RFC 7518 §3.2).
const SHORTEST: usize = 32;
/// The largest size of a key in bytes. Keys above 64 bytes are not stronger.
const LONGEST: usize = 1024;
/// The largest size of a key file in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// One key and its name.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The name, which a token carries as `kid`.
    pub name: String,
    /// The secret.
    pub(super) bytes: Vec<u8>,
}

/// Omits the secret, so that it cannot be logged.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One or more keys with different names. The first signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeys(Vec<SigningKey>);

/// The reason why no keys could be loaded. The messages are for the operator and never contain a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {path}: {cause}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// Users other than the owner may read or write the file.
    #[error("the key file {path} is open to others than its owner (mode {mode:04o}); `chmod 600 {path}` repairs it, but if others may have read it, delete it and a new one is made", path = .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// An entry is malformed.
    #[error("{place}, entry {entry}: {fault}")]
    Entry {
        /// The file, or the environment variable.
        place: String,
        /// The number of the entry from 1; in a file, of the line.
        entry: usize,
        /// What is wrong with the entry and what would be right.
        fault: &'static str,
    },
    /// There is no entry.
    #[error("{place} holds no key; at least one `name:base64` is needed")]
    Empty {
        /// The file, or the environment variable.
        place: String,
    },
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// A key cannot sign.
    #[error("a signing key cannot be used: {0}")]
    Unusable(#[from] jsonwebtoken::errors::Error),
}

impl SigningKeys {
    /// Reads the keys of a file. If there is no file, this creates one with a new key. If several servers start at the same
    /// time, one of them creates the file atomically and all read the same key.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                make_file(path)?;
                Self::read(path)
            }
            read => read,
        }
    }

    /// Parses keys from the environment: entries of the form `name:base64`, with the signing key first.
    ///
    /// # Errors
    /// There is no entry, or one is malformed.
    pub fn given<Entry: AsRef<str>>(entries: impl IntoIterator<Item = Entry>) -> Result<Self, KeyError> {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let numbered = entries.iter().enumerate().map(|(index, entry)| (index + 1, entry.as_ref().trim()));
        Self::parse("CALLSHOT_SIGNING_KEYS", numbered)
    }

    /// Returns the key that signs.
    #[must_use]
    pub fn signing(&self) -> &SigningKey {
        // Both constructors guarantee at least one key.
        &self.0[0]
    }

    /// Returns all keys for verification, with the signing key first.
    pub fn all(&self) -> impl Iterator<Item = &SigningKey> {
        self.0.iter()
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let fail = |cause| KeyError::File { path: path.to_owned(), cause };
        let file = File::open(path).map_err(fail)?;
        check_mode(&file, path)?;
        let mut text = String::new();
        file.take(LARGEST_FILE).read_to_string(&mut text).map_err(fail)?;
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        Self::parse(&path.display().to_string(), lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')))
    }

    fn parse<'a>(place: &str, entries: impl Iterator<Item = (usize, &'a str)>) -> Result<Self, KeyError> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for (number, text) in entries {
            let fail = |fault| KeyError::Entry { place: place.to_owned(), entry: number, fault };
            let key = SigningKey::parse(text).map_err(fail)?;
            if keys.iter().any(|other| other.name == key.name) {
                return Err(fail("another key has this name already; each needs its own"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyError::Empty { place: place.to_owned() });
        }
        Ok(Self(keys))
    }
}

impl SigningKey {
    fn make() -> Result<Self, getrandom::Error> {
        let mut bytes = vec![0; SHORTEST];
        getrandom::fill(&mut bytes)?;
        let mut name = [0; 5];
        getrandom::fill(&mut name)?;
        Ok(Self { name: BASE32_DNSSEC.encode(&name), bytes })
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, secret) = text.split_once(':').ok_or("this is not of the form `name:base64`")?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err("the name before the colon needs 1 to 64 of A-Z, a-z, 0-9, `-`, `_` and `.`");
        }
        let secret = secret.trim_end_matches('=').as_bytes();
        let bytes = BASE64_NOPAD
            .decode(secret)
            .or_else(|_| BASE64URL_NOPAD.decode(secret))
            .map_err(|_| "what follows the colon is not base64")?;
        if !(SHORTEST..=LONGEST).contains(&bytes.len()) {
            return Err("a key has 32 to 1,024 bytes; `openssl rand -base64 32` makes one");
        }
        Ok(Self { name: name.to_owned(), bytes })
    }
}

/// Creates the file with one new key, unless another process has created it in the meantime.
fn make_file(path: &Path) -> Result<(), KeyError> {
    let fail = |cause| KeyError::File { path: path.to_owned(), cause };
    let key = SigningKey::make()?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Written to a temporary file with mode 0600 and then linked, so that no process reads a partial key.
    let beside = path.file_name().unwrap_or_default().to_string_lossy();
    let mut file = tempfile::Builder::new().prefix(&format!("{beside}.")).tempfile_in(folder).map_err(fail)?;
    writeln!(
        file,
        "# Keys that sign Callshot's access tokens. The first signs, all verify. Keep this file to yourself."
    )
    .and_then(|()| writeln!(file, "{}:{}", key.name, BASE64_NOPAD.encode(&key.bytes)))
    .and_then(|()| file.as_file().sync_all())
    .map_err(fail)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            tracing::info!(file = %path.display(), key = key.name, "made a key to sign access tokens with");
            Ok(())
        }
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(refused) => Err(fail(refused.error)),
    }
}

/// Refuses a file that other users may read or write. It checks the open file, because the path could change in between.
#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::MetadataExt;
    // The last six bits are the permissions of the group and of others.
    let mode = file.metadata().map_err(|cause| KeyError::File { path: path.to_owned(), cause })?.mode() & 0o7777;
    if mode.trailing_zeros() >= 6 { Ok(()) } else { Err(KeyError::Open { path: path.to_owned(), mode }) }
}

/// Other systems have no such bits; a file inherits the permissions of its folder.
#[cfg(not(unix))]
fn check_mode(_file: &File, _path: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const OLD: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "new.2:-_ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn names(keys: &SigningKeys) -> Vec<&str> {
        keys.all().map(|key| key.name.as_str()).collect()
    }

    #[test]
    fn the_first_start_makes_a_file_and_the_next_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callshot.key");
        let made = SigningKeys::open(&path).unwrap();
        assert_eq!(made.signing().bytes.len(), 32);
        assert_eq!(SigningKeys::open(&path).unwrap(), made);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_ne!(SigningKeys::open(&folder.path().join("other.key")).unwrap(), made);
    }

    #[test]
    fn servers_that_start_together_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callshot.key");
        let start = Barrier::new(8);
        let opened: Vec<SigningKeys> = std::thread::scope(|scope| {
            let servers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        SigningKeys::open(&path).unwrap()
                    })
                })
                .collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        assert!(opened.iter().all(|keys| *keys == opened[0]));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callshot.key");
        SigningKeys::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        for open in [0o640, 0o604, 0o620, 0o644, 0o610] {
            std::fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
            let refused = SigningKeys::open(&path).unwrap_err();
            assert!(matches!(refused, KeyError::Open { mode, .. } if mode == open), "{refused}");
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        SigningKeys::open(&path).unwrap();
    }

    #[test]
    fn a_file_may_hold_several_keys_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callshot.key");
        let made = SigningKeys::open(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        // Writing into the existing file keeps its mode.
        std::fs::write(&path, format!("# rotated\n\n  {NEW}\r\n{OLD}\n{text}")).unwrap();
        let keys = SigningKeys::open(&path).unwrap();
        assert_eq!(names(&keys), ["new.2", "old", &made.signing().name]);
        assert_eq!(keys.signing().bytes[..3], [0xfb, 0xf1, 0x02]);
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callshot.key");
        SigningKeys::open(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let cut = text.trim_end().len() - 5;
        for damaged in ["", "# nothing\n", "SQLite format 3\0", &text[..cut]] {
            std::fs::write(&path, damaged).unwrap();
            let refused = SigningKeys::open(&path).unwrap_err();
            assert!(matches!(refused, KeyError::Empty { .. } | KeyError::Entry { .. }), "{refused}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        }
        std::fs::write(&path, b"a:\xff\xfe").unwrap();
        assert!(matches!(SigningKeys::open(&path), Err(KeyError::File { .. })));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let refused = SigningKeys::open(Path::new("/nowhere/at/all/callshot.key")).unwrap_err();
        assert!(refused.to_string().contains("/nowhere/at/all/callshot.key"), "{refused}");
    }

    #[test]
    fn given_keys_keep_their_order() {
        let keys = SigningKeys::given([NEW, OLD]).unwrap();
        assert_eq!(names(&keys), ["new.2", "old"]);
        assert_eq!(keys.signing().name, "new.2");
    }

    #[test]
    fn malformed_entries_are_refused_without_being_shown() {
        assert!(matches!(SigningKeys::given::<&str>([]), Err(KeyError::Empty { .. })));
        for wrong in [
            "",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            ":AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "a b:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
            "a:correct horse battery staple correct horse",
            "old:BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        ] {
            let refused = SigningKeys::given([OLD, wrong]).unwrap_err();
            assert!(matches!(refused, KeyError::Entry { entry: 2, .. }), "{wrong}: {refused}");
            assert!(!refused.to_string().contains("AwQF") && !refused.to_string().contains("horse"), "{refused}");
        }
    }

    #[test]
    fn debugging_shows_no_key() {
        let shown = format!("{:?}", SigningKeys::given([OLD]).unwrap());
        assert!(shown.contains("old") && !shown.contains("31") && !shown.contains("AAEC"), "{shown}");
    }
}
