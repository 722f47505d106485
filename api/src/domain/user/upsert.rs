//! Upserts of members from another system, keyed by e-mail address; used only by the importer. A member created here
//! has no password and no invitation, and can sign in only after an administrator has reissued the invitation.

use std::collections::{HashMap, HashSet};

pub use async_graphql::MaybeUndefined;
use database::columns::is_any_of;
use entity::{Scoped, UserId, user};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::write::{LAST_ADMIN, LINE, lock_admins};
use super::{Role, invite};
use crate::context::RequestContext;
use crate::domain::upsert::{CheckedRow, DuplicateKeys, Upsert, UpsertPayload, check_row, not_too_many, save};
use crate::error::{Result, UserErrorCode};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

/// A member as they are in another system. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, Default)]
pub struct UserRow {
    /// The e-mail address, by which the row is matched.
    pub email: String,
    /// The name: 1 to 200 characters. Required for a new member.
    pub name: MaybeUndefined<String>,
    /// The role.
    pub role: MaybeUndefined<Role>,
    /// The role of a new member if `role` is not given; SELLER by default.
    pub role_on_creation: Option<Role>,
    /// The e-mail address of the member to whom they report: an active member, or another row of the call.
    pub manager_email: MaybeUndefined<String>,
    /// The job title: up to 200 characters.
    pub title: MaybeUndefined<String>,
}

/// Creates and changes members, at most 500 per call. Only for administrators. Rows are independent: a row that fails
/// reports its errors without affecting the others, except those that would report to a member whom it would have
/// created. A dry run returns the same results and writes nothing.
///
/// # Errors
/// `FORBIDDEN` and `LIMIT_EXCEEDED` as `userErrors` of the call.
pub async fn upsert_users(ctx: &RequestContext, rows: Vec<UserRow>, dry_run: bool) -> Result<UpsertPayload> {
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
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<UserRow>, dry_run: bool) -> Result<Upsert<'_>> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["rows"])?;
    not_too_many(rows.len())?;
    let mut write = Write::begin(ctx)?;
    if rows.iter().any(|row| row.manager_email.is_value()) {
        write.lock_exclusive(LINE).await?;
    }
    if rows.iter().any(|row| row.role.is_value()) {
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

    let mut keys = DuplicateKeys::default();
    let mut done: Vec<CheckedRow<user::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let UserRow { email, name, role, role_on_creation, manager_email: _, title } = row;
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
        done.push(CheckedRow::of(check, before, after));
    }
    let mut people = People::of(&write).await?;
    people.link(&rows, &known, &mut done);
    people.keep_an_admin(&mut done);
    people.leave_no_gaps(&mut done);

    let payload = save(&mut write, done, dry_run).await?;
    Upsert::of(write, payload, dry_run).await
}

/// The reporting line and the administrators of the organization.
struct People {
    stored: HashSet<UserId>,
    manager_of: HashMap<UserId, Option<UserId>>,
    admins: HashSet<UserId>,
}

impl People {
    async fn of(write: &Write<'_>) -> Result<Self> {
        let all: Vec<(UserId, Option<UserId>, user::Role, bool)> = user::Entity::of(write.organization())
            .select_only()
            .columns([user::Column::Id, user::Column::ManagerId, user::Column::Role, user::Column::Active])
            .into_tuple()
            .all(&write.tx)
            .await?;
        let admins = all.iter().filter(|(_, _, role, active)| *active && *role == user::Role::Admin);
        Ok(Self {
            stored: all.iter().map(|(id, ..)| *id).collect(),
            admins: admins.map(|(id, ..)| *id).collect(),
            manager_of: all.iter().map(|(id, manager, ..)| (*id, *manager)).collect(),
        })
    }

    /// Resolves whom the rows report to among the existing members and the rows of this call, and fails the rows that
    /// would form a cycle.
    fn link(&mut self, rows: &[UserRow], known: &HashMap<String, user::Model>, done: &mut [CheckedRow<user::Model>]) {
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
            let after = row.after.as_ref().filter(|after| after.role != user::Role::Admin)?;
            row.before.as_ref().filter(|before| before.active && before.role == user::Role::Admin).map(|_| after.id)
        };
        for after in done.iter().filter_map(|row| row.after.as_ref()) {
            if after.active && after.role == user::Role::Admin {
                self.admins.insert(after.id);
            }
        }
        for (index, row) in done.iter_mut().enumerate() {
            let Some(id) = goes(row) else { continue };
            if self.admins.len() == 1 {
                let mut check: Validator = check_row(index);
                check.fault(UserErrorCode::Conflict, "role", LAST_ADMIN);
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
