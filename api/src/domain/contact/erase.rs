//! Erasing a person permanently: from the row, from the values in the feed, and from later imports.
//!
//! The feed stays complete. Its events are rewritten so that none contains a personal value and replaying them yields
//! the current row. A keyed hash of each address and external id keeps an import from restoring the person, and does
//! not reveal who they were. Only imports are blocked: a user may create a new contact for a person who returns. The
//! notes of touches are free text, and removing a person from them is left to their authors.

use std::collections::{BTreeSet, HashSet};

use entity::{ContactId, Id, Scoped, contact, erasure, event, external_id, import_change, import_record};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::{Map, Value, json};

use super::ContactPayload;
use super::acquaintance::Acquaintances;
use super::write::{EraseContactInput, seen};
use crate::auth::secrets::{Trace, erasure_mark};
use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::upsert::named;
use crate::error::{Error, Result, UserErrorCode};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::external_ids::{ExternalIdInput, read};
use crate::write::validator::Validator;

/// The name of an erased contact.
pub(super) const NAME: &str = "Erased person";

/// The fields of a contact that identify the person.
const PERSONAL: [&str; 7] = ["name", "title", "department", "email", "phone", "externalIds", "customFields"];

/// The number of events rewritten in one statement.
const CHUNK: usize = 500;

/// Executes `eraseContact`.
pub async fn erase(ctx: &RequestContext, input: EraseContactInput) -> Result<ContactPayload> {
    let viewer = ctx.viewer()?;
    let organization = viewer.organization.id;
    let mut write = Write::begin(ctx)?;
    let before = seen(viewer, &write, &["input", "id"], &input.id).await?;
    let account = viewer.account(&write.tx, before.account_id, false).await?;
    if account.is_none_or(|account| viewer.access(&account) != AccountAccess::Responsible) {
        let message = "Only the account's owner, their managers and admins may do this.";
        return Err(Error::refused(UserErrorCode::Forbidden, &["input", "id"], message));
    }
    let mut check = Validator::input();
    check.version(input.if_version, before.version);
    check.finish()?;
    if before.erased_at.is_some() {
        write.roll_back().await?;
        return Ok(ContactPayload::of(before));
    }
    // Every change of a contact locks its row, which is locked here, so all of its events are committed.
    let events = event::Entity::of(organization)
        .filter(event::Column::SubjectId.eq(before.id.uuid()))
        .order_by_asc(event::Column::Seq)
        .all(&write.tx)
        .await?;
    let events: Vec<(i64, Map<String, Value>)> =
        events.into_iter().map(|event| (event.seq, serde_json::from_str(&event.changes).unwrap_or_default())).collect();

    mark(viewer, &write, &before, traces(&before, &events)).await?;
    rewrite(&write, events).await?;
    external_id::Entity::remove_of(organization)
        .filter(external_id::Column::SubjectId.eq(before.id.uuid()))
        .exec(&write.tx)
        .await?;
    // Imports remember what they wrote, and what was there before.
    import_record::Entity::remove_of(organization)
        .filter(import_record::Column::SubjectId.eq(before.id.uuid()))
        .exec(&write.tx)
        .await?;
    import_change::Entity::remove_of(organization)
        .filter(import_change::Column::SubjectId.eq(before.id.uuid()))
        .exec(&write.tx)
        .await?;
    // The event of the erasure starts from the row without personal values, as the feed now has it.
    let before = impersonal(&before);
    let after = contact::Model {
        archived_at: before.archived_at.or(Some(write.at)),
        erased_at: Some(write.at),
        ..before.clone()
    };
    let after = write.change(&before, after).await?;
    write.rename_last_event("erased");
    Acquaintances::of(&write, Some(&before), &after).save(&write).await?;
    write.commit().await?;
    Ok(ContactPayload::of(after))
}

/// Returns the contact without personal values.
fn impersonal(contact: &contact::Model) -> contact::Model {
    contact::Model {
        name: NAME.to_owned(),
        name_key: fold(NAME),
        title: None,
        title_key: None,
        department: None,
        email: None,
        phone: None,
        external_ids: "[]".to_owned(),
        custom_fields: "{}".to_owned(),
        ..contact.clone()
    }
}

/// Returns the value that replaces a personal one in an event: the value of the erased row.
fn stand_in(field: &str) -> Value {
    match field {
        "name" => json!(NAME),
        "externalIds" => json!([]),
        "customFields" => json!({}),
        _ => Value::Null,
    }
}

/// Returns the changes of an event without personal values. A field that no longer changes is left out, so that each
/// event still starts where the previous one ended.
fn without_person(changes: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (field, change) in changes {
        if !PERSONAL.contains(&field.as_str()) {
            kept.insert(field.clone(), change.clone());
            continue;
        }
        let value =
            |side: &str| change.get(side).filter(|value| !value.is_null()).map_or(Value::Null, |_| stand_in(field));
        let (from, to) = (value("from"), value("to"));
        if from != to {
            kept.insert(field.clone(), json!({"from": from, "to": to}));
        }
    }
    kept
}

/// Removes personal values from events in place, so that they keep their positions in the feed.
async fn rewrite(write: &Write<'_>, events: Vec<(i64, Map<String, Value>)>) -> Result<()> {
    let rewritten: Vec<(i64, String)> = events
        .into_iter()
        .filter_map(|(seq, changes)| {
            let kept = without_person(&changes);
            (kept != changes).then(|| (seq, Value::Object(kept).to_string()))
        })
        .collect();
    for chunk in rewritten.chunks(CHUNK) {
        let cases = chunk.iter().fold(CaseStatement::new(), |cases, (seq, changes)| {
            cases.case(Expr::col(event::Column::Seq).eq(*seq), Expr::val(changes.as_str()))
        });
        event::Entity::change_of(write.organization())
            .col_expr(event::Column::Changes, cases.finally(Expr::col(event::Column::Changes)).into())
            .filter(event::Column::Seq.is_in(chunk.iter().map(|(seq, _)| *seq)))
            .exec(&write.tx)
            .await?;
    }
    Ok(())
}

/// The values that identify a person in an import.
#[derive(Debug, Default, PartialEq, Eq)]
struct Traces {
    emails: BTreeSet<String>,
    external_ids: BTreeSet<(String, String)>,
}

/// Returns all addresses and external ids that a contact has or had.
fn traces(contact: &contact::Model, events: &[(i64, Map<String, Value>)]) -> Traces {
    let mut traces = Traces {
        emails: contact.email.iter().cloned().collect(),
        external_ids: read(&contact.external_ids).into_iter().collect(),
    };
    let values = |field: &'static str| {
        events
            .iter()
            .filter_map(move |(_, changes)| changes.get(field))
            .flat_map(|change| [&change["from"], &change["to"]])
    };
    traces.emails.extend(values("email").filter_map(Value::as_str).map(str::to_owned));
    let names = values("externalIds").filter_map(Value::as_array).flatten();
    traces
        .external_ids
        .extend(names.filter_map(|name| Some((name["source"].as_str()?.to_owned(), name["id"].as_str()?.to_owned()))));
    traces
}

/// Saves the marks that keep imports from restoring the person: those of the current values, and those of previous
/// values that no other contact has now.
async fn mark(viewer: &Viewer, write: &Write<'_>, contact: &contact::Model, traces: Traces) -> Result<()> {
    let Traces { emails, external_ids } = traces;
    let names: Vec<ExternalIdInput> =
        external_ids.iter().map(|(source, id)| ExternalIdInput { source: source.clone(), id: id.clone() }).collect();
    let named = named(&write.tx, viewer, ContactId::PREFIX, &names).await?;
    let others: HashSet<String> = contact::Entity::of(viewer.organization.id)
        .filter(contact::Column::Email.is_in(emails.iter().cloned()))
        .filter(contact::Column::Id.ne(contact.id))
        .all(&write.tx)
        .await?
        .into_iter()
        .filter_map(|other| other.email)
        .collect();
    let key = &viewer.organization.erasure_key;
    let emails = emails
        .iter()
        .filter(|email| contact.email.as_ref() == Some(*email) || !others.contains(*email))
        .map(|email| erasure_mark(key, Trace::Email(email)));
    let external_ids = external_ids
        .iter()
        .filter(|name| named.get(*name).is_none_or(|subject| *subject == contact.id.uuid()))
        .map(|(source, id)| erasure_mark(key, Trace::ExternalId { source, id }));
    let rows: Vec<erasure::ActiveModel> = emails
        .chain(external_ids)
        .map(|mark| {
            erasure::Model { organization_id: viewer.organization.id, mark: mark.to_vec(), at: write.at }
                .into_active_model()
                .reset_all()
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    // A previous erasure may have left the same mark.
    let key = OnConflict::columns([erasure::Column::OrganizationId, erasure::Column::Mark]).do_nothing().to_owned();
    erasure::Entity::insert_many(rows).on_conflict(key).exec_without_returning(&write.tx).await?;
    Ok(())
}

/// The marks of erased people that match values in the rows of an import.
#[derive(Debug, Default)]
pub(super) struct Marks(HashSet<[u8; 32]>);

impl Marks {
    /// Looks up the marks of all values in one statement.
    pub(super) async fn of<C: ConnectionTrait>(
        connection: &C,
        viewer: &Viewer,
        traces: impl IntoIterator<Item = Trace<'_>>,
    ) -> Result<Self> {
        let key = &viewer.organization.erasure_key;
        let marks: Vec<Vec<u8>> = traces.into_iter().map(|trace| erasure_mark(key, trace).to_vec()).collect();
        if marks.is_empty() {
            return Ok(Self::default());
        }
        let found = erasure::Entity::of(viewer.organization.id)
            .filter(erasure::Column::Mark.is_in(marks))
            .all(connection)
            .await?;
        Ok(Self(found.into_iter().filter_map(|row| row.mark.try_into().ok()).collect()))
    }

    /// Returns whether an erased person had this value.
    pub(super) fn have(&self, viewer: &Viewer, trace: Trace<'_>) -> bool {
        !self.0.is_empty() && self.0.contains(&erasure_mark(&viewer.organization.erasure_key, trace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_event_loses_its_personal_values_and_keeps_the_rest() {
        let created = changes(&json!({
            "name": {"from": null, "to": "Ann Lee"},
            "email": {"from": null, "to": "ann@acme.com"},
            "relationship": {"from": null, "to": "KNOWN"},
            "externalIds": {"from": null, "to": [{"source": "crm", "id": "1"}]},
            "customFields": {"from": null, "to": {"birthday": "1970-01-01"}},
        }));
        let expected = json!({
            "name": {"from": null, "to": "Erased person"},
            "relationship": {"from": null, "to": "KNOWN"},
            "externalIds": {"from": null, "to": []},
            "customFields": {"from": null, "to": {}},
        });
        assert_eq!(without_person(&created), changes(&expected));
    }

    #[test]
    fn a_field_that_no_longer_changes_is_left_out() {
        let updated = changes(&json!({
            "name": {"from": "Ann Lee", "to": "Ann Low"},
            "title": {"from": "CEO", "to": null},
            "externalIds": {"from": [], "to": [{"source": "crm", "id": "1"}]},
            "doNotContact": {"from": false, "to": true},
        }));
        assert_eq!(without_person(&updated), changes(&json!({"doNotContact": {"from": false, "to": true}})));
        assert_eq!(without_person(&without_person(&updated)), without_person(&updated));
    }
}
