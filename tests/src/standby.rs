//! A standby of a PostgreSQL server, for tests of a failover.

use std::path::Path;

use crate::postgres::Cluster;

/// The script that copies a running server into a standby, which follows it, and waits. Its arguments are the directory of
/// PostgreSQL's programs, the standby's directory, and the directory of the server to follow.
const STANDBY: &str = r#"
bin="$1"
stop() { "$bin/pg_ctl" -D data -m immediate stop >/dev/null 2>&1; cd /; rm -rf "$2"; }
trap 'stop "$@"' EXIT
"$bin/pg_basebackup" -h "$3" -U callshot -D data --checkpoint=fast --wal-method=stream --write-recovery-conf --no-sync \
    >log 2>&1 || { cat log >&2; exit 1; }
cat >>data/postgresql.conf <<CONFIGURATION
unix_socket_directories = '$2'
CONFIGURATION
"$bin/pg_ctl" -D data -l log -w start >/dev/null 2>&1 || { cat log >&2; exit 1; }
echo ready
read -r _
"#;

/// Copies a server into a standby that follows it. The server must have been started with settings for replication.
///
/// # Errors
/// As [`Cluster::start`].
pub fn standby_of(primary: &Cluster, programs: &Path) -> Result<Cluster, String> {
    Cluster::run(STANDBY, programs, &primary.directory().display().to_string())
}
