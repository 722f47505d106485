//! Who asks: from an access token to a [`Viewer`], remembered for a few seconds, so that most requests ask the
//! database nothing about it, and whatever ends or changes is in force within those seconds on every server.

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

/// For how long a viewer is remembered.
const REMEMBERED: Duration = Duration::from_secs(4);
/// How many viewers are remembered at most.
const MOST_REMEMBERED: u64 = 10_000;

/// A remembered session, with its viewer while it has not ended.
#[derive(Clone)]
struct Known {
    organization: OrganizationId,
    user: UserId,
    viewer: Option<Arc<Viewer>>,
}

/// What lets people in.
pub struct Auth {
    /// Makes and checks password hashes.
    pub passwords: Passwords,
    /// Makes and checks access tokens.
    pub tokens: Tokens,
    /// Slows down guessing passwords.
    pub throttle: Throttle,
    /// Slows down whoever comes with refresh tokens that do not hold.
    pub refreshes: Throttle,
    /// Slows down whoever comes with invitations that do not hold.
    pub invitations: Throttle,
    /// Slows down whoever comes with addresses of calendars that are none.
    pub calendars: Throttle,
    viewers: Cache<SessionId, Known>,
    /// How often something was forgotten.
    forgotten: AtomicU64,
}

impl Auth {
    /// With the keys of the settings: those given, else those of the key file, which is made at the first start.
    ///
    /// # Errors
    /// Keys that cannot be read, made or trusted.
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

    /// Who holds this access token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where the token does not hold, its session has ended or its user is not active any more.
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
        // A session of other claims than were asked for stays remembered as it is.
        if known.viewer.is_some() || self.viewers.get(&claims.session).is_none() {
            self.viewers.insert(claims.session, known.clone());
        }
        // What was read before a change must not be remembered after it.
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.viewers.invalidate(&claims.session);
        }
        known.viewer.map(Some).ok_or(Error::Unauthenticated)
    }

    /// Forgets the viewers of an organization.
    pub fn forget(&self, organization: OrganizationId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        // It fails only where closures are not supported, and they are.
        let _ = self.viewers.invalidate_entries_if(move |_, known| known.organization == organization);
    }
}

/// The viewer that a session belongs to; None where it has ended, or its user is not active.
///
/// # Errors
/// The database's.
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

/// A viewer out of what was stored, with everyone below them where they are a manager.
///
/// # Errors
/// The database's.
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

/// A user and everyone below in the reporting line, at any depth.
///
/// # Errors
/// The database's.
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
