//! The order of actions: each has a rank, a text of digits that are compared byte by byte, as a fraction's are after its
//! point. Between any two ranks there is another, so moving one action writes that one alone. Pure.

/// The digits, ascending as bytes do.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A rank after one and before the other; after all where there is none to come before, before all where there is none
/// to come after. No rank ends with the lowest digit, so that there is always room below it.
#[must_use]
pub fn between(after: Option<&str>, before: Option<&str>) -> String {
    let read = |rank: &str| rank.bytes().map(value).collect::<Vec<usize>>();
    let digits = match (after.map(read), before.map(read)) {
        (None, None) => middle(&[], None),
        (None, Some(before)) => preceding(before),
        (Some(after), Some(before)) if after < before => middle(&after, Some(&before)),
        // Nothing comes after; or both have the same place, which only what was stored by hand has.
        (Some(after), _) => following(after),
    };
    digits.into_iter().map(|digit| char::from(DIGITS[digit.min(61)])).collect()
}

fn value(digit: u8) -> usize {
    DIGITS.iter().position(|known| *known == digit).unwrap_or_default()
}

/// A short one above all that begin with the same digit or a lower one.
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

/// A short one below.
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

/// One half-way between.
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
    fn there_is_always_room() {
        assert_eq!(between(None, None), "V");
        assert_eq!(between(Some("V"), None), "W");
        assert_eq!(between(None, Some("V")), "U");
        assert_eq!(between(Some("z"), None), "z1");
        assert_eq!(between(None, Some("1")), "0z");
        assert_eq!(between(Some("V"), Some("W")), "VV");
        assert_eq!(between(Some("V"), Some("V1")), "V0V");
        assert_eq!(between(Some("Vz"), Some("W")), "VzV");
        assert_eq!(between(Some("0z"), Some("1")), "0zV");
        // The same twice, which nobody makes.
        assert_eq!(between(Some("V"), Some("V")), "W");
    }

    #[test]
    fn five_hundred_at_the_end_stay_short() {
        let (mut last, mut first) = ("V".to_owned(), "V".to_owned());
        for _ in 0..500 {
            last = between(Some(&last), None);
            first = between(None, Some(&first));
        }
        assert!(last.len() < 12 && first.len() < 12, "{last} {first}");
    }

    proptest! {
        #[test]
        fn whatever_is_moved_where_the_order_is_as_meant(moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..200)) {
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
