//! Encounters: touches that are one meeting of the same people, and the two of a day that count. Pure.
//!
//! Touches of one kind at one account are linked where their times overlap and they share a contact, or where one of them
//! names none. Linked touches are one encounter, however long the chain, and its heaviest touch stands for it. Of the
//! encounters of one day of the organization's the two heaviest count. Touches that no longer count link nothing.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use chrono_tz::Tz;
use entity::{ContactId, Instant};

use super::formula::Made;
use crate::values::calendar::{DAY, day_of};

/// Encounters of one day that count.
const OF_A_DAY: usize = 2;
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// No local day is longer.
const LONGEST_DAY: i64 = DAY + DAY / 8;
/// The number of kinds.
const KINDS: usize = 7;

/// A touch with everything that decides which encounter it belongs to. It has its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detailed {
    /// The touch.
    pub made: Made,
    /// The contacts that it names.
    pub people: Vec<ContactId>,
}

/// Sorts touches, the latest first.
fn sort(touches: &mut [Made]) {
    touches.sort_unstable_by_key(|touch| (touch.age, touch.weight, touch.kind, touch.id));
}

/// Returns the ages of the touches whose ids and people decide what counts: those that overlap another of their kind, and
/// those of days with more than two. Of most accounts these are none. The touches may count, and are sorted here.
#[must_use]
pub fn doubtful(touches: &mut [Made], at: Instant, zone: Tz) -> Vec<i64> {
    sort(touches);
    let mut ages = overlapping(touches);
    for crowd in crowded(touches, at, zone) {
        ages.extend(touches[crowd].iter().map(|touch| touch.age));
    }
    ages.sort_unstable();
    ages.dedup();
    ages
}

/// Returns the ages of those that overlap another of their kind.
fn overlapping(sorted: &[Made]) -> Vec<i64> {
    let mut ages = Vec::new();
    // By kind, the end of the run so far, and its first touch while it is alone.
    let mut runs: [Option<(i64, Option<i64>)>; KINDS] = [None; KINDS];
    for touch in sorted.iter().rev() {
        let (start, end) = (-touch.age, -touch.age + i64::from(touch.minutes) * MINUTE);
        let run = &mut runs[touch.kind as usize];
        *run = match *run {
            Some((until, first)) if start < until => {
                ages.extend(first);
                ages.push(touch.age);
                Some((until.max(end), None))
            }
            _ => Some((end, Some(touch.age))),
        };
    }
    ages
}

/// Returns the places of touches that share a local day with more than one other.
fn crowded(sorted: &[Made], at: Instant, zone: Tz) -> Vec<Range<usize>> {
    let mut crowds = Vec::new();
    let mut from = 0;
    while from + OF_A_DAY < sorted.len() {
        if sorted[from + OF_A_DAY].age - sorted[from].age >= LONGEST_DAY {
            from += 1;
            continue;
        }
        let day = |touch: &Made| day_of(Instant(at.0.saturating_sub(touch.age)), zone);
        let on = day(&sorted[from]);
        let to = from + sorted[from..].iter().take_while(|touch| day(touch) == on).count();
        if to - from > OF_A_DAY {
            crowds.push(from..to);
        }
        from = to;
    }
    crowds
}

/// Returns the encounters of an account that may count, each as the touch that stands for it. `detailed` has all touches of
/// the ages that [`doubtful`] returned.
#[must_use]
pub fn encounters(mut touches: Vec<Made>, detailed: Vec<Detailed>, at: Instant, zone: Tz) -> Vec<Made> {
    if detailed.is_empty() {
        return touches;
    }
    let mut ages: Vec<i64> = detailed.iter().map(|one| one.made.age).collect();
    ages.sort_unstable();
    touches.retain(|touch| ages.binary_search(&touch.age).is_err());
    touches.extend(merged(detailed));
    sort(&mut touches);
    let mut left_out = Vec::new();
    for crowd in crowded(&touches, at, zone) {
        let mut places: Vec<usize> = crowd.collect();
        places.sort_unstable_by_key(|place| (Reverse(touches[*place].weight), touches[*place].id));
        left_out.extend(places.split_off(OF_A_DAY));
    }
    let mut place = 0;
    touches.retain(|_| {
        place += 1;
        !left_out.contains(&(place - 1))
    });
    touches
}

/// Merges linked touches: of each encounter the heaviest is left, of several as heavy the one with the earliest id.
fn merged(mut detailed: Vec<Detailed>) -> Vec<Made> {
    detailed.sort_unstable_by_key(|one| (one.made.kind, Reverse(one.made.age), one.made.id));
    let mut parents: Vec<usize> = (0..detailed.len()).collect();
    for kind in detailed.chunk_by(|one, next| one.made.kind == next.made.kind) {
        // Both are slices of the same list.
        let first = detailed.partition_point(|one| one.made.kind < kind[0].made.kind);
        link(kind, first, &mut parents);
    }
    let mut best: HashMap<usize, Made> = HashMap::new();
    for (place, one) in detailed.iter().enumerate() {
        let order = |made: &Made| (Reverse(made.weight), made.id);
        let of = root(&mut parents, place);
        best.entry(of)
            .and_modify(|best| {
                if order(&one.made) < order(best) {
                    *best = one.made;
                }
            })
            .or_insert(one.made);
    }
    best.into_values().collect()
}

/// The latest end of some touches, and one of those.
#[derive(Clone, Copy)]
struct Latest {
    end: i64,
    place: usize,
}

impl Latest {
    fn or_later(self, other: Self) -> Self {
        if other.end > self.end { other } else { self }
    }
}

/// Links touches of one kind, by their start, where they overlap and share a contact or one of them names none.
fn link(touches: &[Detailed], first: usize, parents: &mut [usize]) {
    // All that may still overlap the next one; those that are linked already are one entry.
    let mut open: Vec<Latest> = Vec::new();
    let mut by_person: HashMap<ContactId, Latest> = HashMap::new();
    let mut unnamed: Option<Latest> = None;
    for (offset, Detailed { made, people }) in touches.iter().enumerate() {
        let start = -made.age;
        let own = Latest { end: start + i64::from(made.minutes) * MINUTE, place: first + offset };
        open.retain(|other| other.end > start);
        if people.is_empty() {
            let all = open.drain(..).fold(own, |latest, other| {
                join(parents, own.place, other.place);
                latest.or_later(other)
            });
            open.push(all);
            unnamed = Some(unnamed.map_or(own, |other| other.or_later(own)));
            continue;
        }
        if let Some(other) = unnamed.filter(|other| other.end > start) {
            join(parents, own.place, other.place);
        }
        for person in people {
            let latest = by_person.entry(*person).or_insert(own);
            if latest.end > start {
                join(parents, own.place, latest.place);
            }
            *latest = latest.or_later(own);
        }
        open.push(own);
    }
}

fn root(parents: &mut [usize], mut place: usize) -> usize {
    while parents[place] != place {
        parents[place] = parents[parents[place]];
        place = parents[place];
    }
    place
}

fn join(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(parents, one), root(parents, other));
    parents[one.max(other)] = one.min(other);
}

#[cfg(test)]
mod tests {
    use entity::touch::TouchKind;
    use entity::{Id as _, TouchId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::presence::formula::{PresencePolicy, counting, presence, strength};

    const UTC: Tz = chrono_tz::UTC;
    /// The end of 1970-12-31.
    const AT: Instant = Instant(365 * DAY - 1);

    fn detailed(minutes_ago: i64, weight: u32, kind: TouchKind, minutes: u32, id: u128, people: &[u128]) -> Detailed {
        let id = Some(TouchId(Uuid::from_u128(id)));
        Detailed {
            made: Made { age: minutes_ago * MINUTE, weight, kind, minutes, id },
            people: people.iter().map(|person| ContactId(Uuid::from_u128(*person))).collect(),
        }
    }

    fn of(touches: &[Detailed]) -> Vec<u128> {
        let mut plain: Vec<Made> = touches.iter().map(|one| Made { id: None, ..one.made }).collect();
        let ages = doubtful(&mut plain, AT, UTC);
        let asked = touches.iter().filter(|one| ages.contains(&one.made.age)).cloned().collect();
        let found = encounters(plain, asked, AT, UTC);
        let mut ids: Vec<u128> = found
            .iter()
            .map(|made| {
                let same = |one: &&Detailed| Made { id: None, ..one.made } == Made { id: None, ..*made };
                let id = made.id.or_else(|| touches.iter().find(same)?.made.id);
                id.unwrap().uuid().as_u128()
            })
            .collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn one_meeting_that_two_people_log_is_one_encounter() {
        use TouchKind::{Call, Meeting};
        let ann = detailed(1000, 1000, Meeting, 60, 1, &[7]);
        for (other, expected) in [
            (detailed(990, 1000, Meeting, 60, 2, &[7, 8]), vec![1]),
            (detailed(990, 1000, Meeting, 60, 2, &[]), vec![1]),
            // Other people, another kind, and one that begins when the first is over.
            (detailed(990, 1000, Meeting, 60, 2, &[8]), vec![1, 2]),
            (detailed(990, 700, Call, 60, 2, &[7]), vec![1, 2]),
            (detailed(940, 1000, Meeting, 60, 2, &[7]), vec![1, 2]),
            (detailed(941, 1000, Meeting, 60, 2, &[7]), vec![1]),
        ] {
            assert_eq!(of(&[ann.clone(), other.clone()]), expected, "{other:?}");
            assert_eq!(of(&[other, ann.clone()]), expected);
        }
        // The heaviest stands for it, of several as heavy the earliest id.
        let two = [detailed(1000, 400, Call, 60, 1, &[]), detailed(990, 700, Call, 60, 2, &[])];
        assert_eq!(of(&two), [2]);
    }

    #[test]
    fn links_reach_as_far_as_the_chain() {
        let call = |ago, id, people: &[u128]| detailed(ago, 700, TouchKind::Call, 60, id, people);
        assert_eq!(of(&[call(1000, 1, &[7]), call(950, 2, &[7, 8]), call(900, 3, &[8])]), [1]);
        // One that names no contact links those that it overlaps, and not those before.
        assert_eq!(of(&[call(1000, 1, &[7]), call(950, 2, &[]), call(900, 3, &[8])]), [1]);
        assert_eq!(of(&[call(1000, 1, &[7]), call(980, 2, &[8]), call(930, 3, &[])]), [1, 2]);
    }

    #[test]
    fn of_one_day_the_two_heaviest_count() {
        use TouchKind::{Call, Email, Meeting};
        let day = [
            detailed(10, 400, Email, 5, 1, &[]),
            detailed(100, 700, Call, 15, 2, &[]),
            detailed(200, 1000, Meeting, 60, 3, &[]),
            detailed(300, 400, Email, 5, 4, &[]),
        ];
        assert_eq!(of(&day), [2, 3]);
        assert_eq!(of(&day[..2]), [1, 2]);
        // Of several as heavy those with the earliest ids, whatever their times.
        let alike: Vec<Detailed> =
            (0..4_i64).map(|at| detailed(at * 10 + 1, 400, Email, 5, 9 - u128::from(at.unsigned_abs()), &[])).collect();
        assert_eq!(of(&alike), [6, 7]);
        // Midnight parts days.
        let night: Vec<Detailed> =
            (0..4_i64).map(|at| detailed(1430 + at * 6, 400, Email, 5, u128::from(at.unsigned_abs()), &[])).collect();
        assert_eq!(of(&night), [0, 1, 2, 3]);
    }

    #[test]
    fn three_unanswered_webinars_are_two_one_way_touches() {
        let policy = PresencePolicy { half_life: 30.0, threshold: 0.5 };
        let webinars = [1_i64, 2, 3]
            .map(|day| detailed(day * 1440, 150, TouchKind::Event, 120, u128::from(day.unsigned_abs()), &[]).made);
        let counted = counting(webinars.to_vec(), policy);
        assert_eq!(counted.len(), 2);
        assert!(presence(strength(&counted, policy)) < 0.26);
    }

    /// Linked pairs by the definition itself.
    fn by_definition(touches: &[Detailed]) -> Vec<u128> {
        let mut parents: Vec<usize> = (0..touches.len()).collect();
        let span = |one: &Detailed| (-one.made.age, -one.made.age + i64::from(one.made.minutes) * MINUTE);
        for (at, one) in touches.iter().enumerate() {
            for (next, other) in touches.iter().enumerate().skip(at + 1) {
                let overlap = span(one).0 < span(other).1 && span(other).0 < span(one).1;
                let none = one.people.is_empty() || other.people.is_empty();
                let share = none || one.people.iter().any(|person| other.people.contains(person));
                if one.made.kind == other.made.kind && overlap && share {
                    join(&mut parents, at, next);
                }
            }
        }
        let mut best: HashMap<usize, &Detailed> = HashMap::new();
        for (at, one) in touches.iter().enumerate() {
            let entry = best.entry(root(&mut parents, at)).or_insert(one);
            if (Reverse(one.made.weight), one.made.id) < (Reverse(entry.made.weight), entry.made.id) {
                *entry = one;
            }
        }
        let mut of_day: HashMap<entity::Day, Vec<&Detailed>> = HashMap::new();
        for one in best.into_values() {
            of_day.entry(day_of(Instant(AT.0 - one.made.age), UTC)).or_default().push(one);
        }
        let mut ids = Vec::new();
        for mut day in of_day.into_values() {
            day.sort_by_key(|one| (Reverse(one.made.weight), one.made.id));
            ids.extend(day.iter().take(2).map(|one| one.made.id.unwrap().uuid().as_u128()));
        }
        ids.sort_unstable();
        ids
    }

    proptest! {
        #[test]
        fn encounters_are_those_of_the_definition(
            touches in prop::collection::vec(
                (0_i64..4000, prop::sample::select(vec![150_u32, 400, 700]), any::<bool>(), 1_u32..400, prop::collection::vec(0_u128..4, 0..3)),
                0..25,
            )
        ) {
            let kind = |is_call: bool| if is_call { TouchKind::Call } else { TouchKind::Email };
            let touches: Vec<Detailed> = touches
                .iter()
                .enumerate()
                .map(|(id, (ago, weight, call, minutes, people))| detailed(*ago, *weight, kind(*call), *minutes, (id * 7 % 25) as u128, people))
                .collect();
            prop_assert_eq!(of(&touches), by_definition(&touches));
        }
    }
}
