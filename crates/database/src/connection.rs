//! How statements reach the database: straight to the driver. SeaORM makes the statements and reads the rows; its own way to
//! the driver moves futures of some hundred kilobytes about for each of them (docs/adr/0013).

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use entity::DbRow;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, PgConnection, SqliteConnection};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;

use crate::pool::Pool;

/// Characters of a slow statement that are logged.
const LOGGED: usize = 500;

/// A function that is called after each statement: its text, how long it took, and whether it failed.
pub type OnStatement = fn(&str, Duration, bool);

/// Observes all statements.
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

    /// Statements so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Begins to keep every statement: for somebody who wants to look at them, a test that explains them.
    pub fn keep(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// The statements kept since the last call.
    #[must_use]
    pub fn kept(&self) -> Vec<Statement> {
        self.seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default()
    }

    /// Runs a statement, and takes note of it.
    async fn watch<T>(
        &self,
        mut statement: Statement,
        run: impl AsyncFnOnce(AssertSqlSafe<&str>, SqlxValues) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        if self.wanted.load(Ordering::Relaxed)
            && let Ok(mut seen) = self.seen.lock()
        {
            seen.push(statement.clone());
        }
        let values = statement.values.take().unwrap_or(sea_orm::Values(Vec::new()));
        let begun = Instant::now();
        let done = run(AssertSqlSafe(&statement.sql), SqlxValues(values)).await;
        let took = begun.elapsed();
        self.count.fetch_add(1, Ordering::Relaxed);
        (self.on_statement)(&statement.sql, took, done.is_err());
        if took > self.slow {
            let sql: String = statement.sql.chars().take(LOGGED).collect();
            tracing::warn!(milliseconds = took.as_millis(), sql, "slow statement");
        }
        done
    }
}

/// A connection of the driver's, of either database.
pub enum Connection<'c> {
    /// To PostgreSQL.
    Postgres(&'c mut PgConnection),
    /// To SQLite.
    Sqlite(&'c mut SqliteConnection),
}

impl Connection<'_> {
    /// Runs a statement that finds no rows.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(self, observer: &Observer, statement: Statement) -> Result<ExecResult, DbErr> {
        let run = async |sql: AssertSqlSafe<&str>, values: SqlxValues| {
            Ok(match self {
                Self::Postgres(connection) => sqlx::query_with(sql, values).execute(connection).await?.into(),
                Self::Sqlite(connection) => sqlx::query_with(sql, values).execute(connection).await?.into(),
            })
        };
        observer.watch(statement, run).await.map_err(failed)
    }

    /// Runs text as it stands, which may be several statements.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute_text(self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = match self {
            Self::Postgres(connection) => connection.execute(sql).await.map(Into::into),
            Self::Sqlite(connection) => connection.execute(sql).await.map(Into::into),
        };
        done.map_err(failed)
    }

    /// The rows that a statement finds.
    ///
    /// # Errors
    /// The database's.
    pub async fn all(self, observer: &Observer, statement: Statement) -> Result<Vec<DbRow>, DbErr> {
        let run = async |sql: AssertSqlSafe<&str>, values: SqlxValues| {
            Ok(match self {
                Self::Postgres(connection) => rows(sqlx::query_with(sql, values).fetch_all(connection).await?),
                Self::Sqlite(connection) => rows(sqlx::query_with(sql, values).fetch_all(connection).await?),
            })
        };
        observer.watch(statement, run).await.map_err(failed)
    }
}

/// The driver's error as SeaORM has it.
pub fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

fn rows<R: Into<DbRow>>(rows: Vec<R>) -> Vec<DbRow> {
    rows.into_iter().map(Into::into).collect()
}

/// A pool, each of whose statements goes to whichever connection is free.
#[derive(Clone)]
pub struct Connections {
    /// The connections.
    pub pool: Pool,
    /// Who is told of what they run.
    pub observer: Arc<Observer>,
}

impl Connections {
    /// Reads; where the connection turns out to be dead, again by one that lives. The statement is made when it is sent.
    ///
    /// # Errors
    /// The database's.
    pub async fn read(&self, statement: impl Fn() -> Statement) -> Result<Vec<DbRow>, DbErr> {
        let mut held = self.pool.get().await?;
        match held.connection().all(&self.observer, statement()).await {
            Err(error) if is_lost(&error) => {}
            done => return done,
        }
        held.discard();
        self.pool.evict_idle();
        self.pool.get().await?.connection().all(&self.observer, statement()).await
    }

    /// Runs a statement that finds no rows. It is not sent again where the connection is lost: nobody could tell whether it
    /// has been carried out.
    async fn execute(
        &self,
        run: impl AsyncFnOnce(Connection<'_>) -> Result<ExecResult, DbErr>,
    ) -> Result<ExecResult, DbErr> {
        let mut held = self.pool.get().await?;
        let done = run(held.connection()).await;
        if done.as_ref().is_err_and(is_lost) {
            held.discard();
            self.pool.evict_idle();
        }
        done
    }
}

/// Did the connection end before the statement was answered?
fn is_lost(error: &DbErr) -> bool {
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
