//! Silent connections, which make way for those that ask.

use std::time::{Duration, Instant};

use tests::{Database, Server, World, on_both_databases};
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
