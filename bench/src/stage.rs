//! Everything a run needs: databases full of rows, servers over them, and people with tokens.

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

/// Names a PostgreSQL server to use in place of one of our own: its databases stay, so that the next run begins sooner.
pub const SERVER_VARIABLE: &str = "BENCH_POSTGRES_URL";

/// What our own PostgreSQL is set to beyond the tests' settings: as in production, for a small machine.
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

/// A token holds for fifteen minutes; after this long a new one is fetched.
const TOKEN_AGE: Duration = Duration::from_mins(8);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
pub enum Base {
    /// A server of its own.
    Postgres,
    /// A file.
    Sqlite,
}

/// A database that is ready to be asked.
pub struct Database {
    /// Which of the two.
    pub base: Base,
    /// Its address.
    pub url: String,
    /// The server's own process, where it is here to be seen.
    pub process: Option<u32>,
    /// Where it logs, where it is ours.
    pub log: Option<PathBuf>,
    /// The key that tokens are signed with.
    key: PathBuf,
    program: PathBuf,
    /// A server that nobody measures, to sign in at: passwords take memory.
    door: Server,
    _cluster: Option<Cluster>,
}

/// Where a run's own files are; they go with it.
pub struct Stage {
    folder: TempDir,
    out: PathBuf,
    /// The server's program.
    pub program: PathBuf,
}

impl Stage {
    /// Finds the program, and makes the folders.
    pub async fn set(arguments: &RunArguments) -> Result<Self> {
        let program = process::program(arguments.server.as_deref()).await?;
        std::fs::create_dir_all(&arguments.out)?;
        let folder = tempfile::Builder::new().prefix("callshot-bench-").tempdir()?;
        Ok(Self { folder, out: arguments.out.clone(), program })
    }

    /// Prepares a database with one of the sets of rows.
    pub async fn database(&self, base: Base, set: Set) -> Result<Database> {
        let begun = Instant::now();
        eprintln!("preparing {base:?} with the {}", set.name());
        let (url, cluster) = match base {
            Base::Postgres => self.postgres(set).await?,
            Base::Sqlite => (self.sqlite(set).await?, None),
        };
        eprintln!("prepared {base:?} in {:.1} s", begun.elapsed().as_secs_f64());
        let key = self.folder.path().join(format!("{base:?}.key"));
        let program = self.program.clone();
        let door = Server::start(&mut process::callshot(Command::new(&program), &url, &key), "/readyz").await?;
        let process = match base {
            Base::Postgres => postmaster(&url).await?,
            Base::Sqlite => None,
        };
        let log = cluster.as_ref().map(|cluster| cluster.directory().join("log"));
        Ok(Database { base, url, process, log, key, program, door, _cluster: cluster })
    }

    /// A database on a server that is named, or on one of our own.
    async fn postgres(&self, set: Set) -> Result<(String, Option<Cluster>)> {
        let (server, cluster) = if let Ok(url) = std::env::var(SERVER_VARIABLE) {
            (url, None)
        } else {
            let programs = installed_programs()
                .ok_or("initdb, pg_ctl and postgres are neither in PATH nor in /usr/lib/postgresql")?;
            let cluster = Cluster::start(&programs, POSTGRES_SETTINGS)?;
            (cluster.url(), Some(cluster))
        };
        let options: PgConnectOptions = server.parse()?;
        let mut maintenance = options.connect().await?;
        let prepared = format!("callshot_bench_{}_{VERSION}", set.name());
        let there: Option<(i32,)> = sqlx::query_as("select 1 from pg_database where datname = $1")
            .bind(&prepared)
            .fetch_optional(&mut maintenance)
            .await?;
        if there.is_none() {
            // It gets its name once it is whole.
            let (made, making) = (format!("{prepared}_making"), "drop database if exists");
            maintenance.execute(AssertSqlSafe(format!("{making} {made} with (force)"))).await?;
            maintenance.execute(AssertSqlSafe(format!("create database {made} template template0"))).await?;
            let url = with_database(&server, &made);
            self.migrate(&url).await?;
            let mut connection = PgConnection::connect(&url).await?;
            load::postgres(&mut connection, set).await?;
            connection.close().await?;
            maintenance.execute(AssertSqlSafe(format!("alter database {made} rename to {prepared}"))).await?;
        }
        // What is written belongs to one run.
        maintenance.execute(AssertSqlSafe(format!("drop database if exists {prepared}_run with (force)"))).await?;
        let copy = format!("create database {prepared}_run template {prepared} strategy file_copy");
        maintenance.execute(AssertSqlSafe(copy)).await?;
        maintenance.close().await?;
        let url = with_database(&server, &format!("{prepared}_run"));
        self.migrate(&url).await?;
        Ok((url, cluster))
    }

    /// A file, copied from the prepared one.
    async fn sqlite(&self, set: Set) -> Result<String> {
        let prepared = self.out.join(format!("prepared-{}-{VERSION}.db", set.name()));
        if !prepared.is_file() {
            let made = self.out.join(format!("prepared-{}-{VERSION}.making.db", set.name()));
            for suffix in ["", "-wal", "-shm"] {
                let mut leftover = made.clone().into_os_string();
                leftover.push(suffix);
                let _there = std::fs::remove_file(leftover);
            }
            self.migrate(&file_url(&made)).await?;
            let mut connection = sqlite_file(&made).await?;
            load::sqlite(&mut connection, set).await?;
            connection.close().await?;
            std::fs::rename(&made, &prepared)?;
        }
        let copy = self.folder.path().join(format!("{}.db", set.name()));
        std::fs::copy(&prepared, &copy)?;
        let url = file_url(&copy);
        self.migrate(&url).await?;
        Ok(url)
    }

    async fn migrate(&self, url: &str) -> Result<()> {
        let status =
            process::plain(Command::new(&self.program), url).args(["migrate", "--log", "warn"]).status().await?;
        if status.success() { Ok(()) } else { Err(format!("{url} was not migrated").into()) }
    }
}

fn file_url(path: &Path) -> String {
    format!("sqlite://{}?mode=rwc", path.display())
}

/// A connection for loading: nothing need survive a crash meanwhile.
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

/// The process that all of a server's processes descend from, if it runs on this machine.
async fn postmaster(url: &str) -> Result<Option<u32>> {
    let mut connection = PgConnection::connect(url).await?;
    let (backend,): (i32,) = sqlx::query_as("select pg_backend_pid()").fetch_one(&mut connection).await?;
    let parent = crate::measure::process::parent(u32::try_from(backend)?);
    connection.close().await?;
    Ok(parent)
}

/// Lets PostgreSQL log statements or not, and waits until it does as told.
async fn set_logging(connection: &mut PgConnection, what: &str) -> Result<()> {
    connection.execute(AssertSqlSafe(format!("alter system set log_statement = '{what}'"))).await?;
    connection.execute("select pg_reload_conf()").await?;
    loop {
        let (now,): (String,) = sqlx::query_as("show log_statement").fetch_one(&mut *connection).await?;
        if now == what {
            break;
        }
    }
    // The other processes were told together with this one.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
}

/// The same address with another database's name.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let host = rest.split('/').next().unwrap_or_default();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}/{name}{separator}{parameters}")
}

impl Database {
    /// Starts a server over it, to be measured.
    pub async fn server(&self) -> Result<Server> {
        Server::start(&mut process::callshot(Command::new(&self.program), &self.url, &self.key), "/readyz").await
    }

    /// The server's command line under another program, which makes it slow.
    pub fn under(&self, mut outer: Command) -> Command {
        outer.arg(&self.program);
        let mut command = process::callshot(outer, &self.url, &self.key);
        for flag in ["--request-timeout", "--statement-timeout", "--database-wait", "--drain-timeout"] {
            command.args([flag, "600s"]);
        }
        command
    }

    /// Starts the floor over it.
    pub async fn floor(&self) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--database", &self.url]);
        Server::start(&mut command, "/readyz").await
    }

    /// How many statements a contender sends for one request, begin and commit included: read off the log of our own
    /// PostgreSQL.
    pub async fn statements(&self, contender: &Contender) -> Result<Option<u64>> {
        let Some(log) = &self.log else { return Ok(None) };
        let mut connection = PgConnection::connect(&self.url).await?;
        let mut client = Client::connect(contender.address).await?;
        // What a first request brings along: who asks is read, statements are prepared.
        for count in 0..3 {
            client.ask((contender.source)(0, count)).await?;
        }
        set_logging(&mut connection, "all").await?;
        let before = std::fs::metadata(log)?.len();
        client.ask((contender.source)(0, 3)).await?;
        let written = std::fs::read(log)?;
        set_logging(&mut connection, "none").await?;
        connection.close().await?;
        let new = written.get(usize::try_from(before)?..).unwrap_or_default();
        let lines = String::from_utf8_lossy(new);
        let sent = |line: &&str| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ");
        // Our own statements, and autovacuum's, have no name, or another one.
        let ours = |line: &&str| ["[callshot]", "[floor]", "[peer]"].iter().any(|name| line.starts_with(name));
        Ok(Some(lines.lines().filter(ours).filter(sent).count() as u64))
    }

    /// Signs somebody in, and answers the token.
    pub async fn sign_in(&self, person: Person) -> Result<Token> {
        let document = "mutation($input: SignInInput!) { signIn(input: $input) {
            session { accessToken } userErrors { message } } }";
        let input = json!({
            "email": person.email(),
            "password": PASSWORD,
            "organizationId": TypeId("organization", organization(person.organization)).show(),
        });
        let request = Request { token: None, ..Request::graphql("", document, &json!({ "input": input })) };
        let answer = Client::connect(self.door.address).await?.json(request).await?;
        let token = answer["data"]["signIn"]["session"]["accessToken"].as_str();
        let text = token.ok_or_else(|| format!("{} cannot sign in: {answer}", person.email()))?.to_owned();
        Ok(Token { text, since: Instant::now() })
    }
}

/// A token, and since when it holds.
pub struct Token {
    /// As it is sent.
    pub text: String,
    since: Instant,
}

impl Token {
    /// Is it time for another?
    pub fn is_old(&self) -> bool {
        self.since.elapsed() > TOKEN_AGE
    }
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn an_address_keeps_all_but_the_name_of_its_database() {
        for (given, expected) in [
            ("postgres://ann:secret@db:5433/mine?sslmode=require", "postgres://ann:secret@db:5433/new?sslmode=require"),
            ("postgres://u@localhost/postgres?host=/tmp/a", "postgres://u@localhost/new?host=/tmp/a"),
        ] {
            assert_eq!(with_database(given, "new"), expected);
        }
    }
}
