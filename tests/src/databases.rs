//! A database for each test, on SQLite or PostgreSQL, at the cost of a copy.
//!
//! Migrations run once per process, into a template. Each test gets a copy of it: of a database on PostgreSQL, of a
//! file on SQLite. Names are unique, so that tests run in parallel and the database of a failed test does no harm.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection, Statement};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::postgres::{Cluster, installed_programs};
use crate::server::migrate;

/// The environment variable with the URL of a PostgreSQL server to use instead of starting one. Its user must be
/// allowed to create databases.
pub const POSTGRES_VARIABLE: &str = "TEST_POSTGRES_URL";

/// One of the two databases that tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, on a file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A database that belongs to one test.
pub struct Database {
    url: String,
    /// The folder of SQLite's file, and of the files that the server under test keeps, such as its signing key.
    folder: TempDir,
    /// The database on PostgreSQL; None on SQLite.
    on_server: Option<ServerDatabase>,
    /// Whether the test inserted rows by SQL.
    has_rows_without_events: AtomicBool,
}

/// A database on a PostgreSQL server.
struct ServerDatabase {
    server: &'static str,
    name: String,
}

impl Kind {
    /// Whether tests can run on this kind here. Prints a warning, once, if they cannot.
    ///
    /// # Panics
    /// If PostgreSQL is missing and `CI=true`, where leaving out half of the tests is a failure.
    #[must_use]
    pub fn is_available(self) -> bool {
        self == Self::Sqlite || postgres_server().is_some()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Database {
    /// Creates a database with all tables and no rows.
    ///
    /// # Panics
    /// If the template cannot be made or copied, or the kind is not available.
    pub async fn migrated(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let template = sqlite_template().await;
                let database = Self::sqlite();
                std::fs::write(database.folder().join(SQLITE_FILE), template).expect("the template is written");
                database
            }
            Kind::Postgres => Self::postgres(Some(postgres_template().await)).await,
        }
    }

    /// Creates a database without tables, for tests of the migrations themselves.
    ///
    /// # Panics
    /// If it cannot be created, or the kind is not available.
    pub async fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::sqlite(),
            Kind::Postgres => Self::postgres(None).await,
        }
    }

    /// Returns the database at a URL, whose server the test started itself.
    #[must_use]
    pub fn at(url: &str) -> Self {
        let has_rows_without_events = AtomicBool::new(false);
        Self { url: url.to_owned(), folder: folder(), on_server: None, has_rows_without_events }
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.url.starts_with("sqlite:") { Kind::Sqlite } else { Kind::Postgres }
    }

    /// Returns its URL, as `DATABASE_URL` takes it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a folder that belongs to the test as the database does. SQLite's file and the signing key are in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens a connection for the test itself, to read the tables or to fill them quickly.
    ///
    /// # Panics
    /// If the database cannot be reached.
    pub async fn connect(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    /// Declares that the test inserts rows by SQL and leaves them in the tables. They have no events, so that replaying
    /// the feed is not compared with the tables.
    pub fn leave_rows_beside_the_feed(&self) {
        self.has_rows_without_events.store(true, Ordering::Relaxed);
    }

    /// Whether the test called [`Database::leave_rows_beside_the_feed`].
    #[must_use]
    pub fn has_rows_beside_the_feed(&self) -> bool {
        self.has_rows_without_events.load(Ordering::Relaxed)
    }

    /// Removes the database. One that is only dropped is removed with its server, or with its folder on SQLite.
    ///
    /// # Panics
    /// If PostgreSQL does not drop it.
    pub async fn remove(self) {
        if let Some(ServerDatabase { server, name }) = &self.on_server {
            on_server(server, &format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await;
        }
    }

    fn sqlite() -> Self {
        let folder = folder();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join(SQLITE_FILE).display());
        Self { url, folder, on_server: None, has_rows_without_events: AtomicBool::new(false) }
    }

    async fn postgres(template: Option<&str>) -> Self {
        let server = postgres_server().expect("the caller has checked that PostgreSQL is available");
        let name = unique_name();
        // template0 comes with PostgreSQL. A template can be copied while no one is connected to it.
        let template = template.unwrap_or("template0");
        on_server(server, &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await;
        let (url, on_server) = (with_database(server, &name), Some(ServerDatabase { server, name }));
        Self { url, folder: folder(), on_server, has_rows_without_events: AtomicBool::new(false) }
    }
}

const SQLITE_FILE: &str = "callshot.db";

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("callshot-test-").tempdir().expect("a folder for the test")
}

/// The prefix of the names of all test databases. A UUID follows that contains the time of creation.
const PREFIX: &str = "callshot_test_";

/// The age in seconds from which a test database is a leftover, for no test run takes that long.
const LEFTOVER_AGE: u64 = 6 * 60 * 60;

fn unique_name() -> String {
    format!("{PREFIX}{}", Uuid::now_v7().simple())
}

/// Whether a database belongs to a test run that has ended. `now` is in seconds since 1970.
fn is_leftover(name: &str, now: u64) -> bool {
    let made = name.strip_prefix(PREFIX).and_then(|id| Uuid::try_parse(id).ok()?.get_timestamp());
    made.is_some_and(|made| made.to_unix().0 + LEFTOVER_AGE < now)
}

/// Returns the URL of the server that tests run on: the one of [`POSTGRES_VARIABLE`], else one that this process
/// starts.
fn postgres_server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER.get_or_init(find_postgres_server).as_deref()
}

fn find_postgres_server() -> Option<String> {
    // Statics are never dropped, so that the server lives as long as the process.
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    if let Ok(url) = std::env::var(POSTGRES_VARIABLE) {
        return Some(url);
    }
    let missing = match installed_programs() {
        Some(programs) => match Cluster::start(&programs, "") {
            Ok(cluster) => return Some(CLUSTER.get_or_init(|| cluster).url()),
            Err(reason) => reason,
        },
        None => "initdb, pg_ctl and postgres are neither in PATH nor in /usr/lib/postgresql".to_owned(),
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "CI=true requires the whole suite, but PostgreSQL is missing: {missing}",
    );
    // Written directly to standard error, because the test runner does not show the output of a passing test.
    let _ = writeln!(
        std::io::stderr(),
        "\n*** HALF OF THE SUITE IS LEFT OUT: no test runs on PostgreSQL.\n*** {missing}.\n\
         *** Install it (Debian: apt-get install postgresql), or name a server in {POSTGRES_VARIABLE}.\n",
    );
    None
}

/// Returns the bytes of a migrated SQLite file.
async fn sqlite_template() -> &'static [u8] {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let database = Database::empty(Kind::Sqlite).await;
            // Closing the last connection moves the write-ahead log into the file, so that the file is complete.
            migrate(&database).await;
            std::fs::read(database.folder().join(SQLITE_FILE)).expect("migrating creates the file")
        })
        .await
}

/// Returns the name of a migrated database on the server, to which no one is connected.
async fn postgres_template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            if let Some(server) = postgres_server() {
                drop_leftovers(server).await;
            }
            let database = Database::empty(Kind::Postgres).await;
            migrate(&database).await;
            database.on_server.expect("the database is on PostgreSQL").name
        })
        .await
}

/// Drops what earlier test runs left on the server: their templates, and the databases of failed tests.
async fn drop_leftovers(server: &str) {
    let now = Uuid::now_v7().get_timestamp().map_or(0, |now| now.to_unix().0);
    let connection = connect(server).await;
    let names = Statement::from_string(connection.get_database_backend(), "SELECT datname FROM pg_database");
    for row in connection.query_all_raw(names).await.expect("databases can be listed") {
        let name: String = row.try_get_by_index(0).expect("a database has a name");
        if is_leftover(&name, now) {
            // Another test run may be dropping the same one.
            let _ = connection.execute_unprepared(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
        }
    }
    connection.close().await.expect("the connection closes");
}

/// Runs one statement on the server's maintenance database, on a new connection: a pool would belong to the runtime of
/// the test that created it, and end with it.
async fn on_server(server: &str, statement: &str) {
    let connection = connect(server).await;
    connection.execute_unprepared(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection.close().await.expect("the connection closes");
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Returns the URL with another database's name.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let host = rest.split('/').next().unwrap_or_default();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}/{name}{separator}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::{is_leftover, unique_name, with_database};

    #[test]
    fn only_old_test_databases_are_leftovers() {
        let in_2022 = "callshot_test_017f22e279b07cc398c4dc0c0c07398f";
        assert!(is_leftover(in_2022, 1_700_000_000));
        assert!(!is_leftover(in_2022, 1_645_557_743));
        assert!(!is_leftover(&unique_name(), 1_700_000_000));
        for other in ["postgres", "callshot_test_", "callshot_test_mine", "017f22e279b07cc398c4dc0c0c07398f"] {
            assert!(!is_leftover(other, u64::MAX), "{other}");
        }
    }

    #[test]
    fn a_url_keeps_everything_but_the_name_of_its_database() {
        for (given, expected) in [
            ("postgres://ann:secret@db:5433/mine?sslmode=require", "postgres://ann:secret@db:5433/new?sslmode=require"),
            ("postgresql://db", "postgresql://db/new"),
            ("postgres://u@localhost/postgres?host=/tmp/a", "postgres://u@localhost/new?host=/tmp/a"),
        ] {
            assert_eq!(with_database(given, "new"), expected);
        }
    }
}
