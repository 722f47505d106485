//! The worked examples of docs/figures.md, recomputed by the functions that the server uses.

use std::sync::Arc;

use callshot::internals::{
    Basis, Booked, DAY, ENOUGH, Estimate, Made, PresencePolicy, band, consistency, fiscal_days, formula, known,
    progress, required_interval, score, wilson,
};
use entity::contact::BuyingRole;
use entity::touch::TouchKind;
use entity::{Day, Instant};

const DOC: &str = include_str!("../../docs/figures.md");
const POLICY: PresencePolicy = PresencePolicy { half_life: 30.0, threshold: 0.5 };

/// Asserts that an example of the page says this.
#[track_caller]
fn says(text: &str) {
    let examples: String = DOC.lines().filter_map(|line| line.strip_prefix("> ")).collect::<Vec<_>>().join(" ");
    assert!(examples.contains(text), "docs/figures.md has no example that says: {text}");
}

fn counting(touches: &[(i64, u32, TouchKind)]) -> Vec<Made> {
    let made = touches.iter().map(|(days, weight, kind)| Made {
        age: days * DAY,
        weight: *weight,
        kind: *kind,
        minutes: 60,
        id: None,
    });
    formula::counting(made.collect(), POLICY)
}

fn presence(counting: &[Made]) -> f64 {
    formula::presence(formula::strength(counting, POLICY))
}

#[test]
fn presence_known_and_value() {
    let three = counting(&[(40, 1000, TouchKind::Meeting), (30, 700, TouchKind::Call), (16, 600, TouchKind::Email)]);
    says(&format!("E = {:.6} and presence = {:.6}", formula::strength(&three, POLICY), presence(&three)));
    let webinars = counting(&[1, 2, 3].map(|day| (day, 150, TouchKind::Event)));
    says(&format!("1, 2 and 3 days ago, give presence = {:.4}", presence(&webinars)));
    let meeting = counting(&[(0, 1000, TouchKind::Meeting)]);
    says(&format!("logged by two colleagues, gives presence = {:.4}", presence(&meeting)));
    let days = |counting: &[Made]| formula::days_until_absent(counting, POLICY);
    says(&format!("{:.4} days until absent; one meeting just now gives {:.4} days", days(&three), days(&meeting)));
    let interval = |weight| required_interval(weight, 30.0, 0.5);
    says(&format!(
        "τ(1.0) = {:.2} days, τ(0.7) = {:.2} days, τ(0.4) = {:.2} days",
        interval(1.0),
        interval(0.7),
        interval(0.4)
    ));
    let share = known(&[(BuyingRole::DecisionMaker, 1), (BuyingRole::Influencer, 1)]);
    says(&format!("known = 5 ÷ 9 = {share:.4}"));
    says(&format!("4 of them acknowledged, give value = {:.4}", formula::value(4, 4)));
    says(&format!("1 acknowledged touch gives value = {:.4}", formula::value(1, 1)));
    let is_ready = |threshold| formula::is_ready(0.60, 0.56, 0.83, threshold);
    assert!(is_ready(0.5) && !is_ready(0.7));
    let level = |threshold| formula::level(0.60, 0.56, 0.83, threshold);
    assert_eq!((level(0.5), level(0.7)), (formula::Level::Valued, formula::Level::Known));
    says("are ready and VALUED at θ = 0.5, and not ready and KNOWN at θ = 0.7");
    let touched = [0, 1, 3].map(|window| Instant(window * 10 + 1));
    let (part, n) = consistency(Instant(0), &touched, Instant(50), 10).unwrap();
    let (low, high) = wilson(part, n).unwrap();
    let value = Estimate::share(part, n, 4, "windows").value.unwrap();
    says(&format!("{part} of {n} windows touched give consistency = {value:.4} ({low:.4} to {high:.4})"));
}

#[test]
fn scores_bands_and_shares() {
    let (sum, whole) = (3000 * 8 + 1000 * 5, 5000);
    says(&format!("score = {:.1}, assessed = {:.2}", score::value(sum, whole), score::share(4000, whole)));
    for accounts in [3, 10, 40, 137, 500] {
        let band = band(accounts, 0, 5.0, 20.0);
        says(&format!("N = {accounts} gives {}..{}", band.low, band.high));
    }
    says(&format!("rank 3 of 40 has rankPercent = {:.2}", 100.0 * f64::from(3 - 1) / 40.0));
    let readiness = Estimate::share(8, 20, ENOUGH, "targets");
    let (low, high) = readiness.interval.unwrap();
    says(&format!("readiness = {:.4} ({low:.4} to {high:.4})", readiness.value.unwrap()));
    says(&format!("churn = {:.4}", f64::midpoint(2.0, 1.0) / f64::midpoint(9.0, 10.0)));
    says(&format!("a minutes share of {:.4}", 120.0 / 480.0));
    let won = Estimate::share(81, 263, ENOUGH, "closed opportunities");
    let (low, high) = won.interval.unwrap();
    says(&format!("81 of 263 closed opportunities won: {:.4} ({low:.4} to {high:.4})", won.value.unwrap()));
}

#[test]
fn capacity() {
    let limit = |touches_per_week: f64, weight, people: f64| {
        (touches_per_week / (people * 7.0 / required_interval(weight, 30.0, 0.5))).floor()
    };
    let week = |minutes: f64| 2400.0 * 0.5 * 0.6 / minutes;
    says(&format!(
        "C = {:.1} and limit = {} for 3 key people, limit = {} for 1",
        week(60.0),
        limit(week(60.0), 0.7, 3.0),
        limit(week(60.0), 0.7, 1.0)
    ));
    says(&format!("it is C = {:.1} and limit = {}", week(30.0), limit(week(30.0), 0.4, 3.0)));
}

fn day(text: &str) -> Day {
    callshot::internals::day(text).unwrap()
}

#[test]
fn goals() {
    let of = |goal, year: (Day, Day), agreed_on, bookings: &[(&str, i64)], on: Day| {
        let by_day = bookings.iter().map(|(text, sum)| (day(text), Booked { sum: *sum, count: 1 })).collect();
        progress(Arc::new(Basis { goal, year, agreed_on, by_day }), on, on)
    };
    let thousands = |number: i64| format!("{},{:03}", number / 1000, number % 1000);
    let weeks = (day("2017-01-02"), day("2017-12-31"));
    let late = of(100_000, weeks, None, &[("2017-03-01", 20_000)], weeks.1.plus(-140));
    let (compression, pace) = (late.compression.unwrap(), late.pace.word());
    says(&format!("compression = {compression:.2}, expected = {}, pace {pace}", thousands(late.expected)));
    let year = fiscal_days(2017, 1);
    let agreed = of(1000, year, Some(day("2017-10-01")), &[("2017-03-01", 400)], day("2017-10-31"));
    says(&format!("expected = {} on 31 October", agreed.expected));
    let three = [("2017-01-05", 100), ("2017-01-06", 100), ("2017-01-07", 165)];
    says(&format!(
        "day 60 of 365: projected = {}",
        thousands(of(1000, year, None, &three, day("2017-03-01")).projected.unwrap())
    ));
}

#[test]
fn every_explained_figure_is_on_the_page() {
    for name in [
        "knownBecause",
        "valueBecause",
        "readyBecause",
        "standingBecause",
        "assessNext",
        "defaultedMinutes",
        "series(from, to, every)",
        "consistencyEstimate",
        "readinessEstimate",
        "churnEstimate",
        "receptiveBiasEstimate",
        "minutesPerTouchEstimate",
        "projectedEstimate",
        "winRateEstimate",
    ] {
        assert!(DOC.contains(name), "{name}");
    }
}
