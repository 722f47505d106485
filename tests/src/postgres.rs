//! A PostgreSQL server that belongs to this process and ends with it, in whatever way the process ends.
//!
//! The server is started by a small shell script that then waits on its standard input. Only this process has the other
//! end of that pipe, so that the kernel closes it when the process exits, panics or is killed with signal 9. The script
//! then stops the server and removes its directory. Nothing is left to clean up by hand, and no port is used: the
//! server listens only on a socket in its own directory.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The database that every new cluster has.
const MAINTENANCE_DATABASE: &str = "postgres";

/// The script that starts a server and waits. Its arguments are the directory of PostgreSQL's programs, the server's
/// directory, and lines of configuration.
///
/// Text is sorted by ICU's English rules, so that the tests notice a query that does not ask for the order of bytes,
/// which both databases share. Durability is off, because no test outlives its server. Vacuuming is off, because its
/// workers would count as connections to the template that is being copied.
const SCRIPT: &str = r#"
bin="$1"
stop() { "$bin/pg_ctl" -D data -m immediate stop >/dev/null 2>&1; cd /; rm -rf "$2"; }
trap 'stop "$@"' EXIT
"$bin/initdb" -D data -U callshot --auth=trust --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en \
    --no-sync --no-instructions >log 2>&1 || { cat log >&2; exit 1; }
cat >>data/postgresql.conf <<CONFIGURATION
listen_addresses = ''
unix_socket_directories = '$2'
max_connections = 300
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
$3
CONFIGURATION
"$bin/pg_ctl" -D data -l log -w start >/dev/null 2>&1 || { cat log >&2; exit 1; }
echo ready
read -r _
"#;

/// A running PostgreSQL server. Dropping it stops the server; so does the end of the process.
pub struct Cluster {
    directory: PathBuf,
    supervisor: Child,
}

impl Cluster {
    /// Creates a cluster and waits until the server answers, which takes about a second. `programs` is the directory of
    /// `initdb`, `pg_ctl` and `postgres`; `settings` are lines of `postgresql.conf`, which override those of the tests.
    ///
    /// # Errors
    /// A sentence that says what failed. PostgreSQL's own messages were written to standard error.
    pub fn start(programs: &Path, settings: &str) -> Result<Self, String> {
        Self::run(SCRIPT, programs, settings)
    }

    /// Runs a script in a new directory until it says that the server is ready.
    pub(crate) fn run(script: &str, programs: &Path, argument: &str) -> Result<Self, String> {
        let directory = tempfile::Builder::new()
            .prefix("callshot-postgres-")
            .tempdir()
            .map_err(|error| format!("no directory for PostgreSQL: {error}"))?
            .keep();
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "throwaway-postgres"])
            .args([programs, &directory])
            .arg(argument)
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C goes to the whole process group of the terminal, and the script must survive it to clean up.
            .process_group(0);
        drop_root_privileges(&mut command, &directory)?;
        let mut supervisor = command.spawn().map_err(|error| format!("sh did not start: {error}"))?;
        let mut line = String::new();
        if let Some(output) = supervisor.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(|error| format!("the output of PostgreSQL's script cannot be read: {error}"))?;
        }
        if line.trim() == "ready" {
            Ok(Self { directory, supervisor })
        } else {
            Err(format!("PostgreSQL from {} did not start", programs.display()))
        }
    }

    /// Returns the URL of the database that every new cluster has.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://callshot@localhost/{MAINTENANCE_DATABASE}?host={}", self.directory.display())
    }

    /// Returns the directory of the server's files, which is removed when the server ends.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // The script ends by itself; without waiting it would remain a zombie process.
        let _ = self.supervisor.wait();
    }
}

/// Returns the directory of `initdb`, `pg_ctl` and `postgres`: one of `PATH`, else the newest version in Debian's.
#[must_use]
pub fn installed_programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| {
        // A link in /usr/local/bin may point to the directory that has the other programs too.
        std::env::split_paths(&path)
            .filter_map(|folder| folder.join("initdb").canonicalize().ok()?.parent().map(Path::to_path_buf))
            .collect::<Vec<_>>()
    });
    let mut packaged: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .collect();
    packaged.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    on_path
        .chain(packaged.into_iter().map(|(_, folder)| folder))
        .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

/// Makes the command run as the user `postgres` or `nobody` if this process is root's, as in most containers:
/// PostgreSQL does not run as root.
fn drop_root_privileges(command: &mut Command, directory: &Path) -> Result<(), String> {
    let is_root = std::fs::metadata(directory).is_ok_and(|metadata| metadata.uid() == 0);
    if !is_root {
        return Ok(());
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let (user, group) = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| user_and_group(&users, name))
        .ok_or("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")?;
    chown(directory, Some(user), Some(group)).map_err(|error| format!("{}: {error}", directory.display()))?;
    command.uid(user).gid(group);
    Ok(())
}

/// Returns the user id and the group id of a user in the text of `/etc/passwd`.
fn user_and_group(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let mut numbers = fields.skip(1).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::user_and_group;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npost:x:7:8::/:/bin/false\npostgres:x:101:104::/var:/bin/sh\n";
        assert_eq!(user_and_group(users, "postgres"), Some((101, 104)));
        assert_eq!(user_and_group(users, "nobody"), None);
    }
}
