//! GraphQL in, JSON out, over HTTP as any client would.

use std::fmt;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Somebody who asks, with a token or without.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Where the server is, without a path: `http://127.0.0.1:41233`.
    root: String,
    token: Option<String>,
}

/// What came back: a body of JSON and what HTTP says around it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of the HTTP response.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body: `data`, `errors` and `extensions`.
    pub body: Value,
}

/// One of a payload's `userErrors`: what a caller can mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// A word of the enum `UserErrorCode`.
    pub code: String,
    /// The path of the field, joined by dots: `input.items.0.accountId`.
    pub field: String,
    /// What would be right.
    pub message: String,
}

impl Client {
    /// Somebody without a token, at the server with this root.
    ///
    /// # Panics
    /// Where the TLS of this machine cannot be set up.
    #[must_use]
    pub fn stranger(root: &str) -> Self {
        // A proxy that the environment names would take requests to 127.0.0.1 elsewhere.
        let http = reqwest::Client::builder().no_proxy().build().expect("a client over HTTP");
        Self { http, root: root.to_owned(), token: None }
    }

    /// The same place, asked with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends a document without variables.
    ///
    /// # Panics
    /// Where no JSON comes back.
    pub async fn query(&self, document: &str) -> Answer {
        self.post(json!({ "query": document })).await
    }

    /// Sends a document with its variables, an object.
    ///
    /// # Panics
    /// Where no JSON comes back.
    pub async fn send(&self, document: &str, variables: Value) -> Answer {
        self.post(json!({ "query": document, "variables": variables })).await
    }

    /// Sends a mutation that takes one input and answers what it says about `selection` and the user errors, under its
    /// own name: `mutate("createAccount", "account { id }", json!({"name": "Acme"}))`. The input's type is the
    /// mutation's name with `Input` after it, as everywhere in the schema.
    ///
    /// # Panics
    /// Where no JSON comes back.
    pub async fn mutate(&self, mutation: &str, selection: &str, input: Value) -> Answer {
        let mut input_type = mutation.to_owned();
        input_type[..1].make_ascii_uppercase();
        let document = format!(
            "mutation($input: {input_type}Input!) {{ {mutation}(input: $input) {{ {selection} \
             userErrors {{ code message field }} }} }}"
        );
        self.send(&document, json!({ "input": input })).await
    }

    /// A request to the GraphQL endpoint that is still to be filled, for tests of HTTP itself. It has the token.
    pub fn request(&self) -> RequestBuilder {
        self.at("/graphql", reqwest::Method::POST)
    }

    /// A request to another path of the server, with the token.
    pub fn at(&self, path: &str, method: reqwest::Method) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.root));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn post(&self, body: Value) -> Answer {
        let request = self.request().header("accept", "application/graphql-response+json").json(&body);
        Answer::to(request).await
    }
}

impl Answer {
    /// Sends a request and reads the body.
    ///
    /// # Panics
    /// Where the server does not answer, or not with JSON.
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer is text");
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status}, {error}: {text}"));
        Self { status, headers, body }
    }

    /// What lies at a dotted path of `data`, numbers being places in a list: `accounts.nodes.0.name`. The whole of it
    /// for an empty path.
    ///
    /// # Panics
    /// Where the answer has errors, or nothing lies there.
    #[must_use]
    #[track_caller]
    pub fn data(&self, path: &str) -> &Value {
        assert!(self.body.get("errors").is_none(), "the answer has errors: {self}");
        at_path(&self.body["data"], path).unwrap_or_else(|| panic!("nothing at {path}: {self}"))
    }

    /// The text at a dotted path of `data`.
    ///
    /// # Panics
    /// As [`Answer::data`], and where it is not a text.
    #[must_use]
    #[track_caller]
    pub fn text(&self, path: &str) -> &str {
        self.data(path).as_str().unwrap_or_else(|| panic!("no text at {path}: {self}"))
    }

    /// The elements of the list at a dotted path of `data`, of each the value at `field`, a dotted path again.
    ///
    /// # Panics
    /// As [`Answer::data`], and where it is not a list, or an element lacks the field.
    #[must_use]
    #[track_caller]
    pub fn each(&self, path: &str, field: &str) -> Vec<&Value> {
        let list = self.data(path).as_array().unwrap_or_else(|| panic!("no list at {path}: {self}"));
        list.iter().map(|item| at_path(item, field).unwrap_or_else(|| panic!("no {field} in {item}"))).collect()
    }

    /// The user errors of all payloads, in the order of the answer.
    ///
    /// # Panics
    /// Where the answer has errors, or no payload with user errors.
    #[must_use]
    #[track_caller]
    pub fn user_errors(&self) -> Vec<UserError> {
        let payloads = self.data("").as_object().unwrap_or_else(|| panic!("no data: {self}"));
        let mut lists = payloads.values().filter_map(|payload| payload["userErrors"].as_array()).peekable();
        assert!(lists.peek().is_some(), "no payload with user errors: {self}");
        lists.flatten().map(UserError::read).collect()
    }

    /// The answer itself, after a look that no payload has user errors.
    ///
    /// # Panics
    /// Where there are any, or the answer has errors.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "that it was done is often all that a test wants")]
    pub fn done(self) -> Self {
        assert!(self.user_errors().is_empty(), "user errors: {self}");
        self
    }

    /// The answer itself, after a look that it has no errors.
    ///
    /// # Panics
    /// Where it has any.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "that it was answered is often all that a test wants")]
    pub fn answered(self) -> Self {
        assert!(self.body.get("errors").is_none(), "the answer has errors: {self}");
        self
    }

    /// Code and field of each user error, to compare with: `[("INVALID", "input.name")]`.
    ///
    /// # Panics
    /// As [`Answer::user_errors`].
    #[must_use]
    #[track_caller]
    pub fn refusals(&self) -> Vec<(String, String)> {
        self.user_errors().into_iter().map(|error| (error.code, error.field)).collect()
    }

    /// The code of the request's first error, out of its extensions.
    ///
    /// # Panics
    /// Where the request has no error, or one without a code.
    #[must_use]
    #[track_caller]
    pub fn error_code(&self) -> &str {
        let code = &self.body["errors"][0]["extensions"]["code"];
        code.as_str().unwrap_or_else(|| panic!("no error with a code: {self}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:#}", self.status, self.body)
    }
}

impl UserError {
    #[track_caller]
    fn read(error: &Value) -> Self {
        let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("no {name} in {error}")).to_owned();
        let field = error["field"].as_array().unwrap_or_else(|| panic!("no field in {error}"));
        let field: Vec<&str> = field.iter().filter_map(Value::as_str).collect();
        Self { code: text("code"), field: field.join("."), message: text("message") }
    }
}

fn at_path<'value>(value: &'value Value, path: &str) -> Option<&'value Value> {
    path.split('.').filter(|step| !step.is_empty()).try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, HeaderMap, StatusCode, Value, json};

    fn answer(body: Value) -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body }
    }

    #[test]
    fn a_path_goes_through_objects_and_lists() {
        let answer = answer(json!({"data": {"accounts": {"nodes": [{"name": "Acme", "owner": null}]}}}));
        assert_eq!(answer.text("accounts.nodes.0.name"), "Acme");
        assert_eq!(answer.data("accounts.nodes.0.owner"), &Value::Null);
        assert_eq!(answer.each("accounts.nodes", "name"), ["Acme"]);
    }

    #[test]
    #[should_panic(expected = "the answer has errors")]
    fn data_beside_errors_is_not_taken_for_an_answer() {
        let _ = answer(json!({"data": {"me": null}, "errors": [{"message": "no"}]})).data("me");
    }

    #[test]
    #[should_panic(expected = "no payload with user errors")]
    fn a_query_that_forgot_to_ask_for_user_errors_is_told() {
        let _ = answer(json!({"data": {"createAccount": {"account": null}}})).user_errors();
    }

    #[test]
    fn user_errors_come_with_their_path_joined() {
        let answer = answer(json!({"data": {"createAccount": {"userErrors": [
            {"code": "INVALID", "message": "A name has at most 200 characters.", "field": ["input", "name"]}
        ]}}}));
        assert_eq!(answer.refusals(), [("INVALID".to_owned(), "input.name".to_owned())]);
    }
}
