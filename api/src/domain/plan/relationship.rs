//! Planned relationships: the level to which the relationship with a contact is to be developed, by when, by whom and
//! how.

use std::collections::{HashMap, HashSet};

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::contact::RelationshipLevel as Level;
use entity::plan::PlanStatus;
use entity::{
    AccountId, ContactId, Day, Id, OrganizationId, PlanId, PlannedRelationshipId, Scoped, contact, plan,
    plan_relationship,
};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::Plan;
use super::change::Change;
use super::part::{items, parts_of};
use crate::context::RequestContext;
use crate::domain::contact::{Contact, RelationshipLevel};
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, node_input, object, payload};
use crate::write::validator::{NOTE, Validator};

/// A planned relationship with its contact, which is visible to the viewer.
#[derive(Clone, Debug)]
pub struct PlannedRelationship {
    row: plan_relationship::Model,
    contact: Contact,
}

object! {
    /// The development of the relationship with one contact to a desired level.
    PlannedRelationship as "PlannedRelationship" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<PlannedRelationshipId> = plain(|planned| NodeId(planned.row.id));
        /// The contact.
        contact: Contact = batch(async |field: &FieldContext<'_>, of: &[&PlannedRelationship]| {
            field.objects(&of.iter().map(|planned| &planned.contact).collect::<Vec<_>>()).await
        });
        /// The desired level.
        desired: Level = plain(|planned| planned.row.desired);
        /// The level at the time of planning.
        startedAt: Level = plain(|planned| planned.row.started_at);
        /// The day by which the level is to be reached; null if not set.
        by: Option<Day> = plain(|planned| planned.row.due_on);
        /// The user who develops the relationship; null if not assigned.
        owner: Option<User> = by_key(|planned| planned.row.owner_id, User::resolve);
        /// Whether the contact is at the desired level or above.
        reached: bool = plain(|planned| planned.contact.0.relationship >= planned.row.desired);
        /// The approach to reaching the level; null if not set.
        approach: Option<&str> = plain(|planned| planned.row.approach.as_deref());
    }
}

impl PlannedRelationship {
    /// Loads planned relationships by id; those that the viewer cannot see, or whose contact the viewer cannot see, are
    /// absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = PlannedRelationshipId>,
    ) -> Result<HashMap<PlannedRelationshipId, Self>> {
        let rows: Vec<_> = items::<plan_relationship::Model>(ctx, ids).await?.into_values().collect();
        Ok(Self::with_people(ctx, rows).await?.into_iter().map(|planned| (planned.row.id, planned)).collect())
    }

    /// Loads the contacts of planned relationships. Drops those whose contact moved to an account that the viewer
    /// cannot see.
    async fn with_people(ctx: &RequestContext, rows: Vec<plan_relationship::Model>) -> Result<Vec<Self>> {
        let people = Contact::fetch(ctx, rows.iter().map(|row| row.contact_id)).await?;
        let with_person = |row: plan_relationship::Model| {
            let contact = people.get(&row.contact_id)?.clone();
            Some(Self { row, contact })
        };
        Ok(rows.into_iter().filter_map(with_person).collect())
    }
}

/// Resolves `Contact.plannedRelationships` by one statement for any number of contacts.
pub async fn of_contacts(field: &FieldContext<'_>, of: &[ContactId]) -> Result<Batch<Vec<PlannedRelationship>>> {
    use plan_relationship::Column;
    let viewer = field.request.viewer()?;
    let distinct: HashSet<Uuid> = of.iter().map(|id| id.uuid()).collect();
    let max_rows = LONGEST_LIST * distinct.len() as u64;
    let open = plan::Entity::of(viewer.organization.id)
        .filter(Expr::col((plan::Entity, plan::Column::Id)).equals((plan_relationship::Entity, Column::PlanId)))
        .filter(plan::Column::Status.ne(PlanStatus::Closed))
        .select_only()
        .column(plan::Column::Id)
        .into_query();
    let rows = viewer
        .rows::<plan_relationship::Entity>(Column::AccountId)
        .filter(is_any_of(field.request.reader(), Column::ContactId, distinct))
        .filter(Expr::exists(open))
        .order_by_asc(Column::Id)
        .limit(max_rows + 1)
        .all(field.request.reader())
        .await?;
    let mut by_contact: HashMap<ContactId, Vec<PlannedRelationship>> = HashMap::new();
    for planned in PlannedRelationship::with_people(field.request, rows).await? {
        by_contact.entry(planned.row.contact_id).or_default().push(planned);
    }
    if by_contact.values().any(|list| list.len() as u64 > LONGEST_LIST) {
        return Err(Error::LimitExceeded(format!(
            "More than {LONGEST_LIST} plans name a contact: page through `plans`."
        )));
    }
    let list = |id: &ContactId| by_contact.get(id).map_or(&[][..], Vec::as_slice);
    field.object_lists(&of.iter().map(list).collect::<Vec<_>>()).await
}

/// Returns the planned relationships whose contact is at the plan's account and not archived: at most one statement.
pub(super) async fn at_account<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    planned: impl IntoIterator<Item = &plan_relationship::Model>,
) -> Result<HashSet<PlannedRelationshipId>> {
    let planned: Vec<&plan_relationship::Model> = planned.into_iter().collect();
    if planned.is_empty() {
        return Ok(HashSet::new());
    }
    let query = contact::Entity::of(organization)
        .filter(is_any_of(connection, contact::Column::Id, planned.iter().map(|row| row.contact_id)))
        .filter(contact::Column::ArchivedAt.is_null())
        .select_only()
        .column(contact::Column::Id)
        .column(contact::Column::AccountId)
        .into_query();
    let mut accounts: HashMap<ContactId, AccountId> = HashMap::new();
    for row in connection.query_all(&query).await? {
        accounts.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    let is_there = |row: &&&plan_relationship::Model| accounts.get(&row.contact_id) == Some(&row.account_id);
    Ok(planned.iter().filter(is_there).map(|row| row.id).collect())
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

payload! {
    /// The result of a mutation of a planned relationship.
    PlannedRelationshipPayload as "PlannedRelationshipPayload" {
        /// The planned relationship after the change, or as it was before it was removed; null if there are userErrors,
        /// or if the caller does not see the contact.
        plannedRelationship(planned_relationship): PlannedRelationship,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

impl PlannedRelationshipPayload {
    async fn of(ctx: &RequestContext, row: plan_relationship::Model, plan: Plan) -> Result<Self> {
        let planned_relationship = PlannedRelationship::with_people(ctx, vec![row]).await?.pop();
        Ok(Self { planned_relationship, plan: Some(plan), ..Self::default() })
    }
}

/// A planned relationship. A plan has at most one per contact, which is created or updated. An omitted field is left
/// unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SetPlannedRelationshipInput {
    /// Id of the plan: not closed, with fewer than 500 planned relationships.
    pub plan_id: ID,
    /// Id of the contact: of the plan's account.
    pub contact_id: ID,
    /// The desired level.
    pub desired: RelationshipLevel,
    /// The day by which the level is to be reached.
    pub by: MaybeUndefined<Date>,
    /// Id of the user who develops the relationship: an active member who can see the account.
    pub owner_id: MaybeUndefined<ID>,
    /// The approach to reaching the level: at most 20,000 characters.
    pub approach: MaybeUndefined<String>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A planned relationship to remove from its plan.
    RemovePlannedRelationshipInput {
        /// The id of the planned relationship.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

/// Resolves `Mutation.setPlannedRelationship`.
pub async fn set(ctx: &RequestContext, input: SetPlannedRelationshipInput) -> Result<PlannedRelationshipPayload> {
    let SetPlannedRelationshipInput { plan_id, contact_id, desired, by, owner_id, approach, if_version } = input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
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
    change.put(before.as_ref(), after.clone()).await?;
    let plan = change.commit("relationship_set").await?;
    PlannedRelationshipPayload::of(ctx, after, plan).await
}

/// Resolves `Mutation.removePlannedRelationship`.
pub async fn remove(ctx: &RequestContext, input: RemovePlannedRelationshipInput) -> Result<PlannedRelationshipPayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, row) = Change::of_item::<plan_relationship::Model>(ctx, &path, &input.id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, input.if_version);
    check.finish()?;
    change.take(&row).await?;
    let plan = change.commit("relationship_removed").await?;
    PlannedRelationshipPayload::of(ctx, row, plan).await
}
