//! What a test is given, and how it is run: made ready, tested, and taken down with the invariants checked.

use crate::databases::{Database, Kind};
use crate::server::Server;
use crate::world::World;

/// What a test can ask for as its argument.
pub trait Subject: Sized {
    /// Makes it, with a database of its own.
    fn make_ready(kind: Kind) -> impl Future<Output = Self>;

    /// Checks what must hold after every test, and takes it down. Not reached by a test that failed.
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

/// A server on which nobody has signed up.
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

/// Runs one test on one kind of database, on a runtime of several threads as the program has. Where the kind is not
/// available nothing runs.
///
/// # Panics
/// Where the test does, or an invariant is broken.
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
