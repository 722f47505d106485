//! When a commitment was last asked for on an opportunity, told from an index that has only the touches in which one was.

crate::change! {
    up: [
        "create index touch_asked on touch (organization_id, opportunity_id, at)
            where commitment_asked is not null and status = 'COMPLETED'",
    ],
    down: ["drop index touch_asked"],
}
