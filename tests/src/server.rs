//! The server, run in the test's process and reached over HTTP on a free port. This is the only file of the harness
//! that knows how Callshot is started; `program.rs` starts the program as users do.

use std::sync::Arc;

use callshot::App;
use callshot::config::{Settings, SignUp};
use callshot::server::{RunningServer, Server as Http};
use migration::{Migrator, MigratorTrait as _};
use serde_json::json;
use tokio::net::TcpListener;

use crate::actors::{Member, PASSWORD, SESSION};
use crate::client::Client;
use crate::databases::Database;
use crate::invariants;

/// A running server and its database.
pub struct Server {
    database: Database,
    app: Arc<App>,
    http: RunningServer,
    root: String,
}

impl Server {
    /// Starts a server with the settings of all tests.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(database: Database) -> Self {
        Self::start_with(database, |_| ()).await
    }

    /// Starts a server with the settings of all tests, changed by `change`.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_with(database: Database, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(&database);
        change(&mut settings);
        let app = App::open(settings).await.expect("the application opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let http = Http::start(Arc::clone(&app), listener);
        let root = format!("http://{}", http.address);
        Self { database, app, http, root }
    }

    /// Returns its address without a path: `http://127.0.0.1:41233`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Returns a client without a token.
    #[must_use]
    pub fn stranger(&self) -> Client {
        Client::stranger(&self.root)
    }

    /// Signs in a user whose password is [`PASSWORD`].
    ///
    /// # Panics
    /// If signing in fails.
    pub async fn sign_in(&self, email: &str) -> Member {
        let stranger = self.stranger();
        let input = json!({"email": email, "password": PASSWORD});
        let answer = stranger.mutate("signIn", SESSION, input).await.done();
        Member::signed_in(&stranger, answer.data("signIn.session"))
    }

    /// Returns its database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the application, for state that HTTP does not show.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Returns the number of statements that the application has sent to the database so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.app.db.statements()
    }

    /// Lets requests in flight finish, checks the invariants, and returns the database, to start another server on it
    /// or to remove it.
    ///
    /// # Panics
    /// If an invariant is broken.
    pub async fn stop(self) -> Database {
        self.http.shutdown().await;
        invariants::check(&self.database).await;
        self.database
    }
}

/// Returns the settings of all tests: signing up is open and the cost of requests is not limited.
fn settings(database: &Database) -> Settings {
    let mut settings = Settings::default();
    settings.database.url = database.url().parse().expect("an address of a database");
    settings.access.key_file = Some(database.folder().join("callshot.key"));
    settings.access.sign_up = SignUp::Open;
    // Tests send more requests in a short time than people do. The cost limit has tests of its own.
    settings.cost.points = 0;
    settings
}

/// Runs all migrations, as the server does when it starts.
///
/// # Panics
/// If one fails.
pub(crate) async fn migrate(database: &Database) {
    let connection = database.connect().await;
    Migrator::up(&connection, None).await.expect("the migrations run");
    connection.close().await.expect("the connection closes");
}
