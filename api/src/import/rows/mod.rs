//! From a file's record to a row of an upsert, or to the reasons why it cannot be one. A file a kind.
//!
//! An empty cell leaves the field out, so that what people entered here stays. A cell that cannot be read fails its row,
//! and all faults of a row are reported together.

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
    bookings::booking,
    contacts::contact,
    opportunities::opportunity,
    touches::touch,
};
use super::{
    bind::Binding,
    map::Mapping,
    nearby::Nearby,
    people::People,
    presets::{Field, Kind},
    read::Record,
    records::Hints,
    target::{
        AccountRefInput, Date, Decimal, ExternalIdInput, Json, MaybeUndefined, OrganizationSettings, UserError,
        UserErrorCode,
    },
    values::{self, AmountStyle, DateFormat, Moment, bare},
};
use crate::domain::upsert::given;

/// What the rows of a batch are read by.
#[derive(Clone, Copy)]
pub struct ReadContext<'a> {
    /// What they are.
    pub kind: Kind,
    /// What the columns mean.
    pub mapping: &'a Mapping,
    /// Currency, time zone and clock.
    pub settings: &'a OrganizationSettings,
    /// Who may own something.
    pub people: &'a People,
    /// The accounts that the files themselves list, by name, where rows name others as their parents.
    pub in_files: &'a HashMap<String, Vec<AccountRefInput>>,
    /// What the rows of the batch name.
    pub nearby: &'a Nearby,
    /// Where a file of relations says which account a contact belongs to: contact, account.
    pub relations: &'a HashMap<String, String>,
    /// Where rows without an account go.
    pub default_account: Option<&'a AccountRefInput>,
    /// What one unit of other currencies is in the organization's.
    pub rates: &'a BTreeMap<String, rust_decimal::Decimal>,
    /// Ids of owners that no file explains, with how many rows name them.
    pub unknown_owners: &'a RefCell<BTreeMap<String, usize>>,
    /// Whether the rows are read for the first time.
    pub is_first: bool,
}

/// Returns what makes two rows of a file the same one; None where it has nothing that identifies it.
#[must_use]
pub fn key_of(kind: Kind, mapping: &Mapping, binding: &Binding, record: &Record) -> Option<String> {
    match kind {
        Kind::Users => None,
        Kind::Accounts => accounts::key_of(mapping, binding, record),
        Kind::Contacts => contacts::key_of(mapping, binding, record),
        Kind::Opportunities => opportunities::key_of(mapping, binding, record),
        Kind::Bookings | Kind::Touches => Some(id_or_cells(mapping, binding, record)),
    }
}

/// Returns the id of a row. One that has none is known by its cells, so that the very same row is not made twice.
fn id_or_cells(mapping: &Mapping, binding: &Binding, record: &Record) -> String {
    if let Some((_, id)) = binding.cell(record, Field::Id) {
        return external_id_text(mapping, id);
    }
    let mut hash = Sha256::new();
    for cell in &record.cells {
        hash.update(cell.as_bytes());
        hash.update([0]);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

/// Returns a person's name, whole or of its two parts.
fn name_of(binding: &Binding, record: &Record) -> Option<String> {
    let cell = |field| binding.cell(record, field).map(|(_, cell)| cell);
    if let Some(name) = cell(Field::Name) {
        return Some(name.to_owned());
    }
    let parts: Vec<&str> = [cell(Field::FirstName), cell(Field::LastName)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Line breaks are line feeds here, whatever a file's system ends lines with.
fn with_line_feeds(cell: &str) -> String {
    cell.replace("\r\n", "\n").replace('\r', "\n")
}

/// What is not there is left out, never cleared.
/// Returns the addresses in a cell, each once.
fn addresses(cell: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in cell.split([',', ';', '\n', '|', ' ', '\t']) {
        let part = part.trim_matches(['<', '>', '(', ')', '"', '\'', '.', ':']);
        let part = part.strip_prefix("mailto:").unwrap_or(part);
        if let Ok(address) = crate::values::text::email(part)
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// Returns the parts of a cell that are separated by `;`. In associations, the id in `Acme (12)` counts.
#[must_use]
pub fn list(cell: &str, associations: bool) -> Vec<String> {
    let parts = cell.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| id_in_brackets(part).filter(|_| associations).unwrap_or(part).to_owned()).collect()
}

/// Returns the id at the end of `Acme (12)`.
fn id_in_brackets(text: &str) -> Option<&str> {
    let (_, id) = text.strip_suffix(')')?.rsplit_once('(')?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
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
    /// The row, or its faults.
    pub row: Result<Row, Vec<UserError>>,
    /// What was read otherwise than the file has it.
    pub notes: Vec<String>,
    /// What the importer knows of the row besides.
    pub hints: Hints,
}

/// A record being read: collects its faults.
pub struct Reader<'a> {
    context: &'a ReadContext<'a>,
    binding: &'a Binding,
    record: &'a Record,
    faults: Vec<UserError>,
    notes: Vec<String>,
    hints: Hints,
}

impl<'a> Reader<'a> {
    /// Begins a record. A wrong number of cells and another type are faults at once.
    #[must_use]
    pub fn new(context: &'a ReadContext<'a>, binding: &'a Binding, record: &'a Record) -> Self {
        let mut reader =
            Self { context, binding, record, faults: Vec::new(), notes: Vec::new(), hints: Hints::default() };
        let (cells, width) = (record.cells.len(), binding.width());
        if cells != width {
            reader.fault(
                UserErrorCode::Invalid,
                "",
                format!("has {cells} cells where the header has {width}; is a quote or a separator missing?"),
            );
        }
        let own = singular(context.kind);
        if let Some(name) = binding.record_type(record).filter(|name| !type_fits(name, context.kind)) {
            reader.fault(UserErrorCode::Invalid, "", format!("is a {name}, not {own}"));
        }
        reader.hints.deleted = reader.yes(Field::Deleted) == MaybeUndefined::Value(true);
        reader
    }

    /// Ends a record.
    #[must_use]
    pub fn finish<Row>(mut self, file: usize, key: Option<String>, row: Option<Row>) -> Prepared<Row> {
        // Of a row that is taken away its key alone matters.
        if self.hints.deleted && row.is_some() {
            self.faults.clear();
        }
        let row = match row {
            Some(row) if self.faults.is_empty() => Ok(row),
            _ => Err(self.faults),
        };
        Prepared { file, line: self.record.line, key, row, notes: self.notes, hints: self.hints }
    }

    fn fault(&mut self, code: UserErrorCode, field: &str, message: String) {
        let field = if field.is_empty() { Vec::new() } else { vec![field.to_owned()] };
        self.faults.push(UserError { code, message, field });
    }

    fn cell(&self, field: Field) -> Option<(usize, &'a str)> {
        self.binding.cell(self.record, field)
    }

    fn raw(&self, field: Field) -> Option<&'a str> {
        self.cell(field).map(|(_, cell)| cell)
    }

    /// Reads a cell. A fault names the file's own title.
    fn read<T>(&mut self, field: Field, how: impl FnOnce(&str) -> Result<T, String>) -> MaybeUndefined<T> {
        let Some((at, cell)) = self.cell(field) else {
            return MaybeUndefined::Undefined;
        };
        match how(cell) {
            Ok(value) => MaybeUndefined::Value(value),
            Err(reason) => {
                let message = format!("{}: {reason}", self.binding.title(at));
                self.fault(UserErrorCode::Invalid, field.name(), message);
                MaybeUndefined::Undefined
            }
        }
    }

    fn text(&mut self, field: Field) -> MaybeUndefined<String> {
        self.read(field, |cell| Ok(with_line_feeds(cell)))
    }

    /// Reads an amount in the organization's currency. One that was converted leaves a note.
    fn amount(&mut self, field: Field) -> MaybeUndefined<Decimal> {
        let Some((at, _)) = self.cell(field) else {
            return MaybeUndefined::Undefined;
        };
        let own = self.context.settings.currency;
        let in_own = bare(self.binding.title(at)).contains("companycurrency");
        let of_row = if in_own { MaybeUndefined::Undefined } else { self.read(Field::Currency, values::currency) };
        let style = AmountStyle {
            currency: own,
            unit: self.context.mapping.units.get(&field).copied().unwrap_or(rust_decimal::Decimal::ONE),
            mark: self.binding.decimal_mark(at),
            rates: self.context.rates,
            of_row: of_row.take().filter(|currency| *currency != own),
        };
        let mut note = None;
        let value = self.read(field, |cell| {
            let amount = values::amount(cell, style)?;
            note = amount.note;
            Ok(Decimal(amount.value))
        });
        self.notes.extend(note.map(|note| format!("{}: {note}", self.binding.title(at))));
        value
    }

    /// Reads a whole number, beside which these words may stand.
    fn whole_with(&mut self, field: Field, units: &[&str]) -> MaybeUndefined<i32> {
        let mark = self.cell(field).and_then(|(at, _)| self.binding.decimal_mark(at));
        self.read(field, |cell| values::whole(cell, mark, units))
    }

    fn whole(&mut self, field: Field) -> MaybeUndefined<i32> {
        self.whole_with(field, &[])
    }

    fn yes(&mut self, field: Field) -> MaybeUndefined<bool> {
        self.read(field, values::yes)
    }

    /// Reads the first address of a cell such as `a@x.example, b@x.example` or `Ann <a@x.example>`. What else the cell
    /// holds, or a cell without any address, leaves a note.
    fn email(&mut self, field: Field) -> MaybeUndefined<String> {
        let Some((at, cell)) = self.cell(field) else {
            return MaybeUndefined::Undefined;
        };
        let mut found = addresses(cell).into_iter();
        let first = found.next();
        let title = self.binding.title(at);
        let more: Vec<String> = found.collect();
        if first.is_none() {
            self.notes.push(format!("{title}: “{cell}” is no address and was left out"));
        }
        if !more.is_empty() {
            self.notes.push(format!("{title}: further addresses were left out: {}", more.join(", ")));
        }
        given(first)
    }

    /// Returns how the column of a field's cell writes its dates.
    fn dates(&self, field: Field) -> DateFormat {
        self.cell(field).map(|(at, _)| self.binding.dates(at)).unwrap_or_default()
    }

    fn moment(&mut self, field: Field) -> Option<Moment> {
        let format = self.dates(field);
        self.read(field, |cell| values::moment(cell, format)).take()
    }

    fn day(&mut self, field: Field) -> MaybeUndefined<Date> {
        let zone = self.context.settings.time_zone;
        let format = self.dates(field);
        self.read(field, |cell| {
            let day = values::moment(cell, format)?.day(zone);
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
        external(self.context.mapping, id)
    }

    fn external_id(&self, field: Field) -> Option<ExternalIdInput> {
        self.raw(field).map(|id| self.external(id))
    }

    /// A person's whole name.
    fn person_name(&mut self) -> MaybeUndefined<String> {
        let whole = self.text(Field::Name);
        if whole.is_undefined() { given(name_of(self.binding, self.record)) } else { whole }
    }

    /// The owner's address: given, or found by the name, or by an id that a file explains.
    fn owner(&mut self) -> MaybeUndefined<String> {
        if self.cell(Field::Owner).is_some() {
            let people = self.context.people;
            return self.read(Field::Owner, |cell| people.address(cell));
        }
        let Some(id) = self.raw(Field::OwnerId) else {
            return MaybeUndefined::Undefined;
        };
        let id = external_id_text(self.context.mapping, id);
        if let Some(email) = self.context.people.by_id(&id) {
            return MaybeUndefined::Value(email.to_owned());
        }
        *self.context.unknown_owners.borrow_mut().entry(id).or_default() += usize::from(self.context.is_first);
        MaybeUndefined::Undefined
    }

    /// Returns the account that a row belongs to: by id, by domain or by name.
    fn account_ref(&mut self) -> MaybeUndefined<AccountRefInput> {
        if let Some(cell) = self.raw(Field::AccountId) {
            let id = self.first_of(cell);
            return MaybeUndefined::Value(AccountRefInput::ExternalId(self.external(id)));
        }
        if let Some(domain) = self.raw(Field::AccountDomain) {
            return MaybeUndefined::Value(AccountRefInput::Domain(domain.to_owned()));
        }
        if let Some(cell) = self.raw(Field::AccountName) {
            if let Some(id) = self.associated(cell) {
                return MaybeUndefined::Value(AccountRefInput::ExternalId(self.external(id)));
            }
            let context = self.context;
            return self.read(Field::AccountName, |cell| context.account_named(cell));
        }
        MaybeUndefined::Undefined
    }

    /// Notes that a name means no record or several: a fault, unless the row says otherwise where it belongs.
    fn unknown(&mut self, field: Field, reason: &str, is_known_otherwise: bool) {
        let title = self.cell(field).map(|(at, _)| self.binding.title(at)).unwrap_or_default();
        if is_known_otherwise {
            self.notes.push(format!("{title}: {reason}; left out"));
        } else {
            let message = format!("{title}: {reason}");
            self.fault(UserErrorCode::Invalid, field.name(), message);
        }
    }

    /// Returns the first of several associated records, and notes the others.
    fn first_of(&mut self, cell: &'a str) -> &'a str {
        if !self.context.mapping.habits.associations {
            return cell;
        }
        let mut parts = cell.split([';', ',']).map(str::trim).filter(|part| !part.is_empty());
        let first = parts.next().unwrap_or(cell);
        let more: Vec<&str> = parts.collect();
        if !more.is_empty() {
            self.notes.push(format!("belongs to several records; {} were left out", more.join(", ")));
        }
        first
    }

    /// Returns the id in an association such as `Acme (12)`.
    fn associated(&mut self, cell: &'a str) -> Option<&'a str> {
        if !self.context.mapping.habits.associations {
            return None;
        }
        let first = cell.split(';').next().unwrap_or(cell).trim();
        id_in_brackets(first)
    }

    fn account_or_default(&mut self) -> MaybeUndefined<AccountRefInput> {
        let faults = self.faults.len();
        let account = self.account_ref();
        if !account.is_undefined() || self.faults.len() > faults {
            return account;
        }
        if let Some(account) = self.context.default_account {
            return MaybeUndefined::Value(account.clone());
        }
        self.fault(
            UserErrorCode::Required,
            "account",
            "names no account; --default-account NAME takes in such rows".to_owned(),
        );
        MaybeUndefined::Undefined
    }
}

impl ReadContext<'_> {
    /// The one account of a name: of the file, else of the organization.
    ///
    /// # Errors
    /// A sentence, where none or several have it.
    pub fn account_named(&self, name: &str) -> Result<AccountRefInput, String> {
        if self.mapping.habits.accounts_by_name {
            return Ok(AccountRefInput::ExternalId(external(self.mapping, name)));
        }
        let folded = folded(name);
        if let Some(listed) = self.in_files.get(&folded) {
            return only(listed, "account", name).cloned();
        }
        let known = self.nearby.accounts.get(&folded).map(Vec::as_slice).unwrap_or_default();
        only(known, "account", name).map(|account| account.reference.clone())
    }
}

/// Returns the one of a name.
///
/// # Errors
/// A sentence, where none or several have the name.
fn only<'a, T>(found: &'a [T], noun: &str, name: &str) -> Result<&'a T, String> {
    let plural = match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    };
    match found {
        [one] => Ok(one),
        [] => Err(format!("no {noun} is called “{name}”; import the {plural} first")),
        several => Err(format!("{} {plural} are called “{name}”; name the one by its id", several.len())),
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
    fn addresses_are_found_in_what_people_write() {
        for (cell, expected) in [
            ("Ann@x.example", &["ann@x.example"][..]),
            ("a@x.example, b@x.example", &["a@x.example", "b@x.example"]),
            ("Ann Lee <a@x.example>", &["a@x.example"]),
            ("mailto:a@x.example; A@X.example", &["a@x.example"]),
            ("n/a", &[]),
            ("-", &[]),
        ] {
            assert_eq!(addresses(cell), expected, "{cell}");
        }
    }

    #[test]
    fn other_systems_ids_stay_as_they_are() {
        let hubspot = mapping("hubspot", None, Kind::Accounts).unwrap();
        assert_eq!(external_id_text(&hubspot, " 123456789012345 "), "123456789012345");
    }
}
