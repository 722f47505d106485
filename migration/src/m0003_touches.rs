//! Touches and their participants.
//!
//! Each ordering of touches has two indexes: one for the whole organization, and one per account, which is used for viewers
//! with few accounts.

crate::change! {
    up: [
        "create table touch (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            account_id {uuid} not null references account (id),
            user_id {uuid} not null references member (id),
            kind {text} not null,
            status {text} not null,
            direction {text} not null,
            at {long} not null,
            missed_at {long} not null,
            duration_minutes {int},
            recorded_at {long} not null,
            subject {text},
            notes {text},
            responded {bool} not null,
            value {text},
            value_acknowledged {bool} not null,
            commitment_asked {text},
            commitment_given {bool},
            opportunity_id {uuid},
            contact_ids {text} not null,
            external_ids {text} not null,
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null
        )",
        "create index touch_id on touch (organization_id, id)",
        "create index touch_at on touch (organization_id, at, id)",
        "create index touch_created on touch (organization_id, created_at, id)",
        "create index touch_updated on touch (organization_id, updated_at, id)",
        "create index touch_account on touch (organization_id, account_id, at, id)",
        "create index touch_account_id on touch (organization_id, account_id, id)",
        "create index touch_account_created on touch (organization_id, account_id, created_at, id)",
        "create index touch_account_updated on touch (organization_id, account_id, updated_at, id)",
        "create index touch_user_id on touch (organization_id, user_id, id)",
        "create index touch_user on touch (organization_id, user_id, at, id)",
        "create index touch_opportunity on touch (organization_id, opportunity_id)",
        "create table touch_contact (
            touch_id {uuid} not null references touch (id),
            contact_id {uuid} not null references contact (id),
            organization_id {uuid} not null references organization (id),
            at {long} not null,
            primary key (touch_id, contact_id)
        )",
        "create index touch_contact_at on touch_contact (organization_id, contact_id, at, touch_id)",
    ],
    down: [
        "drop table touch_contact",
        "drop table touch",
    ],
}
