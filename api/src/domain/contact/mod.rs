//! Contacts: the people at accounts, what part they play in buying there, how they see us and whom they report to.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and how its relations are read |
//! | [`list`] | filters, orderings and lists |
//! | [`mod@write`] | create, update, archive, restore |
//! | [`mod@line`] | whom they report to: always someone of the same account, never in a circle |
//! | `acquaintance` | how we stood with them when |
//! | [`erase`] | removing a person for good |
//! | [`upsert`] | many at once, from another system |

mod acquaintance;
pub mod erase;
pub mod line;
pub mod list;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, ID};
use entity::{AccountId, Columns, ContactId, Id, account, contact};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, Select};

pub use self::list::{ContactFilter, ContactsArguments, at_accounts, contacts};

use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::touch::{self, Touch};
use crate::error::Result;
use crate::graphql::pagination::{Connection, PageArguments, connection};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::external_ids::{ExternalId, shown};
use crate::write::validator::Validator;
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A contact.
#[derive(Clone, Debug)]
pub struct Contact(pub contact::Model);

impl From<contact::Model> for Contact {
    fn from(row: contact::Model) -> Self {
        Self(row)
    }
}

/// What part a person plays in buying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::contact::BuyingRole")]
pub enum BuyingRole {
    /// Decides.
    DecisionMaker,
    /// Is listened to.
    Influencer,
    /// Is concerned by what is bought.
    Stakeholder,
    /// Wants us in.
    Champion,
    /// Keeps the door.
    Gatekeeper,
    /// Will use what is bought.
    EndUser,
    /// Anything else.
    Other,
}

/// How the person sees us: the way from unknown to trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::contact::RelationshipLevel")]
pub enum RelationshipLevel {
    /// Not at all.
    Unknown,
    /// Knows us.
    Known,
    /// Values us.
    Valued,
    /// Trusts us.
    Trusted,
}
graphql_enum! { contact::BuyingRole as BuyingRole, contact::RelationshipLevel as RelationshipLevel }

object! {
    /// A person at an account.
    Contact as "Contact" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<ContactId> = plain(|contact| NodeId(contact.0.id));
        /// Where they work.
        account: Account = by_key(|contact| contact.0.account_id, Account::resolve_required);
        /// The name; "Erased person" once they were erased.
        name: &str = plain(|contact| &contact.0.name);
        /// The job.
        title: Option<&str> = plain(|contact| contact.0.title.as_deref());
        /// The department.
        department: Option<&str> = plain(|contact| contact.0.department.as_deref());
        /// The e-mail address, lower-cased; people may share one.
        email: Option<&str> = plain(|contact| contact.0.email.as_deref());
        /// The telephone number, as given.
        phone: Option<&str> = plain(|contact| contact.0.phone.as_deref());
        /// What part they play in buying.
        buyingRole: Option<contact::BuyingRole> = plain(|contact| contact.0.buying_role);
        /// How they see us.
        relationship: contact::RelationshipLevel = plain(|contact| contact.0.relationship);
        /// Whom they report to, at the same account.
        reportsTo: Option<Contact> = by_key(|contact| contact.0.reports_to_id, Contact::resolve);
        /// The latest touch that was made in which they took part.
        lastTouch: Option<Touch> = batch(touch::list::last_of_contacts);
        /// The touches in which they take part, the newest first.
        touches(PageArguments): Connection<Touch> = batch(touch::list::of_contacts);
        /// Asked not to be contacted.
        doNotContact: bool = plain(|contact| contact.0.do_not_contact);
        /// Other systems' names for them.
        externalIds: Vec<ExternalId> = plain(|contact| shown(&contact.0.external_ids));
        /// What the organization keeps beyond these fields: a JSON object.
        customFields: Json<&str> = plain(|contact| Json(contact.0.custom_fields.as_str()));
        /// When it was made.
        createdAt: entity::Instant = plain(|contact| contact.0.created_at);
        /// When it last changed.
        updatedAt: entity::Instant = plain(|contact| contact.0.updated_at);
        /// When it was archived, where it was.
        archivedAt: Option<entity::Instant> = plain(|contact| contact.0.archived_at);
        /// When the person was erased for good, where they were.
        erasedAt: Option<entity::Instant> = plain(|contact| contact.0.erased_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|contact| contact.0.version);
    }
}
connection!(Contact as "Contact");

payload! {
    /// A contact, or what is to be mended.
    ContactPayload as "ContactPayload" {
        /// The contact as it is now; null where there are userErrors.
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

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    // A fact that tells who somebody is belongs into `erase::PERSONAL` too.
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

impl Viewer {
    /// The contacts of the accounts that they see.
    #[must_use]
    pub fn contacts(&self) -> Select<contact::Entity> {
        self.rows(contact::Column::AccountId)
    }

    /// The contact that an input names for something of an account: seen, not erased, and of that same account.
    ///
    /// # Errors
    /// The database's.
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
    /// Contacts by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, Self>> {
        ctx.fetch_by_ids(ctx.viewer()?.contacts(), contact::Column::Id, Columns::ALL, ids, |row| row.id).await
    }

    /// Resolves the contact of each id that is known to exist and to be visible.
    ///
    /// # Errors
    /// A defect, if one is not found.
    pub async fn resolve_required(field: &FieldContext<'_>, ids: &[ContactId]) -> Result<Batch<Self>> {
        let ids: Vec<Option<ContactId>> = ids.iter().copied().map(Some).collect();
        field.required(Self::resolve(field, &ids).await?)
    }

    /// Resolves the contact of each id: null without an id, and where the viewer sees none.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<ContactId>]) -> Result<Batch<Option<Self>>> {
        field
            .fetch_by_ids::<_, _, Self>(field.request.viewer()?.contacts(), contact::Column::Id, ids, |row| row.id)
            .await
    }
}
