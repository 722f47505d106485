//! From a file's record to a row of an upsert, or to the reasons why it cannot be one. A file a kind.
//!
//! An empty cell leaves the field out, so that what people entered here stays. A cell that cannot be read fails its row,
//! and all faults of a row are told together.

mod accounts;
mod bookings;
mod contacts;
mod opportunities;
mod touches;
pub mod users;

use std::{cell::RefCell, collections::BTreeMap, collections::HashMap};

use entity::Day;
use sha2::{Digest, Sha256};

pub use self::{
    accounts::{account, external_of},
    bookings::{booking, of_won},
    contacts::contact,
    opportunities::opportunity,
    touches::touch,
};
use super::{
    bind::Binding,
    map::Mapping,
    people::People,
    presets::{Field, Kind},
    read::Record,
    sink::{AccountRef, Date, Decimal, ExternalIdInput, Ground, Json, MaybeUndefined, UserError},
    values::{self, AmountStyle, Moment},
};

/// What all rows of a run are read by.
pub struct Lights<'a> {
    /// What they are.
    pub kind: Kind,
    /// What the columns mean.
    pub mapping: &'a Mapping,
    /// Currency, time zone and clock.
    pub ground: &'a Ground,
    /// Who may own something.
    pub people: &'a People,
    /// The accounts of the run and of the organization, by name.
    pub accounts: &'a AccountNames,
    /// Where a file of relations says which account a contact belongs to: contact, account.
    pub relations: &'a HashMap<String, String>,
    /// Where rows without an account go.
    pub default_account: Option<AccountRef>,
    /// 1.234,50, as said on the command line.
    pub decimal_comma: bool,
    /// Ids of owners that no file explains, with how many rows name them.
    pub unknown_owners: RefCell<BTreeMap<String, usize>>,
}

/// Accounts by the lower-cased name.
#[derive(Debug, Default)]
pub struct AccountNames {
    /// Of the file itself.
    pub in_file: HashMap<String, Vec<AccountRef>>,
    /// Of the organization.
    pub known: HashMap<String, Vec<AccountRef>>,
}

/// What is not there is left out, never cleared.
fn maybe<T>(value: Option<T>) -> MaybeUndefined<T> {
    value.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}

/// How names are compared.
#[must_use]
pub fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A row on its way, or why it stays out.
#[derive(Debug, Clone)]
pub struct Prepared<Row> {
    /// Which of the files.
    pub file: usize,
    /// The line on which it starts.
    pub line: u64,
    /// What makes two rows the same one; none where that could not be read.
    pub key: Option<String>,
    /// The key of the row that must be there before.
    pub after: Option<String>,
    /// The row, or its faults.
    pub row: Result<Row, Vec<UserError>>,
    /// What was taken otherwise than it stands there.
    pub notes: Vec<String>,
}

/// A record being read: collects its faults.
pub struct Reader<'a> {
    lights: &'a Lights<'a>,
    binding: &'a Binding,
    record: &'a Record,
    faults: Vec<UserError>,
    notes: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Begins a record; a wrong number of cells, another type and a deletion are faults at once.
    #[must_use]
    pub fn new(lights: &'a Lights<'a>, binding: &'a Binding, record: &'a Record) -> Self {
        let mut reader = Self { lights, binding, record, faults: Vec::new(), notes: Vec::new() };
        let (cells, width) = (record.cells.len(), binding.width());
        if cells != width {
            reader.fault(
                "INVALID",
                "",
                format!("has {cells} cells where the header has {width}; is a quote or a separator missing?"),
            );
        }
        let own = singular(lights.kind);
        if let Some(name) = binding.record_type(record).filter(|name| !type_fits(name, lights.kind)) {
            reader.fault("INVALID", "", format!("is a {name}, not {own}"));
        }
        if reader.cell(Field::Deleted).is_some_and(|(_, cell)| values::yes(cell) == Ok(true)) {
            reader.fault("INVALID", "", format!("is deleted in {}", lights.mapping.source));
        }
        reader
    }

    /// Ends a record.
    #[must_use]
    pub fn finish<Row>(
        self,
        file: usize,
        key: Option<String>,
        after: Option<String>,
        row: Option<Row>,
    ) -> Prepared<Row> {
        let row = match row {
            Some(row) if self.faults.is_empty() => Ok(row),
            _ => Err(self.faults),
        };
        Prepared { file, line: self.record.line, key, after, row, notes: self.notes }
    }

    fn fault(&mut self, code: &str, field: &str, message: String) {
        let field = if field.is_empty() { Vec::new() } else { vec![field.to_owned()] };
        self.faults.push(UserError { code: code.to_owned(), message, field });
    }

    fn cell(&self, field: Field) -> Option<(usize, &'a str)> {
        self.binding.cell(self.record, field)
    }

    fn raw(&self, field: Field) -> Option<&'a str> {
        self.cell(field).map(|(_, cell)| cell)
    }

    /// Reads a cell; what is wrong with it is told under the file's own title.
    fn read<T>(&mut self, field: Field, how: impl FnOnce(&str) -> Result<T, String>) -> MaybeUndefined<T> {
        let Some((at, cell)) = self.cell(field) else {
            return MaybeUndefined::Undefined;
        };
        match how(cell) {
            Ok(value) => MaybeUndefined::Value(value),
            Err(reason) => {
                let message = format!("{}: {reason}", self.binding.title(at));
                self.fault("INVALID", field.name(), message);
                MaybeUndefined::Undefined
            }
        }
    }

    fn text(&mut self, field: Field) -> MaybeUndefined<String> {
        // Line breaks are line feeds here, whatever the file's system ends lines with.
        self.read(field, |cell| Ok(cell.replace("\r\n", "\n").replace('\r', "\n")))
    }

    fn comma(&self) -> bool {
        self.lights.decimal_comma || self.lights.mapping.decimal_comma
    }

    fn amount(&mut self, field: Field) -> MaybeUndefined<Decimal> {
        let style = AmountStyle {
            decimals: self.lights.ground.currency_decimals,
            unit: self.lights.mapping.units.get(&field).copied().unwrap_or(rust_decimal::Decimal::ONE),
            decimal_comma: self.comma(),
        };
        self.read(field, |cell| values::amount(cell, style).map(Decimal))
    }

    fn whole(&mut self, field: Field) -> MaybeUndefined<i32> {
        let comma = self.comma();
        self.read(field, |cell| values::whole(cell, comma))
    }

    fn yes(&mut self, field: Field) -> MaybeUndefined<bool> {
        self.read(field, values::yes)
    }

    fn moment(&mut self, field: Field) -> Option<Moment> {
        let order = self.cell(field).and_then(|(at, _)| self.binding.order(at));
        self.read(field, |cell| values::moment(cell, order)).take()
    }

    fn day(&mut self, field: Field) -> MaybeUndefined<Date> {
        let zone = self.lights.ground.time_zone;
        let order = self.cell(field).and_then(|(at, _)| self.binding.order(at));
        self.read(field, |cell| {
            let day = values::moment(cell, order)?.day(zone);
            Day::from_date(day).map(Date).ok_or_else(|| format!("“{cell}” is not of the years 1 to 9999"))
        })
    }

    /// One of the schema's words.
    fn word<T: Copy>(&mut self, field: Field, words: &[(&str, T)]) -> MaybeUndefined<T> {
        self.read(field, |cell| {
            super::map::meaning(cell, words).ok_or_else(|| {
                let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                format!("“{cell}” is unknown; known are {}", known.join(", "))
            })
        })
    }

    fn custom(&mut self) -> MaybeUndefined<Json<String>> {
        let mut fields = serde_json::Map::new();
        for (at, name) in &self.binding.custom {
            if let Some(cell) = self.record.cells.get(*at).map(|cell| cell.trim()).filter(|cell| !cell.is_empty()) {
                let number = cell.parse::<i32>().ok().filter(|number| number.to_string() == cell);
                fields.insert(name.clone(), number.map_or_else(|| cell.into(), Into::into));
            }
        }
        if fields.is_empty() {
            MaybeUndefined::Undefined
        } else {
            MaybeUndefined::Value(Json(serde_json::Value::Object(fields).to_string()))
        }
    }

    /// An id of the file's system.
    fn external(&self, id: &str) -> ExternalIdInput {
        external(self.lights.mapping, id)
    }

    fn external_id(&self, field: Field) -> Option<ExternalIdInput> {
        self.raw(field).map(|id| self.external(id))
    }

    /// A row that has neither id nor name is known by its cells, so that the very same row is not made twice.
    fn id_of_cells(&self) -> ExternalIdInput {
        let mut hash = Sha256::new();
        for cell in &self.record.cells {
            hash.update(cell.as_bytes());
            hash.update([0]);
        }
        let id = data_encoding::HEXLOWER.encode(&hash.finalize()[..16]);
        ExternalIdInput { source: self.lights.mapping.source.clone(), id }
    }

    /// A person's whole name.
    fn person_name(&mut self) -> MaybeUndefined<String> {
        let whole = self.text(Field::Name);
        if !whole.is_undefined() {
            return whole;
        }
        let parts: Vec<&str> =
            [Field::FirstName, Field::LastName].into_iter().filter_map(|field| self.raw(field)).collect();
        if parts.is_empty() { MaybeUndefined::Undefined } else { MaybeUndefined::Value(parts.join(" ")) }
    }

    /// The owner's address: given, or found by the name, or by an id that a file explains.
    fn owner(&mut self) -> MaybeUndefined<String> {
        if self.cell(Field::Owner).is_some() {
            let people = self.lights.people;
            return self.read(Field::Owner, |cell| people.address(cell));
        }
        let Some(id) = self.raw(Field::OwnerId) else {
            return MaybeUndefined::Undefined;
        };
        let id = external_id_text(self.lights.mapping, id);
        if let Some(email) = self.lights.people.by_id(&id) {
            return MaybeUndefined::Value(email.to_owned());
        }
        *self.lights.unknown_owners.borrow_mut().entry(id).or_default() += 1;
        MaybeUndefined::Undefined
    }

    /// The account that a row hangs on: by id, by domain, by name, or the default one.
    fn account_ref(&mut self) -> MaybeUndefined<AccountRef> {
        if let Some(id) = self.external_id(Field::AccountId) {
            return MaybeUndefined::Value(AccountRef::ExternalId(id));
        }
        if let Some(domain) = self.raw(Field::AccountDomain) {
            return MaybeUndefined::Value(AccountRef::Domain(domain.to_owned()));
        }
        if self.cell(Field::AccountName).is_some() {
            let lights = self.lights;
            return self.read(Field::AccountName, |cell| lights.account_named(cell));
        }
        MaybeUndefined::Undefined
    }

    fn account_or_default(&mut self) -> MaybeUndefined<AccountRef> {
        let faults = self.faults.len();
        let account = self.account_ref();
        if !account.is_undefined() || self.faults.len() > faults {
            return account;
        }
        if let Some(account) = &self.lights.default_account {
            return MaybeUndefined::Value(account.clone());
        }
        self.fault("REQUIRED", "account", "names no account; --default-account NAME takes in such rows".to_owned());
        MaybeUndefined::Undefined
    }
}

impl Lights<'_> {
    /// The one account of a name: of the file, else of the organization.
    ///
    /// # Errors
    /// A sentence, where none or several have it.
    pub fn account_named(&self, name: &str) -> Result<AccountRef, String> {
        if self.mapping.habits.accounts_by_name {
            return Ok(AccountRef::ExternalId(external(self.mapping, name)));
        }
        let folded = folded(name);
        let found = self.accounts.in_file.get(&folded).or_else(|| self.accounts.known.get(&folded));
        match found.map(Vec::as_slice) {
            Some([one]) => Ok(one.clone()),
            Some(several) if several.len() > 1 => {
                Err(format!("{} accounts are called “{name}”; name the one by its id", several.len()))
            }
            _ => Err(format!("no account is called “{name}”; import the accounts first")),
        }
    }
}

/// An external id as the mapping's system writes it.
#[must_use]
pub fn external(mapping: &Mapping, id: &str) -> ExternalIdInput {
    ExternalIdInput { source: mapping.source.clone(), id: external_id_text(mapping, id) }
}

/// Salesforce: a tree's references lose their `@`, and 15 characters become the 18 that mean the same.
#[must_use]
pub fn external_id_text(mapping: &Mapping, id: &str) -> String {
    let id = id.trim();
    if !mapping.habits.salesforce_ids {
        return id.to_owned();
    }
    let id = id.strip_prefix('@').unwrap_or(id);
    if id.len() != 15 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    // Three letters say which of each five characters are capitals, for systems that ignore case.
    let suffix = id.as_bytes().chunks(5).map(|five| {
        let capitals = five.iter().rev().fold(0_u8, |bits, byte| bits << 1 | u8::from(byte.is_ascii_uppercase()));
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[usize::from(capitals)])
    });
    id.chars().chain(suffix).collect()
}

fn singular(kind: Kind) -> &'static str {
    match kind {
        Kind::Users => "a user",
        Kind::Accounts => "an account",
        Kind::Contacts => "a contact",
        Kind::Opportunities => "an opportunity",
        Kind::Bookings => "a booking",
        Kind::Touches => "a touch",
    }
}

fn type_fits(name: &str, kind: Kind) -> bool {
    let fits: &[&str] = match kind {
        Kind::Users => &["User"],
        Kind::Accounts => &["Account"],
        Kind::Contacts => &["Contact"],
        Kind::Opportunities => &["Opportunity"],
        Kind::Bookings => return true,
        Kind::Touches => &["Task", "Event"],
    };
    fits.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::map::mapping;

    #[test]
    fn fifteen_and_eighteen_characters_are_one_id() {
        let salesforce = mapping("salesforce", None, Kind::Accounts).unwrap();
        let id = |text| external_id_text(&salesforce, text);
        assert_eq!(id("001Ec00000GGw3h"), "001Ec00000GGw3hIAD");
        assert_eq!(id("001Ec00000GGw3hIAD"), "001Ec00000GGw3hIAD");
        assert_eq!(id("001x0000002xLD0"), "001x0000002xLD0AAM");
        assert_eq!(id("@AccountRef1"), "AccountRef1");
    }

    #[test]
    fn other_systems_ids_stay_as_they_are() {
        let hubspot = mapping("hubspot", None, Kind::Accounts).unwrap();
        assert_eq!(external_id_text(&hubspot, " 123456789012345 "), "123456789012345");
    }
}
