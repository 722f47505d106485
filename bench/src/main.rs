//! The benchmark compares the cost of the server's requests with the floor: the least that any server over the same
//! database could take. `docs/benchmark.md` explains how to run it and what the rows of its table mean.
//!
//! | module | contents |
//! |---|---|
//! | [`data`] | the generated rows, and loading them into a database |
//! | [`environment`] | everything a run needs: databases, server processes and access tokens |
//! | [`questions`] | the requests that are measured, one file per question |
//! | [`floor`] | the floor server |
//! | [`peer`] | PostGraphile, for comparison |
//! | [`measure`] | the load generator and what it measures |
//! | [`callgrind`] | counting the instructions of a request |
//! | [`write_check`] | checking that contenders write the same rows |
//! | [`report`] | the results as a table, JSON and a chart |
//! | [`run`] | the sequence of a run |

mod callgrind;
mod client;
mod data;
mod environment;
mod floor;
mod measure;
mod peer;
#[path = "../../tests/src/postgres.rs"]
mod postgres;
mod process;
mod questions;
mod report;
mod run;
mod typeid;
mod write_check;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::environment::Engine;

/// The server's allocator, so that the floor uses the same one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An error of any kind.
type Error = Box<dyn std::error::Error + Send + Sync>;
/// A result with an error of any kind.
type Result<T> = std::result::Result<T, Error>;

/// Compare the cost of Callshot's requests with the floor
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the floor
    #[command(hide = true)]
    Floor(floor::Arguments),
    /// Count the instructions of a request under Valgrind
    Callgrind(callgrind::Arguments),
}

/// The options of a run: what is measured, and for how long.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Measure only these questions, such as Q1,W2 [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Measure only on this database [default: both]
    #[arg(long, value_name = "DATABASE", value_enum, global = true)]
    pub on: Option<Engine>,
    /// The number of rounds; each contender is measured once per round
    #[arg(long, value_name = "NUMBER", default_value = "5")]
    pub rounds: usize,
    /// How long each contender is measured per round, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    pub seconds: f64,
    /// Measure for one second per round, for a quick overview
    #[arg(long)]
    pub quick: bool,
    /// The numbers of connections [default: the question's own, usually 16 and 64]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub connections: Vec<usize>,
    /// Also measure PostGraphile; requires npm
    #[arg(long)]
    pub peer: bool,
    /// The folder for the table, the raw results, the chart and the prepared databases
    #[arg(long, value_name = "FOLDER", default_value = "target/bench", global = true)]
    pub out: PathBuf,
    /// The server program to measure [default: build it]
    #[arg(long, value_name = "PROGRAM", global = true)]
    pub server: Option<PathBuf>,
    /// The profile with which the server is built; `release` builds in a fraction of the time
    #[arg(long, value_name = "NAME", default_value = "dist", global = true, conflicts_with = "server")]
    pub profile: String,
}

fn main() -> ExitCode {
    let CommandLine { command, run } = CommandLine::parse();
    let outcome = match command {
        Some(Command::Floor(arguments)) => floor::serve(&arguments),
        Some(Command::Callgrind(arguments)) => {
            single_threaded_runtime().and_then(|runtime| runtime.block_on(callgrind::run(&arguments, &run)))
        }
        // The load generator uses one thread because it shares the machine with the servers it measures.
        None => single_threaded_runtime().and_then(|runtime| runtime.block_on(run::run(&run))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn single_threaded_runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::CommandLine::command().debug_assert();
    }
}
