//! Pools of database connections. A connection is opened when it is needed and returned without a round trip to the
//! database (docs/adr/0015).

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Manager, Metrics, Object, PoolError, RecycleResult, Timeouts};
use sea_orm::sqlx::{self, PgConnection, SqliteConnection};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use crate::connection::DbConnection;

/// A connection that has been unused for longer is pinged before it is used again.
const QUIET: Duration = Duration::from_secs(1);
/// The timeout of that ping.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that has been unused for longer is closed.
const IDLE: Duration = Duration::from_mins(10);
/// A connection that is older is not used again: what the server keeps for it only grows.
const LIFETIME: Duration = Duration::from_mins(30);
/// The interval at which idle and old connections are looked for.
const ROUND: Duration = Duration::from_mins(1);
/// The shortest and the longest pause before a database that is still starting is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// The number of SQLite's instructions between two checks of the time limit. One instruction may compare a long pattern with a
/// long text, which takes up to some milliseconds.
const INSTRUCTIONS: i32 = 200;

/// The time limit of the statements of one connection. PostgreSQL enforces `statement_timeout` itself; SQLite has no such
/// setting, and asks a progress handler instead.
#[derive(Debug)]
pub struct TimeLimit {
    origin: Instant,
    timeout: Duration,
    /// Microseconds from `origin` to the end of the current statement's time; 0 without a limit.
    end: AtomicU64,
}

impl TimeLimit {
    fn new(timeout: Duration) -> Self {
        Self { origin: Instant::now(), timeout, end: AtomicU64::new(0) }
    }

    /// Starts the time of a statement.
    pub fn start(&self) {
        let end = (self.origin.elapsed() + self.timeout).as_micros();
        self.end.store(u64::try_from(end).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }

    /// Lifts the limit.
    pub fn lift(&self) {
        self.end.store(0, Ordering::Relaxed);
    }

    /// Whether the time of the current statement is over.
    fn is_over(&self) -> bool {
        let end = self.end.load(Ordering::Relaxed);
        end > 0 && self.origin.elapsed().as_micros() > u128::from(end)
    }
}

/// A driver's connection on which a time limit can be set.
pub trait Limitable: sqlx::Connection {
    /// Makes the connection interrupt statements whose time is over.
    fn set_limit(&mut self, limit: &Arc<TimeLimit>) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

impl Limitable for PgConnection {
    async fn set_limit(&mut self, _: &Arc<TimeLimit>) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

impl Limitable for SqliteConnection {
    async fn set_limit(&mut self, limit: &Arc<TimeLimit>) -> Result<(), sqlx::Error> {
        let limit = Arc::clone(limit);
        self.lock_handle().await?.set_progress_handler(INSTRUCTIONS, move || !limit.is_over());
        Ok(())
    }
}

/// An open connection and its time limit.
pub struct Limited<C> {
    /// The driver's connection.
    pub connection: C,
    /// The time limit of its statements.
    pub limit: Arc<TimeLimit>,
    generation: u64,
}

/// Opens the connections of one pool.
pub struct Opener<C: sqlx::Connection> {
    options: C::Options,
    timeout: Duration,
    /// Why the last attempt to open a connection failed.
    failure: Arc<Mutex<Option<String>>>,
    /// Connections of an earlier generation are not used again.
    generation: AtomicU64,
}

impl<C: Limitable> Opener<C> {
    /// Opens a connection, once the database has started.
    async fn open(&self) -> Result<Limited<C>, sqlx::Error> {
        let (mut pause, longest) = AGAIN;
        let mut connection = loop {
            match C::connect_with(&self.options).await {
                Err(error) => {
                    *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                    if !is_starting(&error) {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                }
                Ok(connection) => break connection,
            }
            pause = (2 * pause).min(longest);
        };
        let limit = Arc::new(TimeLimit::new(self.timeout));
        connection.set_limit(&limit).await?;
        Ok(Limited { connection, limit, generation: self.generation.load(Ordering::Relaxed) })
    }
}

impl<C: Limitable> Manager for Opener<C> {
    type Type = Limited<C>;
    type Error = sqlx::Error;

    fn create(&self) -> impl Future<Output = Result<Limited<C>, sqlx::Error>> + Send {
        // Boxed, because the future is large and rarely needed by a request that waits for a connection.
        Box::pin(self.open())
    }

    async fn recycle(&self, held: &mut Limited<C>, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if held.generation != self.generation.load(Ordering::Relaxed) {
            return Err(managed::RecycleError::message("the connection has old statistics"));
        }
        if metrics.age() > LIFETIME {
            return Err(managed::RecycleError::message("the connection is too old"));
        }
        // The server may have restarted while the connection was idle. The ping finds out, instead of a request.
        if metrics.last_used() > QUIET {
            let answered = tokio::time::timeout(PING_TIMEOUT, Box::pin(held.connection.ping())).await;
            answered.map_err(|_| managed::RecycleError::message("the connection does not answer"))??;
        }
        Ok(())
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

/// The connections to one database.
#[derive(Clone)]
pub enum Pool {
    /// Connections to PostgreSQL.
    Postgres(managed::Pool<Opener<PgConnection>>),
    /// Connections to SQLite.
    Sqlite(managed::Pool<Opener<SqliteConnection>>),
}

/// The limits of a pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// The largest number of open connections.
    pub size: u32,
    /// How long a caller waits for a connection.
    pub wait: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
}

impl Pool {
    /// Opens a pool of connections to PostgreSQL, the first of them at once.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn postgres(options: sqlx::postgres::PgConnectOptions, limits: PoolLimits) -> Result<Self, DbErr> {
        filled(options, limits).await.map(Self::Postgres)
    }

    /// Opens a pool of connections to SQLite, the first of them at once.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn sqlite(options: sqlx::sqlite::SqliteConnectOptions, limits: PoolLimits) -> Result<Self, DbErr> {
        filled(options, limits).await.map(Self::Sqlite)
    }

    /// Takes a connection, once one is free.
    ///
    /// # Errors
    /// No connection became free in time.
    pub async fn get(&self) -> Result<PooledConnection, DbErr> {
        match self {
            Self::Postgres(pool) => pool.get().await.map(PooledConnection::Postgres).map_err(unavailable),
            Self::Sqlite(pool) => pool.get().await.map(PooledConnection::Sqlite).map_err(unavailable),
        }
    }

    /// Returns the number of open connections, and how many of those are idle.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let status = match self {
            Self::Postgres(pool) => pool.status(),
            Self::Sqlite(pool) => pool.status(),
        };
        (status.size, status.available)
    }

    /// Drops all idle connections, after one of them turned out to be dead.
    pub fn drop_idle(&self) {
        match self {
            Self::Postgres(pool) => drop(pool.retain(|_, _| false)),
            Self::Sqlite(pool) => drop(pool.retain(|_, _| false)),
        }
    }

    /// Replaces all connections, each once it is not in use: SQLite reads its statistics when a connection is opened.
    pub fn renew(&self) {
        let generation = match self {
            Self::Postgres(pool) => &pool.manager().generation,
            Self::Sqlite(pool) => &pool.manager().generation,
        };
        generation.fetch_add(1, Ordering::Relaxed);
        self.drop_idle();
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => close(pool).await,
            Self::Sqlite(pool) => close(pool).await,
        }
    }
}

/// Returns a pool with its first connection open.
async fn filled<C: Limitable + 'static>(
    options: C::Options,
    limits: PoolLimits,
) -> Result<managed::Pool<Opener<C>>, DbErr> {
    let PoolLimits { size, wait, statement_timeout } = limits;
    let timeouts = Timeouts { wait: Some(wait), create: Some(wait), recycle: None };
    let failure = Arc::new(Mutex::new(None));
    let pool = managed::Pool::builder(Opener {
        options,
        timeout: statement_timeout,
        failure: Arc::clone(&failure),
        generation: AtomicU64::new(0),
    })
    .max_size(usize::try_from(size).unwrap_or(usize::MAX))
    .timeouts(timeouts)
    // The connection that was used last has the warmest cache; the others may be closed.
    .queue_mode(managed::QueueMode::Lifo)
    .runtime(Runtime::Tokio1)
    .build()
    .map_err(|error| DbErr::Custom(error.to_string()))?;
    if let Err(error) = pool.get().await {
        let cause = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        return Err(match (error, cause) {
            (PoolError::Timeout(_), Some(cause)) => DbErr::Custom(format!("no connection within {wait:?}: {cause}")),
            (error, _) => unavailable(error),
        });
    }
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

async fn close<C: Limitable>(pool: &managed::Pool<Opener<C>>) {
    let idle = pool.retain(|_, _| false).removed;
    pool.close();
    end(idle).await;
}

async fn end<C: Limitable>(connections: Vec<Limited<C>>) {
    for held in connections {
        if let Err(error) = held.connection.close().await {
            tracing::debug!(%error, "a connection was not closed cleanly");
        }
    }
}

/// Converts the pool's error to SeaORM's.
fn unavailable(error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Timeout(_) => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        PoolError::Backend(error) => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
        error => DbErr::Custom(error.to_string()),
    }
}

/// A connection in use. It is returned to the pool when this is dropped.
pub enum PooledConnection {
    /// A connection to PostgreSQL.
    Postgres(Object<Opener<PgConnection>>),
    /// A connection to SQLite.
    Sqlite(Object<Opener<SqliteConnection>>),
}

impl PooledConnection {
    /// Returns the connection itself.
    pub fn connection(&mut self) -> DbConnection<'_> {
        match self {
            Self::Postgres(held) => DbConnection::Postgres(&mut held.connection),
            Self::Sqlite(held) => DbConnection::Sqlite(held),
        }
    }

    /// Closes the connection instead of returning it to the pool.
    pub fn discard(self) {
        match self {
            Self::Postgres(held) => drop(Object::take(held)),
            Self::Sqlite(held) => drop(Object::take(held)),
        }
    }
}
