//! What the rows of a batch name otherwise than by its id, looked up in the organization for one batch at a time.

use std::collections::{HashMap, HashSet};

use entity::{AccountId, Id as _, account, contact, opportunity};
use sea_orm::{ColumnTrait as _, QueryFilter as _};

use super::bind::Binding;
use super::map::Mapping;
use super::presets::{Field, Kind};
use super::read::Record;
use super::rows::{external, folded, list};
use super::target::{AccountRefInput, ExternalIdInput, ImportTarget, TargetError, patiently};
use crate::context::RequestContext;
use crate::domain::upsert::named;
use crate::error::Result;
use crate::values::text::fold;
use crate::write::external_ids;
use database::columns::is_any_of;

/// What the rows of a batch name, by the lower-cased name.
#[derive(Debug, Default)]
pub struct Nearby {
    /// Accounts.
    pub accounts: HashMap<String, Vec<KnownAccount>>,
    /// Opportunities.
    pub opportunities: HashMap<String, Vec<KnownRow>>,
    /// Contacts.
    pub contacts: HashMap<String, Vec<KnownRow>>,
    /// The nouns of ids that rows name without saying what they are of.
    pub related: Related,
}

/// An account that rows name.
#[derive(Debug, Clone)]
pub struct KnownAccount {
    /// Its id here.
    pub id: AccountId,
    /// How rows refer to it.
    pub reference: AccountRefInput,
}

/// A contact or an opportunity that rows name.
#[derive(Debug, Clone)]
pub struct KnownRow {
    /// Its account.
    pub account: AccountId,
    /// How rows refer to it.
    pub handle: Handle,
}

/// How rows refer to a contact or an opportunity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handle {
    /// By an external id.
    ExternalId(ExternalIdInput),
    /// By the address of a contact.
    Email(String),
}

/// The nouns of ids that rows name without saying what they are of.
#[derive(Debug, Default)]
pub struct Related {
    /// Ids of accounts.
    pub accounts: HashSet<String>,
    /// Ids of opportunities.
    pub opportunities: HashSet<String>,
    /// Ids of contacts.
    pub contacts: HashSet<String>,
}

/// The names of a batch, by the lower-cased name.
pub type Names = HashMap<String, String>;

fn add(names: &mut Names, name: &str) {
    names.entry(folded(name)).or_insert_with(|| name.trim().to_owned());
}

/// Looks up what the rows of a batch name.
///
/// # Errors
/// [`TargetError`]
pub async fn look_up<'r>(
    target: &ImportTarget,
    mapping: &Mapping,
    kind: Kind,
    rows: impl Iterator<Item = (&'r Binding, &'r Record)>,
) -> Result<Nearby, TargetError> {
    let mut wanted = Wanted::default();
    for (binding, record) in rows {
        let cell = |field| binding.cell(record, field).map(|(_, cell)| cell);
        let by_id = cell(Field::AccountId).or(cell(Field::AccountDomain)).or(cell(Field::ParentId)).is_some();
        let name = cell(Field::AccountName).or(cell(Field::ParentName));
        if let Some(name) = name.filter(|_| !by_id && !mapping.habits.accounts_by_name) {
            add(&mut wanted.accounts, name);
        }
        // Even a row whose account is known otherwise may name an account, an opportunity or a contact.
        if let Some(name) = cell(Field::RelatedName).filter(|_| !mapping.habits.accounts_by_name) {
            add(&mut wanted.accounts, name);
        }
        if kind == Kind::Touches {
            let names = [cell(Field::OpportunityName), cell(Field::RelatedName)];
            names.into_iter().flatten().for_each(|name| add(&mut wanted.opportunities, name));
            let people = list(cell(Field::ContactNames).unwrap_or_default(), false);
            let names = people.iter().map(String::as_str).chain(cell(Field::RelatedName));
            names.for_each(|name| add(&mut wanted.contacts, name));
        }
        wanted.related.extend(cell(Field::RelatedId).map(|id| external(mapping, id)));
    }
    patiently(|| find(&target.context, &wanted, &mapping.source)).await
}

/// What the rows of a batch name.
#[derive(Default)]
struct Wanted {
    accounts: Names,
    opportunities: Names,
    contacts: Names,
    related: Vec<ExternalIdInput>,
}

async fn find(ctx: &RequestContext, wanted: &Wanted, source: &str) -> Result<Nearby> {
    let mut nearby = Nearby::default();
    if !wanted.accounts.is_empty() {
        nearby.accounts = accounts_named(ctx, &wanted.accounts).await?;
    }
    if !wanted.opportunities.is_empty() {
        nearby.opportunities = opportunities_named(ctx, &wanted.opportunities, source).await?;
    }
    if !wanted.contacts.is_empty() {
        nearby.contacts = contacts_named(ctx, &wanted.contacts, source).await?;
    }
    if !wanted.related.is_empty() {
        let known = async |noun| -> Result<HashSet<String>> {
            let found = named(ctx.reader(), ctx.viewer()?, noun, &wanted.related).await?;
            Ok(found.into_keys().map(|(_, id)| id).collect())
        };
        nearby.related.accounts = known("account").await?;
        nearby.related.opportunities = known("opportunity").await?;
        nearby.related.contacts = known("contact").await?;
    }
    Ok(nearby)
}

/// Returns the accounts that have one of these names, compared as the schema's NAME order does. The names are given by the key
/// under which the accounts are returned.
pub async fn accounts_named(ctx: &RequestContext, names: &Names) -> Result<HashMap<String, Vec<KnownAccount>>> {
    let keys = names.values().map(|name| fold(name));
    let rows = ctx
        .viewer()?
        .accounts()
        .filter(is_any_of(ctx.reader(), account::Column::NameKey, keys))
        .all(ctx.reader())
        .await?;
    let known = |row: account::Model| {
        let known = KnownAccount { id: row.id, reference: reference_to(&row) };
        (row.name_key, known)
    };
    Ok(by_name(names, rows.into_iter().map(known)))
}

fn reference_to(row: &account::Model) -> AccountRefInput {
    match (external_ids::read(&row.external_ids).into_iter().next(), &row.domain) {
        (Some((source, id)), _) => AccountRefInput::ExternalId(ExternalIdInput { source, id }),
        (None, Some(domain)) => AccountRefInput::Domain(domain.clone()),
        (None, None) => AccountRefInput::Id(row.id.show().into()),
    }
}

/// Puts rows, each with its folded name, under the names that were looked for.
fn by_name<T: Clone>(names: &Names, rows: impl Iterator<Item = (String, T)>) -> HashMap<String, Vec<T>> {
    let mut found: HashMap<String, Vec<T>> = HashMap::new();
    for (name, row) in rows {
        found.entry(name).or_default().push(row);
    }
    names.iter().filter_map(|(key, name)| Some((key.clone(), found.get(&fold(name))?.clone()))).collect()
}

/// Returns an external id of a row, one of the source where it has one.
fn external_id(stored: &str, source: &str) -> Option<ExternalIdInput> {
    let mut ids = external_ids::read(stored);
    ids.sort_by_key(|(of, _)| of != source);
    ids.into_iter().next().map(|(source, id)| ExternalIdInput { source, id })
}

async fn opportunities_named(
    ctx: &RequestContext,
    names: &Names,
    source: &str,
) -> Result<HashMap<String, Vec<KnownRow>>> {
    let keys = names.values().map(|name| fold(name));
    let rows = ctx
        .viewer()?
        .rows::<opportunity::Entity>(opportunity::Column::AccountId)
        .filter(is_any_of(ctx.reader(), opportunity::Column::NameKey, keys))
        .all(ctx.reader())
        .await?;
    let known = |row: opportunity::Model| {
        let handle = Handle::ExternalId(external_id(&row.external_ids, source)?);
        Some((row.name_key, KnownRow { account: row.account_id, handle }))
    };
    Ok(by_name(names, rows.into_iter().filter_map(known)))
}

async fn contacts_named(ctx: &RequestContext, names: &Names, source: &str) -> Result<HashMap<String, Vec<KnownRow>>> {
    let keys = names.values().map(|name| fold(name));
    let rows = ctx
        .viewer()?
        .contacts()
        .filter(is_any_of(ctx.reader(), contact::Column::NameKey, keys))
        .filter(contact::Column::ErasedAt.is_null())
        .filter(contact::Column::ArchivedAt.is_null())
        .all(ctx.reader())
        .await?;
    let known = |row: contact::Model| {
        let by_id = external_id(&row.external_ids, source).map(Handle::ExternalId);
        let handle = by_id.or_else(|| row.email.map(Handle::Email))?;
        Some((row.name_key, KnownRow { account: row.account_id, handle }))
    };
    Ok(by_name(names, rows.into_iter().filter_map(known)))
}
