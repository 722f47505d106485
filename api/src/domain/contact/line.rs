//! Whom people report to: someone of the same account, and never in a circle. Who moves to another account leaves the
//! line: reports to nobody there until told otherwise, and nobody left behind reports to them.

use std::collections::HashMap;

use entity::{ContactId, OrganizationId, Scoped, contact};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value};

use crate::error::Result;
use crate::write::Write;

/// The topic of [`Write::lock_exclusive`] for whatever changes lines: two such changes could make a circle together, or a
/// line across accounts.
pub(super) const TOPIC: &str = "contact.reportsTo";

/// These contacts and all that they report to, upwards, each with whom it reports to: one statement for any number.
///
/// # Errors
/// The database's.
pub(super) async fn above<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    of: &[ContactId],
) -> Result<HashMap<ContactId, Option<ContactId>>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (2..of.len() + 2).map(|place| format!("${place}")).collect();
    let sql = format!(
        "with recursive line (id, reports_to_id) as (
            select id, reports_to_id from contact where organization_id = $1 and id in ({})
            union
            select contact.id, contact.reports_to_id from contact join line on contact.id = line.reports_to_id where contact.organization_id = $1
        ) select id, reports_to_id from line",
        places.join(", ")
    );
    let values = std::iter::once(Value::from(organization)).chain(of.iter().map(|id| Value::from(*id)));
    let rows = connection
        .query_all_raw(Statement::from_sql_and_values(connection.get_database_backend(), sql, values))
        .await?;
    rows.into_iter()
        .map(|row| {
            let above: Option<uuid::Uuid> = row.try_get_by_index(1)?;
            Ok((ContactId(row.try_get_by_index(0)?), above.map(ContactId)))
        })
        .collect()
}

/// Lets nobody report to those who moved away, but `but`, who have been seen to already.
///
/// # Errors
/// The database's.
pub(super) async fn release(write: &mut Write<'_>, moved: &[ContactId], but: &[ContactId]) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let below = contact::Entity::of(write.organization())
        .filter(contact::Column::ReportsToId.is_in(moved.iter().copied()))
        .filter(contact::Column::Id.is_not_in(but.iter().copied()))
        .order_by_asc(contact::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let released =
        below.into_iter().map(|row| (Some(row.clone()), contact::Model { reports_to_id: None, ..row })).collect();
    write.save(released).await?;
    Ok(())
}

/// Would this one report to itself, by way of others, as lines are in `above`?
pub(super) fn circles(above: &HashMap<ContactId, Option<ContactId>>, id: ContactId) -> bool {
    let mut next = above.get(&id).copied().flatten();
    // A circle further up, which this one is no part of, must not hold us.
    for _ in 0..=above.len() {
        match next {
            Some(one) if one == id => return true,
            Some(one) => next = above.get(&one).copied().flatten(),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;

    #[test]
    fn a_circle_is_one_for_those_in_it_alone() {
        let [ann, bob, cid, dan] = std::array::from_fn(|_| ContactId::make());
        let above = HashMap::from([(ann, Some(bob)), (bob, Some(cid)), (cid, Some(bob)), (dan, None)]);
        assert!(!circles(&above, ann));
        assert!(circles(&above, bob));
        assert!(circles(&above, cid));
        assert!(!circles(&above, dan));
        assert!(circles(&HashMap::from([(ann, Some(ann))]), ann));
        assert!(!circles(&HashMap::new(), ann));
    }
}
