//! Contacts from another system, keyed by external id; a row without one by its account and e-mail address, or name.

use std::collections::{HashMap, HashSet};

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AccountId, ContactId, Id, Scoped, account, contact};
use sea_orm::sea_query::{Cond, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::acquaintance::Acquaintances;
use super::erase::Marks;
use super::write::{Changes, blank};
use super::{BuyingRole, RelationshipLevel, line};
use crate::auth::secrets::Trace;
use crate::context::{RequestContext, Viewer};
use crate::domain::account::AccountRef;
use crate::domain::account::write::not_archived;
use crate::domain::upsert::{DuplicateKeys, Lookup, Row, UpsertPayload, check_row, named, not_too_many, save, value};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::Json;
use crate::values::text::{email as address, fold, tidy};
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};
use crate::write::validator::Validator;
use database::columns::is_any_of;

/// A contact as another system has it. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ContactRow {
    /// That system's name for them: the key. A row without one is the contact of its account that has the row's e-mail
    /// address or, in a row without an address, its name: where there is one, it is changed; where there is none, it is
    /// made; where there are several, the row fails with CONFLICT.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// Where they work. A new contact needs one, and so does a row without an external id. A contact that is there moves,
    /// and leaves the line, as with updateContact.
    pub account: MaybeUndefined<AccountRef>,
    /// The name: 1 to 200 characters. A new contact needs one.
    pub name: MaybeUndefined<String>,
    /// The job: up to 200 characters.
    pub title: MaybeUndefined<String>,
    /// The department: up to 200 characters.
    pub department: MaybeUndefined<String>,
    /// The e-mail address; people may share one. A row that brings the address of an erased person fails with CONFLICT.
    pub email: MaybeUndefined<String>,
    /// The telephone number: up to 200 characters.
    pub phone: MaybeUndefined<String>,
    /// What part they play in buying.
    pub buying_role: MaybeUndefined<BuyingRole>,
    /// How they see us; UNKNOWN for a new contact where it is not given.
    pub relationship: MaybeUndefined<RelationshipLevel>,
    /// Whom they report to, of the same account: one that is there, or another row of this call.
    pub reports_to: MaybeUndefined<ExternalIdInput>,
    /// Asked not to be contacted; false for a new contact where it is not given.
    pub do_not_contact: MaybeUndefined<bool>,
    /// A JSON object, merged by key; null removes a key.
    pub custom_fields: MaybeUndefined<Json<String>>,
}

/// Arguments of `upsertContacts`.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertContacts {
    /// At most 500 rows.
    pub rows: Vec<ContactRow>,
    /// Tells what would become of the rows, and writes nothing.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// The topic of [`Write::lock_exclusive`] for rows that are found by address or name: no lock keeps two calls from both
/// making the one that neither finds.
const NAMELESS: &str = "contact.withoutExternalId";

/// What a row is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Source and id.
    External(String, String),
    /// At an account, by address.
    Email(AccountId, String),
    /// At an account, by folded name.
    Name(AccountId, String),
}

/// The name that another system gives, tidied.
fn external_key(external: &ExternalIdInput) -> (String, String) {
    // One that could be nobody's is nobody's; its row has been told.
    external_ids::key(external).unwrap_or_default()
}

impl Identity {
    /// A row's; a fault of the row where it has none.
    fn of(row: &ContactRow, account: Option<&account::Model>, check: &mut Validator) -> Option<Self> {
        if let Some(external) = value(&row.external_id) {
            let (source, id) = external_key(&external);
            return Some(Self::External(source, id));
        }
        let email = value(&row.email).and_then(|email| address(&email).ok());
        let name = value(&row.name).and_then(|name| tidy(&name).ok()).filter(|name| !name.is_empty());
        if email.is_none() && name.is_none() {
            let message =
                "A row needs an external id, or an e-mail address or a name within its account, to be known by.";
            check.fault(UserErrorCode::Required, "externalId", message);
            return None;
        }
        let Some(account) = account else {
            if !row.account.is_value() {
                check.fault(
                    UserErrorCode::Required,
                    "account",
                    "A row without an external id is known within its account alone.",
                );
            }
            return None;
        };
        Some(match email {
            Some(email) => Self::Email(account.id, email),
            None => Self::Name(account.id, name.as_deref().map(fold).unwrap_or_default()),
        })
    }

    /// What a contact is known by within its account.
    fn within_account(contact: &contact::Model) -> impl Iterator<Item = Self> {
        let email = contact.email.clone().map(|email| Self::Email(contact.account_id, email));
        email.into_iter().chain([Self::Name(contact.account_id, contact.name_key.clone())])
    }

    const fn field(&self) -> &'static str {
        match self {
            Self::External(..) => "externalId",
            Self::Email(..) => "email",
            Self::Name(..) => "name",
        }
    }

    /// As [`Once`] notes it.
    fn key(&self) -> (String, String) {
        match self {
            Self::External(source, id) => (format!("external {source}"), id.clone()),
            Self::Email(account, email) => (format!("email at {}", account.show()), email.clone()),
            Self::Name(account, name) => (format!("name at {}", account.show()), name.clone()),
        }
    }
}

/// The contacts that rows may mean, found for all of them together.
struct Present {
    rows: HashMap<ContactId, contact::Model>,
    seen: HashSet<ContactId>,
    by_external: HashMap<(String, String), ContactId>,
}

impl Present {
    /// Finds and locks them.
    async fn find(
        viewer: &Viewer,
        write: &Write<'_>,
        rows: &[ContactRow],
        identities: &[Option<Identity>],
    ) -> Result<Self> {
        let names: Vec<ExternalIdInput> =
            rows.iter().flat_map(|row| [value(&row.external_id), value(&row.reports_to)]).flatten().collect();
        let by_external: HashMap<(String, String), ContactId> = named(&write.tx, viewer, ContactId::PREFIX, &names)
            .await?
            .into_iter()
            .map(|(name, id)| (name, ContactId(id)))
            .collect();
        let (mut at_email, mut emails, mut at_name, mut folded) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for identity in identities.iter().flatten() {
            match identity {
                Identity::External(..) => {}
                Identity::Email(account, email) => {
                    at_email.push(*account);
                    emails.push(email.clone());
                }
                Identity::Name(account, name) => {
                    at_name.push(*account);
                    folded.push(name.clone());
                }
            }
        }
        let any = Cond::any()
            .add(is_any_of(&write.tx, contact::Column::Id, by_external.values().copied()))
            .add(is_any_of(&write.tx, contact::Column::AccountId, at_email).and(is_any_of(
                &write.tx,
                contact::Column::Email,
                emails,
            )))
            .add(is_any_of(&write.tx, contact::Column::AccountId, at_name).and(is_any_of(
                &write.tx,
                contact::Column::NameKey,
                folded,
            )));
        let rows = contact::Entity::of(viewer.organization.id)
            .filter(any)
            .filter(contact::Column::ErasedAt.is_null())
            // In one order for everybody, so that two calls wait for one another and not each for the other.
            .order_by_asc(contact::Column::Id)
            .lock_exclusive()
            .all(&write.tx)
            .await?;
        let ids: Vec<ContactId> = rows.iter().map(|row| row.id).collect();
        let seen = viewer
            .contacts()
            .filter(is_any_of(&write.tx, contact::Column::Id, ids))
            .select_only()
            .column(contact::Column::Id);
        let seen: Vec<ContactId> = seen.into_tuple().all(&write.tx).await?;
        Ok(Self {
            rows: rows.into_iter().map(|row| (row.id, row)).collect(),
            seen: seen.into_iter().collect(),
            by_external,
        })
    }

    /// The contact that a row means, where there is one.
    ///
    /// # Errors
    /// What is wrong with the row's key, where it may mean several, or one that the caller does not see.
    fn of(&self, identity: &Identity) -> Result<Option<&contact::Model>, (UserErrorCode, String)> {
        let mut found: Vec<&contact::Model> = match identity {
            Identity::External(source, id) => {
                let id = self.by_external.get(&(source.clone(), id.clone()));
                id.and_then(|id| self.rows.get(id)).into_iter().collect()
            }
            Identity::Email(account, email) => self
                .rows
                .values()
                .filter(|row| row.account_id == *account && row.email.as_ref() == Some(email))
                .collect(),
            Identity::Name(account, name) => {
                self.rows.values().filter(|row| row.account_id == *account && row.name_key == *name).collect()
            }
        };
        if found.len() > 1 {
            let what = if matches!(identity, Identity::Email(..)) { "e-mail address" } else { "name" };
            let message =
                format!("{} contacts of this account have this {what}: an external id would tell which.", found.len());
            return Err((UserErrorCode::Conflict, message));
        }
        let found = found.pop();
        if found.is_some_and(|found| !self.seen.contains(&found.id)) {
            return Err((UserErrorCode::Taken, "Another contact has this key.".to_owned()));
        }
        Ok(found)
    }
}

/// `upsertContacts`.
pub async fn upsert(ctx: &RequestContext, arguments: UpsertContacts) -> Result<UpsertPayload> {
    let UpsertContacts { rows, dry_run } = arguments;
    not_too_many(rows.len())?;
    let dry_run = dry_run.unwrap_or_default();
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    let lines = rows.iter().any(|row| row.reports_to.is_value());
    if lines {
        write.lock_exclusive(line::TOPIC).await?;
    }
    if rows.iter().any(|row| !row.external_id.is_value()) {
        write.lock_exclusive(NAMELESS).await?;
    }

    // What the rows name, for all of them together.
    let references: Vec<AccountRef> = rows.iter().filter_map(|row| value(&row.account)).collect();
    let lookup = Lookup::of(&write.tx, viewer, &references, []).await?;
    let mut checks: Vec<Validator> = (0..rows.len()).map(check_row).collect();
    let accounts: Vec<Option<&account::Model>> = rows
        .iter()
        .zip(&mut checks)
        .map(|(row, check)| lookup.account(check, "account", row.account.value()?))
        .collect();
    let identities: Vec<Option<Identity>> = rows
        .iter()
        .zip(&accounts)
        .zip(&mut checks)
        .map(|((row, account), check)| Identity::of(row, *account, check))
        .collect();
    let present = Present::find(viewer, &write, &rows, &identities).await?;
    let emails: Vec<String> = rows.iter().filter_map(|row| address(row.email.value()?).ok()).collect();
    let names: Vec<(String, String)> =
        rows.iter().filter_map(|row| row.external_id.value().map(external_key)).collect();
    let traces = emails
        .iter()
        .map(|email| Trace::Email(email))
        .chain(names.iter().map(|(source, id)| Trace::ExternalId { source, id }));
    let marks = Marks::of(&write.tx, viewer, traces).await?;

    let mut once = DuplicateKeys::default();
    let mut done: Vec<Row<contact::Model>> = Vec::with_capacity(rows.len());
    for (index, ((mut check, identity), (row, account))) in
        checks.into_iter().zip(&identities).zip(rows.iter().zip(accounts)).enumerate()
    {
        let Some(identity) = identity else {
            done.push(Row::failed(check));
            continue;
        };
        let before = match present.of(identity) {
            Ok(before) => before.cloned(),
            // Whom the row is about is not known: no more can be told of it.
            Err((code, message)) => {
                check.fault(code, identity.field(), message);
                done.push(Row::failed(check));
                continue;
            }
        };
        let key = before.as_ref().map_or_else(|| identity.key(), |before| ("id".to_owned(), before.id.show()));
        once.note(&mut check, index, identity.field(), key);
        let after = changed(ctx, viewer, &mut check, row, account, before.as_ref());
        not_erased(viewer, &marks, &mut check, identity, before.as_ref(), &after);
        let row = Row::of(check, before, after);
        // A row by address or name that follows must not make again whom this one makes.
        for other in row.after.iter().flat_map(Identity::within_account) {
            once.also(index, other.key());
        }
        done.push(row);
    }
    if !lines && done.iter().any(|row| moved(row).is_some()) {
        write.lock_exclusive(line::TOPIC).await?;
    }
    let superiors: Vec<ContactId> = rows
        .iter()
        .filter_map(|row| present.by_external.get(&external_key(row.reports_to.value()?)).copied())
        .collect();
    let above = line::above(&write.tx, viewer.organization.id, &superiors).await?;
    draw_lines(&rows, &present, &above, &mut done);

    let gone: Vec<ContactId> = done.iter().filter_map(moved).collect();
    let seen_to: Vec<ContactId> = done.iter().filter_map(|row| Some(row.after.as_ref()?.id)).collect();
    let mut acquaintances = Acquaintances::default();
    for row in &done {
        if let Some(after) = &row.after {
            acquaintances.note(&write, row.before.as_ref(), after);
        }
    }
    let payload = save(&mut write, done, dry_run).await?;
    if dry_run {
        write.roll_back().await?;
    } else {
        acquaintances.save(&write).await?;
        line::release(&mut write, &gone, &seen_to).await?;
        write.commit().await?;
    }
    Ok(payload)
}

/// The contact, where a row takes it to another account.
fn moved(row: &Row<contact::Model>) -> Option<ContactId> {
    let (before, after) = (row.before.as_ref()?, row.after.as_ref()?);
    (before.account_id != after.account_id).then_some(after.id)
}

/// What a row makes of a contact, but for whom it reports to.
fn changed(
    ctx: &RequestContext,
    viewer: &Viewer,
    check: &mut Validator,
    row: &ContactRow,
    account: Option<&account::Model>,
    before: Option<&contact::Model>,
) -> contact::Model {
    let ContactRow {
        external_id,
        account: reference,
        name,
        title,
        department,
        email,
        phone,
        buying_role,
        relationship,
        reports_to: _,
        do_not_contact,
        custom_fields,
    } = row;
    let mut after = before
        .cloned()
        .unwrap_or_else(|| blank(viewer, ctx.now, account.map_or_else(AccountId::make, |account| account.id)));
    match (account, before) {
        (Some(account), before) => {
            if before.is_none_or(|before| before.account_id != account.id) {
                not_archived(check, "account", account);
            }
            after.account_id = account.id;
        }
        (None, None) if !reference.is_value() => {
            check.fault(UserErrorCode::Required, "account", "A new contact needs an account.");
        }
        (None, Some(_)) if reference.is_null() => {
            check.fault(UserErrorCode::Required, "account", "Every contact is at an account.");
        }
        (None, _) => {}
    }
    if before.is_none() && !name.is_value() {
        check.fault(UserErrorCode::Required, "name", "A new contact needs a name.");
    }
    // What is missing in a new contact has been said.
    let name = if before.is_none() && name.is_null() { &MaybeUndefined::Undefined } else { name };
    Changes { name, title, department, email, phone, buying_role, relationship, do_not_contact }
        .apply(check, &mut after);
    if let Some(external) = value(external_id) {
        let key = check.external_key("externalId", &external);
        check.add_external_id("externalId", &mut after.external_ids, key);
    }
    check.merge_custom_fields("customFields", custom_fields, &mut after.custom_fields);
    after
}

/// Refuses a row that would bring an erased person back: their external id, or an address that the contact has not had.
fn not_erased(
    viewer: &Viewer,
    marks: &Marks,
    check: &mut Validator,
    identity: &Identity,
    before: Option<&contact::Model>,
    after: &contact::Model,
) {
    if let (Identity::External(source, id), None) = (identity, before)
        && marks.have(viewer, Trace::ExternalId { source, id })
    {
        check.fault(UserErrorCode::Conflict, "externalId", "The person with this external id was erased for good.");
        return;
    }
    if let Some(email) = &after.email
        && before.and_then(|before| before.email.as_ref()) != Some(email)
        && marks.have(viewer, Trace::Email(email))
    {
        check.fault(UserErrorCode::Conflict, "email", "The person with this address was erased for good.");
    }
}

/// Draws the lines between rows and whom they report to, among the contacts that are there and among the rows
/// themselves. What fails goes back to how it was, which may make another row fail: so until none does.
fn draw_lines(
    rows: &[ContactRow],
    present: &Present,
    above: &HashMap<ContactId, Option<ContactId>>,
    done: &mut [Row<contact::Model>],
) {
    loop {
        let faults = faults(rows, present, above, done);
        if faults.is_empty() {
            return;
        }
        for (index, check) in faults {
            done[index] = Row::failed(check);
        }
    }
}

/// Sets whom the good rows report to, and tells those that must not: of a circle, the last row in it.
fn faults(
    rows: &[ContactRow],
    present: &Present,
    above: &HashMap<ContactId, Option<ContactId>>,
    done: &mut [Row<contact::Model>],
) -> Vec<(usize, Validator)> {
    let mut faults = Vec::new();
    let ours: HashMap<(String, String), ContactId> = rows
        .iter()
        .zip(done.iter())
        .filter_map(|(row, done)| Some((external_key(row.external_id.value()?), done.after.as_ref()?.id)))
        .collect();
    let accounts: HashMap<ContactId, AccountId> =
        done.iter().filter_map(|row| row.after.as_ref()).map(|after| (after.id, after.account_id)).collect();
    let mut above = above.clone();
    for (index, (row, done)) in rows.iter().zip(done.iter_mut()).enumerate() {
        let Row { before, after: Some(after), .. } = done else { continue };
        after.reports_to_id = match &row.reports_to {
            MaybeUndefined::Null => None,
            // Those two were at one account; are they still?
            MaybeUndefined::Undefined => before.as_ref().and_then(|before| {
                let superior = before.reports_to_id?;
                let there = accounts.get(&superior).copied().unwrap_or(before.account_id);
                (there == after.account_id).then_some(superior)
            }),
            MaybeUndefined::Value(external) => {
                let key = external_key(external);
                let known = || present.by_external.get(&key).copied().filter(|id| present.seen.contains(id));
                let superior = ours.get(&key).copied().or_else(known);
                let there = superior.and_then(|id| {
                    accounts.get(&id).copied().or_else(|| present.rows.get(&id).map(|row| row.account_id))
                });
                let mut check = check_row(index);
                match there {
                    None => {
                        let message =
                            format!("There is no contact with the external id {} of {}.", external.id, external.source);
                        check.fault(UserErrorCode::NotFound, "reportsTo", message);
                    }
                    Some(there) if there != after.account_id => {
                        check.invalid("reportsTo", "People report to people of their own account.");
                    }
                    Some(_) => {}
                }
                if check.is_clean() {
                    superior
                } else {
                    faults.push((index, check));
                    before.as_ref().and_then(|before| before.reports_to_id)
                }
            }
        };
        above.insert(after.id, after.reports_to_id);
    }
    for (index, (row, done)) in rows.iter().zip(done.iter()).enumerate().rev() {
        let Some(after) = &done.after else { continue };
        if row.reports_to.is_value() && line::circles(&above, after.id) {
            let mut check = check_row(index);
            check.invalid("reportsTo", "They report to this contact already: that would be a circle.");
            faults.push((index, check));
            above.insert(after.id, done.before.as_ref().and_then(|before| before.reports_to_id));
        }
    }
    faults
}
