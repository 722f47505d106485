//! Updates to open plans when accounts change owners, users leave, and opportunities move or are deleted.

use std::collections::{HashMap, HashSet};

use database::bulk;
use entity::plan::PlanStatus;
use entity::plan_action::ActionStatus;
use entity::{AccountId, OpportunityId, PlanId, Scoped, UserId, plan, plan_action, plan_question, plan_relationship};
use sea_orm::sea_query::Cond;
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::{Map, Value};

use super::part::{Part, parts_of};
use super::{linked, stored_links};
use crate::error::Result;
use crate::values::money::Currency;
use crate::write::{AuditedRow as _, Write, difference};

/// Selects open plans and locks them in the order of their ids.
fn open(write: &Write<'_>) -> sea_orm::Select<plan::Entity> {
    plan::Entity::of(write.organization())
        .filter(plan::Column::Status.ne(PlanStatus::Closed))
        .order_by_asc(plan::Column::Id)
        .lock_exclusive()
}

/// Transfers open plans from the old owners of accounts to the new ones. Executes two statements for any number of
/// accounts.
pub async fn follow_owners(write: &mut Write<'_>, owners: &[(AccountId, UserId, UserId)]) -> Result<()> {
    if owners.is_empty() {
        return Ok(());
    }
    let moved: HashMap<AccountId, (UserId, UserId)> =
        owners.iter().map(|(account, old, new)| (*account, (*old, *new))).collect();
    let plans = open(write).filter(plan::Column::AccountId.is_in(moved.keys().copied())).all(&write.tx).await?;
    let given = plans.into_iter().filter_map(|before| {
        let (old, new) = moved.get(&before.account_id)?;
        let after =
            (before.owner_id == *old && old != new).then(|| plan::Model { owner_id: *new, ..before.clone() })?;
        Some((Some(before), after))
    });
    let given = given.collect();
    write.save_as("given", given).await?;
    Ok(())
}

/// Removes opportunities that are deleted or move to another account from open plans. Closed plans keep them but no
/// longer show them.
pub async fn release_opportunities(write: &mut Write<'_>, accounts: &[AccountId], ids: &[OpportunityId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let gone: HashSet<OpportunityId> = ids.iter().copied().collect();
    let plans = open(write).filter(plan::Column::AccountId.is_in(accounts.iter().copied())).all(&write.tx).await?;
    let released = plans.into_iter().filter_map(|before| {
        let links = linked(&before);
        let kept: Vec<OpportunityId> = links.iter().filter(|id| !gone.contains(id)).copied().collect();
        let after = (kept.len() < links.len())
            .then(|| plan::Model { opportunity_ids: stored_links(kept), ..before.clone() })?;
        Some((Some(before), after))
    });
    let released = released.collect();
    write.save(released).await?;
    Ok(())
}

/// Selects and locks the open plans that a user owns or has something to do in.
fn plans_of(write: &Write<'_>, user: UserId) -> sea_orm::Select<plan::Entity> {
    let organization = write.organization();
    let actions = plan_action::Entity::of(organization)
        .filter(plan_action::Column::AssigneeId.eq(user))
        .filter(plan_action::Column::Status.eq(ActionStatus::Open));
    let relationships = plan_relationship::Entity::of(organization).filter(plan_relationship::Column::OwnerId.eq(user));
    let questions = plan_question::Entity::of(organization)
        .filter(plan_question::Column::AssigneeId.eq(user))
        .filter(plan_question::Column::Answer.is_null());
    let involved = Cond::any()
        .add(plan::Column::OwnerId.eq(user))
        .add(plan::Column::Id.in_subquery(actions.select_only().column(plan_action::Column::PlanId).into_query()))
        .add(
            plan::Column::Id
                .in_subquery(relationships.select_only().column(plan_relationship::Column::PlanId).into_query()),
        )
        .add(plan::Column::Id.in_subquery(questions.select_only().column(plan_question::Column::PlanId).into_query()));
    open(write).filter(involved)
}

/// Returns the accounts of the open plans that a user owns or has something to do in.
pub async fn accounts_of(write: &Write<'_>, user: UserId) -> Result<Vec<AccountId>> {
    let mut accounts: Vec<AccountId> =
        plans_of(write, user).all(&write.tx).await?.into_iter().map(|plan| plan.account_id).collect();
    accounts.sort_unstable();
    accounts.dedup();
    Ok(accounts)
}

/// Transfers a user's open plans, and what the user has to do in open plans, to a successor, in a fixed number of
/// statements.
pub async fn hand_over(write: &mut Write<'_>, from: UserId, to: UserId) -> Result<()> {
    let plans = plans_of(write, from).all(&write.tx).await?;
    if plans.is_empty() {
        return Ok(());
    }
    let ids: Vec<PlanId> = plans.iter().map(|plan| plan.id).collect();
    let mut changes: HashMap<PlanId, Map<String, Value>> = HashMap::new();
    give::<plan_action::Model>(write, &ids, &mut changes, |row| {
        let is_open = row.assignee_id == Some(from) && row.status == ActionStatus::Open;
        is_open.then(|| plan_action::Model { assignee_id: Some(to), ..row.clone() })
    })
    .await?;
    give::<plan_relationship::Model>(write, &ids, &mut changes, |row| {
        (row.owner_id == Some(from)).then(|| plan_relationship::Model { owner_id: Some(to), ..row.clone() })
    })
    .await?;
    give::<plan_question::Model>(write, &ids, &mut changes, |row| {
        let is_open = row.assignee_id == Some(from) && row.answer.is_none();
        is_open.then(|| plan_question::Model { assignee_id: Some(to), ..row.clone() })
    })
    .await?;
    let given = plans.into_iter().map(|before| {
        let mut changes = changes.remove(&before.id).unwrap_or_default();
        let after =
            if before.owner_id == from { plan::Model { owner_id: to, ..before.clone() } } else { before.clone() };
        changes.extend(difference(&before.snapshot(Currency::NONE), &after.snapshot(Currency::NONE)));
        (after, changes)
    });
    let given = given.collect();
    write.change_all_with(given, "given").await
}

/// Applies `change` to the plans' parts of one kind, and records the changes by plan.
async fn give<P: Part>(
    write: &Write<'_>,
    plans: &[PlanId],
    changes: &mut HashMap<PlanId, Map<String, Value>>,
    change: impl Fn(&P) -> Option<P>,
) -> Result<()> {
    let mut rows = Vec::new();
    for before in parts_of::<P, _>(&write.tx, write.organization(), plans).await?.into_values().flatten() {
        if let Some(after) = change(&before) {
            changes.entry(before.plan()).or_default().extend(difference(&before.snapshot(), &after.snapshot()));
            rows.push(after.into_active_model().reset_all());
        }
    }
    Ok(bulk::insert::<P::Table, _>(&write.tx, rows, true).await?)
}
