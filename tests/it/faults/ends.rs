//! The end of the program: by SIGKILL under load, and by SIGTERM, after which it finishes its requests.

use serde_json::json;
use tests::program::Program;
use tests::{Database, invariants, on_both_databases};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::load::{Expect, Load, Outcome, Tally};
use super::{Office, UNBOUNDED, report, rows};

/// Arguments that tolerate a slow disk.
const PATIENT: [&str; 2] = ["--database-wait", "40s"];

#[on_both_databases]
async fn what_was_acknowledged_outlives_kill_9(database: &Database) {
    const ROUNDS: usize = 20;
    let mut program = Program::serve_in(database, &PATIENT, &UNBOUNDED).await;
    let office = Office::opened(&program).await;
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let mut load = Load::start(&office.at(&program), &office.accounts, round, Expect::SuccessOrTheEnd);
        // The kill comes early in some rounds and late in others.
        load.meets(Outcome::Acknowledged, 5 + 37 * round % 60).await;
        program.kill().await;
        tally.add(load.ended().await);

        program = Program::serve_in(database, &PATIENT, &UNBOUNDED).await;
        let connection = database.connect().await;
        let count = rows(&connection, "SELECT count(*) FROM touch").await[0].try_get_by_index::<i64>(0).unwrap();
        assert!(usize::try_from(count).unwrap() >= tally.touches.len(), "round {round}: {count} touches: {tally}");
        connection.close().await.unwrap();
    }
    office.has_all_of(&tally, database, &office.at(&program)).await;
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
    invariants::check(database).await;
    report("kill -9", database, &[("rounds", ROUNDS)], &tally);
}

/// A request that is sent piece by piece on a connection of its own.
struct Slow {
    stream: TcpStream,
    body: String,
}

impl Slow {
    /// Sends a request's head, and waits until the server has taken it: it then asks for the body.
    async fn begins(office: &Office, program: &Program, word: &str) -> Self {
        const TOUCH: &str = "mutation($input: LogTouchInput!) { logTouch(input: $input) { touch { subject } } }";
        let input = json!({"accountId": office.accounts[0], "kind": "CALL", "subject": word});
        let body = json!({"query": TOUCH, "variables": {"input": input}}).to_string();
        let host = program.root().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            office.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { stream, body }
    }

    /// Sends half of the body.
    async fn goes_on(&mut self) {
        let rest = self.body.split_off(self.body.len() / 2);
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        self.body = rest;
    }

    /// Sends the rest of the body, and reads until the connection ends.
    async fn ends(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[on_both_databases]
async fn sigterm_loses_no_answer(database: &Database) {
    const ROUNDS: usize = 4;
    const SLOW: usize = 6;
    let mut office = None;
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let program = Program::serve_in(database, &PATIENT, &UNBOUNDED).await;
        if office.is_none() {
            office = Some(Office::opened(&program).await);
        }
        let office = office.as_ref().unwrap();
        let mut load = Load::start(&office.at(&program), &office.accounts, round, Expect::SuccessOrTheEnd);
        load.meets(Outcome::Acknowledged, 30).await;
        let mut slow = Vec::new();
        for number in 0..SLOW {
            slow.push(Slow::begins(office, &program, &format!("slow {round} {number}")).await);
        }
        for request in &mut slow[..SLOW / 2] {
            request.goes_on().await;
        }
        program.terminate().await;
        // From now on the program accepts no connections. The accepted requests are answered although their bodies are not
        // complete yet.
        let host = program.root().trim_start_matches("http://").to_owned();
        while TcpStream::connect(&host).await.is_ok() {
            tokio::task::yield_now().await;
        }
        for (number, request) in slow.into_iter().enumerate() {
            let (answer, word) = (request.ends().await, format!("slow {round} {number}"));
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&word), "{answer}");
            tally.touches.insert(word);
        }
        let (status, lines) = program.ended().await;
        assert!(status.success(), "{lines:#?}");
        tally.add(load.ended().await);

        // Exactly the answered writes were made.
        let connection = database.connect().await;
        let there = rows(&connection, "SELECT subject FROM touch").await;
        let unanswered: Vec<String> = there
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .filter(|subject| !tally.touches.contains(subject))
            .collect();
        assert!(unanswered.is_empty(), "written but never answered: {unanswered:?}");
        let versions = "SELECT cast(sum(version - 1) AS bigint) FROM account";
        let moves = rows(&connection, versions).await[0].try_get_by_index::<i64>(0).unwrap();
        assert_eq!(usize::try_from(moves).unwrap(), tally.versions.len(), "accounts were changed without a response");
        connection.close().await.unwrap();
    }
    let office = office.unwrap();
    let program = Program::serve(database, &[]).await;
    office.has_all_of(&tally, database, &office.at(&program)).await;
    program.terminate().await;
    program.ended().await;
    invariants::check(database).await;
    let figures = [("rounds", ROUNDS), ("requests half sent by then", ROUNDS * SLOW)];
    report("SIGTERM", database, &figures, &tally);
}

/// An idle connection is closed immediately and without a byte, so that a client knows that its next request was not executed.
#[on_both_databases]
async fn sigterm_closes_idle_connections(database: &Database) {
    let program = Program::serve(database, &[]).await;
    let host = program.root().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("GET /livez HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"alive\n") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    program.terminate().await;
    answer.clear();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty());
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
}
