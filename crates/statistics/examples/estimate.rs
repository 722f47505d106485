//! Reads one question a line from standard input, as JSON, and writes one answer a line. `.ci/statistics` compares the
//! answers with those of other libraries.

use std::io::{BufRead as _, Write as _};

use serde_json::{Value, json};
use statistics::growth::{Grown, effect};
use statistics::interval::{mean, wilson};
use statistics::odds::{Arm, ratio, risk_difference};
use statistics::openings::{Hazard, LAGS, Weeks};
use statistics::quantile::quantile;
use statistics::sum::{Win, reaches};
use statistics::survival::{Case, curve, quartiles};

type Failure = Box<dyn std::error::Error>;

/// Reads a part of a question.
fn read<T: serde::de::DeserializeOwned>(question: &Value, name: &str) -> Result<T, Failure> {
    let part = question.get(name).ok_or_else(|| format!("{name} is missing in {question}"))?;
    Ok(serde_json::from_value(part.clone())?)
}

fn answer(question: &Value) -> Result<Value, Failure> {
    let of: String = read(question, "of")?;
    Ok(match of.as_str() {
        "wilson" => json!(wilson(read(question, "part")?, read(question, "n")?)),
        "mean" => {
            let values: Vec<f64> = read(question, "values")?;
            json!(mean(&values).map(|mean| json!({"value": mean.value, "interval": mean.interval})))
        }
        "quantile" => {
            let values: Vec<f64> = read(question, "values")?;
            json!(quantile(values, read(question, "share")?))
        }
        "odds" => {
            let [one, other]: [(usize, usize); 2] = read(question, "arms")?;
            let [one, other] = [one, other].map(|(successes, events)| Arm { events, successes });
            let ratio = ratio(one, other).map(|ratio| json!({"value": ratio.value, "interval": ratio.interval}));
            json!({"ratio": ratio, "riskDifference": risk_difference(one, other)})
        }
        "survival" => {
            let cases: Vec<(i64, bool, f64)> = read(question, "cases")?;
            let cases: Vec<Case> =
                cases.into_iter().map(|(days, ended, weight)| Case { days, ended, weight }).collect();
            let found = quartiles(&cases);
            let steps: Vec<Value> = curve(&cases)
                .iter()
                .map(|step| json!([step.days, step.survival, step.interval.0, step.interval.1]))
                .collect();
            json!({
                "steps": steps, "n": found.n, "events": found.events, "p25": found.p25, "p50": found.p50, "p75": found.p75,
                "p50Interval": found.p50_interval, "naiveP50": found.naive_p50,
            })
        }
        "sum" => {
            let wins: Vec<(i64, f64)> = read(question, "wins")?;
            let wins: Vec<Win> = wins.into_iter().map(|(amount, probability)| Win { amount, probability }).collect();
            let found = reaches(read(question, "goal")?, &wins);
            json!({"low": found.low, "high": found.high, "value": found.value()})
        }
        "growth" => {
            let accounts: Vec<(usize, f64, f64, bool)> = read(question, "accounts")?;
            let accounts: Vec<Grown> = accounts
                .into_iter()
                .map(|(seller, before, booked, has_goal)| Grown { seller, before, booked, has_goal })
                .collect();
            let found = effect(&accounts);
            json!({
                "value": found.value, "interval": found.interval, "with": found.with, "without": found.without,
                "sellers": found.sellers,
            })
        }
        "openings" => {
            let shares: Vec<f64> = read(question, "shares")?;
            let shares: [f64; LAGS] = shares.try_into().map_err(|_| "there are 52 shares")?;
            let minutes = Weeks { first: read(question, "first")?, minutes: read(question, "minutes")? };
            let hazard = Hazard::of(&shares, &minutes, read(question, "from")?, read(question, "to")?);
            let weeks: Vec<i64> = read(question, "weeks")?;
            json!(weeks.into_iter().map(|week| hazard.expected(&minutes, week)).collect::<Vec<f64>>())
        }
        other => return Err(format!("There is no estimator {other}.").into()),
    })
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", answer(&serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}
