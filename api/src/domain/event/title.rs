//! Titles of events: a line of a timeline, such as "Call with Acme completed: Renewal".
//!
//! A title has the names that the objects had at the time of the event. They are found in the feed itself: in the event, or in
//! the latest earlier event of the object that set the name. A title holds no other values, so it shows nothing that the
//! viewer does not see.

use std::collections::{BTreeSet, HashMap};

use entity::{
    AccountId, BookingId, ContactId, CriterionId, GoalId, Id, ListReviewId, OneOnOneId, OpportunityId, OrganizationId,
    PlanId, PromiseId, Scoped, TargetId, TouchId, TriggerEventId, UserId, event,
};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Event;
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::graphql::{Batch, FieldContext};
use database::columns::is_any_of;

/// The largest number of characters of a name in a title.
const LONGEST_NAME: usize = 80;
/// The largest number of changed fields in a title.
const MOST_FIELDS: usize = 3;
/// The fields that name an object.
const NAMING: [&str; 6] = ["name", "title", "what", "kind", "subject", "year"];

/// Values of naming fields: for each object and field, the position of each event that set it, with the value.
type Names = HashMap<(Uuid, &'static str), Vec<(i64, String)>>;

/// Resolves `Event.title`: one statement for any number of events.
pub(super) async fn of_events(field: &FieldContext<'_>, of: &[&Event]) -> Result<Batch<String>> {
    let changes: Vec<Map<String, Value>> = of
        .iter()
        .map(|event| serde_json::from_str(&event.0.changes))
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let names = names(field.request, of).await?;
    let titles = of.iter().zip(&changes).map(|(event, changes)| title(&event.0, changes, &names));
    Ok(Batch::from_values(field.request, titles))
}

/// Reads the values of the naming fields of all objects that the titles name, up to the last of the events.
async fn names(ctx: &RequestContext, of: &[&Event]) -> Result<Names> {
    let subjects = of.iter().map(|event| event.0.subject_id);
    let accounts = of.iter().filter_map(|event| event.0.account_id).map(Id::uuid);
    let objects: BTreeSet<Uuid> = subjects.chain(accounts).collect();
    let Some(last) = of.iter().map(|event| event.0.seq).max() else { return Ok(Names::new()) };
    let naming = NAMING
        .iter()
        .fold(Cond::any(), |any, field| any.add(event::Column::Changes.contains(format!("\"{field}\":{{\"from\":"))));
    let query = event::Entity::of(ctx.viewer()?.organization.id)
        .filter(is_any_of(ctx.reader(), event::Column::SubjectId, objects))
        .filter(event::Column::Seq.lte(last))
        .filter(naming)
        .select_only()
        .columns([event::Column::SubjectId, event::Column::Seq, event::Column::Changes])
        .order_by_asc(event::Column::Seq)
        .into_query();
    let mut names = Names::new();
    for row in ctx.reader().query_all(&query).await? {
        let (subject, seq, changes): (Uuid, i64, String) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let changes: Map<String, Value> = serde_json::from_str(&changes).map_err(Error::internal)?;
        for field in NAMING {
            if let Some(value) = changes.get(field).and_then(value_of) {
                names.entry((subject, field)).or_default().push((seq, value));
            }
        }
    }
    Ok(names)
}

/// Returns the new value of a changed field, or the old one if the field was cleared.
fn value_of(change: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(shortened(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    text(&change["to"]).or_else(|| text(&change["from"]))
}

/// Returns the first line of a text, up to the longest name.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// Returns the value of a naming field of an object at the position of an event.
fn name_at<'n>(names: &'n Names, object: Uuid, field: &'static str, seq: i64) -> Option<&'n str> {
    let values = names.get(&(object, field))?;
    let earlier = values.partition_point(|(at, _)| *at <= seq);
    values[..earlier].last().map(|(_, value)| value.as_str())
}

/// Returns the title of an event.
fn title(event: &event::Model, changes: &Map<String, Value>, names: &Names) -> String {
    let own = |field| name_at(names, event.subject_id, field, event.seq);
    let account = event.account_id.and_then(|account| name_at(names, account.uuid(), "name", event.seq));
    let joined = |noun: &str, name: Option<&str>, preposition: &str| {
        let mut text = noun.to_owned();
        for part in [name.map(|name| format!(" {name}")), account.map(|account| format!(" {preposition} {account}"))] {
            text.push_str(&part.unwrap_or_default());
        }
        text
    };
    let named = |noun: &str| own("name").map_or_else(|| noun.to_owned(), |name| format!("{noun} {name}"));
    let (subject, detail) = match event.subject_noun.as_str() {
        AccountId::PREFIX => (named("Account"), None),
        ContactId::PREFIX => (joined("Contact", own("name"), "at"), None),
        OpportunityId::PREFIX => (joined("Opportunity", own("name"), "at"), None),
        BookingId::PREFIX => (joined("Booking", None, "at"), None),
        CriterionId::PREFIX => (named("Criterion"), None),
        OrganizationId::PREFIX => (named("Organization"), None),
        UserId::PREFIX => (named("Member"), None),
        GoalId::PREFIX => (joined("Goal", own("year"), "for"), None),
        TargetId::PREFIX => (joined("Target", None, "at"), None),
        PlanId::PREFIX => (joined("Plan", own("title"), "for"), None),
        PromiseId::PREFIX => (joined("Promise", None, "to"), own("what").map(str::to_owned)),
        TouchId::PREFIX => {
            let kind = own("kind").map_or_else(|| "Touch".to_owned(), sentence);
            (joined(&kind, None, "with"), own("subject").map(str::to_owned))
        }
        TriggerEventId::PREFIX => (joined("Trigger event", None, "at"), own("kind").map(words)),
        OneOnOneId::PREFIX => ("One-on-one".to_owned(), None),
        ListReviewId::PREFIX => ("Review of a target list".to_owned(), None),
        noun => (sentence(noun), None),
    };
    let what = event.kind.split_once('.').map_or(event.kind.as_str(), |(_, what)| what);
    let mut title = format!("{subject} {}", words(what));
    let fields = if what == "updated" { changed(changes) } else { None };
    if let Some(more) = fields.or(detail) {
        title.push_str(": ");
        title.push_str(&more);
    }
    title
}

/// Returns the names of the changed fields in words; None if there are none.
fn changed(changes: &Map<String, Value>) -> Option<String> {
    let fields: BTreeSet<String> = changes.keys().map(|field| field_words(field)).collect();
    if fields.is_empty() {
        return None;
    }
    let text = fields.iter().take(MOST_FIELDS).cloned().collect::<Vec<_>>().join(", ");
    let more = fields.len().saturating_sub(MOST_FIELDS);
    Some(if more > 0 { format!("{text} and {more} more") } else { text })
}

/// Returns the name of a field in words: `annualRevenue` is "annual revenue", `ownerId` "owner". Of a longer name such as
/// `policy.halfLife`, the first part counts.
fn field_words(field: &str) -> String {
    let field = field.split('.').next().unwrap_or_default();
    let field = field.strip_suffix("Id").unwrap_or(field);
    let mut text = String::with_capacity(field.len() + 4);
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Returns a word of the program in plain words: `LEADERSHIP_CHANGE` is "leadership change".
fn words(word: &str) -> String {
    word.replace('_', " ").to_lowercase()
}

/// Returns a word of the program as the beginning of a sentence: `EMAIL` is "Email".
fn sentence(word: &str) -> String {
    let words = words(word);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use entity::{EventId, Instant};
    use serde_json::json;

    use super::*;

    fn event(noun: &str, what: &str, seq: i64, subject: Uuid, account: Option<AccountId>) -> event::Model {
        event::Model {
            seq,
            id: EventId::make(),
            organization_id: OrganizationId::make(),
            at: Instant(0),
            kind: format!("{noun}.{what}"),
            actor_id: None,
            subject_noun: noun.to_owned(),
            subject_id: subject,
            account_id: account,
            changes: String::new(),
            about_id: None,
        }
    }

    #[test]
    fn a_title_has_the_names_of_its_time() {
        let acme = AccountId::make();
        let subject = Uuid::now_v7();
        let of = |object, field, values: &[(i64, &str)]| {
            ((object, field), values.iter().map(|(seq, value)| (*seq, (*value).to_owned())).collect::<Vec<_>>())
        };
        let names = Names::from([
            of(acme.uuid(), "name", &[(1, "Acme"), (10, "Acme Ltd")]),
            of(subject, "name", &[(2, "Deal"), (8, "Big deal")]),
            of(subject, "title", &[(2, "Win them")]),
            of(subject, "what", &[(2, "A price list")]),
            of(subject, "kind", &[(2, "LEADERSHIP_CHANGE")]),
            of(subject, "subject", &[(3, "Renewal")]),
            of(subject, "year", &[(2, "2017")]),
        ]);
        let none = json!({});
        let three = json!({"name": {}, "ownerId": {}, "annualRevenue": {}});
        let four = json!({"name": {}, "policy.halfLife": {}, "policy.threshold": {}, "a": {}, "timeZone": {}});
        for (noun, what, seq, changes, expected) in [
            ("account", "created", 5, &none, "Account Deal created"),
            ("account", "updated", 9, &three, "Account Big deal updated: annual revenue, name, owner"),
            ("organization", "updated", 9, &four, "Organization Big deal updated: a, name, policy and 1 more"),
            ("contact", "archived", 5, &none, "Contact Deal at Acme archived"),
            ("opportunity", "won", 11, &none, "Opportunity Big deal at Acme Ltd won"),
            ("booking", "deleted", 5, &none, "Booking at Acme deleted"),
            ("goal", "agreed", 5, &none, "Goal 2017 for Acme agreed"),
            ("target", "proposed", 5, &none, "Target at Acme proposed"),
            ("plan", "action_done", 5, &none, "Plan Win them for Acme action done"),
            ("promise", "kept", 5, &none, "Promise to Acme kept: A price list"),
            ("touch", "completed", 2, &none, "Leadership change with Acme completed"),
            ("touch", "completed", 5, &none, "Leadership change with Acme completed: Renewal"),
            ("triggerevent", "created", 5, &none, "Trigger event at Acme created: leadership change"),
            ("user", "calendar_feed_created", 5, &none, "Member Deal calendar feed created"),
            ("listreview", "created", 5, &none, "Review of a target list created"),
            ("oneonone", "held", 5, &none, "One-on-one held"),
            ("criterion", "created", 1, &none, "Criterion created"),
        ] {
            let event = event(noun, what, seq, subject, Some(acme));
            assert_eq!(title(&event, changes.as_object().unwrap(), &names), expected);
        }
        let unknown = title(&event("contact", "created", 5, Uuid::now_v7(), None), &Map::new(), &Names::new());
        assert_eq!(unknown, "Contact created");
    }

    #[test]
    fn names_are_short_and_one_line() {
        assert_eq!(shortened("One\nTwo"), "One");
        assert_eq!(shortened(&"ä".repeat(LONGEST_NAME)), "ä".repeat(LONGEST_NAME));
        let long = format!("{} b", "a".repeat(LONGEST_NAME - 1));
        assert_eq!(shortened(&long), format!("{}…", "a".repeat(LONGEST_NAME - 1)));
        assert_eq!(shortened(""), "");
        assert_eq!(value_of(&json!({"from": "a", "to": null})), Some("a".to_owned()));
        assert_eq!(value_of(&json!({"from": null, "to": 2017})), Some("2017".to_owned()));
        assert_eq!(value_of(&json!({"from": null, "to": {"a": 1}})), None);
    }
}
