//! What a simulation yields: the same acts for the same scenario, in the order of time, each about something that exists, and
//! clients that behave by the truth.

#![expect(clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::NaiveDate;
use simulator::act::{PlanDeed, TouchState};
use simulator::{Act, Deed, Moment, Observed, Scenario, Simulation, Size, StaffNumber, Truth};

/// 2026-11-30T13:20:00Z, a Monday.
const NOW: Moment = Moment(1_796_044_800_000_000);

fn scenario(seed: u64, size: Size, years: u32) -> Scenario {
    Scenario { seed, size, years, now: NOW, zone: chrono_tz::Europe::Vienna, truth: Truth::default() }
}

fn acts(scenario: Scenario) -> Vec<Act> {
    Simulation::of(scenario).unwrap().flatten().collect()
}

#[test]
fn the_same_scenario_yields_the_same_acts_and_another_seed_others() {
    let of = |seed| acts(scenario(seed, Size::SMALL, 1));
    let first = of(1);
    assert!(first == of(1));
    assert!(first != of(2));
    let until = |days: i64| {
        let now = Moment(NOW.0 - days * 86_400_000_000);
        acts(Scenario { now, ..scenario(1, Size::SMALL, 1) })
    };
    assert!(until(1) != first);
    assert!(until(1).last().unwrap().at.0 <= NOW.0 - 86_400_000_000);
}

#[test]
fn acts_come_in_the_order_of_time_and_none_after_now() {
    for (seed, years) in [(1, 3), (2, 1)] {
        let acts = acts(scenario(seed, Size::SMALL, years));
        assert!(acts.is_sorted_by_key(|act| act.at));
        assert!(acts.last().unwrap().at <= NOW);
        assert!(NOW.0 - acts.last().unwrap().at.0 < 86_400_000_000);
    }
}

#[test]
fn a_scenario_that_cannot_be_is_refused_with_what_would_be_right() {
    let refusal = |change: fn(&mut Scenario)| {
        let mut scenario = scenario(1, Size::SMALL, 1);
        change(&mut scenario);
        Simulation::of(scenario).map(drop).unwrap_err()
    };
    assert_eq!(refusal(|of| of.years = 0), "a history has 1 to 10 years; 0 were asked for");
    assert_eq!(refusal(|of| of.years = 11), "a history has 1 to 10 years; 11 were asked for");
    assert!(refusal(|of| of.size.managers = 0).contains("each manager needs a seller"));
    assert!(refusal(|of| of.size.managers = 5).contains("each manager needs a seller"));
    assert!(refusal(|of| of.size.accounts = 15).contains("each needs 4 accounts"));
    assert!(refusal(|of| of.size.contacts = 119).contains("each account a contact"));
    assert!(refusal(|of| of.size.touches_a_week = f64::NAN).contains("1 to 60 touches"));
}

/// Checks that everything an act refers to was entered before it.
#[test]
fn acts_are_about_what_was_entered_before() {
    for seed in 1..4 {
        let simulation = Simulation::of(scenario(seed, Size::SMALL, 3)).unwrap();
        let world = simulation.world().clone();
        let mut seen: HashSet<String> = HashSet::new();
        for act in simulation.flatten() {
            let Act { deed, at, by } = &act;
            let needs = |seen: &HashSet<String>, what: String| assert!(seen.contains(&what), "{what} of {act:?}");
            match deed {
                Deed::EnterAccounts(all) => seen.extend(all.iter().map(|number| format!("{number:?}"))),
                Deed::EnterContacts(all) => {
                    for contact in all {
                        needs(&seen, format!("{:?}", world.people[contact.0].account));
                        assert!(seen.insert(format!("{contact:?}")), "{contact:?} twice");
                    }
                }
                Deed::Touches(entries) => {
                    let distinct: HashSet<_> = entries.iter().map(|entry| entry.touch).collect();
                    assert_eq!(distinct.len(), entries.len(), "{act:?}");
                    for entry in entries {
                        needs(&seen, format!("{:?}", entry.account));
                        assert_eq!(world.companies[entry.account.0].owner, *by);
                        assert_eq!(seen.contains(&format!("{:?}", entry.touch)), entry.is_change, "{entry:?}");
                        entry.contacts.iter().for_each(|contact| needs(&seen, format!("{contact:?}")));
                        entry.opportunity.iter().for_each(|number| needs(&seen, format!("{number:?}")));
                        assert!(entry.state != TouchState::Made || entry.at <= *at, "{entry:?} at {at:?}");
                        assert!(entry.state != TouchState::Planned || entry.at > *at, "{entry:?} at {at:?}");
                        assert!(entry.recorded_at.is_none_or(|recorded| recorded <= *at && recorded > entry.at));
                        seen.insert(format!("{:?}", entry.touch));
                    }
                }
                Deed::MakePromise { promise, touch, contact, .. } => {
                    needs(&seen, format!("{touch:?}"));
                    needs(&seen, format!("{contact:?}"));
                    seen.insert(format!("{promise:?}"));
                }
                Deed::KeepPromise(promise) => needs(&seen, format!("{promise:?}")),
                Deed::ProposeTarget { target, .. } => assert!(seen.insert(format!("{target:?}"))),
                Deed::DecideTarget { target, .. } | Deed::WithdrawTarget(target) | Deed::CloseTarget { target, .. } => {
                    needs(&seen, format!("{target:?}"));
                }
                Deed::SetGoal { account, year, agree, .. } => {
                    let goal = format!("{account:?} in {year}");
                    assert!(!agree || seen.contains(&goal));
                    seen.insert(goal);
                }
                Deed::RecordTrigger { trigger, .. } => assert!(seen.insert(format!("{trigger:?}"))),
                Deed::ResolveTrigger { trigger, .. } => needs(&seen, format!("{trigger:?}")),
                Deed::Open { opportunity, trigger, .. } => {
                    if let Some(trigger) = trigger {
                        needs(&seen, format!("{trigger:?}"));
                    }
                    seen.insert(format!("{opportunity:?}"));
                }
                Deed::Advance { opportunity, .. } | Deed::Win { opportunity, .. } | Deed::Lose { opportunity, .. } => {
                    needs(&seen, format!("{opportunity:?}"));
                }
                Deed::Plan(plan, PlanDeed::Create { .. }) => assert!(seen.insert(format!("{plan:?}"))),
                Deed::Plan(plan, _) => needs(&seen, format!("{plan:?}")),
                _ => {}
            }
        }
        // Everything of the world's variety occurs.
        for what in ["Promise", "Target", "Trigger", "Opportunity", "Plan", "2025"] {
            assert!(seen.iter().any(|name| name.contains(what)), "{what}");
        }
    }
}

#[test]
fn the_default_size_has_about_sixty_thousand_touches() {
    let mut touches = 0;
    let mut sellers: BTreeSet<StaffNumber> = BTreeSet::new();
    let mut planned: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    for act in acts(scenario(1, Size::DEFAULT, 3)) {
        if let Deed::Touches(entries) = &act.deed {
            touches += entries.iter().filter(|entry| !entry.is_change).count();
            sellers.insert(act.by);
            for entry in entries.iter().filter(|entry| entry.at > NOW) {
                let day = chrono::DateTime::from_timestamp_micros(entry.at.0).unwrap().date_naive();
                *planned.entry(day).or_default() += 1;
            }
        }
    }
    assert!((54_000..68_000).contains(&touches), "{touches}");
    assert_eq!(sellers.len(), 18);
    // The rest of today and next week are in the calendars, and fewer the later.
    let week = |from: u32, to: u32| -> usize {
        let days = |day: u32| NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
        planned.range(days(from)..=days(to)).map(|(_, count)| count).sum()
    };
    let (this, next) = (week(1, 4), week(7, 11));
    assert!(this > 40 && next > 15 && next < this, "{this} {next}");
}

#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^53")]
fn real(number: i64) -> f64 {
    number as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / real(i64::try_from(values.len()).unwrap())
}

/// Simple estimators find the truth in a few pooled worlds, within about three of their standard errors.
#[test]
fn simple_estimators_find_the_truth() {
    let truth = Truth::default();
    let mut seen = Observed::default();
    for seed in 0..6 {
        seen.extend(Observed::of(scenario(seed, Size::DEFAULT, 3)).unwrap());
    }
    let count = |ready, invited| {
        let of = seen.triggers.iter().filter(|event| **event == (ready, invited)).count();
        real(i64::try_from(of).unwrap())
    };
    let (a, b, c, d) = (count(true, true), count(true, false), count(false, true), count(false, false));
    let (ratio, error) = ((a * d / (b * c)).ln(), (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d).sqrt());
    assert!(a + b > 300.0 && c + d > 300.0, "{a} {b} {c} {d}");
    assert!((ratio - truth.odds_ratio.ln()).abs() < 3.0 * error, "{} ± {error}", ratio.exp());

    let won = seen.closed.iter().filter(|(_, _, won)| *won).count();
    let rate = real(i64::try_from(won).unwrap()) / real(i64::try_from(seen.closed.len()).unwrap());
    assert!((rate - truth.win_rate).abs() < 0.03, "{rate} of {}", seen.closed.len());

    // Kaplan and Meier: the first day by which the product of survival falls to one half.
    let mut survival = 1.0;
    let mut median = 0;
    for day in 0.. {
        let at_risk = seen.closed.iter().filter(|(_, days, _)| *days >= day).count()
            + seen.open.iter().filter(|days| **days >= day).count();
        let ends = seen.closed.iter().filter(|(_, days, _)| *days == day).count();
        survival *= 1.0 - real(i64::try_from(ends).unwrap()) / real(i64::try_from(at_risk).unwrap());
        if survival <= 0.5 {
            median = day;
            break;
        }
    }
    assert!((median - truth.cycle_days()).abs() <= 4, "{median}");

    let attainments: Vec<f64> =
        seen.years.iter().filter_map(|client| Some(real(client.booked) / real(client.goal?))).collect();
    let hits: Vec<f64> = attainments.iter().copied().filter(|attainment| *attainment >= 1.0).collect();
    let rate = real(i64::try_from(hits.len()).unwrap()) / real(i64::try_from(attainments.len()).unwrap());
    assert!(attainments.len() > 1_000);
    assert!((rate - truth.hit_rate).abs() < 0.04, "{rate}");
    assert!((mean(&hits) - truth.attainment_of_reached()).abs() < 0.04, "{}", mean(&hits));

    let growth = |has_goal: bool| -> Vec<f64> {
        let arm = seen.years.iter().filter(|client| client.goal.is_some() == has_goal && client.booked > 0);
        arm.map(|client| (real(client.booked) / real(client.before)).ln()).collect()
    };
    let (without, with) = (growth(false), growth(true));
    assert!((mean(&without) - truth.growth).abs() < 0.04, "{} of {}", mean(&without), without.len());
    let effect = mean(&with) - mean(&without);
    assert!((effect - truth.goal_effect).abs() < 0.05, "{effect}");
}
