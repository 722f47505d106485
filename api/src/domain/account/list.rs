//! Lists of accounts: filters and orderings.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{AccountId, Id, Instant, OrganizationId, Scoped, UserId, account, booking, external_id, seat, touch};
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use super::{Account, Standing};
use crate::context::{RequestContext, Viewer};
use crate::domain::criterion::score;
use crate::domain::presence;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::filter::{
    self, Archived, DateTimeFilter, DecimalFilter, Facts, Filter, FloatFilter, IdFilter, IntFilter, MOST_CONDITIONS,
    Nested, StringFilter, among_ids, not_too_many_operands, operand, related,
};
use crate::graphql::pagination::{
    Connection, Key, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering,
};
use crate::graphql::{Batch, FieldContext};
use crate::write::external_ids::ExternalIdInput;

/// A filter on accounts. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccountFilter {
    /// All of these filters must match.
    pub and: MaybeUndefined<Vec<AccountFilter>>,
    /// At least one of these filters must match. An empty list matches nothing.
    pub or: MaybeUndefined<Vec<AccountFilter>>,
    /// This filter must not match.
    pub not: MaybeUndefined<Box<AccountFilter>>,
    /// A condition on the id.
    pub id: MaybeUndefined<IdFilter>,
    /// A condition on the name.
    pub name: MaybeUndefined<StringFilter>,
    /// A condition on the internet domain.
    pub domain: MaybeUndefined<StringFilter>,
    /// A condition on the industry.
    pub industry: MaybeUndefined<StringFilter>,
    /// A condition on the country.
    pub country: MaybeUndefined<StringFilter>,
    /// A condition on the city.
    pub city: MaybeUndefined<StringFilter>,
    /// A condition on the number of employees.
    pub employees: MaybeUndefined<IntFilter>,
    /// A condition on the amount that the account could spend with the organization in a year.
    pub potential: MaybeUndefined<DecimalFilter>,
    /// A condition on the account's own yearly revenue.
    pub annual_revenue: MaybeUndefined<DecimalFilter>,
    /// A condition on the id of the owner.
    pub owner_id: MaybeUndefined<IdFilter>,
    /// Only accounts owned by this user or by someone below them in the reporting line, at any depth. An unknown id matches
    /// nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// A condition on the id of the parent account. A parent that the caller does not see counts as null.
    pub parent_id: MaybeUndefined<IdFilter>,
    /// A condition on the score, 0 to 100.
    pub score: MaybeUndefined<FloatFilter>,
    /// Only accounts with one of these standings.
    pub standing: MaybeUndefined<Vec<Standing>>,
    /// A condition on the time of creation.
    pub created_at: MaybeUndefined<DateTimeFilter>,
    /// A condition on the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
    /// Whether the account is an agreed target now.
    pub is_target: MaybeUndefined<bool>,
    /// Whether archived accounts are left out (EXCLUDE), returned alone (ONLY) or included (INCLUDE).
    #[graphql(default_with = "MaybeUndefined::Value(Archived::Exclude)")]
    pub archived: MaybeUndefined<Archived>,
    /// A condition on the time at which the account was archived. Archived accounts match only if `archived` asks for them.
    pub archived_at: MaybeUndefined<DateTimeFilter>,
    /// A condition on the time of the latest completed touch, which is null if there is none.
    pub last_touch_at: MaybeUndefined<DateTimeFilter>,
    /// A condition on the time of the earliest scheduled touch to come, which is null if there is none.
    pub next_touch_at: MaybeUndefined<DateTimeFilter>,
    /// A condition on the presence at the account now, 0 to 1.
    pub presence: MaybeUndefined<FloatFilter>,
    /// Only the account with this identifier in another system.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// A condition on the ids of the owner and the team members, at least one of which must satisfy it.
    pub team_member_id: MaybeUndefined<IdFilter>,
}

impl Filter for AccountFilter {
    fn nested(&self) -> Nested<'_, Self> {
        Nested { and: &self.and, or: &self.or, not: &self.not }
    }

    fn rests_on(&self, facts: Facts) -> bool {
        match facts {
            Facts::Members => self.reporting_to.is_value(),
            Facts::Presences => self.presence.is_value(),
        }
    }

    fn own(&self, ctx: &RequestContext) -> Result<Condition> {
        use account::Column;
        let viewer = ctx.viewer()?;
        let Self {
            and: _,
            or: _,
            not: _,
            id,
            name,
            domain,
            industry,
            country,
            city,
            employees,
            potential,
            annual_revenue,
            owner_id,
            reporting_to,
            parent_id,
            score,
            standing,
            created_at,
            updated_at,
            is_target,
            archived,
            archived_at,
            last_touch_at,
            next_touch_at,
            presence,
            external_id,
            team_member_id,
        } = self;
        let archived = operand("archived", archived)?.copied().unwrap_or_default();
        let mut all = Cond::all().add(archived.condition(Column::ArchivedAt));
        for (label, filter, column, folded) in [
            ("name", name, Column::Name, Column::NameKey),
            ("domain", domain, Column::Domain, Column::Domain),
            ("industry", industry, Column::Industry, Column::IndustryKey),
            ("country", country, Column::Country, Column::CountryKey),
            ("city", city, Column::City, Column::CityKey),
        ] {
            if let Some(filter) = operand(label, filter)? {
                all = all.add(filter.condition(column, folded)?);
            }
        }
        if let Some(filter) = operand("id", id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::Id)?);
        }
        if let Some(filter) = operand("employees", employees)? {
            all = all.add(filter.condition(Column::Employees)?);
        }
        if let Some(filter) = operand("potential", potential)? {
            all = all.add(filter.condition(Column::Potential, viewer.currency)?);
        }
        if let Some(filter) = operand("annualRevenue", annual_revenue)? {
            all = all.add(filter.condition(Column::AnnualRevenue, viewer.currency)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::OwnerId, user)?);
        }
        if let Some(filter) = operand("ownerId", owner_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::OwnerId)?);
        }
        if let Some(filter) = operand("parentId", parent_id)? {
            all = all.add(below(viewer, filter)?);
        }
        if let Some(filter) = operand("score", score)? {
            all = all.add(score::condition(filter, viewer)?);
        }
        if let Some(standings) = operand("standing", standing)? {
            let any = standings.iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, standing| {
                any.add(has_standing(*standing, ctx, viewer))
            });
            all = all.add(any);
        }
        if let Some(filter) = operand("createdAt", created_at)? {
            all = all.add(filter.condition(Column::CreatedAt)?);
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        for (label, filter, column) in [
            ("archivedAt", archived_at, Expr::col((account::Entity, Column::ArchivedAt))),
            ("lastTouchAt", last_touch_at, last_touch_at_account(viewer)),
            ("nextTouchAt", next_touch_at, next_touch_at_account(viewer, ctx.now)),
        ] {
            if let Some(filter) = operand(label, filter)? {
                all = all.add(filter.condition_of(&column)?);
            }
        }
        if let Some(filter) = operand("presence", presence)? {
            all = all.add(has_presence(ctx, filter)?);
        }
        if let Some(wanted) = operand("isTarget", is_target)? {
            all = all.add(crate::domain::targeting::is_target(viewer, *wanted));
        }
        if let Some(external) = operand("externalId", external_id)? {
            all = all.add(named(viewer.organization.id, AccountId::PREFIX, Column::Id, external));
        }
        if let Some(filter) = operand("teamMemberId", team_member_id)? {
            let organization = viewer.organization.id;
            let seats = |ids: Vec<UserId>| {
                let seats = seat::Entity::of(organization).filter(seat::Column::UserId.is_in(ids));
                Column::Id.in_subquery(seats.select_only().column(seat::Column::AccountId).into_query())
            };
            // Every account has an owner, and therefore at least one seat.
            all = all.add(
                filter.condition_by::<UserId>(seats, |is_null| Expr::cust(if is_null { "1 = 0" } else { "1 = 1" }))?,
            );
        }
        Ok(all)
    }
}

/// Returns the condition on the parent of an account. A parent that the viewer does not see counts as null.
fn below(viewer: &Viewer, filter: &IdFilter) -> Result<Condition> {
    use account::Column::ParentId;
    if viewer.sees_everything() {
        return filter.condition::<_, AccountId>(ParentId);
    }
    let seen = || ParentId.in_subquery(viewer.seats_query());
    let unseen = || ParentId.is_null().or(ParentId.not_in_subquery(viewer.seats_query()));
    filter.condition_by::<AccountId>(
        |ids| ParentId.is_in(ids).and(seen()),
        |is_null| if is_null { unseen() } else { seen() },
    )
}

/// Returns the condition of a filter, and reads the facts on which it rests before.
///
/// # Errors
/// `BAD_USER_INPUT` as [`Filter::condition`].
pub async fn condition_of<F: Filter>(ctx: &RequestContext, filter: &F) -> Result<Condition> {
    prepare(ctx, filter).await?;
    filter.condition(ctx)
}

/// Reads the facts on which the condition of a filter rests.
async fn prepare<F: Filter>(ctx: &RequestContext, filter: &F) -> Result<()> {
    if filter.needs(Facts::Members) {
        ctx.read_members().await?;
    }
    if filter.needs(Facts::Presences) {
        ctx.read_presences(presence::everywhere(ctx)).await?;
    }
    Ok(())
}

/// Reads the facts on which the operands `account` and `reportingTo` of a filter without nested conditions rest.
pub async fn prepare_account(
    ctx: &RequestContext,
    filter: &MaybeUndefined<Box<AccountFilter>>,
    reporting_to: &MaybeUndefined<ID>,
) -> Result<()> {
    if reporting_to.is_value() {
        ctx.read_members().await?;
    }
    match filter.value() {
        Some(filter) => prepare(ctx, filter.as_ref()).await,
        None => Ok(()),
    }
}

/// Whether the operand `account` of a filter rests on facts.
pub fn account_rests_on(filter: &MaybeUndefined<Box<AccountFilter>>, facts: Facts) -> bool {
    filter.value().is_some_and(|filter| filter.needs(facts))
}

/// Returns the condition that the presence at an account matches a filter.
fn has_presence(ctx: &RequestContext, filter: &FloatFilter) -> Result<SimpleExpr> {
    // Most accounts have no presence and are not listed.
    let none = filter.matches(0.0)?;
    let mut listed = Vec::new();
    for (account, presence) in ctx.presences()? {
        if filter.matches(*presence)? != none {
            listed.push(*account);
        }
    }
    let listed = among_ids(ctx, account::Column::Id, listed);
    Ok(if none { listed.not() } else { listed })
}

/// Selects the times of an account's touches.
fn touches_at_account(viewer: &Viewer) -> SelectStatement {
    let account = Expr::col((touch::Entity, touch::Column::AccountId)).equals((account::Entity, account::Column::Id));
    let mut touches = Query::select();
    touches
        .column((touch::Entity, touch::Column::At))
        .from(touch::Entity)
        .and_where(touch::Column::OrganizationId.eq(viewer.organization.id))
        .and_where(account)
        .limit(1);
    touches
}

/// Returns the time of an account's latest completed touch.
fn last_touch_at_account(viewer: &Viewer) -> SimpleExpr {
    let mut touches = touches_at_account(viewer);
    // Completed touches alone have a weight, which the index has.
    touches
        .and_where(touch::Column::Weight.gt(0))
        .order_by((touch::Entity, touch::Column::At), sea_orm::sea_query::Order::Desc);
    SimpleExpr::SubQuery(None, Box::new(touches.into()))
}

/// Returns the time of an account's earliest scheduled touch to come.
fn next_touch_at_account(viewer: &Viewer, now: Instant) -> SimpleExpr {
    let mut touches = touches_at_account(viewer);
    touches
        .and_where(touch::Column::At.gte(now))
        .and_where(touch::Column::Status.eq(touch::TouchStatus::Scheduled))
        .order_by((touch::Entity, touch::Column::At), sea_orm::sea_query::Order::Asc);
    SimpleExpr::SubQuery(None, Box::new(touches.into()))
}

/// Returns the condition that an account has a standing today.
fn has_standing(standing: Standing, ctx: &RequestContext, viewer: &Viewer) -> SimpleExpr {
    let of_account = || {
        let mut bookings = Query::select();
        bookings
            .from(booking::Entity)
            .and_where(Expr::col((booking::Entity, booking::Column::OrganizationId)).eq(viewer.organization.id))
            .and_where(
                Expr::col((booking::Entity, booking::Column::AccountId)).equals((account::Entity, account::Column::Id)),
            );
        bookings
    };
    let positive = Expr::col((booking::Entity, booking::Column::Amount)).gt(0_i64);
    let any = Expr::exists(of_account().expr(Expr::val(1)).and_where(positive).to_owned());
    let key = match viewer.organization.key_account_threshold {
        Some(threshold) => {
            let (from, to) = viewer.fiscal_days(None, ctx.now);
            let sum = of_account()
                .expr(Expr::cust("coalesce(sum(booking.amount), 0)"))
                .and_where(Expr::col((booking::Entity, booking::Column::BookedOn)).between(from, to))
                .to_owned();
            any.clone().and(SimpleExpr::SubQuery(None, Box::new(sum.into())).gte(threshold))
        }
        None => Expr::cust("1 = 0"),
    };
    match standing {
        Standing::Prospect => any.not(),
        Standing::Client => any.and(key.not()),
        Standing::Key => key,
    }
}

/// Resolves `Account.children`.
pub(super) async fn children(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Connection<Account>>> {
    let arguments: PageArguments = field.arguments()?;
    let below = RowsPerParent::<account::Entity> {
        select: field.request.viewer()?.accounts().filter(account::Column::ArchivedAt.is_null()),
        foreign: account::Column::ParentId,
    };
    let by_id = Order::by_id(account::Column::Id, |row: &account::Model| Key::Id(row.id.uuid()));
    let pages: Vec<Connection<Account>> = below.pages(field, of, |row| row.parent_id, &by_id, &arguments).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Returns the condition that the account of a row matches the operand `account` of a filter; None if it is omitted.
///
/// # Errors
/// `BAD_USER_INPUT` for null, and as [`Filter::condition`].
pub fn at_matching<C: ColumnTrait>(
    ctx: &RequestContext,
    filter: &MaybeUndefined<Box<AccountFilter>>,
    account_id: C,
    remaining: &mut usize,
) -> Result<Option<Condition>> {
    let Some(filter) = operand("account", filter)? else { return Ok(None) };
    let accounts = account::Entity::of(ctx.viewer()?.organization.id).filter(related(filter.as_ref(), ctx, remaining)?);
    let accounts = accounts.select_only().column(account::Column::Id).into_query();
    Ok(Some(Cond::all().add(account_id.in_subquery(accounts))))
}

/// Returns the same for a filter that has no other nested conditions.
///
/// # Errors
/// As [`at_matching`].
pub fn at_account<C: ColumnTrait>(
    ctx: &RequestContext,
    filter: &MaybeUndefined<Box<AccountFilter>>,
    account_id: C,
) -> Result<Option<Condition>> {
    let mut remaining = MOST_CONDITIONS;
    let condition = at_matching(ctx, filter, account_id, &mut remaining)?;
    if let Some(condition) = &condition {
        not_too_many_operands(ctx, condition)?;
    }
    Ok(condition)
}

/// Returns the condition that a row has this external id.
pub fn named<C: ColumnTrait>(
    organization: OrganizationId,
    noun: &str,
    id: C,
    external: &ExternalIdInput,
) -> SimpleExpr {
    let Some((source, name)) = crate::write::external_ids::key(external) else { return Expr::cust("1 = 0") };
    let names = external_id::Entity::of(organization)
        .filter(external_id::Column::Noun.eq(noun))
        .filter(external_id::Column::Source.eq(source))
        .filter(external_id::Column::Id.eq(name));
    id.in_subquery(names.select_only().column(external_id::Column::SubjectId).into_query())
}

/// Returns the selection restricted to the row with this external id; there is at most one.
pub fn by_external_id<E: EntityTrait>(
    viewer: &Viewer,
    select: Select<E>,
    noun: &str,
    id: E::Column,
    external: &ExternalIdInput,
) -> Select<E> {
    select.filter(named(viewer.organization.id, noun, id, external))
}

/// Checks that a year is within the calendar.
///
/// # Errors
/// `BAD_USER_INPUT` if it is not.
pub fn check_year(year: Option<i32>) -> Result<()> {
    match year {
        Some(year) if !(1..=9999).contains(&year) => {
            Err(Error::BadInput(format!("`year` must be between 1 and 9999; {year} was given.")))
        }
        _ => Ok(()),
    }
}

/// A field by which accounts can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccountOrderField {
    /// The name, case-folded (NFKC) and compared byte by byte.
    Name,
    /// The amount that the account could spend with the organization in a year.
    Potential,
    /// The number of employees.
    Employees,
    /// The account's own yearly revenue.
    AnnualRevenue,
    /// The score.
    Score,
    /// The time of creation.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of accounts.
    AccountOrder by AccountOrderField, sort_key => account::Entity
}

fn sort_key(field: AccountOrderField) -> SortKey<account::Entity> {
    use account::Column;
    match field {
        AccountOrderField::Name => {
            SortKey::column("NAME", Column::NameKey, |row: &account::Model| Key::Text(row.name_key.clone()))
        }
        AccountOrderField::Potential => {
            SortKey::nullable("POTENTIAL", Column::Potential, i64::MAX, |row: &account::Model| row.potential)
        }
        AccountOrderField::Employees => {
            SortKey::nullable("EMPLOYEES", Column::Employees, i64::MAX, |row: &account::Model| {
                row.employees.map(i64::from)
            })
        }
        AccountOrderField::AnnualRevenue => {
            SortKey::nullable("ANNUAL_REVENUE", Column::AnnualRevenue, i64::MAX, |row: &account::Model| {
                row.annual_revenue
            })
        }
        AccountOrderField::Score => {
            SortKey::column("SCORE", Column::Score, |row: &account::Model| Key::Number(row.score))
        }
        AccountOrderField::CreatedAt => {
            SortKey::column("CREATED_AT", Column::CreatedAt, |row: &account::Model| Key::Number(row.created_at.0))
        }
        AccountOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &account::Model| Key::Number(row.updated_at.0))
        }
    }
}

/// Arguments of a list of accounts.
#[derive(Clone, Debug, InputObject)]
pub struct AccountsArguments {
    /// Only accounts that match this filter.
    pub filter: Option<AccountFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<AccountOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

impl AccountsArguments {
    fn order(&self) -> Result<Order<account::Entity>> {
        Order::by(
            AccountOrder::keys(self.order_by.as_deref()),
            SortKey::column("ID", account::Column::Id, |row: &account::Model| Key::Id(row.id.uuid())),
        )
    }

    async fn select(&self, ctx: &RequestContext) -> Result<Select<account::Entity>> {
        let all = account::Entity::of(ctx.viewer()?.organization.id);
        Ok(all.filter(condition_of(ctx, &self.filter.clone().unwrap_or_default()).await?))
    }
}

/// Resolves `Query.accounts`.
pub async fn accounts(field: &FieldContext<'_>, arguments: AccountsArguments) -> Result<Connection<Account>> {
    let is_selective = arguments
        .filter
        .as_ref()
        .is_some_and(|filter| filter.id.is_value() || filter.domain.is_value() || filter.external_id.is_value());
    let seen =
        VisibleRows { select: arguments.select(field.request).await?, account: account::Column::Id, is_selective };
    seen.page(field, &arguments.order()?, &arguments.page).await
}

/// Resolves the accounts that each user owns.
pub async fn owned(
    field: &FieldContext<'_>,
    of: &[&User],
) -> Result<Batch<Connection<crate::domain::account::Account>>> {
    let arguments: AccountsArguments = field.arguments()?;
    let below = RowsPerParent::<account::Entity> {
        select: arguments.select(field.request).await?.filter(field.request.viewer()?.sees(account::Column::Id)),
        foreign: account::Column::OwnerId,
    };
    let ids: Vec<UserId> = of.iter().map(|user| user.0.id).collect();
    let pages: Vec<Connection<Account>> =
        below.pages(field, &ids, |row| Some(row.owner_id), &arguments.order()?, &arguments.page).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}
