//! The contacts of touches. They are stored as a list in the touch, in the given order, and as rows of `touch_contact` with
//! the touch's time and the time since which the contact's answer is known. A contact's latest touches, and whether the
//! contact knows us, can thus be read from one range of an index. Both are written together.
//!
//! This module also updates touches when their user changes time zone or is deactivated.

use async_graphql::ID;
use chrono_tz::Tz;
use entity::{
    AccountId, ContactId, Id, Instant, OrganizationId, Scoped, TouchId, UserId, account, contact, touch, touch_contact,
    user,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use super::weight::{answer_known_at, missed_at};
use crate::context::Viewer;
use crate::domain::account::team;
use crate::domain::account::write::not_archived;
use crate::error::Result;
use crate::error::UserErrorCode;
use crate::values::calendar;
use crate::write::Write;
use crate::write::validator::Validator;
use database::columns::is_any_of;
use database::sql::Sql;

/// The maximum number of contacts of a touch.
pub(super) const MOST: usize = 100;

/// Parses the stored contacts of a touch.
#[must_use]
pub fn read(stored: &str) -> Vec<ContactId> {
    let ids: Vec<&str> = serde_json::from_str(stored).unwrap_or_default();
    ids.into_iter().filter_map(|id| ContactId::parse(id).ok()).collect()
}

/// Returns the contacts of a touch in stored form: each once, in the given order.
#[must_use]
pub fn stored(people: &[ContactId]) -> String {
    let mut text = String::with_capacity(people.len() * 40 + 2);
    text.push('[');
    for (at, id) in people.iter().enumerate() {
        if people[..at].contains(id) {
            continue;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(&id.show());
        text.push('"');
    }
    text.push(']');
    text
}

/// Returns the contacts of an input, each once, in the given order; None if one is not the id of a contact, or if there are
/// too many.
pub(super) fn distinct(given: &[ID]) -> Option<Vec<ContactId>> {
    let mut ids = Vec::with_capacity(given.len().min(MOST));
    for id in given {
        let id = ContactId::parse(id).ok().filter(|_| given.len() <= MOST)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Some(ids)
}

/// Refuses more contacts than a touch may have.
pub(super) fn not_too_many(check: &mut Validator, field: &str, people: usize) {
    if people > MOST {
        check.fault(
            UserErrorCode::LimitExceeded,
            field,
            format!("A touch has at most {MOST} people; {people} were given."),
        );
    }
}

/// Adds the error that a contact belongs to another account.
pub(super) fn elsewhere(check: &mut Validator, field: &str, person: &str, account: &account::Model) {
    check.invalid(
        field,
        format!("{person} does not work at {}: a touch is with people of its own account.", account.name),
    );
}

/// Writes a selection that finds one row if the viewer sees the account, it is not archived, and all of these contacts belong
/// to it. The write of a new touch uses it as its condition. If it finds no row, [`missing`] returns the reason.
pub(super) fn are_there(viewer: &Viewer, id: AccountId, people: &[ContactId], sql: &mut Sql) {
    let (organization, account) = (sql.parameter(viewer.organization.id), sql.parameter(id));
    sql.push(&format!(
        "select 1 from account where organization_id = ${organization} and id = ${account} and archived_at is null and "
    ));
    viewer.sees_this(sql);
    let of_account = format!(
        "from contact where organization_id = ${organization} and account_id = ${account} and erased_at is null"
    );
    match people {
        [] => {}
        // The usual case, which is faster than counting.
        [one] => {
            sql.push(&format!(" and exists (select 1 {of_account} and id = ")).value(*one).push(")");
        }
        _ => {
            let of_these = sql.one_of(people.iter().map(|person| person.0));
            let count = sql.parameter(i64::try_from(people.len()).unwrap_or(i64::MAX));
            sql.push(&format!(" and ${count} = (select count(*) {of_account} and id {of_these})"));
        }
    }
}

/// Adds an error for the account or the contacts that a new touch refers to and that do not exist.
pub(super) async fn missing<C: ConnectionTrait>(
    connection: &C,
    viewer: &Viewer,
    check: &mut Validator,
    account: &ID,
    people: &[ID],
) -> Result<()> {
    let Some(account) = viewer.account_for(connection, check, "accountId", account).await? else { return Ok(()) };
    not_archived(check, "accountId", &account);
    named(connection, viewer, check, "contactIds", people, &account, "[]").await.map(drop)
}

/// Returns the contacts of an input in stored form. They must belong to the touch's account or be on the touch already.
pub(super) async fn named<C: ConnectionTrait>(
    connection: &C,
    viewer: &Viewer,
    check: &mut Validator,
    field: &str,
    given: &[ID],
    account: &account::Model,
    present: &str,
) -> Result<String> {
    not_too_many(check, field, given.len());
    if given.len() > MOST {
        return Ok(present.to_owned());
    }
    let present = read(present);
    let ids: Vec<ContactId> = given.iter().filter_map(|id| ContactId::parse(id).ok()).collect();
    let new: Vec<ContactId> = ids.iter().filter(|id| !present.contains(id)).copied().collect();
    let found = if new.is_empty() {
        Vec::new()
    } else {
        let people = viewer.contacts();
        people
            .filter(is_any_of(connection, contact::Column::Id, new))
            .filter(contact::Column::ErasedAt.is_null())
            .all(connection)
            .await?
    };
    for (at, id) in given.iter().enumerate() {
        let field = format!("{field}.{at}");
        let Some(id) = check.id::<ContactId>(&field, id) else { continue };
        if present.contains(&id) {
            continue;
        }
        match found.iter().find(|person| person.id == id) {
            None => check.not_found(&field, "contact"),
            Some(person) if person.account_id != account.id => elsewhere(check, &field, &person.name, account),
            Some(_) => {}
        }
    }
    Ok(stored(&ids))
}

/// Changes of the rows of `touch_contact` that follow from changes of touches.
#[derive(Debug, Default)]
pub(super) struct Parts {
    gone: Vec<TouchId>,
    come: Vec<touch_contact::ActiveModel>,
}

/// Returns the values of a touch that the rows of its contacts depend on.
fn basis(touch: &touch::Model) -> (&str, Instant, Option<Instant>) {
    (&touch.contact_ids, touch.at, answer_known_at(touch))
}

impl Parts {
    /// Adds the changes that follow from a change of a touch.
    pub(super) fn note(&mut self, before: Option<&touch::Model>, after: &touch::Model) {
        if before.is_some_and(|before| basis(before) == basis(after)) {
            return;
        }
        if before.is_some_and(|before| before.contact_ids != "[]") {
            self.gone.push(after.id);
        }
        if after.contact_ids != "[]" {
            let part = |contact_id| touch_contact::Model {
                touch_id: after.id,
                contact_id,
                organization_id: after.organization_id,
                at: after.at,
                answer_known_at: answer_known_at(after),
            };
            self.come.extend(read(&after.contact_ids).into_iter().map(|id| part(id).into_active_model().reset_all()));
        }
    }

    /// Writes the rows together with new touches that are the deferred rows of a write.
    pub(super) fn save_last(self, write: &mut Write<'_>) {
        write.defer_insert_rows::<touch_contact::Entity>(self.come);
    }

    /// Writes the rows after the touches have been saved.
    pub(super) async fn save(self, write: &Write<'_>) -> Result<()> {
        forget(write, self.gone).await?;
        Ok(database::bulk::insert::<touch_contact::Entity, _>(&write.tx, self.come, false).await?)
    }
}

/// Deletes the rows of the contacts of some touches.
pub(super) async fn forget(write: &Write<'_>, touches: Vec<TouchId>) -> Result<()> {
    if !touches.is_empty() {
        touch_contact::Entity::remove_of(write.organization())
            .filter(is_any_of(&write.tx, touch_contact::Column::TouchId, touches))
            .exec(&write.tx)
            .await?;
    }
    Ok(())
}

/// Returns the time zone of a user.
#[must_use]
pub fn zone_of(user: &user::Model) -> Tz {
    calendar::zone(&user.time_zone).unwrap_or(Tz::UTC)
}

fn to_be_made(organization: OrganizationId, user: UserId) -> sea_orm::Select<touch::Entity> {
    touch::Entity::of(organization)
        .filter(touch::Column::UserId.eq(user))
        .filter(touch::Column::Status.eq(touch::TouchStatus::Scheduled))
        .order_by_asc(touch::Column::Id)
        .lock_exclusive()
}

/// Gives all scheduled touches of a user, the missed ones too, to a successor, who joins the accounts' teams unless they see
/// them. The number of statements does not grow with the touches.
pub async fn hand_over(write: &mut Write<'_>, from: UserId, to: &user::Model) -> Result<()> {
    let zone = zone_of(to);
    let touches = to_be_made(write.organization(), from).all(&write.tx).await?;
    let wanted: Vec<(AccountId, UserId)> = touches.iter().map(|touch| (touch.account_id, to.id)).collect();
    let moved = touches.into_iter().map(|before| {
        let after = touch::Model { user_id: to.id, missed_at: missed_at(before.at, zone), ..before.clone() };
        (Some(before), after)
    });
    write.save(moved.collect()).await?;
    if !wanted.is_empty() {
        team::join(write, write.organization(), &wanted).await?;
    }
    Ok(())
}

/// Lets a user's touches that are still to be made be missed at the end of their days in the user's time zone, after that
/// has changed. It follows from what is stored: no version goes up, and the feed has the user's change alone.
pub async fn follow_zone(write: &Write<'_>, user: &user::Model) -> Result<()> {
    let zone = zone_of(user);
    let touches = to_be_made(write.organization(), user.id).all(&write.tx).await?;
    let moved: Vec<touch::ActiveModel> = touches
        .into_iter()
        .filter(|touch| touch.missed_at != missed_at(touch.at, zone))
        .map(|touch| touch::Model { missed_at: missed_at(touch.at, zone), ..touch }.into_active_model().reset_all())
        .collect();
    Ok(database::bulk::insert::<touch::Entity, _>(&write.tx, moved, true).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::touch::write::tests::touch;

    #[test]
    fn people_are_stored_once_and_in_their_order() {
        let (ann, ben) = (ContactId::make(), ContactId::make());
        assert_eq!(stored(&[]), "[]");
        assert_eq!(stored(&[ben, ann, ben]), format!("[\"{ben}\",\"{ann}\"]"));
        assert_eq!(read(&stored(&[ben, ann, ben])), [ben, ann]);
        assert!(read("not JSON").is_empty());
    }

    #[test]
    fn parts_follow_people_time_and_answer() {
        let before = touch::Model { contact_ids: stored(&[ContactId::make()]), ..touch() };
        let counts = |before: Option<&touch::Model>, after: &touch::Model| {
            let mut parts = Parts::default();
            parts.note(before, after);
            (parts.gone.len(), parts.come.len())
        };
        assert_eq!(counts(None, &touch()), (0, 0));
        assert_eq!(counts(None, &before), (0, 1));
        assert_eq!(counts(Some(&before), &touch::Model { notes: Some("x".to_owned()), ..before.clone() }), (0, 0));
        assert_eq!(counts(Some(&before), &touch::Model { at: before.at.plus_seconds(1), ..before.clone() }), (1, 1));
        assert_eq!(counts(Some(&before), &touch::Model { contact_ids: "[]".to_owned(), ..before.clone() }), (1, 0));
        let answered = touch::Model { responded: true, status: touch::TouchStatus::Completed, ..before.clone() };
        assert_eq!(counts(Some(&before), &answered), (1, 1));
        let later = touch::Model { known_at: answered.known_at.plus_seconds(1), ..answered.clone() };
        assert_eq!(counts(Some(&answered), &later), (1, 1));
    }
}
