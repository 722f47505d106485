//! Rows that are the same, and rows that need others.

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
            row.refuse_twin(line);
        }
    }
}

impl<Row> Prepared<Row> {
    /// Fails the row, since it is the same as the one on another line.
    pub fn refuse_twin(&mut self, line: u64) {
        let message = format!("is the same as line {line} by its id; only that one was taken");
        self.row = Err(vec![UserError { code: UserErrorCode::Conflict, message, field: Vec::new() }]);
    }
}

/// The fields that refer to another row of the same files.
const LINKS: [&str; 3] = ["parent", "reportsTo", "managerEmail"];

/// Whether a row may have failed only because the row that it needs was not written yet.
#[must_use]
pub fn may_come_later(errors: &[UserError]) -> bool {
    errors.iter().flat_map(|error| &error.field).any(|field| LINKS.contains(&field.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::records::Hints;

    fn row(file: usize, line: u64, key: &str) -> Prepared<()> {
        let (key, notes, hints) = (Some(key.to_owned()), Vec::new(), Hints::default());
        Prepared { file, line, key, row: Ok(()), notes, hints }
    }

    #[test]
    fn the_second_of_two_fails_in_one_file_only() {
        let mut rows = vec![row(0, 2, "a"), row(0, 3, "a"), row(1, 2, "a")];
        refuse_twins(&mut rows);
        let fine: Vec<bool> = rows.iter().map(|row| row.row.is_ok()).collect();
        assert_eq!(fine, [true, false, true]);
    }
}
