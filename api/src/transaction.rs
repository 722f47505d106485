//! A transaction that begins with its first statement: what is refused before never takes a connection, and what turns
//! out to be a single statement needs none.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::OnceCell;

use crate::db::Db;

/// A change that may have begun.
pub struct Transaction<'a> {
    db: &'a Db,
    begun: OnceCell<DatabaseTransaction>,
}

impl<'a> Transaction<'a> {
    /// One that has not begun.
    #[must_use]
    pub const fn of(db: &'a Db) -> Self {
        Self { db, begun: OnceCell::const_new() }
    }

    async fn begun(&self) -> Result<&DatabaseTransaction, DbErr> {
        self.begun.get_or_try_init(|| self.db.begin()).await
    }

    /// Makes what was done stand.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit(self) -> Result<(), DbErr> {
        match self.begun.into_inner() {
            Some(transaction) => transaction.commit().await,
            None => Ok(()),
        }
    }

    /// Makes what was done stand, with one statement more. Where that is the only one, it is a transaction by itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit_with(self, last: Statement) -> Result<(), DbErr> {
        match self.begun.into_inner() {
            Some(transaction) => {
                transaction.execute_raw(last).await?;
                transaction.commit().await
            }
            None => self.db.writer().execute_raw(last).await.map(drop),
        }
    }

    /// Leaves everything as it was.
    ///
    /// # Errors
    /// The database's.
    pub async fn rollback(self) -> Result<(), DbErr> {
        match self.begun.into_inner() {
            Some(transaction) => transaction.rollback().await,
            None => Ok(()),
        }
    }
}

#[async_graphql::async_trait::async_trait]
impl ConnectionTrait for Transaction<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.db.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.begun().await?.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.begun().await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.begun().await?.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.begun().await?.query_all_raw(statement).await
    }
}
