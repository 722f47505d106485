//! Which rows must be there before which: parents before their children, managers before their people, in batches none
//! of whose rows needs another one of the same batch.

use std::collections::HashMap;

use super::{
    rows::Prepared,
    target::{UserError, UserErrorCode},
};

/// Of two rows of one file that mean the same thing, the second fails. In another file it is a newer word on the same
/// thing and comes after.
pub fn refuse_twins<Row>(rows: &mut [Prepared<Row>]) {
    let mut first: HashMap<(usize, String), u64> = HashMap::new();
    for row in rows {
        let Some(key) = row.key.clone() else { continue };
        let line = *first.entry((row.file, key)).or_insert(row.line);
        if line != row.line {
            let message = format!("is the same as line {line} by its id; only that one was taken");
            row.row = Err(vec![UserError { code: UserErrorCode::Conflict, message, field: Vec::new() }]);
        }
    }
}

/// Sorts rows into layers, so that no row needs another of its own layer or of a later one. Within a layer the files' order
/// stays. Rows that need each other in a circle fail.
#[must_use]
pub fn layers<Row>(mut rows: Vec<Prepared<Row>>) -> Vec<Vec<Prepared<Row>>> {
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let (Some(key), Ok(_)) = (&row.key, &row.row) {
            by_key.entry(key).or_insert(at);
        }
    }
    let before: Vec<Option<usize>> =
        rows.iter().map(|row| row.after.as_deref().and_then(|key| by_key.get(key).copied())).collect();
    let mut depths: Vec<Option<usize>> = vec![None; rows.len()];
    let mut circles = Vec::new();
    for start in 0..rows.len() {
        let mut path = Vec::new();
        let mut at = start;
        let base = loop {
            if let Some(depth) = depths[at] {
                break depth + 1;
            }
            if let Some(from) = path.iter().position(|seen| *seen == at) {
                circles.extend_from_slice(&path[from..]);
                break 0;
            }
            path.push(at);
            match before[at] {
                Some(next) => at = next,
                None => break 0,
            }
        };
        for (depth, at) in path.into_iter().rev().enumerate() {
            depths[at] = Some(base + depth);
        }
    }
    for at in circles {
        let message = "stands above itself: the chain upwards comes back to this row".to_owned();
        rows[at].row = Err(vec![UserError { code: UserErrorCode::Invalid, message, field: Vec::new() }]);
    }
    let deepest = depths.iter().flatten().max().map_or(0, |depth| depth + 1);
    let mut layers: Vec<Vec<Prepared<Row>>> = (0..deepest).map(|_| Vec::new()).collect();
    for (row, depth) in rows.into_iter().zip(depths) {
        layers[depth.unwrap_or_default()].push(row);
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::records::Hints;

    fn row(file: usize, line: u64, key: &str, after: &str) -> Prepared<()> {
        let after = (!after.is_empty()).then(|| after.to_owned());
        Prepared {
            file,
            line,
            key: Some(key.to_owned()),
            after,
            row: Ok(()),
            notes: Vec::new(),
            hints: Hints::default(),
        }
    }

    fn lines(layers: &[Vec<Prepared<()>>]) -> Vec<Vec<u64>> {
        layers.iter().map(|layer| layer.iter().map(|row| row.line).collect()).collect()
    }

    #[test]
    fn parents_come_before_children_wherever_they_stand() {
        let rows = vec![
            row(0, 2, "c", "b"),
            row(0, 3, "b", "a"),
            row(0, 4, "a", ""),
            row(0, 5, "d", "elsewhere"),
            row(0, 6, "e", "a"),
        ];
        assert_eq!(lines(&layers(rows)), [vec![4, 5], vec![3, 6], vec![2]]);
    }

    #[test]
    fn a_circle_fails_and_spares_rows_that_only_belong_to_it() {
        let found = layers(vec![row(0, 2, "a", "b"), row(0, 3, "b", "a"), row(0, 4, "c", "b"), row(0, 5, "d", "d")]);
        let mut failed: Vec<u64> = found.iter().flatten().filter(|row| row.row.is_err()).map(|row| row.line).collect();
        failed.sort_unstable();
        assert_eq!(failed, [2, 3, 5]);
    }

    #[test]
    fn the_second_of_two_fails_in_one_file_only() {
        let mut rows = vec![row(0, 2, "a", ""), row(0, 3, "a", ""), row(1, 2, "a", "")];
        refuse_twins(&mut rows);
        let fine: Vec<bool> = rows.iter().map(|row| row.row.is_ok()).collect();
        assert_eq!(fine, [true, false, true]);
    }
}
