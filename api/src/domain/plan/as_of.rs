//! The content of plans, now from the tables and on a past day from the events.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{
    Instant, OrganizationId, PlanId, Scoped, event, plan, plan_action, plan_benchmark, plan_commitment, plan_objective,
    plan_relationship,
};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::{Map, Value};

use super::Plan;
use super::content::{canonical, content};
use super::part::{Part, parts_of};
use crate::domain::targeting::instant_of;
use crate::error::Result;
use crate::graphql::scalars::{Date, Json};
use crate::graphql::{Batch, FieldContext};
use crate::values::money::Currency;
use crate::write::{AuditedRow as _, Snapshot};

/// Returns the content of plans from the tables, each with the statement of its latest commitment. Executes five
/// statements for any number of plans.
pub async fn contents<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    plans: &[&plan::Model],
) -> Result<HashMap<PlanId, Value>> {
    let mut facts: HashMap<PlanId, Snapshot> =
        plans.iter().map(|plan| (plan.id, plan.snapshot(Currency::NONE))).collect();
    let ids: Vec<PlanId> = facts.keys().copied().collect();
    add::<plan_relationship::Model, _>(&mut facts, connection, organization, &ids).await?;
    add::<plan_objective::Model, _>(&mut facts, connection, organization, &ids).await?;
    add::<plan_action::Model, _>(&mut facts, connection, organization, &ids).await?;
    add::<plan_benchmark::Model, _>(&mut facts, connection, organization, &ids).await?;
    add::<plan_commitment::Model, _>(&mut facts, connection, organization, &ids).await?;
    Ok(facts.into_iter().map(|(plan, facts)| (plan, content(plan, &facts))).collect())
}

async fn add<P: Part, C: ConnectionTrait>(
    facts: &mut HashMap<PlanId, Snapshot>,
    connection: &C,
    organization: OrganizationId,
    plans: &[PlanId],
) -> Result<()> {
    for (plan, parts) in parts_of::<P, _>(connection, organization, plans).await? {
        if let Some(facts) = facts.get_mut(&plan) {
            facts.extend(parts.iter().flat_map(Part::snapshot));
        }
    }
    Ok(())
}

/// Returns the content of plans at an instant, from their events, in one statement. Plans created later are absent.
async fn contents_at(field: &FieldContext<'_>, plans: &[PlanId], at: Instant) -> Result<HashMap<PlanId, Value>> {
    use event::Column;
    // The events of one plan are in the order of its changes, because every write locks the plan.
    let query = event::Entity::of(field.request.viewer()?.organization.id)
        .filter(Column::SubjectId.is_in(plans.iter().map(|plan| plan.0)))
        .filter(Column::At.lte(at))
        .order_by_asc(Column::Seq)
        .select_only()
        .column(Column::SubjectId)
        .column(Column::Changes)
        .into_query();
    let mut facts: HashMap<PlanId, Snapshot> = HashMap::new();
    for row in field.request.reader().query_all(&query).await? {
        let (plan, changes): (uuid::Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        replay(facts.entry(PlanId(plan)).or_default(), serde_json::from_str(&changes).unwrap_or_default());
    }
    Ok(facts.into_iter().map(|(plan, facts)| (plan, content(plan, &facts))).collect())
}

/// Applies the changes of one event.
fn replay(facts: &mut Snapshot, changes: Map<String, Value>) {
    for (name, mut change) in changes {
        match change.get_mut("to").map(Value::take) {
            None | Some(Value::Null) => drop(facts.remove(&name)),
            Some(value) => drop(facts.insert(name, value)),
        }
    }
}

/// Arguments of `Plan.asOf`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct AsOfArguments {
    /// The day in the organization's time zone: the content is as of its end, or as of now if the day is today.
    pub on: Date,
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Option<Json<String>>>> {
    let AsOfArguments { on } = field.arguments()?;
    let at = instant_of(Some(on.0), field.request.now, field.request.viewer()?.zone);
    let contents = contents_at(field, &Plan::ids(of), at).await?;
    let mut answers = Batch::with_capacity(of.len());
    for plan in of {
        let json = contents.get(&plan.0.id).map(|content| Json(canonical(content)));
        answers.push(field.request, &json);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_replayed() {
        let mut facts = Snapshot::new();
        let mut apply = |changes: Value| replay(&mut facts, changes.as_object().cloned().unwrap());
        apply(json!({"title": {"from": null, "to": "Win"}, "summary": {"from": null, "to": "Much"}}));
        apply(json!({"title": {"from": "Win", "to": "Grow"}, "summary": {"from": "Much", "to": null}}));
        assert_eq!(Value::Object(facts), json!({"title": "Grow"}));
    }
}
