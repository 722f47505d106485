//! The commands of operators: backup, restore and doctor.
//!
//! On SQLite they work on the file. On PostgreSQL backups are made by its own programs; the commands check that these are there
//! and as new as the server, and say how to call them.

use std::fs::File;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use crate::app::open_database;
use crate::config::Settings;
use database::db::{Db, SchemaStanding, sqlite_path};

/// The result of a command: lines for standard output, or why it failed.
pub type Outcome = Result<Vec<String>, String>;

/// Backs the database up into a new file, while servers go on writing.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn backup(settings: &Settings, file: &Path) -> Outcome {
    let db = open_database(settings).await?;
    if db.backend() == DbBackend::Postgres {
        let version = pg_program("pg_dump", &db).await?;
        return Ok(vec![
            format!("PostgreSQL backs up by its own program; {version} is as new as the server. Run:"),
            format!("  pg_dump --format=custom --no-owner --file={} {}", file.display(), settings.database.url),
            "It is consistent, and servers go on writing meanwhile.".to_owned(),
        ]);
    }
    create_private(file)?;
    let copied = copy_into(&db, file).await;
    if let Err(error) = copied {
        // Half a backup is none.
        let _gone = std::fs::remove_file(file);
        return Err(error);
    }
    let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    Ok(vec![format!("{} has the database as it was when this began: {bytes} bytes, checked.", file.display())])
}

async fn copy_into(db: &Db, file: &Path) -> Result<(), String> {
    let target = file.to_str().ok_or("the file's name is not text in UTF-8")?.replace('\'', "''");
    db.copy_into(&target).await.map_err(|error| format!("{}: {error}", file.display()))?;
    check_file(file).await
}

/// Creates an empty file that only its owner may read.
fn create_private(file: &Path) -> Result<(), String> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop).map_err(|error| format!("{}: {error}", file.display()))
}

/// Opens a SQLite file by itself and checks that it is whole.
async fn check_file(file: &Path) -> Result<(), String> {
    let mut settings = Settings::default();
    let url = format!("sqlite://{}?mode=rw", file.display());
    settings.database.url = url.parse().map_err(|_| format!("{} cannot be opened", file.display()))?;
    let db = open_database(&settings).await?;
    let sound = text(&db, "pragma integrity_check").await.map_err(|error| format!("{}: {error}", file.display()))?;
    if sound != "ok" {
        return Err(format!("{} is damaged: {sound}", file.display()));
    }
    let versions =
        db.versions().await.map_err(|error| format!("{} is no database of Callshot: {error}", file.display()))?;
    db.close().await;
    match versions.standing {
        SchemaStanding::Incompatible => Err(format!(
            "{} has tables of a newer release ({}): restore it with that one",
            file.display(),
            versions.found
        )),
        SchemaStanding::Same | SchemaStanding::Older | SchemaStanding::Newer => Ok(()),
    }
}

/// Puts a backup in the place of the database and begins a new history of the feed: followers start over.
///
/// # Errors
/// A sentence that says what could not be done; the database is as it was then.
pub async fn restore(settings: &Settings, file: &Path) -> Outcome {
    let Some(target) = sqlite_path(settings.database.url.expose()) else {
        let db = open_database(settings).await?;
        let version = pg_program("pg_restore", &db).await?;
        return Ok(vec![
            format!(
                "PostgreSQL restores by its own program; {version} is as new as the server. Stop all servers, and run:"
            ),
            format!(
                "  pg_restore --clean --if-exists --no-owner --single-transaction --dbname={} {}",
                settings.database.url,
                file.display()
            ),
            "  callshot new-history".to_owned(),
            "After the second command, followers of the feed have to start over.".to_owned(),
        ]);
    };
    check_file(file).await?;
    if target.exists() {
        let db = open_database(settings).await?;
        let alone = db.is_alone().await.map_err(|error| error.to_string())?;
        db.close().await;
        if !alone {
            return Err(format!("{} is in use: stop all servers first", target.display()));
        }
    }
    let beside = with_end(&target, "-restoring");
    let moved = async {
        let _gone = std::fs::remove_file(&beside);
        create_private(&beside)?;
        std::fs::copy(file, &beside).map_err(|error| format!("{}: {error}", beside.display()))?;
        let mut copy = settings.clone();
        let url = format!("sqlite://{}?mode=rw", beside.display());
        copy.database.url = url.parse().map_err(|_| format!("{} cannot be opened", beside.display()))?;
        // A backup of an earlier release is brought up to date.
        crate::app::migrate(&copy).await?;
        let db = open_database(&copy).await?;
        let begun = db.begin_history().await.map_err(|error| format!("{}: {error}", beside.display()));
        db.close().await;
        begun?;
        File::open(&beside)
            .and_then(|file| file.sync_all())
            .map_err(|error| format!("{}: {error}", beside.display()))?;
        for end in ["-wal", "-shm"] {
            let _gone = std::fs::remove_file(with_end(&target, end));
        }
        std::fs::rename(&beside, &target).map_err(|error| format!("{}: {error}", target.display()))
    };
    if let Err(error) = moved.await {
        let _gone = std::fs::remove_file(&beside);
        return Err(error);
    }
    Ok(vec![
        format!("{} is as {} has it.", target.display(), file.display()),
        "The feed has a new history: followers have to start over.".to_owned(),
    ])
}

/// Begins a new history of the feed, after PostgreSQL's own program has restored a backup.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn new_history(settings: &Settings) -> Outcome {
    let db = open_database(settings).await?;
    db.begin_history().await.map_err(|error| error.to_string())?;
    Ok(vec!["The feed has a new history: followers have to start over. Restart all servers.".to_owned()])
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Returns the version of one of PostgreSQL's programs, where it is there and as new as the server.
async fn pg_program(name: &str, db: &Db) -> Result<String, String> {
    let output = std::process::Command::new(name).arg("--version").output();
    let output =
        output.map_err(|error| format!("{name} cannot be run: {error}; install PostgreSQL's client programs"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major =
        said.split_whitespace().find_map(|word| word.split('.').next()?.parse::<i64>().ok()).unwrap_or_default();
    let number = text(db, "select current_setting('server_version_num')").await.map_err(|error| error.to_string())?;
    let server = number.parse::<i64>().unwrap_or_default() / 10_000;
    if major < server {
        return Err(format!(
            "{said} is older than the server, which is PostgreSQL {server}: install that version's programs"
        ));
    }
    Ok(said)
}

async fn text(db: &Db, sql: &str) -> Result<String, DbErr> {
    let row = db.writer().query_one_raw(Statement::from_string(db.backend(), sql)).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?.try_get_by_index(0)
}

async fn number(db: &Db, sql: &str) -> Result<i64, DbErr> {
    let row = db.reader().query_one_raw(Statement::from_string(db.backend(), sql)).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?.try_get_by_index(0)
}

/// The report of a check-up.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// A line for each check.
    pub lines: Vec<String>,
    /// Whether something was found that has to be fixed.
    pub is_faulty: bool,
}

impl Diagnosis {
    fn add(&mut self, what: &str, found: Result<String, String>) {
        match found {
            Ok(found) => self.lines.push(format!("ok     {what}: {found}")),
            Err(fault) => {
                self.is_faulty = true;
                self.lines.push(format!("FAULTY {what}: {fault}"));
            }
        }
    }
}

/// Rows that the schema does not rule out and no change leaves behind: what is counted, and the question.
const RULES: [(&str, &str); 4] = [
    (
        "accounts without their owner's seat",
        "select count(*) from account where not exists (select 1 from seat where seat.account_id = account.id
            and seat.user_id = account.owner_id and seat.owner)",
    ),
    (
        "accounts whose versions and events differ",
        "select count(*) from account where version <> (select count(*) from event
            where event.organization_id = account.organization_id and event.subject_id = account.id)",
    ),
    (
        "open sessions of inactive users",
        "select count(*) from session join member on member.id = session.user_id
            where session.ended_at is null and not member.active",
    ),
    ("events in the future", "select count(*) from event where at > {now} + 300000000"),
];

/// Checks a database and what lies beside it.
///
/// # Errors
/// The database cannot be opened.
pub async fn doctor(settings: &Settings) -> Result<Diagnosis, String> {
    let db = open_database(settings).await?;
    let postgres = db.backend() == DbBackend::Postgres;
    let mut report = Diagnosis::default();
    let versions = db.versions().await.map_err(|error| format!("there are no tables of Callshot: {error}"))?;
    report.add(
        "tables",
        match versions.standing {
            SchemaStanding::Same => Ok(versions.found),
            SchemaStanding::Newer => {
                Ok(format!("{}, of a newer release that this one may serve beside", versions.found))
            }
            SchemaStanding::Older => {
                Err(format!("{}; `callshot migrate` brings them to {}", versions.found, versions.expected))
            }
            SchemaStanding::Incompatible => Err(format!("{}, which this release cannot use", versions.found)),
        },
    );
    if postgres {
        report.add(
            "writes",
            db.refuses_writes()
                .await
                .map_err(|error| error.to_string())
                .and_then(|cause| cause.map_or(Ok("are taken".to_owned()), Err)),
        );
    } else {
        for (what, sql) in [
            ("integrity", "pragma integrity_check"),
            ("references", "select 'ok' where not exists (select 1 from pragma_foreign_key_check)"),
        ] {
            let found = text(&db, sql).await.map_err(|error| error.to_string());
            report.add(what, found.and_then(|found| if found == "ok" { Ok(found) } else { Err(found) }));
        }
    }
    let micros = crate::values::clock::Clock::from_setting(None).now().0;
    for (what, sql) in RULES {
        let sql = sql.replace("{now}", &micros.to_string());
        let found = number(&db, &sql).await.map_err(|error| error.to_string());
        report
            .add(what, found.and_then(|found| if found == 0 { Ok("none".to_owned()) } else { Err(found.to_string()) }));
    }
    let feed = "select count(*) - count(distinct id) from event";
    report.add(
        "feed",
        number(&db, feed).await.map_err(|error| error.to_string()).and_then(|twice| {
            if twice == 0 {
                Ok("every event is there once".to_owned())
            } else {
                Err(format!("{twice} events are there twice"))
            }
        }),
    );
    let statistics = if postgres {
        "select count(*) from pg_stat_user_tables where n_mod_since_analyze > 1000 + 0.5 * greatest(n_live_tup, 0)"
    } else {
        "select 0 where exists (select 1 from sqlite_master where name = 'sqlite_stat1')"
    };
    report.add(
        "statistics",
        match number(&db, statistics).await {
            Ok(0) => Ok("fresh".to_owned()),
            Ok(stale) => Err(format!("of {stale} tables they are old")),
            // A new database on SQLite has none.
            Err(_) => Ok("none yet; a running server takes them as tables grow".to_owned()),
        },
    );
    if postgres {
        let seconds = number(&db, "select extract(epoch from now())::bigint").await.map_err(|error| error.to_string());
        let own = micros / 1_000_000;
        report.add(
            "clock",
            seconds.and_then(|seconds| {
                let apart = (seconds - own).abs();
                if apart <= 5 {
                    Ok("as the database's".to_owned())
                } else {
                    Err(format!("{apart} s apart from the database's"))
                }
            }),
        );
    }
    if settings.access.signing_keys.is_empty() {
        let file = settings.key_file();
        report.add("key file", key_file(&file));
    }
    if let Some(file) = sqlite_path(settings.database.url.expose()) {
        report.add("free space", free_space(&file));
    }
    db.close().await;
    Ok(report)
}

fn key_file(file: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(format!("{} is open to others than its owner", file.display()));
    }
    Ok(format!("{}, {} bytes", file.display(), metadata.len()))
}

/// Whether there is as much free space as the database takes: a backup, a restore and a large migration need it.
fn free_space(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let output = std::process::Command::new("df").args(["-Pk"]).arg(folder).output();
    let output = output.map_err(|error| format!("df cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let free = said.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    let free = free.ok_or("df says nothing that can be read")?.saturating_mul(1_024);
    if free < size {
        return Err(format!("{free} bytes, less than the {size} of the database"));
    }
    Ok(format!("{free} bytes"))
}
