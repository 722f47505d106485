//! What is entered about plans.

use async_graphql::{ID, MaybeUndefined};
use entity::{ActionId, BenchmarkId, Id, ObjectiveId, PlanId, QuestionId, Scoped, plan_commitment};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use simulator::PlanNumber;
use simulator::act::{Finding, Measure, PlanDeed};

use super::fill::{Filler, Stopped, date, id, missing, money};
use super::rows::level_of;
use crate::context::RequestContext;
use crate::domain::plan::ReviewCadence;
use crate::domain::plan::action::{self, ActionStatus, AddActionInput, UpdateActionInput};
use crate::domain::plan::benchmark::{self, AddBenchmarkInput, BenchmarkSource, RecordMeasurementInput};
use crate::domain::plan::commitment::{self, CommitPlanInput, CosignCommitmentInput};
use crate::domain::plan::objective::{self, AddObjectiveInput, Horizon, ObjectiveStatus, UpdateObjectiveInput};
use crate::domain::plan::question::{self, AskQuestionInput, UpdateQuestionInput};
use crate::domain::plan::relationship::{self, SetPlannedRelationshipInput};
use crate::domain::plan::review::{self, ReviewOutcome, ReviewPlanInput};
use crate::domain::plan::write::{self as plan, ClosePlanInput, CreatePlanInput, UpdatePlanInput};

/// Enters something about a plan.
pub(super) async fn enter(
    filler: &mut Filler<'_>,
    ctx: &RequestContext,
    number: PlanNumber,
    deed: PlanDeed,
) -> Result<(), Stopped> {
    if let PlanDeed::Create { account, title, summary, starts_on, ends_on, monthly } = deed {
        let input = CreatePlanInput {
            account_id: filler.account(account)?,
            title,
            starts_on: date(starts_on),
            ends_on: date(ends_on),
            summary: Some(summary),
            cadence: if monthly { ReviewCadence::Monthly } else { ReviewCadence::Quarterly },
            owner_id: None,
            copy_from_id: None,
        };
        let made = plan::create(ctx, input).await?.plan.ok_or_else(|| missing("a plan"))?;
        filler.made.plans.insert(number.0, made.0.id);
        return Ok(());
    }
    let plan = filler.made.plans.get(&number.0).copied().ok_or_else(|| missing("a plan"))?;
    match deed {
        PlanDeed::Relationship { .. }
        | PlanDeed::Objective { .. }
        | PlanDeed::Action { .. }
        | PlanDeed::Benchmark { .. }
        | PlanDeed::Ask { .. } => add(filler, ctx, plan, deed).await,
        _ => work(filler, ctx, plan, deed).await,
    }
}

/// Adds an item to a plan.
async fn add(filler: &mut Filler<'_>, ctx: &RequestContext, plan: PlanId, deed: PlanDeed) -> Result<(), Stopped> {
    let plan_id = id(plan);
    let user = id(ctx.viewer()?.user.id);
    match deed {
        PlanDeed::Relationship { contact, desired, by, approach } => {
            let input = SetPlannedRelationshipInput {
                plan_id,
                contact_id: filler.contact(contact.0)?,
                desired: level_of(desired),
                by: MaybeUndefined::Value(date(by)),
                owner_id: MaybeUndefined::Value(user),
                approach: MaybeUndefined::Value(approach),
                if_version: None,
            };
            relationship::set(ctx, input).await?;
        }
        PlanDeed::Objective { objective, is_long, statement, due_on } => {
            let horizon = if is_long { Horizon::LongTerm } else { Horizon::ShortTerm };
            let made = objective::add(
                ctx,
                AddObjectiveInput { plan_id, horizon, statement, due_on: Some(date(due_on)), if_version: None },
            )
            .await?
            .objective
            .ok_or_else(|| missing("an item of a plan"))?;
            filler.made.objectives.insert(objective, made.0.id);
        }
        PlanDeed::Action { action, title, due_on, objective } => {
            let objective = objective.map(|objective| find::<ObjectiveId>(filler.made.objectives.get(&objective)));
            let input = AddActionInput {
                plan_id,
                title,
                due_on: Some(date(due_on)),
                assignee_id: Some(user),
                objective_id: objective.transpose()?,
                contact_id: None,
                after_id: None,
                if_version: None,
            };
            let made = action::add(ctx, input).await?.action.ok_or_else(|| missing("an item of a plan"))?;
            filler.made.actions.insert(action, made.row.id);
        }
        PlanDeed::Benchmark { benchmark, measure, baseline, target, due_on } => {
            let (source, name, unit) = match measure {
                Measure::Booked => (BenchmarkSource::Booked, "Booked since the plan began", Some("EUR")),
                Measure::ContactsKnown => (BenchmarkSource::ContactsKnown, "People who know us", None),
                Measure::Sites => (BenchmarkSource::Manual, "Sites with our service", Some("sites")),
            };
            let input = AddBenchmarkInput {
                plan_id,
                source: Some(source),
                name: name.to_owned(),
                unit: unit.map(str::to_owned),
                baseline: money(baseline),
                target: money(target),
                due_on: date(due_on),
                if_version: None,
            };
            let made = benchmark::add(ctx, input).await?.benchmark.ok_or_else(|| missing("an item of a plan"))?;
            filler.made.benchmarks.insert(benchmark, made.row.id);
        }
        PlanDeed::Ask { question, text } => {
            let input = AskQuestionInput {
                plan_id,
                question: text,
                assignee_id: Some(user),
                contact_id: None,
                if_version: None,
            };
            let made = question::ask(ctx, input).await?.question.ok_or_else(|| missing("an item of a plan"))?;
            filler.made.questions.insert(question, made.0.id);
        }
        other => return Err(missing(&format!("{other:?}"))),
    }
    Ok(())
}

/// Enters what becomes of a plan.
async fn work(filler: &mut Filler<'_>, ctx: &RequestContext, plan: PlanId, deed: PlanDeed) -> Result<(), Stopped> {
    let plan_id = id(plan);
    match deed {
        PlanDeed::Link(opportunity) => {
            let opportunities = vec![filler.opportunity(opportunity.0)?];
            let input = UpdatePlanInput {
                id: plan_id,
                title: MaybeUndefined::Undefined,
                starts_on: MaybeUndefined::Undefined,
                ends_on: MaybeUndefined::Undefined,
                summary: MaybeUndefined::Undefined,
                cadence: MaybeUndefined::Undefined,
                next_review_on: MaybeUndefined::Undefined,
                owner_id: MaybeUndefined::Undefined,
                opportunity_ids: MaybeUndefined::Value(opportunities),
                if_version: None,
            };
            plan::update(ctx, input).await?;
        }
        PlanDeed::Answer { question, answer } => {
            let input = UpdateQuestionInput {
                id: find::<QuestionId>(filler.made.questions.get(&question))?,
                question: MaybeUndefined::Undefined,
                answer: MaybeUndefined::Value(answer),
                assignee_id: MaybeUndefined::Undefined,
                contact_id: MaybeUndefined::Undefined,
                if_version: None,
            };
            question::update(ctx, input).await?;
        }
        PlanDeed::Commit { statement } => {
            commitment::commit(ctx, CommitPlanInput { id: plan_id, statement, if_version: None }).await?;
        }
        PlanDeed::Cosign => {
            let of_plan = plan_commitment::Entity::of(ctx.viewer()?.organization.id)
                .filter(plan_commitment::Column::PlanId.eq(plan))
                .order_by_desc(plan_commitment::Column::Id);
            let latest = of_plan.one(ctx.reader()).await?.ok_or_else(|| missing("a commitment"))?;
            let input = CosignCommitmentInput { plan_id, fingerprint: Some(latest.fingerprint), if_version: None };
            commitment::cosign(ctx, input).await?;
        }
        PlanDeed::Measurement { benchmark, value } => {
            let input = RecordMeasurementInput {
                benchmark_id: find::<BenchmarkId>(filler.made.benchmarks.get(&benchmark))?,
                value: money(value),
                measured_on: None,
                note: None,
                if_version: None,
            };
            benchmark::record(ctx, input).await?;
        }
        PlanDeed::Review { finding, notes } => {
            let outcome = match finding {
                Finding::OnTrack => ReviewOutcome::OnTrack,
                Finding::OffTrack => ReviewOutcome::OffTrack,
                Finding::Changed => ReviewOutcome::Changed,
            };
            let input = ReviewPlanInput {
                id: plan_id,
                outcome,
                notes: Some(notes),
                reviewed_on: None,
                next_review_on: None,
                if_version: None,
            };
            review::review(ctx, input).await?;
        }
        PlanDeed::Finish { action, skipped } => {
            let input = UpdateActionInput {
                id: find::<ActionId>(filler.made.actions.get(&action))?,
                title: MaybeUndefined::Undefined,
                due_on: MaybeUndefined::Undefined,
                assignee_id: MaybeUndefined::Undefined,
                objective_id: MaybeUndefined::Undefined,
                contact_id: MaybeUndefined::Undefined,
                status: MaybeUndefined::Value(if skipped { ActionStatus::Skipped } else { ActionStatus::Done }),
                completed_on: MaybeUndefined::Undefined,
                if_version: None,
            };
            action::update(ctx, input).await?;
        }
        PlanDeed::Achieve(objective) => {
            let input = UpdateObjectiveInput {
                id: find::<ObjectiveId>(filler.made.objectives.get(&objective))?,
                horizon: MaybeUndefined::Undefined,
                statement: MaybeUndefined::Undefined,
                due_on: MaybeUndefined::Undefined,
                status: MaybeUndefined::Value(ObjectiveStatus::Achieved),
                achieved_on: MaybeUndefined::Undefined,
                if_version: None,
            };
            objective::update(ctx, input).await?;
        }
        PlanDeed::Close => drop(plan::close(ctx, ClosePlanInput { id: plan_id, if_version: None }).await?),
        other => return Err(missing(&format!("{other:?}"))),
    }
    Ok(())
}

fn find<I: Id>(item: Option<&I>) -> Result<ID, Stopped> {
    item.map(|item| id(*item)).ok_or_else(|| missing("an item of a plan"))
}
