//! Contacts.

use super::{Prepared, ReadContext, Reader, addresses, external_id_text, given, name_of, with_line_feeds};
use crate::import::{
    bind::Binding,
    map::Mapping,
    presets::Field,
    read::Record,
    target::{AccountRefInput, BuyingRole, ContactRowInput, MaybeUndefined, RelationshipLevel, UserErrorCode},
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
pub fn contact(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<ContactRowInput> {
    let mut reader = Reader::new(context, binding, record);
    let name = reader.person_name();
    let email = reader.email(Field::Email);
    let key = key_of(context.mapping, binding, record);
    let external_id = key.as_deref().map(|id| reader.external(id));
    if external_id.is_none() {
        reader.fault(UserErrorCode::Required, Field::Name.name(), "has neither an id nor a name".to_owned());
    }
    let related = external_id
        .as_ref()
        .filter(|_| reader.cell(Field::AccountId).is_none())
        .and_then(|id| context.relations.get(&id.id));
    let account = match related {
        Some(account) => MaybeUndefined::Value(AccountRefInput::ExternalId(reader.external(account))),
        None => reader.account_or_default(),
    };
    let reports_to = reader.external_id(Field::ReportsTo);
    let row = ContactRowInput {
        external_id: given(external_id),
        account,
        name,
        title: reader.text(Field::Title),
        department: reader.text(Field::Department),
        email,
        phone: reader.text(Field::Phone),
        buying_role: reader.word(Field::BuyingRole, BUYING_ROLES),
        relationship: reader.word(Field::Relationship, RELATIONSHIPS),
        reports_to: given(reports_to),
        do_not_contact: reader.yes(Field::DoNotContact),
        custom_fields: reader.custom(),
        ..ContactRowInput::default()
    };
    reader.finish(file, key, Some(row))
}

/// Returns the key of a contact.
pub(super) fn key_of(mapping: &Mapping, binding: &Binding, record: &Record) -> Option<String> {
    if let Some((_, id)) = binding.cell(record, Field::Id) {
        return Some(external_id_text(mapping, id));
    }
    let email = binding.cell(record, Field::Email).and_then(|(_, cell)| addresses(cell).into_iter().next());
    let id = email.map(|email| email.to_lowercase()).or_else(|| name_of(binding, record))?;
    Some(external_id_text(mapping, &with_line_feeds(&id)))
}
