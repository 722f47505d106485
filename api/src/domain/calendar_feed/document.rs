//! Touches as iCalendar (RFC 5545), as Google, Outlook and Apple read it. Pure.
//!
//! Times are in UTC, which every program shows in its own zone. A touch's UID is its id, for ever; SEQUENCE goes up with
//! every write; what was called off stays, as CANCELLED. Notes stay here: an address that is handed to other programs is
//! handed on by them.

use chrono::Datelike as _;
use entity::touch::{self, TouchKind, TouchStatus};
use entity::{Id, user};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

use crate::domain::touch::weight::usual_minutes;

/// A touch with the names that go with it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The touch.
    pub touch: touch::Model,
    /// Its account's name.
    pub account: String,
    /// Its people's names.
    pub people: Vec<String>,
}

/// A user's calendar.
#[must_use]
pub fn write(user: &user::Model, entries: &[Entry]) -> String {
    let mut calendar = Calendar::empty();
    for (name, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//Callshot//Touches//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("X-WR-CALNAME", &one_line(&format!("Callshot: {}", user.name))),
        ("X-WR-TIMEZONE", &user.time_zone),
        // How often the programs that heed it come again.
        ("X-PUBLISHED-TTL", "PT1H"),
    ] {
        calendar.append_property(Property::new(name, value));
    }
    for entry in entries {
        if let Some(event) = event(entry) {
            calendar.push(event);
        }
    }
    calendar.to_string()
}

/// A touch as an event; None beyond the years that calendars have.
fn event(entry: &Entry) -> Option<Event> {
    let Entry { touch, account, people } = entry;
    let minutes = touch.duration_minutes.unwrap_or_else(|| usual_minutes(touch.kind));
    let (from, changed, made) = (touch.at.utc()?, touch.updated_at.utc()?, touch.created_at.utc()?);
    let to = touch.at.plus_seconds(i64::from(minutes) * 60).utc().filter(|to| to.year() < 10_000)?;
    let what = touch.subject.as_deref().unwrap_or_else(|| spoken(touch.kind));
    let mut event = Event::new();
    event
        .uid(&touch.id.show())
        .timestamp(changed)
        .created(made)
        .last_modified(changed)
        .sequence((touch.version - 1).unsigned_abs())
        .starts(from)
        .ends(to)
        .summary(&one_line(&if account.is_empty() { what.to_owned() } else { format!("{what} ({account})") }))
        .status(if touch.status == TouchStatus::Canceled { EventStatus::Cancelled } else { EventStatus::Confirmed });
    if !people.is_empty() {
        event.description(&format!("{}: {}", spoken(touch.kind), one_line(&people.join(", "))));
    }
    Some(event.done())
}

/// A kind of touch, for people.
const fn spoken(kind: TouchKind) -> &'static str {
    match kind {
        TouchKind::Call => "Call",
        TouchKind::Email => "E-mail",
        TouchKind::Meeting => "Meeting",
        TouchKind::Message => "Message",
        TouchKind::Event => "Event",
        TouchKind::Mail => "Letter",
        TouchKind::Other => "Touch",
    }
}

/// A text without line breaks, tabs and whatever else would break a line of a calendar.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use calcard::icalendar::{ICalendar, ICalendarComponentType, ICalendarProperty};
    use entity::{Instant, OrganizationId, UserId};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::touch::write::tests::touch;

    fn ann(name: &str) -> user::Model {
        user::Model {
            id: UserId::make(),
            organization_id: OrganizationId::make(),
            name: name.to_owned(),
            name_key: String::new(),
            email: "ann@callshot.example".to_owned(),
            role: user::Role::Seller,
            title: None,
            time_zone: "Europe/Berlin".to_owned(),
            manager_id: None,
            working_hours: "[]".to_owned(),
            external_ids: "[]".to_owned(),
            active: true,
            created_at: Instant(0),
            updated_at: Instant(0),
            version: 1,
        }
    }

    fn entry(subject: &str, account: &str, people: &[&str]) -> Entry {
        let touch = touch::Model {
            kind: TouchKind::Meeting,
            status: TouchStatus::Scheduled,
            subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
            at: crate::graphql::scalars::instant("2017-04-03T09:30:00Z").unwrap(),
            version: 3,
            ..touch()
        };
        Entry { touch, account: account.to_owned(), people: people.iter().map(|&name| name.to_owned()).collect() }
    }

    /// The events of a calendar, as another implementation reads it: name and value of each of their lines.
    fn events(text: &str) -> Vec<Vec<(String, String)>> {
        let calendar = ICalendar::parse(text).unwrap_or_else(|wrong| panic!("{wrong:?} in {text}"));
        let events = calendar.components.iter().filter(|part| part.component_type == ICalendarComponentType::VEvent);
        let line = |entry: &calcard::icalendar::ICalendarEntry| {
            let value = entry.values.first();
            let text = value.and_then(|value| value.as_text().map(str::to_owned));
            let number =
                value.and_then(calcard::icalendar::ICalendarValue::as_integer).map(|number| number.to_string());
            let time = value
                .and_then(|value| value.as_partial_date_time())
                .and_then(calcard::common::PartialDateTime::to_rfc3339);
            (entry.name.as_str().to_owned(), text.or(number).or(time).unwrap_or_default())
        };
        events.map(|event| event.entries.iter().map(line).collect()).collect()
    }

    fn value<'a>(event: &'a [(String, String)], name: &str) -> &'a str {
        &event.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name} in {event:?}")).1
    }

    #[test]
    fn a_touch_is_an_event_with_its_own_uid_and_times() {
        let planned = entry("Quarterly review; with lunch, perhaps", "Ölwerke AG", &["Jo \\ Day", "Łukasz"]);
        let called_off = Entry {
            touch: touch::Model { status: TouchStatus::Canceled, kind: TouchKind::Call, ..entry("", "", &[]).touch },
            ..entry("", "Acme", &[])
        };
        let text = write(&ann("Ann"), &[planned.clone(), called_off]);
        let events = events(&text);
        assert_eq!(events.len(), 2);
        for (name, expected) in [
            ("UID", planned.touch.id.show().as_str()),
            ("SUMMARY", "Quarterly review; with lunch, perhaps (Ölwerke AG)"),
            ("DESCRIPTION", "Meeting: Jo \\ Day, Łukasz"),
            ("SEQUENCE", "2"),
            ("DTSTART", "2017-04-03T09:30:00Z"),
            ("DTEND", "2017-04-03T10:30:00Z"),
            ("DTSTAMP", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(value(&events[0], name), expected, "{name} in {text}");
        }
        assert_eq!(value(&events[0], "STATUS").to_uppercase(), "CONFIRMED");
        assert_eq!(value(&events[1], "STATUS").to_uppercase(), "CANCELLED");
        assert_eq!(value(&events[1], "SUMMARY"), "Call (Acme)");
        assert_eq!(value(&events[1], "DTEND"), "2017-04-03T09:45:00Z");
        assert!(text.contains("X-WR-TIMEZONE:Europe/Berlin\r\n"), "{text}");
    }

    #[test]
    fn a_calendar_without_touches_is_one() {
        let text = write(&ann("Ann"), &[]);
        let calendar = ICalendar::parse(&text).unwrap();
        assert!(calendar.components[0].has_property(&ICalendarProperty::Prodid), "{text}");
    }

    proptest! {
        #[test]
        fn any_names_are_read_again_as_they_are(subject in "\\PC{1,90}", account in "\\PC{0,60}", people in prop::collection::vec("\\PC{1,40}", 0..5), user in "[\\PC\\n\\t]{0,40}") {
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            let planned = entry(&subject, &account, &people);
            let text = write(&ann(&user), std::slice::from_ref(&planned));
            for line in text.split("\r\n") {
                prop_assert!(line.len() <= 76, "{line}");
                prop_assert!(!line.contains(['\r', '\n']), "{line}");
            }
            let events = events(&text);
            prop_assert_eq!(events.len(), 1);
            let expected = if account.is_empty() { subject } else { format!("{subject} ({account})") };
            // The reader trims lines' ends.
            prop_assert_eq!(value(&events[0], "SUMMARY").trim(), expected.trim());
            prop_assert_eq!(value(&events[0], "UID"), planned.touch.id.show());
        }
    }
}
