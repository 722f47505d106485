//! The probability that the sum of independent wins reaches an amount.
//!
//! It is exact as long as there are at most 20,000 different sums. Beyond, it is bracketed: all amounts rounded down give a
//! lower bound and all rounded up an upper one, on a grid that is refined until the two differ by less than 0.001. Where that
//! grid would be too large, [`crate::smooth`] brackets it.

use crate::{amount, smooth};

/// The largest number of different sums.
const MOST_SUMS: usize = 20_000;
/// How close the two bounds are.
pub(crate) const CLOSE: f64 = 0.001;
/// The largest number of cells that all steps on one grid update together.
const MOST_WORK: f64 = 1e7;

/// A possible win.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Win {
    /// The amount in minor units.
    pub amount: i64,
    /// The probability of winning it, 0 to 1.
    pub probability: f64,
}

/// A probability that is known to be between two bounds, which are equal where it is exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Chance {
    const fn exactly(probability: f64) -> Self {
        Self { low: probability, high: probability }
    }

    /// Returns the probability: the middle of the bounds.
    #[must_use]
    pub const fn value(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }

    fn is_close(self) -> bool {
        self.high - self.low < CLOSE
    }
}

/// Returns the probability that the sum of independent wins is at least `goal`.
#[must_use]
pub fn reaches(goal: i64, wins: &[Win]) -> Chance {
    let mut goal = goal;
    let mut open = Vec::with_capacity(wins.len());
    for win in wins.iter().filter(|win| win.amount > 0 && win.probability > 0.0) {
        if win.probability >= 1.0 {
            goal = goal.saturating_sub(win.amount);
        } else {
            open.push(*win);
        }
    }
    if goal <= 0 {
        return Chance::exactly(1.0);
    }
    for win in &mut open {
        win.amount = win.amount.min(goal);
    }
    // The largest first, so that what cannot reach the goal any more is noticed early.
    open.sort_unstable_by(|one, other| {
        other.amount.cmp(&one.amount).then_with(|| other.probability.total_cmp(&one.probability))
    });
    if let Some(probability) = exact(goal, &open) {
        return Chance::exactly(probability);
    }
    let best = on_grids(goal, &open);
    if let Some(best) = best.filter(|best| best.is_close()) {
        return best;
    }
    let smoothed = smooth::reaches(goal, &open);
    match best {
        // Both hold, so the probability is where they overlap.
        Some(best) => Chance { low: best.low.max(smoothed.low), high: best.high.min(smoothed.high) },
        None => smoothed,
    }
}

fn total(wins: &[Win]) -> i128 {
    wins.iter().map(|win| i128::from(win.amount)).sum()
}

/// Returns the probability from a map of the different sums below the goal that may still reach it; `None` if there are too
/// many of them.
fn exact(goal: i64, wins: &[Win]) -> Option<f64> {
    let mut rest = total(wins);
    let (mut sums, mut next) = (vec![(0_i64, 1.0_f64)], Vec::new());
    let mut reached = 0.0;
    for win in wins {
        rest -= i128::from(win.amount);
        next.clear();
        let mut won =
            sums.iter().map(|(sum, weight)| (sum.saturating_add(win.amount), weight * win.probability)).peekable();
        let mut lost = sums.iter().map(|(sum, weight)| (*sum, weight * (1.0 - win.probability))).peekable();
        loop {
            let (sum, weight) = match (won.peek().copied(), lost.peek().copied()) {
                (None, None) => break,
                (Some(one), Some(other)) if one.0 == other.0 => {
                    won.next();
                    lost.next();
                    (one.0, one.1 + other.1)
                }
                (Some(one), other) if other.is_none_or(|other| one.0 < other.0) => {
                    won.next();
                    one
                }
                (_, Some(other)) => {
                    lost.next();
                    other
                }
                (Some(one), None) => {
                    won.next();
                    one
                }
            };
            if sum >= goal {
                reached += weight;
            } else if i128::from(sum) + rest >= i128::from(goal) {
                next.push((sum, weight));
            }
        }
        if next.len() > MOST_SUMS {
            return None;
        }
        std::mem::swap(&mut sums, &mut next);
    }
    Some(reached.min(1.0))
}

/// Brackets the probability on grids, each half as wide as the one before; `None` if even the first is too large.
fn on_grids(goal: i64, wins: &[Win]) -> Option<Chance> {
    let spread = wins.iter().map(|win| amount(win.amount).powi(2) * win.probability * (1.0 - win.probability));
    let expected: f64 = wins.iter().map(|win| win.probability).sum();
    // The bounds of a normal distribution would be this close.
    let guess = CLOSE * 2.5 * spread.sum::<f64>().sqrt() / expected;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and is above 0")]
    let mut step = (guess.floor() as i64).max(1);
    let mut best = None;
    loop {
        let cells = goal.div_euclid(step).saturating_add(1);
        if amount(cells) * crate::float(wins.len()) > MOST_WORK {
            return best;
        }
        let chance = Chance {
            low: on_grid(goal, wins, step, |amount| amount / step),
            high: on_grid(goal, wins, step, |amount| up(amount, step)),
        };
        if step == 1 || chance.is_close() {
            return Some(chance);
        }
        best = Some(chance);
        step = (step / 2).max(1);
    }
}

fn up(amount: i64, step: i64) -> i64 {
    amount.div_euclid(step) + i64::from(amount.rem_euclid(step) > 0)
}

/// Returns the probability that the sum of the wins, each as a number of steps, reaches the goal.
fn on_grid(goal: i64, wins: &[Win], step: i64, steps: impl Fn(i64) -> i64) -> f64 {
    let need = usize::try_from(up(goal, step)).unwrap_or(usize::MAX);
    let steps: Vec<usize> = wins.iter().map(|win| usize::try_from(steps(win.amount)).unwrap_or_default()).collect();
    let mut rest: usize = steps.iter().sum();
    let (mut cells, mut next) = (vec![0.0_f64; need], vec![0.0_f64; need]);
    cells[0] = 1.0;
    // All cells from `end` on are empty.
    let (mut end, mut reached) = (1_usize, 0.0);
    for (win, steps) in wins.iter().zip(steps) {
        rest -= steps;
        if steps == 0 {
            continue;
        }
        let (won, lost) = (win.probability, 1.0 - win.probability);
        reached += won * cells[need.saturating_sub(steps).min(end)..end].iter().sum::<f64>();
        let until = (end + steps).min(need);
        // What is below can no longer reach the goal.
        let from = need.saturating_sub(rest).min(until);
        let moved = steps.clamp(from, until);
        for at in from..moved {
            next[at] = lost * cells[at];
        }
        let (target, source, kept) =
            (&mut next[moved..until], &cells[moved - steps..until - steps], &cells[moved..until]);
        for ((target, source), kept) in target.iter_mut().zip(source).zip(kept) {
            *target = lost * kept + won * source;
        }
        cells[..from].fill(0.0);
        next[..from].fill(0.0);
        std::mem::swap(&mut cells, &mut next);
        end = until;
    }
    reached.min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wins(all: &[(i64, f64)]) -> Vec<Win> {
        all.iter().map(|(amount, probability)| Win { amount: *amount, probability: *probability }).collect()
    }

    #[test]
    fn the_golden_pipeline() {
        let open = wins(&[(40_000, 0.5), (30_000, 0.3), (60_000, 0.25), (20_000, 0.8)]);
        let found = reaches(50_000, &open);
        assert!((found.value() - 0.6625).abs() < 1e-12 && found.low.to_bits() == found.high.to_bits(), "{found:?}");
        assert_eq!(reaches(0, &open), Chance::exactly(1.0));
        assert_eq!(reaches(150_001, &open), Chance::exactly(0.0));
        assert!((reaches(150_000, &open).value() - 0.5 * 0.3 * 0.25 * 0.8).abs() < 1e-12);
        assert_eq!(reaches(1, &[]), Chance::exactly(0.0));
        assert_eq!(reaches(-5, &[]), Chance::exactly(1.0));
    }

    #[test]
    fn what_is_certain_counts_in_full() {
        assert_eq!(reaches(100, &wins(&[(60, 1.0), (40, 1.0)])), Chance::exactly(1.0));
        assert_eq!(reaches(100, &wins(&[(60, 1.0), (40, 0.25)])), Chance::exactly(0.25));
        assert_eq!(reaches(100, &wins(&[(100, 0.0), (0, 0.5), (-100, 0.5)])), Chance::exactly(0.0));
        assert_eq!(reaches(100, &wins(&[(100, f64::NAN)])), Chance::exactly(0.0));
    }

    /// The probability by trying every outcome.
    fn by_definition(goal: i64, wins: &[Win]) -> f64 {
        let Some((first, rest)) = wins.split_first() else { return f64::from(u8::from(goal <= 0)) };
        first.probability * by_definition(goal - first.amount, rest)
            + (1.0 - first.probability) * by_definition(goal, rest)
    }

    /// Amounts of which no two combinations are alike.
    fn uneven(count: i64, about: i64) -> Vec<Win> {
        (1..=count)
            .map(|number| {
                let amount =
                    about + number * number % 104_729 * 7_919 % 104_729 * about / 104_729 + number * number % 7;
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                Win { amount, probability: 0.1 + (number * 31 % 70) as f64 / 100.0 }
            })
            .collect()
    }

    #[test]
    fn many_different_amounts_are_bracketed() {
        let open = uneven(40, 5_000_000);
        let goal = 110_000_000;
        let found = reaches(goal, &open);
        assert!(found.low < found.high && found.is_close(), "{found:?}");
        // On a grid of the smallest units the probability is exact, and within the bounds.
        let fine = on_grid(goal, &open, 100, |amount| (amount + 50) / 100);
        assert!(found.low - 1e-4 <= fine && fine <= found.high + 1e-4, "{fine} {found:?}");
    }

    #[test]
    fn twenty_thousand_different_amounts_are_bracketed() {
        let open = uneven(20_000, 1_000_000);
        let goal = open.iter().map(|win| amount(win.amount) * win.probability).sum::<f64>();
        #[expect(clippy::cast_possible_truncation, reason = "a sum of amounts")]
        let found = reaches(goal as i64, &open);
        assert!(found.is_close() && (found.value() - 0.5).abs() < 0.01, "{found:?}");
    }

    proptest! {
        #[test]
        fn the_probability_is_that_of_all_outcomes(
            all in prop::collection::vec((0_i64..60, 0.0_f64..=1.0), 0..12), goal in -5_i64..300,
        ) {
            let all = wins(&all);
            let found = reaches(goal, &all);
            prop_assert!((found.value() - by_definition(goal, &all)).abs() < 1e-12);
        }

        #[test]
        fn no_amounts_break_it(all in prop::collection::vec((any::<i64>(), any::<f64>()), 0..30), goal in any::<i64>()) {
            let found = reaches(goal, &wins(&all));
            prop_assert!((0.0..=1.0).contains(&found.value()), "{found:?}");
        }
    }

    proptest! {
        // Each takes a series of many terms.
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn bounds_hold_the_probability(
            all in prop::collection::vec((1_i64..4_000, 0.01_f64..0.99), 1..14), goal in 1_i64..20_000, step in 1_i64..300,
        ) {
            let all = wins(&all);
            let expected = by_definition(goal, &all);
            let all: Vec<Win> = all.into_iter().map(|win| Win { amount: win.amount.min(goal), ..win }).collect();
            let low = on_grid(goal, &all, step, |amount| amount / step);
            let high = on_grid(goal, &all, step, |amount| up(amount, step));
            prop_assert!(low <= expected + 1e-12 && expected <= high + 1e-12, "{low} {expected} {high}");
            let smoothed = smooth::reaches(goal, &all);
            prop_assert!(smoothed.low <= expected && expected <= smoothed.high, "{smoothed:?} {expected}");
        }
    }
}
