//! The worked examples of docs/figures.md, recomputed by the functions that the server uses.

use std::sync::Arc;

use callshot::internals::{
    Basis, Booked, DAY, ENOUGH, Estimate, GoalWarning, MILLION, Made, PresencePolicy, Standing, Stretch, TimeUse, Way,
    band, completeness, consistency, due_after, fiscal_days, flows, formula, is_snoozed, known, longest_gap,
    probability_of, progress, promise, required_interval, score, split, wilson, years_after,
};
use entity::contact::BuyingRole;
use entity::opportunity::Stage;
use entity::plan::ReviewCadence;
use entity::touch::TouchKind;
use entity::{AccountId, Day, Id as _, Instant, OrganizationId, PromiseId, UserId};
use statistics::interval::mean;
use statistics::odds::{Arm, ratio, risk_difference};
use statistics::openings::{Hazard, LAGS, Weeks, needed};
use statistics::sum::{Win, reaches};
use statistics::survival::{Case, curve, quartiles};

const SCHEMA: &str = include_str!("../../schema.graphql");
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
    says(&format!("on day 60: longestGapDays = {}", longest_gap(Day(0), &[5, 40].map(Day), Day(60))));
    says(&format!("coverage = 2 ÷ 9 = {:.4}", known(&[(BuyingRole::Influencer, 1)])));
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
    let utilization = 11.0 * 3.0 * 7.0 / required_interval(0.4, 30.0, 0.5) / week(30.0);
    says(&format!(
        "it is C = {:.1} and limit = {}; 11 targets then are utilization = {utilization:.2}",
        week(30.0),
        limit(week(30.0), 0.4, 3.0)
    ));
    says(&format!("29 February 2016 is due on {}", years_after(day("2016-02-29"), 1)));
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
fn looking_ahead() {
    let open = [(40_000, 0.5), (30_000, 0.3), (60_000, 0.25), (20_000, 0.8)];
    let wins = open.map(|(amount, probability)| Win { amount, probability });
    let closable: i64 = open.iter().map(|(amount, _)| amount).sum();
    let weighted: f64 =
        open.iter().map(|(amount, probability)| f64::from(i32::try_from(*amount).unwrap()) * probability).sum();
    let found = reaches(50_000, &wins);
    says(&format!(
        "coverage = {}.{}, weighted {},000, probability = {:.4}",
        closable / 50_000,
        closable % 50_000,
        weighted / 1000.0,
        found.value()
    ));
    let ended = [60, 90, 150, 240].map(Case::ended);
    let cases: Vec<Case> = ended.into_iter().chain([120, 200, 300, 365].map(Case::open)).collect();
    let survival: Vec<f64> = curve(&cases).iter().map(|step| step.survival).collect();
    let [one, two, three, four] = survival[..] else { panic!("{survival:?}") };
    let found = quartiles(&cases);
    says(&format!(
        "survival {one:.3}, {two:.2}, {three:.2}, {four:.2}; median {}, naive {}",
        found.p50.unwrap(),
        found.naive_p50.unwrap()
    ));
    let attainments =
        [(100.0, 152.0), (80.0, 90.0), (120.0, 60.0), (50.0, 81.0), (200.0, 310.0)].map(|(goal, booked)| booked / goal);
    let reached: Vec<f64> = attainments.into_iter().filter(|attainment| *attainment >= 1.0).collect();
    let hit = Estimate::share(i64::try_from(reached.len()).unwrap(), 5, ENOUGH, "goals").value.unwrap();
    let attainment = mean(&reached).unwrap().value;
    says(&format!("hit rate {hit}, attainment of reached {attainment:.4}, overshoot {:.4}", attainment - 1.0));
    let arms = [12, 3].map(|successes| Arm { events: 18, successes });
    let odds = ratio(arms[0], arms[1]).unwrap();
    says(&format!(
        "odds ratio {:.3} ({:.3} to {:.3}), risk difference {:.1}",
        odds.value,
        odds.interval.0,
        odds.interval.1,
        risk_difference(arms[0], arms[1]).unwrap()
    ));
    let mut shares = [0.0; LAGS];
    shares[3] = 1.0;
    let hazard = Hazard::of(&shares, &Weeks { first: 0, minutes: vec![90.0] }, 0, 9);
    let expected = hazard.expected(&Weeks { first: 20, minutes: vec![45.0] }, 23);
    let needed = needed(4_500.0, Some(300.0), Some(1.0)).unwrap();
    says(&format!(
        "45 minutes let expect {expected:.2} openings. R = 4,500, a mean of 300 and a win rate of 1 need {needed} openings"
    ));
}

#[test]
fn what_is_booked() {
    let warnings: Vec<&str> = GoalWarning::of(100, 100, Some(120)).iter().map(|warning| warning.word()).collect();
    says(&format!("a threshold of 120 has the warnings {}", warnings.join(", ")));
    let by_day = [("2017-01-05", 60), ("2017-02-08", 50), ("2017-03-01", -20)]
        .map(|(text, sum)| (day(text), Booked { sum, count: 1 }))
        .to_vec();
    let basis = Arc::new(Basis { goal: 100, year: fiscal_days(2017, 1), agreed_on: None, by_day });
    let reached = |on: &str| progress(Arc::clone(&basis), day(on), day(on)).reached_on;
    says(&format!("reachedOn = {} at the end of February, and none", reached("2017-02-28").unwrap()));
    assert_eq!(reached("2017-03-31"), None);
    let standing = |positive, booked| Standing::of(positive, booked, Some(100)).word();
    says(&format!(
        "a credit note alone is a {}, 99 booked this year a {}, and 100 a {} account",
        standing(0, -50),
        standing(1, 99),
        standing(1, 100)
    ));
    let probability = |stage| i64::from(probability_of(stage));
    let weighted = 1000 * probability(Stage::Qualified) + 500 * probability(Stage::Proposed);
    says(&format!("without probabilities of their own: weighted = {}", weighted / 100));
}

#[test]
fn the_year_before() {
    let later = |text: &str| years_after(day(text), 1);
    says(&format!("2016-02-29 counts as {}, and 2016-05-10 as {}", later("2016-02-29"), later("2016-05-10")));
}

#[test]
fn stages() {
    let course = |stages: &[(Stage, i32)]| stages.iter().map(|(stage, day)| (*stage, Day(*day))).collect();
    let courses: [Vec<(Stage, Day)>; 3] = [
        course(&[(Stage::Qualified, 0), (Stage::Proposed, 20), (Stage::Won, 50)]),
        course(&[(Stage::Qualified, 0), (Stage::Lost, 40)]),
        course(&[(Stage::Qualified, 0)]),
    ];
    let flows = flows(&courses, Day(100));
    let qualified = flows.iter().find(|flow| flow.stage() == Stage::Qualified).unwrap();
    says(&format!(
        "QUALIFIED was entered {} times, left {} time to PROPOSED and {} time to LOST, winRate = {}, and half leave it \
         within {} days",
        qualified.entered(),
        qualified.left_to(Stage::Proposed),
        qualified.left_to(Stage::Lost),
        qualified.win_rate().value.unwrap(),
        qualified.days().p50.unwrap()
    ));
}

#[test]
fn plans_weeks_and_promises() {
    says(&format!("a long-term objective has completeness = {:.4}", completeness(2)));
    let due = due_after(day("2017-11-30"), ReviewCadence::Quarterly);
    says(&format!("reviewed on 30 November 2017 is due for review on {due}"));
    let way = Way { baseline: MILLION, target: 4_500_000, from: day("2017-01-01"), due: day("2017-12-31") };
    says(&format!("measured on 1 March: attainment = {:.4}, on track", way.attainment(2 * MILLION).unwrap()));
    assert!(way.on_track(2 * MILLION, day("2017-03-01")) && !way.on_track(2 * MILLION, day("2017-06-01")));
    let stretch = |from, to| Stretch { from, to };
    let busy = [(stretch(510, 600), TimeUse::KeyPeople), (stretch(570, 660), TimeUse::Other)];
    let split = split(&[stretch(540, 1020)], &busy);
    let fill_rate = f64::from(i32::try_from(split.key_people + split.target).unwrap()) / 480.0;
    assert_eq!(split.working, 480);
    let parts: Vec<i64> = split.parts.iter().map(|part| part.stretch.minutes()).collect();
    says(&format!("from 9:30 to 11: {} parts of {}, {} and {} minutes", parts.len(), parts[0], parts[1], parts[2]));
    says(&format!(
        "{} with key people, {} other, {} blank; fillRate = {fill_rate:.4}",
        split.key_people, split.other, split.blank
    ));
    let promise = entity::promise::Model {
        id: PromiseId::make(),
        organization_id: OrganizationId::make(),
        account_id: AccountId::make(),
        contact_id: None,
        touch_id: None,
        what: "A list".to_owned(),
        made_on: day("2017-05-01"),
        due_on: day("2017-05-09"),
        kept_on: None,
        made_by_id: UserId::make(),
        created_at: Instant(0),
        updated_at: Instant(0),
        version: 1,
    };
    let is_overdue = |on: &str| promise::is_overdue(&promise, day(on));
    assert!(is_overdue("2017-05-10") && !is_overdue("2017-05-09"));
    says("a promise that was due on 9 May is overdue on 10 May, and not on 9 May");
    let is_snoozed = |on: &str| is_snoozed(day("2017-05-10"), day("2017-05-12"), day(on));
    assert_eq!(["2017-05-09", "2017-05-10", "2017-05-11", "2017-05-12"].map(is_snoozed), [false, true, true, false]);
    says("snoozed on 10 May until 12 May is left out on 10 and 11 May, and is back on 12 May");
}

/// Numbers that people enter, and the parts of an estimate and of a reason.
const ENTERED: [&str; 3] = ["Criterion", "Estimate", "Reason"];
/// Figures that are whole numbers, amounts, days or yes and no.
const OTHERS: [&str; 72] = [
    "accounts",
    "absent",
    "actionsOverdue",
    "assessNext",
    "band",
    "baseline",
    "benchmarksBehind",
    "big",
    "blankDays",
    "blankMinutes",
    "contacts",
    "count",
    "counts",
    "daysSinceReview",
    "daysSinceTouch",
    "defaulted",
    "defaultedMinutes",
    "entered",
    "expected",
    "free",
    "joined",
    "keyPeopleMinutes",
    "lastReviewedOn",
    "left",
    "level",
    "limit",
    "longestGapDays",
    "lost",
    "missing",
    "missingBecause",
    "missingRoles",
    "minutes",
    "nextReviewOn",
    "onTarget",
    "onTrack",
    "otherMinutes",
    "overBy",
    "overdue",
    "pace",
    "parts",
    "potential",
    "previous",
    "probability",
    "projected",
    "pursued",
    "reached",
    "reachedOn",
    "ready",
    "remaining",
    "responded",
    "reviewDueOn",
    "reviewOverdue",
    "size",
    "snoozed",
    "stale",
    "stillIn",
    "standing",
    "targetMinutes",
    "targetTouches",
    "total",
    "touches",
    "trusted",
    "unpursued",
    "used",
    "valued",
    "warnings",
    "weighted",
    "withValue",
    "won",
    "workingMinutes",
    "Account.booked",
    "Contact.relationshipSetAt",
];

/// The types and fields of the schema that are figures by their type: fractions, estimates and reasons.
fn figures() -> Vec<(String, String)> {
    let mut figures = Vec::new();
    let mut of = None;
    for line in SCHEMA.lines() {
        if let Some(name) = line.strip_prefix("type ").and_then(|line| line.split_whitespace().next()) {
            of = Some(name.to_owned());
        } else if line == "}" {
            of = None;
        }
        // Of a field with arguments over several lines the type is on the last of them, after the parenthesis.
        let field = line.strip_prefix('\t').filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        let (Some(of), Some((name, kind))) = (&of, field.and_then(|field| field.split_once(": "))) else { continue };
        if ["Float", "Float!", "Estimate", "Estimate!", "[Reason!]!"].contains(&kind) {
            figures.push((of.clone(), name.to_owned()));
        }
    }
    figures
}

#[test]
fn every_figure_of_the_schema_is_on_the_page() {
    let is_there = |name: &str| DOC.contains(&format!("`{name}`")) || DOC.contains(&format!(".{name}`"));
    let found = figures();
    assert!(found.len() > 40, "{}", found.len());
    let computed = found.iter().filter(|(of, _)| !ENTERED.contains(&of.as_str()) && of != "Policy");
    let missing: Vec<String> =
        computed.filter(|(_, name)| !is_there(name)).map(|(of, name)| format!("{of}.{name}")).collect();
    assert!(missing.is_empty(), "docs/figures.md has no entry for {missing:?}");
    let missing: Vec<&str> = OTHERS.into_iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "docs/figures.md has no entry for {missing:?}");
    for name in OTHERS {
        let name = name.rsplit('.').next().unwrap();
        let field = |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '(']));
        assert!(SCHEMA.lines().any(field), "the schema has no field {name}");
    }
}
