//! The benchmark: what the server takes for its requests, beside the least that any server over the same database could
//! take. See `docs/benchmark.md` for how to run it and what its rows mean.
//!
//! | room | holds |
//! |---|---|
//! | [`data`] | the rows, and how they get into a database |
//! | [`stage`] | everything a run needs: databases, processes, who asks |
//! | [`questions`] | what is asked: a file a question |
//! | [`floor`] | the least that any server could do |
//! | [`peer`] | a server like ours, of others |
//! | [`measure`] | the load, and what it costs |
//! | [`callgrind`] | instructions of a request |
//! | [`written`] | whether contenders write the same rows |
//! | [`report`] | figures, table, chart |
//! | [`run`] | the order of events |

mod callgrind;
mod client;
mod data;
mod floor;
mod measure;
mod peer;
#[path = "../../tests/src/postgres.rs"]
mod postgres;
mod process;
mod questions;
mod report;
mod run;
mod stage;
mod typeid;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::stage::Base;

/// The allocator that the server has, for the floor's sake.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What may go wrong: it ends the run.
type Failure = Box<dyn std::error::Error + Send + Sync>;
/// Something, or what went wrong.
type Result<T> = std::result::Result<T, Failure>;

/// Measures Callshot's requests beside the floor.
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
    /// Serves the floor
    #[command(hide = true)]
    Floor(floor::Arguments),
    /// Counts the instructions of a request under valgrind
    Callgrind(callgrind::Arguments),
}

/// What is measured, and for how long.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Only these questions, such as Q1,W2 [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Only on this database [default: both]
    #[arg(long, value_name = "DATABASE", value_enum, global = true)]
    pub on: Option<Base>,
    /// Rounds; in each of them every contender has its turn
    #[arg(long, value_name = "NUMBER", default_value = "5")]
    pub rounds: usize,
    /// How long a contender is measured in a round, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    pub seconds: f64,
    /// Rounds of one second: for a first look
    #[arg(long)]
    pub quick: bool,
    /// Connections [default: each question's own, mostly 16 and 64]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub connections: Vec<usize>,
    /// PostGraphile takes part, too: needs npm
    #[arg(long)]
    pub peer: bool,
    /// Where the table, the raw figures and the chart go, and prepared databases are kept
    #[arg(long, value_name = "FOLDER", default_value = "target/bench", global = true)]
    pub out: PathBuf,
    /// The server to measure [default: it is built]
    #[arg(long, value_name = "PROGRAM", global = true)]
    pub server: Option<PathBuf>,
}

fn main() -> ExitCode {
    let CommandLine { command, run } = CommandLine::parse();
    let outcome = match command {
        Some(Command::Floor(arguments)) => floor::serve(&arguments),
        Some(Command::Callgrind(arguments)) => {
            one_thread().and_then(|runtime| runtime.block_on(callgrind::run(&arguments, &run)))
        }
        // One thread: what makes the load shares the machine with what is measured.
        None => one_thread().and_then(|runtime| runtime.block_on(run::run(&run))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn one_thread() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::CommandLine::command().debug_assert();
    }
}
