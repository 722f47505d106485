//! All settings. Each is a flag and an environment variable. The defaults are defined only here: [`Settings::default`] gets
//! them from clap, without reading the environment.

use std::{
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use self::values::parse_time;
pub use self::values::{DatabaseUrl, Network, Origin, PublicUrl, Secret};
use crate::values::clock::StoppedAt;

mod values;

/// The arguments of `callshot serve`: the addresses to listen on and all settings.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// The address and port to listen on; port 0 takes any free one
    #[arg(long, env = "CALLSHOT_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// The address and port of the metrics for Prometheus [default: none]
    #[arg(long, env = "CALLSHOT_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// All other settings.
    #[command(flatten)]
    pub settings: Settings,
}

/// The settings of an application.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// The clock.
    #[command(flatten)]
    pub clock: ClockSettings,
    /// Sign-up and signing keys.
    #[command(flatten)]
    pub access: AccessSettings,
    /// Limits of a document.
    #[command(flatten)]
    pub limits: DocumentSettings,
    /// Limits of cost.
    #[command(flatten)]
    pub cost: CostSettings,
    /// Limits of concurrency.
    #[command(flatten)]
    pub load: LoadSettings,
    /// Connections and requests.
    #[command(flatten)]
    pub http: HttpSettings,
    /// Logging.
    #[command(flatten)]
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        let command =
            Self::augment_args(Command::new("callshot")).mut_args(|argument| argument.env(None::<&'static str>));
        let matches = command.try_get_matches_from(["callshot"]).unwrap_or_else(|_| ArgMatches::default());
        Self::from_arg_matches(&matches).unwrap_or_else(|error| unreachable!("every setting has a default: {error}"))
    }
}

impl Settings {
    /// Returns the path of the file with the signing keys: the configured one, else a file next to an `SQLite` database
    /// (`callshot.key` for `callshot.db`), else `callshot.key` in the working directory.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        if let Some(file) = &self.access.key_file {
            return file.clone();
        }
        self.database.url.file().map_or_else(|| PathBuf::from("callshot.key"), |file| file.with_extension("key"))
    }
}

/// The database and its time limits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// The database's address.
    #[arg(
        help = "sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE",
        id = "database_url",
        long = "database-url",
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        default_value = "sqlite://callshot.db"
    )]
    pub url: DatabaseUrl,
    /// The most connections that are open at once
    #[arg(long, env = "CALLSHOT_DATABASE_CONNECTIONS", value_name = "NUMBER", default_value = "10")]
    pub database_connections: NonZeroU32,
    /// How long a request waits for a free connection
    #[arg(long, env = "CALLSHOT_DATABASE_WAIT", value_name = "TIME", default_value = "5s", value_parser = parse_time)]
    pub database_wait: Duration,
    /// How long one statement may run
    #[arg(long, env = "CALLSHOT_STATEMENT_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub statement_timeout: Duration,
    /// A statement that takes longer is logged as a warning
    #[arg(long, env = "CALLSHOT_SLOW_QUERY", value_name = "TIME", default_value = "500ms", value_parser = parse_time)]
    pub slow_query: Duration,
    /// Whether a commit waits until it is on the disk. Without it, the last ones may be lost with the machine's power, and
    /// those before them not: for a command that is run again in that case.
    #[arg(skip = true)]
    pub waits_for_disk: bool,
}

/// The clock.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Clock")]
pub struct ClockSettings {
    /// Stop the clock at an instant (RFC 3339), for tests and demonstrations
    #[arg(id = "clock", long = "clock", env = "CALLSHOT_CLOCK", value_name = "INSTANT")]
    pub stop: Option<StoppedAt>,
}

/// Sign-up and the keys that sign tokens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access")]
pub struct AccessSettings {
    /// Who may create an organization
    #[arg(long, env = "CALLSHOT_SIGN_UP", value_name = "WHO", value_enum, default_value = "first")]
    pub sign_up: SignUp,
    /// The file with the signing keys, created at the first start [default: next to the database]
    #[arg(long, env = "CALLSHOT_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Signing keys to use instead of the file, separated by commas: the first signs, all verify
    #[arg(
        long,
        env = "CALLSHOT_SIGNING_KEYS",
        visible_alias = "signing-key",
        value_name = "KEYS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub signing_keys: Vec<Secret>,
}

/// Who may create an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignUp {
    /// Anyone, as long as there is no organization
    First,
    /// Anyone
    Open,
    /// No one
    Closed,
}

/// Limits of a document. They are checked before the document is validated or executed.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Limits of a document")]
pub struct DocumentSettings {
    /// The maximum size of a document, in bytes
    #[arg(long, env = "CALLSHOT_MAX_DOCUMENT", value_name = "BYTES", default_value = "32768")]
    pub max_document: NonZeroUsize,
    /// The maximum number of selections in a document, after expanding its fragments
    #[arg(long, env = "CALLSHOT_MAX_COST", value_name = "NUMBER", default_value = "5000")]
    pub max_cost: u64,
    /// The maximum nesting depth of fields
    #[arg(long, env = "CALLSHOT_MAX_DEPTH", value_name = "NUMBER", default_value = "15")]
    pub max_depth: u32,
    /// The maximum number of aliases in a document
    #[arg(long, env = "CALLSHOT_MAX_ALIASES", value_name = "NUMBER", default_value = "200")]
    pub max_aliases: usize,
    /// The maximum number of directives in a document
    #[arg(long, env = "CALLSHOT_MAX_DIRECTIVES", value_name = "NUMBER", default_value = "100")]
    pub max_directives: usize,
}

impl DocumentSettings {
    /// Converts the settings to the limits of the document check.
    #[must_use]
    pub const fn to_limits(self) -> graphql_document::DocumentLimits {
        graphql_document::DocumentLimits {
            max_bytes: self.max_document.get(),
            max_selections: self.max_cost,
            max_depth: self.max_depth,
            max_aliases: self.max_aliases,
            max_directives: self.max_directives,
        }
    }
}

impl Default for DocumentSettings {
    fn default() -> Self {
        Settings::default().limits
    }
}

/// Limits of cost, in points (docs/cost.md).
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Cost")]
pub struct CostSettings {
    /// The maximum cost of one request, in points; 0 for no limit
    #[arg(long, env = "CALLSHOT_MAX_POINTS", value_name = "NUMBER", default_value = "10000")]
    pub max_points: u64,
    /// The budget of a user (without a token: of an address), in points; 0 for no limit
    #[arg(long, env = "CALLSHOT_POINTS", value_name = "NUMBER", default_value = "100000")]
    pub points: u32,
    /// The points by which the budget refills per second
    #[arg(long, env = "CALLSHOT_POINTS_PER_SECOND", value_name = "NUMBER", default_value = "2000")]
    pub points_per_second: NonZeroU32,
}

/// Limits of concurrency.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Load")]
pub struct LoadSettings {
    /// The maximum number of signed-in requests in progress, a quarter of them for one organization; an eighth as many requests without a token
    #[arg(long, env = "CALLSHOT_MAX_REQUESTS", value_name = "NUMBER", default_value = "512")]
    pub max_requests: NonZeroUsize,
    /// The maximum number of requests of one organization that run at the same time [default: two fifths of the database's connections, at least 4]
    #[arg(long, env = "CALLSHOT_SHARE", value_name = "NUMBER")]
    pub share: Option<NonZeroUsize>,
    /// Of these, the maximum number of expensive ones: above 300 points, or reading whole lists [default: a quarter of the connections, at least 2]
    #[arg(long, env = "CALLSHOT_EXPENSIVE_SHARE", value_name = "NUMBER")]
    pub expensive_share: Option<NonZeroUsize>,
    /// The maximum number of requests of one organization that wait for its share; further ones are refused immediately
    #[arg(long, env = "CALLSHOT_MAX_WAITING", value_name = "NUMBER", default_value = "128")]
    pub max_waiting: usize,
}

/// The size of each organization's share of what runs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Requests that run at once.
    pub all: usize,
    /// Of these, expensive ones.
    pub expensive: usize,
    /// Expensive ones of all tenants together.
    pub expensive_of_all: usize,
    /// Requests that wait.
    pub waiting: usize,
}

impl LoadSettings {
    /// Returns the shares for a number of database connections. A share is less than half of them, so that other organizations
    /// find a free connection although a mutation may briefly hold two.
    #[must_use]
    pub fn shares(&self, connections: u32) -> Sizes {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let all = (connections.saturating_mul(2) / 5).max(4).min(connections.saturating_sub(1)).max(1);
        let all = self.share.map_or(all, NonZeroUsize::get);
        let expensive = self.expensive_share.map_or((connections / 4).max(2), NonZeroUsize::get).min(all);
        // Expensive requests of all tenants together leave cores and connections free for cheap requests.
        let cores = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let expensive_of_all = cores.min(connections / 2).max(expensive);
        Sizes { all, expensive, expensive_of_all, waiting: self.max_waiting }
    }
}

/// Connections and requests.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpSettings {
    /// The largest body of a request, in bytes
    #[arg(long, env = "CALLSHOT_MAX_BODY", value_name = "BYTES", default_value = "2097152")]
    pub max_body: NonZeroUsize,
    /// The maximum number of open connections; beyond it, the connection that has been idle the longest is closed
    #[arg(long, env = "CALLSHOT_MAX_CONNECTIONS", value_name = "NUMBER", default_value = "1024")]
    pub max_connections: NonZeroUsize,
    /// The maximum number of connections of one address, except trusted proxies, and a quarter of those of an IPv6 /48
    #[arg(long, env = "CALLSHOT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", default_value = "128")]
    pub max_connections_per_address: NonZeroUsize,
    /// How long a new connection may take to send its first byte
    #[arg(long, env = "CALLSHOT_FIRST_BYTE_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub first_byte_timeout: Duration,
    /// How long the headers of a request may take to arrive, from their first byte
    #[arg(long, env = "CALLSHOT_HEADER_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub header_timeout: Duration,
    /// How long a connection is kept open between two requests; must be longer than a proxy in front keeps it
    #[arg(long, env = "CALLSHOT_KEEP_ALIVE", value_name = "TIME", default_value = "75s", value_parser = parse_time)]
    pub keep_alive: Duration,
    /// How long a request's body may take to arrive
    #[arg(long, env = "CALLSHOT_BODY_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub body_timeout: Duration,
    /// How long a response may wait for the client to read
    #[arg(long, env = "CALLSHOT_WRITE_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse_time)]
    pub write_timeout: Duration,
    /// How long a request may take; a mutation that exceeds it is answered with an error but completed
    #[arg(long, env = "CALLSHOT_REQUEST_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub request_timeout: Duration,
    /// How long requests in progress may take to finish when the server shuts down
    #[arg(long, env = "CALLSHOT_DRAIN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse_time)]
    pub drain_timeout: Duration,
    /// The origins whose pages may send requests, separated by commas, or * for any [default: none]
    #[arg(long, env = "CALLSHOT_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,
    /// The address under which clients reach this server, used in URLs that it returns [default: the address it listens on]
    #[arg(long, env = "CALLSHOT_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,
    /// Proxies whose x-forwarded-for is trusted, as addresses or networks, separated by commas [default: none]
    #[arg(long, env = "CALLSHOT_TRUSTED_PROXIES", value_name = "ADDRESSES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
}

impl HttpSettings {
    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Returns the address under which clients reach this server, without a trailing slash.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.public_url.as_ref().map_or("http://127.0.0.1:8000", PublicUrl::as_str)
    }
}

/// Logging.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogSettings {
    /// The log filter: a level, or a tracing filter such as info,callshot=debug
    #[arg(long, env = "CALLSHOT_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// The format of the log
    #[arg(long, env = "CALLSHOT_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines of text for people
    Text,
    /// One JSON object per line
    Json,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeArguments,
    }

    #[test]
    fn the_defaults_are_the_promised_ones() {
        assert_eq!(DocumentSettings::default().to_limits(), graphql_document::DocumentLimits::default());
        let settings = Settings::default();
        assert_eq!(settings.database.url.expose(), "sqlite://callshot.db");
        assert_eq!(settings.database.statement_timeout, Duration::from_secs(10));
        assert_eq!(settings.http.max_body.get(), 2 * 1024 * 1024);
        assert_eq!(settings.limits.max_document.get(), 32 * 1024);
        assert_eq!(settings.access.sign_up, SignUp::First);
        assert!(settings.clock.stop.is_none() && settings.http.cors_origins.is_empty());
        assert_eq!(settings.key_file(), PathBuf::from("callshot.key"));
    }

    #[test]
    fn flags_are_read() {
        let line = Line::try_parse_from([
            "serve",
            "--listen",
            "0.0.0.0:0",
            "--database-url",
            "sqlite:///var/lib/c.db?mode=rwc",
            "--clock",
            "2017-12-31T12:00:00Z",
            "--sign-up",
            "closed",
            "--cors-origins",
            "https://a.example,http://localhost:3000",
            "--public-url",
            "https://crm.example/callshot/",
            "--drain-timeout",
            "250ms",
        ])
        .unwrap();
        let settings = line.serve.settings;
        assert_eq!(line.serve.listen.port(), 0);
        assert_eq!(settings.key_file(), PathBuf::from("/var/lib/c.key"));
        assert_eq!(settings.access.sign_up, SignUp::Closed);
        assert_eq!(settings.http.cors_origins.len(), 2);
        assert_eq!(settings.http.public_url(), "https://crm.example/callshot");
        assert_eq!(settings.http.drain_timeout, Duration::from_millis(250));
        assert!(settings.clock.stop.is_some());
    }

    #[test]
    fn a_share_is_smaller_than_the_connections() {
        let load = Settings::default().load;
        let sizes = |connections| {
            let Sizes { all, expensive, .. } = load.shares(connections);
            (all, expensive)
        };
        assert_eq!([1, 2, 4, 8, 10, 40].map(sizes), [(1, 1), (1, 1), (3, 2), (4, 2), (4, 2), (16, 10)]);
        let one = LoadSettings { share: NonZeroUsize::new(1), ..load };
        let shares = one.shares(40);
        assert_eq!((shares.all, shares.expensive, shares.waiting), (1, 1, 128));
        assert!((1..=20).contains(&shares.expensive_of_all));
    }

    #[test]
    fn every_flag_has_its_variable() {
        let command = ServeArguments::augment_args(Command::new("serve"));
        for argument in command.get_arguments() {
            assert!(argument.get_env().is_some(), "{} has no environment variable", argument.get_id());
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for flags in [
            ["--database-url", "mysql://x"],
            ["--clock", "noon"],
            ["--sign-up", "maybe"],
            ["--cors-origins", "example.com/x"],
            ["--drain-timeout", "0s"],
            ["--drain-timeout", "5h"],
            ["--max-body", "0"],
            ["--listen", "here"],
            ["--trusted-proxies", "10.0.0.0/64"],
            ["--points-per-second", "0"],
            ["--public-url", "crm.example"],
            ["--public-url", "https://crm.example/?x"],
            ["--signing-keys", " "],
        ] {
            assert!(Line::try_parse_from(["serve", flags[0], flags[1]]).is_err(), "{flags:?}");
        }
    }
}
