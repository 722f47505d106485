//! Gives every error its code by the stage at which it arises: async-graphql tells them apart by their texts alone.
//! Reading the document is one stage, the variables are another, then comes validation, then execution.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_graphql::{
    Request, Response, SchemaEnv, ServerError, ServerResult, ValidationResult, Variables, async_trait,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextPrepareRequest, NextValidation,
    },
    parser::types::ExecutableDocument,
};

use crate::code::Code;
use crate::request_id::RequestId;
use crate::variables::ScalarHint;
use crate::{document, variable_positions, variables};

/// The most errors of one document that are reported.
const MAX_ERRORS: usize = 50;

/// The extension that the schema is built with: `.extension(ErrorCodes)`. An error that has a code keeps it. One that
/// arises in execution without a code was not meant for callers: it is logged, and answered as an internal error with
/// the request's id as its reference.
#[derive(Clone)]
pub struct ErrorCodeExtension {
    /// The schema, once it has executed a request.
    pub seen: Arc<OnceLock<SchemaEnv>>,
    /// What custom scalars accept.
    pub hint: ScalarHint,
}

impl ExtensionFactory for ErrorCodeExtension {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Stages { seen: Arc::clone(&self.seen), hint: self.hint, found: Mutex::default() })
    }
}

/// One request on its way through the stages.
struct Stages {
    seen: Arc<OnceLock<SchemaEnv>>,
    hint: ScalarHint,
    /// What is found before validation, until that is over.
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// Variables in places where they do not fit: faults of the document.
    misplaced: Vec<ServerError>,
    /// What is wrong with the variables' values. A document that is wrong itself comes first.
    faults: Vec<ServerError>,
}

impl Stages {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Extension for Stages {
    async fn prepare_request(
        &self,
        context: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.seen.get_or_init(|| context.schema_env.clone());
        let mut request = next.run(context, request).await?;
        let name = request.operation_name.clone();
        let document = request.parsed_query().map_err(|error| Code::ParseFailed.mark(error))?;
        let operation = document::operation(document, name.as_deref())?;
        let registry = &context.schema_env.registry;
        let misplaced = variable_positions::misplaced(registry, document, operation);
        let definitions = operation.variable_definitions.clone();
        // The library forgets the defaults of variables where it decides @skip and @include.
        for definition in &definitions {
            if let Some(default) = &definition.node.default_value
                && !request.variables.contains_key(&definition.node.name.node)
            {
                request.variables.insert(definition.node.name.node.clone(), default.node.clone());
            }
        }
        let faults = variables::faults(registry, &definitions, &request.variables, self.hint);
        if !(faults.is_empty() && misplaced.is_empty()) {
            // Without them, validation looks at the document alone, and says nothing twice.
            request.variables = Variables::default();
        }
        *self.found() = Found { misplaced, faults };
        Ok(request)
    }

    async fn parse_query(
        &self,
        context: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        next.run(context, query, variables).await.map_err(|error| Code::ParseFailed.mark(error))
    }

    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(context).await;
        let Found { misplaced, faults } = std::mem::take(&mut *self.found());
        let (passed, failed) = match result {
            Ok(passed) => (Some(passed), Vec::new()),
            Err(failed) => (None, failed),
        };
        let mut errors: Vec<_> =
            failed.into_iter().map(|error| Code::ValidationFailed.mark(error)).chain(misplaced).collect();
        // A document can have thousands of faults; nobody mends more than a few at once.
        errors.truncate(MAX_ERRORS);
        match passed {
            Some(passed) if errors.is_empty() && faults.is_empty() => Ok(passed),
            _ if errors.is_empty() => Err(faults),
            _ => Err(errors),
        }
    }

    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(context, operation_name).await;
        for error in response.errors.iter_mut().filter(|error| Code::of(error).is_none()) {
            let reference = context.data_opt::<RequestId>().map_or("none", |id| &id.0);
            tracing::error!(reference, path = ?error.path, "an error without a code: {}", error.message);
            let ServerError { path, locations, .. } = std::mem::replace(error, Code::internal(reference));
            error.path = path;
            error.locations = locations;
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Enum, InputObject, Object, Result, Schema};

    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Enum)]
    enum Kind {
        Call,
    }

    #[derive(InputObject)]
    struct Wish {
        number: i32,
        kinds: Option<Vec<Kind>>,
        inner: Option<Box<Wish>>,
    }

    struct Query;

    #[Object]
    impl Query {
        async fn echo(&self, wish: Option<Wish>, number: Option<i32>) -> i32 {
            let Wish { number: wished, kinds, inner } = wish.unwrap_or(Wish { number: 0, kinds: None, inner: None });
            wished
                + number.unwrap_or(0)
                + i32::from(inner.is_some())
                + i32::from(kinds.is_some_and(|kinds| kinds.contains(&Kind::Call)))
        }

        async fn sum(&self, of: Option<Vec<i32>>) -> i32 {
            of.unwrap_or_default().iter().sum()
        }

        async fn broken(&self) -> Result<Option<i32>> {
            std::future::ready(Err("SELECT secret FROM cellar".into())).await
        }
    }

    /// The errors of a request as code and message, and its data.
    async fn ask(query: &str, variables: serde_json::Value) -> (Vec<(Option<Code>, String)>, async_graphql::Value) {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(ErrorCodeExtension { seen: Arc::default(), hint: |_, _| None })
            .finish();
        let request = Request::new(query).variables(Variables::from_json(variables)).data(RequestId("req-7".into()));
        let response = schema.execute(request).await;
        (response.errors.iter().map(|error| (Code::of(error), error.message.clone())).collect(), response.data)
    }

    async fn codes(query: &str, variables: serde_json::Value) -> Vec<Code> {
        ask(query, variables)
            .await
            .0
            .into_iter()
            .map(|(code, message)| code.unwrap_or_else(|| panic!("{message}")))
            .collect()
    }

    #[tokio::test]
    async fn each_stage_has_its_code() {
        let none = || serde_json::json!({});
        assert_eq!(codes("{", none()).await, [Code::ParseFailed]);
        assert_eq!(codes("{ nothing }", none()).await, [Code::ValidationFailed]);
        assert_eq!(codes("{ echo(number: \"x\") }", none()).await, [Code::ValidationFailed]);
        assert_eq!(codes("query a { echo } query b { echo }", none()).await, [Code::BadUserInput]);
        let echo = "query($w: Wish, $n: Int!) { echo(wish: $w, number: $n) }";
        let unknown = format!("{{ {} }}", "nothing ".repeat(500));
        assert_eq!(codes(&unknown, none()).await, [Code::ValidationFailed; MAX_ERRORS]);
        assert_eq!(codes(echo, none()).await, [Code::BadUserInput]);
        assert_eq!(codes(echo, serde_json::json!({"n": null})).await, [Code::BadUserInput]);
        assert_eq!(codes(echo, serde_json::json!({"n": "1"})).await, [Code::BadUserInput]);
        assert_eq!(codes(echo, serde_json::json!({"n": 3_000_000_000_u64})).await, [Code::BadUserInput]);
        assert_eq!(
            codes(&echo.replace("$n: Int!", "$n: String!"), serde_json::json!({"n": "3"})).await,
            [Code::ValidationFailed]
        );
        assert_eq!(
            codes(&echo.replace("$n: Int!", "$n: Nothing!"), serde_json::json!({"n": 3})).await,
            [Code::ValidationFailed; 2]
        );
        assert_eq!(codes(echo, serde_json::json!({"n": 1})).await, []);
    }

    #[tokio::test]
    async fn a_variable_fits_its_place() {
        let wish = |definition: &str, use_: &str| format!("query($v: {definition}) {{ echo(wish: {use_}) }}");
        let boxed = "{number: 1, inner: {number: $v}}";
        for (document, right) in [
            (wish("Int!", boxed), true),
            (wish("Int = 3", boxed), true),
            (wish("Int", boxed), false),
            (wish("Int = null", boxed), false),
            (wish("String!", boxed), false),
            (wish("Wish!", "$v"), true),
            (wish("Kind!", "{number: 1, kinds: [$v]}"), true),
            (wish("Kind", "{number: 1, kinds: [$v]}"), false),
            (wish("[Kind!]!", "{number: 1, kinds: $v}"), true),
            (wish("Kind!", "{number: 1, kinds: $v}"), false),
            ("query($v: Boolean) { ...f } fragment f on Query { broken @skip(if: $v) }".to_owned(), false),
            ("query($v: Int) { ... on Query { ...f } } fragment f on Query { sum(of: [1, $v]) }".to_owned(), false),
        ] {
            let codes = codes(&document, serde_json::json!({})).await;
            assert_eq!(!codes.contains(&Code::ValidationFailed), right, "{document}: {codes:?}");
        }
    }

    #[tokio::test]
    async fn every_fault_of_the_variables_is_named() {
        let echo = "query($w: Wish, $n: Int!) { echo(wish: $w, number: $n) }";
        let wish = serde_json::json!({"kinds": ["CALL", "SMS"], "inner": {"number": 1.5, "color": "red"}});
        let (errors, data) = ask(echo, serde_json::json!({"w": wish, "n": true, "other": 1})).await;
        let messages: Vec<_> = errors.into_iter().map(|(_, message)| message).collect();
        assert_eq!(
            messages,
            [
                "Variable $w.number: a value of type Int! is required.",
                "Variable $w.kinds.1: \"SMS\" is no Kind.",
                "Variable $w.inner.number: 1.5 is no Int.",
                "Variable $w.inner.color: Wish has no such field.",
                "Variable $n: true is no Int.",
            ]
        );
        assert_eq!(data, async_graphql::Value::Null);
    }

    #[tokio::test]
    async fn right_variables_pass() {
        let echo = "query($w: Wish, $n: Int = 5) { echo(wish: $w, number: $n) }";
        let (errors, data) =
            ask(echo, serde_json::json!({"w": {"number": 1, "kinds": "CALL", "inner": {"number": 2}}})).await;
        assert_eq!(errors, []);
        assert_eq!(data.into_json().unwrap(), serde_json::json!({"echo": 8}));
    }

    #[tokio::test]
    async fn a_list_that_is_surely_there_fits_where_one_may_be_missing() {
        for (definition, sum) in [("[Int!]!", 3), ("[Int!]", 3), ("[Int!]! = [5]", 3), ("[Int!] = [5]", 3)] {
            let (errors, data) =
                ask(&format!("query($of: {definition}) {{ sum(of: $of) }}"), serde_json::json!({"of": [1, 2]})).await;
            assert_eq!(errors, [], "{definition}");
            assert_eq!(data.into_json().unwrap(), serde_json::json!({"sum": sum}));
        }
    }

    #[tokio::test]
    async fn what_was_not_meant_for_callers_stays_here() {
        let (errors, _) = ask("{ broken }", serde_json::json!({})).await;
        assert_eq!(errors[0].0, Some(Code::Internal));
        assert!(!errors[0].1.contains("secret"));
    }
}
