//! The feed.
//!
//! On PostgreSQL the place of an event (`seq`) comes from a sequence, and writers do not wait for one another, so a
//! lower place may be committed after a higher one. Before a transaction takes its first place, it takes a shared
//! advisory lock on which no transaction ever waits. The number of the lock is the last place given out until then, so all
//! places of the transaction are above it. `event_settled_end` returns the highest place up to which no more events can be
//! committed: the last place given out or, if transactions hold such locks, the lowest of their numbers. It must read the
//! sequence first: a transaction that took a place before that read still holds its lock at the second read, or has ended.

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
            changes {text} not null
        )",
        "create unique index event_id on event (id)",
        "create index event_place on event (organization_id, seq)",
        "create index event_account on event (organization_id, account_id, seq)",
        "create index event_subject on event (organization_id, subject_id, seq)",
        "postgres:create sequence event_seq owned by event.seq",
        "postgres:alter table event alter column seq set default nextval('event_seq')",
        // 1129270867 is 'CSHS': the class of our advisory locks. A number has 31 bits of the place.
        "postgres:create function event_take_turn() returns trigger language plpgsql volatile as $$
            begin
                perform pg_advisory_xact_lock_shared(1129270867, (
                    select ((case when is_called then last_value else last_value - 1 end) & 2147483647)::integer
                    from event_seq
                ));
                return null;
            end
        $$",
        "postgres:create trigger event_turn before insert on event for each statement execute function event_take_turn()",
        "postgres:create function event_settled_end() returns bigint language plpgsql volatile as $$
            declare
                given_out bigint;
                held bigint;
            begin
                select case when is_called then last_value else last_value - 1 end into given_out from event_seq;
                -- A number that seems far below is one that was taken after the first look.
                select min(given_out - behind) into held
                from (
                    select (given_out - objid::bigint) & 2147483647 as behind
                    from pg_locks
                    where locktype = 'advisory' and classid = 1129270867 and objsubid = 2
                        and database = (select oid from pg_database where datname = current_database())
                ) turns
                where behind < 1073741824;
                return least(given_out, coalesce(held, given_out));
            end
        $$",
    ],
    down: [
        "postgres:drop function event_settled_end()",
        "drop table event",
        "postgres:drop function event_take_turn()",
    ],
}
