//! Criteria, the assessments of accounts by them, and the resulting scores.
//!
//! A score is stored with its account, so that lists are ordered and filtered by it as by any other column. The stored value
//! is the sum of weight times score over the active criteria, in thousandths of a weight. The divisor is not stored, because
//! it is the same for all accounts of the organization.

crate::change! {
    up: [
        "create table criterion (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            name {text} not null,
            description {text},
            weight {long} not null check (weight > 0),
            created_at {long} not null,
            updated_at {long} not null,
            archived_at {long},
            version {int} not null
        )",
        "create index criterion_id on criterion (organization_id, id)",
        "create table assessment (
            account_id {uuid} not null references account (id),
            criterion_id {uuid} not null references criterion (id),
            organization_id {uuid} not null references organization (id),
            score {int} not null check (score between 0 and 10),
            evidence {text},
            assessed_by_id {uuid} references member (id),
            assessed_at {long} not null,
            primary key (account_id, criterion_id)
        )",
        "create index assessment_criterion on assessment (organization_id, criterion_id, account_id)",
        "alter table account add column score {long} not null default 0",
        "create index account_score on account (organization_id, score, id)",
        "create index account_rank on account (organization_id, owner_id, score desc, coalesce(potential, -1) desc, id)
            where archived_at is null",
    ],
    down: [
        "drop index account_rank",
        "drop index account_score",
        "alter table account drop column score",
        "drop table assessment",
        "drop table criterion",
    ],
}
