//! Runs `callshot import` in the test's process, into the server's database, and provides files to import.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callshot::import::report::{Line, Report};
use callshot::import::target::{ImportTarget, UpsertStatus};
use callshot::import::{Arguments, run};
use clap::Parser as _;
use tempfile::TempDir;

use crate::server::Server;

/// A folder of files that is removed when it is dropped.
pub struct Desk(TempDir);

/// The arguments after `callshot import` on the command line.
#[derive(clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
}

impl Desk {
    /// Creates an empty folder.
    ///
    /// # Panics
    /// If it cannot be created.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it creates a folder, which `default` should not do")]
    pub fn new() -> Self {
        Self(TempDir::new().expect("a folder for files"))
    }

    /// Writes a file, and replaces one of the same name.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the file is written");
        path
    }

    /// Returns the path of a file of this name, whether it exists or not.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The outcome of an import.
#[derive(Debug)]
pub struct Imported {
    report: Report,
    /// What became of each row, in the order of the files.
    pub lines: Vec<Line>,
}

impl std::ops::Deref for Imported {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.report
    }
}

/// Imports files with the options `words` of the command line, and returns the outcome of each row. Writes no result
/// file.
///
/// # Errors
/// The message that the program prints if the import cannot run.
///
/// # Panics
/// If the options are invalid.
pub async fn import(server: &Server, words: &str, files: &[&Path]) -> Result<Imported, String> {
    let files = files.iter().map(|file| file.to_string_lossy().into_owned());
    let words = std::iter::once("import".to_owned()).chain(files).chain(words.split_whitespace().map(str::to_owned));
    let CommandLine { arguments } = CommandLine::try_parse_from(words).expect("a command line");
    let target =
        ImportTarget::open(Arc::clone(server.app()), arguments.organization.as_deref(), arguments.by.as_deref())
            .await?;
    let mut report = Report::default();
    run::import(&arguments, &target, &mut report).await.map_err(|stop| stop.to_string())?;
    let lines = report.take_lines().and_then(Iterator::collect).expect("a folder for temporary files");
    Ok(Imported { report, lines })
}

/// Returns the line number and the reason of each row that failed, in the order of the files.
#[must_use]
pub fn reasons(report: &Imported) -> Vec<(u64, &str)> {
    let failed = report.lines.iter().filter(|line| line.status == UpsertStatus::Failed);
    let mut reasons: Vec<(u64, &str)> = failed.map(|line| (line.line, line.wrong.as_str())).collect();
    reasons.sort_unstable();
    reasons
}
