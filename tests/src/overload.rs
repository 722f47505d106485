//! The worst that strangers and other organizations do to a server, and how long a cheap request takes meanwhile.
//!
//! A test compares few requests by generous bounds; the program `overload` measures the percentiles.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::actors::PASSWORD;
use crate::client::{Answer, Client};

/// Signs an organization up and returns a client with its administrator's token.
///
/// # Panics
/// If the server does not have open sign-up.
pub async fn sign_up(root: &str, name: &str) -> Client {
    let stranger = Client::stranger(root);
    let email = format!("ada@{}.example", uuid::Uuid::now_v7().simple());
    let input = json!({"organizationName": name, "name": "Ada", "email": email, "password": PASSWORD});
    let answer = stranger.mutate("signUp", "session { accessToken }", input).await.done();
    stranger.with_token(answer.text("signUp.session.accessToken"))
}

/// Requests that are sent on many connections, each again and again without a pause.
pub struct Attack {
    stop: Arc<AtomicBool>,
    tally: Arc<AttackTally>,
    asking: JoinSet<()>,
}

/// The outcomes of an attack's requests.
#[derive(Debug, Default)]
pub struct AttackTally {
    /// Responses with status 200 and no errors.
    pub answered: AtomicU64,
    /// Other responses.
    pub refused: AtomicU64,
    /// Connections that were closed or not accepted.
    pub closed: AtomicU64,
}

impl AttackTally {
    fn all(&self) -> u64 {
        [&self.answered, &self.refused, &self.closed].iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// Returns a client at an address of this machine of its own.
fn at_address(number: u8) -> reqwest::Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + number));
    reqwest::Client::builder().no_proxy().local_address(address).build().expect("a client over HTTP")
}

impl Attack {
    /// Sends sign-ins with a wrong password from some addresses, on `connections` connections each.
    #[must_use]
    pub fn by_strangers(root: &str, addresses: u8, connections: usize) -> Self {
        let mut attack = Self::new();
        for number in 0..addresses {
            let client = at_address(number);
            for _ in 0..connections {
                let url = format!("{root}/graphql");
                let email = format!("{}@initech.example", uuid::Uuid::now_v7().simple());
                let document = "mutation($input: SignInInput!) { signIn(input: $input) { userErrors { code } } }";
                let input = json!({"email": email, "password": "wrong horse battery staple"});
                let body = json!({"query": document, "variables": {"input": input}});
                attack.repeat(client.post(url).json(&body));
            }
        }
        attack
    }

    /// Sends a request of each of these users, at an address of their own, on `connections` connections each.
    #[must_use]
    pub fn by_organizations(root: &str, users: &[Client], body: &Value, connections: usize) -> Self {
        let mut attack = Self::new();
        for (user, number) in users.iter().zip(0..) {
            let client = at_address(number);
            for _ in 0..connections {
                attack.repeat(client.post(format!("{root}/graphql")).bearer_auth(user.token()).json(body));
            }
        }
        attack
    }

    fn new() -> Self {
        Self { stop: Arc::default(), tally: Arc::default(), asking: JoinSet::new() }
    }

    fn repeat(&mut self, request: RequestBuilder) {
        let (stop, tally) = (Arc::clone(&self.stop), Arc::clone(&self.tally));
        self.asking.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let outcome = match request.try_clone().expect("a body in memory").send().await {
                    Ok(response) => {
                        let is_success = response.status().is_success();
                        // The body is read but not parsed, to leave the processor to the server.
                        match response.bytes().await {
                            Ok(body) if is_success && !body.starts_with(b"{\"errors\"") => &tally.answered,
                            _ => &tally.refused,
                        }
                    }
                    Err(_) => &tally.closed,
                };
                outcome.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
    }

    /// Waits until the attack has had this number of outcomes.
    pub async fn has_met(&self, outcomes: u64) {
        while self.tally.all() < outcomes {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the attack and returns its outcomes.
    pub async fn end(mut self) -> Arc<AttackTally> {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.shutdown().await;
        self.tally
    }
}

/// Sends a request on some connections, `times` on each, and returns the durations in milliseconds, sorted.
///
/// # Panics
/// If one is not answered, or with an error.
pub async fn durations(client: &Client, body: &Value, connections: usize, times: usize) -> Vec<f64> {
    let mut asking = JoinSet::new();
    for _ in 0..connections {
        let (client, body) = (client.clone(), body.clone());
        asking.spawn(async move {
            let mut durations = Vec::with_capacity(times);
            for _ in 0..times {
                let begun = Instant::now();
                let answer = Answer::unchecked(client.request().json(&body)).await;
                durations.push(begun.elapsed().as_secs_f64() * 1_000.0);
                assert!(answer.status == 200 && answer.body.get("errors").is_none(), "{answer}");
            }
            durations
        });
    }
    let mut durations = asking.join_all().await.concat();
    durations.sort_by(f64::total_cmp);
    durations
}

/// Returns a percentile of sorted durations.
#[must_use]
pub fn percentile(durations: &[f64], hundredths: usize) -> f64 {
    let last = durations.len().saturating_sub(1);
    durations.get((durations.len() * hundredths / 100).min(last)).copied().unwrap_or(f64::NAN)
}
