//! What imports wrote: the values that a row last got from an import, and what each run changed.
//!
//! Before a batch is written, [`plan`] compares the rows as they are now with the values that the last import gave them.
//! A value that differs was changed by a person since, and is left alone. After the batch, [`save`] notes the new values,
//! and what the run changed, by which `--undo` takes it back.

use std::collections::{HashMap, HashSet};

use entity::{OrganizationId, Scoped, import_change, import_record, import_run, touch};
use sea_orm::sea_query::Cond;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, EntityTrait, FromQueryResult, IdenStatic as _, IntoActiveModel as _,
    Iterable as _, ModelTrait, PrimaryKeyToColumn as _, QueryFilter,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::target::{ExternalIdInput, Json, MaybeUndefined};
use crate::context::RequestContext;
use crate::domain::upsert::{UpsertStatus, named};
use crate::error::Result;
use crate::write::{AuditedRow, Write};
use database::bulk;
use database::columns::is_any_of;

/// The source and the id of a row there.
pub type RecordKey = (String, String);

/// What the importer knows of a row beyond the row itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Fields that the file does not say and the importer guessed; they apply to new rows only.
    pub guesses: Vec<&'static str>,
    /// How often the source has changed the row, where the source counts that.
    pub sequence: Option<i64>,
    /// Whether the row was deleted in its source.
    pub deleted: bool,
}

/// A value of a row that may be left out.
pub trait LeaveOut {
    /// Whether the row has the value.
    fn is_given(&self) -> bool;
    /// Leaves the value out, so that the field stays as it is.
    fn leave_out(&mut self);
}

impl<T> LeaveOut for MaybeUndefined<T> {
    fn is_given(&self) -> bool {
        !self.is_undefined()
    }

    fn leave_out(&mut self) {
        *self = Self::Undefined;
    }
}

/// A field of a row of an import.
pub struct ImportedField<'a> {
    /// The field's name in the row.
    pub name: &'static str,
    /// The columns whose change by a person protects the field, the field's own first.
    pub columns: &'static [&'static str],
    /// The value.
    pub value: &'a mut (dyn LeaveOut + Send),
}

/// The values that a row last got from an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The row here.
    pub subject: Uuid,
    /// By column.
    pub values: Map<String, Value>,
    /// The columns whose values the import made up.
    pub invented: Vec<String>,
    /// How often the source had changed the row.
    pub sequence: Option<i64>,
}

impl Given {
    fn read(row: &import_record::Model) -> Self {
        let mut given: Map<String, Value> = serde_json::from_str(&row.given).unwrap_or_default();
        let values = match given.remove("values") {
            Some(Value::Object(values)) => values,
            _ => Map::new(),
        };
        let invented = given.remove("invented").and_then(|list| serde_json::from_value(list).ok()).unwrap_or_default();
        Self { subject: row.subject_id, values, invented, sequence: row.sequence }
    }

    fn text(&self) -> String {
        serde_json::json!({"values": self.values, "invented": self.invented}).to_string()
    }

    /// Whether a person changed a column since the last import.
    #[must_use]
    pub fn differs(&self, now: &Map<String, Value>, column: &str) -> bool {
        self.values.get(column).is_some_and(|given| now.get(column) != Some(given))
    }

    /// Whether nothing that the import gave was changed since.
    #[must_use]
    pub fn is_untouched(&self, now: &Map<String, Value>) -> bool {
        self.values.keys().all(|column| !self.differs(now, column))
    }
}

/// What is to become of a row of a batch.
pub struct RowPlan<M> {
    /// The row's key.
    pub key: Option<RecordKey>,
    /// The row as it is.
    pub before: Option<M>,
    /// The values that the last import gave it.
    pub given: Option<Given>,
    /// Fields that people changed since, which are left alone.
    pub left_alone: Vec<String>,
    /// Why the row is not written at all.
    pub skipped: Option<String>,
    /// What else is worth a note.
    pub notes: Vec<String>,
    /// The columns that the row gives.
    columns: Vec<&'static str>,
    /// The keys of custom fields that the row gives.
    custom: Vec<String>,
}

/// A row whose changes are noted.
pub trait Recorded: Sized {
    /// The table's row.
    type Model: AuditedRow + FromQueryResult;
    /// Returns the key by which the source knows the row; None where it has none.
    fn key(&self) -> Option<RecordKey>;
    /// Returns the fields of the row, but for custom fields.
    fn fields(&mut self) -> Vec<ImportedField<'_>>;
    /// Returns the custom fields of the row.
    fn custom_fields(&mut self) -> Option<&mut MaybeUndefined<Json<String>>> {
        None
    }
    /// Whether a guess applies to a row that exists.
    fn guess_applies(&self, _name: &str, _before: &Self::Model, _given: &Given) -> bool {
        false
    }
    /// Returns the columns that a new row gets although the row does not give them, which the import makes up.
    fn invented(&self) -> Vec<&'static str> {
        Vec::new()
    }
    /// Adapts the row to what is known of it.
    fn adapt(&mut self, _before: &Self::Model, _given: &Given) {}
    /// Prepares the organization for the rows, and the rows for what cannot be prepared.
    fn settle(
        _context: &RequestContext,
        _rows: &mut [Self],
        _plans: &mut [RowPlan<Self::Model>],
        _dry_run: bool,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
    /// Takes a row away that was deleted in its source, as the mutation for people does.
    fn remove(context: &RequestContext, row: &Self::Model) -> impl Future<Output = Result<()>> + Send;
    /// Returns the rows of these keys.
    fn find(
        context: &RequestContext,
        keys: &[RecordKey],
    ) -> impl Future<Output = Result<HashMap<RecordKey, Self::Model>>> + Send {
        find(context, keys)
    }
}

/// Returns the rows that have these external ids.
async fn find<M: AuditedRow>(context: &RequestContext, keys: &[RecordKey]) -> Result<HashMap<RecordKey, M>> {
    let viewer = context.viewer()?;
    let names: Vec<ExternalIdInput> =
        keys.iter().map(|(source, id)| ExternalIdInput { source: source.clone(), id: id.clone() }).collect();
    let named = named(context.reader(), viewer, M::NOUN, &names).await?;
    let found = fetch_by_ids::<M>(context, named.values().copied()).await?;
    Ok(named.into_iter().filter_map(|(key, id)| Some((key, found.get(&id)?.clone()))).collect())
}

/// Returns rows by their ids.
pub async fn fetch_by_ids<M: AuditedRow>(
    context: &RequestContext,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, M>> {
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let Some(key) = <M::Table as EntityTrait>::PrimaryKey::iter().next().filter(|_| !ids.is_empty()) else {
        return Ok(HashMap::new());
    };
    let organization = context.viewer()?.organization.id;
    let rows = M::Table::of(organization)
        .filter(is_any_of(context.reader(), key.into_column(), ids))
        .all(context.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.uuid(), row)).collect())
}

/// Columns that say nothing of a row itself.
const BOOKKEEPING: [&str; 5] = ["id", "organization_id", "created_at", "updated_at", "version"];

/// Returns the field whose case-folded value a column holds, for a column such as `name_key`. It never changes by itself.
#[must_use]
pub fn source_of_key(column: &str) -> Option<&str> {
    column.strip_suffix("_key")
}

/// Returns the values of a row by column.
#[must_use]
pub fn values<M: AuditedRow>(row: &M) -> Map<String, Value> {
    let columns = <M::Table as EntityTrait>::Column::iter().filter(|column| !BOOKKEEPING.contains(&column.as_str()));
    columns.map(|column| (column.as_str().to_owned(), json(&ModelTrait::get(row, column)))).collect()
}

fn json(value: &sea_orm::Value) -> Value {
    match value {
        sea_orm::Value::Bool(value) => (*value).into(),
        sea_orm::Value::Int(value) => (*value).into(),
        sea_orm::Value::BigInt(value) => (*value).into(),
        sea_orm::Value::Double(value) => (*value).into(),
        sea_orm::Value::String(value) => value.clone().into(),
        sea_orm::Value::Uuid(value) => value.map(|id| id.simple().to_string()).into(),
        _ => Value::Null,
    }
}

/// Puts a value back into a column; false where it does not fit.
pub fn put<M: AuditedRow>(row: &mut M, column: &str, value: &Value) -> bool {
    let Some(column) = <M::Table as EntityTrait>::Column::iter().find(|known| known.as_str() == column) else {
        return false;
    };
    let integer = value.as_i64();
    let value = match ModelTrait::get(row, column) {
        sea_orm::Value::Bool(_) => sea_orm::Value::Bool(value.as_bool()),
        sea_orm::Value::Int(_) => sea_orm::Value::Int(integer.and_then(|number| i32::try_from(number).ok())),
        sea_orm::Value::BigInt(_) => sea_orm::Value::BigInt(integer),
        sea_orm::Value::Double(_) => sea_orm::Value::Double(value.as_f64()),
        sea_orm::Value::String(_) => sea_orm::Value::String(value.as_str().map(Into::into)),
        sea_orm::Value::Uuid(_) => sea_orm::Value::Uuid(value.as_str().and_then(|text| Uuid::parse_str(text).ok())),
        _ => return false,
    };
    row.try_set(column, value).is_ok()
}

/// Returns the records of these keys of a noun.
pub async fn records(context: &RequestContext, noun: &str, keys: &[RecordKey]) -> Result<HashMap<RecordKey, Given>> {
    let mut by_source: HashMap<&str, Vec<String>> = HashMap::new();
    for (source, id) in keys {
        by_source.entry(source).or_default().push(id.clone());
    }
    if by_source.is_empty() {
        return Ok(HashMap::new());
    }
    let mut any = Cond::any();
    for (source, ids) in by_source {
        let of_source = import_record::Column::Source.eq(source);
        any = any.add(Cond::all().add(of_source).add(is_any_of(
            context.reader(),
            import_record::Column::ExternalId,
            ids,
        )));
    }
    let found = import_record::Entity::of(context.viewer()?.organization.id)
        .filter(import_record::Column::Noun.eq(noun))
        .filter(any)
        .all(context.reader())
        .await?;
    Ok(found.into_iter().map(|row| ((row.source.clone(), row.external_id.clone()), Given::read(&row))).collect())
}

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
                    plan.left_alone.push(field.name.to_owned());
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

/// Returns the fields of a JSON object that is stored as text.
fn object(stored: Option<&Value>) -> Map<String, Value> {
    match stored {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
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

/// Whether a row is archived.
#[must_use]
pub fn is_archived<M: AuditedRow>(row: &M) -> bool {
    values(row).get("archived_at").is_some_and(|at| !at.is_null())
}

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

/// Removes the records of rows that the import itself took away, so that they may come again.
///
/// # Errors
/// The database's.
pub async fn forget(context: &RequestContext, subjects: Vec<Uuid>) -> Result<()> {
    let write = Write::begin(context)?;
    import_record::Entity::remove_of(write.organization())
        .filter(is_any_of(&write.tx, import_record::Column::SubjectId, subjects))
        .exec(&write.tx)
        .await?;
    write.commit().await
}

/// A run whose changes are noted.
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// Changes noted so far.
    pub changes: i32,
}

/// A row that was written: the given row, its plan, what the import knows of it, its id and what became of it.
pub type WrittenRow<'a, R> = (&'a R, &'a RowPlan<<R as Recorded>::Model>, &'a Hints, Uuid, UpsertStatus);

/// Notes what a batch wrote: the values that its rows got, and what the run changed.
///
/// # Errors
/// The database's.
pub async fn save<R: Recorded>(context: &RequestContext, run: &mut Run, rows: &[WrittenRow<'_, R>]) -> Result<()> {
    let needed = rows.iter().filter(|(_, plan, ..)| plan.skipped.is_none());
    let after = fetch_by_ids::<R::Model>(context, needed.clone().map(|(_, _, _, id, _)| *id)).await?;
    let organization = context.viewer()?.organization.id;
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
        if is_known && let Some(change) = change(organization, run, plan.before.as_ref(), after, &now) {
            changes.push(change);
        }
    }
    if noted.is_empty() && changes.is_empty() {
        return Ok(());
    }
    let write = Write::begin(context)?;
    bulk::insert::<import_record::Entity, _>(&write.tx, noted, true).await?;
    bulk::insert::<import_change::Entity, _>(&write.tx, changes, false).await?;
    write.commit().await
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
