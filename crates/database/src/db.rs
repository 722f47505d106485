//! The database: SQLite in one file, or PostgreSQL.
//!
//! On SQLite all writes go through one connection (a second writer would only wait, and badly), reads through a few
//! of their own. On PostgreSQL both share one pool.

use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqlxPostgresConnector, SqlxSqliteConnector, Statement,
    TransactionTrait,
};

use crate::connection::{Connections, Observer, OnStatement, failed};
use crate::pool::Pool;

/// An open database.
pub struct Db {
    read: Connections,
    write: Connections,
    driver: Driver,
}

/// How one connection is opened.
enum Driver {
    Postgres(PgConnectOptions),
    Sqlite(SqliteConnectOptions),
}

impl Driver {
    /// Connections as SeaORM's migrations want them: one to hold the lock, and one to work with.
    async fn migrating(&self) -> Result<DatabaseConnection, DbErr> {
        Ok(match self {
            Self::Postgres(driver) => {
                let pool = PgPoolOptions::new().max_connections(2).connect_with(driver.clone()).await;
                SqlxPostgresConnector::from_sqlx_postgres_pool(pool.map_err(failed)?)
            }
            Self::Sqlite(driver) => {
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(driver.clone()).await;
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.map_err(failed)?)
            }
        })
    }
}

/// The tables' versions, each by the name of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The one that this program knows.
    pub expected: String,
    /// The one that the database has.
    pub found: String,
    /// Have all changes that the program knows been made, and no other?
    pub same: bool,
}

/// How to open it.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://callshot.db`, `sqlite::memory:` is refused, or `postgres://…`.
    pub url: String,
    /// Connections at most.
    pub connections: u32,
    /// How long a request waits for a free connection.
    pub wait: Duration,
    /// After this the database gives a statement up.
    pub statement_timeout: Duration,
    /// Statements that take longer are logged.
    pub slow: Duration,
    /// Called after each statement.
    pub on_statement: OnStatement,
}

/// Any number that all our servers know: the lock under which one of them migrates.
const MIGRATION_LOCK: i64 = 0x0043_414c_4c53_484f;

impl Db {
    /// Opens it.
    ///
    /// # Errors
    /// The database's: out of reach, or no database.
    pub async fn open(options: &Options) -> Result<Self, DbErr> {
        let observer = Arc::new(Observer::new(options.slow, options.on_statement));
        let observed = |pool: Pool| Connections { pool, observer: Arc::clone(&observer) };
        if options.url.starts_with("sqlite:") {
            // The file is made by who writes.
            let driver = sqlite(options)?;
            let write = Pool::sqlite(driver.clone(), 1, options.wait).await?;
            let reading = driver.clone().pragma("query_only", "on").optimize_on_close(false, None);
            let read = Pool::sqlite(reading, options.connections, options.wait).await?;
            Ok(Self { read: observed(read), write: observed(write), driver: Driver::Sqlite(driver) })
        } else {
            let driver = postgres(options)?;
            let both = Pool::postgres(driver.clone(), options.connections, options.wait).await?;
            Ok(Self { read: observed(both.clone()), write: observed(both), driver: Driver::Postgres(driver) })
        }
    }

    /// For statements that only read.
    #[must_use]
    pub const fn reader(&self) -> &Connections {
        &self.read
    }

    /// For a statement that is a change by itself.
    #[must_use]
    pub const fn writer(&self) -> &Connections {
        &self.write
    }

    /// Which of the two it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.read.get_database_backend()
    }

    /// Statements sent so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.write.observer.count()
    }

    /// Lets the planner know how many rows there are by now. After much was added at once it would go on as if there were
    /// none: until it looks of its own accord, each statement would read all that was added before.
    ///
    /// # Errors
    /// The database's.
    pub async fn gather_statistics(&self) -> Result<(), DbErr> {
        let sql = match self.backend() {
            DbBackend::Postgres => {
                "ANALYZE account, acquaintance, assessment, booking, contact, event, external_id, goal, member, opportunity, seat, target, touch, \
                 touch_contact"
            }
            _ => "PRAGMA optimize",
        };
        self.write.execute_unprepared(sql).await.map(drop)
    }

    /// Begins to keep every statement that is sent, to be explained.
    pub fn watch(&self) {
        self.write.observer.keep();
    }

    /// The statements kept since [`Self::watch`] or the last call.
    #[must_use]
    pub fn watched(&self) -> Vec<Statement> {
        self.write.observer.kept()
    }

    /// Brings the tables up to date. Of many servers that start together, one does it and the rest wait for it.
    ///
    /// # Errors
    /// The database's.
    pub async fn migrate(&self, url: &str) -> Result<(), DbErr> {
        // A database without tables knows no versions.
        if self.versions().await.is_ok_and(|versions| versions.same) {
            return Ok(());
        }
        let migrating = self.driver.migrating().await?;
        let done = self.migrate_over(&migrating, url).await;
        migrating.close().await?;
        done
    }

    async fn migrate_over(&self, migrating: &DatabaseConnection, url: &str) -> Result<(), DbErr> {
        if self.backend() == DbBackend::Sqlite {
            let lock = sqlite_path(url).map(|path| path.with_extension("lock"));
            let held = match &lock {
                Some(path) => {
                    let file =
                        File::create(path).map_err(|error| DbErr::Custom(format!("{}: {error}", path.display())))?;
                    let file = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
                    Some(
                        file.map_err(|error| DbErr::Custom(error.to_string()))?
                            .map_err(|error| DbErr::Custom(error.to_string()))?,
                    )
                }
                None => None,
            };
            let done = Migrator::up(migrating, None).await;
            drop(held);
            return done;
        }
        // A transaction holds the lock, so that a server that dies lets it go.
        let lock = migrating.begin().await?;
        lock.execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "select pg_advisory_xact_lock($1)",
            [MIGRATION_LOCK.into()],
        ))
        .await?;
        let done = Migrator::up(migrating, None).await;
        lock.commit().await?;
        done
    }

    /// Which changes of the tables this program knows, and which ones have been made.
    ///
    /// # Errors
    /// The database's.
    pub async fn versions(&self) -> Result<Versions, DbErr> {
        let sql = "select version from seaql_migrations order by version";
        let rows = self.read.query_all_raw(Statement::from_string(self.backend(), sql)).await?;
        let made = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, DbErr>>()?;
        let known: Vec<String> = Migrator::migrations().iter().map(|change| change.name().to_owned()).collect();
        let last = |names: &[String]| names.last().map_or_else(|| "none".to_owned(), Clone::clone);
        Ok(Versions { expected: last(&known), found: last(&made), same: known == made })
    }

    /// The connections that are open, and how many of them are idle, of each pool by its name.
    #[must_use]
    pub fn connections(&self) -> Vec<(&'static str, usize, usize)> {
        let sizes = |name, connections: &Connections| {
            let (open, idle) = connections.pool.size();
            (name, open, idle)
        };
        if self.backend() == DbBackend::Postgres {
            return vec![sizes("both", &self.read)];
        }
        vec![sizes("read", &self.read), sizes("write", &self.write)]
    }

    /// Ends all connections.
    pub async fn close(self) {
        self.read.pool.close().await;
        self.write.pool.close().await;
    }
}

/// The file of a SQLite address; None for one in memory.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next()?;
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

fn sqlite(options: &Options) -> Result<SqliteConnectOptions, DbErr> {
    let url = if options.url.contains('?') { options.url.clone() } else { format!("{}?mode=rwc", options.url) };
    Ok(SqliteConnectOptions::from_str(&url)
        .map_err(failed)?
        .disable_statement_logging()
        .pragma("journal_mode", "WAL")
        // Every acknowledged write is on the disk.
        .pragma("synchronous", "FULL")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8000")
        // A page's rows come over in one go, where the reading thread would else wait for us every fifty.
        .row_buffer_size(1_024)
        .optimize_on_close(true, None))
}

fn postgres(options: &Options) -> Result<PgConnectOptions, DbErr> {
    let timeout = options.statement_timeout.as_millis().to_string();
    Ok(PgConnectOptions::from_str(&options.url)
        .map_err(failed)?
        .disable_statement_logging()
        .application_name("callshot")
        .options([
            ("statement_timeout", timeout.as_str()),
            // A transaction that nobody goes on with must not hold its locks for ever.
            ("idle_in_transaction_session_timeout", "60000"),
            ("client_min_messages", "warning"),
            // No statement of ours runs long enough to be worth compiling, nor do its parameters decide how it is
            // best carried out: planned anew for each request, a page's statements take longer to plan than to run.
            ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
        ]))
}
