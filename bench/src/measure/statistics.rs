//! Figures out of rounds: pure.

/// A count as a number to be divided.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below what loses a digit")]
pub const fn float(count: u64) -> f64 {
    count as f64
}

/// The median; 0 of nothing.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |place: usize| sorted.get(place).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

/// The median of the ratios of what stood side by side: noise that meets both in a round falls out.
#[must_use]
pub fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).filter(|(_, to)| **to > 0.0).map(|(of, to)| of / to))
}

#[cfg(test)]
mod tests {
    use super::{median, ratio};

    #[track_caller]
    fn same(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-12, "{left} and {right}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        same(median([]), 0.0);
        same(median([3.0]), 3.0);
        same(median([9.0, 1.0, 2.0]), 2.0);
        same(median([4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // A round in which everything took twice as long changes nothing.
        same(ratio(&[80.0, 40.0, 80.0], &[100.0, 50.0, 100.0]), 0.8);
        same(ratio(&[1.0, 1.0], &[0.0, 2.0]), 0.5);
        same(ratio(&[], &[]), 0.0);
    }
}
