//! Trigger events, and the opportunities that resulted from them.

crate::change! {
    up: [
        "create table trigger_event (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            account_id {uuid} not null references account (id),
            kind {text} not null,
            occurred_on {int} not null,
            description {text},
            contact_id {uuid} references contact (id),
            recorded_by_id {uuid} references member (id),
            outcome {text},
            resolved_on {int},
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null,
            check (occurred_on <= resolved_on),
            check ((outcome is null) = (resolved_on is null))
        )",
        "create index trigger_event_id on trigger_event (organization_id, id)",
        "create index trigger_event_updated on trigger_event (organization_id, updated_at, id)",
        "create index trigger_event_account on trigger_event (organization_id, account_id, id)",
        "create index trigger_event_occurred on trigger_event (organization_id, occurred_on, id)",
        "alter table opportunity add column trigger_event_id {uuid}",
        "create index opportunity_trigger_event on opportunity (organization_id, trigger_event_id, id)",
    ],
    down: [
        "drop index opportunity_trigger_event",
        "alter table opportunity drop column trigger_event_id",
        "drop table trigger_event",
    ],
}
