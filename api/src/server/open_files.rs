//! The limit of open files, of which every connection takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Settings;

/// The number of files beside connections and the database: the log, the runtime, keys, backups.
const OTHERS: u64 = 128;
/// The number of files of a connection to the database: on SQLite the file itself, its log and its index of the log.
const OF_DATABASE: u64 = 4;

/// Raises the soft limit of open files as far as the settings need and the hard limit permits. A shell's default of 1,024 would be
/// used up by the default number of connections.
pub(super) fn raise_limit(settings: &Settings) {
    let connections = u64::try_from(settings.http.max_connections.get()).unwrap_or(u64::MAX);
    let database = OF_DATABASE * (u64::from(settings.database.database_connections.get()) + 1);
    let needed = connections.saturating_add(database).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let permitted = maximum.map_or(needed, |maximum| maximum.min(needed));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(permitted), maximum }) {
        tracing::warn!(%error, needed, "the limit of open files could not be raised");
    } else if permitted < needed {
        tracing::warn!(permitted, needed, "the limit of open files is too low for --max-connections");
    }
}
