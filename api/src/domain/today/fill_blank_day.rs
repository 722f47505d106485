//! Working days of next week without a touch with a target.

use std::collections::BTreeSet;

use entity::{AccountId, Day, UserId};
use serde_json::json;

use super::{Finding, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, subject};
use crate::context::RequestContext;
use crate::domain::user::User;
use crate::domain::week::CalendarWeek;
use crate::error::Result;
use crate::values::calendar::monday;

/// A blank day.
pub(super) struct Blank {
    day: usize,
    user: UserId,
    on: Day,
    /// Its working minutes.
    minutes: i32,
    /// Blank days of the week, this one included.
    blanks: usize,
    /// Working days of the week.
    working: usize,
}

/// Finds the blank days of the week after each day: three statements, and three more where the days are of different weeks (it
/// may be Monday for one user and Sunday for another).
pub(super) async fn find(ctx: &RequestContext, days: &[Today], users: &[&User]) -> Result<Vec<Box<dyn Finding>>> {
    let next = |today: &Today| monday(today.on).plus(7);
    let weeks: BTreeSet<Day> = days.iter().map(next).collect();
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    for week in weeks {
        let whose: Vec<(usize, &User)> = days
            .iter()
            .enumerate()
            .filter(|(_, today)| next(today) == week)
            .filter_map(|(day, today)| Some((day, *users.iter().find(|user| user.0.id == today.user)?)))
            .collect();
        let models = whose.iter().map(|(_, user)| user.0.clone()).collect();
        for ((day, user), week) in whose.iter().zip(CalendarWeek::of(ctx, models, Some(week)).await?) {
            let (working, blank) = week.working_and_blank_days();
            for (on, minutes) in &blank {
                let (blanks, day, on, minutes) = (blank.len(), *day, *on, *minutes);
                found.push(Box::new(Blank { day, user: user.0.id, on, minutes, blanks, working }));
            }
        }
    }
    Ok(found)
}

impl Finding for Blank {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let weekday = self.on.date().format("%A");
        Suggestion {
            kind: SuggestionKind::FillBlankDay,
            account: None,
            subject: subject(self.user),
            title: format!("{weekday}, {}", self.on),
            facts: json!({"workingMinutes": self.minutes, "blankDays": self.blanks, "workingDays": self.working}),
            why: format!("{weekday}, {}, has {} working minutes and no touch with a target.", self.on, self.minutes),
            if_skipped: format!(
                "{} of the {} working days of that week are blank: as blank as the pipeline will be in some months.",
                self.blanks, self.working
            ),
            due_on: Some(self.on),
            cost: SkippingCost { days: context.on.0 - self.on.0, ..SkippingCost::default() },
            place: i64::from(self.on.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;

    #[test]
    fn the_sentences_name_the_day() {
        let blank = Blank { day: 0, user: UserId::make(), on: Day(103), minutes: 480, blanks: 2, working: 5 };
        let said = blank.suggest(&context());
        assert_eq!(said.why, "Tuesday, 1970-04-14, has 480 working minutes and no touch with a target.");
        assert!(said.if_skipped.starts_with("2 of the 5 working days of that week are blank"));
        assert_eq!((said.account, said.due_on), (None, Some(Day(103))));
    }
}
