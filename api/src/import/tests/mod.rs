//! Whole imports into a sink in memory: of hand-made files, and of the published sets where they lie beside the
//! workspace.

mod memory;
mod published;
mod stories;

use std::{future::Future, path::Path};

use clap::Parser;

use self::memory::Memory;
use super::{
    Arguments,
    report::Report,
    run::{self, Stop},
};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Runs `callshot import` with these words, files first, and answers what it would tell.
fn import(memory: &Memory, words: &str, files: &[&Path]) -> Result<Report, Stop> {
    let files = files.iter().map(|file| file.to_str().unwrap().to_owned());
    let words = std::iter::once("import".to_owned()).chain(files).chain(words.split_whitespace().map(str::to_owned));
    let arguments = Command::try_parse_from(words).unwrap().arguments;
    let mut report = Report::default();
    wait(run::import(&arguments, &memory.sink(), &mut report)).map(|()| report)
}

/// What failed, with the line.
fn reasons(report: &Report) -> Vec<(u64, &str)> {
    let failed = report.lines.iter().filter(|line| line.status == super::sink::UpsertStatus::Failed);
    failed.map(|line| (line.line, line.wrong.as_str())).collect()
}
