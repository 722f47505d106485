//! Upserts of contacts from another system, keyed by external id, or else by account and e-mail address or name.

use std::collections::{HashMap, HashSet};

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::{AccountId, ContactId, Id, Scoped, account, contact};
use sea_orm::sea_query::{Cond, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::acquaintance::Acquaintances;
use super::erase::Marks;
use super::write::{Changes, blank};
use super::{BuyingRole, RelationshipLevel, line};
use crate::auth::secrets::Trace;
use crate::context::{RequestContext, Viewer};
use crate::domain::account::AccountRefInput;
use crate::domain::account::write::not_archived;
use crate::domain::upsert::{
    CheckedRow, DuplicateKeys, GivenRow, Lookup, MalformedRows, Upsert, UpsertPayload, check_row, named, not_too_many,
    row_inputs, save, target_of, value,
};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::Json;
use crate::values::text::{email as address, fold, tidy};
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};
use crate::write::validator::Validator;

/// A contact as it is in another system. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ContactRowInput {
    /// The id of the contact. The row is matched by it if it is given; the contact then gets the external id of the row.
    pub id: Option<ID>,
    /// The expected version; 0 for one that does not exist. The row fails with STALE_VERSION if the contact has another
    /// version.
    pub if_version: Option<i32>,
    /// Whether the contact is archived. If omitted, it stays as it is.
    pub archived: Option<bool>,
    /// The identifier in that system, by which the row is matched. A row without one is matched by its account and
    /// e-mail address or, without an address, by its account and name. If there is no such contact, it is created; if
    /// there are several, the row fails with CONFLICT.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// The account where the person works. Required for a new contact and for a row without an external id. An existing
    /// contact moves to this account, as with updateContact.
    pub account: MaybeUndefined<AccountRefInput>,
    /// The name: 1 to 200 characters. Required for a new contact.
    pub name: MaybeUndefined<String>,
    /// The job title: up to 200 characters.
    pub title: MaybeUndefined<String>,
    /// The department: up to 200 characters.
    pub department: MaybeUndefined<String>,
    /// The e-mail address. Two contacts may have the same one. A row with the address of an erased person fails with
    /// CONFLICT.
    pub email: MaybeUndefined<String>,
    /// The telephone number: up to 200 characters.
    pub phone: MaybeUndefined<String>,
    /// The role in buying decisions.
    pub buying_role: MaybeUndefined<BuyingRole>,
    /// The relationship of the person to the organization. UNKNOWN by default for a new contact.
    pub relationship: MaybeUndefined<RelationshipLevel>,
    /// The contact of the same account to whom the person reports: an existing one, or another row of this call.
    pub reports_to: MaybeUndefined<ExternalIdInput>,
    /// Whether the person asked not to be contacted. False by default for a new contact.
    pub do_not_contact: MaybeUndefined<bool>,
    /// Additional fields: a JSON object that is merged into the present one by key. A null value removes its key.
    pub custom_fields: MaybeUndefined<Json<String>>,
}

row_inputs!(ContactRowInput);

/// Contacts from another system.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertContactsInput {
    /// The rows: at most 500.
    pub rows: Vec<GivenRow<ContactRowInput>>,
    /// Whether to return the results without writing anything.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// The topic of [`Write::lock_exclusive`] for rows that are matched by address or name. Row locks do not keep two calls
/// from both creating a contact that neither of them finds.
const NAMELESS: &str = "contact.withoutExternalId";

/// The key by which a row is matched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// The id.
    Id(ContactId),
    /// The source and the id there.
    External(String, String),
    /// The account and the e-mail address.
    Email(AccountId, String),
    /// The account and the case-folded name.
    Name(AccountId, String),
}

/// Returns the normalized source and id of an external id.
fn external_key(external: &ExternalIdInput) -> (String, String) {
    // An invalid external id matches nothing, and its row has a fault already.
    external_ids::key(external).unwrap_or_default()
}

impl Identity {
    /// Returns the identity of a row, and notes a fault if it has none.
    fn of(row: &ContactRowInput, account: Option<&account::Model>, check: &mut Validator) -> Option<Self> {
        if let Some(id) = &row.id {
            return check.id("id", id).map(Self::Id);
        }
        if let Some(external) = value(&row.external_id) {
            let (source, id) = external_key(&external);
            return Some(Self::External(source, id));
        }
        let email = value(&row.email).and_then(|email| address(&email).ok());
        let name = value(&row.name).and_then(|name| tidy(&name).ok()).filter(|name| !name.is_empty());
        if email.is_none() && name.is_none() {
            let message = "A row must have an id, an external id, an e-mail address or a name.";
            check.fault(UserErrorCode::Required, "externalId", message);
            return None;
        }
        let Some(account) = account else {
            if !row.account.is_value() {
                check.fault(UserErrorCode::Required, "account", "A row without an external id must have an account.");
            }
            return None;
        };
        Some(match email {
            Some(email) => Self::Email(account.id, email),
            None => Self::Name(account.id, name.as_deref().map(fold).unwrap_or_default()),
        })
    }

    /// Returns the identities that a contact has within its account.
    fn within_account(contact: &contact::Model) -> impl Iterator<Item = Self> {
        let email = contact.email.clone().map(|email| Self::Email(contact.account_id, email));
        email.into_iter().chain([Self::Name(contact.account_id, contact.name_key.clone())])
    }

    const fn field(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::External(..) => "externalId",
            Self::Email(..) => "email",
            Self::Name(..) => "name",
        }
    }

    /// Returns the key for [`DuplicateKeys`].
    fn key(&self) -> (String, String) {
        match self {
            Self::Id(id) => ("id".to_owned(), id.show()),
            Self::External(source, id) => (format!("external {source}"), id.clone()),
            Self::Email(account, email) => (format!("email at {}", account.show()), email.clone()),
            Self::Name(account, name) => (format!("name at {}", account.show()), name.clone()),
        }
    }
}

/// The existing contacts that rows may match, read once for all rows.
struct Present {
    rows: HashMap<ContactId, contact::Model>,
    seen: HashSet<ContactId>,
    by_external: HashMap<(String, String), ContactId>,
}

impl Present {
    /// Reads and locks the contacts.
    async fn find(
        viewer: &Viewer,
        write: &Write<'_>,
        rows: &[ContactRowInput],
        identities: &[Option<Identity>],
    ) -> Result<Self> {
        let names: Vec<ExternalIdInput> =
            rows.iter().flat_map(|row| [value(&row.external_id), value(&row.reports_to)]).flatten().collect();
        let by_external: HashMap<(String, String), ContactId> = named(&write.tx, viewer, ContactId::PREFIX, &names)
            .await?
            .into_iter()
            .map(|(name, id)| (name, ContactId(id)))
            .collect();
        let mut ids: Vec<ContactId> = by_external.values().copied().collect();
        let (mut at_email, mut emails, mut at_name, mut folded) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for identity in identities.iter().flatten() {
            match identity {
                Identity::Id(id) => ids.push(*id),
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
            .add(is_any_of(&write.tx, contact::Column::Id, ids))
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
            // Every call locks in the same order, so that concurrent calls do not deadlock.
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

    /// Returns the existing contact that a row matches.
    ///
    /// # Errors
    /// The code and message of a fault if the key matches several contacts, or one that the caller does not see.
    fn of(&self, identity: &Identity) -> Result<Option<&contact::Model>, (UserErrorCode, String)> {
        let mut found: Vec<&contact::Model> = match identity {
            Identity::Id(id) => {
                let found = self.rows.get(id).filter(|_| self.seen.contains(id));
                let Some(found) = found else {
                    return Err((UserErrorCode::NotFound, "There is no contact with this id.".to_owned()));
                };
                vec![found]
            }
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
                format!("{} contacts of this account have this {what}: add an external id to the row.", found.len());
            return Err((UserErrorCode::Conflict, message));
        }
        let found = found.pop();
        if found.is_some_and(|found| !self.seen.contains(&found.id)) {
            return Err((UserErrorCode::Taken, "Another contact has this key.".to_owned()));
        }
        Ok(found)
    }
}

/// Executes `upsertContacts`.
pub async fn upsert(ctx: &RequestContext, input: UpsertContactsInput) -> Result<UpsertPayload> {
    let (rows, malformed) = MalformedRows::separate(input.rows);
    Ok(malformed.report(upsert_rows(ctx, rows, input.dry_run.unwrap_or_default()).await?.commit().await?))
}

/// Writes rows in one transaction, which is to be committed, or none in a dry run.
///
/// # Errors
/// The database's, and a userError of the call where there are too many rows.
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<ContactRowInput>, dry_run: bool) -> Result<Upsert<'_>> {
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    let lines = rows.iter().any(|row| row.reports_to.is_value());
    if lines {
        write.lock_exclusive(line::TOPIC).await?;
    }
    if rows.iter().any(|row| row.id.is_none() && !row.external_id.is_value()) {
        write.lock_exclusive(NAMELESS).await?;
    }

    // Everything that the rows refer to is read once for all rows.
    let references: Vec<AccountRefInput> = rows.iter().filter_map(|row| value(&row.account)).collect();
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

    let mut keys = DuplicateKeys::default();
    let mut done: Vec<CheckedRow<contact::Model>> = Vec::with_capacity(rows.len());
    for (index, ((mut check, identity), (row, account))) in
        checks.into_iter().zip(&identities).zip(rows.iter().zip(accounts)).enumerate()
    {
        let Some(identity) = identity else {
            done.push(CheckedRow::failed(check));
            continue;
        };
        let before = match present.of(identity) {
            Ok(before) => before.cloned(),
            // The rest of the row cannot be checked without knowing its contact.
            Err((code, message)) => {
                check.fault(code, identity.field(), message);
                done.push(CheckedRow::failed(check));
                continue;
            }
        };
        if let (Some(id), Some(external)) = (&row.id, row.external_id.value()) {
            let by_key = present.by_external.get(&external_key(external)).copied();
            target_of(&mut check, Some(id), ("externalId", by_key), |id| present.seen.contains(&id));
        }
        check.version(row.if_version, before.as_ref().map_or(0, |before| before.version));
        let key = before.as_ref().map_or_else(|| identity.key(), |before| ("id".to_owned(), before.id.show()));
        keys.note(&mut check, index, identity.field(), key);
        let given = row.id.as_ref().and(row.external_id.value()).map(|external| {
            let (source, id) = external_key(external);
            Identity::External(source, id).key()
        });
        keys.note_given(&mut check, index, given);
        let after = changed(ctx, viewer, &mut check, row, account, before.as_ref());
        not_erased(viewer, &marks, &mut check, identity, before.as_ref(), &after);
        let row = CheckedRow::of(check, before, after);
        // A later row that is matched by address or name must not create the same contact again.
        for other in row.after.iter().flat_map(Identity::within_account) {
            keys.also(index, other.key());
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
    resolve_lines(&rows, &present, &above, &mut done);

    let gone: Vec<ContactId> = done.iter().filter_map(moved).collect();
    let seen_to: Vec<ContactId> = done.iter().filter_map(|row| Some(row.after.as_ref()?.id)).collect();
    let mut acquaintances = Acquaintances::default();
    for row in &done {
        if let Some(after) = &row.after {
            acquaintances.note(&write, row.before.as_ref(), after);
        }
    }
    let payload = save(&mut write, done, dry_run).await?;
    if !dry_run {
        acquaintances.save(&write).await?;
        line::release(&mut write, &gone, &seen_to).await?;
    }
    Upsert::of(write, payload, dry_run).await
}

/// Returns the id of the contact if the row moves it to another account.
fn moved(row: &CheckedRow<contact::Model>) -> Option<ContactId> {
    let (before, after) = (row.before.as_ref()?, row.after.as_ref()?);
    (before.account_id != after.account_id).then_some(after.id)
}

/// Applies a row to its contact, except for the reporting line.
fn changed(
    ctx: &RequestContext,
    viewer: &Viewer,
    check: &mut Validator,
    row: &ContactRowInput,
    account: Option<&account::Model>,
    before: Option<&contact::Model>,
) -> contact::Model {
    let ContactRowInput {
        id: _,
        if_version: _,
        archived,
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
            check.fault(UserErrorCode::Required, "account", "A new contact must have an account.");
        }
        (None, Some(_)) if reference.is_null() => {
            check.fault(UserErrorCode::Required, "account", "A contact must have an account.");
        }
        (None, _) => {}
    }
    if before.is_none() && !name.is_value() {
        check.fault(UserErrorCode::Required, "name", "A new contact must have a name.");
    }
    if let Some(archived) = *archived {
        after.archived_at = archived.then(|| after.archived_at.unwrap_or(ctx.now));
    }
    // The missing name of a new contact is reported above.
    let name = if before.is_none() && name.is_null() { &MaybeUndefined::Undefined } else { name };
    Changes { name, title, department, email, phone, buying_role, relationship, do_not_contact }
        .apply(check, &mut after);
    // A row that repeats the present relationship confirms nothing: an import of an unchanged file changes nothing.
    let level = before.map_or(contact::RelationshipLevel::Unknown, |before| before.relationship);
    if after.relationship != level {
        after.relationship_set_at = Some(ctx.now);
    }
    if let Some(external) = value(external_id) {
        let key = check.external_key("externalId", &external);
        check.add_external_id("externalId", &mut after.external_ids, key);
    }
    check.merge_custom_fields("customFields", custom_fields, &mut after.custom_fields);
    after
}

/// Notes a fault if a row would restore an erased person: by their external id, or by an address that the contact did
/// not have before.
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
        check.fault(
            UserErrorCode::Conflict,
            "externalId",
            "The person with this external id was permanently erased and cannot be imported again.",
        );
        return;
    }
    if let Some(email) = &after.email
        && before.and_then(|before| before.email.as_ref()) != Some(email)
        && marks.have(viewer, Trace::Email(email))
    {
        check.fault(
            UserErrorCode::Conflict,
            "email",
            "The person with this address was permanently erased and cannot be imported again.",
        );
    }
}

/// Resolves whom the rows report to among the existing contacts and the rows of this call. A row that fails keeps its
/// previous reporting line, which may make another row fail, so this repeats until no row fails.
fn resolve_lines(
    rows: &[ContactRowInput],
    present: &Present,
    above: &HashMap<ContactId, Option<ContactId>>,
    done: &mut [CheckedRow<contact::Model>],
) {
    loop {
        let faults = faults(rows, present, above, done);
        if faults.is_empty() {
            return;
        }
        for (index, check) in faults {
            done[index] = CheckedRow::failed(check);
        }
    }
}

/// Sets whom the valid rows report to, and returns the faults found. In a cycle, the last row fails.
fn faults(
    rows: &[ContactRowInput],
    present: &Present,
    above: &HashMap<ContactId, Option<ContactId>>,
    done: &mut [CheckedRow<contact::Model>],
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
        let CheckedRow { before, after: Some(after), .. } = done else { continue };
        after.reports_to_id = match &row.reports_to {
            MaybeUndefined::Null => None,
            // The two worked at the same account before, but either may have moved.
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
                        check.invalid("reportsTo", "A contact must report to a contact of the same account.");
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
        if row.reports_to.is_value() && line::is_in_cycle(&above, after.id) {
            let mut check = check_row(index);
            check.invalid(
                "reportsTo",
                "That contact reports to this one, directly or indirectly: choose another contact.",
            );
            faults.push((index, check));
            above.insert(after.id, done.before.as_ref().and_then(|before| before.reports_to_id));
        }
    }
    faults
}
