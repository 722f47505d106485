//! Overload: one organization that uses its whole share, slow clients, and too many requests and connections.

use std::time::Duration;

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::{Answer, Client, Database, Kind, Server, World, on_both_databases};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// The number of requests of one organization that run at the same time: two fifths of ten connections.
pub const RUNNING: usize = 4;
/// The number of these that may read whole lists.
const EXPENSIVE: usize = 2;

/// A timeout that is never reached in practice.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn world_with(kind: Kind, change: impl FnOnce(&mut callshot::config::Settings)) -> World {
    World::on(Server::start_with(Database::migrated(kind).await, change).await).await
}

/// Makes all reads of bookings (on SQLite: all writes) wait until it is released.
pub struct Barrier(sea_orm::DatabaseConnection);

impl Barrier {
    pub async fn raise(world: &World) -> Self {
        let database = world.server().database();
        let connection = database.connect().await;
        let lock = match database.kind() {
            Kind::Postgres => "BEGIN; LOCK TABLE booking IN ACCESS EXCLUSIVE MODE",
            Kind::Sqlite => "BEGIN IMMEDIATE",
        };
        connection.execute_unprepared(lock).await.unwrap();
        Self(connection)
    }

    pub async fn lower(self) {
        self.0.execute_unprepared("COMMIT").await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// Returns a request that waits at the barrier and also selects `of_user`.
pub fn held(world: &World, number: usize, of_user: &str) -> Value {
    match world.server().database().kind() {
        Kind::Postgres => json!({"query": format!("{{ bookings {{ nodes {{ id }} }} me {{ {of_user} }} }}")}),
        Kind::Sqlite => {
            let account = format!("account {{ id owner {{ {of_user} }} }}");
            let create =
                format!("mutation($name: String!) {{ createAccount(input: {{name: $name}}) {{ {account} }} }}");
            json!({"query": create, "variables": {"name": format!("Account {number}")}})
        }
    }
}

fn ask_many(world: &World, client: &Client, number: usize) -> JoinSet<Answer> {
    ask_many_with(world, client, number, "id")
}

fn ask_many_with(world: &World, client: &Client, number: usize, of_user: &str) -> JoinSet<Answer> {
    let mut asking = JoinSet::new();
    for one in 0..number {
        let held = held(world, one, of_user);
        let request = client.request().header("accept", "application/graphql-response+json").json(&held);
        asking.spawn(Answer::to(request));
    }
    asking
}

/// Waits until `number` requests wait for their organization's turn.
pub async fn until_waiting(world: &World, number: usize) {
    let waiting = async {
        while world.server().app().admission.waiting() != number {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

#[on_both_databases]
async fn one_organization_leaves_connections_to_the_others(world: &World) {
    let other = world.another_organization("Globex").await;
    let barrier = Barrier::raise(world).await;
    // The other requests wait behind the running ones.
    let mut asking = ask_many(world, world.admin(), 64);
    until_waiting(world, 64 - RUNNING).await;
    for _ in 0..20 {
        let answer = other.admin().query("{ me { name } accounts { totalCount } organization { name } }").await;
        assert_eq!(answer.text("organization.name"), "Globex");
    }
    assert_eq!(world.server().app().admission.waiting(), 64 - RUNNING);
    barrier.lower().await;
    while let Some(answer) = asking.join_next().await {
        answer.unwrap().answered();
    }
}

#[on_both_databases]
async fn requests_that_read_whole_lists_leave_turns_to_others(world: &World) {
    let barrier = Barrier::raise(world).await;
    // This reads a seller's whole list, at 50 points.
    let mut asking =
        ask_many_with(world, world.admin(), 16, "focus(range: {from: \"2026-01-01\", to: \"2026-01-31\"}) { touches }");
    until_waiting(world, 16 - EXPENSIVE).await;
    world.admin().query("{ me { name } accounts { nodes { id } } }").await;
    let mut light = ask_many(world, world.admin(), 16);
    until_waiting(world, 16 - EXPENSIVE + 16 - (RUNNING - EXPENSIVE)).await;
    barrier.lower().await;
    while let Some(answer) = asking.join_next().await {
        answer.unwrap().answered();
    }
    while let Some(answer) = light.join_next().await {
        answer.unwrap().answered();
    }
}

#[on_both_databases]
async fn a_limited_number_of_requests_of_an_organization_wait(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.cost.points = 100_000;
        settings.load.max_waiting = 10;
    })
    .await;
    let barrier = Barrier::raise(&world).await;
    let mut asking = ask_many(&world, world.admin(), 40);
    let mut refused = Vec::new();
    // Ten requests wait behind the running ones.
    while refused.len() < 40 - 10 - RUNNING {
        refused.push(asking.join_next().await.unwrap().unwrap());
    }
    for answer in &refused {
        assert_eq!((answer.status.as_u16(), answer.error_code()), (429, "RATE_LIMITED"));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    barrier.lower().await;
    let mut answered = 0;
    while let Some(answer) = asking.join_next().await {
        answer.unwrap().answered();
        answered += 1;
    }
    assert_eq!(answered, 10 + RUNNING);
    // The refused requests cost nothing.
    let left = world.admin().query("{ me { id } }").await.body["extensions"]["cost"]["available"].as_u64().unwrap();
    assert!(left > 100_000 - 15 * 25 - 500, "{left}");
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn a_waiting_request_is_canceled_when_its_client_disconnects(world: &World) {
    let barrier = Barrier::raise(world).await;
    let mut asking = ask_many(world, world.admin(), 20);
    until_waiting(world, 20 - RUNNING).await;
    asking.shutdown().await;
    until_waiting(world, 0).await;
    barrier.lower().await;
    if world.server().database().kind() == Kind::Sqlite {
        // Only the requests that had begun are completed.
        let made = async {
            while world.admin().query("{ accounts { totalCount } }").await.data("accounts.totalCount")
                != &json!(RUNNING)
            {}
        };
        tokio::time::timeout(PATIENCE, made).await.unwrap();
    }
}

#[on_both_databases]
async fn more_than_the_server_takes_on_is_refused_at_once(database: &Database) {
    let world = world_with(database.kind(), |settings| settings.load.max_requests = 32.try_into().unwrap()).await;
    // One organization has a quarter of the places.
    let barrier = Barrier::raise(&world).await;
    let mut asking = ask_many(&world, world.admin(), 8);
    until_waiting(&world, 8 - RUNNING).await;
    let refused = async {
        for _ in 0..50 {
            let answer = Answer::to(world.admin().request().json(&json!({"query": "{ me { id } }"}))).await;
            assert_eq!((answer.status.as_u16(), answer.error_code()), (503, "RATE_LIMITED"));
            assert_eq!(answer.headers["retry-after"], "1");
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    // Health checks are still answered.
    let alive = world.stranger().at("/livez", reqwest::Method::GET).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    barrier.lower().await;
    while let Some(answer) = asking.join_next().await {
        answer.unwrap().answered();
    }
    world.admin().query("{ me { id } }").await.answered();
    world.into_server().stop().await.remove().await;
}

/// Returns the bytes of a request with this body.
fn request(world: &World, body: &Value) -> Vec<u8> {
    let admin = world.admin().request().build().unwrap();
    let token = admin.headers()["authorization"].to_str().unwrap().to_owned();
    let body = body.to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: callshot\r\nauthorization: {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn address(world: &World) -> std::net::SocketAddr {
    world.server().root().trim_start_matches("http://").parse().unwrap()
}

/// Sends byte after byte as long as the server accepts them, and returns the server's response.
async fn drip(stream: &mut TcpStream, bytes: &[u8]) -> String {
    let mut said = Vec::new();
    for byte in bytes.iter().cycle() {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        let mut chunk = [0; 1024];
        match tokio::time::timeout(Duration::from_millis(10), stream.read(&mut chunk)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(read)) => said.extend_from_slice(&chunk[..read]),
            Err(_) => {}
        }
    }
    String::from_utf8(said).unwrap()
}

#[on_both_databases]
async fn slow_clients_do_not_delay_others(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.load.max_requests = 2.try_into().unwrap();
        settings.http.header_timeout = Duration::from_secs(1);
        settings.http.body_timeout = Duration::from_secs(1);
    })
    .await;
    let whole = request(&world, &json!({"query": "{ me { id } }", "variables": {"x": "x".repeat(100)}}));
    let body_from = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut slow = JoinSet::new();
    for number in 0..40 {
        let (head, rest) = whole.split_at(if number % 2 == 0 { 5 } else { body_from });
        let (head, rest, address) = (head.to_vec(), rest[..20].to_vec(), address(&world));
        slow.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&head).await.unwrap();
            // A header that never ends, or a slow body.
            let rest = if head.len() == 5 { b"x".to_vec() } else { rest };
            (head.len() == 5, tokio::time::timeout(PATIENCE, drip(&mut stream, &rest)).await.unwrap())
        });
    }
    // Forty slow clients occupy neither of the two places.
    for _ in 0..20 {
        assert_eq!(world.admin().query("{ me { name } }").await.text("me.name"), "Ada Admin");
    }
    while let Some(ended) = slow.join_next().await {
        let (in_headers, said) = ended.unwrap();
        assert!(in_headers || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn a_client_that_never_reads_is_disconnected_and_holds_no_place(database: &Database) {
    let world = world_with(database.kind(), |settings| {
        settings.load.max_requests = 1.try_into().unwrap();
        settings.http.max_connections = 4.try_into().unwrap();
        settings.http.write_timeout = Duration::from_millis(300);
    })
    .await;
    let schema = json!({"query": "{ __schema { types { description fields { description args { description } } } } }"});
    let bytes = request(&world, &schema);
    let mut silent = Vec::new();
    for _ in 0..3 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address(&world)).await.unwrap();
        // Sends requests without reading the responses, until the buffers of the server and of the client are full.
        let sending = async {
            loop {
                if stream.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        };
        // The server closes the connection.
        tokio::time::timeout(PATIENCE, sending).await.unwrap();
        silent.push(stream);
    }
    // One connection remains for others, and none of the requests is in progress any more.
    assert_eq!(world.admin().query("{ me { name } }").await.text("me.name"), "Ada Admin");
    drop(silent);
    world.into_server().stop().await.remove().await;
}
