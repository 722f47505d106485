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

/// A filter on members. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UserFilter {
    /// A condition on the id.
    pub id: MaybeUndefined<IdFilter>,
    /// Only members with one of these roles. An empty list matches nothing.
    pub role: MaybeUndefined<Vec<Role>>,
    /// Whether the member may sign in.
    pub active: MaybeUndefined<bool>,
    /// A condition on the id of the member to whom they report directly.
    pub manager_id: MaybeUndefined<IdFilter>,
    /// A condition on the e-mail address.
    pub email: MaybeUndefined<StringFilter>,
    /// A condition on the name.
    pub name: MaybeUndefined<StringFilter>,
    /// A condition on the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl UserFilter {
    fn condition(&self) -> Result<Cond> {
        use crate::graphql::filter::operand;
        let Self { id, role, active, manager_id, email, name, updated_at } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("id", id)? {
            all = all.add(filter.condition::<_, UserId>(user::Column::Id)?);
        }
        if let Some(roles) = operand("role", role)? {
            all = all.add(user::Column::Role.is_in(roles.iter().map(|&role| user::Role::from(role))));
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
    /// Only members who match this filter.
    pub filter: Option<UserFilter>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// Resolves `Query.users`.
pub async fn users(field: &FieldContext<'_>, arguments: UsersArguments) -> Result<Connection<User>> {
    let mut select = user::Entity::of(field.request.viewer()?.organization.id);
    if let Some(filter) = arguments.filter {
        select = select.filter(filter.condition()?);
    }
    pagination::page(field, select, &by_id(), &arguments.page).await
}
