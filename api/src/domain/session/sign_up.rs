//! Signing up: a new organization with its first administrator.

use async_graphql::InputObject;
use entity::{Id, OrganizationId, UserId, organization, user};
use sea_orm::{ConnectionTrait, EntityTrait};

use super::invitation;
use crate::auth::{passwords, secrets};
use crate::config::SignUp;
use crate::context::RequestContext;
use crate::domain::session::{self, SessionPayload};
use crate::domain::user::hours;
use crate::error::{Error, Result, UserErrorCode};
use crate::values::money::Currency;
use crate::values::text::fold;
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

/// A new organization and its first administrator.
#[derive(Clone, InputObject)]
pub struct SignUpInput {
    /// The organization's name: 1 to 200 characters.
    pub organization_name: String,
    /// The ISO 4217 code of the currency of all amounts.
    #[graphql(default_with = "Some(\"USD\".to_owned())")]
    pub currency: Option<String>,
    /// The IANA name of the time zone of the organization and the administrator.
    #[graphql(default_with = "Some(\"UTC\".to_owned())")]
    pub time_zone: Option<String>,
    /// The administrator's name: 1 to 200 characters.
    pub name: String,
    /// The e-mail address of the administrator, to sign in with.
    pub email: String,
    /// The password of the administrator: 12 to 128 characters, of any kind.
    pub password: String,
}

/// Executes `signUp`.
pub async fn sign_up(ctx: &RequestContext, input: SignUpInput) -> Result<SessionPayload> {
    let SignUpInput { organization_name, currency, time_zone, name, email, password } = input;
    // Checked before the expensive hash of the password, and again within the transaction.
    may_sign_up(ctx, ctx.reader()).await?;
    let mut check = Validator::input();
    let organization_name = check.required("organizationName", &organization_name, NAME);
    let currency = currency.as_deref().unwrap_or("USD");
    let known = check.currency("currency", currency);
    let time_zone = check.time_zone("timeZone", time_zone.as_deref().unwrap_or("UTC"));
    let name = check.required("name", &name, NAME);
    let email = check.email("email", &email);
    check.password("password", &password);
    check.finish()?;
    let hash = ctx.services.auth.passwords.hash(&password).await?;

    let organization = organization::Model {
        id: OrganizationId::make(),
        name: organization_name,
        currency: currency.to_owned(),
        time_zone: time_zone.clone(),
        fiscal_year_start_month: 1,
        key_account_threshold: None,
        presence_half_life_days: 30.0,
        presence_threshold: 0.5,
        selling_share: 0.5,
        target_share: 0.6,
        key_people_per_target: 3,
        big_blank_minutes: 120,
        pipeline_margin: 0.1,
        target_band_low: 5.0,
        target_band_high: 20.0,
        erasure_key: secrets::random_key().map_err(Error::internal)?.to_vec(),
        created_at: ctx.now,
        version: 0,
    };
    let user = user::Model {
        id: UserId::make(),
        organization_id: organization.id,
        name_key: fold(&name),
        name,
        email,
        role: user::Role::Admin,
        title: None,
        time_zone,
        manager_id: None,
        working_hours: hours::usual(),
        external_ids: "[]".to_owned(),
        active: true,
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 0,
    };
    let mut write = Write::begin_for(ctx, organization.id, known.unwrap_or(Currency::NONE), Some(user.id));
    write.lock_exclusive_globally("sign-up").await?;
    may_sign_up(ctx, &write.tx).await?;
    let organization = write.add(organization).await?;
    let user = write.add(user).await?;
    invitation::keep_password(&write.tx, &user, hash, write.at).await?;
    let (session, token) = session::begin(&write.tx, &user, crate::auth::now()).await?;
    write.commit().await?;
    Ok(SessionPayload::of(session::hand_out(ctx, organization, user, session, token).await?))
}

/// Checks that this server allows a new organization to sign up.
#[expect(clippy::disallowed_methods, reason = "the check runs before there is an organization")]
async fn may_sign_up<C: ConnectionTrait>(ctx: &RequestContext, connection: &C) -> Result<()> {
    let refused = |message: &str| Err(Error::refused(UserErrorCode::Forbidden, &["input"], message));
    match ctx.services.settings.access.sign_up {
        SignUp::Open => Ok(()),
        SignUp::Closed => refused("Sign-up is closed on this server: ask an administrator for an invitation."),
        SignUp::First => match organization::Entity::find().one(connection).await? {
            None => Ok(()),
            Some(_) => refused("This server already has an organization: ask its administrator for an invitation."),
        },
    }
}

impl Validator {
    /// Returns the currency of an ISO 4217 code, and notes a fault if the code is not in use.
    pub fn currency(&mut self, field: &str, code: &str) -> Option<Currency> {
        let known = Currency::of(code);
        if known.is_none() {
            self.invalid(field, "A currency must be an ISO 4217 code in use, such as USD or EUR.");
        }
        known
    }

    /// Returns the name of a time zone, and notes a fault if it is unknown.
    pub fn time_zone(&mut self, field: &str, name: &str) -> String {
        if crate::values::calendar::zone(name).is_none() {
            self.invalid(field, "A time zone must be an IANA name, such as Europe/Berlin or UTC.");
        }
        name.to_owned()
    }

    /// Returns an e-mail address in lower case, and notes a fault if it is invalid.
    pub fn email(&mut self, field: &str, given: &str) -> String {
        match crate::values::text::email(given) {
            Ok(email) => return email,
            Err(_) if given.trim().is_empty() => self.fault(UserErrorCode::Required, field, "This must not be empty."),
            Err(message) => self.invalid(field, message),
        }
        String::new()
    }

    /// Notes a fault if a new password does not meet the rules.
    pub fn password(&mut self, field: &str, given: &str) {
        if let Err(message) = passwords::check_password(given) {
            self.invalid(field, message);
        }
    }
}
