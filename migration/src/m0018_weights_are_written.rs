//! What a touch weighs, whether it was answered and how many minutes it counts are written with it, by `touch::weight`,
//! in place of being worked out by the database.
//!
//! PostgreSQL reads and plans the expressions of such columns anew for each statement that writes, which was a twelfth of
//! what logging a touch took; and SQLite goes to the row for them although an index has them.

use crate::m0010_presence as generated;

crate::change! {
    up: [
        "postgres:alter table touch alter column weight drop expression, alter column answered drop expression,
            alter column minutes drop expression",
        "drop index touch_account",
        "drop index touch_user",
        "sqlite:alter table touch add column written_weight integer not null default 0",
        "sqlite:alter table touch add column written_answered boolean not null default false",
        "sqlite:alter table touch add column written_minutes integer not null default 0",
        "sqlite:update touch set written_weight = weight, written_answered = answered, written_minutes = minutes",
        "sqlite:alter table touch drop column weight",
        "sqlite:alter table touch drop column answered",
        "sqlite:alter table touch drop column minutes",
        "sqlite:alter table touch rename column written_weight to weight",
        "sqlite:alter table touch rename column written_answered to answered",
        "sqlite:alter table touch rename column written_minutes to minutes",
        generated::ACCOUNT_INDEX,
        generated::USER_INDEX,
    ],
    down: [
        "drop index touch_account",
        "drop index touch_user",
        "alter table touch drop column weight",
        "alter table touch drop column answered",
        "alter table touch drop column minutes",
        generated::ON_POSTGRES,
        generated::WEIGHT_ON_SQLITE,
        generated::ANSWERED_ON_SQLITE,
        generated::MINUTES_ON_SQLITE,
        generated::ACCOUNT_INDEX,
        generated::USER_INDEX,
    ],
}
