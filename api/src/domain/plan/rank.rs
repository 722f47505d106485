//! The order of actions. Each action has a rank: a string of digits that is compared byte by byte, like the digits
//! after the point of a fraction. There is a rank between any two ranks, so that moving an action writes only that
//! action. No I/O.

/// The digits, in ascending byte order.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns a rank between two ranks. Without `after` it is before all ranks; without `before` it is after all. No rank
/// ends with the lowest digit, so that there is always a rank below it.
#[must_use]
pub fn between(after: Option<&str>, before: Option<&str>) -> String {
    let read = |rank: &str| rank.bytes().map(value).collect::<Vec<usize>>();
    let digits = match (after.map(read), before.map(read)) {
        (None, None) => middle(&[], None),
        (None, Some(before)) => preceding(before),
        (Some(after), Some(before)) if after < before => middle(&after, Some(&before)),
        // There is no next rank, or both ranks are equal, which happens only if they were written by hand.
        (Some(after), _) => following(after),
    };
    digits.into_iter().map(|digit| char::from(DIGITS[digit.min(61)])).collect()
}

fn value(digit: u8) -> usize {
    DIGITS.iter().position(|known| *known == digit).unwrap_or_default()
}

/// Returns a short rank above `rank`: increments the first digit that is not the highest and drops the rest.
fn following(mut rank: Vec<usize>) -> Vec<usize> {
    match rank.iter().position(|digit| *digit < 61) {
        Some(at) => {
            rank.truncate(at + 1);
            rank[at] += 1;
        }
        None => rank.push(1),
    }
    rank
}

/// Returns a short rank below `rank`.
fn preceding(mut rank: Vec<usize>) -> Vec<usize> {
    if let Some(at) = rank.iter().position(|digit| *digit > 1) {
        rank.truncate(at + 1);
        rank[at] -= 1;
    } else {
        rank.pop();
        rank.extend([0, 61]);
    }
    rank
}

/// Returns a rank about half-way between two ranks.
fn middle(after: &[usize], before: Option<&[usize]>) -> Vec<usize> {
    let mut made = Vec::new();
    let (mut after, mut before) = (after, before);
    loop {
        let low = after.first().copied().unwrap_or_default();
        let high = before.map_or(62, |before| before.first().copied().unwrap_or_default());
        if low == high {
            made.push(low);
            before = before.map(|before| before.get(1..).unwrap_or_default());
        } else if high - low > 1 {
            made.push(usize::midpoint(low, high));
            return made;
        } else if before.is_some_and(|before| before.len() > 1) {
            made.push(high);
            return made;
        } else {
            made.push(low);
            before = None;
        }
        after = after.get(1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_is_a_rank_between_any_two() {
        assert_eq!(between(None, None), "V");
        assert_eq!(between(Some("V"), None), "W");
        assert_eq!(between(None, Some("V")), "U");
        assert_eq!(between(Some("z"), None), "z1");
        assert_eq!(between(None, Some("1")), "0z");
        assert_eq!(between(Some("V"), Some("W")), "VV");
        assert_eq!(between(Some("V"), Some("V1")), "V0V");
        assert_eq!(between(Some("Vz"), Some("W")), "VzV");
        assert_eq!(between(Some("0z"), Some("1")), "0zV");
        // Equal ranks, which the application never creates.
        assert_eq!(between(Some("V"), Some("V")), "W");
    }

    #[test]
    fn ranks_stay_short_after_five_hundred_insertions_at_an_end() {
        let (mut last, mut first) = ("V".to_owned(), "V".to_owned());
        for _ in 0..500 {
            last = between(Some(&last), None);
            first = between(None, Some(&first));
        }
        assert!(last.len() < 12 && first.len() < 12, "{last} {first}");
    }

    proptest! {
        #[test]
        fn any_sequence_of_moves_keeps_the_intended_order(moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..200)) {
            let mut ranks: Vec<(u32, String)> = Vec::new();
            for number in 0..8 {
                let rank = between(ranks.last().map(|(_, rank)| rank.as_str()), None);
                ranks.push((number, rank));
            }
            for (from, to) in moves {
                let (name, _) = ranks.remove(from.index(ranks.len()));
                let at = to.index(ranks.len() + 1);
                let after = at.checked_sub(1).map(|at| ranks[at].1.clone());
                let before = ranks.get(at).map(|(_, rank)| rank.clone());
                let rank = between(after.as_deref(), before.as_deref());
                prop_assert!(!rank.is_empty() && !rank.ends_with('0'));
                ranks.insert(at, (name, rank));
                let mut sorted = ranks.clone();
                sorted.sort_by(|one, other| one.1.cmp(&other.1));
                prop_assert_eq!(&sorted, &ranks);
                prop_assert!(ranks.windows(2).all(|two| two[0].1 < two[1].1));
            }
        }
    }
}
