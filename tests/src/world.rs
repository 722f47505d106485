//! The data that a test starts from: organizations and their users, created through the public API alone.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use serde_json::{Value, json};

use crate::actors::{Admin, Manager, Member, PASSWORD, SESSION, Seller};
use crate::client::Client;
use crate::server::Server;

/// A server with one organization. It dereferences to that organization, so that tests need not name it.
pub struct World {
    server: Server,
    home: Organization,
}

/// An organization and its first administrator.
pub struct Organization {
    stranger: Client,
    admin: Admin,
    /// The domain of the users' e-mail addresses, which keeps those of different organizations distinct.
    domain: String,
}

/// A user who is about to join; `.await` invites them and accepts the invitation.
#[must_use = "the user joins by .await"]
pub struct Joining<'organization, Actor> {
    organization: &'organization Organization,
    input: Value,
    actor: PhantomData<Actor>,
}

impl World {
    /// Signs up the first organization on a fresh server.
    ///
    /// # Panics
    /// If signing up fails.
    pub async fn on(server: Server) -> Self {
        let home = Organization::sign_up(&server, "Initech").await;
        Self { server, home }
    }

    /// Signs up another organization. Neither of the two may ever see anything of the other.
    ///
    /// # Panics
    /// If signing up fails.
    pub async fn another_organization(&self, name: &str) -> Organization {
        Organization::sign_up(&self.server, name).await
    }

    /// Returns the server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns a client without a token.
    #[must_use]
    pub fn stranger(&self) -> Client {
        self.server.stranger()
    }

    /// Returns the server by value, to stop it.
    #[must_use]
    pub fn into_server(self) -> Server {
        self.server
    }
}

impl Deref for World {
    type Target = Organization;

    fn deref(&self) -> &Organization {
        &self.home
    }
}

impl Organization {
    async fn sign_up(server: &Server, name: &str) -> Self {
        let stranger = server.stranger();
        let domain = format!("{}.example", name.to_lowercase().replace(' ', "-"));
        let input = json!({
            "organizationName": name,
            "name": "Ada Admin",
            "email": format!("ada@{domain}"),
            "password": PASSWORD,
        });
        let answer = stranger.mutate("signUp", SESSION, input).await.done();
        let admin = Member::signed_in(&stranger, answer.data("signUp.session")).into();
        Self { stranger, admin, domain }
    }

    /// Returns the administrator who signed the organization up.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Adds a seller, who is invited by the administrator and accepts. They report to no one without
    /// [`Joining::under`].
    pub fn seller(&self, name: &str) -> Joining<'_, Seller> {
        self.joining(name, "SELLER")
    }

    /// Adds a manager.
    pub fn manager(&self, name: &str) -> Joining<'_, Manager> {
        self.joining(name, "MANAGER")
    }

    /// Adds an administrator.
    pub fn another_admin(&self, name: &str) -> Joining<'_, Admin> {
        self.joining(name, "ADMIN")
    }

    /// Returns the e-mail address of a user of this name.
    #[must_use]
    pub fn email_of(&self, name: &str) -> String {
        format!("{}@{}", name.to_lowercase().replace(' ', "."), self.domain)
    }

    fn joining<Actor>(&self, name: &str, role: &str) -> Joining<'_, Actor> {
        let input = json!({ "name": name, "email": self.email_of(name), "role": role });
        Joining { organization: self, input, actor: PhantomData }
    }
}

impl<Actor> Joining<'_, Actor> {
    /// Makes the new user report to this person.
    pub fn under(mut self, manager: &Member) -> Self {
        self.input["managerId"] = json!(manager.id());
        self
    }

    /// Adds fields of `InviteUserInput`, such as a time zone.
    ///
    /// # Panics
    /// If `fields` is not an object.
    pub fn with(mut self, fields: Value) -> Self {
        let Value::Object(fields) = fields else { panic!("not an object: {fields}") };
        self.input.as_object_mut().expect("an input is an object").extend(fields);
        self
    }
}

impl<'organization, Actor> IntoFuture for Joining<'organization, Actor>
where
    Actor: From<Member> + Send + 'organization,
{
    type Output = Actor;
    type IntoFuture = Pin<Box<dyn Future<Output = Actor> + Send + 'organization>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Organization { stranger, admin, .. } = self.organization;
            let invited = admin.mutate("inviteUser", "token", self.input).await.done();
            let acceptance = json!({ "token": invited.text("inviteUser.token"), "password": PASSWORD });
            let accepted = stranger.mutate("acceptInvitation", SESSION, acceptance).await.done();
            Member::signed_in(stranger, accepted.data("acceptInvitation.session")).into()
        })
    }
}
