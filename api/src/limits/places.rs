//! Places for requests in progress. A request takes one before its document is parsed, and gives it back with its answer.
//!
//! Signed-in requests share one pool. A tenant holds at most a quarter of it. The second half is for tenants that hold few places,
//! and the last quarter for tenants that hold none: many tenants may ask for all they can get, and the next one finds a place. Requests without a valid token have a small
//! pool of their own, shared by the same rule among addresses (a /64 of IPv6 counts as one) and, for IPv6, among networks (a /48).

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Tenant;
use crate::values::token_bucket::SiteNetwork;

/// The part of a pool that one tenant or address holds at most, and that is kept for tenants that hold none.
const PART: usize = 4;
/// The part of a pool that is kept for tenants that hold few places, including the part for those that hold none.
const PART_OF_FEW: usize = 2;
/// The number of places that are few.
const FEW: usize = 8;
/// The part of a pool that one network holds at most.
const NETWORK_PART: usize = 2;
/// The size of the pool of requests without a token, as a part of the whole.
const STRANGERS: usize = 8;

/// The places of one server.
#[derive(Debug)]
pub struct Places(Arc<Mutex<Pools>>);

#[derive(Debug)]
struct Pools {
    signed_in: Pool<Tenant>,
    strangers: Pool<Tenant>,
    networks: HashMap<SiteNetwork, usize>,
}

/// The places of one kind of request.
#[derive(Debug)]
struct Pool<Key> {
    size: usize,
    taken: usize,
    by: HashMap<Key, usize>,
}

impl<Key: Copy + Eq + Hash> Pool<Key> {
    fn new(size: usize) -> Self {
        Self { size: size.max(1), taken: 0, by: HashMap::new() }
    }

    /// Whether another place may be taken by a tenant that holds `held` places and may hold one part in `part`.
    fn allows(&self, held: usize, part: usize) -> bool {
        let free = self.size.saturating_sub(self.taken);
        let kept = match held {
            0 => 0,
            1..FEW => self.size.div_ceil(PART),
            _ => self.size.div_ceil(PART_OF_FEW),
        };
        free > kept && held < self.size.div_ceil(part)
    }

    fn take(&mut self, key: Key) -> bool {
        let held = self.by.get(&key).copied().unwrap_or_default();
        let allowed = self.allows(held, PART);
        if allowed {
            self.taken += 1;
            self.by.insert(key, held + 1);
        }
        allowed
    }

    fn give_back(&mut self, key: Key) {
        self.taken = self.taken.saturating_sub(1);
        release(&mut self.by, &key);
    }
}

fn release<Key: Copy + Eq + Hash>(counts: &mut HashMap<Key, usize>, key: &Key) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Places {
    /// Returns places for `most` signed-in requests, and an eighth as many others.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let pools = Pools {
            signed_in: Pool::new(most),
            strangers: Pool::new((most / STRANGERS).max(PART)),
            networks: HashMap::new(),
        };
        Self(Arc::new(Mutex::new(pools)))
    }

    /// Takes a place; returns None if the tenant holds its part already.
    #[must_use]
    pub fn take(&self, tenant: Tenant) -> Option<Place> {
        let mut pools = lock(&self.0);
        let Pools { signed_in, strangers, networks } = &mut *pools;
        let network = match tenant {
            Tenant::Organization(_) => {
                if !signed_in.take(tenant) {
                    return None;
                }
                None
            }
            Tenant::ClientNetwork(origin) => {
                let network = origin.and_then(crate::values::token_bucket::ClientNetwork::network);
                let held = network.and_then(|network| networks.get(&network).copied()).unwrap_or_default();
                if !strangers.allows(held, NETWORK_PART) || !strangers.take(tenant) {
                    return None;
                }
                if let Some(network) = network {
                    networks.insert(network, held + 1);
                }
                network
            }
        };
        Some(Place { tenant, network, pools: Arc::clone(&self.0) })
    }

    /// Returns the number of places that are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        let pools = lock(&self.0);
        pools.signed_in.taken + pools.strangers.taken
    }
}

fn lock(pools: &Mutex<Pools>) -> MutexGuard<'_, Pools> {
    pools.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A taken place, released on drop.
#[derive(Debug)]
#[must_use = "dropped, the place is free again"]
pub struct Place {
    tenant: Tenant,
    network: Option<SiteNetwork>,
    pools: Arc<Mutex<Pools>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut pools = lock(&self.pools);
        match self.tenant {
            Tenant::Organization(_) => pools.signed_in.give_back(self.tenant),
            Tenant::ClientNetwork(_) => pools.strangers.give_back(self.tenant),
        }
        if let Some(network) = self.network {
            release(&mut pools.networks, &network);
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::{Id as _, OrganizationId};

    use super::*;

    fn organization() -> Tenant {
        Tenant::Organization(OrganizationId::make())
    }

    fn origin(address: &str) -> Tenant {
        Tenant::ClientNetwork(Some(address.parse::<std::net::IpAddr>().unwrap().into()))
    }

    fn all(places: &Places, tenant: Tenant) -> Vec<Place> {
        std::iter::from_fn(|| places.take(tenant)).collect()
    }

    #[test]
    fn a_tenant_holds_at_most_a_quarter() {
        let (places, one) = (Places::new(512), organization());
        let held = all(&places, one);
        assert_eq!((held.len(), places.taken()), (128, 128));
        drop(held);
        assert_eq!(places.taken(), 0);
        assert!(places.take(one).is_some());
    }

    #[test]
    fn however_many_ask_for_all_the_next_finds_a_place() {
        for greedy in [4, 20, 100] {
            let places = Places::new(512);
            let held: Vec<_> = (0..greedy).map(|_| all(&places, organization())).collect();
            assert!(places.take(organization()).is_some(), "{greedy}");
            drop(held);
        }
    }

    #[test]
    fn beside_greedy_tenants_another_one_has_a_few_places() {
        let places = Places::new(512);
        let greedy: Vec<_> = (0..4).map(|_| organization()).collect();
        let held: Vec<_> = greedy.iter().map(|tenant| all(&places, *tenant)).collect();
        assert_eq!(all(&places, organization()).len(), FEW);
        drop(held);
    }

    #[test]
    fn strangers_take_no_place_of_others() {
        let places = Places::new(512);
        let held: Vec<_> = (0..200).map(|number| all(&places, origin(&format!("192.0.2.{number}")))).collect();
        assert!(places.taken() <= 64);
        assert!(held[0].len() <= 16);
        assert_eq!(all(&places, organization()).len(), 128);
        assert!(places.take(origin("198.51.100.1")).is_none() || places.taken() <= 193);
    }

    #[test]
    fn a_network_counts_as_a_whole() {
        let places = Places::new(512);
        let held: Vec<_> = (0..200).map(|number| all(&places, origin(&format!("2001:db8:1:{number:x}::1")))).collect();
        assert!(places.taken() <= 32, "{}", places.taken());
        assert!(places.take(origin("2001:db8:2::1")).is_some());
        drop(held);
        assert!(lock(&places.0).networks.len() <= 1);
    }

    #[test]
    fn a_small_server_has_places_for_all() {
        let places = Places::new(1);
        let _held = places.take(organization()).unwrap();
        assert!(places.take(origin("192.0.2.1")).is_some());
    }
}
