//! Changing members, and reactivating them.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{Id, OrganizationId, Scoped, UserId, credential, user};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select, Statement};

use super::{Role, UserPayload, hours};
use crate::context::RequestContext;
use crate::domain::account::team::active_member;
use crate::domain::touch::people::follow_zone;
use crate::error::{Error, Result, UserErrorCode};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::validator::{NAME, Validator, same_version};

/// A change of a member. A field left out stays as it is, and null clears it. Members change their own name, title,
/// time zone and working hours; the rest takes an administrator.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateUserInput {
    /// Which one.
    pub id: ID,
    /// The name: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// What they may see and do. The last active administrator stays one.
    pub role: MaybeUndefined<Role>,
    /// Whom they report to: an active member, not themselves nor anyone below them.
    pub manager_id: MaybeUndefined<ID>,
    /// Their job: up to 200 characters.
    pub title: MaybeUndefined<String>,
    /// IANA name of their time zone.
    pub time_zone: MaybeUndefined<String>,
    /// When they work, all of it.
    pub working_hours: MaybeUndefined<Vec<hours::WorkingHoursInput>>,
    /// Refuses the change with STALE_VERSION where the member is at another version.
    pub if_version: Option<i32>,
}

/// Arguments of `updateUser`.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateUser {
    /// The change.
    pub input: UpdateUserInput,
}

/// Arguments of `reactivateUser`.
#[derive(Clone, Debug, InputObject)]
pub struct ReactivateUser {
    /// Which one.
    pub id: ID,
}

/// A member of the organization by their id, locked for a change.
pub(super) async fn locked(write: &Write<'_>, check: &mut Validator, field: &str, id: &ID) -> Result<user::Model> {
    let id: Option<UserId> = check.id(field, id);
    let found = match id {
        Some(id) => {
            let user = user::Entity::of(write.organization()).filter(user::Column::Id.eq(id));
            // What refers to them is not kept waiting, nor waited for: it may wait for an account that we come to next.
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

/// `updateUser`.
pub async fn update(ctx: &RequestContext, arguments: UpdateUser) -> Result<UserPayload> {
    let UpdateUserInput { id, name, role, manager_id, title, time_zone, working_hours, if_version } = arguments.input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = locked(&write, &mut check, "id", &id).await?;
    if before.id != viewer.user.id {
        viewer.must_administer(&["input", "id"])?;
    }
    same_version(if_version, before.version)?;
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
    ctx.app.forget(after.organization_id);
    Ok(UserPayload::of(after))
}

/// The member that somebody is to report to, where that makes no circle.
async fn manager(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    user: &user::Model,
    id: &ID,
) -> Result<Option<UserId>> {
    // An inactive manager may stay, and is skipped over; a new one is active.
    if user.manager_id.is_some_and(|manager| UserId::parse(id) == Ok(manager)) {
        return Ok(user.manager_id);
    }
    write.lock_exclusive(LINE).await?;
    let Some(manager) = active_member(ctx, write, check, "managerId", id).await? else { return Ok(user.manager_id) };
    if line_above(&write.tx, user.organization_id, manager.id).await?.contains(&user.id) {
        let message = if manager.id == user.id {
            "Nobody reports to themselves.".to_owned()
        } else {
            format!("{} reports to {} already: that would be a circle.", manager.name, user.name)
        };
        check.invalid("managerId", message);
    }
    Ok(Some(manager.id))
}

/// What changes of the reporting line wait for each other by.
pub(super) const LINE: &str = "user.manager";

pub(super) const LAST_ADMIN: &str = "This is the last active administrator: make somebody else one first.";

/// A member and everyone they report to, upwards.
///
/// # Errors
/// The database's.
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

/// Waits for whoever else makes an administrator something else.
///
/// # Errors
/// The database's.
pub(super) async fn alone_with_admins(write: &Write<'_>) -> Result<()> {
    write.lock_exclusive("user.admin").await
}

/// Is this the one active administrator that there is? Whoever asks at the same time waits.
///
/// # Errors
/// The database's.
pub(super) async fn is_last_admin(write: &Write<'_>, user: &user::Model) -> Result<bool> {
    if user.role != user::Role::Admin || !user.active {
        return Ok(false);
    }
    alone_with_admins(write).await?;
    let others = admins(user.organization_id).filter(user::Column::Id.ne(user.id));
    Ok(others.count(&write.tx).await? == 0)
}

/// The administrators of an organization who can sign in: active ones, and not those who are only invited.
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

/// `reactivateUser`: may sign in again, with the password as it was. Reactivating who is active changes nothing.
pub async fn reactivate(ctx: &RequestContext, arguments: ReactivateUser) -> Result<UserPayload> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["id"])?;
    let mut check = Validator::at(&[]);
    let mut write = Write::begin(ctx)?;
    let before = locked(&write, &mut check, "id", &arguments.id).await?;
    if before.active {
        write.roll_back().await?;
        return Ok(UserPayload::of(before));
    }
    let after = write.change(&before, user::Model { active: true, ..before.clone() }).await?;
    write.rename_last_event("reactivated");
    write.commit().await?;
    ctx.app.forget(after.organization_id);
    Ok(UserPayload::of(after))
}
