//! Compares the program's verdicts on documents with those in a file of JSON lines (`.ci/graphql-js/run`), and prints each
//! document on which they differ. A document beyond a limit counts as a difference, because no verdict was reached.

use std::process::ExitCode;

use graphql_document::DocumentErrorKind;
use serde_json::Value;
use tests::documents::Judge;

#[tokio::main]
async fn main() -> Result<ExitCode, String> {
    let file = std::env::args().nth(1).ok_or("usage: document-verdicts FILE")?;
    let lines = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let judge = Judge::new().await;
    let (mut count, mut valid, mut different) = (0, 0, 0);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("{file}: {error}"))?;
        let expected = line["valid"].as_bool().ok_or("a line has no verdict")?;
        let errors = judge.errors(line["text"].as_str().ok_or("a line has no text")?);
        count += 1;
        valid += usize::from(expected);
        // A limit on nested lists of an introspection is a rule of graphql-js, too.
        let is_limit = errors.iter().any(|(kind, _)| *kind == DocumentErrorKind::Limit);
        if errors.is_empty() != expected || (is_limit && expected) {
            different += 1;
            println!("{}: {}\n  graphql-js: {}\n  callshot: {errors:?}", line["title"], line["text"], line["messages"]);
        }
    }
    println!("{count} documents, {valid} of them valid; the verdicts differ on {different}");
    Ok(if different == 0 && count > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
