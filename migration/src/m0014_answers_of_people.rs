//! The time since which a participant's answer to a touch has been known.
//!
//! The contacts that we know at an account are those who answered within a year. With the time next to the participant, one
//! index answers this for thousands of accounts, without reading the touches.

crate::change! {
    up: [
        "alter table touch_contact add column answer_known_at {long}",
        "update touch_contact set answer_known_at = (
            select touch.recorded_at from touch where touch.id = touch_contact.touch_id and touch.answered
        )",
        "drop index touch_contact_at",
        "create index touch_contact_at on touch_contact (organization_id, contact_id, at, touch_id, answer_known_at)",
    ],
    down: [
        "drop index touch_contact_at",
        "create index touch_contact_at on touch_contact (organization_id, contact_id, at, touch_id)",
        "alter table touch_contact drop column answer_known_at",
    ],
}
