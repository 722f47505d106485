//! The effect of goals on growth: accounts with a goal compared with accounts of the same seller and of about the same size
//! without one.

use std::collections::BTreeMap;

use crate::float;
use crate::interval::t_quantile;
use crate::quantile::{fifth_of, fifths};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng as _;

/// Draws of the bootstrap.
const DRAWS: usize = 1_000;
/// The seed of the bootstrap: state and stream of a PCG XSL RR 128/64 generator.
const SEED: (u128, u128) = (20_170_401, 3);

/// One account over two years.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grown {
    /// Which seller has it.
    pub seller: usize,
    /// Booked in the year before, in major units.
    pub before: f64,
    /// Booked in the year, in major units.
    pub booked: f64,
    /// Whether it had a goal.
    pub has_goal: bool,
}

impl Grown {
    fn log_growth(&self) -> f64 {
        ((self.booked.max(0.0) + 1.0) / (self.before.max(0.0) + 1.0)).ln()
    }
}

/// An effect, and what it rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effect {
    /// The difference of the mean log growth; `None` where nothing can be compared.
    pub value: Option<f64>,
    /// The 95 % interval; `None` with fewer than two sellers.
    pub interval: Option<(f64, f64)>,
    /// Accounts with a goal that have a counterpart.
    pub with: usize,
    /// Accounts without a goal that have a counterpart.
    pub without: usize,
    /// Their sellers.
    pub sellers: usize,
}

/// The accounts of one seller in one fifth: the number and the sum of the log growth, without a goal and with one.
type Stratum = [(usize, f64); 2];

/// Returns the effect: the difference of the mean log growth within each seller and fifth of the bookings of the year before,
/// weighted by the number of accounts there.
#[must_use]
pub fn effect(accounts: &[Grown]) -> Effect {
    let cuts = fifths(accounts.iter().map(|account| account.before));
    let mut strata: BTreeMap<(usize, usize), Stratum> = BTreeMap::new();
    for account in accounts {
        let stratum = strata.entry((account.seller, fifth_of(account.before, &cuts))).or_default();
        let arm = &mut stratum[usize::from(account.has_goal)];
        *arm = (arm.0 + 1, arm.1 + account.log_growth());
    }
    strata.retain(|_, [without, with]| without.0 > 0 && with.0 > 0);
    // Of each seller the weighted difference, and the weight.
    let mut sellers: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    let mut found = Effect::default();
    for ((seller, _), [without, with]) in &strata {
        let weight = float(without.0 + with.0);
        let difference = with.1 / float(with.0) - without.1 / float(without.0);
        let sum = sellers.entry(*seller).or_default();
        *sum = (sum.0 + weight * difference, sum.1 + weight);
        found.with += with.0;
        found.without += without.0;
    }
    let sellers: Vec<(f64, f64)> = sellers.into_values().collect();
    found.sellers = sellers.len();
    found.value = weighted(sellers.iter());
    found.interval = bootstrap(&sellers);
    found
}

fn weighted<'a>(sums: impl Iterator<Item = &'a (f64, f64)>) -> Option<f64> {
    let (sum, weight) = sums.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    (weight > 0.0).then(|| sum / weight)
}

/// Returns the interval of the weighted mean over sellers: the mean ± t · the standard deviation of the means of draws of as many
/// sellers with replacement.
///
/// The percentiles of the draws would be too narrow for few sellers, as if the spread were known; and that standard deviation is
/// too small by √((n − 1) ÷ n). Both are corrected, so that the interval of a plain mean is as wide as its t interval.
fn bootstrap(sellers: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = float(sellers.len());
    let value = weighted(sellers.iter()).filter(|_| sellers.len() > 1)?;
    let mut random = Pcg64::new(SEED.0, SEED.1);
    let mut draws = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let drawn = (0..sellers.len()).filter_map(|_| sellers.get(below(&mut random, sellers.len())));
        draws.extend(weighted(drawn));
    }
    let mean = draws.iter().sum::<f64>() / float(draws.len());
    let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / float(draws.len());
    let half = t_quantile(n - 1.0) * (variance * n / (n - 1.0)).sqrt();
    Some((value - half, value + half))
}

/// Returns a number below `bound` from the upper half of the generator's next one.
fn below(random: &mut Pcg64, bound: usize) -> usize {
    let upper = random.next_u64() >> 32;
    usize::try_from((upper * bound as u64) >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(seller: usize, before: f64, booked: f64, has_goal: bool) -> Grown {
        Grown { seller, before, booked, has_goal }
    }

    #[test]
    fn accounts_are_compared_with_those_of_their_seller_and_size() {
        // Sizes are a fifth apart; the large ones shrink whatever the goal, so that a plain comparison would mislead.
        let mut accounts = Vec::new();
        for seller in 0..4 {
            for copy in 0..3 {
                accounts.push(account(seller, 100.0, 101.0 * 1.5 - 1.0, true));
                accounts.push(account(seller, 100.0, 101.0 - 1.0, false));
                if copy == 0 {
                    accounts.push(account(seller, 10_000.0, 10_001.0 * 0.75 - 1.0, true));
                    accounts.push(account(seller, 10_000.0, 10_001.0 * 0.5 - 1.0, false));
                }
            }
        }
        let found = effect(&accounts);
        assert!((found.value.unwrap() - 1.5_f64.ln()).abs() < 1e-12, "{found:?}");
        let (low, high) = found.interval.unwrap();
        assert!((low - 1.5_f64.ln()).abs() < 1e-12 && (high - 1.5_f64.ln()).abs() < 1e-12);
        assert_eq!((found.with, found.without, found.sellers), (16, 16, 4));
    }

    #[test]
    fn what_has_no_counterpart_is_left_out() {
        assert_eq!(effect(&[]), Effect::default());
        let alone = [account(0, 10.0, 20.0, true), account(1, 10.0, 20.0, false)];
        assert_eq!(effect(&alone), Effect::default());
        let one = [account(0, 0.0, 1.0, true), account(0, 0.0, 0.0, false)];
        let found = effect(&one);
        assert!((found.value.unwrap() - 2.0_f64.ln()).abs() < 1e-12);
        assert_eq!((found.interval, found.sellers), (None, 1));
    }

    #[test]
    fn the_draws_are_the_same_every_time() {
        let sellers: Vec<(f64, f64)> = (0..9_u32).map(|number| (f64::from(number * number % 7), 1.0)).collect();
        let (low, high) = bootstrap(&sellers).unwrap();
        assert_eq!(bootstrap(&sellers), Some((low, high)));
        let mean = weighted(sellers.iter()).unwrap();
        assert!(low < mean && mean < high, "{low} {mean} {high}");
    }

    #[test]
    fn the_interval_of_a_plain_mean_is_its_t_interval() {
        let values = [0.1, 0.4, 0.2, 0.9, 0.3, 0.5];
        let sellers = values.map(|value| (value, 1.0));
        let (found, exact) = (bootstrap(&sellers).unwrap(), crate::interval::mean(&values).unwrap().interval.unwrap());
        // 1,000 draws tell the standard deviation to a few percent.
        let half = |(low, high): (f64, f64)| (high - low) / 2.0;
        assert!((half(found) / half(exact) - 1.0).abs() < 0.06, "{found:?} {exact:?}");
        assert_eq!(bootstrap(&sellers[..1]), None);
    }

    proptest! {
        #[test]
        fn no_bookings_break_it(all in prop::collection::vec((0_usize..4, -1e12_f64..1e12, -1e12_f64..1e12, any::<bool>()), 0..40)) {
            let all: Vec<Grown> = all.into_iter().map(|(seller, before, booked, goal)| account(seller, before, booked, goal)).collect();
            let found = effect(&all);
            prop_assert!(found.value.is_none_or(f64::is_finite));
            prop_assert_eq!(found.value.is_some(), found.sellers > 0);
            prop_assert_eq!(found.interval.is_some(), found.sellers > 1);
        }
    }
}
