//! Reading the event feed: `events`, and the history of accounts and plans.
//!
//! The feed is ordered by position (`seq`). On PostgreSQL, an event may be committed while one with a lower position is
//! still in progress. Readers therefore see the feed only up to its settled end: the highest position below which no
//! event can appear any more (see the migration). Writers do not wait for each other.
//!
//! A cursor holds the id of its event and no position: positions count the events of all organizations, and are handed out again
//! after a restore or a failover that lost rows. A cursor whose event is not there is refused, and so is one of another
//! history, which begins with each `callshot restore`.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type, and how the feed is read |
//! | [`list`] | filters |
//! | `title` | a line for a timeline |

pub mod list;
mod title;

use std::time::Duration;

use async_graphql::InputObject;
use entity::{AccountId, ContactId, EventId, Id, OpportunityId, PlanId, Scoped, UserId, event};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, QueryFilter, QueryTrait, Select, Statement};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::list::EventFilter;
use crate::context::{RequestContext, Services, Viewer};
use crate::domain::account::Account;
use crate::domain::targeting::one_on_one::{account_of, agendas};
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::pagination::order::foreign_cursor;
use crate::graphql::pagination::{
    self, Connection, Direction, Key, Order, PageArguments, RowsPerParent, SortKey, connection,
};
use crate::graphql::scalars::Json;
use crate::graphql::{AnyId, AnyNode, Batch, FieldContext, NodeId, ReadColumns as _, object, union_type};
use database::db::Db;

/// The fields in `changes` that refer to an account.
const NAMING: [&str; 2] = ["accountId", "parentId"];

/// A committed change.
#[derive(Clone, Debug)]
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

union_type! {
    /// The originator of a change.
    Actor as "Actor" of User
}

object! {
    /// A committed change. The feed of events is the audit log, and it is complete: replaying it yields the current
    /// state.
    Event as "Event" Node {
        /// The opaque identifier, prefixed with the type and increasing with the time of creation.
        id: NodeId<EventId> = plain(|event| NodeId(event.0.id));
        /// The time of the change.
        at: entity::Instant = plain(|event| event.0.at);
        /// The type of the change, such as `account.created`.
        type: &str = plain(|event| &event.0.kind);
        /// The originator of the change; null for the system itself.
        actor: Option<Actor> = by_key(|event| event.0.actor_id, actors);
        /// The object that changed; null if it no longer exists or the caller does not see it.
        subject: Option<AnyNode> = batch(subjects);
        /// The id of the object that changed.
        subjectId: AnyId = plain(|event| AnyId(entity::show_id(&event.0.subject_noun, event.0.subject_id)));
        /// The account to which the object belongs; null if there is none or if the caller does not see it.
        account: Option<Account> = by_key(|event| event.0.account_id, Account::resolve);
        /// The changed fields, as a JSON object of the form `{field: {from, to}}`. A reference to an account that the
        /// caller does not see is null, or left out of an agenda.
        changes: Json<String> = batch(changes);
        /// A line for a timeline, in English: what it was about, by the names of that time, and what happened to it, such
        /// as `Call with Acme completed: Renewal`. Holds no other values; `actor` is who did it.
        title: String = batch(title::of_events);
    }
}
connection!(Event as "Event" uncounted);

/// Resolves the originator of a change by the id of the user; null for the system itself.
pub(crate) async fn actors(field: &FieldContext<'_>, ids: &[Option<UserId>]) -> Result<Batch<Option<Actor>>> {
    let users = User::fetch(field.request, ids.iter().copied().flatten()).await?;
    Ok(field.found(ids, &users).await?.upcast_nullable())
}

/// Resolves the changes as stored, but without references to accounts that the viewer does not see. Agendas leave them
/// out, as `OneOnOne.items` does; elsewhere they are null, as `Account.parent` is.
async fn changes(field: &FieldContext<'_>, of: &[&Event]) -> Result<Batch<Json<String>>> {
    let naming = |event: &&Event| names_others(&event.0).then(|| serde_json::from_str(&event.0.changes)).transpose();
    let mut rewritten = of.iter().map(naming).collect::<Result<Vec<Option<Value>>, _>>().map_err(Error::internal)?;
    let mut named = Vec::new();
    for changes in rewritten.iter_mut().flatten() {
        named.extend(agendas(changes).flat_map(|agenda| agenda.iter().filter_map(account_of)));
        named.extend(naming_values(changes).filter_map(|value| account(value)));
    }
    let seen = Account::fetch(field.request, named).await?;
    let mut answers = Batch::with_capacity(of.len());
    for (event, rewritten) in of.iter().zip(rewritten) {
        let text = rewritten.map(|mut changes| {
            for agenda in agendas(&mut changes) {
                agenda.retain(|item| account_of(item).is_some_and(|account| seen.contains_key(&account)));
            }
            for value in naming_values(&mut changes) {
                if account(value).is_some_and(|account| !seen.contains_key(&account)) {
                    *value = Value::Null;
                }
            }
            changes.to_string()
        });
        answers.push(field.request, &Json(text.unwrap_or_else(|| event.0.changes.clone())));
    }
    Ok(answers)
}

/// Returns whether the changes of an event may refer to accounts other than the one to which it belongs.
fn names_others(event: &event::Model) -> bool {
    let prefix = format!("\"{}_", AccountId::PREFIX);
    let own = event.account_id.map(|account| format!("\"{}\"", account.show()));
    let mut named = event.changes.match_indices(&prefix).map(|(at, _)| &event.changes[at..]);
    named.any(|rest| own.as_ref().is_none_or(|own| !rest.starts_with(own)))
}

/// Returns the old and new values of the fields that refer to another account.
fn naming_values(changes: &mut Value) -> impl Iterator<Item = &mut Value> {
    let fields = changes.as_object_mut().into_iter().flatten();
    let naming = fields.filter(|(field, _)| NAMING.contains(&field.as_str()));
    naming.filter_map(|(_, sides)| sides.as_object_mut()).flat_map(Map::values_mut)
}

fn account(value: &Value) -> Option<AccountId> {
    AccountId::parse(value.as_str()?).ok()
}

async fn subjects(field: &FieldContext<'_>, of: &[&Event]) -> Result<Batch<Option<AnyNode>>> {
    let ids: Vec<(&str, uuid::Uuid)> =
        of.iter().map(|event| (event.0.subject_noun.as_str(), event.0.subject_id)).collect();
    crate::domain::node::nodes_of(field, &ids).await
}

/// Returns the events that the viewer sees: those of visible accounts, those about the viewer or a member below them,
/// and those about what all members of the organization see.
fn visible(viewer: &Viewer) -> Select<event::Entity> {
    let of_no_account = Cond::all()
        .add(event::Column::AccountId.is_null())
        .add(Cond::any().add(event::Column::AboutId.is_null()).add(viewer.answers_for(event::Column::AboutId)));
    let seen = Cond::any().add(of_no_account).add(viewer.sees(event::Column::AccountId));
    event::Entity::of(viewer.organization.id).filter(seen)
}

/// Returns the settled end: the highest position below which no event can appear any more. `None` means that every
/// position is settled.
pub(crate) async fn settled_end(ctx: &RequestContext) -> Result<Option<i64>> {
    if ctx.services.db.backend() == DbBackend::Sqlite {
        return Ok(None);
    }
    let statement = Statement::from_string(DbBackend::Postgres, "select event_settled_end()");
    let row = ctx.reader().query_one_raw(statement).await?;
    row.map(|row| row.try_get_by_index(0)).transpose().map_err(Error::from)
}

/// Returns the number of events of all organizations that readers do not see yet, and the age of the oldest one in
/// seconds.
pub async fn unsettled(services: &Services) -> Result<(i64, f64), DbErr> {
    if services.db.backend() == DbBackend::Sqlite {
        return Ok((0, 0.0));
    }
    let sql = "select count(*), coalesce(min(at), 0)::bigint from event where seq > (select event_settled_end())";
    let row = services.db.reader().query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let (events, oldest): (i64, i64) = match row {
        Some(row) => (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
        None => (0, 0),
    };
    let micros = if events == 0 { 0 } else { services.clock.now().0.saturating_sub(oldest).max(0) };
    Ok((events, Duration::from_micros(micros.unsigned_abs()).as_secs_f64()))
}

/// Returns the feed's ordering, with the places of the cursors of a page.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor whose event is not in this history of the feed.
async fn order(ctx: &RequestContext, direction: Direction, arguments: &PageArguments) -> Result<Order<event::Entity>> {
    let seq = SortKey::column("SEQ", event::Column::Seq, |row: &event::Model| Key::Number(row.seq));
    let id = SortKey::column("ID", event::Column::Id, |row: &event::Model| Key::Id(row.id.uuid()));
    let mut order = Order::by(vec![(seq, direction)], id)?.by_names(ctx.services.history.to_string());
    for cursor in [&arguments.after, &arguments.before].into_iter().flatten() {
        let foreign = || Error::BadInput(foreign_cursor().to_owned());
        let id = order.named(cursor).ok_or_else(foreign)?;
        let mut place = event::Entity::of(ctx.viewer()?.organization.id).filter(event::Column::Id.eq(id)).into_query();
        place.clear_selects().column(event::Column::Seq);
        let row = ctx.reader().query_one(&place).await?.ok_or_else(foreign)?;
        order.look_up(cursor.clone(), vec![Key::Number(row.try_get_by_index(0)?), Key::Id(id)]);
    }
    Ok(order)
}

/// Returns the id of the feed's present history.
///
/// # Errors
/// The database's.
pub async fn present_history(db: &Db) -> Result<Uuid, DbErr> {
    let statement = Statement::from_string(db.backend(), "select id from feed_history");
    let row = db.reader().query_one_raw(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the feed has no history".to_owned()))?.try_get_by_index(0)
}

/// Arguments of `events` and of histories.
#[derive(Clone, Debug, InputObject)]
pub struct EventsArguments {
    /// Only events that match this filter.
    pub filter: Option<EventFilter>,
    /// The page to return. `last` without `before` returns the newest events, as a list of notifications shows them.
    #[graphql(flatten)]
    pub page: PageArguments,
}

impl EventsArguments {
    /// Returns the selection restricted to the settled events that match the filter.
    async fn narrow(&self, ctx: &RequestContext, mut select: Select<event::Entity>) -> Result<Select<event::Entity>> {
        if let Some(filter) = &self.filter {
            select = select.filter(filter.condition()?);
        }
        // The end is read before the page, so that an event committed in between appears on the next page.
        Ok(match settled_end(ctx).await? {
            Some(end) => select.filter(event::Column::Seq.lte(end)),
            None => select,
        })
    }
}

/// Resolves `Query.events`.
pub async fn events(field: &FieldContext<'_>, arguments: EventsArguments) -> Result<Connection<Event>> {
    let select = arguments.narrow(field.request, visible(field.request.viewer()?)).await?;
    let order = order(field.request, Direction::Asc, &arguments.page).await?;
    pagination::page(field, select, &order, &arguments.page).await
}

/// Returns a page of the history of each account, newest first.
pub async fn history(field: &FieldContext<'_>, accounts: &[AccountId]) -> Result<Vec<Connection<Event>>> {
    below(field, accounts, event::Column::AccountId, |row| row.account_id).await
}

/// Returns a page of the history of each plan, newest first. A viewer who sees a plan also sees its account, and
/// therefore these events.
pub async fn history_of_plans(field: &FieldContext<'_>, plans: &[PlanId]) -> Result<Vec<Connection<Event>>> {
    below(field, plans, event::Column::SubjectId, |row| Some(PlanId(row.subject_id))).await
}

/// Resolves `Opportunity.history`. An opportunity may have been at an account that the viewer does not see.
pub async fn of_opportunities(field: &FieldContext<'_>, of: &[OpportunityId]) -> Result<Batch<Connection<Event>>> {
    let select = visible(field.request.viewer()?);
    let pages = pages(field, select, of, event::Column::SubjectId, |row| Some(OpportunityId(row.subject_id))).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Resolves `Contact.history`. A contact may have been at an account that the viewer does not see.
pub async fn of_contacts(field: &FieldContext<'_>, of: &[ContactId]) -> Result<Batch<Connection<Event>>> {
    let select = visible(field.request.viewer()?);
    let pages = pages(field, select, of, event::Column::SubjectId, |row| Some(ContactId(row.subject_id))).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Returns a page of the settled events of each parent, newest first. The viewer must see all of them.
async fn below<K: Id>(
    field: &FieldContext<'_>,
    parents: &[K],
    foreign: event::Column,
    parent_of: fn(&event::Model) -> Option<K>,
) -> Result<Vec<Connection<Event>>> {
    let select = event::Entity::of(field.request.viewer()?.organization.id);
    pages(field, select, parents, foreign, parent_of).await
}

/// Returns a page of those of the settled events of each parent that are selected, newest first.
async fn pages<K: Id>(
    field: &FieldContext<'_>,
    select: Select<event::Entity>,
    parents: &[K],
    foreign: event::Column,
    parent_of: fn(&event::Model) -> Option<K>,
) -> Result<Vec<Connection<Event>>> {
    let arguments: EventsArguments = field.arguments()?;
    let below = RowsPerParent { select: arguments.narrow(field.request, select).await?, foreign };
    let order = order(field.request, Direction::Desc, &arguments.page).await?;
    below.pages(field, parents, parent_of, &order, &arguments.page).await
}

impl Event {
    /// Returns the events with these ids that the viewer sees.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = EventId>,
    ) -> Result<std::collections::HashMap<EventId, Self>> {
        let ids: Vec<EventId> = ids.into_iter().collect();
        let rows = visible(ctx.viewer()?).filter(event::Column::Id.is_in(ids)).all(ctx.reader()).await?;
        Ok(rows.into_iter().map(|row| (row.id, Self(row))).collect())
    }
}
