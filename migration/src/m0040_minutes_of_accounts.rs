//! The index on the touches of an account has their minutes, so that the minutes with all targets are summed from it.

use crate::m0020_what_was_known_then as before;

crate::change! {
    up: [
        "drop index touch_account",
        "create index touch_account on touch
            (organization_id, account_id, at, id, weight, known_at, value, value_acknowledged, shape, minutes)",
    ],
    down: [
        "drop index touch_account",
        before::ACCOUNT_INDEX,
    ],
}
