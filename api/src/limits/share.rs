//! An organization's share of the requests that run at once, so that no organization takes every connection of the database. A
//! request beyond the share waits behind its own organization's requests; the number of those that wait is bounded.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{AdmissionError, Tenant};
use crate::config::Sizes;

/// The shares of all tenants with running or waiting requests.
#[derive(Debug)]
pub struct Shares {
    sizes: Sizes,
    /// The expensive requests of all tenants: each waits behind its own tenant first.
    expensive: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<Tenant, Arc<Share>>>>,
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Share {
    all: Arc<Semaphore>,
    expensive: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Shares {
    /// Creates shares of these sizes, all of them free.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        let expensive = Arc::new(Semaphore::new(sizes.expensive_of_all));
        Self { sizes, expensive, taken: Arc::default(), waiting: Arc::default() }
    }

    /// Waits for a turn. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`AdmissionError::TooMany`] where too many wait already.
    pub async fn turn(&self, tenant: Tenant, expensive: bool) -> Result<QueuePosition, AdmissionError> {
        let mut turn = QueuePosition { place: self.place(tenant), permits: Vec::with_capacity(3) };
        // Expensive requests wait for each other first, so that cheap ones can pass them.
        if expensive {
            let expensive = Arc::clone(&turn.place.share.expensive);
            turn.permits.push(self.permit(&turn.place.share, expensive).await?);
            turn.permits.push(self.permit(&turn.place.share, Arc::clone(&self.expensive)).await?);
        }
        let all = Arc::clone(&turn.place.share.all);
        turn.permits.push(self.permit(&turn.place.share, all).await?);
        Ok(turn)
    }

    /// Returns the number of waiting requests.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn permit(&self, share: &Share, of: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, AdmissionError> {
        if let Ok(permit) = Arc::clone(&of).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting =
            Waiting::begin(&share.waiting, &self.waiting, self.sizes.waiting).ok_or(AdmissionError::TooMany)?;
        // These semaphores are never closed.
        of.acquire_owned().await.map_err(|_| AdmissionError::Gone)
    }

    fn place(&self, tenant: Tenant) -> Place {
        let share = Arc::clone(lock(&self.taken).entry(tenant).or_insert_with(|| {
            let Sizes { all, expensive, .. } = self.sizes;
            Arc::new(Share {
                all: Arc::new(Semaphore::new(all)),
                expensive: Arc::new(Semaphore::new(expensive)),
                waiting: AtomicUsize::new(0),
            })
        }));
        Place { tenant, share, taken: Arc::clone(&self.taken) }
    }
}

fn lock(taken: &Mutex<HashMap<Tenant, Arc<Share>>>) -> MutexGuard<'_, HashMap<Tenant, Arc<Share>>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A waiting request, counted until it is dropped.
struct Waiting<'a>(&'a AtomicUsize, &'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(own: &'a AtomicUsize, all: &'a AtomicUsize, most: usize) -> Option<Self> {
        own.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| (waiting < most).then_some(waiting + 1))
            .ok()?;
        all.fetch_add(1, Ordering::Relaxed);
        Some(Self(own, all))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A turn, which ends on drop.
#[derive(Debug)]
#[must_use = "dropped, the turn is over"]
pub struct QueuePosition {
    // Dropped first, so that a share has all its permits when it is removed.
    permits: Vec<OwnedSemaphorePermit>,
    place: Place,
}

/// A request that has a turn or waits for one. A share is kept as long as it has such a request.
#[derive(Debug)]
struct Place {
    tenant: Tenant,
    share: Arc<Share>,
    taken: Arc<Mutex<HashMap<Tenant, Arc<Share>>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        // The map holds one reference and this place the other; references are only created under the lock.
        if Arc::strong_count(&self.share) == 2 {
            taken.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use entity::{Id as _, OrganizationId};
    use futures_util::{FutureExt as _, poll};

    use super::*;

    fn shares(all: usize, expensive: usize, waiting: usize) -> Shares {
        Shares::new(Sizes { all, expensive, expensive_of_all: 100, waiting })
    }

    fn organization() -> Tenant {
        Tenant::Organization(OrganizationId::make())
    }

    #[tokio::test]
    async fn beyond_its_share_an_organization_waits_for_itself_alone() {
        let (shares, one, other) = (shares(2, 1, 10), organization(), organization());
        let first = shares.turn(one, false).await.unwrap();
        let _second = shares.turn(one, false).await.unwrap();
        let mut third = pin!(shares.turn(one, false));
        assert!(poll!(third.as_mut()).is_pending());
        assert_eq!(shares.waiting(), 1);
        assert!(shares.turn(other, true).now_or_never().is_some_and(|turn| turn.is_ok()));
        drop(first);
        assert!(third.await.is_ok());
        assert_eq!(shares.waiting(), 0);
    }

    #[tokio::test]
    async fn expensive_requests_leave_turns_to_the_others() {
        let (shares, one) = (shares(3, 1, 10), organization());
        let expensive = shares.turn(one, true).await.unwrap();
        let mut next = pin!(shares.turn(one, true));
        assert!(poll!(next.as_mut()).is_pending());
        let light = [shares.turn(one, false).await.unwrap(), shares.turn(one, false).await.unwrap()];
        drop(expensive);
        let next = next.await.unwrap();
        assert!(shares.turn(one, false).now_or_never().is_none(), "expensive ones count among all");
        drop((light, next));
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let (shares, one) = (shares(1, 1, 2), organization());
        let running = shares.turn(one, false).await.unwrap();
        let (mut first, mut second) = (Box::pin(shares.turn(one, false)), Box::pin(shares.turn(one, false)));
        assert!(poll!(first.as_mut()).is_pending() && poll!(second.as_mut()).is_pending());
        assert_eq!(shares.turn(one, false).await.unwrap_err(), AdmissionError::TooMany);
        // A canceled request leaves the queue.
        drop(first);
        let mut third = pin!(shares.turn(one, false));
        assert!(poll!(third.as_mut()).is_pending());
        drop(running);
        drop(second.await.unwrap());
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn a_share_without_requests_is_dropped() {
        let shares = shares(2, 1, 10);
        for _ in 0..100 {
            drop(shares.turn(organization(), true).await.unwrap());
        }
        let one = organization();
        let first = shares.turn(one, false).await.unwrap();
        drop(shares.turn(one, false).await.unwrap());
        assert_eq!(lock(&shares.taken).len(), 1);
        drop(first);
        assert!(lock(&shares.taken).is_empty());
    }
}
