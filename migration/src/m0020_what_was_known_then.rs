//! The state of touches and contacts as known on past days.
//!
//! A touch has the instant since which its present state is known. Every superseded state that counted is a row of
//! `touch_version`; the contacts of an answered one are rows of `touch_version_contact`. Figures for the present read only
//! the touches. A relationship set by hand expires after a year, so each row of `acquaintance` has a column for whether it was
//! set by hand. An event without an answer is one-way. The indexes get the columns that overlapping touches and default
//! durations need: for presence, one number that encodes kind, weight and length.

use crate::m0010_presence as before;

/// The index on the touches of an account, with the columns that presence needs for most of them.
pub(crate) const ACCOUNT_INDEX: &str = "create index touch_account on touch
        (organization_id, account_id, at, id, weight, known_at, value, value_acknowledged, shape)";
/// The index on the touches of a user, with the columns that focus needs.
const USER_INDEX: &str = "create index touch_user on touch
        (organization_id, user_id, at, id, account_id, weight, minutes, direction, answered, duration_minutes)";

crate::change! {
    up: [
        "drop index touch_account",
        "drop index touch_user",
        "alter table touch add column known_at {long} not null default 0",
        "alter table touch add column shape {int} not null default 0",
        "update touch set known_at = recorded_at, weight = case
            when kind = 'EVENT' and weight = 500 and not answered then 150 else weight end",
        // The same formula as `touch::weight::shape`.
        "update touch set shape = weight / 100 * 128 + case kind
                when 'CALL' then 0 when 'EMAIL' then 1 when 'MEETING' then 2 when 'MESSAGE' then 3 when 'EVENT' then 4
                when 'MAIL' then 5 else 6 end
            + 8 * case when minutes <= 5 then 0 when minutes <= 10 then 1 when minutes <= 15 then 2 when minutes <= 20 then 3
                when minutes <= 30 then 4 when minutes <= 45 then 5 when minutes <= 60 then 6 when minutes <= 75 then 7
                when minutes <= 90 then 8 when minutes <= 120 then 9 when minutes <= 150 then 10 when minutes <= 180 then 11
                when minutes <= 240 then 12 when minutes <= 360 then 13 when minutes <= 720 then 14 else 15 end",
        ACCOUNT_INDEX,
        USER_INDEX,
        "create table touch_version (
            touch_id {uuid} not null,
            known_from {long} not null,
            organization_id {uuid} not null,
            account_id {uuid} not null,
            known_until {long} not null,
            at {long} not null,
            kind {text} not null,
            weight {int} not null,
            minutes {int} not null,
            value {text},
            value_acknowledged {bool} not null,
            contact_ids {text} not null,
            shape {int} not null,
            primary key (touch_id, known_from),
            foreign key (organization_id, touch_id) references touch (organization_id, id),
            foreign key (organization_id, account_id) references account (organization_id, id)
        )",
        "create index touch_version_account on touch_version (organization_id, account_id, at)",
        "create table touch_version_contact (
            touch_id {uuid} not null,
            known_from {long} not null,
            contact_id {uuid} not null,
            organization_id {uuid} not null,
            known_until {long} not null,
            at {long} not null,
            primary key (touch_id, known_from, contact_id),
            foreign key (organization_id, touch_id) references touch (organization_id, id),
            foreign key (organization_id, contact_id) references contact (organization_id, id)
        )",
        "create index touch_version_contact_at on touch_version_contact (organization_id, contact_id, at)",
        "alter table acquaintance add column relationship_set {bool} not null default false",
        "update acquaintance set relationship_set = first or not exists (
            select 1 from acquaintance as earlier
            where earlier.contact_id = acquaintance.contact_id and earlier.relationship = acquaintance.relationship
                and earlier.since = (
                    select max(last.since) from acquaintance as last
                    where last.contact_id = acquaintance.contact_id and last.since < acquaintance.since
                )
        )",
        "update opportunity set probability = null where stage in ('WON', 'LOST')",
    ],
    down: [
        "alter table acquaintance drop column relationship_set",
        "drop table touch_version_contact",
        "drop table touch_version",
        "drop index touch_account",
        "drop index touch_user",
        "alter table touch drop column known_at",
        "alter table touch drop column shape",
        before::ACCOUNT_INDEX,
        before::USER_INDEX,
    ],
}
