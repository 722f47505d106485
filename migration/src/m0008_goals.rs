//! Goals: the amounts that accounts should bring in during a fiscal year.

crate::change! {
    up: [
        "create table goal (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            account_id {uuid} not null references account (id),
            year {int} not null,
            agreed_amount {long} check (agreed_amount > 0),
            waiting_amount {long} check (waiting_amount > 0),
            proposed_by_id {uuid} not null references member (id),
            agreed_by_id {uuid} references member (id),
            agreed_at {long},
            revisions {text} not null,
            reached_by_id {uuid},
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null,
            check (agreed_amount is not null or waiting_amount is not null)
        )",
        "create index goal_id on goal (organization_id, id)",
        "create index goal_updated on goal (organization_id, updated_at, id)",
        "create unique index goal_account on goal (organization_id, account_id, year)",
        "create index goal_account_id on goal (organization_id, account_id, id)",
    ],
    down: ["drop table goal"],
}
