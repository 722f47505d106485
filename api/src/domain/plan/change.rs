//! Changing a plan: its row is locked, so that writers of one plan take turns; whatever changes of it and of its items is
//! one write of the plan, with one version and one event.

use std::collections::{HashMap, HashSet};

use async_graphql::ID;
use entity::{AccountId, ContactId, Id, PlanId, Scoped, UserId, account, contact, plan, seat, user};
use sea_orm::sea_query::{Cond, IntoCondition};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QuerySelect};
use serde_json::{Map, Value};

use super::part::{Item, Part};
use super::{Plan, PlanPayload};
use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::team;
use crate::error::{Error, Result, UserErrorCode};
use crate::values::calendar;
use crate::write::validator::Validator;
use crate::write::{AuditedRow as _, Snapshot, Write, difference};
use database::bulk;

/// Items of one kind that a plan has at most.
pub const MOST: usize = 500;

const FORBIDDEN: &str = "Only the account's owner, the plan's owner, their managers and admins may do this.";

/// A change of a plan that is being made.
pub struct Change<'a> {
    /// The write that it is part of.
    pub write: Write<'a>,
    /// Who makes it.
    pub viewer: &'a Viewer,
    /// The plan's account.
    pub account: account::Model,
    /// The plan as it is to be.
    pub plan: plan::Model,
    before: plan::Model,
    changes: Map<String, Value>,
}

impl<'a> Change<'a> {
    /// Begins to change the plan that an input names at a path.
    ///
    /// # Errors
    /// `NOT_FOUND` where they do not see it; the database's.
    pub async fn of_plan(ctx: &'a RequestContext, path: &[&str], id: &ID) -> Result<Self> {
        let viewer = ctx.viewer()?;
        let write = Write::begin(ctx)?;
        let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no plan with this id.");
        let id = PlanId::parse(id).map_err(|_| not_found())?;
        Self::locked(viewer, write, id).await?.ok_or_else(not_found)
    }

    /// Begins to change the plan of the item that an input names at a path.
    ///
    /// # Errors
    /// `NOT_FOUND` where they do not see it; the database's.
    pub async fn of_item<P: Item>(ctx: &'a RequestContext, path: &[&str], id: &ID) -> Result<(Self, P)> {
        let viewer = ctx.viewer()?;
        let write = Write::begin(ctx)?;
        let message = format!("There is no {} with this id.", P::CALLED);
        let not_found = || Error::refused(UserErrorCode::NotFound, path, message.clone());
        let id = P::Id::parse(id).map_err(|_| not_found())?;
        let item = || viewer.rows::<P::Table>(P::ACCOUNT).filter(P::ID.eq(id));
        let seen = item().one(&write.tx).await?.ok_or_else(not_found)?;
        let change = Self::locked(viewer, write, seen.plan()).await?.ok_or_else(not_found)?;
        // As whoever had the plan before has left it.
        let item = item().one(&change.write.tx).await?.ok_or_else(not_found)?;
        Ok((change, item))
    }

    async fn locked(viewer: &'a Viewer, write: Write<'a>, id: PlanId) -> Result<Option<Self>> {
        Ok(Self::within(viewer, write, id).await?.ok())
    }

    /// Begins to change a plan within a write that is under way; or hands that back, where they do not see the plan.
    ///
    /// # Errors
    /// The database's.
    pub async fn within(viewer: &'a Viewer, write: Write<'a>, id: PlanId) -> Result<Result<Self, Write<'a>>> {
        let plan = viewer.rows::<plan::Entity>(plan::Column::AccountId).filter(plan::Column::Id.eq(id));
        let Some(plan) = plan.lock_exclusive().one(&write.tx).await? else { return Ok(Err(write)) };
        let Some(account) = viewer.account(&write.tx, plan.account_id, false).await? else { return Ok(Err(write)) };
        Ok(Ok(Self { write, viewer, account, before: plan.clone(), plan, changes: Map::new() }))
    }

    /// The plan as it was.
    #[must_use]
    pub const fn before(&self) -> &plan::Model {
        &self.before
    }

    /// May they change what the plan says? Whoever answers for the account, the plan's owner, and everyone above them.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.answers_for_account() || self.viewer.is_above_or_is(self.before.owner_id)
    }

    /// Are they the account's owner, somebody above them, or ADMIN?
    #[must_use]
    pub fn answers_for_account(&self) -> bool {
        self.viewer.access(&self.account) == AccountAccess::Responsible
    }

    /// Refuses whoever may not change what the plan says, and a plan that is closed.
    ///
    /// # Errors
    /// `FORBIDDEN` and `CONFLICT` as userErrors at the path.
    pub fn must_write(&self, path: &[&str]) -> Result<()> {
        self.must_be_theirs(path)?;
        self.must_be_open(path)
    }

    /// Refuses whoever may not change what the plan says.
    ///
    /// # Errors
    /// `FORBIDDEN` as a userError at the path.
    pub fn must_be_theirs(&self, path: &[&str]) -> Result<()> {
        if self.may_write() { Ok(()) } else { Err(Error::refused(UserErrorCode::Forbidden, path, FORBIDDEN)) }
    }

    /// Refuses whoever does not answer for the account.
    ///
    /// # Errors
    /// `FORBIDDEN` as a userError at the path.
    pub fn must_answer_for_account(&self, path: &[&str]) -> Result<()> {
        if self.answers_for_account() {
            return Ok(());
        }
        let message = "Only the account's owner, their managers and admins may do this.";
        Err(Error::refused(UserErrorCode::Forbidden, path, message))
    }

    /// Refuses a plan that is closed.
    ///
    /// # Errors
    /// `CONFLICT` as a userError at the path.
    pub fn must_be_open(&self, path: &[&str]) -> Result<()> {
        match self.before.closed_at {
            Some(at) => {
                let message = format!("The plan was closed at {at} and stays as it is: copy it into a new one.");
                Err(Error::refused(UserErrorCode::Conflict, path, message))
            }
            None => Ok(()),
        }
    }

    /// The parts of one kind that the plan has.
    ///
    /// # Errors
    /// The database's.
    pub async fn parts<P: Part>(&self) -> Result<Vec<P>> {
        Ok(P::Table::of(self.plan.organization_id).filter(P::PLAN.eq(self.plan.id)).all(&self.write.tx).await?)
    }

    /// The parts of one kind, to which one is to be added: refused where there are as many as there may be.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` as a userError at the path; the database's.
    pub async fn parts_with_room<P: Item>(&self, path: &[&str]) -> Result<Vec<P>> {
        let parts = self.parts::<P>().await?;
        if parts.len() < MOST {
            return Ok(parts);
        }
        let message = format!("A plan has at most {MOST} {}s.", P::CALLED);
        Err(Error::refused(UserErrorCode::LimitExceeded, path, message))
    }

    /// Puts a part into its place, whether it was there before or not. Where nothing differs nothing is written.
    ///
    /// # Errors
    /// The database's.
    pub async fn put<P: Part>(&mut self, before: Option<&P>, after: P) -> Result<()> {
        self.put_all(vec![(before.cloned(), after)]).await
    }

    /// The same for many.
    ///
    /// # Errors
    /// The database's.
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

    /// Takes a part away.
    ///
    /// # Errors
    /// The database's.
    pub async fn take<P: Part>(&mut self, part: &P) -> Result<()> {
        self.changes.extend(difference(&part.snapshot(), &Snapshot::new()));
        part.clone().delete(&self.write.tx).await?;
        Ok(())
    }

    /// Takes the parts of one kind away that a condition finds.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_some<P: Part>(&mut self, which: impl IntoCondition) -> Result<()> {
        let which = Cond::all().add(P::PLAN.eq(self.plan.id)).add(which.into_condition());
        let organization = self.plan.organization_id;
        for part in P::Table::of(organization).filter(which.clone()).all(&self.write.tx).await? {
            self.changes.extend(difference(&part.snapshot(), &Snapshot::new()));
        }
        P::Table::remove_of(organization).filter(which).exec(&self.write.tx).await?;
        Ok(())
    }

    /// Takes all parts of one kind away.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_all<P: Part>(&mut self) -> Result<()> {
        self.take_some::<P>(Cond::all()).await
    }

    /// Writes the plan with its event, and goes on with the write; where nothing differs it stays at its version.
    ///
    /// # Errors
    /// The database's.
    pub async fn save(mut self, what: &str) -> Result<(Write<'a>, plan::Model)> {
        let currency = self.viewer.currency;
        let same = difference(&self.before.snapshot(currency), &self.plan.snapshot(currency)).is_empty();
        if same && self.changes.is_empty() {
            return Ok((self.write, self.plan));
        }
        let plan = self.write.change_with(&self.before, self.plan, what, self.changes).await?;
        Ok((self.write, plan))
    }

    /// The same, and makes the change stand.
    ///
    /// # Errors
    /// The database's.
    pub async fn commit(self, what: &str) -> Result<PlanPayload> {
        let (write, plan) = self.save(what).await?;
        write.commit().await?;
        Ok(PlanPayload::of(plan))
    }

    /// Removes the plan with what was taken off it before.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete(mut self) -> Result<PlanPayload> {
        self.write.remove_with(&self.before, self.changes).await?;
        self.write.commit().await?;
        Ok(PlanPayload { plan: Some(Plan(self.before)), ..PlanPayload::default() })
    }

    /// The member that an input names to do something of the plan: active, and seeing the account.
    ///
    /// # Errors
    /// The database's.
    pub async fn member(
        &self,
        ctx: &RequestContext,
        check: &mut Validator,
        field: &str,
        id: &ID,
    ) -> Result<Option<UserId>> {
        seeing_member(ctx, &self.write, check, field, id, &self.account).await
    }

    /// The contact that an input names: of the plan's account.
    ///
    /// # Errors
    /// The database's.
    pub async fn contact(&self, check: &mut Validator, field: &str, id: &ID) -> Result<Option<contact::Model>> {
        let Some(id) = check.id::<ContactId>(field, id) else { return Ok(None) };
        let seen =
            self.viewer.contacts().filter(contact::Column::Id.eq(id)).filter(contact::Column::ErasedAt.is_null());
        match seen.one(&self.write.tx).await? {
            None => check.not_found(field, "contact"),
            Some(person) if person.account_id != self.account.id => {
                check.invalid(field, format!("{} does not work at {}.", person.name, self.account.name));
            }
            found => return Ok(found),
        }
        Ok(None)
    }

    /// The item of the same plan that an input names.
    ///
    /// # Errors
    /// The database's.
    pub async fn sibling<P: Item>(&self, check: &mut Validator, field: &str, id: &ID) -> Result<Option<P>> {
        let found = match P::Id::parse(id) {
            Ok(id) => self.viewer.rows::<P::Table>(P::ACCOUNT).filter(P::ID.eq(id)).one(&self.write.tx).await?,
            Err(_) => None,
        };
        match found {
            None => check.not_found(field, P::CALLED),
            Some(item) if item.plan() != self.plan.id => {
                check.invalid(field, format!("This {} is of another plan.", P::CALLED));
            }
            found => return Ok(found),
        }
        Ok(None)
    }
}

/// The member that an input names to do something at an account: active, and seeing it.
///
/// # Errors
/// The database's.
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
    check.invalid(field, format!("{} does not see {}: put them on the team first.", member.name, account.name));
    Ok(None)
}

/// Today where the organization is, and the latest day that is today there or where the caller is.
#[must_use]
pub fn days(ctx: &RequestContext, viewer: &Viewer) -> (entity::Day, entity::Day) {
    let here = viewer.day(ctx.now);
    let there = calendar::zone(&viewer.user.time_zone).map_or(here, |zone| calendar::day_of(ctx.now, zone));
    (here, here.max(there))
}

/// Refuses a day that is still to come.
pub fn not_to_come(check: &mut Validator, field: &str, day: entity::Day, latest: entity::Day) {
    if day > latest {
        check.invalid(field, format!("{day} is still to come: today is {latest}."));
    }
}

/// Which members see an account, and are active: two statements, whoever they are.
///
/// # Errors
/// The database's.
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
        // A line is a tree: it ends before it has been through all.
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
