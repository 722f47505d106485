//! In how many simulated worlds the 95 % intervals of estimates contain the truth.

use simulator::{Moment, Observed, Scenario, Size, Truth};
use statistics::growth::{Grown, effect};
use statistics::interval::{mean, wilson};
use statistics::odds::{Arm, ratio};
use statistics::survival::{Case, quartiles};

/// The worlds: large enough for every estimate to be sufficient in most of them.
const SIZE: Size = Size { managers: 2, sellers: 8, accounts: 240, contacts: 900, touches_a_week: 20.0 };
/// 2026-07-01T12:00:00Z.
const NOW: Moment = Moment(1_782_907_200_000_000);

/// Observations from which an estimate is sufficient.
const ENOUGH: usize = 10;

/// One figure over the worlds.
#[derive(Debug)]
pub struct Row {
    /// The figure.
    pub name: &'static str,
    /// The truth.
    pub truth: f64,
    /// The worlds in which the interval contains the truth.
    pub covered: usize,
    /// The worlds in which the estimate was sufficient.
    pub sufficient: usize,
    /// The sums of the estimates and of the widths of the intervals.
    sums: (f64, f64),
}

impl Row {
    const fn of(name: &'static str, truth: f64) -> Self {
        Self { name, truth, covered: 0, sufficient: 0, sums: (0.0, 0.0) }
    }

    fn note(&mut self, estimate: Option<(f64, (f64, f64))>, is_sufficient: bool) {
        let Some((value, (low, high))) = estimate.filter(|_| is_sufficient) else { return };
        self.sufficient += 1;
        self.covered += usize::from((low..=high).contains(&self.truth));
        self.sums = (self.sums.0 + value, self.sums.1 + (high - low));
    }

    /// Returns the share of the worlds with a sufficient estimate in which the interval contains the truth.
    pub fn share(&self) -> f64 {
        float(self.covered) / float(self.sufficient)
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of worlds and euros are far below 2^53")]
fn float(number: impl TryInto<i64>) -> f64 {
    number.try_into().map_or(f64::NAN, |number: i64| number as f64)
}

/// Simulates worlds and returns what their estimates cover.
pub fn table(seeds: std::ops::Range<u64>) -> Vec<Row> {
    let truth = Truth::default();
    let mut rows = [
        Row::of("hit rate of goals", truth.hit_rate),
        Row::of("attainment of reached goals", truth.attainment_of_reached()),
        Row::of("effect of goals on log growth", truth.goal_effect),
        Row::of("odds ratio of being invited", truth.odds_ratio),
        Row::of("win rate", truth.win_rate),
        Row::of("median cycle, days", float(truth.cycle_days())),
    ];
    for seed in seeds {
        let scenario = Scenario { seed, size: SIZE, years: 3, now: NOW, zone: chrono_tz::Europe::Vienna, truth };
        let seen = Observed::of(scenario).unwrap_or_default();
        let [hit, attained, growth, odds, won, cycle] = &mut rows;
        // The last complete year, as `goalEffect` is asked for.
        let year = seen.years.iter().map(|client| client.year).max();
        let clients = || seen.years.iter().filter(|client| Some(client.year) == year);
        let attainments: Vec<f64> =
            clients().filter_map(|client| Some(float(client.booked) / float(client.goal?))).collect();
        let reached: Vec<f64> = attainments.iter().copied().filter(|attainment| *attainment >= 1.0).collect();
        let (part, n) = (reached.len(), attainments.len());
        let share = |part: usize, n: usize| {
            let interval = wilson(i64::try_from(part).ok()?, i64::try_from(n).ok()?)?;
            Some((float(part) / float(n), interval))
        };
        hit.note(share(part, n), n >= ENOUGH);
        attained.note(mean(&reached).and_then(|mean| Some((mean.value, mean.interval?))), part >= ENOUGH);

        let grown: Vec<Grown> = clients()
            .filter(|client| !client.is_late)
            .map(|client| Grown {
                seller: client.seller,
                before: float(client.before),
                booked: float(client.booked),
                has_goal: client.goal.is_some(),
            })
            .collect();
        let found = effect(&grown);
        let enough = found.with >= 8 && found.without >= 8 && found.sellers >= 3;
        growth.note(found.value.zip(found.interval), enough);

        let arm = |ready: bool| {
            let of = || seen.triggers.iter().filter(|(was_ready, _)| *was_ready == ready);
            Arm { events: of().count(), successes: of().filter(|(_, invited)| *invited).count() }
        };
        let (ready, other) = (arm(true), arm(false));
        let found = ratio(ready, other).map(|ratio| (ratio.value, ratio.interval));
        odds.note(found, ready.events >= ENOUGH && other.events >= ENOUGH);

        let year = scenario.last_day() - chrono::Days::new(365);
        let recent = || seen.closed.iter().filter(|(on, _, _)| *on > year);
        let (part, n) = (recent().filter(|(_, _, won)| *won).count(), recent().count());
        won.note(share(part, n), n >= ENOUGH);

        let ended = seen.closed.iter().map(|(_, days, _)| Case::ended(*days));
        let cases: Vec<Case> = ended.chain(seen.open.iter().map(|days| Case::open(*days))).collect();
        let found = quartiles(&cases);
        let interval = found.p50_interval.0.zip(found.p50_interval.1);
        cycle.note(found.p50.zip(interval), found.events >= ENOUGH);
    }
    rows.into()
}

/// Writes the table as Markdown.
pub fn markdown(rows: &[Row], worlds: u64) -> String {
    use std::fmt::Write as _;
    let mut text =
        "| figure | truth | mean estimate | mean width of the interval | sufficient | contains the truth |\n\
                    |---|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for row in rows {
        let n = float(row.sufficient);
        let _ = writeln!(
            text,
            "| {} | {:.3} | {:.3} | {:.3} | {} of {worlds} | {:.1} % |",
            row.name,
            row.truth,
            row.sums.0 / n,
            row.sums.1 / n,
            row.sufficient,
            row.share() * 100.0
        );
    }
    text
}
