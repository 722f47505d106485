//! The context of a request: its services, its viewer and its time.

mod services;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono_tz::Tz;
use database::columns::{is_any_of, select_columns};
use database::connection::Connections;
use entity::{AccountId, Columns, Instant, Row, Scoped, UserId, user};
use graphql_executor::ROWS_BETWEEN_YIELDS;
use sea_orm::sea_query::{SelectStatement, Value, ValueType};
use sea_orm::{QueryFilter, QuerySelect, QueryTrait, Select};
use tokio::sync::OnceCell;

pub use self::services::Services;
pub use crate::auth::{AccountAccess, Viewer};
use crate::error::{Error, Result};
use crate::values::calendar;
use crate::values::money::{Currency, Money};

/// The context of the request that is being executed.
#[derive(Clone)]
pub struct RequestContext {
    /// The services that all requests share.
    pub services: Arc<Services>,
    /// The time at which the request arrived, which is "now" for everything in it.
    pub now: Instant,
    /// The id of the request, which also appears in the log.
    pub request_id: String,
    /// The address of the client, for limiting failed attempts.
    pub peer: Option<std::net::IpAddr>,
    viewer: Option<Arc<Viewer>>,
    /// The number of objects with an id that the answer holds so far.
    found: Arc<AtomicU64>,
    /// What filters rest on, read at most once.
    facts: Arc<Facts>,
}

/// Facts of the organization on which conditions of filters rest. They are read before the conditions are built.
#[derive(Default)]
struct Facts {
    members: OnceCell<Members>,
    presences: OnceCell<HashMap<AccountId, f64>>,
}

/// The members of the organization.
#[derive(Default)]
struct Members {
    /// The members who report to each member directly. Every member is a key.
    reports: HashMap<UserId, Vec<UserId>>,
    /// Their time zones, each with its name.
    zones: Vec<(String, Tz)>,
}

impl RequestContext {
    /// Creates the context of a request; `viewer` is None if the caller is not signed in.
    #[must_use]
    pub fn new(
        services: Arc<Services>,
        request_id: String,
        peer: Option<std::net::IpAddr>,
        viewer: Option<Arc<Viewer>>,
    ) -> Self {
        let now = services.clock.now();
        Self { services, now, request_id, peer, viewer, found: Arc::default(), facts: Arc::default() }
    }

    /// Counts objects with an id that are answered.
    pub fn count_found(&self, objects: usize) {
        self.found.fetch_add(objects as u64, Ordering::Relaxed);
    }

    /// Returns the number of objects with an id that the answer holds.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Returns the viewer.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the caller is not signed in.
    pub fn viewer(&self) -> Result<&Viewer> {
        self.viewer.as_deref().ok_or(Error::Unauthenticated)
    }

    /// Returns the same context with a viewer, for a caller who has just signed in.
    #[must_use]
    pub fn on_behalf_of(&self, viewer: Arc<Viewer>) -> Self {
        Self { viewer: Some(viewer), facts: Arc::default(), ..self.clone() }
    }

    /// Reads the members of the organization for [`Self::zones`] and [`Self::line_of`].
    pub async fn read_members(&self) -> Result<()> {
        let read = async || -> Result<Members> {
            let rows: Vec<(UserId, Option<UserId>, String)> = user::Entity::of(self.viewer()?.organization.id)
                .select_only()
                .columns([user::Column::Id, user::Column::ManagerId, user::Column::TimeZone])
                .into_tuple()
                .all(self.reader())
                .await?;
            let mut members = Members::default();
            for (id, manager, zone) in rows {
                members.reports.entry(id).or_default();
                if let Some(manager) = manager {
                    members.reports.entry(manager).or_default().push(id);
                }
                if members.zones.iter().all(|(name, _)| *name != zone) {
                    let parsed = calendar::zone(&zone).unwrap_or(Tz::UTC);
                    members.zones.push((zone, parsed));
                }
            }
            Ok(members)
        };
        self.facts.members.get_or_try_init(read).await.map(drop)
    }

    fn members(&self) -> Result<&Members> {
        self.facts.members.get().ok_or_else(|| Error::internal("the members were not read"))
    }

    /// Returns the time zones of the organization's members, each with its name.
    ///
    /// # Errors
    /// An internal error if the members were not read before.
    pub fn zones(&self) -> Result<&[(String, Tz)]> {
        Ok(&self.members()?.zones)
    }

    /// Returns a member and everyone below them in the reporting line, at any depth, through inactive members too; none if
    /// the organization has no such member.
    ///
    /// # Errors
    /// An internal error if the members were not read before.
    pub fn line_of(&self, member: UserId) -> Result<Vec<UserId>> {
        let reports = &self.members()?.reports;
        let mut line: Vec<UserId> = reports.contains_key(&member).then_some(member).into_iter().collect();
        // A reporting line is a tree, so no member is found twice.
        let mut next = 0;
        while let Some(one) = line.get(next) {
            let below = reports.get(one).into_iter().flatten().copied();
            line.extend(below.collect::<Vec<_>>());
            next += 1;
        }
        Ok(line)
    }

    /// Keeps the presence at each account that the viewer sees for [`Self::presences`]. `read` returns those that are not 0.
    pub async fn read_presences(&self, read: impl Future<Output = Result<HashMap<AccountId, f64>>>) -> Result<()> {
        self.facts.presences.get_or_try_init(|| read).await.map(drop)
    }

    /// Returns the presence now at the accounts that the viewer sees, where it is not 0.
    ///
    /// # Errors
    /// An internal error if it was not read before.
    pub fn presences(&self) -> Result<&HashMap<AccountId, f64>> {
        self.facts.presences.get().ok_or_else(|| Error::internal("presence was not read"))
    }

    /// Returns the connections for reading.
    #[must_use]
    pub fn reader(&self) -> &Connections {
        self.services.db.reader()
    }

    /// Returns the rows of a statement, which must select `columns` in the order of the table.
    pub async fn rows<M: Row>(&self, statement: &SelectStatement, columns: Columns) -> Result<Vec<M>> {
        let found = self.reader().read(|| self.services.db.backend().build(statement)).await?;
        // Decoding ten thousand rows takes tens of milliseconds. Yields at intervals so that other tasks run on the thread.
        let mut rows = Vec::with_capacity(found.len());
        for (index, row) in found.iter().enumerate() {
            rows.push(M::read(row, columns)?);
            if index % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(rows)
    }

    /// Returns the rows of `select` with these ids, by id, reading only `columns`. Runs one statement, or none without ids.
    pub async fn fetch_by_ids<E, I, T>(
        &self,
        select: Select<E>,
        column: E::Column,
        columns: Columns,
        ids: impl IntoIterator<Item = I>,
        id_of: impl Fn(&E::Model) -> I,
    ) -> Result<HashMap<I, T>>
    where
        E: Scoped<Model: Row>,
        I: Ord + Hash + ValueType + Into<Value>,
        T: From<E::Model>,
    {
        let mut ids: Vec<I> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let select = select_columns(select, columns).filter(is_any_of(self.reader(), column, ids)).into_query();
        let rows = self.rows::<E::Model>(&select, columns).await?;
        Ok(rows.into_iter().map(|row| (id_of(&row), T::from(row))).collect())
    }

    /// Returns an amount of minor units in the organization's currency.
    #[must_use]
    pub fn money(&self, minor: i64) -> Money {
        // Only a signed-in viewer reads amounts, so the fallback is never visible.
        let currency = self.viewer.as_deref().map_or(Currency::NONE, |viewer| viewer.currency);
        currency.money(minor)
    }
}
