//! Targets, reviews of target lists, and one-on-ones.
//!
//! Each target row is one membership of an account in a target list. Its row remains when the membership ends, so that the
//! targets of any past day are known. An account has at most one open row. Events that belong to no account but concern a seller
//! and their managers have the seller in `about_id`.

crate::change! {
    up: [
        "create table one_on_one (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            manager_id {uuid} not null references member (id),
            seller_id {uuid} not null references member (id),
            scheduled_for {long} not null,
            held_at {long},
            notes {text},
            items {text} not null,
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null
        )",
        "create index one_on_one_id on one_on_one (organization_id, id)",
        "create index one_on_one_seller on one_on_one (organization_id, seller_id, id)",
        "create index one_on_one_manager on one_on_one (organization_id, manager_id, id)",
        "create table target (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            account_id {uuid} not null references account (id),
            seller_id {uuid} not null references member (id),
            kind {text} not null,
            status {text} not null,
            source {text} not null,
            rationale {text} not null,
            proposed_by_id {uuid} not null references member (id),
            proposed_at {long} not null,
            decided_by_id {uuid} references member (id),
            decided_at {long},
            decision_note {text},
            since {long},
            until {long},
            closing_note {text},
            one_on_one_id {uuid} references one_on_one (id),
            updated_at {long} not null,
            version {int} not null
        )",
        "create index target_id on target (organization_id, id)",
        "create index target_updated on target (organization_id, updated_at, id)",
        "create unique index target_open on target (organization_id, account_id) where status in ('PROPOSED', 'AGREED')",
        "create index target_account on target (organization_id, account_id, id)",
        "create index target_seller on target (organization_id, seller_id, id)",
        "create index target_one_on_one on target (organization_id, one_on_one_id)",
        "create table list_review (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            seller_id {uuid} not null references member (id),
            reviewed_by_id {uuid} not null references member (id),
            reviewed_at {long} not null,
            kept {text} not null,
            dropped {text} not null,
            notes {text},
            updated_at {long} not null,
            version {int} not null
        )",
        "create index list_review_seller on list_review (organization_id, seller_id, reviewed_at)",
        "alter table event add column about_id {uuid}",
    ],
    down: [
        "alter table event drop column about_id",
        "drop table list_review",
        "drop table target",
        "drop table one_on_one",
    ],
}
