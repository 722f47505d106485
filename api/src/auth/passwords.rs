//! Passwords: the rule for new ones, and Argon2id hashing that neither stalls the server nor reveals which users exist.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, phc::PasswordHash},
};
use icu_normalizer::ComposingNormalizer;
use tokio::sync::Semaphore;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password.
pub const LONGEST: usize = 128;

/// The largest number of hashes computed at the same time. Each takes 19 MiB and a core for tens of milliseconds.
const AT_ONCE: usize = 4;
/// The number of hashes that may wait: less than a second's work. More are refused at once.
const LONGEST_QUEUE: usize = 16;

/// OWASP's figures for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane, 32 bytes out.
static PARAMS: LazyLock<Params> = LazyLock::new(|| {
    Params::new(19 * 1024, 2, 1, Some(32)).unwrap_or_else(|error| unreachable!("the figures are in range: {error}"))
});

/// A hash of random bytes, which no password matches. Verifying against it costs as much as against a real hash.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Kbm5ycOfyu/QIMw3ZhZsOg$a2UOz9vCiAXIrLhvgdW+QoexhCSo5hiRAm2G+5ZM/O8";

/// The reason why a password could not be hashed or compared. A wrong password is not an error.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The stored hash is not one that Argon2 can read, or there was no memory.
    #[error("hashing: {0}")]
    Hash(#[from] password_hash::Error),
    /// The system gave no random bytes for the salt.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// Too many passwords wait to be hashed.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The blocking task panicked, or the server is stopping.
    #[error("the hashing task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl From<PasswordError> for crate::error::Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::Busy("Too many passwords are being checked at the moment: try again in 1 s.".to_owned())
            }
            error => Self::internal(error),
        }
    }
}

/// Hashes and compares passwords on blocking threads, a limited number at the same time. Clones are cheap and share the limit.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// Creates a hasher with a limit of its own. A process should have one.
    #[must_use]
    pub fn new() -> Self {
        // Half of the cores remain free for requests that do not hash.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { turns: Arc::new(Semaphore::new((cores / 2).clamp(1, AT_ONCE))), waiting: Arc::default() }
    }

    /// Returns the Argon2id hash of a password with a new salt of 16 bytes, in PHC format (ASCII, 97 characters). The rule for
    /// new passwords is checked by [`check_password`], not here.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = composed(password);
        self.take_turn(move || {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt)?;
            Ok(hasher().hash_password_with_salt(password.as_bytes(), &salt)?.to_string())
        })
        .await
    }

    /// Whether a password matches a stored hash. Without a stored hash (no such user, or one who never accepted the
    /// invitation) this returns false after computing a dummy hash, so that the response time reveals nothing.
    pub async fn verify(&self, candidate: &str, stored: Option<&str>) -> Result<bool, PasswordError> {
        let candidate = composed(candidate);
        let known = stored.is_some();
        let stored = stored.unwrap_or(DUMMY_HASH).to_owned();
        self.take_turn(move || {
            let stored = PasswordHash::new(&stored).map_err(password_hash::Error::from)?;
            match hasher().verify_password(candidate.as_bytes(), &stored) {
                Ok(()) => Ok(known),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Runs work on a blocking thread once a permit is free. The work holds the permit, so that dropping this future does not
    /// release the permit while the work continues.
    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let queue = Queue::join(&self.waiting)?;
        // The semaphore is never closed, so acquiring does not fail.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        drop(queue);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await?
    }
}

/// A place in the queue of passwords to hash, released on drop.
struct Queue<'a>(&'a AtomicUsize);

impl<'a> Queue<'a> {
    fn join(waiting: &'a AtomicUsize) -> Result<Self, PasswordError> {
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < LONGEST_QUEUE).then_some(waiting + 1)
            })
            .map(|_| Self(waiting))
            .map_err(|_| PasswordError::Busy)
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the hasher with our parameters. Verifying uses the parameters in the stored hash, so ours may be raised later.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS.clone())
}

/// Returns the password in the form that is hashed: NFC, because keyboards send é as either one character or two.
fn composed(password: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(password).into_owned()
}

/// Checks a new password: it must have 12 to 128 characters (Unicode scalar values), including spaces at either end.
///
/// # Errors
/// Returns the message for a user error.
pub fn check_password(password: &str) -> Result<(), String> {
    let length = password.chars().count();
    if (SHORTEST..=LONGEST).contains(&length) {
        return Ok(());
    }
    Err(format!("A password has {SHORTEST} to {LONGEST} characters, any of them; this one has {length}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(check_password("twelve chars"), Ok(()));
        assert_eq!(check_password("é日本語🔑é日本語🔑é日"), Ok(()));
        assert_eq!(check_password(&"🔑".repeat(128)), Ok(()));
        assert_eq!(check_password("\0\t            "), Ok(()));
        for (wrong, length) in [("", 0), ("eleven char", 11), (&"x".repeat(129), 129)] {
            let sentence = check_password(wrong).unwrap_err();
            assert!(sentence.ends_with(&format!("this one has {length}.")), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_alone() {
        let passwords = Passwords::new();
        let stored = passwords.hash("correct horse battery").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(stored.len(), 97);
        assert!(passwords.verify("correct horse battery", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("correct horse batterY", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("correct horse battery ", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("", Some(&stored)).await.unwrap());
        assert_ne!(stored, passwords.hash("correct horse battery").await.unwrap(), "the salt is fresh");
    }

    #[tokio::test]
    async fn composed_and_decomposed_letters_are_one_password() {
        let passwords = Passwords::new();
        let stored = passwords.hash("caf\u{e9} au lait, please").await.unwrap();
        assert!(passwords.verify("cafe\u{301} au lait, please", Some(&stored)).await.unwrap());
    }

    #[tokio::test]
    async fn an_unknown_user_has_no_password() {
        let passwords = Passwords::new();
        assert!(!passwords.verify("correct horse battery", None).await.unwrap());
        assert!(!passwords.verify("", None).await.unwrap());
    }

    /// Compares the parameters, because measured times would make the test unreliable.
    #[test]
    fn the_dummy_costs_what_a_real_hash_costs() {
        let dummy = PasswordHash::new(DUMMY_HASH).unwrap();
        let real = hasher().hash_password_with_salt(b"x", &[7; 16]).unwrap();
        assert_eq!(dummy.algorithm, real.algorithm);
        assert_eq!(dummy.version, real.version);
        assert_eq!(dummy.params, real.params);
        assert_eq!(dummy.salt.map(|salt| salt.len()), real.salt.map(|salt| salt.len()));
        assert_eq!(dummy.hash.map(|hash| hash.len()), real.hash.map(|hash| hash.len()));
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_none_is_an_error_and_no_match() {
        let passwords = Passwords::new();
        for stored in ["", "plain text", "$argon2id$v=19$m=19456,t=2,p=1$J2Oq1Wn5hZ7fyr9Gq3u0Tg"] {
            assert!(!passwords.verify("plain text", Some(stored)).await.unwrap_or(false), "{stored}");
        }
    }

    #[tokio::test]
    async fn hashes_wait_for_their_turn_in_a_short_queue() {
        let passwords = Passwords::new();
        let all = passwords.turns.available_permits();
        let turns = passwords.turns.clone().acquire_many_owned(u32::try_from(all).unwrap()).await.unwrap();
        let mut third = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.hash("correct horse battery").await }
        });
        tokio::select! {
            biased;
            _ = &mut third => panic!("one was hashed while all turns were taken"),
            () = tokio::task::yield_now() => {}
        }
        let mut queue = Vec::new();
        for _ in 1..LONGEST_QUEUE {
            queue.push(Queue::join(&passwords.waiting).unwrap());
        }
        assert!(matches!(passwords.verify("one too many", None).await, Err(PasswordError::Busy)));
        drop((queue, turns));
        third.await.unwrap().unwrap();
        assert_eq!(passwords.turns.available_permits(), all);
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }
}
