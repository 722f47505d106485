//! The touches that make presence what it is.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{Instant, TouchId};

use super::asked::Ask;
use super::encounter::Detailed;
use super::formula::Made;
use super::span::Known;
use super::{Presence, made};
use crate::domain::touch::Touch;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};

/// Arguments of `because`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BecauseArguments {
    /// The largest number of touches, 0 to 500.
    #[graphql(default_with = "Some(10)")]
    pub first: Option<i32>,
}

/// A touch that counts, with its weight.
#[derive(Clone, Debug)]
pub struct PresencePart {
    touch: Touch,
    weight: f64,
    decayed: f64,
}

object! {
    /// A touch that counts for presence. Of an encounter that several touches record, the heaviest.
    PresencePart as "PresencePart" {
        /// The touch as it is now.
        touch: Touch = batch(touches);
        /// The weight of the touch by what was known on that day: 0.15 to 1.
        weight: f64 = plain(|part| part.weight);
        /// The weight after decay: the touch's part of E.
        decayed: f64 = plain(|part| part.decayed);
    }
}

async fn touches(field: &FieldContext<'_>, of: &[&PresencePart]) -> Result<Batch<Touch>> {
    field.objects(&of.iter().map(|part| &part.touch).collect::<Vec<_>>()).await
}

/// Answers `Presence.because`: two statements. Which touches count is known already; only the ids of those listed are read.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; database errors.
pub(super) async fn of_presences(field: &FieldContext<'_>, of: &[&Presence]) -> Result<Batch<Vec<PresencePart>>> {
    let BecauseArguments { first } = field.arguments()?;
    let first = first.unwrap_or(10);
    let Some(first) = usize::try_from(first).ok().filter(|first| *first as u64 <= LONGEST_LIST) else {
        return Err(Error::BadInput(format!("first is between 0 and {LONGEST_LIST}; {first} was given.")));
    };
    let heaviest: Vec<Vec<Made>> =
        of.iter().map(|presence| heaviest(&presence.counting, presence.policy.half_life, first)).collect();
    let unnamed: Vec<(Ask, Made)> = of
        .iter()
        .zip(&heaviest)
        .flat_map(|(presence, list)| {
            let Ask { subject, at, .. } = presence.ask;
            let unnamed = list.iter().filter(|made| made.id.is_none());
            unnamed.map(move |made| (Ask { subject, at: Instant(at.0 - made.age), since: at }, *made))
        })
        .collect();
    let asks: Vec<Ask> = unnamed.iter().map(|(ask, _)| *ask).collect();
    let is_past = made::is_past(field.request, &of.iter().map(|presence| presence.ask).collect::<Vec<_>>(), 0);
    let found = made::details(field.request, &asks, is_past).await?;
    let id_of = |(found, (ask, made)): (&Vec<(Known, Detailed)>, &(Ask, Made))| {
        let mut known = found.iter().filter(|(known, _)| known.holds(ask.since.0)).map(|(_, one)| one);
        let same = |one: &&Detailed| (one.made.weight, one.made.kind) == (made.weight, made.kind);
        known.find(same).and_then(|one| one.made.id)
    };
    let mut ids = found.iter().zip(&unnamed).map(id_of);
    let named: Vec<Vec<(Made, Option<TouchId>)>> = heaviest
        .into_iter()
        .map(|list| list.into_iter().map(|made| (made, made.id.or_else(|| ids.next().flatten()))).collect())
        .collect();
    let touches: HashMap<TouchId, Touch> =
        Touch::fetch(field.request, named.iter().flatten().filter_map(|(_, id)| *id)).await?;
    let lists: Vec<Vec<PresencePart>> = of
        .iter()
        .zip(&named)
        .map(|(presence, list)| {
            let part = |(made, id): &(Made, Option<TouchId>)| {
                let touch = touches.get(&(*id)?)?.clone();
                Some(PresencePart { touch, weight: made.full(), decayed: made.decayed(presence.policy.half_life) })
            };
            list.iter().filter_map(part).collect()
        })
        .collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// Returns the heaviest of the encounters that count, the latest of equals first.
fn heaviest(counting: &[Made], half_life: f64, first: usize) -> Vec<Made> {
    let mut list = counting.to_vec();
    list.sort_by(|one, other| other.decayed(half_life).total_cmp(&one.decayed(half_life)));
    list.truncate(first);
    list
}

#[cfg(test)]
mod tests {
    use entity::touch::TouchKind;

    use super::*;
    use crate::domain::presence::formula::{PresencePolicy, counting};
    use crate::values::calendar::DAY;

    #[test]
    fn the_heaviest_comes_first_and_what_does_not_count_not_at_all() {
        let policy = PresencePolicy { half_life: 30.0, threshold: 0.5 };
        let made = |days: i64, weight| Made { age: days * DAY, weight, kind: TouchKind::Call, minutes: 15, id: None };
        let all = [made(40, 1000), made(1, 150), made(2, 150), made(3, 150), made(10, 700), made(5, 0)];
        let counted = counting(all.to_vec(), policy);
        let places = |first| {
            let list = heaviest(&counted, policy.half_life, first);
            list.into_iter().map(|listed| all.iter().position(|made| *made == listed).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(places(10), [4, 0, 1, 2]);
        assert_eq!(places(1), [4]);
        assert!(places(0).is_empty());
    }
}
