//! Unanswered trigger events of the last 90 days.

use entity::trigger_event::TriggerKind;
use entity::{AccountId, Columns, Day, FromColumn, Row, Scoped as _, TriggerEventId, account, trigger_event};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;

use super::{
    Finding, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, ago, day_of_user, most, subject,
};
use crate::context::RequestContext;
use crate::error::Result;

/// Days after which an opportunity no longer counts as an answer to a trigger event.
const ANSWERED_WITHIN: i32 = 90;

/// An unanswered trigger event.
pub(super) struct Unanswered {
    day: usize,
    event: TriggerEventId,
    account: AccountId,
    kind: TriggerKind,
    occurred_on: Day,
}

/// Finds the unsettled trigger events at the accounts of each day's user that led to no opportunity, the latest first: one
/// statement.
pub(super) async fn find(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Box<dyn Finding>>> {
    let (first, last) = (days.iter().map(|today| today.on).min(), days.iter().map(|today| today.on).max());
    let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
    let viewer = ctx.viewer()?;
    // Today's may be of a day that has not begun in the user's time zone.
    let last = if days.iter().any(|today| today.is_now) { last.plus(2) } else { last };
    // The caller may see far more than these users own.
    let owned = account::Entity::of(viewer.organization.id)
        .filter(Expr::cust("account.id = trigger_event.account_id"))
        .filter(account::Column::OwnerId.is_in(days.iter().map(|today| today.user)))
        .filter(account::Column::ArchivedAt.is_null())
        .select_only()
        .column(account::Column::Id)
        .into_query();
    let mut query = viewer
        .rows::<trigger_event::Entity>(trigger_event::Column::AccountId)
        .filter(trigger_event::Column::Outcome.is_null())
        .filter(trigger_event::Column::OccurredOn.between(first.plus(-ANSWERED_WITHIN), last))
        .filter(Expr::exists(owned))
        .filter(Expr::cust(
            "not exists (select 1 from opportunity where opportunity.organization_id = trigger_event.organization_id
                and opportunity.trigger_event_id = trigger_event.id)",
        ))
        .order_by_desc(trigger_event::Column::OccurredOn)
        .order_by_desc(trigger_event::Column::Id)
        .limit(most(days))
        .into_query();
    query.expr(Expr::cust("(select account.owner_id from account where account.id = trigger_event.account_id)"));
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    for row in ctx.reader().read(|| ctx.services.db.backend().build(&query)).await? {
        let owner = FromColumn::at(&row, trigger_event::Model::FIELDS.len())?;
        let Some(day) = day_of_user(days, owner) else { continue };
        let row = trigger_event::Model::read(&row, Columns::ALL)?;
        let age = days[day].on.0 - row.occurred_on.0;
        let age = if days[day].is_now { age.max(0) } else { age };
        if (0..=ANSWERED_WITHIN).contains(&age) {
            let trigger_event::Model { id, account_id, kind, occurred_on, .. } = row;
            found.push(Box::new(Unanswered { day, event: id, account: account_id, kind, occurred_on }));
        }
    }
    Ok(found)
}

/// Returns what happened, in words.
const fn said(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::Dissatisfaction => "is dissatisfied with whom they have",
        TriggerKind::LeadershipChange => "changed its leaders",
        TriggerKind::ContractEnd => "has a contract that ends",
        TriggerKind::Funding => "got money",
        TriggerKind::Expansion => "expands",
        TriggerKind::Regulation => "has a new rule to live by",
        TriggerKind::Other => "may be ready to change",
    }
}

impl Finding for Unanswered {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let name = context.name;
        let age = (context.on.0 - self.occurred_on.0).max(0);
        Suggestion {
            kind: SuggestionKind::AnswerTriggerEvent,
            account: Some(self.account),
            subject: subject(self.event),
            title: name.to_owned(),
            facts: json!({"daysAgo": age, "daysItCounts": ANSWERED_WITHIN}),
            why: format!(
                "{name} {} ({}, {}), and no opportunity came of it yet.",
                said(self.kind),
                self.occurred_on,
                ago(age)
            ),
            if_skipped: format!(
                "Those who are there first are asked: {age} of the {ANSWERED_WITHIN} days in which it counts are gone."
            ),
            due_on: None,
            cost: SkippingCost {
                urgent: self.kind == TriggerKind::Dissatisfaction,
                amount: context.open,
                presence: 0.0,
                days: age,
            },
            place: -i64::from(self.occurred_on.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;

    fn say(kind: TriggerKind, occurred_on: i32) -> Suggestion {
        let (event, account) = (TriggerEventId::make(), AccountId::make());
        Unanswered { day: 0, event, account, kind, occurred_on: Day(occurred_on) }.suggest(&context())
    }

    #[test]
    fn the_sentences_say_what_happened_and_when() {
        let said = say(TriggerKind::Dissatisfaction, 88);
        assert_eq!(
            said.why,
            "Acme is dissatisfied with whom they have (1970-03-30, 12 days ago), and no opportunity came of it yet."
        );
        assert_eq!(
            said.if_skipped,
            "Those who are there first are asked: 12 of the 90 days in which it counts are gone."
        );
    }

    #[test]
    fn dissatisfaction_comes_first() {
        let cost = say(TriggerKind::Dissatisfaction, 50).cost;
        assert_eq!(cost, SkippingCost { urgent: true, amount: 500, presence: 0.0, days: 50 });
        assert!(!say(TriggerKind::Funding, 99).cost.urgent);
    }
}
