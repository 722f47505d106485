//! Changes to a plan. The plan's row is locked, so that concurrent writers of one plan take turns. All changes to the
//! plan and its items are one write of the plan, with one new version and one event.

use std::collections::{HashMap, HashSet};

use async_graphql::ID;
use database::bulk;
use entity::{AccountId, ContactId, Id, PlanId, Scoped, UserId, account, contact, plan, seat, user};
use sea_orm::sea_query::{Cond, IntoCondition};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QuerySelect};
use serde_json::{Map, Value};

use super::Plan;
use super::part::{Item, Part};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team;
use crate::error::{Error, Result, UserErrorCode};
use crate::values::calendar;
use crate::write::validator::Validator;
use crate::write::{AuditedRow as _, Snapshot, Write, difference};

/// The maximum number of items of one kind in a plan.
pub const MOST: usize = 500;

const FORBIDDEN: &str = "Only the account's owner, the plan's owner, their managers and admins may do this.";

/// Whether the viewer may change the content of a plan: the account's owner, the plan's owner, their managers and admins
/// may.
#[must_use]
pub fn may_write(viewer: &Viewer, account_owner: UserId, plan: &plan::Model) -> bool {
    viewer.is_responsible_for(account_owner) || viewer.is_above_or_is(plan.owner_id)
}

/// Whether a plan can still be changed.
#[must_use]
pub const fn is_open(plan: &plan::Model) -> bool {
    plan.closed_at.is_none()
}

/// A change to a plan in progress.
pub struct Change<'a> {
    /// The write that the change belongs to.
    pub write: Write<'a>,
    /// The user who makes the change.
    pub viewer: &'a Viewer,
    /// The plan's account.
    pub account: account::Model,
    /// The plan after the change.
    pub plan: plan::Model,
    before: plan::Model,
    changes: Map<String, Value>,
}

impl<'a> Change<'a> {
    /// Begins a change to the plan that an input names at `path`.
    ///
    /// # Errors
    /// `NOT_FOUND` if the viewer cannot see the plan.
    pub async fn of_plan(ctx: &'a RequestContext, path: &[&str], id: &ID) -> Result<Self> {
        let viewer = ctx.viewer()?;
        let write = Write::begin(ctx)?;
        let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no plan with this id.");
        let id = PlanId::parse(id).map_err(|_| not_found())?;
        Self::locked(viewer, write, id).await?.ok_or_else(not_found)
    }

    /// Begins a change to the plan of the item that an input names at `path`.
    ///
    /// # Errors
    /// `NOT_FOUND` if the viewer cannot see the item.
    pub async fn of_item<P: Item>(ctx: &'a RequestContext, path: &[&str], id: &ID) -> Result<(Self, P)> {
        let viewer = ctx.viewer()?;
        let write = Write::begin(ctx)?;
        let message = format!("There is no {} with this id.", P::LABEL);
        let not_found = || Error::refused(UserErrorCode::NotFound, path, message.clone());
        let id = P::Id::parse(id).map_err(|_| not_found())?;
        let item = || viewer.rows::<P::Table>(P::ACCOUNT).filter(P::ID.eq(id));
        let visible = item().one(&write.tx).await?.ok_or_else(not_found)?;
        let change = Self::locked(viewer, write, visible.plan()).await?.ok_or_else(not_found)?;
        // Reload it: it may have changed while waiting for the lock on the plan.
        let item = item().one(&change.write.tx).await?.ok_or_else(not_found)?;
        Ok((change, item))
    }

    async fn locked(viewer: &'a Viewer, write: Write<'a>, id: PlanId) -> Result<Option<Self>> {
        Ok(Self::within(viewer, write, id).await?.ok())
    }

    /// Begins a change to a plan within a write in progress, or returns the write if the viewer cannot see the plan.
    pub async fn within(viewer: &'a Viewer, write: Write<'a>, id: PlanId) -> Result<Result<Self, Write<'a>>> {
        let plan = viewer.rows::<plan::Entity>(plan::Column::AccountId).filter(plan::Column::Id.eq(id));
        let Some(plan) = plan.lock_exclusive().one(&write.tx).await? else { return Ok(Err(write)) };
        let Some(account) = viewer.account(&write.tx, plan.account_id, false).await? else { return Ok(Err(write)) };
        Ok(Ok(Self { write, viewer, account, before: plan.clone(), plan, changes: Map::new() }))
    }

    /// Returns the plan before the change.
    #[must_use]
    pub const fn before(&self) -> &plan::Model {
        &self.before
    }

    /// Whether the viewer may change the content of the plan.
    #[must_use]
    pub fn may_write(&self) -> bool {
        may_write(self.viewer, self.account.owner_id, &self.before)
    }

    /// Checks that the change was prepared on the current version of the plan. No expected version always passes.
    pub fn must_be_at(&self, check: &mut Validator, expected: Option<i32>) {
        check.version(expected, self.before.version);
    }

    /// Checks that the viewer may change the content of the plan, and that the plan is not closed.
    ///
    /// # Errors
    /// `FORBIDDEN` and `CONFLICT` as userErrors at the path.
    pub fn must_write(&self, path: &[&str]) -> Result<()> {
        self.must_be_theirs(path)?;
        self.must_be_open(path)
    }

    /// Checks that the viewer may change the content of the plan.
    ///
    /// # Errors
    /// `FORBIDDEN` as a userError at the path.
    pub fn must_be_theirs(&self, path: &[&str]) -> Result<()> {
        if self.may_write() { Ok(()) } else { Err(Error::refused(UserErrorCode::Forbidden, path, FORBIDDEN)) }
    }

    /// Checks that the viewer is the account's owner, one of the owner's managers, or an admin.
    ///
    /// # Errors
    /// `FORBIDDEN` as a userError at the path.
    pub fn must_answer_for_account(&self, path: &[&str]) -> Result<()> {
        if self.viewer.is_responsible_for(self.account.owner_id) {
            return Ok(());
        }
        let message = "Only the account's owner, their managers and admins may do this.";
        Err(Error::refused(UserErrorCode::Forbidden, path, message))
    }

    /// Checks that the plan is not closed.
    ///
    /// # Errors
    /// `CONFLICT` as a userError at the path.
    pub fn must_be_open(&self, path: &[&str]) -> Result<()> {
        match self.before.closed_at {
            Some(at) => {
                let message = format!("The plan was closed at {at} and cannot be changed: copy it into a new one.");
                Err(Error::refused(UserErrorCode::Conflict, path, message))
            }
            None => Ok(()),
        }
    }

    /// Loads the plan's parts of one kind.
    pub async fn parts<P: Part>(&self) -> Result<Vec<P>> {
        Ok(P::Table::of(self.plan.organization_id).filter(P::PLAN.eq(self.plan.id)).all(&self.write.tx).await?)
    }

    /// Loads the plan's parts of one kind, and checks that one more may be added.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` as a userError at the path.
    pub async fn parts_with_room<P: Item>(&self, path: &[&str]) -> Result<Vec<P>> {
        let parts = self.parts::<P>().await?;
        if parts.len() < MOST {
            return Ok(parts);
        }
        let message = format!("A plan has at most {MOST} {}s.", P::LABEL);
        Err(Error::refused(UserErrorCode::LimitExceeded, path, message))
    }

    /// Inserts or updates a part. Writes nothing if it has not changed.
    pub async fn put<P: Part>(&mut self, before: Option<&P>, after: P) -> Result<()> {
        self.put_all(vec![(before.cloned(), after)]).await
    }

    /// Inserts or updates parts. Those that have not changed are not written.
    pub async fn put_all<P: Part>(&mut self, parts: Vec<(Option<P>, P)>) -> Result<()> {
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for (before, after) in parts {
            let old = before.as_ref().map(Part::snapshot).unwrap_or_default();
            let changes = difference(&old, &after.snapshot());
            if before.is_some() && changes.is_empty() {
                continue;
            }
            self.changes.extend(changes);
            let list = if before.is_some() { &mut changed } else { &mut added };
            list.push(after.into_active_model().reset_all());
        }
        bulk::insert::<P::Table, _>(&self.write.tx, added, false).await?;
        Ok(bulk::insert::<P::Table, _>(&self.write.tx, changed, true).await?)
    }

    /// Deletes a part.
    pub async fn take<P: Part>(&mut self, part: &P) -> Result<()> {
        self.changes.extend(difference(&part.snapshot(), &Snapshot::new()));
        part.clone().delete(&self.write.tx).await?;
        Ok(())
    }

    /// Deletes the parts of one kind that match a condition.
    pub async fn take_some<P: Part>(&mut self, which: impl IntoCondition) -> Result<()> {
        let which = Cond::all().add(P::PLAN.eq(self.plan.id)).add(which.into_condition());
        let organization = self.plan.organization_id;
        for part in P::Table::of(organization).filter(which.clone()).all(&self.write.tx).await? {
            self.changes.extend(difference(&part.snapshot(), &Snapshot::new()));
        }
        P::Table::remove_of(organization).filter(which).exec(&self.write.tx).await?;
        Ok(())
    }

    /// Deletes all parts of one kind.
    pub async fn take_all<P: Part>(&mut self) -> Result<()> {
        self.take_some::<P>(Cond::all()).await
    }

    /// Writes the plan with its event and returns the write, which remains open. Without changes the plan keeps its
    /// version.
    pub async fn save(mut self, what: &str) -> Result<(Write<'a>, plan::Model)> {
        let currency = self.viewer.currency;
        let same = difference(&self.before.snapshot(currency), &self.plan.snapshot(currency)).is_empty();
        if same && self.changes.is_empty() {
            return Ok((self.write, self.plan));
        }
        let plan = self.write.change_with(&self.before, self.plan, what, self.changes).await?;
        Ok((self.write, plan))
    }

    /// Writes the plan with its event, commits, and returns the plan.
    pub async fn commit(self, what: &str) -> Result<Plan> {
        let (write, plan) = self.save(what).await?;
        write.commit().await?;
        Ok(Plan(plan))
    }

    /// Deletes the plan, with one event that includes the parts deleted before, commits, and returns the plan as it was.
    pub async fn delete(mut self) -> Result<Plan> {
        self.write.remove_with(&self.before, self.changes).await?;
        self.write.commit().await?;
        Ok(Plan(self.before))
    }

    /// Loads the member that an input assigns to something in the plan: active, and able to see the account.
    pub async fn member(
        &self,
        ctx: &RequestContext,
        check: &mut Validator,
        field: &str,
        id: &ID,
    ) -> Result<Option<UserId>> {
        seeing_member(ctx, &self.write, check, field, id, &self.account).await
    }

    /// Loads the contact that an input names: of the plan's account.
    pub async fn contact(&self, check: &mut Validator, field: &str, id: &ID) -> Result<Option<contact::Model>> {
        let Some(id) = check.id::<ContactId>(field, id) else { return Ok(None) };
        let visible =
            self.viewer.contacts().filter(contact::Column::Id.eq(id)).filter(contact::Column::ErasedAt.is_null());
        match visible.one(&self.write.tx).await? {
            None => check.not_found(field, "contact"),
            Some(person) if person.account_id != self.account.id => {
                check.invalid(field, format!("{} does not work at {}.", person.name, self.account.name));
            }
            found => return Ok(found),
        }
        Ok(None)
    }

    /// Loads the item of the same plan that an input names.
    pub async fn sibling<P: Item>(&self, check: &mut Validator, field: &str, id: &ID) -> Result<Option<P>> {
        let found = match P::Id::parse(id) {
            Ok(id) => self.viewer.rows::<P::Table>(P::ACCOUNT).filter(P::ID.eq(id)).one(&self.write.tx).await?,
            Err(_) => None,
        };
        match found {
            None => check.not_found(field, P::LABEL),
            Some(item) if item.plan() != self.plan.id => {
                check.invalid(field, format!("This {} belongs to another plan.", P::LABEL));
            }
            found => return Ok(found),
        }
        Ok(None)
    }
}

/// Loads the member that an input assigns to something at an account: active, and able to see the account.
pub async fn seeing_member(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
    account: &account::Model,
) -> Result<Option<UserId>> {
    let Some(member) = team::active_member(ctx, write, check, field, id).await? else { return Ok(None) };
    if team::sees(write, &member, account.id).await? {
        return Ok(Some(member.id));
    }
    check.invalid(field, format!("{} cannot see {}: add them to its team first.", member.name, account.name));
    Ok(None)
}

/// Returns today in the organization's time zone, and the later of that day and today in the caller's time zone.
#[must_use]
pub fn days(ctx: &RequestContext, viewer: &Viewer) -> (entity::Day, entity::Day) {
    let organization = viewer.day(ctx.now);
    let caller = calendar::zone(&viewer.user.time_zone).map_or(organization, |zone| calendar::day_of(ctx.now, zone));
    (organization, organization.max(caller))
}

/// Checks that a day is not in the future.
pub fn not_to_come(check: &mut Validator, field: &str, day: entity::Day, latest: entity::Day) {
    if day > latest {
        check.invalid(field, format!("{day} is in the future: today is {latest}."));
    }
}

/// Returns the active members who can see an account, in two statements.
pub async fn seeing(write: &Write<'_>, account: AccountId) -> Result<HashSet<UserId>> {
    let members = user::Entity::of(write.organization()).all(&write.tx).await?;
    let seats =
        seat::Entity::of(write.organization()).filter(seat::Column::AccountId.eq(account)).all(&write.tx).await?;
    let by_id: HashMap<UserId, &user::Model> = members.iter().map(|member| (member.id, member)).collect();
    let mut seeing: HashSet<UserId> =
        members.iter().filter(|member| member.role == user::Role::Admin).map(|member| member.id).collect();
    for seat in &seats {
        seeing.insert(seat.user_id);
        let mut above = by_id.get(&seat.user_id).and_then(|member| member.manager_id);
        // The managers form a tree; the bound only guards against a cycle.
        for _ in 0..members.len() {
            let Some(member) = above.and_then(|id| by_id.get(&id)) else { break };
            if member.role == user::Role::Manager {
                seeing.insert(member.id);
            }
            above = member.manager_id;
        }
    }
    seeing.retain(|id| by_id.get(id).is_some_and(|member| member.active));
    Ok(seeing)
}
