//! How often 95 % intervals contain the truth, over simulated worlds whose truth is known: between 92 and 98 percent of them.
//!
//! `cargo test -p statistics --test coverage -- --nocapture` prints the table; `WORLDS=20000` simulates as many.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng as _;
use statistics::growth::{Grown, effect};
use statistics::interval::{mean, wilson};
use statistics::odds::{Arm, ratio};
use statistics::survival::{Case, quartiles};

/// Random numbers of several distributions.
struct Dice(Pcg64);

impl Dice {
    /// Returns a number between 0 and 1, neither included.
    fn share(&mut self) -> f64 {
        let upper = u32::try_from(self.0.next_u64() >> 32).unwrap_or_default();
        (f64::from(upper) + 0.5) / 4_294_967_296.0
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    fn below(&mut self, bound: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let number = (self.share() * bound) as i64;
        number
    }

    fn successes(&mut self, n: usize, probability: f64) -> usize {
        (0..n).filter(|_| self.happens(probability)).count()
    }
}

/// Asserts how many of the simulated intervals contain the truth.
#[track_caller]
fn covers(what: &str, truth: f64, mut interval: impl FnMut(&mut Dice) -> Option<(f64, f64)>) {
    let worlds: u32 = std::env::var("WORLDS").ok().and_then(|worlds| worlds.parse().ok()).unwrap_or(2_000);
    let mut dice = Dice(Pcg64::new(19, 1));
    let (mut sufficient, mut inside) = (0_u32, 0_u32);
    for _ in 0..worlds {
        if let Some((low, high)) = interval(&mut dice) {
            sufficient += 1;
            inside += u32::from(low <= truth && truth <= high);
        }
    }
    let covered = f64::from(inside) / f64::from(sufficient);
    println!("{what}: {:.1} % of {sufficient} intervals contain {truth}", covered * 100.0);
    assert!(sufficient > worlds / 2 && (0.92..=0.98).contains(&covered), "{what}: {covered}");
}

#[test]
fn shares() {
    for (n, truth) in [(20, 0.3), (40, 0.25), (150, 0.1)] {
        covers(&format!("share of {n}"), truth, |dice| {
            wilson(i64::try_from(dice.successes(n, truth)).unwrap(), i64::try_from(n).unwrap())
        });
    }
}

#[test]
fn means() {
    // Attainments of reached goals are skewed: 1 plus an amount whose logarithm is normal.
    for (n, spread) in [(12, 0.3_f64), (60, 0.6)] {
        let truth = 1.0 + (-1.2_f64 + spread * spread / 2.0).exp();
        covers(&format!("mean attainment of {n}"), truth, |dice| {
            let values: Vec<f64> = (0..n).map(|_| 1.0 + (spread * dice.normal() - 1.2).exp()).collect();
            mean(&values)?.interval
        });
    }
}

#[test]
fn odds_ratios() {
    for (n, truth) in [(25, 3.0_f64), (60, 4.0), (60, 1.0)] {
        let chance = 0.25;
        let odds = chance / (1.0 - chance) * truth;
        covers(&format!("odds ratio of {n} and {n}"), truth, |dice| {
            let one = Arm { events: n, successes: dice.successes(n, odds / (1.0 + odds)) };
            let other = Arm { events: n, successes: dice.successes(n, chance) };
            Some(ratio(one, other)?.interval)
        });
    }
}

#[test]
fn medians_of_open_cases() {
    for n in [30, 120] {
        // Cases that began evenly over a year, and last about 90 days.
        let truth = 90.0;
        covers(&format!("median of {n}, some open"), truth, |dice| {
            let cases: Vec<Case> = (0..n)
                .map(|_| {
                    #[expect(clippy::cast_possible_truncation, reason = "a few hundred days")]
                    let lasts = (truth * (0.5 * dice.normal()).exp()).round() as i64;
                    let observed = dice.below(365.0);
                    if lasts <= observed { Case::ended(lasts) } else { Case::open(observed) }
                })
                .collect();
            let (low, high) = quartiles(&cases).p50_interval;
            Some((low?, high.unwrap_or(f64::INFINITY)))
        });
    }
}

#[test]
fn effects_on_growth() {
    // Sellers differ in growth, and in what their goals do.
    for (sellers, accounts) in [(4, 20), (6, 20), (18, 30)] {
        let truth = 0.2;
        covers(&format!("effect on growth, {sellers} sellers"), truth, |dice| {
            let mut all = Vec::new();
            for seller in 0..sellers {
                let (own, of_goals) = (0.1 * dice.normal(), truth + 0.1 * dice.normal());
                for _ in 0..accounts {
                    let before = (9.0 + 1.2 * dice.normal()).exp();
                    let has_goal = dice.happens(0.4);
                    let growth = own + if has_goal { of_goals } else { 0.0 } + 0.4 * dice.normal();
                    all.push(Grown { seller, before, booked: (before + 1.0) * growth.exp() - 1.0, has_goal });
                }
            }
            effect(&all).interval
        });
    }
}
