//! Looks up the [`Viewer`] of an access token. Viewers are cached for a few seconds, so that most requests need no query for
//! it, and changes to users and sessions take effect within those seconds on every server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entity::{OrganizationId, Scoped, SessionId, UserId, organization, session, user};
use moka::sync::Cache;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, QueryFilter, Statement};
use uuid::Uuid;

use super::keys::{KeyError, SigningKeys};
use super::passwords::Passwords;
use super::throttle::Throttle;
use super::tokens::{Claims, Tokens};
use super::visibility::Viewer;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::values::money::Currency;
use database::columns::array_value;
use database::db::Db;

/// How long a viewer is cached.
const REMEMBERED: Duration = Duration::from_secs(4);
/// The largest number of cached viewers.
const MOST_REMEMBERED: u64 = 10_000;

/// A cached session, with its viewer unless it has ended.
#[derive(Clone)]
struct Known {
    organization: OrganizationId,
    user: UserId,
    viewer: Option<Arc<Viewer>>,
}

/// The authentication state of an application.
pub struct Auth {
    /// Creates and verifies password hashes.
    pub passwords: Passwords,
    /// Issues and verifies access tokens.
    pub tokens: Tokens,
    /// Limits failed sign-ins.
    pub throttle: Throttle,
    /// Limits requests with invalid refresh tokens.
    pub refreshes: Throttle,
    /// Limits requests with invalid invitations.
    pub invitations: Throttle,
    /// Limits requests with invalid addresses of calendar feeds.
    pub calendars: Throttle,
    viewers: Cache<SessionId, Known>,
    /// The number of times that viewers were removed from the cache.
    forgotten: AtomicU64,
}

impl Auth {
    /// Creates the state with the keys of the settings, else with those of the key file, which is created at the first start.
    pub fn open(settings: &Settings) -> Result<Self, KeyError> {
        let given = &settings.access.signing_keys;
        let keys = if given.is_empty() {
            SigningKeys::open(&settings.key_file())?
        } else {
            SigningKeys::given(given.iter().map(crate::config::Secret::expose))?
        };
        Ok(Self {
            passwords: Passwords::new(),
            tokens: Tokens::new(&keys)?,
            throttle: Throttle::default(),
            refreshes: Throttle::default(),
            invitations: Throttle::default(),
            calendars: Throttle::default(),
            viewers: Cache::builder()
                .max_capacity(MOST_REMEMBERED)
                .time_to_live(REMEMBERED)
                .support_invalidation_closures()
                .build(),
            forgotten: AtomicU64::new(0),
        })
    }

    /// Returns the viewer of an access token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the token is invalid, its session has ended or its user is no longer active.
    pub async fn viewer(&self, db: &Db, token: &str) -> Result<Option<Arc<Viewer>>> {
        let claims = self.tokens.verify(token).map_err(|_| Error::Unauthenticated)?;
        if let Some(known) = self.viewers.get(&claims.session)
            && (known.organization, known.user) == (claims.organization, claims.user)
        {
            return known.viewer.map(Some).ok_or(Error::Unauthenticated);
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let viewer = find(db, claims).await?.map(Arc::new);
        let known = Known { organization: claims.organization, user: claims.user, viewer };
        // Claims that match no active session must not replace the cached entry of that session.
        if known.viewer.is_some() || self.viewers.get(&claims.session).is_none() {
            self.viewers.insert(claims.session, known.clone());
        }
        // A viewer that was read before a change must not stay in the cache after it.
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.viewers.invalidate(&claims.session);
        }
        known.viewer.map(Some).ok_or(Error::Unauthenticated)
    }

    /// Removes the viewers of an organization from the cache.
    pub fn forget(&self, organization: OrganizationId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        // This fails only if the cache does not support closures, and this one does.
        let _ = self.viewers.invalidate_entries_if(move |_, known| known.organization == organization);
    }
}

/// Returns the viewer of a session; None if the session has ended or the user is not active.
pub async fn find(db: &Db, claims: Claims) -> Result<Option<Viewer>> {
    let session = session::Entity::of(claims.organization)
        .filter(session::Column::Id.eq(claims.session))
        .filter(session::Column::UserId.eq(claims.user))
        .filter(session::Column::EndedAt.is_null())
        .one(db.reader())
        .await?;
    if session.is_none() {
        return Ok(None);
    }
    let Some(user) = user::Entity::of(claims.organization)
        .filter(user::Column::Id.eq(claims.user))
        .filter(user::Column::Active.eq(true))
        .one(db.reader())
        .await?
    else {
        return Ok(None);
    };
    let Some(organization) = organization::Entity::of(claims.organization).one(db.reader()).await? else {
        return Ok(None);
    };
    Ok(Some(with_reporting_line(db.reader(), organization, user, Some(claims.session)).await?))
}

/// Creates a viewer from stored rows, and reads the reporting line if the user is a manager.
pub async fn with_reporting_line<C: ConnectionTrait>(
    connection: &C,
    organization: organization::Model,
    user: user::Model,
    session: Option<SessionId>,
) -> Result<Viewer> {
    let line = match user.role {
        user::Role::Manager => reporting_line_of(connection, organization.id, user.id).await?,
        user::Role::Seller | user::Role::Admin => vec![user.id],
    };
    let currency = Currency::of(&organization.currency).unwrap_or(Currency::NONE);
    let zone = crate::values::calendar::zone(&organization.time_zone).unwrap_or(chrono_tz::UTC);
    let reporting_line_array =
        (connection.get_database_backend() == DbBackend::Postgres).then(|| array_value(line.iter().copied()));
    let mut viewer =
        Viewer { organization, currency, zone, user, session, reporting_line: line, reporting_line_array, seats: 0 };
    if !viewer.sees_everything() {
        let mut seats = Query::select();
        seats.expr(Expr::cust("count(distinct account_id)")).from_subquery(viewer.seats_query(), Alias::new("seen"));
        let row = connection.query_one(&seats).await?;
        let seats: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        viewer.seats = seats.unsigned_abs();
    }
    Ok(viewer)
}

/// Returns a user and everyone below them in the reporting line, at any depth.
pub async fn reporting_line_of<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<UserId>, DbErr> {
    let sql = "with recursive line (id) as (
            select id from member where organization_id = $1 and id = $2
            union
            select member.id from member join line on member.manager_id = line.id where member.organization_id = $1
        ) select id from line";
    let statement =
        Statement::from_sql_and_values(connection.get_database_backend(), sql, [organization.into(), user.into()]);
    let rows = connection.query_all_raw(statement).await?;
    rows.into_iter().map(|row| row.try_get_by_index::<Uuid>(0).map(UserId)).collect()
}
