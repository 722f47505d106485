//! The rules of `graphql-transport-ws` that the library leaves open, and the limits of one connection.
//!
//! Requests and responses do not pass through the library, which would parse and serialize them in its own way: numbers stand in
//! their places. Each message of a client passes [`Conversation::receive`] before the library sees it, and each message of the library passes
//! [`Conversation::send`] before the client sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::server::incoming::Activity;
use graphql_http::code::Code;

/// The largest number of operations of one connection that are in progress.
pub(super) const OPERATIONS: usize = 16;
/// The longest id of an operation in bytes.
const LONGEST_ID: usize = 128;

/// The time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long the client may take to introduce itself.
    pub first_message: Duration,
    /// How long nothing may happen.
    pub idle: Duration,
}

/// What is to be done with a message of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The library handles it.
    Pass,
    /// The library handles this message instead.
    Forward(String),
    /// It is answered with this message.
    Answer(String),
    /// The connection is closed.
    Close(CloseFrame),
}

/// The response to an operation, ready to be sent.
#[derive(Debug)]
pub(super) struct Finished {
    /// The whole response or, for an operation that did not run, the list of its errors. JSON.
    pub text: String,
    /// Whether the operation did not run.
    pub refused: bool,
}

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Conversation {
    limits: Limits,
    activity: Arc<Activity>,
    state: Mutex<State>,
    /// Notified when an operation ends.
    ended: Notify,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    opened: Instant,
    /// When the client sent something or an operation ended for the last time.
    last: Instant,
    /// When the token expires.
    expires: Option<Instant>,
    /// The operations in progress, with the errors of those that did not run.
    operations: HashMap<String, Option<String>>,
    /// The operations that the client has canceled, each as often as the library still reports its end.
    canceled: HashMap<String, usize>,
    requests: HashMap<u64, Vec<u8>>,
    finished: HashMap<u64, Finished>,
    next: u64,
    /// Whether the server stops, so that no operation begins.
    stopping: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opened,
    Introduced,
    Accepted,
}

/// A message of a client.
#[derive(Deserialize)]
struct FromClient<'a> {
    r#type: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// A message of the library.
#[derive(Deserialize)]
struct FromLibrary {
    r#type: String,
    id: Option<String>,
    payload: Option<Placeholder>,
}

/// Stands for a response in a message of the library.
#[derive(Deserialize)]
struct Placeholder {
    data: Option<u64>,
}

/// Returns a frame that closes a connection.
pub(super) fn close(code: u16, reason: &'static str) -> CloseFrame {
    CloseFrame { code, reason: reason.into() }
}

fn message(kind: &str, id: &str, payload: &str) -> String {
    let id = serde_json::to_string(id).unwrap_or_default();
    format!("{{\"type\":\"{kind}\",\"id\":{id},\"payload\":{payload}}}")
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Conversation {
    /// Creates the state of a new connection.
    pub fn new(limits: Limits, activity: Arc<Activity>) -> Self {
        let now = Instant::now();
        let state = State {
            stage: Stage::Opened,
            opened: now,
            last: now,
            expires: None,
            operations: HashMap::new(),
            canceled: HashMap::new(),
            requests: HashMap::new(),
            finished: HashMap::new(),
            next: 0,
            stopping: false,
        };
        Self { limits, activity, state: Mutex::new(state), ended: Notify::new() }
    }

    /// Notes that the connection has become a WebSocket.
    pub fn begin(&self) {
        self.activity.waits_as_socket();
    }

    /// Notes that the client has sent something.
    pub fn heard(&self) {
        self.state().last = Instant::now();
    }

    /// Notes when the client's token expires.
    pub fn expires_in(&self, remaining: Duration) {
        self.state().expires = Some(Instant::now() + remaining);
    }

    /// Checks a message of the client.
    pub fn receive(&self, text: &[u8]) -> Verdict {
        let mut state = self.state();
        state.last = Instant::now();
        let Ok(FromClient { r#type, id, payload }) = serde_json::from_slice(text) else {
            return Verdict::Close(close(4400, "Invalid message: it must be a JSON object with a `type`."));
        };
        match (r#type.as_str(), state.stage) {
            ("connection_init", Stage::Opened) => {
                state.stage = Stage::Introduced;
                Verdict::Pass
            }
            ("connection_init", _) => Verdict::Close(close(4429, "Too many initialisation requests")),
            ("ping" | "pong", _) => Verdict::Pass,
            ("subscribe" | "complete", Stage::Opened | Stage::Introduced) => {
                Verdict::Close(close(4401, "Unauthorized"))
            }
            ("subscribe", Stage::Accepted) => {
                let (Some(id), Some(payload)) = (id.filter(|id| !id.is_empty() && id.len() <= LONGEST_ID), payload)
                else {
                    return Verdict::Close(close(4400, "Invalid message: `subscribe` needs an `id` and a `payload`."));
                };
                if state.operations.contains_key(&id) {
                    return Verdict::Close(close(4409, "A subscriber with this id exists already"));
                }
                let refusal = if state.stopping {
                    Some(Code::RateLimited.error("The server stops: connect again.", None))
                } else if state.operations.len() >= OPERATIONS {
                    let text = format!("A connection has at most {OPERATIONS} operations at once.");
                    Some(Code::LimitExceeded.error(text, None))
                } else {
                    None
                };
                if let Some(refusal) = refusal {
                    let errors = serde_json::to_string(&[refusal]).unwrap_or_else(|_| "[]".to_owned());
                    return Verdict::Answer(message("error", &id, &errors));
                }
                // The library would read the request in its own way. It gets a number instead of the document.
                let number = state.number();
                state.requests.insert(number, payload.get().as_bytes().to_vec());
                let forwarded = message("subscribe", &id, &format!("{{\"query\":\"{number}\"}}"));
                state.operations.insert(id, None);
                self.activity.is_busy();
                Verdict::Forward(forwarded)
            }
            ("complete", Stage::Accepted) => {
                if let Some(id) = id
                    && state.operations.remove(&id).is_some()
                {
                    *state.canceled.entry(id).or_default() += 1;
                    self.end_of_one(&state);
                }
                Verdict::Pass
            }
            _ => Verdict::Close(close(4400, "Invalid message: this protocol has no such `type`.")),
        }
    }

    /// Returns the request whose number the library got; None if there is none.
    pub fn take(&self, number: &str) -> Option<Vec<u8>> {
        self.state().requests.remove(&number.parse().ok()?)
    }

    /// Keeps a response, and returns a number to put into its place: the library would write finished JSON as a list of bytes.
    pub fn keep(&self, response: Finished) -> u64 {
        let mut state = self.state();
        let number = state.number();
        state.finished.insert(number, response);
        number
    }

    /// Returns the message to send instead of one of the library; None for none.
    pub fn send(&self, from_library: Message) -> Option<Message> {
        let Message::Text(text) = &from_library else {
            let Message::Close(_) = from_library else { return Some(from_library) };
            // All other mistakes are noticed before the library sees them.
            let is_accepted = self.state().stage == Stage::Accepted;
            let frame = if is_accepted {
                close(4400, "Invalid message")
            } else {
                close(
                    4403,
                    "Forbidden: `connection_init` needs {\"authorization\": \"Bearer <token>\"} with a valid access token.",
                )
            };
            return Some(Message::Close(Some(frame)));
        };
        let Ok(FromLibrary { r#type, id, payload }) = serde_json::from_str(text) else { return Some(from_library) };
        let mut state = self.state();
        match (r#type.as_str(), id) {
            ("connection_ack", _) => state.stage = Stage::Accepted,
            ("next", Some(id)) => {
                let finished =
                    payload.and_then(|payload| payload.data).and_then(|number| state.finished.remove(&number))?;
                if state.canceled.contains_key(&id) {
                    return None;
                }
                let operation = state.operations.get_mut(&id)?;
                if finished.refused {
                    // Sent in place of the operation's end, which the library reports next.
                    *operation = Some(finished.text);
                    return None;
                }
                return Some(Message::Text(message("next", &id, &finished.text).into()));
            }
            ("complete", Some(id)) => {
                if let Some(times) = state.canceled.get_mut(&id) {
                    *times -= 1;
                    if *times == 0 {
                        state.canceled.remove(&id);
                    }
                    return None;
                }
                let errors = state.operations.remove(&id).flatten();
                state.last = Instant::now();
                self.end_of_one(&state);
                if let Some(errors) = errors {
                    return Some(Message::Text(message("error", &id, &errors).into()));
                }
            }
            _ => {}
        }
        drop(state);
        Some(from_library)
    }

    fn end_of_one(&self, state: &State) {
        if state.operations.is_empty() {
            self.activity.waits_as_socket();
        }
        self.ended.notify_waiters();
    }

    /// Lets no operation begin, and waits until none is in progress.
    pub async fn finish(&self) {
        self.state().stopping = true;
        loop {
            let ended = self.ended.notified();
            if self.state().operations.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Waits until a time limit of the connection is over, and returns how it is closed.
    pub async fn ends(&self) -> CloseFrame {
        loop {
            let (next, frame) = self.next_end();
            if next <= Instant::now() {
                return frame;
            }
            sleep_until(next).await;
        }
    }

    /// Returns the earliest possible end of the connection.
    fn next_end(&self) -> (Instant, CloseFrame) {
        let state = self.state();
        if state.stage != Stage::Accepted {
            return (state.opened + self.limits.first_message, close(4408, "Connection initialisation timeout"));
        }
        // While an operation runs, the connection is not idle.
        let since = if state.operations.is_empty() { state.last } else { Instant::now() };
        let idle = (since + self.limits.idle, close(4499, "The connection was idle"));
        match state.expires {
            Some(expires) if expires < idle.0 => (expires, close(4403, "Forbidden: the access token has expired")),
            _ => idle,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
