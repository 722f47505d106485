//! Instructions of a request, counted by valgrind: the same on a busy machine as on a quiet one, so that a regression
//! of a few percent shows.
//!
//! The server is run twice, once for so many requests and once for twice as many; what the second run took more, is
//! theirs alone. Over SQLite the database's instructions are among them, over PostgreSQL they are not.

use std::path::Path;

use clap::Args;

use crate::client::Client;
use crate::measure::Contender;
use crate::measure::statistics::float;
use crate::process::{self, Server};
use crate::questions::{Plan, Setting, all};
use crate::stage::{Base, Database, Stage};
use crate::{Result, RunArguments};

/// Requests before any is counted: who asks is read, statements are prepared, caches are filled.
const FIRST: u64 = 5;

/// What is counted.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The question that is counted
    #[arg(long, value_name = "NAME", default_value = "Q2")]
    question: String,
    /// Which of its contenders, such as "page 1" of Q4 [default: the first]
    #[arg(long, value_name = "NAME")]
    contender: Option<String>,
    /// How many requests
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    requests: u64,
}

/// Counts, and prints instructions a request.
pub async fn run(arguments: &Arguments, run: &RunArguments) -> Result<()> {
    let base = run.on.unwrap_or(Base::Sqlite);
    let plan = all()
        .into_iter()
        .find(|plan| plan.base == base && plan.name.eq_ignore_ascii_case(&arguments.question))
        .ok_or_else(|| format!("there is no question {} on {base:?}", arguments.question))?;
    let stage = Stage::set(run).await?;
    let database = stage.database(base, plan.set).await?;
    let requests = arguments.requests.max(1);
    let whose = arguments.contender.as_deref();
    let fewer = count(&plan, whose, &database, &run.out, requests).await?;
    let more = count(&plan, whose, &database, &run.out, 2 * requests).await?;
    let each = float(more.saturating_sub(fewer)) / float(requests);
    println!("{} on {base:?}: {each:.0} instructions a request ({requests} requests)", plan.name);
    Ok(())
}

/// Instructions of a server that answers so many requests, from its start to its end.
async fn count(plan: &Plan, whose: Option<&str>, database: &Database, folder: &Path, requests: u64) -> Result<u64> {
    let out = folder.join(format!("callgrind-{}.out", plan.name));
    let token = database.sign_in(plan.set.asker()).await?;
    let server = Server::start(&mut database.under(process::callgrind(&out)), "/readyz").await?;
    let floor = database.floor().await?;
    let setting = Setting { database, server, floor, peers: Vec::new(), token };
    let contenders = (plan.contenders)(&setting).await?;
    let counted = |contender: &&Contender| {
        contender.process == setting.server.id() && whose.is_none_or(|name| contender.name == name)
    };
    let contender = contenders.iter().find(counted).ok_or("no such contender of the server's takes part")?;
    let mut client = Client::connect(contender.address).await?;
    for count in 0..FIRST + requests {
        let (status, body) = client.ask((contender.source)(0, count)).await?;
        if !(contender.accept)(&body) {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
        }
    }
    drop(client);
    setting.server.stop().await?;
    Ok(total(&std::fs::read_to_string(&out)?).ok_or("valgrind counted nothing")?)
}

/// The total of a file that callgrind wrote.
fn total(file: &str) -> Option<u64> {
    let line = file.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_found() {
        assert_eq!(total("version: 1\nsummary: 1 2\n\n1 2\ntotals: 4711\n"), Some(4711));
        assert_eq!(total(""), None);
    }
}
