//! The harness of Callshot's tests. The tests themselves are in `it/`, one file for each noun.
//!
//! A test is an async function whose argument is what it needs. It runs on both databases:
//!
//! ```ignore
//! #[on_both_databases]
//! async fn a_seller_sees_what_they_own(world: &World) {
//!     let mia = world.manager("Mia").await;
//!     let ann = world.seller("Ann").under(&mia).await;
//!     ann.account(json!({ "name": "Acme" })).await;
//!
//!     let answer = ann.query("{ accounts { nodes { name } } }").await;
//!     assert_eq!(answer.each("accounts.nodes", "name"), ["Acme"]);
//! }
//! ```
//!
//! The argument's type decides what is prepared: a [`World`] (an organization and its administrator), a [`Server`]
//! without any organization, or a migrated [`Database`] without a server. Each test has a database of its own. Every
//! answer is checked against the schema ([`conformity`]), and after each test the [`invariants`] are checked.

#![expect(clippy::expect_used, clippy::panic, reason = "a failure in the harness is a failed test")]

pub mod actors;
pub mod client;
pub mod conformity;
pub mod databases;
pub mod dice;
pub mod documents;
pub mod explain;
pub mod imports;
pub mod invariants;
pub mod overload;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod queries;
pub mod replay;
pub mod server;
pub mod standby;
pub mod stored;
pub mod subject;
pub mod walk;
pub mod world;

pub use actors::{Admin, Manager, Member, Seller};
pub use client::{Answer, Client, UserError};
pub use databases::{Database, Kind};
pub use server::Server;
pub use subject::{Subject, run};
pub use tests_attribute::on_both_databases;
pub use world::{Organization, World};
