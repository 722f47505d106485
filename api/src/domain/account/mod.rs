//! Accounts: the companies that the organization sells to or wants to sell to, with their owners and teams.
//!
//! | Module | Contents |
//! |---|---|
//! | this one | the type and its relations |
//! | [`list`] | filters, orderings and lists |
//! | [`mod@write`] | create, update, archive, restore |
//! | [`team`] | the seats of the owner and the team |
//! | [`upsert`] | bulk upsert from another system |

pub mod list;
mod members;
pub mod team;
pub mod upsert;
pub mod write;

use std::collections::{BTreeSet, HashMap};

use async_graphql::{Enum, InputObject, OneofObject};
use database::columns::is_any_of;
use entity::{AccountId, Columns, Day, Id, Scoped, UserId, account, booking};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};

pub use self::list::{AccountFilter, AccountsArguments, accounts, owned};

use crate::context::{RequestContext, Viewer};
use crate::domain::contact::{Contact, ContactsArguments};
use crate::domain::event;
use crate::domain::reason::{self, Reason};
use crate::domain::touch::{self, Touch};
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::{Connection, PageArguments, connection};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::{Currency, Money};
use crate::write::external_ids::{ExternalId, ExternalIdInput, shown};
use crate::write::{AuditedRow, Snapshot, archiving, audited, snapshot, stored_json};

/// An account.
#[derive(Clone, Debug)]
pub struct Account(pub account::Model);

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        Self(row)
    }
}

/// The commercial standing of an account, derived from its bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Standing {
    /// No positive booking yet. A credit note alone makes no client.
    Prospect,
    /// The account has at least one positive booking.
    Client,
    /// A client that booked the organization's threshold or more in the current fiscal year.
    Key,
}

impl Standing {
    /// Returns the name of the value in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prospect => "PROSPECT",
            Self::Client => "CLIENT",
            Self::Key => "KEY",
        }
    }

    /// Returns the standing for the number of positive bookings, the amount booked in the current fiscal year and the
    /// organization's threshold.
    #[must_use]
    pub const fn of(positive_bookings: i64, booked: i64, threshold: Option<i64>) -> Self {
        match threshold {
            Some(threshold) if positive_bookings > 0 && booked >= threshold => Self::Key,
            _ if positive_bookings > 0 => Self::Client,
            _ => Self::Prospect,
        }
    }
}
graphql_enum! { Standing as Standing }

object! {
    /// A company that the organization sells to or wants to sell to.
    Account as "Account" Node {
        /// The opaque identifier, prefixed with the type and increasing with the time of creation.
        id: NodeId<AccountId> = plain(|account| NodeId(account.0.id));
        /// The name. Two accounts may have the same name.
        name: &str = plain(|account| &account.0.name);
        /// The internet domain in lower case, such as `acme.com`; unique within the organization. Null if unknown.
        domain: Option<&str> = plain(|account| account.0.domain.as_deref());
        /// The industry, as free text; null if unknown.
        industry: Option<&str> = plain(|account| account.0.industry.as_deref());
        /// The number of employees, 0 or more; null if unknown.
        employees: Option<i32> = plain(|account| account.0.employees);
        /// The annual revenue of the account itself, 0 or more; null if unknown.
        annualRevenue: Option<Money> = plain(|account, ctx| account.0.annual_revenue.map(|minor| ctx.money(minor)));
        /// The country, as free text; null if unknown.
        country: Option<&str> = plain(|account| account.0.country.as_deref());
        /// The city, as free text; null if unknown.
        city: Option<&str> = plain(|account| account.0.city.as_deref());
        /// The telephone number as entered; null if unknown.
        phone: Option<&str> = plain(|account| account.0.phone.as_deref());
        /// Free-text notes about the account; null if there are none.
        description: Option<&str> = plain(|account| account.0.description.as_deref());
        /// The amount that the account could spend with the organization in a year, 0 or more; null if unknown.
        potential: Option<Money> = plain(|account, ctx| account.0.potential.map(|minor| ctx.money(minor)));
        /// The parent account; null if there is none or if the caller does not see it.
        parent: Option<Account> = by_key(|account| account.0.parent_id, Account::resolve);
        /// The accounts whose parent this is and that the caller sees, ordered by id. Archived accounts are left out.
        children(PageArguments): Connection<Account> = by_key(|account| account.0.id, list::children);
        /// The active members who see the account, to whom work there can be given, ordered by id, at most 500.
        members: Vec<User> = by_key(|account| account.0.id, members::of_accounts);
        /// The user who owns the account.
        owner: User = by_key(|account| account.0.owner_id, User::resolve_required);
        /// The commercial standing, derived from the bookings and the organization's key-account threshold.
        standing: Standing = by_key(|account| account.0.id, standings);
        /// The basis of the standing: positive bookings, the sum of the current fiscal year and the organization's
        /// threshold.
        standingBecause: Vec<Reason> = by_key(|account| account.0.id, standing_reasons);
        /// The score by the organization's criteria.
        score: crate::domain::criterion::score::Score = batch(crate::domain::criterion::score::of_accounts);
        /// The agreed target at the end of a day, or now if no day is given; null if the account was not an agreed
        /// target then.
        target(crate::domain::targeting::OnArguments): Option<crate::domain::targeting::Target> = by_key(|account| account.0.id, crate::domain::targeting::of_accounts);
        /// The target that is proposed or agreed now; null if there is none. After a change of the owner, the proposal
        /// to the new one.
        openTarget: Option<crate::domain::targeting::Target> = by_key(|account| account.0.id, crate::domain::targeting::open_of_accounts);
        /// The members of the account's team, ordered by when they joined.
        team: Vec<team::TeamMember> = by_key(|account| account.0.id, team::teams);
        /// The goal for a fiscal year, by default the current one; null if there is none.
        goal(crate::domain::goal::GoalArguments): Option<crate::domain::goal::Goal> = by_key(|account| account.0.id, crate::domain::goal::of_accounts);
        /// The goals of all fiscal years, latest year first.
        goals: Vec<crate::domain::goal::Goal> = by_key(|account| account.0.id, crate::domain::goal::all_of_accounts);
        /// The plan at the end of a day in the organization's time zone, by default today; null if there is none or if
        /// it was closed by then.
        plan(crate::domain::targeting::OnArguments): Option<crate::domain::plan::Plan> = by_key(|account| account.0.id, crate::domain::plan::list::one_of_accounts);
        /// The plans, ordered by id.
        plans(PageArguments): Connection<crate::domain::plan::Plan> = by_key(|account| account.0.id, crate::domain::plan::list::of_accounts);
        /// How present, known and valued the organization is at the account at the end of a day in the organization's
        /// time zone; now if no day is given or the day is today. For a future day, the values that result if nothing
        /// is done.
        presence(crate::domain::targeting::OnArguments): crate::domain::presence::Presence = by_key(|account| account.0.id, crate::domain::presence::of_accounts);
        /// Which contacts know the organization, and which buying roles still have to be filled.
        relationships: crate::domain::presence::coverage::RelationshipCoverage = by_key(|account| account.0.id, crate::domain::presence::coverage::of_accounts);
        /// The people to get to know, the people to talk to, and the questions to answer.
        kickoff: crate::domain::presence::coverage::Kickoff = by_key(|account| account.0.id, crate::domain::presence::coverage::kickoffs);
        /// The amount booked in a fiscal year, by default the current one.
        booked(BookedArguments): Money = by_key(|account| account.0.id, booked);
        /// The promises made to the account, at most 500, earliest due date first.
        promises(crate::domain::promise::list::OpenArguments): Vec<crate::domain::promise::ClientPromise> = by_key(|account| account.0.id, crate::domain::promise::list::of_accounts);
        /// The contacts. Archived contacts are included only if the filter asks for them.
        contacts(ContactsArguments): Connection<Contact> = by_key(|account| account.0.id, crate::domain::contact::at_accounts);
        /// The latest completed touch; null if there is none.
        lastTouch: Option<Touch> = by_key(|account| account.0.id, touch::list::last_of_accounts);
        /// The earliest scheduled touch from now on; null if there is none.
        nextTouch: Option<Touch> = by_key(|account| account.0.id, touch::list::next_of_accounts);
        /// The touches, newest first by default.
        touches(touch::TouchesArguments): Connection<Touch> = by_key(|account| account.0.id, touch::list::of_accounts);
        /// The opportunities.
        opportunities(crate::domain::opportunity::OpportunitiesArguments): Connection<crate::domain::opportunity::Opportunity> = by_key(|account| account.0.id, crate::domain::opportunity::of_accounts);
        /// The bookings, ordered by id.
        bookings(PageArguments): Connection<crate::domain::booking::Booking> = by_key(|account| account.0.id, crate::domain::booking::of_accounts);
        /// The events that made the account ready to change, ordered by id.
        triggerEvents(PageArguments): Connection<crate::domain::trigger_event::TriggerEvent> = by_key(|account| account.0.id, crate::domain::trigger_event::list::of_accounts);
        /// The changes to the account and to everything that belongs to it, newest first.
        history(crate::domain::event::EventsArguments): Connection<event::Event> = by_key(|account| account.0.id, history);
        /// The identifiers of the account in other systems.
        externalIds: Vec<ExternalId> = plain(|account| shown(&account.0.external_ids));
        /// Additional fields of the organization, as a JSON object.
        customFields: Json<&str> = plain(|account| Json(account.0.custom_fields.as_str()));
        /// Whether the caller may change the account: its owner, a manager above them or an administrator.
        viewerCanUpdate: bool = plain(|account, ctx| is_responsible(ctx, account.0.owner_id));
        /// Whether the caller may archive and restore the account, and change its owner and team: its owner, a manager
        /// above them or an administrator.
        viewerCanManage: bool = plain(|account, ctx| is_responsible(ctx, account.0.owner_id));
        /// The time at which the account was created.
        createdAt: entity::Instant = plain(|account| account.0.created_at);
        /// The time of the account's last change.
        updatedAt: entity::Instant = plain(|account| account.0.updated_at);
        /// The time at which the account was archived; null if it is not archived.
        archivedAt: Option<entity::Instant> = plain(|account| account.0.archived_at);
        /// The number of writes so far, 1 on creation. Pass it as `ifVersion` to detect concurrent changes.
        version: i32 = plain(|account| account.0.version);
    }
}
connection!(Account as "Account");

payload! {
    /// The result of a mutation of an account.
    AccountPayload as "AccountPayload" {
        /// The account after the mutation; null if there are `userErrors`.
        account(account): Account,
    }
}

impl AuditedRow for account::Model {
    audited!(account, AccountId);

    fn account(&self) -> Option<AccountId> {
        Some(self.id)
    }

    fn change_name(&self, after: &Self) -> &'static str {
        archiving(self.archived_at, after.archived_at)
    }

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    fn snapshot(&self, currency: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            name,
            name_key: _,
            domain,
            industry,
            industry_key: _,
            employees,
            annual_revenue,
            country,
            country_key: _,
            city,
            city_key: _,
            phone,
            description,
            potential,
            parent_id,
            owner_id,
            external_ids,
            custom_fields,
            created_at,
            updated_at: _,
            archived_at,
            version: _,
            // Derived from the assessments and the criteria.
            score: _,
        } = self;
        snapshot! {
            "name": name,
            "domain": domain,
            "industry": industry,
            "employees": employees,
            "annualRevenue": annual_revenue.map(|minor| currency.decimal(minor)),
            "country": country,
            "city": city,
            "phone": phone,
            "description": description,
            "potential": potential.map(|minor| currency.decimal(minor)),
            "parentId": parent_id,
            "ownerId": owner_id,
            "externalIds": stored_json(external_ids),
            "customFields": stored_json(custom_fields),
            "createdAt": created_at,
            "archivedAt": archived_at,
        }
    }
}

/// A reference to an account. Exactly one field must be given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, OneofObject)]
pub enum AccountRefInput {
    /// The account with this id.
    Id(async_graphql::ID),
    /// The account with this internet domain.
    Domain(String),
    /// The account with this identifier in another system.
    ExternalId(ExternalIdInput),
}

/// Arguments of `account`.
#[derive(Clone, Debug, InputObject)]
pub struct AccountArguments {
    /// The reference to the account.
    pub by: AccountRefInput,
}

/// Resolves `Query.account`.
pub async fn account(field: &FieldContext<'_>, arguments: AccountArguments) -> Result<Option<Account>> {
    let viewer = field.request.viewer()?;
    let select = match arguments.by {
        AccountRefInput::Id(id) => return one(field, viewer, &id).await,
        AccountRefInput::Domain(domain) => match crate::values::text::domain(&domain) {
            Ok(domain) => viewer.accounts().filter(account::Column::Domain.eq(domain)),
            Err(_) => return Ok(None),
        },
        AccountRefInput::ExternalId(external) => {
            list::by_external_id(viewer, viewer.accounts(), AccountId::PREFIX, account::Column::Id, &external)
        }
    };
    field.one(select, &[]).await
}

/// Returns the account with this id if the viewer sees it.
async fn one(field: &FieldContext<'_>, viewer: &Viewer, id: &str) -> Result<Option<Account>> {
    let Ok(id) = AccountId::parse(id) else { return Ok(None) };
    let found = account::Entity::of(viewer.organization.id).filter(account::Column::Id.eq(id));
    let found: Option<Account> = field.one(found, &[account::Column::Id, account::Column::OwnerId]).await?;
    let unseen =
        viewer.unseen(field.request.reader(), found.iter().map(|found| (found.0.id, found.0.owner_id))).await?;
    Ok(found.filter(|found| !unseen.contains(&found.0.id)))
}

/// Whether the caller is responsible for the accounts of an owner.
pub fn is_responsible(ctx: &RequestContext, owner: UserId) -> bool {
    ctx.viewer().is_ok_and(|viewer| viewer.is_responsible_for(owner))
}

/// Returns the owners of accounts whose rows are visible: one statement, or none without accounts.
pub async fn owners(
    ctx: &RequestContext,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, UserId>> {
    let accounts: BTreeSet<AccountId> = accounts.into_iter().collect();
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let query = account::Entity::of(ctx.viewer()?.organization.id)
        .filter(is_any_of(ctx.reader(), account::Column::Id, accounts))
        .select_only()
        .column(account::Column::Id)
        .column(account::Column::OwnerId)
        .into_query();
    let rows = ctx.reader().query_all(&query).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

impl Account {
    /// Returns the accounts with these ids that the viewer sees.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no viewer.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = AccountId>,
    ) -> Result<HashMap<AccountId, Self>> {
        Self::read(ctx, Columns::ALL, ids).await
    }

    /// Resolves the account of each id that is known to exist and to be visible.
    ///
    /// # Errors
    /// An internal error if an id is not found.
    pub async fn resolve_required(field: &FieldContext<'_>, ids: &[AccountId]) -> Result<Batch<Self>> {
        let ids: Vec<Option<AccountId>> = ids.iter().copied().map(Some).collect();
        field.required(Self::resolve(field, &ids).await?)
    }

    /// Resolves the account of each id: null without an id, or if the viewer does not see it.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<AccountId>]) -> Result<Batch<Option<Self>>> {
        let columns = field.columns_with::<Self, account::Entity>(&[account::Column::Id, account::Column::OwnerId])?;
        let found = Self::read(field.request, columns, ids.iter().copied().flatten()).await?;
        field.found(ids, &found).await
    }

    async fn read(
        ctx: &RequestContext,
        columns: Columns,
        ids: impl IntoIterator<Item = AccountId>,
    ) -> Result<HashMap<AccountId, Self>> {
        let viewer = ctx.viewer()?;
        let accounts = account::Entity::of(viewer.organization.id);
        let mut found: HashMap<_, Self> =
            ctx.fetch_by_ids(accounts, account::Column::Id, columns, ids, |row| row.id).await?;
        let owners = found.values().map(|account| (account.0.id, account.0.owner_id));
        let unseen = viewer.unseen(ctx.reader(), owners).await?;
        found.retain(|id, _| !unseen.contains(id));
        Ok(found)
    }
}

async fn history(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Connection<event::Event>>> {
    let pages = event::history(field, of).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Returns the number of positive bookings and the sum of all bookings by account, between two days (both included).
async fn bookings(
    ctx: &RequestContext,
    ids: Vec<AccountId>,
    from: Day,
    to: Day,
) -> Result<HashMap<AccountId, (i64, i64)>> {
    let viewer = ctx.viewer()?;
    let sum = Expr::expr(Func::sum(Expr::col(booking::Column::Amount))).cast_as("bigint");
    let query = booking::Entity::of(viewer.organization.id)
        .filter(is_any_of(ctx.reader(), booking::Column::AccountId, ids))
        .filter(crate::domain::booking::made_between(from, to))
        .select_only()
        .column(booking::Column::AccountId)
        .expr(Expr::cust("count(*) filter (where booking.amount > 0)"))
        .expr(sum)
        .group_by(booking::Column::AccountId)
        .into_query();
    let mut found = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        found.insert(AccountId(row.try_get_by_index(0)?), (row.try_get_by_index(1)?, row.try_get_by_index(2)?));
    }
    Ok(found)
}

async fn standings(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Standing>> {
    let viewer = field.request.viewer()?;
    let (from, to) = viewer.fiscal_days(None, field.request.now);
    let ever = bookings(field.request, of.to_vec(), Day::FIRST, Day::LAST).await?;
    let now = bookings(field.request, of.to_vec(), from, to).await?;
    let mut answers = Batch::with_capacity(of.len());
    for account in of {
        let (count, _) = ever.get(account).copied().unwrap_or_default();
        let (_, booked) = now.get(account).copied().unwrap_or_default();
        let standing = Standing::of(count, booked, viewer.organization.key_account_threshold);
        answers.push(field.request, &standing);
    }
    Ok(answers)
}

async fn standing_reasons(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Vec<Reason>>> {
    let viewer = field.request.viewer()?;
    let year = viewer.fiscal_year(field.request.now);
    let (from, to) = viewer.fiscal_days(Some(year), field.request.now);
    let ever = bookings(field.request, of.to_vec(), Day::FIRST, Day::LAST).await?;
    let now = bookings(field.request, of.to_vec(), from, to).await?;
    let money = |minor: i64| format!("{} {}", viewer.currency.decimal(minor), viewer.currency.code());
    let lines = |account: &AccountId| {
        let positive = ever.get(account).map_or(0, |(count, _)| *count);
        let booked = now.get(account).map_or(0, |(_, sum)| *sum);
        let threshold = viewer.organization.key_account_threshold;
        vec![
            Reason::new("Positive bookings", positive.to_string()).holds(positive > 0),
            Reason::new(format!("Booked in {year}"), money(booked))
                .holds(threshold.is_some_and(|threshold| positive > 0 && booked >= threshold)),
            Reason::new("Key account from", threshold.map_or_else(|| "no threshold".to_owned(), money)),
        ]
    };
    reason::answer(field, &of.iter().map(lines).collect::<Vec<_>>()).await
}

/// Arguments of `booked`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BookedArguments {
    /// The fiscal year, 1 to 9999; the current one by default.
    pub year: Option<i32>,
}

async fn booked(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Money>> {
    let BookedArguments { year } = field.arguments()?;
    let viewer = field.request.viewer()?;
    list::check_year(year)?;
    let (from, to) = viewer.fiscal_days(year, field.request.now);
    let sums = bookings(field.request, of.to_vec(), from, to).await?;
    let money: Vec<Money> =
        of.iter().map(|account| field.request.money(sums.get(account).map_or(0, |(_, sum)| *sum))).collect();
    field.objects(&money.iter().collect::<Vec<_>>()).await
}

/// Returns the condition that the account of a row is not archived: what belongs to an archived account asks for nothing.
pub fn is_active<C: ColumnTrait>(account: C) -> SimpleExpr {
    let active = Query::select()
        .expr(Expr::val(1))
        .from(account::Entity)
        .and_where(Expr::col((account::Entity, account::Column::Id)).equals(account.as_column_ref()))
        .and_where(Expr::col((account::Entity, account::Column::ArchivedAt)).is_null())
        .to_owned();
    Expr::exists(active)
}

impl Viewer {
    /// Returns the account that an input names if the viewer sees it, and notes a fault otherwise.
    pub async fn account_for<C: ConnectionTrait>(
        &self,
        connection: &C,
        check: &mut crate::write::validator::Validator,
        field: &str,
        id: &async_graphql::ID,
    ) -> Result<Option<account::Model>> {
        let Some(id) = check.id::<AccountId>(field, id) else { return Ok(None) };
        let found = self.account(connection, id, false).await?;
        if found.is_none() {
            check.not_found(field, "account");
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_is_derived_from_the_bookings() {
        assert_eq!(Standing::of(0, 0, Some(0)), Standing::Prospect);
        assert_eq!(Standing::of(1, 0, None), Standing::Client);
        assert_eq!(Standing::of(1, 99, Some(100)), Standing::Client);
        assert_eq!(Standing::of(2, 100, Some(100)), Standing::Key);
    }
}
