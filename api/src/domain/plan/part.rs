//! What the parts of a plan have in common: they belong to a plan, and its events record their facts.

use std::collections::HashMap;
use std::hash::Hash;

use database::columns::is_any_of;
use entity::{
    ActionId, BenchmarkId, Columns, CommitmentId, Id, ObjectiveId, PlanId, PlannedRelationshipId, QuestionId, ReviewId,
    Row, Scoped, plan_action, plan_benchmark, plan_commitment, plan_measurement, plan_objective, plan_question,
    plan_relationship, plan_review,
};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter,
};

use super::measure::decimal;
use crate::context::RequestContext;
use crate::error::Result;
use crate::write::{Snapshot, snapshot, stored_json};

/// A row that belongs to a plan.
pub trait Part:
    ModelTrait<Entity = Self::Table> + IntoActiveModel<Self::Active> + Row + Clone + Send + Sync + 'static
{
    /// The table.
    type Table: EntityTrait<Model = Self, ActiveModel = Self::Active> + Scoped;
    /// The active model of the table.
    type Active: ActiveModelTrait<Entity = Self::Table> + ActiveModelBehavior + Send;

    /// The prefix of its facts in events, as `action` in `action.action_….title`.
    const NAME: &'static str;
    /// The column with the plan's id.
    const PLAN: <Self::Table as EntityTrait>::Column;

    /// Returns the id of the plan.
    fn plan(&self) -> PlanId;
    /// Returns the key that identifies the part among those of its kind in the plan.
    fn key(&self) -> String;
    /// Returns the facts by field name.
    fn facts_by_field(&self) -> Snapshot;

    /// Returns the facts by the names that the plan's events use.
    fn snapshot(&self) -> Snapshot {
        let key = self.key();
        self.facts_by_field()
            .into_iter()
            .map(|(field, value)| (format!("{}.{key}.{field}", Self::NAME), value))
            .collect()
    }
}

/// A part with an id of its own.
pub trait Item: Part {
    /// The type of the id.
    type Id: Id + Ord + Hash + sea_orm::sea_query::ValueType + Into<sea_orm::Value>;

    /// The column with the id.
    const ID: <Self::Table as EntityTrait>::Column;
    /// The column with the account's id.
    const ACCOUNT: <Self::Table as EntityTrait>::Column;
    /// The name of this kind of item in error messages.
    const LABEL: &'static str;

    /// Returns the id.
    fn id(&self) -> Self::Id;
}

macro_rules! item {
    ($table:ident $id:ident $name:literal $label:literal { $($field:ident),* } $facts_by_field:expr) => {
        impl Part for $table::Model {
            type Table = $table::Entity;
            type Active = $table::ActiveModel;
            const NAME: &'static str = $name;
            const PLAN: $table::Column = $table::Column::PlanId;

            fn plan(&self) -> PlanId {
                self.plan_id
            }

            fn key(&self) -> String {
                self.id.show()
            }

            fn facts_by_field(&self) -> Snapshot {
                // Destructured, so that adding a column does not compile until this is adapted.
                let Self { id: _, organization_id: _, plan_id: _, account_id: _, $($field),* } = self;
                $facts_by_field
            }
        }

        impl Item for $table::Model {
            type Id = $id;
            const ID: $table::Column = $table::Column::Id;
            const ACCOUNT: $table::Column = $table::Column::AccountId;
            const LABEL: &'static str = $label;

            fn id(&self) -> $id {
                self.id
            }
        }
    };
}

item! { plan_relationship PlannedRelationshipId "relationship" "planned relationship"
    { contact_id, desired, started_at, due_on, owner_id, approach }
    snapshot! {
        "contactId": contact_id,
        "desired": desired.word(),
        "startedAt": started_at.word(),
        "by": due_on,
        "ownerId": owner_id,
        "approach": approach,
    }
}
item! { plan_objective ObjectiveId "objective" "objective"
    { horizon, statement, due_on, status, achieved_on }
    snapshot! {
        "horizon": horizon.word(),
        "statement": statement,
        "dueOn": due_on,
        "status": status.word(),
        "achievedOn": achieved_on,
    }
}
item! { plan_action ActionId "action" "action"
    { rank, title, due_on, assignee_id, objective_id, contact_id, status, completed_on }
    snapshot! {
        "rank": rank,
        "title": title,
        "dueOn": due_on,
        "assigneeId": assignee_id,
        "objectiveId": objective_id,
        "contactId": contact_id,
        "status": status.word(),
        "completedOn": completed_on,
    }
}
item! { plan_benchmark BenchmarkId "benchmark" "benchmark"
    { name, source, unit, baseline, target, due_on }
    snapshot! {
        "name": name,
        "source": source.word(),
        "unit": unit,
        "baseline": decimal((*baseline).into()),
        "target": decimal((*target).into()),
        "dueOn": due_on,
    }
}
item! { plan_question QuestionId "question" "question"
    { question, answer, assignee_id, contact_id, answered_at }
    snapshot! {
        "question": question,
        "answer": answer,
        "assigneeId": assignee_id,
        "contactId": contact_id,
        "answeredAt": answered_at,
    }
}
item! { plan_commitment CommitmentId "commitment" "commitment"
    { statement, signatures, at, content, fingerprint }
    {
        // The content can be replayed from the plan's other events.
        let _ = content;
        snapshot! {
            "statement": statement,
            "signatures": stored_json(signatures),
            "at": at,
            "fingerprint": fingerprint,
        }
    }
}
item! { plan_review ReviewId "review" "review"
    { reviewed_on, by_id, outcome, notes, next_review_on, snapshot, at }
    snapshot! {
        "reviewedOn": reviewed_on,
        "byId": by_id,
        "outcome": outcome.word(),
        "notes": notes,
        "nextReviewOn": next_review_on,
        "snapshot": stored_json(snapshot),
        "at": at,
    }
}

impl Part for plan_measurement::Model {
    type Table = plan_measurement::Entity;
    type Active = plan_measurement::ActiveModel;
    const NAME: &'static str = "measurement";
    const PLAN: plan_measurement::Column = plan_measurement::Column::PlanId;

    fn plan(&self) -> PlanId {
        self.plan_id
    }

    fn key(&self) -> String {
        format!("{}.{}", self.benchmark_id.show(), self.measured_on)
    }

    fn facts_by_field(&self) -> Snapshot {
        let Self { benchmark_id: _, measured_on: _, organization_id: _, plan_id: _, value, note } = self;
        snapshot! { "value": decimal((*value).into()), "note": note }
    }
}

/// Loads the plans' parts of one kind in one statement, or in none if there are no plans.
pub async fn parts_of<P: Part, C: ConnectionTrait>(
    connection: &C,
    organization: entity::OrganizationId,
    plans: &[PlanId],
) -> Result<HashMap<PlanId, Vec<P>>> {
    let mut found: HashMap<PlanId, Vec<P>> = HashMap::new();
    if plans.is_empty() {
        return Ok(found);
    }
    let select = P::Table::of(organization).filter(is_any_of(connection, P::PLAN, plans.iter().copied()));
    for row in select.all(connection).await? {
        found.entry(row.plan()).or_default().push(row);
    }
    // Sorted, so that the order is the same on both databases.
    for parts in found.values_mut() {
        parts.sort_by_cached_key(Part::key);
    }
    Ok(found)
}

/// Loads items by id; ids that do not exist or whose plan the viewer cannot see are absent from the result.
///
/// # Errors
/// `UNAUTHENTICATED` if the request has no session.
pub async fn items<P: Item>(ctx: &RequestContext, ids: impl IntoIterator<Item = P::Id>) -> Result<HashMap<P::Id, P>> {
    ctx.fetch_by_ids(ctx.viewer()?.rows::<P::Table>(P::ACCOUNT), P::ID, Columns::ALL, ids, Item::id).await
}
