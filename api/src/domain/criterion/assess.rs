//! Assessing an account by criteria: several at once, all or nothing. It is a write of the account.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{CriterionId, Id, Scoped, account, assessment, criterion};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::score;
use crate::context::RequestContext;
use crate::domain::account::{Account, AccountPayload, team};
use crate::error::{Result, UserErrorCode};
use crate::write::Write;
use crate::write::validator::{NOTE, Validator};
use database::bulk;

/// Scores of one call at most.
const MOST: usize = 500;

/// Assesses an account by criteria.
#[derive(Clone, Debug, InputObject)]
pub struct AssessAccountInput {
    /// The account.
    pub account_id: ID,
    /// A score for each of some criteria, each named once. What is not named stays.
    pub scores: Vec<AssessmentInput>,
}

/// The assessment of an account by one criterion. A field left out stays as it is.
#[derive(Clone, Debug, InputObject)]
pub struct AssessmentInput {
    /// The id of the criterion, which must not be archived.
    pub criterion_id: ID,
    /// 0 to 10; null takes the assessment back.
    pub score: MaybeUndefined<i32>,
    /// The evidence for the score: up to 20,000 characters.
    pub evidence: MaybeUndefined<String>,
}

/// `assessAccount`.
pub async fn assess(ctx: &RequestContext, input: AssessAccountInput) -> Result<AccountPayload> {
    let AssessAccountInput { account_id, scores } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    write.lock_shared(score::TOPIC).await?;
    let account = team::responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    if scores.len() > MOST {
        let message = format!("At most {MOST} scores at once; {} were given.", scores.len());
        check.fault(UserErrorCode::LimitExceeded, "scores", message);
    }
    check.finish()?;
    let Some(account) = account else { return check.fail() };
    let organization = viewer.organization.id;
    let wanted: Vec<CriterionId> =
        scores.iter().filter_map(|score| CriterionId::parse(&score.criterion_id).ok()).collect();
    let known: HashMap<CriterionId, criterion::Model> = criterion::Entity::of(organization)
        .filter(criterion::Column::Id.is_in(wanted.clone()))
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let present: HashMap<CriterionId, assessment::Model> = assessment::Entity::of(organization)
        .filter(assessment::Column::AccountId.eq(account.id))
        .filter(assessment::Column::CriterionId.is_in(wanted))
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|row| (row.criterion_id, row))
        .collect();

    let mut seen = Vec::new();
    let (mut saved, mut gone) = (Vec::new(), Vec::new());
    let mut changes = serde_json::Map::new();
    for (at, given) in scores.iter().enumerate() {
        let field = |name: &str| format!("scores.{at}.{name}");
        let Some(id) = check.id::<CriterionId>(&field("criterionId"), &given.criterion_id) else { continue };
        match known.get(&id) {
            None => {
                check.not_found(&field("criterionId"), CriterionId::PREFIX);
                continue;
            }
            Some(criterion) if criterion.archived_at.is_some() => {
                let message = format!("{} is archived: nothing is assessed by it any more.", criterion.name);
                check.fault(UserErrorCode::Conflict, &field("criterionId"), message);
                continue;
            }
            Some(_) if seen.contains(&id) => {
                check.invalid(&field("criterionId"), "This criterion is named before.");
                continue;
            }
            Some(_) => seen.push(id),
        }
        let before = present.get(&id);
        let score = match given.score {
            MaybeUndefined::Value(score) => check.within(&field("score"), score, 0, 10),
            MaybeUndefined::Null => None,
            MaybeUndefined::Undefined => {
                if before.is_none() {
                    let message = "Nothing was assessed by this criterion yet: give a score.";
                    check.fault(UserErrorCode::Required, &field("score"), message);
                }
                before.map(|row| row.score)
            }
        };
        let mut evidence = before.and_then(|row| row.evidence.clone());
        check.change(&field("evidence"), &given.evidence, NOTE, &mut evidence);
        let after = score.map(|score| assessment::Model {
            account_id: account.id,
            criterion_id: id,
            organization_id: organization,
            score,
            evidence,
            assessed_by_id: Some(viewer.user.id),
            assessed_at: write.at,
        });
        let says = |row: Option<&assessment::Model>| row.map(|row| (row.score, row.evidence.clone()));
        if says(before) == says(after.as_ref()) {
            continue;
        }
        changes.insert(fact_name(id), json!({"from": fact(before), "to": fact(after.as_ref())}));
        match after {
            Some(row) => saved.push(row.into_active_model().reset_all()),
            None => gone.push(id),
        }
    }
    check.finish()?;
    if changes.is_empty() {
        write.roll_back().await?;
        return Ok(AccountPayload { account: Some(Account(account)), ..AccountPayload::default() });
    }
    score::take_back(&write, account.id, gone).await?;
    bulk::insert::<assessment::Entity, _>(&write.tx, saved, true).await?;
    let after = account::Model { score: score::sum_of(ctx, &write, account.id).await?, ..account.clone() };
    let after = write.change_with(&account, after, "assessed", changes).await?;
    score::of_account_changed(&write, &after).await?;
    write.commit().await?;
    Ok(AccountPayload { account: Some(Account(after)), ..AccountPayload::default() })
}

/// What an assessment is called among the facts of its account.
#[must_use]
pub fn fact_name(criterion: CriterionId) -> String {
    format!("assessment.{}", criterion.show())
}

/// What an assessment says, for the feed; null where there is none.
#[must_use]
pub fn fact(row: Option<&assessment::Model>) -> Value {
    row.map_or(Value::Null, |row| {
        json!({
            "score": row.score,
            "evidence": row.evidence,
            "assessedById": row.assessed_by_id.map(Id::show),
            "assessedAt": row.assessed_at.to_string(),
        })
    })
}
