//! What becomes of the rows of a batch.

use serde_json::{Map, Value};

use super::columns::{object, shown, values};
use super::{Given, Hints, RecordKey, Recorded, RowPlan, records};
use crate::context::RequestContext;
use crate::error::Result;
use crate::import::target::{ExternalIdInput, Json, MaybeUndefined};
use crate::write::AuditedRow;

/// Decides what becomes of the rows of a batch, and leaves out of them what people changed since the last import.
///
/// # Errors
/// The database's.
pub async fn plan<R: Recorded + Send>(
    context: &RequestContext,
    rows: &mut [R],
    hints: &[Hints],
    source: &str,
) -> Result<Vec<RowPlan<R::Model>>> {
    let keys: Vec<Option<RecordKey>> = rows.iter().map(|row| row.key().and_then(tidy)).collect();
    let all: Vec<RecordKey> = keys.iter().flatten().cloned().collect();
    let mut present = R::find(context, &all).await?;
    let mut given = records(context, <R::Model as AuditedRow>::NOUN, &all).await?;
    let mut plans = Vec::with_capacity(rows.len());
    for ((row, hints), key) in rows.iter_mut().zip(hints).zip(keys) {
        let mut plan = RowPlan {
            before: key.as_ref().and_then(|key| present.remove(key)),
            given: key.as_ref().and_then(|key| given.remove(key)),
            key,
            left_alone: Vec::new(),
            skipped: None,
            notes: Vec::new(),
            columns: Vec::new(),
            custom: Vec::new(),
        };
        match (&plan.before, &plan.given) {
            (None, Some(_)) => {
                plan.skipped = Some("was deleted here since an earlier import, and stays deleted".to_owned());
            }
            (Some(_), Some(known)) if known.sequence > hints.sequence && hints.sequence.is_some() => {
                plan.skipped = Some(format!("is an older version than the one that was imported from {source}"));
            }
            _ => {}
        }
        leave_alone(row, hints, &mut plan);
        plans.push(plan);
    }
    Ok(plans)
}

/// Returns a key as the upserts store it.
fn tidy((source, id): RecordKey) -> Option<RecordKey> {
    crate::write::external_ids::key(&ExternalIdInput { source, id })
}

fn leave_alone<R: Recorded>(row: &mut R, hints: &Hints, plan: &mut RowPlan<R::Model>) {
    let now = plan.before.as_ref().map(values);
    let unknown = Given::default();
    let given = plan.given.as_ref().unwrap_or(&unknown);
    if let Some(now) = &now {
        for field in row.fields() {
            if field.value.is_given() && field.columns.iter().any(|column| given.differs(now, column)) {
                field.value.leave_out();
                // A guess is not in the file, and a field that is only protected was not changed itself.
                let changed = field.columns.first().is_some_and(|column| given.differs(now, column));
                if changed && !hints.guesses.contains(&field.name) {
                    plan.left_alone.push(shown(field.name));
                }
            }
        }
        let theirs = object(now.get("custom_fields"));
        let base = given.values.get("custom_fields").map(|fields| object(Some(fields)));
        if let (Some(fields), Some(base)) = (row.custom_fields(), base) {
            let left = leave_custom_alone(fields, &theirs, &base);
            plan.left_alone.extend(left.into_iter().map(|key| format!("customFields.{key}")));
        }
    }
    if let Some(before) = &plan.before {
        let dropped: Vec<&str> =
            hints.guesses.iter().copied().filter(|guess| !row.guess_applies(guess, before, given)).collect();
        for field in row.fields() {
            if dropped.contains(&field.name) {
                field.value.leave_out();
            }
        }
        row.adapt(before, given);
    }
    for field in row.fields() {
        if field.value.is_given() {
            plan.columns.extend(field.columns.first());
        }
    }
    if let Some(MaybeUndefined::Value(Json(json))) = row.custom_fields() {
        plan.custom = serde_json::from_str::<Map<String, Value>>(json)
            .unwrap_or_default()
            .into_iter()
            .map(|(key, _)| key)
            .collect();
    }
}

/// Leaves the custom fields out that people changed, and returns their keys.
fn leave_custom_alone(
    fields: &mut MaybeUndefined<Json<String>>,
    now: &Map<String, Value>,
    base: &Map<String, Value>,
) -> Vec<String> {
    let MaybeUndefined::Value(Json(json)) = fields else { return Vec::new() };
    let mut wanted: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let left: Vec<String> =
        wanted.keys().filter(|key| base.contains_key(*key) && base.get(*key) != now.get(*key)).cloned().collect();
    if left.is_empty() {
        return left;
    }
    wanted.retain(|key, _| !left.contains(key));
    *fields = if wanted.is_empty() {
        MaybeUndefined::Undefined
    } else {
        MaybeUndefined::Value(Json(Value::Object(wanted).to_string()))
    };
    left
}
