//! How we stood with a contact when: kept with every change of where they work, of the part they play in buying, of how
//! they see us, and of whether they are archived. Presence of a past day is told from it.

use entity::{acquaintance, contact};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use crate::error::Result;
use crate::write::Write;

/// The rows that are to follow some contacts.
#[derive(Debug, Default)]
pub(super) struct Acquaintances(Vec<acquaintance::ActiveModel>);

impl Acquaintances {
    /// What follows from one contact that was so and is to be so.
    pub(super) fn of(write: &Write<'_>, before: Option<&contact::Model>, after: &contact::Model) -> Self {
        let mut all = Self::default();
        all.note(write, before, after);
        all
    }

    /// Notes what follows from a contact that was so and is to be so.
    pub(super) fn note(&mut self, write: &Write<'_>, before: Option<&contact::Model>, after: &contact::Model) {
        let told = |row: &contact::Model| (row.account_id, row.buying_role, row.relationship, row.archived_at);
        if before.is_some_and(|before| told(before) == told(after)) {
            return;
        }
        let row = acquaintance::Model {
            contact_id: after.id,
            since: write.at,
            organization_id: after.organization_id,
            account_id: after.account_id,
            buying_role: after.buying_role,
            relationship: after.relationship,
            archived_at: after.archived_at,
            // Where the clock stands still, a contact may change at the very instant at which it was made.
            first: after.created_at == write.at,
        };
        self.0.push(row.into_active_model().reset_all());
    }

    /// Writes them, once the contacts are saved.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn save(self, write: &Write<'_>) -> Result<()> {
        Ok(database::bulk::insert::<acquaintance::Entity, _>(&write.tx, self.0, true).await?)
    }
}
