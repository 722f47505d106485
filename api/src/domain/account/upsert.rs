//! Upserts of accounts from another system, keyed by external id or by domain.

use std::collections::{HashMap, HashSet};

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::{AccountId, Id, Scoped, account};
use sea_orm::sea_query::Cond;
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::write::{Changes, blank};
use super::{AccountRefInput, team};
use crate::context::{AccountAccess, RequestContext};
use crate::domain::plan;
use crate::domain::targeting::moved::follow_owners;
use crate::domain::upsert::{
    CheckedRow, DuplicateKeys, GivenRow, Lookup, MalformedRows, Upsert, UpsertPayload, check_row, named, not_too_many,
    row_inputs, save, target_of, value,
};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Decimal, Json};
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};

/// An account as it is in another system. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccountRowInput {
    /// The id of the account. The row is matched by it if it is given; the account then gets the external id of the row.
    pub id: Option<ID>,
    /// The expected version; 0 for one that does not exist. The row fails with STALE_VERSION if the account has another
    /// version.
    pub if_version: Option<i32>,
    /// Whether the account is archived. If omitted, it stays as it is.
    pub archived: Option<bool>,
    /// The identifier in that system, by which the row is matched. A row without one is matched by its domain.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// The name: 1 to 200 characters. Required for a new account.
    pub name: MaybeUndefined<String>,
    /// The internet domain, or a URL or e-mail address that contains it. The row is matched by it if there is no
    /// external id, or none that is known.
    pub domain: MaybeUndefined<String>,
    /// The industry: up to 200 characters.
    pub industry: MaybeUndefined<String>,
    /// The number of employees: 0 or more.
    pub employees: MaybeUndefined<i32>,
    /// The annual revenue of the account itself: 0 or more.
    pub annual_revenue: MaybeUndefined<Decimal>,
    /// The country: up to 200 characters.
    pub country: MaybeUndefined<String>,
    /// The city: up to 200 characters.
    pub city: MaybeUndefined<String>,
    /// The telephone number: up to 200 characters.
    pub phone: MaybeUndefined<String>,
    /// Free-text notes: up to 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// The amount that the account could spend with the organization in a year: 0 or more.
    pub potential: MaybeUndefined<Decimal>,
    /// The e-mail address of the owner: an active member. A new account belongs to the caller by default.
    pub owner_email: MaybeUndefined<String>,
    /// The parent account: an existing one, or another row of this call by its key.
    pub parent: MaybeUndefined<AccountRefInput>,
    /// Additional fields: a JSON object that is merged into the present one by key. A null value removes its key.
    pub custom_fields: MaybeUndefined<Json<String>>,
}

row_inputs!(AccountRowInput);

/// Accounts from another system.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertAccountsInput {
    /// The rows: at most 500.
    pub rows: Vec<GivenRow<AccountRowInput>>,
    /// Whether to return the results without writing anything.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// Executes `upsertAccounts`.
pub async fn upsert(ctx: &RequestContext, input: UpsertAccountsInput) -> Result<UpsertPayload> {
    let (rows, malformed) = MalformedRows::separate(input.rows);
    Ok(malformed.report(upsert_rows(ctx, rows, input.dry_run.unwrap_or_default()).await?.commit().await?))
}

/// Writes rows in one transaction, which is to be committed, or none in a dry run.
///
/// # Errors
/// The database's, and a userError of the call where there are too many rows.
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<AccountRowInput>, dry_run: bool) -> Result<Upsert<'_>> {
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let organization = viewer.organization.id;
    let mut write = Write::begin(ctx)?;
    if rows.iter().any(|row| row.parent.is_value()) {
        write.lock_exclusive("account.parent").await?;
    }

    // Everything that the rows refer to is read once for all rows.
    let names: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.external_id)).collect();
    let domains: Vec<String> =
        rows.iter().filter_map(|row| crate::values::text::domain(row.domain.value()?).ok()).collect();
    let known = named(&write.tx, viewer, AccountId::PREFIX, &names).await?;
    let ids = rows.iter().filter_map(|row| AccountId::parse(row.id.as_ref()?).ok());
    let any = Cond::any()
        .add(is_any_of(&write.tx, account::Column::Id, known.values().map(|id| AccountId(*id)).chain(ids)))
        .add(is_any_of(&write.tx, account::Column::Domain, domains));
    let present: HashMap<AccountId, account::Model> = account::Entity::of(organization)
        .filter(any.clone())
        .order_by_asc(account::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let seen: Vec<AccountId> =
        viewer.accounts().filter(any).all(&write.tx).await?.into_iter().map(|row| row.id).collect();
    let by_domain: HashMap<String, AccountId> =
        present.values().filter_map(|row| Some((row.domain.clone()?, row.id))).collect();
    let parents: Vec<AccountRefInput> = rows.iter().filter_map(|row| value(&row.parent)).collect();
    let lookup = Lookup::of(&write.tx, viewer, &parents, rows.iter().filter_map(|row| value(&row.owner_email))).await?;

    let mut keys = DuplicateKeys::default();
    let mut done: Vec<CheckedRow<account::Model>> = Vec::with_capacity(rows.len());
    // The accounts of this call by their keys, for rows that refer to them as parents.
    let mut of_call: HashMap<(String, String), AccountId> = HashMap::new();
    let mut taken_domains: HashMap<String, AccountId> = by_domain.clone();
    for (index, row) in rows.iter().enumerate() {
        let mut check = check_row(index);
        let AccountRowInput {
            id,
            if_version,
            archived,
            external_id,
            name,
            domain,
            industry,
            employees,
            annual_revenue,
            country,
            city,
            phone,
            description,
            potential,
            owner_email,
            parent: _,
            custom_fields,
        } = row;
        let external = value(external_id);
        let own_domain = value(domain).and_then(|domain| crate::values::text::domain(&domain).ok());
        let key = match (&external, &own_domain, id) {
            (Some(external), ..) => check.external_key("externalId", external),
            (None, Some(domain), None) => (String::new(), domain.clone()),
            (None, _, Some(id)) => ("id".to_owned(), id.to_string()),
            (None, None, None) => {
                let message = "A row must have an id, an external id or a domain.";
                check.fault(UserErrorCode::Required, "externalId", message);
                done.push(CheckedRow::failed(check));
                continue;
            }
        };
        let of_domain = own_domain.as_ref().filter(|_| id.is_none()).and_then(|domain| by_domain.get(domain).copied());
        let by_key = external.as_ref().and_then(|_| known.get(&key).map(|id| AccountId(*id))).or(of_domain);
        let found = target_of(&mut check, id.as_ref(), ("externalId", by_key), |id| seen.contains(&id));
        if id.is_some() && found.is_none() {
            done.push(CheckedRow::failed(check));
            continue;
        }
        let before = found.and_then(|id| present.get(&id).cloned());
        // The matched account already has another id in this source, so the row describes another account of that
        // system.
        let is_matched = external.is_some() && id.is_none();
        let named = before.as_ref().filter(|before| is_matched && seen.contains(&before.id)).and_then(|before| {
            external_ids::read(&before.external_ids).into_iter().find(|name| name.0 == key.0 && *name != key)
        });
        if let Some((source, other)) = named {
            check.fault(UserErrorCode::Taken, "domain", format!("The account {other} of {source} has this domain."));
            done.push(CheckedRow::failed(check));
            continue;
        }
        let identity = before.as_ref().map_or_else(|| key.clone(), |row| ("id".to_owned(), row.id.show()));
        let field = match (id, &external) {
            (Some(_), _) => "id",
            (None, Some(_)) => "externalId",
            (None, None) => "domain",
        };
        keys.note(&mut check, index, field, identity);
        keys.note_given(&mut check, index, id.as_ref().and(external.as_ref()).map(|_| key.clone()));
        check.version(*if_version, before.as_ref().map_or(0, |before| before.version));
        if let Some(before) = &before {
            if !seen.contains(&before.id) {
                check.fault(UserErrorCode::Taken, field, "Another account has this key.");
            } else if viewer.access(before) != AccountAccess::Responsible {
                check.fault(
                    UserErrorCode::Forbidden,
                    "",
                    "Only the account's owner, their managers and admins may do this.",
                );
            }
        }
        let mut after = before.clone().unwrap_or_else(|| blank(ctx, viewer));
        if before.is_none() && !name.is_value() {
            check.fault(UserErrorCode::Required, "name", "A new account must have a name.");
        }
        if let Some(archived) = *archived {
            after.archived_at = archived.then(|| after.archived_at.unwrap_or(ctx.now));
        }
        Changes { name, domain, industry, employees, annual_revenue, country, city, phone, description, potential }
            .apply(&mut check, viewer, &mut after);
        if external.is_some() {
            check.add_external_id("externalId", &mut after.external_ids, key.clone());
        }
        if let Some(domain) = &after.domain {
            match taken_domains.get(domain) {
                Some(other) if *other != after.id => {
                    check.fault(UserErrorCode::Taken, "domain", format!("Another account has the domain {domain}."));
                }
                _ => {
                    taken_domains.insert(domain.clone(), after.id);
                }
            }
        }
        check.merge_custom_fields("customFields", custom_fields, &mut after.custom_fields);
        match owner_email {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => {
                check.fault(UserErrorCode::Required, "ownerEmail", "An account must have an owner.");
            }
            MaybeUndefined::Value(email) => {
                if let Some(owner) = lookup.user(&mut check, "ownerEmail", email) {
                    if before.is_none() && !viewer.is_above_or_is(owner.id) {
                        let message =
                            "Only managers of this user and administrators may make them the owner of a new account.";
                        check.fault(UserErrorCode::Forbidden, "ownerEmail", message);
                    }
                    after.owner_id = owner.id;
                }
            }
        }
        let is_clean = check.is_clean();
        done.push(CheckedRow::of(check, before, after.clone()));
        if is_clean {
            of_call.insert(key, after.id);
            if let Some(domain) = after.domain {
                of_call.insert((String::new(), domain), after.id);
            }
        }
    }
    link_parents(&write, &rows, &lookup, &of_call, &present.keys().copied().collect(), &mut done).await?;

    let owners: Vec<(AccountId, entity::UserId)> = done
        .iter()
        .filter_map(|row| {
            row.after
                .as_ref()
                .filter(|after| row.before.as_ref().is_none_or(|before| before.owner_id != after.owner_id))
        })
        .map(|after| (after.id, after.owner_id))
        .collect();
    let handed = done.iter().filter_map(|row| {
        let (before, after) = (row.before.as_ref()?, row.after.as_ref()?);
        (before.owner_id != after.owner_id).then_some((after.id, before.owner_id, after.owner_id))
    });
    let handed: Vec<(AccountId, entity::UserId, entity::UserId)> = handed.collect();
    let payload = save(&mut write, done, dry_run).await?;
    if !dry_run {
        team::seat_owners(&mut write, organization, &owners).await?;
        follow_owners(&mut write, &owners).await?;
        plan::moved::follow_owners(&mut write, &handed).await?;
    }
    Upsert::of(write, payload, dry_run).await
}

/// Resolves the parents of rows among the existing accounts and the rows of this call, and fails the rows that would
/// form a cycle.
async fn link_parents(
    write: &Write<'_>,
    rows: &[AccountRowInput],
    lookup: &Lookup,
    of_call: &HashMap<(String, String), AccountId>,
    known: &HashSet<AccountId>,
    done: &mut [CheckedRow<account::Model>],
) -> Result<()> {
    // The parent of each account as it will be after this call, as far as it is known.
    let mut parent_of: HashMap<AccountId, Option<AccountId>> = HashMap::new();
    let mut wanted: Vec<(usize, AccountId)> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut check = check_row(index);
        let Some(after) = &mut done[index].after else { continue };
        match &row.parent {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => after.parent_id = None,
            MaybeUndefined::Value(reference) => {
                let key = match reference {
                    AccountRefInput::Id(_) => None,
                    AccountRefInput::Domain(domain) => {
                        crate::values::text::domain(domain).ok().map(|domain| (String::new(), domain))
                    }
                    AccountRefInput::ExternalId(external) => external_ids::key(external),
                };
                let parent = key
                    .and_then(|key| of_call.get(&key).copied())
                    .or_else(|| lookup.account(&mut check, "parent", reference).map(|parent| parent.id));
                if let Some(parent) = parent {
                    after.parent_id = Some(parent);
                    wanted.push((index, parent));
                }
            }
        }
        parent_of.insert(after.id, after.parent_id);
        if !check.is_clean() {
            done[index] = CheckedRow::failed(check);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    // Read the ancestors level by level, with one statement per level for all rows.
    let organization = write.organization();
    for _ in 0..64 {
        let unknown: Vec<AccountId> =
            parent_of.values().flatten().filter(|id| !parent_of.contains_key(id)).copied().collect();
        if unknown.is_empty() {
            break;
        }
        let found = account::Entity::of(organization)
            .filter(is_any_of(&write.tx, account::Column::Id, unknown.clone()))
            .all(&write.tx)
            .await?;
        parent_of.extend(found.into_iter().map(|row| (row.id, row.parent_id)));
        for id in unknown {
            parent_of.entry(id).or_insert(None);
        }
    }
    for (index, parent) in &wanted {
        let Some(id) = done[*index].after.as_ref().map(|after| after.id) else { continue };
        let mut above = Some(*parent);
        for _ in 0..=parent_of.len() {
            let Some(next) = above else { break };
            if next == id {
                let mut check = check_row(*index);
                check.invalid("parent", "The parent must not be the account itself or one of its descendants.");
                done[*index] = CheckedRow::failed(check);
                break;
            }
            above = parent_of.get(&next).copied().flatten();
        }
    }
    // A row fails if its parent is a new row that failed.
    let new: HashSet<AccountId> = of_call.values().copied().collect();
    loop {
        let good: HashSet<AccountId> = done.iter().filter_map(|row| row.after.as_ref().map(|after| after.id)).collect();
        let orphan = wanted.iter().find(|(index, parent)| {
            done[*index].after.is_some() && new.contains(parent) && !good.contains(parent) && !known.contains(parent)
        });
        let Some((index, _)) = orphan else { return Ok(()) };
        let mut check = check_row(*index);
        check.fault(UserErrorCode::NotFound, "parent", "The parent is a row of this call that failed.");
        done[*index] = CheckedRow::failed(check);
    }
}
