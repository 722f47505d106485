//! Targets at which we are absent, or will be within a week.

use std::collections::HashSet;

use entity::{AccountId, Instant, TargetId, target};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use serde_json::json;

use super::{
    Finding, SOON, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, ago, day_of_user, subject,
};
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::domain::presence::formula::microseconds;
use crate::domain::presence::{Ask, Presence, asked, nurture};
use crate::domain::targeting::was_on_list;
use crate::error::Result;
use crate::values::calendar::DAY;
use crate::values::calendar::day_of;

/// A target that is on a user's list on a day.
pub(super) struct Listed {
    /// The place of the day among the days.
    pub day: usize,
    /// The instant that the day stands for.
    pub at: Instant,
    /// The target.
    pub target: target::Model,
}

/// Reads the targets on the lists of some days, without those at archived accounts: one statement.
pub(super) async fn listed(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Listed>> {
    let rows = ctx
        .viewer()?
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(target::Column::SellerId.is_in(days.iter().map(|today| today.user)))
        .filter(target::Column::Since.is_not_null())
        .filter(is_active(target::Column::AccountId))
        .order_by_asc(target::Column::Id)
        .all(ctx.reader())
        .await?;
    let on_day = |target: target::Model| {
        let day = day_of_user(days, target.seller_id)?;
        let at = days[day].at;
        was_on_list(&target, at).then_some(Listed { day, at, target })
    };
    Ok(rows.into_iter().filter_map(on_day).collect())
}

/// A target at which we are absent, or will be within a week.
pub(super) struct Fading {
    day: usize,
    target: TargetId,
    account: AccountId,
    presence: f64,
    /// Presence in a week if nothing is done.
    in_a_week: f64,
    threshold: f64,
    /// Days until we are absent; 0 where we are.
    left: f64,
    last: Option<Instant>,
}

/// Finds those of the targets at which presence fades: three statements.
pub(super) async fn find(ctx: &RequestContext, days: &[Today], targets: &[Listed]) -> Result<Vec<Box<dyn Finding>>> {
    let viewer = ctx.viewer()?;
    let asks: Vec<Ask> = targets.iter().map(|listed| Ask::at(viewer, listed.target.account_id, listed.at)).collect();
    let presences = Presence::of_touches(ctx, &asks).await?;
    let mut fading: Vec<(Ask, Fading)> = Vec::new();
    for ((listed, ask), presence) in targets.iter().zip(asks).zip(presences) {
        let left = presence.days_until_absent();
        if left > f64::from(SOON) {
            continue;
        }
        // A touch that is scheduled later comes too late. Where we are absent already, any within a week will do.
        let until = listed.at.0 + if left > 0.0 { microseconds(left) } else { i64::from(SOON) * DAY };
        let fades = Fading {
            day: listed.day,
            target: listed.target.id,
            account: listed.target.account_id,
            presence: presence.presence,
            in_a_week: presence.in_days(f64::from(SOON)),
            threshold: viewer.organization.presence_threshold,
            left,
            last: None,
        };
        fading.push((Ask { at: Instant(until), since: Instant(listed.at.0 - DAY), ..ask }, fades));
    }
    let ahead: Vec<Ask> = fading.iter().map(|(ask, _)| *ask).collect();
    let scheduled = scheduled(ctx, &ahead).await?;
    let asks: Vec<Ask> = fading
        .iter()
        .map(|(ask, fades)| Ask { at: days.get(fades.day).map_or(ask.at, |today| today.at), ..*ask })
        .collect();
    let last = nurture::last(ctx, &asks).await?;
    let left = fading.into_iter().zip(last).enumerate().filter(|(place, _)| !scheduled.contains(place));
    Ok(left.map(|(_, ((_, fades), last))| Box::new(Fading { last, ..fades }) as Box<dyn Finding>).collect())
}

/// Returns the places of those with a touch scheduled between `since` and `at`: one statement.
async fn scheduled(ctx: &RequestContext, asks: &[Ask]) -> Result<HashSet<usize>> {
    let sql = format!(
        "select asked.number from asked where exists (
            select 1 from touch
            where touch.organization_id = $2 and touch.account_id = asked.subject_id
                and touch.at > asked.since and touch.at <= asked.at
                and touch.status = 'SCHEDULED' and touch.missed_at > {}
        )",
        ctx.now.0
    );
    Ok(asked::rows(ctx, asks, &sql).await?.into_iter().map(|(place, _)| place).collect())
}

/// Returns the whole days of a duration.
#[expect(clippy::cast_possible_truncation, reason = "decades at most")]
fn whole(days: f64) -> i32 {
    days.floor() as i32
}

impl Finding for Fading {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let (name, presence, threshold) = (context.name, self.presence, self.threshold);
        let days = self.last.map(|last| context.on.0 - day_of(last, context.zone).0);
        let touched = days.map_or_else(
            || "there has been no touch yet".to_owned(),
            |days| format!("the last touch was {}", ago(days)),
        );
        let (why, if_skipped, due_on) = if self.left > 0.0 {
            let due_on = context.on.plus(whole(self.left));
            let why = format!(
                "Presence at {name} is {presence:.2} and falls below {threshold:.2} in {:.1} days; {touched}.",
                self.left
            );
            let if_skipped = format!(
                "After {due_on} we are absent at {name}: should they become dissatisfied then, we are not whom they think of."
            );
            (why, if_skipped, due_on)
        } else {
            let why = format!("We are absent at {name}: presence is {presence:.2}, below {threshold:.2}; {touched}.");
            let if_skipped = format!(
                "In a week presence is {:.2}: should {name} become dissatisfied, we are not whom they think of.",
                self.in_a_week
            );
            (why, if_skipped, context.on)
        };
        Suggestion {
            kind: SuggestionKind::TouchTarget,
            account: Some(self.account),
            subject: subject(self.target),
            title: name.to_owned(),
            facts: json!({
                "presence": presence,
                "threshold": threshold,
                "daysUntilAbsent": self.left,
                "presenceInAWeek": self.in_a_week,
                "daysSinceTouch": days,
            }),
            why,
            if_skipped,
            due_on: Some(due_on),
            cost: SkippingCost {
                amount: context.open,
                presence: presence - self.in_a_week,
                days: context.on.0 - due_on.0,
                ..SkippingCost::default()
            },
            // The better the account, the more there is to lose.
            place: -context.score,
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;

    fn fading(presence: f64, left: f64, last: Option<i64>) -> Fading {
        Fading {
            day: 0,
            target: TargetId::make(),
            account: AccountId::make(),
            presence,
            in_a_week: presence / 2.0,
            threshold: 0.5,
            left,
            last: last.map(|day| Instant(day * DAY)),
        }
    }

    #[test]
    fn the_sentences_have_the_numbers_in_them() {
        let said = |fading: Fading| {
            let suggestion = fading.suggest(&context());
            (suggestion.why, suggestion.if_skipped, suggestion.due_on.map(|day| day.0), suggestion.place)
        };
        assert_eq!(
            said(fading(0.526, 3.26, Some(88))),
            (
                "Presence at Acme is 0.53 and falls below 0.50 in 3.3 days; the last touch was 12 days ago.".to_owned(),
                "After 1970-04-14 we are absent at Acme: should they become dissatisfied then, we are not whom they think of."
                    .to_owned(),
                Some(103),
                -70
            )
        );
        assert_eq!(
            said(fading(0.31, 0.0, Some(99))),
            (
                "We are absent at Acme: presence is 0.31, below 0.50; the last touch was yesterday.".to_owned(),
                "In a week presence is 0.15: should Acme become dissatisfied, we are not whom they think of."
                    .to_owned(),
                Some(100),
                -70
            )
        );
        assert!(said(fading(0.0, 0.0, None)).0.ends_with("presence is 0.00, below 0.50; there has been no touch yet."));
    }
}
