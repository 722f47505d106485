//! Changing and reactivating members.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{Id, OrganizationId, Scoped, UserId, credential, user};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select, Statement};

use super::{Role, UserPayload, hours};
use crate::context::RequestContext;
use crate::domain::account::team::active_member;
use crate::domain::touch::people::follow_zone;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::values::text::fold;
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

/// A change to a member. Omitted fields stay unchanged; null clears a field. Members may change their own name, title,
/// time zone and working hours; every other change is reserved for administrators.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateUserInput {
    /// The id of the member.
    pub id: ID,
    /// The name: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// The role: what the member sees and may change. The last active administrator must remain one.
    pub role: MaybeUndefined<Role>,
    /// The id of the member to whom they report: an active member, but not the member or anyone below them.
    pub manager_id: MaybeUndefined<ID>,
    /// The job title: up to 200 characters.
    pub title: MaybeUndefined<String>,
    /// The IANA name of the time zone.
    pub time_zone: MaybeUndefined<String>,
    /// The working hours. They replace the present ones.
    pub working_hours: MaybeUndefined<Vec<hours::WorkingHoursInput>>,
    /// The expected version. The change fails with STALE_VERSION if the member has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A member to reactivate.
    ReactivateUserInput {
        /// The id of the member.
        id,
        /// The expected version. The change fails with STALE_VERSION if the member has another version.
        if_version
    }
}

/// Returns a member of the organization by id, locked for a change.
pub(super) async fn locked(write: &Write<'_>, check: &mut Validator, field: &str, id: &ID) -> Result<user::Model> {
    let id: Option<UserId> = check.id(field, id);
    let found = match id {
        Some(id) => {
            let user = user::Entity::of(write.organization()).filter(user::Column::Id.eq(id));
            // The lock does not block inserts that refer to the member, and does not wait for them. Waiting could
            // deadlock, because they may wait for an account that this transaction locks next.
            let user = user.lock(LockType::NoKeyUpdate).one(&write.tx).await?;
            if user.is_none() {
                check.not_found(field, UserId::PREFIX);
            }
            user
        }
        None => None,
    };
    match found {
        Some(user) => Ok(user),
        None => Err(Error::Refused(std::mem::take(check).into_errors())),
    }
}

/// Executes `updateUser`.
pub async fn update(ctx: &RequestContext, input: UpdateUserInput) -> Result<UserPayload> {
    let UpdateUserInput { id, name, role, manager_id, title, time_zone, working_hours, if_version } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = locked(&write, &mut check, "id", &id).await?;
    if before.id != viewer.user.id {
        viewer.must_administer(&["input", "id"])?;
    }
    check.version(if_version, before.version);
    let mut after = before.clone();
    check.change_required("name", &name, NAME, &mut after.name);
    after.name_key = fold(&after.name);
    check.change("title", &title, NAME, &mut after.title);
    check.change_set("timeZone", &time_zone, &mut after.time_zone);
    after.time_zone = check.time_zone("timeZone", &after.time_zone);
    match &working_hours {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "workingHours", "This cannot be cleared."),
        MaybeUndefined::Value(hours) => after.working_hours = check.working_hours("workingHours", hours),
    }
    let mut given = Role::from(before.role);
    check.change_set("role", &role, &mut given);
    after.role = given.into();
    match &manager_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.manager_id = None,
        MaybeUndefined::Value(id) => after.manager_id = manager(ctx, &write, &mut check, &before, id).await?,
    }
    for (field, changes) in [("role", after.role != before.role), ("managerId", after.manager_id != before.manager_id)]
    {
        if changes && !viewer.sees_everything() {
            check.fault(UserErrorCode::Forbidden, field, "Only an administrator may change this.");
        }
    }
    if after.role != before.role && is_last_admin(&write, &before).await? {
        check.fault(UserErrorCode::Conflict, "role", LAST_ADMIN);
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    if after.time_zone != before.time_zone {
        follow_zone(&write, &after).await?;
    }
    write.commit().await?;
    ctx.services.forget(after.organization_id);
    Ok(UserPayload::of(after))
}

/// Returns the id of the new manager, and notes a fault if it would form a cycle.
async fn manager(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    user: &user::Model,
    id: &ID,
) -> Result<Option<UserId>> {
    // The present manager may stay even if inactive, because the reporting line skips inactive members. A new manager
    // must be active.
    if user.manager_id.is_some_and(|manager| UserId::parse(id) == Ok(manager)) {
        return Ok(user.manager_id);
    }
    write.lock_exclusive(LINE).await?;
    let Some(manager) = active_member(ctx, write, check, "managerId", id).await? else { return Ok(user.manager_id) };
    if line_above(&write.tx, user.organization_id, manager.id).await?.contains(&user.id) {
        let message = if manager.id == user.id {
            "A user cannot report to themselves.".to_owned()
        } else {
            format!("{} reports to {}, directly or indirectly: choose another manager.", manager.name, user.name)
        };
        check.invalid("managerId", message);
    }
    Ok(Some(manager.id))
}

/// The topic of [`Write::lock_exclusive`] for changes of the reporting line.
pub(super) const LINE: &str = "user.manager";

pub(super) const LAST_ADMIN: &str = "This is the last active administrator: make another user an administrator first.";

/// Returns the ids of a member and everyone above them in the reporting line.
async fn line_above<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<UserId>> {
    let sql = "with recursive line (id, manager_id) as (
            select id, manager_id from member where organization_id = $1 and id = $2
            union
            select member.id, member.manager_id from member join line on member.id = line.manager_id
            where member.organization_id = $1
        ) select id from line";
    let values = [organization.into(), user.into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = connection.query_all_raw(statement).await?;
    rows.into_iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
}

/// Takes the exclusive lock for changes that may remove an administrator.
pub(super) async fn lock_admins(write: &Write<'_>) -> Result<()> {
    write.lock_exclusive("user.admin").await
}

/// Returns whether the user is the only active administrator. If the user is an active administrator, takes the lock of
/// [`lock_admins`], so the result holds until the transaction ends.
pub(super) async fn is_last_admin(write: &Write<'_>, user: &user::Model) -> Result<bool> {
    if user.role != user::Role::Admin || !user.active {
        return Ok(false);
    }
    lock_admins(write).await?;
    let others = admins(user.organization_id).filter(user::Column::Id.ne(user.id));
    Ok(others.count(&write.tx).await? == 0)
}

/// Returns the administrators of an organization who can sign in: active ones with a password, without those who are
/// only invited.
pub(super) fn admins(organization: OrganizationId) -> Select<user::Entity> {
    let with_password = credential::Entity::of(organization)
        .filter(credential::Column::PasswordHash.is_not_null())
        .select_only()
        .column(credential::Column::UserId)
        .into_query();
    user::Entity::of(organization)
        .filter(user::Column::Role.eq(user::Role::Admin))
        .filter(user::Column::Active.eq(true))
        .filter(user::Column::Id.in_subquery(with_password))
}

/// Executes `reactivateUser`: the member may sign in again with their previous password. Reactivating an active member
/// changes nothing.
pub async fn reactivate(ctx: &RequestContext, input: ReactivateUserInput) -> Result<UserPayload> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input", "id"])?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = locked(&write, &mut check, "id", &input.id).await?;
    check.version(input.if_version, before.version);
    check.finish()?;
    if before.active {
        write.roll_back().await?;
        return Ok(UserPayload::of(before));
    }
    let after = write.change(&before, user::Model { active: true, ..before.clone() }).await?;
    write.commit().await?;
    ctx.services.forget(after.organization_id);
    Ok(UserPayload::of(after))
}
