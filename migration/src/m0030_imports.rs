//! Imports: their runs, the values that rows last got from an import, and the changes of each run.

crate::change! {
    up: [
        "create table import_run (
            id {uuid} not null primary key,
            organization_id {uuid} not null,
            actor_id {uuid} not null,
            at {long} not null,
            kind {text} not null,
            source {text} not null,
            files {text} not null,
            undone_at {long},
            foreign key (organization_id, actor_id) references member (organization_id, id)
        )",
        "create index import_run_organization on import_run (organization_id, at)",
        "create table import_record (
            organization_id {uuid} not null references organization (id),
            noun {text} not null,
            source {text} not null,
            external_id {text} not null,
            subject_id {uuid} not null,
            given {text} not null,
            sequence {long},
            primary key (organization_id, noun, source, external_id)
        )",
        "create index import_record_subject on import_record (organization_id, subject_id)",
        "create table import_change (
            run_id {uuid} not null references import_run (id),
            number {int} not null,
            organization_id {uuid} not null references organization (id),
            noun {text} not null,
            subject_id {uuid} not null,
            before {text},
            after {text} not null,
            primary key (run_id, number)
        )",
        "create index import_change_subject on import_change (organization_id, subject_id)",
    ],
    down: ["drop table import_change", "drop table import_record", "drop table import_run"],
}
