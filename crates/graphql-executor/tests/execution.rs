//! What the executor promises beyond the specification: one run of a batch per level, and defects that are contained.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::unused_async, reason = "field resolvers are async")]

use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::registry::Registry;
use async_graphql::{Request, Response, ServerError, Value, Variables};
use graphql_executor::{
    Batch, ExecutionContext, ExecutionError, FieldContext, InvalidSelection, MutationPayload, ObjectType, Operation,
    OutputType, execute, object, root_object,
};

#[derive(Default)]
struct Context {
    runs: AtomicUsize,
    attempts: AtomicUsize,
}

#[derive(Debug)]
enum Error {
    Client(String),
    Defect(String),
    Retry,
    Located(Box<ServerError>),
}

impl From<InvalidSelection> for Error {
    fn from(invalid: InvalidSelection) -> Self {
        Self::Client(invalid.0)
    }
}

impl ExecutionContext for Context {
    type Error = Error;
}

impl ExecutionError<Context> for Error {
    fn invalid_argument(message: String) -> Self {
        Self::Client(message)
    }

    fn defect(cause: &str) -> Self {
        Self::Defect(cause.to_owned())
    }

    fn located(error: Box<ServerError>) -> Self {
        Self::Located(error)
    }

    fn into_located(self) -> Result<Box<ServerError>, Self> {
        match self {
            Self::Located(error) => Ok(error),
            other => Err(other),
        }
    }

    fn into_server_error(self, _: &Context) -> ServerError {
        match self {
            Self::Located(error) => *error,
            Self::Client(message) => ServerError::new(message, None),
            Self::Defect(cause) => ServerError::new(format!("defect: {cause}"), None),
            Self::Retry => ServerError::new("retry", None),
        }
    }

    fn is_retryable(&self) -> bool {
        matches!(self, Self::Retry)
    }
}

struct Query;
struct Row(i32);

#[derive(Debug, Default)]
struct Payload {
    attempts: i32,
    error: Option<String>,
}

impl MutationPayload<Error> for Payload {
    fn from_error(error: Error) -> Result<Self, Error> {
        match error {
            Error::Client(message) => Ok(Self { attempts: 0, error: Some(message) }),
            other => Err(other),
        }
    }
}

object! {
    in Context;
    /// A row.
    Row as "Row" {
        /// The number.
        number: i32 = plain(|row| row.0);
        /// Twice the number, resolved in a batch.
        double: i32 = by_key(|row| row.0, doubles);
        /// A batch with too few values.
        short: Option<i32> = by_key(|row| row.0, too_few);
        /// A batch that panics.
        panicking: Option<i32> = by_key(|row| row.0, panics);
        /// A null where none may be.
        missing: i32 = by_key(|row| row.0, missing);
        /// The rows below.
        rows: Vec<Row> = by_key(|row| row.0, children);
    }
}

object! {
    in Context;
    /// The payload of a mutation.
    Payload as "Payload" {
        /// How often the mutation ran.
        attempts: i32 = plain(|payload| payload.attempts);
        /// What the caller can fix.
        error: Option<&str> = plain(|payload| payload.error.as_deref());
    }
}

object! {
    in Context;
    /// The root.
    Query as "Query" {
        /// Three rows.
        rows: Vec<Row> = root(rows);
        /// A mutation that succeeds at the third attempt.
        retried: Payload = mutation(retried);
        /// A mutation that the caller must fix.
        refused(number: i32): Payload = mutation(refused);
    }
}
root_object!(Context; Query);

struct Change;

object! {
    in Context;
    /// A root whose fields fail independently.
    Change as "Change" Nullable {
        /// Three rows.
        rows: Vec<Row> = root(rows);
        /// Counts the runs, and succeeds if it is given an odd number.
        odd(number: i32): Payload = mutation(odd);
    }
}
root_object!(Context; Change);

async fn odd(request: &Context, number: i32) -> Result<Payload, Error> {
    request.attempts.fetch_add(1, Ordering::SeqCst);
    if number % 2 == 0 {
        return Err(Error::Defect(format!("{number} is even")));
    }
    Ok(Payload { attempts: number, error: None })
}

async fn rows(_: &FieldContext<'_, Context>) -> Result<Vec<Row>, Error> {
    Ok(vec![Row(1), Row(2), Row(3)])
}

async fn children(field: &FieldContext<'_, Context>, keys: &[i32]) -> Result<Batch<Vec<Row>>, Error> {
    let lists: Vec<Vec<Row>> = keys.iter().map(|key| (0..*key - 1).map(Row).collect()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

async fn doubles(field: &FieldContext<'_, Context>, keys: &[i32]) -> Result<Batch<i32>, Error> {
    field.request.runs.fetch_add(1, Ordering::SeqCst);
    Ok(Batch::from_values(field.request, keys.iter().map(|key| key * 2)))
}

async fn too_few(field: &FieldContext<'_, Context>, keys: &[i32]) -> Result<Batch<Option<i32>>, Error> {
    Ok(Batch::from_values(field.request, keys.iter().skip(1).copied().map(Some)))
}

async fn panics(_: &FieldContext<'_, Context>, _: &[i32]) -> Result<Batch<Option<i32>>, Error> {
    panic!("a defect in a batch")
}

async fn missing(field: &FieldContext<'_, Context>, keys: &[i32]) -> Result<Batch<i32>, Error> {
    let values = keys.iter().map(|key| (*key != 2).then_some(*key));
    field.required(Batch::from_values(field.request, values))
}

async fn retried(request: &Context) -> Result<Payload, Error> {
    let attempts = request.attempts.fetch_add(1, Ordering::SeqCst) + 1;
    if attempts < 3 {
        return Err(Error::Retry);
    }
    Ok(Payload { attempts: i32::try_from(attempts).unwrap(), error: None })
}

async fn refused(_: &Context, number: i32) -> Result<Payload, Error> {
    Err(Error::Client(format!("`number` must not be {number}.")))
}

async fn run(context: &Context, text: &str) -> Response {
    run_on(&Query, context, text, serde_json::json!({})).await
}

async fn run_on<T>(root: &T, context: &Context, text: &str, variables: serde_json::Value) -> Response
where
    T: ObjectType<Context> + OutputType<Context>,
{
    let mut registry = Registry::default();
    T::describe(&mut registry);
    let mut request = Request::new(text);
    let document = request.parsed_query().unwrap().clone();
    let (_, definition) = document.operations.iter().next().unwrap();
    let variables = Variables::from_json(variables);
    execute(root, context, &Operation::new(&document, &definition.node, &variables, &registry), None).await
}

fn text(response: &Response) -> String {
    match &response.data {
        Value::Binary(json) => String::from_utf8(json.to_vec()).unwrap(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_batch_runs_once_for_all_rows_of_a_level() {
    let context = Context::default();
    let response = run(&context, "{ rows { double rows { double } } }").await;
    assert_eq!(
        text(&response),
        r#"{"rows":[{"double":2,"rows":[]},{"double":4,"rows":[{"double":0}]},{"double":6,"rows":[{"double":0},{"double":2}]}]}"#
    );
    assert_eq!(context.runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_batch_with_the_wrong_number_of_values_fails_its_field() {
    let response = run(&Context::default(), "{ rows { number short } }").await;
    assert_eq!(
        text(&response),
        r#"{"rows":[{"number":1,"short":null},{"number":2,"short":null},{"number":3,"short":null}]}"#
    );
    assert_eq!(response.errors[0].message, "defect: Row.short has 2 values for 3 rows");
}

#[tokio::test]
async fn a_null_in_a_required_batch_propagates_to_the_nearest_nullable_parent() {
    let response = run(&Context::default(), "{ rows { missing } }").await;
    assert_eq!(text(&response), "null");
    assert_eq!(response.errors[0].message, "defect: the non-null field missing has no value for row 1");
    assert_eq!(serde_json::to_string(&response.errors[0].path).unwrap(), r#"["rows",0,"missing"]"#);
}

#[tokio::test]
async fn a_mutation_is_retried_after_an_error_that_left_nothing_behind() {
    assert_eq!(
        text(&run(&Context::default(), "{ retried { attempts error } }").await),
        r#"{"retried":{"attempts":3,"error":null}}"#
    );
}

#[tokio::test]
async fn an_error_that_the_caller_can_fix_becomes_the_payload() {
    let response = run(&Context::default(), "{ refused(number: 7) { attempts error } }").await;
    assert_eq!(text(&response), r#"{"refused":{"attempts":0,"error":"`number` must not be 7."}}"#);
    let response = run(&Context::default(), "{ refused(number: \"7\") { error } }").await;
    assert_eq!(
        response.errors[0].message,
        "The arguments of `refused` do not have the types that the schema declares."
    );
}

#[test]
fn the_fields_of_a_nullable_type_are_nullable_in_the_schema() {
    let mut registry = Registry::default();
    <Change as OutputType<Context>>::describe(&mut registry);
    let types: Vec<&str> = registry.types["Change"].fields().unwrap().values().map(|field| field.ty.as_str()).collect();
    assert_eq!(types, ["[Row!]", "Payload"]);
}

#[tokio::test]
async fn a_field_that_fails_leaves_the_other_fields_of_a_nullable_type() {
    let text_of = "{ one: odd(number: 1) { attempts } two: odd(number: 2) { attempts } rows { missing } three: odd(number: 3) { attempts } }";
    let context = Context::default();
    let response = run_on(&Change, &context, text_of, serde_json::json!({})).await;
    assert_eq!(text(&response), r#"{"one":{"attempts":1},"two":null,"rows":null,"three":{"attempts":3}}"#);
    let paths = response.errors.iter().map(|error| serde_json::to_string(&error.path).unwrap()).collect::<Vec<_>>();
    assert_eq!(paths, [r#"["two"]"#, r#"["rows",0,"missing"]"#]);
    assert_eq!(context.attempts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nothing_runs_if_an_argument_of_a_root_field_cannot_be_read() {
    let context = Context::default();
    for (text_of, faults) in [
        ("{ one: odd(number: 1) { attempts } two: odd(number: \"2\") { attempts } }", 1),
        ("{ one: odd(number: null) { attempts } two: odd(number: 2.5) { attempts } }", 2),
        ("query($n: Int) { one: odd(number: 1) { attempts } two: odd(number: $n) { attempts } }", 1),
    ] {
        let response = run_on(&Change, &context, text_of, serde_json::json!({"n": null})).await;
        assert_eq!((text(&response).as_str(), response.errors.len()), ("null", faults), "{text_of}");
        assert!(response.errors.iter().all(|error| error.path.is_empty() && error.locations.len() == 1), "{text_of}");
    }
    assert_eq!(context.attempts.load(Ordering::SeqCst), 0);
    let text_of = "query($n: Int!) { odd(number: $n) { attempts } }";
    let response = run_on(&Change, &context, text_of, serde_json::json!({"n": 5})).await;
    assert_eq!(text(&response), r#"{"odd":{"attempts":5}}"#);
}

#[tokio::test]
async fn a_panic_in_a_batch_ends_the_task_that_executes_it_and_no_other() {
    let context = std::sync::Arc::new(Context::default());
    let shared = std::sync::Arc::clone(&context);
    let panicked = tokio::spawn(async move { run(&shared, "{ rows { panicking } }").await }).await;
    assert!(panicked.unwrap_err().is_panic());
    assert!(run(&context, "{ rows { number } }").await.errors.is_empty());
}
