//! Contacts: the people at accounts, with their buying roles, their relationships to the organization and their
//! reporting lines.
//!
//! | Module | Contents |
//! |---|---|
//! | this one | the type and its relations |
//! | [`list`] | filters, orderings and lists |
//! | [`mod@write`] | create, update, archive, restore |
//! | [`mod@line`] | reporting lines: within one account and without cycles |
//! | `acquaintance` | the history of the facts that presence depends on |
//! | [`erase`] | permanent erasure of a person |
//! | [`upsert`] | bulk upsert from another system |

mod acquaintance;
pub mod erase;
pub mod line;
pub mod list;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, OneofObject};
use entity::{AccountId, Columns, ContactId, Id, account, contact};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, Select};

pub use self::list::{ContactsArguments, at_accounts, contacts};

use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::account::list::by_external_id;
use crate::domain::touch::{self, Touch};
use crate::error::Result;
use crate::graphql::pagination::{Connection, PageArguments, connection};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::external_ids::{ExternalId, ExternalIdInput, shown};
use crate::write::validator::Validator;
use crate::write::{AuditedRow, Snapshot, archiving, audited, snapshot, stored_json};

/// A contact.
#[derive(Clone, Debug)]
pub struct Contact(pub contact::Model);

impl From<contact::Model> for Contact {
    fn from(row: contact::Model) -> Self {
        Self(row)
    }
}

/// The role of a person in buying decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::contact::BuyingRole")]
pub enum BuyingRole {
    /// Makes the decision.
    DecisionMaker,
    /// Influences the decision.
    Influencer,
    /// Is affected by what is bought.
    Stakeholder,
    /// Advocates for the organization.
    Champion,
    /// Controls access to the people who decide.
    Gatekeeper,
    /// Will use what is bought.
    EndUser,
    /// Any other role.
    Other,
}

/// The relationship of a person to the organization, from unknown to trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::contact::RelationshipLevel")]
pub enum RelationshipLevel {
    /// The person does not know the organization.
    Unknown,
    /// The person knows the organization.
    Known,
    /// The person values the organization.
    Valued,
    /// The person trusts the organization.
    Trusted,
}
graphql_enum! { contact::BuyingRole as BuyingRole, contact::RelationshipLevel as RelationshipLevel }

object! {
    /// A person at an account.
    Contact as "Contact" Node {
        /// The opaque identifier, prefixed with the type and increasing with the time of creation.
        id: NodeId<ContactId> = plain(|contact| NodeId(contact.0.id));
        /// The account where the person works.
        account: Account = by_key(|contact| contact.0.account_id, Account::resolve_required);
        /// The name; "Erased person" once the person is erased.
        name: &str = plain(|contact| &contact.0.name);
        /// The job title; null if unknown.
        title: Option<&str> = plain(|contact| contact.0.title.as_deref());
        /// The department; null if unknown.
        department: Option<&str> = plain(|contact| contact.0.department.as_deref());
        /// The e-mail address in lower case; null if unknown. Two contacts may have the same address.
        email: Option<&str> = plain(|contact| contact.0.email.as_deref());
        /// The telephone number as entered; null if unknown.
        phone: Option<&str> = plain(|contact| contact.0.phone.as_deref());
        /// The role in buying decisions; null if unknown.
        buyingRole: Option<contact::BuyingRole> = plain(|contact| contact.0.buying_role);
        /// The relationship of the person to the organization.
        relationship: contact::RelationshipLevel = plain(|contact| contact.0.relationship);
        /// The time at which the relationship was last set or confirmed; null if it never was, or was before this was recorded.
        relationshipSetAt: Option<entity::Instant> = plain(|contact| contact.0.relationship_set_at);
        /// The contact of the same account to whom the person reports; null if there is none.
        reportsTo: Option<Contact> = by_key(|contact| contact.0.reports_to_id, Contact::resolve);
        /// The latest completed touch in which the person took part; null if there is none.
        lastTouch: Option<Touch> = batch(touch::list::last_of_contacts);
        /// The earliest scheduled touch from now on in which the person is to take part; null if there is none.
        nextTouch: Option<Touch> = batch(touch::list::next_of_contacts);
        /// The touches in which the person takes part, newest first.
        touches(PageArguments): Connection<Touch> = batch(touch::list::of_contacts);
        /// The promises made to the person, at most 500, earliest due day first.
        promises(crate::domain::promise::list::OpenArguments): Vec<crate::domain::promise::ClientPromise> = by_key(|contact| contact.0.id, crate::domain::promise::list::of_contacts);
        /// The contacts who report to the person, ordered by id, at most 500. Archived contacts are left out.
        directReports: Vec<Contact> = by_key(|contact| contact.0.id, list::reporting_to);
        /// How the relationship with the person is to be developed by plans that are not closed, ordered by id, at most
        /// 500.
        plannedRelationships: Vec<crate::domain::plan::relationship::PlannedRelationship> = by_key(|contact| contact.0.id, crate::domain::plan::relationship::of_contacts);
        /// The changes to the contact that the caller sees, newest first.
        history(crate::domain::event::EventsArguments): Connection<crate::domain::event::Event> = by_key(|contact| contact.0.id, crate::domain::event::of_contacts);
        /// Whether the person asked not to be contacted.
        doNotContact: bool = plain(|contact| contact.0.do_not_contact);
        /// The identifiers of the contact in other systems.
        externalIds: Vec<ExternalId> = plain(|contact| shown(&contact.0.external_ids));
        /// Additional fields of the organization, as a JSON object.
        customFields: Json<&str> = plain(|contact| Json(contact.0.custom_fields.as_str()));
        /// The time at which the contact was created.
        createdAt: entity::Instant = plain(|contact| contact.0.created_at);
        /// The time of the contact's last change.
        updatedAt: entity::Instant = plain(|contact| contact.0.updated_at);
        /// The time at which the contact was archived; null if it is not archived.
        archivedAt: Option<entity::Instant> = plain(|contact| contact.0.archived_at);
        /// The time at which the person was permanently erased; null if they were not.
        erasedAt: Option<entity::Instant> = plain(|contact| contact.0.erased_at);
        /// The number of writes so far, 1 on creation. Pass it as `ifVersion` to detect concurrent changes.
        version: i32 = plain(|contact| contact.0.version);
    }
}
connection!(Contact as "Contact");

payload! {
    /// The result of a mutation of a contact.
    ContactPayload as "ContactPayload" {
        /// The contact after the mutation; null if there are `userErrors`.
        contact(contact): Contact,
    }
}

impl ContactPayload {
    fn of(row: contact::Model) -> Self {
        Self { contact: Some(Contact(row)), ..Self::default() }
    }
}

impl AuditedRow for contact::Model {
    audited!(contact, ContactId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn change_name(&self, after: &Self) -> &'static str {
        archiving(self.archived_at, after.archived_at)
    }

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    // A field that identifies the person must also be listed in `erase::PERSONAL`.
    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            name,
            name_key: _,
            title,
            title_key: _,
            department,
            email,
            phone,
            buying_role,
            relationship,
            relationship_set_at,
            reports_to_id,
            do_not_contact,
            external_ids,
            custom_fields,
            created_at,
            updated_at: _,
            archived_at,
            erased_at,
            version: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "name": name,
            "title": title,
            "department": department,
            "email": email,
            "phone": phone,
            "buyingRole": buying_role.map(contact::BuyingRole::word),
            "relationship": relationship.word(),
            "relationshipSetAt": relationship_set_at,
            "reportsToId": reports_to_id,
            "doNotContact": do_not_contact,
            "externalIds": stored_json(external_ids),
            "customFields": stored_json(custom_fields),
            "createdAt": created_at,
            "archivedAt": archived_at,
            "erasedAt": erased_at,
        }
    }
}

/// A reference to a contact. Exactly one field must be given.
#[derive(Clone, Debug, PartialEq, Eq, OneofObject)]
pub enum ContactRefInput {
    /// The contact with this id.
    Id(ID),
    /// The contact with this identifier in another system.
    ExternalId(ExternalIdInput),
}

/// Arguments of `contact`.
#[derive(Clone, Debug, InputObject)]
pub struct OneContactArguments {
    /// The reference to the contact.
    pub by: ContactRefInput,
}

/// Resolves `Query.contact`.
pub async fn one(field: &FieldContext<'_>, arguments: OneContactArguments) -> Result<Option<Contact>> {
    let viewer = field.request.viewer()?;
    let select = match arguments.by {
        ContactRefInput::Id(id) => match ContactId::parse(&id) {
            Ok(id) => viewer.contacts().filter(contact::Column::Id.eq(id)),
            Err(_) => return Ok(None),
        },
        ContactRefInput::ExternalId(external) => {
            by_external_id(viewer, viewer.contacts(), ContactId::PREFIX, contact::Column::Id, &external)
        }
    };
    field.one(select, &[]).await
}

impl Viewer {
    /// Returns the contacts of the accounts that the viewer sees.
    #[must_use]
    pub fn contacts(&self) -> Select<contact::Entity> {
        self.rows(contact::Column::AccountId)
    }

    /// Returns the id of the contact that an input names for something at an account. Notes a fault unless the viewer
    /// sees the contact, it works at that account and it is not erased.
    pub async fn contact_at<C: ConnectionTrait>(
        &self,
        connection: &C,
        check: &mut Validator,
        field: &str,
        id: &ID,
        account: &account::Model,
    ) -> Result<Option<ContactId>> {
        let Some(id) = check.id::<ContactId>(field, id) else { return Ok(None) };
        let seen = self.contacts().filter(contact::Column::Id.eq(id)).filter(contact::Column::ErasedAt.is_null());
        match seen.one(connection).await? {
            None => check.not_found(field, "contact"),
            Some(person) if person.account_id != account.id => {
                check.invalid(field, format!("{} does not work at {}.", person.name, account.name));
            }
            Some(_) => return Ok(Some(id)),
        }
        Ok(None)
    }
}

impl Contact {
    /// Returns the contacts with these ids that the viewer sees.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no viewer.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, Self>> {
        ctx.fetch_by_ids(ctx.viewer()?.contacts(), contact::Column::Id, Columns::ALL, ids, |row| row.id).await
    }

    /// Resolves the contact of each id: null without an id, or if the viewer does not see it.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<ContactId>]) -> Result<Batch<Option<Self>>> {
        field
            .fetch_by_ids::<_, _, Self>(field.request.viewer()?.contacts(), contact::Column::Id, ids, |row| row.id)
            .await
    }
}
