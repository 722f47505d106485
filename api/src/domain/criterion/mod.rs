//! Criteria: by what accounts are assessed, and how much each counts.
//!
//! | module | holds |
//! |---|---|
//! | here | the type and how it is read |
//! | [`mod@write`] | create, update, archive |
//! | [`assess`] | how an account does by each |
//! | [`score`] | what follows: pure, and how it is read, filtered by and kept |

pub mod assess;
pub mod score;
pub mod write;

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{AccountId, Columns, CriterionId, Id, Instant, Scoped, criterion};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::graphql::filter::Archived;
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{FieldContext, NodeId, object, payload};
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot};

/// A criterion.
#[derive(Clone, Debug)]
pub struct Criterion(pub criterion::Model);

impl From<criterion::Model> for Criterion {
    fn from(row: criterion::Model) -> Self {
        Self(row)
    }
}

object! {
    /// A criterion by which accounts are assessed.
    Criterion as "Criterion" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<CriterionId> = plain(|criterion| NodeId(criterion.0.id));
        /// The name.
        name: &str = plain(|criterion| &criterion.0.name);
        /// The meaning of the criterion and of the scores 0 and 10; null if not given.
        description: Option<&str> = plain(|criterion| criterion.0.description.as_deref());
        /// The weight relative to the other criteria: above 0, with at most 3 decimals.
        weight: f64 = plain(|criterion| score::weight(criterion.0.weight));
        /// The time at which it was archived; null if it is not. An archived criterion does not count and keeps its
        /// assessments.
        archivedAt: Option<Instant> = plain(|criterion| criterion.0.archived_at);
        /// The time of creation.
        createdAt: Instant = plain(|criterion| criterion.0.created_at);
        /// The time of the last change.
        updatedAt: Instant = plain(|criterion| criterion.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|criterion| criterion.0.version);
    }
}

payload! {
    /// A criterion, or the errors of the input.
    CriterionPayload as "CriterionPayload" {
        /// The criterion as it is now; null where there are userErrors.
        criterion(criterion): Criterion,
    }
}

impl AuditedRow for criterion::Model {
    audited!(criterion, CriterionId);

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            name,
            description,
            weight,
            created_at,
            updated_at: _,
            archived_at,
            version: _,
        } = self;
        snapshot! {
            "name": name,
            "description": description,
            "weight": score::weight(*weight),
            "createdAt": created_at,
            "archivedAt": archived_at,
        }
    }
}

impl Criterion {
    /// Criteria by their ids.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = CriterionId>,
    ) -> Result<HashMap<CriterionId, Self>> {
        ctx.fetch_by_ids(
            criterion::Entity::of(ctx.viewer()?.organization.id),
            criterion::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }
}

/// Arguments of `criteria`.
#[derive(Clone, Debug, InputObject)]
pub struct CriteriaArguments {
    /// Archived ones: left out, alone, or with the rest.
    #[graphql(default_with = "Some(Archived::Exclude)")]
    pub archived: Option<Archived>,
}

/// `Query.criteria`, by id.
pub async fn criteria(field: &FieldContext<'_>, arguments: CriteriaArguments) -> Result<Vec<Criterion>> {
    let archived = arguments.archived.unwrap_or_default();
    let rows = criterion::Entity::of(field.request.viewer()?.organization.id)
        .filter(archived.condition(criterion::Column::ArchivedAt))
        .order_by_asc(criterion::Column::Id)
        .limit(LONGEST_LIST + 1)
        .all(field.request.reader())
        .await?;
    if rows.len() as u64 > LONGEST_LIST {
        return Err(Error::LimitExceeded(format!("There are more than {LONGEST_LIST} such criteria.")));
    }
    Ok(rows.into_iter().map(Criterion).collect())
}
