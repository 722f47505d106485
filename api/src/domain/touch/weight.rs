//! What a touch weighs in presence, how long it usually takes, and when it is missed. Pure.

use chrono_tz::Tz;
use entity::Instant;
use entity::touch::{self, TouchDirection, TouchKind, TouchStatus};

use crate::values::calendar;

/// Thousandths: what a touch weighs that nobody answered and nobody said to be of use.
pub const ONE_WAY: u32 = 150;
/// Thousandths: what a touch whose value was acknowledged weighs at least.
const ACKNOWLEDGED: u32 = 600;

/// Did the other side take part: responded, came to us, or met us?
#[must_use]
pub fn is_answered(touch: &touch::Model) -> bool {
    touch.responded
        || touch.direction == TouchDirection::Inbound
        || (touch.kind == TouchKind::Meeting && touch.status == TouchStatus::Completed)
}

/// Since when it is known that who took part answered; None where they did not.
#[must_use]
pub fn answer_known_at(touch: &touch::Model) -> Option<Instant> {
    (touch.status == TouchStatus::Completed && is_answered(touch)).then_some(touch.recorded_at)
}

/// Notes in a touch what follows from the rest of it: as it is written, for whatever is worked out from touches later.
pub fn weigh(touch: &mut touch::Model) {
    touch.weight = weight(touch).cast_signed();
    touch.answered = answer_known_at(touch).is_some();
    touch.minutes = touch.duration_minutes.unwrap_or_else(|| usual_minutes(touch.kind));
}

/// What a touch weighs in presence, in thousandths: 0 unless it was made, else 150 to 1,000.
#[must_use]
pub fn weight(touch: &touch::Model) -> u32 {
    if touch.status != TouchStatus::Completed {
        return 0;
    }
    let of_kind = match touch.kind {
        TouchKind::Meeting => 1000,
        TouchKind::Event => 500,
        TouchKind::Call if is_answered(touch) => 700,
        TouchKind::Email | TouchKind::Message | TouchKind::Mail | TouchKind::Other if is_answered(touch) => 400,
        TouchKind::Call | TouchKind::Email | TouchKind::Message | TouchKind::Mail | TouchKind::Other => ONE_WAY,
    };
    if touch.value_acknowledged { of_kind.max(ACKNOWLEDGED) } else { of_kind }
}

/// How long a touch takes of which that is not known, in minutes.
#[must_use]
pub const fn usual_minutes(kind: TouchKind) -> i32 {
    match kind {
        TouchKind::Meeting => 60,
        TouchKind::Event => 120,
        TouchKind::Call => 15,
        TouchKind::Email | TouchKind::Message | TouchKind::Mail | TouchKind::Other => 5,
    }
}

/// The instant from which on a scheduled touch is missed: the end of its user's local day.
#[must_use]
pub fn missed_at(at: Instant, zone: Tz) -> Instant {
    calendar::end_of(calendar::day_of(at, zone), zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::touch::write::tests::touch;

    fn made(kind: TouchKind) -> touch::Model {
        touch::Model { kind, status: TouchStatus::Completed, ..touch() }
    }

    #[test]
    fn touches_weigh_as_the_table_says() {
        use TouchKind::{Call, Email, Event, Mail, Meeting, Message, Other};
        for (kind, one_way, answered, acknowledged) in [
            (Meeting, 1000, 1000, 1000),
            (Call, 150, 700, 600),
            (Event, 500, 500, 600),
            (Email, 150, 400, 600),
            (Message, 150, 400, 600),
            (Mail, 150, 400, 600),
            (Other, 150, 400, 600),
        ] {
            assert_eq!(weight(&made(kind)), one_way, "{kind:?}");
            assert_eq!(weight(&touch::Model { responded: true, ..made(kind) }), answered, "{kind:?}, answered");
            assert_eq!(
                weight(&touch::Model { direction: TouchDirection::Inbound, ..made(kind) }),
                answered,
                "{kind:?}, inbound"
            );
            assert_eq!(
                weight(&touch::Model { value_acknowledged: true, ..made(kind) }),
                acknowledged,
                "{kind:?}, acknowledged"
            );
        }
        let best = touch::Model { responded: true, value_acknowledged: true, ..made(Call) };
        assert_eq!(weight(&best), 700);
    }

    #[test]
    fn what_was_not_made_weighs_nothing() {
        for status in [TouchStatus::Scheduled, TouchStatus::Canceled] {
            assert_eq!(weight(&touch::Model { status, responded: true, ..made(TouchKind::Meeting) }), 0);
        }
        assert!(!is_answered(&touch::Model { status: TouchStatus::Scheduled, ..made(TouchKind::Meeting) }));
        assert!(is_answered(&made(TouchKind::Meeting)));
        let meeting = made(TouchKind::Meeting);
        assert_eq!(answer_known_at(&meeting), Some(meeting.recorded_at));
        assert_eq!(answer_known_at(&touch::Model { status: TouchStatus::Scheduled, responded: true, ..meeting }), None);
        assert_eq!(answer_known_at(&made(TouchKind::Call)), None);
    }

    #[test]
    fn a_touch_is_missed_when_its_local_day_is_over() {
        let at = |text| crate::graphql::scalars::instant(text).unwrap();
        let berlin = calendar::zone("Europe/Berlin").unwrap();
        assert_eq!(missed_at(at("2017-04-03T09:30:00Z"), berlin), at("2017-04-03T22:00:00Z"));
        assert_eq!(missed_at(at("2017-04-03T22:00:00Z"), berlin), at("2017-04-04T22:00:00Z"));
        assert_eq!(missed_at(at("2017-03-26T00:30:00Z"), berlin), at("2017-03-26T22:00:00Z"));
        let _ = missed_at(Instant(i64::MAX), berlin);
        let _ = missed_at(Instant(i64::MIN), berlin);
    }
}
