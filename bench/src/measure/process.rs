//! What processes take, as the kernel counts it.

use std::path::Path;

/// The kernel's clock of processor time, as Linux shows it to programs: ticks a second.
const TICKS: u64 = 100;
/// What the kernel tells memory in.
const KILOBYTE: u64 = 1024;

/// The fields of `/proc/ID/stat` behind the name, which may hold anything.
fn fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default()
}

fn stat(process: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{process}/stat")).ok()
}

/// The process that started a process.
#[must_use]
pub fn parent(process: u32) -> Option<u32> {
    fields(&stat(process)?).get(1)?.parse().ok()
}

/// Ticks that a process took, with those of its children that have ended, where wanted.
fn ticks(stat: &str, with_children: bool) -> u64 {
    let numbers = if with_children { 4 } else { 2 };
    fields(stat).iter().skip(11).take(numbers).filter_map(|number| number.parse::<u64>().ok()).sum()
}

/// Microseconds of processor time that a process itself took so far.
#[must_use]
pub fn own_time(process: u32) -> u64 {
    stat(process).map_or(0, |stat| ticks(&stat, false)) * (1_000_000 / TICKS)
}

/// A process and all that it started, and they.
fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(one) = all.get(at).copied() {
        for task in
            std::fs::read_dir(Path::new("/proc").join(one.to_string()).join("task")).into_iter().flatten().flatten()
        {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        at += 1;
    }
    all
}

/// Microseconds of processor time that a process and its descendants took so far.
#[must_use]
pub fn processor_time(process: u32) -> u64 {
    family(process).into_iter().filter_map(stat).map(|stat| ticks(&stat, true)).sum::<u64>() * (1_000_000 / TICKS)
}

/// Bytes of memory that a process and its descendants hold, shared pages counted for each.
#[must_use]
pub fn memory(process: u32) -> u64 {
    let resident = |id: u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    family(process).into_iter().filter_map(resident).sum::<u64>() * KILOBYTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_behind_its_name() {
        let stat = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 100 50 20 10 20 0 1 0 5 6 7";
        assert_eq!(fields(stat)[1], "7");
        assert_eq!(ticks(stat, true), 180);
        assert_eq!(ticks(stat, false), 150);
        assert_eq!(ticks("", true), 0);
    }

    #[test]
    fn we_are_there_ourselves() {
        let own = std::process::id();
        assert!(memory(own) > 100_000);
        assert!(family(own).contains(&own));
        assert!(parent(own).is_some_and(|parent| family(parent).contains(&own)));
    }
}
