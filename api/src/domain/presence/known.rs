//! The share of an account's role slots that a contact fills who knows us. The arithmetic of slots is pure; who filled them
//! on a day follows from the contacts as they were then and from the touches in which they took part.

use entity::contact::BuyingRole;

use super::asked::{Ask, texts};
use super::made::{is_past, known_by};
use super::span;
use crate::context::RequestContext;
use crate::error::Result;
use crate::values::calendar::DAY;

/// Days for which an answered touch, or a relationship set by hand, makes us known to a contact.
pub const KNOWN_DAYS: i64 = 365;

/// The role slots of an account: role, number of slots, weight of each.
pub const SLOTS: [(BuyingRole, u32, u32); 3] =
    [(BuyingRole::DecisionMaker, 1, 3), (BuyingRole::Influencer, 2, 2), (BuyingRole::Stakeholder, 2, 1)];

/// Returns the roles that have slots, as an SQL list.
#[must_use]
pub fn key_roles() -> String {
    SLOTS.map(|(role, _, _)| format!("'{}'", role.word())).join(", ")
}

/// Returns the share of the slots, by weight, that are filled by the contacts who know us, counted by role.
#[must_use]
pub fn known(people: &[(BuyingRole, u32)]) -> f64 {
    let whole: u32 = SLOTS.iter().map(|(_, slots, weight)| slots * weight).sum();
    let filled: u32 = SLOTS
        .iter()
        .map(|(role, slots, weight)| {
            let there: u32 = people.iter().filter(|(of, _)| of == role).map(|(_, count)| count).sum();
            there.min(*slots) * weight
        })
        .sum();
    f64::from(filled) / f64::from(whole)
}

/// Returns SQL that is true where a contact took part in an answered touch of the year before an instant, by what was known
/// then or `late` microseconds later. `is_past`: whether superseded versions matter.
#[must_use]
pub fn answered(organization: &str, contact: &str, at: &str, late: i64, is_past: bool) -> String {
    let exists = |table: &str, known: &str| {
        format!(
            "exists (
                select 1 from {table}
                where {table}.organization_id = {organization} and {table}.contact_id = {contact}
                    and {table}.at <= {at} and {table}.at > {at} - {} and {known}
            )",
            KNOWN_DAYS * DAY
        )
    };
    let now = exists("touch_contact", &format!("touch_contact.answer_known_at <= {at} + {late}"));
    if !is_past {
        return now;
    }
    let then = exists("touch_version_contact", &known_by("touch_version_contact", &format!("{at} + {late}")));
    format!("({now} or {then})")
}

/// Returns SQL that is true where a contact's relationship was set to KNOWN or better in the year before an instant. That it
/// is KNOWN or better at the instant is for the caller to ask.
#[must_use]
pub fn set_by_hand(contact: &str, at: &str) -> String {
    format!(
        "exists (
            select 1 from acquaintance as setting
            where setting.contact_id = {contact} and setting.since <= {at} and setting.since > {at} - {}
                and setting.relationship_set and setting.relationship <> 'UNKNOWN'
        )",
        KNOWN_DAYS * DAY
    )
}

/// Returns SQL that is true where a row of `acquaintance as stood` is how a contact was at the instant asked for, who was not
/// archived and knew us.
#[must_use]
pub(super) fn fills(late: i64, is_past: bool) -> String {
    format!(
        "(stood.since <= asked.at or stood.first)
            and (stood.archived_at is null or stood.archived_at > asked.at)
            and not exists (
                select 1 from acquaintance as later
                where later.contact_id = stood.contact_id and later.since > stood.since and later.since <= asked.at
            )
            and (stood.relationship <> 'UNKNOWN' and stood.since <= asked.at and {} or {})",
        set_by_hand("stood.contact_id", "asked.at"),
        answered("$2", "stood.contact_id", "asked.at", late, is_past)
    )
}

/// Returns the share of known slots at accounts and instants, in their order: one statement for any number of them. `late`
/// is as in [`super::made::read`].
///
/// Of the time before a contact was entered their role is known, and no relationship. An archived contact fills no slot.
pub async fn read(ctx: &RequestContext, asks: &[Ask], late: i64) -> Result<Vec<f64>> {
    if span::is_better(asks) {
        return span::known(ctx, asks, late).await;
    }
    let counts = SLOTS
        .map(|(role, _, _)| format!("cast(count(*) filter (where stood.buying_role = '{}') as text)", role.word()))
        .join(" || ',' || ");
    let sql = format!(
        "select asked.number, {counts}
        from asked cross join acquaintance as stood
        where stood.organization_id = $2 and stood.account_id = asked.subject_id and stood.buying_role in ({})
            and {}
        group by asked.number",
        key_roles(),
        fills(late, is_past(ctx, asks, late))
    );
    let mut all = vec![0.0; asks.len()];
    for (place, counts) in texts(ctx, asks, &sql).await? {
        let counts = counts.split(',').map(|count| count.parse().unwrap_or_default());
        let people: Vec<(BuyingRole, u32)> = SLOTS.iter().map(|(role, _, _)| *role).zip(counts).collect();
        all[place] = known(&people);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "ninths are exact")]
    fn slots_are_filled_by_weight_and_no_further() {
        use BuyingRole::{Champion, DecisionMaker, Influencer, Stakeholder};
        for (people, ninths) in [
            (vec![], 0),
            (vec![(DecisionMaker, 1)], 3),
            (vec![(DecisionMaker, 5)], 3),
            (vec![(Influencer, 1)], 2),
            (vec![(Influencer, 3)], 4),
            (vec![(Stakeholder, 1)], 1),
            (vec![(Stakeholder, 9)], 2),
            (vec![(Champion, 9)], 0),
            (vec![(DecisionMaker, 1), (Influencer, 2), (Stakeholder, 2)], 9),
        ] {
            assert_eq!(known(&people), f64::from(ninths) / 9.0, "{people:?}");
        }
    }

    proptest! {
        #[test]
        fn known_is_a_share(people in prop::collection::vec((prop::sample::select(SLOTS.map(|slot| slot.0).to_vec()), 0_u32..10), 0..6)) {
            prop_assert!((0.0..=1.0).contains(&known(&people)));
        }
    }
}
