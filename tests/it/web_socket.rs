//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.

#![expect(clippy::panic, reason = "an unexpected message must fail the test")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tests::{Database, World, on_both_databases};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::load::{Barrier, RUNNING, held, until_waiting, world_with};

/// A timeout that is never reached in practice.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open WebSocket.
struct Socket(WebSocketStream<TcpStream>);

fn handshake(world: &World, protocol: Option<&str>, origin: Option<&str>) -> Request {
    let url = format!("{}/graphql", world.server().root().replace("http://", "ws://"));
    let mut request = url.into_client_request().unwrap();
    for (name, value) in [("sec-websocket-protocol", protocol), ("origin", origin)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
    request
}

async fn open(world: &World, protocol: Option<&str>, origin: Option<&str>) -> Result<Socket, Error> {
    let host = world.server().root().trim_start_matches("http://");
    let stream = TcpStream::connect(host).await.unwrap();
    let opened = tokio_tungstenite::client_async(handshake(world, protocol, origin), stream).await;
    opened.map(|(socket, response)| {
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Socket(socket)
    })
}

/// Returns the status and the body of a handshake that is refused.
async fn refused(world: &World, protocol: Option<&str>, origin: Option<&str>) -> (u16, String) {
    match open(world, protocol, origin).await {
        Err(Error::Http(response)) => {
            (response.status().as_u16(), String::from_utf8(response.into_body().unwrap_or_default()).unwrap())
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the WebSocket was opened"),
    }
}

impl Socket {
    async fn opened(world: &World) -> Self {
        open(world, Some("graphql-transport-ws"), None).await.unwrap()
    }

    /// Opens a connection and introduces its user.
    async fn of(world: &World, token: &str) -> Self {
        let mut socket = Self::opened(world).await;
        socket.introduce(token).await;
        assert_eq!(socket.next().await, json!({"type": "connection_ack"}));
        socket
    }

    async fn introduce(&mut self, token: &str) {
        self.send(json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {token}")}})).await;
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, request: Value) {
        self.send(json!({"type": "subscribe", "id": id, "payload": request})).await;
    }

    /// Returns the next message.
    async fn next(&mut self) -> Value {
        match timeout(PATIENCE, self.0.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no message but {other:?}"),
        }
    }

    /// Returns the code with which the server closes the connection.
    async fn closed(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not closed but {other:?}"),
            }
        }
    }

    /// Sends a request and returns its response.
    async fn ask(&mut self, request: Value) -> Value {
        self.subscribe("one", request).await;
        let next = self.next().await;
        assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("one")), "{next}");
        assert_eq!(self.next().await, json!({"type": "complete", "id": "one"}));
        next["payload"].clone()
    }

    /// Sends a request and returns the errors for which it is refused.
    async fn errors(&mut self, request: Value) -> Value {
        self.subscribe("one", request).await;
        let error = self.next().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("one")), "{error}");
        error["payload"].clone()
    }
}

#[on_both_databases]
async fn queries_and_mutations_are_answered_as_over_http(world: &World) {
    let admin = world.admin();
    let mut socket = Socket::of(world, admin.token()).await;
    let create = "mutation($input: CreateAccountInput!) { createAccount(input: $input) {
        account { name customFields } userErrors { code field } } }";
    let input = json!({"input": {"name": "Łódź \"1\""}});
    let made = socket.ask(json!({"query": create, "variables": input})).await;
    assert_eq!(made["data"]["createAccount"]["account"]["name"], "Łódź \"1\"");
    for document in [
        "{ me { id name email } accounts { totalCount nodes { name version owner { name } } } }",
        "{ __schema { queryType { name } } }",
        "{ accounts(first: -1) { nodes { id } } me { name } }",
    ] {
        let expected = admin.query(document).await.body;
        let mut over_socket = socket.ask(json!({"query": document})).await;
        assert_eq!(over_socket["data"], expected["data"], "{document}");
        let codes = |body: &Value| body["errors"].as_array().map(|errors| errors[0]["extensions"]["code"].clone());
        assert_eq!(codes(&over_socket), codes(&expected));
        assert_eq!(over_socket["extensions"].take().is_object(), expected["extensions"].is_object());
    }
    // A request that does not run is an error of its operation, and the connection goes on.
    for (request, code) in [
        (json!({"query": 7}), "BAD_USER_INPUT"),
        (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ noSuchField }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "subscription { events { id } }"}), "BAD_USER_INPUT"),
        (json!({"query": "query a { me { id } }", "operationName": "b"}), "BAD_USER_INPUT"),
        (
            json!({"query": "{ accounts(first: 200) { nodes { contacts(first: 200) { nodes { name } } } } }"}),
            "LIMIT_EXCEEDED",
        ),
        (
            json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a".repeat(64)}}}),
            "PERSISTED_QUERY_NOT_FOUND",
        ),
    ] {
        let errors = socket.errors(request.clone()).await;
        assert_eq!(errors[0]["extensions"]["code"], code, "{request}: {errors}");
    }
    socket.send(json!({"type": "ping", "payload": {"n": 1}})).await;
    assert_eq!(socket.next().await["type"], "pong");
    socket.0.close(None).await.unwrap();
}

#[on_both_databases]
async fn a_connection_needs_a_valid_token_and_follows_the_protocol(world: &World) {
    let token = world.admin().token().to_owned();
    for payload in
        [json!({}), json!({"authorization": "Bearer nonsense"}), json!({"authorization": token}), json!(null)]
    {
        let mut socket = Socket::opened(world).await;
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.closed().await, 4403, "{payload}");
    }
    let mut early = Socket::opened(world).await;
    early.subscribe("1", json!({"query": "{ me { id } }"})).await;
    assert_eq!(early.closed().await, 4401);
    let mut twice = Socket::of(world, &token).await;
    twice.introduce(&token).await;
    assert_eq!(twice.closed().await, 4429);
    let mut wrong = Socket::of(world, &token).await;
    wrong.send(json!({"type": "subscribe", "id": "1"})).await;
    assert_eq!(wrong.closed().await, 4400);
    // A message may have 256 KiB.
    let mut large = Socket::of(world, &token).await;
    large.subscribe("1", json!({"query": "{ me { id } }", "variables": {"x": "x".repeat(200_000)}})).await;
    assert_eq!(large.next().await["type"], "next");
    assert_eq!(large.next().await["type"], "complete");
    let too_large = json!({"type": "ping", "payload": {"x": "x".repeat(300_000)}}).to_string();
    // The server may close the connection before all of it is sent.
    let _sent = large.0.send(Message::text(too_large)).await;
    let ended = timeout(PATIENCE, large.0.next()).await.unwrap();
    assert!(!matches!(ended, Some(Ok(Message::Text(_)))), "{ended:?}");
}

#[on_both_databases]
async fn only_the_protocol_and_listed_origins_are_accepted(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.http.cors_origins = vec!["https://app.example.com".parse().unwrap()];
    })
    .await;
    for protocol in [None, Some("graphql-ws"), Some("soap")] {
        let (status, body) = refused(&world, protocol, None).await;
        assert!(status == 400 && body.contains("graphql-transport-ws"), "{status} {body}");
    }
    let protocol = Some("graphql-ws, graphql-transport-ws");
    open(&world, protocol, None).await.unwrap();
    open(&world, protocol, Some("https://app.example.com")).await.unwrap();
    open(&world, protocol, Some(world.server().root())).await.unwrap();
    let (status, body) = refused(&world, protocol, Some("https://evil.example.com")).await;
    assert!(status == 403 && body.contains("FORBIDDEN"), "{status} {body}");
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn operations_wait_for_their_organizations_turn_and_a_stop_waits_for_them(database: &Database) {
    let world = world_with(database.kind(), |_| ()).await;
    let mut socket = Socket::of(&world, world.admin().token()).await;
    let barrier = Barrier::raise(&world).await;
    let operations = 16;
    for number in 0..operations {
        socket.subscribe(&number.to_string(), held(&world, number, "id")).await;
    }
    until_waiting(&world, operations - RUNNING).await;
    socket.subscribe("more", json!({"query": "{ me { id } }"})).await;
    let refused = socket.next().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("more")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    // An operation that waits ends when the client cancels it.
    socket.send(json!({"type": "complete", "id": (operations - 1).to_string()})).await;
    until_waiting(&world, operations - 1 - RUNNING).await;
    let host = world.server().root().trim_start_matches("http://").to_owned();
    let server = world.into_server();
    let stopping = tokio::spawn(async move { server.stop().await });
    while TcpStream::connect(&host).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    barrier.lower().await;
    let mut answered = 0;
    while answered < operations - 1 {
        let message = socket.next().await;
        if message["type"] == "next" {
            assert!(message["payload"]["errors"].is_null(), "{message}");
            answered += 1;
        }
    }
    // The end of the last operation, and then the end of the connection.
    let code = loop {
        match timeout(PATIENCE, socket.0.next()).await.unwrap() {
            Some(Ok(Message::Text(_))) => {}
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 1001);
    timeout(PATIENCE, stopping).await.unwrap().unwrap().remove().await;
}

#[on_both_databases]
async fn sockets_count_as_connections_and_idle_ones_make_way(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.http.max_connections = 5.try_into().unwrap();
        settings.http.keep_alive = Duration::from_mins(1);
    })
    .await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(Socket::of(&world, world.admin().token()).await);
    }
    // The oldest of them have made way for the newest.
    for socket in &mut sockets[..3] {
        assert_eq!(socket.closed().await, 1013);
    }
    let last = sockets.last_mut().unwrap();
    assert_eq!(last.ask(json!({"query": "{ me { name } }"})).await["data"]["me"]["name"], "Ada Admin");
    drop(sockets);
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn an_idle_socket_and_a_silent_one_are_closed(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.http.header_timeout = Duration::from_millis(300);
        settings.http.keep_alive = Duration::from_millis(300);
    })
    .await;
    assert_eq!(Socket::opened(&world).await.closed().await, 4408);
    let mut idle = Socket::of(&world, world.admin().token()).await;
    idle.ask(json!({"query": "{ me { id } }"})).await;
    assert_eq!(idle.closed().await, 4499);
    world.into_server().stop().await.remove().await;
}
