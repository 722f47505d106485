//! The processor time and memory of processes, from the `proc` file system.

use std::path::Path;

/// The number of ticks per second in which Linux reports processor time.
const TICKS_PER_SECOND: u64 = 100;
/// The unit in which Linux reports memory.
const KILOBYTE: u64 = 1024;

/// Returns the fields of `/proc/ID/stat` after the program's name, which may contain any characters.
fn fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default()
}

fn stat(process: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{process}/stat")).ok()
}

/// Returns the id of a process's parent.
#[must_use]
pub fn parent(process: u32) -> Option<u32> {
    fields(&stat(process)?).get(1)?.parse().ok()
}

/// Returns a process's processor time in ticks, optionally including its children that have exited.
fn ticks(stat: &str, with_children: bool) -> u64 {
    let numbers = if with_children { 4 } else { 2 };
    fields(stat).iter().skip(11).take(numbers).filter_map(|number| number.parse::<u64>().ok()).sum()
}

/// Returns the processor time a process has used so far, without its children, in microseconds.
#[must_use]
pub fn own_time(process: u32) -> u64 {
    stat(process).map_or(0, |stat| ticks(&stat, false)) * (1_000_000 / TICKS_PER_SECOND)
}

/// Returns the ids of a process and all its descendants.
fn process_tree(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut next = 0;
    while let Some(id) = all.get(next).copied() {
        for task in
            std::fs::read_dir(Path::new("/proc").join(id.to_string()).join("task")).into_iter().flatten().flatten()
        {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        next += 1;
    }
    all
}

/// Returns the processor time a process and its descendants have used so far, in microseconds.
#[must_use]
pub fn processor_time(process: u32) -> u64 {
    process_tree(process).into_iter().filter_map(stat).map(|stat| ticks(&stat, true)).sum::<u64>()
        * (1_000_000 / TICKS_PER_SECOND)
}

/// Returns the resident memory of a process and its descendants, in bytes. Shared pages count once per process.
#[must_use]
pub fn memory(process: u32) -> u64 {
    let resident = |id: u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    process_tree(process).into_iter().filter_map(resident).sum::<u64>() * KILOBYTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_after_the_name_in_stat_are_read() {
        let stat = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 100 50 20 10 20 0 1 0 5 6 7";
        assert_eq!(fields(stat)[1], "7");
        assert_eq!(ticks(stat, true), 180);
        assert_eq!(ticks(stat, false), 150);
        assert_eq!(ticks("", true), 0);
    }

    #[test]
    fn the_current_process_is_found() {
        let own = std::process::id();
        assert!(memory(own) > 100_000);
        assert!(process_tree(own).contains(&own));
        assert!(parent(own).is_some_and(|parent| process_tree(parent).contains(&own)));
    }
}
