//! Since when it is known of who took part in a touch that they answered.
//!
//! Whom we know at thousands of accounts is told from what people answered within a year. With it beside who took part, one
//! index tells it, and the touches themselves are not looked at.

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
