//! Calendar feeds: the digest of the token in each user's private address.

crate::change! {
    up: [
        "create table calendar_feed (
            user_id {uuid} not null primary key references member (id),
            organization_id {uuid} not null references organization (id),
            digest {bytes} not null,
            created_at {long} not null
        )",
        "create unique index calendar_feed_digest on calendar_feed (digest)",
    ],
    down: ["drop table calendar_feed"],
}
