//! Members have identifiers in other systems, as accounts and contacts do.

crate::change! {
    up: ["alter table member add column external_ids {text} not null default '[]'"],
    down: ["alter table member drop column external_ids"],
}
