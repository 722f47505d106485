//! The memory of `callshot import` does not grow with the file.

#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use tests::imports::Desk;
use tests::{Database, World, on_both_databases, program};

/// Rows of the smaller file; the larger one has four times as many.
const ROWS: usize = 1_000;
/// Kibibytes by which the peaks may differ. The larger file alone has 12,000 more.
const MORE: u64 = 10 << 10;

/// Runs the program to its end, and returns its peak of memory in kibibytes.
async fn peak(database: &Database, words: &[&str]) -> u64 {
    let mut importing = program::command(database, words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", importing.id().unwrap());
    let mut peak = 0;
    loop {
        if let Some(line) = std::fs::read_to_string(&status)
            .ok()
            .and_then(|text| text.lines().find_map(|line| line.strip_prefix("VmHWM:").map(str::to_owned)))
        {
            peak = line.trim().trim_end_matches(" kB").parse().unwrap();
        }
        if let Some(ended) = importing.try_wait().unwrap() {
            assert_eq!(ended.code(), Some(0), "{words:?}");
            return peak;
        }
        tokio::task::yield_now().await;
    }
}

fn touches(desk: &Desk, name: &str, rows: usize) -> std::path::PathBuf {
    let mut text = "id,accountId,subject,kind,at,notes\n".to_owned();
    for row in 0..rows {
        writeln!(text, "{name}-{row},a,Call {row},CALL,2017-03-01 10:00,What was said in call {row} of {name}")
            .unwrap();
    }
    desk.file(name, text)
}

#[on_both_databases]
async fn an_import_of_four_times_as_many_rows_takes_no_more_memory(world: &World) {
    let (database, desk) = (world.server().database(), Desk::new());
    let import = async |kind: &str, file: &Path| {
        let (file, result) = (file.to_str().unwrap(), desk.path("result.csv"));
        let words = ["import", file, "--as", kind, "--from", "csv", "--result", result.to_str().unwrap()];
        peak(database, &words).await
    };
    import("accounts", &desk.file("accounts.csv", "id,name\na,Acme\n")).await;
    let small = import("touches", &touches(&desk, "small.csv", ROWS)).await;
    let large = import("touches", &touches(&desk, "large.csv", 4 * ROWS)).await;
    assert!(large < small + MORE, "{small} KiB for {ROWS} rows, {large} KiB for {} rows", 4 * ROWS);
}
