//! Actions: the ordered steps of a plan, each with an assignee and a due day. The assignee may mark an action as done.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::plan_action::ActionStatus as Stored;
use entity::{ActionId, Day, Id, PlanId, Scoped, plan_action, plan_objective, touch};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Plan;
use super::change::{Change, days, not_to_come};
use super::health::is_overdue;
use super::objective::Objective;
use super::part::{items, parts_of};
use super::rank::between;
use crate::context::{RequestContext, Viewer};
use crate::domain::contact::Contact;
use crate::domain::touch::Touch;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::pagination::{LONGEST_LIST, plain_lists};
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, node_input, object, payload};
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

/// The status of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_action::ActionStatus")]
pub enum ActionStatus {
    /// Still to be done.
    Open,
    /// Done.
    Done,
    /// No longer to be done.
    Skipped,
}
graphql_enum! { Stored as ActionStatus }

/// An action of a plan, with its position among the plan's actions if that is known.
#[derive(Clone, Debug)]
pub struct Action {
    /// The action.
    pub row: plan_action::Model,
    position: Option<i32>,
}

object! {
    /// A step of a plan.
    Action as "Action" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<ActionId> = plain(|action| NodeId(action.row.id));
        /// The position among all actions of the plan; 1 for the first.
        position: i32 = batch(positions);
        /// The task.
        title: &str = plain(|action| &action.row.title);
        /// The day by which it is to be done; null if not set.
        dueOn: Option<Day> = plain(|action| action.row.due_on);
        /// The user who is to do it; null if not assigned.
        assignee: Option<User> = by_key(|action| action.row.assignee_id, User::resolve);
        /// The objective of the plan that the action serves; null if none.
        objective: Option<Objective> = batch(async |field: &FieldContext<'_>, of: &[&Action]| {
            let found = Objective::fetch(field.request, of.iter().filter_map(|action| action.row.objective_id)).await?;
            field.optional_objects(&of.iter().map(|action| found.get(&action.row.objective_id?)).collect::<Vec<_>>()).await
        });
        /// The contact that the action involves; null if none is set or the caller can no longer see the contact.
        contact: Option<Contact> = by_key(|action| action.row.contact_id, Contact::resolve);
        /// The status.
        status: Stored = plain(|action| action.row.status);
        /// The day on which it was done; null unless the status is DONE.
        completedOn: Option<Day> = plain(|action| action.row.completed_on);
        /// Whether the action is open and its due day is over in the organization's time zone.
        overdue: bool = plain(|action, ctx| ctx.viewer().is_ok_and(|viewer| is_overdue(&action.row, viewer.day(ctx.now))));
        /// The touches that were made for the action, newest first. More than 500 are LIMIT_EXCEEDED.
        touches: Vec<Touch> = batch(touches);
    }
}

impl Action {
    /// Loads actions by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = ActionId>,
    ) -> Result<HashMap<ActionId, Self>> {
        let rows = items::<plan_action::Model>(ctx, ids).await?;
        Ok(rows.into_iter().map(|(id, row)| (id, Self { row, position: None })).collect())
    }
}

/// Sorts actions into their order in the plan.
fn sort(actions: &mut [plan_action::Model]) {
    actions.sort_by(|one, other| (&one.rank, one.id).cmp(&(&other.rank, other.id)));
}

/// Sorts the actions of one plan and numbers them.
fn numbered(mut rows: Vec<plan_action::Model>) -> Vec<Action> {
    sort(&mut rows);
    let number = |(at, row)| Action { row, position: Some(i32::try_from(at).unwrap_or(i32::MAX).saturating_add(1)) };
    rows.into_iter().enumerate().map(number).collect()
}

async fn positions(field: &FieldContext<'_>, of: &[&Action]) -> Result<Batch<i32>> {
    let unknown = of.iter().filter(|action| action.position.is_none());
    let mut plans: Vec<PlanId> = unknown.map(|action| action.row.plan_id).collect();
    plans.sort_unstable();
    plans.dedup();
    let organization = field.request.viewer()?.organization.id;
    let found = parts_of::<plan_action::Model, _>(field.request.reader(), organization, &plans).await?;
    let found = found.into_values().flat_map(numbered);
    let known: HashMap<ActionId, Option<i32>> = found.map(|action| (action.row.id, action.position)).collect();
    let mut answers = Batch::with_capacity(of.len());
    for action in of {
        let position = action.position.or_else(|| known.get(&action.row.id).copied().flatten()).unwrap_or(1);
        answers.push(field.request, &position);
    }
    Ok(answers)
}

async fn touches(field: &FieldContext<'_>, of: &[&Action]) -> Result<Batch<Vec<Touch>>> {
    use touch::Column;
    let ids: Vec<ActionId> = of.iter().map(|action| action.row.id).collect();
    let select = field.request.viewer()?.rows::<touch::Entity>(Column::AccountId);
    let select = select.order_by_desc(Column::At).order_by_desc(Column::Id);
    let too_long =
        format!("An action has more than {LONGEST_LIST} touches: page through its account's `touches` instead.");
    plain_lists::<_, Touch, _>(field, select, Column::ActionId, &ids, |row| row.action_id, &too_long).await
}

/// Resolves `Touch.action`.
pub async fn of_touches(
    field: &FieldContext<'_>,
    ids: &[Option<ActionId>],
) -> Result<Batch<Option<crate::domain::plan::action::Action>>> {
    let found = Action::fetch(field.request, ids.iter().copied().flatten()).await?;
    field.found(ids, &found).await
}

/// Arguments of `Plan.actions`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct ActionsArguments {
    /// Only actions with this status; all if omitted.
    pub status: Option<ActionStatus>,
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Action>>> {
    let ActionsArguments { status } = field.arguments()?;
    let status = status.map(Stored::from);
    let organization = field.request.viewer()?.organization.id;
    let found = parts_of::<plan_action::Model, _>(field.request.reader(), organization, &Plan::ids(of)).await?;
    let found: HashMap<PlanId, Vec<Action>> = found.into_iter().map(|(plan, rows)| (plan, numbered(rows))).collect();
    let wanted = |action: &&Action| status.is_none_or(|status| action.row.status == status);
    let lists: Vec<Vec<&Action>> =
        of.iter().map(|plan| found.get(&plan.0.id).into_iter().flatten().filter(wanted).collect()).collect();
    field.lists_of_references(&lists).await
}

payload! {
    /// The result of a mutation of an action.
    ActionPayload as "ActionPayload" {
        /// The action after the change, or as it was before it was removed; null if there are userErrors.
        action(action): Action,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

impl ActionPayload {
    fn of(action: Action, plan: Plan) -> Self {
        Self { action: Some(action), plan: Some(plan), ..Self::default() }
    }
}

/// A new action.
#[derive(Clone, Debug, InputObject)]
pub struct AddActionInput {
    /// Id of the plan: not closed, with fewer than 500 actions.
    pub plan_id: ID,
    /// The task: 1 to 200 characters.
    pub title: String,
    /// The day by which it is to be done.
    pub due_on: Option<Date>,
    /// Id of the user who is to do it: an active member who can see the account.
    pub assignee_id: Option<ID>,
    /// Id of the objective that the action serves: of the same plan.
    pub objective_id: Option<ID>,
    /// Id of the contact that the action involves: of the plan's account.
    pub contact_id: Option<ID>,
    /// Id of the action after which to insert it: of the same plan. Last if omitted.
    pub after_id: Option<ID>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// Changes to an action. An omitted field is left unchanged; null clears it. The assignee may change only status and
/// completedOn.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateActionInput {
    /// Id of the action.
    pub id: ID,
    /// The task: 1 to 200 characters. Cannot be cleared.
    pub title: MaybeUndefined<String>,
    /// The day by which it is to be done.
    pub due_on: MaybeUndefined<Date>,
    /// Id of the user who is to do it: an active member who can see the account.
    pub assignee_id: MaybeUndefined<ID>,
    /// Id of the objective that the action serves: of the same plan.
    pub objective_id: MaybeUndefined<ID>,
    /// Id of the contact that the action involves: of the plan's account.
    pub contact_id: MaybeUndefined<ID>,
    /// The status. Cannot be cleared.
    pub status: MaybeUndefined<ActionStatus>,
    /// The day on which it was done: not in the future, and only with status DONE. Defaults to today when the status
    /// becomes DONE.
    pub completed_on: MaybeUndefined<Date>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// A new position of an action.
#[derive(Clone, Debug, InputObject)]
pub struct MoveActionInput {
    /// Id of the action.
    pub id: ID,
    /// Id of the action after which to move it: of the same plan. First if omitted.
    pub after_id: Option<ID>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// An action to remove from its plan.
    RemoveActionInput {
        /// The id of the action.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

/// Returns a rank directly after the action `after`, or before all actions if there is none. `others` are the other
/// actions of the plan in their order.
fn rank_after(others: &[plan_action::Model], after: Option<ActionId>) -> String {
    let at = after.and_then(|after| others.iter().position(|action| action.id == after)).map_or(0, |at| at + 1);
    let rank = |at: usize| others.get(at).map(|action| action.rank.as_str());
    between(at.checked_sub(1).and_then(rank), rank(at))
}

/// Resolves `Mutation.addAction`.
pub async fn add(ctx: &RequestContext, input: AddActionInput) -> Result<ActionPayload> {
    let AddActionInput { plan_id, title, due_on, assignee_id, objective_id, contact_id, after_id, if_version } = input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    let mut others = change.parts_with_room::<plan_action::Model>(&path).await?;
    sort(&mut others);
    let mut after = others.last().map(|action| action.id);
    if let Some(id) = &after_id {
        after = change.sibling::<plan_action::Model>(&mut check, "afterId", id).await?.map(|action| action.id);
    }
    let mut row = plan_action::Model {
        id: ActionId::make(),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        rank: rank_after(&others, after),
        title: check.required("title", &title, NAME),
        due_on: due_on.map(|day| day.0),
        assignee_id: None,
        objective_id: None,
        contact_id: None,
        status: Stored::Open,
        completed_on: None,
    };
    if let Some(id) = &assignee_id {
        row.assignee_id = change.member(ctx, &mut check, "assigneeId", id).await?;
    }
    if let Some(id) = &objective_id {
        let objective = change.sibling::<plan_objective::Model>(&mut check, "objectiveId", id).await?;
        row.objective_id = objective.map(|objective| objective.id);
    }
    if let Some(id) = &contact_id {
        row.contact_id = change.contact(&mut check, "contactId", id).await?.map(|contact| contact.id);
    }
    check.finish()?;
    change.put(None, row.clone()).await?;
    Ok(ActionPayload::of(Action { row, position: None }, change.commit("action_added").await?))
}

/// Resolves `Mutation.updateAction`.
pub async fn update(ctx: &RequestContext, input: UpdateActionInput) -> Result<ActionPayload> {
    let UpdateActionInput {
        id,
        title,
        due_on,
        assignee_id,
        objective_id,
        contact_id,
        status,
        completed_on,
        if_version,
    } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_action::Model>(ctx, &path, &id).await?;
    let only_done = title.is_undefined()
        && due_on.is_undefined()
        && assignee_id.is_undefined()
        && objective_id.is_undefined()
        && contact_id.is_undefined();
    let is_completion = only_done && before.assignee_id == Some(change.viewer.user.id);
    if !(change.may_write() || is_completion) {
        let message = "Only the account's owner, the plan's owner, their managers and admins may do this; the assignee \
                       may change only status and completedOn.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    change.must_be_open(&path)?;
    change.must_be_at(&mut check, if_version);
    let (today, latest) = days(ctx, change.viewer);
    let mut after = before.clone();
    check.change_required("title", &title, NAME, &mut after.title);
    check.change_with("dueOn", &due_on, &mut after.due_on, |_, _, day| Some(day.0));
    match &assignee_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.assignee_id = None,
        MaybeUndefined::Value(id) => after.assignee_id = change.member(ctx, &mut check, "assigneeId", id).await?,
    }
    match &objective_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.objective_id = None,
        MaybeUndefined::Value(id) => {
            let objective = change.sibling::<plan_objective::Model>(&mut check, "objectiveId", id).await?;
            after.objective_id = objective.map(|objective| objective.id);
        }
    }
    match &contact_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.contact_id = None,
        MaybeUndefined::Value(id) => {
            after.contact_id = change.contact(&mut check, "contactId", id).await?.map(|contact| contact.id);
        }
    }
    check.change_set("status", &status.map_value(Stored::from), &mut after.status);
    match completed_on {
        MaybeUndefined::Value(_) if after.status != Stored::Done => {
            check.invalid("completedOn", "completedOn requires the status DONE.");
        }
        MaybeUndefined::Value(day) => {
            not_to_come(&mut check, "completedOn", day.0, latest);
            after.completed_on = Some(day.0);
        }
        MaybeUndefined::Null => after.completed_on = None,
        MaybeUndefined::Undefined => {}
    }
    after.completed_on = if after.status == Stored::Done { after.completed_on.or(Some(today)) } else { None };
    check.finish()?;
    let what = match after.status {
        Stored::Done if before.status != Stored::Done => "action_done",
        _ => "action_updated",
    };
    change.put(Some(&before), after.clone()).await?;
    Ok(ActionPayload::of(Action { row: after, position: None }, change.commit(what).await?))
}

/// Resolves `Mutation.moveAction`.
pub async fn move_after(ctx: &RequestContext, input: MoveActionInput) -> Result<ActionPayload> {
    let MoveActionInput { id, after_id, if_version } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_action::Model>(ctx, &path, &id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    let mut after = None;
    if let Some(id) = &after_id {
        after = change.sibling::<plan_action::Model>(&mut check, "afterId", id).await?.map(|action| action.id);
    }
    if after == Some(before.id) {
        check.invalid("afterId", "An action cannot come after itself.");
    }
    check.finish()?;
    let mut all = change.parts::<plan_action::Model>().await?;
    sort(&mut all);
    let at = all.iter().position(|action| action.id == before.id).unwrap_or_default();
    let present = at.checked_sub(1).and_then(|at| all.get(at)).map(|action| action.id);
    let mut row = before.clone();
    if present != after {
        all.retain(|action| action.id != before.id);
        row.rank = rank_after(&all, after);
        change.put(Some(&before), row.clone()).await?;
    }
    Ok(ActionPayload::of(Action { row, position: None }, change.commit("action_moved").await?))
}

/// Resolves `Mutation.removeAction`. The touches of the action are kept, without it.
pub async fn remove(ctx: &RequestContext, input: RemoveActionInput) -> Result<ActionPayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, row) = Change::of_item::<plan_action::Model>(ctx, &path, &input.id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, input.if_version);
    check.finish()?;
    let position =
        numbered(change.parts().await?).iter().find(|action| action.row.id == row.id).and_then(|a| a.position);
    // Deleted first: a concurrent transaction that links a touch holds a lock on the action, so its touch is found
    // below.
    change.take(&row).await?;
    release_touches(&mut change.write, &[row.id]).await?;
    Ok(ActionPayload::of(Action { row, position }, change.commit("action_removed").await?))
}

/// Clears the action of touches whose action is deleted.
pub(super) async fn release_touches(write: &mut Write<'_>, ids: &[ActionId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let touches = touch::Entity::of(write.organization())
        .filter(touch::Column::ActionId.is_in(ids.iter().copied()))
        .order_by_asc(touch::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let released = touches.into_iter().map(|touch| {
        let after = touch::Model { action_id: None, ..touch.clone() };
        (Some(touch), after)
    });
    write.save(released.collect()).await?;
    Ok(())
}

/// Loads the action that an input refers to for a touch. It must belong to a plan for the touch's account; otherwise
/// the error is noted in `check`.
pub async fn for_touch(
    viewer: &Viewer,
    write: &Write<'_>,
    check: &mut Validator,
    id: &ID,
    account: entity::AccountId,
) -> Result<Option<ActionId>> {
    let found = match ActionId::parse(id) {
        Ok(id) => {
            let visible = viewer.rows::<plan_action::Entity>(plan_action::Column::AccountId);
            // Locked, so that it is not removed concurrently.
            visible.filter(plan_action::Column::Id.eq(id)).lock_shared().one(&write.tx).await?
        }
        Err(_) => None,
    };
    match &found {
        None => check.not_found("actionId", "action"),
        // An error about the account itself is noted already.
        Some(action) if action.account_id != account && !account.uuid().is_nil() => {
            check.invalid("actionId", "This action belongs to a plan for another account.");
        }
        Some(_) => {}
    }
    Ok(found.map(|action| action.id))
}

/// Completes the action of a completed touch on the touch's day, if the action is open, its plan is not closed, and the
/// viewer or the user who made the touch may complete it.
pub async fn complete_by_touch<'a>(viewer: &'a Viewer, write: Write<'a>, touch: &touch::Model) -> Result<Write<'a>> {
    let Some(id) = touch.action_id.filter(|_| touch.status == touch::TouchStatus::Completed) else { return Ok(write) };
    let action = plan_action::Entity::of(touch.organization_id).filter(plan_action::Column::Id.eq(id));
    let Some(row) = action.clone().one(&write.tx).await? else { return Ok(write) };
    if row.status != Stored::Open {
        return Ok(write);
    }
    let mut change = match Change::within(viewer, write, row.plan_id).await? {
        Ok(change) => change,
        Err(write) => return Ok(write),
    };
    // Reload it: it may have changed while waiting for the lock on the plan.
    if let Some(before) = action.one(&change.write.tx).await? {
        let is_assigned = [viewer.user.id, touch.user_id].map(Some).contains(&before.assignee_id);
        if before.status == Stored::Open && change.plan.closed_at.is_none() && (is_assigned || change.may_write()) {
            let day = viewer.day(touch.at);
            let after = plan_action::Model { status: Stored::Done, completed_on: Some(day), ..before.clone() };
            change.put(Some(&before), after).await?;
        }
    }
    Ok(change.save("action_done").await?.0)
}
