//! The weight of a touch in presence, its default length, and when it is missed. Pure.

use chrono_tz::Tz;
use entity::Instant;
use entity::touch::{self, TouchDirection, TouchKind, TouchStatus};

use crate::values::calendar;

/// The weight, in thousandths, of a touch that was neither answered nor acknowledged.
pub const ONE_WAY: u32 = 150;
/// The least weight, in thousandths, of a touch whose value was acknowledged.
const ACKNOWLEDGED: u32 = 600;

/// Whether the client took part: responded, started it, or met us.
#[must_use]
pub fn is_answered(touch: &touch::Model) -> bool {
    touch.responded
        || touch.direction == TouchDirection::Inbound
        || (touch.kind == TouchKind::Meeting && touch.status == TouchStatus::Completed)
}

/// Returns the instant since which it is known that the people of a touch answered; `None` where they did not.
#[must_use]
pub fn answer_known_at(touch: &touch::Model) -> Option<Instant> {
    (touch.status == TouchStatus::Completed && is_answered(touch)).then_some(touch.known_at)
}

/// Sets what follows from the rest of a touch, whenever it is written.
pub fn weigh(touch: &mut touch::Model) {
    touch.weight = weight(touch).cast_signed();
    touch.answered = answer_known_at(touch).is_some();
    touch.minutes = touch.duration_minutes.unwrap_or_else(|| usual_minutes(touch.kind));
    touch.shape = shape(touch.kind, touch.weight, touch.minutes);
}

/// The upper bounds of the lengths, in minutes, that a shape distinguishes.
pub const LENGTHS: [i32; 16] = [5, 10, 15, 20, 30, 45, 60, 75, 90, 120, 150, 180, 240, 360, 720, 1_440];

/// Returns the kind, the weight and an upper bound of the length packed into eleven bits: kind in the lowest three, the place of
/// the bound in [`LENGTHS`] in four, hundreds of the weight's thousandths in the rest.
#[must_use]
pub fn shape(kind: TouchKind, weight: i32, minutes: i32) -> i32 {
    let length = LENGTHS.partition_point(|bound| *bound < minutes).min(LENGTHS.len() - 1);
    weight / 100 * 128 + i32::try_from(length).unwrap_or_default() * 8 + kind as i32
}

/// Returns the weight of a touch in presence, in thousandths: 0 unless it is completed, else 150 to 1,000.
#[must_use]
pub fn weight(touch: &touch::Model) -> u32 {
    if touch.status != TouchStatus::Completed {
        return 0;
    }
    let of_kind = match touch.kind {
        TouchKind::Meeting => 1000,
        TouchKind::Event if is_answered(touch) => 500,
        TouchKind::Call if is_answered(touch) => 700,
        TouchKind::Email | TouchKind::Message | TouchKind::Mail | TouchKind::Other if is_answered(touch) => 400,
        _ => ONE_WAY,
    };
    if touch.value_acknowledged { of_kind.max(ACKNOWLEDGED) } else { of_kind }
}

/// Returns the default length of a kind, in minutes.
#[must_use]
pub const fn usual_minutes(kind: TouchKind) -> i32 {
    match kind {
        TouchKind::Meeting => 60,
        TouchKind::Event => 120,
        TouchKind::Call => 15,
        TouchKind::Email | TouchKind::Message | TouchKind::Mail | TouchKind::Other => 5,
    }
}

/// Returns the instant from which on a scheduled touch is missed: the end of its user's local day.
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
            (Event, 150, 500, 600),
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
    fn a_shape_has_kind_weight_and_length() {
        assert_eq!(shape(TouchKind::Call, 150, 5), 128);
        assert_eq!(shape(TouchKind::Meeting, 1000, 60), 1280 + 6 * 8 + 2);
        assert_eq!(shape(TouchKind::Other, 400, 1_440), 512 + 15 * 8 + 6);
        assert_eq!((shape(TouchKind::Call, 0, 61), shape(TouchKind::Call, 0, 75)), (56, 56));
        assert!(shape(TouchKind::Other, 1000, 1_440) < 1 << 11);
    }

    #[test]
    fn what_was_not_made_weighs_nothing() {
        for status in [TouchStatus::Scheduled, TouchStatus::Canceled] {
            assert_eq!(weight(&touch::Model { status, responded: true, ..made(TouchKind::Meeting) }), 0);
        }
        assert!(!is_answered(&touch::Model { status: TouchStatus::Scheduled, ..made(TouchKind::Meeting) }));
        assert!(is_answered(&made(TouchKind::Meeting)));
        let meeting = made(TouchKind::Meeting);
        assert_eq!(answer_known_at(&meeting), Some(meeting.known_at));
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
