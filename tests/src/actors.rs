//! Who acts in a test: an administrator, a manager, a seller. What they may do is in their type's name, so that a test
//! reads as a sentence; what they can do, any of them, is [`Member`]'s.

use std::ops::Deref;

use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// The password of every actor.
pub const PASSWORD: &str = "correct horse battery staple";

/// A person of an organization who has signed in.
#[derive(Clone, Debug)]
pub struct Member {
    client: Client,
    id: String,
    name: String,
    email: String,
}

/// Sees and changes everything of the organization.
#[derive(Clone, Debug)]
pub struct Admin(Member);

/// Sees the own accounts and those of everyone below in the reporting line.
#[derive(Clone, Debug)]
pub struct Manager(Member);

/// Sees the own accounts and those on whose team they are.
#[derive(Clone, Debug)]
pub struct Seller(Member);

impl Member {
    /// Takes the session out of a payload of `signUp`, `signIn` or `acceptInvitation` that asked for [`SESSION`].
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

    /// The user's id, as the API shows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address to sign in with, beside [`PASSWORD`].
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Makes an account and answers its id. `fields` is a `CreateAccountInput`; the owner is whom it names, else what
    /// the server decides.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn account(&self, fields: Value) -> String {
        self.make("createAccount", "account", fields).await
    }

    /// Makes a contact and answers its id. `fields` is a `CreateContactInput` without `accountId`.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn contact(&self, account: &str, fields: Value) -> String {
        self.make("createContact", "contact", of_account(account, fields)).await
    }

    /// Logs a touch and answers its id. `fields` is a `LogTouchInput` without `accountId`.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn touch(&self, account: &str, fields: Value) -> String {
        self.make("logTouch", "touch", of_account(account, fields)).await
    }

    /// Makes an opportunity and answers its id. `fields` is a `CreateOpportunityInput` without `accountId`.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn opportunity(&self, account: &str, fields: Value) -> String {
        self.make("createOpportunity", "opportunity", of_account(account, fields)).await
    }

    /// Records a booking and answers its id. `fields` is a `RecordBookingInput` without `accountId`.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn booking(&self, account: &str, fields: Value) -> String {
        self.make("recordBooking", "booking", of_account(account, fields)).await
    }

    /// Sends a mutation that makes one node, and answers the node's id.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn make(&self, mutation: &str, node: &str, input: Value) -> String {
        let answer: Answer = self.mutate(mutation, &format!("{node} {{ id }}"), input).await.done();
        answer.text(&format!("{mutation}.{node}.id")).to_owned()
    }
}

/// What to ask of a session for [`Member::signed_in`].
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

/// The three say who acts and have nothing of their own; all that they do is a member's.
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
