//! Whether being present, known and valued pays: how often we were invited after trigger events for which we were ready, and
//! after the others.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::opportunity::Stage;
use entity::trigger_event::{self, TriggerOutcome};
use entity::{AccountId, Day, opportunity};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use statistics::odds::{Arm, ratio, risk_difference};

use crate::context::RequestContext;
use crate::domain::presence::{Ask, Presence};
use crate::domain::trigger_event::{TriggerEvent, TriggerKind};
use crate::error::{Error, Result};
use crate::graphql::estimate::{ENOUGH, Estimate, count};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::DateRange;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar::DAY;
use database::columns::is_any_of;

/// Days after which it is known what became of an event.
const SETTLED: i32 = 180;
/// Days after an event within which an opportunity counts as an invitation.
const INVITED_WITHIN: i32 = 90;
/// Days within which a touch may be entered late.
const ENTERED_WITHIN: i64 = 2;
/// The largest number of events.
const MOST_EVENTS: u64 = 20_000;

/// One event, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outcome {
    ready: bool,
    invited: bool,
    won: bool,
}

/// Trigger events for which we were ready, or were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresenceArm {
    arm: Arm,
    won: usize,
}

/// What readiness does.
#[derive(Clone, Debug, Default)]
pub struct PresenceEffect {
    ready: PresenceArm,
    not_ready: PresenceArm,
    missed: Vec<TriggerEvent>,
}

object! {
    /// What it does to be ready when a client becomes ready to change: trigger events of a range of days, at least 180 days ago,
    /// at accounts that the caller sees. We were ready if presence, known and value were high enough at the end of the day before,
    /// by what was recorded within 2 days of it. We were invited if an opportunity was opened at the account within 90 days, or
    /// if the outcome is WON or COMPETED_AND_LOST.
    PresenceEffect as "PresenceEffect" {
        /// Events for which we were ready.
        ready: PresenceArm = plain(|effect| effect.ready);
        /// Events for which we were not.
        notReady: PresenceArm = plain(|effect| effect.not_ready);
        /// The odds of being invited when ready ÷ those when not, with 0.5 added to every cell and the interval on the logarithm;
        /// sufficient from 10 events of each.
        oddsRatio: Estimate = plain(|effect| effect.odds_ratio());
        /// invitedRate of ready − invitedRate of notReady; null where either has no events.
        riskDifference: Option<f64> = plain(|effect| risk_difference(effect.ready.arm, effect.not_ready.arm));
        /// The events after which we were not invited, the latest first; at most 500.
        missed: Vec<TriggerEvent> = batch(missed);
    }
}

object! {
    /// Trigger events for which we were ready, or were not.
    PresenceArm as "PresenceArm" {
        /// Their number.
        events: i32 = plain(|of| count(of.arm.events));
        /// The number of those after which we were invited.
        invited: i32 = plain(|of| count(of.arm.successes));
        /// The number of those whose outcome is WON, or after which an opportunity of those 90 days was won.
        won: i32 = plain(|of| count(of.won));
        /// invited ÷ events; null without events.
        invitedRate: Option<f64> = plain(|of| of.arm.rate());
        /// won ÷ events; null without events.
        wonRate: Option<f64> = plain(|of| Arm { successes: of.won, ..of.arm }.rate());
    }
}

impl PresenceEffect {
    fn of(outcomes: &[Outcome]) -> Self {
        let arm = |ready: bool| {
            let own: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.ready == ready).collect();
            let invited = own.iter().filter(|outcome| outcome.invited).count();
            let won = own.iter().filter(|outcome| outcome.won).count();
            PresenceArm { arm: Arm { events: own.len(), successes: invited }, won }
        };
        Self { ready: arm(true), not_ready: arm(false), missed: Vec::new() }
    }

    fn odds_ratio(&self) -> Estimate {
        let found = ratio(self.ready.arm, self.not_ready.arm);
        let [ready, not_ready] = [self.ready, self.not_ready].map(|of| i64::from(count(of.arm.events)));
        let sufficient = found.is_some() && ready >= ENOUGH && not_ready >= ENOUGH;
        let note = (!sufficient).then(|| {
            format!(
                "It rests on {ready} events when ready and {not_ready} when not; at least {ENOUGH} of each are needed."
            )
        });
        Estimate {
            value: found.map(|ratio| ratio.value),
            interval: found.map(|ratio| ratio.interval),
            n: count(self.ready.arm.events + self.not_ready.arm.events),
            sufficient,
            note,
        }
    }
}

async fn missed(field: &FieldContext<'_>, of: &[&PresenceEffect]) -> Result<Batch<Vec<TriggerEvent>>> {
    if of.iter().any(|effect| effect.missed.len() as u64 > LONGEST_LIST) {
        let message = format!("More than {LONGEST_LIST} events were missed: ask for a shorter range.");
        return Err(Error::LimitExceeded(message));
    }
    field.object_lists(&of.iter().map(|effect| effect.missed.as_slice()).collect::<Vec<_>>()).await
}

/// Arguments of `analytics.presenceEffect`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PresenceEffectArguments {
    /// The days on which the events happened, both ends included. Events of the last 180 days do not count yet.
    pub range: DateRange,
    /// The kind of events.
    #[graphql(default_with = "Some(TriggerKind::Dissatisfaction)")]
    pub kind: Option<TriggerKind>,
}

/// Resolves `Analytics.presenceEffect`: at most six statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a range that ends before it begins; `LIMIT_EXCEEDED` for more than 20,000 events.
pub async fn presence_effect(
    field: &FieldContext<'_>,
    arguments: PresenceEffectArguments,
) -> Result<Option<PresenceEffect>> {
    use trigger_event::Column;
    let PresenceEffectArguments { range, kind } = arguments;
    let (from, to) = range.days()?;
    let kind = kind.unwrap_or(TriggerKind::Dissatisfaction);
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let to = to.min(viewer.day(ctx.now).plus(-SETTLED));
    let events = viewer
        .sums::<trigger_event::Entity>(Column::AccountId)
        .filter(Column::OccurredOn.gte(from))
        .filter(Column::OccurredOn.lte(to))
        .filter(Column::Kind.eq(trigger_event::TriggerKind::from(kind)))
        .order_by_desc(Column::OccurredOn)
        .order_by_desc(Column::Id)
        .limit(MOST_EVENTS + 1)
        .all(ctx.reader())
        .await?;
    if events.len() as u64 > MOST_EVENTS {
        let message = format!("There are more than {MOST_EVENTS} events: ask for a shorter range.");
        return Err(Error::LimitExceeded(message));
    }
    let asks: Vec<Ask> =
        events.iter().map(|event| Ask::on(viewer, event.account_id, event.occurred_on.plus(-1), ctx.now)).collect();
    let presences = Presence::read(ctx, &asks, ENTERED_WITHIN * DAY).await?;
    let openings = openings(ctx, &events).await?;
    let outcomes: Vec<Outcome> = events
        .iter()
        .zip(&presences)
        .map(|(event, presence)| {
            let of_account = openings.get(&event.account_id).map_or(&[][..], Vec::as_slice);
            outcome(event, presence.is_ready(), of_account)
        })
        .collect();
    let mut effect = PresenceEffect::of(&outcomes);
    let missed = events.into_iter().zip(&outcomes).filter(|(_, outcome)| !outcome.invited);
    effect.missed = missed.map(|(event, _)| TriggerEvent(event)).collect();
    Ok(Some(effect))
}

/// An opportunity at the account of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opening {
    on: Day,
    won: bool,
}

/// Returns what became of an event.
fn outcome(event: &trigger_event::Model, ready: bool, openings: &[Opening]) -> Outcome {
    let within = event.occurred_on..=event.occurred_on.plus(INVITED_WITHIN);
    let mut led_to = openings.iter().filter(|one| within.contains(&one.on)).peekable();
    let competed = matches!(event.outcome, Some(TriggerOutcome::Won | TriggerOutcome::CompetedAndLost));
    Outcome {
        ready,
        invited: competed || led_to.peek().is_some(),
        won: event.outcome == Some(TriggerOutcome::Won) || led_to.any(|one| one.won),
    }
}

/// Returns the opportunities at the accounts of events: one statement.
async fn openings(ctx: &RequestContext, events: &[trigger_event::Model]) -> Result<HashMap<AccountId, Vec<Opening>>> {
    use opportunity::Column;
    let mut accounts: Vec<AccountId> = events.iter().map(|event| event.account_id).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut found: HashMap<AccountId, Vec<Opening>> = HashMap::new();
    let Some(first) = events.iter().map(|event| event.occurred_on).min() else { return Ok(found) };
    let query = ctx
        .viewer()?
        .sums::<opportunity::Entity>(Column::AccountId)
        .filter(is_any_of(ctx.reader(), Column::AccountId, accounts))
        .filter(Column::OpenedOn.gte(first))
        .select_only()
        .columns([Column::AccountId, Column::OpenedOn, Column::Stage])
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        let stage: Stage = row.try_get_by_index(2)?;
        let opening = Opening { on: row.try_get_by_index(1)?, won: stage == Stage::Won };
        found.entry(row.try_get_by_index(0)?).or_default().push(opening);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use entity::{Id as _, Instant, OrganizationId, TriggerEventId};

    use super::*;

    fn event(outcome: Option<TriggerOutcome>) -> trigger_event::Model {
        trigger_event::Model {
            id: TriggerEventId::make(),
            organization_id: OrganizationId::make(),
            account_id: AccountId::make(),
            kind: trigger_event::TriggerKind::Dissatisfaction,
            occurred_on: Day(100),
            description: None,
            contact_id: None,
            recorded_by_id: None,
            outcome,
            resolved_on: None,
            created_at: Instant(0),
            updated_at: Instant(0),
            version: 1,
        }
    }

    #[test]
    fn an_invitation_is_an_opportunity_within_ninety_days_or_an_outcome() {
        let invited = |outcome_of: Option<TriggerOutcome>, openings: &[(i32, bool)]| {
            let openings: Vec<Opening> = openings.iter().map(|(on, won)| Opening { on: Day(*on), won: *won }).collect();
            let found = outcome(&event(outcome_of), true, &openings);
            (found.invited, found.won)
        };
        assert_eq!(invited(None, &[]), (false, false));
        assert_eq!(invited(None, &[(99, true), (191, true)]), (false, false));
        assert_eq!((invited(None, &[(100, false)]), invited(None, &[(190, true)])), ((true, false), (true, true)));
        assert_eq!(invited(None, &[(110, false), (120, true)]), (true, true));
        assert_eq!(invited(Some(TriggerOutcome::Won), &[]), (true, true));
        assert_eq!(invited(Some(TriggerOutcome::CompetedAndLost), &[]), (true, false));
        assert_eq!(invited(Some(TriggerOutcome::NotInvited), &[]), (false, false));
    }

    #[test]
    fn the_golden_odds() {
        let arm = |ready, invited: usize, events: usize| {
            (0..events).map(move |number| Outcome { ready, invited: number < invited, won: false })
        };
        let outcomes: Vec<Outcome> = arm(true, 12, 18).chain(arm(false, 3, 18)).collect();
        let found = PresenceEffect::of(&outcomes);
        let odds = found.odds_ratio();
        assert_eq!((odds.n, odds.sufficient, odds.note), (36, true, None));
        assert!((odds.value.unwrap() - 8.516).abs() < 5e-4);
        assert!((risk_difference(found.ready.arm, found.not_ready.arm).unwrap() - 0.5).abs() < 1e-12);
        let few: Vec<Outcome> = arm(true, 5, 9).chain(arm(false, 3, 18)).collect();
        assert!(!PresenceEffect::of(&few).odds_ratio().sufficient);
        assert_eq!(PresenceEffect::of(&[]).odds_ratio().value, None);
    }
}
