//! Reviews: monthly or quarterly assessments of a plan, each with a snapshot of actions and benchmarks.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject};
use entity::plan::ReviewCadence;
use entity::plan_action::ActionStatus;
use entity::{Day, Id, ReviewId, plan, plan_action, plan_review};
use serde::{Deserialize, Serialize};

use super::Plan;
use super::benchmark::Benchmark;
use super::change::{Change, days, not_to_come};
use super::health::is_overdue;
use super::measure::decimal;
use super::part::{items, parts_of};
use crate::context::RequestContext;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::scalars::{Date, Decimal};
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, object, payload};
use crate::values::calendar::months_after;
use crate::write::validator::{NOTE, Validator};

/// The outcome of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_review::ReviewOutcome")]
pub enum ReviewOutcome {
    /// The plan is on track.
    OnTrack,
    /// The plan is behind.
    OffTrack,
    /// The plan was changed.
    Changed,
}
graphql_enum! { plan_review::ReviewOutcome as ReviewOutcome }

/// A review of a plan.
#[derive(Clone, Debug)]
pub struct Review(pub plan_review::Model);

object! {
    /// A review of a plan. It never changes.
    Review as "Review" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<ReviewId> = plain(|review| NodeId(review.0.id));
        /// The day on which the review took place.
        reviewedOn: Day = plain(|review| review.0.reviewed_on);
        /// The user who entered the review.
        by: User = by_key(|review| review.0.by_id, User::resolve_required);
        /// The outcome.
        outcome: plan_review::ReviewOutcome = plain(|review| review.0.outcome);
        /// Notes on the review; null if there are none.
        notes: Option<&str> = plain(|review| review.0.notes.as_deref());
        /// The day on which the next review was due, as set by this one.
        nextReviewOn: Option<Day> = plain(|review| review.0.next_review_on);
        /// The state of actions and benchmarks when the review was entered.
        snapshot: ReviewSnapshot = plain(|review| ReviewSnapshot::read(&review.0.snapshot));
    }
}

/// The state of actions and benchmarks at a review.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewSnapshot {
    actions_open: i32,
    actions_done: i32,
    actions_skipped: i32,
    actions_overdue: i32,
    benchmarks: Vec<ReviewedBenchmark>,
}

object! {
    /// The state of actions and benchmarks at a review.
    ReviewSnapshot as "ReviewSnapshot" {
        /// The number of open actions, including overdue ones.
        actionsOpen: i32 = plain(|snapshot| snapshot.actions_open);
        /// The number of actions that were done.
        actionsDone: i32 = plain(|snapshot| snapshot.actions_done);
        /// The number of skipped actions.
        actionsSkipped: i32 = plain(|snapshot| snapshot.actions_skipped);
        /// The number of open actions whose due day was over.
        actionsOverdue: i32 = plain(|snapshot| snapshot.actions_overdue);
        /// The benchmarks.
        benchmarks: Vec<ReviewedBenchmark> = plain(|snapshot| snapshot.benchmarks.clone());
    }
}

/// The state of a benchmark at a review.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewedBenchmark {
    benchmark_id: String,
    name: String,
    value: Option<String>,
    measured_on: Option<String>,
    attainment: Option<f64>,
    on_track: Option<bool>,
}

object! {
    /// The state of a benchmark at a review.
    ReviewedBenchmark as "ReviewedBenchmark" {
        /// The id of the benchmark, which may have been removed since.
        benchmarkId: crate::graphql::AnyId = plain(|reviewed| crate::graphql::AnyId(reviewed.benchmark_id.clone()));
        /// The name of the benchmark at that time.
        name: &str = plain(|reviewed| &reviewed.name);
        /// The latest measurement; null if there was none.
        value: Option<Decimal> = plain(|reviewed| reviewed.value.as_deref().and_then(crate::graphql::scalars::decimal).map(Decimal));
        /// The day of the latest measurement; null if there was none.
        measuredOn: Option<Day> = plain(|reviewed| reviewed.measured_on.as_deref().and_then(crate::graphql::scalars::day));
        /// The progress from baseline to target; can exceed 1 and be negative. Null if there was no measurement.
        attainment: Option<f64> = plain(|reviewed| reviewed.attainment);
        /// Whether the latest measurement had reached the straight line from baseline to target; null if there was no
        /// measurement.
        onTrack: Option<bool> = plain(|reviewed| reviewed.on_track);
    }
}

impl ReviewSnapshot {
    fn read(stored: &str) -> Self {
        serde_json::from_str(stored).unwrap_or_default()
    }

    fn of(actions: &[plan_action::Model], benchmarks: &[Benchmark], today: Day) -> Self {
        let count = |which: &dyn Fn(&&plan_action::Model) -> bool| {
            i32::try_from(actions.iter().filter(which).count()).unwrap_or(i32::MAX)
        };
        let reviewed = |benchmark: &Benchmark| ReviewedBenchmark {
            benchmark_id: benchmark.row.id.show(),
            name: benchmark.row.name.clone(),
            value: benchmark.measurements.last().map(|latest| decimal(latest.value).to_string()),
            measured_on: benchmark.measurements.last().map(|latest| latest.measured_on.to_string()),
            attainment: benchmark.attainment(),
            on_track: benchmark.on_track(),
        };
        Self {
            actions_open: count(&|action| action.status == ActionStatus::Open),
            actions_done: count(&|action| action.status == ActionStatus::Done),
            actions_skipped: count(&|action| action.status == ActionStatus::Skipped),
            actions_overdue: count(&|action| is_overdue(action, today)),
            benchmarks: benchmarks.iter().map(reviewed).collect(),
        }
    }
}

impl Review {
    /// Loads reviews by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = ReviewId>,
    ) -> Result<HashMap<ReviewId, Self>> {
        Ok(items::<plan_review::Model>(ctx, ids).await?.into_iter().map(|(id, row)| (id, Self(row))).collect())
    }
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Review>>> {
    let organization = field.request.viewer()?.organization.id;
    let mut found = parts_of::<plan_review::Model, _>(field.request.reader(), organization, &Plan::ids(of)).await?;
    for rows in found.values_mut() {
        rows.sort_by_key(|row| std::cmp::Reverse((row.reviewed_on, row.id)));
    }
    let lists: Vec<Vec<Review>> =
        of.iter().map(|plan| found.get(&plan.0.id).into_iter().flatten().cloned().map(Review).collect()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// Returns the day a month or a quarter after `day`, clipped to the end of the month.
#[must_use]
pub fn due_after(day: Day, cadence: ReviewCadence) -> Day {
    match cadence {
        ReviewCadence::Monthly => months_after(day, 1),
        ReviewCadence::Quarterly => months_after(day, 3),
    }
}

/// Returns the next review day of a plan that is being signed: one period after the latest review, or else after today.
/// On the first commitment, a day that was set already is kept.
pub(super) async fn next_after(change: &Change<'_>, committed_before: bool) -> Result<Option<Day>> {
    if !committed_before && change.plan.next_review_on.is_some() {
        return Ok(change.plan.next_review_on);
    }
    let today = change.viewer.day(change.write.at);
    let last = last_review(change).await?;
    Ok(Some(due_after(last.unwrap_or(today), change.plan.cadence)))
}

/// Returns the day of the latest review of the plan that is being changed.
pub(super) async fn last_review(change: &Change<'_>) -> Result<Option<Day>> {
    Ok(change.parts::<plan_review::Model>().await?.iter().map(|review| review.reviewed_on).max())
}

payload! {
    /// The result of a mutation of a review.
    ReviewPayload as "ReviewPayload" {
        /// The review after the change; null if there are userErrors.
        review(review): Review,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

/// A review of a plan.
#[derive(Clone, Debug, InputObject)]
pub struct ReviewPlanInput {
    /// Id of the plan: not closed, with fewer than 500 reviews.
    pub id: ID,
    /// The outcome.
    pub outcome: ReviewOutcome,
    /// Notes on the review: at most 20,000 characters.
    pub notes: Option<String>,
    /// The day on which the review took place: not in the future. Defaults to today in the organization's time zone.
    pub reviewed_on: Option<Date>,
    /// The day of the next review: after this one. Defaults to a month or a quarter later, by the plan's cadence,
    /// clipped to the end of the month. The latest review determines the plan's nextReviewOn.
    pub next_review_on: Option<Date>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// Resolves `Mutation.reviewPlan`.
pub async fn review(ctx: &RequestContext, input: ReviewPlanInput) -> Result<ReviewPayload> {
    let ReviewPlanInput { id, outcome, notes, reviewed_on, next_review_on, if_version } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    let others = change.parts_with_room::<plan_review::Model>(&path).await?;
    let (today, latest) = days(ctx, change.viewer);
    let reviewed_on = reviewed_on.map_or(today, |day| day.0);
    not_to_come(&mut check, "reviewedOn", reviewed_on, latest);
    let notes = check.optional("notes", notes.as_deref(), NOTE);
    let next = next_review_on.map_or_else(|| due_after(reviewed_on, change.plan.cadence), |day| day.0);
    if next <= reviewed_on && next_review_on.is_some() {
        check.invalid("nextReviewOn", format!("{next} must be after this review, {reviewed_on}."));
    }
    check.finish()?;
    let actions = change.parts::<plan_action::Model>().await?;
    let plans: [&plan::Model; 1] = [&change.plan];
    let mut benchmarks = Benchmark::of_plans(&change.write.tx, change.viewer, ctx.now, &plans).await?;
    let benchmarks = benchmarks.remove(&change.plan.id).unwrap_or_default();
    let snapshot = ReviewSnapshot::of(&actions, &benchmarks, today);
    let row = plan_review::Model {
        id: ReviewId::make(),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        reviewed_on,
        by_id: change.viewer.user.id,
        outcome: outcome.into(),
        notes,
        next_review_on: Some(next),
        snapshot: serde_json::to_string(&snapshot).unwrap_or_else(|_| "{}".to_owned()),
        at: change.write.at,
    };
    // A review entered late does not move the day of the next review back.
    if others.iter().all(|other| other.reviewed_on <= reviewed_on) {
        change.plan.next_review_on = Some(next);
    }
    change.put(None, row.clone()).await?;
    let plan = Some(change.commit("reviewed").await?);
    Ok(ReviewPayload { review: Some(Review(row)), plan, ..Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_review_is_clipped_to_the_month_s_end() {
        let day = |text: &str| crate::graphql::scalars::day(text).unwrap();
        for (last, monthly, quarterly) in [
            ("2017-01-31", "2017-02-28", "2017-04-30"),
            ("2016-01-31", "2016-02-29", "2016-04-30"),
            ("2017-02-28", "2017-03-28", "2017-05-28"),
            ("2017-11-30", "2017-12-30", "2018-02-28"),
            ("2017-12-15", "2018-01-15", "2018-03-15"),
        ] {
            assert_eq!(due_after(day(last), ReviewCadence::Monthly), day(monthly));
            assert_eq!(due_after(day(last), ReviewCadence::Quarterly), day(quarterly));
        }
    }
}
