//! The sequence of a run.

use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::data::Set;
use crate::environment::{Database, Engine, Environment};
use crate::measure::{Contender, Turn, drive, process};
use crate::questions::{Context, Question, all};
use crate::report::{self, ContenderReport, QuestionReport, Report};
use crate::{Result, RunArguments};

/// Measures the selected questions and reports the results.
pub async fn run(arguments: &RunArguments) -> Result<()> {
    let mut questions = selected(&arguments.only)?;
    questions.retain(|question| arguments.on.is_none_or(|engine| engine == question.engine));
    let environment = Environment::prepare(arguments).await?;
    let mut report = Report::new(arguments);
    for (engine, set) in
        [Engine::Postgres, Engine::Sqlite].into_iter().flat_map(|engine| Set::ALL.map(|set| (engine, set)))
    {
        let questions: Vec<&Question> =
            questions.iter().filter(|question| question.engine == engine && question.set == set).collect();
        if questions.is_empty() {
            continue;
        }
        let database = environment.database(engine, set).await?;
        for question in questions {
            eprintln!("{}: {}", question.name, question.title);
            // A failure is reported but does not stop the other measurements.
            match measure_question(question, &database, arguments).await {
                Ok(results) => report.questions.extend(results),
                Err(error) => {
                    eprintln!("{} failed: {error}", question.name);
                    report.failures.push(format!("{} on {engine:?}: {error}", question.name));
                }
            }
            report::save(&report, &arguments.out)?;
        }
    }
    println!("{}", report::table(&report));
    if report.failures.is_empty() { Ok(()) } else { Err(report.failures.join("; ").into()) }
}

/// Returns the questions with the given names, or all of them if no name is given.
fn selected(only: &[String]) -> Result<Vec<Question>> {
    let mut questions = all();
    for name in only {
        if !questions.iter().any(|question| question.name.eq_ignore_ascii_case(name)) {
            let known: Vec<&str> = questions.iter().map(|question| question.name).collect();
            return Err(format!("there is no question {name}; the questions are {}", known.join(", ")).into());
        }
    }
    questions.retain(|question| only.is_empty() || only.iter().any(|name| question.name.eq_ignore_ascii_case(name)));
    Ok(questions)
}

/// Measures one question against newly started servers, for each number of connections.
async fn measure_question(
    question: &Question,
    database: &Database,
    arguments: &RunArguments,
) -> Result<Vec<QuestionReport>> {
    let token = database.sign_in(question.set.default_user()).await?;
    let (server, floor) = (database.server().await?, database.floor().await?);
    let started_in = server.started_in;
    let peers = if arguments.peer && question.peer { database.peers().await? } else { Vec::new() };
    let mut context = Context { database, server, floor, peers, token };
    let mut contenders = (question.contenders)(&context).await?;
    if question.same_answers {
        check_same_answers(&contenders).await?;
    }
    let idle: Vec<u64> = contenders.iter().map(|contender| process::memory(contender.process)).collect();
    let mut statements = Vec::with_capacity(contenders.len());
    for contender in &contenders {
        statements.push(context.database.statements(contender).await?);
    }
    let seconds = Duration::from_secs_f64(if arguments.quick { 1.0 } else { arguments.seconds });
    let numbers = if arguments.connections.is_empty() { question.connections } else { &arguments.connections };
    let mut results = Vec::new();
    for &connections in numbers {
        // This turn is not recorded. It warms up caches and just-in-time compilers.
        for contender in &contenders {
            drive(contender, connections, seconds, None).await?;
        }
        let mut turns: Vec<Vec<Turn>> = vec![Vec::new(); contenders.len()];
        for _ in 0..arguments.rounds {
            if context.token.needs_renewal() {
                context.token = context.database.sign_in(question.set.default_user()).await?;
                contenders = (question.contenders)(&context).await?;
            }
            for (contender, turns) in contenders.iter().zip(&mut turns) {
                turns.push(drive(contender, connections, seconds, context.database.process).await?);
            }
        }
        let reports = contenders.iter().zip(turns).zip(idle.iter().zip(&statements)).map(
            |((contender, turns), (idle, statements))| ContenderReport {
                name: contender.name.clone(),
                turns,
                idle_memory: *idle,
                statements: *statements,
            },
        );
        results.push(QuestionReport {
            name: question.name,
            title: question.title,
            engine: question.engine,
            connections,
            rows: question.rows,
            started_in: started_in.as_secs_f64(),
            contenders: reports.collect(),
        });
    }
    context.server.stop().await?;
    Ok(results)
}

/// Checks that all contenders answer their first request with the same data.
async fn check_same_answers(contenders: &[Contender]) -> Result<()> {
    let mut first: Option<(&str, Value)> = None;
    for contender in contenders.iter().filter(|contender| contender.compared) {
        let request = (contender.source)(0, 0);
        let mut answer = Client::connect(contender.address).await?.json(request).await?;
        let data = answer["data"].take();
        match &first {
            None => first = Some((&contender.name, data)),
            Some((other, expected)) if difference(expected, &data).is_some() => {
                let (path, one, another) = difference(expected, &data).unwrap_or_default();
                return Err(format!(
                    "the answers of {other} and {} differ at {path}: {one} and {another}",
                    contender.name
                )
                .into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Returns the first difference between two answers: its path and both values.
fn difference(one: &Value, other: &Value) -> Option<(String, Value, Value)> {
    let nested = |name: String, (path, one, other): (String, Value, Value)| (format!("/{name}{path}"), one, other);
    match (one, other) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            left.iter().find_map(|(name, value)| Some(nested(name.clone(), difference(value, right.get(name)?)?)))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs.into_iter().find_map(|(index, (one, other))| Some(nested(index.to_string(), difference(one, other)?)))
        }
        (Value::Object(_), Value::Object(_)) => Some((String::new(), one.clone(), other.clone())),
        _ if one == other => None,
        _ => Some((String::new(), one.clone(), other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{difference, selected};

    #[test]
    fn the_first_difference_is_found() {
        let (one, other) = (json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]}));
        assert_eq!(difference(&one, &other), Some(("/a/1/b".to_owned(), json!(2), json!(3))));
        assert_eq!(difference(&one, &one), None);
        // The order of names matters because answers must be equal byte for byte.
        assert!(difference(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})).is_some());
    }

    #[test]
    fn questions_are_selected_by_name() {
        assert!(selected(&[]).is_ok_and(|questions| questions.len() > 8));
        assert!(selected(&["q2".to_owned()]).is_ok_and(|questions| questions.len() == 2));
        assert!(selected(&["Q9".to_owned()]).is_err_and(|error| error.to_string().contains("Q1")));
    }
}
