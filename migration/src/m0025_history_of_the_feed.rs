//! The history that cursors of the feed belong to. It has one row, which `callshot restore` replaces: events that were added
//! after a backup are gone then, and their places are handed out again.

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
