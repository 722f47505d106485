//! A throttle for failed attempts. They are counted by account, by address and by network, and the allowances refill with time.
//!
//! An attempt needs something left of each allowance. An account (the e-mail address as typed, known or not, so that the answer
//! does not show which exist) allows 10 failures, and one more each minute. An address allows 50, and one more every 12 seconds,
//! because a whole office may share it; a /48 of IPv6 allows 200, and one more every 3 seconds. A refused attempt costs nothing,
//! and a success is not counted.
//!
//! Guessing does not lock an account's owner out: an address from which the account was signed in to before has an allowance of
//! its own for that account. An owner under attack who comes from a new address has to wait, or to be invited anew; invitations
//! are counted by address alone.
//!
//! An attempt is counted when it begins and taken back when it succeeds. Otherwise a thousand guesses sent at once would all
//! begin before the first has failed. The state is in memory, bounded, and belongs to this process. The time is an argument.
//!
//! Sign-ins, refreshes and invitations have a throttle each, so that a user who guesses passwords does not keep an office from
//! refreshing its sessions. For the latter two the account is the token itself: a client that repeats one invalid token is slowed
//! before its address is.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::values::token_bucket::{Allowance, Buckets, ClientNetwork, SiteNetwork};

/// The allowance of an account.
pub const PER_ACCOUNT: Allowance = Allowance { most: 10, refill: Duration::from_mins(1) };
/// The allowance of an address.
pub const PER_ADDRESS: Allowance = Allowance { most: 50, refill: Duration::from_secs(12) };
/// The allowance of an IPv6 /48: one site has 65,536 addresses as they are counted here.
pub const PER_NETWORK: Allowance = Allowance { most: 200, refill: Duration::from_secs(3) };
/// The largest number each of accounts, addresses and pairs of both kept in memory, under 4 MB per kind.
const REMEMBERED: usize = 50_000;

/// An account, identified by a digest of its address, which has a fixed size however long the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Account([u8; 16]);

impl From<&str> for Account {
    fn from(address: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(address.trim().to_lowercase()).into();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Self(short)
    }
}

/// An attempt in progress. It stays counted unless it is passed to [`Throttle::succeeded`].
#[must_use = "an attempt that succeeds is to be taken back"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    origin: Option<ClientNetwork>,
    account: Option<Account>,
    /// Whether it was counted against the allowance of the pair rather than of the account.
    familiar: bool,
}

/// The error for an attempt after too many failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed attempts; try again in {seconds} seconds")]
pub struct Refused {
    /// The number of seconds (1 or more) until an attempt is allowed again, for the header `Retry-After`.
    pub seconds: u64,
}

impl From<Refused> for crate::error::Error {
    fn from(refused: Refused) -> Self {
        Self::RateLimited(refused.seconds)
    }
}

/// Counts failures. A process should have one for each kind of attempt.
#[derive(Debug)]
pub struct Throttle(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    origins: Buckets<ClientNetwork>,
    networks: Buckets<SiteNetwork>,
    accounts: Buckets<Account>,
    /// Accounts with the addresses from which they were signed in to.
    familiar: Buckets<(Account, ClientNetwork)>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(PER_ACCOUNT, PER_ADDRESS)
    }
}

impl Throttle {
    /// Creates a throttle with these allowances. [`Throttle::default`] has the usual ones.
    #[must_use]
    pub fn new(per_account: Allowance, per_address: Allowance) -> Self {
        Self::remembering(per_account, per_address, REMEMBERED)
    }

    fn remembering(per_account: Allowance, per_address: Allowance, most: usize) -> Self {
        Self(Mutex::new(Counts {
            origins: Buckets::new(per_address, most),
            networks: Buckets::new(PER_NETWORK, most),
            accounts: Buckets::new(per_account, most),
            familiar: Buckets::new(per_account, most),
        }))
    }

    /// Begins an attempt from an address (None if there is none, as on the command line) on an account, given as it was
    /// typed (None if the attempt concerns no account, as with a token).
    ///
    /// # Errors
    /// The allowance of the address or the account is used up. The attempt is not counted then.
    pub fn attempt(&self, now: Instant, address: Option<IpAddr>, account: Option<&str>) -> Result<Attempt, Refused> {
        let (origin, account) = (address.map(ClientNetwork::from), account.map(Account::from));
        let mut counts = self.counts();
        let Counts { origins, networks, accounts, familiar } = &mut *counts;
        let network = origin.and_then(ClientNetwork::network);
        let pair = account.zip(origin).filter(|pair| familiar.knows(pair));
        let waits = [
            origin.map(|origin| origins.wait(now, origin, 1)),
            network.map(|network| networks.wait(now, network, 1)),
            match pair {
                Some(pair) => Some(familiar.wait(now, pair, 1)),
                None => account.map(|account| accounts.wait(now, account, 1)),
            },
        ];
        let wait = waits.into_iter().flatten().max().unwrap_or_default();
        if !wait.is_zero() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(Refused { seconds });
        }
        if let Some(origin) = origin {
            origins.take(now, origin, 1);
        }
        if let Some(network) = network {
            networks.take(now, network, 1);
        }
        match (pair, account) {
            (Some(pair), _) => familiar.take(now, pair, 1),
            (None, Some(account)) => accounts.take(now, account, 1),
            (None, None) => {}
        }
        Ok(Attempt { origin, account, familiar: pair.is_some() })
    }

    /// Checks the allowance of an address before anything is queued for it.
    ///
    /// # Errors
    /// The allowance of the address is used up.
    pub fn check(&self, now: Instant, address: Option<IpAddr>) -> Result<(), Refused> {
        let Some(origin) = address.map(ClientNetwork::from) else { return Ok(()) };
        let counts = self.counts();
        let network = origin.network().map(|network| counts.networks.wait(now, network, 1)).unwrap_or_default();
        let wait = counts.origins.wait(now, origin, 1).max(network);
        if wait.is_zero() {
            return Ok(());
        }
        Err(Refused { seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0) })
    }

    /// Takes back an attempt that succeeded, and stores its address as one that the account is used from.
    pub fn succeeded(&self, now: Instant, attempt: Attempt) {
        self.withdrawn(attempt);
        if let Some(pair) = attempt.account.zip(attempt.origin) {
            self.counts().familiar.remember(now, pair);
        }
    }

    /// Takes back an attempt that failed for a reason that is not the caller's fault.
    pub fn withdrawn(&self, attempt: Attempt) {
        let Attempt { origin, account, familiar: was_familiar } = attempt;
        let mut counts = self.counts();
        let Counts { origins, networks, accounts, familiar } = &mut *counts;
        if let Some(origin) = origin {
            origins.give_back(origin, 1);
        }
        if let Some(network) = origin.and_then(ClientNetwork::network) {
            networks.give_back(network, 1);
        }
        match (account.zip(origin), account) {
            (Some(pair), _) if was_familiar => familiar.give_back(pair, 1),
            (_, Some(account)) => accounts.give_back(account, 1),
            _ => {}
        }
    }

    /// Runs an attempt. A refusal stays counted; a success or an internal failure, such as an unreachable database, does not.
    ///
    /// # Errors
    /// The attempt is not allowed, or it failed itself.
    pub async fn watch<T>(
        &self,
        address: Option<IpAddr>,
        account: Option<&str>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let attempt = self.attempt(Instant::now(), address, account)?;
        let outcome = work.await;
        match &outcome {
            Ok(_) => self.succeeded(Instant::now(), attempt),
            Err(Error::Refused(_)) => {}
            Err(_) => self.withdrawn(attempt),
        }
        outcome
    }

    /// Locks the counts. A thread that panicked while it held the lock leaves at most one count wrong, which is no reason to
    /// refuse all sign-ins.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().map(Some).unwrap()
    }

    /// Fails as often as it is allowed to, and returns the number of failures.
    fn guess(throttle: &Throttle, now: Instant, from: Option<IpAddr>, account: Option<&str>) -> u32 {
        let mut failures = 0;
        while throttle.attempt(now, from, account).is_ok() {
            failures += 1;
        }
        failures
    }

    #[test]
    fn ten_failures_on_an_account_then_one_a_minute() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let attempt = |now| throttle.attempt(now, None, Some("ann@example.com"));
        for _ in 0..10 {
            let _ = attempt(start).unwrap();
        }
        assert_eq!(attempt(start), Err(Refused { seconds: 60 }));
        assert_eq!(attempt(start + Duration::from_millis(500)), Err(Refused { seconds: 60 }));
        assert_eq!(attempt(start + Duration::from_secs(59)), Err(Refused { seconds: 1 }), "asking again costs nothing");
        assert!(attempt(start + MINUTE).is_ok());
        assert_eq!(attempt(start + MINUTE), Err(Refused { seconds: 60 }));
        assert_eq!(guess(&throttle, start + 5 * MINUTE, None, Some("ann@example.com")), 4);
        assert_eq!(
            guess(&throttle, start + 500 * MINUTE, None, Some("ann@example.com")),
            10,
            "no more than ten gather"
        );
    }

    #[test]
    fn fifty_failures_from_an_address_on_whatever_accounts() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for number in 0..50 {
            let account = format!("{number}@example.com");
            let _ = throttle.attempt(start, address("192.0.2.1"), Some(&account)).unwrap();
        }
        assert_eq!(
            throttle.attempt(start, address("192.0.2.1"), Some("new@example.com")),
            Err(Refused { seconds: 12 })
        );
        assert_eq!(throttle.attempt(start, address("192.0.2.1"), None), Err(Refused { seconds: 12 }));
        assert!(throttle.attempt(start, address("192.0.2.2"), Some("new@example.com")).is_ok());
    }

    #[test]
    fn a_refusal_by_one_allowance_does_not_use_the_other() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(guess(&throttle, start, address("192.0.2.1"), Some("ann@example.com")), 10);
        for _ in 0..100 {
            let _ = throttle.attempt(start, address("192.0.2.1"), Some("ann@example.com")).unwrap_err();
        }
        assert_eq!(guess(&throttle, start, address("192.0.2.1"), None), 40);
    }

    #[test]
    fn successes_are_not_counted() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..1000 {
            let attempt = throttle.attempt(start, address("192.0.2.1"), Some("ann@example.com")).unwrap();
            throttle.succeeded(start, attempt);
        }
        assert_eq!(guess(&throttle, start, address("192.0.2.1"), Some("ann@example.com")), 10);
        assert_eq!(guess(&throttle, start, address("192.0.2.1"), None), 40);
    }

    #[test]
    fn guesses_sent_at_once_are_counted_before_they_fail() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let begun: usize = std::thread::scope(|scope| {
            let guessing: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| usize::from(throttle.attempt(start, None, Some("ann@example.com")).is_ok())))
                .collect();
            guessing.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(begun, 10);
    }

    #[test]
    fn guessing_does_not_lock_the_owner_out() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let home = address("2001:db8:1:1::7");
        let owner = throttle.attempt(start, home, Some("ann@example.com")).unwrap();
        throttle.succeeded(start, owner);
        for attacker in 0..100_u8 {
            guess(&throttle, start, address(&format!("198.51.100.{attacker}")), Some("ann@example.com"));
        }
        assert!(throttle.attempt(start, address("203.0.113.1"), Some("ann@example.com")).is_err());
        // The same site, the same spelling but for case, another address of its /64; mistyped nine times.
        let home = address("2001:db8:1:1:ffff::9");
        for _ in 0..9 {
            let _ = throttle.attempt(start, home, Some(" Ann@Example.com")).unwrap();
        }
        let owner = throttle.attempt(start, home, Some("ann@example.com")).unwrap();
        throttle.succeeded(start, owner);
        // An address that is familiar to one account is not familiar to another.
        guess(&throttle, start, address("198.51.100.1"), Some("bob@example.com"));
        assert!(throttle.attempt(start, home, Some("bob@example.com")).is_err());
    }

    #[test]
    fn a_familiar_address_is_slowed_too() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let home = address("192.0.2.1");
        throttle.succeeded(start, throttle.attempt(start, home, Some("ann@example.com")).unwrap());
        assert_eq!(guess(&throttle, start, home, Some("ann@example.com")), 10);
    }

    #[test]
    fn memory_is_bounded_and_keeps_who_failed_most() {
        let plenty = Allowance { most: u32::MAX, refill: Duration::from_secs(1) };
        let throttle = Throttle::remembering(PER_ACCOUNT, plenty, 100);
        let start = Instant::now();
        guess(&throttle, start, None, Some("ann@example.com"));
        for number in 0..10_000_u32 {
            let from = IpAddr::from(number.to_be_bytes());
            let attempt = throttle.attempt(start, Some(from), Some(&format!("{number}@example.com"))).unwrap();
            if number % 2 == 0 {
                throttle.succeeded(start, attempt);
            }
        }
        let counts = throttle.counts();
        assert!(counts.origins.len() <= 100);
        assert!(counts.accounts.len() <= 100);
        assert!(counts.familiar.len() <= 100);
        drop(counts);
        assert!(throttle.attempt(start, None, Some("ann@example.com")).is_err());
    }

    #[tokio::test]
    async fn a_failure_of_the_server_is_not_counted() {
        let throttle = Throttle::default();
        let outcome = async |outcome: Result<()>| {
            throttle.watch(address("192.0.2.1"), Some("ann@example.com"), std::future::ready(outcome)).await
        };
        for _ in 0..100 {
            assert!(matches!(outcome(Err(Error::Timeout)).await, Err(Error::Timeout)));
            assert!(outcome(Ok(())).await.is_ok());
        }
        for _ in 0..10 {
            assert!(matches!(outcome(Err(Error::Refused(Vec::new()))).await, Err(Error::Refused(_))));
        }
        assert!(matches!(outcome(Ok(())).await, Err(Error::RateLimited(1..=60))));
    }

    #[test]
    fn an_allowance_of_nothing_refuses() {
        let nothing = Allowance { most: 0, refill: MINUTE };
        let throttle = Throttle::new(nothing, PER_ADDRESS);
        assert_eq!(throttle.attempt(Instant::now(), None, Some("ann@example.com")), Err(Refused { seconds: 60 }));
        assert!(throttle.attempt(Instant::now(), None, None).is_ok());
    }

    proptest! {
        /// No more attempts pass than the allowance and what was refilled; after the announced wait one
        /// passes.
        #[test]
        fn guesses_stay_within_the_allowance(pauses in prop::collection::vec(0_u64..200, 1..200)) {
            let (throttle, start) = (Throttle::default(), Instant::now());
            let mut elapsed = 0;
            let mut failures = 0;
            for pause in pauses {
                elapsed += pause;
                let now = start + Duration::from_secs(elapsed);
                match throttle.attempt(now, None, Some("ann@example.com")) {
                    Ok(_) => failures += 1,
                    Err(Refused { seconds }) => {
                        prop_assert!((1..=60).contains(&seconds));
                        elapsed += seconds;
                        let later = start + Duration::from_secs(elapsed);
                        prop_assert!(throttle.attempt(later, None, Some("ann@example.com")).is_ok());
                        failures += 1;
                    }
                }
            }
            prop_assert!(failures <= 10 + elapsed / 60);
        }
    }
}
