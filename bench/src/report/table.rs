//! Medians and ratios, in Markdown.

use std::fmt::Write as _;

use super::{Asked, Report, name};
use crate::measure::Turn;
use crate::measure::statistics::{float, median};

/// The table of a run.
pub fn table(report: &Report) -> String {
    let mut out =
        format!("Medians of {} rounds of {} s each. Machine: {}.\n\n", report.rounds, report.seconds, report.machine);
    out.push_str(
        "| question | connections | contender | requests/s | first ÷ this | p50 µs | p99 µs | its CPU µs | database's CPU µs \
         | statements | memory MB, idle → load |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for asked in &report.questions {
        lines(asked, &mut out);
    }
    if let Some(asked) = report.questions.first() {
        let starts = report.questions.iter().filter(|other| other.base == asked.base).map(|other| other.started_in);
        let milliseconds = 1_000.0 * median(starts);
        // Writing into a string does not fail.
        let _ = writeln!(out, "\nThe server over {} is ready {milliseconds:.0} ms after its start.", name(asked.base));
    }
    for failure in &report.failures {
        let _ = writeln!(out, "\nFailed: {failure}");
    }
    out
}

fn lines(asked: &Asked, out: &mut String) {
    for (place, figures) in asked.contenders.iter().enumerate() {
        let ratio = if place == 0 { String::new() } else { format!("**{:.2}**", asked.ratio(figures)) };
        let known = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0}"));
        let mut rate = format!("{:.0}", figures.median(|turn| turn.rate));
        if asked.rows > 0 {
            let rows = figures.median(|turn| turn.rate) * float(asked.rows);
            rate = format!("{rate} ({rows:.0} rows/s)");
        }
        let megabytes = |bytes: f64| bytes / 1024.0 / 1024.0;
        // Writing into a string does not fail.
        let _ = writeln!(
            out,
            "| {} on {} | {} | {} | {rate} | {ratio} | {:.0} | {:.0} | {:.0} | {} | {} | {:.0} → {:.0} |",
            asked.name,
            name(asked.base),
            asked.connections,
            figures.name,
            figures.median(|turn| turn.median),
            figures.median(|turn| turn.p99),
            figures.median(|turn| turn.server_time),
            known(figures.median_of_known(|turn: &Turn| turn.database_time)),
            figures.statements.map_or_else(|| "–".to_owned(), |count| count.to_string()),
            megabytes(float(figures.idle_memory)),
            megabytes(figures.median(|turn| float(turn.memory))),
        );
    }
}
