//! Opportunities as they stood on days: with the stage, amount and expected day that they had then, from the feed.

use std::collections::HashMap;

use entity::opportunity::{Column, Stage};
use entity::{Day, Instant, OpportunityId, Scoped, UserId, event, opportunity};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, ConnectionTrait, Iterable, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::{Map, Value};
use statistics::survival::Case;

use super::CHUNK;
use super::sufficiency::OpenOpportunity;
use crate::context::RequestContext;
use crate::domain::opportunity::{is_closed, probability_of};
use crate::error::Result;
use crate::values::money::Currency;
use crate::values::parse;
use database::columns::is_any_of;

/// Days before a day in which closed opportunities tell the win rate.
pub const WIN_RATE_DAYS: i32 = 365;
/// Days before a day in which opportunities were opened that tell how long they last.
pub const CYCLE_DAYS: i32 = 1_096;

/// A day, the instant that stands for it, and whether that is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointInTime {
    /// The day.
    pub on: Day,
    /// Its end, or now.
    pub at: Instant,
    /// Whether rows count as they stand, whatever their day.
    pub is_now: bool,
}

/// What of an opportunity changes what a pipeline holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    amount: Option<i64>,
    stage: Stage,
    probability: Option<i32>,
    expected_close_on: Option<Day>,
}

/// A value before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Amount(Option<i64>),
    Stage(Stage),
    Probability(Option<i32>),
    ExpectedCloseOn(Option<Day>),
}

/// An opportunity with its past.
#[derive(Clone, Debug)]
pub struct Deal {
    id: OpportunityId,
    /// The owner.
    pub owner: UserId,
    now: State,
    opened_on: Day,
    closed_on: Option<Day>,
    archived_at: Option<Instant>,
    updated_at: Instant,
    /// What changed since the earliest instant that was asked for, in the order of the changes.
    changes: Vec<(Instant, Before)>,
}

impl Deal {
    fn is_closed(&self, moment: PointInTime) -> bool {
        self.closed_on.is_some_and(|closed_on| moment.is_now || closed_on <= moment.on)
    }

    fn was_opened(&self, moment: PointInTime) -> bool {
        moment.is_now || self.opened_on <= moment.on
    }

    fn state(&self, at: Instant) -> State {
        let mut state = self.now;
        // Undone from the latest to the earliest.
        for (_, before) in self.changes.iter().rev().filter(|(changed_at, _)| *changed_at > at) {
            match *before {
                Before::Amount(amount) => state.amount = amount,
                Before::Stage(stage) => state.stage = stage,
                Before::Probability(probability) => state.probability = probability,
                Before::ExpectedCloseOn(day) => state.expected_close_on = day,
            }
        }
        state
    }

    /// Returns the opportunity where it was open, and its account not archived. `unknown` is the probability in percent of one
    /// whose stage on that day was not recorded.
    #[must_use]
    pub fn open_on(&self, moment: PointInTime, unknown: i32) -> Option<OpenOpportunity> {
        let is_archived = self.archived_at.is_some_and(|archived_at| archived_at <= moment.at);
        if is_archived || self.is_closed(moment) || !self.was_opened(moment) {
            return None;
        }
        let State { amount, stage, probability, expected_close_on } = self.state(moment.at);
        let percent = if is_closed(stage) { unknown } else { probability.unwrap_or(probability_of(stage)) };
        Some(OpenOpportunity { amount: amount.unwrap_or_default(), percent, expected_close_on })
    }

    /// Returns whether it was won, where it was closed in the days before that tell the win rate.
    #[must_use]
    pub fn closed_before(&self, moment: PointInTime) -> Option<bool> {
        let closed_on = self.closed_on.filter(|_| self.is_closed(moment))?;
        (closed_on > moment.on.plus(-WIN_RATE_DAYS)).then_some(self.now.stage == Stage::Won)
    }

    /// Returns the amount, where it was won in the days before that tell the win rate.
    #[must_use]
    pub fn won_amount(&self, moment: PointInTime) -> Option<i64> {
        self.now.amount.filter(|_| self.closed_before(moment) == Some(true))
    }

    /// Returns how long it lasted from its first day until it was won or lost, or has lasted so far.
    #[must_use]
    pub fn cycle(&self, moment: PointInTime) -> Option<Case> {
        if !self.was_opened(moment) || self.opened_on <= moment.on.plus(-CYCLE_DAYS) {
            return None;
        }
        let since = |day: Day| i64::from(day.0) - i64::from(self.opened_on.0);
        match self.closed_on.filter(|_| self.is_closed(moment)) {
            Some(closed_on) => Some(Case::ended(since(closed_on))),
            None => Some(Case::open(since(moment.on).max(0))),
        }
    }
}

/// Returns the opportunities of owners that matter on days between two moments, by owner: one statement, and one more for the
/// changes since, if the earlier moment is past. The caller must be allowed to see the owners' pipelines.
pub async fn of_owners(
    ctx: &RequestContext,
    owners: &[UserId],
    earliest: PointInTime,
) -> Result<HashMap<UserId, Vec<Deal>>> {
    let viewer = ctx.viewer()?;
    let from = |days: i32| earliest.on.plus(-days);
    let mut query = viewer
        .rows::<opportunity::Entity>(Column::AccountId)
        .filter(is_any_of(ctx.reader(), Column::OwnerId, owners.iter().copied()))
        .filter(
            Cond::any()
                .add(Column::ClosedOn.is_null())
                .add(Column::ClosedOn.gt(from(WIN_RATE_DAYS)))
                .add(Column::OpenedOn.gt(from(CYCLE_DAYS))),
        )
        .select_only()
        .columns([
            Column::Id,
            Column::OwnerId,
            Column::Amount,
            Column::Stage,
            Column::Probability,
            Column::ExpectedCloseOn,
            Column::OpenedOn,
            Column::ClosedOn,
            Column::UpdatedAt,
        ])
        .into_query();
    query.expr(Expr::cust("(select account.archived_at from account where account.id = opportunity.account_id)"));
    let mut deals = Vec::new();
    for row in ctx.reader().query_all(&query).await? {
        deals.push(Deal {
            id: row.try_get_by_index(0)?,
            owner: row.try_get_by_index(1)?,
            now: State {
                amount: row.try_get_by_index(2)?,
                stage: row.try_get_by_index(3)?,
                probability: row.try_get_by_index(4)?,
                expected_close_on: row.try_get_by_index(5)?,
            },
            opened_on: row.try_get_by_index(6)?,
            closed_on: row.try_get_by_index(7)?,
            updated_at: row.try_get_by_index(8)?,
            archived_at: row.try_get_by_index(9)?,
            changes: Vec::new(),
        });
    }
    if !earliest.is_now {
        let changed = deals.iter().filter(|deal| deal.updated_at > earliest.at).map(|deal| deal.id);
        let mut changes = changes(ctx, changed.collect(), earliest.at).await?;
        for deal in &mut deals {
            deal.changes = changes.remove(&deal.id).unwrap_or_default();
        }
    }
    let mut found: HashMap<UserId, Vec<Deal>> = HashMap::new();
    for deal in deals {
        found.entry(deal.owner).or_default().push(deal);
    }
    Ok(found)
}

/// Returns what events after an instant changed, in their order: one statement, or none where nothing changed.
async fn changes(
    ctx: &RequestContext,
    ids: Vec<OpportunityId>,
    after: Instant,
) -> Result<HashMap<OpportunityId, Vec<(Instant, Before)>>> {
    let mut found: HashMap<OpportunityId, Vec<(Instant, Before)>> = HashMap::new();
    let viewer = ctx.viewer()?;
    for ids in ids.chunks(CHUNK) {
        let query = event::Entity::of(viewer.organization.id)
            .filter(is_any_of(ctx.reader(), event::Column::SubjectId, ids.iter().map(|id| id.0)))
            .filter(event::Column::At.gt(after))
            // What was entered later stood before as it was entered.
            .filter(event::Column::Kind.ne("opportunity.created"))
            .order_by_asc(event::Column::Seq)
            .select_only()
            .columns([event::Column::SubjectId, event::Column::At, event::Column::Changes])
            .into_query();
        for row in ctx.reader().query_all(&query).await? {
            let (id, changes): (uuid::Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
            let (at, changes) = (row.try_get_by_index(1)?, serde_json::from_str(&changes).unwrap_or_default());
            let before = Before::read(&changes, viewer.currency).into_iter().map(|before| (at, before));
            found.entry(OpportunityId(id)).or_default().extend(before);
        }
    }
    Ok(found)
}

impl Before {
    /// Returns the values before the changes of one event.
    fn read(changes: &Map<String, Value>, currency: Currency) -> Vec<Self> {
        let value = |(name, change): (&String, &Value)| {
            let from = change.get("from").unwrap_or(&Value::Null);
            Some(match name.as_str() {
                "amount" => Self::Amount(from.as_str().and_then(|text| currency.minor(parse::decimal(text)?).ok())),
                "stage" => Self::Stage(Stage::iter().find(|stage| Some(stage.word()) == from.as_str())?),
                "probability" => Self::Probability(from.as_i64().and_then(|percent| i32::try_from(percent).ok())),
                "expectedCloseOn" => Self::ExpectedCloseOn(from.as_str().and_then(parse::day)),
                _ => return None,
            })
        };
        changes.iter().filter_map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;
    use serde_json::json;

    use super::*;
    use crate::values::calendar::DAY;

    fn moment(on: i32) -> PointInTime {
        PointInTime { on: Day(on), at: Instant((i64::from(on) + 1) * DAY - 1), is_now: false }
    }

    const NOW: PointInTime = PointInTime { on: Day(300), at: Instant(300 * DAY + 5), is_now: true };

    fn deal(opened_on: i32, closed_on: Option<i32>) -> Deal {
        Deal {
            id: OpportunityId::make(),
            owner: UserId::make(),
            now: State {
                amount: Some(900),
                stage: if closed_on.is_some() { Stage::Won } else { Stage::Proposed },
                probability: None,
                expected_close_on: Some(Day(250)),
            },
            opened_on: Day(opened_on),
            closed_on: closed_on.map(Day),
            archived_at: None,
            updated_at: Instant(0),
            changes: Vec::new(),
        }
    }

    #[test]
    fn a_past_day_has_what_was_known_then() {
        let changed = |day: i64, changes: Value| {
            let eur = Currency::of("EUR").unwrap();
            let before = Before::read(changes.as_object().unwrap(), eur);
            before.into_iter().map(|before| (Instant(day * DAY), before)).collect::<Vec<_>>()
        };
        let deal = Deal {
            changes: [
                changed(120, json!({"amount": {"from": "5.00", "to": "7.00"}, "name": {"from": "a", "to": "b"}})),
                changed(
                    150,
                    json!({"amount": {"from": "7.00", "to": "9.00"}, "stage": {"from": "IDENTIFIED", "to": "PROPOSED"}}),
                ),
                changed(
                    200,
                    json!({"stage": {"from": "PROPOSED", "to": "WON"}, "probability": {"from": 60, "to": null}, "expectedCloseOn": {"from": null, "to": "1970-09-08"}}),
                ),
            ]
            .concat(),
            ..deal(100, Some(200))
        };
        let open = |on| deal.open_on(moment(on), 33).map(|open| (open.amount, open.percent));
        assert_eq!(open(99), None);
        assert_eq!(open(110), Some((500, 60)));
        assert_eq!(open(130), Some((700, 60)));
        assert_eq!(open(160), Some((900, 60)));
        assert_eq!((open(200), open(250)), (None, None));
        assert_eq!(deal.state(moment(110).at).stage, Stage::Identified);
        assert_eq!(deal.state(moment(110).at).expected_close_on, None);
    }

    #[test]
    fn where_the_stage_was_not_recorded_the_given_probability_counts() {
        let imported = deal(100, Some(200));
        assert_eq!(imported.open_on(moment(150), 33).map(|open| open.percent), Some(33));
        assert_eq!(deal(100, None).open_on(moment(150), 33).map(|open| open.percent), Some(50));
    }

    #[test]
    fn now_rows_count_as_they_stand() {
        // In another zone it is tomorrow already.
        assert!(deal(301, None).open_on(NOW, 0).is_some());
        assert_eq!(deal(100, Some(301)).closed_before(NOW), Some(true));
        assert_eq!(deal(301, None).cycle(NOW), Some(Case::open(0)));
    }

    #[test]
    fn archived_accounts_ask_for_nothing() {
        let archived = Deal { archived_at: Some(Instant(150 * DAY)), ..deal(100, None) };
        assert!(archived.open_on(moment(140), 0).is_some() && archived.open_on(moment(150), 0).is_none());
    }

    #[test]
    fn win_rates_look_back_a_year_and_cycles_three() {
        let closed = deal(-900, Some(0));
        assert_eq!((closed.closed_before(moment(364)), closed.closed_before(moment(365))), (Some(true), None));
        assert_eq!((closed.won_amount(moment(364)), closed.won_amount(moment(365))), (Some(900), None));
        assert_eq!(
            (closed.cycle(moment(100)), closed.cycle(moment(-1))),
            (Some(Case::ended(900)), Some(Case::open(899)))
        );
        assert_eq!(closed.cycle(moment(196)), None);
        assert_eq!(deal(10, Some(10)).cycle(moment(100)), Some(Case::ended(0)));
    }
}
