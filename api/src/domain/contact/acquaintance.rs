//! The history of contacts: one row for every change of their account, buying role or archived state, and for every time that
//! their relationship was set. The presence on a past day is computed from these rows.

use entity::{acquaintance, contact};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use crate::error::Result;
use crate::write::Write;

/// The history rows of some contacts, to be saved.
#[derive(Debug, Default)]
pub(super) struct Acquaintances(Vec<acquaintance::ActiveModel>);

impl Acquaintances {
    /// Returns the history rows for one contact that changes from `before` to `after`.
    pub(super) fn of(write: &Write<'_>, before: Option<&contact::Model>, after: &contact::Model) -> Self {
        let mut all = Self::default();
        all.note(write, before, after);
        all
    }

    /// Adds the history row for a contact that changes from `before` to `after`, if the change is relevant.
    pub(super) fn note(&mut self, write: &Write<'_>, before: Option<&contact::Model>, after: &contact::Model) {
        let recorded = |row: &contact::Model| {
            (row.account_id, row.buying_role, row.relationship, row.relationship_set_at, row.archived_at)
        };
        if before.is_some_and(|before| recorded(before) == recorded(after)) {
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
            // With a stopped clock, a contact may change at the very instant of its creation.
            first: after.created_at == write.at,
            relationship_set: after.relationship_set_at == Some(write.at),
        };
        self.0.push(row.into_active_model().reset_all());
    }

    /// Writes the rows. The contacts must be saved before.
    pub(super) async fn save(self, write: &Write<'_>) -> Result<()> {
        Ok(database::bulk::insert::<acquaintance::Entity, _>(&write.tx, self.0, true).await?)
    }
}
