//! Tests of the server over real connections, with requests that need no rows.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::config::Settings;

/// A timeout longer than any test takes, and shorter than the limits that are not under test.
const PATIENCE: Duration = Duration::from_secs(5);

struct World {
    server: RunningServer,
    _directory: TempDir,
}

async fn world(change: impl FnOnce(&mut HttpSettings)) -> World {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.database.url =
        format!("sqlite://{}?mode=rwc", directory.path().join("callshot.db").display()).parse().unwrap();
    // Costs are tested elsewhere.
    settings.cost.points = 0;
    change(&mut settings.http);
    let app = App::open(settings).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    World { server: Server::start(app, listener), _directory: directory }
}

impl World {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address).await.unwrap()
    }

    /// Sends a whole request, and reads until the server closes.
    async fn send(&self, head: &str, body: &str) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request(head, body).as_bytes()).await.unwrap();
        Reply::read(&mut stream).await
    }

    async fn post(&self, headers: &str, body: &str) -> Reply {
        self.send(&format!("POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\n{headers}"), body).await
    }
}

fn request(head: &str, body: &str) -> String {
    format!("{head}host: callshot\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut text = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn has(&self, line: &str) -> bool {
        self.head.lines().any(|one| one == line)
    }
}

const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;

#[tokio::test]
async fn it_answers_in_the_format_that_was_asked_for() {
    let world = world(|_| {}).await;
    let plain = world.post("", TYPENAME).await;
    assert_eq!((plain.status, plain.body.as_str()), (200, r#"{"data":{"__typename":"Query"}}"#));
    assert!(plain.has("content-type: application/json; charset=utf-8"), "{}", plain.head);
    for (body, code) in [
        (r#"{"query":"{"}"#, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":"{ noSuchField }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (r#"{"query":"query($name: String!) { __type(name: $name) { name } }"}"#, "BAD_USER_INPUT"),
        (r#"{"query":"{ __typename }","operationName":"other"}"#, "BAD_USER_INPUT"),
        (r#"{"query":"{ ...a } fragment a on Query { ...a }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (r#"{"query":"subscription { x }"}"#, "BAD_USER_INPUT"),
    ] {
        let old = world.post("accept: application/json\r\n", body).await;
        let new = world.post("accept: application/graphql-response+json\r\n", body).await;
        assert_eq!((old.status, new.status), (200, 400), "{body}");
        assert!(new.has("content-type: application/graphql-response+json; charset=utf-8"));
        for reply in [old, new] {
            assert!(
                reply.body.contains(&format!("\"code\":\"{code}\"")) && !reply.body.contains("\"data\""),
                "{}",
                reply.body
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_is_not_graphql_is_refused_in_json() {
    let world = world(|http| http.max_body = 1_000.try_into().unwrap()).await;
    let post = "POST /graphql HTTP/1.1\r\n";
    for (head, body, status) in [
        (format!("{post}content-type: text/plain\r\n"), TYPENAME, 415),
        (post.to_owned(), TYPENAME, 415),
        (format!("{post}content-type: application/json\r\ncontent-encoding: br\r\n"), TYPENAME, 415),
        (format!("{post}content-type: application/json\r\naccept: image/png\r\n"), TYPENAME, 406),
        (format!("{post}content-type: application/json\r\nauthorization: Basic YQ==\r\n"), TYPENAME, 401),
        (format!("{post}content-type: application/json\r\n"), r#"[{"query":"{ __typename }"}]"#, 400),
        (format!("{post}content-type: application/json\r\n"), &" ".repeat(1_001), 413),
        ("GET /graphql?query=mutation%7B__typename%7D HTTP/1.1\r\n".to_owned(), "", 405),
        ("GET /graphql HTTP/1.1\r\n".to_owned(), "", 400),
        ("PUT /graphql HTTP/1.1\r\n".to_owned(), "", 405),
        ("GET /nowhere HTTP/1.1\r\n".to_owned(), "", 404),
    ] {
        let reply = world.send(&head, body).await;
        assert_eq!(reply.status, status, "{head}");
        assert!(reply.body.starts_with("{\"errors\":[{\"message\":"), "{head}: {}", reply.body);
    }
    assert_eq!(world.send("GET /graphql?query=%7B__typename%7D HTTP/1.1\r\n", "").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_kept() {
    let world = world(|_| {}).await;
    let reply = world.post("x-request-id: my-id.1\r\n", TYPENAME).await;
    for line in ["x-request-id: my-id.1", "x-content-type-options: nosniff", "cache-control: no-store"] {
        assert!(reply.has(line), "{line}: {}", reply.head);
    }
    let wild = world.send("GET /nowhere HTTP/1.1\r\nx-request-id: a b\r\n", "").await;
    assert!(wild.head.contains("x-request-id: ") && !wild.has("x-request-id: a b"));
    assert!(!reply.head.contains("access-control-"));
}

#[tokio::test]
async fn the_start_page_shows_the_way_to_the_schema() {
    let world = world(|_| {}).await;
    let page = world.send("GET / HTTP/1.1\r\n", "").await;
    assert!(page.status == 200 && page.body.contains("Callshot") && page.body.contains("href=\"/schema.graphql\""));
    let schema = world.send("GET /schema.graphql HTTP/1.1\r\n", "").await;
    assert!(schema.status == 200 && schema.body.contains("type Query"));
    assert_eq!(world.send("GET /livez HTTP/1.1\r\n", "").await.status, 200);
    assert_eq!(world.send("GET /readyz HTTP/1.1\r\n", "").await.status, 200);
}

#[tokio::test]
async fn only_configured_origins_are_allowed() {
    let world = world(|http| http.cors_origins = vec!["https://app.example.com".parse().unwrap()]).await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /graphql HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type,authorization\r\n"
        )
    };
    let friend = world.send(&preflight("https://app.example.com"), "").await;
    assert!(
        friend.status == 200 && friend.has("access-control-allow-origin: https://app.example.com"),
        "{}",
        friend.head
    );
    let stranger = world.send(&preflight("https://evil.example.com"), "").await;
    assert!(!stranger.head.contains("access-control-allow-origin"), "{}", stranger.head);
}

#[tokio::test]
async fn a_slow_sender_is_disconnected() {
    let world = world(|http| {
        http.header_timeout = Duration::from_millis(100);
        http.body_timeout = Duration::from_millis(100);
    })
    .await;
    let mut silent = world.connect().await;
    silent.write_all(b"POST /graphql HT").await.unwrap();
    assert_eq!(Reply::read(&mut silent).await.status, 0);
    let mut slow = world.connect().await;
    let whole = request("POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\n", TYPENAME);
    slow.write_all(&whole.as_bytes()[..whole.len() - 3]).await.unwrap();
    let reply = Reply::read(&mut slow).await;
    assert_eq!(reply.status, 408, "{}", reply.body);
    assert!(reply.body.contains("TIMEOUT"));
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_server_stops() {
    let world = world(|_| {}).await;
    let mut stream = world.connect().await;
    let whole =
        request("POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n", TYPENAME);
    let (first, rest) = whole.as_bytes().split_at(whole.len() - 5);
    stream.write_all(first).await.unwrap();
    // The server asks for the body once it has begun with the request.
    let mut interim = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut interim)).await.unwrap().unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));

    let address = world.server.address;
    let stopping = tokio::spawn(world.server.shutdown());
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
    assert!(!stopping.is_finished());
    stream.write_all(rest).await.unwrap();
    assert_eq!(Reply::read(&mut stream).await.status, 200);
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
}

#[tokio::test]
async fn stopping_takes_no_longer_than_the_drain_timeout() {
    let world = world(|http| http.drain_timeout = Duration::from_millis(100)).await;
    let mut stream = world.connect().await;
    let whole =
        request("POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n", TYPENAME);
    stream.write_all(&whole.as_bytes()[..whole.len() - 5]).await.unwrap();
    let mut interim = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut interim)).await.unwrap().unwrap();
    timeout(PATIENCE, world.server.shutdown()).await.unwrap();
}

#[tokio::test]
async fn headers_that_are_too_long_are_refused() {
    let world = world(|_| {}).await;
    let fits = world.post(&format!("x-padding: {}\r\n", "x".repeat(16 * 1_024)), TYPENAME).await;
    assert_eq!(fits.status, 200);
    // At the limit, either status is correct, but there must be a response.
    let edge = world.post(&format!("x-padding: {}\r\n", "x".repeat(64 * 1_024)), TYPENAME).await;
    assert!([200, 431].contains(&edge.status), "{}", edge.head);
    for padding in ["x".repeat(256 * 1_024), "x".repeat(1_024 * 1_024)] {
        let mut stream = world.connect().await;
        let whole = request(
            &format!("POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\nx-padding: {padding}\r\n"),
            TYPENAME,
        );
        // The server may close the connection before all of the request is sent.
        let _sent = stream.write_all(whole.as_bytes()).await;
        let mut head = [0; 12];
        if timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().is_ok() {
            assert_eq!(&head, b"HTTP/1.1 431");
        }
    }
    assert_eq!(world.post("", TYPENAME).await.status, 200);
}

#[tokio::test]
async fn a_body_that_arrives_byte_by_byte_times_out() {
    let world = world(|http| http.body_timeout = Duration::from_millis(200)).await;
    let mut stream = world.connect().await;
    let whole = request("POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\n", &" ".repeat(1_000));
    let body = whole.len() - 1_000;
    stream.write_all(&whole.as_bytes()[..body]).await.unwrap();
    let mut answer = [0; 12];
    // A byte, and a little while in which an answer may come: never long enough for a timeout between two bytes.
    let mut sent = 0;
    loop {
        assert!(sent < 1_000, "the whole body was waited for");
        let _sent = stream.write_all(b" ").await;
        sent += 1;
        if let Ok(read) = timeout(Duration::from_millis(10), stream.read_exact(&mut answer)).await {
            read.unwrap();
            break;
        }
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_their_order() {
    let world = world(|_| {}).await;
    let mut stream = world.connect().await;
    let post = "POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\nhost: callshot\r\n";
    let mut all = String::new();
    for name in ["one", "two", "three"] {
        let body = format!(r#"{{"query":"{{ {name}: __typename }}"}}"#);
        all += &[post, "content-length: ", &body.len().to_string(), "\r\n\r\n", &body].concat();
    }
    all.push_str(&request("GET /livez HTTP/1.1\r\n", ""));
    stream.write_all(all.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    let places: Vec<usize> =
        ["\"one\":", "\"two\":", "\"three\":", "alive"].iter().map(|part| text.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 4);
}

#[tokio::test]
async fn a_client_of_another_protocol_gets_an_immediate_error() {
    let world = world(|_| {}).await;
    let upgrade = "GET /livez HTTP/1.1\r\nhost: callshot\r\nconnection: upgrade, close, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    for (what, begins) in [
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nno frame of HTTP/2", ""),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", "HTTP/1.1 400"),
        ("GET / HTTP/9.9\r\n\r\n", ""),
        (upgrade, "HTTP/1.1 200"),
        (
            "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n",
            "",
        ),
        ("POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", "HTTP/1.1 400"),
    ] {
        let mut stream = world.connect().await;
        stream.write_all(what.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        let ended = timeout(PATIENCE, stream.read_to_end(&mut text)).await;
        assert!(ended.is_ok(), "no answer to {what:?}");
        let text = String::from_utf8_lossy(&text);
        assert!(text.starts_with(begins) && !text.contains("HTTP/1.1 5"), "{what:?}: {text}");
    }
    assert_eq!(world.post("", TYPENAME).await.status, 200);
}
