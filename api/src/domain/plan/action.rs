//! Actions: what is to be done, in its order, by whom and by when. Whoever is assigned one does it.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::plan_action::ActionStatus as Stored;
use entity::{ActionId, Day, Id, PlanId, Scoped, plan_action, plan_objective, touch};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::change::{Change, days, not_to_come};
use super::health::is_overdue;
use super::objective::Objective;
use super::part::{items, parts_of};
use super::rank::between;
use super::{Plan, PlanPayload};
use crate::context::{RequestContext, Viewer};
use crate::domain::contact::Contact;
use crate::domain::touch::Touch;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::pagination::{LONGEST_LIST, plain_lists};
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, graphql_enum, object};
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_action::ActionStatus")]
pub enum ActionStatus {
    /// To be done.
    Open,
    /// Done.
    Done,
    /// Not to be done any more.
    Skipped,
}
graphql_enum! { Stored as ActionStatus }

/// An action of a plan, with its place among all of the plan's where that is known.
#[derive(Clone, Debug)]
pub struct Action {
    /// The action.
    pub row: plan_action::Model,
    position: Option<i32>,
}

object! {
    /// What is to be done for a plan.
    Action as "Action" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<ActionId> = plain(|action| NodeId(action.row.id));
        /// Its place among all actions of the plan: 1 for the first.
        position: i32 = batch(positions);
        /// What is to be done.
        title: &str = plain(|action| &action.row.title);
        /// By when.
        dueOn: Option<Day> = plain(|action| action.row.due_on);
        /// By whom.
        assignee: Option<User> = by_key(|action| action.row.assignee_id, User::resolve);
        /// For which objective of the plan.
        objective: Option<Objective> = batch(async |field: &FieldContext<'_>, of: &[&Action]| {
            let found = Objective::fetch(field.request, of.iter().filter_map(|action| action.row.objective_id)).await?;
            field.optional_objects(&of.iter().map(|action| found.get(&action.row.objective_id?)).collect::<Vec<_>>()).await
        });
        /// With whom; null also where they went out of the caller's sight.
        contact: Option<Contact> = by_key(|action| action.row.contact_id, Contact::resolve);
        /// Where it stands.
        status: Stored = plain(|action| action.row.status);
        /// The day on which it was done; null unless it is.
        completedOn: Option<Day> = plain(|action| action.row.completed_on);
        /// Is it open, and its due day over, by the organization's day?
        overdue: bool = plain(|action, ctx| ctx.viewer().is_ok_and(|viewer| is_overdue(&action.row, viewer.day(ctx.now))));
        /// The touches that were for it, the newest first; LIMIT_EXCEEDED where there are more than 500.
        touches: Vec<Touch> = batch(touches);
    }
}

impl Action {
    /// Actions by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = ActionId>,
    ) -> Result<HashMap<ActionId, Self>> {
        let rows = items::<plan_action::Model>(ctx, ids).await?;
        Ok(rows.into_iter().map(|(id, row)| (id, Self { row, position: None })).collect())
    }
}

/// In the order in which they are to be done.
fn sort(actions: &mut [plan_action::Model]) {
    actions.sort_by(|one, other| (&one.rank, one.id).cmp(&(&other.rank, other.id)));
}

/// Those of one plan, told their places.
fn placed(mut rows: Vec<plan_action::Model>) -> Vec<Action> {
    sort(&mut rows);
    let place = |(at, row)| Action { row, position: Some(i32::try_from(at).unwrap_or(i32::MAX).saturating_add(1)) };
    rows.into_iter().enumerate().map(place).collect()
}

async fn positions(field: &FieldContext<'_>, of: &[&Action]) -> Result<Batch<i32>> {
    let unknown = of.iter().filter(|action| action.position.is_none());
    let mut plans: Vec<PlanId> = unknown.map(|action| action.row.plan_id).collect();
    plans.sort_unstable();
    plans.dedup();
    let organization = field.request.viewer()?.organization.id;
    let found = parts_of::<plan_action::Model, _>(field.request.reader(), organization, &plans).await?;
    let found = found.into_values().flat_map(placed);
    let places: HashMap<ActionId, Option<i32>> = found.map(|action| (action.row.id, action.position)).collect();
    let mut answers = Batch::with_capacity(of.len());
    for action in of {
        let place = action.position.or_else(|| places.get(&action.row.id).copied().flatten()).unwrap_or(1);
        answers.push(field.request, &place);
    }
    Ok(answers)
}

async fn touches(field: &FieldContext<'_>, of: &[&Action]) -> Result<Batch<Vec<Touch>>> {
    use touch::Column;
    let ids: Vec<ActionId> = of.iter().map(|action| action.row.id).collect();
    let select = field.request.viewer()?.rows::<touch::Entity>(Column::AccountId);
    let select = select.order_by_desc(Column::At).order_by_desc(Column::Id);
    let too_long = format!("An action has more than {LONGEST_LIST} touches: page through its account's `touches`.");
    plain_lists::<_, Touch, _>(field, select, Column::ActionId, &ids, |row| row.action_id, &too_long).await
}

/// The actions of touches.
///
/// # Errors
/// The database's.
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
    /// Only those that stand so.
    pub status: Option<ActionStatus>,
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Action>>> {
    let ActionsArguments { status } = field.arguments()?;
    let status = status.map(Stored::from);
    let organization = field.request.viewer()?.organization.id;
    let found = parts_of::<plan_action::Model, _>(field.request.reader(), organization, &Plan::ids(of)).await?;
    let found: HashMap<PlanId, Vec<Action>> = found.into_iter().map(|(plan, rows)| (plan, placed(rows))).collect();
    let wanted = |action: &&Action| status.is_none_or(|status| action.row.status == status);
    let lists: Vec<Vec<&Action>> =
        of.iter().map(|plan| found.get(&plan.0.id).into_iter().flatten().filter(wanted).collect()).collect();
    field.lists_of_references(&lists).await
}

/// A new action.
#[derive(Clone, Debug, InputObject)]
pub struct AddActionInput {
    /// Of which plan: one that is not closed, with fewer than 500 actions.
    pub plan_id: ID,
    /// What is to be done: 1 to 200 characters.
    pub title: String,
    /// By when.
    pub due_on: Option<Date>,
    /// By whom: an active member who sees the account.
    pub assignee_id: Option<ID>,
    /// For which objective of the same plan.
    pub objective_id: Option<ID>,
    /// With whom: a contact of the plan's account.
    pub contact_id: Option<ID>,
    /// After this action of the same plan; last where none is given.
    pub after_id: Option<ID>,
}

/// A change of an action. A field left out stays as it is, and null clears it. Its assignee may say that it is done, and
/// nothing else.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateActionInput {
    /// Which one.
    pub id: ID,
    /// What is to be done: 1 to 200 characters.
    pub title: MaybeUndefined<String>,
    /// By when.
    pub due_on: MaybeUndefined<Date>,
    /// By whom: an active member who sees the account.
    pub assignee_id: MaybeUndefined<ID>,
    /// For which objective of the same plan.
    pub objective_id: MaybeUndefined<ID>,
    /// With whom: a contact of the plan's account.
    pub contact_id: MaybeUndefined<ID>,
    /// Where it stands.
    pub status: MaybeUndefined<ActionStatus>,
    /// The day on which it was done, not to come: only with status DONE, where it is today unless given.
    pub completed_on: MaybeUndefined<Date>,
}

/// Where an action is to go.
#[derive(Clone, Debug, InputObject)]
pub struct MoveActionInput {
    /// Which one.
    pub id: ID,
    /// After which other action of the same plan. First where none is given.
    pub after_id: Option<ID>,
}

/// Arguments of `addAction`.
#[derive(Clone, Debug, InputObject)]
pub struct AddAction {
    /// The action.
    pub input: AddActionInput,
}

/// Arguments of `updateAction`.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateAction {
    /// The change.
    pub input: UpdateActionInput,
}

/// Arguments of `moveAction`.
#[derive(Clone, Debug, InputObject)]
pub struct MoveAction {
    /// Which one, and where to.
    pub input: MoveActionInput,
}

/// Arguments of `removeAction`.
#[derive(Clone, Debug, InputObject)]
pub struct RemoveAction {
    /// Which one.
    pub id: ID,
}

/// The rank right after an action, among the others of its plan in their order; before all where there is none.
fn rank_after(others: &[plan_action::Model], after: Option<ActionId>) -> String {
    let at = after.and_then(|after| others.iter().position(|action| action.id == after)).map_or(0, |at| at + 1);
    let rank = |at: usize| others.get(at).map(|action| action.rank.as_str());
    between(at.checked_sub(1).and_then(rank), rank(at))
}

/// `addAction`.
pub async fn add(ctx: &RequestContext, arguments: AddAction) -> Result<PlanPayload> {
    let AddActionInput { plan_id, title, due_on, assignee_id, objective_id, contact_id, after_id } = arguments.input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
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
    change.put(None, row).await?;
    change.commit("action_added").await
}

/// `updateAction`.
pub async fn update(ctx: &RequestContext, arguments: UpdateAction) -> Result<PlanPayload> {
    let UpdateActionInput { id, title, due_on, assignee_id, objective_id, contact_id, status, completed_on } =
        arguments.input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_action::Model>(ctx, &path, &id).await?;
    let only_done = title.is_undefined()
        && due_on.is_undefined()
        && assignee_id.is_undefined()
        && objective_id.is_undefined()
        && contact_id.is_undefined();
    let theirs = only_done && before.assignee_id == Some(change.viewer.user.id);
    if !(change.may_write() || theirs) {
        let message = "Only the account's owner, the plan's owner, their managers and admins may do this; its assignee \
                       may say whether it is done.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    change.must_be_open(&path)?;
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
            check.invalid("completedOn", "Only what is DONE has a day on which it was.");
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
    change.put(Some(&before), after).await?;
    change.commit(what).await
}

/// `moveAction`.
pub async fn move_after(ctx: &RequestContext, arguments: MoveAction) -> Result<PlanPayload> {
    let MoveActionInput { id, after_id } = arguments.input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_action::Model>(ctx, &path, &id).await?;
    change.must_write(&path)?;
    let mut after = None;
    if let Some(id) = &after_id {
        after = change.sibling::<plan_action::Model>(&mut check, "afterId", id).await?.map(|action| action.id);
    }
    if after == Some(before.id) {
        check.invalid("afterId", "Nothing comes after itself.");
    }
    check.finish()?;
    let mut all = change.parts::<plan_action::Model>().await?;
    sort(&mut all);
    let at = all.iter().position(|action| action.id == before.id).unwrap_or_default();
    let present = at.checked_sub(1).and_then(|at| all.get(at)).map(|action| action.id);
    if present != after {
        all.retain(|action| action.id != before.id);
        let moved = plan_action::Model { rank: rank_after(&all, after), ..before.clone() };
        change.put(Some(&before), moved).await?;
    }
    change.commit("action_moved").await
}

/// `removeAction`. Touches that were for it stay, for none.
pub async fn remove(ctx: &RequestContext, arguments: RemoveAction) -> Result<PlanPayload> {
    let (mut change, row) = Change::of_item::<plan_action::Model>(ctx, &["id"], &arguments.id).await?;
    change.must_write(&["id"])?;
    // Once it is gone: whoever linked a touch to it meanwhile held it.
    change.take(&row).await?;
    release_touches(&mut change.write, &[row.id]).await?;
    change.commit("action_removed").await
}

/// Takes touches off actions that go away.
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

/// The action that an input names for a touch: of a plan for the touch's account.
///
/// # Errors
/// The database's.
pub async fn for_touch(
    viewer: &Viewer,
    write: &Write<'_>,
    check: &mut Validator,
    id: &ID,
    account: entity::AccountId,
) -> Result<Option<ActionId>> {
    let found = match ActionId::parse(id) {
        Ok(id) => {
            let seen = viewer.rows::<plan_action::Entity>(plan_action::Column::AccountId);
            // Locked, so that nobody takes it away meanwhile.
            seen.filter(plan_action::Column::Id.eq(id)).lock_shared().one(&write.tx).await?
        }
        Err(_) => None,
    };
    match &found {
        None => check.not_found("actionId", "action"),
        // Where the account itself is at fault, that is said already.
        Some(action) if action.account_id != account && !account.uuid().is_nil() => {
            check.invalid("actionId", "This action is of a plan for another account.");
        }
        Some(_) => {}
    }
    Ok(found.map(|action| action.id))
}

/// A touch that was made for an action completes it on the touch's day: where the action is open, its plan not closed,
/// and whoever entered or made the touch may do it.
///
/// # Errors
/// The database's.
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
    // As whoever had the plan before has left it.
    if let Some(before) = action.one(&change.write.tx).await? {
        let theirs = [viewer.user.id, touch.user_id].map(Some).contains(&before.assignee_id);
        if before.status == Stored::Open && change.plan.closed_at.is_none() && (theirs || change.may_write()) {
            let day = viewer.day(touch.at);
            let after = plan_action::Model { status: Stored::Done, completed_on: Some(day), ..before.clone() };
            change.put(Some(&before), after).await?;
        }
    }
    Ok(change.save("action_done").await?.0)
}
