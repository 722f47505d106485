//! Planned relationships: taking a person from where they are to where we want them, by when, who and how.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::contact::RelationshipLevel as Level;
use entity::{Day, Id, PlanId, PlannedRelationshipId, plan_relationship};

use super::change::Change;
use super::part::{items, parts_of};
use super::{Plan, PlanPayload};
use crate::context::RequestContext;
use crate::domain::contact::{Contact, RelationshipLevel};
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, object};
use crate::write::validator::{NOTE, Validator};

/// A planned relationship, with the person, whom the caller sees.
#[derive(Clone, Debug)]
pub struct PlannedRelationship {
    row: plan_relationship::Model,
    contact: Contact,
}

object! {
    /// Taking one person from where they are to where we want them to be.
    PlannedRelationship as "PlannedRelationship" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<PlannedRelationshipId> = plain(|planned| NodeId(planned.row.id));
        /// With whom.
        contact: Contact = batch(async |field: &FieldContext<'_>, of: &[&PlannedRelationship]| {
            field.objects(&of.iter().map(|planned| &planned.contact).collect::<Vec<_>>()).await
        });
        /// Where we want them.
        desired: Level = plain(|planned| planned.row.desired);
        /// Where they were when it was planned.
        startedAt: Level = plain(|planned| planned.row.started_at);
        /// By when.
        by: Option<Day> = plain(|planned| planned.row.due_on);
        /// Who takes them there.
        owner: Option<User> = by_key(|planned| planned.row.owner_id, User::resolve);
        /// Do they see us so by now, or better?
        reached: bool = plain(|planned| planned.contact.0.relationship >= planned.row.desired);
        /// How.
        approach: Option<&str> = plain(|planned| planned.row.approach.as_deref());
    }
}

impl PlannedRelationship {
    /// Planned relationships by their ids, as far as they and their people are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = PlannedRelationshipId>,
    ) -> Result<HashMap<PlannedRelationshipId, Self>> {
        let rows: Vec<_> = items::<plan_relationship::Model>(ctx, ids).await?.into_values().collect();
        Ok(Self::with_people(ctx, rows).await?.into_iter().map(|planned| (planned.row.id, planned)).collect())
    }

    /// With their people; without those who went to an account out of the caller's sight.
    async fn with_people(ctx: &RequestContext, rows: Vec<plan_relationship::Model>) -> Result<Vec<Self>> {
        let people = Contact::fetch(ctx, rows.iter().map(|row| row.contact_id)).await?;
        let with_person = |row: plan_relationship::Model| {
            let contact = people.get(&row.contact_id)?.clone();
            Some(Self { row, contact })
        };
        Ok(rows.into_iter().filter_map(with_person).collect())
    }
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<PlannedRelationship>>> {
    let organization = field.request.viewer()?.organization.id;
    let found = parts_of::<plan_relationship::Model, _>(field.request.reader(), organization, &Plan::ids(of)).await?;
    let mut rows: Vec<_> = found.into_values().flatten().collect();
    rows.sort_by_key(|row| row.id);
    let all = PlannedRelationship::with_people(field.request, rows).await?;
    let mut by_plan: HashMap<PlanId, Vec<&PlannedRelationship>> = HashMap::new();
    for planned in &all {
        by_plan.entry(planned.row.plan_id).or_default().push(planned);
    }
    let lists: Vec<Vec<&PlannedRelationship>> =
        of.iter().map(|plan| by_plan.get(&plan.0.id).cloned().unwrap_or_default()).collect();
    field.lists_of_references(&lists).await
}

/// Where a person is to be taken. Of each person a plan has one; a field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SetPlannedRelationshipInput {
    /// Of which plan: one that is not closed, with fewer than 500 planned relationships.
    pub plan_id: ID,
    /// With whom: a contact of the plan's account.
    pub contact_id: ID,
    /// Where we want them.
    pub desired: RelationshipLevel,
    /// By when.
    pub by: MaybeUndefined<Date>,
    /// Who takes them there: an active member who sees the account.
    pub owner_id: MaybeUndefined<ID>,
    /// How: up to 20,000 characters.
    pub approach: MaybeUndefined<String>,
}

/// Arguments of `setPlannedRelationship`.
#[derive(Clone, Debug, InputObject)]
pub struct SetPlannedRelationship {
    /// Whom, and where to.
    pub input: SetPlannedRelationshipInput,
}

/// Arguments of `removePlannedRelationship`.
#[derive(Clone, Debug, InputObject)]
pub struct RemovePlannedRelationship {
    /// Which one.
    pub id: ID,
}

/// `setPlannedRelationship`.
pub async fn set(ctx: &RequestContext, arguments: SetPlannedRelationship) -> Result<PlanPayload> {
    let SetPlannedRelationshipInput { plan_id, contact_id, desired, by, owner_id, approach } = arguments.input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
    let contact = change.contact(&mut check, "contactId", &contact_id).await?;
    let present = change.parts::<plan_relationship::Model>().await?;
    let before = contact.as_ref().and_then(|contact| present.iter().find(|row| row.contact_id == contact.id)).cloned();
    if before.is_none() {
        change.parts_with_room::<plan_relationship::Model>(&path).await?;
    }
    let mut due_on = before.as_ref().and_then(|row| row.due_on);
    check.change_with("by", &by, &mut due_on, |_, _, day| Some(day.0));
    let mut owner = before.as_ref().and_then(|row| row.owner_id);
    match &owner_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => owner = None,
        MaybeUndefined::Value(id) => owner = change.member(ctx, &mut check, "ownerId", id).await?,
    }
    let mut how = before.as_ref().and_then(|row| row.approach.clone());
    check.change("approach", &approach, NOTE, &mut how);
    check.finish()?;
    let Some(contact) = contact else { return check.fail() };
    let after = plan_relationship::Model {
        id: before.as_ref().map_or_else(PlannedRelationshipId::make, |row| row.id),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        contact_id: contact.id,
        desired: desired.into(),
        started_at: before.as_ref().map_or(contact.relationship, |row| row.started_at),
        due_on,
        owner_id: owner,
        approach: how,
    };
    change.put(before.as_ref(), after).await?;
    change.commit("relationship_set").await
}

/// `removePlannedRelationship`.
pub async fn remove(ctx: &RequestContext, arguments: RemovePlannedRelationship) -> Result<PlanPayload> {
    let (mut change, row) = Change::of_item::<plan_relationship::Model>(ctx, &["id"], &arguments.id).await?;
    change.must_write(&["id"])?;
    change.take(&row).await?;
    change.commit("relationship_removed").await
}
