//! Allowances that are used up and refill with time: of failures for whoever guesses, of points for whoever asks.
//!
//! Each bucket is kept as one instant: when all of it will have been refilled. The time until then is the debt; what is
//! taken adds to it (the generic cell rate algorithm). State is in memory, of this process and bounded; the time is an
//! argument.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// How much may be taken at once, and how soon one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How much may be taken at once; 0 refuses everything.
    pub most: u32,
    /// The time after which one more may be taken.
    pub refill: Duration,
}

/// Where somebody comes from, as far as it counts: an IPv4 address, or the /64 that one holder of IPv6 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(six) => Self(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64)).into()),
            four @ IpAddr::V4(_) => Self(four),
        }
    }
}

/// Buckets of one allowance, one a key.
#[derive(Debug)]
pub struct Buckets<Key> {
    allowance: Allowance,
    remembered: usize,
    debts: HashMap<Key, Instant>,
}

impl<Key: Copy + Eq + Hash> Buckets<Key> {
    /// Full buckets, of which so many are remembered at most.
    #[must_use]
    pub fn new(allowance: Allowance, remembered: usize) -> Self {
        Self { allowance, remembered, debts: HashMap::new() }
    }

    /// Is anything known of this one?
    #[must_use]
    pub fn knows(&self, key: &Key) -> bool {
        self.debts.contains_key(key)
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.debts.len()
    }

    /// Is none known?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.debts.is_empty()
    }

    /// How long until so much may be taken; zero where it may now.
    #[must_use]
    pub fn wait(&self, now: Instant, key: Key, amount: u32) -> Duration {
        let Allowance { most, refill } = self.allowance;
        (self.debt(now, key) + refill.saturating_mul(amount)).saturating_sub(refill.saturating_mul(most))
    }

    /// How much may be taken now.
    #[must_use]
    pub fn left(&self, now: Instant, key: Key) -> u32 {
        let Allowance { most, refill } = self.allowance;
        // What is owed in part is not there yet.
        let owed = self.debt(now, key).as_nanos().div_ceil(refill.as_nanos().max(1));
        most.saturating_sub(u32::try_from(owed).unwrap_or(u32::MAX))
    }

    /// Takes so much.
    pub fn take(&mut self, now: Instant, key: Key, amount: u32) {
        self.remember(now, key);
        let debt = self.allowance.refill.saturating_mul(amount);
        self.debts.entry(key).and_modify(|until| *until += debt);
    }

    /// Gives so much back.
    pub fn give_back(&mut self, key: Key, amount: u32) {
        let debt = self.allowance.refill.saturating_mul(amount);
        if let Some(until) = self.debts.get_mut(&key) {
            *until = until.checked_sub(debt).unwrap_or(*until);
        }
    }

    fn debt(&self, now: Instant, key: Key) -> Duration {
        self.debts.get(&key).map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Enters a key, as owing nothing or what it owes. Where there is no room, what owes least goes, and of what owes
    /// nothing what was not seen for longest. Keys that owe most stay, so that flooding the memory with others does not
    /// clear them.
    pub fn remember(&mut self, now: Instant, key: Key) {
        if self.debts.len() >= self.remembered && !self.debts.contains_key(&key) {
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

    const POINTS: Allowance = Allowance { most: 100, refill: Duration::from_millis(10) };

    #[test]
    fn what_is_taken_comes_back_with_time() {
        let (mut buckets, start) = (Buckets::new(POINTS, 10), Instant::now());
        assert_eq!((buckets.left(start, 1), buckets.wait(start, 1, 100)), (100, Duration::ZERO));
        buckets.take(start, 1, 70);
        assert_eq!((buckets.left(start, 1), buckets.left(start, 2)), (30, 100));
        assert_eq!(buckets.wait(start, 1, 31), Duration::from_millis(10));
        assert_eq!(buckets.wait(start, 1, 50), Duration::from_millis(200));
        assert_eq!(buckets.left(start + Duration::from_millis(199), 1), 49);
        assert_eq!(buckets.wait(start + Duration::from_millis(200), 1, 50), Duration::ZERO);
        buckets.give_back(1, 20);
        assert_eq!(buckets.left(start, 1), 50);
        assert_eq!(buckets.left(start + Duration::from_hours(1), 1), 100, "no more than all of it gathers");
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

    proptest! {
        /// Whatever is taken whenever it may be, no more goes than the allowance and what was refilled; and whoever waits as
        /// long as told may take it.
        #[test]
        fn no_more_goes_than_is_there(wishes in prop::collection::vec((0_u64..500, 1_u32..=100), 1..100)) {
            let (mut buckets, start) = (Buckets::new(POINTS, 10), Instant::now());
            let (mut elapsed, mut taken) = (Duration::ZERO, 0_u128);
            for (pause, amount) in wishes {
                elapsed += Duration::from_millis(pause);
                let wait = buckets.wait(start + elapsed, 1, amount);
                prop_assert_eq!(wait.is_zero(), buckets.left(start + elapsed, 1) >= amount);
                elapsed += wait;
                prop_assert!(buckets.wait(start + elapsed, 1, amount).is_zero());
                buckets.take(start + elapsed, 1, amount);
                taken += u128::from(amount);
                prop_assert!(taken <= 100 + elapsed.as_millis() / 10);
            }
        }
    }
}
