//! Filters on events.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{AccountId, Id, UserId, event};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition};

use crate::error::{Error, Result};
use crate::graphql::filter::{DateTimeFilter, operand};
use crate::write::event_types::{instead, is_type};

/// The largest number of types in a filter.
const MOST_TYPES: usize = 100;

/// A filter on events. All given conditions must hold. An id that is malformed, or that nothing has, matches nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventFilter {
    /// Only events of one of these types, such as `account.created`: at most 100. An empty list matches nothing. An unknown
    /// type fails with BAD_USER_INPUT.
    pub types: MaybeUndefined<Vec<String>>,
    /// Only events about the object with this id.
    pub subject_id: MaybeUndefined<ID>,
    /// Only events about objects that belong to the account with this id, and about the account itself.
    pub account_id: MaybeUndefined<ID>,
    /// Only changes made by the member with this id.
    pub actor_id: MaybeUndefined<ID>,
    /// Leaves out changes made by the member with this id.
    pub not_actor_id: MaybeUndefined<ID>,
    /// A condition on the time of the change.
    pub at: MaybeUndefined<DateTimeFilter>,
}

impl EventFilter {
    /// Returns the condition on events.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an invalid operand.
    pub fn condition(&self) -> Result<Condition> {
        use event::Column;
        let Self { types, subject_id, account_id, actor_id, not_actor_id, at } = self;
        let nothing = || Cond::all().add(Expr::cust("1 = 0"));
        let mut all = Cond::all();
        if let Some(types) = operand("types", types)? {
            check_types(types)?;
            all = all.add(Column::Kind.is_in(types));
        }
        if let Some(id) = operand("subjectId", subject_id)? {
            all = all.add(match entity::split_id(id) {
                Ok((noun, id)) => Cond::all().add(Column::SubjectId.eq(id)).add(Column::SubjectNoun.eq(noun)),
                Err(_) => nothing(),
            });
        }
        if let Some(id) = operand("accountId", account_id)? {
            all = all.add(match AccountId::parse(id) {
                Ok(id) => Cond::all().add(Column::AccountId.eq(id)),
                Err(_) => nothing(),
            });
        }
        if let Some(id) = operand("actorId", actor_id)? {
            all = all.add(match UserId::parse(id) {
                Ok(id) => Cond::all().add(Column::ActorId.eq(id)),
                Err(_) => nothing(),
            });
        }
        if let Some(id) = operand("notActorId", not_actor_id)?
            && let Ok(id) = UserId::parse(id)
        {
            all = all.add(Cond::any().add(Column::ActorId.ne(id)).add(Column::ActorId.is_null()));
        }
        if let Some(filter) = operand("at", at)? {
            all = all.add(filter.condition(Column::At)?);
        }
        Ok(all)
    }
}

fn check_types(types: &[String]) -> Result<()> {
    if types.len() > MOST_TYPES {
        let message = format!("`types` takes at most {MOST_TYPES} values; {} were given.", types.len());
        return Err(Error::BadInput(message));
    }
    match types.iter().find(|kind| !is_type(kind)) {
        Some(none) => {
            let instead = instead(none);
            Err(Error::BadInput(format!("`types` must contain existing event types; {none:?} is not one. {instead}")))
        }
        None => Ok(()),
    }
}
