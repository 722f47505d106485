//! Lead times: from the first touch with a target to an opportunity, and from there to a win.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::opportunity::{self, Stage};
use entity::{AccountId, Day, Instant, target};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use statistics::survival::{Case, quartiles};

use crate::context::{RequestContext, Viewer};
use crate::domain::pipeline::deal::PointInTime;
use crate::domain::pipeline::lag::{Course, FIRST_TOUCH};
use crate::error::Result;
use crate::graphql::quartiles::Percentiles;
use crate::graphql::scalars::DateRange;
use crate::graphql::{FieldContext, object};
use crate::values::calendar::{end_of, start_of};
use database::columns::largest_and_smallest;

/// How much an open opportunity counts at least towards the days until a win.
const LEAST_WEIGHT: f64 = 1e-6;

/// How long things take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeadTimes {
    touch_to_opportunity: Percentiles,
    opportunity_to_win: Percentiles,
    touches_per_opportunity: Option<f64>,
    opportunities_per_win: Option<f64>,
}

object! {
    /// How long it takes from a first touch to an opportunity and from there to a win, at the accounts that the caller sees, of what
    /// began in a range of the organization's days. What has not ended yet counts as lasting at least until now.
    LeadTimes as "LeadTimes" {
        /// Days from the first completed touch with a target until the next opportunity is opened at its account, of the targets
        /// whose first touch is in the range. A target that leaves the list is observed until then.
        touchToOpportunityDays: Percentiles = plain(|times| times.touch_to_opportunity);
        /// Days from opening an opportunity until it is won, of the opportunities opened in the range. Lost ones do not count, and
        /// open ones count with the share of the closed ones that were won, since as many of them will be.
        opportunityToWinDays: Percentiles = plain(|times| times.opportunity_to_win);
        /// Completed touches with targets in the range ÷ opportunities opened at targets in the range; null where none was opened.
        touchesPerOpportunity: Option<f64> = plain(|times| times.touches_per_opportunity);
        /// Of the opportunities opened in the range, the closed ones ÷ the won ones; null where none was won.
        opportunitiesPerWin: Option<f64> = plain(|times| times.opportunities_per_win);
    }
}

/// An opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opened {
    on: Day,
    closed_on: Option<Day>,
    won: bool,
}

/// A target, with the touches in the range.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touched {
    account: AccountId,
    since: Instant,
    until: Option<Instant>,
    first_touch: Option<Instant>,
    touches: i64,
}

/// Arguments of `analytics.leadTimes`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct LeadTimesArguments {
    /// The organization's days, both ends included.
    pub range: DateRange,
}

/// Resolves `Analytics.leadTimes`: two statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a range that ends before it begins.
pub async fn lead_times(field: &FieldContext<'_>, arguments: LeadTimesArguments) -> Result<Option<LeadTimes>> {
    let range = arguments.range.days()?;
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let targets = targets(ctx, range).await?;
    let openings = openings(ctx, range.0).await?;
    let now = PointInTime { on: viewer.day(ctx.now), at: ctx.now, is_now: true };
    Ok(Some(LeadTimes::of(&targets, &openings, range, now, viewer)))
}

impl LeadTimes {
    fn of(
        targets: &[Touched],
        openings: &HashMap<AccountId, Vec<Opened>>,
        (from, to): (Day, Day),
        now: PointInTime,
        viewer: &Viewer,
    ) -> Self {
        let zone = viewer.zone;
        let (start, end) = (start_of(from, zone), end_of(to, zone));
        let nothing = Vec::new();
        let of_account = |account: &AccountId| openings.get(account).unwrap_or(&nothing);
        let lags: Vec<Case> = targets
            .iter()
            .filter_map(|target| {
                let first_touch = target.first_touch.filter(|at| start <= *at && *at < end)?;
                let openings = of_account(&target.account).iter().map(|opened| opened.on).collect();
                Course { since: target.since, until: target.until, first_touch, openings }.case(now, zone)
            })
            .collect();
        let is_at_target = |target: &Touched, on: Day| {
            viewer.day(target.since) <= on && target.until.is_none_or(|until| on <= viewer.day(until))
        };
        let mut of_targets: HashMap<AccountId, Vec<&Touched>> = HashMap::new();
        for target in targets {
            of_targets.entry(target.account).or_default().push(target);
        }
        let in_range = |opened: &&Opened| from <= opened.on && opened.on <= to;
        let at_targets = of_targets.iter().map(|(account, targets)| {
            let own = of_account(account).iter().filter(in_range);
            own.filter(|opened| targets.iter().any(|target| is_at_target(target, opened.on))).count()
        });
        let at_targets: usize = at_targets.sum();
        let touches: i64 = targets.iter().map(|target| target.touches).sum();
        let opened: Vec<&Opened> = openings.values().flatten().filter(in_range).collect();
        let closed = opened.iter().filter(|one| one.closed_on.is_some()).count();
        let won = opened.iter().filter(|one| one.won).count();
        Self {
            touch_to_opportunity: Percentiles(quartiles(&lags)),
            opportunity_to_win: Percentiles(quartiles(&until_won(&opened, now.on))),
            touches_per_opportunity: ratio(usize::try_from(touches).unwrap_or_default(), at_targets),
            opportunities_per_win: ratio(closed, won),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns the cases of opportunities until they are won. An open one counts with the probability that it will be.
fn until_won(opened: &[&Opened], today: Day) -> Vec<Case> {
    let closed = opened.iter().filter(|one| one.closed_on.is_some()).count();
    let won = opened.iter().filter(|one| one.won).count();
    let weight = ratio(won, closed).unwrap_or(1.0).max(LEAST_WEIGHT);
    let days = |from: Day, to: Day| i64::from(to.0) - i64::from(from.0);
    let case = |one: &&Opened| match one.closed_on {
        Some(closed_on) => one.won.then(|| Case::ended(days(one.on, closed_on))),
        None => Some(Case { weight, ..Case::open(days(one.on, today).max(0)) }),
    };
    opened.iter().filter_map(case).collect()
}

/// Returns the targets that were on a list in a range of days, with the first touch since they joined it, and the number of touches
/// in the range while they were on it: one statement.
async fn targets(ctx: &RequestContext, (from, to): (Day, Day)) -> Result<Vec<Touched>> {
    use target::Column;
    let viewer = ctx.viewer()?;
    let (start, end) = (start_of(from, viewer.zone).0, end_of(to, viewer.zone).0);
    let mut query = viewer
        .sums::<target::Entity>(Column::AccountId)
        .filter(Column::Since.lt(Instant(end)))
        .filter(Cond::any().add(Column::Until.is_null()).add(Column::Until.gt(Instant(start))))
        .select_only()
        .columns([Column::AccountId, Column::Since, Column::Until])
        .into_query();
    let (most, least) = largest_and_smallest(ctx.services.db.backend());
    let touches =
        "from touch where touch.organization_id = target.organization_id and touch.account_id = target.account_id";
    query.expr(Expr::cust(FIRST_TOUCH));
    query.expr(Expr::cust(format!(
        "(select count(*) {touches} and touch.at >= {most}(target.since, {start})
            and touch.at < {least}(coalesce(target.until, {end}), {end}) and touch.weight > 0)"
    )));
    let mut found = Vec::new();
    for row in ctx.reader().query_all(&query).await? {
        found.push(Touched {
            account: row.try_get_by_index(0)?,
            since: row.try_get_by_index(1)?,
            until: row.try_get_by_index(2)?,
            first_touch: row.try_get_by_index(3)?,
            touches: row.try_get_by_index(4)?,
        });
    }
    Ok(found)
}

/// Returns the opportunities that were opened since a day, by account, each list by day: one statement.
async fn openings(ctx: &RequestContext, from: Day) -> Result<HashMap<AccountId, Vec<Opened>>> {
    use opportunity::Column;
    let query = ctx
        .viewer()?
        .sums::<opportunity::Entity>(Column::AccountId)
        .filter(Column::OpenedOn.gte(from))
        .select_only()
        .columns([Column::AccountId, Column::OpenedOn, Column::ClosedOn, Column::Stage])
        .into_query();
    let mut found: HashMap<AccountId, Vec<Opened>> = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let stage: Stage = row.try_get_by_index(3)?;
        let opened =
            Opened { on: row.try_get_by_index(1)?, closed_on: row.try_get_by_index(2)?, won: stage == Stage::Won };
        found.entry(row.try_get_by_index(0)?).or_default().push(opened);
    }
    for list in found.values_mut() {
        list.sort_unstable_by_key(|opened| opened.on);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(on: i32, closed_on: Option<i32>, won: bool) -> Opened {
        Opened { on: Day(on), closed_on: closed_on.map(Day), won }
    }

    fn until_won_of(all: &[Opened]) -> Percentiles {
        Percentiles(quartiles(&until_won(&all.iter().collect::<Vec<_>>(), Day(400))))
    }

    #[test]
    fn the_golden_curve() {
        let ended = [60, 90, 150, 240].map(|days| opened(0, Some(days), true));
        let open = [120, 200, 300, 365].map(|days| opened(400 - days, None, false));
        let all: Vec<Opened> = ended.into_iter().chain(open).collect();
        let found = until_won_of(&all).0;
        assert_eq!((found.n, found.events, found.p50, found.naive_p50), (8, 4, Some(240.0), Some(120.0)));
    }

    #[test]
    fn lost_ones_do_not_count_and_open_ones_as_far_as_they_will_be_won() {
        // Half of the closed ones were won, so half of the open ones will be.
        let all = [
            opened(0, Some(10), true),
            opened(0, Some(20), true),
            opened(0, Some(10), false),
            opened(0, Some(20), false),
            opened(385, None, false),
            opened(385, None, false),
        ];
        let found = until_won_of(&all).0;
        assert_eq!((found.n, found.events), (4, 2));
        // A third ends on day 10; what is left is the one that ends on day 20.
        assert_eq!((found.p25, found.p50), (Some(10.0), Some(20.0)));
        let lost = [opened(0, Some(5), false), opened(0, None, false)];
        assert_eq!((until_won_of(&lost).0.n, until_won_of(&lost).0.p50), (1, None));
    }

    #[test]
    fn all_may_be_won_on_the_day_they_are_opened() {
        let found = until_won_of(&[opened(7, Some(7), true); 12]).0;
        assert_eq!((found.p25, found.p75), (Some(0.0), Some(0.0)));
        // Closed before it was opened, as another system had it.
        assert_eq!(until_won_of(&[opened(7, Some(3), true)]).0.n, 0);
    }
}
