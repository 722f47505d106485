//! Notes of what a run wrote, in the transactions that write it.

use std::collections::{HashMap, HashSet};

use entity::{OrganizationId, Scoped, import_change, import_record, import_run, touch};
use sea_orm::{ActiveModelTrait as _, ColumnTrait, IntoActiveModel as _, QueryFilter};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::columns::{object, values};
use super::{Given, Hints, RecordKey, Recorded, RowPlan, fetch_by_ids, fetch_over};
use crate::context::RequestContext;
use crate::domain::upsert::UpsertStatus;
use crate::error::Result;
use crate::write::{AuditedRow, Write};
use database::bulk;
use database::columns::is_any_of;

/// Starts a run whose changes are noted.
///
/// # Errors
/// The database's.
pub async fn start(context: &RequestContext, kind: &str, source: &str, files: &str) -> Result<Run> {
    let viewer = context.viewer()?;
    let id = Uuid::now_v7();
    let row = import_run::Model {
        id,
        organization_id: viewer.organization.id,
        actor_id: viewer.user.id,
        at: context.now,
        kind: kind.to_owned(),
        source: source.to_owned(),
        files: files.to_owned(),
        undone_at: None,
    };
    let write = Write::begin(context)?;
    bulk::insert::<import_run::Entity, _>(&write.tx, vec![row.into_active_model().reset_all()], false).await?;
    write.commit().await?;
    Ok(Run { id, changes: 0 })
}

/// Returns the ids in a source of touches that are still to come and whose status is the one that an import gave them.
///
/// # Errors
/// The database's.
pub async fn scheduled_touches(context: &RequestContext, source: &str) -> Result<Vec<String>> {
    let found = import_record::Entity::of(context.viewer()?.organization.id)
        .filter(import_record::Column::Noun.eq(touch::Model::NOUN))
        .filter(import_record::Column::Source.eq(source))
        .all(context.reader())
        .await?;
    let mut ids = Vec::new();
    for some in found.chunks(500) {
        let touches = fetch_by_ids::<touch::Model>(context, some.iter().map(|row| row.subject_id)).await?;
        for row in some {
            let Some(touch) = touches.get(&row.subject_id) else { continue };
            let is_scheduled = touch.status == touch::TouchStatus::Scheduled && touch.at > context.now;
            if is_scheduled && !Given::read(row).differs(&values(touch), "status") {
                ids.push(row.external_id.clone());
            }
        }
    }
    Ok(ids)
}

/// Removes the records of rows that the import itself takes away, so that they may come again.
///
/// # Errors
/// The database's.
pub async fn forget(write: &Write<'_>, subjects: Vec<Uuid>) -> Result<()> {
    import_record::Entity::remove_of(write.organization())
        .filter(is_any_of(&write.tx, import_record::Column::SubjectId, subjects))
        .exec(&write.tx)
        .await?;
    Ok(())
}

/// Notes that rows got back earlier values of some columns, so that they count as given by an import. Each is given with
/// its id, and the values by column.
///
/// # Errors
/// The database's.
pub async fn restore(write: &Write<'_>, restored: &HashMap<Uuid, Map<String, Value>>) -> Result<()> {
    if restored.is_empty() {
        return Ok(());
    }
    let known = import_record::Entity::of(write.organization())
        .filter(is_any_of(&write.tx, import_record::Column::SubjectId, restored.keys().copied()))
        .all(&write.tx)
        .await?;
    let mut noted = Vec::new();
    for row in known {
        let Some(values) = restored.get(&row.subject_id) else { continue };
        let mut given = Given::read(&row);
        for (column, value) in values.iter().filter(|(column, _)| *column != "custom_fields") {
            given.values.insert(column.clone(), value.clone());
        }
        if let (Some(Value::Object(base)), Some(fields)) =
            (given.values.get_mut("custom_fields"), values.get("custom_fields"))
        {
            let fields = object(Some(fields));
            base.retain(|key, _| fields.contains_key(key));
            base.iter_mut().for_each(|(key, value)| *value = fields[key].clone());
        }
        let key = (row.source, row.external_id);
        noted.push(record(row.organization_id, &row.noun, &key, &given));
    }
    bulk::insert::<import_record::Entity, _>(&write.tx, noted, true).await?;
    Ok(())
}

/// A run whose changes are noted.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// Changes noted so far.
    pub changes: i32,
}

/// A row that was written: the given row, its plan, what the import knows of it, its id and what became of it.
pub type WrittenRow<'a, R> = (&'a R, &'a RowPlan<<R as Recorded>::Model>, &'a Hints, Uuid, UpsertStatus);

/// Notes what a batch wrote, before it is committed: the values that its rows got, and what the run changed. Returns the
/// number of changes of the run so far.
///
/// # Errors
/// The database's.
pub async fn save<R: Recorded>(
    context: &RequestContext,
    write: &Write<'_>,
    run: &Run,
    rows: &[WrittenRow<'_, R>],
) -> Result<i32> {
    let needed = rows.iter().filter(|(_, plan, ..)| plan.skipped.is_none());
    let ids = needed.clone().map(|(_, _, _, id, _)| *id);
    let after = fetch_over::<_, R::Model>(&write.tx, context, ids).await?;
    let organization = write.organization();
    let mut run = *run;
    let (mut noted, mut changes) = (Vec::new(), Vec::new());
    let mut seen: HashSet<&RecordKey> = HashSet::new();
    for (row, plan, hints, id, status) in needed {
        let Some(after) = after.get(id) else { continue };
        let now = values(after);
        if let Some(key) = plan.key.as_ref().filter(|key| seen.insert(key)) {
            let given = new_given(*row, plan, hints, &now, *id);
            if plan.given.as_ref() != Some(&given) {
                noted.push(record(organization, <R::Model as AuditedRow>::NOUN, key, &given));
            }
        }
        // What a row was before it was found by another key than its id is not known.
        let is_known = plan.before.is_some() || *status == UpsertStatus::Created;
        if is_known && let Some(change) = change(organization, &mut run, plan.before.as_ref(), after, &now) {
            changes.push(change);
        }
    }
    bulk::insert::<import_record::Entity, _>(&write.tx, noted, true).await?;
    bulk::insert::<import_change::Entity, _>(&write.tx, changes, false).await?;
    Ok(run.changes)
}

fn new_given<R: Recorded>(
    row: &R,
    plan: &RowPlan<R::Model>,
    hints: &Hints,
    now: &Map<String, Value>,
    id: Uuid,
) -> Given {
    let mut given = plan.given.clone().unwrap_or_default();
    given.subject = id;
    given.sequence = hints.sequence.or(given.sequence);
    let is_new = plan.before.is_none();
    if is_new {
        given.invented = row.invented().into_iter().map(str::to_owned).collect();
        given.values =
            now.iter().filter(|(column, _)| *column != "external_ids").map(|(k, v)| (k.clone(), v.clone())).collect();
        given.values.remove("custom_fields");
    }
    // What follows from the import's own change is no change by a person.
    if let Some(before) = plan.before.as_ref().map(values) {
        let changed = now.iter().filter(|(column, value)| before.get(*column) != Some(value));
        for (column, value) in
            changed.filter(|(column, _)| !matches!(column.as_str(), "external_ids" | "custom_fields"))
        {
            given.values.insert(column.clone(), value.clone());
        }
    }
    given.invented.retain(|column| is_new || !plan.columns.contains(&column.as_str()));
    for column in plan.columns.iter().copied().chain(given.invented.iter().map(String::as_str)).collect::<Vec<_>>() {
        if let Some(value) = now.get(column) {
            given.values.insert(column.to_owned(), value.clone());
        }
    }
    if !plan.custom.is_empty() {
        let stored = object(now.get("custom_fields"));
        let mut base = object(given.values.get("custom_fields"));
        for key in &plan.custom {
            if let Some(value) = stored.get(key) {
                base.insert(key.clone(), value.clone());
            }
        }
        given.values.insert("custom_fields".to_owned(), Value::Object(base));
    }
    given
}

fn record(
    organization: OrganizationId,
    noun: &str,
    (source, id): &RecordKey,
    given: &Given,
) -> import_record::ActiveModel {
    import_record::Model {
        organization_id: organization,
        noun: noun.to_owned(),
        source: source.clone(),
        external_id: id.clone(),
        subject_id: given.subject,
        given: given.text(),
        sequence: given.sequence,
    }
    .into_active_model()
    .reset_all()
}

fn change<M: AuditedRow>(
    organization: OrganizationId,
    run: &mut Run,
    before: Option<&M>,
    after: &M,
    now: &Map<String, Value>,
) -> Option<import_change::ActiveModel> {
    let mut now = now.clone();
    let old = match before {
        Some(before) => {
            let mut old = values(before);
            now.retain(|column, value| old.get(column) != Some(value));
            if now.is_empty() {
                return None;
            }
            old.retain(|column, _| now.contains_key(column));
            Some(old)
        }
        None => None,
    };
    run.changes += 1;
    Some(
        import_change::Model {
            run_id: run.id,
            number: run.changes,
            organization_id: organization,
            noun: M::NOUN.to_owned(),
            subject_id: after.uuid(),
            before: old.map(|old| Value::Object(old).to_string()),
            after: Value::Object(now).to_string(),
        }
        .into_active_model()
        .reset_all(),
    )
}
