//! On PostgreSQL an event's place is its key within its organization, so that one index replaces two similar ones. The
//! trigger that takes a writer's lock evaluates an expression instead of a query.

crate::change! {
    up: [
        "postgres:alter table event drop constraint event_pkey",
        "postgres:drop index event_place",
        "postgres:alter table event add constraint event_place primary key (organization_id, seq)",
        // The migration of the feed (m0005) describes this function.
        "postgres:create or replace function event_take_turn() returns trigger language plpgsql volatile as $$
            declare
                taken text;
            begin
                taken := pg_advisory_xact_lock_shared(
                    1129270867, (coalesce(pg_sequence_last_value('event_seq'), 0) & 2147483647)::integer
                );
                return null;
            end
        $$",
    ],
    down: [
        "postgres:create or replace function event_take_turn() returns trigger language plpgsql volatile as $$
            begin
                perform pg_advisory_xact_lock_shared(1129270867, (
                    select ((case when is_called then last_value else last_value - 1 end) & 2147483647)::integer
                    from event_seq
                ));
                return null;
            end
        $$",
        "postgres:alter table event drop constraint event_place",
        "postgres:create index event_place on event (organization_id, seq)",
        "postgres:alter table event add constraint event_pkey primary key (seq)",
    ],
}
