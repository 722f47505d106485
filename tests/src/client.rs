//! A client that sends GraphQL over HTTP and reads JSON. Every answer is checked against the schema.

use std::fmt;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::conformity;

/// A client of one server, with an access token or without.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// The server's address without a path: `http://127.0.0.1:41233`.
    root: String,
    token: Option<String>,
}

/// A response with a JSON body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of the HTTP response.
    pub status: StatusCode,
    /// The headers of the HTTP response.
    pub headers: HeaderMap,
    /// The whole body: `data`, `errors` and `extensions`.
    pub body: Value,
}

/// One of a payload's `userErrors`, which a caller can fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// A value of the enum `UserErrorCode`.
    pub code: String,
    /// The path of the field, joined by dots: `input.items.0.accountId`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Client {
    /// Creates a client without a token for the server at this address.
    ///
    /// # Panics
    /// If the TLS of this machine cannot be set up.
    #[must_use]
    pub fn stranger(root: &str) -> Self {
        // A proxy named by the environment would redirect requests to 127.0.0.1.
        let http = reqwest::Client::builder().no_proxy().build().expect("a client over HTTP");
        Self { http, root: root.to_owned(), token: None }
    }

    /// Returns the token.
    ///
    /// # Panics
    /// For a client without one.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("the client has a token")
    }

    /// Returns a client of the same server with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends a document without variables.
    ///
    /// # Panics
    /// If the answer is not JSON or does not conform to the schema.
    pub async fn query(&self, document: &str) -> Answer {
        self.post(json!({ "query": document })).await
    }

    /// Sends a document with its variables, an object.
    ///
    /// # Panics
    /// If the answer is not JSON or does not conform to the schema.
    pub async fn send(&self, document: &str, variables: Value) -> Answer {
        self.post(json!({ "query": document, "variables": variables })).await
    }

    /// Sends a mutation that creates one node, and returns the node's id. `node` is the node's field of the payload.
    ///
    /// # Panics
    /// If the mutation fails.
    pub async fn make(&self, mutation: &str, node: &str, input: Value) -> String {
        let answer = self.mutate(mutation, &format!("{node} {{ id }}"), input).await.done();
        answer.text(&format!("{mutation}.{node}.id")).to_owned()
    }

    /// Sends a mutation that takes one input, and selects `selection` and the user errors of its payload:
    /// `mutate("createAccount", "account { id }", json!({"name": "Acme"}))`. The input's type is the mutation's name
    /// followed by `Input`, as everywhere in the schema.
    ///
    /// # Panics
    /// If the answer is not JSON or does not conform to the schema.
    pub async fn mutate(&self, mutation: &str, selection: &str, mut input: Value) -> Answer {
        // A decision requires what was read: a test that names no version decides on the present one.
        if mutation == "decideTarget" && input.get("ifVersion").is_none() {
            let read = "query($id: ID!) { node(id: $id) { ... on Target { version } } }";
            let read = self.send(read, json!({"id": input["id"]})).await;
            if let Some(version) = read.body.pointer("/data/node/version") {
                input["ifVersion"] = version.clone();
            }
        }
        let mut input_type = mutation.to_owned();
        input_type[..1].make_ascii_uppercase();
        let document = format!(
            "mutation($input: {input_type}Input!) {{ {mutation}(input: $input) {{ {selection} \
             userErrors {{ code message field }} }} }}"
        );
        self.send(&document, json!({ "input": input })).await
    }

    /// Returns a request to the GraphQL endpoint without a body but with the token, for tests of HTTP itself.
    pub fn request(&self) -> RequestBuilder {
        self.at("/graphql", reqwest::Method::POST)
    }

    /// Returns a request to another path of the server, with the token.
    pub fn at(&self, path: &str, method: reqwest::Method) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.root));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn post(&self, body: Value) -> Answer {
        let request = self.request().header("accept", "application/graphql-response+json").json(&body);
        let answer = Answer::unchecked(request).await;
        conformity::check(&body, &answer.body);
        answer
    }
}

impl Answer {
    /// Sends a request and reads the body. The answer to a GraphQL request must conform to the schema.
    ///
    /// # Panics
    /// If the server does not answer with JSON, or the answer does not conform.
    pub async fn to(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.expect("a complete request");
        let graphql = (request.url().path() == "/graphql").then(|| {
            let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
            // A body that is not JSON has no document, so that the answer must have no data.
            serde_json::from_slice(body).unwrap_or_default()
        });
        let answer = Self::unchecked(RequestBuilder::from_parts(client, request)).await;
        if let Some(request) = graphql {
            conformity::check(&request, &answer.body);
        }
        answer
    }

    /// Sends a request and reads the body, without a check against the schema, which would take time that is measured.
    ///
    /// # Panics
    /// If the server does not answer with JSON.
    pub async fn unchecked(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer is text");
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status}, {error}: {text}"));
        Self { status, headers, body }
    }

    /// Returns the value at a dotted path of `data`, in which numbers are indexes of a list: `accounts.nodes.0.name`.
    /// The empty path leads to `data` itself.
    ///
    /// # Panics
    /// If the answer has errors, or no value at the path.
    #[must_use]
    #[track_caller]
    pub fn data(&self, path: &str) -> &Value {
        assert!(self.body.get("errors").is_none(), "the answer has errors: {self}");
        at_path(&self.body["data"], path).unwrap_or_else(|| panic!("nothing at {path}: {self}"))
    }

    /// Returns the string at a dotted path of `data`.
    ///
    /// # Panics
    /// As [`Answer::data`], and if the value is not a string.
    #[must_use]
    #[track_caller]
    pub fn text(&self, path: &str) -> &str {
        self.data(path).as_str().unwrap_or_else(|| panic!("no string at {path}: {self}"))
    }

    /// Returns, of each element of the list at a dotted path of `data`, the value at `field`, which is a dotted path
    /// too.
    ///
    /// # Panics
    /// As [`Answer::data`], and if the value is not a list or an element lacks the field.
    #[must_use]
    #[track_caller]
    pub fn each(&self, path: &str, field: &str) -> Vec<&Value> {
        let list = self.data(path).as_array().unwrap_or_else(|| panic!("no list at {path}: {self}"));
        list.iter().map(|item| at_path(item, field).unwrap_or_else(|| panic!("no {field} in {item}"))).collect()
    }

    /// Returns the user errors of all payloads, in the order of the answer.
    ///
    /// # Panics
    /// If the answer has errors, or no payload in which `userErrors` were selected.
    #[must_use]
    #[track_caller]
    pub fn user_errors(&self) -> Vec<UserError> {
        let payloads = self.data("").as_object().unwrap_or_else(|| panic!("no data: {self}"));
        let mut lists = payloads.values().filter_map(|payload| payload["userErrors"].as_array()).peekable();
        assert!(lists.peek().is_some(), "no payload with user errors: {self}");
        lists.flatten().map(UserError::read).collect()
    }

    /// Asserts that no payload has user errors, and returns the answer.
    ///
    /// # Panics
    /// As [`Answer::user_errors`], and if there are any.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "a test often wants nothing but the assertion")]
    pub fn done(self) -> Self {
        assert!(self.user_errors().is_empty(), "user errors: {self}");
        self
    }

    /// Asserts that the answer has no errors, and returns it.
    ///
    /// # Panics
    /// If it has any.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "a test often wants nothing but the assertion")]
    pub fn answered(self) -> Self {
        assert!(self.body.get("errors").is_none(), "the answer has errors: {self}");
        self
    }

    /// Returns the code and the field of each user error: `[("INVALID", "input.name")]`.
    ///
    /// # Panics
    /// As [`Answer::user_errors`].
    #[must_use]
    #[track_caller]
    pub fn refusals(&self) -> Vec<(String, String)> {
        self.user_errors().into_iter().map(|error| (error.code, error.field)).collect()
    }

    /// Returns the code in the extensions of the first error.
    ///
    /// # Panics
    /// If the answer has no error, or one without a code.
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
    fn data_with_errors_is_rejected() {
        let _ = answer(json!({"data": {"me": null}, "errors": [{"message": "no"}]})).data("me");
    }

    #[test]
    #[should_panic(expected = "no payload with user errors")]
    fn user_errors_that_were_not_selected_are_not_taken_for_none() {
        let _ = answer(json!({"data": {"createAccount": {"account": null}}})).user_errors();
    }

    #[test]
    fn the_path_of_a_user_error_is_joined_by_dots() {
        let answer = answer(json!({"data": {"createAccount": {"userErrors": [
            {"code": "INVALID", "message": "A name has at most 200 characters.", "field": ["input", "name"]}
        ]}}}));
        assert_eq!(answer.refusals(), [("INVALID".to_owned(), "input.name".to_owned())]);
    }
}
