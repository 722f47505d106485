//! The order of events.

use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::data::Set;
use crate::measure::{Contender, Turn, drive, process};
use crate::questions::{Plan, Setting, all};
use crate::report::{self, Asked, Figures, Report};
use crate::stage::{Base, Database, Stage};
use crate::{Result, RunArguments};

/// Measures all that is asked for, and reports.
pub async fn run(arguments: &RunArguments) -> Result<()> {
    let mut plans = chosen(&arguments.only)?;
    plans.retain(|plan| arguments.on.is_none_or(|base| base == plan.base));
    let stage = Stage::set(arguments).await?;
    let mut report = Report::new(arguments);
    for (base, set) in [Base::Postgres, Base::Sqlite].into_iter().flat_map(|base| Set::ALL.map(|set| (base, set))) {
        let plans: Vec<&Plan> = plans.iter().filter(|plan| plan.base == base && plan.set == set).collect();
        if plans.is_empty() {
            continue;
        }
        let database = stage.database(base, set).await?;
        for plan in plans {
            eprintln!("{}: {}", plan.name, plan.title);
            // What fails is told, and keeps nothing else from being measured.
            match question(plan, &database, arguments).await {
                Ok(asked) => report.questions.extend(asked),
                Err(error) => {
                    eprintln!("{} failed: {error}", plan.name);
                    report.failures.push(format!("{} on {base:?}: {error}", plan.name));
                }
            }
            report::keep(&report, &arguments.out)?;
        }
    }
    println!("{}", report::table(&report));
    if report.failures.is_empty() { Ok(()) } else { Err(report.failures.join("; ").into()) }
}
/// The questions of these names; all of them where none is named.
fn chosen(only: &[String]) -> Result<Vec<Plan>> {
    let mut plans = all();
    for name in only {
        if !plans.iter().any(|plan| plan.name.eq_ignore_ascii_case(name)) {
            let known: Vec<&str> = plans.iter().map(|plan| plan.name).collect();
            return Err(format!("there is no question {name}, but {}", known.join(", ")).into());
        }
    }
    plans.retain(|plan| only.is_empty() || only.iter().any(|name| plan.name.eq_ignore_ascii_case(name)));
    Ok(plans)
}

/// Asks one question with fresh servers, with every number of connections.
async fn question(plan: &Plan, database: &Database, arguments: &RunArguments) -> Result<Vec<Asked>> {
    let token = database.sign_in(plan.set.asker()).await?;
    let (server, floor) = (database.server().await?, database.floor().await?);
    let started_in = server.started_in;
    let peers = if arguments.peer && plan.peer { database.peers().await? } else { Vec::new() };
    let mut setting = Setting { database, server, floor, peers, token };
    let mut contenders = (plan.contenders)(&setting).await?;
    if plan.same {
        compare(&contenders).await?;
    }
    let idle: Vec<u64> = contenders.iter().map(|contender| process::memory(contender.process)).collect();
    let mut statements = Vec::with_capacity(contenders.len());
    for contender in &contenders {
        statements.push(setting.database.statements(contender).await?);
    }
    let seconds = Duration::from_secs_f64(if arguments.quick { 1.0 } else { arguments.seconds });
    let numbers = if arguments.connections.is_empty() { plan.connections } else { &arguments.connections };
    let mut asked = Vec::new();
    for &connections in numbers {
        // A turn that does not count: compilers at run time and caches have warmed up after it.
        for contender in &contenders {
            drive(contender, connections, seconds, None).await?;
        }
        let mut turns: Vec<Vec<Turn>> = vec![Vec::new(); contenders.len()];
        for _ in 0..arguments.rounds {
            if setting.token.is_old() {
                setting.token = setting.database.sign_in(plan.set.asker()).await?;
                contenders = (plan.contenders)(&setting).await?;
            }
            for (contender, turns) in contenders.iter().zip(&mut turns) {
                turns.push(drive(contender, connections, seconds, setting.database.process).await?);
            }
        }
        let figures = contenders.iter().zip(turns).zip(idle.iter().zip(&statements)).map(
            |((contender, turns), (idle, statements))| Figures {
                name: contender.name.clone(),
                turns,
                idle_memory: *idle,
                statements: *statements,
            },
        );
        asked.push(Asked {
            name: plan.name,
            title: plan.title,
            base: plan.base,
            connections,
            rows: plan.rows,
            started_in: started_in.as_secs_f64(),
            contenders: figures.collect(),
        });
    }
    setting.server.stop().await?;
    Ok(asked)
}

/// Looks whether all contenders answer their first request with the same data.
async fn compare(contenders: &[Contender]) -> Result<()> {
    let mut first: Option<(&str, Value)> = None;
    for contender in contenders.iter().filter(|contender| contender.compared) {
        let request = (contender.source)(0, 0);
        let mut answer = Client::connect(contender.address).await?.json(request).await?;
        let data = answer["data"].take();
        match &first {
            None => first = Some((&contender.name, data)),
            Some((other, expected)) if difference(expected, &data).is_some() => {
                let (path, one, another) = difference(expected, &data).unwrap_or_default();
                return Err(format!("{other} and {} differ at {path}: {one} and {another}", contender.name).into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Where two answers first differ: the path, and both values.
fn difference(one: &Value, other: &Value) -> Option<(String, Value, Value)> {
    let below = |name: String, (path, one, other): (String, Value, Value)| (format!("/{name}{path}"), one, other);
    match (one, other) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            left.iter().find_map(|(name, value)| Some(below(name.clone(), difference(value, right.get(name)?)?)))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs.into_iter().find_map(|(at, (one, other))| Some(below(at.to_string(), difference(one, other)?)))
        }
        (Value::Object(_), Value::Object(_)) => Some((String::new(), one.clone(), other.clone())),
        _ if one == other => None,
        _ => Some((String::new(), one.clone(), other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{chosen, difference};

    #[test]
    fn the_first_difference_is_found() {
        let (one, other) = (json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]}));
        assert_eq!(difference(&one, &other), Some(("/a/1/b".to_owned(), json!(2), json!(3))));
        assert_eq!(difference(&one, &one), None);
        // Names in another order are another answer: bytes count.
        assert!(difference(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})).is_some());
    }

    #[test]
    fn questions_are_chosen_by_name() {
        assert!(chosen(&[]).is_ok_and(|plans| plans.len() > 8));
        assert!(chosen(&["q2".to_owned()]).is_ok_and(|plans| plans.len() == 2));
        assert!(chosen(&["Q9".to_owned()]).is_err_and(|error| error.to_string().contains("Q1")));
    }
}
