//! Kaplan–Meier curves: how long cases last, where some have not ended yet.

use crate::quantile::median;
use crate::{Z, amount};

/// Tolerance for a survival that is a product of fractions.
const SLACK: f64 = 1e-9;

/// One case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The days that it has lasted, 0 or more.
    pub days: i64,
    /// Whether it ended then; else it still lasted then, and is censored.
    pub ended: bool,
    /// How much it counts: 1, or the probability that it is a case of this kind at all.
    pub weight: f64,
}

impl Case {
    /// Returns a case that ended.
    #[must_use]
    pub const fn ended(days: i64) -> Self {
        Self { days, ended: true, weight: 1.0 }
    }

    /// Returns a case that has not ended.
    #[must_use]
    pub const fn open(days: i64) -> Self {
        Self { days, ended: false, weight: 1.0 }
    }
}

/// The curve from a day on which cases ended until the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The day.
    pub days: i64,
    /// The share of the cases that last longer.
    pub survival: f64,
    /// The 95 % interval of the survival, by Greenwood's formula on log(−log).
    pub interval: (f64, f64),
}

/// What a curve says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quartiles {
    /// The number of cases.
    pub n: usize,
    /// The number of those that ended.
    pub events: usize,
    /// The days by which a quarter has ended.
    pub p25: Option<f64>,
    /// The days by which half has ended.
    pub p50: Option<f64>,
    /// The days by which three quarters have ended.
    pub p75: Option<f64>,
    /// The 95 % interval of `p50`; each end is `None` where the curve does not reach it.
    pub p50_interval: (Option<f64>, Option<f64>),
    /// The median of those that ended alone.
    pub naive_p50: Option<f64>,
}

/// Returns the curve: one step for each day on which cases ended. Of cases of the same day those that ended come first.
/// Cases of negative days or weights are left out.
#[must_use]
pub fn curve(cases: &[Case]) -> Vec<Step> {
    let mut cases: Vec<Case> = counting(cases).collect();
    cases.sort_unstable_by_key(|case| case.days);
    let mut at_risk: f64 = cases.iter().map(|case| case.weight).sum();
    let (mut survival, mut greenwood) = (1.0_f64, 0.0_f64);
    let mut interval = (1.0, 1.0);
    let mut steps = Vec::new();
    for same in cases.chunk_by(|one, other| one.days == other.days) {
        let ended: f64 = same.iter().filter(|case| case.ended).map(|case| case.weight).sum();
        if ended > 0.0 {
            let rest = at_risk - ended;
            if rest > SLACK {
                survival *= rest / at_risk;
                greenwood += ended / (at_risk * rest);
                interval = around(survival, greenwood);
            } else {
                // No case is left that could say how certain it is: the upper end stays.
                survival = 0.0;
                interval.0 = 0.0;
            }
            steps.push(Step { days: same[0].days, survival, interval });
        }
        at_risk -= same.iter().map(|case| case.weight).sum::<f64>();
    }
    steps
}

fn counting(cases: &[Case]) -> impl Iterator<Item = Case> {
    cases.iter().copied().filter(|case| case.days >= 0 && case.weight > 0.0)
}

fn around(survival: f64, greenwood: f64) -> (f64, f64) {
    let log = survival.ln();
    let half = Z * greenwood.sqrt() / log;
    let at = |shift: f64| (-((-log).ln() + shift).exp()).exp();
    (at(-half), at(half))
}

/// Returns the first day at which a value of the curve is at most `bound`.
fn first(steps: &[Step], bound: f64, value: impl Fn(&Step) -> f64) -> Option<f64> {
    steps.iter().find(|step| value(step) <= bound + SLACK).map(|step| amount(step.days))
}

/// Returns the quartiles of cases. One that the curve does not reach is `None`.
#[must_use]
pub fn quartiles(cases: &[Case]) -> Quartiles {
    let steps = curve(cases);
    let ended: Vec<f64> = counting(cases).filter(|case| case.ended).map(|case| amount(case.days)).collect();
    let at = |share: f64| first(&steps, 1.0 - share, |step| step.survival);
    Quartiles {
        n: counting(cases).count(),
        events: ended.len(),
        p25: at(0.25),
        p50: at(0.5),
        p75: at(0.75),
        p50_interval: (first(&steps, 0.5, |step| step.interval.0), first(&steps, 0.5, |step| step.interval.1)),
        naive_p50: median(ended),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn golden() -> Vec<Case> {
        [(60, true), (90, true), (120, false), (150, true), (200, false), (240, true), (300, false), (365, false)]
            .map(|(days, ended)| Case { days, ended, weight: 1.0 })
            .to_vec()
    }

    #[test]
    fn the_golden_curve() {
        let steps = curve(&golden());
        let found: Vec<(i64, f64)> = steps.iter().map(|step| (step.days, step.survival)).collect();
        for ((days, survival), expected) in found.into_iter().zip([(60, 0.875), (90, 0.75), (150, 0.6), (240, 0.4)]) {
            assert_eq!(days, expected.0);
            assert!((survival - expected.1).abs() < 1e-12, "{days}: {survival}");
        }
        let found = quartiles(&golden());
        assert_eq!((found.n, found.events, found.p50, found.naive_p50), (8, 4, Some(240.0), Some(120.0)));
        assert_eq!((found.p25, found.p75), (Some(90.0), None));
        assert_eq!(found.p50_interval, (Some(60.0), None));
    }

    #[test]
    fn what_never_ends_has_no_quartiles() {
        let open: Vec<Case> = (0..20).map(Case::open).collect();
        assert_eq!(quartiles(&open), Quartiles { n: 20, ..Quartiles::default() });
        assert_eq!(quartiles(&[]), Quartiles::default());
    }

    #[test]
    fn everything_may_end_on_the_first_day() {
        let found = quartiles(&[Case::ended(0); 12]);
        assert_eq!((found.p25, found.p50, found.p75, found.naive_p50), (Some(0.0), Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!((found.n, found.events), (12, 12));
    }

    #[test]
    fn cases_that_end_before_they_begin_are_left_out() {
        let cases: Vec<Case> = golden().into_iter().chain([Case::ended(-3), Case::open(-1)]).collect();
        assert_eq!(quartiles(&cases), quartiles(&golden()));
    }

    #[test]
    fn a_case_of_half_a_weight_counts_half() {
        let twice: Vec<Case> = golden().into_iter().flat_map(|case| [Case { weight: 0.5, ..case }; 2]).collect();
        assert_eq!(quartiles(&twice).p50, Some(240.0));
        let steps = curve(&twice);
        assert!((steps[2].survival - 0.6).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn curves_fall_and_intervals_hold_them(cases in prop::collection::vec((0_i64..400, any::<bool>(), 0.1_f64..1.0), 0..60)) {
            let cases: Vec<Case> = cases.into_iter().map(|(days, ended, weight)| Case { days, ended, weight }).collect();
            let mut before = 1.0;
            for step in curve(&cases) {
                prop_assert!((0.0..=1.0).contains(&step.survival) && step.survival <= before + 1e-12);
                prop_assert!(step.interval.0 <= step.survival + 1e-9 && step.survival <= step.interval.1 + 1e-9);
                before = step.survival;
            }
            let found = quartiles(&cases);
            prop_assert!(found.p25 <= found.p50 || found.p50.is_none());
        }

        #[test]
        fn counting_open_cases_never_shortens(days in prop::collection::vec(0_i64..400, 1..40), open in prop::collection::vec(0_i64..400, 0..40)) {
            let ended: Vec<Case> = days.into_iter().map(Case::ended).collect();
            let all: Vec<Case> = ended.iter().copied().chain(open.into_iter().map(Case::open)).collect();
            let (one, other) = (quartiles(&ended).p50, quartiles(&all).p50);
            prop_assert!(other.is_none() || one <= other);
        }
    }
}
