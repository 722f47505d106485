//! The world a test starts from: organizations and their people, made through the public API alone.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use serde_json::{Value, json};

use crate::actors::{Admin, Manager, Member, PASSWORD, SESSION, Seller};
use crate::client::Client;
use crate::server::Server;

/// A server with one organization, Callshot's home in tests; all that [`Organization`] can do happens there.
pub struct World {
    server: Server,
    home: Organization,
}

/// A tenant and its first administrator.
pub struct Organization {
    stranger: Client,
    admin: Admin,
    /// Tells addresses of equal names in different organizations apart.
    domain: String,
}

/// Somebody who is about to join; `.await` lets it happen.
#[must_use = "nobody joins before .await"]
pub struct Joining<'organization, Actor> {
    organization: &'organization Organization,
    input: Value,
    actor: PhantomData<Actor>,
}

impl World {
    /// Signs up the first organization on a fresh server.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn on(server: Server) -> Self {
        let home = Organization::sign_up(&server, "Initech").await;
        Self { server, home }
    }

    /// Another organization, from which nothing may ever be seen in the first, nor the other way about.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn another_organization(&self, name: &str) -> Organization {
        Organization::sign_up(&self.server, name).await
    }

    /// The server underneath.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Somebody without a token.
    #[must_use]
    pub fn stranger(&self) -> Client {
        self.server.stranger()
    }

    /// The server underneath, to stop it.
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

    /// Whoever signed the organization up.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// A new seller, invited by the administrator, who accepts. Under nobody, unless [`Joining::under`] says whom.
    pub fn seller(&self, name: &str) -> Joining<'_, Seller> {
        self.joining(name, "SELLER")
    }

    /// A new manager.
    pub fn manager(&self, name: &str) -> Joining<'_, Manager> {
        self.joining(name, "MANAGER")
    }

    /// One more administrator.
    pub fn another_admin(&self, name: &str) -> Joining<'_, Admin> {
        self.joining(name, "ADMIN")
    }

    /// The address that somebody of this name has here.
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
    /// Reports to this person.
    pub fn under(mut self, manager: &Member) -> Self {
        self.input["managerId"] = json!(manager.id());
        self
    }

    /// Has these fields of `InviteUserInput` too, such as a time zone.
    ///
    /// # Panics
    /// Where `fields` is not an object.
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
