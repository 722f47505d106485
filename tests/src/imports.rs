//! `callshot import` in a test, in this process, into the server's own database; and files to import.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callshot::import::report::Report;
use callshot::import::sink::{Sink, UpsertStatus};
use callshot::import::{Arguments, run};
use clap::Parser as _;
use tempfile::TempDir;

use crate::server::Server;

/// A folder of files that goes away with the test.
pub struct Desk(TempDir);

/// What follows `callshot import` on the command line.
#[derive(clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
}

impl Desk {
    /// An empty one.
    ///
    /// # Panics
    /// Where no folder can be made.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a folder is made, which no default should do")]
    pub fn new() -> Self {
        Self(TempDir::new().expect("a folder for files"))
    }

    /// Puts a file there, in place of one of the same name.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the file is written");
        path
    }

    /// Where a file of this name is, or would be.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Imports files as the command line's words say, and answers what became of each row; or the sentence that says why
/// nothing could be run. Writes no result file.
///
/// # Errors
/// That sentence.
///
/// # Panics
/// Where the words are no command line.
pub async fn import(server: &Server, words: &str, files: &[&Path]) -> Result<Report, String> {
    let files = files.iter().map(|file| file.to_string_lossy().into_owned());
    let words = std::iter::once("import".to_owned()).chain(files).chain(words.split_whitespace().map(str::to_owned));
    let CommandLine { arguments } = CommandLine::try_parse_from(words).expect("a command line");
    let sink = Sink::open(Arc::clone(server.app()), arguments.organization.as_deref(), arguments.by.as_deref()).await?;
    let mut report = Report::default();
    run::import(&arguments, &sink, &mut report).await.map_err(|stop| stop.to_string())?;
    Ok(report)
}

/// The line of each row that failed, and why, in the files' order.
#[must_use]
pub fn reasons(report: &Report) -> Vec<(u64, &str)> {
    let failed = report.lines.iter().filter(|line| line.status == UpsertStatus::Failed);
    let mut reasons: Vec<(u64, &str)> = failed.map(|line| (line.line, line.wrong.as_str())).collect();
    reasons.sort_unstable();
    reasons
}
