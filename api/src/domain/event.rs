//! Reading the feed: `events`, and the history of one thing.
//!
//! The feed's order is the order of places (`seq`). On PostgreSQL an event may be committed while one with a lower
//! place is still under way; so readers see the feed up to its settled end alone: the highest place below which
//! nothing can come in any more (see the migration). Writers wait for nobody.

use std::time::Duration;

use async_graphql::InputObject;
use entity::{AccountId, EventId, Id, PlanId, Scoped, event};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, QueryFilter, Select, Statement};
use serde_json::{Map, Value};

use crate::app::App;
use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::targeting::one_on_one::{account_of, agendas};
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::pagination::{
    self, Connection, Direction, Key, Order, PageArguments, RowsPerParent, SortKey, connection,
};
use crate::graphql::scalars::Json;
use crate::graphql::{AnyId, AnyNode, Batch, FieldContext, NodeId, object, union_type};
use crate::write::event_types::{instead, is_type};

/// Facts that name an account.
const NAMING: [&str; 2] = ["accountId", "parentId"];

/// A change that was committed.
#[derive(Clone, Debug)]
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

union_type! {
    /// Who did it.
    Actor as "Actor" of User
}

object! {
    /// A change that was committed. The feed is the audit log, and complete: replaying it gives the current state.
    Event as "Event" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<EventId> = plain(|event| NodeId(event.0.id));
        /// When it was made.
        at: entity::Instant = plain(|event| event.0.at);
        /// What happened, such as `account.created`.
        type: &str = plain(|event| &event.0.kind);
        /// Who did it; null for the system itself.
        actor: Option<Actor> = batch(actors);
        /// What it happened to; null where it is gone, or out of sight.
        subject: Option<AnyNode> = batch(subjects);
        /// The id of what it happened to.
        subjectId: AnyId = plain(|event| AnyId(entity::show_id(&event.0.subject_noun, event.0.subject_id)));
        /// The account that it hangs off, where it does.
        account: Option<Account> = by_key(|event| event.0.account_id, Account::resolve);
        /// Fields that changed: `{field: {from, to}}`. Accounts out of the caller's sight are null there, and left out of
        /// agendas.
        changes: Json<String> = batch(changes);
    }
}
connection!(Event as "Event" uncounted);

async fn actors(field: &FieldContext<'_>, of: &[&Event]) -> Result<Batch<Option<Actor>>> {
    let users = User::fetch(field.request, of.iter().filter_map(|event| event.0.actor_id)).await?;
    let rows: Vec<Option<&User>> = of.iter().map(|event| users.get(&event.0.actor_id?)).collect();
    Ok(field.optional_objects(&rows).await?.upcast_nullable())
}

/// What changed, as it is stored; but without the accounts that the caller does not see: agendas leave them out, as
/// `OneOnOne.items` does, and elsewhere they are null, as `Account.parent` is.
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

/// May an event's changes name an account besides the one that it hangs off?
fn names_others(event: &event::Model) -> bool {
    let prefix = format!("\"{}_", AccountId::PREFIX);
    let own = event.account_id.map(|account| format!("\"{}\"", account.show()));
    let mut named = event.changes.match_indices(&prefix).map(|(at, _)| &event.changes[at..]);
    named.any(|rest| own.as_ref().is_none_or(|own| !rest.starts_with(own)))
}

/// What the fields that name another account went from and to.
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

/// The events that somebody sees: those of accounts they see, those about themselves or somebody below them, and those of
/// what everyone of the organization sees.
fn visible(viewer: &Viewer) -> Select<event::Entity> {
    let of_no_account = Cond::all()
        .add(event::Column::AccountId.is_null())
        .add(Cond::any().add(event::Column::AboutId.is_null()).add(viewer.answers_for(event::Column::AboutId)));
    let seen = Cond::any().add(of_no_account).add(viewer.sees(event::Column::AccountId));
    event::Entity::of(viewer.organization.id).filter(seen)
}

/// The settled end: the highest place below which nothing comes in any more; None where that is every place.
async fn settled_end(ctx: &RequestContext) -> Result<Option<i64>> {
    if ctx.app.db.backend() == DbBackend::Sqlite {
        return Ok(None);
    }
    let statement = Statement::from_string(DbBackend::Postgres, "select event_settled_end()");
    let row = ctx.reader().query_one_raw(statement).await?;
    row.map(|row| row.try_get_by_index(0)).transpose().map_err(Error::from)
}

/// How many events of all organizations readers do not see yet, and the age of the oldest of them in seconds.
///
/// # Errors
/// The database's.
pub async fn unsettled(app: &App) -> Result<(i64, f64), DbErr> {
    if app.db.backend() == DbBackend::Sqlite {
        return Ok((0, 0.0));
    }
    let sql = "select count(*), coalesce(min(at), 0)::bigint from event where seq > (select event_settled_end())";
    let row = app.db.reader().query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let (events, oldest): (i64, i64) = match row {
        Some(row) => (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
        None => (0, 0),
    };
    let micros = if events == 0 { 0 } else { app.clock.now().0.saturating_sub(oldest).max(0) };
    Ok((events, Duration::from_micros(micros.unsigned_abs()).as_secs_f64()))
}

fn order(direction: Direction) -> Result<Order<event::Entity>> {
    let seq = SortKey::column("SEQ", event::Column::Seq, |row: &event::Model| Key::Number(row.seq));
    let id = SortKey::column("ID", event::Column::Id, |row: &event::Model| Key::Id(row.id.uuid()));
    Order::by(vec![(seq, direction)], id)
}

/// Arguments of `events`.
#[derive(Clone, Debug, InputObject)]
pub struct EventsArguments {
    /// Only events of these types, such as `account.created`; at most 100. BAD_USER_INPUT where there is no such type.
    pub types: Option<Vec<String>>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.events`.
pub async fn events(field: &FieldContext<'_>, arguments: EventsArguments) -> Result<Connection<Event>> {
    let viewer = field.request.viewer()?;
    let mut select = visible(viewer);
    if let Some(types) = arguments.types {
        if types.len() > 100 {
            return Err(Error::BadInput("types takes at most 100 values.".to_owned()));
        }
        if let Some(none) = types.iter().find(|kind| !is_type(kind)) {
            let instead = instead(none);
            return Err(Error::BadInput(format!("types: there are no events of type {none:?}. {instead}")));
        }
        select = select.filter(event::Column::Kind.is_in(types));
    }
    // The end is taken before the page is read: what commits in between is for the next page.
    if let Some(end) = settled_end(field.request).await? {
        select = select.filter(event::Column::Seq.lte(end));
    }
    pagination::page(field, select, &order(Direction::Asc)?, &arguments.page).await
}

/// The history of accounts, the newest first.
pub async fn history(field: &FieldContext<'_>, accounts: &[AccountId]) -> Result<Vec<Connection<Event>>> {
    below(field, accounts, event::Column::AccountId, |row| row.account_id).await
}

/// The history of plans, the newest first. Whoever sees a plan sees its account, and so these events.
///
/// # Errors
/// As for every page; the database's.
pub async fn history_of_plans(field: &FieldContext<'_>, plans: &[PlanId]) -> Result<Vec<Connection<Event>>> {
    below(field, plans, event::Column::SubjectId, |row| Some(PlanId(row.subject_id))).await
}

/// The settled events of each of many parents, the newest first.
async fn below<K: Id>(
    field: &FieldContext<'_>,
    parents: &[K],
    foreign: event::Column,
    parent_of: fn(&event::Model) -> Option<K>,
) -> Result<Vec<Connection<Event>>> {
    let arguments: PageArguments = field.arguments()?;
    let mut select = event::Entity::of(field.request.viewer()?.organization.id);
    if let Some(end) = settled_end(field.request).await? {
        select = select.filter(event::Column::Seq.lte(end));
    }
    let below = RowsPerParent { select, foreign };
    below.pages(field, parents, parent_of, &order(Direction::Desc)?, &arguments).await
}

impl Event {
    /// Events by their ids, as far as they are seen.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = EventId>,
    ) -> Result<std::collections::HashMap<EventId, Self>> {
        let ids: Vec<EventId> = ids.into_iter().collect();
        let rows = visible(ctx.viewer()?).filter(event::Column::Id.is_in(ids)).all(ctx.reader()).await?;
        Ok(rows.into_iter().map(|row| (row.id, Self(row))).collect())
    }
}
