//! What known, value and ready rest on, one line each.

use std::collections::HashMap;

use entity::contact::{BuyingRole, RelationshipLevel};
use entity::{ContactId, Instant, TouchId};

use super::Presence;
use super::asked::{Ask, rows};
use super::formula::{READY, VALUE_DAYS};
use super::known::{KNOWN_DAYS, SLOTS, fills, key_roles};
use super::made::{is_past, known_by};
use crate::context::RequestContext;
use crate::domain::contact::Contact;
use crate::domain::reason::{self, Reason};
use crate::error::Result;
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext};
use crate::values::calendar::DAY;

fn asks(of: &[&Presence]) -> Vec<Ask> {
    of.iter().map(|presence| presence.ask).collect()
}

/// Answers `Presence.readyBecause`.
pub(super) async fn ready(field: &FieldContext<'_>, of: &[&Presence]) -> Result<Batch<Vec<Reason>>> {
    let lines = |presence: &&Presence| {
        let line = |label: &str, value: f64, least: f64| {
            Reason::number(label, value, format!("{value:.2}, at least {least:.2} is needed")).holds(value >= least)
        };
        vec![
            line("Presence", presence.presence, presence.policy.threshold),
            line("Known", presence.known, READY),
            line("Value", presence.value, READY),
        ]
    };
    reason::answer(field, &of.iter().map(lines).collect::<Vec<_>>()).await
}

/// Answers `Presence.valueBecause`: one statement, and one for the touches that are listed.
pub(super) async fn value(field: &FieldContext<'_>, of: &[&Presence]) -> Result<Batch<Vec<Reason>>> {
    let (ctx, asks) = (field.request, asks(of));
    let select = |table: &str, id: &str| {
        format!(
            "select asked.number, {table}.{id}, {table}.at, {table}.value, {table}.value_acknowledged
            from asked cross join {table}
            where {table}.organization_id = $2 and {table}.account_id = asked.subject_id and {table}.value is not null
                and {table}.at <= asked.at and {table}.at > asked.at - {} and {table}.weight > 0 and {}",
            VALUE_DAYS * DAY,
            known_by(table, "asked.at")
        )
    };
    let mut sql = select("touch", "id");
    if is_past(ctx, &asks, 0) {
        sql = format!("{sql} union all {}", select("touch_version", "touch_id"));
    }
    let mut touches: Vec<Vec<(Instant, TouchId, String, bool)>> = vec![Vec::new(); of.len()];
    for (place, row) in rows(ctx, &asks, &sql).await? {
        let touch =
            (row.try_get_by_index(2)?, row.try_get_by_index(1)?, row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        touches[place].push(touch);
    }
    let zone = ctx.viewer()?.zone;
    let most = usize::try_from(LONGEST_LIST).unwrap_or(usize::MAX);
    let mut lists = Vec::with_capacity(of.len());
    for mut list in touches {
        list.sort_unstable_by(|one, other| other.cmp(one));
        let acknowledged = list.iter().filter(|(.., acknowledged)| *acknowledged).count();
        let count = |label: &str, count: usize| {
            Reason::new(label, count.to_string()).with_value(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
        };
        let mut lines = vec![count("Touches with value", list.len()), count("Acknowledged touches", acknowledged)];
        lines.extend(list.iter().take(most.saturating_sub(lines.len())).map(|(at, id, value, acknowledged)| {
            let day = crate::values::calendar::day_of(*at, zone);
            let how = if *acknowledged { "acknowledged" } else { "not acknowledged" };
            Reason::new("Touch", format!("{value} on {day}, {how}")).holds(*acknowledged).about(*id)
        }));
        lists.push(lines);
    }
    reason::answer(field, &lists).await
}

/// A contact who knows us, and why.
struct Knows {
    role: BuyingRole,
    contact: ContactId,
    relationship: RelationshipLevel,
    set_at: Option<Instant>,
    touch: Option<(TouchId, Instant)>,
}

/// Answers `Presence.knownBecause`: one statement, and those for the contacts and touches that are listed.
pub(super) async fn known(field: &FieldContext<'_>, of: &[&Presence]) -> Result<Batch<Vec<Reason>>> {
    let (ctx, asks) = (field.request, asks(of));
    let zone = ctx.viewer()?.zone;
    let mut people = people(ctx, &asks).await?;
    let names: HashMap<ContactId, Contact> =
        Contact::fetch(ctx, people.iter().flatten().map(|knows| knows.contact)).await?;
    let mut lists = Vec::with_capacity(of.len());
    for people in &mut people {
        people.sort_unstable_by_key(|knows| knows.contact);
        let mut lines = Vec::new();
        for (role, slots, weight) in SLOTS {
            let mut fillers = people.iter().filter(|knows| knows.role == role);
            for number in 1..=slots {
                let label = if slots == 1 { label(role).to_owned() } else { format!("{} {number}", label(role)) };
                let line = fillers.next().map_or_else(
                    || Reason::new(&label, "Not known").holds(false),
                    |knows| {
                        let name =
                            names.get(&knows.contact).map_or("A contact out of sight", |row| row.0.name.as_str());
                        let day = |at: Instant| crate::values::calendar::day_of(at, zone);
                        match (knows.touch, knows.set_at) {
                            (Some((touch, at)), _) => {
                                Reason::new(&label, format!("{name}, who answered on {}", day(at))).about(touch)
                            }
                            (None, set_at) => {
                                let since = set_at.map(|at| format!(" on {}", day(at))).unwrap_or_default();
                                let level = knows.relationship.word();
                                Reason::new(&label, format!("{name}, set to {level}{since}")).about(knows.contact)
                            }
                        }
                        .holds(true)
                    },
                );
                lines.push(line.with_value(f64::from(weight)));
            }
        }
        lists.push(lines);
    }
    reason::answer(field, &lists).await
}

/// Reads who knows us at accounts and instants, with their latest answered touch and when their relationship was set.
async fn people(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<Vec<Knows>>> {
    let is_past = is_past(ctx, asks, 0);
    let year = KNOWN_DAYS * DAY;
    let latest = |table: &str, known: &str, column: &str| {
        format!(
            "(select {table}.{column} from {table}
                where {table}.organization_id = $2 and {table}.contact_id = stood.contact_id
                    and {table}.at <= asked.at and {table}.at > asked.at - {year} and {known}
                order by {table}.at desc, {table}.touch_id desc limit 1)"
        )
    };
    let of = |column: &str| {
        let now = latest("touch_contact", "touch_contact.answer_known_at <= asked.at", column);
        if !is_past {
            return now;
        }
        let then = latest("touch_version_contact", &known_by("touch_version_contact", "asked.at"), column);
        format!("coalesce({now}, {then})")
    };
    let sql = format!(
        "select asked.number, stood.buying_role, stood.contact_id, stood.relationship, (
                select max(setting.since) from acquaintance as setting
                where setting.contact_id = stood.contact_id and setting.since <= asked.at and setting.relationship_set
            ), {}, {}
        from asked cross join acquaintance as stood
        where stood.organization_id = $2 and stood.account_id = asked.subject_id and stood.buying_role in ({}) and {}",
        of("touch_id"),
        of("at"),
        key_roles(),
        fills(0, is_past)
    );
    let mut all: Vec<Vec<Knows>> = asks.iter().map(|_| Vec::new()).collect();
    for (place, row) in rows(ctx, asks, &sql).await? {
        let touch: (Option<TouchId>, Option<Instant>) = (row.try_get_by_index(5)?, row.try_get_by_index(6)?);
        all[place].push(Knows {
            role: row.try_get_by_index(1)?,
            contact: row.try_get_by_index(2)?,
            relationship: row.try_get_by_index(3)?,
            set_at: row.try_get_by_index(4)?,
            touch: touch.0.zip(touch.1),
        });
    }
    Ok(all)
}

const fn label(role: BuyingRole) -> &'static str {
    match role {
        BuyingRole::DecisionMaker => "Decision maker",
        BuyingRole::Influencer => "Influencer",
        BuyingRole::Stakeholder => "Stakeholder",
        _ => "Other",
    }
}
