//! The harness of Callshot's tests. The tests themselves are in `it/`, a file a noun.
//!
//! A test is an async function of what it needs, and runs on both databases:
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
//! The argument says what is made ready: a [`World`] (an organization and its administrator), a [`Server`] (nobody has
//! signed up) or a [`Database`] (migrated, and no server). Each test has a database of its own; after each the
//! [`invariants`] are checked.

#![expect(clippy::expect_used, clippy::panic, reason = "what goes wrong in the harness is a failed test")]

pub mod actors;
pub mod client;
pub mod databases;
pub mod dice;
pub mod explain;
pub mod imports;
pub mod invariants;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod queries;
pub mod replay;
pub mod server;
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
