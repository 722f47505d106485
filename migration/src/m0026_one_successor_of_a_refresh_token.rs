//! A used refresh token keeps the salt from which its successor follows, together with the token itself: two windows of one
//! client that refresh at the same time get the same successor.

crate::change! {
    up: [
        "alter table refresh_token add column successor_salt {bytes}",
    ],
    down: [
        "alter table refresh_token drop column successor_salt",
    ],
}
