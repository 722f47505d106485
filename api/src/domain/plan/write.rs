//! The mutations `createPlan`, `updatePlan`, `closePlan` and `deletePlan`.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::plan::PlanStatus as Stored;
use entity::{
    AccountId, Day, Id, OpportunityId, PlanId, Scoped, opportunity, plan, plan_action, plan_benchmark, plan_commitment,
    plan_measurement, plan_objective, plan_question, plan_relationship, plan_review,
};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder};

use super::action::release_touches;
use super::change::{Change, days, seeing_member};
use super::review::{due_after, last_review};
use super::{Plan, PlanPayload, ReviewCadence, copy, linked, stored_links};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team;
use crate::error::{Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::Date;
use crate::write::Write;
use crate::write::validator::{NAME, NOTE, Validator};

/// The maximum number of opportunities of a plan.
const MOST: usize = 200;

/// A new plan.
#[derive(Clone, Debug, InputObject)]
pub struct CreatePlanInput {
    /// Id of the account: not archived, and without another open plan on any of these days.
    pub account_id: ID,
    /// The title: 1 to 200 characters.
    pub title: String,
    /// The first day of the plan.
    pub starts_on: Date,
    /// The last day of the plan: not before the first.
    pub ends_on: Date,
    /// Our understanding of the opportunities within the account: at most 20,000 characters.
    pub summary: Option<String>,
    /// The interval at which the plan is reviewed.
    #[graphql(default_with = "ReviewCadence::Quarterly")]
    pub cadence: ReviewCadence,
    /// Id of the user who is responsible for the plan: an active member who can see the account. Defaults to the
    /// account's owner.
    pub owner_id: Option<ID>,
    /// Id of a plan to copy: its relationships, objectives, actions, benchmarks and questions without their results,
    /// with their days shifted to the new start, and its summary if none is given. Contacts and opportunities are
    /// copied only within the same account. Users who cannot see the new plan's account are left out.
    pub copy_from_id: Option<ID>,
}

/// Changes to a plan. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdatePlanInput {
    /// Id of the plan, which must not be closed.
    pub id: ID,
    /// The title: 1 to 200 characters. Cannot be cleared.
    pub title: MaybeUndefined<String>,
    /// The first day of the plan: before the due day of every benchmark and not after any measurement. Cannot be
    /// cleared.
    pub starts_on: MaybeUndefined<Date>,
    /// The last day of the plan: not before the first. Cannot be cleared.
    pub ends_on: MaybeUndefined<Date>,
    /// Our understanding of the opportunities within the account: at most 20,000 characters.
    pub summary: MaybeUndefined<String>,
    /// The interval at which the plan is reviewed. A change recalculates nextReviewOn if there was a review or a
    /// commitment. Cannot be cleared.
    pub cadence: MaybeUndefined<ReviewCadence>,
    /// The day of the next review: not in the past.
    pub next_review_on: MaybeUndefined<Date>,
    /// Id of the user who is responsible for the plan: an active member who can see the account. Cannot be cleared.
    pub owner_id: MaybeUndefined<ID>,
    /// Ids of the opportunities that the plan is about, at most 200 of the plan's account; replaces all present ones.
    pub opportunity_ids: MaybeUndefined<Vec<ID>>,
    /// Rejects the change with STALE_VERSION unless the plan is at this version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A plan to close.
    ClosePlanInput {
        /// The id of the plan.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

node_input! {
    /// A plan to delete.
    DeletePlanInput {
        /// The id of the plan: a draft that was never signed.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

/// Checks that no other open plan of the account overlaps the plan's days. Takes an exclusive lock on the plans of the
/// account, so that concurrent writers of their days take turns.
async fn require_no_overlap(write: &Write<'_>, check: &mut Validator, plan: &plan::Model) -> Result<()> {
    write.lock_exclusive(&format!("plan.{}", plan.account_id)).await?;
    let other = plan::Entity::of(plan.organization_id)
        .filter(plan::Column::AccountId.eq(plan.account_id))
        .filter(plan::Column::Status.ne(Stored::Closed))
        .filter(plan::Column::Id.ne(plan.id))
        .filter(plan::Column::StartsOn.lte(plan.ends_on))
        .filter(plan::Column::EndsOn.gte(plan.starts_on))
        .order_by_asc(plan::Column::StartsOn)
        .one(&write.tx)
        .await?;
    if let Some(other) = other {
        let message = format!(
            "The plan \"{}\" ({}), from {} to {}, is open on some of these days: only one can be open at a \
             time.",
            other.title, other.id, other.starts_on, other.ends_on
        );
        check.invalid("startsOn", message);
    }
    Ok(())
}

/// Resolves `Mutation.createPlan`.
pub async fn create(ctx: &RequestContext, input: CreatePlanInput) -> Result<PlanPayload> {
    let CreatePlanInput { account_id, title, starts_on, ends_on, summary, cadence, owner_id, copy_from_id } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = team::responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    let mut plan = plan::Model {
        id: PlanId::make(),
        organization_id: viewer.organization.id,
        account_id: account.as_ref().map_or_else(AccountId::make, |account| account.id),
        owner_id: account.as_ref().map_or(viewer.user.id, |account| account.owner_id),
        title: check.required("title", &title, NAME),
        starts_on: starts_on.0,
        ends_on: ends_on.0,
        status: Stored::Draft,
        summary: check.optional("summary", summary.as_deref(), NOTE),
        cadence: cadence.into(),
        next_review_on: None,
        opportunity_ids: "[]".to_owned(),
        created_at: ctx.now,
        closed_at: None,
        updated_at: ctx.now,
        version: 0,
    };
    check.in_order("endsOn", ("startsOn", plan.starts_on), ("endsOn", plan.ends_on));
    if let Some(account) = &account {
        if account.archived_at.is_some() {
            check.fault(UserErrorCode::Conflict, "accountId", "The account is archived: restore it first.");
        }
        if let Some(id) = &owner_id
            && let Some(owner) = seeing_member(ctx, &write, &mut check, "ownerId", id, account).await?
        {
            plan.owner_id = owner;
        }
        require_no_overlap(&write, &mut check, &plan).await?;
    }
    let source = match &copy_from_id {
        Some(id) => copy::source(viewer, &write.tx, &mut check, "copyFromId", id).await?,
        None => None,
    };
    check.finish()?;
    let items = match &source {
        Some(source) => copy::items(&write, source, &mut plan).await?,
        None => copy::Items::default(),
    };
    let plan = write.add_with(plan, items.snapshot()).await?;
    items.insert(&write).await?;
    write.commit().await?;
    Ok(PlanPayload::of(Plan(plan)))
}

/// Resolves `Mutation.updatePlan`.
pub async fn update(ctx: &RequestContext, input: UpdatePlanInput) -> Result<PlanPayload> {
    let UpdatePlanInput {
        id,
        title,
        starts_on,
        ends_on,
        summary,
        cadence,
        next_review_on,
        owner_id,
        opportunity_ids,
        if_version,
    } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    check.change_required("title", &title, NAME, &mut change.plan.title);
    check.change("summary", &summary, NOTE, &mut change.plan.summary);
    check.change_set("startsOn", &starts_on.map_value(|day| day.0), &mut change.plan.starts_on);
    check.change_set("endsOn", &ends_on.map_value(|day| day.0), &mut change.plan.ends_on);
    if let MaybeUndefined::Null = owner_id {
        check.fault(UserErrorCode::Required, "ownerId", "A plan must have an owner.");
    }
    if let MaybeUndefined::Value(id) = &owner_id
        && let Some(owner) = change.member(ctx, &mut check, "ownerId", id).await?
    {
        change.plan.owner_id = owner;
    }
    check.change_set("cadence", &cadence.map_value(Into::into), &mut change.plan.cadence);
    match next_review_on {
        MaybeUndefined::Null => change.plan.next_review_on = None,
        MaybeUndefined::Value(day) => {
            let (today, _) = days(ctx, change.viewer);
            if day.0 < today {
                check.invalid("nextReviewOn", format!("{} is in the past: today is {today}.", day.0));
            }
            change.plan.next_review_on = Some(day.0);
        }
        MaybeUndefined::Undefined if change.plan.cadence != change.before().cadence => {
            if let Some(last) = last_review(&change).await?.max(committed_on(&change).await?) {
                change.plan.next_review_on = Some(due_after(last, change.plan.cadence));
            }
        }
        MaybeUndefined::Undefined => {}
    }
    match &opportunity_ids {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => change.plan.opportunity_ids = "[]".to_owned(),
        MaybeUndefined::Value(ids) => {
            let links = opportunities(change.viewer, &change.write.tx, &mut check, ids, change.before()).await?;
            change.plan.opportunity_ids = stored_links(links);
        }
    }
    let (from, to) = (change.plan.starts_on, change.plan.ends_on);
    if (from, to) != (change.before().starts_on, change.before().ends_on) {
        check.in_order("endsOn", ("startsOn", from), ("endsOn", to));
        require_no_overlap(&change.write, &mut check, &change.plan).await?;
        check_first_day(&change, &mut check, from).await?;
    }
    check.finish()?;
    Ok(PlanPayload::of(change.commit("updated").await?))
}

/// Returns the day of the latest commitment to the plan that is being changed.
async fn committed_on(change: &Change<'_>) -> Result<Option<Day>> {
    let all = change.parts::<plan_commitment::Model>().await?;
    Ok(all.iter().map(|row| row.at).max().map(|at| change.viewer.day(at)))
}

/// Checks that a new first day is before the due day of every benchmark and not after any measurement.
async fn check_first_day(change: &Change<'_>, check: &mut Validator, from: Day) -> Result<()> {
    if from <= change.before().starts_on {
        return Ok(());
    }
    let benchmarks = change.parts::<plan_benchmark::Model>().await?;
    if let Some(due) = benchmarks.iter().find(|row| row.due_on <= from) {
        let message = format!("The benchmark \"{}\" is due on {}, which is not after {from}.", due.name, due.due_on);
        check.invalid("startsOn", message);
    }
    let measured = change.parts::<plan_measurement::Model>().await?;
    if let Some(first) = measured.iter().map(|row| row.measured_on).min().filter(|day| *day < from) {
        check.invalid("startsOn", format!("A benchmark was measured on {first}, before {from}."));
    }
    Ok(())
}

/// Loads the opportunities that an input names: visible, and of the plan's account.
async fn opportunities<C: ConnectionTrait>(
    viewer: &Viewer,
    connection: &C,
    check: &mut Validator,
    given: &[ID],
    plan: &plan::Model,
) -> Result<Vec<OpportunityId>> {
    if given.len() > MOST {
        let message = format!("A plan has at most {MOST} opportunities; {} were given.", given.len());
        check.fault(UserErrorCode::LimitExceeded, "opportunityIds", message);
        return Ok(linked(plan));
    }
    let ids: Vec<OpportunityId> = given.iter().filter_map(|id| OpportunityId::parse(id).ok()).collect();
    let visible = viewer.rows::<opportunity::Entity>(opportunity::Column::AccountId);
    let found = visible.filter(opportunity::Column::Id.is_in(ids)).all(connection).await?;
    let mut links = Vec::with_capacity(given.len());
    for (at, id) in given.iter().enumerate() {
        let field = format!("opportunityIds.{at}");
        let Some(id) = check.id::<OpportunityId>(&field, id) else { continue };
        match found.iter().find(|row| row.id == id) {
            None => check.not_found(&field, "opportunity"),
            Some(row) if row.account_id != plan.account_id => {
                check.invalid(&field, format!("{} belongs to another account.", row.name));
            }
            Some(_) => links.push(id),
        }
    }
    Ok(links)
}

/// Resolves `Mutation.closePlan`. Closing a closed plan changes nothing.
pub async fn close(ctx: &RequestContext, input: ClosePlanInput) -> Result<PlanPayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &input.id).await?;
    change.must_be_theirs(&path)?;
    change.must_be_at(&mut check, input.if_version);
    check.finish()?;
    if change.before().closed_at.is_none() {
        change.plan.status = Stored::Closed;
        change.plan.closed_at = Some(change.write.at);
    }
    Ok(PlanPayload::of(change.commit("closed").await?))
}

/// Resolves `Mutation.deletePlan`: only for a draft that was never signed. The touches of its actions are kept, without
/// them.
pub async fn delete(ctx: &RequestContext, input: DeletePlanInput) -> Result<PlanPayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &input.id).await?;
    change.must_be_theirs(&path)?;
    change.must_be_at(&mut check, input.if_version);
    if change.before().status != Stored::Draft {
        let status = change.before().status.word();
        let message =
            format!("The plan is {status}: only a draft that was never signed can be deleted. Use closePlan instead.");
        check.fault(UserErrorCode::Conflict, "id", message);
    }
    check.finish()?;
    let actions = change.parts::<plan_action::Model>().await?;
    change.take_all::<plan_measurement::Model>().await?;
    change.take_all::<plan_benchmark::Model>().await?;
    change.take_all::<plan_action::Model>().await?;
    change.take_all::<plan_objective::Model>().await?;
    change.take_all::<plan_relationship::Model>().await?;
    change.take_all::<plan_question::Model>().await?;
    change.take_all::<plan_review::Model>().await?;
    let gone: Vec<_> = actions.iter().map(|action| action.id).collect();
    release_touches(&mut change.write, &gone).await?;
    Ok(PlanPayload::of(change.delete().await?))
}
