//! The connections to a database: opened when one is needed, given back without asking anybody (docs/adr/0015).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Manager, Metrics, Object, PoolError, RecycleResult, Timeouts};
use sea_orm::sqlx::{self, PgConnection, SqliteConnection};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use crate::connection::Connection;

/// A connection that was last taken longer ago is asked whether it still lives before it is taken again.
const QUIET: Duration = Duration::from_secs(1);
/// For how long it is waited for that answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// One that was last taken longer ago is closed.
const IDLE: Duration = Duration::from_mins(10);
/// One that is older is not taken again: what its server keeps for it only grows.
const LIFETIME: Duration = Duration::from_mins(30);
/// How often those are looked for.
const ROUND: Duration = Duration::from_mins(1);
/// After a database that is about to start refuses, it is tried again, at first so soon, and at most so late.
const AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// How connections of one kind are opened.
pub struct Opener<C: sqlx::Connection> {
    options: C::Options,
}

impl<C: sqlx::Connection> Manager for Opener<C> {
    type Type = C;
    type Error = sqlx::Error;

    fn create(&self) -> impl Future<Output = Result<C, sqlx::Error>> + Send {
        // Large, and seldom: whoever waits for a connection need not carry it along.
        Box::pin(open(&self.options))
    }

    async fn recycle(&self, connection: &mut C, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LIFETIME {
            return Err(managed::RecycleError::message("it is old"));
        }
        // While it lay idle the server may have gone and come back: then it is the connection that finds out, not a request.
        if metrics.last_used() > QUIET {
            let answered = tokio::time::timeout(PATIENCE, Box::pin(connection.ping())).await;
            answered.map_err(|_| managed::RecycleError::message("it does not answer"))??;
        }
        Ok(())
    }
}

/// Opens a connection, once the database has started.
async fn open<C: sqlx::Connection>(options: &C::Options) -> Result<C, sqlx::Error> {
    let (mut pause, longest) = AGAIN;
    loop {
        match C::connect_with(options).await {
            Err(error) if is_starting(&error) => tokio::time::sleep(pause).await,
            done => return done,
        }
        pause = (2 * pause).min(longest);
    }
}

fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        // cannot_connect_now.
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}

/// The connections to a database.
#[derive(Clone)]
pub enum Pool {
    /// To PostgreSQL.
    Postgres(managed::Pool<Opener<PgConnection>>),
    /// To SQLite.
    Sqlite(managed::Pool<Opener<SqliteConnection>>),
}

impl Pool {
    /// Connections to PostgreSQL, so many at most, each of which is waited for so long.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn postgres(options: sqlx::postgres::PgConnectOptions, most: u32, wait: Duration) -> Result<Self, DbErr> {
        made(options, most, wait).await.map(Self::Postgres)
    }

    /// Connections to SQLite, so many at most, each of which is waited for so long.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn sqlite(options: sqlx::sqlite::SqliteConnectOptions, most: u32, wait: Duration) -> Result<Self, DbErr> {
        made(options, most, wait).await.map(Self::Sqlite)
    }

    /// A connection, once there is one.
    ///
    /// # Errors
    /// There was none in time.
    pub async fn get(&self) -> Result<PooledConnection, DbErr> {
        match self {
            Self::Postgres(pool) => pool.get().await.map(PooledConnection::Postgres).map_err(none),
            Self::Sqlite(pool) => pool.get().await.map(PooledConnection::Sqlite).map_err(none),
        }
    }

    /// How many are open, and how many of those are idle.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let status = match self {
            Self::Postgres(pool) => pool.status(),
            Self::Sqlite(pool) => pool.status(),
        };
        (status.size, status.available)
    }

    /// Forgets those that lie idle: one of them turned out to be dead.
    pub fn evict_idle(&self) {
        match self {
            Self::Postgres(pool) => drop(pool.retain(|_, _| false)),
            Self::Sqlite(pool) => drop(pool.retain(|_, _| false)),
        }
    }

    /// Ends them all.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => close(pool).await,
            Self::Sqlite(pool) => close(pool).await,
        }
    }
}

/// A pool whose first connection is there.
async fn made<C: sqlx::Connection + 'static>(
    options: C::Options,
    most: u32,
    wait: Duration,
) -> Result<managed::Pool<Opener<C>>, DbErr> {
    let timeouts = Timeouts { wait: Some(wait), create: Some(wait), recycle: None };
    let pool = managed::Pool::builder(Opener { options })
        .max_size(usize::try_from(most).unwrap_or(usize::MAX))
        .timeouts(timeouts)
        // The one that was used last is the one that is warm; the others may be closed.
        .queue_mode(managed::QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    drop(pool.get().await.map_err(none)?);
    let known = pool.weak();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(ROUND).await;
            let Some(pool) = known.upgrade() else { return };
            end(pool.retain(|_, metrics| metrics.last_used() < IDLE && metrics.age() < LIFETIME).removed).await;
        }
    });
    Ok(pool)
}

async fn close<C: sqlx::Connection>(pool: &managed::Pool<Opener<C>>) {
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    end(idle).await;
}

async fn end<C: sqlx::Connection>(connections: Vec<C>) {
    for connection in connections {
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}

/// The pool's error as SeaORM has it.
fn none(error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Timeout(_) => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        PoolError::Backend(error) => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
        error => DbErr::Custom(error.to_string()),
    }
}

/// A connection that is in use. Dropped, it is given back.
pub enum PooledConnection {
    /// To PostgreSQL.
    Postgres(Object<Opener<PgConnection>>),
    /// To SQLite.
    Sqlite(Object<Opener<SqliteConnection>>),
}

impl PooledConnection {
    /// The connection itself.
    pub fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Postgres(held) => Connection::Postgres(held),
            Self::Sqlite(held) => Connection::Sqlite(held),
        }
    }

    /// Ends the connection in place of giving it back.
    pub fn discard(self) {
        match self {
            Self::Postgres(held) => drop(Object::take(held)),
            Self::Sqlite(held) => drop(Object::take(held)),
        }
    }
}
