//! `callshot doctor`: checks a database and the files beside it.

use std::path::Path;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use super::{derived, text};
use crate::app::open_database;
use crate::config::Settings;
use database::db::{Db, SchemaStanding, sqlite_path};

pub(super) async fn number(db: &Db, sql: &str) -> Result<i64, DbErr> {
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

    /// Adds a count of what is wrong.
    fn count(&mut self, what: &str, found: Result<i64, DbErr>) {
        let found = match found {
            Ok(0) => Ok("none".to_owned()),
            Ok(wrong) => Err(wrong.to_string()),
            Err(error) => Err(error.to_string()),
        };
        self.add(what, found);
    }
}

/// Rows that the schema does not rule out and no change leaves behind: what is counted, and the query.
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
        report.count(what, number(&db, &sql).await);
    }
    for (what, found) in derived::faults(&db).await {
        report.count(what, found);
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
