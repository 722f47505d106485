//! `--undo RUN`: takes back what a run created or changed, where it was not touched since.
//!
//! Fields that still have the values that the run gave them get back the values they had before. Rows that the run created
//! and that are as it left them are taken away as the mutations for people do it: touches, bookings and opportunities
//! are deleted, contacts and accounts archived. Everything else is left, with the reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{Scoped, account, booking, contact, import_change, import_run, opportunity, touch, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::records::{self, Recorded};
use super::target::{
    AccountRowInput, BookingRowInput, ContactRowInput, ImportTarget, OpportunityRowInput, TargetError, TouchRowInput,
    UserRowInput, failure,
};
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::write::{AuditedRow, Write};
use database::columns::is_any_of;

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
    fn touched<'a>(&'a self, now: &Map<String, Value>) -> Vec<&'a str> {
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
    let mut undone = Undone::default();
    // What belongs to others goes first.
    undo_noun::<TouchRowInput>(context, id, &mut undone).await.map_err(failure)?;
    undo_noun::<BookingRowInput>(context, id, &mut undone).await.map_err(failure)?;
    undo_noun::<OpportunityRowInput>(context, id, &mut undone).await.map_err(failure)?;
    undo_noun::<ContactRowInput>(context, id, &mut undone).await.map_err(failure)?;
    undo_noun::<AccountRowInput>(context, id, &mut undone).await.map_err(failure)?;
    undo_noun::<UserRowInput>(context, id, &mut undone).await.map_err(failure)?;
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
fn folded(changes: Vec<import_change::Model>) -> Vec<(Uuid, Done)> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut all: Vec<(Uuid, Done)> = Vec::new();
    for change in changes {
        let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
        let before = change.before.as_deref().map(read);
        let place = *places.entry(change.subject_id).or_insert_with(|| {
            all.push((change.subject_id, Done { created: before.is_none(), columns: BTreeMap::new() }));
            all.len() - 1
        });
        let before = before.unwrap_or_default();
        for (column, after) in read(&change.after) {
            let old = before.get(&column).cloned().unwrap_or_default();
            all[place].1.columns.entry(column).and_modify(|(_, known)| *known = after.clone()).or_insert((old, after));
        }
    }
    all.reverse();
    all
}

/// Returns what a run did to rows of a noun that it last changed before this change, a batch of rows at a time and the last
/// first; and the change to go on from. None where there are no more.
async fn done_before(
    context: &RequestContext,
    run: Uuid,
    noun: &str,
    before: i32,
) -> Result<Option<(Vec<(Uuid, Done)>, i32)>> {
    let organization = context.viewer()?.organization.id;
    let page = import_change::Entity::of(organization)
        .filter(import_change::Column::RunId.eq(run))
        .filter(import_change::Column::Noun.eq(noun))
        .filter(import_change::Column::Number.lt(before))
        .order_by_desc(import_change::Column::Number)
        .limit(super::batch::BATCH as u64)
        .all(context.reader())
        .await?;
    let Some(last) = page.last() else { return Ok(None) };
    let next = last.number;
    let subjects: HashSet<Uuid> = page.iter().map(|change| change.subject_id).collect();
    let mut changes = import_change::Entity::of(organization)
        .filter(is_any_of(context.reader(), import_change::Column::SubjectId, subjects))
        .filter(import_change::Column::RunId.eq(run))
        .order_by_asc(import_change::Column::Number)
        .all(context.reader())
        .await?;
    // Rows with a later change were undone with it.
    let later: HashSet<Uuid> =
        changes.iter().filter(|change| change.number >= before).map(|change| change.subject_id).collect();
    changes.retain(|change| !later.contains(&change.subject_id));
    Ok(Some((folded(changes), next)))
}

async fn undo_noun<R: Recorded>(context: &RequestContext, run: Uuid, undone: &mut Undone) -> Result<()> {
    let noun = <R::Model as AuditedRow>::NOUN;
    let mut before = i32::MAX;
    let mut used = Vec::new();
    while let Some((some, next)) = done_before(context, run, noun, before).await? {
        before = next;
        let (created, changed): (Vec<_>, Vec<_>) = some.into_iter().partition(|(_, done)| done.created);
        used.extend(take_away::<R>(context, created, undone).await?);
        put_back::<R>(context, &changed, undone).await?;
    }
    // Rows that others of the run belonged to are free once those are gone.
    loop {
        let waiting = used.len();
        let mut still_used = Vec::new();
        while !used.is_empty() {
            let some = used.split_off(used.len().saturating_sub(super::batch::BATCH));
            still_used.extend(take_away::<R>(context, some, undone).await?);
        }
        used = still_used;
        if used.len() == waiting {
            break;
        }
    }
    let reason = "has been used since: other rows belong to it";
    undone.left.extend(used.into_iter().map(|(id, _)| (entity::show_id(noun, id), reason.to_owned())));
    Ok(())
}

/// Takes created rows away, and returns those that others belong to.
async fn take_away<R: Recorded>(
    context: &RequestContext,
    created: Vec<(Uuid, Done)>,
    undone: &mut Undone,
) -> Result<Vec<(Uuid, Done)>> {
    let noun = <R::Model as AuditedRow>::NOUN;
    let ids: Vec<Uuid> = created.iter().map(|(id, _)| *id).collect();
    let present = records::fetch_by_ids::<R::Model>(context, ids.iter().copied()).await?;
    let used = in_use(context, noun, &ids).await?;
    let mut left = Vec::new();
    for (id, done) in created {
        let shown = entity::show_id(noun, id);
        let Some(row) = present.get(&id) else {
            undone.left.push((shown, "was deleted since".to_owned()));
            continue;
        };
        let touched = done.touched(&records::values(row));
        if !touched.is_empty() {
            undone.left.push((shown, changed_since(&touched)));
        } else if used.contains(&id) {
            left.push((id, done));
        } else if let Some(reason) = remove::<R>(context, row).await? {
            undone.left.push((shown, reason));
        } else {
            undone.removed += 1;
        }
    }
    Ok(left)
}

/// Gives fields back the values that they had before, where they still have those of the run.
async fn put_back<R: Recorded>(context: &RequestContext, changed: &[(Uuid, Done)], undone: &mut Undone) -> Result<()> {
    let noun = <R::Model as AuditedRow>::NOUN;
    let present = records::fetch_by_ids::<R::Model>(context, changed.iter().map(|(id, _)| *id)).await?;
    let mut restored = Vec::new();
    let mut given: HashMap<Uuid, Map<String, Value>> = HashMap::new();
    for (id, done) in changed {
        let shown = entity::show_id(noun, *id);
        let Some(row) = present.get(id) else {
            undone.left.push((shown, "was deleted since".to_owned()));
            continue;
        };
        let now = records::values(row);
        let mut after = row.clone();
        let touched = done.touched(&now);
        for (column, (old, _)) in &done.columns {
            // A key goes with its field.
            let field = records::source_of_key(column).unwrap_or(column);
            if !touched.contains(&field) {
                records::put(&mut after, column, old);
                given.entry(*id).or_default().insert(column.clone(), old.clone());
            }
        }
        if records::values(&after) != now {
            undone.restored += 1;
            restored.push((Some(row.clone()), after));
        }
        if !touched.is_empty() {
            undone.left.push((shown, changed_since(&touched)));
        }
    }
    let mut write = Write::begin(context)?;
    write.save(restored).await?;
    records::restore(&write, &given).await?;
    write.commit().await
}

fn changed_since(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| records::shown(field)).collect();
    format!("was changed since: {}", fields.join(", "))
}

/// Takes a created row away, or returns why it stays.
async fn remove<R: Recorded>(context: &RequestContext, row: &R::Model) -> Result<Option<String>> {
    let removed = async {
        let write = R::remove(context, row).await?;
        records::forget(&write, vec![row.uuid()]).await?;
        write.commit().await
    };
    match removed.await {
        Ok(()) => Ok(None),
        Err(Error::Refused(errors)) => {
            Ok(Some(errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" ")))
        }
        Err(error) => Err(error),
    }
}

/// Returns which of these rows others belong to.
async fn in_use(context: &RequestContext, noun: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let organization = context.viewer()?.organization.id;
    let reader = context.reader();
    let mut used = HashSet::new();
    if ids.is_empty() {
        return Ok(used);
    }
    macro_rules! used_by {
        ($($table:ident.$column:ident $(unless $gone:ident)?: $id:expr),*) => {{$(
            let rows = $table::Entity::of(organization)
                .filter(is_any_of(reader, $table::Column::$column, ids.to_vec()))
                $(.filter($table::Column::$gone.is_null()))?
                .all(reader)
                .await?;
            used.extend(rows.into_iter().filter_map($id));
        )*}};
    }
    match noun {
        "account" => used_by!(
            contact.AccountId unless ArchivedAt: |row| Some(row.account_id.0),
            opportunity.AccountId: |row| Some(row.account_id.0),
            booking.AccountId: |row| Some(row.account_id.0),
            touch.AccountId: |row| Some(row.account_id.0),
            account.ParentId unless ArchivedAt: |row| row.parent_id.map(|id| id.0)
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
