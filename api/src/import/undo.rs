//! `--undo RUN`: takes back what a run created or changed, where it was not touched since.
//!
//! Fields that still have the values that the run gave them get back the values they had before. Rows that the run created
//! and that are as it left them are taken away as the mutations for people do it: touches, bookings and opportunities
//! are deleted, contacts and accounts archived. Everything else is left, with the reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{Scoped, account, booking, contact, import_change, import_run, opportunity, touch, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::records::{self, Recorded};
use super::target::{
    AccountRow, BookingRow, ContactRow, ImportTarget, OpportunityRow, TargetError, TouchRow, UserRow, failure,
};
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::write::{AuditedRow, Write};

/// What became of a run that was undone.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Rows that were taken away.
    pub removed: usize,
    /// Rows whose fields got back the values that they had before.
    pub restored: usize,
    /// Rows that were left, by id, each with the reason.
    pub left: Vec<(String, String)>,
}

impl std::fmt::Display for Undone {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { removed, restored, left } = self;
        write!(out, "{removed} rows were taken away, {restored} got back what they were, {} were left", left.len())?;
        for (id, reason) in left {
            write!(out, "\n  {id}: {reason}")?;
        }
        Ok(())
    }
}

/// What a run did to one row.
struct Done {
    created: bool,
    /// By column: the value before the run, and the one that the run left.
    columns: BTreeMap<String, (Value, Value)>,
}

impl Done {
    /// Returns the fields that do not have the values that the run left.
    fn touched(&self, now: &Map<String, Value>) -> Vec<&str> {
        let touched = self.columns.iter().filter(|(column, (_, new))| now.get(*column) != Some(new));
        touched.map(|(column, _)| column.as_str()).filter(|column| records::source_of_key(column).is_none()).collect()
    }
}

/// Undoes a run.
///
/// # Errors
/// A sentence: there is no such run, it was undone before, or the database failed.
pub async fn undo(target: &ImportTarget, run: &str) -> Result<Undone, TargetError> {
    let context = &target.context;
    let id = Uuid::parse_str(run.trim()).map_err(|_| format!("“{run}” is no id of a run"))?;
    let organization = context.viewer().map_err(failure)?.organization.id;
    let found = import_run::Entity::of(organization)
        .filter(import_run::Column::Id.eq(id))
        .one(context.reader())
        .await?
        .ok_or_else(|| format!("there is no run {run}"))?;
    if found.undone_at.is_some() {
        return Err(format!("the run {run} was undone already").into());
    }
    let changes = import_change::Entity::of(organization)
        .filter(import_change::Column::RunId.eq(id))
        .order_by_asc(import_change::Column::Number)
        .all(context.reader())
        .await?;
    let mut by_noun: HashMap<String, Vec<(Uuid, Done)>> = HashMap::new();
    for (noun, subject, done) in folded(changes) {
        by_noun.entry(noun).or_default().push((subject, done));
    }
    let mut undone = Undone::default();
    // What belongs to others goes first.
    undo_noun::<TouchRow>(context, &mut by_noun, &mut undone).await.map_err(failure)?;
    undo_noun::<BookingRow>(context, &mut by_noun, &mut undone).await.map_err(failure)?;
    undo_noun::<OpportunityRow>(context, &mut by_noun, &mut undone).await.map_err(failure)?;
    undo_noun::<ContactRow>(context, &mut by_noun, &mut undone).await.map_err(failure)?;
    undo_noun::<AccountRow>(context, &mut by_noun, &mut undone).await.map_err(failure)?;
    undo_noun::<UserRow>(context, &mut by_noun, &mut undone).await.map_err(failure)?;
    let write = Write::begin(context).map_err(failure)?;
    import_run::Entity::change_of(organization)
        .col_expr(import_run::Column::UndoneAt, Expr::val(write.at.0))
        .filter(import_run::Column::Id.eq(id))
        .exec(&write.tx)
        .await?;
    write.commit().await.map_err(failure)?;
    Ok(undone)
}

/// Puts the changes of each row together, the last row first.
fn folded(changes: Vec<import_change::Model>) -> Vec<(String, Uuid, Done)> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut all: Vec<(String, Uuid, Done)> = Vec::new();
    for change in changes {
        let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
        let before = change.before.as_deref().map(read);
        let place = *places.entry(change.subject_id).or_insert_with(|| {
            let done = Done { created: before.is_none(), columns: BTreeMap::new() };
            all.push((change.noun.clone(), change.subject_id, done));
            all.len() - 1
        });
        let before = before.unwrap_or_default();
        for (column, after) in read(&change.after) {
            let old = before.get(&column).cloned().unwrap_or_default();
            all[place].2.columns.entry(column).and_modify(|(_, known)| *known = after.clone()).or_insert((old, after));
        }
    }
    all.reverse();
    all
}

async fn undo_noun<R: Recorded>(
    context: &RequestContext,
    by_noun: &mut HashMap<String, Vec<(Uuid, Done)>>,
    undone: &mut Undone,
) -> Result<()> {
    let changes = by_noun.remove(<R::Model as AuditedRow>::NOUN).unwrap_or_default();
    for some in changes.chunks(super::batch::BATCH) {
        let present = records::fetch_by_ids::<R::Model>(context, some.iter().map(|(id, _)| *id)).await?;
        let created: Vec<Uuid> = some.iter().filter(|(_, done)| done.created).map(|(id, _)| *id).collect();
        let used = in_use(context, <R::Model as AuditedRow>::NOUN, &created).await?;
        let mut restored = Vec::new();
        let mut gone = Vec::new();
        for (id, done) in some {
            let shown = entity::show_id(<R::Model as AuditedRow>::NOUN, *id);
            let Some(row) = present.get(id) else {
                undone.left.push((shown, "was deleted since".to_owned()));
                continue;
            };
            if done.created {
                match remove::<R>(context, row, done, used.contains(id)).await? {
                    None => {
                        undone.removed += 1;
                        gone.push(*id);
                    }
                    Some(reason) => undone.left.push((shown, reason)),
                }
                continue;
            }
            let now = records::values(row);
            let mut after = row.clone();
            let touched = done.touched(&now);
            for (column, (old, _)) in &done.columns {
                // A key goes with its field.
                let field = records::source_of_key(column).unwrap_or(column);
                if !touched.contains(&field) {
                    records::put(&mut after, column, old);
                }
            }
            if records::values(&after) != now {
                undone.restored += 1;
                restored.push((Some(row.clone()), after));
            }
            if !touched.is_empty() {
                undone.left.push((shown, format!("was changed since: {}", touched.join(", "))));
            }
        }
        let mut write = Write::begin(context)?;
        write.save(restored).await?;
        write.commit().await?;
        if !gone.is_empty() {
            records::forget(context, gone).await?;
        }
    }
    Ok(())
}

/// Takes a created row away, or returns why it stays.
async fn remove<R: Recorded>(
    context: &RequestContext,
    row: &R::Model,
    done: &Done,
    in_use: bool,
) -> Result<Option<String>> {
    let touched = done.touched(&records::values(row));
    if !touched.is_empty() {
        return Ok(Some(format!("was changed since: {}", touched.join(", "))));
    }
    if in_use {
        return Ok(Some("has been used since: other rows belong to it".to_owned()));
    }
    match R::remove(context, row).await {
        Ok(()) => Ok(None),
        Err(Error::Refused(errors)) => {
            Ok(Some(errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" ")))
        }
        Err(error) => Err(error),
    }
}

/// Returns which of these rows others belong to.
async fn in_use(context: &RequestContext, noun: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    use database::columns::is_any_of;

    let organization = context.viewer()?.organization.id;
    let reader = context.reader();
    let mut used = HashSet::new();
    if ids.is_empty() {
        return Ok(used);
    }
    macro_rules! used_by {
        ($($table:ident.$column:ident: $id:expr),*) => {{$(
            let rows = $table::Entity::of(organization)
                .filter(is_any_of(reader, $table::Column::$column, ids.to_vec()))
                .all(reader)
                .await?;
            used.extend(rows.into_iter().filter_map($id));
        )*}};
    }
    match noun {
        "account" => used_by!(
            contact.AccountId: |row| Some(row.account_id.0),
            opportunity.AccountId: |row| Some(row.account_id.0),
            booking.AccountId: |row| Some(row.account_id.0),
            touch.AccountId: |row| Some(row.account_id.0),
            account.ParentId: |row| row.parent_id.map(|id| id.0)
        ),
        "opportunity" => {
            used_by!(touch.OpportunityId: |row| row.opportunity_id.map(|id| id.0), booking.OpportunityId: |row| row.opportunity_id.map(|id| id.0));
        }
        "user" => {
            used_by!(account.OwnerId: |row| Some(row.owner_id.0), user.ManagerId: |row| row.manager_id.map(|id| id.0));
        }
        "contact" => {
            let rows = entity::touch_contact::Entity::of(organization)
                .filter(is_any_of(reader, entity::touch_contact::Column::ContactId, ids.to_vec()))
                .all(reader)
                .await?;
            used.extend(rows.into_iter().map(|row| row.contact_id.0));
        }
        _ => {}
    }
    Ok(used)
}
