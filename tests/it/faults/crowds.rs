//! Many clients at the same time: anonymous ones, other organizations, and silent connections. The limits are ratios, so that
//! they apply to slow and fast machines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Answer, Client, Database, Server, World, on_both_databases};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The number of timed requests.
const TIMED: usize = 150;
/// The smallest response time that is compared, because ratios of shorter times are not meaningful.
const FLOOR: Duration = Duration::from_millis(25);
/// The factor by which the slowest request may be slower than on an idle server.
const SLOWER: u32 = 10;

/// Starts a server behind a proxy, so that requests may name their client's address.
async fn behind_a_proxy(database: &Database) -> World {
    let database = Database::migrated(database.kind()).await;
    let server = Server::start_with(database, |settings| {
        settings.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    });
    World::on(server.await).await
}

/// Returns the 99th percentile of the times for reading one object.
async fn p99(client: &Client) -> Duration {
    let mut times = Vec::with_capacity(TIMED);
    for _ in 0..TIMED {
        let begun = Instant::now();
        client.query("{ me { id } }").await.answered();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[TIMED * 99 / 100]
}

/// Requests that are repeated until this is dropped.
struct Crowd {
    enough: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    asking: JoinSet<()>,
}

impl Crowd {
    fn new() -> Self {
        Self { enough: Arc::default(), answered: Arc::default(), asking: JoinSet::new() }
    }

    fn ask(&mut self, client: &Client, address: &str, body: Value) {
        let (client, address) = (client.clone(), address.to_owned());
        let (enough, answered) = (Arc::clone(&self.enough), Arc::clone(&self.answered));
        self.asking.spawn(async move {
            while !enough.load(Ordering::Relaxed) {
                let request = client.request().header("x-forwarded-for", &address).json(&body);
                let answer = Answer::to(request).await;
                answered.fetch_add(1, Ordering::Relaxed);
                // A refused client waits for a second, as Retry-After says.
                if answer.body.get("errors").is_some() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
    }

    async fn until_answered(&self, number: usize) {
        while self.answered.load(Ordering::Relaxed) < number {
            tokio::task::yield_now().await;
        }
    }

    async fn end(mut self) {
        self.enough.store(true, Ordering::Relaxed);
        while self.asking.join_next().await.is_some() {}
    }
}

#[on_both_databases]
async fn strangers_do_not_keep_a_member_waiting(database: &Database) {
    let world = behind_a_proxy(database).await;
    let quiet = p99(world.admin()).await.max(FLOOR);
    let mut crowd = Crowd::new();
    let sign_in = "mutation($email: String!) { signIn(input: {email: $email, password: \"a wrong password\"}) {
        userErrors { code } } }";
    for address in 0..4 {
        for number in 0..140 {
            let variables = json!({"email": format!("{number}@initech.example")});
            let body = json!({"query": sign_in, "variables": variables});
            crowd.ask(&world.stranger(), &format!("192.0.2.{address}"), body);
        }
    }
    crowd.until_answered(200).await;
    let loaded = p99(world.admin()).await;
    // A member at another address can also sign in.
    let body = json!({"query": "mutation($email: String!, $password: String!) {
        signIn(input: {email: $email, password: $password}) { session { accessToken } userErrors { code } } }",
        "variables": {"email": world.admin().email(), "password": tests::actors::PASSWORD}});
    let signed_in = async {
        loop {
            let request = world.stranger().request().header("x-forwarded-for", "198.51.100.7").json(&body);
            let answer = Answer::to(request).await;
            if answer.body.pointer("/data/signIn/session/accessToken").is_some_and(Value::is_string) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), signed_in).await.unwrap();
    crowd.end().await;
    assert!(loaded <= SLOWER * quiet, "{loaded:?} beside strangers, {quiet:?} without");
    println!("strangers on {}: p99 {loaded:?}, quiet {quiet:?}", database.kind());
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn other_organizations_do_not_keep_a_member_waiting(database: &Database) {
    let world = behind_a_proxy(database).await;
    let quiet = p99(world.admin()).await.max(FLOOR);
    let mut crowd = Crowd::new();
    let expensive = "{ accounts(first: 200, filter: {name: {contains: \"a\"}}) { totalCount
        nodes { id contacts(first: 20) { nodes { id } } } } }";
    let mut others = Vec::new();
    for number in 0..4 {
        let other = world.another_organization(&format!("Other {number}")).await;
        for account in 0..10 {
            other.admin().account(json!({"name": format!("Account {account}")})).await;
        }
        others.push(other);
    }
    for other in &others {
        for _ in 0..130 {
            crowd.ask(other.admin(), "192.0.2.1", json!({"query": expensive}));
        }
    }
    crowd.until_answered(100).await;
    let loaded = p99(world.admin()).await;
    crowd.end().await;
    assert!(loaded <= SLOWER * quiet, "{loaded:?} beside others, {quiet:?} without");
    println!("other organizations on {}: p99 {loaded:?}, quiet {quiet:?}", database.kind());
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn silent_connections_make_way(database: &Database) {
    let database = Database::migrated(database.kind()).await;
    let server = Server::start_with(database, |settings| {
        settings.http.max_connections = 40.try_into().unwrap();
        settings.http.max_connections_per_address = 30.try_into().unwrap();
    });
    let world = World::on(server.await).await;
    let host = world.server().root().trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(TcpStream::connect(&host).await.unwrap());
    }
    let begun = Instant::now();
    for _ in 0..10 {
        // A connection of its own.
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let request = format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("alive\n"), "{answer}");
    }
    world.admin().query("{ me { id } }").await.answered();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(silent);
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn a_connection_that_says_nothing_is_closed_before_one_that_is_kept(database: &Database) {
    let database = Database::migrated(database.kind()).await;
    let server = Server::start_with(database, |settings| {
        settings.http.first_byte_timeout = Duration::from_millis(100);
        settings.http.header_timeout = Duration::from_millis(100);
        settings.http.keep_alive = Duration::from_secs(30);
    });
    let server = server.await;
    let host = server.root().trim_start_matches("http://").to_owned();
    let ask = format!("GET /livez HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let mut kept = TcpStream::connect(&host).await.unwrap();
    let mut answer = Vec::new();
    kept.write_all(ask.as_bytes()).await.unwrap();
    while !answer.ends_with(b"alive\n") {
        assert!(kept.read_buf(&mut answer).await.unwrap() > 0);
    }
    let mut silent = TcpStream::connect(&host).await.unwrap();
    let mut slow = TcpStream::connect(&host).await.unwrap();
    slow.write_all(b"GET /livez HT").await.unwrap();
    // Both silent connections are closed; the one that is idle between two requests is not.
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
    slow.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    answer.clear();
    kept.write_all(ask.as_bytes()).await.unwrap();
    while !answer.ends_with(b"alive\n") {
        assert!(kept.read_buf(&mut answer).await.unwrap() > 0);
    }
    drop(kept);
    server.stop().await.remove().await;
}
