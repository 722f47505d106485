//! A transaction that begins with its first statement. A mutation that is refused before that takes no connection, and one of a
//! single statement needs no transaction.

use entity::{Columns, Row};
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use tokio::runtime::Handle;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::connection::{DbConnection, is_lost};
use crate::db::Db;
use crate::pool::PooledConnection;

/// The prefix of the error of a commit whose outcome is unknown: the connection ended between sending COMMIT and receiving its
/// response, or the disk failed during the commit.
pub const OUTCOME_UNKNOWN: &str = "the outcome of a commit is unknown";

/// Adds [`OUTCOME_UNKNOWN`] to the error of a commit if the transaction may have been committed.
fn commit_error(error: DbErr) -> DbErr {
    let disk_failed = || {
        let DbErr::Query(RuntimeErr::SqlxError(inner)) = &error else { return false };
        let code = inner.as_database_error().and_then(sea_orm::sqlx::error::DatabaseError::code);
        // SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC: all was written, and may not have reached the disk. A write that failed
        // (no space) committed nothing.
        matches!(code.as_deref(), Some("1034" | "1290"))
    };
    if is_lost(&error) || disk_failed() {
        return DbErr::Custom(format!("{OUTCOME_UNKNOWN}: {error}"));
    }
    error
}

/// A transaction that begins with its first statement.
pub struct Transaction<'a> {
    db: &'a Db,
    begun: Mutex<Option<Begun>>,
}

/// A transaction that has begun. It is rolled back if it is dropped before it has ended.
struct Begun {
    /// The connection; None once the transaction has ended.
    held: Option<PooledConnection>,
    /// Whether the database has confirmed the start of the transaction.
    is_open: bool,
}

impl Begun {
    async fn of(db: &Db) -> Result<Self, DbErr> {
        // On SQLite, a transaction that begins with a read cannot be upgraded to a write while another one writes.
        let begin = if db.backend() == DbBackend::Postgres { "BEGIN" } else { "BEGIN IMMEDIATE" };
        let mut begun = Self { held: Some(db.writer().pool.get().await?), is_open: false };
        begun.connection()?.execute_text(begin).await?;
        begun.is_open = true;
        Ok(begun)
    }

    fn connection(&mut self) -> Result<DbConnection<'_>, DbErr> {
        let ended = DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        self.held.as_mut().map(PooledConnection::connection).ok_or(ended)
    }

    /// Ends the transaction with a statement.
    async fn end(mut self, statement: &str) -> Result<(), DbErr> {
        self.connection()?.execute_text(statement).await?;
        self.held = None;
        Ok(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        // If BEGIN was not confirmed yet, it may still take effect, so the connection is not used again.
        let Some(runtime) = Handle::try_current().ok().filter(|_| self.is_open) else {
            return held.discard();
        };
        runtime.spawn(async move {
            // If SQLite cannot write, as on a full disk, it ends the transaction itself, and there is nothing to roll back.
            if let Err(error) = held.connection().execute_text("ROLLBACK").await {
                tracing::warn!(%error, "a transaction could not be rolled back: its connection is closed");
                held.discard();
            }
        });
    }
}

impl<'a> Transaction<'a> {
    /// Creates a transaction that has not begun.
    #[must_use]
    pub fn of(db: &'a Db) -> Self {
        Self { db, begun: Mutex::new(None) }
    }

    async fn begun(&self) -> Result<MappedMutexGuard<'_, Begun>, DbErr> {
        let mut begun = self.begun.lock().await;
        let first = match begun.take() {
            Some(first) => first,
            None => Begun::of(self.db).await?,
        };
        Ok(MutexGuard::map(begun, |begun| begun.insert(first)))
    }

    /// Returns the rows of a selection of these columns, which are decoded by their position.
    pub async fn rows<M: Row>(&self, select: &SelectStatement, columns: Columns) -> Result<Vec<M>, DbErr> {
        let statement = self.db.backend().build(select);
        let found = self.begun().await?.connection()?.all(&self.db.writer().observer, statement).await?;
        found.iter().map(|row| M::read(row, columns)).collect()
    }

    /// Commits.
    ///
    /// # Errors
    /// The error starts with [`OUTCOME_UNKNOWN`] if the transaction may have been committed.
    pub async fn commit(self) -> Result<(), DbErr> {
        match self.begun.into_inner() {
            Some(begun) => {
                let done = begun.end("COMMIT").await.map_err(commit_error);
                self.db.note_change();
                done
            }
            None => Ok(()),
        }
    }

    /// Executes a last statement and commits. If the statement writes no row, this rolls back and returns false. A single
    /// statement is sent without an explicit transaction.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_with(mut self, last: Statement) -> Result<bool, DbErr> {
        if self.begun.get_mut().is_none() {
            let done = self.db.writer().execute_raw(last).await.map_err(commit_error);
            self.db.note_change();
            return Ok(done?.rows_affected() > 0);
        }
        let wrote = self.execute_raw(last).await?.rows_affected() > 0;
        if wrote {
            self.commit().await?;
        } else {
            self.rollback().await?;
        }
        Ok(wrote)
    }

    /// Rolls back.
    pub async fn rollback(self) -> Result<(), DbErr> {
        match self.begun.into_inner() {
            Some(begun) => begun.end("ROLLBACK").await,
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Transaction<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.db.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.begun().await?.connection()?.execute(&self.db.writer().observer, statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.begun().await?.connection()?.execute_text(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.begun().await?.connection()?.all(&self.db.writer().observer, statement).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
