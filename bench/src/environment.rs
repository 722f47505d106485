//! Everything a run needs: filled databases, servers over them, and access tokens.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::process::Command;

use crate::client::{Client, Request};
use crate::data::people::{PASSWORD, Person, organization};
use crate::data::{Set, VERSION, load};
use crate::measure::Contender;
use crate::postgres::{Cluster, installed_programs};
use crate::process::{self, Server};
use crate::typeid::TypeId;
use crate::{Result, RunArguments};

/// The environment variable with the URL of a PostgreSQL server to use instead of a temporary one. The server keeps the
/// prepared databases, so the next run starts faster.
pub const SERVER_VARIABLE: &str = "BENCH_POSTGRES_URL";

/// The settings of the temporary PostgreSQL server in addition to those of the tests: production settings for a small
/// machine.
const POSTGRES_SETTINGS: &str = "\
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
autovacuum = on
shared_buffers = 512MB
effective_cache_size = 2GB
work_mem = 16MB
max_wal_size = 4GB
checkpoint_timeout = 30min
random_page_cost = 1.1
log_line_prefix = '[%a] '
";

/// The age at which a token is replaced; tokens expire after 15 minutes.
const MAX_TOKEN_AGE: Duration = Duration::from_mins(8);

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// A prepared database.
pub struct Database {
    /// The engine.
    pub engine: Engine,
    /// The URL.
    pub url: String,
    /// The id of PostgreSQL's main process, if it runs on this machine.
    pub process: Option<u32>,
    /// The log file of the temporary PostgreSQL server, if there is one.
    pub log: Option<PathBuf>,
    /// The file with the key that signs tokens.
    key: PathBuf,
    program: PathBuf,
    /// A server that is used only for signing in. It is separate from the measured ones because hashing passwords takes
    /// memory.
    sign_in_server: Server,
    _cluster: Option<Cluster>,
}

/// The files and programs of a run. Its temporary files are deleted when it is dropped.
pub struct Environment {
    temporary: TempDir,
    out: PathBuf,
    /// The path of the server program.
    pub program: PathBuf,
}

impl Environment {
    /// Finds or builds the server program and creates the folders.
    pub async fn prepare(arguments: &RunArguments) -> Result<Self> {
        let program = process::program(arguments.server.as_deref(), &arguments.profile).await?;
        std::fs::create_dir_all(&arguments.out)?;
        let temporary = tempfile::Builder::new().prefix("callshot-bench-").tempdir()?;
        Ok(Self { temporary, out: arguments.out.clone(), program })
    }

    /// Prepares a database with a set of rows.
    pub async fn database(&self, engine: Engine, set: Set) -> Result<Database> {
        let begun = Instant::now();
        eprintln!("preparing {engine:?} with the {} rows", set.name());
        let (url, cluster) = match engine {
            Engine::Postgres => self.postgres(set).await?,
            Engine::Sqlite => (self.sqlite(set).await?, None),
        };
        eprintln!("prepared {engine:?} in {:.1} s", begun.elapsed().as_secs_f64());
        let key = self.temporary.path().join(format!("{engine:?}.key"));
        let program = self.program.clone();
        let sign_in_server = Server::start(&mut process::serve(Command::new(&program), &url, &key), "/readyz").await?;
        let process = match engine {
            Engine::Postgres => postmaster(&url).await?,
            Engine::Sqlite => None,
        };
        let log = cluster.as_ref().map(|cluster| cluster.directory().join("log"));
        Ok(Database { engine, url, process, log, key, program, sign_in_server, _cluster: cluster })
    }

    /// Prepares a database on the server that [`SERVER_VARIABLE`] names, or on a temporary one.
    async fn postgres(&self, set: Set) -> Result<(String, Option<Cluster>)> {
        let (server, cluster) = if let Ok(url) = std::env::var(SERVER_VARIABLE) {
            (url, None)
        } else {
            let programs = installed_programs().ok_or(
                "PostgreSQL's programs (initdb, pg_ctl and postgres) must be in PATH or in /usr/lib/postgresql",
            )?;
            let cluster = Cluster::start(&programs, POSTGRES_SETTINGS)?;
            (cluster.url(), Some(cluster))
        };
        let options: PgConnectOptions = server.parse()?;
        let mut maintenance = options.connect().await?;
        let prepared = format!("callshot_bench_{}_{VERSION}", set.name());
        let existing: Option<(i32,)> = sqlx::query_as("select 1 from pg_database where datname = $1")
            .bind(&prepared)
            .fetch_optional(&mut maintenance)
            .await?;
        if existing.is_none() {
            // The database is renamed when it is complete, so an interrupted preparation is not mistaken for a finished one.
            let unfinished = format!("{prepared}_making");
            maintenance.execute(AssertSqlSafe(format!("drop database if exists {unfinished} with (force)"))).await?;
            maintenance.execute(AssertSqlSafe(format!("create database {unfinished} template template0"))).await?;
            let url = with_database(&server, &unfinished);
            self.migrate(&url).await?;
            let mut connection = PgConnection::connect(&url).await?;
            load::postgres(&mut connection, set).await?;
            connection.close().await?;
            maintenance.execute(AssertSqlSafe(format!("alter database {unfinished} rename to {prepared}"))).await?;
        }
        // Each run writes to its own copy.
        maintenance.execute(AssertSqlSafe(format!("drop database if exists {prepared}_run with (force)"))).await?;
        let copy = format!("create database {prepared}_run template {prepared} strategy file_copy");
        maintenance.execute(AssertSqlSafe(copy)).await?;
        maintenance.close().await?;
        let url = with_database(&server, &format!("{prepared}_run"));
        self.migrate(&url).await?;
        Ok((url, cluster))
    }

    /// Prepares a database file: a copy of the filled one.
    async fn sqlite(&self, set: Set) -> Result<String> {
        let prepared = self.out.join(format!("prepared-{}-{VERSION}.db", set.name()));
        if !prepared.is_file() {
            let unfinished = self.out.join(format!("prepared-{}-{VERSION}.making.db", set.name()));
            for suffix in ["", "-wal", "-shm"] {
                let mut leftover = unfinished.clone().into_os_string();
                leftover.push(suffix);
                // The file exists only if an earlier preparation was interrupted.
                let _missing = std::fs::remove_file(leftover);
            }
            self.migrate(&file_url(&unfinished)).await?;
            let mut connection = sqlite_file(&unfinished).await?;
            load::sqlite(&mut connection, set).await?;
            connection.close().await?;
            std::fs::rename(&unfinished, &prepared)?;
        }
        let copy = self.temporary.path().join(format!("{}.db", set.name()));
        std::fs::copy(&prepared, &copy)?;
        let url = file_url(&copy);
        self.migrate(&url).await?;
        Ok(url)
    }

    async fn migrate(&self, url: &str) -> Result<()> {
        let status = process::without_settings(Command::new(&self.program), url)
            .args(["migrate", "--log", "warn"])
            .status()
            .await?;
        if status.success() { Ok(()) } else { Err(format!("the migration of {url} failed").into()) }
    }
}

fn file_url(path: &Path) -> String {
    format!("sqlite://{}?mode=rwc", path.display())
}

/// Opens a connection for loading rows. It is not durable, because a file left by a crash is not used.
async fn sqlite_file(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .pragma("cache_size", "-500000")
        .pragma("temp_store", "memory");
    Ok(options.connect().await?)
}

/// Returns the id of a PostgreSQL server's main process, if it runs on this machine.
async fn postmaster(url: &str) -> Result<Option<u32>> {
    let mut connection = PgConnection::connect(url).await?;
    let (backend,): (i32,) = sqlx::query_as("select pg_backend_pid()").fetch_one(&mut connection).await?;
    let parent = crate::measure::process::parent(u32::try_from(backend)?);
    connection.close().await?;
    Ok(parent)
}

/// Sets PostgreSQL's `log_statement` and waits until the setting takes effect.
async fn set_logging(connection: &mut PgConnection, value: &str) -> Result<()> {
    connection.execute(AssertSqlSafe(format!("alter system set log_statement = '{value}'"))).await?;
    connection.execute("select pg_reload_conf()").await?;
    loop {
        let (current,): (String,) = sqlx::query_as("show log_statement").fetch_one(&mut *connection).await?;
        if current == value {
            break;
        }
    }
    // The server signals all processes together, so the others reload at about the same time as this one.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
}

/// Replaces the database name in a URL.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let host = rest.split('/').next().unwrap_or_default();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}/{name}{separator}{parameters}")
}

impl Database {
    /// Starts a server to be measured.
    pub async fn server(&self) -> Result<Server> {
        Server::start(&mut process::serve(Command::new(&self.program), &self.url, &self.key), "/readyz").await
    }

    /// Returns a command that runs the server under another program. Its timeouts are long, because that program slows it
    /// down.
    pub fn server_command_under(&self, mut outer: Command) -> Command {
        outer.arg(&self.program);
        let mut command = process::serve(outer, &self.url, &self.key);
        for flag in ["--request-timeout", "--statement-timeout", "--database-wait", "--drain-timeout"] {
            command.args([flag, "600s"]);
        }
        command
    }

    /// Starts the floor.
    pub async fn floor(&self) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--database", &self.url]);
        Server::start(&mut command, "/readyz").await
    }

    /// Counts the statements that a contender sends to the database for one request, including `begin` and `commit`.
    /// Returns `None` unless the database is on a temporary PostgreSQL server, whose log can be read.
    pub async fn statements(&self, contender: &Contender) -> Result<Option<u64>> {
        let Some(log) = &self.log else { return Ok(None) };
        let mut connection = PgConnection::connect(&self.url).await?;
        let mut client = Client::connect(contender.address).await?;
        // The first requests also load the user and prepare statements.
        for count in 0..3 {
            client.fetch((contender.source)(0, count)).await?;
        }
        set_logging(&mut connection, "all").await?;
        let before = std::fs::metadata(log)?.len();
        client.fetch((contender.source)(0, 3)).await?;
        let written = std::fs::read(log)?;
        set_logging(&mut connection, "none").await?;
        connection.close().await?;
        let new = written.get(usize::try_from(before)?..).unwrap_or_default();
        let lines = String::from_utf8_lossy(new);
        let is_statement = |line: &&str| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ");
        // The benchmark's own connections and autovacuum have another application name or none.
        let is_contender = |line: &&str| ["[callshot]", "[floor]", "[peer]"].iter().any(|name| line.starts_with(name));
        Ok(Some(lines.lines().filter(is_contender).filter(is_statement).count() as u64))
    }

    /// Signs a person in and returns the access token.
    pub async fn sign_in(&self, person: Person) -> Result<Token> {
        let document = "mutation($input: SignInInput!) { signIn(input: $input) {
            session { accessToken } userErrors { message } } }";
        let input = json!({
            "email": person.email(),
            "password": PASSWORD,
            "organizationId": TypeId("organization", organization(person.organization)).show(),
        });
        let request = Request { token: None, ..Request::graphql("", document, &json!({ "input": input })) };
        let answer = Client::connect(self.sign_in_server.address).await?.json(request).await?;
        let token = answer["data"]["signIn"]["session"]["accessToken"].as_str();
        let text = token.ok_or_else(|| format!("{} could not sign in: {answer}", person.email()))?.to_owned();
        Ok(Token { text, issued: Instant::now() })
    }
}

/// An access token.
pub struct Token {
    /// The token, as sent in the `Authorization` header.
    pub text: String,
    issued: Instant,
}

impl Token {
    /// Whether the token should be replaced because it will expire soon.
    pub fn needs_renewal(&self) -> bool {
        self.issued.elapsed() > MAX_TOKEN_AGE
    }
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn replacing_the_database_name_keeps_the_rest_of_the_url() {
        for (given, expected) in [
            ("postgres://ann:secret@db:5433/mine?sslmode=require", "postgres://ann:secret@db:5433/new?sslmode=require"),
            ("postgres://u@localhost/postgres?host=/tmp/a", "postgres://u@localhost/new?host=/tmp/a"),
        ] {
            assert_eq!(with_database(given, "new"), expected);
        }
    }
}
