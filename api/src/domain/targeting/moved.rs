//! Targets of accounts that change owners: the open target ends with the status MOVED, and the new owner gets a proposal.

use std::collections::HashMap;

use entity::target::TargetStatus;
use entity::{AccountId, Id, Scoped, TargetId, UserId, target};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::is_open;
use crate::error::Result;
use crate::write::Write;

/// Moves the open targets of accounts to their new owners, unless they have them already. The number of statements does not
/// grow with the rows.
pub async fn follow_owners(write: &mut Write<'_>, owners: &[(AccountId, UserId)]) -> Result<()> {
    if owners.is_empty() {
        return Ok(());
    }
    let new: HashMap<AccountId, UserId> = owners.iter().copied().collect();
    let open = target::Entity::of(write.organization())
        .filter(target::Column::AccountId.is_in(new.keys().copied()))
        .filter(target::Column::Status.is_in([TargetStatus::Proposed, TargetStatus::Agreed]))
        .order_by_asc(target::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let (mut ended, mut proposed) = (Vec::new(), Vec::new());
    for before in open {
        let Some(owner) = new.get(&before.account_id).copied().filter(|owner| *owner != before.seller_id) else {
            continue;
        };
        debug_assert!(is_open(before.status));
        let mover = write.actor().unwrap_or(owner);
        proposed.push((None, proposal(&before, owner, mover, write.at)));
        let after = target::Model { status: TargetStatus::Moved, until: Some(write.at), ..before.clone() };
        ended.push((Some(before), after));
    }
    // The old rows first: an account has one open target.
    write.save_as("moved", ended).await?;
    write.save_as("proposed", proposed).await?;
    Ok(())
}

/// Returns the same target as a proposal for another seller.
fn proposal(before: &target::Model, seller: UserId, mover: UserId, at: entity::Instant) -> target::Model {
    target::Model {
        id: TargetId::make(),
        seller_id: seller,
        status: TargetStatus::Proposed,
        proposed_by_id: mover,
        proposed_at: at,
        decided_by_id: None,
        decided_at: None,
        decision_note: None,
        since: None,
        until: None,
        closing_note: None,
        one_on_one_id: None,
        updated_at: at,
        version: 0,
        ..before.clone()
    }
}
