//! Proposals that wait for a user's decision.

use entity::target::TargetStatus;
use entity::{AccountId, Instant, TargetId, target};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{
    Finding, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, ago, lasting, most, shortened, subject,
};
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::domain::targeting::decide::awaits;
use crate::error::Result;
use crate::values::agreement::{Parties, Side};
use crate::values::calendar::day_of;
use database::columns::is_any_of;

/// A proposal that waits for a decision.
pub(super) struct Waiting {
    day: usize,
    target: TargetId,
    account: AccountId,
    since: Instant,
    rationale: String,
}

/// Finds the proposals that wait for each day's user, the oldest first: two statements.
pub(super) async fn find(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Box<dyn Finding>>> {
    let viewer = ctx.viewer()?;
    let mut parties = Parties::of_proposals(ctx.reader(), viewer.organization.id).await?;
    // The caller may see far more than these users decide on.
    parties.retain(|_, parties| days.iter().any(|today| parties.side(today.user) != Side::Neither));
    let rows = viewer
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(target::Column::Status.eq(TargetStatus::Proposed))
        .filter(is_active(target::Column::AccountId))
        .filter(is_any_of(ctx.reader(), target::Column::SellerId, parties.keys().copied()))
        .order_by_asc(target::Column::ProposedAt)
        .order_by_asc(target::Column::Id)
        .limit(most(days))
        .all(ctx.reader())
        .await?;
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    for row in rows {
        let Some(parties) = parties.get(&row.seller_id) else { continue };
        for (day, today) in days.iter().enumerate() {
            if awaits(&row, parties, today.user) && row.proposed_at <= today.at {
                found.push(Box::new(Waiting {
                    day,
                    target: row.id,
                    account: row.account_id,
                    since: row.proposed_at,
                    rationale: row.rationale.clone(),
                }));
            }
        }
    }
    Ok(found)
}

impl Finding for Waiting {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let since = day_of(self.since, context.zone);
        let days = (context.on.0 - since.0).max(0);
        let rationale = shortened(&self.rationale);
        let name = context.name;
        Suggestion {
            kind: SuggestionKind::DecideTarget,
            account: Some(self.account),
            subject: subject(self.target),
            title: name.to_owned(),
            facts: json!({"daysWaited": days}),
            why: format!("{name} was proposed as a target {} and waits for your word: “{rationale}”", ago(days)),
            if_skipped: format!(
                "{name} has waited {}, and no one is committed to pursue it until then.",
                lasting(days)
            ),
            due_on: None,
            cost: SkippingCost { days, ..SkippingCost::default() },
            place: self.since.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;
    use crate::values::calendar::DAY;

    #[test]
    fn a_long_rationale_is_cut_short() {
        let say = |rationale: &str| {
            let waiting = Waiting {
                day: 0,
                target: TargetId::make(),
                account: AccountId::make(),
                since: Instant(88 * DAY),
                rationale: rationale.to_owned(),
            };
            waiting.suggest(&context())
        };
        let short = say("They grow.");
        assert_eq!(short.why, "Acme was proposed as a target 12 days ago and waits for your word: “They grow.”");
        assert_eq!(short.if_skipped, "Acme has waited 12 days, and no one is committed to pursue it until then.");
        assert_eq!((short.due_on, short.place), (None, 88 * DAY));
        assert!(say(&"é".repeat(121)).why.ends_with("é…”"));
        assert!(say(&"é".repeat(120)).why.ends_with("éé”"));
    }
}
