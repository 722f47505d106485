//! Rate limits: buckets of units that are taken and refill over time. They limit failed sign-ins and the points that
//! requests cost.
//!
//! A bucket is stored as the instant at which it will be full (the generic cell rate algorithm). The time until then is
//! its debt, and taking units adds to the debt. The state is bounded and kept in the memory of this process. The current
//! time is an argument.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// A limit: the capacity of a bucket and the time it takes to refill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The capacity, which is the most that can be taken at once; 0 rejects everything.
    pub most: u32,
    /// The time in which one unit is refilled.
    pub refill: Duration,
}

/// The origin of a request for rate limiting: an IPv4 address, or the /64 prefix of an IPv6 address, since one client
/// usually controls the whole prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

/// The /48 of an IPv6 address, which one site has: 65,536 origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteNetwork(Ipv6Addr);

impl ClientNetwork {
    /// Returns the network that the origin is part of; None for IPv4.
    #[must_use]
    pub fn network(self) -> Option<SiteNetwork> {
        match self.0 {
            IpAddr::V6(six) => Some(SiteNetwork(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 80)))),
            IpAddr::V4(_) => None,
        }
    }
}

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(six) => Self(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64)).into()),
            four @ IpAddr::V4(_) => Self(four),
        }
    }
}

/// The buckets of one allowance, one per key.
#[derive(Debug)]
pub struct Buckets<Key> {
    allowance: Allowance,
    remembered: usize,
    debts: HashMap<Key, Instant>,
}

impl<Key: Copy + Eq + Hash> Buckets<Key> {
    /// Creates full buckets, of which at most `remembered` are kept in memory.
    #[must_use]
    pub fn new(allowance: Allowance, remembered: usize) -> Self {
        Self { allowance, remembered, debts: HashMap::new() }
    }

    /// Whether the bucket of a key is in memory.
    #[must_use]
    pub fn knows(&self, key: &Key) -> bool {
        self.debts.contains_key(key)
    }

    /// Returns the number of buckets in memory.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.debts.len()
    }

    /// Returns the time until `amount` units can be taken; zero if they can be taken now.
    #[must_use]
    pub fn wait(&self, now: Instant, key: Key, amount: u32) -> Duration {
        let Allowance { most, refill } = self.allowance;
        (self.debt(now, key) + refill.saturating_mul(amount)).saturating_sub(refill.saturating_mul(most))
    }

    /// Returns the number of units that can be taken now.
    #[must_use]
    pub fn left(&self, now: Instant, key: Key) -> u32 {
        let Allowance { most, refill } = self.allowance;
        // A unit that is refilled only in part cannot be taken yet.
        let owed = self.debt(now, key).as_nanos().div_ceil(refill.as_nanos().max(1));
        most.saturating_sub(u32::try_from(owed).unwrap_or(u32::MAX))
    }

    /// Takes `amount` units, whether or not that many are left.
    pub fn take(&mut self, now: Instant, key: Key, amount: u32) {
        self.remember(now, key);
        let debt = self.allowance.refill.saturating_mul(amount);
        self.debts.entry(key).and_modify(|until| *until += debt);
    }

    /// Returns `amount` units to a bucket.
    pub fn give_back(&mut self, key: Key, amount: u32) {
        let debt = self.allowance.refill.saturating_mul(amount);
        if let Some(until) = self.debts.get_mut(&key) {
            *until = until.checked_sub(debt).unwrap_or(*until);
        }
    }

    fn debt(&self, now: Instant, key: Key) -> Duration {
        self.debts.get(&key).map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Adds a key with a full bucket unless it is in memory already.
    ///
    /// If the memory is full, the keys with the smallest debts are removed first and, among full buckets, those that were
    /// used least recently. Keys with large debts are kept, so that an attacker cannot clear them by adding other keys.
    pub fn remember(&mut self, now: Instant, key: Key) {
        if self.debts.len() >= self.remembered && !self.debts.contains_key(&key) {
            let mut debts: Vec<Instant> = self.debts.values().copied().collect();
            // Remove a tenth at once, so that the next calls need not search again.
            let last = debts.len() / 10;
            let (_, bound, _) = debts.select_nth_unstable(last);
            let bound = *bound;
            let mut to_remove = last + 1;
            self.debts.retain(|_, until| {
                let remove = *until <= bound && to_remove > 0;
                to_remove -= usize::from(remove);
                !remove
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
    fn buckets_refill_over_time_up_to_their_capacity() {
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
        assert_eq!(buckets.left(start + Duration::from_hours(1), 1), 100, "a bucket does not exceed its capacity");
    }

    #[test]
    fn addresses_of_one_ipv6_prefix_are_one_origin() {
        let same = |left: &str, right: &str| {
            ClientNetwork::from(left.parse::<IpAddr>().unwrap())
                == ClientNetwork::from(right.parse::<IpAddr>().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        let network = |text: &str| ClientNetwork::from(text.parse::<IpAddr>().unwrap()).network();
        assert_eq!(network("2001:db8:1:1::1"), network("2001:db8:1:ffff::1"));
        assert_ne!(network("2001:db8:1:1::1"), network("2001:db8:2:1::1"));
        assert_eq!(network("192.0.2.1"), None);
    }

    proptest! {
        /// If units are only taken after the required wait, the total never exceeds the capacity plus what was refilled,
        /// and the units are always available after the wait.
        #[test]
        fn the_total_taken_never_exceeds_capacity_and_refill(requests in prop::collection::vec((0_u64..500, 1_u32..=100), 1..100)) {
            let (mut buckets, start) = (Buckets::new(POINTS, 10), Instant::now());
            let (mut elapsed, mut taken) = (Duration::ZERO, 0_u128);
            for (pause, amount) in requests {
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
