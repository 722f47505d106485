//! The people who act in a test: an administrator, a manager, a seller. The type names the role, so that a test reads
//! as a sentence; the methods that all of them have are those of [`Member`].

use std::ops::Deref;

use serde_json::{Value, json};

use crate::client::Client;

/// The password of every actor.
pub const PASSWORD: &str = "correct horse battery staple";

/// A signed-in user of an organization.
#[derive(Clone, Debug)]
pub struct Member {
    client: Client,
    id: String,
    name: String,
    email: String,
}

/// An administrator, who sees and changes everything of the organization.
#[derive(Clone, Debug)]
pub struct Admin(Member);

/// A manager, who sees their own accounts and those of everyone below them in the reporting line.
#[derive(Clone, Debug)]
pub struct Manager(Member);

/// A seller, who sees their own accounts and those on whose team they are.
#[derive(Clone, Debug)]
pub struct Seller(Member);

impl Member {
    /// Reads the session of a payload of `signUp`, `signIn` or `acceptInvitation` in which [`SESSION`] was selected.
    #[track_caller]
    pub(crate) fn signed_in(client: &Client, session: &Value) -> Self {
        let text =
            |value: &Value| value.as_str().unwrap_or_else(|| panic!("an incomplete session: {session}")).to_owned();
        let user = &session["user"];
        Self {
            client: client.with_token(&text(&session["accessToken"])),
            id: text(&user["id"]),
            name: text(&user["name"]),
            email: text(&user["email"]),
        }
    }

    /// Returns the user's id, as the API shows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the address to sign in with; the password is [`PASSWORD`].
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Creates an account and returns its id. `fields` is a `CreateAccountInput`.
    ///
    /// # Panics
    /// If the mutation fails.
    pub async fn account(&self, fields: Value) -> String {
        self.make("createAccount", "account", fields).await
    }

    /// Creates a contact and returns its id. `fields` is a `CreateContactInput` without `accountId`.
    ///
    /// # Panics
    /// If the mutation fails.
    pub async fn contact(&self, account: &str, fields: Value) -> String {
        self.make("createContact", "contact", of_account(account, fields)).await
    }

    /// Logs a touch and returns its id. `fields` is a `LogTouchInput` without `accountId`.
    ///
    /// # Panics
    /// If the mutation fails.
    pub async fn touch(&self, account: &str, fields: Value) -> String {
        self.make("logTouch", "touch", of_account(account, fields)).await
    }

    /// Creates an opportunity and returns its id. `fields` is a `CreateOpportunityInput` without `accountId`.
    ///
    /// # Panics
    /// If the mutation fails.
    pub async fn opportunity(&self, account: &str, fields: Value) -> String {
        self.make("createOpportunity", "opportunity", of_account(account, fields)).await
    }

    /// Records a booking and returns its id. `fields` is a `RecordBookingInput` without `accountId`.
    ///
    /// # Panics
    /// If the mutation fails.
    pub async fn booking(&self, account: &str, fields: Value) -> String {
        self.make("recordBooking", "booking", of_account(account, fields)).await
    }
}

/// The selection that [`Member::signed_in`] needs.
pub(crate) const SESSION: &str = "session { accessToken user { id name email } }";

fn of_account(account: &str, mut fields: Value) -> Value {
    fields["accountId"] = json!(account);
    fields
}

impl Deref for Member {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Makes a type of actor that has nothing but the methods of a member.
macro_rules! acts_as_member {
    ($($actor:ident),*) => {$(
        impl From<Member> for $actor {
            fn from(member: Member) -> Self {
                Self(member)
            }
        }

        impl Deref for $actor {
            type Target = Member;

            fn deref(&self) -> &Member {
                &self.0
            }
        }
    )*};
}

acts_as_member!(Admin, Manager, Seller);
