//! Accounts over a stretch of time, for figures of the same accounts on many days.
//!
//! On a chart most touches count on many of its days. The rows of each account are therefore read once for all days, each with
//! the time in which it was what was known, and every day is computed from them. That takes as many statements as one day.

use std::collections::{HashMap, HashSet};

use entity::Instant;
use entity::contact::BuyingRole;
use uuid::Uuid;

use super::asked::{Ask, texts};
use super::formula::PresencePolicy;
use super::known::{KNOWN_DAYS, SLOTS, key_roles};
use super::made::{Touched, is_past, low_bits, may_count};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::ROWS_BETWEEN_YIELDS;
use crate::values::calendar::DAY;

/// Days of an account from which on its rows are read once for all of them.
const MANY: usize = 4;

/// The time in which a state was what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its start.
    pub from: i64,
    /// Its end, exclusive; `None` for the present state.
    pub until: Option<i64>,
}

impl Known {
    /// Whether the state was what was known by an instant.
    #[must_use]
    pub fn holds(self, by: i64) -> bool {
        self.from <= by && self.until.is_none_or(|until| by < until)
    }

    /// Reads `from`, or `from until`.
    fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once(' ').map_or((text, None), |(from, until)| (from, Some(until)));
        Some(Self { from: from.parse().ok()?, until: until.map(str::parse).transpose().ok()? })
    }
}

/// Whether these are many days of few accounts.
#[must_use]
pub fn is_better(asks: &[Ask]) -> bool {
    let few = asks.len() / MANY;
    let mut subjects = HashSet::new();
    few > 0 && asks.iter().all(|ask| !subjects.insert(ask.subject) || subjects.len() <= few)
}

/// Returns each subject with its last instant, and its first one as the start of the range, in the order in which they are first
/// asked for; and the place of the subject of each ask.
fn spans(asks: &[Ask]) -> (Vec<Ask>, Vec<usize>) {
    let mut subjects: HashMap<Uuid, usize> = HashMap::new();
    let mut spans: Vec<Ask> = Vec::new();
    let mut places = Vec::with_capacity(asks.len());
    for ask in asks {
        let place = *subjects.entry(ask.subject).or_insert(spans.len());
        if place == spans.len() {
            spans.push(Ask { since: ask.at, ..*ask });
        }
        let span = &mut spans[place];
        (span.since, span.at) = (span.since.min(ask.at), span.at.max(ask.at));
        places.push(place);
    }
    (spans, places)
}

/// A touch as it was known for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    at: i64,
    /// Its shape, and what became of its value.
    rest: i64,
    known: Known,
}

impl State {
    /// Reads `at rest from`, or `at rest from until`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (at, rest) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { at, rest, known: Known::parse(parts.next()?)? })
    }
}

/// Returns what counts at accounts and instants, in their order, before touches are joined to encounters: one statement.
pub(super) async fn touched(
    ctx: &RequestContext,
    asks: &[Ask],
    policy: PresencePolicy,
    late: i64,
) -> Result<Vec<Touched>> {
    let (spans, places) = spans(asks);
    let text = |table: &str, known: &str| {
        format!(
            "select string_agg(cast({table}.at as text) || ' ' || cast({} as text) || ' ' || {known}, ',')
            from {table} where {}",
            low_bits(table),
            may_count(table, policy, "asked.since", "asked.at")
        )
    };
    let now = text("touch", "cast(touch.known_at as text)");
    let sql = if is_past(ctx, asks, late) {
        let then = text(
            "touch_version",
            "cast(touch_version.known_from as text) || ' ' || cast(touch_version.known_until as text)",
        );
        format!("select asked.number, concat_ws(',', ({now}), ({then})) from asked")
    } else {
        format!("select asked.number, ({now}) from asked")
    };
    let mut states: Vec<Vec<State>> = vec![Vec::new(); spans.len()];
    for (place, list) in texts(ctx, &spans, &sql).await? {
        states[place] = list.split(',').filter_map(State::parse).collect();
        states[place].sort_unstable_by_key(|state| std::cmp::Reverse(state.at));
    }
    let mut all = Vec::with_capacity(asks.len());
    for (count, (ask, place)) in asks.iter().zip(places).enumerate() {
        all.push(on(&states[place], ask.at, late, policy));
        if count % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
            tokio::task::yield_now().await;
        }
    }
    Ok(all)
}

/// Returns what counts of an account's touches at an instant.
fn on(states: &[State], at: Instant, late: i64, policy: PresencePolicy) -> Touched {
    let mut touched = Touched::default();
    let by = at.0.saturating_add(late);
    for state in states.iter().filter(|state| state.at <= at.0 && state.known.holds(by)) {
        touched.add(at.0 - state.at, state.rest, policy);
    }
    touched
}

/// How a contact was at an account for some time, with everything that makes us known to them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RoleSpan {
    role: BuyingRole,
    since: i64,
    /// Whether nothing is known of the time before.
    first: bool,
    next: Option<i64>,
    archived_at: Option<i64>,
    /// Whether the relationship is KNOWN or better.
    is_known: bool,
    /// When it was set to KNOWN or better.
    set: Vec<i64>,
    /// The answered touches, and when they were known to be so.
    answers: Vec<(i64, Known)>,
}

impl RoleSpan {
    /// Reads `role|since|first|next|archived|known|set|answers`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let mut next = || parts.next();
        let role = next()?;
        let role = SLOTS.iter().map(|(role, ..)| *role).find(|of| of.word() == role)?;
        let since = next()?.parse().ok()?;
        let first = next()? == "1";
        let (until, archived_at) = (next()?.parse().ok(), next()?.parse().ok());
        let is_known = next()? == "1";
        let set = next()?.split(',').filter_map(|at| at.parse().ok()).collect();
        let answer = |text: &str| {
            let (at, known) = text.split_once(' ')?;
            Some((at.parse().ok()?, Known::parse(known)?))
        };
        let answers = next()?.split(',').filter_map(answer).collect();
        Some(Self { role, since, first, next: until, archived_at, is_known, set, answers })
    }

    /// Whether the contact stood so at an instant, was not archived and knew us.
    fn fills(&self, at: i64, late: i64) -> bool {
        let begun = self.since <= at;
        let within_year = |then: i64| then <= at && then > at - KNOWN_DAYS * DAY;
        (begun || self.first)
            && self.next.is_none_or(|next| at < next)
            && self.archived_at.is_none_or(|archived_at| at < archived_at)
            && (self.is_known && begun && self.set.iter().any(|set| within_year(*set))
                || self.answers.iter().any(|(then, known)| within_year(*then) && known.holds(at.saturating_add(late))))
    }
}

/// Returns the share of known slots at accounts and instants, in their order: one statement.
pub(super) async fn known(ctx: &RequestContext, asks: &[Ask], late: i64) -> Result<Vec<f64>> {
    let (spans, places) = spans(asks);
    let year = KNOWN_DAYS * DAY;
    let answers = |table: &str, known: &str| {
        format!(
            "(select string_agg(cast({table}.at as text) || ' ' || {known}, ',') from {table}
                where {table}.organization_id = $2 and {table}.contact_id = stood.contact_id
                    and {table}.at <= asked.at and {table}.at > asked.since - {year})"
        )
    };
    let mut answered = answers("touch_contact", "cast(touch_contact.answer_known_at as text)");
    if is_past(ctx, asks, late) {
        let then = answers(
            "touch_version_contact",
            "cast(touch_version_contact.known_from as text) || ' ' || cast(touch_version_contact.known_until as text)",
        );
        answered = format!("concat_ws(',', {answered}, {then})");
    }
    let sql = format!(
        "select asked.number, stood.buying_role || '|' || cast(stood.since as text)
            || case when stood.first then '|1|' else '|0|' end
            || coalesce(cast((
                select min(later.since) from acquaintance as later
                where later.contact_id = stood.contact_id and later.since > stood.since
            ) as text), '')
            || '|' || coalesce(cast(stood.archived_at as text), '')
            || case when stood.relationship <> 'UNKNOWN' then '|1|' else '|0|' end
            || coalesce((
                select string_agg(cast(setting.since as text), ',') from acquaintance as setting
                where setting.contact_id = stood.contact_id and setting.relationship_set
                    and setting.relationship <> 'UNKNOWN'
                    and setting.since <= asked.at and setting.since > asked.since - {year}
            ), '')
            || '|' || coalesce({answered}, '')
        from asked cross join acquaintance as stood
        where stood.organization_id = $2 and stood.account_id = asked.subject_id and stood.buying_role in ({})",
        key_roles()
    );
    let mut roles: Vec<Vec<RoleSpan>> = spans.iter().map(|_| Vec::new()).collect();
    for (place, line) in texts(ctx, &spans, &sql).await? {
        roles[place].extend(RoleSpan::parse(&line));
    }
    let mut all = Vec::with_capacity(asks.len());
    for (count, (ask, place)) in asks.iter().zip(places).enumerate() {
        let filled = roles[place].iter().filter(|one| one.fills(ask.at.0, late));
        let people: Vec<(BuyingRole, u32)> = filled.map(|one| (one.role, 1)).collect();
        all.push(super::known::known(&people));
        if count % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
            tokio::task::yield_now().await;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(subject: u128, at: i64) -> Ask {
        Ask { subject: Uuid::from_u128(subject), at: Instant(at), since: Instant(0) }
    }

    #[test]
    fn a_span_is_from_the_first_to_the_last_instant_of_an_account() {
        let asks = [ask(1, 50), ask(2, 70), ask(1, 30), ask(1, 90), ask(2, 10)];
        let (found, places) = spans(&asks);
        let span = |subject, since, at| Ask { since: Instant(since), ..ask(subject, at) };
        assert_eq!(found, [span(1, 30, 90), span(2, 10, 70)]);
        assert_eq!(places, [0, 1, 0, 0, 1]);
        assert!(!is_better(&asks) && !is_better(&[]) && !is_better(&asks[..1]));
        assert!(is_better(&[ask(1, 1), ask(1, 2), ask(1, 3), ask(1, 4)]));
    }

    #[test]
    fn a_state_counts_from_when_it_was_known_until_another_was() {
        let texts = ["10 7 20", "10 5 5 20", "12 3 40 50"];
        let states: Vec<State> = texts.iter().filter_map(|text| State::parse(text)).collect();
        assert_eq!(states.len(), 3);
        let policy = PresencePolicy { half_life: 30.0, threshold: 0.5 };
        let counted = |at| {
            let touched = on(&states, Instant(at), 0, policy);
            (touched.with_value, touched.acknowledged)
        };
        // 7 and 3 have value that was acknowledged, 5 has none.
        assert_eq!([9, 10, 19, 20, 39, 40, 49, 50].map(counted).map(|(all, _)| all), [0, 0, 0, 1, 1, 2, 2, 1]);
        assert_eq!(State::parse("1 2"), None);
        assert!(Known { from: 5, until: None }.holds(i64::MAX) && !Known { from: 5, until: Some(7) }.holds(7));
    }

    #[test]
    fn a_role_fills_a_slot_while_it_lasts_and_we_are_known() {
        let day = |days: i64| days * DAY;
        let line = format!("INFLUENCER|{}|0|{}||1|{}|{} {}", day(100), day(1000), day(100), day(600), day(610));
        let role = RoleSpan::parse(&line).unwrap();
        let fills: Vec<bool> =
            [99, 100, 464, 465, 600, 609, 610, 964, 965].iter().map(|at| role.fills(day(*at), 0)).collect();
        assert_eq!(fills, [false, true, true, false, false, false, true, true, false]);
        assert!(role.fills(day(609), day(2)) && !RoleSpan { next: Some(day(610)), ..role.clone() }.fills(day(610), 0));
        assert!(!RoleSpan { archived_at: Some(day(300)), ..role.clone() }.fills(day(300), 0));
        // Of the time before a contact was entered the role is known, and no relationship.
        let first = RoleSpan { first: true, answers: vec![(day(50), Known { from: day(50), until: None })], ..role };
        assert!(first.fills(day(60), 0) && !RoleSpan { answers: Vec::new(), ..first }.fills(day(60), 0));
        assert_eq!(RoleSpan::parse("CHAMPION|1|1|||1||"), None);
    }
}
