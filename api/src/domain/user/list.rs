//! Lists of members.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{Scoped, UserId, user};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, QueryFilter};

use super::{Role, User, by_id};
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{DateTimeFilter, IdFilter, StringFilter};
use crate::graphql::pagination::{self, Connection, PageArguments};

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
        use crate::graphql::filter::operand;
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
pub async fn users(field: &FieldContext<'_>, arguments: UsersArguments) -> Result<Connection<User>> {
    let mut select = user::Entity::of(field.request.viewer()?.organization.id);
    if let Some(filter) = arguments.filter {
        select = select.filter(filter.condition()?);
    }
    pagination::page(field, select, &by_id(), &arguments.page).await
}
