//! Access tokens: signed statements of the caller's identity, valid for 15 minutes and verified without the database.
//!
//! A token is a JWT with `alg` HS256 and the signing key's name as `kid`. The algorithm, the issuer and the audience are
//! fixed and every claim is required. By default, jsonwebtoken would accept a token without `aud`, ignore `nbf` and allow
//! 60 seconds of leeway. A valid token proves that the session existed when the token was signed; the caller must check in
//! the database that the session has not ended since.

use std::collections::HashMap;
use std::time::Duration;

use entity::{Id, Instant, OrganizationId, SessionId, UserId};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode, errors::ErrorKind,
    get_current_timestamp,
};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use super::keys::SigningKeys;

/// The issuer of the tokens: `iss`.
pub const ISSUER: &str = "callshot";
/// The audience of the tokens: `aud`.
pub const AUDIENCE: &str = "callshot-api";
/// The lifetime of a token, in seconds.
pub const LIFETIME: i64 = 15 * 60;
/// The number of seconds by which the clocks of two servers may differ.
const LEEWAY: u64 = 5;
/// The capacity of the cache of verified tokens, each under a kilobyte.
const MOST_VERIFIED: u64 = 5_000;
/// How long a verified token is cached. Its expiry is checked on each use nevertheless.
const VERIFIED_FOR: Duration = Duration::from_mins(1);
/// The largest size of a token in bytes. Our tokens have about 400.
const LONGEST: usize = 2048;

/// The identity of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The user: `sub`. All three ids are TypeIDs.
    pub user: UserId,
    /// The user's organization: `org`.
    pub organization: OrganizationId,
    /// The session: `sid`.
    pub session: SessionId,
}

/// A newly signed token.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token, for the header `Authorization: Bearer …`.
    pub token: String,
    /// The time at which the token expires, in whole seconds.
    pub expires_at: Instant,
}

/// Omits the token, so that it cannot be logged.
impl std::fmt::Debug for AccessToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The reason why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is ours but has expired. The client should refresh its session.
    #[error("the access token has expired")]
    Expired,
    /// The token is not ours, was modified, or is not valid yet. The exact reason is logged but not returned.
    #[error("this is not a valid access token")]
    Invalid,
}

/// The claims of a token as encoded (RFC 7519). Times are whole seconds since 1970.
#[derive(Deserialize, Serialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: String,
    org: String,
    sid: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Signs and verifies access tokens.
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    validation: Validation,
    /// Recently verified tokens with their claims and expiry, because a client sends the same token for minutes.
    verified: Cache<Box<str>, (Claims, i64)>,
}

/// Omits the keys, so that they cannot be logged.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tokens").field("signing", &self.header.kid).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Creates a signer and verifier with these keys: the first signs, all verify.
    ///
    /// # Errors
    /// HMAC-SHA-256 does not accept a key, for example because it is too short.
    pub fn new(keys: &SigningKeys) -> Result<Self, jsonwebtoken::errors::Error> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(keys.signing().name.clone());
        let verifying = keys.all().map(|key| Ok((key.name.clone(), DecodingKey::from_secret(&key.bytes)?)));
        Ok(Self {
            header,
            signing: EncodingKey::from_secret(&keys.signing().bytes)?,
            verifying: verifying.collect::<Result<_, jsonwebtoken::errors::Error>>()?,
            validation,
            verified: Cache::builder().max_capacity(MOST_VERIFIED).time_to_live(VERIFIED_FOR).build(),
        })
    }

    /// Creates a token that is valid for 15 minutes from now, in real time.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] if signing fails, which does not happen with HMAC keys.
    pub fn issue(&self, claims: Claims) -> Result<AccessToken, TokenError> {
        self.issue_at(claims, now())
    }

    fn issue_at(&self, claims: Claims, iat: i64) -> Result<AccessToken, TokenError> {
        let Claims { user, organization, session } = claims;
        let exp = iat.saturating_add(LIFETIME);
        let wire = Wire {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.show(),
            org: organization.show(),
            sid: session.show(),
            iat,
            nbf: iat,
            exp,
        };
        match encode(&self.header, &wire, &self.signing) {
            Ok(token) => Ok(AccessToken { token, expires_at: Instant::default().plus_seconds(exp) }),
            Err(error) => {
                tracing::error!(%error, "an access token could not be signed");
                Err(TokenError::Invalid)
            }
        }
    }

    /// Verifies a token and returns its claims.
    ///
    /// # Errors
    /// [`TokenError::Expired`] for one of our tokens that has expired, [`TokenError::Invalid`] for any other invalid token.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        self.claims_and_expiry(token).map(|(claims, _)| claims)
    }

    /// Returns how long a token remains valid; None if it is not.
    pub fn remaining(&self, token: &str) -> Option<Duration> {
        let (_, exp) = self.claims_and_expiry(token).ok()?;
        Some(Duration::from_secs(u64::try_from(exp.saturating_sub(now())).unwrap_or_default()))
    }

    fn claims_and_expiry(&self, token: &str) -> Result<(Claims, i64), TokenError> {
        if let Some((claims, exp)) = self.verified.get(token) {
            let too_old = exp.saturating_add_unsigned(LEEWAY) < now();
            return if too_old { Err(TokenError::Expired) } else { Ok((claims, exp)) };
        }
        let (claims, exp) = self.decode(token)?;
        self.verified.insert(token.into(), (claims, exp));
        Ok((claims, exp))
    }

    fn decode(&self, token: &str) -> Result<(Claims, i64), TokenError> {
        let refuse = |reason: &str| {
            tracing::debug!(reason, "an access token was refused");
            TokenError::Invalid
        };
        if token.len() > LONGEST {
            return Err(refuse("it is too long"));
        }
        let header = decode_header(token).map_err(|error| refuse(&error.to_string()))?;
        let key =
            header.kid.as_deref().and_then(|name| self.verifying.get(name)).ok_or_else(|| refuse("no such key"))?;
        let Wire { sub, org, sid, iat, exp, .. } = match decode(token, key, &self.validation) {
            Ok(decoded) => decoded.claims,
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => return Err(TokenError::Expired),
            Err(error) => return Err(refuse(&error.to_string())),
        };
        // A token with a longer lifetime was not issued here, even if the same key was used elsewhere to sign it.
        if exp.saturating_sub(iat) > LIFETIME {
            return Err(refuse("it was made to last longer than ours do"));
        }
        let claims =
            || Ok(Claims { user: Id::parse(&sub)?, organization: Id::parse(&org)?, session: Id::parse(&sid)? });
        claims().map(|claims| (claims, exp)).map_err(|_: entity::IdError| refuse("its ids are none"))
    }
}

/// Returns the real time in seconds since 1970, from the clock that verification uses: a stopped demonstration clock must not
/// keep a token valid.
fn now() -> i64 {
    get_current_timestamp().cast_signed()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    const KEY: &str = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEXT: &str = "two:BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn keys(entries: &[&str]) -> SigningKeys {
        SigningKeys::given(entries).unwrap()
    }

    fn tokens() -> Tokens {
        Tokens::new(&keys(&[KEY])).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            user: UserId(Uuid::from_u128(1)),
            organization: OrganizationId(Uuid::from_u128(2)),
            session: SessionId(Uuid::from_u128(3)),
        }
    }

    /// Returns the claims that `issue` would write now, for tests to modify.
    fn wire() -> Value {
        let now = now();
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": claims().user.show(), "org": claims().organization.show(), "sid": claims().session.show(),
            "iat": now, "nbf": now, "exp": now + LIFETIME,
        })
    }

    /// Signs any header and claims with the real key, as an attacker with the key could (or a bug of ours).
    fn signed(algorithm: Algorithm, name: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = name.map(str::to_owned);
        encode(&header, claims, &EncodingKey::from_secret(&keys(&[KEY]).signing().bytes).unwrap()).unwrap()
    }

    fn with(name: &str, value: Value) -> Value {
        let mut wire = wire();
        wire[name] = value;
        wire
    }

    fn verify(claims: &Value) -> Result<Claims, TokenError> {
        tokens().verify(&signed(Algorithm::HS256, Some("one"), claims))
    }

    #[test]
    fn an_issued_token_says_who_asks_for_15_minutes() {
        let before = now();
        let issued = tokens().issue(claims()).unwrap();
        assert_eq!(tokens().verify(&issued.token), Ok(claims()));
        let second = |seconds| Instant::default().plus_seconds(seconds + LIFETIME);
        assert!((second(before)..=second(now())).contains(&issued.expires_at));
        let header = decode_header(&issued.token).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::HS256, Some("one")));
        assert!(!format!("{issued:?}").contains(&issued.token));
    }

    #[test]
    fn what_the_other_tests_spoil_is_valid_unspoilt() {
        assert_eq!(verify(&wire()), Ok(claims()));
    }

    #[test]
    fn each_claim_is_required() {
        for name in ["iss", "aud", "sub", "org", "sid", "iat", "nbf", "exp"] {
            let mut wire = wire();
            wire.as_object_mut().unwrap().remove(name);
            assert_eq!(verify(&wire), Err(TokenError::Invalid), "without {name}");
            assert_eq!(verify(&with(name, Value::Null)), Err(TokenError::Invalid), "{name} null");
            assert_eq!(verify(&with(name, json!({}))), Err(TokenError::Invalid), "{name} an object");
            assert_eq!(verify(&with(name, json!(""))), Err(TokenError::Invalid), "{name} empty");
        }
    }

    #[test]
    fn an_id_of_one_type_is_none_of_another() {
        let user = claims().user.show();
        assert_eq!(verify(&with("org", json!(user))), Err(TokenError::Invalid));
        assert_eq!(verify(&with("sid", json!(user))), Err(TokenError::Invalid));
        assert_eq!(verify(&with("sub", json!(claims().user.uuid()))), Err(TokenError::Invalid));
    }

    #[test]
    fn issuer_and_audience_are_pinned() {
        for (name, value) in [
            ("iss", json!("callshot2")),
            ("aud", json!("callshot")),
            ("aud", json!([])),
            ("aud", json!([AUDIENCE, "another"])),
            ("iss", json!([ISSUER, "another"])),
        ] {
            assert_eq!(verify(&with(name, value.clone())), Err(TokenError::Invalid), "{name} {value}");
        }
    }

    #[test]
    fn an_expired_token_says_so() {
        let at = |seconds: i64| now() + seconds;
        let aged = |seconds: i64| tokens().verify(&tokens().issue_at(claims(), at(-seconds)).unwrap().token);
        assert_eq!(aged(LIFETIME - 60), Ok(claims()));
        assert_eq!(aged(LIFETIME), Ok(claims()), "clocks may differ by a few seconds");
        assert_eq!(aged(LIFETIME + 7), Err(TokenError::Expired));
        assert_eq!(aged(LIFETIME + 86_400), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        let ahead = |seconds: i64| {
            let at = now() + seconds;
            tokens().verify(&tokens().issue_at(claims(), at).unwrap().token)
        };
        assert_eq!(ahead(2), Ok(claims()));
        assert_eq!(ahead(60), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_that_lasts_longer_than_ours_is_refused() {
        let now = now();
        for exp in [json!(now + LIFETIME + 60), json!(i64::MAX), json!(u64::MAX), json!(1e300), json!(now.to_string())]
        {
            assert_eq!(verify(&with("exp", exp.clone())), Err(TokenError::Invalid), "{exp}");
        }
        assert_eq!(verify(&with("iat", json!(i64::MIN))), Err(TokenError::Invalid));
    }

    #[test]
    fn only_our_algorithm_passes() {
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            let token = signed(algorithm, Some("one"), &wire());
            assert_eq!(tokens().verify(&token), Err(TokenError::Invalid), "{algorithm:?}");
        }
        let payload = BASE64URL_NOPAD.encode(wire().to_string().as_bytes());
        let ours = signed(Algorithm::HS256, Some("one"), &wire());
        let signature = ours.rsplit('.').next().unwrap();
        for algorithm in ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "RS256", "ES256", "EdDSA"] {
            let header = json!({ "alg": algorithm, "typ": "JWT", "kid": "one" }).to_string();
            let header = BASE64URL_NOPAD.encode(header.as_bytes());
            for end in ["", signature] {
                let token = format!("{header}.{payload}.{end}");
                assert_eq!(tokens().verify(&token), Err(TokenError::Invalid), "{algorithm}");
            }
        }
    }

    #[test]
    fn the_key_is_named_and_known() {
        for name in [None, Some(""), Some("two"), Some("ONE"), Some("../one"), Some("one\0")] {
            assert_eq!(tokens().verify(&signed(Algorithm::HS256, name, &wire())), Err(TokenError::Invalid), "{name:?}");
        }
        // The same name with other bytes.
        let stranger = Tokens::new(&keys(&[&NEXT.replace("two", "one")])).unwrap();
        assert_eq!(tokens().verify(&stranger.issue(claims()).unwrap().token), Err(TokenError::Invalid));
    }

    #[test]
    fn keys_rotate_without_ending_a_session() {
        let before = tokens();
        let during = Tokens::new(&keys(&[NEXT, KEY])).unwrap();
        let after = Tokens::new(&keys(&[NEXT])).unwrap();
        let old = before.issue(claims()).unwrap().token;
        let new = during.issue(claims()).unwrap().token;
        assert_eq!(decode_header(&new).unwrap().kid.as_deref(), Some("two"));
        assert_eq!(during.verify(&old), Ok(claims()));
        assert_eq!(during.verify(&new), Ok(claims()));
        assert_eq!(after.verify(&new), Ok(claims()));
        assert_eq!(after.verify(&old), Err(TokenError::Invalid));
        assert_eq!(before.verify(&new), Err(TokenError::Invalid));
    }

    #[test]
    fn another_users_claims_do_not_fit_the_signature() {
        let issued = tokens().issue(claims()).unwrap().token;
        let parts: Vec<&str> = issued.split('.').collect();
        let payload = with("sub", json!(UserId(Uuid::from_u128(9)).show())).to_string();
        let forged = format!("{}.{}.{}", parts[0], BASE64URL_NOPAD.encode(payload.as_bytes()), parts[2]);
        assert_eq!(tokens().verify(&forged), Err(TokenError::Invalid));
    }

    #[test]
    fn an_overlong_token_is_not_even_read() {
        let mut long = wire();
        long["more"] = json!("x".repeat(LONGEST));
        assert_eq!(verify(&long), Err(TokenError::Invalid));
    }

    proptest! {
        #[test]
        fn no_changed_token_passes(at: prop::sample::Index, with in "[A-Za-z0-9_.=-]|\\PC") {
            let issued = tokens().issue(claims()).unwrap().token;
            let at = at.index(issued.len());
            let changed = format!("{}{with}{}", &issued[..at], &issued[at + 1..]);
            prop_assume!(changed != issued);
            prop_assert_eq!(tokens().verify(&changed), Err(TokenError::Invalid));
        }

        #[test]
        fn any_text_is_refused(text: String) {
            prop_assert_eq!(tokens().verify(&text), Err(TokenError::Invalid));
        }
    }
}
