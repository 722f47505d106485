//! Reporting lines between contacts: within one account and without cycles. A contact who moves to another account
//! leaves the line: they report to no contact until one of the new account is named, and no contact of the old account
//! reports to them.

use std::collections::HashMap;

use entity::{ContactId, OrganizationId, Scoped, contact};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value};

use crate::error::Result;
use crate::write::Write;

/// The topic of [`Write::lock_exclusive`] for changes of reporting lines. Two concurrent changes could otherwise form a
/// cycle, or a line across accounts.
pub(super) const TOPIC: &str = "contact.reportsTo";

/// Returns contacts and everyone above them in the reporting line, each with the contact to whom they report, in one
/// statement.
pub(super) async fn above<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    of: &[ContactId],
) -> Result<HashMap<ContactId, Option<ContactId>>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let placeholders: Vec<String> = (2..of.len() + 2).map(|index| format!("${index}")).collect();
    let sql = format!(
        "with recursive line (id, reports_to_id) as (
            select id, reports_to_id from contact where organization_id = $1 and id in ({})
            union
            select contact.id, contact.reports_to_id from contact join line on contact.id = line.reports_to_id where contact.organization_id = $1
        ) select id, reports_to_id from line",
        placeholders.join(", ")
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

/// Clears the reporting line of contacts who report to one that moved to another account, except those in `except`,
/// which are already saved.
pub(super) async fn release(write: &mut Write<'_>, moved: &[ContactId], except: &[ContactId]) -> Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let below = contact::Entity::of(write.organization())
        .filter(contact::Column::ReportsToId.is_in(moved.iter().copied()))
        .filter(contact::Column::Id.is_not_in(except.iter().copied()))
        .order_by_asc(contact::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let released =
        below.into_iter().map(|row| (Some(row.clone()), contact::Model { reports_to_id: None, ..row })).collect();
    write.save(released).await?;
    Ok(())
}

/// Returns whether a contact reports to itself, directly or indirectly, given the reporting lines in `above`.
pub(super) fn is_in_cycle(above: &HashMap<ContactId, Option<ContactId>>, id: ContactId) -> bool {
    let mut next = above.get(&id).copied().flatten();
    // The bound ends the loop in a cycle above this contact that does not contain it.
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
    fn a_contact_below_a_cycle_is_not_in_it() {
        let [ann, bob, cid, dan] = std::array::from_fn(|_| ContactId::make());
        let above = HashMap::from([(ann, Some(bob)), (bob, Some(cid)), (cid, Some(bob)), (dan, None)]);
        assert!(!is_in_cycle(&above, ann));
        assert!(is_in_cycle(&above, bob));
        assert!(is_in_cycle(&above, cid));
        assert!(!is_in_cycle(&above, dan));
        assert!(is_in_cycle(&HashMap::from([(ann, Some(ann))]), ann));
        assert!(!is_in_cycle(&HashMap::new(), ann));
    }
}
