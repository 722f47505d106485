//! Who you are. Here are the parts that need no database; what you may is `policy`'s matter.
//!
//! | room | holds |
//! |---|---|
//! | [`passwords`] | the rule for passwords, and their Argon2id hashes |
//! | [`keys`] | the keys that sign access tokens: made, kept, given, rotated |
//! | [`tokens`] | access tokens: signed, 15 minutes, checked without the database |
//! | [`secrets`] | refresh and invitation tokens, stored as digests; marks of erased people |
//! | [`throttle`] | what slows down whoever guesses |
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

pub use viewer::Auth;
