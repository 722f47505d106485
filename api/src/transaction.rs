//! A transaction that begins with its first statement: what is refused before never takes a connection, and what turns
//! out to be a single statement needs none.

use sea_orm::sqlx::{self, Postgres, Sqlite};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::connection::{Connection, Pool, failed, no_connection};
use crate::db::Db;

/// A change that may have begun.
pub struct Transaction<'a> {
    db: &'a Db,
    begun: Mutex<Option<Begun>>,
}

/// One that has begun. Dropped, it leaves everything as it was.
enum Begun {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Begun {
    async fn of(pool: &Pool) -> Result<Self, DbErr> {
        let begun = match pool {
            Pool::Postgres(pool) => pool.begin().await.map(Self::Postgres),
            // One that begins by reading could not become a writing one while another writes.
            Pool::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Self::Sqlite),
        };
        begun.map_err(no_connection)
    }

    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Postgres(transaction) => Connection::Postgres(transaction),
            Self::Sqlite(transaction) => Connection::Sqlite(transaction),
        }
    }
}

impl<'a> Transaction<'a> {
    /// One that has not begun.
    #[must_use]
    pub fn of(db: &'a Db) -> Self {
        Self { db, begun: Mutex::new(None) }
    }

    async fn begun(&self) -> Result<MappedMutexGuard<'_, Begun>, DbErr> {
        let mut begun = self.begun.lock().await;
        let first = match begun.take() {
            Some(first) => first,
            None => Begun::of(&self.db.writer().pool).await?,
        };
        Ok(MutexGuard::map(begun, |begun| begun.insert(first)))
    }

    /// Makes what was done stand.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit(self) -> Result<(), DbErr> {
        let done = match self.begun.into_inner() {
            Some(Begun::Postgres(transaction)) => transaction.commit().await,
            Some(Begun::Sqlite(transaction)) => transaction.commit().await,
            None => Ok(()),
        };
        done.map_err(failed)
    }

    /// Makes what was done stand, with one statement more. Where that is the only one, it is a transaction by itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit_with(mut self, last: Statement) -> Result<(), DbErr> {
        if self.begun.get_mut().is_none() {
            return self.db.writer().execute_raw(last).await.map(drop);
        }
        self.execute_raw(last).await?;
        self.commit().await
    }

    /// Leaves everything as it was.
    ///
    /// # Errors
    /// The database's.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let done = match self.begun.into_inner() {
            Some(Begun::Postgres(transaction)) => transaction.rollback().await,
            Some(Begun::Sqlite(transaction)) => transaction.rollback().await,
            None => Ok(()),
        };
        done.map_err(failed)
    }
}

#[async_graphql::async_trait::async_trait]
impl ConnectionTrait for Transaction<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.db.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.begun().await?.connection().execute(&self.db.writer().observer, statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.begun().await?.connection().execute_text(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.begun().await?.connection().all(&self.db.writer().observer, statement).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
