//! The program as a process of its own, for tests of signals, exit codes and the state after `kill -9`.
//!
//! This package builds the program from the `main.rs` of `api`, under the name `callshot-under-test`, so that it is
//! never older than the tests.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::client::Client;
use crate::databases::Database;

/// Lines of the program's output that are shown when a test fails.
const LAST_LINES: usize = 60;

/// A running program, killed when it is dropped.
pub struct Program {
    child: Child,
    root: String,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
}

/// Returns a command that runs the program in the database's folder, with the database's URL in the environment. The
/// program does not inherit settings from the environment of the tests.
///
/// # Panics
/// If the program was not built.
#[must_use]
pub fn command(database: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(executable());
    command.args(arguments);
    prepare(&mut command, database);
    command
}

/// Returns a command like [`command`], for which the permissions of files hold even if root runs the tests.
///
/// # Panics
/// If the program was not built.
#[must_use]
pub fn command_bound_by_permissions(database: &Database, arguments: &[&str]) -> Command {
    let is_root = std::fs::metadata(database.folder()).is_ok_and(|folder| folder.uid() == 0);
    let mut command = Command::new(if is_root { "setpriv".into() } else { executable() });
    if is_root {
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(executable());
    }
    command.args(arguments);
    prepare(&mut command, database);
    command
}

fn prepare(command: &mut Command, database: &Database) {
    for (name, _) in std::env::vars_os() {
        if ["CALLSHOT_", "OTEL_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    command
        .current_dir(database.folder())
        .env("DATABASE_URL", database.url())
        .env("CALLSHOT_KEY_FILE", database.folder().join("callshot.key"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
}

/// Runs the program to its end.
///
/// # Panics
/// If it cannot be started.
pub async fn run(database: &Database, arguments: &[&str]) -> Output {
    command(database, arguments).output().await.expect("the program runs")
}

impl Program {
    /// Starts `callshot serve` on a free port and waits until it listens.
    ///
    /// # Panics
    /// If it ends before it listens, with its output.
    pub async fn serve(database: &Database, arguments: &[&str]) -> Self {
        Self::serve_in(database, arguments, &[]).await
    }

    /// Starts `callshot serve` with these variables in its environment.
    ///
    /// # Panics
    /// As [`Program::serve`].
    pub async fn serve_in(database: &Database, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command(database, &["serve"]);
        command.envs(environment.iter().copied()).args(arguments);
        Self::listens(command).await
    }

    /// Starts `callshot serve` so that the permissions of files hold for it even if root runs the tests.
    ///
    /// # Panics
    /// As [`Program::serve`].
    pub async fn serve_bound_by_permissions(database: &Database) -> Self {
        Self::listens(command_bound_by_permissions(database, &["serve"])).await
    }

    /// Starts `callshot serve` with a limit on the size of each file. Writing beyond it fails, as on a full disk, until
    /// [`Program::lift_file_size_limit`].
    ///
    /// # Panics
    /// As [`Program::serve`].
    pub async fn serve_with_file_size_limit(database: &Database, kibibytes: u32) -> Self {
        // The signal that comes with the failure is ignored. The limit is a soft one, so that it can be lifted.
        Self::limited(database, &format!("trap '' XFSZ; ulimit -S -f {}", u64::from(kibibytes) * 2)).await
    }

    /// Starts `callshot serve` with a soft and a hard limit on the number of open files.
    ///
    /// # Panics
    /// As [`Program::serve`].
    pub async fn serve_with_few_files(database: &Database, soft: u32, hard: u32) -> Self {
        Self::limited(database, &format!("ulimit -S -n {soft}; ulimit -H -n {hard}")).await
    }

    async fn limited(database: &Database, limits: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limits}; exec \"$0\" serve")]).arg(executable());
        prepare(&mut command, database);
        Self::listens(command).await
    }

    async fn listens(mut command: Command) -> Self {
        command.env("CALLSHOT_LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (sender, lines) = mpsc::unbounded_channel();
        let output = child.stdout.take().expect("standard output is piped");
        let errors = child.stderr.take().expect("standard error is piped");
        pass_on(output, sender.clone());
        pass_on(errors, sender);
        let mut program = Self { child, root: String::new(), lines, seen: Vec::new() };
        program.root = program.listening().await;
        program
    }

    /// Returns its address without a path: `http://127.0.0.1:41233`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Returns a client without a token.
    #[must_use]
    pub fn stranger(&self) -> Client {
        Client::stranger(&self.root)
    }

    /// Kills it with signal 9 and waits until it has ended.
    ///
    /// # Panics
    /// If that fails.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the program is killed");
    }

    /// Sends it SIGTERM, as service managers do.
    ///
    /// # Panics
    /// If it has ended already.
    pub async fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.id()]).status().await.expect("kill runs");
        assert!(status.success(), "the signal is sent");
    }

    /// Lifts the limit of [`Program::serve_with_file_size_limit`], as when space is freed on a full disk.
    ///
    /// # Panics
    /// If it has ended already.
    pub async fn lift_file_size_limit(&self) {
        let arguments = ["--pid", &self.id(), "--fsize=unlimited:"];
        let status = Command::new("prlimit").args(arguments).status().await.expect("prlimit runs");
        assert!(status.success(), "the limit is lifted");
    }

    fn id(&self) -> String {
        self.child.id().expect("the program still runs").to_string()
    }

    /// Waits until it has ended, and returns its exit status with every line that it wrote.
    ///
    /// # Panics
    /// If waiting fails.
    pub async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        while let Some(line) = self.lines.recv().await {
            self.seen.push(line);
        }
        (self.child.wait().await.expect("the program ends"), std::mem::take(&mut self.seen))
    }

    /// Waits for the line of the log that contains the address, and returns the address.
    async fn listening(&mut self) -> String {
        while let Some(line) = self.lines.recv().await {
            let root = root_in(&line);
            self.seen.push(line);
            if let Some(root) = root {
                return root;
            }
        }
        panic!("the program ended before it listened:\n{}", self.seen.join("\n"))
    }
}

/// Shows the last lines of the program's output if the test fails.
impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            while let Ok(line) = self.lines.try_recv() {
                self.seen.push(line);
            }
            let last = self.seen.len().saturating_sub(LAST_LINES);
            eprintln!("the program's last lines:\n{}", self.seen[last..].join("\n"));
        }
    }
}

/// Returns the first HTTP address with a port in a line of the log, which may contain a database's address too.
fn root_in(line: &str) -> Option<String> {
    const HOST: &str = "http://127.0.0.1:";
    let after = line.split_once(HOST)?.1;
    let digits = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
    let port: u16 = after[..digits].parse().ok().filter(|port| *port != 0)?;
    Some(format!("{HOST}{port}"))
}

fn pass_on(from: impl tokio::io::AsyncRead + Unpin + Send + 'static, to: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // Reading continues when the receiver is gone, because a full pipe would block the program.
            let _ = to.send(line);
        }
    });
}

/// Returns the path of the program, which is in the folder above the one of the test's executable.
fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its executable");
    let folder = test.parent().and_then(std::path::Path::parent).expect("executables lie in target/PROFILE/deps");
    let program = folder.join("callshot-under-test");
    assert!(program.is_file(), "{} is missing: run the tests by `cargo test --workspace`", program.display());
    program
}

#[cfg(test)]
mod tests {
    use super::root_in;

    #[test]
    fn the_address_is_found_in_a_line_of_the_log() {
        assert_eq!(root_in("INFO listening on http://127.0.0.1:41233/graphql").unwrap(), "http://127.0.0.1:41233");
        assert_eq!(root_in(r#"{"message":"http://127.0.0.1:8000"}"#).unwrap(), "http://127.0.0.1:8000");
        assert_eq!(root_in("asked for 127.0.0.1:0"), None);
        assert_eq!(root_in("opened sqlite://callshot.db"), None);
        assert_eq!(root_in("cannot open postgres://ann@127.0.0.1:5432/new"), None);
    }
}
