//! The argument of a test, and how a test runs: the argument is prepared, the test runs, the invariants are checked.

use crate::databases::{Database, Kind};
use crate::server::Server;
use crate::world::World;

/// A type that a test can take as its argument.
pub trait Subject: Sized {
    /// Creates the argument, with a database of its own.
    fn make_ready(kind: Kind) -> impl Future<Output = Self>;

    /// Checks the invariants and removes the database. It is not called for a test that failed.
    fn finish(self) -> impl Future<Output = ()>;
}

/// A migrated database and no server, for tests that start servers or the program themselves.
impl Subject for Database {
    async fn make_ready(kind: Kind) -> Self {
        Self::migrated(kind).await
    }

    async fn finish(self) {
        self.remove().await;
    }
}

/// A server without any organization.
impl Subject for Server {
    async fn make_ready(kind: Kind) -> Self {
        Self::start(Database::migrated(kind).await).await
    }

    async fn finish(self) {
        self.stop().await.remove().await;
    }
}

/// An organization with its first administrator.
impl Subject for World {
    async fn make_ready(kind: Kind) -> Self {
        Self::on(Server::make_ready(kind).await).await
    }

    async fn finish(self) {
        self.into_server().finish().await;
    }
}

/// Runs one test on one kind of database, on a multi-threaded runtime as the program has. Does nothing if the kind is
/// not available.
///
/// # Panics
/// If the test fails or an invariant is broken.
pub fn run<S: Subject>(kind: Kind, test: impl AsyncFnOnce(&S)) {
    if !kind.is_available() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the test");
    runtime.block_on(async {
        let subject = S::make_ready(kind).await;
        test(&subject).await;
        subject.finish().await;
    });
}
