//! Gives every error its code by the stage at which it occurs, because async-graphql distinguishes errors only by their text. The
//! stages are parsing of the document, checking of the variables, validation, and execution.

use std::borrow::Cow;
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
use crate::{cut, document, variable_positions, variables};

/// The most bytes of a message of the validation that are not cut.
const LONGEST_MESSAGE: usize = 400;
/// The most errors of one document that are reported.
const MAX_ERRORS: usize = 50;

/// A schema extension that adds error codes. An error that has a code keeps it. An error without a code that occurs during
/// execution is not intended for clients: it is logged and replaced by an internal error with the request's id as its reference.
#[derive(Clone)]
pub struct ErrorCodeExtension {
    /// The schema, set when the first request is executed.
    pub seen: Arc<OnceLock<SchemaEnv>>,
    /// Describes the valid values of custom scalars.
    pub hint: ScalarHint,
}

impl ExtensionFactory for ErrorCodeExtension {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Stages { seen: Arc::clone(&self.seen), hint: self.hint, found: Mutex::default() })
    }
}

/// The state of one request between the stages.
struct Stages {
    seen: Arc<OnceLock<SchemaEnv>>,
    hint: ScalarHint,
    /// The errors that are found before validation, to be reported after it.
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// Variables in positions of another type, which are errors of the document.
    misplaced: Vec<ServerError>,
    /// Errors of the variables' values. They are reported only if the document has no errors.
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
        // async-graphql ignores the default values of variables when it evaluates @skip and @include.
        for definition in &definitions {
            if let Some(default) = &definition.node.default_value
                && !request.variables.contains_key(&definition.node.name.node)
            {
                request.variables.insert(definition.node.name.node.clone(), default.node.clone());
            }
        }
        let faults = variables::faults(registry, &definitions, &request.variables, self.hint);
        if !(faults.is_empty() && misplaced.is_empty()) {
            // Without variables, validation checks the document only and reports nothing twice.
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
        // A document can have thousands of errors. Reporting a few is enough to fix them.
        errors.truncate(MAX_ERRORS);
        for error in &mut errors {
            // The names in it are the client's, and may be as long as the document.
            if error.message.len() > LONGEST_MESSAGE
                && let Cow::Owned(message) = cut(&error.message)
            {
                error.message = message;
            }
        }
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
    struct Item {
        number: i32,
        kinds: Option<Vec<Kind>>,
        inner: Option<Box<Item>>,
    }

    struct Query;

    #[Object]
    impl Query {
        async fn total(&self, item: Option<Item>, number: Option<i32>) -> i32 {
            let Item { number: own, kinds, inner } = item.unwrap_or(Item { number: 0, kinds: None, inner: None });
            own + number.unwrap_or(0)
                + i32::from(inner.is_some())
                + i32::from(kinds.is_some_and(|kinds| kinds.contains(&Kind::Call)))
        }

        async fn sum(&self, of: Option<Vec<i32>>) -> i32 {
            of.unwrap_or_default().iter().sum()
        }

        async fn broken(&self) -> Result<Option<i32>> {
            std::future::ready(Err("SELECT secret FROM account".into())).await
        }
    }

    /// Executes a request and returns its errors, as code and message, and its data.
    async fn execute(query: &str, variables: serde_json::Value) -> (Vec<(Option<Code>, String)>, async_graphql::Value) {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(ErrorCodeExtension { seen: Arc::default(), hint: |_, _| None })
            .finish();
        let request = Request::new(query).variables(Variables::from_json(variables)).data(RequestId("req-7".into()));
        let response = schema.execute(request).await;
        (response.errors.iter().map(|error| (Code::of(error), error.message.clone())).collect(), response.data)
    }

    async fn codes(query: &str, variables: serde_json::Value) -> Vec<Code> {
        execute(query, variables)
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
        assert_eq!(codes("{ total(number: \"x\") }", none()).await, [Code::ValidationFailed]);
        assert_eq!(codes("query a { total } query b { total }", none()).await, [Code::BadUserInput]);
        let total = "query($i: Item, $n: Int!) { total(item: $i, number: $n) }";
        let unknown = format!("{{ {} }}", "nothing ".repeat(500));
        assert_eq!(codes(&unknown, none()).await, [Code::ValidationFailed; MAX_ERRORS]);
        assert_eq!(codes(total, none()).await, [Code::BadUserInput]);
        assert_eq!(codes(total, serde_json::json!({"n": null})).await, [Code::BadUserInput]);
        assert_eq!(codes(total, serde_json::json!({"n": "1"})).await, [Code::BadUserInput]);
        assert_eq!(codes(total, serde_json::json!({"n": 3_000_000_000_u64})).await, [Code::BadUserInput]);
        assert_eq!(
            codes(&total.replace("$n: Int!", "$n: String!"), serde_json::json!({"n": "3"})).await,
            [Code::ValidationFailed]
        );
        assert_eq!(
            codes(&total.replace("$n: Int!", "$n: Nothing!"), serde_json::json!({"n": 3})).await,
            [Code::ValidationFailed; 2]
        );
        assert_eq!(codes(total, serde_json::json!({"n": 1})).await, []);
    }

    #[tokio::test]
    async fn a_variable_must_fit_the_type_of_its_position() {
        let total = |definition: &str, usage: &str| format!("query($v: {definition}) {{ total(item: {usage}) }}");
        let nested = "{number: 1, inner: {number: $v}}";
        for (document, is_valid) in [
            (total("Int!", nested), true),
            (total("Int = 3", nested), true),
            (total("Int", nested), false),
            (total("Int = null", nested), false),
            (total("String!", nested), false),
            (total("Item!", "$v"), true),
            (total("Kind!", "{number: 1, kinds: [$v]}"), true),
            (total("Kind", "{number: 1, kinds: [$v]}"), false),
            (total("[Kind!]!", "{number: 1, kinds: $v}"), true),
            (total("Kind!", "{number: 1, kinds: $v}"), false),
            ("query($v: Boolean) { ...f } fragment f on Query { broken @skip(if: $v) }".to_owned(), false),
            ("query($v: Int) { ... on Query { ...f } } fragment f on Query { sum(of: [1, $v]) }".to_owned(), false),
        ] {
            let codes = codes(&document, serde_json::json!({})).await;
            assert_eq!(!codes.contains(&Code::ValidationFailed), is_valid, "{document}: {codes:?}");
        }
    }

    #[tokio::test]
    async fn all_errors_of_the_variables_are_reported() {
        let total = "query($i: Item, $n: Int!) { total(item: $i, number: $n) }";
        let item = serde_json::json!({"kinds": ["CALL", "SMS"], "inner": {"number": 1.5, "color": "red"}});
        let (errors, data) = execute(total, serde_json::json!({"i": item, "n": true, "other": 1})).await;
        let messages: Vec<_> = errors.into_iter().map(|(_, message)| message).collect();
        assert_eq!(
            messages,
            [
                "Variable $i.number: a value of type Int! is required.",
                "Variable $i.kinds.1: \"SMS\" is not a valid Kind.",
                "Variable $i.inner.number: 1.5 is not a valid Int.",
                "Variable $i.inner.color: Item has no such field.",
                "Variable $n: true is not a valid Int.",
            ]
        );
        assert_eq!(data, async_graphql::Value::Null);
    }

    #[tokio::test]
    async fn valid_variables_pass() {
        let total = "query($i: Item, $n: Int = 5) { total(item: $i, number: $n) }";
        let (errors, data) =
            execute(total, serde_json::json!({"i": {"number": 1, "kinds": "CALL", "inner": {"number": 2}}})).await;
        assert_eq!(errors, []);
        assert_eq!(data.into_json().unwrap(), serde_json::json!({"total": 8}));
    }

    #[tokio::test]
    async fn a_non_null_list_fits_a_nullable_position() {
        for (definition, sum) in [("[Int!]!", 3), ("[Int!]", 3), ("[Int!]! = [5]", 3), ("[Int!] = [5]", 3)] {
            let (errors, data) =
                execute(&format!("query($of: {definition}) {{ sum(of: $of) }}"), serde_json::json!({"of": [1, 2]}))
                    .await;
            assert_eq!(errors, [], "{definition}");
            assert_eq!(data.into_json().unwrap(), serde_json::json!({"sum": sum}));
        }
    }

    #[tokio::test]
    async fn an_error_without_a_code_is_hidden_from_clients() {
        let (errors, _) = execute("{ broken }", serde_json::json!({})).await;
        assert_eq!(errors[0].0, Some(Code::Internal));
        assert!(!errors[0].1.contains("secret"));
    }
}
