//! The peer: PostGraphile over the same tables, as one process and as two. It answers the same data as they are stored:
//! UUIDs, microseconds and minor units, without a token, with all accounts of the organization; of a logged touch it
//! writes the touch alone, no event and no people.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use tokio::process::Command;

use crate::Result;
use crate::client::Request;
use crate::data::people::organization;
use crate::measure::{Contender, Source, has_data};
use crate::process::Server;
use crate::questions::Setting;
use crate::stage::Database;

/// Of how many processes each of the peers is.
const PROCESSES: [u8; 2] = [1, 2];

/// A running peer.
pub struct Peer {
    name: &'static str,
    server: Server,
}

impl Database {
    /// Starts the peers over it.
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

/// Installs what the peer needs, unless it is there, and tells which node is to run it.
async fn install(folder: &Path) -> Result<PathBuf> {
    let node = folder.join("node_modules/node/bin/node");
    if !node.is_file() {
        eprintln!("installing the peer");
        let status = Command::new("npm").arg("ci").current_dir(folder).status().await;
        let status = status.map_err(|error| format!("the peer needs npm: {error}"))?;
        if !status.success() || !node.is_file() {
            return Err("the peer was not installed".into());
        }
    }
    Ok(node)
}

impl Setting<'_> {
    /// The peers, where they take part, all asked the same.
    pub fn peers(&self, source: &Source) -> Vec<Contender> {
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

/// A document with variables, to which the organization is added.
pub fn asked(document: &str, mut variables: Value) -> Request {
    variables["organization"] = organization(0).to_string().into();
    Request::post("/graphql", json!({ "query": document, "variables": variables }).to_string())
}
