//! Lists without pages: one for each of many parents, up to a largest length.

use std::collections::{HashMap, HashSet};

use database::columns::is_any_of;
use entity::Id;
use sea_orm::{EntityTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

use super::LONGEST_LIST;
use crate::error::{Error, Result};
use crate::graphql::{Batch, FieldContext, ObjectType};

/// Returns one list for each parent, in the order of `select`, by one statement. `parent_of` returns the parent of a row.
///
/// # Errors
/// [`Error::LimitExceeded`] with the message `too_long` if a list has more than [`LONGEST_LIST`] items.
pub async fn plain_lists<E, T, K>(
    field: &FieldContext<'_>,
    select: Select<E>,
    foreign: E::Column,
    parents: &[K],
    parent_of: fn(&E::Model) -> Option<K>,
    too_long: &str,
) -> Result<Batch<Vec<T>>>
where
    E: EntityTrait,
    T: ObjectType + From<E::Model>,
    K: Id,
{
    let distinct: HashSet<Uuid> = parents.iter().map(|parent| parent.uuid()).collect();
    // If there is one row more than this, at least one of the lists is too long.
    let max_rows = LONGEST_LIST * distinct.len() as u64;
    let reader = field.request.reader();
    let rows = select.filter(is_any_of(reader, foreign, distinct)).limit(max_rows + 1).all(reader).await?;
    let mut found: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        if let Some(parent) = parent_of(&row) {
            found.entry(parent).or_default().push(row.into());
        }
    }
    if found.values().any(|list| list.len() as u64 > LONGEST_LIST) {
        return Err(Error::LimitExceeded(too_long.to_owned()));
    }
    let lists: Vec<&[T]> = parents.iter().map(|parent| found.get(parent).map_or(&[][..], Vec::as_slice)).collect();
    field.object_lists(&lists).await
}
