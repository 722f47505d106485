//! A load of eight writers and two readers, each sending one request after another, and a tally of the outcomes.

#![expect(clippy::panic, reason = "an unexpected response must fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Answer, Client};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const WRITERS: usize = 8;
const READERS: usize = 2;

const TOUCH: &str = "mutation($account: ID!, $word: String!) {
    logTouch(input: {accountId: $account, kind: CALL, subject: $word}) { touch { id } userErrors { message } } }";
const MOVE: &str = "mutation($account: ID!, $word: String!) {
    updateAccount(input: {id: $account, city: $word}) { account { version } userErrors { message } } }";
const READ: &str = "{ touches(last: 20) { nodes { id subject account { name version } } } }";

/// The outcomes of the requests of a load.
#[derive(Default)]
pub struct Tally {
    /// The subject of each touch that the server acknowledged.
    pub touches: BTreeSet<String>,
    /// The city that the server acknowledged, by the account (its index among the office's accounts) and the version.
    pub versions: BTreeMap<(usize, usize), String>,
    /// The number of answered reads.
    pub reads: usize,
    /// The number of failed requests by error code.
    pub failed: BTreeMap<String, usize>,
    /// The number of requests without a response.
    pub unanswered: usize,
    /// The longest time until a response.
    pub slowest: Duration,
}

impl Tally {
    /// Returns the number of acknowledged writes.
    pub fn acknowledged(&self) -> usize {
        self.touches.len() + self.versions.len()
    }

    /// Returns the number of failed requests.
    pub fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    /// Adds the outcomes of another tally.
    pub fn add(&mut self, other: Self) {
        self.touches.extend(other.touches);
        self.versions.extend(other.versions);
        self.reads += other.reads;
        self.unanswered += other.unanswered;
        self.slowest = self.slowest.max(other.slowest);
        for (code, number) in other.failed {
            *self.failed.entry(code).or_default() += number;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (writes, reads, slowest) = (self.acknowledged(), self.reads, self.slowest.as_secs_f64());
        write!(formatter, "{writes} writes acknowledged, {reads} reads answered, failed {:?}, ", self.failed)?;
        write!(formatter, "{} without an answer, the slowest took {slowest:.2} s", self.unanswered)
    }
}

/// The outcome of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A write was acknowledged.
    Acknowledged,
    /// A read was answered.
    Read,
    /// The response was a well-formed error.
    Failed,
}

/// The outcomes that are allowed before the load ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any response, including errors.
    Answers,
    /// No error. A missing response means that the server has stopped, and ends the writer or reader.
    SuccessOrTheEnd,
}

/// A running load.
pub struct Load {
    asking: JoinSet<()>,
    shared: Arc<Shared>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
}

struct Shared {
    client: Client,
    accounts: Vec<String>,
    expect: Expect,
    enough: AtomicBool,
    tally: Mutex<Tally>,
    sender: mpsc::UnboundedSender<Outcome>,
}

impl Load {
    /// Starts the load. Written texts contain the round, so that the rounds can be distinguished.
    pub fn start(client: &Client, accounts: &[String], round: usize, expect: Expect) -> Self {
        let (sender, outcomes) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client: client.clone(),
            accounts: accounts.to_vec(),
            expect,
            enough: AtomicBool::new(false),
            tally: Mutex::default(),
            sender,
        });
        let mut asking = JoinSet::new();
        for writer in 0..WRITERS {
            let shared = Arc::clone(&shared);
            asking.spawn(async move {
                for number in 0.. {
                    let word = format!("{round}-{writer}-{number}");
                    if !shared.go_on() || !shared.write((writer + number) % 3, number % 2 == 0, word).await {
                        return;
                    }
                }
            });
        }
        for _ in 0..READERS {
            let shared = Arc::clone(&shared);
            asking.spawn(async move { while shared.go_on() && shared.read().await {} });
        }
        Self { asking, shared, outcomes }
    }

    /// Waits until an outcome has occurred `times` times.
    pub async fn meets(&mut self, outcome: Outcome, times: usize) {
        let mut met = 0;
        while met < times {
            met += usize::from(self.next().await == outcome);
        }
    }

    /// Receives outcomes until `time` after `begun`, and returns the number of failures.
    pub async fn goes_on(&mut self, begun: Instant, time: Duration) -> usize {
        let mut failed = 0;
        while begun.elapsed() < time {
            failed += usize::from(self.next().await == Outcome::Failed);
        }
        failed
    }

    /// Discards the outcomes so far.
    pub fn forget(&mut self) {
        while self.outcomes.try_recv().is_ok() {}
    }

    /// Stops after the current requests, and returns the tally.
    pub async fn end(self) -> Tally {
        self.shared.enough.store(true, Ordering::SeqCst);
        self.ended().await
    }

    /// Waits until all writers and readers have ended, and returns the tally.
    pub async fn ended(mut self) -> Tally {
        while let Some(ended) = self.asking.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.shared.tally.lock().unwrap())
    }

    async fn next(&mut self) -> Outcome {
        tokio::select! {
            biased;
            outcome = self.outcomes.recv() => outcome.unwrap(),
            // A task ends early only if it panicked over a response or the server has stopped.
            Some(ended) = self.asking.join_next() => { ended.unwrap(); panic!("the server answers no more") }
        }
    }
}

impl Shared {
    fn go_on(&self) -> bool {
        !self.enough.load(Ordering::SeqCst)
    }

    /// Writes once. Returns whether there was a response.
    async fn write(&self, account: usize, touches: bool, word: String) -> bool {
        let document = if touches { TOUCH } else { MOVE };
        let variables = json!({"account": self.accounts[account], "word": word});
        let Some(answer) = self.ask(document, variables).await else { return false };
        if let Some(answer) = self.sound(answer) {
            let mut tally = self.tally.lock().unwrap();
            if touches {
                assert_eq!(answer.data("logTouch.userErrors"), &json!([]), "{answer}");
                assert!(answer.text("logTouch.touch.id").starts_with("touch_"));
                tally.touches.insert(word);
            } else {
                assert_eq!(answer.data("updateAccount.userErrors"), &json!([]), "{answer}");
                let version = answer.data("updateAccount.account.version").as_u64().unwrap();
                let before = tally.versions.insert((account, usize::try_from(version).unwrap()), word);
                assert_eq!(before, None, "version {version} was given twice");
            }
            drop(tally);
            // The receiver is dropped once the test has seen enough outcomes.
            let _ = self.sender.send(Outcome::Acknowledged);
        }
        true
    }

    async fn read(&self) -> bool {
        let Some(answer) = self.ask(READ, json!({})).await else { return false };
        if let Some(answer) = self.sound(answer) {
            assert!(answer.data("touches.nodes").is_array(), "{answer}");
            self.tally.lock().unwrap().reads += 1;
            let _ = self.sender.send(Outcome::Read);
        }
        true
    }

    /// Sends a request. Returns None if there was no response and none is required.
    async fn ask(&self, document: &str, variables: Value) -> Option<Answer> {
        let begun = Instant::now();
        let answer = ask(&self.client, document, &variables).await;
        let mut tally = self.tally.lock().unwrap();
        match answer {
            Ok(answer) => {
                tally.slowest = tally.slowest.max(begun.elapsed());
                Some(answer)
            }
            Err(_) if self.expect == Expect::SuccessOrTheEnd => {
                tally.unanswered += 1;
                None
            }
            Err(error) => panic!("no answer: {error:?}"),
        }
    }

    /// Returns a response without errors. One with errors is checked and counted.
    fn sound(&self, answer: Answer) -> Option<Answer> {
        let Some(code) = failure(&answer) else { return Some(answer) };
        assert!(self.expect == Expect::Answers, "{answer}");
        *self.tally.lock().unwrap().failed.entry(code).or_default() += 1;
        let _ = self.sender.send(Outcome::Failed);
        None
    }
}

/// Sends one request and reads the response, if there is one.
pub async fn ask(client: &Client, document: &str, variables: &Value) -> Result<Answer, String> {
    let request = client.request().header("accept", "application/graphql-response+json");
    let body = json!({"query": document, "variables": variables});
    let response = request.json(&body).send().await.map_err(|error| format!("{error:?}"))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.map_err(|error| format!("{error:?}"))?;
    let answer = serde_json::from_str(&text).map_err(|error| format!("{status}, {error}: {text}"))?;
    tests::conformity::check(&body, &answer);
    Ok(Answer { status, headers, body: answer })
}

/// Returns the code of an error response; None for a response without errors. Checks that the error has one of three codes, a
/// reference, the right status, and a message that does not reveal the cause.
pub fn failure(answer: &Answer) -> Option<String> {
    if answer.body.get("errors").is_none() {
        assert_eq!(answer.status, 200, "{answer}");
        return None;
    }
    let code = answer.error_code();
    let status = match code {
        "INTERNAL_SERVER_ERROR" | "OUTCOME_UNKNOWN" => 500,
        "TIMEOUT" => 503,
        other => panic!("{other} is no way to say that something failed: {answer}"),
    };
    let error = &answer.body["errors"][0];
    let reference = error["extensions"]["reference"].as_str().unwrap_or_else(|| panic!("no reference: {answer}"));
    assert!(reference.len() >= 8, "{answer}");
    let message = error["message"].as_str().unwrap().to_lowercase();
    for cause in ["sql", "pool", "i/o", "disk", "socket", "broken pipe"] {
        assert!(!message.contains(cause), "the cause is shown: {answer}");
    }
    // A failed field leaves null in `data`; a failed request has no `data`.
    let expected = if answer.body.get("data").is_some() { 200 } else { status };
    assert_eq!(answer.status.as_u16(), expected, "{answer}");
    Some(code.to_owned())
}
