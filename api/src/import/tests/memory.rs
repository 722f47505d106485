//! A sink that keeps rows in memory, with just enough of the rules for the importer's own tests.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::{TimeZone, Utc};

use crate::import::sink::{
    AccountRef, AccountRow, BookingRow, ContactRow, ExternalIdInput, Ground, MaybeUndefined, NamedAccount,
    OpportunityRow, Person, Sink, TouchRow, UpsertResult, UpsertStatus, UserError, UserRow,
};

/// What was written, by key.
#[derive(Default)]
pub struct Tables {
    pub users: HashMap<String, UserRow>,
    pub accounts: HashMap<String, AccountRow>,
    pub contacts: HashMap<String, ContactRow>,
    pub opportunities: HashMap<String, OpportunityRow>,
    pub bookings: HashMap<String, BookingRow>,
    pub touches: HashMap<String, TouchRow>,
    pub batches: Vec<usize>,
}

/// An organization in memory.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Tables>>);

fn key(id: &ExternalIdInput) -> String {
    format!("{}:{}", id.source, id.id)
}

fn missing(message: String) -> UserError {
    UserError { code: "NOT_FOUND".to_owned(), message, field: Vec::new() }
}

impl Tables {
    fn account_is_there(&self, account: &MaybeUndefined<AccountRef>) -> Result<(), UserError> {
        match account {
            MaybeUndefined::Value(AccountRef::ExternalId(id)) if !self.accounts.contains_key(&key(id)) => {
                Err(missing(format!("no account {}", id.id)))
            }
            MaybeUndefined::Value(AccountRef::Domain(domain)) => Err(missing(format!("no account {domain}"))),
            _ => Ok(()),
        }
    }

    fn user_is_there(&self, email: &MaybeUndefined<String>) -> Result<(), UserError> {
        match email {
            MaybeUndefined::Value(email) if !self.users.contains_key(email) => Err(missing(format!("no user {email}"))),
            _ => Ok(()),
        }
    }

    fn opportunity_is_there(&self, id: &MaybeUndefined<ExternalIdInput>) -> Result<(), UserError> {
        match id {
            MaybeUndefined::Value(id) if !self.opportunities.contains_key(&key(id)) => {
                Err(missing(format!("no opportunity {}", id.id)))
            }
            _ => Ok(()),
        }
    }
}

fn upsert<Row: Clone + PartialEq>(
    memory: &Memory,
    rows: &[Row],
    dry_run: bool,
    of: fn(&mut Tables) -> &mut HashMap<String, Row>,
    key: fn(&Row) -> String,
    check: fn(&Tables, &Row) -> Result<(), UserError>,
    merge: fn(&Row, &mut Row),
) -> Vec<UpsertResult> {
    let mut tables = memory.tables();
    tables.batches.push(rows.len());
    let mut results = Vec::new();
    // References meet only what was there before the batch: the importer must not rely on more.
    let checks: Vec<_> = rows.iter().map(|row| check(&tables, row)).collect();
    for ((index, row), checked) in rows.iter().enumerate().zip(checks) {
        if let Err(error) = checked {
            results.push(UpsertResult { index, status: UpsertStatus::Failed, id: None, errors: vec![error] });
            continue;
        }
        let (id, mut row) = (key(row), row.clone());
        let status = match of(&mut tables).get(&id) {
            None => UpsertStatus::Created,
            Some(old) => {
                merge(old, &mut row);
                if *old == row { UpsertStatus::Unchanged } else { UpsertStatus::Updated }
            }
        };
        if !dry_run {
            of(&mut tables).insert(id.clone(), row);
        }
        results.push(UpsertResult { index, status, id: Some(id), errors: Vec::new() });
    }
    results
}

fn merge_account(old: &AccountRow, new: &mut AccountRow) {
    macro_rules! keep {
        ($($field:ident),+) => { $(if new.$field.is_undefined() { new.$field = old.$field.clone(); })+ };
    }
    keep!(
        name,
        domain,
        industry,
        employees,
        annual_revenue,
        country,
        city,
        phone,
        description,
        potential,
        owner_email,
        parent,
        custom_fields
    );
}

impl Memory {
    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }

    pub fn sink(&self) -> Sink {
        macro_rules! function {
            ($table:ident, $key:expr, $check:expr, $merge:expr) => {{
                let memory = self.clone();
                Box::new(move |rows, dry_run| {
                    let results = upsert(&memory, &rows, dry_run, |tables| &mut tables.$table, $key, $check, $merge);
                    Box::pin(async move { Ok(results) })
                })
            }};
        }
        let (people, named) = (self.clone(), self.clone());
        Sink {
            ground: Ground {
                currency_decimals: 2,
                time_zone: chrono_tz::UTC,
                now: Utc.with_ymd_and_hms(2024, 2, 1, 12, 0, 0).unwrap(),
            },
            users: function!(
                users,
                |row| row.email.clone(),
                |tables, row| tables.user_is_there(&row.manager_email),
                |_, _| ()
            ),
            accounts: function!(
                accounts,
                |row| row.external_id.value().map_or_else(String::new, key),
                |tables, row| tables.account_is_there(&row.parent),
                merge_account
            ),
            contacts: function!(
                contacts,
                |row| row.external_id.value().map_or_else(String::new, key),
                |tables, row| tables.account_is_there(&row.account),
                |_, _| ()
            ),
            opportunities: function!(
                opportunities,
                |row| key(&row.external_id),
                |tables, row| tables
                    .account_is_there(&row.account)
                    .and_then(|()| tables.user_is_there(&row.owner_email)),
                |_, _| ()
            ),
            bookings: function!(
                bookings,
                |row| key(&row.external_id),
                |tables, row| tables.opportunity_is_there(&row.opportunity_external_id),
                |_, _| ()
            ),
            touches: function!(
                touches,
                |row| key(&row.external_id),
                |tables, row| {
                    let known = |id: &ExternalIdInput| tables.contacts.contains_key(&key(id));
                    let stranger = row.contacts.value().into_iter().flatten().find(|id| !known(id));
                    stranger.map_or(Ok(()), |id| Err(missing(format!("no contact {}", id.id))))
                },
                |_, _| ()
            ),
            people: Box::new(move || {
                let person = |user: &UserRow| Person {
                    name: user.name.clone().take().unwrap_or_default(),
                    email: user.email.clone(),
                };
                let people = people.tables().users.values().map(person).collect();
                Box::pin(async move { Ok(people) })
            }),
            accounts_named: Box::new(move |names: Vec<String>| {
                let wanted: HashSet<String> = names.into_iter().collect();
                let tables = named.tables();
                let found = tables.accounts.values().filter_map(|account| {
                    let name = account.name.value().filter(|name| wanted.contains(*name))?.clone();
                    Some(NamedAccount { name, reference: AccountRef::ExternalId(account.external_id.clone().take()?) })
                });
                let found = found.collect();
                Box::pin(async move { Ok(found) })
            }),
        }
    }
}
