//! Users: those that a file lists, and the managers that it only names.

use std::collections::{HashMap, HashSet};

use super::{Prepared, ReadContext, Reader, name_of};
use crate::import::{
    bind::Binding,
    people::People,
    presets::Field,
    read::Record,
    records::Hints,
    target::{MaybeUndefined, Role, UserErrorCode, UserRowInput},
};

const ROLES: &[(&str, Role)] = &[("SELLER", Role::Seller), ("MANAGER", Role::Manager), ("ADMIN", Role::Admin)];

/// Adds the file's own people, so that managers are found by name on whatever line they are.
pub fn meet(people: &mut People, binding: &Binding, records: &[Record]) {
    for record in records {
        let cell = |field| binding.cell(record, field).map(|(_, cell)| cell);
        let Some(name) = name_of(binding, record) else {
            continue;
        };
        if let Some(email) = cell(Field::Email).map(str::to_lowercase).or_else(|| people.made_of(&name)) {
            people.add(&name, &email);
        }
    }
}

/// Reads all users of a file. A manager who has no record becomes a row of the line that first names them. Their role
/// is MANAGER where others report to them, else SELLER, unless the file says otherwise.
#[must_use]
pub fn users(context: &ReadContext, binding: &Binding, file: usize, records: &[Record]) -> Vec<Prepared<UserRowInput>> {
    let mut rows: Vec<Prepared<UserRowInput>> =
        records.iter().map(|record| user(context, binding, file, record)).collect();
    let listed: HashSet<String> = rows.iter().filter_map(|row| row.key.clone()).collect();
    let mut named: HashMap<String, String> = HashMap::new();
    let mut managers = Vec::new();
    for (record, row) in records.iter().zip(&rows) {
        let Some(email) = manager_of(row) else { continue };
        let name = binding.cell(record, Field::Manager).map_or("", |(_, cell)| cell);
        if listed.contains(email) || named.insert(email.to_owned(), name.to_owned()).is_some() || name.contains('@') {
            continue;
        }
        managers.push(Prepared {
            file,
            line: row.line,
            key: Some(email.to_owned()),
            row: Ok(UserRowInput {
                email: email.to_owned(),
                name: MaybeUndefined::Value(name.to_owned()),
                ..UserRowInput::default()
            }),
            notes: Vec::new(),
            hints: Hints::default(),
        });
    }
    managers.append(&mut rows);
    let leading: HashSet<String> = managers.iter().filter_map(manager_of).map(str::to_owned).collect();
    for row in &mut managers {
        if let Ok(user) = &mut row.row {
            user.role_on_creation = Some(if leading.contains(&user.email) { Role::Manager } else { Role::Seller });
        }
    }
    managers
}

fn manager_of(row: &Prepared<UserRowInput>) -> Option<&str> {
    row.row.as_ref().ok()?.manager_email.value().map(String::as_str)
}

fn user(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<UserRowInput> {
    let mut reader = Reader::new(context, binding, record);
    let name = reader.person_name();
    let given = reader.raw(Field::Email).map(str::to_lowercase);
    let known = || name.value().and_then(|name| context.people.address(name).ok());
    let email = given.or_else(known);
    if email.is_none() {
        reader.fault(
            UserErrorCode::Required,
            Field::Email.name(),
            "has no e-mail address; --email-domain DOMAIN makes first.last ones".to_owned(),
        );
    }
    let people = context.people;
    let manager_email = reader.read(Field::Manager, |cell| people.address(cell));
    let row = email.clone().map(|email| UserRowInput {
        email,
        name,
        role: reader.word(Field::Role, ROLES),
        manager_email,
        title: reader.text(Field::Title),
        ..UserRowInput::default()
    });
    reader.finish(file, email, row)
}
