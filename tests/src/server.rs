//! The real server, in this process, over real HTTP on a port that is free. The only file of the harness that knows
//! how Callshot is started; `program.rs` starts it as users do.

use std::sync::Arc;

use callshot::App;
use callshot::config::{Settings, SignUp};
use callshot::server::{RunningServer, Server as Http};
use migration::{Migrator, MigratorTrait as _};
use tokio::net::TcpListener;

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
    /// Starts it with the settings of every test: anybody may sign up.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(database: Database) -> Self {
        Self::start_with(database, |_| ()).await
    }

    /// Starts it with settings of the test's own.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_with(database: Database, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(&database);
        change(&mut settings);
        let app = App::open(settings).await.expect("the application opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let http = Http::start(Arc::clone(&app), listener);
        let root = format!("http://{}", http.address);
        Self { database, app, http, root }
    }

    /// Where it listens, without a path: `http://127.0.0.1:41233`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Somebody without a token.
    #[must_use]
    pub fn stranger(&self) -> Client {
        Client::stranger(&self.root)
    }

    /// The database underneath.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The application, for what HTTP does not show.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// How many statements the application has sent to the database so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.app.db.statements()
    }

    /// Lets requests in flight finish, checks what must hold after every test, and hands the database back, to start
    /// another server on it or to remove it.
    ///
    /// # Panics
    /// Where an invariant is broken.
    pub async fn stop(self) -> Database {
        self.http.shutdown().await;
        invariants::check(&self.database).await;
        self.database
    }
}

/// The settings of every test.
fn settings(database: &Database) -> Settings {
    let mut settings = Settings::default();
    settings.database.url = database.url().parse().expect("an address of a database");
    settings.access.key_file = Some(database.folder().join("callshot.key"));
    settings.access.sign_up = SignUp::Open;
    // Tests ask for more at a time than people do; what asking costs has tests of its own.
    settings.cost.points = 0;
    settings
}

/// Runs all migrations, as the server does when it starts.
///
/// # Panics
/// Where one fails.
pub(crate) async fn migrate(database: &Database) {
    let connection = database.connect().await;
    Migrator::up(&connection, None).await.expect("the migrations run");
    connection.close().await.expect("the connection closes");
}
