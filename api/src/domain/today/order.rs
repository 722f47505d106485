//! The order of suggestions. Pure.
//!
//! What is overdue or due on the day comes first, and what has no due day counts as due; then what is due later. Each of the two
//! parts goes through the kinds in turn: first the most pressing suggestion of every kind, then the second of every kind, and
//! so on, so that no kind crowds out the others. Within a turn, and within a kind, they come by what skipping costs. What is
//! still equal comes by kind and id, so that the same rows give the same list every time.

use std::cmp::Ordering;
use std::collections::HashMap;

use entity::Day;

use super::{SkippingCost, Suggestion, SuggestionKind};

/// Suggestions of one kind in a list of all kinds.
const OF_A_KIND: usize = 10;

/// Compares what skipping costs, the most expensive first.
fn by_cost(one: SkippingCost, other: SkippingCost) -> Ordering {
    let key = |cost: SkippingCost| (cost.urgent, cost.amount);
    key(other)
        .cmp(&key(one))
        .then_with(|| other.presence.total_cmp(&one.presence))
        .then_with(|| other.days.cmp(&one.days))
}

/// Returns suggestions in their order; where `capped`, at most 10 of a kind.
#[must_use]
pub fn most_pressing(mut suggestions: Vec<Suggestion>, on: Day, capped: bool) -> Vec<Suggestion> {
    let is_later = |one: &Suggestion| one.due_on.is_some_and(|due| due > on);
    // What is due later is due on its day before all else.
    let due = |one: &Suggestion| one.due_on.filter(|due| *due > on);
    let within = |one: &Suggestion, other: &Suggestion| {
        is_later(one)
            .cmp(&is_later(other))
            .then_with(|| by_cost(one.cost, other.cost))
            .then_with(|| due(one).cmp(&due(other)))
            .then_with(|| one.kind.cmp(&other.kind))
            .then_with(|| (one.place, one.subject).cmp(&(other.place, other.subject)))
    };
    suggestions.sort_by(within);
    let mut turns: HashMap<(SuggestionKind, bool), usize> = HashMap::new();
    let mut counts: HashMap<SuggestionKind, usize> = HashMap::new();
    let mut list: Vec<(bool, usize, Suggestion)> = Vec::with_capacity(suggestions.len());
    for one in suggestions {
        let count = counts.entry(one.kind).or_default();
        *count += 1;
        if capped && *count > OF_A_KIND {
            continue;
        }
        let turn = turns.entry((one.kind, is_later(&one))).or_default();
        *turn += 1;
        list.push((is_later(&one), *turn, one));
    }
    // Within a turn all stay in their order.
    list.sort_by_key(|(is_later, turn, _)| (*is_later, *turn));
    list.into_iter().map(|(_, _, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn suggestion(kind: SuggestionKind, due_on: Option<i32>, cost: SkippingCost, id: u128) -> Suggestion {
        Suggestion {
            kind,
            account: None,
            subject: ("target", Uuid::from_u128(id)),
            title: String::new(),
            facts: serde_json::Value::Null,
            why: String::new(),
            if_skipped: String::new(),
            due_on: due_on.map(Day),
            cost,
            place: 0,
        }
    }

    fn cost(amount: i64, presence: f64, days: i32) -> SkippingCost {
        SkippingCost { urgent: false, amount, presence, days }
    }

    #[test]
    fn what_is_due_comes_first_by_what_skipping_costs() {
        use SuggestionKind::{AnswerTriggerEvent, AskForCommitment, DecideTarget, KeepPromise, SetGoal, TouchTarget};
        let urgent = SkippingCost { urgent: true, ..cost(0, 0.0, 0) };
        let expected = [
            suggestion(AnswerTriggerEvent, None, urgent, 1),
            suggestion(AskForCommitment, Some(50), cost(900, 0.0, 50), 1),
            suggestion(TouchTarget, Some(100), cost(300, 0.2, 0), 9),
            suggestion(KeepPromise, Some(90), cost(300, 0.0, 10), 1),
            suggestion(SetGoal, None, cost(300, 0.0, 9), 1),
            suggestion(DecideTarget, None, cost(0, 0.0, 3), 1),
            // The second of their kinds, though each costs more than others of the first turn.
            suggestion(AskForCommitment, Some(80), cost(800, 0.0, 20), 2),
            suggestion(TouchTarget, Some(100), cost(300, 0.1, 0), 2),
            // What is due later, whatever it costs.
            suggestion(AskForCommitment, Some(101), cost(9000, 0.0, 0), 3),
            suggestion(TouchTarget, Some(103), cost(0, 0.3, 0), 3),
            suggestion(KeepPromise, Some(102), cost(0, 0.0, 0), 2),
        ];
        // In whatever order they were found.
        for turn in 0..expected.len() {
            let mut found = expected.to_vec();
            found.rotate_left(turn);
            found.swap(0, turn);
            assert_eq!(most_pressing(found, Day(100), true), expected);
        }
    }

    #[test]
    fn no_kind_crowds_out_the_others() {
        use SuggestionKind::{AskForCommitment, FillBlankDay, KeepPromise, SetGoal, TouchTarget};
        let many = |kind, due_on, count: u128, amount| {
            (0..count).map(move |id| suggestion(kind, due_on, cost(amount, 0.0, 0), id))
        };
        let found: Vec<Suggestion> = many(AskForCommitment, Some(50), 60, 9)
            .chain(many(TouchTarget, Some(100), 3, 5))
            .chain(many(SetGoal, None, 2, 0))
            .chain(many(KeepPromise, Some(103), 1, 9))
            .chain(many(FillBlankDay, Some(107), 1, 0))
            .collect();
        let kinds = |list: &[Suggestion]| -> Vec<(SuggestionKind, usize)> {
            list.chunk_by(|one, next| one.kind == next.kind).map(|chunk| (chunk[0].kind, chunk.len())).collect()
        };
        let turn = [(AskForCommitment, 1), (TouchTarget, 1), (SetGoal, 1)];
        let expected: Vec<(SuggestionKind, usize)> = [&turn[..], &turn[..], &turn[..2], &[(AskForCommitment, 7)]]
            .concat()
            .into_iter()
            .chain([(KeepPromise, 1), (FillBlankDay, 1)])
            .collect();
        let expected: Vec<(SuggestionKind, usize)> =
            expected.into_iter().fold(Vec::new(), |mut list, (kind, count)| {
                match list.last_mut() {
                    Some((last, sum)) if *last == kind => *sum += count,
                    _ => list.push((kind, count)),
                }
                list
            });
        assert_eq!(kinds(&most_pressing(found.clone(), Day(100), true)), expected);
        assert_eq!(most_pressing(found.clone(), Day(100), false).len(), found.len());
    }
}
