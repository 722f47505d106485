//! The history that cursors of the feed belong to: a table with one row, which `callshot restore` replaces. Events that were
//! added after the backup are lost by a restore, and their places are given out again.

crate::change! {
    up: [
        "create table feed_history (
            id {uuid} not null primary key,
            begun_at {long} not null
        )",
        "postgres:insert into feed_history values (gen_random_uuid(), {now})",
        "sqlite:insert into feed_history values (randomblob(16), {now})",
    ],
    down: [
        "drop table feed_history",
    ],
}
