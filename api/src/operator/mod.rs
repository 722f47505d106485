//! The commands of operators: backup, restore and doctor.
//!
//! On SQLite they work on the file. On PostgreSQL backups are made by its own programs; the commands check that these are there
//! and as new as the server, and say how to call them.

mod derived;
mod doctor;

use std::fs::File;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

pub use self::doctor::{Diagnosis, doctor};
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
