//! Accounts: companies that are sold to, clients or not; who owns them and who is on their team.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and how its relations are read |
//! | [`list`] | filters, orderings and lists |
//! | [`mod@write`] | create, update, archive, restore |
//! | [`team`] | seats: the owner's and the team's |
//! | [`upsert`] | many at once, from another system |

pub mod list;
pub mod team;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, InputObject, OneofObject};
use entity::{AccountId, Columns, Day, Id, Scoped, account, booking};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};

pub use self::list::{AccountFilter, AccountsArguments, accounts, owned};

use crate::context::{RequestContext, Viewer};
use crate::domain::contact::{Contact, ContactsArguments};
use crate::domain::event;
use crate::domain::touch::{self, Touch};
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::{Connection, PageArguments, connection};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::{Currency, Money};
use crate::write::external_ids::{ExternalId, ExternalIdInput, shown};
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};
use database::columns::is_any_of;

/// An account.
#[derive(Clone, Debug)]
pub struct Account(pub account::Model);

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        Self(row)
    }
}

/// How an account stands with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Standing {
    /// Never booked.
    Prospect,
    /// Has bookings.
    Client,
    /// Booked the organization's threshold in the current fiscal year.
    Key,
}

impl Standing {
    /// As in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prospect => "PROSPECT",
            Self::Client => "CLIENT",
            Self::Key => "KEY",
        }
    }

    /// From the number of bookings, those of the current fiscal year and the threshold.
    #[must_use]
    pub const fn of(bookings: i64, booked: i64, threshold: Option<i64>) -> Self {
        match threshold {
            Some(threshold) if bookings > 0 && booked >= threshold => Self::Key,
            _ if bookings > 0 => Self::Client,
            _ => Self::Prospect,
        }
    }
}
graphql_enum! { Standing as Standing }

object! {
    /// A company that we sell to, client or not.
    Account as "Account" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<AccountId> = plain(|account| NodeId(account.0.id));
        /// The name; two accounts may share one.
        name: &str = plain(|account| &account.0.name);
        /// The internet domain, such as `acme.com`; unique in the organization.
        domain: Option<&str> = plain(|account| account.0.domain.as_deref());
        /// The industry, in the organization's own words.
        industry: Option<&str> = plain(|account| account.0.industry.as_deref());
        /// How many people work there.
        employees: Option<i32> = plain(|account| account.0.employees);
        /// The account's own revenue in a year.
        annualRevenue: Option<Money> = plain(|account, ctx| account.0.annual_revenue.map(|minor| ctx.money(minor)));
        /// The country.
        country: Option<&str> = plain(|account| account.0.country.as_deref());
        /// The city.
        city: Option<&str> = plain(|account| account.0.city.as_deref());
        /// The telephone number, as given.
        phone: Option<&str> = plain(|account| account.0.phone.as_deref());
        /// What there is to know about it.
        description: Option<&str> = plain(|account| account.0.description.as_deref());
        /// What the account could spend with us in a year.
        potential: Option<Money> = plain(|account, ctx| account.0.potential.map(|minor| ctx.money(minor)));
        /// The account that this one belongs to; null also where that is out of sight.
        parent: Option<Account> = by_key(|account| account.0.parent_id, Account::resolve);
        /// Whose book it is in.
        owner: User = by_key(|account| account.0.owner_id, User::resolve_required);
        /// PROSPECT, CLIENT or KEY, from its bookings and the organization's threshold.
        standing: Standing = by_key(|account| account.0.id, standings);
        /// How it does by the organization's criteria.
        score: crate::domain::criterion::score::Score = batch(crate::domain::criterion::score::of_accounts);
        /// The target that the account is at the end of a day, or is now, if it is one.
        target(crate::domain::targeting::OnArguments): Option<crate::domain::targeting::Target> = by_key(|account| account.0.id, crate::domain::targeting::of_accounts);
        /// Who else works on it, by the day they joined.
        team: Vec<team::TeamMember> = by_key(|account| account.0.id, team::teams);
        /// Its goal for a fiscal year; for the current one where none is given.
        goal(crate::domain::goal::GoalArguments): Option<crate::domain::goal::Goal> = by_key(|account| account.0.id, crate::domain::goal::of_accounts);
        /// All its goals, the latest year first.
        goals: Vec<crate::domain::goal::Goal> = by_key(|account| account.0.id, crate::domain::goal::all_of_accounts);
        /// The plan that it has on a day of the organization's, at its end; today where none is given. One that was closed by
        /// then is none.
        plan(crate::domain::targeting::OnArguments): Option<crate::domain::plan::Plan> = by_key(|account| account.0.id, crate::domain::plan::list::one_of_accounts);
        /// Its plans, by id.
        plans(PageArguments): Connection<crate::domain::plan::Plan> = by_key(|account| account.0.id, crate::domain::plan::list::of_accounts);
        /// How present, known and valued we are at the end of one of the organization's days; now where none is given, or
        /// today. Of a day to come: as it will be if nothing is done.
        presence(crate::domain::targeting::OnArguments): crate::domain::presence::Presence = by_key(|account| account.0.id, crate::domain::presence::of_accounts);
        /// Who we know there, and who we still need to know.
        relationships: crate::domain::presence::coverage::RelationshipCoverage = by_key(|account| account.0.id, crate::domain::presence::coverage::of_accounts);
        /// Who do we need to know, whom do we need to talk to, what do we need to find out?
        kickoff: crate::domain::presence::coverage::Kickoff = by_key(|account| account.0.id, crate::domain::presence::coverage::kickoffs);
        /// What it booked in a fiscal year; in the current one where none is given.
        booked(BookedArguments): Money = by_key(|account| account.0.id, booked);
        /// What was promised to it, at most 500: what is due first comes first.
        promises(crate::domain::promise::list::OpenArguments): Vec<crate::domain::promise::Promise> = by_key(|account| account.0.id, crate::domain::promise::list::of_accounts);
        /// The people there; archived ones only where the filter says so.
        contacts(ContactsArguments): Connection<Contact> = by_key(|account| account.0.id, crate::domain::contact::at_accounts);
        /// The latest touch that was made.
        lastTouch: Option<Touch> = by_key(|account| account.0.id, touch::list::last_of_accounts);
        /// The earliest touch that is to come.
        nextTouch: Option<Touch> = by_key(|account| account.0.id, touch::list::next_of_accounts);
        /// Its touches, the newest first unless said otherwise.
        touches(touch::TouchesArguments): Connection<Touch> = by_key(|account| account.0.id, touch::list::of_accounts);
        /// Its opportunities.
        opportunities(crate::domain::opportunity::OpportunitiesArguments): Connection<crate::domain::opportunity::Opportunity> = by_key(|account| account.0.id, crate::domain::opportunity::of_accounts);
        /// Its bookings, by id.
        bookings(PageArguments): Connection<crate::domain::booking::Booking> = by_key(|account| account.0.id, crate::domain::booking::of_accounts);
        /// What made it ready to change, by id.
        triggerEvents(PageArguments): Connection<crate::domain::trigger_event::TriggerEvent> = by_key(|account| account.0.id, crate::domain::trigger_event::list::of_accounts);
        /// What happened to it and to what hangs off it, the newest first.
        history(PageArguments): Connection<event::Event> = by_key(|account| account.0.id, history);
        /// Other systems' names for it.
        externalIds: Vec<ExternalId> = plain(|account| shown(&account.0.external_ids));
        /// What the organization keeps beyond these fields: a JSON object.
        customFields: Json<&str> = plain(|account| Json(account.0.custom_fields.as_str()));
        /// When it was made.
        createdAt: entity::Instant = plain(|account| account.0.created_at);
        /// When it last changed.
        updatedAt: entity::Instant = plain(|account| account.0.updated_at);
        /// When it was archived, where it was.
        archivedAt: Option<entity::Instant> = plain(|account| account.0.archived_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|account| account.0.version);
    }
}
connection!(Account as "Account");

payload! {
    /// An account, or what is to be mended.
    AccountPayload as "AccountPayload" {
        /// The account as it is now; null where there are userErrors.
        account(account): Account,
    }
}

impl AuditedRow for account::Model {
    audited!(account, AccountId);

    fn account(&self) -> Option<AccountId> {
        Some(self.id)
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
            // Told by its assessments and the criteria.
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

/// Exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash, OneofObject)]
pub enum AccountRef {
    /// By its id.
    Id(async_graphql::ID),
    /// By its internet domain.
    Domain(String),
    /// By another system's name for it.
    ExternalId(ExternalIdInput),
}

/// Arguments of `account`.
#[derive(Clone, Debug, InputObject)]
pub struct AccountArguments {
    /// Which one.
    pub by: AccountRef,
}

/// `Query.account`.
pub async fn account(field: &FieldContext<'_>, arguments: AccountArguments) -> Result<Option<Account>> {
    let viewer = field.request.viewer()?;
    let select = match arguments.by {
        AccountRef::Id(id) => return one(field, viewer, &id).await,
        AccountRef::Domain(domain) => match crate::values::text::domain(&domain) {
            Ok(domain) => viewer.accounts().filter(account::Column::Domain.eq(domain)),
            Err(_) => return Ok(None),
        },
        AccountRef::ExternalId(external) => {
            list::by_external_id(viewer, viewer.accounts(), AccountId::PREFIX, account::Column::Id, &external)
        }
    };
    field.one(select, &[]).await
}

/// An account by its id, if it is seen.
async fn one(field: &FieldContext<'_>, viewer: &Viewer, id: &str) -> Result<Option<Account>> {
    let Ok(id) = AccountId::parse(id) else { return Ok(None) };
    let found = account::Entity::of(viewer.organization.id).filter(account::Column::Id.eq(id));
    let found: Option<Account> = field.one(found, &[account::Column::Id, account::Column::OwnerId]).await?;
    let unseen =
        viewer.unseen(field.request.reader(), found.iter().map(|found| (found.0.id, found.0.owner_id))).await?;
    Ok(found.filter(|found| !unseen.contains(&found.0.id)))
}

impl Account {
    /// Accounts by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = AccountId>,
    ) -> Result<HashMap<AccountId, Self>> {
        Self::read(ctx, Columns::ALL, ids).await
    }

    /// Resolves the account of each id that is known to exist and to be visible.
    ///
    /// # Errors
    /// A defect, if one is not found.
    pub async fn resolve_required(field: &FieldContext<'_>, ids: &[AccountId]) -> Result<Batch<Self>> {
        let ids: Vec<Option<AccountId>> = ids.iter().copied().map(Some).collect();
        field.required(Self::resolve(field, &ids).await?)
    }

    /// Resolves the account of each id: null without an id, and where the viewer sees none.
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

/// Number and sum of bookings by account, of days between two (both included).
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
        .expr(Expr::cust("count(*)"))
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

/// Arguments of `booked`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BookedArguments {
    /// The fiscal year, 1 to 9999; the current one where none is given.
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

impl Viewer {
    /// The account that an input names, as far as it is seen.
    ///
    /// # Errors
    /// The database's.
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
    fn standing_follows_the_bookings() {
        assert_eq!(Standing::of(0, 0, Some(0)), Standing::Prospect);
        assert_eq!(Standing::of(1, 0, None), Standing::Client);
        assert_eq!(Standing::of(1, 99, Some(100)), Standing::Client);
        assert_eq!(Standing::of(2, 100, Some(100)), Standing::Key);
    }
}
