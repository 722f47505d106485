//! A database for each test, on either kind, at the price of a copy.
//!
//! Migrations run once a process, into a template; a test gets a copy of it (PostgreSQL copies a database, SQLite a
//! file). Names are unique, so that tests run side by side and a leftover of a failed one is in nobody's way.

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

/// The name of the variable that names a PostgreSQL server to use in place of one of our own. Its user must be allowed
/// to create databases.
pub const POSTGRES_VARIABLE: &str = "TEST_POSTGRES_URL";

/// Which of the two databases a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The embedded one, a file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database that belongs to one test.
pub struct Database {
    url: String,
    /// Where the file lies, if it is one, and what a server keeps beside its database.
    folder: TempDir,
    /// Where PostgreSQL has it.
    place: Option<Place>,
    /// Whether a test put rows into it by SQL.
    filled: AtomicBool,
}

/// A database on a server.
struct Place {
    server: &'static str,
    name: String,
}

impl Kind {
    /// Whether tests can run on this kind here. Says so loudly, once, where they cannot.
    ///
    /// # Panics
    /// Where PostgreSQL is missing and `CI=true`: there, half a test run is a failure.
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
    /// A database with all tables and no rows.
    ///
    /// # Panics
    /// Where the template cannot be made or copied, or the kind is not available.
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

    /// A database without tables, for tests of the migrations themselves.
    ///
    /// # Panics
    /// Where it cannot be made, or the kind is not available.
    pub async fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::sqlite(),
            Kind::Postgres => Self::postgres(None).await,
        }
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.place.is_some() { Kind::Postgres } else { Kind::Sqlite }
    }

    /// Its address, as `DATABASE_URL` takes it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A folder that belongs to the test as the database does. SQLite's file is in it, and the signing key.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection of the test's own, beside those of the server: to look at the tables, or to fill them quickly.
    ///
    /// # Panics
    /// Where the database cannot be reached.
    pub async fn connect(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    /// Says that the test puts rows into tables by SQL and leaves them there, so that the feed cannot give them again.
    pub fn leave_rows_beside_the_feed(&self) {
        self.filled.store(true, Ordering::Relaxed);
    }

    /// Whether a test said so.
    #[must_use]
    pub fn has_rows_beside_the_feed(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    /// Takes the database away. One that is merely dropped goes with its server, or, a SQLite file, at once.
    ///
    /// # Panics
    /// Where PostgreSQL refuses.
    pub async fn remove(self) {
        if let Some(Place { server, name }) = &self.place {
            on_server(server, &format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await;
        }
    }

    fn sqlite() -> Self {
        let folder = folder();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join(SQLITE_FILE).display());
        Self { url, folder, place: None, filled: AtomicBool::new(false) }
    }

    async fn postgres(template: Option<&str>) -> Self {
        let server = postgres_server().expect("whoever asks for PostgreSQL asked first whether it is available");
        let name = unique_name();
        // template0 is PostgreSQL's own, and like ours never connected to while it is copied.
        let template = template.unwrap_or("template0");
        on_server(server, &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await;
        let (url, place) = (with_database(server, &name), Some(Place { server, name }));
        Self { url, folder: folder(), place, filled: AtomicBool::new(false) }
    }
}

const SQLITE_FILE: &str = "callshot.db";

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("callshot-test-").tempdir().expect("a folder for the test")
}

/// What the names of all our databases begin with; a UUID that tells when follows.
const PREFIX: &str = "callshot_test_";

/// No test run takes so long, in seconds: what is older is a leftover.
const OLD: u64 = 6 * 60 * 60;

fn unique_name() -> String {
    format!("{PREFIX}{}", Uuid::now_v7().simple())
}

/// Whether a database is one of ours that nobody needs any more. `now` is in seconds since 1970.
fn is_leftover(name: &str, now: u64) -> bool {
    let made = name.strip_prefix(PREFIX).and_then(|id| Uuid::try_parse(id).ok()?.get_timestamp());
    made.is_some_and(|made| made.to_unix().0 + OLD < now)
}

/// The address of the server that tests run on: the one that is named, else one of our own.
fn postgres_server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER.get_or_init(find_postgres_server).as_deref()
}

fn find_postgres_server() -> Option<String> {
    // Kept for as long as the process lives: statics are never dropped.
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
        "CI=true asks for the whole suite, and PostgreSQL is missing: {missing}",
    );
    // Written straight to standard error, because the test runner swallows what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "\n*** HALF OF THE SUITE IS LEFT OUT: no test runs on PostgreSQL.\n*** {missing}.\n\
         *** Install it (Debian: apt-get install postgresql), or name a server in {POSTGRES_VARIABLE}.\n",
    );
    None
}

/// The bytes of a migrated SQLite file.
async fn sqlite_template() -> &'static [u8] {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let database = Database::empty(Kind::Sqlite).await;
            // Whoever closes last moves the log into the file, so that the file is all there is.
            migrate(&database).await;
            std::fs::read(database.folder().join(SQLITE_FILE)).expect("migrating makes the file")
        })
        .await
}

/// The name of a migrated database on the server, which nobody connects to any more.
async fn postgres_template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            if let Some(server) = postgres_server() {
                drop_leftovers(server).await;
            }
            let database = Database::empty(Kind::Postgres).await;
            migrate(&database).await;
            database.place.expect("it was made on PostgreSQL").name
        })
        .await
}

/// Drops what earlier runs left on a server that outlives them: their templates, and the databases of failed tests.
async fn drop_leftovers(server: &str) {
    let now = Uuid::now_v7().get_timestamp().map_or(0, |now| now.to_unix().0);
    let connection = connect(server).await;
    let names = Statement::from_string(connection.get_database_backend(), "SELECT datname FROM pg_database");
    for row in connection.query_all_raw(names).await.expect("PostgreSQL tells its databases") {
        let name: String = row.try_get_by_index(0).expect("a database has a name");
        if is_leftover(&name, now) {
            // Another run may be dropping the same one.
            let _ = connection.execute_unprepared(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
        }
    }
    connection.close().await.expect("the connection closes");
}

/// Runs one statement on the server's own database, over a connection of its own: a pool that was kept would belong to
/// the runtime of the test that made it, and die with it.
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

/// The same address with another database's name.
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
    fn only_old_databases_of_ours_are_leftovers() {
        let in_2022 = "callshot_test_017f22e279b07cc398c4dc0c0c07398f";
        assert!(is_leftover(in_2022, 1_700_000_000));
        assert!(!is_leftover(in_2022, 1_645_557_743));
        assert!(!is_leftover(&unique_name(), 1_700_000_000));
        for strange in ["postgres", "callshot_test_", "callshot_test_mine", "017f22e279b07cc398c4dc0c0c07398f"] {
            assert!(!is_leftover(strange, u64::MAX), "{strange}");
        }
    }

    #[test]
    fn an_address_keeps_all_but_the_name_of_its_database() {
        for (given, expected) in [
            ("postgres://ann:secret@db:5433/mine?sslmode=require", "postgres://ann:secret@db:5433/new?sslmode=require"),
            ("postgresql://db", "postgresql://db/new"),
            ("postgres://u@localhost/postgres?host=/tmp/a", "postgres://u@localhost/new?host=/tmp/a"),
        ] {
            assert_eq!(with_database(given, "new"), expected);
        }
    }
}
