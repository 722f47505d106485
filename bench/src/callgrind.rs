//! Counting the instructions of a request with Valgrind. The count does not depend on how busy the machine is, so it
//! shows regressions of a few percent.
//!
//! The server is run twice, once for n requests and once for 2n. The difference between the two counts is the cost of n
//! requests without the cost of starting. It includes the database's instructions on SQLite, but not on PostgreSQL.

use std::path::Path;

use clap::Args;

use crate::client::Client;
use crate::environment::{Database, Engine, Environment};
use crate::measure::Contender;
use crate::measure::statistics::float;
use crate::process::{self, Server};
use crate::questions::{Context, Question, all};
use crate::{Result, RunArguments};

/// The number of warm-up requests, which are sent in both runs: they prepare statements and fill caches.
const WARM_UP: u64 = 5;

/// The options of the `callgrind` command.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The question to measure
    #[arg(long, value_name = "NAME", default_value = "Q2")]
    question: String,
    /// The contender to measure, such as "page 1" of Q4 [default: the first]
    #[arg(long, value_name = "NAME")]
    contender: Option<String>,
    /// The number of requests
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    requests: u64,
}

/// Counts the instructions per request and prints the result.
pub async fn run(arguments: &Arguments, run: &RunArguments) -> Result<()> {
    let engine = run.on.unwrap_or(Engine::Sqlite);
    let question = all()
        .into_iter()
        .find(|question| question.engine == engine && question.name.eq_ignore_ascii_case(&arguments.question))
        .ok_or_else(|| format!("there is no question {} on {engine:?}", arguments.question))?;
    let environment = Environment::prepare(run).await?;
    let database = environment.database(engine, question.set).await?;
    let requests = arguments.requests.max(1);
    let contender_name = arguments.contender.as_deref();
    let fewer = count(&question, contender_name, &database, &run.out, requests).await?;
    let more = count(&question, contender_name, &database, &run.out, 2 * requests).await?;
    let each = float(more.saturating_sub(fewer)) / float(requests);
    println!("{} on {engine:?}: {each:.0} instructions per request ({requests} requests)", question.name);
    Ok(())
}

/// Counts the instructions of a server, from its start to its end, that answers the given number of requests.
async fn count(
    question: &Question,
    contender_name: Option<&str>,
    database: &Database,
    folder: &Path,
    requests: u64,
) -> Result<u64> {
    let out = folder.join(format!("callgrind-{}.out", question.name));
    let token = database.sign_in(question.set.default_user()).await?;
    let server = Server::start(&mut database.server_command_under(process::callgrind(&out)), "/readyz").await?;
    let floor = database.floor().await?;
    let context = Context { database, server, floor, peers: Vec::new(), token };
    let contenders = (question.contenders)(&context).await?;
    let matches = |contender: &&Contender| {
        contender.process == context.server.id() && contender_name.is_none_or(|name| contender.name == name)
    };
    let contender =
        contenders.iter().find(matches).ok_or("the server has no contender of this name in the question")?;
    let mut client = Client::connect(contender.address).await?;
    for count in 0..WARM_UP + requests {
        let (status, body) = client.fetch((contender.source)(0, count)).await?;
        if !(contender.accept)(&body) {
            return Err(format!("the contender answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
    }
    drop(client);
    context.server.stop().await?;
    Ok(total(&std::fs::read_to_string(&out)?).ok_or("Valgrind wrote no instruction count")?)
}

/// Reads the total instruction count from a Callgrind output file.
fn total(file: &str) -> Option<u64> {
    let line = file.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_read_from_the_last_totals_line() {
        assert_eq!(total("version: 1\nsummary: 1 2\n\n1 2\ntotals: 4711\n"), Some(4711));
        assert_eq!(total(""), None);
    }
}
