//! Servers as processes of their own.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use tokio::process::{Child, Command};

use crate::Result;
use crate::client::{Client, Request};
use crate::data::CLOCK;

/// What the measured server is started with, beside where it listens and where its data are: as in production, and
/// nothing that refuses requests for being many, or keeps one organization that has the server to itself from all of it.
pub const SERVER_FLAGS: &[&str] =
    &["--log", "warn", "--clock", CLOCK, "--points", "0", "--share", "10", "--dear-share", "10"];

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server, killed when it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start until it was ready.
    pub started_in: Duration,
}

impl Server {
    /// Starts a program that is told by `--listen` where to listen, and waits until a path of it answers 200.
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
            if begun.elapsed() > PATIENCE {
                return Err(format!("{command:?} is not ready").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Ends it as service managers do, and waits until it has ended.
    pub async fn stop(mut self) -> Result<()> {
        let _sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

async fn is_ready(address: SocketAddr, path: &str) -> bool {
    let Ok(mut client) = Client::connect(address).await else { return false };
    matches!(client.ask(Request::get(path)).await, Ok((StatusCode::OK, _)))
}

/// An address that nobody listens at.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Callshot's program over a database, with the benchmark's settings.
pub fn callshot(command: Command, database: &str, key: &Path) -> Command {
    let mut command = plain(command, database);
    command.arg("serve").args(SERVER_FLAGS).arg("--key-file").arg(key);
    command
}

/// Valgrind, which counts instructions into a file; the program to run is to follow.
pub fn callgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(out);
    command.args(["--quiet", "--tool=callgrind"]).arg(file);
    command
}

/// Callshot's program, without settings of whoever runs the benchmark.
pub fn plain(mut command: Command, database: &str) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CALLSHOT_") {
            command.env_remove(name);
        }
    }
    command.env("DATABASE_URL", database);
    command
}

/// The server's program: the one that is named, else built as its users build it, else the one beside this program.
pub async fn program(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_path_buf());
    }
    let beside = std::env::current_exe()?.with_file_name("callshot");
    if let Some(cargo) = std::env::var_os("CARGO") {
        eprintln!("building the server");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--locked", "--package", "callshot"])
            .status()
            .await?;
        if !status.success() {
            return Err("the server does not build".into());
        }
    }
    // `cargo run` without --release leaves this program in another folder than the server.
    let released = beside.parent().and_then(Path::parent).map(|target| target.join("release/callshot"));
    released.into_iter().chain([beside]).find(|program| program.is_file()).ok_or_else(|| {
        "there is no release build of the server: run `cargo build --release`, or name one by --server".into()
    })
}
