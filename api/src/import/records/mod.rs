//! What imports wrote: the values that a row last got from an import, and what each run changed.
//!
//! Before a batch is written, [`plan`] compares the rows as they are now with the values that the last import gave them.
//! A value that differs was changed by a person since, and is left alone. [`save`] notes the new values in the transaction
//! that writes the batch, and what the run changed, by which `--undo` takes it back.

mod columns;
mod plan;
mod save;

use std::collections::HashMap;

use entity::{Scoped, import_record};
use sea_orm::sea_query::Cond;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, Iterable as _, PrimaryKeyToColumn as _, QueryFilter,
};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::columns::{is_archived, put, shown, source_of_key, values};
pub use self::plan::plan;
pub use self::save::{Run, forget, restore, save, scheduled_touches, start};
use super::target::{ExternalIdInput, Json, MaybeUndefined};
use crate::context::RequestContext;
use crate::domain::upsert::named;
use crate::error::Result;
use crate::write::{AuditedRow, Write};
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
    /// Takes a row away that was deleted in its source, as the mutation for people does. The change is not committed yet.
    fn remove<'c>(context: &'c RequestContext, row: &Self::Model) -> impl Future<Output = Result<Write<'c>>> + Send;
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
    fetch_over(context.reader(), context, ids).await
}

/// Returns rows by their ids, read over a connection.
async fn fetch_over<C: ConnectionTrait, M: AuditedRow>(
    connection: &C,
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
    let rows = M::Table::of(organization).filter(is_any_of(connection, key.into_column(), ids)).all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.uuid(), row)).collect())
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
