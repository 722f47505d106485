//! Making criteria, changing and archiving them. For administrators.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{CriterionId, Id, Scoped, criterion};
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::{Criterion, CriterionPayload, score};
use crate::context::{RequestContext, Viewer};
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::write::Write;
use crate::write::validator::{NAME, NOTE, Validator};

/// Active criteria of one organization at most: more than anyone assesses by.
const MOST: u64 = 100;

/// A new criterion.
#[derive(Clone, Debug, InputObject)]
pub struct CreateCriterionInput {
    /// The name: 1 to 200 characters.
    pub name: String,
    /// The meaning: up to 20,000 characters.
    pub description: Option<String>,
    /// The weight relative to the other criteria: above 0, up to 1,000, with at most 3 decimals.
    #[graphql(default_with = "1.0")]
    pub weight: f64,
}

/// A change of a criterion. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateCriterionInput {
    /// Which one.
    pub id: ID,
    /// The name: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// The meaning: up to 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// The weight relative to the other criteria: above 0, up to 1,000, with at most 3 decimals. A change takes effect
    /// on every score at once.
    pub weight: MaybeUndefined<f64>,
    /// Refuses the change with STALE_VERSION where the criterion is at another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A criterion to archive.
    ArchiveCriterionInput {
        /// The id of the criterion.
        id,
        /// The expected version. The change fails with STALE_VERSION if the criterion has another version.
        if_version
    }
}

impl CriterionPayload {
    fn of(row: criterion::Model) -> Self {
        Self { criterion: Some(Criterion(row)), ..Self::default() }
    }
}

/// `createCriterion`. Scores stay as they are stored: nothing has been assessed by it yet, and what they are divided by
/// follows from the criteria.
pub async fn create(ctx: &RequestContext, input: CreateCriterionInput) -> Result<CriterionPayload> {
    let CreateCriterionInput { name, description, weight } = input;
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input"])?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    write.lock_exclusive(score::TOPIC).await?;
    let row = criterion::Model {
        id: CriterionId::make(),
        organization_id: viewer.organization.id,
        name: check.required("name", &name, NAME),
        description: check.optional("description", description.as_deref(), NOTE),
        weight: check.weight("weight", weight).unwrap_or(1),
        created_at: ctx.now,
        updated_at: ctx.now,
        archived_at: None,
        version: 0,
    };
    let active = criterion::Entity::of(viewer.organization.id).filter(criterion::Column::ArchivedAt.is_null());
    if active.count(&write.tx).await? >= MOST {
        let message = format!("An organization has at most {MOST} criteria: archive one first.");
        check.fault(UserErrorCode::LimitExceeded, "", message);
    }
    check.finish()?;
    let row = write.add(row).await?;
    write.commit().await?;
    Ok(CriterionPayload::of(row))
}

/// `updateCriterion`.
pub async fn update(ctx: &RequestContext, input: UpdateCriterionInput) -> Result<CriterionPayload> {
    let UpdateCriterionInput { id, name, description, weight, if_version } = input;
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input", "id"])?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    write.lock_exclusive(score::TOPIC).await?;
    let before = to_change(viewer, &write.tx, &["input", "id"], &id).await?;
    check.version(if_version, before.version);
    let mut after = before.clone();
    check.change_required("name", &name, NAME, &mut after.name);
    check.change("description", &description, NOTE, &mut after.description);
    match weight {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "weight", "This cannot be cleared."),
        MaybeUndefined::Value(weight) => after.weight = check.weight("weight", weight).unwrap_or(after.weight),
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    if after.weight != before.weight {
        score::of_criterion_changed(&write, after.id).await?;
    }
    write.commit().await?;
    Ok(CriterionPayload::of(after))
}

/// `archiveCriterion`: it counts no more, and keeps its assessments. Archiving what is archived changes nothing.
pub async fn archive(ctx: &RequestContext, input: ArchiveCriterionInput) -> Result<CriterionPayload> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input", "id"])?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    write.lock_exclusive(score::TOPIC).await?;
    let before = to_change(viewer, &write.tx, &["input", "id"], &input.id).await?;
    check.version(input.if_version, before.version);
    check.finish()?;
    if before.archived_at.is_some() {
        write.roll_back().await?;
        return Ok(CriterionPayload::of(before));
    }
    let after = criterion::Model { archived_at: Some(write.at), ..before.clone() };
    let after = write.change(&before, after).await?;
    write.rename_last_event("archived");
    score::of_criterion_changed(&write, after.id).await?;
    write.commit().await?;
    Ok(CriterionPayload::of(after))
}

async fn to_change<C: ConnectionTrait>(
    viewer: &Viewer,
    connection: &C,
    path: &[&str],
    id: &ID,
) -> Result<criterion::Model> {
    let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no criterion with this id.");
    let id = CriterionId::parse(id).map_err(|_| not_found())?;
    let select = criterion::Entity::of(viewer.organization.id).filter(criterion::Column::Id.eq(id));
    select.lock_exclusive().one(connection).await?.ok_or_else(not_found)
}
