//! An index on the changes that a member made.

crate::change! {
    up: ["create index event_actor on event (organization_id, actor_id, seq)"],
    down: ["drop index event_actor"],
}
