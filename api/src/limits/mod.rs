//! Admission control. A request above the cost limit is refused; a caller without enough points is refused until the points
//! have been refilled; a request beyond its organization's share waits behind that organization's own requests (docs/adr/0007
//! and 0008).
//!
//! Prices are computed by `graphql_http::cost`. The state is in memory, bounded, and belongs to this server.

pub mod lane;
pub mod places;
pub mod share;

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value, value};
use entity::{OrganizationId, UserId};
use tokio_util::sync::CancellationToken;

use self::places::{Place, Places};
use self::share::{QueuePosition, Shares};
use crate::auth::Viewer;
use crate::auth::tokens::Claims;
use crate::config::{CostSettings, Settings};
use crate::error::RETRY_AFTER;
use crate::values::token_bucket::{Allowance, Buckets, ClientNetwork};
use graphql_http::code::Code;
use graphql_http::cost::{LEAST, Price};

/// The largest number of callers whose points are kept in memory: under 8 MB.
const REMEMBERED: usize = 50_000;
/// The number of refused requests of a tenant that are answered at once, and how fast this number refills.
const REFUSALS: Allowance = Allowance { most: 100, refill: Duration::from_millis(20) };
/// How long the answer to a further refused request is held back: as long as `Retry-After` says.
const PAUSE: Duration = Duration::from_secs(1);
/// A request above this price is expensive, and so is one that may read all data of its organization. Fewer expensive requests
/// run at the same time.
const EXPENSIVE: u64 = 300;

/// The owner of a budget of points: a user or, without a token, the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Principal {
    User(UserId),
    ClientNetwork(Option<ClientNetwork>),
}

/// The owner of a share: an organization or, without a token, the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tenant {
    /// All requests of signed-in members of the organization.
    Organization(OrganizationId),
    /// All who ask from there without a token.
    ClientNetwork(Option<ClientNetwork>),
}

/// The caller of a request, as far as limits are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    principal: Principal,
    tenant: Tenant,
}

impl Tenant {
    /// Returns the tenant of a request: the organization of a valid token, else the address.
    #[must_use]
    pub fn of(claims: Option<Claims>, peer: Option<IpAddr>) -> Self {
        claims.map_or_else(
            || Self::ClientNetwork(peer.map(ClientNetwork::from)),
            |claims| Self::Organization(claims.organization),
        )
    }
}

impl Asker {
    /// Returns the caller with a valid token, whether or not its session still exists, or with an address.
    #[must_use]
    pub fn of_claims(claims: Option<Claims>, peer: Option<IpAddr>) -> Self {
        match claims {
            Some(claims) => {
                Self { principal: Principal::User(claims.user), tenant: Tenant::Organization(claims.organization) }
            }
            None => Self::of(None, peer),
        }
    }

    /// Returns the caller: a viewer, or the address of a request without one.
    #[must_use]
    pub fn of(viewer: Option<&Viewer>, peer: Option<IpAddr>) -> Self {
        let origin = peer.map(ClientNetwork::from);
        viewer.map_or(
            Self { principal: Principal::ClientNetwork(origin), tenant: Tenant::ClientNetwork(origin) },
            |viewer| Self {
                principal: Principal::User(viewer.user.id),
                tenant: Tenant::Organization(viewer.organization.id),
            },
        )
    }
}

/// A request that asks for admission.
#[derive(Clone, Debug)]
pub struct AdmissionRequest {
    /// The price of the request.
    pub price: Price,
    /// Canceled once the client has disconnected.
    pub gone: CancellationToken,
}

/// The reason why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionError {
    /// Its price is above the limit of one request.
    TooDear {
        /// The price.
        price: u64,
        /// The limit.
        limit: u64,
    },
    /// The caller does not have enough points left.
    OutOfPoints {
        /// The price and the points that are left.
        cost: Cost,
        /// The number of seconds (1 or more) until there are enough points.
        seconds: u64,
    },
    /// The largest number of the organization's requests is waiting already.
    TooMany,
    /// The client has disconnected.
    Gone,
}

/// The cost that an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    requested: u64,
    available: u32,
    refill_per_second: u32,
}

impl Cost {
    fn shown(self) -> Value {
        let Self { requested, available, refill_per_second } = self;
        value!({ "requested": requested, "available": available, "refillPerSecond": refill_per_second })
    }
}

impl AdmissionError {
    /// The label of the metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooDear { .. } => "price",
            Self::OutOfPoints { .. } => "points",
            Self::TooMany => "share",
            Self::Gone => "gone",
        }
    }

    /// Returns the GraphQL response to the refused request.
    #[must_use]
    pub fn answer(self) -> Response {
        match self {
            Self::TooDear { price, limit } => {
                let message = format!(
                    "This request may cost {price} points; {limit} are allowed at once. Ask for smaller pages, or for less \
                     inside of them."
                );
                let mut error = Code::LimitExceeded.error(message, None);
                let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
                extensions.set("requested", price);
                extensions.set("limit", limit);
                Response::from_errors(vec![error])
            }
            Self::OutOfPoints { cost, seconds } => {
                let Cost { requested, available, refill_per_second } = cost;
                let message = format!(
                    "This request costs {requested} points and {available} are left; {refill_per_second} come back a \
                     second: try again in {seconds} s."
                );
                Response::from_errors(vec![later(&message, seconds)]).extension("cost", cost.shown())
            }
            Self::TooMany => {
                let message = "Too many requests of your organization are waiting: try again in 1 s.";
                Response::from_errors(vec![later(message, 1)])
            }
            Self::Gone => Response::from_errors(vec![Code::Timeout.error("The client has gone away.", None)]),
        }
    }
}

fn later(message: &str, seconds: u64) -> ServerError {
    let mut error = Code::RateLimited.error(message, None);
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set(RETRY_AFTER, seconds);
    error
}

/// The permission for a request to run. Dropping it ends the request's turn.
#[derive(Debug)]
#[must_use = "dropped, the turn is over"]
pub struct Permit {
    cost: Option<Cost>,
    /// Whether the request is expensive.
    pub is_expensive: bool,
    _turn: QueuePosition,
}

impl Permit {
    /// Adds the cost of the request to the response.
    #[must_use]
    pub fn show_cost(&self, answer: Response) -> Response {
        match self.cost {
            Some(cost) => answer.extension("cost", cost.shown()),
            None => answer,
        }
    }
}

/// The points and shares of all callers.
#[derive(Debug)]
pub struct Limiter {
    limit: Option<u64>,
    points: Option<Points>,
    shares: Shares,
    places: Places,
    refusals: Mutex<Buckets<Tenant>>,
}

impl Limiter {
    /// Creates a limiter with the limits of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let CostSettings { max_points, points, points_per_second } = settings.cost;
        Self {
            places: Places::new(settings.load.max_requests.get()),
            refusals: Mutex::new(Buckets::new(REFUSALS, REMEMBERED)),
            limit: (max_points > 0).then_some(max_points),
            points: (points > 0).then(|| Points::new(points, points_per_second.get())),
            shares: Shares::new(settings.load.shares(settings.database.database_connections.get())),
        }
    }

    /// Takes a place for a request; returns None if the tenant holds its part of the places already.
    #[must_use]
    pub fn place(&self, tenant: Tenant) -> Option<Place> {
        self.places.take(tenant)
    }

    /// Returns how long the answer to a refused request is held back. A few refusals are answered at once. A tenant that repeats
    /// them without a pause would keep the cores busy with nothing but refusals.
    #[must_use]
    pub fn pause(&self, tenant: Tenant) -> Duration {
        let now = Instant::now();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.wait(now, tenant, 1).is_zero() {
            refusals.take(now, tenant, 1);
            return Duration::ZERO;
        }
        PAUSE
    }

    /// Returns the number of requests in progress.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.places.taken()
    }

    /// Refuses a request above the limit of one request.
    ///
    /// # Errors
    /// [`AdmissionError::TooDear`].
    pub fn check(&self, price: Price) -> Result<(), AdmissionError> {
        match self.limit {
            Some(limit) if price.points > limit => Err(AdmissionError::TooDear { price: price.points, limit }),
            _ => Ok(()),
        }
    }

    /// Takes points for looking at a document. A caller must have one point at least.
    ///
    /// # Errors
    /// [`AdmissionError::OutOfPoints`].
    pub fn reserve(&self, asker: Asker, price: u64) -> Result<(), AdmissionError> {
        if let Some(points) = &self.points {
            points.take(Instant::now(), asker.principal, price.max(LEAST))?;
            points.give_back(asker.principal, price.max(LEAST) - price);
        }
        Ok(())
    }

    /// Returns points that were reserved.
    pub fn release(&self, asker: Asker, price: u64) {
        if let Some(points) = &self.points {
            points.give_back(asker.principal, price);
        }
    }

    /// Takes the price from the caller's points and waits for the organization's turn. A refused request costs nothing.
    ///
    /// # Errors
    /// Where there are too few points, or too many who wait.
    pub async fn admit(&self, asker: Asker, wanted: &AdmissionRequest) -> Result<Permit, AdmissionError> {
        let AdmissionRequest { price, gone } = wanted;
        let expensive = price.points > EXPENSIVE || price.reads_all;
        let cost = match &self.points {
            Some(points) => Some(points.take(Instant::now(), asker.principal, price.points)?),
            None => None,
        };
        let turn = tokio::select! {
            biased;
            turn = self.shares.turn(asker.tenant, expensive) => turn,
            () = gone.cancelled() => Err(AdmissionError::Gone),
        };
        match turn {
            Ok(turn) => Ok(Permit { cost, is_expensive: expensive, _turn: turn }),
            Err(refusal) => {
                if let Some(points) = &self.points {
                    points.give_back(asker.principal, price.points);
                }
                Err(refusal)
            }
        }
    }

    /// Returns points to a caller whose request cost less than its price.
    pub fn give_back(&self, asker: Asker, pass: &mut Permit, amount: u64) {
        if let (Some(points), Some(cost)) = (&self.points, &mut pass.cost)
            && amount > 0
        {
            points.give_back(asker.principal, amount);
            cost.available = points.buckets().left(Instant::now(), asker.principal);
        }
    }

    /// Returns the number of requests that wait for their organization's turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shares.waiting()
    }
}

/// The points of all callers.
#[derive(Debug)]
struct Points {
    most: u32,
    per_second: u32,
    buckets: Mutex<Buckets<Principal>>,
}

impl Points {
    fn new(most: u32, per_second: u32) -> Self {
        let refill = (Duration::from_secs(1) / per_second).max(Duration::from_nanos(1));
        let buckets = Buckets::new(Allowance { most, refill }, REMEMBERED);
        Self { most, per_second, buckets: Mutex::new(buckets) }
    }

    /// Takes a price, or says when it will be there. A price above the whole allowance needs, and takes, all of it.
    fn take(&self, now: Instant, principal: Principal, price: u64) -> Result<Cost, AdmissionError> {
        let amount = self.amount(price);
        let mut buckets = self.buckets();
        let wait = buckets.wait(now, principal, amount);
        if wait.is_zero() {
            buckets.take(now, principal, amount);
        }
        let available = buckets.left(now, principal);
        let cost = Cost { requested: price, available, refill_per_second: self.per_second };
        if wait.is_zero() {
            Ok(cost)
        } else {
            Err(AdmissionError::OutOfPoints { cost, seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0) })
        }
    }

    fn give_back(&self, principal: Principal, price: u64) {
        self.buckets().give_back(principal, self.amount(price));
    }

    fn amount(&self, price: u64) -> u32 {
        u32::try_from(price).unwrap_or(u32::MAX).min(self.most)
    }

    /// Locks the buckets. A thread that panicked while it held the lock leaves at most one bucket wrong.
    fn buckets(&self) -> MutexGuard<'_, Buckets<Principal>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;

    fn from(address: &str) -> Asker {
        Asker::of(None, Some(address.parse().unwrap()))
    }

    fn price(points: u64) -> Price {
        Price { points, reads_all: false, objects: 0 }
    }

    fn wanted(points: u64) -> AdmissionRequest {
        AdmissionRequest { price: price(points), gone: CancellationToken::new() }
    }

    fn admission(change: impl FnOnce(&mut Settings)) -> Limiter {
        let mut settings = Settings::default();
        change(&mut settings);
        Limiter::new(&settings)
    }

    #[tokio::test]
    async fn points_are_used_up_by_one_asker_and_not_by_another() {
        let admission = admission(|settings| settings.cost.points = 1_000);
        let (ann, bob) = (from("192.0.2.1"), from("192.0.2.2"));
        for _ in 0..2 {
            let _ = admission.admit(ann, &wanted(500)).await.unwrap();
        }
        // At most two seconds' worth was refilled in the meantime; the request costs one second's worth.
        let refused = admission.admit(ann, &wanted(1_000)).await.unwrap_err();
        let AdmissionError::OutOfPoints { cost, seconds } = refused else { panic!("{refused:?}") };
        assert_eq!((cost.requested, cost.refill_per_second, seconds), (1_000, 2_000, 1));
        assert!(admission.admit(bob, &wanted(1_000)).await.is_ok());
        let answer = refused.answer();
        assert_eq!(Code::of(&answer.errors[0]), Some(Code::RateLimited));
        assert!(answer.extensions.contains_key("cost"));
    }

    #[tokio::test]
    async fn a_price_above_the_allowance_takes_all_of_it() {
        let admission = admission(|settings| settings.cost.points = 1_000);
        let pass = admission.admit(from("192.0.2.1"), &wanted(9_000)).await.unwrap();
        assert_eq!(pass.cost.map(|cost| (cost.requested, cost.available)), Some((9_000, 0)));
    }

    #[tokio::test]
    async fn without_limits_nothing_is_counted() {
        let admission = admission(|settings| {
            settings.cost.points = 0;
            settings.cost.max_points = 0;
        });
        for _ in 0..10 {
            admission.check(price(u64::MAX)).unwrap();
            let pass = admission.admit(from("192.0.2.1"), &wanted(u64::MAX)).await.unwrap();
            assert!(pass.show_cost(Response::default()).extensions.is_empty());
        }
    }

    #[tokio::test]
    async fn what_is_refused_costs_nothing() {
        let admission = admission(|settings| settings.load.max_waiting = 0);
        let asker = from("192.0.2.1");
        let left = || admission.points.as_ref().unwrap().buckets().left(Instant::now(), asker.principal);
        let mut running = Vec::new();
        let refused = loop {
            match admission.admit(asker, &wanted(1)).await {
                Ok(pass) => running.push(pass),
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused, AdmissionError::TooMany);
        let before = left();
        for _ in 0..100 {
            assert_eq!(admission.admit(asker, &wanted(9_000)).await.unwrap_err(), AdmissionError::TooMany);
        }
        assert!(left() >= before);
        let expensive = admission.check(price(10_001)).unwrap_err().answer();
        assert_eq!(Code::of(&expensive.errors[0]), Some(Code::LimitExceeded));
        assert!(
            expensive.errors[0].message.contains("10001 points; 10000 are allowed"),
            "{}",
            expensive.errors[0].message
        );
    }

    #[test]
    fn only_a_tenant_that_is_refused_again_and_again_waits() {
        let limiter = Limiter::new(&Settings::default());
        let (one, other) = (Tenant::ClientNetwork(None), Tenant::Organization(OrganizationId::make()));
        let at_once = (0..1_000).filter(|_| limiter.pause(one).is_zero()).count();
        // Some of them may be refilled meanwhile.
        assert!((100..200).contains(&at_once), "{at_once}");
        assert!(limiter.pause(other).is_zero());
    }
}
