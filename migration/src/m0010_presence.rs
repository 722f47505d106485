//! What presence is worked out from: what each touch weighs, who answered, and how we stood with people when.
//!
//! What a touch weighs follows from its row alone, so the database tells it (in thousandths, 0 unless it was made): both
//! indexes that lead through an account's or a user's touches have it, and all that is worked out from touches is read
//! from them without the rows. A touch answers for a contact who took part where the other side took part at all.

/// What a touch weighs, whether it was answered and how many minutes it counts. The rules of `touch::weight`.
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
/// The same.
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
/// The same.
pub(super) const ANSWERED_ON_SQLITE: &str =
    "sqlite:alter table touch add column answered boolean not null generated always as (
        status = 'COMPLETED' and (responded or direction = 'INBOUND' or kind = 'MEETING')
    ) virtual";
/// The same.
pub(super) const MINUTES_ON_SQLITE: &str = "sqlite:alter table touch add column minutes integer not null generated always as (coalesce(duration_minutes, case kind
        when 'MEETING' then 60 when 'EVENT' then 120 when 'CALL' then 15 else 5
    end)) virtual";
/// An account's touches, with all that its presence needs.
pub(super) const ACCOUNT_INDEX: &str = "create index touch_account on touch
        (organization_id, account_id, at, id, weight, recorded_at, value, value_acknowledged)";
/// A user's touches, with all that focus needs.
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
        // What stood before anything was kept is taken to have always been so.
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
