//! The inputs of presence: the weight of each touch, whether it was answered, and the history of relationships.
//!
//! The weight of a touch depends on its row alone, so the database computes it (in thousandths, 0 unless the touch was
//! completed). Both indexes on the touches of an account or a user include the weight, so that figures are computed from the
//! indexes without reading the rows. A touch counts as an answer of each participating contact if it was answered.

/// The columns for a touch's weight, whether it was answered, and its minutes, by the rules of `touch::weight`.
pub(super) const ON_POSTGRES: &str = "postgres:alter table touch
        add column weight integer not null generated always as (case
            when status <> 'COMPLETED' then 0
            when kind = 'MEETING' then 1000
            when kind = 'CALL' and (responded or direction = 'INBOUND') then 700
            when value_acknowledged then 600
            when kind = 'EVENT' then 500
            when kind <> 'CALL' and (responded or direction = 'INBOUND') then 400
            else 150
        end) stored,
        add column answered boolean not null generated always as (
            status = 'COMPLETED' and (responded or direction = 'INBOUND' or kind = 'MEETING')
        ) stored,
        add column minutes integer not null generated always as (coalesce(duration_minutes, case kind
            when 'MEETING' then 60 when 'EVENT' then 120 when 'CALL' then 15 else 5
        end)) stored";
/// The column for the weight on SQLite.
pub(super) const WEIGHT_ON_SQLITE: &str =
    "sqlite:alter table touch add column weight integer not null generated always as (case
        when status <> 'COMPLETED' then 0
        when kind = 'MEETING' then 1000
        when kind = 'CALL' and (responded or direction = 'INBOUND') then 700
        when value_acknowledged then 600
        when kind = 'EVENT' then 500
        when kind <> 'CALL' and (responded or direction = 'INBOUND') then 400
        else 150
    end) virtual";
/// The column for whether the touch was answered on SQLite.
pub(super) const ANSWERED_ON_SQLITE: &str =
    "sqlite:alter table touch add column answered boolean not null generated always as (
        status = 'COMPLETED' and (responded or direction = 'INBOUND' or kind = 'MEETING')
    ) virtual";
/// The column for the minutes on SQLite.
pub(super) const MINUTES_ON_SQLITE: &str = "sqlite:alter table touch add column minutes integer not null generated always as (coalesce(duration_minutes, case kind
        when 'MEETING' then 60 when 'EVENT' then 120 when 'CALL' then 15 else 5
    end)) virtual";
/// The index on an account's touches, with the columns that presence needs.
pub(super) const ACCOUNT_INDEX: &str = "create index touch_account on touch
        (organization_id, account_id, at, id, weight, recorded_at, value, value_acknowledged)";
/// The index on a user's touches, with the columns that focus needs.
pub(super) const USER_INDEX: &str = "create index touch_user on touch
        (organization_id, user_id, at, id, account_id, weight, minutes, direction, answered)";

crate::change! {
    up: [
        ON_POSTGRES,
        WEIGHT_ON_SQLITE,
        ANSWERED_ON_SQLITE,
        MINUTES_ON_SQLITE,
        "drop index touch_account",
        ACCOUNT_INDEX,
        "drop index touch_user",
        USER_INDEX,
        "create table acquaintance (
            contact_id {uuid} not null references contact (id),
            since {long} not null,
            organization_id {uuid} not null references organization (id),
            account_id {uuid} not null references account (id),
            buying_role {text},
            relationship {text} not null,
            archived_at {long},
            first {bool} not null,
            primary key (contact_id, since)
        )",
        "create index acquaintance_account on acquaintance (organization_id, account_id)",
        // Relationships from before the history are taken to have always existed.
        "insert into acquaintance
            (contact_id, since, organization_id, account_id, buying_role, relationship, archived_at, first)
            select id, created_at, organization_id, account_id, buying_role, relationship, archived_at, true from contact",
    ],
    down: [
        "drop table acquaintance",
        "drop index touch_account",
        "create index touch_account on touch (organization_id, account_id, at, id)",
        "drop index touch_user",
        "create index touch_user on touch (organization_id, user_id, at, id)",
        "alter table touch drop column minutes",
        "alter table touch drop column answered",
        "alter table touch drop column weight",
    ],
}
