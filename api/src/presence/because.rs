//! Why we are as present as we are: the touches that count.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{Instant, TouchId};

use super::asked::rows;
use super::formula::{self, Made};
use super::{Presence, made};
use crate::error::{Fault, Result};
use crate::graph::{Answers, Asked, object};
use crate::paging::LONGEST_LIST;
use crate::touch::Touch;

/// Arguments of `because`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BecauseArguments {
    /// How many at most: 0 to 500.
    #[graphql(default_with = "Some(10)")]
    pub first: Option<i32>,
}

/// A touch that counts.
#[derive(Clone, Debug)]
pub struct PresencePart {
    touch: Touch,
    weight: f64,
    decayed: f64,
}

object! {
    /// A touch that makes us present.
    PresencePart as "PresencePart" {
        /// The touch, as it is now.
        touch: Touch = batch(touches);
        /// What it weighed when it was made: 0.15 to 1.
        weight: f64 = plain(|part| part.weight);
        /// What is left of that: its part of E.
        decayed: f64 = plain(|part| part.decayed);
    }
}

async fn touches(asked: &Asked<'_>, of: &[&PresencePart]) -> Result<Answers> {
    asked.each(&of.iter().map(|part| &part.touch).collect::<Vec<_>>()).await
}

/// The parts of presences: two statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; the database's.
pub(super) async fn of_presences(asked: &Asked<'_>, of: &[&Presence]) -> Result<Answers> {
    let BecauseArguments { first } = asked.arguments()?;
    let first = first.unwrap_or(10);
    let Some(first) = usize::try_from(first).ok().filter(|first| *first as u64 <= LONGEST_LIST) else {
        return Err(Fault::BadInput(format!("first is between 0 and {LONGEST_LIST}; {first} was given.")));
    };
    let Some(policy) = of.first().map(|presence| presence.policy) else { return Ok(Answers::default()) };
    let asks: Vec<_> = of.iter().map(|presence| presence.ask).collect();
    let sql = format!(
        "select asked.number, touch.id, touch.at, touch.weight from asked cross join touch where {}",
        made::counts(policy, 0)
    );
    let mut found: Vec<Vec<(Made, TouchId)>> = vec![Vec::new(); of.len()];
    for (place, row) in rows(asked.cx, &asks, &sql).await? {
        let (at, weight): (Instant, i32) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let made = Made { age: asks[place].at.0 - at.0, weight: weight.unsigned_abs() };
        found[place].push((made, row.try_get_by_index(1)?));
    }
    let heaviest: Vec<Vec<(Made, TouchId)>> = of
        .iter()
        .zip(found)
        .map(|(presence, touches)| heaviest(touches, &presence.counting, presence.policy, first))
        .collect();
    let touches: HashMap<TouchId, Touch> =
        Touch::fetch(asked.cx, heaviest.iter().flatten().map(|(_, touch)| *touch)).await?;
    let part = |(made, touch): &(Made, TouchId)| {
        let touch = touches.get(touch)?.clone();
        Some(PresencePart { touch, weight: made.full(), decayed: made.decayed(policy.half_life) })
    };
    let lists: Vec<Vec<PresencePart>> = heaviest.iter().map(|list| list.iter().filter_map(part).collect()).collect();
    asked.lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// Those of some touches that count, the heaviest first; of two as heavy, the later one.
fn heaviest(
    mut touches: Vec<(Made, TouchId)>,
    counting: &[Made],
    policy: formula::Policy,
    first: usize,
) -> Vec<(Made, TouchId)> {
    touches.sort_unstable_by_key(|(made, touch)| (made.age, made.weight, *touch));
    // Both are in one order, so each that counts is met in its turn.
    let mut left = counting.iter().peekable();
    touches.retain(|(made, _)| left.next_if_eq(&made).is_some());
    touches.sort_by(|(one, _), (other, _)| other.decayed(policy.half_life).total_cmp(&one.decayed(policy.half_life)));
    touches.truncate(first);
    touches
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::calendar::DAY;
    use crate::presence::formula::{Policy, counting};

    #[test]
    fn the_heaviest_comes_first_and_what_does_not_count_not_at_all() {
        let policy = Policy { half_life: 30.0, threshold: 0.5 };
        let made = |days: i64, weight| (Made { age: days * DAY, weight }, TouchId::make());
        let all = [made(40, 1000), made(1, 150), made(2, 150), made(3, 150), made(10, 700), made(5, 0)];
        let counted = counting(all.iter().map(|(made, _)| *made).collect(), policy);
        let ids = |first| {
            let list = heaviest(all.to_vec(), &counted, policy, first);
            list.into_iter().map(|(_, id)| all.iter().position(|(_, other)| *other == id).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(ids(10), [4, 0, 1, 2]);
        assert_eq!(ids(1), [4]);
        assert!(ids(0).is_empty());
    }
}
