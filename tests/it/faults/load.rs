//! Eight who write and two who read, one request after another, and what became of each.

#![expect(clippy::panic, reason = "what goes wrong here is a failed test")]

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

/// What became of requests.
#[derive(Default)]
pub struct Tally {
    /// The subject of each touch that the server acknowledged.
    pub touches: BTreeSet<String>,
    /// The city that the server acknowledged to have written into an account (by its place among the office's) as that
    /// version.
    pub versions: BTreeMap<(usize, usize), String>,
    /// Reads that were answered.
    pub reads: usize,
    /// Requests that failed, by their code.
    pub failed: BTreeMap<String, usize>,
    /// Requests without any answer.
    pub unanswered: usize,
    /// The longest that an answer took.
    pub slowest: Duration,
}

impl Tally {
    /// Writes that were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.touches.len() + self.versions.len()
    }

    /// Requests that failed.
    pub fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    /// Adds another's.
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

/// What one request came to, as it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A write was acknowledged.
    Acknowledged,
    /// A read was answered.
    Read,
    /// The answer was an error, as errors are to be.
    Failed,
}

/// What a request may come to before the load is told to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// An answer, be it that something failed.
    Answers,
    /// No failure; no answer at all once the server is gone, which ends whoever asked.
    SuccessOrTheEnd,
}

/// Requests under way.
pub struct Load {
    asking: JoinSet<()>,
    shared: Arc<Shared>,
    told: mpsc::UnboundedReceiver<Outcome>,
}

struct Shared {
    client: Client,
    accounts: Vec<String>,
    expect: Expect,
    enough: AtomicBool,
    tally: Mutex<Tally>,
    tell: mpsc::UnboundedSender<Outcome>,
}

impl Load {
    /// Begins. What is written is told apart by the round.
    pub fn start(client: &Client, accounts: &[String], round: usize, expect: Expect) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client: client.clone(),
            accounts: accounts.to_vec(),
            expect,
            enough: AtomicBool::new(false),
            tally: Mutex::default(),
            tell,
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
        Self { asking, shared, told }
    }

    /// Waits for so many of one outcome.
    pub async fn meets(&mut self, outcome: Outcome, times: usize) {
        let mut met = 0;
        while met < times {
            met += usize::from(self.next().await == outcome);
        }
    }

    /// Waits for outcomes until this long after `begun`, and answers how many failed meanwhile.
    pub async fn goes_on(&mut self, begun: Instant, time: Duration) -> usize {
        let mut failed = 0;
        while begun.elapsed() < time {
            failed += usize::from(self.next().await == Outcome::Failed);
        }
        failed
    }

    /// What happened until now is not waited for any more.
    pub fn forget(&mut self) {
        while self.told.try_recv().is_ok() {}
    }

    /// Lets everyone finish the request that they are at, and answers what came of all.
    pub async fn end(self) -> Tally {
        self.shared.enough.store(true, Ordering::SeqCst);
        self.ended().await
    }

    /// Waits until nobody asks any more.
    pub async fn ended(mut self) -> Tally {
        while let Some(ended) = self.asking.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.shared.tally.lock().unwrap())
    }

    async fn next(&mut self) -> Outcome {
        tokio::select! {
            biased;
            outcome = self.told.recv() => outcome.unwrap(),
            // Only one who found fault with an answer ends before all do.
            Some(ended) = self.asking.join_next() => { ended.unwrap(); panic!("the server answers no more") }
        }
    }
}

impl Shared {
    fn go_on(&self) -> bool {
        !self.enough.load(Ordering::SeqCst)
    }

    /// Whether there was an answer.
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
            // Nobody listens any more once there were enough.
            let _ = self.tell.send(Outcome::Acknowledged);
        }
        true
    }

    async fn read(&self) -> bool {
        let Some(answer) = self.ask(READ, json!({})).await else { return false };
        if let Some(answer) = self.sound(answer) {
            assert!(answer.data("touches.nodes").is_array(), "{answer}");
            self.tally.lock().unwrap().reads += 1;
            let _ = self.tell.send(Outcome::Read);
        }
        true
    }

    /// None where there was no answer, and that was to be expected.
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

    /// The answer where it has no error; one that has is looked at and counted.
    fn sound(&self, answer: Answer) -> Option<Answer> {
        let Some(code) = failure(&answer) else { return Some(answer) };
        assert!(self.expect == Expect::Answers, "{answer}");
        *self.tally.lock().unwrap().failed.entry(code).or_default() += 1;
        let _ = self.tell.send(Outcome::Failed);
        None
    }
}

/// Sends one request, and reads the answer, if one comes.
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

/// The code of an answer that says that something failed; it says so as it must: with one of three codes, a reference,
/// nothing of the cause, and the status that the format has for it.
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
    // A field that failed leaves null in data; a request that failed has none.
    let expected = if answer.body.get("data").is_some() { 200 } else { status };
    assert_eq!(answer.status.as_u16(), expected, "{answer}");
    Some(code.to_owned())
}
