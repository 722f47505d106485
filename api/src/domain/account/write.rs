//! Creating, changing, archiving and restoring accounts.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{AccountId, Id, account};
use sea_orm::{ConnectionTrait, Statement};

use super::{Account, AccountPayload, team};
use crate::context::{RequestContext, Viewer};
use crate::domain::plan;
use crate::domain::targeting::moved::follow_owners;
use crate::domain::upsert::given;
use crate::error::{Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::{Decimal, Json};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{Amounts, NAME, NOTE, Validator};

/// Notes a fault if the account is archived and therefore cannot receive anything new.
pub fn not_archived(check: &mut Validator, field: &str, account: &account::Model) {
    if account.archived_at.is_some() {
        check.fault(UserErrorCode::Conflict, field, format!("{} is archived: restore it first.", account.name));
    }
}

/// A new account.
#[derive(Clone, Debug, InputObject)]
pub struct CreateAccountInput {
    /// The name: 1 to 200 characters.
    pub name: String,
    /// The internet domain, or a URL or e-mail address that contains it. Unique within the organization.
    pub domain: Option<String>,
    /// The industry: up to 200 characters.
    pub industry: Option<String>,
    /// The number of employees: 0 or more.
    pub employees: Option<i32>,
    /// The annual revenue of the account itself: 0 or more.
    pub annual_revenue: Option<Decimal>,
    /// The country: up to 200 characters.
    pub country: Option<String>,
    /// The city: up to 200 characters.
    pub city: Option<String>,
    /// The telephone number: up to 200 characters.
    pub phone: Option<String>,
    /// Free-text notes: up to 20,000 characters.
    pub description: Option<String>,
    /// The amount that the account could spend with the organization in a year: 0 or more.
    pub potential: Option<Decimal>,
    /// The id of the parent account.
    pub parent_id: Option<ID>,
    /// The id of the owner, an active member; the caller by default. Only managers of another member and administrators
    /// may name that member.
    pub owner_id: Option<ID>,
    /// The identifiers in other systems: at most one per source and 20 in total.
    pub external_ids: Option<Vec<ExternalIdInput>>,
    /// Additional fields: a JSON object of at most 20,000 bytes.
    pub custom_fields: Option<Json<String>>,
}

/// A change to an account. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateAccountInput {
    /// The id of the account.
    pub id: ID,
    /// The name: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// The internet domain, or a URL or e-mail address that contains it. Unique within the organization.
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
    /// The id of the parent account: not the account itself or one of its descendants.
    pub parent_id: MaybeUndefined<ID>,
    /// The id of the owner: an active member.
    pub owner_id: MaybeUndefined<ID>,
    /// The identifiers in other systems: at most one per source and 20 in total. They replace the present ones.
    pub external_ids: MaybeUndefined<Vec<ExternalIdInput>>,
    /// Additional fields: a JSON object of at most 20,000 bytes. It replaces the present one.
    pub custom_fields: MaybeUndefined<Json<String>>,
    /// The expected version. The change fails with STALE_VERSION if the account has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// An account to archive.
    ArchiveAccountInput {
        /// The id of the account.
        id,
        /// The expected version. The change fails with STALE_VERSION if the account has another version.
        if_version
    }
}

node_input! {
    /// An account to restore.
    RestoreAccountInput {
        /// The id of the account.
        id,
        /// The expected version. The change fails with STALE_VERSION if the account has another version.
        if_version
    }
}

/// The fields of an account that an input or a row of an upsert can change.
pub(super) struct Changes<'a> {
    pub name: &'a MaybeUndefined<String>,
    pub domain: &'a MaybeUndefined<String>,
    pub industry: &'a MaybeUndefined<String>,
    pub employees: &'a MaybeUndefined<i32>,
    pub annual_revenue: &'a MaybeUndefined<Decimal>,
    pub country: &'a MaybeUndefined<String>,
    pub city: &'a MaybeUndefined<String>,
    pub phone: &'a MaybeUndefined<String>,
    pub description: &'a MaybeUndefined<String>,
    pub potential: &'a MaybeUndefined<Decimal>,
}

impl Changes<'_> {
    /// Validates the changes and applies them to `to`.
    pub(super) fn apply(&self, check: &mut Validator, viewer: &Viewer, to: &mut account::Model) {
        let Self { name, domain, industry, employees, annual_revenue, country, city, phone, description, potential } =
            self;
        check.change_required("name", name, NAME, &mut to.name);
        check.change_with("domain", domain, &mut to.domain, |check, field, text| {
            match crate::values::text::domain(&text) {
                Ok(domain) => Some(domain),
                Err(message) => {
                    check.invalid(field, message);
                    None
                }
            }
        });
        check.change("industry", industry, NAME, &mut to.industry);
        check.change_with("employees", employees, &mut to.employees, |check, field, count| {
            check.within(field, count, 0, i32::MAX)
        });
        let amount = |check: &mut Validator, field: &str, given: Decimal| {
            check.amount(field, given, viewer.currency, Amounts::NotNegative)
        };
        check.change_with("annualRevenue", annual_revenue, &mut to.annual_revenue, amount);
        check.change("country", country, NAME, &mut to.country);
        check.change("city", city, NAME, &mut to.city);
        check.change("phone", phone, NAME, &mut to.phone);
        check.change("description", description, NOTE, &mut to.description);
        check.change_with("potential", potential, &mut to.potential, amount);
        to.name_key = fold(&to.name);
        to.industry_key = to.industry.as_deref().map(fold);
        to.country_key = to.country.as_deref().map(fold);
        to.city_key = to.city.as_deref().map(fold);
    }
}

/// Returns a new account without content, owned by the viewer.
pub(super) fn blank(ctx: &RequestContext, viewer: &Viewer) -> account::Model {
    account::Model {
        id: AccountId::make(),
        organization_id: viewer.organization.id,
        name: String::new(),
        name_key: String::new(),
        domain: None,
        industry: None,
        industry_key: None,
        employees: None,
        annual_revenue: None,
        country: None,
        country_key: None,
        city: None,
        city_key: None,
        phone: None,
        description: None,
        potential: None,
        parent_id: None,
        owner_id: viewer.user.id,
        external_ids: "[]".to_owned(),
        custom_fields: "{}".to_owned(),
        created_at: ctx.now,
        updated_at: ctx.now,
        archived_at: None,
        version: 0,
        score: 0,
    }
}

/// Executes `createAccount`.
pub async fn create(ctx: &RequestContext, input: CreateAccountInput) -> Result<AccountPayload> {
    let CreateAccountInput {
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
        parent_id,
        owner_id,
        external_ids,
        custom_fields,
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut account = blank(ctx, viewer);
    Changes {
        name: &MaybeUndefined::Value(name),
        domain: &given(domain),
        industry: &given(industry),
        employees: &given(employees),
        annual_revenue: &given(annual_revenue),
        country: &given(country),
        city: &given(city),
        phone: &given(phone),
        description: &given(description),
        potential: &given(potential),
    }
    .apply(&mut check, viewer, &mut account);
    account.external_ids = check.external_ids("externalIds", external_ids.as_deref().unwrap_or_default());
    if let Some(Json(json)) = &custom_fields {
        account.custom_fields = check.custom_fields("customFields", json);
    }
    let mut write = Write::begin(ctx)?;
    if let Some(id) = &parent_id {
        account.parent_id = viewer.account_for(&write.tx, &mut check, "parentId", id).await?.map(|parent| parent.id);
    }
    if let Some(id) = &owner_id
        && let Some(owner) = team::active_member(ctx, &write, &mut check, "ownerId", id).await?
    {
        if !viewer.is_above_or_is(owner.id) {
            check.fault(
                UserErrorCode::Forbidden,
                "ownerId",
                "Only managers of this user and administrators may make them the owner of a new account.",
            );
        }
        account.owner_id = owner.id;
    }
    let names = external_ids.as_deref().unwrap_or_default();
    check.require_unique(&write, AccountId::PREFIX, account.id.uuid(), names, account.domain.as_deref()).await?;
    check.finish()?;
    let account = write.add(account).await?;
    team::seat_owners(&mut write, account.organization_id, &[(account.id, account.owner_id)]).await?;
    write.commit().await?;
    Ok(AccountPayload { account: Some(Account(account)), ..AccountPayload::default() })
}

/// Executes `updateAccount`.
pub async fn update(ctx: &RequestContext, input: UpdateAccountInput) -> Result<AccountPayload> {
    let UpdateAccountInput {
        id,
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
        parent_id,
        owner_id,
        external_ids,
        custom_fields,
        if_version,
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = team::responsible_for(ctx, &write, &mut check, "id", &id).await?;
    let Some(before) = before else { return check.fail() };
    check.finish()?;
    check.version(if_version, before.version);
    let mut after = before.clone();
    Changes {
        name: &name,
        domain: &domain,
        industry: &industry,
        employees: &employees,
        annual_revenue: &annual_revenue,
        country: &country,
        city: &city,
        phone: &phone,
        description: &description,
        potential: &potential,
    }
    .apply(&mut check, viewer, &mut after);
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
    match &parent_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.parent_id = None,
        MaybeUndefined::Value(id) => {
            write.lock_exclusive("account.parent").await?;
            if let Some(parent) = viewer.account_for(&write.tx, &mut check, "parentId", id).await? {
                if ancestors(&write.tx, &parent).await?.contains(&before.id) {
                    check.invalid(
                        "parentId",
                        format!(
                            "The parent must not be the account itself or one of its descendants, as {} is.",
                            parent.name
                        ),
                    );
                }
                after.parent_id = Some(parent.id);
            }
        }
    }
    match &owner_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "ownerId", "An account must have an owner."),
        MaybeUndefined::Value(id) => {
            if let Some(owner) = team::active_member(ctx, &write, &mut check, "ownerId", id).await? {
                after.owner_id = owner.id;
            }
        }
    }
    let names = external_ids.value().map_or(&[][..], Vec::as_slice);
    let domain = after.domain.as_deref().filter(|domain| before.domain.as_deref() != Some(domain));
    check.require_unique(&write, AccountId::PREFIX, after.id.uuid(), names, domain).await?;
    check.finish()?;
    let after = write.change(&before, after).await?;
    if after.owner_id != before.owner_id {
        let owner = [(after.id, after.owner_id)];
        team::seat_owners(&mut write, after.organization_id, &owner).await?;
        follow_owners(&mut write, &owner).await?;
        plan::moved::follow_owners(&mut write, &[(after.id, before.owner_id, after.owner_id)]).await?;
    }
    write.commit().await?;
    Ok(AccountPayload { account: Some(Account(after)), ..AccountPayload::default() })
}

/// Executes `archiveAccount`: removes the account from the lists and keeps everything that belongs to it. Archiving an
/// archived account changes nothing.
pub async fn archive(ctx: &RequestContext, input: ArchiveAccountInput) -> Result<AccountPayload> {
    set_archived(ctx, &input.id, input.if_version, true).await
}

/// Archives an account, and returns the change, which is to be committed.
///
/// # Errors
/// As `Mutation.archiveAccount`.
pub async fn begin_archive(ctx: &RequestContext, input: ArchiveAccountInput) -> Result<Write<'_>> {
    begin_set_archived(ctx, &input.id, input.if_version, true).await.map(|(write, _)| write)
}

/// Executes `restoreAccount`: returns the account to the lists.
pub async fn restore(ctx: &RequestContext, input: RestoreAccountInput) -> Result<AccountPayload> {
    set_archived(ctx, &input.id, input.if_version, false).await
}

async fn set_archived(
    ctx: &RequestContext,
    id: &ID,
    if_version: Option<i32>,
    archived: bool,
) -> Result<AccountPayload> {
    let (write, account) = begin_set_archived(ctx, id, if_version, archived).await?;
    write.commit().await?;
    Ok(AccountPayload { account: Some(Account(account)), ..AccountPayload::default() })
}

async fn begin_set_archived<'c>(
    ctx: &'c RequestContext,
    id: &ID,
    if_version: Option<i32>,
    archived: bool,
) -> Result<(Write<'c>, account::Model)> {
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = team::responsible_for(ctx, &write, &mut check, "id", id).await?;
    let Some(before) = before else { return check.fail() };
    check.version(if_version, before.version);
    check.finish()?;
    if before.archived_at.is_some() == archived {
        return Ok((write, before));
    }
    let after = account::Model { archived_at: archived.then_some(write.at), ..before.clone() };
    let after = write.change(&before, after).await?;
    Ok((write, after))
}

/// Returns the ids of an account and all its ancestors.
pub(super) async fn ancestors<C: ConnectionTrait>(connection: &C, account: &account::Model) -> Result<Vec<AccountId>> {
    let sql = "with recursive line (id, parent_id) as (
            select id, parent_id from account where organization_id = $1 and id = $2
            union
            select account.id, account.parent_id from account join line on account.id = line.parent_id where account.organization_id = $1
        ) select id from line";
    let values = [account.organization_id.into(), account.id.into()];
    let rows = connection
        .query_all_raw(Statement::from_sql_and_values(connection.get_database_backend(), sql, values))
        .await?;
    rows.into_iter().map(|row| Ok(AccountId(row.try_get_by_index(0)?))).collect()
}
