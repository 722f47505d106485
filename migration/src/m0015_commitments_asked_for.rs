//! A partial index on the touches that asked for a commitment, for finding the last such touch of an opportunity.

crate::change! {
    up: [
        "create index touch_asked on touch (organization_id, opportunity_id, at)
            where commitment_asked is not null and status = 'COMPLETED'",
    ],
    down: ["drop index touch_asked"],
}
