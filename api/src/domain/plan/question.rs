//! Questions: what is to be found out about an account, and from which contact. Any member of the account's team may
//! answer.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::plan::PlanStatus;
use entity::{AccountId, Id, Instant, QuestionId, plan, plan_question};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::Plan;
use super::change::Change;
use super::part::{items, parts_of};
use crate::context::RequestContext;
use crate::domain::contact::Contact;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::{Batch, FieldContext, NodeId, node_input, object, payload};
use crate::write::validator::{NOTE, Validator};

/// A question of a plan.
#[derive(Clone, Debug)]
pub struct Question(pub plan_question::Model);

object! {
    /// Something to find out about the account.
    Question as "Question" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<QuestionId> = plain(|question| NodeId(question.0.id));
        /// The question to be answered.
        question: &str = plain(|question| &question.0.question);
        /// The answer; null while the question is open.
        answer: Option<&str> = plain(|question| question.0.answer.as_deref());
        /// The user who is to find it out; null if not assigned.
        assignee: Option<User> = by_key(|question| question.0.assignee_id, User::resolve);
        /// The contact to ask; null if none is set or the caller can no longer see the contact.
        contact: Option<Contact> = by_key(|question| question.0.contact_id, Contact::resolve);
        /// The time of the answer; null while the question is open.
        answeredAt: Option<Instant> = plain(|question| question.0.answered_at);
    }
}

impl Question {
    /// Loads questions by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = QuestionId>,
    ) -> Result<HashMap<QuestionId, Self>> {
        Ok(items::<plan_question::Model>(ctx, ids).await?.into_iter().map(|(id, row)| (id, Self(row))).collect())
    }

    /// Loads the open questions of the plan that each account has today, ordered by id, in one statement.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn open_of_accounts(
        ctx: &RequestContext,
        accounts: Vec<AccountId>,
    ) -> Result<HashMap<AccountId, Vec<Self>>> {
        let viewer = ctx.viewer()?;
        let today = viewer.day(ctx.now);
        let plans = viewer
            .rows::<plan::Entity>(plan::Column::AccountId)
            .filter(plan::Column::AccountId.is_in(accounts))
            .filter(plan::Column::Status.ne(PlanStatus::Closed))
            .filter(plan::Column::StartsOn.lte(today))
            .filter(plan::Column::EndsOn.gte(today));
        let plans = plans.select_only().column(plan::Column::Id).into_query();
        let rows = viewer
            .rows::<plan_question::Entity>(plan_question::Column::AccountId)
            .filter(plan_question::Column::PlanId.in_subquery(plans))
            .filter(plan_question::Column::Answer.is_null())
            .order_by_asc(plan_question::Column::Id)
            .all(ctx.reader())
            .await?;
        let mut found: HashMap<AccountId, Vec<Self>> = HashMap::new();
        for row in rows {
            found.entry(row.account_id).or_default().push(Self(row));
        }
        Ok(found)
    }
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Question>>> {
    let organization = field.request.viewer()?.organization.id;
    let mut found = parts_of::<plan_question::Model, _>(field.request.reader(), organization, &Plan::ids(of)).await?;
    for rows in found.values_mut() {
        rows.sort_by_key(|row| row.id);
    }
    let lists: Vec<Vec<Question>> =
        of.iter().map(|plan| found.get(&plan.0.id).into_iter().flatten().cloned().map(Question).collect()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

payload! {
    /// The result of a mutation of a question.
    QuestionPayload as "QuestionPayload" {
        /// The question after the change, or as it was before it was removed; null if there are userErrors.
        question(question): Question,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

impl QuestionPayload {
    fn of(row: plan_question::Model, plan: Plan) -> Self {
        Self { question: Some(Question(row)), plan: Some(plan), ..Self::default() }
    }
}

/// A new question.
#[derive(Clone, Debug, InputObject)]
pub struct AskQuestionInput {
    /// Id of the plan: not closed, with fewer than 500 questions.
    pub plan_id: ID,
    /// The question to be answered: 1 to 20,000 characters.
    pub question: String,
    /// Id of the user who is to find it out: an active member who can see the account.
    pub assignee_id: Option<ID>,
    /// Id of the contact to ask: of the plan's account.
    pub contact_id: Option<ID>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// Changes to a question. An omitted field is left unchanged; null clears it. Members of the account's team who may not
/// change the plan may change only the answer.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateQuestionInput {
    /// Id of the question.
    pub id: ID,
    /// The question to be answered: 1 to 20,000 characters. Cannot be cleared.
    pub question: MaybeUndefined<String>,
    /// The answer: at most 20,000 characters; null reopens the question.
    pub answer: MaybeUndefined<String>,
    /// Id of the user who is to find it out: an active member who can see the account.
    pub assignee_id: MaybeUndefined<ID>,
    /// Id of the contact to ask: of the plan's account.
    pub contact_id: MaybeUndefined<ID>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A question to remove from its plan.
    RemoveQuestionInput {
        /// The id of the question.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

/// Resolves `Mutation.askQuestion`.
pub async fn ask(ctx: &RequestContext, input: AskQuestionInput) -> Result<QuestionPayload> {
    let AskQuestionInput { plan_id, question, assignee_id, contact_id, if_version } = input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    change.parts_with_room::<plan_question::Model>(&path).await?;
    let mut row = plan_question::Model {
        id: QuestionId::make(),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        question: check.required("question", &question, NOTE),
        answer: None,
        assignee_id: None,
        contact_id: None,
        answered_at: None,
    };
    if let Some(id) = &assignee_id {
        row.assignee_id = change.member(ctx, &mut check, "assigneeId", id).await?;
    }
    if let Some(id) = &contact_id {
        row.contact_id = change.contact(&mut check, "contactId", id).await?.map(|contact| contact.id);
    }
    check.finish()?;
    change.put(None, row.clone()).await?;
    Ok(QuestionPayload::of(row, change.commit("question_asked").await?))
}

/// Resolves `Mutation.updateQuestion`.
pub async fn update(ctx: &RequestContext, input: UpdateQuestionInput) -> Result<QuestionPayload> {
    let UpdateQuestionInput { id, question, answer, assignee_id, contact_id, if_version } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_question::Model>(ctx, &path, &id).await?;
    let asks = !(question.is_undefined() && assignee_id.is_undefined() && contact_id.is_undefined());
    if asks && !change.may_write() {
        let message = "Only the account's owner, the plan's owner, their managers and admins may do this; the team \
                       may change only the answer.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    change.must_be_open(&path)?;
    change.must_be_at(&mut check, if_version);
    let mut after = before.clone();
    check.change_required("question", &question, NOTE, &mut after.question);
    check.change("answer", &answer, NOTE, &mut after.answer);
    match &assignee_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.assignee_id = None,
        MaybeUndefined::Value(id) => after.assignee_id = change.member(ctx, &mut check, "assigneeId", id).await?,
    }
    match &contact_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.contact_id = None,
        MaybeUndefined::Value(id) => {
            after.contact_id = change.contact(&mut check, "contactId", id).await?.map(|contact| contact.id);
        }
    }
    if after.answer != before.answer {
        after.answered_at = after.answer.is_some().then_some(change.write.at);
    }
    let what =
        if after.answer.is_some() && after.answer != before.answer { "question_answered" } else { "question_updated" };
    check.finish()?;
    change.put(Some(&before), after.clone()).await?;
    Ok(QuestionPayload::of(after, change.commit(what).await?))
}

/// Resolves `Mutation.removeQuestion`.
pub async fn remove(ctx: &RequestContext, input: RemoveQuestionInput) -> Result<QuestionPayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, row) = Change::of_item::<plan_question::Model>(ctx, &path, &input.id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, input.if_version);
    check.finish()?;
    change.take(&row).await?;
    Ok(QuestionPayload::of(row, change.commit("question_removed").await?))
}
