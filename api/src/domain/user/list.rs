//! Filters on members, their orderings, and lists of them.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{Id, Scoped, UserId, credential, user};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait};

use super::{Role, User};
use crate::context::RequestContext;
use crate::domain::account::list::condition_of;
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{self, DateTimeFilter, Facts, Filter, IdFilter, Nested, StringFilter, operand};
use crate::graphql::pagination::{self, Connection, Key, Order, PageArguments, SortKey, ordering};

/// A filter on members. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UserFilter {
    /// All of these filters must match.
    pub and: MaybeUndefined<Vec<UserFilter>>,
    /// At least one of these filters must match. An empty list matches nothing.
    pub or: MaybeUndefined<Vec<UserFilter>>,
    /// This filter must not match.
    pub not: MaybeUndefined<Box<UserFilter>>,
    /// A condition on the id.
    pub id: MaybeUndefined<IdFilter>,
    /// Only members with one of these roles. An empty list matches nothing.
    pub role: MaybeUndefined<Vec<Role>>,
    /// Whether the member may sign in.
    pub active: MaybeUndefined<bool>,
    /// A condition on the id of the member to whom they report directly.
    pub manager_id: MaybeUndefined<IdFilter>,
    /// Only this member and everyone below them in the reporting line, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Whether the invitation is still pending: `acceptedAt` is null.
    pub invited: MaybeUndefined<bool>,
    /// A condition on the e-mail address.
    pub email: MaybeUndefined<StringFilter>,
    /// A condition on the name.
    pub name: MaybeUndefined<StringFilter>,
    /// A condition on the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl Filter for UserFilter {
    fn nested(&self) -> Nested<'_, Self> {
        Nested { and: &self.and, or: &self.or, not: &self.not }
    }

    fn rests_on(&self, facts: Facts) -> bool {
        facts == Facts::Members && self.reporting_to.is_value()
    }

    fn own(&self, ctx: &RequestContext) -> Result<Condition> {
        let Self {
            and: _,
            or: _,
            not: _,
            id,
            role,
            active,
            manager_id,
            reporting_to,
            invited,
            email,
            name,
            updated_at,
        } = self;
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
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, user::Column::Id, user)?);
        }
        if let Some(invited) = operand("invited", invited)? {
            let accepted = credential::Entity::of(ctx.viewer()?.organization.id)
                .filter(credential::Column::AcceptedAt.is_not_null())
                .select_only()
                .column(credential::Column::UserId)
                .into_query();
            let id = user::Column::Id;
            all = all.add(if *invited { id.not_in_subquery(accepted) } else { id.in_subquery(accepted) });
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

/// A field by which members can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserOrderField {
    /// The name, case-folded (NFKC) and compared byte by byte.
    Name,
    /// The time of the invitation.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of members.
    UserOrder by UserOrderField, sort_key => user::Entity
}

fn sort_key(field: UserOrderField) -> SortKey<user::Entity> {
    use user::{Column, Model};
    match field {
        UserOrderField::Name => SortKey::column("NAME", Column::NameKey, |row: &Model| Key::Text(row.name_key.clone())),
        UserOrderField::CreatedAt => {
            SortKey::column("CREATED_AT", Column::CreatedAt, |row: &Model| Key::Number(row.created_at.0))
        }
        UserOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[UserOrder]>) -> Result<Order<user::Entity>> {
    let id = SortKey::column("ID", user::Column::Id, |row: &user::Model| Key::Id(row.id.uuid()));
    Order::by(UserOrder::keys(entries), id)
}

/// Arguments of `users`.
#[derive(Clone, Debug, InputObject)]
pub struct UsersArguments {
    /// Only members who match this filter.
    pub filter: Option<UserFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<UserOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// Resolves `Query.users`.
pub async fn users(field: &FieldContext<'_>, arguments: UsersArguments) -> Result<Connection<User>> {
    let mut select = user::Entity::of(field.request.viewer()?.organization.id);
    if let Some(filter) = arguments.filter {
        select = select.filter(condition_of(field.request, &filter).await?);
    }
    pagination::page(field, select, &order(arguments.order_by.as_deref())?, &arguments.page).await
}
