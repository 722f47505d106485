//! How well we are known at an account: the role slots that somebody fills who knows us (design, section 4). The slots
//! are pure; who filled them on a day is told from how people stood then and from the touches they took part in.

use entity::contact::BuyingRole;

use super::asked::{Ask, texts};
use crate::context::RequestContext;
use crate::error::Result;
use crate::values::calendar::DAY;

/// Days for which an answered touch makes us known to who took part.
pub const KNOWN_DAYS: i64 = 365;

/// The roles that an account needs somebody in: how many, and what knowing each is worth.
pub const SLOTS: [(BuyingRole, u32, u32); 3] =
    [(BuyingRole::DecisionMaker, 1, 3), (BuyingRole::Influencer, 2, 2), (BuyingRole::Stakeholder, 2, 1)];

/// The roles that have slots, as SQL lists them.
#[must_use]
pub fn key_roles() -> String {
    SLOTS.map(|(role, _, _)| format!("'{}'", role.word())).join(", ")
}

/// Share of the slots, by weight, that are filled by so many people who know us, by role.
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

/// In SQL: did somebody take part in an answered touch within a year before an instant, that was recorded by then or so
/// many microseconds later?
#[must_use]
pub fn answered(organization: &str, contact: &str, at: &str, late: i64) -> String {
    format!(
        "exists (
            select 1 from touch_contact
            where touch_contact.organization_id = {organization} and touch_contact.contact_id = {contact}
                and touch_contact.at <= {at} and touch_contact.at > {at} - {}
                and touch_contact.answer_known_at <= {at} + {late}
        )",
        KNOWN_DAYS * DAY
    )
}

/// How well we are known at accounts and instants, in their order: one statement for any number of them. `late` is as in
/// [`super::made::read`].
///
/// Of the time before a contact was entered here we know their role, and not how they saw us. Who is archived fills a slot
/// until the end of that day.
///
/// # Errors
/// The database's.
pub async fn read(ctx: &RequestContext, asks: &[Ask], late: i64) -> Result<Vec<f64>> {
    let counts = SLOTS
        .map(|(role, _, _)| format!("cast(count(*) filter (where stood.buying_role = '{}') as text)", role.word()))
        .join(" || ',' || ");
    let sql = format!(
        "select asked.number, {counts}
        from asked cross join acquaintance as stood
        where stood.organization_id = $2 and stood.account_id = asked.subject_id and stood.buying_role in ({})
            and (stood.since <= asked.at or stood.first)
            and (stood.archived_at is null or stood.archived_at >= asked.since)
            and not exists (
                select 1 from acquaintance as later
                where later.contact_id = stood.contact_id and later.since > stood.since and later.since <= asked.at
            )
            and (stood.relationship <> 'UNKNOWN' and stood.since <= asked.at or {})
        group by asked.number",
        key_roles(),
        answered("$2", "stood.contact_id", "asked.at", late)
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
    #[expect(clippy::float_cmp, reason = "ninths are told alike")]
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
