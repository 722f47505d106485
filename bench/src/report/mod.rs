//! Figures, and how they are shown.
//!
//! | room | holds |
//! |---|---|
//! | here | what was measured, as it is kept in JSON |
//! | [`mod@table`] | medians and ratios, in Markdown |
//! | [`chart`] | ratios, as SVG |

mod chart;
mod table;

pub use self::table::table;

use std::path::Path;

use serde::Serialize;

use crate::measure::Turn;
use crate::measure::statistics::{float, median, ratio};
use crate::stage::Base;
use crate::{Result, RunArguments};

/// A run.
#[derive(Serialize)]
pub struct Report {
    /// What it ran on.
    pub machine: String,
    /// Rounds.
    pub rounds: usize,
    /// Seconds of a contender's turn.
    pub seconds: f64,
    /// What was asked.
    pub questions: Vec<Asked>,
    /// What failed.
    pub failures: Vec<String>,
}

/// A question, with one number of connections.
#[derive(Serialize)]
pub struct Asked {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Over which database.
    pub base: Base,
    /// Connections at a time.
    pub connections: usize,
    /// Rows that a request writes.
    pub rows: u64,
    /// How long the server took to start, in seconds.
    pub started_in: f64,
    /// Who took part.
    pub contenders: Vec<Figures>,
}

/// What one contender did.
#[derive(Serialize)]
pub struct Figures {
    /// Who.
    pub name: String,
    /// Round by round.
    pub turns: Vec<Turn>,
    /// Bytes of memory before anything was measured.
    pub idle_memory: u64,
    /// Statements that one request sends to the database, where that can be told.
    pub statements: Option<u64>,
}

/// What a database is called.
const fn name(base: Base) -> &'static str {
    match base {
        Base::Postgres => "PostgreSQL",
        Base::Sqlite => "SQLite",
    }
}

impl Report {
    /// A run that begins.
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

impl Asked {
    /// How the first contender's rate stands to another's.
    fn ratio(&self, other: &Figures) -> f64 {
        let rates = |figures: &Figures| figures.turns.iter().map(|turn| turn.rate).collect::<Vec<_>>();
        self.contenders.first().map_or(0.0, |first| ratio(&rates(first), &rates(other)))
    }
}

impl Figures {
    /// The median of something over the rounds.
    fn median(&self, of: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns.iter().map(of))
    }

    /// The same of what may not be known.
    fn median_of_known(&self, of: impl Fn(&Turn) -> Option<f64>) -> Option<f64> {
        let known: Vec<f64> = self.turns.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| median(known))
    }
}

/// The processor and how many of it there are.
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

/// Keeps the table, the raw figures and the chart.
pub fn keep(report: &Report, folder: &Path) -> Result<()> {
    std::fs::write(folder.join("benchmark.md"), table(report))?;
    std::fs::write(folder.join("benchmark.json"), serde_json::to_string_pretty(report)?)?;
    std::fs::write(folder.join("benchmark.svg"), chart::chart(report))?;
    Ok(())
}
