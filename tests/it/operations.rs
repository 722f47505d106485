//! Information for operators: metrics, traces and readiness.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tests::{Client, Database, Kind, World, on_both_databases, program::Program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Returns the values of the metrics by name and labels, as text.
async fn metrics(root: &str) -> BTreeMap<String, String> {
    let response = Client::stranger(root).at("/metrics", Method::GET).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.to_owned())
    };
    lines.map(read).collect()
}

/// Returns the number of unsettled events and the lag of the feed in seconds.
fn lag(metrics: &BTreeMap<String, String>) -> (&str, &str) {
    (&metrics["callshot_feed_unsettled_events"], &metrics["callshot_feed_lag_seconds"])
}

async fn served(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    callshot::server::metrics::serve(world.server().app().clone(), listener);
    root
}

#[on_both_databases]
async fn metrics_count_operations_and_their_outcomes(world: &World) {
    let root = served(world).await;
    let admin = world.admin();
    for name in ["Acme", "Bolt", "Crux", "Dash"] {
        admin.account(json!({ "name": name })).await;
    }
    let before = metrics(&root).await;
    for _ in 0..3 {
        admin.query("query Book { accounts(first: 10) { nodes { name } } }").await.answered();
    }
    let code = async |client: &Client, document: &str| client.query(document).await.error_code().to_owned();
    assert_eq!(code(admin, "query Book { nothing }").await, "GRAPHQL_VALIDATION_FAILED");
    let large = "query Large { accounts(first: 200) { nodes { contacts(first: 200) { nodes { id } } } } }";
    assert_eq!(code(admin, large).await, "LIMIT_EXCEEDED");
    world.stranger().query("query MadeUp { __typename }").await.answered();
    assert_eq!(code(&world.stranger(), "{ me { id } }").await, "UNAUTHENTICATED");

    let after = metrics(&root).await;
    let requests = |operation: &str, code: &str| {
        let name = format!("callshot_requests_total{{operation=\"{operation}\",code=\"{code}\"}}");
        after.get(&name).map_or("none", String::as_str)
    };
    assert_eq!(requests("Book", "OK"), "3");
    assert_eq!(requests("Book", "GRAPHQL_VALIDATION_FAILED"), "1");
    // Operations that did not run, and those of anonymous clients, have no label of their own.
    assert_eq!(requests("other", "LIMIT_EXCEEDED"), "1");
    assert!(!after.keys().any(|name| name.contains("Large") || name.contains("MadeUp")));
    assert_eq!(requests("anonymous", "UNAUTHENTICATED"), "1");
    assert_eq!(after["callshot_request_duration_seconds_count{operation=\"Book\"}"], "4");
    assert_eq!(after["callshot_request_duration_seconds_bucket{le=\"+Inf\",operation=\"Book\"}"], "4");
    assert_eq!(after["callshot_requests_refused_total{reason=\"price\"}"], "1");
    let number = |text: &str| text.parse::<u64>().unwrap();
    let grown = |name: &str| number(&after[name]) - number(&before[name]);
    // Three pages with the four accounts found, of the ten asked for, and two requests of one point each. Those that were
    // refused cost nothing.
    assert_eq!(grown("callshot_cost_points_total"), 14);
    assert!(grown("callshot_database_statements_total") >= 3);
    assert_eq!(after["callshot_requests_in_flight"], "0");
    assert_eq!(after["callshot_requests_waiting"], "0");
    let pools = match world.server().database().kind() {
        Kind::Sqlite => &["read", "write"][..],
        Kind::Postgres => &["both"],
    };
    for pool in pools {
        let state = |state: &str| {
            number(&after[&format!("callshot_database_connections{{pool=\"{pool}\",state=\"{state}\"}}")])
        };
        assert!(state("used") + state("idle") >= 1, "{after:#?}");
    }
    assert_eq!(lag(&after), ("0", "0.0"));
    // The port for users does not serve metrics.
    let there = world.stranger().at("/metrics", Method::GET).send().await.unwrap();
    assert_eq!(there.status(), 404);
}

/// On PostgreSQL an event may be committed while the transaction of one with a lower place is still open. On SQLite it cannot.
#[on_both_databases]
async fn the_feed_s_lag_shows_while_a_transaction_hangs(world: &World) {
    if world.server().database().kind() == Kind::Sqlite {
        return;
    }
    let root = served(world).await;
    let hanging = world.server().database().connect().await;
    hanging.execute_unprepared("BEGIN").await.unwrap();
    let event = "INSERT INTO event (id, organization_id, at, type, subject_noun, subject_id, changes)
        SELECT gen_random_uuid(), id, 0, 'organization.tested', 'organization', id, '{}' FROM organization";
    hanging.execute_unprepared(event).await.unwrap();
    world.admin().account(json!({"name": "Acme"})).await;
    let during = metrics(&root).await;
    let (events, seconds) = lag(&during);
    assert!(events == "1" && seconds.parse::<f64>().unwrap() > 0.0, "{events} {seconds}");
    hanging.execute_unprepared("ROLLBACK").await.unwrap();
    hanging.close().await.unwrap();
    let after = metrics(&root).await;
    assert_eq!(lag(&after), ("0", "0.0"));
}

#[on_both_databases]
async fn it_is_ready_only_with_compatible_tables(world: &World) {
    let ready = async || {
        let answer = world.stranger().at("/readyz", Method::GET).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, said) = ready().await;
    let version = said.trim_end().rsplit_once(": ").unwrap().1.to_owned();
    assert_eq!((status, said), (200, format!("ready\nschema: {version}\n")));
    let connection = world.server().database().connect().await;
    // A newer release may have migrated the tables, unless it marked the migration as incompatible.
    for (newer, is_ready) in [("m9999_of_tomorrow", true), ("m9999_of_tomorrow_incompatible", false)] {
        let insert = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{newer}', 0)");
        connection.execute_unprepared(&insert).await.unwrap();
        let expected = if is_ready {
            (200, format!("ready\nschema: {newer}\n"))
        } else {
            (503, format!("not ready\nschema expected: {version}\nschema found: {newer}\n"))
        };
        // A finding is repeated for a moment.
        while ready().await != expected {
            tokio::task::yield_now().await;
        }
        let delete = format!("DELETE FROM seaql_migrations WHERE version = '{newer}'");
        connection.execute_unprepared(&delete).await.unwrap();
    }
    connection.close().await.unwrap();
    while ready().await.0 != 200 {
        tokio::task::yield_now().await;
    }
}

/// A receiver of traces, which accepts batches over HTTP until a condition on the spans holds.
struct Receiver {
    listener: TcpListener,
    spans: Vec<(String, Span)>,
}

impl Receiver {
    async fn listen() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), spans: Vec::new() }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    async fn take_until(&mut self, enough: impl Fn(&[(String, Span)]) -> bool) {
        while !enough(&self.spans) {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let body = take_body(&mut stream).await;
            let batch = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
            for resource in batch.resource_spans {
                let service = text(&resource.resource.unwrap().attributes, "service.name").to_owned();
                let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                self.spans.extend(spans.map(|span| (service.clone(), span)));
            }
            let answer = ExportTraceServiceResponse::default().encode_to_vec();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(&[head.as_bytes(), &answer].concat()).await.unwrap();
        }
    }
}

/// Returns an attribute's text; empty if there is none.
fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let value = attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.as_ref());
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text,
        _ => "",
    }
}

async fn take_body(stream: &mut TcpStream) -> Vec<u8> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the request breaks off");
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if bytes.len() - end - 4 >= length.parse().unwrap() {
            return bytes.split_off(end + 4);
        }
    }
}

#[on_both_databases]
async fn traces_are_sent_to_the_configured_collector(database: &Database) {
    const TRACE: [u8; 16] =
        [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
    let mut receiver = Receiver::listen().await;
    let endpoint = receiver.endpoint();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    // The log filter does not apply to traces.
    let program = Program::serve_in(database, &[], &environment).await;
    let input = json!({"organizationName": "Initech", "name": "Ada", "email": "ada@initech.example", "password": tests::actors::PASSWORD});
    let answer = program.stranger().mutate("signUp", "session { accessToken }", input).await.done();
    let admin = program.stranger().with_token(answer.text("signUp.session.accessToken"));
    let request = admin.request().header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let asked = json!({"query": "query Book { accounts { nodes { name } } }", "operationName": "Book"});
    tests::Answer::to(request.json(&asked)).await.answered();

    let of_trace = |spans: &[(String, Span)]| {
        let own = spans.iter().filter(|(_, span)| span.trace_id == TRACE);
        own.map(|(service, span)| (service.clone(), span.clone())).collect::<Vec<_>>()
    };
    receiver.take_until(|spans| of_trace(spans).iter().any(|(_, span)| span.name == "request")).await;
    let spans = of_trace(&receiver.spans);
    let (service, whole) = spans.iter().find(|(_, span)| span.name == "request").unwrap();
    assert_eq!(service, "callshot");
    assert_eq!(whole.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_eq!(text(&whole.attributes, "operation"), "Book");
    let statement =
        spans.iter().find(|(_, span)| text(&span.attributes, "db.query.text").contains("\"account\".\"id\""));
    let (_, statement) = statement.unwrap();
    assert_eq!((statement.name.as_str(), &statement.parent_span_id), ("statement", &whole.span_id));
    assert!(statement.start_time_unix_nano >= whole.start_time_unix_nano);
    assert!(statement.end_time_unix_nano <= whole.end_time_unix_nano);

    // The remaining spans are sent before the program exits.
    admin.query("query Last { me { id } }").await.answered();
    program.terminate().await;
    let last = |spans: &[(String, Span)]| spans.iter().any(|(_, span)| text(&span.attributes, "operation") == "Last");
    receiver.take_until(last).await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
}

#[on_both_databases]
async fn an_unreachable_or_missing_collector_does_not_affect_requests(database: &Database) {
    let away = Receiver::listen().await.endpoint();
    let program = Program::serve_in(database, &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &away)]).await;
    program.stranger().query("{ __typename }").await.answered();
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success() && !lines.iter().any(|line| line.contains("panicked")), "{lines:#?}");
    let mut secure = tests::program::command(database, &["serve"]);
    let output = secure.env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:4318").output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT: must begin with http://"), "{said}");
}

#[on_both_databases]
async fn the_program_serves_metrics_at_the_configured_address(database: &Database) {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let program = Program::serve(database, &["--metrics-listen", &free]).await;
    program.stranger().query("{ __typename }").await.answered();
    let metrics = metrics(&format!("http://{free}")).await;
    assert_eq!(metrics["callshot_requests_total{operation=\"anonymous\",code=\"OK\"}"], "1");
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success(), "{lines:#?}");
}
