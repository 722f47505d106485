//! Stalled opportunities: ask for a commitment.

use entity::{AccountId, Day, Instant, OpportunityId};
use serde_json::json;

use super::{Finding, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, lasting, number, subject};
use crate::context::RequestContext;
use crate::domain::opportunity::stalled::{self, STALLED_DAYS};
use crate::error::Result;
use crate::values::calendar::day_of;

/// A stalled opportunity.
pub(super) struct Still {
    day: usize,
    opportunity: OpportunityId,
    account: AccountId,
    name: String,
    amount: Option<i64>,
    opened_on: Day,
    asked: Option<Instant>,
}

/// Finds the stalled opportunities of each day's user: one statement.
pub(super) async fn find(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Box<dyn Finding>>> {
    let owners: Vec<_> = days.iter().map(|today| (today.user, today.at, today.on)).collect();
    let found = stalled::of_owners(ctx, &owners).await?;
    let still = |(day, row): (usize, stalled::Stalled)| {
        let stalled::Stalled { opportunity, account, name, amount, opened_on, asked } = row;
        Box::new(Still { day, opportunity, account, name, amount, opened_on, asked }) as Box<dyn Finding>
    };
    Ok(found.into_iter().map(still).collect())
}

impl Finding for Still {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let last = self.asked.map_or(self.opened_on, |at| day_of(at, context.zone));
        let days = (context.on.0 - last.0).max(0);
        let long = lasting(days);
        let (name, company) = (&self.name, context.name);
        let why = match self.asked {
            Some(_) => format!("{company} has not been asked for a commitment on {name} for {long}."),
            None => format!("{company} has not been asked for a commitment on {name}, which was opened {long} ago."),
        };
        let moves = "n opportunity moves by the next commitment, and without one it stands still.";
        let if_skipped = self.amount.map_or_else(
            || format!("A{moves}"),
            |minor| {
                let amount = context.currency.decimal(minor);
                format!("{} {amount} do not come closer: a{moves}", context.currency.code())
            },
        );
        Suggestion {
            kind: SuggestionKind::AskForCommitment,
            account: Some(self.account),
            subject: subject(self.opportunity),
            title: name.clone(),
            facts: json!({
                "daysSinceOpened": (context.on.0 - self.opened_on.0).max(0),
                "daysSinceAsked": self.asked.map(|_| days),
                "amount": self.amount.map(|minor| number(context.currency.decimal(minor))),
            }),
            why,
            if_skipped,
            due_on: Some(last.plus(STALLED_DAYS)),
            cost: SkippingCost {
                urgent: false,
                amount: self.amount.unwrap_or_default(),
                presence: 0.0,
                days: context.on.0 - last.plus(STALLED_DAYS).0,
            },
            place: i64::from(last.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;
    use crate::values::calendar::DAY;

    fn still(amount: Option<i64>, asked: Option<i64>) -> Suggestion {
        let still = Still {
            day: 0,
            opportunity: OpportunityId::make(),
            account: AccountId::make(),
            name: "Warehouse".to_owned(),
            amount,
            opened_on: Day(60),
            asked: asked.map(|day| Instant(day * DAY)),
        };
        still.suggest(&context())
    }

    #[test]
    fn it_is_due_two_weeks_after_the_last_time() {
        let asked = still(Some(1_200_000), Some(79));
        assert_eq!(asked.why, "Acme has not been asked for a commitment on Warehouse for 21 days.");
        assert!(asked.if_skipped.starts_with("EUR 12000.00 do not come closer: an opportunity moves"));
        assert_eq!((asked.due_on, asked.cost.amount, asked.cost.days), (Some(Day(93)), 1_200_000, 7));
        let never = still(None, None);
        assert_eq!(never.why, "Acme has not been asked for a commitment on Warehouse, which was opened 40 days ago.");
        assert!(never.if_skipped.starts_with("An opportunity moves"));
        assert_eq!((never.due_on, never.cost.amount, never.cost.days), (Some(Day(74)), 0, 26));
    }
}
