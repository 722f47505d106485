//! The row of a used refresh token stores a salt, from which the successor is derived together with the token itself. Two
//! windows of a client that refresh at the same time therefore get the same successor.

crate::change! {
    up: [
        "alter table refresh_token add column successor_salt {bytes}",
    ],
    down: [
        "alter table refresh_token drop column successor_salt",
    ],
}
