//! Every setting, as a flag and as an environment variable alike. The defaults stand here and nowhere else:
//! [`Settings::default`] asks clap for them, with the environment left out.

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

/// What `callshot serve` takes: where to listen, and all other settings.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// The address and port to listen on; port 0 takes any free one
    #[arg(long, env = "CALLSHOT_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// The address and port of the metrics for Prometheus [default: none]
    #[arg(long, env = "CALLSHOT_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// Everything that does not depend on where one listens.
    #[command(flatten)]
    pub settings: Settings,
}

/// All settings of one running application.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Where data is stored.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// What time it is.
    #[command(flatten)]
    pub clock: ClockSettings,
    /// Who gets in.
    #[command(flatten)]
    pub access: AccessSettings,
    /// How large a document may be.
    #[command(flatten)]
    pub limits: DocumentSettings,
    /// What requests may cost.
    #[command(flatten)]
    pub cost: CostSettings,
    /// How much runs at once.
    #[command(flatten)]
    pub load: LoadSettings,
    /// How the server treats connections.
    #[command(flatten)]
    pub http: HttpSettings,
    /// What is logged.
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
    /// The file with the signing key: the one that is set, else beside an `SQLite` database under its name
    /// (`callshot.key` beside `callshot.db`), else `callshot.key` in the working directory.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        if let Some(file) = &self.access.key_file {
            return file.clone();
        }
        self.database.url.file().map_or_else(|| PathBuf::from("callshot.key"), |file| file.with_extension("key"))
    }
}

/// Where data is stored, and how patiently.
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
}

/// What time it is.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Clock")]
pub struct ClockSettings {
    /// Stops the clock at an instant (RFC 3339), for tests and demonstrations
    #[arg(id = "clock", long = "clock", env = "CALLSHOT_CLOCK", value_name = "INSTANT")]
    pub stop: Option<StoppedAt>,
}

/// Who gets in, and what tokens are signed with.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access")]
pub struct AccessSettings {
    /// Who may found an organization
    #[arg(long, env = "CALLSHOT_SIGN_UP", value_name = "WHO", value_enum, default_value = "first")]
    pub sign_up: SignUp,
    /// The file with the signing key, made at the first start [default: beside the database]
    #[arg(long, env = "CALLSHOT_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Signing keys instead of the file's, separated by commas: the first signs, all of them verify
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

/// Who may found an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignUp {
    /// Only the first, while there is none
    First,
    /// Anybody
    Open,
    /// Nobody
    Closed,
}

/// How large a document may be. All of it is checked before anything is validated or run.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Limits of a document")]
pub struct DocumentSettings {
    /// The longest document, in bytes
    #[arg(long, env = "CALLSHOT_MAX_DOCUMENT", value_name = "BYTES", default_value = "32768")]
    pub max_document: NonZeroUsize,
    /// The most selections of a document, once its fragments are unfolded
    #[arg(long, env = "CALLSHOT_MAX_COST", value_name = "NUMBER", default_value = "5000")]
    pub max_cost: u64,
    /// How deep fields may nest
    #[arg(long, env = "CALLSHOT_MAX_DEPTH", value_name = "NUMBER", default_value = "15")]
    pub max_depth: u32,
    /// The most aliases of a document
    #[arg(long, env = "CALLSHOT_MAX_ALIASES", value_name = "NUMBER", default_value = "200")]
    pub max_aliases: usize,
    /// The most directives of a document
    #[arg(long, env = "CALLSHOT_MAX_DIRECTIVES", value_name = "NUMBER", default_value = "100")]
    pub max_directives: usize,
}

impl DocumentSettings {
    /// Returns the limits as the check of documents takes them.
    #[must_use]
    pub const fn to_limits(self) -> graphql_http::document::DocumentLimits {
        graphql_http::document::DocumentLimits {
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

/// What requests may cost, in points (docs/cost.md).
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Cost")]
pub struct CostSettings {
    /// The most points that one request may cost; 0 for no limit
    #[arg(long, env = "CALLSHOT_MAX_POINTS", value_name = "NUMBER", default_value = "10000")]
    pub max_points: u64,
    /// The points that a user (without a token: an address) may use at once; 0 for no limit
    #[arg(long, env = "CALLSHOT_POINTS", value_name = "NUMBER", default_value = "100000")]
    pub points: u32,
    /// How many of these come back a second
    #[arg(long, env = "CALLSHOT_POINTS_PER_SECOND", value_name = "NUMBER", default_value = "2000")]
    pub points_per_second: NonZeroU32,
}

/// How much runs at once.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Load")]
pub struct LoadSettings {
    /// The most signed-in requests in progress, a quarter of them for one organization; an eighth as many for requests without a token
    #[arg(long, env = "CALLSHOT_MAX_REQUESTS", value_name = "NUMBER", default_value = "512")]
    pub max_requests: NonZeroUsize,
    /// The most requests of one organization that run at once [default: two fifths of the database's connections, at least 4]
    #[arg(long, env = "CALLSHOT_SHARE", value_name = "NUMBER")]
    pub share: Option<NonZeroUsize>,
    /// Of these, the most that are dear: above 300 points, or reading whole lists [default: a quarter of the connections, at least 2]
    #[arg(long, env = "CALLSHOT_DEAR_SHARE", value_name = "NUMBER")]
    pub dear_share: Option<NonZeroUsize>,
    /// The most requests of one organization that wait for its share; more are refused at once
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
    /// How large an organization's share is where the database has so many connections: smaller than these, so that there
    /// always is one for another organization. Less than half of them, because a change may hold two for a moment.
    #[must_use]
    pub fn shares(&self, connections: u32) -> Sizes {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let all = (connections.saturating_mul(2) / 5).max(4).min(connections.saturating_sub(1)).max(1);
        let all = self.share.map_or(all, NonZeroUsize::get);
        let expensive = self.dear_share.map_or((connections / 4).max(2), NonZeroUsize::get).min(all);
        // However many tenants ask for all they can get, cores and connections are left to requests that are answered at once.
        let cores = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let expensive_of_all = cores.min(connections / 2).max(expensive);
        Sizes { all, expensive, expensive_of_all, waiting: self.max_waiting }
    }
}

/// How the server treats connections and requests.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpSettings {
    /// The largest body of a request, in bytes
    #[arg(long, env = "CALLSHOT_MAX_BODY", value_name = "BYTES", default_value = "2097152")]
    pub max_body: NonZeroUsize,
    /// The most connections that are open at once; for one more, the one that is idle for longest is closed
    #[arg(long, env = "CALLSHOT_MAX_CONNECTIONS", value_name = "NUMBER", default_value = "1024")]
    pub max_connections: NonZeroUsize,
    /// The most connections of one address, trusted proxies excepted, and a quarter of those of an IPv6 /48
    #[arg(long, env = "CALLSHOT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", default_value = "128")]
    pub max_connections_per_address: NonZeroUsize,
    /// How long a new connection may take to send its first byte
    #[arg(long, env = "CALLSHOT_FIRST_BYTE_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub first_byte_timeout: Duration,
    /// How long a request's headers may take to arrive, from their first byte on
    #[arg(long, env = "CALLSHOT_HEADER_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub header_timeout: Duration,
    /// How long a connection is kept between two requests; longer than a proxy in front keeps it
    #[arg(long, env = "CALLSHOT_KEEP_ALIVE", value_name = "TIME", default_value = "75s", value_parser = parse_time)]
    pub keep_alive: Duration,
    /// How long a request's body may take to arrive
    #[arg(long, env = "CALLSHOT_BODY_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub body_timeout: Duration,
    /// How long an answer may wait for its client to read on
    #[arg(long, env = "CALLSHOT_WRITE_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse_time)]
    pub write_timeout: Duration,
    /// How long a request may wait for its answer; what it began is finished nevertheless
    #[arg(long, env = "CALLSHOT_REQUEST_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub request_timeout: Duration,
    /// How long requests in flight may take to finish once the server is told to stop
    #[arg(long, env = "CALLSHOT_DRAIN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse_time)]
    pub drain_timeout: Duration,
    /// The origins whose pages may call, separated by commas, or * for any [default: none]
    #[arg(long, env = "CALLSHOT_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,
    /// Where clients reach this server, for addresses that it tells them [default: where it listens]
    #[arg(long, env = "CALLSHOT_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,
    /// Proxies whose x-forwarded-for is believed, as addresses or networks, separated by commas [default: none]
    #[arg(long, env = "CALLSHOT_TRUSTED_PROXIES", value_name = "ADDRESSES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
}

impl HttpSettings {
    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Where clients reach this server, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.public_url.as_ref().map_or("http://127.0.0.1:8000", PublicUrl::as_str)
    }
}

/// What is logged, and how it is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogSettings {
    /// What is logged: a level, or a tracing filter such as info,callshot=debug
    #[arg(long, env = "CALLSHOT_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// How logs are written
    #[arg(long, env = "CALLSHOT_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
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
        assert_eq!(DocumentSettings::default().to_limits(), graphql_http::document::DocumentLimits::default());
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
