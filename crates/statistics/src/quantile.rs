//! Medians, percentiles and cut points.

use crate::float;

/// Returns the values in ascending order, without those that are no numbers.
fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

/// Returns a quantile by linear interpolation between the two nearest values, as NumPy does by default; `None` without
/// values. `share` is from 0 to 1.
#[must_use]
pub fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let all = sorted(values);
    let at = float(all.len().checked_sub(1)?) * share.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let place = at.floor() as usize;
    let (below, above) = (all.get(place)?, all.get(place + 1).or_else(|| all.last())?);
    Some(below + (above - below) * (at - at.floor()))
}

/// Returns the median; `None` without values.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// Returns the four values that cut a list into fifths: the smallest ones with at least 20, 40, 60 and 80 percent of the
/// values at or below them. Empty without values.
#[must_use]
pub fn fifths(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let all = sorted(values);
    (1..5).filter_map(|fifth: usize| all.get((all.len() * fifth).div_ceil(5).checked_sub(1)?).copied()).collect()
}

/// Returns the fifth that a value is in, from 0 to 4. Equal values are in the same one.
#[must_use]
pub fn fifth_of(value: f64, cuts: &[f64]) -> usize {
    cuts.iter().filter(|cut| value > **cut).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([90.0, 60.0, 240.0, 150.0]), Some(120.0));
        assert_eq!([0.0, 0.25, 1.0].map(|share| quantile([1.0, 2.0, 4.0], share)), [Some(1.0), Some(1.5), Some(4.0)]);
    }

    #[test]
    fn equal_values_are_in_one_fifth() {
        let values = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0];
        let cuts = fifths(values);
        assert_eq!(cuts, [0.0, 0.0, 0.0, 5.0]);
        assert_eq!([0.0, 5.0, 6.0].map(|value| fifth_of(value, &cuts)), [0, 3, 4]);
        assert_eq!(fifths([]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn fifths_are_about_even(count in 5_usize..300) {
            let values: Vec<f64> = (0..count).map(float).collect();
            let cuts = fifths(values.iter().copied());
            for fifth in 0..5 {
                let size = values.iter().filter(|value| fifth_of(**value, &cuts) == fifth).count();
                prop_assert!(size.abs_diff(count / 5) <= 1, "{fifth}: {size}");
            }
        }
    }
}
