//! A way to a PostgreSQL server that can be cut and mended, or go silent and speak again, as a network does.
//!
//! The program under test is given the proxy's address in place of the database's. What happens on the way happens to
//! real bytes between the real program and the real server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::databases::Database;

/// The proxy of one database. Dropped, it is cut for good.
pub struct Proxy {
    url: String,
    address: SocketAddr,
    server: Place,
    passing: Option<JoinHandle<()>>,
    flows: watch::Sender<bool>,
    /// Keeps the port while nobody listens there; who connects then is refused.
    _port: TcpSocket,
}

/// Where PostgreSQL listens.
#[derive(Clone, Debug)]
enum Place {
    Socket(PathBuf),
    Port(String, u16),
}

impl Proxy {
    /// A way to this database that is open.
    ///
    /// # Panics
    /// Where the database is not on PostgreSQL, or there is no free port.
    #[must_use]
    pub fn to(database: &Database) -> Self {
        let options: PgConnectOptions = database.url().parse().expect("an address of PostgreSQL");
        let host = options.get_host();
        let server = match options.get_socket() {
            Some(folder) => Place::Socket(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None if host.starts_with('/') => {
                Place::Socket(PathBuf::from(host).join(format!(".s.PGSQL.{}", options.get_port())))
            }
            None => Place::Port(host.to_owned(), options.get_port()),
        };
        let port = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = port.local_addr().expect("a bound socket has an address");
        let url = through(database.url(), address);
        let mut proxy = Self { url, address, server, passing: None, flows: watch::Sender::new(true), _port: port };
        proxy.mend();
        proxy
    }

    /// The database's address by this way.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends all connections, and refuses new ones.
    ///
    /// # Panics
    /// Where passing on broke off by itself.
    pub async fn cut(&mut self) {
        if let Some(passing) = self.passing.take() {
            passing.abort();
            let ended = passing.await;
            assert!(ended.is_err_and(|end| end.is_cancelled()), "the proxy broke off");
        }
    }

    /// Lets connections through again.
    ///
    /// # Panics
    /// Where its port is lost.
    pub fn mend(&mut self) {
        let listener = bound(self.address).listen(1024).expect("the port is kept");
        self.passing = Some(tokio::spawn(pass(listener, self.server.clone(), self.flows.subscribe())));
    }

    /// Lets no byte through any more, without a word to anybody.
    pub fn silence(&self) {
        self.flows.send_replace(false);
    }

    /// Lets the bytes flow again, those held back first.
    pub fn speak(&self) {
        self.flows.send_replace(true);
    }
}

/// A socket at this address, beside others there that are made here.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("the port may be shared");
    socket.bind(address).expect("the port is free");
    socket
}

/// Takes connections until it is aborted, which ends them too: the set goes with the task.
async fn pass(listener: TcpListener, server: Place, flows: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, flows) = (server.clone(), flows.clone());
        connections.spawn(async move {
            // Whichever side ends a connection ends it for both; how it ended is not for the way to judge.
            let _ended = match server {
                Place::Socket(path) => join(client, UnixStream::connect(path).await?, flows).await,
                Place::Port(host, port) => join(client, TcpStream::connect((host, port)).await?, flows).await,
            };
            io::Result::Ok(())
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn join(client: TcpStream, server: impl AsyncRead + AsyncWrite, flows: watch::Receiver<bool>) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = tokio::io::split(server);
    tokio::select! {
        ended = carry(from_client, to_server, flows.clone()) => ended,
        ended = carry(from_server, to_client, flows) => ended,
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut flows: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        // The sender goes with the proxy, and all of this with it.
        flows.wait_for(|flows| *flows).await.map(drop).map_err(io::Error::other)?;
        to.write_all(&buffer[..length]).await?;
    }
}

/// The same address with the proxy's host and port.
fn through(url: &str, address: SocketAddr) -> String {
    let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = place.split_once("://").unwrap_or(("postgres", place));
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
    use super::through;

    #[test]
    fn an_address_keeps_all_but_its_place() {
        let address = "127.0.0.1:4321".parse().unwrap();
        for (given, expected) in [
            ("postgres://callshot@localhost/new?host=/tmp/a", "postgres://callshot@127.0.0.1:4321/new"),
            ("postgres://a:b%40@db:5433/new?sslmode=disable", "postgres://a:b%40@127.0.0.1:4321/new?sslmode=disable"),
            ("postgresql://db/new", "postgresql://127.0.0.1:4321/new"),
        ] {
            assert_eq!(through(given, address), expected);
        }
    }
}
