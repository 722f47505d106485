//! Statistics over rounds, as pure functions.

/// Converts a count to a floating-point number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts in a run are far below 2^53")]
pub const fn float(count: u64) -> f64 {
    count as f64
}

/// Returns the median, or 0 if there are no values.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.saturating_sub(1)), at(middle)) }
}

/// Returns the median of the ratios of values from the same round. Noise that affects both values of a round cancels out.
#[must_use]
pub fn ratio(numerators: &[f64], denominators: &[f64]) -> f64 {
    let pairs = numerators.iter().zip(denominators).filter(|(_, denominator)| **denominator > 0.0);
    median(pairs.map(|(numerator, denominator)| numerator / denominator))
}

#[cfg(test)]
mod tests {
    use super::{median, ratio};

    #[track_caller]
    fn assert_close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-12, "{left} and {right}");
    }

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_two() {
        assert_close(median([]), 0.0);
        assert_close(median([3.0]), 3.0);
        assert_close(median([9.0, 1.0, 2.0]), 2.0);
        assert_close(median([4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn ratios_are_computed_per_round() {
        // A round in which both took twice as long has the same ratio.
        assert_close(ratio(&[80.0, 40.0, 80.0], &[100.0, 50.0, 100.0]), 0.8);
        assert_close(ratio(&[1.0, 1.0], &[0.0, 2.0]), 0.5);
        assert_close(ratio(&[], &[]), 0.0);
    }
}
