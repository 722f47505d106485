//! A touch's weight, whether it was answered, and its minutes are computed by `touch::weight` and stored, instead of being
//! generated columns.
//!
//! PostgreSQL parses and plans the expressions of generated columns for each statement that writes, which was a twelfth of
//! the time for logging a touch. SQLite reads the row for generated columns even if an index contains them.

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
