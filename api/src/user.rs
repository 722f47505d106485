//! Members of the organization, and whom they report to.

use std::collections::HashMap;

use async_graphql::{Enum, InputObject, MaybeUndefined};
use entity::{Id, Scoped, UserId, user};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use crate::context::Cx;
use crate::error::Result;
use crate::filter::{DateTimeFilter, IdFilter, StringFilter};
use crate::graph::{Answers, Asked, Shown, object, word};
use crate::paging::{self, Below, Connection, Key, Order, PageArguments, SortKey, listed};

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
word! { user::Role as Role }

/// A stretch of working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingHours {
    /// 1 is Monday.
    pub weekday: i32,
    /// 00:00 to 23:59.
    pub from: String,
    /// Up to 24:00.
    pub to: String,
}

object! {
    /// A stretch of working time, local to the user.
    WorkingHours as "WorkingHours" {
        /// The day of the week: 1 is Monday, 7 Sunday.
        weekday: i32 = plain(|hours| hours.weekday);
        /// Its start, `HH:MM` from 00:00 to 23:59.
        from: &str = plain(|hours| &hours.from);
        /// Its end, `HH:MM` up to 24:00.
        to: &str = plain(|hours| &hours.to);
    }
}

object! {
    /// A member of the organization.
    User as "User" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: Shown<UserId> = plain(|user| Shown(user.0.id));
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
        manager: Option<User> = batch(managers);
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
        accounts(crate::account::AccountsArguments): Connection<crate::account::Account> = batch(crate::account::owned);
    }
}
listed!(User as "User");

async fn managers(asked: &Asked<'_>, of: &[&User]) -> Result<Answers> {
    let found = User::fetch(asked.cx, of.iter().filter_map(|user| user.0.manager_id)).await?;
    let rows: Vec<Option<&User>> = of.iter().map(|user| found.get(&user.0.manager_id?)).collect();
    asked.maybe(&rows).await
}

async fn reports(asked: &Asked<'_>, of: &[&User]) -> Result<Answers> {
    let arguments: PageArguments = asked.arguments()?;
    let below = Below::<user::Entity, user::Entity> {
        select: user::Entity::of(asked.cx.viewer()?.organization.id),
        foreign: user::Column::ManagerId,
        key: user::Column::Id,
        id: user::Column::Id,
    };
    let ids: Vec<UserId> = of.iter().map(|user| user.0.id).collect();
    let pages: Vec<Connection<User>> = below.pages(asked, &ids, |row| row.manager_id, &by_id()?, &arguments).await?;
    asked.each(&pages.iter().collect::<Vec<_>>()).await
}

fn by_id() -> Result<Order<user::Entity>> {
    Order::by(Vec::new(), SortKey::column("ID", user::Column::Id, |row: &user::Model| Key::Id(row.id.uuid())))
}

impl User {
    /// Members by their ids.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(cx: &Cx, ids: impl IntoIterator<Item = UserId>) -> Result<HashMap<UserId, Self>> {
        let mut ids: Vec<UserId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let viewer = cx.viewer()?;
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows =
            user::Entity::of(viewer.organization.id).filter(user::Column::Id.is_in(ids)).all(cx.reader()).await?;
        Ok(rows.into_iter().map(|row| (row.id, Self(row))).collect())
    }
}

/// A filter on members.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UserFilter {
    /// Has this role.
    pub role: MaybeUndefined<Role>,
    /// May (true) or may not (false) sign in.
    pub active: MaybeUndefined<bool>,
    /// Reports directly to.
    pub manager_id: MaybeUndefined<IdFilter>,
    /// By e-mail address.
    pub email: MaybeUndefined<StringFilter>,
    /// By name.
    pub name: MaybeUndefined<StringFilter>,
    /// By when they last changed.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl UserFilter {
    fn condition(&self) -> Result<Cond> {
        use crate::filter::operand;
        let Self { role, active, manager_id, email, name, updated_at } = self;
        let mut all = Cond::all();
        if let Some(role) = operand("role", role)? {
            all = all.add(user::Column::Role.eq(user::Role::from(*role)));
        }
        if let Some(active) = operand("active", active)? {
            all = all.add(user::Column::Active.eq(*active));
        }
        if let Some(filter) = operand("managerId", manager_id)? {
            all = all.add(filter.condition::<_, UserId>(user::Column::ManagerId)?);
        }
        if let Some(filter) = operand("email", email)? {
            all = all.add(filter.condition(user::Column::Email, user::Column::Email)?);
        }
        if let Some(filter) = operand("name", name)? {
            all = all.add(filter.condition(user::Column::Name, user::Column::NameKey)?);
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(user::Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// Arguments of `users`.
#[derive(Clone, Debug, InputObject)]
pub struct UsersArguments {
    /// Which of them.
    pub filter: Option<UserFilter>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.users`.
pub async fn users(asked: &Asked<'_>, arguments: UsersArguments) -> Result<Connection<User>> {
    let mut select = user::Entity::of(asked.cx.viewer()?.organization.id);
    if let Some(filter) = arguments.filter {
        select = select.filter(filter.condition()?);
    }
    paging::page(asked, select, &by_id()?, &arguments.page).await
}

/// `Query.me`.
pub async fn me(asked: &Asked<'_>) -> Result<Option<User>> {
    Ok(Some(User(asked.cx.viewer()?.user.clone())))
}
