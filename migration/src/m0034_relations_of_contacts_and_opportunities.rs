//! Contacts have promises and planned relationships, and opportunities have touches in the order of their times.

crate::change! {
    up: [
        "create index promise_contact on promise (organization_id, contact_id, due_on, id) where contact_id is not null",
        "create index plan_relationship_of_contact on plan_relationship (organization_id, contact_id, id)",
        "drop index touch_opportunity",
        "create index touch_opportunity on touch (organization_id, opportunity_id, at, id) where opportunity_id is not null",
    ],
    down: [
        "drop index touch_opportunity",
        "create index touch_opportunity on touch (organization_id, opportunity_id)",
        "drop index plan_relationship_of_contact",
        "drop index promise_contact",
    ],
}
