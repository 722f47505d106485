//! Working hours: intervals by weekday and local time.

use async_graphql::InputObject;
use serde::{Deserialize, Serialize};

use crate::graphql::object;
use crate::write::validator::Validator;

/// The maximum number of intervals.
const MAX_INTERVALS: usize = 100;

/// An interval of working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingHours {
    /// The day of the week: 1 is Monday, 7 is Sunday.
    pub weekday: i32,
    /// The start, `HH:MM` from 00:00 to 23:59.
    pub from: String,
    /// The end, `HH:MM` up to 24:00.
    pub to: String,
}

object! {
    /// An interval of working time, in the user's time zone.
    WorkingHours as "WorkingHours" {
        /// The day of the week: 1 is Monday, 7 is Sunday.
        weekday: i32 = plain(|hours| hours.weekday);
        /// The start: `HH:MM` from 00:00 to 23:59.
        from: &str = plain(|hours| &hours.from);
        /// The end: `HH:MM` up to 24:00.
        to: &str = plain(|hours| &hours.to);
    }
}

/// An interval of working time, in the user's time zone.
#[derive(Clone, Debug, InputObject)]
pub struct WorkingHoursInput {
    /// The day of the week: 1 is Monday, 7 is Sunday.
    pub weekday: i32,
    /// The start: `HH:MM` from 00:00 to 23:59.
    pub from: String,
    /// The end: `HH:MM` after the start, up to 24:00.
    pub to: String,
}

/// Returns Monday to Friday from 09:00 to 17:00, in stored form.
#[must_use]
pub fn usual() -> String {
    stored(
        &(1..=5)
            .map(|weekday| WorkingHours { weekday, from: "09:00".to_owned(), to: "17:00".to_owned() })
            .collect::<Vec<_>>(),
    )
}

fn stored(hours: &[WorkingHours]) -> String {
    serde_json::to_string(hours).unwrap_or_else(|_| "[]".to_owned())
}

/// Returns the minute of the day of a time `HH:MM` from 00:00 to 24:00, and `None` for any other text.
#[must_use]
pub fn minute(time: &str) -> Option<i32> {
    let [tens, ones, b':', minute_tens, minute_ones] = time.as_bytes() else { return None };
    let digit = |digit: &u8| digit.is_ascii_digit().then(|| i32::from(digit - b'0'));
    let (hours, minutes) = (digit(tens)? * 10 + digit(ones)?, digit(minute_tens)? * 10 + digit(minute_ones)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}

impl Validator {
    /// Checks working hours and returns them in stored form, ordered by weekday and time.
    pub fn working_hours(&mut self, field: &str, given: &[WorkingHoursInput]) -> String {
        if given.len() > MAX_INTERVALS {
            self.invalid(field, format!("There can be at most {MAX_INTERVALS} intervals; {} were given.", given.len()));
            return String::new();
        }
        let mut intervals: Vec<(i32, i32, i32, usize)> = Vec::with_capacity(given.len());
        for (at, WorkingHoursInput { weekday, from, to }) in given.iter().enumerate() {
            let weekday = self.within(&format!("{field}.{at}.weekday"), *weekday, 1, 7);
            let start = minute(from).filter(|start| *start < 24 * 60);
            if start.is_none() {
                self.invalid(&format!("{field}.{at}.from"), "A start must be a time like 09:00, from 00:00 to 23:59.");
            }
            let end = minute(to);
            if end.is_none() {
                self.invalid(&format!("{field}.{at}.to"), "An end must be a time like 17:00, up to 24:00.");
            }
            let (Some(weekday), Some(start), Some(end)) = (weekday, start, end) else { continue };
            if end <= start {
                self.invalid(&format!("{field}.{at}.to"), format!("The end ({to}) must be after the start ({from})."));
            } else {
                intervals.push((weekday, start, end, at));
            }
        }
        intervals.sort_unstable();
        for pair in intervals.windows(2) {
            if let [(day, _, end, first), (next_day, start, _, second)] = pair
                && day == next_day
                && start < end
            {
                self.invalid(
                    &format!("{field}.{second}"),
                    format!("This interval overlaps with interval {first} of the list."),
                );
            }
        }
        let hours = intervals.into_iter().map(|(weekday, _, _, at)| WorkingHours {
            weekday,
            from: given[at].from.clone(),
            to: given[at].to.clone(),
        });
        stored(&hours.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(weekday: i32, from: &str, to: &str) -> WorkingHoursInput {
        WorkingHoursInput { weekday, from: from.to_owned(), to: to.to_owned() }
    }

    fn fields(given: &[WorkingHoursInput]) -> Vec<String> {
        let mut check = Validator::at(&[]);
        check.working_hours("hours", given);
        check.into_errors().into_iter().map(|error| error.field.join(".")).collect()
    }

    #[test]
    fn hours_are_stored_by_weekday_and_time() {
        let mut check = Validator::at(&[]);
        let stored = check.working_hours(
            "hours",
            &[hours(2, "13:00", "24:00"), hours(2, "00:00", "13:00"), hours(1, "09:00", "09:01")],
        );
        assert!(check.is_clean());
        let read: Vec<WorkingHours> = serde_json::from_str(&stored).unwrap();
        let read: Vec<String> =
            read.iter().map(|hours| format!("{} {} {}", hours.weekday, hours.from, hours.to)).collect();
        assert_eq!(read, ["1 09:00 09:01", "2 00:00 13:00", "2 13:00 24:00"]);
        assert_eq!(fields(&[]), [""; 0]);
    }

    #[test]
    fn an_invalid_time_is_reported_with_its_field() {
        assert_eq!(
            fields(&[hours(0, "09:00", "17:00"), hours(8, "09:00", "17:00")]),
            ["hours.0.weekday", "hours.1.weekday"]
        );
        for time in ["9:00", "24:01", "25:00", "12:60", "ab:cd", "", "09:00:00", "１９:00", "-1:00"] {
            assert_eq!(fields(&[hours(1, "00:00", time)]), ["hours.0.to"], "{time}");
        }
        assert_eq!(fields(&[hours(1, "24:00", "24:00")]), ["hours.0.from"]);
        assert_eq!(fields(&[hours(1, "17:00", "09:00"), hours(1, "09:00", "09:00")]), ["hours.0.to", "hours.1.to"]);
    }

    #[test]
    fn overlapping_hours_are_rejected() {
        assert_eq!(
            fields(&[hours(1, "12:00", "18:00"), hours(1, "09:00", "12:01"), hours(2, "09:00", "17:00")]),
            ["hours.0"]
        );
        assert_eq!(fields(&[hours(1, "09:00", "17:00"), hours(1, "09:00", "17:00")]), ["hours.1"]);
    }
}
