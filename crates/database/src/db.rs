//! The database: SQLite in one file, or PostgreSQL.
//!
//! On SQLite all writes use one connection, because a second writer would only poll for the lock; reads have a pool of their
//! own. On PostgreSQL both share one pool.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, RuntimeErr, SqlxPostgresConnector,
    SqlxSqliteConnector, Statement,
};
use tokio::sync::watch;

use crate::connection::{Connections, Observer, OnStatement, failed};
use crate::pool::{Pool, PoolLimits, PooledConnection};

/// An open database.
pub struct Db {
    read: Connections,
    write: Connections,
    driver: Driver,
    /// The number of writes that have ended.
    changes: AtomicU64,
    /// The number of these that the planner's statistics take into account.
    reflected: watch::Sender<u64>,
}

/// The driver's options for opening a connection.
enum Driver {
    Postgres(PgConnectOptions),
    Sqlite(SqliteConnectOptions),
}

impl Driver {
    /// Opens a pool with the single connection that migrates and holds the lock meanwhile.
    async fn migrating(&self) -> Result<DatabaseConnection, DbErr> {
        Ok(match self {
            Self::Postgres(driver) => {
                let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
                let pool = pool.connect_with(driver.clone()).await;
                SqlxPostgresConnector::from_sqlx_postgres_pool(pool.map_err(failed)?)
            }
            Self::Sqlite(driver) => {
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(driver.clone()).await;
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.map_err(failed)?)
            }
        })
    }
}

/// Versions of the tables, each given by the name of the last migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The version that this program knows.
    pub expected: String,
    /// The version of the database.
    pub found: String,
    /// How the two compare.
    pub standing: SchemaStanding,
}

/// The suffix of a migration's name that marks it as incompatible with older releases: a column that they use is removed or has
/// another meaning.
const INCOMPATIBLE: &str = "_incompatible";

/// The result of comparing the database's tables with those that this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaStanding {
    /// They are the same.
    Same,
    /// Some migrations have not run yet.
    Older,
    /// A newer release has migrated the tables, and this one may use them.
    Newer,
    /// This program must not use the tables.
    Incompatible,
}

impl SchemaStanding {
    fn of(known: &[String], made: &[String]) -> Self {
        let pending = known.iter().any(|name| !made.contains(name));
        let mut unknown = made.iter().filter(|name| !known.contains(name)).peekable();
        match (pending, unknown.peek().is_some()) {
            (false, false) => Self::Same,
            (true, false) => Self::Older,
            (false, true) if !unknown.any(|name| name.ends_with(INCOMPATIBLE)) => Self::Newer,
            _ => Self::Incompatible,
        }
    }
}

/// Returns a condition of SQL that holds while this program may write: no newer release has made the tables incompatible with it.
#[must_use]
pub fn may_write() -> &'static str {
    static CONDITION: LazyLock<String> = LazyLock::new(|| {
        let mut condition =
            format!("not exists (select 1 from seaql_migrations where version like '%!{INCOMPATIBLE}' escape '!'");
        for change in Migrator::migrations().iter().filter(|change| change.name().ends_with(INCOMPATIBLE)) {
            condition += &[" and version <> '", change.name(), "'"].concat();
        }
        condition + ")"
    });
    &CONDITION
}

/// The options for opening a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address: `sqlite://callshot.db` or `postgres://…`. `sqlite::memory:` is refused.
    pub url: String,
    /// The maximum number of connections.
    pub connections: u32,
    /// How long a request waits for a free connection.
    pub wait: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// The duration above which statements are logged.
    pub slow: Duration,
    /// Whether a commit waits until it is on the disk. Without it, the last commits may be lost with the machine's power.
    pub waits_for_disk: bool,
    /// The function that is called after each statement.
    pub on_statement: OnStatement,
}

/// The number of the lock that a server holds while it migrates: the same for all releases.
const MIGRATION_LOCK: i64 = 0x0043_414c_4c53_484f;

impl Db {
    /// Opens a database.
    ///
    /// # Errors
    /// The database cannot be reached, or the file is not a database.
    pub async fn open(options: &Options) -> Result<Self, DbErr> {
        let observer = Arc::new(Observer::new(options.slow, options.on_statement));
        let observed = |pool: Pool| Connections { pool, observer: Arc::clone(&observer) };
        let limits = |size| PoolLimits { size, wait: options.wait, statement_timeout: options.statement_timeout };
        if options.url.starts_with("sqlite:") {
            if let Some(path) = sqlite_path(&options.url) {
                keep_private(&path)?;
            }
            let driver = sqlite(options)?;
            let write = Pool::sqlite(driver.clone(), limits(1)).await.map_err(|error| unopened(error, &options.url))?;
            let reading = driver.clone().pragma("query_only", "on").optimize_on_close(false, None);
            let read = Pool::sqlite(reading, limits(options.connections)).await?;
            Ok(Self {
                read: observed(read),
                write: observed(write),
                driver: Driver::Sqlite(driver),
                changes: AtomicU64::new(0),
                reflected: watch::Sender::new(0),
            })
        } else {
            let driver = postgres(options)?;
            let both = Pool::postgres(driver.clone(), limits(options.connections)).await?;
            Ok(Self {
                read: observed(both.clone()),
                write: observed(both),
                driver: Driver::Postgres(driver),
                changes: AtomicU64::new(0),
                reflected: watch::Sender::new(0),
            })
        }
    }

    /// Returns the connections for statements that only read.
    #[must_use]
    pub const fn reader(&self) -> &Connections {
        &self.read
    }

    /// Returns the connections for single statements that write.
    #[must_use]
    pub const fn writer(&self) -> &Connections {
        &self.write
    }

    /// Returns which of the two databases this is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.read.get_database_backend()
    }

    /// Returns the number of statements sent so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.write.observer.count()
    }

    /// Refreshes the planner's statistics after many rows were added in one step. Without this, statements may scan all new rows.
    pub async fn gather_statistics(&self) -> Result<(), DbErr> {
        if self.backend() == DbBackend::Sqlite {
            return self.refresh_statistics().await;
        }
        let sql = "ANALYZE account, acquaintance, assessment, booking, contact, event, external_id, goal, import_change, \
                   import_record, member, opportunity, seat, target, touch, touch_contact, touch_version";
        self.write.execute_unprepared(sql).await.map(drop)
    }

    /// Counts a write that has ended.
    pub(crate) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of writes that have ended so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Refreshes the planner's statistics of tables that have grown a lot. Writers are not delayed: SQLite samples some hundred
    /// entries of each index, and PostgreSQL's ANALYZE blocks no writer.
    pub async fn refresh_statistics(&self) -> Result<(), DbErr> {
        let changes = self.changes();
        self.refresh_outdated_statistics().await?;
        self.reflected.send_modify(|reflected| *reflected = changes.max(*reflected));
        Ok(())
    }

    /// Waits until the planner's statistics have been refreshed after all writes so far.
    pub async fn statistics_are_fresh(&self) {
        let (changes, mut reflected) = (self.changes(), self.reflected.subscribe());
        // The channel stays open as long as the database.
        let _fresh = reflected.wait_for(|reflected| *reflected >= changes).await;
    }

    async fn refresh_outdated_statistics(&self) -> Result<(), DbErr> {
        // These statements belong to no request, so they are not counted.
        let observer = Observer::new(Duration::MAX, |_, _, _| ());
        let mut held = self.write.pool.get().await?;
        if self.backend() == DbBackend::Postgres {
            // Sessions report with some delay how many rows they changed, but the growth of a table is visible at once.
            let sql = "select format('%I', pg_class.relname) from pg_stat_user_tables known join pg_class on pg_class.oid = relid
                where pg_table_is_visible(relid) and (n_mod_since_analyze > 50 + 0.2 * greatest(reltuples, 0)
                or pg_relation_size(relid) > (1 + 1.2 * relpages) * current_setting('block_size')::bigint)";
            let statement = Statement::from_string(DbBackend::Postgres, sql);
            for row in held.connection().all(&observer, statement).await? {
                let table: String = QueryResult::from(row).try_get_by_index(0)?;
                held.connection().execute_text(&format!("analyze (skip_locked) {table}")).await?;
            }
            return Ok(());
        }
        let known = async |held: &mut PooledConnection| {
            let sql = "select group_concat(tbl || ' ' || coalesce(idx, '') || ' ' || stat) from sqlite_stat1";
            let statement = Statement::from_string(DbBackend::Sqlite, sql);
            // The table does not exist before the first statistics.
            let rows = held.connection().all(&observer, statement).await.unwrap_or_default();
            let row = rows.into_iter().next().map(QueryResult::from);
            row.and_then(|row| row.try_get_by_index::<Option<String>>(0).ok().flatten())
        };
        let before = known(&mut held).await;
        // Checks all tables (0x10000) and analyzes those that grew tenfold (0x02), within a limit (0x10).
        held.connection().execute_text("pragma optimize = 0x10012").await?;
        if known(&mut held).await != before {
            self.read.pool.renew();
        }
        Ok(())
    }

    /// Starts to keep every statement that is sent, for tests that explain them.
    pub fn watch(&self) {
        self.write.observer.keep();
    }

    /// Returns the statements kept since [`Self::watch`] or the last call.
    #[must_use]
    pub fn watched(&self) -> Vec<Statement> {
        self.write.observer.kept()
    }

    /// Migrates the tables. If several servers start at the same time, one migrates and the others wait.
    pub async fn migrate(&self, url: &str) -> Result<(), DbErr> {
        // A database without tables knows no versions.
        if self
            .versions()
            .await
            .is_ok_and(|versions| matches!(versions.standing, SchemaStanding::Same | SchemaStanding::Newer))
        {
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
        // The session that migrates holds the lock, so that no other server starts while the last migration of a killed server
        // is still being committed.
        let sql = "select pg_advisory_lock($1)";
        let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, [MIGRATION_LOCK.into()]);
        migrating.execute_raw(lock).await?;
        Migrator::up(migrating, None).await
    }

    /// Compares the migrations that this program knows with those that the database has.
    pub async fn versions(&self) -> Result<Versions, DbErr> {
        let sql = "select version from seaql_migrations order by version";
        let rows = self.read.query_all_raw(Statement::from_string(self.backend(), sql)).await?;
        let made = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, DbErr>>()?;
        let known: Vec<String> = Migrator::migrations().iter().map(|change| change.name().to_owned()).collect();
        let last = |names: &[String]| names.last().map_or_else(|| "none".to_owned(), Clone::clone);
        let standing = SchemaStanding::of(&known, &made);
        Ok(Versions { expected: last(&known), found: last(&made), standing })
    }

    /// Returns the reason why the database is not writable at the moment; None if it is writable.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn refuses_writes(&self) -> Result<Option<String>, DbErr> {
        if self.backend() == DbBackend::Postgres {
            let sql = "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean";
            let row = self.read.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
            let read_only: bool = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
            return Ok(read_only.then(|| "the database is read-only".to_owned()));
        }
        // While the only connection for writing is in use, this check would have to wait for it.
        let (open, idle) = self.write.pool.size();
        if open > 0 && idle == 0 {
            return Ok(None);
        }
        // Rewrites a field of the file's header, which is the smallest write that reaches the disk.
        let sql = "begin immediate; pragma user_version = 1; pragma user_version = 0; commit";
        Ok(match self.write.execute_unprepared(sql).await {
            Ok(_) => None,
            Err(error) => {
                // A transaction that could not be written may still be open.
                let _ended = self.write.execute_unprepared("rollback").await;
                sqlite_refusal(&error)
            }
        })
    }

    /// Writes a consistent copy of the database into a SQLite file, which must be empty or missing. Others may write meanwhile.
    pub async fn copy_into(&self, file: &str) -> Result<(), DbErr> {
        self.write.execute_unprepared(&format!("vacuum into '{file}'")).await.map(drop)
    }

    /// Whether no other process has the SQLite file open.
    pub async fn is_alone(&self) -> Result<bool, DbErr> {
        // Idle connections of this process would count as users of the file.
        self.read.pool.close().await;
        let sql = "pragma busy_timeout = 500; pragma locking_mode = exclusive; begin exclusive; commit";
        Ok(match self.write.execute_unprepared(sql).await {
            Ok(_) => true,
            Err(error) if sqlite_refusal(&error).is_none() => false,
            Err(error) => return Err(error),
        })
    }

    /// Begins a new history of the feed.
    pub async fn begin_history(&self) -> Result<(), DbErr> {
        let sql = match self.backend() {
            DbBackend::Postgres => {
                "update feed_history set id = gen_random_uuid(), begun_at = (extract(epoch from now()) * 1000000)::bigint"
            }
            _ => "update feed_history set id = randomblob(16), begun_at = unixepoch() * 1000000",
        };
        self.write.execute_unprepared(sql).await.map(drop)
    }

    /// Returns each pool's name, its number of open connections, and how many of those are idle.
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

    /// Closes all connections.
    pub async fn close(self) {
        self.read.pool.close().await;
        self.write.pool.close().await;
    }
}

/// Returns the error of opening a SQLite file, with a cause that SQLite does not name.
fn unopened(error: DbErr, url: &str) -> DbErr {
    let Some(path) = sqlite_path(url) else { return error };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let lock = File::options().write(true).create(true).truncate(false).open(path.with_extension("lock"));
    match lock.map_err(|refused| refused.kind()) {
        Err(ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => DbErr::Custom(format!(
            "the folder {} is read-only, and SQLite writes a log beside the database even to read it: make the folder writable",
            folder.display()
        )),
        _ => error,
    }
}

/// Returns the reason why SQLite cannot write; None if it is only busy.
fn sqlite_refusal(error: &DbErr) -> Option<String> {
    let DbErr::Query(RuntimeErr::SqlxError(inner)) = error else {
        return Some("the database cannot be written".to_owned());
    };
    let code = inner.as_database_error().and_then(sea_orm::sqlx::error::DatabaseError::code)?;
    match code.parse::<u32>().ok()? & 0xff {
        8 => Some("the database is read-only".to_owned()),
        10 | 11 | 26 => Some("the disk of the database fails".to_owned()),
        13 => Some("the disk of the database is full".to_owned()),
        14 | 23 => Some("the database cannot be written".to_owned()),
        _ => None,
    }
}

/// Returns the file of a SQLite address; None for a database in memory.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next()?;
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

/// Creates a SQLite file that only its owner may read or write, or restricts the permissions of an existing one.
/// SQLite gives its additional files (`-wal`, `-shm`) the same mode.
#[cfg(unix)]
fn keep_private(path: &Path) -> Result<(), DbErr> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let failed = |error: std::io::Error| DbErr::Custom(format!("{}: {error}", path.display()));
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    for end in ["", "-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        let Ok(metadata) = std::fs::metadata(&beside) else { continue };
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 {
            // The permissions of another user's file cannot be changed.
            match std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode & 0o700)) {
                Ok(()) => {
                    tracing::warn!(file = ?beside, "others could read or write the database; now only its owner can");
                }
                Err(error) => tracing::warn!(file = ?beside, %error, "others can read or write the database"),
            }
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> Result<(), DbErr> {
    Ok(())
}

fn sqlite(options: &Options) -> Result<SqliteConnectOptions, DbErr> {
    let url = if options.url.contains('?') { options.url.clone() } else { format!("{}?mode=rwc", options.url) };
    Ok(SqliteConnectOptions::from_str(&url)
        .map_err(failed)?
        .disable_statement_logging()
        .pragma("journal_mode", "WAL")
        // With FULL, every acknowledged write has been synced to the disk; with NORMAL, a prefix of them.
        .pragma("synchronous", if options.waits_for_disk { "FULL" } else { "NORMAL" })
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8000")
        // Large enough for the rows of a page, so that the reading thread does not wait for us after every fifty rows.
        .row_buffer_size(1_024)
        .optimize_on_close(true, None))
}

/// Makes a connection that requires TLS verify the server, because encryption without verification does not stop an attacker.
fn verifying(driver: PgConnectOptions) -> PgConnectOptions {
    match driver.get_ssl_mode() {
        PgSslMode::Require => driver.ssl_mode(PgSslMode::VerifyFull),
        _ => driver,
    }
}

fn postgres(options: &Options) -> Result<PgConnectOptions, DbErr> {
    let timeout = options.statement_timeout.as_millis().to_string();
    Ok(verifying(PgConnectOptions::from_str(&options.url).map_err(failed)?)
        .disable_statement_logging()
        .application_name("callshot")
        .options([
            ("statement_timeout", timeout.as_str()),
            // An abandoned transaction must not hold its locks forever.
            ("idle_in_transaction_session_timeout", "60000"),
            ("client_min_messages", "warning"),
            // Our statements are too short to be worth compiling, and the best plan does not depend on the parameters. Planning
            // the statements of a page for each request would take longer than executing them.
            ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
        ])
        .options((!options.waits_for_disk).then_some(("synchronous_commit", "off"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_requires_tls_verifies_the_server() {
        let mode = |parameter: &str| {
            let url = format!("postgres://ann@db.example/callshot{parameter}");
            format!("{:?}", verifying(PgConnectOptions::from_str(&url).unwrap()).get_ssl_mode())
        };
        assert_eq!(mode("?sslmode=require"), "VerifyFull");
        assert_eq!(mode("?sslmode=verify-full"), "VerifyFull");
        assert_eq!(mode("?sslmode=verify-ca"), "VerifyCa");
        assert_eq!(mode("?sslmode=prefer"), "Prefer");
        assert_eq!(mode("?sslmode=disable"), "Disable");
    }

    #[test]
    fn a_release_serves_beside_newer_tables_unless_they_say_otherwise() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let known = names(&["m1", "m2"]);
        for (made, standing) in [
            (&["m1", "m2"][..], SchemaStanding::Same),
            (&["m1"], SchemaStanding::Older),
            (&["m1", "m2", "m3"], SchemaStanding::Newer),
            (&["m1", "m2", "m3_incompatible"], SchemaStanding::Incompatible),
            (&["m1", "m3"], SchemaStanding::Incompatible),
        ] {
            assert_eq!(SchemaStanding::of(&known, &names(made)), standing, "{made:?}");
        }
    }
}
