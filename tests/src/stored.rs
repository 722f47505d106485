//! Reads the tables as the fields of the feed's events, to be compared with the replayed feed.
//!
//! Each noun maps its columns to the fields of its events ([`AuditedRow::snapshot`]), so that a column without a field is one
//! that its noun leaves out on purpose.

use std::collections::{BTreeMap, BTreeSet};

use callshot::internals::{AuditedRow, Currency, Part, assess, canonical, fingerprint, fiscal_days};
use entity::{
    Id, OrganizationId, Scoped, account, acquaintance, assessment, booking, contact, criterion, external_id, goal,
    list_review, one_on_one, opportunity, organization, plan, plan_action, plan_benchmark, plan_commitment,
    plan_measurement, plan_objective, plan_question, plan_relationship, plan_review, promise, seat, snooze, target,
    touch, touch_contact, touch_version, trigger_event, user,
};
use sea_orm::{DatabaseConnection, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::replay::Facts;

/// Returns the fields of all rows that have events, of all organizations.
///
/// # Panics
/// If a table cannot be read.
pub async fn facts(connection: &DatabaseConnection) -> Facts {
    let mut facts = Facts::new();
    for organization in organizations(connection).await {
        let currency = Currency::of(&organization.currency).expect("an organization has a valid currency");
        let of = Tables { connection, organization: organization.id, currency };
        add(&mut facts, &organization, currency);
        of.add::<account::Entity>(&mut facts).await;
        of.add::<booking::Entity>(&mut facts).await;
        of.add::<contact::Entity>(&mut facts).await;
        of.add::<opportunity::Entity>(&mut facts).await;
        of.add::<touch::Entity>(&mut facts).await;
        of.add::<user::Entity>(&mut facts).await;
        of.add::<criterion::Entity>(&mut facts).await;
        of.add::<goal::Entity>(&mut facts).await;
        of.add::<list_review::Entity>(&mut facts).await;
        of.add::<one_on_one::Entity>(&mut facts).await;
        of.add::<target::Entity>(&mut facts).await;
        of.add::<plan::Entity>(&mut facts).await;
        of.add_parts::<plan_relationship::Model>(&mut facts).await;
        of.add_parts::<plan_objective::Model>(&mut facts).await;
        of.add_parts::<plan_action::Model>(&mut facts).await;
        of.add_parts::<plan_benchmark::Model>(&mut facts).await;
        of.add_parts::<plan_measurement::Model>(&mut facts).await;
        of.add_parts::<plan_question::Model>(&mut facts).await;
        of.add_parts::<plan_commitment::Model>(&mut facts).await;
        of.add_parts::<plan_review::Model>(&mut facts).await;
        of.add::<promise::Entity>(&mut facts).await;
        of.add::<snooze::Entity>(&mut facts).await;
        of.add::<trigger_event::Entity>(&mut facts).await;
        for row in of.all::<assessment::Entity>().await {
            let account = facts.entry((account::Model::NOUN.to_owned(), row.account_id.uuid())).or_default();
            account.insert(assess::fact_name(row.criterion_id), assess::fact(Some(&row)));
        }
        for seat in of.all::<seat::Entity>().await {
            let account = facts.entry((account::Model::NOUN.to_owned(), seat.account_id.uuid())).or_default();
            if let Some(role) = seat.role {
                account.insert(format!("team.{}", seat.user_id.show()), json!(role.word()));
            }
        }
    }
    facts
}

/// Returns the differences between derived rows and columns and the rows that they are derived from, one line each.
///
/// # Panics
/// If a table cannot be read.
pub async fn contradictions(connection: &DatabaseConnection) -> Vec<String> {
    let mut lines = Vec::new();
    for organization in organizations(connection).await {
        let of = Tables { connection, organization: organization.id, currency: Currency::NONE };
        let accounts = of.all::<account::Entity>().await;
        let touches = of.all::<touch::Entity>().await;

        let owners: BTreeSet<(Uuid, Uuid)> =
            accounts.iter().map(|account| (account.id.uuid(), account.owner_id.uuid())).collect();
        let seats = of.all::<seat::Entity>().await;
        let seated = seats.iter().filter(|seat| seat.owner).map(|seat| (seat.account_id.uuid(), seat.user_id.uuid()));
        compare(&mut lines, "owner's seat", &owners, &seated.collect());
        let idle = seats.iter().filter(|seat| !seat.owner && seat.role.is_none());
        lines.extend(idle.map(|seat| format!("a seat that is neither the owner's nor has a role: {seat:?}")));

        let criteria = of.all::<criterion::Entity>().await;
        let assessments = of.all::<assessment::Entity>().await;
        let sum = |account: &account::Model| -> i64 {
            let own = assessments.iter().filter(|row| row.account_id == account.id);
            let weight = |row: &assessment::Model| {
                let active = criteria.iter().find(|one| one.id == row.criterion_id && one.archived_at.is_none());
                active.map_or(0, |criterion| criterion.weight)
            };
            own.map(|row| weight(row) * i64::from(row.score)).sum()
        };
        let scores = accounts.iter().map(|account| (account.id.uuid(), sum(account))).collect();
        compare(&mut lines, "score", &scores, &accounts.iter().map(|row| (row.id.uuid(), row.score)).collect());
        for target in of.all::<target::Entity>().await {
            if accounts.iter().any(|account| account.id == target.account_id && account.score != target.score) {
                lines.push(format!("a target with another score than its account: {target:?}"));
            }
        }

        let bookings = of.all::<booking::Entity>().await;
        for goal in of.all::<goal::Entity>().await {
            let days = fiscal_days(goal.year, organization.fiscal_year_start_month.unsigned_abs());
            let own = bookings.iter().filter(|row| row.account_id == goal.account_id);
            let booked: i64 =
                own.filter(|row| days.0 <= row.booked_on && row.booked_on <= days.1).map(|row| row.amount).sum();
            let reached = goal.agreed_amount.is_some_and(|amount| booked >= amount);
            if reached != goal.reached_by_id.is_some() {
                lines.push(format!("a goal is wrong about being reached: {booked} booked, {goal:?}"));
            }
        }

        for commitment in of.all::<plan_commitment::Entity>().await {
            let content: Value = serde_json::from_str(&commitment.content).expect("a signed content is JSON");
            if canonical(&content) != commitment.content || fingerprint(&commitment.content) != commitment.fingerprint {
                lines.push(format!("a commitment whose fingerprint is not that of its content: {commitment:?}"));
            }
        }

        let took_part: BTreeSet<(Uuid, String, i64, Option<i64>)> = touches
            .iter()
            .flat_map(|touch| {
                let contacts: Vec<String> = serde_json::from_str(&touch.contact_ids).expect("contacts are JSON");
                let known = callshot::internals::answer_known_at(touch).map(micros);
                contacts.into_iter().map(move |contact| (touch.id.uuid(), contact, micros(touch.at), known))
            })
            .collect();
        let rows = of.all::<touch_contact::Entity>().await;
        let rows = rows
            .iter()
            .map(|row| (row.touch_id.uuid(), row.contact_id.show(), micros(row.at), row.answer_known_at.map(micros)));
        compare(&mut lines, "contact of a touch", &took_part, &rows.collect());

        for version in of.all::<touch_version::Entity>().await {
            let touch = touches.iter().find(|touch| touch.id == version.touch_id);
            let is_before = touch.is_some_and(|touch| version.known_until <= touch.known_at);
            if !is_before || version.known_from >= version.known_until || version.weight <= 0 {
                lines.push(format!("a version of a touch that was not superseded: {version:?}"));
            }
        }

        acquaintances(&mut lines, &of).await;
        for touch in &touches {
            let mut weighed = touch.clone();
            callshot::internals::weigh(&mut weighed);
            if weighed != *touch {
                lines.push(format!("a touch whose weight does not follow from its row: {touch:?}"));
            }
        }

        let mut named = BTreeSet::new();
        names(&mut named, &accounts);
        names(&mut named, &touches);
        names(&mut named, &bookings);
        names(&mut named, &of.all::<contact::Entity>().await);
        names(&mut named, &of.all::<opportunity::Entity>().await);
        names(&mut named, &of.all::<user::Entity>().await);
        let rows = of.all::<external_id::Entity>().await;
        let rows = rows.into_iter().map(|row| (row.noun, row.source, row.id, row.subject_id));
        compare(&mut lines, "external id", &named, &rows.collect());
    }
    lines
}

/// Compares the latest acquaintance of each contact with the contact's row.
async fn acquaintances(lines: &mut Vec<String>, of: &Tables<'_>) {
    type Standing = (Uuid, Uuid, Option<&'static str>, &'static str, Option<i64>);
    let contacts = of.all::<contact::Entity>().await;
    let expected = contacts.iter().map(|row| -> Standing {
        let role = row.buying_role.map(contact::BuyingRole::word);
        (row.id.uuid(), row.account_id.uuid(), role, row.relationship.word(), row.archived_at.map(micros))
    });
    let mut latest: BTreeMap<Uuid, acquaintance::Model> = BTreeMap::new();
    let mut firsts: BTreeSet<Uuid> = BTreeSet::new();
    for row in of.all::<acquaintance::Entity>().await {
        if row.first && !firsts.insert(row.contact_id.uuid()) {
            lines.push(format!("two first acquaintances: {row:?}"));
        }
        let last = latest.entry(row.contact_id.uuid()).or_insert_with(|| row.clone());
        if last.since < row.since {
            *last = row;
        }
    }
    let derived = latest.values().map(|row| -> Standing {
        let role = row.buying_role.map(contact::BuyingRole::word);
        (row.contact_id.uuid(), row.account_id.uuid(), role, row.relationship.word(), row.archived_at.map(micros))
    });
    compare(lines, "acquaintance", &expected.collect(), &derived.collect());
    compare(lines, "first acquaintance", &contacts.iter().map(|row| row.id.uuid()).collect(), &firsts);
}

fn micros(instant: entity::Instant) -> i64 {
    instant.0
}

fn compare<T: Ord + std::fmt::Debug>(
    lines: &mut Vec<String>,
    name: &str,
    expected: &BTreeSet<T>,
    derived: &BTreeSet<T>,
) {
    lines.extend(expected.difference(derived).map(|row| format!("{name} is missing: {row:?}")));
    lines.extend(derived.difference(expected).map(|row| format!("{name} is unexpected: {row:?}")));
}

/// Adds the external ids of these rows.
fn names<R: AuditedRow>(names: &mut BTreeSet<(String, String, String, Uuid)>, rows: &[R]) {
    for row in rows {
        let list: Vec<BTreeMap<String, String>> =
            serde_json::from_str(row.external_ids().unwrap_or("[]")).expect("external ids are JSON");
        for name in list {
            names.insert((R::NOUN.to_owned(), name["source"].clone(), name["id"].clone(), row.uuid()));
        }
    }
}

fn add<R: AuditedRow>(facts: &mut Facts, row: &R, currency: Currency) {
    add_to(facts, R::NOUN, row.uuid(), row.snapshot(currency));
}

fn add_to(facts: &mut Facts, noun: &str, id: Uuid, more: serde_json::Map<String, Value>) {
    let subject = facts.entry((noun.to_owned(), id)).or_default();
    // Serialized and parsed, as the feed stores them.
    let text = Value::Object(more).to_string();
    let fields: BTreeMap<String, Value> = serde_json::from_str(&text).expect("facts are JSON");
    subject.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
}

#[expect(clippy::disallowed_methods, reason = "the invariants hold for every organization")]
async fn organizations(connection: &DatabaseConnection) -> Vec<organization::Model> {
    organization::Entity::find().all(connection).await.expect("organizations can be read")
}

/// The tables of one organization.
struct Tables<'connection> {
    connection: &'connection DatabaseConnection,
    organization: OrganizationId,
    currency: Currency,
}

impl Tables<'_> {
    async fn all<T: Scoped>(&self) -> Vec<T::Model>
    where
        T::Model: Send + Sync,
    {
        T::of(self.organization).all(self.connection).await.expect("a table can be read")
    }

    /// Adds the parts of plans, whose fields are those of the plan's events.
    async fn add_parts<P: Part>(&self, facts: &mut Facts) {
        for row in self.all::<P::Table>().await {
            add_to(facts, plan::Model::NOUN, row.plan().uuid(), row.snapshot());
        }
    }

    async fn add<T: Scoped>(&self, facts: &mut Facts)
    where
        T::Model: AuditedRow + Send + Sync,
    {
        for row in self.all::<T>().await {
            add(facts, &row, self.currency);
        }
    }
}
