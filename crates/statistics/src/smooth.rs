//! The probability that a sum of very many different amounts reaches a goal.
//!
//! A normal error with a small standard deviation s is added to the sum. Its distribution function is then a Fourier series
//! with few terms, each a product over the wins. The error is below 3.891 s but for a probability of 0.00005, so the series at
//! the goal plus and minus 3.891 s brackets the probability that was asked for.

use std::f64::consts::{PI, TAU};

use crate::sum::{CLOSE, Chance, Win};
use crate::{amount, float};

/// A normal error is above this many standard deviations with the probability [`BEYOND`].
const REACH: f64 = 3.891;
/// See [`REACH`].
const BEYOND: f64 = 5e-5;
/// What the series leaves out at most: terms that are next to nothing, and sums far from the mean.
const LEFT_OUT: f64 = 5e-6;
/// A product below this adds next to nothing.
const NOTHING: f64 = 1e-7;
/// The largest number of terms.
const MOST_TERMS: usize = 200_000;
/// The wins whose phases are turned from term to term. A product over as many is next to nothing for most terms.
const TURNED: usize = 96;
/// Terms after which the phases are computed anew, so that rounding does not add up.
const FRESH: usize = 256;

/// Returns bounds of the probability that the sum of independent wins is at least `goal`. They are close where no single sum
/// has a large probability of its own.
pub(crate) fn reaches(goal: i64, wins: &[Win]) -> Chance {
    let mean: f64 = wins.iter().map(|win| amount(win.amount) * win.probability).sum();
    let variance: f64 =
        wins.iter().map(|win| amount(win.amount).powi(2) * win.probability * (1.0 - win.probability)).sum();
    let largest = wins.iter().map(|win| amount(win.amount)).fold(0.0, f64::max);
    if variance <= 0.0 {
        return Chance { low: 0.0, high: 1.0 };
    }
    // The bounds of a normal distribution would be this close.
    let error = (CLOSE - 2.0 * BEYOND - 2.0 * LEFT_OUT) * 2.5 * variance.sqrt() / (2.0 * REACH);
    // By Bernstein's inequality, sums that are further from the mean have a probability below 1e-6 on each side.
    let furthest = 4.61 * largest + (21.3 * largest * largest + 27.7 * (variance + error * error)).sqrt();
    let at = amount(goal) - mean;
    let [above, below] = Series { wins, mean, error, furthest }.tails([at + REACH * error, at - REACH * error]);
    Chance {
        low: (above - BEYOND - LEFT_OUT).clamp(0.0, 1.0),
        high: (below / (1.0 - BEYOND) + LEFT_OUT).clamp(0.0, 1.0),
    }
}

/// The distribution of a sum with its error, as a Fourier series.
struct Series<'a> {
    wins: &'a [Win],
    mean: f64,
    error: f64,
    /// The largest distance from the mean, which is half of the period.
    furthest: f64,
}

impl Series<'_> {
    /// Returns the probabilities that the sum exceeds its mean by at least each of two amounts.
    fn tails(&self, at: [f64; 2]) -> [f64; 2] {
        let mut sums = at.map(|at| 0.5 - at / (2.0 * self.furthest));
        let (turned, rest) = self.wins.split_at(self.wins.len().min(TURNED));
        let mut phases = Phases::of(turned, TAU / (2.0 * self.furthest));
        for number in 1..=MOST_TERMS {
            let frequency = TAU * float(number) / (2.0 * self.furthest);
            let damping = (-0.5 * (self.error * frequency).powi(2)).exp();
            if damping < NOTHING {
                break;
            }
            phases.turn(number, turned);
            let Some((real, imaginary)) = self.characteristic(phases.product(damping), rest, frequency) else {
                continue;
            };
            let half_a_period = if number % 2 == 0 { 1.0 } else { -1.0 };
            for (sum, at) in sums.iter_mut().zip(at) {
                // The imaginary part of the function times e^(−i·frequency·at) − (±1).
                let (sine, cosine) = (frequency * at).sin_cos();
                let value = imaginary * (cosine - half_a_period) - real * sine;
                *sum += value / (PI * float(number));
            }
        }
        let beyond = |at: f64, sum: f64| match at {
            at if at >= self.furthest => 0.0,
            at if at <= -self.furthest => 1.0,
            _ => sum.clamp(0.0, 1.0),
        };
        [beyond(at[0], sums[0]), beyond(at[1], sums[1])]
    }

    /// Returns the characteristic function of the sum around its mean: a product over the first wins, times those of the rest;
    /// `None` where it is next to nothing.
    fn characteristic(&self, product: (f64, f64), rest: &[Win], frequency: f64) -> Option<(f64, f64)> {
        let (mut real, mut imaginary) = product;
        for win in rest {
            if real.abs() + imaginary.abs() < NOTHING {
                return None;
            }
            let (sine, cosine) = (frequency * amount(win.amount)).sin_cos();
            let (by_real, by_imaginary) = (1.0 - win.probability + win.probability * cosine, win.probability * sine);
            (real, imaginary) = (real * by_real - imaginary * by_imaginary, real * by_imaginary + imaginary * by_real);
        }
        let (sine, cosine) = (frequency * self.mean).sin_cos();
        Some((real * cosine + imaginary * sine, imaginary * cosine - real * sine))
    }
}

/// The points e^(i·frequency·amount) of the first wins, which turn by the same angle from term to term.
struct Phases {
    base: f64,
    cosines: [f64; TURNED],
    sines: [f64; TURNED],
    turns: ([f64; TURNED], [f64; TURNED]),
    /// 0 where there is no win.
    probabilities: [f64; TURNED],
}

impl Phases {
    fn of(wins: &[Win], base: f64) -> Self {
        let mut phases = Self {
            base,
            cosines: [1.0; TURNED],
            sines: [0.0; TURNED],
            turns: ([1.0; TURNED], [0.0; TURNED]),
            probabilities: [0.0; TURNED],
        };
        for (place, win) in wins.iter().enumerate() {
            let (sine, cosine) = (base * amount(win.amount)).sin_cos();
            (phases.turns.0[place], phases.turns.1[place]) = (cosine, sine);
            phases.probabilities[place] = win.probability;
        }
        phases
    }

    /// Turns to the term with this number, from the one before.
    fn turn(&mut self, number: usize, wins: &[Win]) {
        if number.is_multiple_of(FRESH) {
            for (place, win) in wins.iter().enumerate() {
                let (sine, cosine) = (self.base * float(number) * amount(win.amount)).sin_cos();
                (self.cosines[place], self.sines[place]) = (cosine, sine);
            }
            return;
        }
        for place in 0..TURNED {
            let (cosine, sine) = (self.cosines[place], self.sines[place]);
            let (by_cosine, by_sine) = (self.turns.0[place], self.turns.1[place]);
            self.cosines[place] = cosine * by_cosine - sine * by_sine;
            self.sines[place] = cosine * by_sine + sine * by_cosine;
        }
    }

    /// Returns the product of 1 − p + p·e^(i·frequency·amount) over the wins, times a factor. Four products are kept apart, so that
    /// none waits for another.
    fn product(&self, factor: f64) -> (f64, f64) {
        let (mut reals, mut imaginaries) = ([1.0; 4], [0.0; 4]);
        let parts =
            self.cosines.chunks_exact(4).zip(self.sines.chunks_exact(4)).zip(self.probabilities.chunks_exact(4));
        for ((cosines, sines), probabilities) in parts {
            for lane in 0..4 {
                let probability = probabilities[lane];
                let (by_real, by_imaginary) =
                    (1.0 - probability + probability * cosines[lane], probability * sines[lane]);
                let (real, imaginary) = (reals[lane], imaginaries[lane]);
                reals[lane] = real * by_real - imaginary * by_imaginary;
                imaginaries[lane] = real * by_imaginary + imaginary * by_real;
            }
        }
        let (mut real, mut imaginary) = (factor, 0.0);
        for (by_real, by_imaginary) in reals.into_iter().zip(imaginaries) {
            (real, imaginary) = (real * by_real - imaginary * by_imaginary, real * by_imaginary + imaginary * by_real);
        }
        (real, imaginary)
    }
}
