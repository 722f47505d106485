//! Credentials have the time at which the invitation was accepted. For earlier ones it is that of the first session.

crate::change! {
    up: [
        "alter table credential add column accepted_at {long}",
        "update credential set accepted_at = coalesce(
            (select min(session.created_at) from session where session.user_id = credential.user_id),
            (select member.created_at from member where member.id = credential.user_id)
        ) where password_hash is not null",
    ],
    down: ["alter table credential drop column accepted_at"],
}
