//! Sends statements to the database. SeaORM builds the statements and decodes the rows, but the driver is called directly,
//! because SeaORM's own path moves futures of some hundred kilobytes for each statement (docs/adr/0013).
//!
//! The statements of one request stop together: after one of them has run into the statement timeout, the rest fail without
//! being sent (see [`in_request`]).

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use entity::DbRow;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, PgConnection, SqliteConnection};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;

use crate::pool::{Limited, Pool};

/// The number of characters of a slow statement that are logged.
const LOGGED: usize = 500;

tokio::task_local! {
    static REQUEST: Arc<AtomicBool>;
}

/// Runs the work of one request. Once `stopped` is set, no further statement of this work is sent, and each fails as one that
/// took too long. A statement that runs into the statement timeout sets it.
pub async fn in_request<W: Future>(stopped: Arc<AtomicBool>, work: W) -> W::Output {
    REQUEST.scope(stopped, work).await
}

/// Returns work that belongs to the request that this task works on, to be run by another task.
pub fn in_same_request<W: Future>(work: W) -> impl Future<Output = W::Output> {
    in_request(REQUEST.try_with(Arc::clone).unwrap_or_default(), work)
}

/// Whether the request that this task works on has been stopped.
fn is_stopped() -> bool {
    REQUEST.try_with(|stopped| stopped.load(Ordering::Relaxed)).unwrap_or(false)
}

/// Stops the request that this task works on.
fn stop() {
    // Outside of a request, as in an import, statements are independent.
    let _ = REQUEST.try_with(|stopped| stopped.store(true, Ordering::Relaxed));
}

/// Whether a statement was interrupted because it took too long: query_canceled on PostgreSQL, SQLITE_INTERRUPT on SQLite.
fn timed_out(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "57014" || code == "9")
}

/// A function that is called after each statement: its text, how long it took, and whether it failed.
pub type OnStatement = fn(&str, Duration, bool);

/// Counts, times and logs statements.
pub struct Observer {
    count: AtomicU64,
    slow: Duration,
    on_statement: OnStatement,
    wanted: AtomicBool,
    seen: Mutex<Vec<Statement>>,
}

impl Observer {
    /// Creates an observer that logs statements which take longer than `slow`, and calls `on_statement` after each.
    #[must_use]
    pub fn new(slow: Duration, on_statement: OnStatement) -> Self {
        Self { count: AtomicU64::new(0), slow, on_statement, wanted: AtomicBool::new(false), seen: Mutex::default() }
    }

    /// Returns the number of statements sent so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Starts to keep every statement, for tests that explain them.
    pub fn keep(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Returns the statements kept since the last call.
    #[must_use]
    pub fn kept(&self) -> Vec<Statement> {
        self.seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default()
    }

    /// Runs a statement and records it.
    async fn watch<T>(
        &self,
        mut statement: Statement,
        run: impl AsyncFnOnce(AssertSqlSafe<&str>, SqlxValues) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        if is_stopped() {
            return Err(sqlx::Error::PoolTimedOut);
        }
        if self.wanted.load(Ordering::Relaxed)
            && let Ok(mut seen) = self.seen.lock()
        {
            seen.push(statement.clone());
        }
        let values = statement.values.take().unwrap_or(sea_orm::Values(Vec::new()));
        let begun = Instant::now();
        let done = run(AssertSqlSafe(&statement.sql), SqlxValues(values)).await;
        let took = begun.elapsed();
        if done.as_ref().is_err_and(timed_out) {
            stop();
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        (self.on_statement)(&statement.sql, took, done.is_err());
        if took > self.slow {
            let sql: String = statement.sql.chars().take(LOGGED).collect();
            tracing::warn!(milliseconds = took.as_millis(), sql, "slow statement");
        }
        done
    }
}

/// A connection to either database.
pub enum DbConnection<'c> {
    /// A connection to PostgreSQL.
    Postgres(&'c mut PgConnection),
    /// A connection to SQLite, with the time limit of its statements.
    Sqlite(&'c mut Limited<SqliteConnection>),
}

impl DbConnection<'_> {
    /// Runs a statement that returns no rows.
    pub async fn execute(self, observer: &Observer, statement: Statement) -> Result<ExecResult, DbErr> {
        let run = async |sql: AssertSqlSafe<&str>, values: SqlxValues| {
            Ok(match self {
                Self::Postgres(connection) => sqlx::query_with(sql, values).execute(connection).await?.into(),
                Self::Sqlite(Limited { connection, limit, .. }) => {
                    limit.start();
                    let done = sqlx::query_with(sql, values).execute(connection).await;
                    limit.lift();
                    done?.into()
                }
            })
        };
        observer.watch(statement, run).await.map_err(failed)
    }

    /// Runs SQL text, which may be several statements, without a time limit on SQLite: text begins and ends transactions.
    pub async fn execute_text(self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = match self {
            Self::Postgres(connection) => connection.execute(sql).await.map(Into::into),
            Self::Sqlite(Limited { connection, limit, .. }) => {
                limit.lift();
                connection.execute(sql).await.map(Into::into)
            }
        };
        done.map_err(failed)
    }

    /// Returns the rows that a statement finds.
    pub async fn all(self, observer: &Observer, statement: Statement) -> Result<Vec<DbRow>, DbErr> {
        let run = async |sql: AssertSqlSafe<&str>, values: SqlxValues| {
            Ok(match self {
                Self::Postgres(connection) => rows(sqlx::query_with(sql, values).fetch_all(connection).await?),
                Self::Sqlite(Limited { connection, limit, .. }) => {
                    limit.start();
                    let found = sqlx::query_with(sql, values).fetch_all(connection).await;
                    limit.lift();
                    rows(found?)
                }
            })
        };
        observer.watch(statement, run).await.map_err(failed)
    }
}

/// Converts the driver's error to SeaORM's.
pub fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

fn rows<R: Into<DbRow>>(rows: Vec<R>) -> Vec<DbRow> {
    rows.into_iter().map(Into::into).collect()
}

/// A pool whose statements each go to any free connection.
#[derive(Clone)]
pub struct Connections {
    /// The connections.
    pub pool: Pool,
    /// Records the statements.
    pub observer: Arc<Observer>,
}

impl Connections {
    /// Reads rows. If the connection turns out to be dead, the statement is built and sent again on another one.
    pub async fn read(&self, statement: impl Fn() -> Statement) -> Result<Vec<DbRow>, DbErr> {
        let mut held = self.pool.get().await?;
        match held.connection().all(&self.observer, statement()).await {
            Err(error) if is_lost(&error) => {}
            done => return done,
        }
        held.discard();
        self.pool.drop_idle();
        self.pool.get().await?.connection().all(&self.observer, statement()).await
    }

    /// Runs a statement that returns no rows. It is not sent again after a lost connection, because it may have been carried
    /// out.
    async fn execute(
        &self,
        run: impl AsyncFnOnce(DbConnection<'_>) -> Result<ExecResult, DbErr>,
    ) -> Result<ExecResult, DbErr> {
        let mut held = self.pool.get().await?;
        let done = run(held.connection()).await;
        if done.as_ref().is_err_and(is_lost) {
            held.discard();
            self.pool.drop_idle();
        }
        done
    }
}

/// Whether the connection ended before the statement was answered.
pub fn is_lost(error: &DbErr) -> bool {
    let DbErr::Query(RuntimeErr::SqlxError(error)) = error else { return false };
    match &**error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // admin_shutdown, crash_shutdown, cannot_connect_now.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02" | "57P03")),
        _ => false,
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Connections {
    fn get_database_backend(&self) -> DbBackend {
        match self.pool {
            Pool::Postgres(_) => DbBackend::Postgres,
            Pool::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.execute(async |connection| connection.execute(&self.observer, statement).await).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute(async |connection| connection.execute_text(sql).await).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.read(|| statement.clone()).await?.into_iter().next().map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.read(|| statement.clone()).await?.into_iter().map(Into::into).collect())
    }
}
