//! A TCP proxy for a PostgreSQL server that simulates failures of the network: connections that break, also at a chosen
//! moment, and connections on which no data arrives.
//!
//! The program under test is given the proxy's address instead of the database's.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::databases::Database;

/// The proxy of one database. Dropping it ends all connections.
pub struct Proxy {
    url: String,
    address: SocketAddr,
    server: ServerAddress,
    forwarding: Option<JoinHandle<()>>,
    /// What is done with data.
    network: watch::Sender<Network>,
    /// Reserves the port while the proxy does not listen, so that connections are refused.
    _port: TcpSocket,
}

/// The state of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// All data is forwarded.
    Flows,
    /// No data is forwarded.
    Paused,
    /// A connection ends when it commits.
    BreaksAt(Commit),
}

/// The moment at which a connection that commits ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Before the server receives `COMMIT`.
    Unsent,
    /// After the server has received `COMMIT`, and before its answer arrives.
    Sent,
}

/// The message by which a connection commits.
const COMMIT: &[u8] = b"COMMIT\0";

/// The address at which PostgreSQL listens.
#[derive(Clone, Debug)]
enum ServerAddress {
    Socket(PathBuf),
    Port(String, u16),
}

impl Proxy {
    /// Starts a proxy for this database.
    ///
    /// # Panics
    /// If the database is not on PostgreSQL, or there is no free port.
    #[must_use]
    pub fn to(database: &Database) -> Self {
        let server = ServerAddress::of(database.url());
        let port = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = port.local_addr().expect("a bound socket has an address");
        let url = with_address(database.url(), address);
        let network = watch::Sender::new(Network::Flows);
        let mut proxy = Self { url, address, server, forwarding: None, network, _port: port };
        proxy.restore();
        proxy
    }

    /// Returns the database's URL with the proxy's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends all connections and refuses new ones.
    ///
    /// # Panics
    /// If the proxy has failed.
    pub async fn cut(&mut self) {
        if let Some(forwarding) = self.forwarding.take() {
            forwarding.abort();
            let ended = forwarding.await;
            assert!(ended.is_err_and(|end| end.is_cancelled()), "the proxy has failed");
        }
    }

    /// Accepts connections again.
    ///
    /// # Panics
    /// If it cannot listen on its port.
    pub fn restore(&mut self) {
        let listener = bound(self.address).listen(1024).expect("the port is reserved");
        self.forwarding = Some(tokio::spawn(forward(listener, self.server.clone(), self.network.subscribe())));
    }

    /// Stops forwarding data on connections, which stay open.
    pub fn pause(&self) {
        self.network.send_replace(Network::Paused);
    }

    /// Forwards data again, including the data that arrived in the meantime.
    pub fn resume(&self) {
        self.network.send_replace(Network::Flows);
    }

    /// Ends each connection that commits, at this moment, until [`Proxy::resume`].
    pub fn break_at(&self, commit: Commit) {
        self.network.send_replace(Network::BreaksAt(commit));
    }

    /// Leads connections to another database from the next [`Proxy::restore`] on, as after a failover.
    ///
    /// # Panics
    /// If this is not a URL of PostgreSQL.
    pub fn lead_to(&mut self, url: &str) {
        self.server = ServerAddress::of(url);
    }
}

impl ServerAddress {
    fn of(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().expect("a URL of PostgreSQL");
        let host = options.get_host();
        match options.get_socket() {
            Some(folder) => Self::Socket(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None if host.starts_with('/') => {
                Self::Socket(PathBuf::from(host).join(format!(".s.PGSQL.{}", options.get_port())))
            }
            None => Self::Port(host.to_owned(), options.get_port()),
        }
    }
}

/// Returns a socket bound to this address, which other sockets of this function may have too.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("the port may be shared");
    socket.bind(address).expect("the port is free");
    socket
}

/// Accepts connections until it is aborted, which ends them: the set is dropped with the task.
async fn forward(listener: TcpListener, server: ServerAddress, network: watch::Receiver<Network>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, network) = (server.clone(), network.clone());
        connections.spawn(async move {
            // A connection that one side ends is ended for both, with an error or without.
            let _ended = match server {
                ServerAddress::Socket(path) => join(client, UnixStream::connect(path).await?, network).await,
                ServerAddress::Port(host, port) => join(client, TcpStream::connect((host, port)).await?, network).await,
            };
            io::Result::Ok(())
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn join(
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite,
    network: watch::Receiver<Network>,
) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = tokio::io::split(server);
    tokio::select! {
        ended = copy(from_client, to_server, network.clone()) => ended,
        ended = copy(from_server, to_client, network) => ended,
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut network: watch::Receiver<Network>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        // An error means that the proxy, which has the sender, was dropped.
        let state = network.wait_for(|network| *network != Network::Paused).await.map(|state| *state);
        let data = &buffer[..length];
        let broken = match state.map_err(io::Error::other)? {
            Network::BreaksAt(commit) if data.windows(COMMIT.len()).any(|part| part == COMMIT) => Some(commit),
            _ => None,
        };
        if broken != Some(Commit::Unsent) {
            to.write_all(data).await?;
        }
        if broken.is_some() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

/// Returns the URL with the proxy's host and port.
fn with_address(url: &str, address: SocketAddr) -> String {
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
    let parameters: Vec<&str> = parameters
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("host=") && !parameter.starts_with("port="))
        .collect();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{user}{address}/{name}{separator}{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::with_address;

    #[test]
    fn a_url_keeps_everything_but_its_host_and_port() {
        let address = "127.0.0.1:4321".parse().unwrap();
        for (given, expected) in [
            ("postgres://callshot@localhost/new?host=/tmp/a", "postgres://callshot@127.0.0.1:4321/new"),
            ("postgres://a:b%40@db:5433/new?sslmode=disable", "postgres://a:b%40@127.0.0.1:4321/new?sslmode=disable"),
            ("postgresql://db/new", "postgresql://127.0.0.1:4321/new"),
        ] {
            assert_eq!(with_address(given, address), expected);
        }
    }
}
