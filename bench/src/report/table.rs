//! The results as a Markdown table of medians and ratios.

use std::fmt::Write as _;

use super::{QuestionReport, Report, engine_name};
use crate::measure::Turn;
use crate::measure::statistics::{float, median};

/// Formats the results of a run as a table.
pub fn table(report: &Report) -> String {
    let mut out =
        format!("Medians of {} rounds of {} s each. Machine: {}.\n\n", report.rounds, report.seconds, report.machine);
    out.push_str(
        "| question | connections | contender | requests/s | first ÷ this | p50 µs | p99 µs | its CPU µs | database's CPU µs \
         | statements | memory MB, idle → load |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for question in &report.questions {
        write_rows(question, &mut out);
    }
    if let Some(question) = report.questions.first() {
        let starts =
            report.questions.iter().filter(|other| other.engine == question.engine).map(|other| other.started_in);
        let milliseconds = 1_000.0 * median(starts);
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "\nThe server over {} is ready {milliseconds:.0} ms after its start.",
            engine_name(question.engine)
        );
    }
    for failure in &report.failures {
        let _ = writeln!(out, "\nFailed: {failure}");
    }
    out
}

fn write_rows(question: &QuestionReport, out: &mut String) {
    for (index, contender) in question.contenders.iter().enumerate() {
        let ratio = if index == 0 { String::new() } else { format!("**{:.2}**", question.ratio(contender)) };
        let or_dash = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0}"));
        let mut rate = format!("{:.0}", contender.median(|turn| turn.rate));
        if question.rows > 0 {
            let rows = contender.median(|turn| turn.rate) * float(question.rows);
            rate = format!("{rate} ({rows:.0} rows/s)");
        }
        let megabytes = |bytes: f64| bytes / 1024.0 / 1024.0;
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "| {} on {} | {} | {} | {rate} | {ratio} | {:.0} | {:.0} | {:.0} | {} | {} | {:.0} → {:.0} |",
            question.name,
            engine_name(question.engine),
            question.connections,
            contender.name,
            contender.median(|turn| turn.median),
            contender.median(|turn| turn.p99),
            contender.median(|turn| turn.server_time),
            or_dash(contender.median_of_known(|turn: &Turn| turn.database_time)),
            contender.statements.map_or_else(|| "–".to_owned(), |count| count.to_string()),
            megabytes(float(contender.idle_memory)),
            megabytes(contender.median(|turn| float(turn.memory))),
        );
    }
}
