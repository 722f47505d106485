//! Members of the organization and their reporting line.
//!
//! | Module | Contents |
//! |---|---|
//! | this one | the type and its relations |
//! | [`list`] | filters and lists |
//! | [`invite`] | invitations |
//! | [`mod@write`] | update and reactivation |
//! | [`deactivate`] | deactivation, with a successor for what the member owns |
//! | [`upsert`] | bulk upsert, for the importer |
//! | [`hours`] | working hours |

pub mod deactivate;
pub mod hours;
pub mod invite;
pub mod list;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject};
use entity::{AccountId, Columns, Id, Scoped, UserId, user};
use sea_orm::{ColumnTrait, QueryFilter};

pub use self::hours::WorkingHours;
pub use self::list::{UsersArguments, users};

use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, RowsPerParent, connection};
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A member of the organization.
#[derive(Clone, Debug)]
pub struct User(pub user::Model);

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self(row)
    }
}

/// The role of a member: what they see and may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::user::Role")]
pub enum Role {
    /// Sees the accounts that they own or are on the team of, and everything that belongs to those.
    Seller,
    /// A manager also sees the accounts of everyone below them in the reporting line, at any depth.
    Manager,
    /// Sees everything in the organization, and administers its settings and members.
    Admin,
}
graphql_enum! { user::Role as Role }

object! {
    /// A member of the organization.
    User as "User" Node {
        /// The opaque identifier, prefixed with the type and increasing with the time of creation.
        id: NodeId<UserId> = plain(|user| NodeId(user.0.id));
        /// The name.
        name: &str = plain(|user| &user.0.name);
        /// The e-mail address to sign in with, in lower case; unique within the organization.
        email: &str = plain(|user| &user.0.email);
        /// The role: what the member sees and may change.
        role: user::Role = plain(|user| user.0.role);
        /// The job title; null if unknown.
        title: Option<&str> = plain(|user| user.0.title.as_deref());
        /// The IANA name of the time zone that the member's days and weeks are in.
        timeZone: &str = plain(|user| &user.0.time_zone);
        /// The member to whom they report; null if there is none.
        manager: Option<User> = by_key(|user| user.0.manager_id, User::resolve);
        /// The members who report to them directly, including inactive ones, ordered by id.
        reports(PageArguments): Connection<User> = batch(reports);
        /// The working hours, ordered by weekday and time.
        workingHours: Vec<WorkingHours> = plain(|user| serde_json::from_str(&user.0.working_hours).unwrap_or_default());
        /// Whether the member may sign in.
        active: bool = plain(|user| user.0.active);
        /// The time at which the member was invited.
        createdAt: entity::Instant = plain(|user| user.0.created_at);
        /// The time at which the invitation was accepted; null while it is pending.
        acceptedAt: Option<entity::Instant> = by_key(|user| user.0.id, crate::domain::session::invitation::accepted_at);
        /// The time of the member's last change.
        updatedAt: entity::Instant = plain(|user| user.0.updated_at);
        /// The number of writes so far, 1 on creation. Pass it as `ifVersion` to detect concurrent changes.
        version: i32 = plain(|user| user.0.version);
        /// The seller's Individual Enterprise: the accounts that they own and the caller sees.
        accounts(crate::domain::account::AccountsArguments): Connection<crate::domain::account::Account> = batch(crate::domain::account::owned);
        /// The target list at the end of a day in the user's time zone; now if no day is given. Null unless the caller
        /// is the user, a manager above them or an administrator.
        targetList(crate::domain::targeting::OnArguments): Option<crate::domain::targeting::target_list::TargetList> = batch(crate::domain::targeting::target_list::of_users);
        /// The actions suggested for a day, the most pressing first, each with the cost of skipping it. Null unless the
        /// caller is the user, a manager above them or an administrator.
        today(crate::domain::today::TodayArguments): Option<crate::domain::today::TodayList> = batch(crate::domain::today::of_users);
        /// The user's effort in a range of days, and the share of it that went to targets. Null unless the caller is
        /// the user, a manager above them or an administrator.
        focus(crate::domain::focus::FocusArguments): Option<crate::domain::focus::Focus> = batch(crate::domain::focus::of_users);
        /// A calendar week of touches, in the user's time zone and working hours; next week by default. Null unless the
        /// caller is the user, a manager above them or an administrator.
        week(crate::domain::week::WeekArguments): Option<crate::domain::week::CalendarWeek> = batch(crate::domain::week::of_users);
        /// Whether the open opportunities are more than enough to reach the goals of a fiscal year, and when it is too late to
        /// open another one. Null unless the caller is the user, a manager above them or an administrator.
        pipeline(crate::domain::pipeline::PipelineArguments): Option<crate::domain::pipeline::PipelineSufficiency> = batch(crate::domain::pipeline::of_users);
    }
}
connection!(User as "User");

payload! {
    /// The result of a mutation of a member.
    UserPayload as "UserPayload" {
        /// The member after the mutation; null if there are `userErrors`.
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

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    fn change_name(&self, after: &Self) -> &'static str {
        match (self.active, after.active) {
            (true, false) => "deactivated",
            (false, true) => "reactivated",
            _ => "updated",
        }
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
            external_ids,
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
            "externalIds": stored_json(external_ids),
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
    /// Returns the members with these ids.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no viewer.
    pub async fn fetch(ctx: &RequestContext, ids: impl IntoIterator<Item = UserId>) -> Result<HashMap<UserId, Self>> {
        let members = user::Entity::of(ctx.viewer()?.organization.id);
        ctx.fetch_by_ids(members, user::Column::Id, Columns::ALL, ids, |row| row.id).await
    }

    /// Resolves lists of members by their ids: one statement for all.
    pub async fn lists(field: &FieldContext<'_>, lists: &[Vec<UserId>]) -> Result<Batch<Vec<Self>>> {
        let found = Self::fetch(field.request, lists.iter().flatten().copied()).await?;
        let lists: Vec<Vec<&Self>> =
            lists.iter().map(|list| list.iter().filter_map(|member| found.get(member)).collect()).collect();
        field.lists_of_references(&lists).await
    }

    /// Resolves the member of each id that is known to exist and to be visible.
    ///
    /// # Errors
    /// An internal error if an id is not found.
    pub async fn resolve_required(field: &FieldContext<'_>, ids: &[UserId]) -> Result<Batch<Self>> {
        let ids: Vec<Option<UserId>> = ids.iter().copied().map(Some).collect();
        field.required(Self::resolve(field, &ids).await?)
    }

    /// Resolves the member of each id: null without an id, or if the viewer does not see it.
    pub async fn resolve(field: &FieldContext<'_>, ids: &[Option<UserId>]) -> Result<Batch<Option<Self>>> {
        let members = user::Entity::of(field.request.viewer()?.organization.id);
        field.fetch_by_ids::<_, _, Self>(members, user::Column::Id, ids, |row| row.id).await
    }
}

/// Arguments of `user`.
#[derive(Clone, Debug, InputObject)]
pub struct OneUser {
    /// The id of the member.
    pub id: ID,
}

/// Resolves `Query.user`.
pub async fn one(field: &FieldContext<'_>, arguments: OneUser) -> Result<Option<User>> {
    let Ok(id) = UserId::parse(&arguments.id) else { return Ok(None) };
    let members = user::Entity::of(field.request.viewer()?.organization.id);
    field.one(members.filter(user::Column::Id.eq(id)), &[]).await
}

/// Resolves `Query.me`.
#[expect(clippy::unused_async, reason = "field resolvers are async")]
pub async fn me(field: &FieldContext<'_>) -> Result<Option<User>> {
    Ok(Some(User(field.request.viewer()?.user.clone())))
}

/// Resolves `Query.viewer`. Generic over the root type, which is declared above the nouns.
pub async fn viewer<Root>(field: &FieldContext<'_>, _: &[&Root]) -> Result<Batch<crate::domain::event::Actor>> {
    Ok(field.objects(&[&User(field.request.viewer()?.user.clone())]).await?.upcast())
}

#[cfg(test)]
pub(crate) mod tests {
    use entity::{Instant, OrganizationId};

    use super::*;

    /// Returns a seller in UTC who has no working hours.
    pub(crate) fn user() -> user::Model {
        user::Model {
            id: UserId::make(),
            organization_id: OrganizationId::make(),
            name: "Ann".to_owned(),
            name_key: "ann".to_owned(),
            email: "ann@initech.example".to_owned(),
            role: user::Role::Seller,
            title: None,
            time_zone: "UTC".to_owned(),
            manager_id: None,
            working_hours: "[]".to_owned(),
            external_ids: "[]".to_owned(),
            active: true,
            created_at: Instant(0),
            updated_at: Instant(0),
            version: 1,
        }
    }
}
