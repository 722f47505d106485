//! Crowds: silent connections, which make way for those that ask, and strangers and organizations that send more than the server
//! can execute.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::overload::{Attack, durations, percentile};
use tests::program::Program;
use tests::{Client, Database, Server, World, on_both_databases};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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

/// A shell's limit of open files is lower than the number of connections that a server may have.
#[on_both_databases]
async fn the_limit_of_open_files_shuts_no_client_out(database: &Database) {
    for (soft, hard) in [(64, 2_000), (64, 64)] {
        let program = Program::serve_with_few_files(database, soft, hard).await;
        let host = program.root().trim_start_matches("http://");
        let mut silent = Vec::new();
        for _ in 0..100 {
            silent.push(TcpStream::connect(host).await.unwrap());
        }
        let alive = program.stranger().at("/livez", reqwest::Method::GET);
        let begun = Instant::now();
        for _ in 0..5 {
            assert_eq!(alive.try_clone().unwrap().send().await.unwrap().status(), 200);
        }
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?} with {soft} and {hard} files", begun.elapsed());
        drop(silent);
        program.terminate().await;
        assert!(program.ended().await.0.success());
    }
}

/// The number of requests that the server takes on in the tests of overload. An attack has more connections.
const PLACES: usize = 96;
/// The number of connections of each attacking address or organization, of which there are four.
const CONNECTIONS: usize = 40;

async fn small_server(database: &Database) -> World {
    let database = Database::migrated(database.kind()).await;
    let server = Server::start_with(database, |settings| {
        settings.load.max_requests = PLACES.try_into().unwrap();
        settings.cost.points = 100_000;
    });
    World::on(server.await).await
}

/// Sends cheap requests without an attack and beside one. All must be answered; the test harness and the server share the
/// processor, so that only a time that is many times longer fails. The program `overload` measures the percentiles.
async fn is_answered_beside(world: &World, attack: impl AsyncFnOnce() -> Attack) {
    let account = world.admin().account(json!({"name": "Acme"})).await;
    let document = "query($id: ID!) { account(by: {id: $id}) { name owner { name } } }";
    let cheap = json!({"query": document, "variables": {"id": account}});
    let reads = async || durations(world.admin(), &cheap, 2, 20).await;
    reads().await;
    let quiet = reads().await;
    let attack = attack().await;
    attack.has_met(100).await;
    let beside = reads().await;
    let tally = attack.end().await;
    let [quiet, beside] = [quiet, beside].map(|times| [percentile(&times, 50), percentile(&times, 99)]);
    println!("{}: {quiet:?} ms alone, {beside:?} ms beside {tally:?}", world.server().database().kind());
    assert!(beside[0] < (50.0 * quiet[0]).max(2_000.0), "{beside:?} ms, {quiet:?} ms alone");
}

#[on_both_databases]
async fn strangers_do_not_shut_anybody_out(database: &Database) {
    let world = small_server(database).await;
    let root = world.server().root().to_owned();
    is_answered_beside(&world, async || Attack::by_strangers(&root, 4, CONNECTIONS)).await;
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn other_organizations_do_not_shut_anybody_out(database: &Database) {
    let world = small_server(database).await;
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..4 {
        let other = world.another_organization(&format!("Loud {number}")).await;
        let rows: Vec<Value> = (0..500)
            .map(|number| json!({"externalId": {"source": "load", "id": number.to_string()}, "name": format!("Account {number}")}))
            .collect();
        other.admin().mutate("upsertAccounts", "failed", json!({"rows": rows})).await.done();
        clients.push((***other.admin()).clone());
    }
    let root = world.server().root().to_owned();
    let expensive = json!({"query": "{ accounts(first: 200, orderBy: {field: NAME}) { totalCount nodes { name
        owner { name } contacts(first: 20) { nodes { name } } touches(first: 20) { nodes { id } } } } }"});
    is_answered_beside(&world, async || Attack::by_organizations(&root, &clients, &expensive, CONNECTIONS)).await;
    world.into_server().stop().await.remove().await;
}
