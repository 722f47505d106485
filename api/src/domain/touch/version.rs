//! Versions of touches: past states that a later change has superseded.
//!
//! The figures presence, known and value of a past day are computed from the states that were recorded by then. A change of
//! their inputs therefore stores the previous state as a version, valid from the instant at which it became known until the
//! change. Other changes, and changes of touches that did not count, store none.

use entity::{AccountId, Instant, TouchId, touch, touch_version, touch_version_contact};
use sea_orm::{ActiveModelTrait, IntoActiveModel, QueryFilter};

use super::people;
use super::weight::{answer_known_at, shape, usual_minutes, weight};
use crate::error::Result;
use crate::write::Write;
use database::columns::is_any_of;

/// The inputs of presence, known and value.
type Basis<'a> = (AccountId, Instant, touch::TouchKind, i32, u32, bool, bool, bool, &'a str);

fn minutes(touch: &touch::Model) -> i32 {
    touch.duration_minutes.unwrap_or_else(|| usual_minutes(touch.kind))
}

/// Returns the inputs of the figures; `None` for a touch that does not count.
fn basis(touch: &touch::Model) -> Option<Basis<'_>> {
    let weight = weight(touch);
    (weight > 0).then(|| {
        let answered = answer_known_at(touch).is_some();
        let (has_value, acknowledged) = (touch.value.is_some(), touch.value_acknowledged);
        let people = touch.contact_ids.as_str();
        (touch.account_id, touch.at, touch.kind, minutes(touch), weight, answered, has_value, acknowledged, people)
    })
}

/// Returns the instant since which the state of a touch is known, after a change at `now`.
#[must_use]
pub(super) fn known_at(before: &touch::Model, after: &touch::Model, now: Instant) -> Instant {
    if basis(before) == basis(after) { before.known_at } else { now }
}

/// Versions to write together with changes of touches.
#[derive(Debug, Default)]
pub(super) struct Versions {
    touches: Vec<touch_version::ActiveModel>,
    contacts: Vec<touch_version_contact::ActiveModel>,
}

impl Versions {
    /// Adds the state that a change supersedes, if it counted. `after` must have its `known_at` set.
    pub(super) fn note(&mut self, before: &touch::Model, after: &touch::Model) {
        // If two changes have the same instant, the state between them was never known.
        if basis(before).is_none() || basis(before) == basis(after) || before.known_at >= after.known_at {
            return;
        }
        let (known_from, known_until) = (before.known_at, after.known_at);
        let version = touch_version::Model {
            touch_id: before.id,
            known_from,
            organization_id: before.organization_id,
            account_id: before.account_id,
            known_until,
            at: before.at,
            kind: before.kind,
            weight: weight(before).cast_signed(),
            minutes: minutes(before),
            value: before.value,
            value_acknowledged: before.value_acknowledged,
            contact_ids: before.contact_ids.clone(),
            shape: shape(before.kind, weight(before).cast_signed(), minutes(before)),
        };
        self.touches.push(version.into_active_model().reset_all());
        if answer_known_at(before).is_none() {
            return;
        }
        let contact = |contact_id| touch_version_contact::Model {
            touch_id: before.id,
            known_from,
            contact_id,
            organization_id: before.organization_id,
            known_until,
            at: before.at,
        };
        let contacts = people::read(&before.contact_ids).into_iter().map(contact);
        self.contacts.extend(contacts.map(|row| row.into_active_model().reset_all()));
    }

    /// Inserts the versions.
    pub(super) async fn save(self, write: &Write<'_>) -> Result<()> {
        database::bulk::insert::<touch_version::Entity, _>(&write.tx, self.touches, true).await?;
        database::bulk::insert::<touch_version_contact::Entity, _>(&write.tx, self.contacts, true).await?;
        Ok(())
    }
}

/// Removes the versions of touches that are deleted.
pub(super) async fn forget(write: &Write<'_>, touches: Vec<TouchId>) -> Result<()> {
    use entity::Scoped as _;
    let organization = write.organization();
    touch_version::Entity::remove_of(organization)
        .filter(is_any_of(&write.tx, touch_version::Column::TouchId, touches.iter().copied()))
        .exec(&write.tx)
        .await?;
    touch_version_contact::Entity::remove_of(organization)
        .filter(is_any_of(&write.tx, touch_version_contact::Column::TouchId, touches))
        .exec(&write.tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use entity::touch::{TouchKind, TouchStatus, ValueKind};

    use super::*;
    use crate::domain::touch::write::tests::touch;

    fn count(before: &touch::Model, change: impl FnOnce(&mut touch::Model)) -> (usize, usize, i64) {
        let mut after = before.clone();
        change(&mut after);
        after.known_at = known_at(before, &after, Instant(9));
        let mut versions = Versions::default();
        versions.note(before, &after);
        (versions.touches.len(), versions.contacts.len(), after.known_at.0)
    }

    #[test]
    fn a_change_of_what_figures_rest_on_keeps_the_state_before() {
        use entity::{ContactId, Id as _};
        let people = people::stored(&[ContactId::make(), ContactId::make()]);
        let call = touch::Model { kind: TouchKind::Call, contact_ids: people, known_at: Instant(5), ..touch() };
        assert_eq!(count(&call, |touch| touch.notes = Some("x".to_owned())), (0, 0, 5));
        assert_eq!(count(&call, |touch| touch.recorded_at = Instant(1)), (0, 0, 5));
        assert_eq!(count(&call, |touch| touch.responded = true), (1, 0, 9));
        let answered = touch::Model { responded: true, ..call.clone() };
        for change in [
            |touch: &mut touch::Model| touch.at = Instant(3),
            |touch: &mut touch::Model| touch.contact_ids = "[]".to_owned(),
            |touch: &mut touch::Model| touch.duration_minutes = Some(7),
            |touch: &mut touch::Model| touch.value = Some(ValueKind::Idea),
            |touch: &mut touch::Model| touch.status = TouchStatus::Canceled,
            |touch: &mut touch::Model| touch.kind = TouchKind::Email,
        ] {
            assert_eq!(count(&answered, change), (1, 2, 9));
        }
    }

    #[test]
    fn what_did_not_count_leaves_no_version() {
        let planned = touch::Model { status: TouchStatus::Scheduled, known_at: Instant(5), ..touch() };
        assert_eq!(count(&planned, |touch| touch.status = TouchStatus::Completed), (0, 0, 9));
        assert_eq!(count(&planned, |touch| touch.at = Instant(3)), (0, 0, 5));
        // Two changes at one instant.
        let now = touch::Model { known_at: Instant(9), ..touch() };
        assert_eq!(count(&now, |touch| touch.responded = true), (0, 0, 9));
    }
}
