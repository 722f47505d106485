//! Starting servers as separate processes.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use tokio::process::{Child, Command};

use crate::Result;
use crate::client::{Client, Request};
use crate::data::CLOCK;

/// The server's flags besides its address and database: those of production, but without rate limits, and with the
/// whole capacity available to one organization.
pub const SERVER_FLAGS: &[&str] =
    &["--log", "warn", "--clock", CLOCK, "--points", "0", "--share", "10", "--expensive-share", "10"];

/// How long to wait for a server to become ready.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running server. It is killed when this is dropped.
pub struct Server {
    child: Child,
    /// The address it listens on.
    pub address: SocketAddr,
    /// The time from its start until it was ready.
    pub started_in: Duration,
}

impl Server {
    /// Starts a program with a `--listen` option, and waits until it answers a GET request for the path `ready` with 200.
    pub async fn start(command: &mut Command, ready: &str) -> Result<Self> {
        let address = free_address()?;
        command.arg("--listen").arg(address.to_string());
        let begun = Instant::now();
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| format!("{command:?}: {error}"))?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Err(format!("{command:?} ended before it was ready: {status}").into());
            }
            if is_ready(address, ready).await {
                return Ok(Self { child, address, started_in: begun.elapsed() });
            }
            if begun.elapsed() > START_TIMEOUT {
                return Err(format!("{command:?} was not ready within {} s", START_TIMEOUT.as_secs()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Sends SIGTERM, as service managers do, and waits for the process to exit.
    pub async fn stop(mut self) -> Result<()> {
        let _sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

async fn is_ready(address: SocketAddr, path: &str) -> bool {
    let Ok(mut client) = Client::connect(address).await else { return false };
    matches!(client.fetch(Request::get(path)).await, Ok((StatusCode::OK, _)))
}

/// Returns a local address whose port is free.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Returns a command that runs `callshot serve` over a database with the benchmark's flags.
pub fn serve(command: Command, database: &str, key: &Path) -> Command {
    let mut command = without_settings(command, database);
    command.arg("serve").args(SERVER_FLAGS).arg("--key-file").arg(key);
    command
}

/// Returns a Valgrind command that writes instruction counts to a file. The caller appends the program to run.
pub fn callgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(out);
    command.args(["--quiet", "--tool=callgrind"]).arg(file);
    command
}

/// Points a command at a database and removes the caller's Callshot settings from its environment.
pub fn without_settings(mut command: Command, database: &str) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CALLSHOT_") {
            command.env_remove(name);
        }
    }
    command.env("DATABASE_URL", database);
    command
}

/// Returns the path of the server program: the given path, otherwise that of a build with a profile.
///
/// The server is built first if Cargo runs the benchmark.
pub async fn program(given: Option<&Path>, profile: &str) -> Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given.to_path_buf());
    }
    if let Some(cargo) = std::env::var_os("CARGO") {
        eprintln!("building the server");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--profile", profile, "--locked", "--package", "callshot"])
            .status()
            .await?;
        if !status.success() {
            return Err("the server failed to build".into());
        }
    }
    // This program may be built with another profile than the server, and then it is in another folder.
    let folder = if profile == "dev" { "debug" } else { profile };
    let own = std::env::current_exe()?;
    let built = own.parent().and_then(Path::parent).map(|target| target.join(folder).join("callshot"));
    built.filter(|program| program.is_file()).ok_or_else(|| {
        format!(
            "there is no {profile} build of the server: run `cargo build --profile {profile}`, or name a program with \
             --server"
        )
        .into()
    })
}
