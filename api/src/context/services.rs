//! What requests share, below every noun.

use entity::OrganizationId;

use crate::auth::Auth;
use crate::config::Settings;
use crate::values::clock::Clock;
use database::db::Db;

/// The services that every request uses: the settings, the clock, the database and authentication.
pub struct Services {
    /// The settings.
    pub settings: Settings,
    /// The clock.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// Authentication: passwords, tokens and cached viewers.
    pub auth: Auth,
    /// The id of the feed's history, which cursors of the feed belong to.
    pub history: uuid::Uuid,
}

impl Services {
    /// Drops the cached viewers of an organization, so that a change of its people or settings takes effect immediately on
    /// this server. Other servers notice within 5 seconds.
    pub fn forget(&self, organization: OrganizationId) {
        self.auth.forget(organization);
    }
}
