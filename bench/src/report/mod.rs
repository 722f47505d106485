//! The results of a run, saved as JSON, a table and a chart.
//!
//! | module | contents |
//! |---|---|
//! | [`mod@table`] | medians and ratios, in Markdown |
//! | [`chart`] | ratios, as SVG |

mod chart;
mod table;

pub use self::table::table;

use std::path::Path;

use serde::Serialize;

use crate::environment::Engine;
use crate::measure::Turn;
use crate::measure::statistics::{float, median, ratio};
use crate::{Result, RunArguments};

/// The results of a run.
#[derive(Serialize)]
pub struct Report {
    /// The machine's processor and memory.
    pub machine: String,
    /// The number of rounds.
    pub rounds: usize,
    /// The duration of a contender's turn, in seconds.
    pub seconds: f64,
    /// The results of each question and number of connections.
    pub questions: Vec<QuestionReport>,
    /// The questions that failed, with the reasons.
    pub failures: Vec<String>,
}

/// The results of one question with one number of connections.
#[derive(Serialize)]
pub struct QuestionReport {
    /// The question's name.
    pub name: &'static str,
    /// A short description of the question.
    pub title: &'static str,
    /// The database engine.
    pub engine: Engine,
    /// The number of connections.
    pub connections: usize,
    /// The number of rows that a request writes; 0 for reads.
    pub rows: u64,
    /// The time the server took to start, in seconds.
    pub started_in: f64,
    /// The results of each contender.
    pub contenders: Vec<ContenderReport>,
}

/// The results of one contender.
#[derive(Serialize)]
pub struct ContenderReport {
    /// The contender's name.
    pub name: String,
    /// The measurements of each round.
    pub turns: Vec<Turn>,
    /// The resident memory before the load, in bytes.
    pub idle_memory: u64,
    /// The number of statements that one request sends to the database, if known.
    pub statements: Option<u64>,
}

/// Returns the name of a database engine.
const fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "PostgreSQL",
        Engine::Sqlite => "SQLite",
    }
}

impl Report {
    /// Creates the report of a run that begins.
    pub fn new(arguments: &RunArguments) -> Self {
        Self {
            machine: machine(),
            rounds: arguments.rounds,
            seconds: if arguments.quick { 1.0 } else { arguments.seconds },
            questions: Vec::new(),
            failures: Vec::new(),
        }
    }
}

impl QuestionReport {
    /// Returns the ratio of the first contender's rate to another's.
    fn ratio(&self, other: &ContenderReport) -> f64 {
        let rates = |contender: &ContenderReport| contender.turns.iter().map(|turn| turn.rate).collect::<Vec<_>>();
        self.contenders.first().map_or(0.0, |first| ratio(&rates(first), &rates(other)))
    }
}

impl ContenderReport {
    /// Returns the median of a measurement over the rounds.
    fn median(&self, of: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns.iter().map(of))
    }

    /// Returns the median of a measurement over the rounds where it is known.
    fn median_of_known(&self, of: impl Fn(&Turn) -> Option<f64>) -> Option<f64> {
        let known: Vec<f64> = self.turns.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| median(known))
    }
}

/// Describes the machine: the number of cores, the processor and the memory.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kilobytes = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok())
    });
    let gigabytes = float(kilobytes.unwrap_or_default()) / 1024.0 / 1024.0;
    format!("{cores} × {}, {gigabytes:.0} GB", model.map_or("unknown", |(_, model)| model.trim()))
}

/// Saves the table, the raw results and the chart to a folder.
pub fn save(report: &Report, folder: &Path) -> Result<()> {
    std::fs::write(folder.join("benchmark.md"), table(report))?;
    std::fs::write(folder.join("benchmark.json"), serde_json::to_string_pretty(report)?)?;
    std::fs::write(folder.join("benchmark.svg"), chart::chart(report))?;
    Ok(())
}
