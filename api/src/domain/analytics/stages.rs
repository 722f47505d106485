//! The way of opportunities through the stages, by the history of each.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::InputObject;
use entity::opportunity::{Column, Stage};
use entity::{Day, OpportunityId, opportunity};
use sea_orm::{Iterable as _, QueryFilter, QueryOrder, QuerySelect};
use statistics::survival::{Case, Quartiles, quartiles};

use super::group;
use crate::context::RequestContext;
use crate::domain::account::list::condition_of;
use crate::domain::opportunity::stages::changes;
use crate::domain::opportunity::{OpportunityFilter, is_closed};
use crate::error::Result;
use crate::graphql::estimate::{ENOUGH, Estimate, count};
use crate::graphql::quartiles::Percentiles;
use crate::graphql::{Batch, FieldContext, object};

/// What became of the opportunities in a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageFlow {
    stage: Stage,
    entered: usize,
    still: usize,
    left_to: Vec<StageExit>,
    won: usize,
    lost: usize,
    days: Percentiles,
}

/// The opportunities that went from one stage to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageExit {
    stage: Stage,
    count: usize,
}

object! {
    /// The way of opportunities through one stage, by the changes of their stages as they were recorded. An opportunity that
    /// comes back to a stage enters it again; one that was recorded closed was in no stage before.
    StageFlow as "StageFlow" {
        /// The stage.
        stage: Stage = plain(|flow| flow.stage);
        /// How often the stage was entered: `stillIn` and all of `leftTo` together.
        entered: i32 = plain(|flow| count(flow.entered));
        /// The number of opportunities that are in it now.
        stillIn: i32 = plain(|flow| count(flow.still));
        /// How often it was left, by the next stage, in the order of the stages. The count of LOST is how many died here.
        leftTo: Vec<StageExit> = batch(exits);
        /// Of the opportunities that were ever in the stage, the number that is won now.
        won: i32 = plain(|flow| count(flow.won));
        /// Of the opportunities that were ever in the stage, the number that is lost now.
        lost: i32 = plain(|flow| count(flow.lost));
        /// won ÷ (won + lost), of the opportunities that were ever in the stage; null if none of them is closed.
        winRate: Option<f64> = plain(|flow| flow.win_rate().value);
        /// `winRate` with its Wilson interval and the number of closed opportunities; sufficient from 10.
        winRateEstimate: Estimate = plain(|flow| flow.win_rate());
        /// The days from entering the stage to leaving it. Of WON and LOST there are none.
        daysInStage: Percentiles = plain(|flow| flow.days);
    }
}

object! {
    /// The number of times that opportunities went from a stage to another one.
    StageExit as "StageExit" {
        /// The stage that they went to.
        stage: Stage = plain(|exit| exit.stage);
        /// How often.
        count: i32 = plain(|exit| count(exit.count));
    }
}

async fn exits(field: &FieldContext<'_>, of: &[&StageFlow]) -> Result<Batch<Vec<StageExit>>> {
    field.object_lists(&of.iter().map(|flow| flow.left_to.as_slice()).collect::<Vec<_>>()).await
}

impl StageFlow {
    /// Returns the stage.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns how often it was entered.
    #[must_use]
    pub const fn entered(&self) -> usize {
        self.entered
    }

    /// Returns how often it was left to another stage.
    #[must_use]
    pub fn left_to(&self, stage: Stage) -> usize {
        self.left_to.iter().find(|exit| exit.stage == stage).map_or(0, |exit| exit.count)
    }

    /// Returns the days in it.
    #[must_use]
    pub const fn days(&self) -> Quartiles {
        self.days.0
    }

    /// Returns the share of the closed ones that were won, of those that were ever in it.
    #[must_use]
    pub fn win_rate(&self) -> Estimate {
        let (won, closed) = (i64::from(count(self.won)), i64::from(count(self.won + self.lost)));
        Estimate::share(won, closed, ENOUGH, "closed opportunities")
    }
}

/// Returns the way through each stage, of opportunities with the stages that they entered and the days on which they did, in
/// order.
#[must_use]
pub fn flows(courses: &[Vec<(Stage, Day)>], today: Day) -> Vec<StageFlow> {
    let mut exits: BTreeMap<(Stage, Stage), usize> = BTreeMap::new();
    let (mut still, mut won, mut lost) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut cases: BTreeMap<Stage, Vec<Case>> = BTreeMap::new();
    for course in courses {
        for pair in course.windows(2) {
            let ((stage, since), (next, until)) = (pair[0], pair[1]);
            *exits.entry((stage, next)).or_default() += 1;
            cases.entry(stage).or_default().push(Case::ended(days(since, until)));
        }
        let Some((last, since)) = course.last().copied() else { continue };
        *still.entry(last).or_insert(0_usize) += 1;
        cases.entry(last).or_default().push(Case::open(days(since, today)));
        let ever: BTreeSet<Stage> = course.iter().map(|(stage, _)| *stage).collect();
        let outcome = match last {
            Stage::Won => &mut won,
            Stage::Lost => &mut lost,
            _ => continue,
        };
        for stage in ever {
            *outcome.entry(stage).or_insert(0_usize) += 1;
        }
    }
    let flow = |stage: Stage| {
        let of = |counts: &BTreeMap<Stage, usize>| counts.get(&stage).copied().unwrap_or_default();
        let left_to: Vec<StageExit> = Stage::iter()
            .filter_map(|next| Some(StageExit { stage: next, count: *exits.get(&(stage, next))? }))
            .collect();
        let entered = of(&still) + left_to.iter().map(|exit| exit.count).sum::<usize>();
        let cases = cases.get(&stage).filter(|_| !is_closed(stage));
        StageFlow {
            stage,
            entered,
            still: of(&still),
            left_to,
            won: of(&won),
            lost: of(&lost),
            days: Percentiles(quartiles(cases.map_or(&[][..], Vec::as_slice))),
        }
    };
    Stage::iter().map(flow).collect()
}

fn days(from: Day, to: Day) -> i64 {
    (i64::from(to.0) - i64::from(from.0)).max(0)
}

/// Arguments of `analytics.stages`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsStagesArguments {
    /// Only opportunities that match this filter.
    pub filter: Option<OpportunityFilter>,
}

/// Resolves `Analytics.stages`: three statements.
///
/// # Errors
/// `BAD_USER_INPUT` for an invalid filter; `LIMIT_EXCEEDED` for more than 20,000 opportunities.
pub async fn stages(field: &FieldContext<'_>, arguments: AnalyticsStagesArguments) -> Result<Option<Vec<StageFlow>>> {
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let ids = matching(ctx, &arguments.filter.unwrap_or_default()).await?;
    let changes = changes(ctx, &ids).await?;
    let course = |id: &OpportunityId| {
        let changes = changes.get(id).map_or(&[][..], Vec::as_slice);
        changes.iter().map(|change| (change.stage, viewer.day(change.at))).collect()
    };
    let courses: Vec<Vec<(Stage, Day)>> = ids.iter().map(course).collect();
    Ok(Some(flows(&courses, viewer.day(ctx.now))))
}

/// Returns the ids of the opportunities that the caller sees and that match.
async fn matching(ctx: &RequestContext, filter: &OpportunityFilter) -> Result<Vec<OpportunityId>> {
    let ids: Vec<OpportunityId> = ctx
        .viewer()?
        .sums::<opportunity::Entity>(Column::AccountId)
        .filter(condition_of(ctx, filter).await?)
        .select_only()
        .column(Column::Id)
        .order_by_asc(Column::Id)
        .limit(group::MOST_ROWS + 1)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    group::not_too_many(ids, "opportunities")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn course(stages: &[(Stage, i32)]) -> Vec<(Stage, Day)> {
        stages.iter().map(|(stage, day)| (*stage, Day(*day))).collect()
    }

    fn exits(flow: &StageFlow) -> Vec<(Stage, usize)> {
        flow.left_to.iter().map(|exit| (exit.stage, exit.count)).collect()
    }

    #[test]
    fn every_stage_says_what_became_of_those_in_it() {
        use Stage::{Identified, Lost, Proposed, Qualified, Won};
        let courses = [
            course(&[(Identified, 0), (Qualified, 10), (Proposed, 30), (Won, 50)]),
            course(&[(Identified, 0), (Qualified, 20), (Lost, 60)]),
            // Back and forth, and still there.
            course(&[(Qualified, 5), (Identified, 6), (Qualified, 8)]),
            // Recorded closed, and never recorded.
            course(&[(Won, 7)]),
            Vec::new(),
        ];
        let found = flows(&courses, Day(100));
        let of = |stage: Stage| found.iter().find(|flow| flow.stage == stage).unwrap();
        assert_eq!((of(Identified).entered, of(Identified).still), (3, 0));
        assert_eq!(exits(of(Identified)), [(Qualified, 3)]);
        assert_eq!((of(Qualified).entered, of(Qualified).still, of(Qualified).won, of(Qualified).lost), (4, 1, 1, 1));
        assert_eq!(exits(of(Qualified)), [(Identified, 1), (Proposed, 1), (Lost, 1)]);
        assert_eq!((of(Qualified).win_rate().value, of(Proposed).win_rate().value), (Some(0.5), Some(1.0)));
        assert_eq!((of(Won).entered, of(Won).won, of(Won).days.0.n), (2, 2, 0));
        // Ended after 1, 20 and 40 days, and open for 92.
        let days = of(Qualified).days.0;
        assert_eq!((days.n, days.events, days.p50), (4, 3, Some(20.0)));
        assert_eq!((of(Stage::Negotiating).entered, of(Stage::Negotiating).win_rate().value), (0, None));
    }

    proptest! {
        #[test]
        fn what_enters_a_stage_leaves_it_or_stays(
            courses in prop::collection::vec(prop::collection::vec((0_usize..6, 0_i32..1_000), 0..8), 0..20),
        ) {
            let stages: Vec<Stage> = Stage::iter().collect();
            let courses: Vec<Vec<(Stage, Day)>> = courses
                .into_iter()
                .map(|course| course.into_iter().map(|(stage, day)| (stages[stage], Day(day))).collect())
                .collect();
            let found = flows(&courses, Day(500));
            prop_assert_eq!(found.len(), 6);
            prop_assert_eq!(found.iter().map(|flow| flow.entered).sum::<usize>(), courses.iter().map(Vec::len).sum::<usize>());
            prop_assert_eq!(found.iter().map(|flow| flow.still).sum::<usize>(), courses.iter().filter(|course| !course.is_empty()).count());
            for flow in &found {
                prop_assert!(flow.won + flow.lost <= flow.entered);
            }
        }
    }
}
