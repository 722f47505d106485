//! Members of the organization, and whom they report to.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and how its relations are read |
//! | [`list`] | filters and lists |
//! | [`invite`] | inviting, and inviting anew |
//! | [`mod@write`] | changing members, and reactivating them |
//! | [`deactivate`] | deactivating, with a successor for what they own |
//! | [`upsert`] | many at once, for the importer |
//! | [`hours`] | working hours |

pub mod deactivate;
pub mod hours;
pub mod invite;
pub mod list;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::Enum;
use entity::{AccountId, Columns, Id, Scoped, UserId, user};

pub use self::hours::{WorkingHours, WorkingHoursInput};
pub use self::list::{UserFilter, UsersArguments, users};

use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, RowsPerParent, connection};
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A user.
#[derive(Clone, Debug)]
pub struct User(pub user::Model);

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self(row)
    }
}

/// What a member may see and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::user::Role")]
pub enum Role {
    /// Sees the accounts that they own or are on the team of, and all that hangs off those.
    Seller,
    /// Sees also those of everyone below them in the reporting line, at any depth.
    Manager,
    /// Sees everything of the organization, and changes its settings and people.
    Admin,
}
graphql_enum! { user::Role as Role }

object! {
    /// A member of the organization.
    User as "User" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<UserId> = plain(|user| NodeId(user.0.id));
        /// The name.
        name: &str = plain(|user| &user.0.name);
        /// The e-mail address to sign in with, lower-cased; unique in the organization.
        email: &str = plain(|user| &user.0.email);
        /// What they may see and do.
        role: user::Role = plain(|user| user.0.role);
        /// Their job.
        title: Option<&str> = plain(|user| user.0.title.as_deref());
        /// IANA name of their time zone: their days and weeks are that zone's.
        timeZone: &str = plain(|user| &user.0.time_zone);
        /// Whom they report to.
        manager: Option<User> = by_key(|user| user.0.manager_id, User::resolve);
        /// Who reports to them directly, inactive members included; by id.
        reports(PageArguments): Connection<User> = batch(reports);
        /// When they work, by weekday and time.
        workingHours: Vec<WorkingHours> = plain(|user| serde_json::from_str(&user.0.working_hours).unwrap_or_default());
        /// May they sign in?
        active: bool = plain(|user| user.0.active);
        /// When they were invited.
        createdAt: entity::Instant = plain(|user| user.0.created_at);
        /// When they last changed.
        updatedAt: entity::Instant = plain(|user| user.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|user| user.0.version);
        /// The seller's Individual Enterprise: every account that they own and the caller sees.
        accounts(crate::domain::account::AccountsArguments): Connection<crate::domain::account::Account> = batch(crate::domain::account::owned);
        /// The seller's target list as it stood at the end of a day of theirs; as it stands now where none is given. Null
        /// for whoever is neither the user, nor above them in the line, nor ADMIN.
        targetList(crate::domain::targeting::OnArguments): Option<crate::domain::targeting::target_list::TargetList> = batch(crate::domain::targeting::target_list::of_users);
        /// What to do today, the most pressing first, each with what skipping it costs: first what is due by today (what has
        /// no due day counts as such), by kind in the order ANSWER_TRIGGER_EVENT, KEEP_PROMISE, TOUCH_TARGET (three of each),
        /// DO_ACTION, ASK_FOR_COMMITMENT, DECIDE_TARGET (two of each), REVIEW_PLAN, WRITE_PLAN, SET_GOAL, FILL_BLANK_DAY (one
        /// of each), then what is due later, by day. Where a kind has more than those, the rest comes after all other kinds
        /// have had their turn, in the same order again. Null for whoever is neither the user, nor above them in the line, nor ADMIN.
        today(crate::domain::today::TodayArguments): Option<Vec<crate::domain::today::SuggestedAction>> = batch(crate::domain::today::of_users);
        /// How much of their effort went to targets in some days of theirs. Null for whoever is neither the user, nor above
        /// them in the line, nor ADMIN.
        focus(crate::domain::focus::FocusArguments): Option<crate::domain::focus::Focus> = batch(crate::domain::focus::of_users);
        /// A calendar week of touches, in the user's time zone and working hours; next week where no day is given. Null for
        /// whoever is neither the user, nor above them in the line, nor ADMIN.
        week(crate::domain::week::WeekArguments): Option<crate::domain::week::CalendarWeek> = batch(crate::domain::week::of_users);
    }
}
connection!(User as "User");

payload! {
    /// A member, or what is to be mended.
    UserPayload as "UserPayload" {
        /// The member as they are now; null where there are userErrors.
        user(user): User,
    }
}

impl UserPayload {
    pub(crate) fn of(user: user::Model) -> Self {
        Self { user: Some(User(user)), ..Self::default() }
    }
}

impl AuditedRow for user::Model {
    audited!(user, UserId);

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            name,
            name_key: _,
            email,
            role,
            title,
            time_zone,
            manager_id,
            working_hours,
            active,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "name": name,
            "email": email,
            "role": role.word(),
            "title": title,
            "timeZone": time_zone,
            "managerId": manager_id,
            "workingHours": stored_json(working_hours),
            "active": active,
            "createdAt": created_at,
        }
    }
}

async fn reports(field: &FieldContext<'_>, of: &[&User]) -> Result<Batch<Connection<User>>> {
    let arguments: PageArguments = field.arguments()?;
    let below = RowsPerParent::<user::Entity> {
        select: user::Entity::of(field.request.viewer()?.organization.id),
        foreign: user::Column::ManagerId,
    };
    let ids: Vec<UserId> = of.iter().map(|user| user.0.id).collect();
    let pages: Vec<Connection<User>> = below.pages(field, &ids, |row| row.manager_id, &by_id(), &arguments).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

fn by_id() -> Order<user::Entity> {
    Order::by_id(user::Column::Id, |row: &user::Model| Key::Id(row.id.uuid()))
}

impl User {
    /// Members by their ids.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(ctx: &RequestContext, ids: impl IntoIterator<Item = UserId>) -> Result<HashMap<UserId, Self>> {
        let members = user::Entity::of(ctx.viewer()?.organization.id);
        ctx.fetch_by_ids(members, user::Column::Id, Columns::ALL, ids, |row| row.id).await
    }

    /// Resolves the member of each id that is known to exist and to be visible.
    ///
    /// # Errors
    /// A defect, if one is not found.
    pub async fn resolve_required(field: &FieldContext<'_>, ids: &[UserId]) -> Result<Batch<Self>> {
        let ids: Vec<Option<UserId>> = ids.iter().copied().map(Some).collect();
        field.required(Self::resolve(field, &ids).await?)
    }

    /// Resolves the member of each id: null without an id, and where the viewer sees none.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<UserId>]) -> Result<Batch<Option<Self>>> {
        let members = user::Entity::of(field.request.viewer()?.organization.id);
        field.fetch_by_ids::<_, _, Self>(members, user::Column::Id, ids, |row| row.id).await
    }
}

/// `Query.me`.
#[expect(clippy::unused_async, reason = "what answers a field is async")]
pub async fn me(field: &FieldContext<'_>) -> Result<Option<User>> {
    Ok(Some(User(field.request.viewer()?.user.clone())))
}

/// `Query.viewer`.
pub async fn viewer(
    field: &FieldContext<'_>,
    _: &[&crate::schema::Query],
) -> Result<Batch<crate::domain::event::Actor>> {
    Ok(field.objects(&[&User(field.request.viewer()?.user.clone())]).await?.upcast())
}
