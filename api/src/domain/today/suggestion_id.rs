//! The ids of suggestions. Pure.
//!
//! A suggestion is computed and has no row. Its id is made of the user, the kind, the subject and, for a blank day, the day,
//! so that it is the same on every day on which it is suggested.

use entity::{Id as _, UserId, suffix};

use super::{Suggestion, SuggestionKind};

/// What the ids of suggestions begin with.
const PREFIX: &str = "suggestedaction_";
/// The number of digits of a UUID.
const DIGITS: usize = 26;

/// The kinds in the order of their digits in ids. Ids are stored, so the order never changes: a new kind is appended.
const KINDS: [SuggestionKind; 10] = [
    SuggestionKind::AnswerTriggerEvent,
    SuggestionKind::KeepPromise,
    SuggestionKind::TouchTarget,
    SuggestionKind::DoAction,
    SuggestionKind::AskForCommitment,
    SuggestionKind::DecideTarget,
    SuggestionKind::ReviewPlan,
    SuggestionKind::WritePlan,
    SuggestionKind::SetGoal,
    SuggestionKind::FillBlankDay,
];

/// Returns the id of a user's suggestion.
#[must_use]
pub fn id_of(user: UserId, suggestion: &Suggestion) -> String {
    let place = KINDS.iter().position(|kind| *kind == suggestion.kind).unwrap_or_default();
    let day = match (suggestion.kind, suggestion.due_on) {
        (SuggestionKind::FillBlankDay, Some(day)) => format!("{:08x}", day.0),
        _ => String::new(),
    };
    let digits = |uuid| suffix(uuid).map(char::from).into_iter().collect::<String>();
    format!("{PREFIX}{}{place}{}{day}", digits(user.uuid()), digits(suggestion.subject.1))
}

/// Returns the user and the kind that an id names; None where it is none. Whether there is such a suggestion is open.
#[must_use]
pub fn read(id: &str) -> Option<(UserId, SuggestionKind)> {
    let rest = id.strip_prefix(PREFIX).filter(|rest| rest.is_ascii() && rest.len() > DIGITS)?;
    let (user, rest) = rest.split_at(DIGITS);
    let user = UserId::parse(&format!("{}_{user}", UserId::PREFIX)).ok()?;
    let place = rest.get(..1)?.parse::<usize>().ok()?;
    Some((user, *KINDS.get(place)?))
}

#[cfg(test)]
mod tests {
    use entity::{Day, TargetId};
    use uuid::Uuid;

    use super::*;
    use crate::domain::today::{SkippingCost, subject};

    fn suggestion(kind: SuggestionKind, of: u128, due_on: i32) -> Suggestion {
        Suggestion {
            kind,
            account: None,
            subject: subject(TargetId(Uuid::from_u128(of))),
            title: String::new(),
            facts: serde_json::Value::Null,
            why: String::new(),
            if_skipped: String::new(),
            due_on: Some(Day(due_on)),
            cost: SkippingCost::default(),
            place: 0,
        }
    }

    #[test]
    fn an_id_names_the_user_the_kind_and_the_subject() {
        let (ann, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let mut ids = Vec::new();
        for kind in KINDS {
            for (user, of) in [(ann, 7), (ann, 8), (bob, 7)] {
                let id = id_of(user, &suggestion(kind, of, 100));
                assert_eq!(read(&id), Some((user, kind)));
                ids.push(id);
            }
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 30);
    }

    #[test]
    fn an_id_is_the_same_on_every_day() {
        let ann = UserId(Uuid::from_u128(1));
        let on = |kind, day| id_of(ann, &suggestion(kind, 7, day));
        assert_eq!(on(SuggestionKind::TouchTarget, 100), on(SuggestionKind::TouchTarget, 101));
        // Blank days all have the user as their subject.
        assert_ne!(on(SuggestionKind::FillBlankDay, 100), on(SuggestionKind::FillBlankDay, 101));
        assert_eq!(read(&on(SuggestionKind::FillBlankDay, -1)), Some((ann, SuggestionKind::FillBlankDay)));
    }

    #[test]
    fn other_text_is_no_id() {
        let id = id_of(UserId(Uuid::from_u128(1)), &suggestion(SuggestionKind::SetGoal, 7, 100));
        let kind = PREFIX.len() + DIGITS;
        let unknown = format!("{}x{}", &id[..kind], &id[kind + 1..]);
        for text in ["", PREFIX, "suggestedaction", &id[1..], &id[..kind], &unknown, &id.replace('0', "é")] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
