//! Creating, changing, archiving and restoring contacts. Everyone who sees the account may do so.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{AccountId, ContactId, Day, Id, Instant, contact};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::acquaintance::Acquaintances;
use super::{BuyingRole, ContactPayload, RelationshipLevel, line};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::write::not_archived;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::Json;
use crate::values::text::{email as address, fold};
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{NAME, Validator};

/// A new contact.
#[derive(Clone, Debug, InputObject)]
pub struct CreateContactInput {
    /// The id of the account where the person works. It must not be archived.
    pub account_id: ID,
    /// The name: 1 to 200 characters.
    pub name: String,
    /// The job title: up to 200 characters.
    pub title: Option<String>,
    /// The department: up to 200 characters.
    pub department: Option<String>,
    /// The e-mail address. Two contacts may have the same one.
    pub email: Option<String>,
    /// The telephone number: up to 200 characters.
    pub phone: Option<String>,
    /// The role in buying decisions.
    pub buying_role: Option<BuyingRole>,
    /// The relationship of the person to the organization.
    #[graphql(default_with = "Some(RelationshipLevel::Unknown)")]
    pub relationship: Option<RelationshipLevel>,
    /// The id of the contact of the same account to whom the person reports.
    pub reports_to_id: Option<ID>,
    /// Whether the person asked not to be contacted.
    #[graphql(default_with = "Some(false)")]
    pub do_not_contact: Option<bool>,
    /// The identifiers in other systems: at most one per source and 20 in total.
    pub external_ids: Option<Vec<ExternalIdInput>>,
    /// Additional fields: a JSON object of at most 20,000 bytes.
    pub custom_fields: Option<Json<String>>,
}

/// A change to a contact. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateContactInput {
    /// The id of the contact. An erased contact cannot be changed.
    pub id: ID,
    /// The id of the account where the person works now. The caller must see it, and it must not be archived. A contact
    /// who moves leaves the reporting line: `reportsTo` becomes null unless reportsToId names a contact of the new
    /// account, and contacts who stay no longer report to them. Touches stay with the account where they took place.
    pub account_id: MaybeUndefined<ID>,
    /// The name: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// The job title: up to 200 characters.
    pub title: MaybeUndefined<String>,
    /// The department: up to 200 characters.
    pub department: MaybeUndefined<String>,
    /// The e-mail address. Two contacts may have the same one.
    pub email: MaybeUndefined<String>,
    /// The telephone number: up to 200 characters.
    pub phone: MaybeUndefined<String>,
    /// The role in buying decisions.
    pub buying_role: MaybeUndefined<BuyingRole>,
    /// The relationship of the person to the organization. Naming the present one confirms it: it counts as known for
    /// another 365 days, unless it was already set on the same day of the organization.
    pub relationship: MaybeUndefined<RelationshipLevel>,
    /// The id of the contact of the same account to whom the person reports: not the person, nor one who reports to
    /// them directly or indirectly.
    pub reports_to_id: MaybeUndefined<ID>,
    /// Whether the person asked not to be contacted.
    pub do_not_contact: MaybeUndefined<bool>,
    /// The identifiers in other systems: at most one per source and 20 in total. They replace the present ones.
    pub external_ids: MaybeUndefined<Vec<ExternalIdInput>>,
    /// Additional fields: a JSON object of at most 20,000 bytes. It replaces the present one.
    pub custom_fields: MaybeUndefined<Json<String>>,
    /// The expected version. The change fails with STALE_VERSION if the contact has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A contact to archive.
    ArchiveContactInput {
        /// The id of the contact.
        id,
        /// The expected version. The change fails with STALE_VERSION if the contact has another version.
        if_version
    }
}

node_input! {
    /// A contact to restore.
    RestoreContactInput {
        /// The id of the contact.
        id,
        /// The expected version. The change fails with STALE_VERSION if the contact has another version.
        if_version
    }
}

node_input! {
    /// A contact to erase.
    EraseContactInput {
        /// The id of the contact.
        id,
        /// The expected version. The change fails with STALE_VERSION if the contact has another version.
        if_version
    }
}

/// The fields of a contact that an input or a row of an upsert can change, without the account and the reporting line.
pub(super) struct Changes<'a> {
    pub name: &'a MaybeUndefined<String>,
    pub title: &'a MaybeUndefined<String>,
    pub department: &'a MaybeUndefined<String>,
    pub email: &'a MaybeUndefined<String>,
    pub phone: &'a MaybeUndefined<String>,
    pub buying_role: &'a MaybeUndefined<BuyingRole>,
    pub relationship: &'a MaybeUndefined<RelationshipLevel>,
    pub do_not_contact: &'a MaybeUndefined<bool>,
}

impl Changes<'_> {
    /// Validates the changes and applies them to `to`.
    pub(super) fn apply(&self, check: &mut Validator, to: &mut contact::Model) {
        let Self { name, title, department, email, phone, buying_role, relationship, do_not_contact } = self;
        check.change_required("name", name, NAME, &mut to.name);
        check.change("title", title, NAME, &mut to.title);
        check.change("department", department, NAME, &mut to.department);
        check.change_with("email", email, &mut to.email, |check, field, text: String| match address(&text) {
            Ok(email) => Some(email),
            Err(message) => {
                check.invalid(field, message);
                None
            }
        });
        check.change("phone", phone, NAME, &mut to.phone);
        check.change_with("buyingRole", buying_role, &mut to.buying_role, |_, _, role| Some(role.into()));
        check.change_set(
            "relationship",
            &(**relationship).map_value(contact::RelationshipLevel::from),
            &mut to.relationship,
        );
        check.change_set("doNotContact", do_not_contact, &mut to.do_not_contact);
        to.name_key = fold(&to.name);
        to.title_key = to.title.as_deref().map(fold);
    }
}

/// Returns whether a change of a contact sets the relationship: it is another one, or the change names the present one
/// and it was last set on an earlier day, so that a repeated mutation writes nothing. Nothing is confirmed by UNKNOWN.
pub(super) fn sets_relationship(
    before: (contact::RelationshipLevel, Option<Day>),
    after: contact::RelationshipLevel,
    named: bool,
    today: Day,
) -> bool {
    let (level, set_on) = before;
    level != after || named && after != contact::RelationshipLevel::Unknown && set_on.is_none_or(|day| day < today)
}

/// Returns a new contact without content.
pub(super) fn blank(viewer: &Viewer, now: Instant, account: AccountId) -> contact::Model {
    contact::Model {
        id: ContactId::make(),
        organization_id: viewer.organization.id,
        account_id: account,
        name: String::new(),
        name_key: String::new(),
        title: None,
        title_key: None,
        department: None,
        email: None,
        phone: None,
        buying_role: None,
        relationship: contact::RelationshipLevel::Unknown,
        relationship_set_at: None,
        reports_to_id: None,
        do_not_contact: false,
        external_ids: "[]".to_owned(),
        custom_fields: "{}".to_owned(),
        created_at: now,
        updated_at: now,
        archived_at: None,
        erased_at: None,
        version: 0,
    }
}

/// Returns a contact that the caller sees, locked for a change. Fails at `field` if there is none.
pub(super) async fn seen(viewer: &Viewer, write: &Write<'_>, field: &[&str], id: &ID) -> Result<contact::Model> {
    let found = match ContactId::parse(id) {
        Ok(id) => viewer.contacts().filter(contact::Column::Id.eq(id)).lock_exclusive().one(&write.tx).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Error::refused(UserErrorCode::NotFound, field, "There is no contact with this id."))
}

/// Checks that a contact is not erased.
fn not_erased(contact: &contact::Model, field: &[&str]) -> Result<()> {
    match contact.erased_at {
        Some(_) => Err(Error::refused(
            UserErrorCode::Conflict,
            field,
            "This person was permanently erased: create a new contact.",
        )),
        None => Ok(()),
    }
}

/// Returns the contact to whom a person at an account is to report. Notes a fault unless the viewer sees that contact
/// and it works at the same account.
async fn superior(
    viewer: &Viewer,
    write: &Write<'_>,
    check: &mut Validator,
    account: AccountId,
    id: &ID,
) -> Result<Option<ContactId>> {
    let Some(id) = check.id::<ContactId>("reportsToId", id) else { return Ok(None) };
    let found = viewer.contacts().filter(contact::Column::Id.eq(id)).one(&write.tx).await?;
    match &found {
        None => check.not_found("reportsToId", "contact"),
        Some(superior) if superior.account_id != account => {
            check.invalid(
                "reportsToId",
                format!("{} works at another account: choose a contact of the same account.", superior.name),
            );
        }
        Some(_) => {}
    }
    Ok(found.map(|superior| superior.id))
}

/// Executes `createContact`.
pub async fn create(ctx: &RequestContext, input: CreateContactInput) -> Result<ContactPayload> {
    let CreateContactInput {
        account_id,
        name,
        title,
        department,
        email,
        phone,
        buying_role,
        relationship,
        reports_to_id,
        do_not_contact,
        external_ids,
        custom_fields,
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    if reports_to_id.is_some() {
        write.lock_exclusive(line::TOPIC).await?;
    }
    let account = viewer.account_for(&write.tx, &mut check, "accountId", &account_id).await?;
    // Without an account nothing is saved, but the remaining fields are still checked.
    let mut contact = blank(viewer, ctx.now, account.as_ref().map_or_else(AccountId::make, |account| account.id));
    if let Some(account) = &account {
        not_archived(&mut check, "accountId", account);
        if let Some(id) = &reports_to_id {
            contact.reports_to_id = superior(viewer, &write, &mut check, account.id, id).await?;
        }
    }
    let given = |text: Option<String>| text.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value);
    Changes {
        name: &MaybeUndefined::Value(name),
        title: &given(title),
        department: &given(department),
        email: &given(email),
        phone: &given(phone),
        buying_role: &buying_role.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value),
        relationship: &MaybeUndefined::Value(relationship.unwrap_or(RelationshipLevel::Unknown)),
        do_not_contact: &MaybeUndefined::Value(do_not_contact.unwrap_or_default()),
    }
    .apply(&mut check, &mut contact);
    if contact.relationship != contact::RelationshipLevel::Unknown {
        contact.relationship_set_at = Some(write.at);
    }
    let names = external_ids.as_deref().unwrap_or_default();
    contact.external_ids = check.external_ids("externalIds", names);
    if let Some(Json(json)) = &custom_fields {
        contact.custom_fields = check.custom_fields("customFields", json);
    }
    check.require_unique(&write, ContactId::PREFIX, contact.id.uuid(), names, None).await?;
    check.finish()?;
    let contact = write.add(contact).await?;
    Acquaintances::of(&write, None, &contact).save(&write).await?;
    write.commit().await?;
    Ok(ContactPayload::of(contact))
}

/// Executes `updateContact`.
pub async fn update(ctx: &RequestContext, input: UpdateContactInput) -> Result<ContactPayload> {
    let UpdateContactInput {
        id,
        account_id,
        name,
        title,
        department,
        email,
        phone,
        buying_role,
        relationship,
        reports_to_id,
        do_not_contact,
        external_ids,
        custom_fields,
        if_version,
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    if account_id.is_value() || reports_to_id.is_value() {
        write.lock_exclusive(line::TOPIC).await?;
    }
    let before = seen(viewer, &write, &["input", "id"], &id).await?;
    not_erased(&before, &["input", "id"])?;
    check.version(if_version, before.version);
    let mut after = before.clone();
    Changes {
        name: &name,
        title: &title,
        department: &department,
        email: &email,
        phone: &phone,
        buying_role: &buying_role,
        relationship: &relationship,
        do_not_contact: &do_not_contact,
    }
    .apply(&mut check, &mut after);
    let last = (before.relationship, before.relationship_set_at.map(|at| viewer.day(at)));
    if sets_relationship(last, after.relationship, relationship.is_value(), viewer.day(write.at)) {
        after.relationship_set_at = Some(write.at);
    }
    match &external_ids {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.external_ids = "[]".to_owned(),
        MaybeUndefined::Value(all) => after.external_ids = check.external_ids("externalIds", all),
    }
    match &custom_fields {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.custom_fields = "{}".to_owned(),
        MaybeUndefined::Value(Json(json)) => after.custom_fields = check.custom_fields("customFields", json),
    }
    match &account_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "accountId", "A contact must have an account."),
        MaybeUndefined::Value(id) => {
            if let Some(account) = viewer.account_for(&write.tx, &mut check, "accountId", id).await?
                && account.id != before.account_id
            {
                not_archived(&mut check, "accountId", &account);
                after.account_id = account.id;
                after.reports_to_id = None;
            }
        }
    }
    match &reports_to_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.reports_to_id = None,
        MaybeUndefined::Value(id) => {
            if let Some(superior) = superior(viewer, &write, &mut check, after.account_id, id).await? {
                if line::above(&write.tx, after.organization_id, &[superior]).await?.contains_key(&after.id) {
                    let message = if superior == after.id {
                        "A contact cannot report to themselves."
                    } else {
                        "That contact reports to this one, directly or indirectly: choose another contact."
                    };
                    check.invalid("reportsToId", message);
                }
                after.reports_to_id = Some(superior);
            }
        }
    }
    let names = external_ids.value().map_or(&[][..], Vec::as_slice);
    check.require_unique(&write, ContactId::PREFIX, after.id.uuid(), names, None).await?;
    check.finish()?;
    let after = write.change(&before, after).await?;
    Acquaintances::of(&write, Some(&before), &after).save(&write).await?;
    if after.account_id != before.account_id {
        line::release(&mut write, &[after.id], &[]).await?;
    }
    write.commit().await?;
    Ok(ContactPayload::of(after))
}

/// Executes `archiveContact`: removes the contact from the lists and keeps everything that belongs to it. Archiving an
/// archived contact changes nothing.
pub async fn archive(ctx: &RequestContext, input: ArchiveContactInput) -> Result<ContactPayload> {
    set_archived(ctx, &input.id, input.if_version, true).await
}

/// Archives a contact, and returns the change, which is to be committed.
///
/// # Errors
/// As `Mutation.archiveContact`.
pub async fn begin_archive(ctx: &RequestContext, input: ArchiveContactInput) -> Result<Write<'_>> {
    begin_set_archived(ctx, &input.id, input.if_version, true).await.map(|(write, _)| write)
}

/// Executes `restoreContact`: returns the contact to the lists.
pub async fn restore(ctx: &RequestContext, input: RestoreContactInput) -> Result<ContactPayload> {
    set_archived(ctx, &input.id, input.if_version, false).await
}

async fn set_archived(
    ctx: &RequestContext,
    id: &ID,
    if_version: Option<i32>,
    archived: bool,
) -> Result<ContactPayload> {
    let (write, contact) = begin_set_archived(ctx, id, if_version, archived).await?;
    write.commit().await?;
    Ok(ContactPayload::of(contact))
}

async fn begin_set_archived<'c>(
    ctx: &'c RequestContext,
    id: &ID,
    if_version: Option<i32>,
    archived: bool,
) -> Result<(Write<'c>, contact::Model)> {
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = seen(ctx.viewer()?, &write, &["input", "id"], id).await?;
    check.version(if_version, before.version);
    check.finish()?;
    if before.archived_at.is_some() == archived {
        return Ok((write, before));
    }
    not_erased(&before, &["input", "id"])?;
    let after = contact::Model { archived_at: archived.then_some(write.at), ..before.clone() };
    let after = write.change(&before, after).await?;
    Acquaintances::of(&write, Some(&before), &after).save(&write).await?;
    Ok((write, after))
}

#[cfg(test)]
mod tests {
    use contact::RelationshipLevel::{Known, Unknown, Valued};

    use super::*;

    #[test]
    fn a_relationship_is_set_by_another_one_or_confirmed_on_a_later_day() {
        for (before, after, named, expected) in [
            ((Known, Some(9)), Valued, true, true),
            ((Known, Some(10)), Valued, true, true),
            ((Known, Some(9)), Known, true, true),
            ((Known, Some(9)), Known, false, false),
            ((Known, Some(10)), Known, true, false),
            ((Known, None), Known, true, true),
            ((Known, Some(9)), Unknown, true, true),
            ((Unknown, Some(9)), Unknown, true, false),
            ((Unknown, None), Unknown, true, false),
        ] {
            let (level, set_on) = before;
            let found = sets_relationship((level, set_on.map(Day)), after, named, Day(10));
            assert_eq!(found, expected, "{before:?} {after:?} {named}");
        }
    }
}
