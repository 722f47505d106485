//! Open opportunities for which nobody asks for a commitment.

use entity::{AccountId, Day, Instant, OpportunityId};

use super::{Finding, Kind, Suggestion, Today, Told, lasting, subject};
use crate::context::RequestContext;
use crate::domain::opportunity::stalled::{self, STALLED_DAYS};
use crate::error::Result;
use crate::values::calendar::day_of;

/// An opportunity that does not move.
pub(super) struct Still {
    day: usize,
    opportunity: OpportunityId,
    account: AccountId,
    name: String,
    amount: Option<i64>,
    opened_on: Day,
    asked: Option<Instant>,
}

/// The opportunities of each day's user that stand still: one statement.
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

    fn suggest(&self, told: &Told<'_>) -> Suggestion {
        let last = self.asked.map_or(self.opened_on, |at| day_of(at, told.zone));
        let days = lasting((told.on.0 - last.0).max(0));
        let (name, company) = (&self.name, told.name);
        let why = match self.asked {
            Some(_) => format!("Nobody has asked {company} for a commitment on {name} for {days}."),
            None => format!("Nobody has asked {company} for a commitment on {name}, which was opened {days} ago."),
        };
        let moves = "n opportunity moves by the next commitment, and without one it stands still.";
        let if_skipped = self.amount.map_or_else(
            || format!("A{moves}"),
            |minor| {
                let amount = told.currency.decimal(minor);
                format!("{} {amount} do not come closer: a{moves}", told.currency.code())
            },
        );
        Suggestion {
            kind: Kind::AskForCommitment,
            account: Some(self.account),
            subject: subject(self.opportunity),
            why,
            if_skipped,
            due_on: Some(last.plus(STALLED_DAYS)),
            // The larger amount first, those without one last.
            place: self.amount.map_or(0, |minor| -minor - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::told;
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
        still.suggest(&told())
    }

    #[test]
    fn it_is_due_two_weeks_after_the_last_time() {
        let asked = still(Some(1_200_000), Some(79));
        assert_eq!(asked.why, "Nobody has asked Acme for a commitment on Warehouse for 21 days.");
        assert!(asked.if_skipped.starts_with("EUR 12000.00 do not come closer: an opportunity moves"));
        assert_eq!((asked.due_on, asked.place), (Some(Day(93)), -1_200_001));
        let never = still(None, None);
        assert_eq!(never.why, "Nobody has asked Acme for a commitment on Warehouse, which was opened 40 days ago.");
        assert!(never.if_skipped.starts_with("An opportunity moves"));
        assert_eq!((never.due_on, never.place), (Some(Day(74)), 0));
    }
}
