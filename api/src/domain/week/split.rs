//! Splits working time by how it is spent (docs/figures.md). The functions are pure.
//!
//! Everything is counted in whole minutes since 1970 in UTC, to which all ends are floored; so the parts of a day add up
//! to its working time exactly, in every time zone and over every change of the clock.

use chrono::{LocalResult, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use entity::{Day, Instant};

use crate::domain::user::hours::{WorkingHours, minute};
use crate::values::calendar;

/// A stretch of time: from a minute up to another, which is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// Its first minute.
    pub from: i64,
    /// The minute after its last.
    pub to: i64,
}

impl Stretch {
    /// The length in minutes.
    #[must_use]
    pub const fn minutes(self) -> i64 {
        self.to - self.from
    }
}

/// What working time is spent on. Where touches overlap, what comes later here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeUse {
    /// Accounts that are no targets.
    Other,
    /// Others at targets.
    Target,
    /// Decision makers, influencers and stakeholders of targets.
    KeyPeople,
}

/// A stretch of working time that is spent on one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimePart {
    /// When it is.
    pub stretch: Stretch,
    /// What it is spent on; None where it is blank.
    pub time_use: Option<TimeUse>,
}

/// A day's working time, and what of it is spent on what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// All of it, in minutes: the sum of the four below.
    pub working: i64,
    /// With key people of targets.
    pub key_people: i64,
    /// With others of targets.
    pub target: i64,
    /// With other accounts.
    pub other: i64,
    /// Minutes without a touch.
    pub blank: i64,
    /// The stretches that it consists of, in order: each as long as it can be.
    pub parts: Vec<TimePart>,
}

/// The minute that an instant is in.
#[must_use]
pub const fn minute_of(at: Instant) -> i64 {
    at.0.div_euclid(60_000_000)
}

/// The instant at which a minute begins.
#[must_use]
pub const fn instant_of(minute: i64) -> Instant {
    Instant(minute.saturating_mul(60_000_000))
}

/// Days of a week: seven, but at the end of the calendar.
#[must_use]
pub fn days_of(monday: Day) -> Vec<Day> {
    let mut days: Vec<Day> = (0..7).map(|number| monday.plus(number)).collect();
    days.dedup();
    days
}

/// Which of two instants a local time is that the clock shows twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twice {
    First,
    Second,
}

/// Minutes at which the end of a gap in the clock is looked for: Samoa left out a whole day.
const LONGEST_GAP: i64 = 2 * 24 * 60;

/// The instant of a local minute of a day. One that the clock leaves out is the end of the gap.
fn local(day: Day, minute: i32, zone: Tz, twice: Twice) -> Instant {
    if minute >= 24 * 60 {
        return calendar::end_of(day, zone);
    }
    let shown = day.date().and_time(NaiveTime::MIN) + TimeDelta::minutes(minute.into());
    for later in 0..=LONGEST_GAP {
        let Some(shown) = shown.checked_add_signed(TimeDelta::minutes(later)) else { break };
        match zone.from_local_datetime(&shown) {
            LocalResult::Single(at) => return Instant::from(at.to_utc()),
            LocalResult::Ambiguous(first, _) if twice == Twice::First || later > 0 => {
                return Instant::from(first.to_utc());
            }
            LocalResult::Ambiguous(_, second) => return Instant::from(second.to_utc()),
            LocalResult::None => {}
        }
    }
    calendar::end_of(day, zone)
}

/// A day's working time, by its weekday's hours. Stretches may touch or, where the clock goes back between two of them,
/// overlap: they count once.
#[must_use]
pub fn working_time(hours: &[WorkingHours], day: Day, zone: Tz) -> Vec<Stretch> {
    let weekday = i32::try_from(chrono::Datelike::weekday(&day.date()).number_from_monday()).unwrap_or_default();
    let (begins, ends) = (minute_of(calendar::start_of(day, zone)), minute_of(calendar::end_of(day, zone)));
    let stretch = |hours: &WorkingHours| {
        let from = minute_of(local(day, minute(&hours.from)?, zone, Twice::First)).clamp(begins, ends);
        let to = minute_of(local(day, minute(&hours.to)?, zone, Twice::Second)).clamp(begins, ends);
        (from < to).then_some(Stretch { from, to })
    };
    hours.iter().filter(|hours| hours.weekday == weekday).filter_map(stretch).collect()
}

/// Splits working time by what is going on in it.
#[must_use]
pub fn split(working: &[Stretch], busy: &[(Stretch, TimeUse)]) -> Split {
    // Of each kind, how many stretches begin and end where.
    let mut turns: Vec<(i64, usize, i32)> = Vec::with_capacity(2 * (working.len() + busy.len()));
    let mut turn = |stretch: &Stretch, kind: usize| {
        if stretch.from < stretch.to {
            turns.extend([(stretch.from, kind, 1), (stretch.to, kind, -1)]);
        }
    };
    for stretch in working {
        turn(stretch, 3);
    }
    for (stretch, part) in busy {
        turn(stretch, *part as usize);
    }
    turns.sort_unstable();
    let mut split = Split::default();
    let mut open = [0_i32; 4];
    let mut since = i64::MIN;
    for (at, kind, change) in turns {
        if open[3] > 0 && at > since {
            let here = Stretch { from: since, to: at };
            split.add(here, &open);
        }
        open[kind] += change;
        since = at;
    }
    split
}

impl Split {
    /// Adds a stretch of working time in which nothing begins or ends.
    fn add(&mut self, stretch: Stretch, open: &[i32; 4]) {
        let minutes = stretch.minutes();
        self.working += minutes;
        let time_use =
            [TimeUse::KeyPeople, TimeUse::Target, TimeUse::Other].into_iter().find(|one| open[*one as usize] > 0);
        *match time_use {
            Some(TimeUse::KeyPeople) => &mut self.key_people,
            Some(TimeUse::Target) => &mut self.target,
            Some(TimeUse::Other) => &mut self.other,
            None => &mut self.blank,
        } += minutes;
        match self.parts.last_mut() {
            Some(last) if last.stretch.to == stretch.from && last.time_use == time_use => last.stretch.to = stretch.to,
            _ => self.parts.push(TimePart { stretch, time_use }),
        }
    }

    /// Returns the longest stretches without a touch, in order.
    pub fn blanks(&self) -> impl Iterator<Item = Stretch> {
        self.parts.iter().filter(|part| part.time_use.is_none()).map(|part| part.stretch)
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    fn hours(weekday: i32, from: &str, to: &str) -> WorkingHours {
        WorkingHours { weekday, from: from.to_owned(), to: to.to_owned() }
    }

    fn day(text: &str) -> Day {
        crate::graphql::scalars::day(text).unwrap()
    }

    fn at(text: &str) -> i64 {
        minute_of(crate::graphql::scalars::instant(text).unwrap())
    }

    fn zone(name: &str) -> Tz {
        calendar::zone(name).unwrap()
    }

    /// The working time of one stretch of hours on a day, as instants.
    fn worked(name: &str, on: &str, from: &str, to: &str) -> Vec<(String, String)> {
        let weekday = chrono::Datelike::weekday(&day(on).date()).number_from_monday();
        let found = working_time(&[hours(i32::try_from(weekday).unwrap(), from, to)], day(on), zone(name));
        let text = |minute| instant_of(minute).to_string();
        found.into_iter().map(|stretch| (text(stretch.from), text(stretch.to))).collect()
    }

    fn one(from: &str, to: &str) -> Vec<(String, String)> {
        vec![(from.to_owned(), to.to_owned())]
    }

    #[test]
    fn working_hours_are_local() {
        assert_eq!(
            worked("Europe/Berlin", "2017-01-02", "09:00", "17:00"),
            one("2017-01-02T08:00:00Z", "2017-01-02T16:00:00Z")
        );
        assert_eq!(
            worked("Asia/Kathmandu", "2017-01-02", "09:00", "24:00"),
            one("2017-01-02T03:15:00Z", "2017-01-02T18:15:00Z")
        );
        assert!(working_time(&[hours(2, "09:00", "17:00")], day("2017-01-02"), Tz::UTC).is_empty());
    }

    #[test]
    fn what_the_clock_leaves_out_is_its_end() {
        // Clocks go from 02:00 to 03:00.
        let spring = |from, to| worked("Europe/Berlin", "2017-03-26", from, to);
        assert_eq!(spring("00:00", "24:00"), one("2017-03-25T23:00:00Z", "2017-03-26T22:00:00Z"));
        assert_eq!(spring("02:30", "04:00"), one("2017-03-26T01:00:00Z", "2017-03-26T02:00:00Z"));
        assert_eq!(spring("01:00", "02:30"), one("2017-03-26T00:00:00Z", "2017-03-26T01:00:00Z"));
        assert!(spring("02:10", "02:50").is_empty());
        // Midnight itself.
        assert_eq!(
            worked("America/Sao_Paulo", "2017-10-15", "00:00", "02:00"),
            one("2017-10-15T03:00:00Z", "2017-10-15T04:00:00Z")
        );
        // A whole day.
        assert!(worked("Pacific/Apia", "2011-12-30", "09:00", "17:00").is_empty());
    }

    #[test]
    fn what_the_clock_shows_twice_is_first_where_it_begins_and_second_where_it_ends() {
        // Clocks go from 03:00 to 02:00.
        let autumn = |from, to| worked("Europe/Berlin", "2017-10-29", from, to);
        assert_eq!(autumn("00:00", "24:00"), one("2017-10-28T22:00:00Z", "2017-10-29T23:00:00Z"));
        assert_eq!(autumn("02:00", "02:30"), one("2017-10-29T00:00:00Z", "2017-10-29T01:30:00Z"));
        assert_eq!(autumn("02:30", "04:00"), one("2017-10-29T00:30:00Z", "2017-10-29T03:00:00Z"));
        // Two stretches that meet in it overlap, and count once.
        let both = [hours(7, "01:00", "02:30"), hours(7, "02:30", "04:00")];
        let split = split(&working_time(&both, day("2017-10-29"), zone("Europe/Berlin")), &[]);
        assert_eq!((split.working, split.blanks().count(), split.parts.len()), (4 * 60, 1, 1));
        // Havana goes from 01:00 back to midnight: the day before ends where this one begins.
        let before = working_time(&[hours(6, "22:00", "24:00")], day("2017-11-04"), zone("America/Havana"));
        let after = working_time(&[hours(7, "00:00", "02:00")], day("2017-11-05"), zone("America/Havana"));
        assert_eq!((before[0].to, before[0].minutes(), after[0].minutes()), (after[0].from, 120, 180));
    }

    #[test]
    fn overlaps_count_once_for_the_higher() {
        let stretch = |from: &str, to: &str| Stretch {
            from: at(&format!("2017-01-02T{from}:00Z")),
            to: at(&format!("2017-01-02T{to}:00Z")),
        };
        let working = [stretch("09:00", "12:00"), stretch("13:00", "17:00")];
        let busy = [
            (stretch("08:30", "10:00"), TimeUse::Other),
            (stretch("09:30", "10:30"), TimeUse::KeyPeople),
            (stretch("09:45", "11:00"), TimeUse::Target),
            (stretch("16:00", "19:00"), TimeUse::Target),
            (stretch("12:00", "13:00"), TimeUse::KeyPeople),
        ];
        let split = split(&working, &busy);
        let part = |from: &str, to: &str, time_use| TimePart { stretch: stretch(from, to), time_use };
        let expected = Split {
            working: 420,
            key_people: 60,
            target: 90,
            other: 30,
            blank: 240,
            parts: vec![
                part("09:00", "09:30", Some(TimeUse::Other)),
                part("09:30", "10:30", Some(TimeUse::KeyPeople)),
                part("10:30", "11:00", Some(TimeUse::Target)),
                part("11:00", "12:00", None),
                part("13:00", "16:00", None),
                part("16:00", "17:00", Some(TimeUse::Target)),
            ],
        };
        assert_eq!(split, expected);
        assert_eq!(split.blanks().collect::<Vec<_>>(), [stretch("11:00", "12:00"), stretch("13:00", "16:00")]);
    }

    #[test]
    fn the_last_week_of_the_calendar_has_five_days() {
        assert_eq!(days_of(calendar::monday(Day::LAST)).len(), 5);
        assert_eq!(days_of(calendar::monday(Day::FIRST)).len(), 7);
        for day in [Day::FIRST, Day::LAST] {
            for zone in ["Pacific/Kiritimati", "Pacific/Niue", "UTC"] {
                let _ = working_time(&crate_hours(), day, calendar::zone(zone).unwrap());
            }
        }
    }

    /// All day, every day.
    fn crate_hours() -> Vec<WorkingHours> {
        (1..=7).map(|weekday| hours(weekday, "00:00", "24:00")).collect()
    }

    /// Any stretches, as a user may have set them: none overlaps another.
    fn any_hours() -> impl Strategy<Value = Vec<WorkingHours>> {
        let of_day = |weekday: i32| {
            prop::collection::btree_set(0_i32..=1440, 0..7).prop_map(move |marks| {
                let marks: Vec<i32> = marks.into_iter().collect();
                let text = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
                let stretch = |pair: &[i32]| hours(weekday, &text(pair[0]), &text(pair[1]));
                marks.chunks_exact(2).map(stretch).collect::<Vec<_>>()
            })
        };
        (1..=7).map(of_day).collect::<Vec<_>>().prop_map(|days| days.concat())
    }

    /// Any zone; days around which clocks change, and any other.
    fn any_week() -> impl Strategy<Value = (Tz, Day)> {
        let day = prop_oneof![
            (-20_000_i32..40_000).prop_map(Day),
            Just(day("2017-03-26")),
            Just(day("2017-10-29")),
            Just(day("2017-11-05")),
            Just(day("2011-12-30")),
            Just(Day::LAST),
        ];
        ((0..TZ_VARIANTS.len()).prop_map(|place| TZ_VARIANTS[place]), day.prop_map(calendar::monday))
    }

    /// Touches of a week: minutes from its start, how long, and for what they count.
    fn any_touches() -> impl Strategy<Value = Vec<(i64, i64, TimeUse)>> {
        let part = prop_oneof![Just(TimeUse::Other), Just(TimeUse::Target), Just(TimeUse::KeyPeople)];
        prop::collection::vec((-1_500_i64..10_200, 1_i64..=1_440, part), 0..40)
    }

    proptest! {
        #[test]
        fn the_parts_of_a_week_add_up((zone, monday) in any_week(), hours in any_hours(), touches in any_touches()) {
            let start = minute_of(calendar::start_of(monday, zone));
            let busy: Vec<(Stretch, TimeUse)> = touches
                .iter()
                .map(|(at, minutes, part)| (Stretch { from: start + at, to: start + at + minutes }, *part))
                .collect();
            let mut last_end = i64::MIN;
            for day in days_of(monday) {
                let working = working_time(&hours, day, zone);
                let split = split(&working, &busy);
                prop_assert_eq!(split.working, split.key_people + split.target + split.other + split.blank);
                prop_assert_eq!(split.blank, split.blanks().map(Stretch::minutes).sum::<i64>());
                let (begins, ends) = (minute_of(calendar::start_of(day, zone)), minute_of(calendar::end_of(day, zone)));
                prop_assert!(0 <= split.working && split.working <= ends - begins);
                for spot in split.blanks() {
                    // In order, apart from each other and from every touch, and within the day.
                    prop_assert!(last_end < spot.from && spot.from < spot.to && begins <= spot.from && spot.to <= ends);
                    prop_assert!(busy.iter().all(|(touch, _)| touch.to <= spot.from || spot.to <= touch.from));
                    last_end = spot.to;
                }
                // The blank stretches of two days may meet at midnight, and are two.
                last_end = last_end.min(ends - 1);
                // The parts are the working time, minute by minute, and each is as long as it can be.
                prop_assert_eq!(split.working, split.parts.iter().map(|part| part.stretch.minutes()).sum::<i64>());
                for part in &split.parts {
                    prop_assert!(part.stretch.from < part.stretch.to);
                }
                for pair in split.parts.windows(2) {
                    let (one, next) = (pair[0], pair[1]);
                    prop_assert!(one.stretch.to <= next.stretch.from);
                    prop_assert!(one.stretch.to < next.stretch.from || one.time_use != next.time_use);
                }
            }
        }

        #[test]
        fn minute_by_minute_it_is_the_same((zone, monday) in any_week(), hours in any_hours(), touches in any_touches()) {
            let start = minute_of(calendar::start_of(monday, zone));
            let busy: Vec<(Stretch, TimeUse)> = touches
                .iter()
                .map(|(at, minutes, part)| (Stretch { from: start + at, to: start + at + minutes }, *part))
                .collect();
            let working = working_time(&hours, monday, zone);
            let covers = |stretch: &Stretch, minute: i64| stretch.from <= minute && minute < stretch.to;
            let mut counted = [0_i64; 4];
            for minute in start..minute_of(calendar::end_of(monday, zone)) {
                if working.iter().any(|stretch| covers(stretch, minute)) {
                    let best = busy.iter().filter(|(touch, _)| covers(touch, minute)).map(|(_, part)| *part).max();
                    counted[best.map_or(3, |part| part as usize)] += 1;
                }
            }
            let split = split(&working, &busy);
            prop_assert_eq!(counted, [split.other, split.target, split.key_people, split.blank]);
        }

        #[test]
        fn where_no_clock_changes_a_day_has_the_hours_set(hours in any_hours(), number in 0_i32..20_000) {
            let monday = calendar::monday(Day(number));
            let minutes: i64 =
                days_of(monday).into_iter().flat_map(|day| working_time(&hours, day, Tz::UTC)).map(Stretch::minutes).sum();
            prop_assert_eq!(minutes, i64::from(crate::domain::targeting::target_list::capacity::working_minutes(&hours)));
        }
    }
}
