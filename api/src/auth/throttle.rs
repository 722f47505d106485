//! What slows down whoever guesses: failed attempts are counted by account and by address, and refill with time.
//!
//! Two allowances are asked, and both must have something left. An account (the e-mail address as typed, known or not, so
//! that nothing tells who exists) allows 10 failures, and one more a minute. An address that one attempts from allows 50,
//! and one more every 12 seconds: a whole office may share it. A refused attempt costs nothing, so that patience is
//! rewarded, and a success is not counted.
//!
//! Whoever tries to lock an owner out by guessing on does not succeed: an address from which an account was once signed
//! in to has an allowance of its own for that account, which strangers cannot use up. What remains is an owner under
//! attack who comes from a new address; a reissued invitation helps, which counts by address alone.
//!
//! An attempt is counted when it begins and taken back when it succeeds: otherwise a thousand guesses sent at once would
//! all begin before the first has failed. State is in memory, of this process and bounded; the time is an argument.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

/// How many failures are allowed at once, and how soon another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Failures allowed at once; 0 refuses everything.
    pub failures: u32,
    /// The time after which one more is allowed.
    pub refill: Duration,
}

/// What one account allows.
pub const PER_ACCOUNT: Allowance = Allowance { failures: 10, refill: Duration::from_mins(1) };
/// What one address allows.
pub const PER_ADDRESS: Allowance = Allowance { failures: 50, refill: Duration::from_secs(12) };
/// The most accounts, addresses, and pairs of both that are remembered, each: under 4 MB apiece.
const REMEMBERED: usize = 50_000;

/// Where an attempt comes from, as far as it counts: an IPv4 address, or the /64 that one holder of IPv6 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(six) => Self(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64)).into()),
            four @ IpAddr::V4(_) => Self(four),
        }
    }
}

/// An account by a digest of its address: of fixed size, however much was typed.
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

/// An attempt under way, to be given back to [`Throttle::succeeded`]; left alone, it stays counted.
#[must_use = "an attempt that succeeds is to be taken back"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    origin: Option<Origin>,
    account: Option<Account>,
    /// Whether it was counted on the pair's own allowance rather than on the account's.
    familiar: bool,
}

/// Too many failures: not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed attempts; try again in {seconds} seconds")]
pub struct Refused {
    /// After how many seconds (1 or more) an attempt is allowed again: the header `Retry-After`.
    pub seconds: u64,
}

/// Counts failures. One a process is meant.
#[derive(Debug)]
pub struct Throttle(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    origins: Buckets<Origin>,
    accounts: Buckets<Account>,
    /// Accounts with the addresses from which they were signed in to.
    familiar: Buckets<(Account, Origin)>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(PER_ACCOUNT, PER_ADDRESS)
    }
}

impl Throttle {
    /// A throttle with these allowances. [`Throttle::default`] has the usual ones.
    #[must_use]
    pub fn new(per_account: Allowance, per_address: Allowance) -> Self {
        Self::remembering(per_account, per_address, REMEMBERED)
    }

    fn remembering(per_account: Allowance, per_address: Allowance, most: usize) -> Self {
        Self(Mutex::new(Counts {
            origins: Buckets::new(per_address, most),
            accounts: Buckets::new(per_account, most),
            familiar: Buckets::new(per_account, most),
        }))
    }

    /// Begins an attempt from an address (None where there is none, as on the command line) on an account, named by what
    /// was typed (None where the attempt is on no account, as with a token).
    ///
    /// # Errors
    /// When the address or the account has used its allowance up; then nothing is counted.
    pub fn attempt(&self, now: Instant, address: Option<IpAddr>, account: Option<&str>) -> Result<Attempt, Refused> {
        let (origin, account) = (address.map(Origin::from), account.map(Account::from));
        let mut counts = self.counts();
        let Counts { origins, accounts, familiar } = &mut *counts;
        let pair = account.zip(origin).filter(|pair| familiar.debts.contains_key(pair));
        let waits = [
            origin.map(|origin| origins.wait(now, origin)),
            match pair {
                Some(pair) => Some(familiar.wait(now, pair)),
                None => account.map(|account| accounts.wait(now, account)),
            },
        ];
        let wait = waits.into_iter().flatten().max().unwrap_or_default();
        if !wait.is_zero() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(Refused { seconds });
        }
        if let Some(origin) = origin {
            origins.count(now, origin);
        }
        match (pair, account) {
            (Some(pair), _) => familiar.count(now, pair),
            (None, Some(account)) => accounts.count(now, account),
            (None, None) => {}
        }
        Ok(Attempt { origin, account, familiar: pair.is_some() })
    }

    /// Takes an attempt back that succeeded, and remembers its address as one that the account is used from.
    pub fn succeeded(&self, now: Instant, attempt: Attempt) {
        let Attempt { origin, account, familiar: was_familiar } = attempt;
        let mut counts = self.counts();
        let Counts { origins, accounts, familiar } = &mut *counts;
        if let Some(origin) = origin {
            origins.take_back(origin);
        }
        let pair = account.zip(origin);
        match (pair, account) {
            (Some(pair), _) if was_familiar => familiar.take_back(pair),
            (_, Some(account)) => accounts.take_back(account),
            _ => {}
        }
        if let Some(pair) = pair {
            familiar.remember(now, pair);
        }
    }

    /// The counts. A thread that panicked while it held them leaves at worst one count wrong, which is no reason to stop
    /// letting people in.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Token buckets of one allowance, each kept as one instant: when all its failures will be refilled. The time until then is
/// the debt; a failure adds one refill to it (the generic cell rate algorithm).
#[derive(Debug)]
struct Buckets<Key> {
    allowance: Allowance,
    most: usize,
    debts: HashMap<Key, Instant>,
}

impl<Key: Copy + Eq + Hash> Buckets<Key> {
    fn new(allowance: Allowance, most: usize) -> Self {
        Self { allowance, most, debts: HashMap::new() }
    }

    /// How long until one more failure is allowed; zero where it is now.
    fn wait(&self, now: Instant, key: Key) -> Duration {
        let debt = self.debts.get(&key).map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let Allowance { failures, refill } = self.allowance;
        (debt + refill).saturating_sub(refill.saturating_mul(failures))
    }

    fn count(&mut self, now: Instant, key: Key) {
        self.remember(now, key);
        let refill = self.allowance.refill;
        self.debts.entry(key).and_modify(|until| *until += refill);
    }

    fn take_back(&mut self, key: Key) {
        let refill = self.allowance.refill;
        if let Some(until) = self.debts.get_mut(&key) {
            *until = until.checked_sub(refill).unwrap_or(*until);
        }
    }

    /// Enters a key, as owing nothing or what it owes. Where there is no room, what owes least goes, and of what owes
    /// nothing what was not seen for longest. Keys that have failed most stay, so
    /// that flooding the memory with others does not clear them.
    fn remember(&mut self, now: Instant, key: Key) {
        if self.debts.len() >= self.most && !self.debts.contains_key(&key) {
            let mut debts: Vec<Instant> = self.debts.values().copied().collect();
            // A tenth at once, so that the next calls find room without looking.
            let last = debts.len() / 10;
            let (_, bound, _) = debts.select_nth_unstable(last);
            let bound = *bound;
            let mut leave = last + 1;
            self.debts.retain(|_, until| {
                let goes = *until <= bound && leave > 0;
                leave -= usize::from(goes);
                !goes
            });
        }
        let until = self.debts.entry(key).or_insert(now);
        *until = (*until).max(now);
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

    /// Fails as often as it is allowed to, and says how often that was.
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
        // The same household, the same spelling but for case, another address of its /64; mistyped nine times.
        let home = address("2001:db8:1:1:ffff::9");
        for _ in 0..9 {
            let _ = throttle.attempt(start, home, Some(" Ann@Example.com")).unwrap();
        }
        let owner = throttle.attempt(start, home, Some("ann@example.com")).unwrap();
        throttle.succeeded(start, owner);
        // What is familiar to one account is a stranger to another.
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
    fn one_holder_of_addresses_is_one_origin() {
        let same = |left: &str, right: &str| {
            Origin::from(left.parse::<IpAddr>().unwrap()) == Origin::from(right.parse::<IpAddr>().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn memory_is_bounded_and_keeps_who_failed_most() {
        let plenty = Allowance { failures: u32::MAX, refill: Duration::from_secs(1) };
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
        assert!(counts.origins.debts.len() <= 100);
        assert!(counts.accounts.debts.len() <= 100);
        assert!(counts.familiar.debts.len() <= 100);
        drop(counts);
        assert!(throttle.attempt(start, None, Some("ann@example.com")).is_err());
    }

    #[test]
    fn an_allowance_of_nothing_refuses() {
        let nothing = Allowance { failures: 0, refill: MINUTE };
        let throttle = Throttle::new(nothing, PER_ADDRESS);
        assert_eq!(throttle.attempt(Instant::now(), None, Some("ann@example.com")), Err(Refused { seconds: 60 }));
        assert!(throttle.attempt(Instant::now(), None, None).is_ok());
    }

    proptest! {
        /// Whatever the pauses, no more gets through than the allowance and what was refilled; and whoever waits as long as
        /// told is let through.
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
