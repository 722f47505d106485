//! Users snooze suggested actions.
//!
//! A suggestion is computed and has no row of its own. It is named by its id, which is the same on every day.

crate::change! {
    up: [
        "create table snooze (
            id {uuid} not null primary key,
            organization_id {uuid} not null,
            user_id {uuid} not null,
            suggestion {text} not null,
            since_on {int} not null,
            until_on {int} not null,
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null,
            check (since_on < until_on),
            foreign key (organization_id, user_id) references member (organization_id, id)
        )",
        "create unique index snooze_id on snooze (organization_id, id)",
        "create unique index snooze_suggestion on snooze (organization_id, user_id, suggestion)",
        "create index snooze_until on snooze (organization_id, user_id, until_on)",
    ],
    down: ["drop table snooze"],
}
