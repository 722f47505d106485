//! Objectives: what a plan is to achieve, soon and in the long run.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{Day, Id, ObjectiveId, plan_action, plan_objective};

use super::change::{Change, days, not_to_come};
use super::part::{items, parts_of};
use super::{Plan, PlanPayload};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, object};
use crate::write::validator::{NOTE, Validator};

/// How far away an objective is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_objective::Horizon")]
pub enum Horizon {
    /// Soon.
    ShortTerm,
    /// In the long run.
    LongTerm,
}

/// Where an objective stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_objective::ObjectiveStatus")]
pub enum ObjectiveStatus {
    /// To be achieved.
    Open,
    /// Achieved.
    Achieved,
    /// Given up.
    Abandoned,
}
graphql_enum! { plan_objective::Horizon as Horizon, plan_objective::ObjectiveStatus as ObjectiveStatus }

/// An objective of a plan.
#[derive(Clone, Debug)]
pub struct Objective(pub plan_objective::Model);

object! {
    /// What a plan is to achieve.
    Objective as "Objective" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<ObjectiveId> = plain(|objective| NodeId(objective.0.id));
        /// Soon, or in the long run.
        horizon: plan_objective::Horizon = plain(|objective| objective.0.horizon);
        /// What is to be achieved.
        statement: &str = plain(|objective| &objective.0.statement);
        /// By when.
        dueOn: Option<Day> = plain(|objective| objective.0.due_on);
        /// Where it stands.
        status: plan_objective::ObjectiveStatus = plain(|objective| objective.0.status);
        /// The day on which it was achieved; null unless it is.
        achievedOn: Option<Day> = plain(|objective| objective.0.achieved_on);
    }
}

impl Objective {
    /// Objectives by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
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
    /// Only those of this horizon.
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

/// A new objective.
#[derive(Clone, Debug, InputObject)]
pub struct AddObjectiveInput {
    /// Of which plan: one that is not closed, with fewer than 500 objectives.
    pub plan_id: ID,
    /// Soon, or in the long run.
    pub horizon: Horizon,
    /// What is to be achieved: 1 to 20,000 characters.
    pub statement: String,
    /// By when.
    pub due_on: Option<Date>,
}

/// A change of an objective. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateObjectiveInput {
    /// Which one.
    pub id: ID,
    /// Soon, or in the long run.
    pub horizon: MaybeUndefined<Horizon>,
    /// What is to be achieved: 1 to 20,000 characters.
    pub statement: MaybeUndefined<String>,
    /// By when.
    pub due_on: MaybeUndefined<Date>,
    /// Where it stands.
    pub status: MaybeUndefined<ObjectiveStatus>,
    /// The day on which it was achieved, not to come: only with status ACHIEVED, where it is today unless given.
    pub achieved_on: MaybeUndefined<Date>,
}

/// Arguments of `addObjective`.
#[derive(Clone, Debug, InputObject)]
pub struct AddObjective {
    /// The objective.
    pub input: AddObjectiveInput,
}

/// Arguments of `updateObjective`.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateObjective {
    /// The change.
    pub input: UpdateObjectiveInput,
}

/// Arguments of `removeObjective`.
#[derive(Clone, Debug, InputObject)]
pub struct RemoveObjective {
    /// Which one.
    pub id: ID,
}

/// `addObjective`.
pub async fn add(ctx: &RequestContext, arguments: AddObjective) -> Result<PlanPayload> {
    let AddObjectiveInput { plan_id, horizon, statement, due_on } = arguments.input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
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
    change.put(None, row).await?;
    change.commit("objective_added").await
}

/// `updateObjective`.
pub async fn update(ctx: &RequestContext, arguments: UpdateObjective) -> Result<PlanPayload> {
    let UpdateObjectiveInput { id, horizon, statement, due_on, status, achieved_on } = arguments.input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_objective::Model>(ctx, &path, &id).await?;
    change.must_write(&path)?;
    let (today, latest) = days(ctx, change.viewer);
    let mut after = before.clone();
    check.change_set("horizon", &horizon.map_value(plan_objective::Horizon::from), &mut after.horizon);
    check.change_required("statement", &statement, NOTE, &mut after.statement);
    check.change_with("dueOn", &due_on, &mut after.due_on, |_, _, day| Some(day.0));
    check.change_set("status", &status.map_value(plan_objective::ObjectiveStatus::from), &mut after.status);
    let achieved = after.status == plan_objective::ObjectiveStatus::Achieved;
    match achieved_on {
        MaybeUndefined::Value(_) if !achieved => {
            check.invalid("achievedOn", "Only what is ACHIEVED has a day on which it was.");
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
    change.put(Some(&before), after).await?;
    change.commit("objective_updated").await
}

/// `removeObjective`. Actions that were for it stay, for none.
pub async fn remove(ctx: &RequestContext, arguments: RemoveObjective) -> Result<PlanPayload> {
    let (mut change, objective) = Change::of_item::<plan_objective::Model>(ctx, &["id"], &arguments.id).await?;
    change.must_write(&["id"])?;
    let actions = change.parts::<plan_action::Model>().await?;
    let released = actions.into_iter().filter(|action| action.objective_id == Some(objective.id)).map(|before| {
        let after = plan_action::Model { objective_id: None, ..before.clone() };
        (Some(before), after)
    });
    change.put_all(released.collect()).await?;
    change.take(&objective).await?;
    change.commit("objective_removed").await
}
