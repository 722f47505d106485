//! Derived values: whether they still follow from the rows that they are derived from.

use entity::{Scoped as _, TouchId, goal, organization, plan_commitment, touch};
use sea_orm::{
    ColumnTrait as _, DbBackend, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::doctor::number;
use crate::domain::plan::content;
use crate::domain::touch::weight;
use crate::values::calendar::fiscal_days;
use database::db::Db;

/// The number of rows that are read at a time.
const PAGE: u64 = 1_000;

/// Queries that count rows whose derived values are wrong. `{json}` is the cast that a list in JSON needs.
const QUERIES: [(&str, &str); 6] = [
    (
        "accounts with a wrong score",
        "select count(*) from account where score <> coalesce((select sum(criterion.weight * assessment.score)
            from assessment join criterion on criterion.organization_id = assessment.organization_id
                and criterion.id = assessment.criterion_id
            where assessment.organization_id = account.organization_id and assessment.account_id = account.id
                and criterion.archived_at is null), 0)",
    ),
    (
        "targets with another score than their account",
        "select count(*) from target join account on account.organization_id = target.organization_id
            and account.id = target.account_id where target.score <> account.score",
    ),
    (
        "touches whose contacts differ from their list",
        "select count(*) from touch where json_array_length(contact_ids{json}) <> (select count(*) from touch_contact
            where touch_contact.organization_id = touch.organization_id and touch_contact.touch_id = touch.id
                and touch_contact.at = touch.at)",
    ),
    (
        "contacts whose history does not end with what they are",
        "select count(*) from contact where not exists (select 1 from acquaintance
            where acquaintance.organization_id = contact.organization_id and acquaintance.contact_id = contact.id
                and acquaintance.account_id = contact.account_id
                and acquaintance.relationship = contact.relationship
                and coalesce(acquaintance.buying_role, '') = coalesce(contact.buying_role, '')
                and coalesce(acquaintance.archived_at, 0) = coalesce(contact.archived_at, 0)
                and acquaintance.since = (select max(latest.since) from acquaintance latest
                    where latest.organization_id = contact.organization_id and latest.contact_id = contact.id))",
    ),
    (
        "contacts whose history does not begin once",
        "select count(*) from contact where 1 <> (select count(*) from acquaintance
            where acquaintance.organization_id = contact.organization_id and acquaintance.contact_id = contact.id
                and acquaintance.first)",
    ),
    (
        "external ids that differ from those of their row",
        "select abs((select count(*) from external_id) - coalesce((select cast(sum(n) as bigint) from (
            select json_array_length(external_ids{json}) as n from account union all
            select json_array_length(external_ids{json}) from contact union all
            select json_array_length(external_ids{json}) from opportunity union all
            select json_array_length(external_ids{json}) from booking union all
            select json_array_length(external_ids{json}) from touch) lists), 0))",
    ),
];

/// Counts what is wrong, by what it is.
pub(super) async fn faults(db: &Db) -> Vec<(&'static str, Result<i64, DbErr>)> {
    let json = if db.backend() == DbBackend::Postgres { "::json" } else { "" };
    let mut found = Vec::new();
    for (what, sql) in QUERIES {
        let sql = sql.replace("{json}", json);
        found.push((what, number(db, &sql).await));
    }
    let organizations = organizations(db).await;
    found.push(("goals wrong about being reached", goals(db, &organizations).await));
    found.push(("touches with a wrong weight", touches(db, &organizations).await));
    found.push(("commitments with another content than was signed", commitments(db, &organizations).await));
    found
}

type Organizations = Result<Vec<organization::Model>, DbErr>;

#[expect(clippy::disallowed_methods, reason = "a check-up is one of all organizations")]
async fn organizations(db: &Db) -> Organizations {
    organization::Entity::find().all(db.reader()).await
}

fn all(organizations: &Organizations) -> Result<&[organization::Model], DbErr> {
    organizations.as_deref().map_err(Clone::clone)
}

async fn goals(db: &Db, organizations: &Organizations) -> Result<i64, DbErr> {
    let mut wrong = 0;
    for organization in all(organizations)? {
        let years: Vec<i32> = goal::Entity::of(organization.id)
            .select_only()
            .column(goal::Column::Year)
            .distinct()
            .into_tuple()
            .all(db.reader())
            .await?;
        let id = organization.id;
        let id = match db.backend() {
            DbBackend::Postgres => format!("'{}'", entity::Id::uuid(id)),
            _ => format!("x'{}'", entity::Id::uuid(id).simple()),
        };
        for year in years {
            let (from, to) = fiscal_days(year, organization.fiscal_year_start_month.unsigned_abs());
            let sql = format!(
                "select count(*) from goal where organization_id = {id} and year = {year}
                    and (reached_by_id is not null) <> coalesce((select coalesce(sum(amount), 0) from booking
                        where booking.organization_id = goal.organization_id and booking.account_id = goal.account_id
                            and booked_on between {} and {}) >= agreed_amount, false)",
                from.0, to.0
            );
            wrong += number(db, &sql).await?;
        }
    }
    Ok(wrong)
}

async fn touches(db: &Db, organizations: &Organizations) -> Result<i64, DbErr> {
    let mut wrong = 0;
    for organization in all(organizations)? {
        let mut after: Option<TouchId> = None;
        loop {
            let mut page = touch::Entity::of(organization.id).order_by_asc(touch::Column::Id).limit(PAGE);
            if let Some(after) = after {
                page = page.filter(touch::Column::Id.gt(after));
            }
            let page = page.all(db.reader()).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for touch in &page {
                let mut weighed = touch.clone();
                weight::weigh(&mut weighed);
                wrong += i64::from(weighed != *touch);
            }
        }
    }
    Ok(wrong)
}

async fn commitments(db: &Db, organizations: &Organizations) -> Result<i64, DbErr> {
    let mut wrong = 0;
    for organization in all(organizations)? {
        for commitment in plan_commitment::Entity::of(organization.id).all(db.reader()).await? {
            let same = serde_json::from_str(&commitment.content)
                .is_ok_and(|content| content::canonical(&content) == commitment.content);
            wrong += i64::from(!same || content::fingerprint(&commitment.content) != commitment.fingerprint);
        }
    }
    Ok(wrong)
}
