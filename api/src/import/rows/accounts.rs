//! Accounts.

use super::{Prepared, ReadContext, Reader, external, given};
use crate::import::{
    bind::Binding,
    map::Mapping,
    presets::Field,
    read::Record,
    target::{AccountRefInput, AccountRowInput, ExternalIdInput, MaybeUndefined, UserErrorCode},
};

/// Reads an account. Its key is its id, else its name, else its domain.
#[must_use]
pub fn account(context: &ReadContext, binding: &Binding, file: usize, record: &Record) -> Prepared<AccountRowInput> {
    let mut reader = Reader::new(context, binding, record);
    let external_id = external_of(context.mapping, binding, record);
    let name = reader.text(Field::Name);
    let domain = reader.text(Field::Domain);
    let key = key_of(context.mapping, binding, record);
    if key.is_none() {
        reader.fault(UserErrorCode::Required, Field::Name.name(), "has neither an id nor a name".to_owned());
    }
    let parent = parent(&mut reader);
    let row = AccountRowInput {
        external_id: given(external_id),
        name,
        domain,
        industry: reader.text(Field::Industry),
        employees: reader.whole(Field::Employees),
        annual_revenue: reader.amount(Field::AnnualRevenue),
        country: reader.text(Field::Country),
        city: reader.text(Field::City),
        phone: reader.text(Field::Phone),
        description: reader.text(Field::Description),
        potential: reader.amount(Field::Potential),
        owner_email: reader.owner(),
        parent,
        custom_fields: reader.custom(),
        ..AccountRowInput::default()
    };
    reader.finish(file, key, Some(row))
}

/// Returns the key of an account.
pub(super) fn key_of(mapping: &Mapping, binding: &Binding, record: &Record) -> Option<String> {
    if let Some(id) = external_of(mapping, binding, record) {
        return Some(format!("id {}", id.id));
    }
    let (_, domain) = binding.cell(record, Field::Domain)?;
    Some(format!("domain {}", domain.to_lowercase()))
}

/// Returns the id of an account's record, or its name where it has none.
#[must_use]
pub fn external_of(mapping: &Mapping, binding: &Binding, record: &Record) -> Option<ExternalIdInput> {
    let (_, id) = binding.cell(record, Field::Id).or_else(|| binding.cell(record, Field::Name))?;
    Some(external(mapping, id))
}

fn parent(reader: &mut Reader) -> MaybeUndefined<AccountRefInput> {
    if let Some(id) = reader.external_id(Field::ParentId) {
        return MaybeUndefined::Value(AccountRefInput::ExternalId(id));
    }
    let context = reader.context;
    reader.read(Field::ParentName, |name| context.account_named(name))
}
