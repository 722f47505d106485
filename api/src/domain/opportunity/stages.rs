//! The stages of opportunities over time, read from their events.

use std::collections::HashMap;

use database::columns::is_any_of;
use entity::opportunity::Stage;
use entity::{Id, Instant, OpportunityId, Scoped, UserId, event};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, Iterable, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::Value;

use crate::context::RequestContext;
use crate::domain::event::{Actor, actors, settled_end};
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};

/// The largest number of changes that are read for all opportunities together.
const MOST_CHANGES: u64 = 200_000;

/// A change of the stage of an opportunity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageChange {
    /// The stage from then on.
    pub stage: Stage,
    /// When.
    pub at: Instant,
    by: Option<UserId>,
}

object! {
    /// A change of the stage of an opportunity.
    StageChange as "StageChange" {
        /// The stage from then on.
        stage: Stage = plain(|change| change.stage);
        /// The time of the change.
        at: Instant = plain(|change| change.at);
        /// The originator of the change; null for the system itself.
        by: Option<Actor> = by_key(|change| change.by, actors);
    }
}

/// Returns the stage to which an event changes an opportunity; `None` if it does not change the stage.
fn stage_in(changes: &str) -> Option<Stage> {
    let changes: Value = serde_json::from_str(changes).ok()?;
    let word = changes.get("stage")?.get("to")?.as_str()?;
    Stage::iter().find(|stage| stage.word() == word)
}

/// Resolves `Opportunity.stages`: one statement for any number of opportunities, and one for the settled end of the feed.
pub(super) async fn of_opportunities(
    field: &FieldContext<'_>,
    of: &[OpportunityId],
) -> Result<Batch<Vec<StageChange>>> {
    let found = changes(field.request, of).await?;
    let list = |id: &OpportunityId| found.get(id).map_or(&[][..], Vec::as_slice);
    field.object_lists(&of.iter().map(list).collect::<Vec<_>>()).await
}

/// Returns the changes of the stages of opportunities whose rows are visible, in order: two statements.
pub async fn changes(ctx: &RequestContext, of: &[OpportunityId]) -> Result<HashMap<OpportunityId, Vec<StageChange>>> {
    use event::Column;
    // If there is one row more than this, a list is too long, or rows were left out that might belong to one.
    let max_rows = (LONGEST_LIST * of.len() as u64).min(MOST_CHANGES);
    let mut events = event::Entity::of(ctx.viewer()?.organization.id)
        .filter(is_any_of(ctx.reader(), Column::SubjectId, of.iter().map(|id| id.uuid())))
        .filter(Column::SubjectNoun.eq(OpportunityId::PREFIX))
        .filter(Expr::cust("event.changes like '%\"stage\":{\"from\":%'"));
    if let Some(end) = settled_end(ctx).await? {
        events = events.filter(Column::Seq.lte(end));
    }
    let query = events
        .select_only()
        .columns([Column::SubjectId, Column::At, Column::ActorId, Column::Changes])
        .order_by_asc(Column::Seq)
        .limit(max_rows + 1)
        .into_query();
    let rows = ctx.reader().query_all(&query).await?;
    let is_cut = rows.len() as u64 > max_rows;
    let mut found: HashMap<OpportunityId, Vec<StageChange>> = HashMap::new();
    for row in rows {
        let changes: String = row.try_get_by_index(3)?;
        let Some(stage) = stage_in(&changes) else { continue };
        let change = StageChange { stage, at: row.try_get_by_index(1)?, by: row.try_get_by_index(2)? };
        found.entry(OpportunityId(row.try_get_by_index(0)?)).or_default().push(change);
    }
    if is_cut || found.values().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message = format!(
            "An opportunity changed its stage more than {LONGEST_LIST} times, or all together more than {MOST_CHANGES} \
             times: ask for fewer, or page through their histories."
        );
        return Err(Error::LimitExceeded(message));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_stage_where_it_changes_one() {
        assert_eq!(stage_in(r#"{"stage":{"from":null,"to":"QUALIFIED"}}"#), Some(Stage::Qualified));
        for changes in [r#"{"name":{"from":"a","to":"\"stage\":"}}"#, "{}", "", r#"{"stage":{"from":"WON","to":null}}"#]
        {
            assert_eq!(stage_in(changes), None, "{changes}");
        }
    }
}
