//! HTTP around GraphQL: entity tags, compression, persisted queries, other origins and HTTP/2.

use std::pin::pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use data_encoding::HEXLOWER;
use reqwest::{Method, Response, Version};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::actors::PASSWORD;
use tests::program::Program;
use tests::{Answer, Client, Database, World, on_both_databases};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinSet;

use crate::load::{Barrier, held, world_with};

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn all(reader: impl AsyncRead) -> Vec<u8> {
    let mut bytes = Vec::new();
    pin!(reader).read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => all(GzipDecoder::new(bytes)).await,
        "br" => all(BrotliDecoder::new(bytes)).await,
        "zstd" => all(ZstdDecoder::new(bytes)).await,
        _ => bytes.to_vec(),
    }
}

#[on_both_databases]
async fn the_schema_has_an_entity_tag(world: &World) {
    let ask = async |name: &'static str, value: &str| {
        let request = world.stranger().at("/schema.graphql", Method::GET);
        request.header(name, value).send().await.unwrap()
    };
    let whole = ask("accept-encoding", "identity").await;
    assert_eq!(whole.status(), 200);
    let tag = header(&whole, "etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"') && header(&whole, "cache-control") == "no-cache");
    let text = whole.text().await.unwrap();
    assert_eq!(text, callshot::App::sdl());
    let strong = tag.trim_start_matches("W/");
    for known in [tag.clone(), strong.to_owned(), format!("\"other\", {tag}"), "*".to_owned()] {
        let unchanged = ask("if-none-match", &known).await;
        assert_eq!((unchanged.status().as_u16(), header(&unchanged, "etag")), (304, tag.as_str()), "{known}");
        assert!(unchanged.bytes().await.unwrap().is_empty());
    }
    for other in ["\"other\"", "", &tag[..tag.len() - 2]] {
        assert_eq!(ask("if-none-match", other).await.status(), 200, "{other}");
    }
    let compressed = ask("accept-encoding", "gzip").await;
    assert_eq!((header(&compressed, "etag"), header(&compressed, "content-encoding")), (tag.as_str(), "gzip"));
    let bytes = compressed.bytes().await.unwrap();
    assert!(bytes.len() < text.len() / 3);
    assert_eq!(decoded("gzip", &bytes).await, text.as_bytes());
}

#[on_both_databases]
async fn large_responses_are_compressed_unless_they_contain_a_token(world: &World) {
    let admin = world.admin();
    for number in 0..40 {
        admin.account(json!({"name": format!("Account {number} of many that are named alike")})).await;
    }
    let ask = async |client: &Client, document: &str, coding: &str| {
        let request = client.request().header("accept-encoding", coding).json(&json!({ "query": document }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let said = [header(&response, "content-encoding").to_owned(), header(&response, "vary").to_owned()];
        (said, response.bytes().await.unwrap())
    };
    let large = "{ accounts(first: 40, orderBy: {field: NAME}) { nodes { id name createdAt } } }";
    let (_, plain) = ask(admin, large, "identity").await;
    assert!(plain.len() > 2_000);
    for coding in ["gzip", "br", "zstd"] {
        let ([encoding, vary], bytes) = ask(admin, large, coding).await;
        assert_eq!(encoding, coding);
        assert!(vary.to_lowercase().contains("accept-encoding"), "{vary}");
        assert!(bytes.len() < plain.len() / 2, "{coding}: {} of {}", bytes.len(), plain.len());
        assert_eq!(decoded(coding, &bytes).await, plain);
    }
    let ([encoding, _], bytes) = ask(admin, "{ me { id name } }", "gzip").await;
    assert!(encoding.is_empty() && bytes.starts_with(b"{"), "{encoding}");
    // The length of a compressed token, next to text that an attacker chooses, would reveal it bit by bit.
    let input = format!("{{email: \"{}\", password: \"{PASSWORD}\"}}", admin.email());
    let secret = format!(
        "mutation {{ signIn(input: {input}) {{ session {{ a: accessToken b: accessToken c: accessToken d: accessToken }} }} }}"
    );
    let ([encoding, _], bytes) = ask(&world.stranger(), &secret, "gzip, br, zstd").await;
    assert!(encoding.is_empty() && bytes.len() > 1_024, "{encoding} {}", bytes.len());
    let renamed = secret.replace("signIn(", "me: signIn(");
    assert_eq!(ask(&world.stranger(), &renamed, "gzip").await.0[0], "");
}

/// Returns a text as a part of a query string.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}

/// A request that names its document by a hash.
fn persisted(query: Option<&str>, hash: &str) -> Value {
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    match query {
        Some(query) => json!({"query": query, "extensions": extensions}),
        None => json!({ "extensions": extensions }),
    }
}

async fn post(client: &Client, body: &Value) -> Answer {
    Answer::unchecked(client.request().json(body)).await
}

#[on_both_databases]
async fn a_registered_document_may_be_sent_by_its_hash(world: &World) {
    let admin = world.admin();
    let document = "query Own($no: Boolean = false) { me { name email @include(if: $no) } }";
    let hash = HEXLOWER.encode(&Sha256::digest(document));
    let missing = post(admin, &persisted(None, &hash)).await;
    // These are the status, code and message that Apollo's and urql's links understand.
    assert_eq!((missing.status.as_u16(), missing.error_code()), (200, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(missing.body["errors"][0]["message"], "PersistedQueryNotFound");
    let registered = post(admin, &persisted(Some(document), &hash)).await;
    assert_eq!(registered.text("me.name"), "Ada Admin");
    for _ in 0..2 {
        assert_eq!(post(admin, &persisted(None, &hash)).await.body["data"], registered.body["data"]);
    }
    let mut with_variables = persisted(None, &hash);
    with_variables["variables"] = json!({"no": true});
    assert_eq!(post(admin, &with_variables).await.text("me.email"), "ada@initech.example");
    // By GET, as clients do it behind a cache.
    let extensions = persisted(None, &hash)["extensions"].to_string();
    let got = admin.at(&format!("/graphql?extensions={}", encoded(&extensions)), Method::GET);
    assert_eq!(Answer::unchecked(got).await.text("me.name"), "Ada Admin");

    // Another organization does not find it, nor does a stranger.
    let other = world.another_organization("Globex").await;
    for client in [&***other.admin(), &world.stranger()] {
        assert_eq!(post(client, &persisted(None, &hash)).await.error_code(), "PERSISTED_QUERY_NOT_FOUND");
    }
    // A hash registers nothing but its own document.
    let wrong = post(admin, &persisted(Some("{ me { id } }"), &hash)).await;
    assert_eq!((wrong.status.as_u16(), wrong.error_code()), (400, "BAD_USER_INPUT"));
    let unparsable = "{ me { ";
    let of_unparsable = HEXLOWER.encode(&Sha256::digest(unparsable));
    assert_eq!(post(admin, &persisted(Some(unparsable), &of_unparsable)).await.error_code(), "GRAPHQL_PARSE_FAILED");
    assert_eq!(post(admin, &persisted(None, &of_unparsable)).await.error_code(), "PERSISTED_QUERY_NOT_FOUND");
    for (extension, code) in [
        (json!({"version": 2, "sha256Hash": hash}), "PERSISTED_QUERY_NOT_SUPPORTED"),
        (json!({"version": 1, "sha256Hash": "abc"}), "BAD_USER_INPUT"),
    ] {
        let body = json!({"extensions": {"persistedQuery": extension}});
        assert_eq!(post(admin, &body).await.error_code(), code);
    }
    // Mutations work in the same way, and are sent by POST only.
    let mutation = "mutation { createAccount(input: {name: \"Acme\"}) { account { id } userErrors { code } } }";
    let hash = HEXLOWER.encode(&Sha256::digest(mutation));
    post(admin, &persisted(Some(mutation), &hash)).await.done();
    let extensions = persisted(None, &hash)["extensions"].to_string();
    let got = admin.at(&format!("/graphql?extensions={}", encoded(&extensions)), Method::GET);
    assert_eq!(Answer::unchecked(got).await.status, 405);
}

/// The headers that GraphQL clients, tracers and proxies send.
const HEADERS: [&str; 13] = [
    "content-type",
    "authorization",
    "x-request-id",
    "traceparent",
    "tracestate",
    "baggage",
    "apollographql-client-name",
    "apollographql-client-version",
    "apollo-require-preflight",
    "graphql-require-preflight",
    "idempotency-key",
    "x-requested-with",
    "x-apollo-operation-name",
];

#[on_both_databases]
async fn pages_of_listed_origins_may_send_what_clients_send(database: &Database) {
    let program = Program::serve(database, &["--cors-origins", "https://app.example.com"]).await;
    let ask = async |method: Method, origin: &str, wanted: &str| {
        let request = program.stranger().at("/graphql?query=%7B__typename%7D", method).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        request.header("access-control-request-headers", wanted).send().await.unwrap()
    };
    for wanted in HEADERS {
        let preflight = ask(Method::OPTIONS, "https://app.example.com", wanted).await;
        assert_eq!(header(&preflight, "access-control-allow-origin"), "https://app.example.com");
        let allowed = header(&preflight, "access-control-allow-headers").to_lowercase();
        assert!(allowed.split(',').any(|name| name.trim() == wanted), "{wanted}: {allowed}");
        assert!(header(&preflight, "access-control-allow-methods").contains("POST"));
    }
    let answered = ask(Method::GET, "https://app.example.com", "").await;
    assert_eq!(header(&answered, "access-control-allow-origin"), "https://app.example.com");
    assert!(header(&answered, "access-control-expose-headers").contains("retry-after"));
    assert!(header(&answered, "vary").contains("origin"));
    for _ in 0..3 {
        for origin in ["https://evil.example.com", "null"] {
            let refused = ask(Method::OPTIONS, origin, "content-type").await;
            assert_eq!(header(&refused, "access-control-allow-origin"), "", "{origin}");
        }
    }
    program.terminate().await;
    let (status, lines) = program.ended().await;
    assert!(status.success());
    let logged = |origin: &str| lines.iter().filter(|line| line.contains(origin)).count();
    assert_eq!(logged("evil.example.com"), 1, "{lines:#?}");
    assert_eq!(logged("app.example.com"), 0, "{lines:#?}");
}

#[on_both_databases]
async fn the_endpoint_is_reached_with_a_slash_at_its_end(world: &World) {
    let document = "{ me { name } }";
    let got = world.admin().at(&format!("/graphql/?query={}", encoded(document)), Method::GET);
    let posted = world.admin().at("/graphql/", Method::POST).json(&json!({ "query": document }));
    for request in [got, posted] {
        assert_eq!(Answer::unchecked(request).await.text("me.name"), "Ada Admin");
    }
}

/// Returns a client that begins with HTTP/2, without TLS, and uses a single connection.
fn multiplexed() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap()
}

#[on_both_databases]
async fn http_2_is_accepted_without_tls(world: &World) {
    let client = multiplexed();
    let token = world.admin().token();
    let url = format!("{}/graphql", world.server().root());
    let mut asking = JoinSet::new();
    for number in 0..20 {
        let body = json!({"query": format!("{{ me {{ n{number}: name }} }}")});
        let request = client.post(&url).bearer_auth(token).json(&body);
        asking.spawn(async move {
            let response = request.send().await.unwrap();
            assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
            assert!(header(&response, "x-request-id").len() == 32);
            let text = response.text().await.unwrap();
            assert!(text.contains(&format!("\"n{number}\":\"Ada Admin\"")), "{text}");
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
    // Headers and bodies have the same limits.
    let long = client.post(&url).header("x-padding", "x".repeat(256 * 1024)).json(&json!({"query": "{ __typename }"}));
    if let Ok(response) = long.send().await {
        assert_eq!(response.status(), 431);
    }
    let large = client.post(&url).json(&json!({"query": "x".repeat(300_000)})).send().await.unwrap();
    assert_eq!(large.status(), 413);
}

#[on_both_databases]
async fn requests_of_one_http_2_connection_count_like_connections(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.http.max_connections_per_address = 12.try_into().unwrap();
    })
    .await;
    let client = multiplexed();
    let url = format!("{}/graphql", world.server().root());
    // Opens the connection, so that all requests use this one.
    client.post(&url).json(&json!({"query": "{ __typename }"})).send().await.unwrap();
    let barrier = Barrier::raise(&world).await;
    let mut asking = JoinSet::new();
    for number in 0..30 {
        let request = client.post(&url).bearer_auth(world.admin().token()).json(&held(&world, number, "id"));
        asking.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    while asking.len() > 12 {
        assert_eq!(asking.join_next().await.unwrap().unwrap(), 503);
    }
    barrier.lower().await;
    let mut answered = 0;
    while let Some(status) = asking.join_next().await {
        let status = status.unwrap();
        assert!(status == 200 || status == 503, "{status}");
        answered += usize::from(status == 200);
    }
    // The connections of the test's other clients count, too.
    assert!((8..=12).contains(&answered), "{answered}");
    drop(client);
    world.into_server().stop().await.remove().await;
}
