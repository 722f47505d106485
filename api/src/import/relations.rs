//! `--relations FILE`: which account a contact belongs to, where the contact's own row does not say it (Salesforce's
//! `AccountContactRelation`).

use std::{collections::HashMap, path::Path};

use super::{
    read::{self, Reading, Refusal},
    values::{bare, yes},
};

/// Reads the account of each contact. A direct relation takes precedence; ended and deleted ones are ignored.
///
/// # Errors
/// It cannot be read, or lacks the columns `ContactId` and `AccountId`.
pub fn read_relations(
    path: &Path,
    reading: Reading,
    id_text: impl Fn(&str) -> String,
) -> Result<HashMap<String, String>, Refusal> {
    let table = read::read(path, reading)?;
    let column = |name: &str| table.titles.iter().position(|title| bare(title) == name);
    let (Some(contact), Some(account)) = (column("contactid"), column("accountid")) else {
        return Err(Refusal(format!("{}: should have the columns ContactId and AccountId", table.file)));
    };
    let (direct, active, deleted) = (column("isdirect"), column("isactive"), column("isdeleted"));
    let mut found: HashMap<String, (bool, String)> = HashMap::new();
    for record in &table.records {
        let cell = |at: usize| record.cells.get(at).map_or("", |cell| cell.trim());
        let says = |at: Option<usize>, otherwise: bool| at.map_or(otherwise, |at| yes(cell(at)).unwrap_or(false));
        if !says(active, true) || says(deleted, false) || cell(contact).is_empty() || cell(account).is_empty() {
            continue;
        }
        let (direct, account) = (says(direct, true), id_text(cell(account)));
        let known = found.entry(id_text(cell(contact))).or_insert_with(|| (direct, account.clone()));
        if direct && !known.0 {
            *known = (direct, account);
        }
    }
    Ok(found.into_iter().map(|(contact, (_, account))| (contact, account)).collect())
}
