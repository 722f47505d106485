//! Contacts.

use super::{Prepared, ReadContext, Reader, maybe};
use crate::import::{
    bind::Binding,
    presets::Field,
    read::Record,
    target::{AccountRef, BuyingRole, ContactRow, MaybeUndefined, RelationshipLevel, UserErrorCode},
};

const BUYING_ROLES: &[(&str, BuyingRole)] = &[
    ("DECISION_MAKER", BuyingRole::DecisionMaker),
    ("INFLUENCER", BuyingRole::Influencer),
    ("STAKEHOLDER", BuyingRole::Stakeholder),
    ("CHAMPION", BuyingRole::Champion),
    ("GATEKEEPER", BuyingRole::Gatekeeper),
    ("END_USER", BuyingRole::EndUser),
    ("OTHER", BuyingRole::Other),
];

const RELATIONSHIPS: &[(&str, RelationshipLevel)] = &[
    ("UNKNOWN", RelationshipLevel::Unknown),
    ("KNOWN", RelationshipLevel::Known),
    ("VALUED", RelationshipLevel::Valued),
    ("TRUSTED", RelationshipLevel::Trusted),
];

/// Reads a contact. Its key is its id, else its e-mail address, else its name.
#[must_use]
pub fn contact(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<ContactRow> {
    let mut reader = Reader::new(context, binding, record);
    let name = reader.person_name();
    let email = reader.email(Field::Email);
    let external_id = reader.external_id(Field::Id).or_else(|| match (&email, &name) {
        (MaybeUndefined::Value(email), _) => Some(reader.external(&email.to_lowercase())),
        (_, MaybeUndefined::Value(name)) => Some(reader.external(name)),
        _ => None,
    });
    if external_id.is_none() {
        reader.fault(UserErrorCode::Required, Field::Name.name(), "has neither an id nor a name".to_owned());
    }
    let related = external_id
        .as_ref()
        .filter(|_| reader.cell(Field::AccountId).is_none())
        .and_then(|id| context.relations.get(&id.id));
    let account = match related {
        Some(account) => MaybeUndefined::Value(AccountRef::ExternalId(reader.external(account))),
        None => reader.account_or_default(),
    };
    let reports_to = reader.external_id(Field::ReportsTo);
    let after = reports_to.as_ref().map(|id| id.id.clone());
    let key = external_id.as_ref().map(|id| id.id.clone());
    let row = ContactRow {
        external_id: maybe(external_id),
        account,
        name,
        title: reader.text(Field::Title),
        department: reader.text(Field::Department),
        email,
        phone: reader.text(Field::Phone),
        buying_role: reader.word(Field::BuyingRole, BUYING_ROLES),
        relationship: reader.word(Field::Relationship, RELATIONSHIPS),
        reports_to: maybe(reports_to),
        do_not_contact: reader.yes(Field::DoNotContact),
        custom_fields: reader.custom(),
    };
    reader.finish(file, key, after, Some(row))
}
