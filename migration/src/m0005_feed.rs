//! The feed.
//!
//! On PostgreSQL the place of an event (`seq`) comes from a sequence, and writers do not wait for one another; so a
//! lower place may be committed after a higher one. `horizon` tells when that can no longer happen: it is the next
//! transaction number at an instant after the place was taken. A transaction with a higher number takes its places
//! later, hence higher ones; once all below have ended, nothing comes in before this event. Both values must be
//! taken in this order, each at its own instant, which is why a trigger does it.

crate::change! {
    up: [
        "create table event (
            seq {place},
            id {uuid} not null,
            organization_id {uuid} not null references organization (id),
            at {long} not null,
            type {text} not null,
            actor_id {uuid},
            subject_noun {text} not null,
            subject_id {uuid} not null,
            account_id {uuid},
            changes {text} not null,
            horizon {long} not null default 0
        )",
        "create unique index event_id on event (id)",
        "create index event_place on event (organization_id, seq)",
        "create index event_account on event (organization_id, account_id, seq)",
        "create index event_subject on event (organization_id, subject_id, seq)",
        "postgres:create sequence event_seq",
        "postgres:create function event_take_place() returns trigger language plpgsql volatile as $$
            begin
                new.seq := nextval('event_seq');
                new.horizon := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
                return new;
            end
        $$",
        "postgres:create trigger event_place before insert on event for each row execute function event_take_place()",
    ],
    down: [
        "drop table event",
        "postgres:drop function event_take_place()",
        "postgres:drop sequence event_seq",
    ],
}
