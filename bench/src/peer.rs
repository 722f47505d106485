//! The peer: PostGraphile over the same tables, as one process and as two.
//!
//! PostGraphile returns values as they are stored: UUIDs, microseconds and minor units. It requires no token and shows
//! all accounts of the organization. When it logs a touch, it writes the touch without the event and the contacts.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use tokio::process::Command;

use crate::Result;
use crate::client::Request;
use crate::data::people::organization;
use crate::environment::Database;
use crate::measure::{Contender, RequestSource, has_data};
use crate::process::Server;
use crate::questions::Context;

/// The number of processes of each peer.
const PROCESSES: [u8; 2] = [1, 2];

/// A running PostGraphile server.
pub struct Peer {
    name: &'static str,
    server: Server,
}

impl Database {
    /// Starts the peers over this database.
    pub async fn peers(&self) -> Result<Vec<Peer>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer");
        let node = install(&folder).await?;
        let mut connection = PgConnection::connect(&self.url).await?;
        connection.execute(include_str!("../peer/prepare.sql")).await?;
        connection.close().await?;
        let mut peers = Vec::new();
        for processes in PROCESSES {
            let mut command = Command::new(&node);
            command
                .arg("server.js")
                .args(["--database", &self.url, "--processes", &processes.to_string()])
                .env("NODE_ENV", "production")
                .current_dir(&folder);
            let name = if processes == 1 { "PostGraphile" } else { "PostGraphile, 2 processes" };
            peers.push(Peer { name, server: Server::start(&mut command, "/readyz").await? });
        }
        Ok(peers)
    }
}

/// Installs PostGraphile unless it is installed already, and returns the path of the `node` program.
async fn install(folder: &Path) -> Result<PathBuf> {
    let node = folder.join("node_modules/node/bin/node");
    if !node.is_file() {
        eprintln!("installing PostGraphile");
        let status = Command::new("npm").arg("ci").current_dir(folder).status().await;
        let status = status.map_err(|error| format!("PostGraphile requires npm: {error}"))?;
        if !status.success() || !node.is_file() {
            return Err("npm did not install PostGraphile".into());
        }
    }
    Ok(node)
}

impl Context<'_> {
    /// Returns the peers that take part, all with the same requests.
    pub fn peers(&self, source: &RequestSource) -> Vec<Contender> {
        let contender = |peer: &Peer| Contender {
            name: peer.name.to_owned(),
            address: peer.server.address,
            process: peer.server.id(),
            source: source.clone(),
            accept: has_data,
            compared: false,
        };
        self.peers.iter().map(contender).collect()
    }
}

/// Creates a GraphQL request, adding the organization's id to the variables.
pub fn request(document: &str, mut variables: Value) -> Request {
    variables["organization"] = organization(0).to_string().into();
    Request::post("/graphql", json!({ "query": document, "variables": variables }).to_string())
}
