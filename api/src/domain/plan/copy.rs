//! Copies of plans: the items of another plan without their results, with their days shifted to the new start.

use std::collections::{HashMap, HashSet};

use async_graphql::ID;
use database::bulk;
use entity::plan_action::ActionStatus;
use entity::plan_objective::ObjectiveStatus;
use entity::{
    ActionId, BenchmarkId, ContactId, Day, Id, ObjectiveId, PlanId, PlannedRelationshipId, QuestionId, Scoped, UserId,
    contact, opportunity, plan, plan_action, plan_benchmark, plan_objective, plan_question, plan_relationship,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, QueryFilter};
use serde_json::{Map, Value};

use super::change::seeing;
use super::part::{Part, parts_of};
use super::{linked, stored_links};
use crate::context::Viewer;
use crate::error::Result;
use crate::write::validator::Validator;
use crate::write::{Snapshot, Write, difference};

/// The items of a plan that is being created.
#[derive(Default)]
pub(super) struct Items {
    relationships: Vec<plan_relationship::Model>,
    objectives: Vec<plan_objective::Model>,
    actions: Vec<plan_action::Model>,
    benchmarks: Vec<plan_benchmark::Model>,
    questions: Vec<plan_question::Model>,
}

impl Items {
    /// Returns the facts of the items, as changes for the plan's event.
    pub(super) fn snapshot(&self) -> Map<String, Value> {
        let mut facts = Snapshot::new();
        facts.extend(self.relationships.iter().flat_map(Part::snapshot));
        facts.extend(self.objectives.iter().flat_map(Part::snapshot));
        facts.extend(self.actions.iter().flat_map(Part::snapshot));
        facts.extend(self.benchmarks.iter().flat_map(Part::snapshot));
        facts.extend(self.questions.iter().flat_map(Part::snapshot));
        difference(&Snapshot::new(), &facts)
    }

    /// Inserts the items. The plan must exist already.
    pub(super) async fn insert(self, write: &Write<'_>) -> Result<()> {
        insert(write, self.relationships).await?;
        insert(write, self.objectives).await?;
        insert(write, self.actions).await?;
        insert(write, self.benchmarks).await?;
        insert(write, self.questions).await
    }
}

async fn all<P: Part>(write: &Write<'_>, of: &plan::Model) -> Result<Vec<P>> {
    let mut found = parts_of::<P, _>(&write.tx, write.organization(), &[of.id]).await?;
    Ok(found.remove(&of.id).unwrap_or_default())
}

async fn insert<P: Part>(write: &Write<'_>, parts: Vec<P>) -> Result<()> {
    let rows = parts.into_iter().map(|part| part.into_active_model().reset_all()).collect();
    Ok(bulk::insert::<P::Table, _>(&write.tx, rows, false).await?)
}

/// Loads the plan to copy, which the viewer must be able to see.
pub(super) async fn source<C: ConnectionTrait>(
    viewer: &Viewer,
    connection: &C,
    check: &mut Validator,
    field: &str,
    id: &ID,
) -> Result<Option<plan::Model>> {
    let Some(id) = check.id::<PlanId>(field, id) else { return Ok(None) };
    let plan = viewer.rows::<plan::Entity>(plan::Column::AccountId).filter(plan::Column::Id.eq(id));
    let found = plan.one(connection).await?;
    if found.is_none() {
        check.not_found(field, "plan");
    }
    Ok(found)
}

/// The target of a copy, and what can be copied into it.
struct Copy<'a> {
    to: &'a plan::Model,
    /// Days from the old start to the new one.
    shift: i32,
    /// The contacts of the old plan that belong to the new plan's account, with their present relationship.
    people: HashMap<ContactId, contact::RelationshipLevel>,
    /// The members who can see the new plan's account.
    members: HashSet<UserId>,
}

impl Copy<'_> {
    fn day(&self, day: Day) -> Day {
        day.plus(self.shift)
    }

    fn member(&self, id: Option<UserId>) -> Option<UserId> {
        id.filter(|id| self.members.contains(id))
    }

    fn person(&self, id: Option<ContactId>) -> Option<ContactId> {
        id.filter(|id| self.people.contains_key(id))
    }
}

/// Copies the items of a plan for a new one. The new plan also takes the summary if it has none, and the opportunities
/// if it is for the same account.
pub(super) async fn items(write: &Write<'_>, from: &plan::Model, to: &mut plan::Model) -> Result<Items> {
    let (tx, organization) = (&write.tx, write.organization());
    let mut relationships = all::<plan_relationship::Model>(write, from).await?;
    let mut objectives = all::<plan_objective::Model>(write, from).await?;
    let mut actions = all::<plan_action::Model>(write, from).await?;
    let mut benchmarks = all::<plan_benchmark::Model>(write, from).await?;
    let mut questions = all::<plan_question::Model>(write, from).await?;
    // Sorted, so that the new ids have the same order as the old ones.
    relationships.sort_by_key(|row| row.id);
    objectives.sort_by_key(|row| row.id);
    actions.sort_by(|one, other| (&one.rank, one.id).cmp(&(&other.rank, other.id)));
    benchmarks.sort_by_key(|row| row.id);
    questions.sort_by_key(|row| row.id);

    to.summary = to.summary.take().or_else(|| from.summary.clone());
    if from.account_id == to.account_id {
        let links = opportunity::Entity::of(organization)
            .filter(opportunity::Column::Id.is_in(linked(from)))
            .filter(opportunity::Column::AccountId.eq(to.account_id))
            .all(tx)
            .await?;
        to.opportunity_ids = stored_links(links.into_iter().map(|row| row.id).collect());
    }
    let named = relationships.iter().map(|row| Some(row.contact_id));
    let named = named.chain(actions.iter().map(|row| row.contact_id)).chain(questions.iter().map(|row| row.contact_id));
    let people = contact::Entity::of(organization)
        .filter(contact::Column::Id.is_in(named.flatten()))
        .filter(contact::Column::AccountId.eq(to.account_id))
        .filter(contact::Column::ErasedAt.is_null())
        .all(tx)
        .await?;
    let copy = Copy {
        to,
        shift: to.starts_on.0 - from.starts_on.0,
        people: people.into_iter().map(|person| (person.id, person.relationship)).collect(),
        members: seeing(write, to.account_id).await?,
    };
    Ok(copy.items(relationships, objectives, actions, benchmarks, questions))
}

impl Copy<'_> {
    fn items(
        &self,
        relationships: Vec<plan_relationship::Model>,
        objectives: Vec<plan_objective::Model>,
        actions: Vec<plan_action::Model>,
        benchmarks: Vec<plan_benchmark::Model>,
        questions: Vec<plan_question::Model>,
    ) -> Items {
        let (plan_id, account_id) = (self.to.id, self.to.account_id);
        let mut items = Items::default();
        for row in relationships {
            let Some(level) = self.people.get(&row.contact_id) else { continue };
            items.relationships.push(plan_relationship::Model {
                id: PlannedRelationshipId::make(),
                plan_id,
                account_id,
                started_at: *level,
                due_on: row.due_on.map(|day| self.day(day)),
                owner_id: self.member(row.owner_id),
                ..row
            });
        }
        let mut renamed: HashMap<ObjectiveId, ObjectiveId> = HashMap::new();
        for row in objectives {
            let id = ObjectiveId::make();
            renamed.insert(row.id, id);
            items.objectives.push(plan_objective::Model {
                id,
                plan_id,
                account_id,
                due_on: row.due_on.map(|day| self.day(day)),
                status: ObjectiveStatus::Open,
                achieved_on: None,
                ..row
            });
        }
        for row in actions {
            items.actions.push(plan_action::Model {
                id: ActionId::make(),
                plan_id,
                account_id,
                due_on: row.due_on.map(|day| self.day(day)),
                assignee_id: self.member(row.assignee_id),
                objective_id: row.objective_id.and_then(|id| renamed.get(&id).copied()),
                contact_id: self.person(row.contact_id),
                status: ActionStatus::Open,
                completed_on: None,
                ..row
            });
        }
        for row in benchmarks {
            let due_on = self.day(row.due_on);
            items.benchmarks.push(plan_benchmark::Model {
                id: BenchmarkId::make(),
                plan_id,
                account_id,
                due_on,
                ..row
            });
        }
        for row in questions {
            items.questions.push(plan_question::Model {
                id: QuestionId::make(),
                plan_id,
                account_id,
                answer: None,
                assignee_id: self.member(row.assignee_id),
                contact_id: self.person(row.contact_id),
                answered_at: None,
                ..row
            });
        }
        items
    }
}
