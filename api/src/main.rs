//! The command line.

use std::{ffi::OsString, io::Write, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use callshot::{
    App, app,
    config::{AccessSettings, ClockSettings, DatabaseSettings, LogSettings, ServeArguments, Settings, SignUp},
    demo::{self, DemoArguments},
    import::{self, target::ImportTarget},
    operator,
    server::{Server, metrics},
    telemetry,
};
use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A GraphQL backend for selling to chosen accounts.
///
/// Without a command it serves, as `callshot serve` does.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the GraphQL endpoint
    Serve(Box<ServeArguments>),
    /// Migrates the database to the tables of this version, and exits
    Migrate(MigrateArguments),
    /// Imports files that a CRM exported
    Import(Box<ImportArguments>),
    /// Fills a database with a simulated sales organization
    Demo(Box<DemoCommand>),
    /// Writes a consistent copy of the database into a new file, while servers keep running
    Backup(FileArguments),
    /// Replaces the database with a backup and begins a new history of the feed
    Restore(FileArguments),
    /// Begins a new history of the feed, after another program has restored the database
    NewHistory(OperatorArguments),
    /// Checks the database, the key file and the disk
    Doctor(OperatorArguments),
    /// Prints the GraphQL schema
    Schema,
}

#[derive(Args)]
struct OperatorArguments {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    access: AccessSettings,
}

impl OperatorArguments {
    fn settings(self) -> Settings {
        let mut settings = Settings { database: self.database, access: self.access, ..Settings::default() };
        // Copying or checking a large database takes longer than the timeout of requests.
        settings.database.statement_timeout = Duration::from_hours(24);
        settings
    }
}

#[derive(Args)]
struct FileArguments {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    operator: OperatorArguments,
}

#[derive(Args)]
struct ImportArguments {
    #[command(flatten)]
    import: import::Arguments,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    clock: ClockSettings,
    #[command(flatten)]
    log: LogSettings,
}

#[derive(Args)]
struct DemoCommand {
    #[command(flatten)]
    demo: DemoArguments,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    clock: ClockSettings,
    #[command(flatten)]
    access: AccessSettings,
    #[command(flatten)]
    log: LogSettings,
}

#[derive(Args)]
struct MigrateArguments {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    log: LogSettings,
}

#[tokio::main]
async fn main() -> ExitCode {
    match CommandLine::parse_from(with_command(std::env::args_os().collect())).command {
        Command::Serve(arguments) => outcome(serve(*arguments).await),
        Command::Migrate(arguments) => outcome(migrate(arguments).await),
        Command::Import(arguments) => import(*arguments).await,
        Command::Demo(arguments) => outcome(demo(*arguments).await),
        Command::Backup(FileArguments { file, operator }) => told(operator::backup(&operator.settings(), &file).await),
        Command::Restore(FileArguments { file, operator }) => {
            told(operator::restore(&operator.settings(), &file).await)
        }
        Command::NewHistory(arguments) => told(operator::new_history(&arguments.settings()).await),
        Command::Doctor(arguments) => doctor(arguments).await,
        Command::Schema => {
            outcome(std::io::stdout().write_all(App::sdl().as_bytes()).map_err(|error| error.to_string()))
        }
    }
}

/// Returns the arguments, with the default command added if there is none.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let about_all = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    if !about_all && first.is_none_or(|argument| argument.starts_with('-')) {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

/// Prints the outcome of a command.
fn told(outcome: operator::Outcome) -> ExitCode {
    self::outcome(outcome.map(|lines| lines.iter().for_each(|line| println!("{line}"))))
}

async fn doctor(arguments: OperatorArguments) -> ExitCode {
    match operator::doctor(&arguments.settings()).await {
        Ok(report) => {
            report.lines.iter().for_each(|line| println!("{line}"));
            if report.is_faulty { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => outcome(Err(error)),
    }
}

fn outcome(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callshot: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(ServeArguments { listen, metrics_listen, mut settings }: ServeArguments) -> Result<(), String> {
    telemetry::start_with_traces(&settings.log)?;
    let database = settings.database.url.to_string();
    // Bound before the database is opened, so that a second server on the same port does not migrate anything.
    let listener = bind(listen).await?;
    if settings.http.public_url.is_none() {
        settings.http.public_url =
            listener.local_addr().ok().and_then(|address| format!("http://{address}").parse().ok());
    }
    let metrics_listener = match metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let app = open(settings).await?;
    let metrics = metrics_listener.map(|listener| metrics::serve(Arc::clone(&app), listener));
    // Installed before the first request is accepted, so that an early signal does not kill the process during a request.
    let mut stop = Stop::listen()?;
    let server = Server::start(app, listener);
    tracing::info!(database, "Callshot serves http://{}/graphql", server.address);
    stop.asked().await?;
    let stopped = tokio::select! {
        () = server.shutdown() => Ok(()),
        again = stop.asked() => again.and(Err("asked to stop a second time: not everything was finished".to_owned())),
    };
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    telemetry::stop().await;
    stopped
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
}

async fn migrate(MigrateArguments { database, log }: MigrateArguments) -> Result<(), String> {
    telemetry::start(&log)?;
    let name = database.url.to_string();
    let settings = Settings { database, log, ..Settings::default() };
    app::migrate(&settings).await.map_err(|error| format!("cannot migrate {name}: {error}"))?;
    tracing::info!(database = name, "the tables are up to date");
    Ok(())
}

/// Logs failures only, unless something else was asked for: the report is on standard output.
fn for_failures(mut log: LogSettings) -> LogSettings {
    if log.log == Settings::default().log.log {
        "warn".clone_into(&mut log.log);
    }
    log
}

async fn open(settings: Settings) -> Result<Arc<App>, String> {
    let name = settings.database.url.to_string();
    App::open(settings).await.map_err(|error| format!("cannot open {name}: {error}"))
}

async fn import(ImportArguments { import, mut database, clock, log }: ImportArguments) -> ExitCode {
    if import.suggest_map {
        return ExitCode::from(import::run::suggest_map(&import));
    }
    let log = for_failures(log);
    let opened = async {
        telemetry::start(&log)?;
        // No client waits for an import, and others may keep the database busy.
        database.statement_timeout = database.statement_timeout.max(Duration::from_mins(10));
        let app = open(Settings { database, clock, log, ..Settings::default() }).await?;
        ImportTarget::open(app, import.organization.as_deref(), import.by.as_deref()).await
    };
    match opened.await {
        Ok(target) => ExitCode::from(import::run::run(&import, &target).await),
        Err(error) => {
            eprintln!("callshot: {error}");
            ExitCode::from(import::run::EXIT_COULD_NOT)
        }
    }
}

async fn demo(DemoCommand { demo, database, clock, access, log }: DemoCommand) -> Result<(), String> {
    demo.check()?;
    if demo.truth {
        println!("{}", demo::truth());
        return Ok(());
    }
    let log = for_failures(log);
    telemetry::start(&log)?;
    // The caller has the database itself, so that the setting would not keep them from anything.
    let access = AccessSettings { sign_up: SignUp::Open, ..access };
    // Statements of five hundred rows take longer than those of requests.
    let (slow_query, statement_timeout) = (Duration::from_secs(5), Duration::from_mins(2));
    let database = DatabaseSettings {
        waits_for_disk: false,
        slow_query: database.slow_query.max(slow_query),
        statement_timeout: database.statement_timeout.max(statement_timeout),
        ..database
    };
    let app = open(Settings { database, clock, access, log, ..Settings::default() }).await?;
    let report = demo::run(&app, &demo).await?;
    println!("{report}");
    Ok(())
}

/// Listens for SIGTERM and for Ctrl-C on a terminal, starting when this is created.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    #[cfg(unix)]
    fn listen() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let heard = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
        Ok(Self { terminate: heard(SignalKind::terminate())?, interrupt: heard(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn asked(&mut self) -> Result<(), String> {
        tokio::select! {
            _ = self.terminate.recv() => Ok(()),
            _ = self.interrupt.recv() => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Result<Self, String> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn asked(&mut self) -> Result<(), String> {
        tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for signals: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn given(arguments: &[&str]) -> Vec<String> {
        let given = arguments.iter().map(OsString::from).collect();
        with_command(given).into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert_eq!(given(&["callshot"]), ["callshot", "serve"]);
        assert_eq!(given(&["callshot", "--listen", "x"]), ["callshot", "serve", "--listen", "x"]);
        assert_eq!(given(&["callshot", "schema"]), ["callshot", "schema"]);
        assert_eq!(given(&["callshot", "--help"]), ["callshot", "--help"]);
    }
}
