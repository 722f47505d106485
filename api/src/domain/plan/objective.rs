//! Objectives: what a plan is to achieve in the short and in the long term.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{Day, Id, ObjectiveId, plan_action, plan_objective};

use super::Plan;
use super::change::{Change, days, not_to_come};
use super::part::{items, parts_of};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, node_input, object, payload};
use crate::write::validator::{NOTE, Validator};

/// The time horizon of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_objective::Horizon")]
pub enum Horizon {
    /// Short term.
    ShortTerm,
    /// Long term.
    LongTerm,
}

/// The status of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_objective::ObjectiveStatus")]
pub enum ObjectiveStatus {
    /// Still to be achieved.
    Open,
    /// Achieved.
    Achieved,
    /// No longer pursued.
    Abandoned,
}
graphql_enum! { plan_objective::Horizon as Horizon, plan_objective::ObjectiveStatus as ObjectiveStatus }

/// An objective of a plan.
#[derive(Clone, Debug)]
pub struct Objective(pub plan_objective::Model);

object! {
    /// Something that a plan is to achieve.
    Objective as "Objective" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<ObjectiveId> = plain(|objective| NodeId(objective.0.id));
        /// The time horizon.
        horizon: plan_objective::Horizon = plain(|objective| objective.0.horizon);
        /// The result to be achieved.
        statement: &str = plain(|objective| &objective.0.statement);
        /// The day by which it is to be achieved; null if not set.
        dueOn: Option<Day> = plain(|objective| objective.0.due_on);
        /// The status.
        status: plan_objective::ObjectiveStatus = plain(|objective| objective.0.status);
        /// The day on which it was achieved; null unless the status is ACHIEVED.
        achievedOn: Option<Day> = plain(|objective| objective.0.achieved_on);
    }
}

impl Objective {
    /// Loads objectives by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = ObjectiveId>,
    ) -> Result<HashMap<ObjectiveId, Self>> {
        Ok(items::<plan_objective::Model>(ctx, ids).await?.into_iter().map(|(id, row)| (id, Self(row))).collect())
    }
}

/// Arguments of `Plan.objectives`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct ObjectivesArguments {
    /// Only objectives with this horizon; all if omitted.
    pub horizon: Option<Horizon>,
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Objective>>> {
    let ObjectivesArguments { horizon } = field.arguments()?;
    let horizon = horizon.map(plan_objective::Horizon::from);
    let mut found = parts_of::<plan_objective::Model, _>(
        field.request.reader(),
        field.request.viewer()?.organization.id,
        &Plan::ids(of),
    )
    .await?;
    for rows in found.values_mut() {
        rows.retain(|row| horizon.is_none_or(|horizon| row.horizon == horizon));
        rows.sort_by_key(|row| row.id);
    }
    let lists: Vec<Vec<Objective>> =
        of.iter().map(|plan| found.get(&plan.0.id).into_iter().flatten().cloned().map(Objective).collect()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

payload! {
    /// The result of a mutation of an objective.
    ObjectivePayload as "ObjectivePayload" {
        /// The objective after the change, or as it was before it was removed; null if there are userErrors.
        objective(objective): Objective,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

impl ObjectivePayload {
    fn of(row: plan_objective::Model, plan: Plan) -> Self {
        Self { objective: Some(Objective(row)), plan: Some(plan), ..Self::default() }
    }
}

/// A new objective.
#[derive(Clone, Debug, InputObject)]
pub struct AddObjectiveInput {
    /// Id of the plan: not closed, with fewer than 500 objectives.
    pub plan_id: ID,
    /// The time horizon.
    pub horizon: Horizon,
    /// The result to be achieved: 1 to 20,000 characters.
    pub statement: String,
    /// The day by which it is to be achieved.
    pub due_on: Option<Date>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// Changes to an objective. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateObjectiveInput {
    /// Id of the objective.
    pub id: ID,
    /// The time horizon. Cannot be cleared.
    pub horizon: MaybeUndefined<Horizon>,
    /// The result to be achieved: 1 to 20,000 characters. Cannot be cleared.
    pub statement: MaybeUndefined<String>,
    /// The day by which it is to be achieved.
    pub due_on: MaybeUndefined<Date>,
    /// The status. Cannot be cleared.
    pub status: MaybeUndefined<ObjectiveStatus>,
    /// The day on which it was achieved: not in the future, and only with status ACHIEVED. Defaults to today when the
    /// status becomes ACHIEVED.
    pub achieved_on: MaybeUndefined<Date>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// An objective to remove from its plan.
    RemoveObjectiveInput {
        /// The id of the objective.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

/// Resolves `Mutation.addObjective`.
pub async fn add(ctx: &RequestContext, input: AddObjectiveInput) -> Result<ObjectivePayload> {
    let AddObjectiveInput { plan_id, horizon, statement, due_on, if_version } = input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    change.parts_with_room::<plan_objective::Model>(&path).await?;
    let statement = check.required("statement", &statement, NOTE);
    check.finish()?;
    let row = plan_objective::Model {
        id: ObjectiveId::make(),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        horizon: horizon.into(),
        statement,
        due_on: due_on.map(|day| day.0),
        status: plan_objective::ObjectiveStatus::Open,
        achieved_on: None,
    };
    change.put(None, row.clone()).await?;
    Ok(ObjectivePayload::of(row, change.commit("objective_added").await?))
}

/// Resolves `Mutation.updateObjective`.
pub async fn update(ctx: &RequestContext, input: UpdateObjectiveInput) -> Result<ObjectivePayload> {
    let UpdateObjectiveInput { id, horizon, statement, due_on, status, achieved_on, if_version } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_objective::Model>(ctx, &path, &id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    let (today, latest) = days(ctx, change.viewer);
    let mut after = before.clone();
    check.change_set("horizon", &horizon.map_value(plan_objective::Horizon::from), &mut after.horizon);
    check.change_required("statement", &statement, NOTE, &mut after.statement);
    check.change_with("dueOn", &due_on, &mut after.due_on, |_, _, day| Some(day.0));
    check.change_set("status", &status.map_value(plan_objective::ObjectiveStatus::from), &mut after.status);
    let achieved = after.status == plan_objective::ObjectiveStatus::Achieved;
    match achieved_on {
        MaybeUndefined::Value(_) if !achieved => {
            check.invalid("achievedOn", "achievedOn requires the status ACHIEVED.");
        }
        MaybeUndefined::Value(day) => {
            not_to_come(&mut check, "achievedOn", day.0, latest);
            after.achieved_on = Some(day.0);
        }
        MaybeUndefined::Null => after.achieved_on = None,
        MaybeUndefined::Undefined => {}
    }
    after.achieved_on = if achieved { after.achieved_on.or(Some(today)) } else { None };
    check.finish()?;
    change.put(Some(&before), after.clone()).await?;
    Ok(ObjectivePayload::of(after, change.commit("objective_updated").await?))
}

/// Resolves `Mutation.removeObjective`. The actions of the objective are kept, without it.
pub async fn remove(ctx: &RequestContext, input: RemoveObjectiveInput) -> Result<ObjectivePayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, objective) = Change::of_item::<plan_objective::Model>(ctx, &path, &input.id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, input.if_version);
    check.finish()?;
    let actions = change.parts::<plan_action::Model>().await?;
    let released = actions.into_iter().filter(|action| action.objective_id == Some(objective.id)).map(|before| {
        let after = plan_action::Model { objective_id: None, ..before.clone() };
        (Some(before), after)
    });
    change.put_all(released.collect()).await?;
    change.take(&objective).await?;
    Ok(ObjectivePayload::of(objective, change.commit("objective_removed").await?))
}
