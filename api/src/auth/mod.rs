//! Who you are, and how you get in.
//!
//! | room | holds |
//! |---|---|
//! | [`passwords`] | the rule for passwords, and their Argon2id hashes |
//! | [`keys`] | the keys that sign access tokens: made, kept, given, rotated |
//! | [`tokens`] | access tokens: signed, 15 minutes, checked without the database |
//! | [`secrets`] | refresh and invitation tokens, stored as digests; marks of erased people |
//! | [`throttle`] | what slows down whoever guesses |
//! | [`viewer`] | from an access token to who asks |
//! | [`sign_up`] | a new organization with its first administrator |
//! | [`sign_in`] | from an address and a password to a session |
//! | [`refresh`] | the next tokens of a session |
//! | [`invitation`] | tokens that set a password |
//! | [`password`] | changing one's password |
//! | [`session`] | a session as it is begun, handed out and ended |
//!
//! How they meet, at sign-in: [`throttle::Throttle::attempt`] asks whether this address and this account may try at all,
//! [`passwords::Passwords::verify`] checks the password (or hashes a dummy for nobody's account, in the same time),
//! [`throttle::Throttle::succeeded`] takes the attempt back, [`tokens::Tokens::issue`] signs an access token, and
//! [`secrets::SecretKind::make`] makes the refresh token.
//!
//! Everything here keeps real time, never the clock that demonstrations stop: a stopped clock must not make a token last.

pub mod keys;
pub mod passwords;
pub mod secrets;
pub mod throttle;
pub mod tokens;
pub mod viewer;
pub mod visibility;

pub use viewer::Auth;
pub use visibility::{AccountAccess, Viewer};

/// Real time. What lets people in never stops with the clock of a demonstration.
pub(crate) fn now() -> entity::Instant {
    crate::values::clock::Clock::real().now()
}
