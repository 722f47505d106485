//! The contacts of an account who know us today, those we still need to know, and those to talk to.

use std::collections::HashMap;

use entity::contact::{BuyingRole, RelationshipLevel};
use entity::{AccountId, ContactId, Scoped, assessment, criterion};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::asked::{Ask, rows};
use super::known::{self, SLOTS, answered, key_roles, set_by_hand};
use crate::context::RequestContext;
use crate::domain::contact::Contact;
use crate::domain::criterion::Criterion;
use crate::domain::plan::question::Question;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};

/// How far we know the people of an account.
#[derive(Clone, Debug)]
pub struct RelationshipCoverage {
    account: AccountId,
    contacts: i32,
    known: i32,
    valued: i32,
    trusted: i32,
    coverage: f64,
    missing: Vec<BuyingRole>,
}

object! {
    /// The people whom the organization knows at an account today, and those it still needs to know. Archived contacts
    /// are left out.
    RelationshipCoverage as "RelationshipCoverage" {
        /// The number of contacts.
        contacts: i32 = plain(|coverage| coverage.contacts);
        /// The number of contacts who know us: those whose relationship was set to KNOWN or better, or who took part in an
        /// answered touch, in the last 365 days.
        known: i32 = plain(|coverage| coverage.known);
        /// The number of contacts whose relationship is VALUED or TRUSTED.
        valued: i32 = plain(|coverage| coverage.valued);
        /// The number of contacts whose relationship is TRUSTED.
        trusted: i32 = plain(|coverage| coverage.trusted);
        /// Known role slots ÷ all role slots, by weight (a decision maker 3, two influencers 2 each, two stakeholders 1
        /// each); an empty slot counts as unknown. It is `Presence.known` of now.
        coverage: f64 = plain(|coverage| coverage.coverage);
        /// Decision makers, influencers and stakeholders who do not know us yet, in this order, then by id; at most 500.
        needToKnow: Vec<Contact> = batch(need_to_know);
        /// Buying roles with fewer contacts than the account needs: a decision maker, two influencers, two stakeholders.
        missingRoles: Vec<BuyingRole> = plain(|coverage| coverage.missing.clone());
    }
}

/// Where to start with an account.
#[derive(Clone, Debug)]
pub struct Kickoff {
    account: AccountId,
    missing: Vec<BuyingRole>,
}

object! {
    /// The start of a plan: the people to get to know, the people to talk to and the questions to answer.
    Kickoff as "Kickoff" {
        /// Decision makers, influencers and stakeholders who do not know us yet, in this order, then by id; at most 500.
        needToKnow: Vec<Contact> = batch(kickoff_need_to_know);
        /// Buying roles with fewer contacts than the account needs: a decision maker, two influencers, two stakeholders.
        missingRoles: Vec<BuyingRole> = plain(|kickoff| kickoff.missing.clone());
        /// Decision makers, influencers and stakeholders who know us and with whom no touch is scheduled, in this order,
        /// then by id; without those who asked not to be contacted. At most 500.
        needToTalkTo: Vec<Contact> = batch(need_to_talk_to);
        /// Open research questions of the plan that the account has today, by id.
        questions: Vec<Question> = batch(questions);
        /// Active criteria by which the account was not assessed, by id.
        unassessed: Vec<Criterion> = batch(unassessed);
    }
}

/// Returns SQL that is true where a contact knows us now.
fn knows(ctx: &RequestContext) -> String {
    let now = ctx.now.0.to_string();
    format!(
        "(contact.relationship <> 'UNKNOWN' and {} or {})",
        set_by_hand("contact.id", &now),
        answered("$2", "contact.id", &now, 0, false)
    )
}

fn asks(ctx: &RequestContext, accounts: impl IntoIterator<Item = AccountId>) -> Result<Vec<Ask>> {
    let viewer = ctx.viewer()?;
    Ok(accounts.into_iter().map(|account| Ask::at(viewer, account, ctx.now)).collect())
}

/// Contacts that are there, in SQL.
const THERE: &str =
    "contact.organization_id = $2 and contact.account_id = asked.subject_id and contact.archived_at is null";

/// How many contacts there are, how many of them know us, by role and relationship.
type Counts = Vec<(Option<BuyingRole>, RelationshipLevel, i64, i64)>;

async fn counts(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<Counts>> {
    let sql = format!(
        "select asked.number, contact.buying_role, contact.relationship, count(*), count(*) filter (where {})
        from asked cross join contact where {THERE}
        group by asked.number, contact.buying_role, contact.relationship",
        knows(ctx)
    );
    let mut all = vec![Counts::new(); asks.len()];
    for (place, row) in rows(ctx, asks, &sql).await? {
        all[place].push((
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
            row.try_get_by_index(3)?,
            row.try_get_by_index(4)?,
        ));
    }
    Ok(all)
}

/// Returns the roles with fewer people than slots.
fn missing(counts: &Counts) -> Vec<BuyingRole> {
    let people = |role: BuyingRole| -> i64 {
        counts.iter().filter(|(of, ..)| *of == Some(role)).map(|(_, _, count, _)| count).sum()
    };
    SLOTS.iter().filter(|(role, slots, _)| people(*role) < i64::from(*slots)).map(|(role, ..)| *role).collect()
}

impl RelationshipCoverage {
    fn of(account: AccountId, counts: &Counts, coverage: f64) -> Self {
        let people = |which: &dyn Fn(RelationshipLevel) -> bool| {
            let sum: i64 = counts.iter().filter(|(_, level, ..)| which(*level)).map(|(_, _, count, _)| count).sum();
            i32::try_from(sum).unwrap_or(i32::MAX)
        };
        let known: i64 = counts.iter().map(|(.., known)| known).sum();
        Self {
            account,
            contacts: people(&|_| true),
            known: i32::try_from(known).unwrap_or(i32::MAX),
            valued: people(&|level| matches!(level, RelationshipLevel::Valued | RelationshipLevel::Trusted)),
            trusted: people(&|level| level == RelationshipLevel::Trusted),
            coverage,
            missing: missing(counts),
        }
    }
}

/// Resolves `Account.relationships` with two statements for any number of accounts.
pub async fn of_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<RelationshipCoverage>> {
    let asks = asks(field.request, of.iter().copied())?;
    let shares = known::read(field.request, &asks, 0).await?;
    let counts = counts(field.request, &asks).await?;
    let made: Vec<RelationshipCoverage> = of
        .iter()
        .zip(counts.iter().zip(shares))
        .map(|(account, (counts, share))| RelationshipCoverage::of(*account, counts, share))
        .collect();
    field.objects(&made.iter().collect::<Vec<_>>()).await
}

/// Resolves `Account.kickoff` with one statement for any number of accounts.
pub async fn kickoffs(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<crate::domain::presence::coverage::Kickoff>> {
    let asks = asks(field.request, of.iter().copied())?;
    let counts = counts(field.request, &asks).await?;
    let made: Vec<Kickoff> = of
        .iter()
        .zip(&counts)
        .map(|(account, counts)| Kickoff { account: *account, missing: missing(counts) })
        .collect();
    field.objects(&made.iter().collect::<Vec<_>>()).await
}

/// Returns the key people of accounts for whom an SQL condition holds, ordered by role and id. Sends two statements for any
/// number of accounts.
async fn key_people(field: &FieldContext<'_>, accounts: Vec<AccountId>, which: &str) -> Result<Batch<Vec<Contact>>> {
    let sql = format!(
        "select number, id from (
            select asked.number, contact.id, row_number() over (partition by asked.number order by
                case contact.buying_role when 'DECISION_MAKER' then 0 when 'INFLUENCER' then 1 else 2 end, contact.id
            ) as place
            from asked cross join contact where {THERE} and contact.buying_role in ({}) and {which}
        ) person where place <= {} order by number, place",
        key_roles(),
        LONGEST_LIST + 1
    );
    let mut ids: Vec<Vec<ContactId>> = vec![Vec::new(); accounts.len()];
    for (place, row) in rows(field.request, &asks(field.request, accounts)?, &sql).await? {
        ids[place].push(row.try_get_by_index(1)?);
    }
    if ids.iter().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message = format!("An account has more than {LONGEST_LIST} of them: page through its contacts.");
        return Err(Error::LimitExceeded(message));
    }
    let found = Contact::fetch(field.request, ids.iter().flatten().copied()).await?;
    let lists: Vec<Vec<&Contact>> =
        ids.iter().map(|list| list.iter().filter_map(|id| found.get(id)).collect()).collect();
    field.lists_of_references(&lists).await
}

async fn need_to_know(field: &FieldContext<'_>, of: &[&RelationshipCoverage]) -> Result<Batch<Vec<Contact>>> {
    let unknown = format!("not {}", knows(field.request));
    key_people(field, of.iter().map(|coverage| coverage.account).collect(), &unknown).await
}

async fn kickoff_need_to_know(field: &FieldContext<'_>, of: &[&Kickoff]) -> Result<Batch<Vec<Contact>>> {
    let unknown = format!("not {}", knows(field.request));
    key_people(field, of.iter().map(|kickoff| kickoff.account).collect(), &unknown).await
}

async fn need_to_talk_to(field: &FieldContext<'_>, of: &[&Kickoff]) -> Result<Batch<Vec<Contact>>> {
    let quiet = format!(
        "not contact.do_not_contact and {} and not exists (
            select 1 from touch_contact join touch on touch.id = touch_contact.touch_id
            where touch_contact.organization_id = $2 and touch_contact.contact_id = contact.id
                and touch.status = 'SCHEDULED' and touch.missed_at > {}
        )",
        knows(field.request),
        field.request.now.0
    );
    key_people(field, of.iter().map(|kickoff| kickoff.account).collect(), &quiet).await
}

async fn questions(field: &FieldContext<'_>, of: &[&Kickoff]) -> Result<Batch<Vec<Question>>> {
    let mut open =
        Question::open_of_accounts(field.request, of.iter().map(|kickoff| kickoff.account).collect()).await?;
    let lists: Vec<Vec<Question>> =
        of.iter().map(|kickoff| open.remove(&kickoff.account).unwrap_or_default()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

async fn unassessed(field: &FieldContext<'_>, of: &[&Kickoff]) -> Result<Batch<Vec<Criterion>>> {
    let organization = field.request.viewer()?.organization.id;
    let criteria: Vec<Criterion> = criterion::Entity::of(organization)
        .filter(criterion::Column::ArchivedAt.is_null())
        .order_by_asc(criterion::Column::Id)
        .all(field.request.reader())
        .await?
        .into_iter()
        .map(Criterion)
        .collect();
    let assessed = assessment::Entity::of(organization)
        .filter(assessment::Column::AccountId.is_in(of.iter().map(|kickoff| kickoff.account)))
        .select_only()
        .column(assessment::Column::AccountId)
        .column(assessment::Column::CriterionId)
        .into_query();
    let mut by_account: HashMap<AccountId, Vec<entity::CriterionId>> = HashMap::new();
    for row in field.request.reader().query_all(&assessed).await? {
        by_account.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    let is_open = |kickoff: &Kickoff, criterion: &Criterion| {
        by_account.get(&kickoff.account).is_none_or(|done| !done.contains(&criterion.0.id))
    };
    let lists: Vec<Vec<&Criterion>> =
        of.iter().map(|kickoff| criteria.iter().filter(|criterion| is_open(kickoff, criterion)).collect()).collect();
    field.lists_of_references(&lists).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_missing_until_their_slots_have_people() {
        use BuyingRole::{DecisionMaker, Influencer, Stakeholder};
        use RelationshipLevel::{Known, Trusted, Unknown};
        let counts: Counts = vec![
            (Some(DecisionMaker), Unknown, 1, 0),
            (Some(Influencer), Known, 1, 1),
            (Some(Stakeholder), Unknown, 1, 1),
            (Some(Stakeholder), Trusted, 1, 1),
            (None, Trusted, 2, 2),
        ];
        assert_eq!(missing(&counts), [Influencer]);
        assert_eq!(missing(&Counts::new()), [DecisionMaker, Influencer, Stakeholder]);
        let coverage = RelationshipCoverage::of(<AccountId as entity::Id>::make(), &counts, 0.5);
        assert_eq!((coverage.contacts, coverage.known, coverage.valued, coverage.trusted), (6, 5, 3, 3));
    }
}
