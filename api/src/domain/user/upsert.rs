//! Upserts of members from another system, keyed by e-mail address. A member created here has no password and no
//! invitation, and can sign in only after an administrator has reissued the invitation.

use std::collections::{HashMap, HashSet};

use async_graphql::InputObject;
pub use async_graphql::MaybeUndefined;
use database::columns::is_any_of;
use entity::{Id, Scoped, UserId, credential, user};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::deactivate::{Belongings, shut_out};
use super::write::{LAST_ADMIN, LINE, lock_admins};
use super::{Role, invite};
use crate::context::RequestContext;
use crate::domain::touch::people::follow_zone;
use crate::domain::upsert::{
    CheckedRow, DuplicateKeys, GivenRow, MalformedRows, Upsert, UpsertPayload, check_row, named, not_too_many,
    row_inputs, save, value,
};
use crate::error::{Result, UserErrorCode};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{NAME, Validator};

/// A member as they are in another system. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, Default, InputObject)]
pub struct UserRowInput {
    /// The identifier in that system, which the member gets. If another member has it, the row fails with CONFLICT.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// The e-mail address, by which the row is matched.
    pub email: String,
    /// The name: 1 to 200 characters. Required for a new member.
    pub name: MaybeUndefined<String>,
    /// The role.
    pub role: MaybeUndefined<Role>,
    /// The role of a new member if `role` is not given; SELLER by default.
    #[graphql(skip)]
    pub role_on_creation: Option<Role>,
    /// The e-mail address of the member to whom they report: an active member, or another row of the call.
    pub manager_email: MaybeUndefined<String>,
    /// The job title: up to 200 characters.
    pub title: MaybeUndefined<String>,
    /// The IANA name of the time zone; the organization's by default for a new member.
    pub time_zone: MaybeUndefined<String>,
    /// Whether the member may sign in. A member who owns something is deactivated by `deactivateUser`, which names a
    /// successor. If omitted, it stays as it is.
    pub active: Option<bool>,
}

row_inputs!(UserRowInput);

/// Members from another system.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertUsersInput {
    /// The rows: at most 500.
    pub rows: Vec<GivenRow<UserRowInput>>,
    /// Whether to return the results without writing anything.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// Executes `upsertUsers`.
pub async fn upsert(ctx: &RequestContext, input: UpsertUsersInput) -> Result<UpsertPayload> {
    let (rows, malformed) = MalformedRows::separate(input.rows);
    Ok(malformed.report(upsert_users(ctx, rows, input.dry_run.unwrap_or_default()).await?))
}

/// Creates and changes members, at most 500 per call. Only for administrators. Rows are independent: a row that fails
/// reports its errors without affecting the others, except those that would report to a member whom it would have
/// created. A dry run returns the same results and writes nothing.
///
/// # Errors
/// `FORBIDDEN` and `LIMIT_EXCEEDED` as `userErrors` of the call.
pub async fn upsert_users(ctx: &RequestContext, rows: Vec<UserRowInput>, dry_run: bool) -> Result<UpsertPayload> {
    let payload = upsert_rows(ctx, rows, dry_run).await?.commit().await?;
    forget_viewers(ctx)?;
    Ok(payload)
}

/// Forgets the viewers that are remembered, after a change of members.
///
/// # Errors
/// `UNAUTHENTICATED` without a viewer.
pub fn forget_viewers(ctx: &RequestContext) -> Result<()> {
    ctx.services.forget(ctx.viewer()?.organization.id);
    Ok(())
}

/// Writes rows in one transaction, which is to be committed, or none in a dry run.
///
/// # Errors
/// As [`upsert_users`].
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<UserRowInput>, dry_run: bool) -> Result<Upsert<'_>> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input", "rows"])?;
    not_too_many(rows.len())?;
    let mut write = Write::begin(ctx)?;
    if rows.iter().any(|row| row.manager_email.is_value()) {
        write.lock_exclusive(LINE).await?;
    }
    if rows.iter().any(|row| row.role.is_value() || row.active == Some(false)) {
        lock_admins(&write).await?;
    }
    let emails: Vec<String> = rows
        .iter()
        .flat_map(|row| [Some(&row.email), row.manager_email.value()])
        .flatten()
        .filter_map(|email| crate::values::text::email(email).ok())
        .collect();
    let known: HashMap<String, user::Model> = user::Entity::of(write.organization())
        .filter(is_any_of(&write.tx, user::Column::Email, emails))
        .order_by_asc(user::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|user| (user.email.clone(), user))
        .collect();

    let names: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.external_id)).collect();
    let names = named(&write.tx, viewer, UserId::PREFIX, &names).await?;

    let mut keys = DuplicateKeys::default();
    let mut done: Vec<CheckedRow<user::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let UserRowInput {
            external_id,
            email,
            name,
            role,
            role_on_creation,
            manager_email: _,
            title,
            time_zone,
            active,
        } = row;
        let mut check = check_row(index);
        let email = check.email("email", email);
        keys.note(&mut check, index, "email", (String::new(), email.clone()));
        let before = known.get(&email).cloned();
        let mut after = before.clone().unwrap_or_else(|| invite::blank(ctx, viewer));
        after.email = email;
        if before.is_none() && name.is_undefined() {
            check.fault(UserErrorCode::Required, "name", "A new user must have a name.");
        }
        check.change_required("name", name, NAME, &mut after.name);
        after.name_key = fold(&after.name);
        let mut given = match (&before, role_on_creation) {
            (None, Some(role)) => *role,
            _ => Role::from(after.role),
        };
        check.change_set("role", role, &mut given);
        after.role = given.into();
        check.change("title", title, NAME, &mut after.title);
        if !time_zone.is_undefined() {
            check.change_set("timeZone", time_zone, &mut after.time_zone);
            after.time_zone = check.time_zone("timeZone", &after.time_zone);
        }
        after.active = active.unwrap_or(after.active);
        if let Some(external) = external_id.value() {
            let key = check.external_key("externalId", external);
            if names.get(&key).is_some_and(|id| *id != after.id.uuid()) {
                let message = "This names another user than the e-mail address does: give one of them.";
                check.fault(UserErrorCode::Conflict, "externalId", message);
            }
            keys.note(&mut check, index, "externalId", key.clone());
            check.add_external_id("externalId", &mut after.external_ids, key);
        }
        if let Some(before) = before.as_ref().filter(|before| before.active && !after.active) {
            let belongings = Belongings::of(&write, before).await?;
            if !belongings.is_empty() {
                let message =
                    format!("{} owns {belongings}: use deactivateUser, which names a successor.", before.name);
                check.fault(UserErrorCode::Required, "active", message);
            }
        }
        done.push(CheckedRow::of(check, before, after));
    }
    let mut people = People::of(&write).await?;
    people.link(&rows, &known, &mut done);
    people.keep_an_admin(&mut done);
    people.leave_no_gaps(&mut done);

    let changed: Vec<(user::Model, user::Model)> =
        done.iter().filter_map(|row| Some((row.before.clone()?, row.after.clone()?))).collect();
    let payload = save(&mut write, done, dry_run).await?;
    if !dry_run {
        for (before, after) in changed {
            if before.active && !after.active {
                shut_out(&write, &after).await?;
            }
            if before.time_zone != after.time_zone {
                follow_zone(&write, &after).await?;
            }
        }
    }
    Upsert::of(write, payload, dry_run).await
}

/// The reporting line and the administrators of the organization.
struct People {
    stored: HashSet<UserId>,
    manager_of: HashMap<UserId, Option<UserId>>,
    /// The active administrators who can sign in.
    admins: HashSet<UserId>,
    /// The members who have a password.
    with_password: HashSet<UserId>,
}

impl People {
    async fn of(write: &Write<'_>) -> Result<Self> {
        let with_password: Vec<UserId> = credential::Entity::of(write.organization())
            .filter(credential::Column::PasswordHash.is_not_null())
            .select_only()
            .column(credential::Column::UserId)
            .into_tuple()
            .all(&write.tx)
            .await?;
        let with_password: HashSet<UserId> = with_password.into_iter().collect();
        let all: Vec<(UserId, Option<UserId>, user::Role, bool)> = user::Entity::of(write.organization())
            .select_only()
            .columns([user::Column::Id, user::Column::ManagerId, user::Column::Role, user::Column::Active])
            .into_tuple()
            .all(&write.tx)
            .await?;
        let admins = all
            .iter()
            .filter(|(id, _, role, active)| *active && *role == user::Role::Admin && with_password.contains(id));
        Ok(Self {
            stored: all.iter().map(|(id, ..)| *id).collect(),
            admins: admins.map(|(id, ..)| *id).collect(),
            with_password,
            manager_of: all.iter().map(|(id, manager, ..)| (*id, *manager)).collect(),
        })
    }

    /// Resolves whom the rows report to among the existing members and the rows of this call, and fails the rows that
    /// would form a cycle.
    fn link(
        &mut self,
        rows: &[UserRowInput],
        known: &HashMap<String, user::Model>,
        done: &mut [CheckedRow<user::Model>],
    ) {
        let of_call: HashMap<String, UserId> =
            done.iter().filter_map(|row| row.after.as_ref().map(|after| (after.email.clone(), after.id))).collect();
        for (index, row) in rows.iter().enumerate() {
            let Some(after) = &mut done[index].after else { continue };
            let mut check = check_row(index);
            match &row.manager_email {
                MaybeUndefined::Undefined => {}
                MaybeUndefined::Null => after.manager_id = None,
                MaybeUndefined::Value(email) => {
                    let email = crate::values::text::email(email).unwrap_or_else(|_| email.clone());
                    let present = known.get(&email);
                    match of_call.get(&email).copied().or(present.map(|user| user.id)) {
                        None => check.fault(
                            UserErrorCode::NotFound,
                            "managerEmail",
                            format!("There is no user with the address {email}."),
                        ),
                        Some(id) if after.manager_id == Some(id) => {}
                        Some(_) if present.is_some_and(|user| !user.active) => {
                            check.invalid("managerEmail", format!("{email} is inactive: choose an active user."));
                        }
                        Some(id) if self.is_above_or_is(after.id, id) => {
                            check.invalid(
                                "managerEmail",
                                format!("{email} is this user or reports to them: choose another manager."),
                            );
                        }
                        Some(id) => after.manager_id = Some(id),
                    }
                }
            }
            if check.is_clean() {
                self.manager_of.insert(after.id, after.manager_id);
            } else {
                done[index] = CheckedRow::failed(check);
            }
        }
    }

    /// Returns whether `first` is `second`, or above them in the reporting line.
    fn is_above_or_is(&self, first: UserId, second: UserId) -> bool {
        let mut above = Some(second);
        for _ in 0..=self.manager_of.len() {
            match above {
                Some(id) if id == first => return true,
                Some(id) => above = self.manager_of.get(&id).copied().flatten(),
                None => return false,
            }
        }
        false
    }

    /// Fails the row that would leave no active administrator.
    fn keep_an_admin(&mut self, done: &mut [CheckedRow<user::Model>]) {
        let goes = |row: &CheckedRow<user::Model>| {
            let after = row.after.as_ref().filter(|after| after.role != user::Role::Admin || !after.active)?;
            row.before.as_ref().filter(|before| before.active && before.role == user::Role::Admin).map(|_| after.id)
        };
        for after in done.iter().filter_map(|row| row.after.as_ref()) {
            if after.active && after.role == user::Role::Admin && self.with_password.contains(&after.id) {
                self.admins.insert(after.id);
            }
        }
        for (index, row) in done.iter_mut().enumerate() {
            let Some(id) = goes(row).filter(|id| self.admins.contains(id)) else { continue };
            if self.admins.len() == 1 {
                let mut check: Validator = check_row(index);
                let keeps_role = row.after.as_ref().is_some_and(|after| after.role == user::Role::Admin);
                check.fault(UserErrorCode::Conflict, if keeps_role { "active" } else { "role" }, LAST_ADMIN);
                *row = CheckedRow::failed(check);
            } else {
                self.admins.remove(&id);
            }
        }
    }

    /// Fails the rows that would report to a new member of a row that failed, and repeats this for the rows below
    /// those.
    fn leave_no_gaps(&self, done: &mut [CheckedRow<user::Model>]) {
        loop {
            let made: HashSet<UserId> = done.iter().filter_map(|row| Some(row.after.as_ref()?.id)).collect();
            let gap = done.iter().position(|row| {
                let manager = row.after.as_ref().and_then(|after| after.manager_id);
                manager.is_some_and(|manager| !made.contains(&manager) && !self.stored.contains(&manager))
            });
            let Some(index) = gap else { return };
            let mut check: Validator = check_row(index);
            check.fault(UserErrorCode::NotFound, "managerEmail", "The row of the manager failed.");
            done[index] = CheckedRow::failed(check);
        }
    }
}
