//! A relationship is confirmed by setting it again: it counts as known for another year. The contact has the time.

crate::change! {
    up: ["alter table contact add column relationship_set_at {long}"],
    down: ["alter table contact drop column relationship_set_at"],
}
