//! Promises to clients.
//!
//! A promise outlives the touch in which it was made: deleting the touch clears the reference.

crate::change! {
    up: [
        "create table promise (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            account_id {uuid} not null references account (id),
            contact_id {uuid} references contact (id),
            touch_id {uuid},
            what {text} not null,
            made_on {int} not null,
            due_on {int} not null,
            kept_on {int},
            made_by_id {uuid} not null references member (id),
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null,
            check (made_on <= due_on),
            check (made_on <= kept_on)
        )",
        "create index promise_id on promise (organization_id, id)",
        "create index promise_updated on promise (organization_id, updated_at, id)",
        "create index promise_account_id on promise (organization_id, account_id, id)",
        "create index promise_account_due on promise (organization_id, account_id, due_on, id)",
        "create index promise_made_by on promise (organization_id, made_by_id, id)",
        "create index promise_touch on promise (organization_id, touch_id)",
        "create index promise_open on promise (organization_id, due_on, id) where kept_on is null",
    ],
    down: ["drop table promise"],
}
