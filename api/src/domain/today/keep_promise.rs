//! Promises that are overdue or due within a week.

use entity::{AccountId, Day, PromiseId, promise};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{
    Finding, SOON, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, ago, day_of_user, horizon,
    lasting, most, shortened, subject,
};
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::error::Result;

/// An open promise.
pub(super) struct Open {
    day: usize,
    promise: PromiseId,
    account: AccountId,
    what: String,
    made_on: Day,
    due_on: Day,
}

/// Finds the open promises of each day's user, the longest overdue first: one statement.
pub(super) async fn find(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Box<dyn Finding>>> {
    let last = horizon(days);
    let rows = ctx
        .viewer()?
        .rows::<promise::Entity>(promise::Column::AccountId)
        .filter(promise::Column::MadeById.is_in(days.iter().map(|today| today.user)))
        .filter(promise::Column::KeptOn.is_null())
        .filter(is_active(promise::Column::AccountId))
        .filter(promise::Column::DueOn.lte(last))
        .order_by_asc(promise::Column::DueOn)
        .order_by_asc(promise::Column::Id)
        .limit(most(days))
        .all(ctx.reader())
        .await?;
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    for row in rows {
        let Some(day) = day_of_user(days, row.made_by_id) else { continue };
        let Today { on, is_now, .. } = days[day];
        if row.due_on <= on.plus(SOON) && (is_now || row.made_on <= on) {
            let promise::Model { id, account_id, what, made_on, due_on, .. } = row;
            found.push(Box::new(Open { day, promise: id, account: account_id, what, made_on, due_on }));
        }
    }
    Ok(found)
}

impl Finding for Open {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let Self { what, made_on, due_on, .. } = self;
        let name = context.name;
        let late = context.on.0 - due_on.0;
        let waited = (context.on.0 - made_on.0).max(0);
        let due = if late < 0 { format!("is due on {due_on}") } else { format!("was due {}", ago(late)) };
        Suggestion {
            kind: SuggestionKind::KeepPromise,
            account: Some(self.account),
            subject: subject(self.promise),
            title: shortened(what),
            facts: json!({"daysLate": late, "daysWaited": waited}),
            why: format!("{name} was promised “{what}” on {made_on}; it {due}."),
            if_skipped: format!("{name} has waited {} for it, and remembers who keeps their word.", lasting(waited)),
            due_on: Some(*due_on),
            cost: SkippingCost { amount: context.open, days: late, ..SkippingCost::default() },
            place: i64::from(due_on.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;

    #[test]
    fn the_sentences_say_how_long_they_wait() {
        let say = |due_on: i32| {
            let (promise, account) = (PromiseId::make(), AccountId::make());
            let what = "a price list".to_owned();
            Open { day: 0, promise, account, what, made_on: Day(90), due_on: Day(due_on) }.suggest(&context())
        };
        assert_eq!(say(98).why, "Acme was promised “a price list” on 1970-04-01; it was due 2 days ago.");
        assert_eq!(say(102).why, "Acme was promised “a price list” on 1970-04-01; it is due on 1970-04-13.");
        assert_eq!(say(98).if_skipped, "Acme has waited 10 days for it, and remembers who keeps their word.");
    }
}
