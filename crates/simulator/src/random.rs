//! Pseudorandom numbers that are the same in every run, and the distributions drawn from them.

use std::f64::consts::TAU;

use crate::numbers::{count, place, real};

/// A pseudorandom number generator (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator. Each stream of a seed has its own sequence.
    #[must_use]
    pub fn of(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ stream.wrapping_mul(0x9e6c_63d0_876a_68ee));
        random.bits();
        random.bits();
        random
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 up to but without 1.
    pub fn share(&mut self) -> f64 {
        let bits = i64::try_from(self.bits() >> 11).unwrap_or_default();
        real(bits) / real(1 << 53)
    }

    /// Returns a number from `low` up to but without `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.share() * (high - low)
    }

    /// Returns a whole number from `low` to `high`, both included.
    pub fn from_to(&mut self, low: i64, high: i64) -> i64 {
        let values = usize::try_from(high - low + 1).unwrap_or(1);
        low + count(place(self.share(), values))
    }

    /// Returns true with a probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Returns an index below `length`, which must not be 0.
    pub fn index(&mut self, length: usize) -> usize {
        place(self.share(), length)
    }

    /// Returns one of the choices.
    ///
    /// # Panics
    /// If there is none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Returns an index with a probability proportional to its weight; `None` if all weights are 0.
    pub fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let total: f64 = weights.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let mut left = self.share() * total;
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 && *weight > 0.0 {
                return Some(index);
            }
        }
        weights.iter().rposition(|weight| *weight > 0.0)
    }

    /// Returns a number of the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (TAU * self.share()).cos()
    }

    /// Returns a number of the exponential distribution.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    /// Returns a number of the Weibull distribution with a shape and a median.
    pub fn weibull(&mut self, shape: f64, median: f64) -> f64 {
        let scale = median / std::f64::consts::LN_2.powf(1.0 / shape);
        scale * (-(1.0 - self.share()).ln()).powf(1.0 / shape)
    }

    /// Returns a number of the Poisson distribution, for small means.
    pub fn poisson(&mut self, mean: f64) -> usize {
        let least = (-mean).exp();
        let (mut product, mut number) = (self.share(), 0);
        while product > least && number < 1_000 {
            product *= self.share();
            number += 1;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(of: impl Fn(&mut Random) -> f64) -> f64 {
        let mut random = Random::of(7, 1);
        (0..100_000).map(|_| of(&mut random)).sum::<f64>() / 1e5
    }

    #[test]
    fn a_stream_is_the_same_in_every_run_and_another_one_is_not() {
        let bits = |seed, stream| Random::of(seed, stream).bits();
        assert_eq!(bits(1, 2), bits(1, 2));
        assert_ne!(bits(1, 2), bits(1, 3));
        assert_ne!(bits(1, 2), bits(2, 2));
        assert_eq!(bits(0, 0), 0x06c4_5d18_8009_454f);
    }

    #[test]
    fn distributions_have_their_means_and_medians() {
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.02 * expected.max(1.0), "{found}");
        near(mean(Random::share), 0.5);
        near(mean(Random::normal), 0.0);
        near(mean(|random| random.normal().powi(2)), 1.0);
        near(mean(|random| random.exponential(3.0)), 3.0);
        near(mean(|random| real(count(random.poisson(4.5)))), 4.5);
        near(mean(|random| if random.weibull(1.7, 74.5) <= 74.5 { 1.0 } else { 0.0 }), 0.5);
        near(mean(|random| if random.chance(0.3) { 1.0 } else { 0.0 }), 0.3);
        near(mean(|random| real(random.from_to(-2, 7))), 2.5);
        near(mean(|random| real(count(random.weighted(&[1.0, 0.0, 3.0]).unwrap()))), 1.5);
    }

    #[test]
    fn weights_of_zero_choose_nothing() {
        assert_eq!(Random::of(1, 1).weighted(&[0.0, 0.0]), None);
        assert_eq!(Random::of(1, 1).weighted(&[]), None);
        assert_eq!(Random::of(1, 1).weighted(&[0.0, 1.0]), Some(1));
    }
}
