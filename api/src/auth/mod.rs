//! Authentication: sessions, tokens, passwords and the caller's identity.
//!
//! | module | contents |
//! |---|---|
//! | [`passwords`] | the rule for passwords, and their Argon2id hashes |
//! | [`keys`] | the keys that sign access tokens |
//! | [`tokens`] | signed access tokens, valid for 15 minutes and verified without the database |
//! | [`secrets`] | refresh and invitation tokens, stored as digests; marks of erased people |
//! | [`throttle`] | the limit on failed attempts |
//! | [`viewer`] | the lookup of the caller by an access token |
//! | [`visibility`] | what a caller sees |
//!
//! The mutations that sign in and out are in `domain/session`.
//!
//! A sign-in uses them as follows: [`throttle::Throttle::attempt`] checks whether this address and this account may try,
//! [`passwords::Passwords::verify`] checks the password (against a dummy hash for an unknown account, in the same time),
//! [`throttle::Throttle::succeeded`] takes the attempt back, [`tokens::Tokens::issue`] signs an access token, and
//! [`secrets::SecretKind::make`] creates the refresh token.
//!
//! Everything here uses real time, not the clock that demonstrations stop: a stopped clock must not keep a token valid.

pub mod keys;
pub mod passwords;
pub mod secrets;
pub mod throttle;
pub mod tokens;
pub mod viewer;
pub mod visibility;

pub use viewer::Auth;
pub use visibility::{AccountAccess, Viewer};

/// Returns the real time. Authentication does not use the clock of a demonstration, which may be stopped.
pub(crate) fn now() -> entity::Instant {
    crate::values::clock::Clock::real().now()
}
