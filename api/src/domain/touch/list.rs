//! Lists of touches: filters and orderings; the touches of accounts and of people, the newest first.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use chrono_tz::Tz;
use entity::{
    AccountId, ContactId, Day, Id, Instant, OpportunityId, Scoped, TouchId, UserId, contact, touch, touch_contact, user,
};
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait, Select};

use super::{Touch, TouchKind, TouchStatus, ValueKind};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{account_rests_on, at_matching, condition_of, named};
use crate::domain::contact::Contact;
use crate::domain::targeting::TOUCH_ON_LIST;
use crate::error::Result;
use crate::graphql::filter::{self, DateTimeFilter, Facts, Filter, IdFilter, Nested, equals, operand};
use crate::graphql::pagination::{
    Connection, ConnectionNode, Direction, Key, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering,
};
use crate::graphql::scalars::DateRange;
use crate::graphql::{Batch, FieldContext, FieldDefinition};
use crate::values::calendar;
use crate::write::external_ids::ExternalIdInput;
use graphql_executor::ObjectType;

/// A filter on touches. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TouchFilter {
    /// All of these.
    pub and: MaybeUndefined<Vec<TouchFilter>>,
    /// One of these; of none, nothing matches.
    pub or: MaybeUndefined<Vec<TouchFilter>>,
    /// The filter must not match.
    pub not: MaybeUndefined<Box<TouchFilter>>,
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Filters by the contacts who took part; isNull finds touches without a contact.
    pub contact_id: MaybeUndefined<IdFilter>,
    /// Filters by user.
    pub user_id: MaybeUndefined<IdFilter>,
    /// Only touches by this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Filters by the opportunity that it was about.
    pub opportunity_id: MaybeUndefined<IdFilter>,
    /// Only the touch with this identifier in another system.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// Filters by the time at which it starts or started.
    pub at: MaybeUndefined<DateTimeFilter>,
    /// Only touches that start or started on one of these days, the first and the last included, in the time zone of the
    /// touch's user.
    pub on: MaybeUndefined<DateRange>,
    /// Made in one of these ways.
    pub kind: MaybeUndefined<Vec<TouchKind>>,
    /// The current status is one of these.
    pub status: MaybeUndefined<Vec<TouchStatus>>,
    /// The client got one of these out of it.
    pub value: MaybeUndefined<Vec<ValueKind>>,
    /// Did (true) or did not (false) the other side take part?
    pub responded: MaybeUndefined<bool>,
    /// Was (true) or was not (false) the account an agreed target of the user's when the touch began?
    pub on_target: MaybeUndefined<bool>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl Filter for TouchFilter {
    fn nested(&self) -> Nested<'_, Self> {
        Nested { and: &self.and, or: &self.or, not: &self.not }
    }

    fn rests_on(&self, facts: Facts) -> bool {
        facts == Facts::Members && (self.on.is_value() || self.reporting_to.is_value())
            || account_rests_on(&self.account, facts)
    }

    fn on_related(&self, ctx: &RequestContext, remaining: &mut usize) -> Result<Option<Condition>> {
        at_matching(ctx, &self.account, touch::Column::AccountId, remaining)
    }

    fn own(&self, ctx: &RequestContext) -> Result<Condition> {
        use touch::Column;
        let Self {
            and: _,
            or: _,
            not: _,
            account_id,
            account: _,
            contact_id,
            user_id,
            reporting_to,
            opportunity_id,
            external_id,
            at,
            on,
            kind,
            status,
            value,
            responded,
            on_target,
            updated_at,
        } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(filter) = operand("contactId", contact_id)? {
            let viewer = ctx.viewer()?;
            let with = |ids: Vec<ContactId>| {
                Column::Id.in_subquery(took_part(viewer, Some(touch_contact::Column::ContactId.is_in(ids))))
            };
            let is_unnamed = |is_null: bool| match (viewer.sees_everything(), is_null) {
                (true, true) => Column::ContactIds.eq("[]"),
                (true, false) => Column::ContactIds.ne("[]"),
                (false, true) => Column::Id.not_in_subquery(took_part(viewer, None)),
                (false, false) => Column::Id.in_subquery(took_part(viewer, None)),
            };
            all = all.add(filter.condition_by::<ContactId>(with, is_unnamed)?);
        }
        if let Some(filter) = operand("userId", user_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::UserId)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::UserId, user)?);
        }
        if let Some(filter) = operand("opportunityId", opportunity_id)? {
            all = all.add(filter.condition::<_, OpportunityId>(Column::OpportunityId)?);
        }
        if let Some(external) = operand("externalId", external_id)? {
            all = all.add(named(ctx.viewer()?.organization.id, TouchId::PREFIX, Column::Id, external));
        }
        if let Some(filter) = operand("at", at)? {
            all = all.add(filter.condition(Column::At)?);
        }
        if let Some(days) = operand("on", on)? {
            all = all.add(on_days(ctx, days.days()?)?);
        }
        if let Some(kinds) = operand("kind", kind)? {
            all = all.add(Column::Kind.is_in(kinds.iter().map(|&kind| touch::TouchKind::from(kind))));
        }
        if let Some(statuses) = operand("status", status)? {
            let any =
                statuses.iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, &status| any.add(stands(status, ctx)));
            all = all.add(any);
        }
        if let Some(values) = operand("value", value)? {
            all = all.add(Column::Value.is_in(values.iter().map(|&value| touch::ValueKind::from(value))));
        }
        if let Some(responded) = operand("responded", responded)? {
            all = all.add(Column::Responded.eq(*responded));
        }
        if let Some(on_target) = operand("onTarget", on_target)? {
            let listed = Expr::cust(TOUCH_ON_LIST);
            all = all.add(if *on_target { listed } else { listed.not() });
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// Returns the condition that a touch begins on one of the days from the first to the last in its user's time zone.
fn on_days(ctx: &RequestContext, (first, last): (Day, Day)) -> Result<Condition> {
    use touch::Column;
    let organization = ctx.viewer()?.organization.id;
    let zones = ctx.zones()?;
    let range = |zone: Tz| (calendar::start_of(first, zone), calendar::end_of(last, zone));
    let within = |(from, until): (Instant, Instant)| Cond::all().add(Column::At.gte(from)).add(Column::At.lt(until));
    let mut any = Cond::any().add(Expr::cust("1 = 0"));
    for (name, zone) in zones {
        let there = user::Entity::of(organization).filter(user::Column::TimeZone.eq(name.as_str()));
        let there = there.select_only().column(user::Column::Id).into_query();
        any = any.add(within(range(*zone)).add(Column::UserId.in_subquery(there)));
    }
    let ranges: Vec<(Instant, Instant)> = zones.iter().map(|(_, zone)| range(*zone)).collect();
    let (Some(from), Some(until)) =
        (ranges.iter().map(|(from, _)| *from).min(), ranges.iter().map(|(_, until)| *until).max())
    else {
        return Ok(any);
    };
    // The index is read from the earliest to the latest of these instants.
    Ok(if ranges.iter().all(|range| *range == (from, until)) {
        within((from, until))
    } else {
        within((from, until)).add(any)
    })
}

/// Selects the touches in which a contact took part whom the viewer sees.
fn took_part(viewer: &Viewer, which: Option<SimpleExpr>) -> SelectStatement {
    let mut parts = touch_contact::Entity::of(viewer.organization.id);
    if let Some(which) = which {
        parts = parts.filter(which);
    }
    if !viewer.sees_everything() {
        let seen = viewer.rows::<contact::Entity>(contact::Column::AccountId);
        let seen = seen.select_only().column(contact::Column::Id).into_query();
        parts = parts.filter(touch_contact::Column::ContactId.in_subquery(seen));
    }
    parts.select_only().column(touch_contact::Column::TouchId).into_query()
}

/// Returns the condition that a touch has a given status now.
fn stands(status: TouchStatus, ctx: &RequestContext) -> SimpleExpr {
    use touch::{Column, TouchStatus as Stored};
    match status {
        TouchStatus::Scheduled => Column::Status.eq(Stored::Scheduled).and(Column::MissedAt.gt(ctx.now)),
        TouchStatus::Missed => Column::Status.eq(Stored::Scheduled).and(Column::MissedAt.lte(ctx.now)),
        TouchStatus::Completed => Column::Status.eq(Stored::Completed),
        TouchStatus::Canceled => Column::Status.eq(Stored::Canceled),
    }
}

/// A field by which touches can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TouchOrderField {
    /// The time at which it starts or started.
    At,
    /// The time of creation here.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of touches.
    TouchOrder by TouchOrderField, sort_key => touch::Entity
}

fn sort_key(field: TouchOrderField) -> SortKey<touch::Entity> {
    use touch::{Column, Model};
    match field {
        TouchOrderField::At => SortKey::column("AT", Column::At, |row: &Model| Key::Number(row.at.0)),
        TouchOrderField::CreatedAt => {
            SortKey::column("CREATED_AT", Column::CreatedAt, |row: &Model| Key::Number(row.created_at.0))
        }
        TouchOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(keys: Vec<(SortKey<touch::Entity>, Direction)>) -> Result<Order<touch::Entity>> {
    Order::by(keys, SortKey::column("ID", touch::Column::Id, |row: &touch::Model| Key::Id(row.id.uuid())))
}

fn by_time(direction: Direction) -> Result<Order<touch::Entity>> {
    order(vec![(sort_key(TouchOrderField::At), direction)])
}

/// Arguments of a list of touches.
#[derive(Clone, Debug, InputObject)]
pub struct TouchesArguments {
    /// Which of them.
    pub filter: Option<TouchFilter>,
    /// The order, at most 3 entries. Where none is given: an account's the newest first, others by id.
    pub order_by: Option<Vec<TouchOrder>>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

impl TouchesArguments {
    fn order(&self) -> Option<Vec<(SortKey<touch::Entity>, Direction)>> {
        self.order_by.as_deref().filter(|entries| !entries.is_empty()).map(|entries| TouchOrder::keys(Some(entries)))
    }

    /// Touches, seen or not.
    async fn select(&self, ctx: &RequestContext) -> Result<Select<touch::Entity>> {
        let select = touch::Entity::of(ctx.viewer()?.organization.id);
        match &self.filter {
            Some(filter) => Ok(select.filter(condition_of(ctx, filter).await?)),
            None => Ok(select),
        }
    }

    /// Whether the filter selects a single account or a single contact.
    fn is_selective(&self) -> bool {
        let pins = |filter: &TouchFilter| {
            [&filter.account_id, &filter.contact_id, &filter.user_id, &filter.opportunity_id].into_iter().any(equals)
                || filter.external_id.is_value()
        };
        self.filter.as_ref().is_some_and(pins)
    }
}

/// Resolves `Query.touches`.
pub async fn touches(field: &FieldContext<'_>, arguments: TouchesArguments) -> Result<Connection<Touch>> {
    let seen = VisibleRows {
        select: arguments.select(field.request).await?,
        account: touch::Column::AccountId,
        is_selective: arguments.is_selective(),
    };
    seen.page(field, &order(arguments.order().unwrap_or_default())?, &arguments.page).await
}

/// Resolves `Account.touches`, by default the newest first.
pub async fn of_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Connection<Touch>>> {
    pages(field, of, touch::Column::AccountId, |row| Some(row.account_id)).await
}

/// Resolves `Opportunity.touches`, by default the newest first. They are at the opportunity's account, which the viewer sees.
pub async fn of_opportunities(field: &FieldContext<'_>, of: &[OpportunityId]) -> Result<Batch<Connection<Touch>>> {
    pages(field, of, touch::Column::OpportunityId, |row| row.opportunity_id).await
}

/// Returns a page of the touches of each parent, by default the newest first. The viewer must see all of them.
async fn pages<K: Id>(
    field: &FieldContext<'_>,
    of: &[K],
    foreign: touch::Column,
    parent_of: fn(&touch::Model) -> Option<K>,
) -> Result<Batch<Connection<Touch>>> {
    let arguments: TouchesArguments = field.arguments()?;
    let order = match arguments.order() {
        Some(keys) => order(keys)?,
        None => by_time(Direction::Desc)?,
    };
    let below = RowsPerParent::<touch::Entity> { select: arguments.select(field.request).await?, foreign };
    let pages: Vec<Connection<Touch>> = below.pages(field, of, parent_of, &order, &arguments.page).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Resolves `Account.lastTouch`: the latest completed touch.
pub async fn last_of_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Option<Touch>>> {
    let made = touch::Column::Status.eq(touch::TouchStatus::Completed);
    one_of_accounts(field, of, made, Direction::Desc).await
}

/// Resolves `Account.nextTouch`: the earliest scheduled touch.
pub async fn next_of_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Option<Touch>>> {
    let to_come = stands(TouchStatus::Scheduled, field.request).and(touch::Column::At.gte(field.request.now));
    one_of_accounts(field, of, to_come, Direction::Asc).await
}

async fn one_of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
    which: SimpleExpr,
    direction: Direction,
) -> Result<Batch<Option<Touch>>> {
    let select = touch::Entity::of(field.request.viewer()?.organization.id).filter(which);
    let below = RowsPerParent::<touch::Entity> { select, foreign: touch::Column::AccountId };
    let found = below.firsts(field.request, of, |row| Some(row.account_id), &by_time(direction)?).await?;
    let found: HashMap<AccountId, Touch> = found.into_iter().map(|(id, row)| (id, Touch(row))).collect();
    let rows: Vec<Option<&Touch>> = of.iter().map(|account| found.get(account)).collect();
    field.optional_objects(&rows).await
}

/// A row of `touch_contact`, by which the touches of contacts are paged: its index is ordered by contact and then like the
/// touches.
struct Part(touch_contact::Model);

impl From<touch_contact::Model> for Part {
    fn from(row: touch_contact::Model) -> Self {
        Self(row)
    }
}

impl ObjectType<RequestContext> for Part {
    const NAME: &'static str = <Touch as ObjectType<RequestContext>>::NAME;
    const DOC: &'static str = <Touch as ObjectType<RequestContext>>::DOC;
    const NODE: bool = <Touch as ObjectType<RequestContext>>::NODE;
    const FIELDS: &'static [FieldDefinition<Self, RequestContext>] = &[];
}
graphql_executor::object_output!(RequestContext; [] Part);

impl ConnectionNode for Part {
    const CONNECTION: &'static str = Touch::CONNECTION;
    const EDGE: &'static str = Touch::EDGE;
}

/// Selects the rows of contacts in touches that the viewer sees: a contact may have moved to another account since.
fn parts(viewer: &Viewer, which: Condition) -> RowsPerParent<touch_contact::Entity> {
    let touch = Query::select()
        .expr(Expr::val(1))
        .from(touch::Entity)
        .and_where(
            Expr::col((touch::Entity, touch::Column::Id))
                .equals((touch_contact::Entity, touch_contact::Column::TouchId)),
        )
        .cond_where(viewer.sees(touch::Column::AccountId))
        .cond_where(which)
        .to_owned();
    RowsPerParent {
        select: touch_contact::Entity::of(viewer.organization.id).filter(Expr::exists(touch)),
        foreign: touch_contact::Column::ContactId,
    }
}

fn parts_by_time(direction: Direction) -> Result<Order<touch_contact::Entity>> {
    use touch_contact::{Column, Model};
    let at = SortKey::column("AT", Column::At, |row: &Model| Key::Number(row.at.0));
    let id = SortKey::column("ID", Column::TouchId, |row: &Model| Key::Id(row.touch_id.uuid()));
    Order::by(vec![(at, direction)], id)
}

fn people_of(contacts: &[&Contact]) -> Vec<ContactId> {
    contacts.iter().map(|contact| contact.0.id).collect()
}

/// Resolves `Contact.touches`, the newest first.
pub async fn of_contacts(field: &FieldContext<'_>, of: &[&Contact]) -> Result<Batch<Connection<Touch>>> {
    let arguments: PageArguments = field.arguments()?;
    let people = people_of(of);
    let below = parts(field.request.viewer()?, Cond::all());
    let pages: Vec<Connection<Part>> =
        below.pages(field, &people, |row| Some(row.contact_id), &parts_by_time(Direction::Desc)?, &arguments).await?;
    let ids: Vec<TouchId> = pages.iter().flat_map(Connection::nodes).map(|part| part.0.touch_id).collect();
    let found = Touch::fetch(field.request, ids).await?;
    let pages: Vec<Connection<Touch>> =
        pages.into_iter().map(|page| page.map(|part| found.get(&part.0.touch_id).cloned())).collect();
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Resolves `Contact.lastTouch`: the latest completed touch.
pub async fn last_of_contacts(field: &FieldContext<'_>, of: &[&Contact]) -> Result<Batch<Option<Touch>>> {
    let made = Cond::all().add(touch::Column::Status.eq(touch::TouchStatus::Completed));
    let below = parts(field.request.viewer()?, made);
    one_of_contacts(field, of, below, Direction::Desc).await
}

/// Resolves `Contact.nextTouch`: the earliest scheduled touch.
pub async fn next_of_contacts(field: &FieldContext<'_>, of: &[&Contact]) -> Result<Batch<Option<Touch>>> {
    let now = field.request.now;
    let to_come = Cond::all().add(stands(TouchStatus::Scheduled, field.request));
    let mut below = parts(field.request.viewer()?, to_come);
    // Asked of the row of the contact, whose index is ordered by it.
    below.select = below.select.filter(touch_contact::Column::At.gte(now));
    one_of_contacts(field, of, below, Direction::Asc).await
}

async fn one_of_contacts(
    field: &FieldContext<'_>,
    of: &[&Contact],
    below: RowsPerParent<touch_contact::Entity>,
    direction: Direction,
) -> Result<Batch<Option<Touch>>> {
    let people = people_of(of);
    let parts = below.firsts(field.request, &people, |row| Some(row.contact_id), &parts_by_time(direction)?).await?;
    let found = Touch::fetch(field.request, parts.values().map(|part| part.touch_id)).await?;
    let rows: Vec<Option<&Touch>> = people.iter().map(|id| found.get(&parts.get(id)?.touch_id)).collect();
    field.optional_objects(&rows).await
}
